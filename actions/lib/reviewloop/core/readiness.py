"""Ready for review, or in progress: as Gerrit answers, where the messages tell it otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import List, Sequence, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind


def in_progress(events: Sequence[Event], change: Change) -> List[Event]:
    """The history of a change that is in progress, or private, without a message of it."""
    last = change.messages[-1] if change.messages else None
    at = last.date if last else change.created
    event = Event(EventKind.WIP, at, None, wip=True, uploader=events[-1].uploader)
    return [*events, replace(event, place=len(change.messages))]


def ready(events: Sequence[Event], change: Change) -> List[Event]:
    """The history of a change that is ready although its messages do not say so.

    Gerrit keeps no trace where a review with words makes a change ready: then its words are the
    trace. The first message after the last sign of progress by whoever answers for the change: one
    that no later message moves.
    """
    begun = max(i for i, event in enumerate(events) if event.wip and _begins(events, i))
    since = events[begun]
    place, at = _trace(change, since)
    split = next((i for i in range(begun + 1, len(events)) if events[i].place >= place), None)
    split = len(events) if split is None else split
    made = Event(EventKind.READY, at, None, uploader=since.uploader, place=place)
    after = [replace(event, wip=False) for event in events[split:]]
    return [*events[:split], made, *after]


def _trace(change: Change, since: Event) -> Tuple[int, datetime]:
    """Place and date of the message that made a change ready which was in progress ``since``."""
    responsible = (change.owner.id, since.uploader)
    later = [(i, one) for i, one in enumerate(change.messages) if i > since.place]
    own = [(i, one) for i, one in later if one.author and one.author.id in responsible]
    place, message = next(iter(own or later), (since.place, None))
    return place, since.at if message is None else message.date


def _begins(events: Sequence[Event], i: int) -> bool:
    kinds = (EventKind.WIP, EventKind.UPLOAD)
    return events[i].kind in kinds or i == 0 or not events[i - 1].wip
