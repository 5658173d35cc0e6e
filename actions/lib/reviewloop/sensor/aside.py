"""Changes that could not be read, or not be reported: which, why, and when to try them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Dict, List, Mapping, Optional, Sequence, Set

from reviewloop.errors import ReviewLoopError
from reviewloop.sensor.found import ChangeKey, Failed

#: The first retry comes with the next poll; then the gaps double up to this.
_FIRST, _LONGEST = timedelta(minutes=4), timedelta(hours=1)
#: So many are named in a report, and remembered across a restart.
_NAMED, KEPT = 10, 200


class PartialError(ReviewLoopError):
    """Some changes could not be understood; the others were."""

    kind = "partial"


@dataclass
class _Entry:
    why: str
    since: datetime
    gap: timedelta
    retry_at: datetime


class Aside:
    """What is set aside; everything else goes on."""

    def __init__(self) -> None:
        self._entries: Dict[ChangeKey, _Entry] = {}
        self._odd: Dict[ChangeKey, str] = {}
        #: Names of datastore values that make no sense.
        self.unreadable: Sequence[str] = ()
        # Rows of this poll of which not even the number is known.
        self._nameless: List[str] = []

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._entries

    def begin(self) -> None:
        """A poll begins."""
        self._nameless = []

    def put(self, failed: Failed, now: datetime, through: datetime) -> bool:
        """Set a change aside; whether it was not before.

        :param through: its events up to here have been dispatched.
        """
        why = _told(failed.why)
        if failed.key is None:
            self._nameless.append(why)
            return True
        entry = self._entries.get(failed.key)
        gap = _FIRST if entry is None else min(2 * entry.gap, _LONGEST)
        since = through if entry is None else entry.since
        self._entries[failed.key] = _Entry(why, since, gap, now + gap)
        self._odd.pop(failed.key, None)
        return entry is None

    def note(self, key: ChangeKey, oddity: str) -> None:
        """Report a change that was read and is odd all the same."""
        self.drop(key)
        if oddity:
            self._odd[key] = oddity

    def drop(self, key: ChangeKey) -> None:
        """The change was read, or is gone."""
        self._entries.pop(key, None)
        self._odd.pop(key, None)

    def due(self, now: datetime) -> Set[ChangeKey]:
        """What to try again."""
        return {key for key, entry in self._entries.items() if entry.retry_at <= now}

    def through(self) -> Mapping[int, datetime]:
        """For each number, up to when its events have been dispatched; the oldest ``KEPT``."""
        found: Dict[int, datetime] = {}
        for key, entry in sorted(self._entries.items(), key=lambda one: one[1].since)[:KEPT]:
            found.setdefault(key.number, entry.since)
        return found

    def trouble(self) -> Optional[PartialError]:
        """What to report, None if nothing is set aside."""
        named = {key: entry.why for key, entry in self._entries.items()}
        named.update(self._odd)
        reasons = [f"change {key.number}: {named[key]}" for key in sorted(named)[:_NAMED]]
        reasons += [f"the datastore value {name} is no record" for name in self.unreadable[:_NAMED]]
        reasons += self._nameless[:_NAMED]
        if not reasons:
            return None
        numbers = ", ".join(str(key.number) for key in sorted(named)[:_NAMED]) or "without a number"
        more = len(named) + len(self.unreadable) + len(self._nameless) - len(reasons)
        rest = f"; and {more} more." if more else "."
        return PartialError(
            f"Not all changes could be read: {'; '.join(reasons)}{rest}",
            f"All others are watched, and these are tried again: {numbers}."
            " Report it with the server's version if it lasts.",
        )


def _told(error: Exception) -> str:
    """The reason without the change's number, which stands before it."""
    if isinstance(error, ReviewLoopError):
        return error.message.rstrip(".")
    return f"{type(error).__name__}, a defect of this pack"
