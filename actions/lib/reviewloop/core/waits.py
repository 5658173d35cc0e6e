"""For how long each party owed the next move: the waits that come of the turns.

Red stops the stopwatch of reviewers and submitters, and never that of the owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import FrozenSet, List, NamedTuple, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Change
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span, in_order, subtract
from reviewloop.core.steps import Followed, Step, follow_turns
from reviewloop.core.submittable import submittable
from reviewloop.core.telling import Disagreement
from reviewloop.core.turns import Cause, How, Party, TurnEvent


class Wait(NamedTuple):
    """A span during which one party owed the next move; the stopwatch runs in ``segments`` only.

    ``lapses`` marks one that red ends by itself, which may lie ahead: until then it lasts.
    """

    party: Party
    cause: Cause
    since: datetime
    segments: Tuple[Span, ...]
    end: Optional[datetime] = None
    how: Optional[How] = None
    lapses: bool = False

    def lasts(self, now: datetime) -> bool:
        """Whether it is not over; one of which the end is told is, even just before that."""
        return self.end is None or (self.lapses and self.end > now)


@dataclass(frozen=True)
class State:
    """What a whole history amounts to: the waits in the order they began, and where things stand
    at its end; ``reds`` are the spans in which a gate had failed the change, ``gates`` those in
    which the submitter waited for one, each in order. ``advice`` counts messages of advisers.
    """

    waits: Tuple[Wait, ...]
    turn: Party
    reds: Tuple[Span, ...]
    gates: Tuple[Span, ...]
    human_reviews: int
    uploader: int = 0
    # Who spoke as a reviewer since the owner's or uploader's last move.
    reviewed_by: FrozenSet[int] = frozenset()
    disagreements: Tuple[Disagreement, ...] = ()
    advice: int = 0

    def is_red(self, now: datetime) -> bool:
        """Whether a gate has failed the change, and nothing has ended that by ``now``."""
        return _holds(self.reds, now)

    def is_gated(self, now: datetime) -> bool:
        """Whether the submitter waits for a gate at ``now``."""
        return _holds(self.gates, now)


def _holds(spans: Sequence[Span], now: datetime) -> bool:
    return any(one.start <= now and (one.end is None or now < one.end) for one in spans)


def follow(change: Change, policy: Policy) -> State:
    """Read the change's history to its end."""
    return state_of(change, policy, follow_turns(change, policy))


def state_of(change: Change, policy: Policy, found: Followed) -> State:
    """What a history comes to that was followed already."""
    submitted = submittable(change, policy, found.steps)
    taken, last = submitted.steps, submitted.steps[-1]
    reds = in_order(_reds(taken))
    return State(
        _waits(taken, reds, submitted.waiting),
        last.turn,
        reds,
        submitted.waiting,
        human_reviews=sum(step.kind is TurnEvent.REVIEW for step in taken),
        uploader=last.event.uploader,
        reviewed_by=_reviewed_by(taken),
        disagreements=found.disagreements,
        advice=found.advice,
    )


def _waits(taken: Sequence[Step], reds: Sequence[Span], gates: Sequence[Span]) -> Tuple[Wait, ...]:
    """Every wait that lasted, in the order they began."""
    found = (*_turn_waits(taken, reds, gates), *_owner_waits(taken))
    lasted = [wait for wait in found if wait.end is None or wait.end > wait.since]
    return tuple(sorted(lasted, key=lambda wait: (wait.since, wait.party.value)))


def _turn_waits(taken: Sequence[Step], reds: Sequence[Span], gates: Sequence[Span]) -> List[Wait]:
    """The waits of reviewers and submitter: one a span of their turn."""
    begun = [step for step in taken if step.is_new]
    waits = []
    for step, after in zip(begun, [*begun[1:], None]):
        if step.cause is None or step.turn is Party.OWNER:
            continue
        since = step.event.at
        end, how = (after.event.at, after.ending) if after else (None, None)
        segments = subtract((Span(since, end),), reds)
        if step.turn is Party.SUBMITTER:
            segments = subtract(segments, gates)
        waits.append(Wait(step.turn, step.cause, since, segments, end, how))
    return waits


def _reds(taken: Sequence[Step]) -> Tuple[Span, ...]:
    """The spans in which a negative vote of automation stood."""
    spans: List[Span] = []
    since: Optional[datetime] = None
    for step in taken:
        red = step.red
        if red and since is None:
            since = step.event.at
        elif since is not None and not red:
            spans.append(Span(since, step.event.at))
            since = None
    return (*spans, Span(since)) if since is not None else tuple(spans)


def _owner_waits(taken: Sequence[Step]) -> List[Wait]:
    """The waits of the owner: one a run of events after which the owner owes the next move."""
    waits: List[Wait] = []
    running: Optional[Wait] = None
    for step in taken:
        owed = step.owed
        if (running is None) is (owed is None):
            continue
        at = step.event.at
        if running is None and owed is not None:
            running = Wait(Party.OWNER, owed, at, (Span(at),))
        elif running is not None:
            ended = (Span(running.since, at),)
            lapses = step.event.kind is EventKind.LAPSE
            how = step.owner_ending
            waits.append(running._replace(segments=ended, end=at, how=how, lapses=lapses))
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
