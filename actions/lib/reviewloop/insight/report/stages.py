"""Where a change's life goes: who owed the next move, and for how long by the calendar."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Dict, Optional, Sequence

from reviewloop.core.kinds import EventKind
from reviewloop.core.spans import Span
from reviewloop.core.steps import Step
from reviewloop.core.turns import Party


class Stage(str, Enum):
    """Where a change's life goes."""

    REVIEWERS = "reviewers"
    OWNER = "owner"
    RED = "owner, CI failed"
    SUBMITTER = "submitter"
    GATE = "gate (CI) before submitting"
    NOBODY = "in progress"


PARTIES = {
    Stage.REVIEWERS: Party.REVIEWERS,
    Stage.OWNER: Party.OWNER,
    Stage.RED: Party.OWNER,
    Stage.SUBMITTER: Party.SUBMITTER,
    Stage.GATE: Party.SUBMITTER,
}
"""Whose wait runs at a stage."""
_TURNS = {
    Party.REVIEWERS: Stage.REVIEWERS,
    Party.OWNER: Stage.OWNER,
    Party.SUBMITTER: Stage.SUBMITTER,
    Party.NOBODY: Stage.NOBODY,
}


def stage(step: Step) -> Stage:
    """Who owes the next move after a step."""
    if step.turn in (Party.REVIEWERS, Party.SUBMITTER) and step.owed is not None:
        return Stage.RED
    return _TURNS[step.turn]


def life(taken: Sequence[Step], gates: Sequence[Span], now: datetime) -> Dict[Stage, float]:
    """Seconds at each stage while the change was open.

    :param taken: the steps until ``now``.
    :param gates: when the submitter waited for a gate.
    """
    found: Dict[Stage, float] = {}
    closed = False
    ends = [one.event.at for one in taken[1:]]
    for step, end in zip(taken, [*ends, now]):
        closed = _is_closed(step, closed)
        seconds = (end - step.event.at).total_seconds()
        if not closed and seconds > 0:
            at = stage(step)
            found[at] = found.get(at, 0.0) + seconds
    last = (closed_at(taken) or now) if gates else now
    gated = sum(_seconds(span, last) for span in gates)
    if gated and found.get(Stage.SUBMITTER):
        found[Stage.GATE] = min(gated, found[Stage.SUBMITTER])
        found[Stage.SUBMITTER] -= found[Stage.GATE]
    return found


def closed_at(taken: Sequence[Step]) -> Optional[datetime]:
    """When a change was last merged or abandoned; None where no message tells."""
    closings = (EventKind.ABANDON, EventKind.MERGE)
    return next((one.event.at for one in reversed(taken) if one.event.kind in closings), None)


def _is_closed(step: Step, before: bool) -> bool:
    kind = step.event.kind
    if kind in (EventKind.ABANDON, EventKind.MERGE):
        return True
    return before and kind is not EventKind.RESTORE


def _seconds(span: Span, now: datetime) -> float:
    end = now if span.end is None else min(span.end, now)
    return max((end - span.start).total_seconds(), 0.0)
