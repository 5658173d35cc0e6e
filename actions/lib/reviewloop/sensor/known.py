"""Which state of each change was looked at last, so that only what has moved is read again."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from sys import intern
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.gerrit.parse import Row
from reviewloop.sensor.found import ChangeKey

#: When a closed change that had to be kept is looked at again.
_LATER = timedelta(hours=1)


class Seen(NamedTuple):
    """A change as the last look found it; ``stamp`` moves with all that happens to it."""

    stamp: str
    updated: datetime
    is_open: bool


class Known:
    """The changes as the last look at each found them.

    Open ones are kept although nothing on them is watched (work in progress, exempt by a vote):
    each daily look would take them for new otherwise.
    """

    def __init__(self) -> None:
        self._seen: Dict[ChangeKey, Seen] = {}
        # Closed changes by the time of their last update: what to forget next.
        self._closed: List[Tuple[datetime, ChangeKey]] = []
        self.newest: Optional[datetime] = None

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._seen

    def __iter__(self) -> Iterator[ChangeKey]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def items(self) -> Iterable[Tuple[ChangeKey, Seen]]:
        """Every change as it was found."""
        return self._seen.items()

    def updated(self, key: ChangeKey) -> Optional[datetime]:
        """When a change was last touched, as the last look found it."""
        seen = self._seen.get(key)
        return None if seen is None else seen.updated

    def has_moved(self, row: Row) -> bool:
        """Whether something happened to a change since it was looked at."""
        seen = self._seen.get(row_key(row))
        return seen is None or seen.stamp != stamp_of(row)

    def is_unmoved(self, change: Change) -> bool:
        """Whether surely nothing was written on a change since it was looked at: two instants of
        one second are alike, so a time does not tell.
        """
        seen = self._seen.get(ChangeKey.of(change))
        return seen is not None and bool(change.meta_rev_id) and seen.stamp == change.meta_rev_id

    def note_row(self, row: Row) -> None:
        """Remember a change as the index has it."""
        self._note(row_key(row), Seen(stamp_of(row), row.updated, not row.status.is_closed))

    def note(self, change: Change) -> None:
        """Remember a change as it was read."""
        stamp = _stamp(change.meta_rev_id, change.updated)
        seen = Seen(stamp, change.updated, not change.status.is_closed)
        self._note(ChangeKey.of(change), seen)

    def _note(self, key: ChangeKey, seen: Seen) -> None:
        self._seen[key] = seen
        self.newest = seen.updated if self.newest is None else max(self.newest, seen.updated)
        if not seen.is_open:
            heapq.heappush(self._closed, (seen.updated, key))

    def forget(self, key: ChangeKey) -> None:
        """Take a change for new if it is ever met again."""
        self._seen.pop(key, None)

    def prune(self, since: datetime, is_kept: Callable[[ChangeKey], bool]) -> None:
        """Forget closed changes that no delta reaches any more, but for those that are kept."""
        later: List[ChangeKey] = []
        while self._closed and self._closed[0][0] < since:
            _, key = heapq.heappop(self._closed)
            seen = self._seen.get(key)
            if seen is None or seen.is_open or seen.updated >= since:
                continue
            if is_kept(key):
                later.append(key)
            else:
                del self._seen[key]
        for key in later:
            heapq.heappush(self._closed, (since + _LATER, key))

    def prune_all(self, since: datetime, is_kept: Callable[[ChangeKey], bool]) -> None:
        """Forget every change that no delta reaches any more, but for those that are kept."""
        self._seen = {
            key: one for key, one in self._seen.items() if one.updated >= since or is_kept(key)
        }


def row_key(row: Row) -> ChangeKey:
    """The change that a row is about."""
    return ChangeKey(row.number, intern(row.project))


def stamp_of(row: Row) -> str:
    """What moves with all that happens to a change."""
    return _stamp(row.meta_rev_id, row.updated)


def _stamp(meta_rev_id: str, updated: datetime) -> str:
    """What moves with all that happens to a change; servers before 3.4 have only the time."""
    return meta_rev_id or updated.isoformat()
