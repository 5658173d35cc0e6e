"""Tickets as values: what is to be opened, and what a tracker serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional, Tuple

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import AmbiguousError

SHARED_LABEL = "review-escalation"
"""The one label all tickets share; a label for each change would flood a project's label list."""


class State(str, Enum):
    """Whether a ticket still asks something of somebody."""

    OPEN = "open"
    CLOSED = "closed"


class CloseReason(str, Enum):
    """Why a ticket is closed, in GitHub's words (``state_reason``)."""

    COMPLETED = "completed"
    NOT_PLANNED = "not_planned"


@dataclass(frozen=True)
class Draft:
    """A ticket to be opened. ``body`` is already in the tracker's format, without the hidden
    marker.

    :raises ValueError: the key is not ``grv-`` and 16 hexadecimal digits.
    """

    key: str
    title: str
    body: str
    assignee: Optional[str] = None
    labels: Tuple[str, ...] = (SHARED_LABEL,)

    def __post_init__(self) -> None:
        if not KEY_PATTERN.fullmatch(self.key):
            raise ValueError(f"A ticket key is 'grv-' and 16 hexadecimal digits, not {self.key!r}.")


@dataclass(frozen=True)
class Ticket:
    """A ticket as its tracker serves it.

    ``number`` grows with creation, so the lowest of several is the first. ``key`` is None where the
    ticket bears no marker (any more). ``resolution`` is the tracker's own word, empty while open.
    ``closed_at`` may be the last activity where a tracker keeps no instant of closing. ``author``
    is who opened it, as :meth:`Tracker.account` writes it; empty where the tracker does not tell.
    """

    id: str
    number: int
    url: str
    key: Optional[str]
    title: str
    state: State
    resolution: str = ""
    assignees: Tuple[str, ...] = ()
    labels: Tuple[str, ...] = ()
    opened_at: Optional[datetime] = None
    closed_at: Optional[datetime] = None
    author: str = ""

    @property
    def is_open(self) -> bool:
        """True while the ticket is open."""
        return self.state is State.OPEN


@dataclass(frozen=True)
class Comment:
    """One comment of a ticket; ``text`` is what the tracker stored, hidden markers included."""

    id: str
    text: str
    author: str = ""


class ClaimState(str, Enum):
    """The answer to a claim."""

    WON = "won"
    HELD = "held"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Claim:
    """Who may create the ticket of a key; ``age`` is how long another run has held it."""

    state: ClaimState
    age: timedelta = timedelta(0)


class TakenError(AmbiguousError):
    """The tracker refuses a second open ticket of the key: another run has just opened it."""


def first(tickets: Tuple[Ticket, ...]) -> Optional[Ticket]:
    """The lowest open ticket, which is the one that every run agrees to keep."""
    return min((t for t in tickets if t.is_open), key=lambda t: t.number, default=None)


def latest_closed(tickets: Tuple[Ticket, ...]) -> Optional[Ticket]:
    """The newest closed ticket: its ending is the last word its people said."""
    return max((t for t in tickets if not t.is_open), key=lambda t: t.number, default=None)
