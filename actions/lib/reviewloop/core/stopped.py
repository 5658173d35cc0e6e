"""When the stopwatches of a change stand still, as one command comes after the other.

The latest word counts: a pause replaces the one before it, ``/unsnooze`` ends it. How long a wait
has been snoozed is known at each command, so that many short snoozes are no longer than the longest
one may be.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Dict, List, Optional, Sequence, Tuple

from reviewloop.core.spans import Span
from reviewloop.core.turns import Party
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar


class Stopped:
    """The spans so far; each step costs the same, however many there are.

    :param waits: in the order they began; those of one party are apart.
    """

    def __init__(self, waits: Sequence[Wait], calendar: Calendar) -> None:
        self._calendar = calendar
        self._waits: Dict[Party, List[Wait]] = {}
        for wait in waits:
            self._waits.setdefault(wait.party, []).append(wait)
        self._begun = {p: [one.since for one in waits] for p, waits in self._waits.items()}
        self._starts: List[datetime] = []
        self._ends: List[datetime] = []
        # Working seconds snoozed before each span, and whether it is a snooze itself.
        self._before: List[int] = []
        self._is_snooze: List[bool] = []

    @property
    def spans(self) -> Tuple[Span, ...]:
        """In order and apart, whatever the dates of the messages are."""
        return tuple(map(Span, self._starts, self._ends))

    def take(self, at: datetime, until: Optional[datetime], is_snooze: bool) -> None:
        """A command: a pause until then, or the end of one."""
        at = max(at, self._starts[-1]) if self._starts else at
        if self._starts and self._ends[-1] > at:
            self._ends[-1] = at
            if self._starts[-1] == at:
                for column in (self._starts, self._ends, self._before, self._is_snooze):
                    column.pop()
        if until is not None and until > at:
            self._before.append(self._total(at))
            self._starts.append(at)
            self._ends.append(until)
            self._is_snooze.append(is_snooze)

    def snoozed(self, at: datetime) -> int:
        """Working seconds for which a wait that is open at an instant was snoozed before it: the
        most of any.
        """
        now = self._total(at)
        return max((now - self._total(since) for since in self._open(at)), default=0)

    def _open(self, at: datetime) -> List[datetime]:
        """When the waits began that are open at an instant: one of each party at most."""
        found = []
        for party, begun in self._begun.items():
            place = bisect_right(begun, at) - 1
            if place >= 0:
                wait = self._waits[party][place]
                if wait.end is None or at < wait.end:
                    found.append(wait.since)
        return found

    def _total(self, instant: datetime) -> int:
        """Working seconds snoozed before an instant."""
        place = bisect_right(self._starts, instant) - 1
        if place < 0:
            return 0
        if not self._is_snooze[place]:
            return self._before[place]
        end = min(self._ends[place], instant)
        return self._before[place] + self._calendar.elapsed(self._starts[place], end)
