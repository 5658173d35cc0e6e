"""A datastore for tests of everything that keeps something in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List

from sandbox.standin.datastore import Datastore, DatastoreService

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
