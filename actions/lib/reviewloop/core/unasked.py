"""What is overdue, and why the change itself or the configuration has nobody asked about it.

The sensor offers what the board calls neither asked nor excused: both look here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Callable, Iterator, Optional, Tuple

from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.turns import Party


class Why(str, Enum):
    """Why nobody is to be asked about a wait, as far as no record is needed to know."""

    EXEMPT = "exempt"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RED = "red"
    GATE_PENDING = "gate_pending"
    HOLD_OUT = "hold_out"
    IDLE = "idle"


@dataclass(frozen=True)
class Bounds:
    """What the configuration leaves alone at an instant.

    :param is_held_out: whether a change is left alone on purpose, by its number.
    :param idle_before: changes untouched since then are not asked about any more; None for never.
    """

    now: datetime
    is_held_out: Callable[[int], bool]
    idle_before: Optional[datetime] = None


def overdue(reading: Reading, now: datetime) -> Iterator[Tuple[Timeline, Crossing]]:
    """The open waits past a milestone, each with the highest reached; none of a private change, of
    one in progress, or of a closed one.
    """
    change = reading.change
    if change.is_private or change.work_in_progress or change.status.is_closed:
        return
    for timeline in reading.lasting(now):
        highest = timeline.crossed(now)
        if highest is not None:
            yield timeline, highest


def why_not(reading: Reading, timeline: Timeline, bounds: Bounds) -> Optional[Why]:
    """The reason that the change itself gives, or the configuration; None if there is none."""
    change, pause = reading.change, reading.pause(bounds.now)
    acknowledged = pause is not None and reading.is_acknowledged(pause)
    idle = bounds.idle_before is not None and change.updated < bounds.idle_before
    reasons = (
        (Why.EXEMPT, reading.is_exempt),
        (Why.ACKNOWLEDGED, acknowledged),
        (Why.SNOOZED, pause is not None),
        (Why.RED, reading.state.is_red(bounds.now) and timeline.wait.party is not Party.OWNER),
        (Why.GATE_PENDING, _is_gated(reading, timeline, bounds.now)),
        (Why.HOLD_OUT, bounds.is_held_out(change.number)),
        (Why.IDLE, idle),
    )
    return next((reason for reason, holds in reasons if holds), None)


def _is_gated(reading: Reading, timeline: Timeline, now: datetime) -> bool:
    return timeline.wait.party is Party.SUBMITTER and reading.state.is_gated(now)
