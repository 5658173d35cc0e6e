"""Who moved next: what people did on a change after an instant.

Two measures. *Any*: the next message of a person, with Gerrit's records and what says nothing, or a
merge by anybody. *Substantive*: the same without records, vote deletions, mere rebases and messages
that say nothing. What says nothing, and what is a record, is the core's own reading.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from reviewloop.core.change import Account, Change, Message
from reviewloop.core.comments import only_marks
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.steps import Step
from reviewloop.core.turns import Party


class Mover(str, Enum):
    """Who moved; a merge counts apart, whoever made it."""

    REVIEWER = "reviewer"
    OWNER = "owner"
    MERGED = "merged"


class Measure(str, Enum):
    """Which moves count."""

    SUBSTANTIVE = "substantive"
    ANY = "any"


class Move(NamedTuple):
    """One move. ``approving``: it casts an approval vote; ``unread``: all it says is ``(K
    comments)``, whose text the history does not hold.
    """

    at: datetime
    mover: Mover
    approving: bool = False
    substantive: bool = True
    unread: bool = False

    def answers(self, party: Party) -> bool:
        """Whether the party named made it: for the submitter a merge or an approval vote."""
        if party is Party.SUBMITTER:
            return self.mover is Mover.MERGED or self.approving
        return self.mover is _MOVERS.get(party)


_MOVERS = {Party.REVIEWERS: Mover.REVIEWER, Party.OWNER: Mover.OWNER}
_SPOKEN = {EventKind.REVIEW: Mover.REVIEWER, EventKind.REPLY: Mover.OWNER}
_DONE = (
    EventKind.UPLOAD,
    EventKind.WIP,
    EventKind.READY,
    EventKind.ABANDON,
    EventKind.RESTORE,
    EventKind.DELETION,
)


@dataclass(frozen=True)
class Moves:
    """The moves on one change, in order of time, by measure."""

    by_measure: Dict[Measure, Tuple[Move, ...]]
    _instants: Dict[Measure, List[datetime]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, change: Change, taken: Sequence[Step], policy: Policy) -> Moves:
        """The moves in a history; ``taken`` are its steps."""
        every = tuple(sorted(_moves(change, taken, policy), key=lambda move: move.at))
        by_measure = {
            Measure.ANY: every,
            Measure.SUBSTANTIVE: tuple(move for move in every if move.substantive),
        }
        instants = {measure: [one.at for one in found] for measure, found in by_measure.items()}
        return cls(by_measure, instants)

    def after(self, instant: datetime, measure: Measure) -> Optional[Move]:
        """The first move later than an instant; None where nobody moved any more."""
        index = bisect_right(self._instants[measure], instant)
        found = self.by_measure[measure]
        return found[index] if index < len(found) else None


def _moves(change: Change, taken: Sequence[Step], policy: Policy) -> Iterator[Move]:
    messages = {_key(one.date, one.author): one for one in change.messages}
    uploads: List[Tuple[datetime, int]] = []  # since when which account answers beside the owner
    uploader = change.owner.id
    for step in taken:
        event = step.event
        mover = _mover(event, (change.owner.id, uploader), policy)
        if event.uploader != uploader:
            uploader = event.uploader
            uploads.append((event.at, uploader))
        if mover is not None:
            yield _move(event, mover, messages.pop(_key(event.at, event.author), None), policy)
    told = {_key(step.event.at, step.event.author) for step in taken}
    instants = [at for at, _ in uploads]
    for key, message in messages.items():
        if key not in told and not policy.is_automatic(message):
            place = bisect_right(instants, message.date)
            owners = (change.owner.id, uploads[place - 1][1] if place else 0)
            yield Move(message.date, _side(key[1], owners), substantive=False)


def _key(at: datetime, author: Optional[Account]) -> Tuple[datetime, int]:
    """What a message and the event that it is have in common."""
    return at, author.id if author else 0


def _side(author: int, owners: Sequence[int]) -> Mover:
    return Mover.OWNER if author in owners else Mover.REVIEWER


def _mover(event: Event, owners: Sequence[int], policy: Policy) -> Optional[Mover]:
    """Who made the move that an event is; None where it is none, or no person's.

    :param owners: who answered for the change before it. Whoever uploads for them helps out.
    """
    if event.kind is EventKind.MERGE:
        return Mover.MERGED
    if event.kind in _SPOKEN:
        return _SPOKEN[event.kind]
    author = event.author
    if event.kind not in _DONE or author is None or policy.is_automation(author):
        return None
    return _side(author.id, owners)


def _move(event: Event, mover: Mover, message: Optional[Message], policy: Policy) -> Move:
    return Move(
        at=event.at,
        mover=mover,
        approving=any(
            vote.label == wanted.label and vote.value >= wanted.value
            for vote in event.votes
            for wanted in policy.approval
        ),
        substantive=not (event.silent or event.rebased or event.kind is EventKind.DELETION),
        unread=message is not None and not event.votes and only_marks(message),
    )
