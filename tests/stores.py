"""A datastore for tests of everything that keeps something in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List

from sandbox.standin.datastore import Datastore, DatastoreService

from reviewloop.store.lease import Clock

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


class Shelf:
    """StackStorm's datastore in memory: ``service`` is what an action or sensor is given."""

    def __init__(self) -> None:
        self.now = NOON
        self.store = Datastore(lambda: self.now)
        self.service = DatastoreService(self.store, "gerrit", "Test", lambda _moment: None)

    def advance(self, **amount: float) -> None:
        """Let time pass, in ``timedelta``'s words."""
        self.now += timedelta(**amount)

    def names(self) -> List[str]:
        """The names of all values that last."""
        return [item.name for item in self.store.items()]


class ShelfClock(Clock):
    """The shelf's clock, ahead of it by some seconds; waiting lets time pass."""

    def __init__(self, shelf: Shelf, ahead: float = 0) -> None:
        self._shelf = shelf
        self._ahead = ahead

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._shelf.now.timestamp() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._shelf.advance(seconds=seconds)
