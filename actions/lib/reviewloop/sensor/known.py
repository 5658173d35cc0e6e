"""Which state of each change was looked at last, so that only what has moved is read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Dict, Iterator

from reviewloop.core.change import Change
from reviewloop.gerrit.parse import Row
from reviewloop.sensor.found import ChangeKey


@dataclass(frozen=True)
class _Seen:
    stamp: str
    updated: datetime
    is_open: bool


class Known:
    """The changes as the last look at each found them.

    Open ones are kept although nothing on them is watched (work in progress, exempt by a vote):
    each daily look would take them for new otherwise.
    """

    def __init__(self) -> None:
        self._seen: Dict[ChangeKey, _Seen] = {}

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._seen

    def __iter__(self) -> Iterator[ChangeKey]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def has_moved(self, row: Row) -> bool:
        """Whether something happened to a change since it was looked at."""
        seen = self._seen.get(row_key(row))
        return seen is None or seen.stamp != _stamp(row.meta_rev_id, row.updated)

    def note_row(self, row: Row) -> None:
        """Remember a change as the index has it."""
        stamp = _stamp(row.meta_rev_id, row.updated)
        self._seen[row_key(row)] = _Seen(stamp, row.updated, not row.status.is_closed)

    def note(self, change: Change) -> None:
        """Remember a change as it was read."""
        stamp = _stamp(change.meta_rev_id, change.updated)
        self._seen[ChangeKey.of(change)] = _Seen(stamp, change.updated, not change.status.is_closed)

    def forget(self, key: ChangeKey) -> None:
        """Take a change for new if it is ever met again."""
        self._seen.pop(key, None)

    def prune(self, since: datetime, is_kept: Callable[[ChangeKey], bool]) -> None:
        """Forget closed changes that no delta reaches any more, but for those that are kept."""
        self._keep(lambda key, one: one.is_open or one.updated >= since or is_kept(key))

    def prune_all(self, since: datetime, is_kept: Callable[[ChangeKey], bool]) -> None:
        """Forget every change that no delta reaches any more, but for those that are kept."""
        self._keep(lambda key, one: one.updated >= since or is_kept(key))

    def _keep(self, wanted: Callable[[ChangeKey, _Seen], bool]) -> None:
        self._seen = {key: one for key, one in self._seen.items() if wanted(key, one)}


def row_key(row: Row) -> ChangeKey:
    """The change that a row is about."""
    return ChangeKey(row.number, row.project)


def _stamp(meta_rev_id: str, updated: datetime) -> str:
    """What moves with all that happens to a change; servers before 3.4 have only the time."""
    return meta_rev_id or updated.isoformat()
