"""What a step of ticketing comes to, what a ticket is about, and when one is opened again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional, Tuple

from reviewloop.trackers.settings import WONT_FIX
from reviewloop.trackers.tickets import Ticket


class Done(str, Enum):
    """What a step did."""

    CREATED = "created"
    FOUND = "found"
    REOPENED = "reopened"
    COMMENTED = "commented"
    CLOSED = "closed"
    ASSIGNED = "assigned"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Outcome:
    """What a step did, to which ticket; ``reason`` says why it did nothing, ``notes`` what to
    know.
    """

    action: Done
    ticket: Optional[Ticket] = None
    reason: str = ""
    notes: Tuple[str, ...] = ()


@dataclass(frozen=True)
class About:
    """What a ticket is about, for its record (:class:`reviewloop.store.tickets.TicketRecord`)."""

    server: str = ""
    number: int = 0
    party: str = ""
    since: str = ""
    level: int = 0
    step: str = ""
    project: str = ""


class WhenClosed(str, Enum):
    """What to do about a key whose tickets are all closed."""

    REOPEN = "reopen"
    CREATE = "create"
    LEAVE = "leave"


@dataclass(frozen=True)
class ReopenPolicy:
    """When a closed ticket is opened again.

    :param window: reopen if closed no longer ago than this, else open a new one; None: always
        reopen.
    :param wont_fix: resolutions, or labels where a tracker has no resolutions, that mean "leave us
        alone": nothing is opened at all. Compared without case.
    """

    window: Optional[timedelta] = None
    wont_fix: Tuple[str, ...] = WONT_FIX

    def decide(self, ticket: Ticket, now: datetime) -> WhenClosed:
        """What to do, given the newest closed ticket of the key."""
        if self.refusal(ticket):
            return WhenClosed.LEAVE
        if self.window is None or ticket.closed_at is None:
            return WhenClosed.REOPEN
        return WhenClosed.REOPEN if now - ticket.closed_at <= self.window else WhenClosed.CREATE

    def refusal(self, ticket: Ticket) -> str:
        """The word by which its people said that they do not want a closed ticket; "" if none."""
        unwanted = {word.casefold() for word in self.wont_fix}
        words = (ticket.resolution, *ticket.labels)
        return next((word for word in words if word.casefold() in unwanted), "")
