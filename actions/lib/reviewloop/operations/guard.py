"""What every write asks first, on the change as it is at that moment.

A trigger is minutes old when its workflow writes, and an action may be run by hand with whatever
parameters: so the event's wait must still last, the change must be the event's, and must not be
private.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.events import EventRef
from reviewloop.core.reading import Reading, Timeline, read_change
from reviewloop.errors import RefusedError
from reviewloop.escalation.events import check_server, event_ref
from reviewloop.http import codes
from reviewloop.operations.context import Context
from reviewloop.store.asks import Ask

PRIVATE = "private"
GONE = "gone"
WAIT_OVER = "wait_over"


@dataclass(frozen=True)
class Seen:
    """A change that is about to be written on.

    :param timeline: the open wait of the event, None without an event and where it is over.
    :param reason: why nothing is written: ``private``, ``gone``, ``wait_over``; "" where it may be.
    """

    change: Optional[Change] = None
    reading: Optional[Reading] = None
    timeline: Optional[Timeline] = None
    reason: str = ""


def own_event(context: Context, event_id: str, number: int = 0) -> EventRef:
    """The event, which is of the configured server, and of the change where one is named.

    :raises RefusedError: it is not.
    """
    event = check_server(event_ref(event_id), context.settings.server)
    if number and event.number != number:
        raise RefusedError(
            f"number is {number}, but event_id is about change {event.number}: one change would be"
            " judged, and the other written on.",
            f"Pass number {event.number}, or an event of change {number}.",
        )
    return event


def seen_change(context: Context, number: int, event: Optional[EventRef] = None) -> Seen:
    """The change, unless nothing may be written on it.

    :raises RefusedError: it does not exist.
    """
    change = context.client.change(number if event is None else event.ident)
    return Seen(change, reason=PRIVATE if change.is_private else "")


def seen_wait(context: Context, event: EventRef) -> Seen:
    """The event's change and its open wait, or why nothing is to be written about it."""
    return context.reading.once(event, partial(_seen_wait, context, event))


def _seen_wait(context: Context, event: EventRef) -> Seen:
    try:
        seen = seen_change(context, event.number, event)
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        return Seen(reason=GONE)
    if seen.reason or seen.change is None:
        return seen
    reading = read_change(seen.change, context.people.policy(seen.change))
    timeline = reading.timeline(event.party, context.client.now(), event.since)
    # Not every message that tells of an end, or of work in progress, is there for good.
    over = timeline is None or seen.change.status.is_closed or seen.change.work_in_progress
    return Seen(seen.change, reading, timeline, WAIT_OVER if over else "")


def open_asks(context: Context, number: int, event: Optional[EventRef] = None) -> Tuple[Ask, ...]:
    """What people are asked about a change: the event's own, where two have the number."""
    mine = (ask for ask in context.known()[0] if ask.open and ask.number == number)
    if event is None:
        return tuple(mine)
    return tuple(ask for ask in mine if event_ref(ask.event_id).project == event.project)
