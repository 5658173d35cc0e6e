"""What the triggers carry.

The schemas stand in the sensor's YAML; tests validate every payload against them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Dict, Sequence
from urllib.parse import quote

from reviewloop.core import text
from reviewloop.core.change import Change
from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Crossing, Ending
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, human_reviewers
from reviewloop.core.timestamps import iso

WAITING = "gerrit.change_waiting"
ENDED = "gerrit.change_wait_ended"
OVERDUE = "gerrit.change_overdue"
TROUBLE = "gerrit.poll_trouble"
# No payload grows with the number of people or hashtags on a change.
LIST_CAP = 50


@dataclass(frozen=True)
class Site:
    """The server: ``id`` as event ids name it, ``url`` (no trailing slash) for links."""

    id: str
    url: str

    def short(self, number: int) -> str:
        """The address of a change of which only the number is known: Gerrit leads on from it."""
        return f"{self.url}/{number}"

    def link(self, change: Change) -> str:
        """The change's address for people."""
        project = quote(change.project, errors="replace")
        return f"{self.url}/c/{project}/+/{change.number}"


def waiting(
    site: Site, reading: Reading, crossing: Crossing, policy: Policy, now: datetime, event: str = ""
) -> Dict[str, Any]:
    """The payload of ``gerrit.change_waiting``; ages are told as of ``now``.

    :param event: its id where that is not the usual one.
    """
    change, wait = reading.change, crossing.wait
    seconds = reading.elapsed(wait, now, policy)
    timeline = reading.timeline(wait.party, now, wait.since)
    following = None if timeline is None else timeline.following(crossing.at)
    return {
        **_head(site, change, crossing, event),
        "cause": wait.cause.value,
        "crossed_at": iso(crossing.at),
        "milestone_index": crossing.index,
        "waiting_hours": round(seconds / 3600, 2),
        "waiting_days": round(seconds / policy.calendar.day_seconds, 2),
        "calendar_days": _days(now - wait.since),
        "change_age_days": _days(now - change.created),
        "next_milestone": None if following is None else str(following.milestone),
        "next_at": None if following is None else iso(following.at),
        "origin": policy.origin(change).value,
        "red": reading.state.is_red(now),
        "reviewer_ids": human_reviewers(change, policy)[:LIST_CAP],
        "human_reviews": reading.state.human_reviews,
        "insertions": change.insertions,
        "deletions": change.deletions,
        "hashtags": [text.outward(tag, text.NAME_CAP) for tag in change.hashtags[:LIST_CAP]],
        "topic": text.outward(change.topic, text.NAME_CAP),
        "subject": text.outward(change.subject),
        "url": text.outward(site.link(change), 500),
    }


def overdue(
    site: Site,
    reading: Reading,
    crossing: Crossing,
    policy: Policy,
    now: datetime,
    event: str = "",
    *,
    asked_ids: Sequence[int] = (),
    why_not: str = "",
) -> Dict[str, Any]:
    """The payload of ``gerrit.change_overdue``: an overdue wait that nobody is asked about.

    :param crossing: of the highest milestone reached.
    :param asked_ids: account ids of those who are asked on other milestones of the wait.
    :param why_not: the last reason why nobody was asked, "" if none is known.
    """
    seconds = reading.elapsed(crossing.wait, now, policy)
    seconds -= crossing.milestone.seconds(policy.calendar)
    return {
        **waiting(site, reading, crossing, policy, now, event),
        "overdue_days": round(max(seconds, 0) / policy.calendar.day_seconds, 2),
        "asked_ids": sorted(set(asked_ids))[:LIST_CAP],
        "why_not": why_not,
    }


def ended(
    site: Site, reading: Reading, ending: Ending, policy: Policy, event: str = ""
) -> Dict[str, Any]:
    """The payload of ``gerrit.change_wait_ended``: a wait that had reached a milestone is over.

    :param event: its id where that is not the usual one.
    """
    wait = ending.wait
    seconds = reading.elapsed(wait, ending.at, policy)
    return {
        **_head(site, reading.change, ending.highest, event),
        "ended_at": iso(ending.at),
        "how": "" if wait.how is None else wait.how.value,
        "waiting_days": round(seconds / policy.calendar.day_seconds, 2),
    }


def trouble(
    server: str, kind: str, since: datetime, failures: int, remedy: str, *, recovered: bool = False
) -> Dict[str, Any]:
    """The payload of ``gerrit.poll_trouble``: polling fails, or works again.

    :param failures: how many polls in a row have failed.
    """
    return {
        "server": server,
        "state": "recovered" if recovered else "down",
        "kind": kind,
        "since": iso(since),
        "failures": failures,
        "remedy": text.outward(remedy, 500),
    }


def _head(site: Site, change: Change, crossing: Crossing, event: str) -> Dict[str, Any]:
    wait, milestone = crossing.wait, str(crossing.milestone)
    usual = event_id(site.id, change.number, wait.party.value, wait.since, milestone)
    return {
        "event_id": event or usual,
        "server": site.id,
        "number": change.number,
        "patchset": change.patch_set,
        "project": text.outward(change.project),
        "branch": text.outward(change.branch),
        "owner_id": change.owner.id,
        "party": wait.party.value,
        "since": iso(wait.since),
        "milestone": milestone,
    }


def _days(span: timedelta) -> float:
    return round(span.total_seconds() / 86_400, 2)
