"""Whose turn it is, and for how long somebody owed the next move.

The turn is a matter among people and blind to what automation says; a standing negative vote of
automation (*red*) stops the stopwatch of reviewers and submitters and makes the owner owe a move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import FrozenSet, List, Optional, Set, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import Event, EventKind, read
from reviewloop.core.policy import Policy
from reviewloop.core.votes import Votes


class Party(str, Enum):
    """Who owes the next move; as a turn also ``nobody``."""

    REVIEWERS = "reviewers"
    OWNER = "owner"
    SUBMITTER = "submitter"
    NOBODY = "nobody"


class Cause(str, Enum):
    """Why a wait began."""

    UPLOADED = "uploaded"
    READY = "ready"
    RESTORED = "restored"
    ANSWERED = "answered"
    NEEDS_ANOTHER_REVIEW = "needs_another_review"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    HELD = "held"
    HELD_BY_OWNER = "held_by_owner"
    VOTE_REMOVED = "vote_removed"
    CI_FAILED = "ci_failed"


class How(str, Enum):
    """How a wait ended."""

    ANSWERED = "answered"
    APPROVED = "approved"
    CI_RECOVERED = "ci_recovered"
    REVIEWED = "reviewed"
    SUPERSEDED = "superseded"
    HELD_BY_OWNER = "held_by_owner"
    MERGED = "merged"
    ABANDONED = "abandoned"
    WIP = "wip"


@dataclass(frozen=True)
class Span:
    """``[start, end)``; end None = still open."""

    start: datetime
    end: Optional[datetime] = None


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
    return follow_events(read(change, policy), change.owner.id, policy)


def follow_events(events: Tuple[Event, ...], owner: int, policy: Policy) -> State:
    """Fold events into waits, turn, red and the number of people's reviews."""
    machine = _Machine(owner, policy)
    for event in events:
        machine.step(event)
    return machine.state()


@dataclass(frozen=True)
class _Move:
    """What the table says of one event: the next turn, or None for unchanged; a span may begin
    anew.
    """

    turn: Optional[Party]
    cause: Cause = Cause.UPLOADED
    how: How = How.SUPERSEDED
    anew: bool = False


_UNCHANGED = _Move(None)
_CLOSING = {
    EventKind.WIP: How.WIP,
    EventKind.ABANDON: How.ABANDONED,
    EventKind.MERGE: How.MERGED,
}
_OWNER_ENDINGS = {
    **_CLOSING,
    EventKind.UPLOAD: How.ANSWERED,
    EventKind.ROBOT: How.CI_RECOVERED,
    EventKind.REVIEW: How.REVIEWED,
    EventKind.DELETION: How.SUPERSEDED,
    EventKind.READY: How.SUPERSEDED,
    EventKind.RESTORE: How.SUPERSEDED,
}


class _Machine:
    """The turn table and the waits that come of it, one event at a time."""

    def __init__(self, owner: int, policy: Policy) -> None:
        self._votes = Votes(policy, owner)
        self._wip = False
        self._turn = Party.NOBODY
        self._cause = Cause.UPLOADED
        self._since: Optional[datetime] = None
        self._began_negative = False
        self._red_since: Optional[datetime] = None
        self._reds: List[Span] = []
        self._owed: Optional[Wait] = None
        self._waits: List[Wait] = []
        self._reviews = 0
        self._uploader = owner
        self._reviewed_by: Set[int] = set()

    def step(self, event: Event) -> None:
        self._votes.apply(event)
        self._mark_people(event)
        self._set_wip(event)
        self._mark_red(event.at)
        self._turn_to(self._held(self._move(event)), event.at)
        self._mark_owed(event)

    def state(self) -> State:
        waits = list(self._waits)
        if self._since is not None and self._turn in (Party.REVIEWERS, Party.SUBMITTER):
            waits.append(self._span_wait(None, None))
        if self._owed is not None:
            waits.append(self._owed)
        waits.sort(key=lambda wait: (wait.since, wait.party.value))
        return State(
            tuple(waits),
            self._turn,
            self._votes.red,
            self._reviews,
            self._uploader,
            frozenset(self._reviewed_by),
        )

    # The table.

    def _move(self, event: Event) -> _Move:  # noqa: PLR0911 - one return a row of the table
        if event.kind in _CLOSING:
            return _Move(Party.NOBODY, how=_CLOSING[event.kind])
        if event.kind is EventKind.UPLOAD:
            return self._upload(event)
        if event.kind is EventKind.READY:
            return _Move(Party.REVIEWERS, Cause.READY, anew=True)
        if event.kind is EventKind.RESTORE:
            turn = Party.NOBODY if self._wip else Party.REVIEWERS
            return _Move(turn, Cause.RESTORED, anew=True)
        if self._turn is Party.NOBODY or event.kind is EventKind.ROBOT:
            return _UNCHANGED
        if event.silent or event.kind is EventKind.DELETION:
            return self._recheck()
        return self._review(event) if event.kind is EventKind.REVIEW else self._reply(event)

    def _upload(self, event: Event) -> _Move:
        if event.wip:
            return _Move(Party.NOBODY, how=How.WIP)
        if self._turn is Party.OWNER:
            return _UNCHANGED if event.rebased else _Move(Party.REVIEWERS, how=How.ANSWERED)
        if self._turn is Party.SUBMITTER and self._votes.approved:
            return _UNCHANGED
        return _UNCHANGED if self._turn is Party.REVIEWERS else _Move(Party.REVIEWERS)

    def _review(self, event: Event) -> _Move:
        if self._votes.negative:
            return self._unless(Party.OWNER, Cause.REVIEWED, How.REVIEWED)
        if self._votes.approved:
            return self._unless(Party.SUBMITTER, Cause.APPROVED, How.REVIEWED)
        if not event.votes:
            return self._unless(Party.OWNER, Cause.REVIEWED, How.REVIEWED)
        return _Move(Party.REVIEWERS, Cause.NEEDS_ANOTHER_REVIEW, How.REVIEWED, anew=True)

    def _reply(self, event: Event) -> _Move:
        if any(vote.value < 0 for vote in event.votes):
            return self._unless(Party.OWNER, Cause.HELD_BY_OWNER, How.HELD_BY_OWNER)
        if self._votes.approved:
            return self._unless(Party.SUBMITTER, Cause.APPROVED, How.APPROVED)
        if self._turn is Party.SUBMITTER:
            return _Move(Party.REVIEWERS, Cause.VOTE_REMOVED)
        return self._unless(Party.REVIEWERS, Cause.ANSWERED, How.ANSWERED)

    def _recheck(self) -> _Move:
        approved = self._votes.approved
        if self._turn is Party.SUBMITTER and not approved:
            return _Move(Party.REVIEWERS, Cause.VOTE_REMOVED)
        if self._turn is Party.REVIEWERS and approved:
            return _Move(Party.SUBMITTER, Cause.VOTE_REMOVED)
        if self._turn is Party.OWNER and self._began_negative and not self._votes.negative:
            return _Move(Party.SUBMITTER if approved else Party.REVIEWERS, Cause.VOTE_REMOVED)
        return _UNCHANGED

    def _unless(self, turn: Party, cause: Cause, how: How) -> _Move:
        return _UNCHANGED if self._turn is turn else _Move(turn, cause, how)

    def _held(self, move: _Move) -> _Move:
        """While held, the reviewers and the submitter are not given the turn."""
        if move.turn not in (Party.REVIEWERS, Party.SUBMITTER) or not self._votes.held:
            return move
        if self._turn is Party.OWNER:
            return _UNCHANGED
        return _Move(Party.OWNER, Cause.HELD, move.how)

    # What comes of it.

    def _turn_to(self, move: _Move, at: datetime) -> None:
        if move.turn is None or (move.turn is self._turn and not move.anew):
            return
        if self._turn in (Party.REVIEWERS, Party.SUBMITTER):
            self._add(self._span_wait(at, move.how))
        self._turn, self._cause, self._since = move.turn, move.cause, at
        self._began_negative = self._votes.negative

    def _span_wait(self, end: Optional[datetime], how: Optional[How]) -> Wait:
        assert self._since is not None  # noqa: S101 - only asked while somebody has the turn
        reds = list(self._reds)
        if self._red_since is not None:
            reds.append(Span(self._red_since))
        segments = subtract((Span(self._since, end),), tuple(reds))
        return Wait(self._turn, self._cause, self._since, segments, end, how)

    def _mark_owed(self, event: Event) -> None:
        owes = self._turn is Party.OWNER or (self._votes.red and self._turn is not Party.NOBODY)
        if owes and self._owed is None:
            cause = self._cause if self._turn is Party.OWNER else Cause.CI_FAILED
            self._owed = Wait(Party.OWNER, cause, event.at, (Span(event.at),))
        elif self._owed is not None and not owes:
            owed = self._owed
            segments = (Span(owed.since, event.at),)
            self._add(replace(owed, end=event.at, segments=segments, how=self._owner_ending(event)))
            self._owed = None

    def _owner_ending(self, event: Event) -> How:
        if event.silent:
            return How.SUPERSEDED
        if event.kind is EventKind.UPLOAD and event.wip:
            return How.WIP
        if event.kind is EventKind.REPLY:
            return How.APPROVED if self._votes.approved else How.ANSWERED
        return _OWNER_ENDINGS[event.kind]

    def _add(self, wait: Wait) -> None:
        if wait.end is None or wait.end > wait.since:
            self._waits.append(wait)

    def _mark_red(self, at: datetime) -> None:
        if self._votes.red and self._red_since is None:
            self._red_since = at
        elif self._red_since is not None and not self._votes.red:
            self._reds.append(Span(self._red_since, at))
            self._red_since = None

    def _mark_people(self, event: Event) -> None:
        author = event.author.id if event.author else 0
        if event.kind is EventKind.UPLOAD and not event.rebased:
            self._uploader = author or self._uploader
            self._reviewed_by.clear()
        elif event.kind is EventKind.REPLY and not event.silent:
            self._reviewed_by.clear()
        elif event.kind is EventKind.REVIEW and not event.silent:
            self._reviews += 1
            self._reviewed_by.add(author)

    def _set_wip(self, event: Event) -> None:
        if event.kind is EventKind.UPLOAD:
            self._wip = event.wip
        elif event.kind in (EventKind.WIP, EventKind.READY):
            self._wip = event.kind is EventKind.WIP


def subtract(spans: Tuple[Span, ...], holes: Tuple[Span, ...]) -> Tuple[Span, ...]:
    """The parts of ``spans`` outside of ``holes``, in order."""
    for hole in holes:
        spans = tuple(part for span in spans for part in _without(span, hole))
    return spans


def _without(span: Span, hole: Span) -> Tuple[Span, ...]:
    before = Span(span.start, hole.start if span.end is None else min(hole.start, span.end))
    parts = [before] if hole.start > span.start else []
    if hole.end is not None and (span.end is None or hole.end < span.end):
        parts.append(Span(max(span.start, hole.end), span.end))
    return tuple(parts)
