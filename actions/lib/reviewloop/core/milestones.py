"""When a wait becomes too long: crossings of milestones, and the events inside a window of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Iterator, List, Optional, Sequence, Tuple, Union

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
    """``(lo, hi]``; with ``after_id`` also what happened at ``lo`` under a greater id."""

    lo: datetime
    hi: datetime
    after_id: Optional[str] = None

    def holds(self, instant: datetime, event_id: str = "") -> bool:
        """Whether something with this id lies inside."""
        return instant <= self.hi and not self.is_past(instant, event_id)

    def is_past(self, instant: datetime, event_id: str = "") -> bool:
        """Whether something with this id lies before."""
        if instant != self.lo or self.after_id is None:
            return instant <= self.lo
        return event_id <= self.after_id


Namer = Callable[[Crossing], str]


def unnamed(_crossing: Crossing) -> str:
    """No ids: the window's bounds decide alone."""
    return ""


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
    spans, calendar = running(wait, pauses), policy.calendar
    found: List[Crossing] = []
    for index, milestone in enumerate(policy.milestones):
        at = _crossed(spans, milestone.seconds(calendar), calendar, wait.end)
        if at is None:
            break
        found.append(Crossing(wait, milestone, index, at))
    return tuple(found)


def _crossed(
    spans: Sequence[Span], seconds: int, calendar: Calendar, end: Optional[datetime]
) -> Optional[datetime]:
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


def live_crossing(
    passed: Sequence[Crossing], window: Window, name: Namer = unnamed
) -> Optional[Crossing]:
    """The one crossing of a wait that a live poll reports.

    It is the highest inside the window, if the wait still lasts at the window's end.
    """
    inside = [one for one in passed if window.holds(one.at, name(one))]
    if not inside or (inside[-1].wait.end is not None and inside[-1].wait.end <= window.hi):
        return None
    return inside[-1]


def live_ending(
    passed: Sequence[Crossing], window: Window, name: Namer = unnamed, *, was_open: bool = False
) -> Optional[Ending]:
    """The ending of a wait that a live poll reports.

    The wait ends inside the window, or up to its end if it was open when last looked at, and had
    crossed a milestone before the window.
    """
    before = [one for one in passed if window.is_past(one.at, name(one))]
    if not before or before[-1].wait.end is None:
        return None
    ending = Ending(before[-1].wait, before[-1], before[-1].wait.end)
    inside = window.holds(ending.at, name(ending.highest))
    return ending if inside or (was_open and ending.at <= window.hi) else None
