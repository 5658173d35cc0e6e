"""The rule of turns: tables that say who owes the next move after each event.

A turn is a matter among people. What automation says moves none; a standing negative vote of
automation (*red*) makes the owner owe the next move beside whoever has the turn.
``docs/turns.md`` prints these tables (``make docs``): a new rule is a new row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import FrozenSet, Optional, Tuple


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
    NEEDS_APPROVAL = "needs_approval"
    UNRESOLVED = "unresolved"


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


class TurnEvent(str, Enum):
    """What an event is to the rule of turns; the values are the words of ``docs/turns.md``."""

    UPLOAD = "upload"
    WIP = "work in progress"
    READY = "ready"
    ABANDON = "abandon"
    RESTORE = "restore"
    MERGE = "merge"
    ROBOT = "robot"
    REVIEW = "review"
    REPLY = "reply"
    RECHECK = "re-check"


class Fact(str, Enum):
    """What a row may ask for, with the votes of the event counted; the values are the words of
    ``docs/turns.md``.
    """

    REBASED = "it is a mere rebase"
    IN_PROGRESS = "the change is work in progress"
    VOTED = "it casts a vote"
    VOTED_DOWN = "it casts a negative vote, or one that holds"
    NEGATIVE = "a negative vote stands"
    APPROVED = "the change is approved"
    HELD = "the change is held"
    RED = "the change is red"
    LIFTED = "the negative vote, or the hold, that stood when the turn began is gone"
    ROBOT_OWNER = "the owner is a bot"
    UNVERIFIED = "a gate has voted on the change, and no positive vote of one stands"


@dataclass(frozen=True)
class Row:
    """What an event does to the turn. The first row that fits decides.

    A row fits an ``event`` if one of ``turns`` has the turn and all facts ``given`` hold. Then the
    turn ``becomes`` that party's (None = unchanged) for that ``cause``, and the span that it ends
    is told as ``ending`` (None = nobody had the turn). If that party has the turn already, its span
    goes on, unless the row says ``new_span``. ``note`` is for the documentation.
    """

    event: TurnEvent
    turns: Tuple[Party, ...]
    given: Tuple[Fact, ...] = ()
    becomes: Optional[Party] = None
    cause: Optional[Cause] = None
    ending: Optional[How] = None
    new_span: bool = False
    note: str = ""

    def fits(self, turn: Party, facts: FrozenSet[Fact]) -> bool:
        """Whether the row is about this turn, under these facts."""
        return turn in self.turns and facts.issuperset(self.given)


@dataclass(frozen=True)
class Redirect:
    """Who gets the turn instead, if a row gives or leaves it to one of ``to`` and all facts
    ``given`` hold.

    If that party has the turn already, its span goes on, unless ``new_span`` says otherwise. A span
    that it ends and of which the row says nothing is told as ``ending``.
    """

    to: Tuple[Party, ...]
    given: Tuple[Fact, ...]
    becomes: Party
    cause: Cause
    new_span: bool = False
    ending: How = How.SUPERSEDED


@dataclass(frozen=True)
class OwnerEnding:
    """How an event ends the owner's wait, if it does. The first row that fits decides."""

    event: TurnEvent
    how: How
    given: Tuple[Fact, ...] = ()


_E, _F, _P, _C, _H = TurnEvent, Fact, Party, Cause, How
_REVIEWERS, _OWNER = (_P.REVIEWERS,), (_P.OWNER,)
_SUBMITTER, _NOBODY = (_P.SUBMITTER,), (_P.NOBODY,)
_ANY = tuple(Party)
_SOMEBODY = (*_REVIEWERS, *_OWNER, *_SUBMITTER)

TABLE: Tuple[Row, ...] = (
    Row(_E.WIP, _ANY, (), _P.NOBODY, None, _H.WIP),
    Row(_E.ABANDON, _ANY, (), _P.NOBODY, None, _H.ABANDONED),
    Row(_E.MERGE, _ANY, (), _P.NOBODY, None, _H.MERGED),
    Row(_E.READY, _ANY, (), _P.REVIEWERS, _C.READY, _H.SUPERSEDED, new_span=True),
    Row(_E.RESTORE, _ANY, (_F.IN_PROGRESS,), _P.NOBODY, None, _H.SUPERSEDED),
    Row(_E.RESTORE, _ANY, (), _P.REVIEWERS, _C.RESTORED, _H.SUPERSEDED, new_span=True),
    Row(_E.UPLOAD, _ANY, (_F.VOTED_DOWN,), _P.OWNER, _C.HELD_BY_OWNER, _H.HELD_BY_OWNER),
    Row(_E.UPLOAD, _ANY, (_F.VOTED, _F.APPROVED), _P.SUBMITTER, _C.APPROVED, _H.APPROVED),
    Row(_E.UPLOAD, _REVIEWERS, note="no patch set resets the reviewers' clock"),
    Row(_E.UPLOAD, _OWNER, (_F.REBASED,), note="a rebase answers nobody"),
    Row(_E.UPLOAD, _OWNER, (), _P.REVIEWERS, _C.UPLOADED, _H.ANSWERED),
    Row(_E.UPLOAD, _SUBMITTER, (_F.APPROVED,)),
    Row(_E.UPLOAD, _SUBMITTER, (), _P.REVIEWERS, _C.UPLOADED, _H.SUPERSEDED),
    Row(_E.UPLOAD, _NOBODY, (), _P.REVIEWERS, _C.UPLOADED),
    Row(_E.ROBOT, _ANY, note="only its votes count"),
    Row(_E.REVIEW, _NOBODY, note="only its votes count"),
    Row(_E.REVIEW, _SOMEBODY, (_F.NEGATIVE,), _P.OWNER, _C.REVIEWED, _H.REVIEWED),
    Row(_E.REVIEW, _SOMEBODY, (_F.APPROVED,), _P.SUBMITTER, _C.APPROVED, _H.REVIEWED),
    Row(
        _E.REVIEW,
        _SOMEBODY,
        (_F.VOTED,),
        _P.REVIEWERS,
        _C.NEEDS_ANOTHER_REVIEW,
        _H.REVIEWED,
        new_span=True,
    ),
    Row(_E.REVIEW, _SOMEBODY, (), _P.OWNER, _C.REVIEWED, _H.REVIEWED),
    Row(_E.REPLY, _NOBODY, note="only its votes count"),
    Row(_E.REPLY, _SOMEBODY, (_F.VOTED_DOWN,), _P.OWNER, _C.HELD_BY_OWNER, _H.HELD_BY_OWNER),
    Row(_E.REPLY, _SOMEBODY, (_F.APPROVED,), _P.SUBMITTER, _C.APPROVED, _H.APPROVED),
    Row(_E.REPLY, _SUBMITTER, (), _P.REVIEWERS, _C.VOTE_REMOVED, _H.SUPERSEDED),
    Row(_E.REPLY, _OWNER, (), _P.REVIEWERS, _C.ANSWERED, _H.ANSWERED),
    Row(_E.REPLY, _REVIEWERS),
    Row(_E.RECHECK, _REVIEWERS, (_F.APPROVED,), _P.SUBMITTER, _C.VOTE_REMOVED, _H.SUPERSEDED),
    Row(_E.RECHECK, _REVIEWERS),
    Row(_E.RECHECK, _SUBMITTER, (_F.APPROVED,)),
    Row(_E.RECHECK, _SUBMITTER, (), _P.REVIEWERS, _C.VOTE_REMOVED, _H.SUPERSEDED),
    Row(_E.RECHECK, _OWNER, (_F.LIFTED, _F.APPROVED), _P.SUBMITTER, _C.VOTE_REMOVED, _H.SUPERSEDED),
    Row(_E.RECHECK, _OWNER, (_F.LIFTED,), _P.REVIEWERS, _C.VOTE_REMOVED, _H.SUPERSEDED),
    Row(_E.RECHECK, _OWNER),
    Row(_E.RECHECK, _NOBODY),
)

REDIRECTS: Tuple[Redirect, ...] = (
    # A bot answers nobody: people have to.
    Redirect(_OWNER, (_F.ROBOT_OWNER,), _P.REVIEWERS, _C.NEEDS_ANOTHER_REVIEW, new_span=True),
    Redirect((_P.REVIEWERS, _P.SUBMITTER), (_F.HELD,), _P.OWNER, _C.HELD),
)

OWNER_ENDINGS: Tuple[OwnerEnding, ...] = (
    OwnerEnding(_E.UPLOAD, _H.APPROVED, (_F.VOTED, _F.APPROVED)),
    OwnerEnding(_E.UPLOAD, _H.ANSWERED),
    OwnerEnding(_E.REPLY, _H.APPROVED, (_F.APPROVED,)),
    OwnerEnding(_E.REPLY, _H.ANSWERED),
    OwnerEnding(_E.REVIEW, _H.REVIEWED),
    OwnerEnding(_E.ROBOT, _H.CI_RECOVERED),
    OwnerEnding(_E.RECHECK, _H.SUPERSEDED),
    OwnerEnding(_E.READY, _H.SUPERSEDED),
    OwnerEnding(_E.RESTORE, _H.SUPERSEDED),
    OwnerEnding(_E.MERGE, _H.MERGED),
    OwnerEnding(_E.ABANDON, _H.ABANDONED),
    OwnerEnding(_E.WIP, _H.WIP),
)

_ROWS = {event: tuple(row for row in TABLE if row.event is event) for event in TurnEvent}


@lru_cache(maxsize=4096)
def decide(event: TurnEvent, turn: Party, facts: FrozenSet[Fact]) -> Tuple[Row, Optional[Redirect]]:
    """The row that decides about an event, and what redirects the turn that it gives, if any.

    The same few questions are asked for every event of every change.
    """
    row = next(row for row in _ROWS[event] if row.fits(turn, facts))
    gets = turn if row.becomes is None else row.becomes
    for redirect in REDIRECTS:
        if gets in redirect.to and facts.issuperset(redirect.given):
            return row, redirect
    return row, None
