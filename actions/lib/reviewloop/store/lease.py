"""One at a time, across processes and hosts: a lease that ends by itself.

StackStorm's datastore cannot compare and swap; single values are read and written whole, and a
listing shows every write. That is enough for Lamport's bakery (CACM 17:8, 1974): everybody who
wants the lease draws a number above all that they see, and the lowest is served. Whoever dies is
passed over once their entry's time is up, so nothing waits for a dead process.

Who sees nobody else while they choose is served at once, and keeps the 0 of those who choose. For
whoever comes later writes an entry first and lists then, so they find that 0, and wait as they do
for anybody who may still draw a number below theirs.

An entry's ``until`` is by its writer's clock. Others wait for :data:`GRACE` more, so clocks of
StackStorm's hosts may differ by that much.
"""

from __future__ import annotations

import json
import math
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from reviewloop.errors import DatastoreError, TemporaryError
from reviewloop.store.datastore import Datastore, drop_value, read_values, write_value

PREFIX = "gerrit.lease."
VERSION = 1
LENGTH = 90.0
"""Seconds a lease may be held. A dead holder's is free after ``LENGTH + GRACE``."""
GRACE = 30.0
LEAST = 60.0
"""Seconds that are left of a lease when it is given, at least."""
_TTL = int(LENGTH + GRACE + 60)
_PAUSE, _LONGEST_PAUSE = 0.15, 2.0
"""Seconds between two looks: for each place ahead and one's own, and at most."""
_CHOOSING = 0


class Clock:
    """The local clock, in seconds since the epoch, and waiting."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Entry:
    """A place in the queue; ``number`` is 0 while it is being chosen, or where nobody else was."""

    holder: str
    number: int
    until: float

    @property
    def rank(self) -> Tuple[int, str]:
        """The lowest is served; two that drew the same number go by name."""
        return self.number, self.holder

    def to_json(self) -> str:
        """The entry as JSON; its name bears the holder."""
        return json.dumps({"version": VERSION, "number": self.number, "until": self.until})

    @classmethod
    def from_json(cls, text: str, holder: str) -> Optional[Entry]:
        """Read what :meth:`to_json` wrote; None where it is something else."""
        try:
            told = json.loads(text)
            if told["version"] == VERSION:
                return cls(holder, int(told["number"]), float(told["until"]))
        except (ValueError, KeyError, TypeError):
            pass
        return None


class Lease:
    """A lease that is held."""

    def __init__(self, name: str, until: float, now: Callable[[], float]) -> None:
        self.name = name
        self.until = until
        self._now = now

    @property
    def left(self) -> float:
        """Seconds for which it surely lasts."""
        return self.until - self._now()

    def check(self) -> None:
        """Ask this before a write.

        :raises TemporaryError: it took too long; somebody else may hold the lease by now.
        """
        if self.left <= 0:
            raise TemporaryError(
                f"The lease {self.name} ran out before the work was done.",
                "Run it again: it goes on from what is done.",
            )


class Leases:
    """Leases of one process.

    :param patience: seconds to wait for a lease, at most.
    :param holder: this process' own name among all that use the datastore.
    """

    def __init__(
        self,
        datastore: Datastore,
        clock: Optional[Clock] = None,
        *,
        patience: float = 120.0,
        holder: str = "",
    ) -> None:
        self._datastore = datastore
        self._clock = clock or Clock()
        self._patience = patience
        self._holder = holder or os.urandom(8).hex()
        self._held: Dict[str, Lease] = {}
        self._places = count(1)

    @contextmanager
    def hold(self, name: str) -> Iterator[Lease]:
        """Hold a lease, whose name is in ``[a-z0-9-]``; who holds it already goes on holding it.

        :raises TemporaryError: others held it all the while.
        :raises DatastoreError: the datastore cannot be read or written just now.
        """
        if name in self._held:
            yield self._held[name]
            return
        # A new place each time: a write of an earlier one that arrives late must not touch it.
        holder = f"{self._holder}-{next(self._places)}"
        place = _Place(self._datastore, self._clock, f"{PREFIX}{name}.", holder)
        try:
            self._held[name] = self._acquired(name, place)
            yield self._held[name]
        finally:
            self._held.pop(name, None)
            # What cannot be given back ends by itself; the work is done all the same.
            with suppress(DatastoreError):
                place.leave()

    def _acquired(self, name: str, place: _Place) -> Lease:
        waited = 0.0
        while not place.is_served():
            if waited >= self._patience:
                break
            # Who is next looks often; who is not, seldom; and all the less the longer it lasts.
            pause = min(_LONGEST_PAUSE, _PAUSE * (1 + place.ahead) * (1 + waited / 10))
            self._clock.sleep(pause)
            waited += pause
        else:
            return Lease(name, place.until, self._clock.now)
        raise TemporaryError(
            f"The lease {name} was taken for {waited:.0f} seconds.",
            "Others are at work; run it again. A process that died gives it back after"
            f" {LENGTH + GRACE:.0f} seconds.",
        )


class _Place:
    """One place in one queue, drawn anew whenever others may have passed it over."""

    def __init__(self, datastore: Datastore, clock: Clock, prefix: str, holder: str) -> None:
        self._datastore = datastore
        self._clock = clock
        self._prefix = prefix
        self._holder = holder
        self._entry: Optional[Entry] = None
        self.ahead = 0

    @property
    def until(self) -> float:
        """When the place ends, by the local clock."""
        return 0.0 if self._entry is None else self._entry.until

    def is_served(self) -> bool:
        """Whether it is this place's turn, for :data:`LEAST` seconds about."""
        if self._entry is None:
            choosing, seen = self._written(_CHOOSING), self._seen()
            # A write that was lost hides us from the others while we choose.
            if choosing is None or choosing not in seen:
                return False
            if self._is_alone(choosing, seen):
                self._entry = choosing
                return True
            number = 1 + max(one.number for one in seen)
            self._entry = self._written(number, choosing.until)
        else:
            self._entry = self._fresh(self._entry)
        if self._entry is None:
            return False
        seen = self._seen()
        if self._entry not in seen:
            # Its write was lost: others may have drawn the same number, and been served.
            self._entry = None
            return False
        return self._is_first(self._entry, seen)

    def leave(self) -> None:
        """Give the place up. :raises DatastoreError: it may still be there."""
        drop_value(self._datastore, self._prefix + self._holder)

    def _is_alone(self, entry: Entry, seen: Sequence[Entry]) -> bool:
        """Whether nobody holds the lease or has begun to want it."""
        now = self._clock.now()
        return now < entry.until and not self._others(seen, now)

    def _is_first(self, entry: Entry, seen: Sequence[Entry]) -> bool:
        """Whether everybody else who may hold the lease, or draw a lower number, is gone."""
        now = self._clock.now()
        # Who is still choosing has the number 0, and may draw ours or a lower one.
        self.ahead = sum(one.rank < entry.rank for one in self._others(seen, now))
        return now < entry.until and self.ahead == 0

    def _others(self, seen: Sequence[Entry], now: float) -> List[Entry]:
        return [one for one in seen if one.holder != self._holder and now < one.until + GRACE]

    def _fresh(self, entry: Entry) -> Optional[Entry]:
        if entry.until - self._clock.now() >= LEAST:
            return entry
        return self._written(entry.number, entry.until)

    def _written(self, number: int, before: float = math.inf) -> Optional[Entry]:
        """Write our entry; None if it came too late.

        :param before: until when others heed the entry that it replaces.
        """
        entry = Entry(self._holder, number, self._clock.now() + LENGTH)
        name = self._prefix + self._holder
        write_value(self._datastore, name, entry.to_json(), _TTL)
        return entry if self._clock.now() < before else None

    def _seen(self) -> List[Entry]:
        found = read_values(self._datastore, self._prefix).items()
        entries = (Entry.from_json(text, name.split(self._prefix, 1)[1]) for name, text in found)
        return [one for one in entries if one is not None]
