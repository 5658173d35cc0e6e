"""Whether the party named at a milestone made the next move, and what a poll would have said.

The measure: of every wait that reached the milestone, who made the next move after that instant
(:mod:`reviewloop.insight.moves`). It is a noisy judge, since people also move unasked; but it is
the same for the pack and for the naive rules beside it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Iterator, List, Optional, Sequence, Set, Tuple

from reviewloop.core.durations import Duration
from reviewloop.core.kinds import EventKind
from reviewloop.core.milestones import Crossing, Window, crossing
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, replay
from reviewloop.core.spans import Span, subtract
from reviewloop.core.steps import Step, steps
from reviewloop.core.turns import Fact, Party
from reviewloop.core.unasked import Why
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar
from reviewloop.insight.moves import Measure, Move, Moves

STOPPED = "stopped"
"""The reason of a stopwatch that stood still for none of the reasons of :class:`Why`."""

_EVER = Window(datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc))
# The days of `age:2d` are those of every calendar.
_EVERY_DAY = Calendar(workdays=frozenset(range(7)))


@dataclass(frozen=True)
class Next:
    """The next move, by each measure; None where nobody moved any more."""

    substantive: Optional[Move]
    any: Optional[Move]

    def by(self, measure: Measure) -> Optional[Move]:
        """The next move by one measure."""
        return self.substantive if measure is Measure.SUBSTANTIVE else self.any


@dataclass(frozen=True)
class Named:
    """A wait reached the milestone ``at``: its party is named."""

    at: datetime
    party: Party
    cause: str
    next: Next


@dataclass(frozen=True)
class Idle:
    """``age:`` the milestone first holds ``at``, of a change that is open and ready for review.

    ``negative``: a vote below zero stands, a person's or CI's. ``party`` is whose stopwatch runs
    then, None if none does. It holds until the next update, at ``until``, or still (None).
    """

    at: datetime
    negative: bool
    party: Optional[Party]
    next: Next
    until: Optional[datetime] = None


@dataclass(frozen=True)
class Held:
    """A wait that would have reached the milestone ``at`` by the turn alone, and did not.

    ``named_at`` is when it was named after all, or None. ``reason``: why not at once, one of
    :class:`Why` or :data:`STOPPED`.
    """

    at: datetime
    named_at: Optional[datetime]
    party: Party
    reason: str


@dataclass(frozen=True)
class Judged:
    """One change judged, over all its time.

    ``last``: when something last happened to it. ``closed``: nothing is expected any more.
    """

    last: datetime
    closed: bool
    named: Tuple[Named, ...] = ()
    idle: Tuple[Idle, ...] = ()
    held: Tuple[Held, ...] = ()


def judge(
    reading: Reading, policy: Policy, milestone: Duration, taken: Optional[Sequence[Step]] = None
) -> Judged:
    """Judge one change.

    :param reading: with its messages, read under the policy.
    :param milestone: need not be one of the policy's.
    :param taken: the steps of its history, where the caller has them.
    """
    taken = steps(reading.change, policy) if taken is None else taken
    change, judge_ = reading.change, _Judge(reading, policy, milestone, taken)
    return Judged(
        last=max([change.updated, *(message.date for message in change.messages)]),
        closed=change.status.is_closed,
        named=tuple(judge_.named()),
        idle=tuple(judge_.idle()),
        held=tuple(judge_.held()),
    )


class _Judge:
    """One change and what is looked up in it."""

    def __init__(
        self, reading: Reading, policy: Policy, milestone: Duration, taken: Sequence[Step]
    ) -> None:
        self._reading = reading
        self._policy = replace(policy, milestones=(milestone,))
        self._taken = taken
        self._instants = [step.event.at for step in self._taken]
        self._moves = Moves.of(reading.change, self._taken, policy)
        self._crossings = _crossings(reading, self._policy, milestone in policy.milestones)

    def named(self) -> Iterator[Named]:
        """Whom the milestone names; nobody on a change that somebody took out of escalation."""
        for one in () if self._reading.is_exempt else self._crossings:
            yield Named(one.at, one.wait.party, one.wait.cause.value, self._next(one.at))

    def idle(self) -> Iterator[Idle]:
        """The instants at which a poll for idle changes would find this one anew."""
        age = timedelta(seconds=self._policy.milestones[0].seconds(_EVERY_DAY))
        is_open = tuple(_is_open(self._taken))
        updates = self._updates()
        for updated, after in zip(updates, [*updates[1:], None]):
            at, place = updated + age, self._place(updated)
            if is_open[place] and (after is None or after > at):
                negative = not self._taken[place].facts.isdisjoint((Fact.NEGATIVE, Fact.RED))
                yield Idle(at, negative, self._running(at), self._next(at), after)

    def _updates(self) -> List[datetime]:
        """When the change was touched, in order; what this pack said would not be without it."""
        own: Set[datetime] = set()
        others: Set[datetime] = set()
        for one in self._reading.change.messages:
            (own if self._policy.is_own(one) else others).add(one.date)
        return sorted({*self._instants, *others} - (own - others))

    def held(self) -> Iterator[Held]:
        """The waits that something else than the turn kept from being named at once."""
        named = {one.wait: one.at for one in self._crossings}
        calendar = self._policy.calendar
        seconds = self._policy.milestones[0].seconds(calendar)
        for wait in self._reading.state.waits:
            at = crossing(wait._replace(segments=(_whole(wait),)), seconds, calendar)
            if at is None:
                continue
            if self._reading.is_exempt:
                yield Held(at, None, wait.party, Why.EXEMPT.value)
            elif at != named.get(wait):
                yield Held(at, named.get(wait), wait.party, self._reason(wait, at))

    def _next(self, at: datetime) -> Next:
        return Next(self._moves.after(at, Measure.SUBSTANTIVE), self._moves.after(at, Measure.ANY))

    def _place(self, at: datetime) -> int:
        """The index of the last step until an instant, or of the first there is."""
        return max(bisect_right(self._instants, at) - 1, 0)

    def _running(self, at: datetime) -> Optional[Party]:
        """Whose stopwatch runs at an instant."""
        if self._reading.is_exempt or self._reading.pause(at) is not None:
            return None
        waits = self._reading.state.waits
        spans = ((wait.party, span) for wait in waits for span in wait.segments)
        return next((party for party, span in spans if _holds(span, at)), None)

    def _reason(self, wait: Wait, at: datetime) -> str:
        """What stopped the wait's stopwatch last, before it would have reached the milestone."""
        pauses = self._reading.pauses.spans
        holes = subtract((_whole(wait),), wait.segments)
        stops = [one for one in (*pauses, *holes) if _touches(one, wait.since, at)]
        last = max(stops, key=lambda one: one.start, default=_whole(wait))
        if last in pauses:
            acknowledged = self._reading.is_acknowledged(last)
            why = Why.ACKNOWLEDGED if acknowledged else Why.SNOOZED
        elif self._taken[self._place(last.start)].red:
            why = Why.RED
        elif self._reading.state.is_gated(last.start):
            why = Why.GATE_PENDING
        else:
            return STOPPED
        return str(why.value)


def _crossings(reading: Reading, policy: Policy, is_read: bool) -> List[Crossing]:
    """Each wait's crossing of the one milestone of a policy.

    :param is_read: whether the reading knows of it: then nothing is worked out again.
    """
    if not is_read:
        told = replay(reading, policy, _EVER)
        return [one for one in told if isinstance(one, Crossing)]
    (milestone,) = policy.milestones
    # After the first one only what was handed on is told again.
    found = (
        next((one for one in timeline.crossings if one.milestone == milestone), None)
        for timeline in reading.timelines
    )
    return [one for one in found if one is not None]


def _is_open(taken: Sequence[Step]) -> Iterator[bool]:
    """Of each step, whether the change is open and ready for review after it."""
    closed = False
    for step in taken:
        kind = step.event.kind
        if kind in (EventKind.ABANDON, EventKind.MERGE, EventKind.RESTORE):
            closed = kind is not EventKind.RESTORE
        yield not (closed or step.event.idle or kind is EventKind.WIP)


def _whole(wait: Wait) -> Span:
    return Span(wait.since, wait.end)


def _holds(span: Span, at: datetime) -> bool:
    return span.start <= at and (span.end is None or at < span.end)


def _touches(span: Span, begin: datetime, end: datetime) -> bool:
    return span.start <= end and (span.end is None or span.end > begin)
