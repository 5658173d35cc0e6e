"""What people read: comments on changes, tickets and their updates, from the templates beside this
file.

Every value that did not come from a template goes through the filter ``outside``, which makes it
one line that the format shows as it was and that calls on nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Tuple

import jinja2

from reviewloop.core.change import Change
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Member
from reviewloop.core.turns import Party
from reviewloop.trackers import format as fmt
from reviewloop.trackers.base import BodyFormat

# What a change waits for, and what is asked, by whose turn it is.
_LACKS = {
    Party.REVIEWERS: "for a review",
    Party.OWNER: "for its owner's next move",
    Party.SUBMITTER: "approved, to be submitted",
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

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Subject:
    """What every text is about.

    :param since: when the wait began; ``seconds`` of working time have passed on its stopwatch.
    :param asked: who is asked, by name; nobody for a whole committee.
    :param ticket_url: the ticket's address, "" where there is none.
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

    def model(self) -> Dict[str, Any]:
        """The values that templates see."""
        return {
            "change": self.change,
            "url": self.url,
            "lacks": _LACKS[self.party],
            "favour": _FAVOURS[self.party],
            "ending": _ENDINGS[self.party],
            "since": moment(self.since),
            "waiting": working_days(self.seconds, self.policy),
            "milestone": self.milestone,
            "zone": str(self.policy.calendar.zone),
            "human_reviews": self.human_reviews,
            "asked": [name_of(member) for member in self.asked],
            "why": [why(member, self.change.project) for member in self.asked],
            "ticket_url": self.ticket_url,
            "ack_pause": str(self.policy.ack_pause),
        }


def write(purpose: str, body_format: BodyFormat, subject: Subject, **more: Any) -> str:
    """The text of a purpose (a template's name) in a format, without its mark.

    :raises jinja2.TemplateNotFound: there is no such text in this format.
    """
    template = _environment(body_format).get_template(f"{purpose}.{body_format.value}.j2")
    return template.render(**subject.model(), **more).strip()


def title(change: Change, party: Party) -> str:
    """A ticket's title: it stays the same however long the wait lasts."""
    wanted = "Review wanted" if party is Party.REVIEWERS else "Help wanted"
    return fmt.title(f"{wanted}: {change.project} change {change.number}: {change.subject}")


def working_days(seconds: int, policy: Policy) -> str:
    """Working seconds in words: ``2 working days``, ``1.5 working days``, ``3 working hours``."""
    days = seconds / policy.calendar.day_seconds
    if days < 1:
        return _amount(seconds / 3600, "working hour")
    return _amount(days, "working day")


def moment(instant: datetime) -> str:
    """``2026-03-02 09:00 UTC``."""
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def name_of(member: Member) -> str:
    """What a person is called; never a bare mail address."""
    return member.account.name or member.account.username or f"account {member.account.id}"


def why(member: Member, project: str) -> str:
    """Why this person and not another."""
    if member.looks_after(project):
        return "looks after this project"
    return "next by the roster's fair order (fewest open requests, then longest since the last)"


def _amount(number: float, unit: str) -> str:
    text = f"{number:.1f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"


@lru_cache(maxsize=None)
def _environment(body_format: BodyFormat) -> jinja2.Environment:
    # Plain text and Markdown, not HTML: `outside` escapes for the format at hand.
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(str(FOLDER)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["outside"] = lambda text: fmt.value(str(text), body_format)
    return environment
