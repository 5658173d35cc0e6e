"""A datastore for tests of everything that keeps something in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Dict, List, Optional

from sandbox.standin.datastore import Datastore, DatastoreService

from reviewloop.store.datastore import Readable
from reviewloop.store.lease import Clock
from reviewloop.store.tickets import Records, TicketRecord

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


class MemoryRecords(Records):
    """Records that last as long as this object; each goes through its JSON form, as in the
    datastore.
    """

    def __init__(self) -> None:
        self._texts: Dict[str, str] = {}

    def get(self, key: str) -> Optional[TicketRecord]:
        """The record of a key, or None."""
        text = self._texts.get(key)
        return None if text is None else TicketRecord.from_json(text)

    def put(self, record: TicketRecord) -> None:
        """Keep a record."""
        self._texts[record.key] = record.to_json()

    def readable(self) -> Readable[TicketRecord]:
        """Every record."""
        texts = (self._texts[key] for key in sorted(self._texts))
        return Readable(tuple(TicketRecord.from_json(text) for text in texts))
