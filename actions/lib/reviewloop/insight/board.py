"""Every overdue wait, with who is asked since when, or the reason why nobody is.

This is the promise laid open: a wait that shows neither is a defect of the pack.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Callable, Iterable, Iterator, Optional, Sequence, Tuple

from reviewloop.core.asked import LiveAsk, live_asks
from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Crossing
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.unasked import Bounds, Why, overdue, why_not
from reviewloop.store.pending import Pending

FRESH = timedelta(hours=1)
"""How long the first trigger, its rules and its actions may take."""


class Reason(str, Enum):
    """Why nobody is asked. Those of :class:`Why` and ``gerrit.pending.*`` have the same names."""

    EXEMPT = Why.EXEMPT.value
    SNOOZED = Why.SNOOZED.value
    ACKNOWLEDGED = Why.ACKNOWLEDGED.value
    RED = Why.RED.value
    GATE_PENDING = Why.GATE_PENDING.value
    HOLD_OUT = Why.HOLD_OUT.value
    BUDGET = "budget"
    CAP = "cap"
    RAMP = "ramp"
    NOBODY_ELIGIBLE = "nobody_eligible"
    JOINED = "joined"
    IDLE = Why.IDLE.value
    FRESH = "fresh"
    NO_RULE = "no_rule"


class Next(str, Enum):
    """What happens next if nobody does anything."""

    MILESTONE = "milestone"
    OFFERED = "offered"
    PAUSE_ENDS = "pause_ends"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Row:
    """One overdue wait. ``reason`` is None where somebody is asked at the highest milestone.

    :param asked: every live ask about the wait, at that milestone or an earlier one.
    :param leader: the change in whose name it is asked, with ``joined``; or 0.
    :param seconds: of working time on the wait's stopwatch.
    :param next_at: when the next thing happens, None if that is not known.
    """

    reading: Reading
    timeline: Timeline
    highest: Crossing
    event_id: str
    seconds: int
    asked: Tuple[LiveAsk, ...] = ()
    reason: Optional[Reason] = None
    leader: int = 0
    next: Next = Next.NOTHING
    next_at: Optional[datetime] = None


@dataclass(frozen=True)
class View:
    """What the rows are made from, beside the readings.

    :param policy_of: the policy with which a reading's own messages are known.
    :param pendings: what was put off.
    :param bounds: what the configuration leaves alone, now.
    """

    bounds: Bounds
    server: str
    policy: Policy
    policy_of: Callable[[Reading], Policy]
    pendings: Sequence[Pending]

    @property
    def now(self) -> datetime:
        """The instant of the view."""
        return self.bounds.now


def rows(readings: Iterable[Reading], view: View) -> Tuple[Row, ...]:
    """A row for every overdue wait, the longest wait first."""
    found = [row for reading in readings for row in _rows(reading, view)]
    return tuple(
        sorted(found, key=lambda row: (row.timeline.wait.since, row.reading.change.number))
    )


def _rows(reading: Reading, view: View) -> Iterator[Row]:
    for timeline, highest in overdue(reading, view.now):
        wait, change = timeline.wait, reading.change
        party = wait.party.value
        asked = live_asks(change, view.policy_of(reading), view.server, party, wait.since)
        name = event_id(view.server, change.number, party, wait.since, str(highest.milestone))
        row = Row(
            reading=reading,
            timeline=timeline,
            highest=highest,
            event_id=name,
            seconds=reading.elapsed(wait, view.now, view.policy),
            asked=asked,
        )
        yield _explained(row, view)


def _explained(row: Row, view: View) -> Row:
    """The row with its reason, and what happens next."""
    if any(one.milestone == row.highest.milestone for one in row.asked):
        following = row.timeline.following(view.now)
        if following is None:
            return row
        return replace(row, next=Next.MILESTONE, next_at=following.at)
    why = why_not(row.reading, row.timeline, view.bounds)
    if why is not None:
        pause = row.reading.pause(view.now)
        ends = None if pause is None else pause.end
        return replace(
            row,
            reason=Reason(why.value),
            next=Next.PAUSE_ENDS if ends else Next.NOTHING,
            next_at=ends,
        )
    pending = _pending(row, view)
    if pending is not None:
        return replace(
            row,
            reason=Reason(pending.reason.value),
            leader=pending.leader,
            next=Next.OFFERED,
            next_at=max(pending.not_before, view.now),
        )
    if row.highest.at > view.now - FRESH:
        return replace(row, reason=Reason.FRESH, next=Next.OFFERED, next_at=row.highest.at + FRESH)
    return replace(row, reason=Reason.NO_RULE)


def _pending(row: Row, view: View) -> Optional[Pending]:
    """What was put off about the milestone; of several tiers, what may be offered first.

    A record of an earlier milestone tells what became of another question, perhaps on another tier.
    """
    mine = [one for one in view.pendings if one.event_id == row.event_id]
    return min(mine, key=lambda one: one.not_before, default=None)
