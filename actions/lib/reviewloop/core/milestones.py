"""When a wait becomes too long: crossings of milestones, and the events inside a window of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Iterator, List, Optional, Sequence, Tuple, Union

from reviewloop.core.durations import Duration
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span, subtract
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar


@dataclass(frozen=True)
class Crossing:
    """A wait's stopwatch reached a milestone at an instant; ``index`` counts milestones from 0."""

    wait: Wait
    milestone: Duration
    index: int
    at: datetime


@dataclass(frozen=True)
class Ending:
    """A wait that had crossed a milestone ended; ``highest`` is the last it had reached."""

    wait: Wait
    highest: Crossing
    at: datetime


@dataclass(frozen=True)
class Window:
    """``(lo, hi]``."""

    lo: datetime
    hi: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether an instant lies inside."""
        return self.lo < instant <= self.hi


def running(wait: Wait, pauses: Sequence[Span] = ()) -> Tuple[Span, ...]:
    """The spans in which the wait's stopwatch runs: its segments without the snoozed spans, which
    are in order.
    """
    return subtract(wait.segments, pauses)


def elapsed(wait: Wait, now: datetime, calendar: Calendar, pauses: Sequence[Span] = ()) -> int:
    """Working seconds on the wait's stopwatch at ``now``."""
    return sum(
        calendar.elapsed(span.start, now if span.end is None else min(now, span.end))
        for span in running(wait, pauses)
    )


def crossing(
    wait: Wait, seconds: int, calendar: Calendar, pauses: Sequence[Span] = ()
) -> Optional[datetime]:
    """The first instant at which :func:`elapsed` reaches ``seconds``; None where that is not before
    the wait's end.
    """
    return _crossed(running(wait, pauses), seconds, calendar, wait.end)


def crossings(wait: Wait, policy: Policy, pauses: Sequence[Span] = ()) -> Tuple[Crossing, ...]:
    """Every crossing of the wait as far as its history is known, past or future, in order."""
    calendar, amounts = policy.calendar, policy.milestone_seconds
    # As in `_crossed`, before anything is made.
    if wait.end is not None and (wait.end - wait.since).total_seconds() < min(amounts, default=0):
        return ()
    spans = running(wait, pauses)
    found: List[Crossing] = []
    for index, seconds in enumerate(amounts):
        at = _crossed(spans, seconds, calendar, wait.end)
        if at is None:
            break
        found.append(Crossing(wait, policy.milestones[index], index, at))
    return tuple(found)


def _crossed(
    spans: Sequence[Span], seconds: int, calendar: Calendar, end: Optional[datetime]
) -> Optional[datetime]:
    # Working time is never longer than time itself: most waits need no calculation.
    if end is not None and spans and (end - spans[0].start).total_seconds() < seconds:
        return None
    left = seconds
    for span in spans:
        at, left = calendar.spend(span.start, left, span.end)
        if at is not None:
            return at if end is None or at < end else None
    return None


def replayed(
    waits: Sequence[Wait], policy: Policy, window: Window, pauses: Sequence[Span] = ()
) -> Iterator[Union[Crossing, Ending]]:
    """Every crossing and ending inside the window, as they came; for previews and reports."""
    for wait in waits:
        passed = crossings(wait, policy, pauses)
        yield from (one for one in passed if window.holds(one.at))
        if wait.end is not None and passed and window.holds(wait.end):
            yield Ending(wait, passed[-1], wait.end)
