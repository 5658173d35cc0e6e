"""What texts are about, and the words that are the same in all of them. No template is read here:
most actions write nothing, and Jinja is slow to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Dict, Tuple

from reviewloop.core.change import Account, Change
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Member
from reviewloop.core.timestamps import moment
from reviewloop.core.turns import Party
from reviewloop.core.worktime import Calendar

# What a change waits for, and what is asked, by whose turn it is.
_LACKS = {
    Party.REVIEWERS: "for a review",
    Party.OWNER: "for its owner's next move",
    Party.SUBMITTER: "to be submitted after its approval",
}
_FAVOURS = {
    Party.REVIEWERS: "to review it, or to find somebody who will",
    Party.OWNER: "to see what it needs, and to help it on",
    Party.SUBMITTER: "to submit it, or to say what it waits for",
}
_ENDINGS = {
    Party.REVIEWERS: "when somebody reviews the change, or when it is merged or abandoned",
    Party.OWNER: "when its owner answers, or when it is merged or abandoned",
    Party.SUBMITTER: "when the change is merged or abandoned, or needs a review again",
}


class Gone(str, Enum):
    """Why nothing may be said of a ticket's change any more; the ``reason`` of ``ticket_gone``."""

    DELETED = "deleted"
    HIDDEN = "hidden"
    WAIT_OVER = "wait_over"


@dataclass(frozen=True)
class Subject:
    """What every text is about.

    :param since: when the wait began; ``seconds`` of working time have passed on its stopwatch.
    :param asked: who is asked, by name; nobody where a volunteer is wanted.
    :param ticket_url: the ticket's address, "" where there is none.
    :param joined: the changes for which it is asked as well, by number and address.
    :param usual: within which time changes like it usually got a review, in a sentence; "" where
        that is not known, or not to be said.
    """

    change: Change
    url: str
    policy: Policy
    party: Party
    since: datetime
    seconds: int
    milestone: str
    human_reviews: int = 0
    asked: Tuple[Member, ...] = ()
    ticket_url: str = ""
    joined: Tuple[Tuple[int, str], ...] = ()
    usual: str = ""

    def model(self) -> Dict[str, Any]:
        """The values that templates see."""
        return {
            "change": self.change,
            "url": self.url,
            "owner": name_of(self.change.owner),
            "lacks": _LACKS[self.party],
            "favour": _FAVOURS[self.party],
            "ending": _ENDINGS[self.party],
            "since": moment(self.since),
            "waiting": working_days(self.seconds, self.policy.calendar),
            "milestone": self.milestone,
            "zone": str(self.policy.calendar.zone),
            "human_reviews": self.human_reviews,
            "asked": [name_of(member.account) for member in self.asked],
            "why": [why(member, self.change.project) for member in self.asked],
            "ticket_url": self.ticket_url,
            "joined": [{"number": number, "url": url} for number, url in self.joined],
            "ack_pause": str(self.policy.ack_pause),
            "usual": self.usual,
        }


def title(change: Change, party: Party) -> str:
    """A ticket's title: it stays the same however long the wait lasts."""
    from reviewloop.markup import escape as fmt  # noqa: PLC0415 - slow to import, seldom needed

    wanted = "Review wanted" if party is Party.REVIEWERS else "Help wanted"
    return fmt.title(f"{wanted}: {change.project} change {change.number}: {change.subject}")


def working_days(seconds: float, calendar: Calendar) -> str:
    """Working seconds in words: ``2 working days``, ``1.5 working days``, ``3 working hours``."""
    days = seconds / calendar.day_seconds
    if days < 1:
        return _amount(seconds / 3600, "working hour")
    return _amount(days, "working day")


def name_of(account: Account) -> str:
    """What a person is called; never a bare mail address."""
    return account.name or account.username or f"account {account.id}"


def why(member: Member, project: str) -> str:
    """Why this person and not another."""
    if member.looks_after(project):
        return "looks after this project"
    return "next by the roster's fair order (fewest open requests, then longest since the last)"


def _amount(number: float, unit: str) -> str:
    text = f"{number:.1f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"
