"""One change, read anew, and what every action that looks at it says of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Union

from reviewloop.core.change import Change
from reviewloop.core.keys import event_id
from reviewloop.core.reading import Reading, Timeline, read_change
from reviewloop.core.text import NAME_CAP, outward
from reviewloop.core.timestamps import iso
from reviewloop.errors import RefusedError
from reviewloop.operations.context import Context


def read(context: Context, ident: Union[int, str]) -> Reading:
    """A change from Gerrit's own storage.

    :param ident: its number, or what else Gerrit knows it by.
    :raises RefusedError: it is private, or does not exist, or is not visible.
    """
    change = context.client.change(ident)
    if change.is_private:
        raise RefusedError(
            f"Change {change.number} is private: nothing on it leaves Gerrit.",
            "Look at it in Gerrit.",
        )
    return read_change(change, context.people.policy(change))


def summary(context: Context, change: Change) -> Dict[str, Any]:
    """What a change is, without its history."""
    return {
        "number": change.number,
        "project": outward(change.project),
        "branch": outward(change.branch),
        "status": change.status.value,
        "subject": outward(change.subject),
        "topic": outward(change.topic, NAME_CAP),
        "hashtags": [outward(tag, NAME_CAP) for tag in change.hashtags],
        "owner_id": change.owner.id,
        "patchset": change.patch_set,
        "created": iso(change.created),
        "updated": iso(change.updated),
        "work_in_progress": change.work_in_progress,
        "insertions": change.insertions,
        "deletions": change.deletions,
        "url": outward(context.url(change), 500),
    }


def waits(context: Context, reading: Reading, now: datetime) -> List[Dict[str, Any]]:
    """The waits that last, with the milestones before and after ``now``."""
    return [_wait(context, reading, timeline, now) for timeline in reading.lasting(now)]


def _wait(context: Context, reading: Reading, timeline: Timeline, now: datetime) -> Dict[str, Any]:
    policy, wait = context.settings.policy, timeline.wait
    crossed, following = timeline.crossed(now), timeline.following(now)
    party, server = wait.party.value, context.settings.server
    days = reading.elapsed(wait, now, policy) / policy.calendar.day_seconds
    reached = None if crossed is None else str(crossed.milestone)
    return {
        "party": party,
        "cause": wait.cause.value,
        "since": iso(wait.since),
        "waiting_days": round(days, 2),
        "milestone": reached,
        "event_id": reached and event_id(server, reading.change.number, party, wait.since, reached),
        "next_milestone": None if following is None else str(following.milestone),
        "next_at": None if following is None else iso(following.at),
    }
