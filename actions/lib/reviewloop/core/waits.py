"""For how long each party owed the next move: the waits that come of the turns.

Red stops the stopwatch of reviewers and submitters, and never that of the owner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import FrozenSet, List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span, in_order, subtract
from reviewloop.core.steps import Step, steps
from reviewloop.core.turns import Cause, How, Party, TurnEvent


@dataclass(frozen=True)
class Wait:
    """A span during which one party owed the next move; the stopwatch runs in ``segments`` only."""

    party: Party
    cause: Cause
    since: datetime
    segments: Tuple[Span, ...]
    end: Optional[datetime] = None
    how: Optional[How] = None

    @property
    def is_open(self) -> bool:
        """Whether it still lasts."""
        return self.end is None


@dataclass(frozen=True)
class State:
    """What a whole history amounts to: the waits in the order they began, and where things stand
    now.
    """

    waits: Tuple[Wait, ...]
    turn: Party
    red: bool
    human_reviews: int
    uploader: int = 0
    # Who spoke as a reviewer since the owner's or uploader's last move.
    reviewed_by: FrozenSet[int] = frozenset()

    def open_wait(self, party: Party) -> Optional[Wait]:
        """The wait of this party that still lasts, if any."""
        return next((wait for wait in self.waits if wait.party is party and wait.is_open), None)


def follow(change: Change, policy: Policy) -> State:
    """Read the change's history to its end."""
    taken = steps(change, policy)
    last = taken[-1]
    return State(
        _waits(taken),
        last.turn,
        last.red,
        human_reviews=sum(step.kind is TurnEvent.REVIEW for step in taken),
        uploader=last.event.uploader,
        reviewed_by=_reviewed_by(taken),
    )


def _waits(taken: Sequence[Step]) -> Tuple[Wait, ...]:
    """Every wait that lasted, in the order they began."""
    found = (*_turn_waits(taken), *_owner_waits(taken))
    lasted = [wait for wait in found if wait.end is None or wait.end > wait.since]
    return tuple(sorted(lasted, key=lambda wait: (wait.since, wait.party.value)))


def _turn_waits(taken: Sequence[Step]) -> List[Wait]:
    """The waits of reviewers and submitter: one a span of their turn."""
    reds = in_order(_reds(taken))
    begun = [step for step in taken if step.is_new]
    waits = []
    for step, after in zip(begun, [*begun[1:], None]):
        if step.cause is None or step.turn is Party.OWNER:
            continue
        since = step.event.at
        end, how = (after.event.at, after.row.ending) if after else (None, None)
        segments = subtract((Span(since, end),), reds)
        waits.append(Wait(step.turn, step.cause, since, segments, end, how))
    return waits


def _reds(taken: Sequence[Step]) -> Tuple[Span, ...]:
    """The spans in which a negative vote of automation stood."""
    spans: List[Span] = []
    since: Optional[datetime] = None
    for step in taken:
        if step.red and since is None:
            since = step.event.at
        elif since is not None and not step.red:
            spans.append(Span(since, step.event.at))
            since = None
    return (*spans, Span(since)) if since is not None else tuple(spans)


def _owner_waits(taken: Sequence[Step]) -> List[Wait]:
    """The waits of the owner: one a run of events after which the owner owes the next move."""
    waits: List[Wait] = []
    running: Optional[Wait] = None
    for step in taken:
        at = step.event.at
        if running is None and step.owed is not None:
            running = Wait(Party.OWNER, step.owed, at, (Span(at),))
        elif running is not None and step.owed is None:
            ended = (Span(running.since, at),)
            waits.append(replace(running, segments=ended, end=at, how=step.owner_ending))
            running = None
    return waits if running is None else [*waits, running]


def _reviewed_by(taken: Sequence[Step]) -> FrozenSet[int]:
    """Who spoke as a reviewer since the owner or uploader last moved."""
    spoke: Set[int] = set()
    for step in taken:
        event = step.event
        reworked = event.kind is EventKind.UPLOAD and not event.rebased
        if reworked or step.kind is TurnEvent.REPLY:
            spoke.clear()
        elif step.kind is TurnEvent.REVIEW:
            spoke.add(event.author.id if event.author else 0)
    return frozenset(spoke)
