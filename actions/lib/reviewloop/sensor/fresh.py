"""Looks once more at the changes of which something is to be dispatched, just before.

A wait follows from a change's history, and from what else Gerrit says of the change now. The
history is not read again where it cannot be another one: ``meta_rev_id`` is the commit that holds
it, so while that is the same nothing was written on the change. The rest (votes that stand,
submit requirements, whether the change is private or to be seen at all) is asked for, and compared.
It depends on more than the change: on the labels of its project, on a parent, on code owners.

Both come from one search, so a change that was touched while the index lags is told of as it was.
That is no worse than one that is touched just after the trigger has left: what moved shows in a
later delta, and every action reads the change itself before it writes.
"""

from __future__ import annotations

from typing import Set

from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.known import Known
from reviewloop.sensor.reader import Reader
from reviewloop.sensor.watch import Watch


class Fresh:
    """Brings changes up to date within one poll.

    :param read: the changes that the poll has read, which need no other look; grows.
    """

    def __init__(
        self, reader: Reader, watch: Watch, known: Known, intake: Intake, read: Set[ChangeKey]
    ) -> None:
        self._reader = reader
        self._watch = watch
        self._known = known
        self._intake = intake
        self._read = read

    def __call__(self, keys: Set[ChangeKey]) -> bool:
        """Look at changes unless this poll has; whether something else may be due of one now."""
        stale = keys - self._read
        self._read |= stale
        moved = stale - self._unmoved(stale)
        self._intake.take(self._reader.changes(moved, whole=True))
        return bool(moved)

    def _unmoved(self, keys: Set[ChangeKey]) -> Set[ChangeKey]:
        """Those that are as they were known, which are told of by what was answered now."""
        found = set()
        for change in self._reader.standing(filter(self._watch.is_proven, keys)):
            key = ChangeKey.of(change)
            if key in keys and self._known.is_unmoved(change) and self._watch.renew(key, change):
                found.add(key)
        return found
