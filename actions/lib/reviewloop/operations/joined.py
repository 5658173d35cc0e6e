"""The list of related changes on a leader's ticket is corrected, once, when one waits no more.

A change that was *joined* has no ticket of its own: it was asked for in its leader's name.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional

from reviewloop.core.events import EventRef
from reviewloop.core.keys import ticket_key
from reviewloop.core.reading import read_change
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.errors import RefusedError
from reviewloop.escalation.events import event_ref
from reviewloop.http import codes
from reviewloop.operations.context import Context
from reviewloop.operations.guard import WAIT_OVER, seen_wait
from reviewloop.operations.lapsed import put_off_about
from reviewloop.store.asks import Ask
from reviewloop.trackers.outcomes import Done


def correct_lists(context: Context, event: EventRef, how_text: str) -> int:
    """Say on each open ticket that lists the event's change that it waits no more; on how many.

    Nothing is said while the event's wait lasts, nor where the leader is private, gone, or not
    waiting any more itself.

    :param how_text: how the wait ended, in words.
    """
    leaders = {} if context.ticketing is None else _leaders(context, event)
    about = _about(context, event, how_text) if leaders else None
    if about is None:
        return 0
    return sum(_corrected(context, key, ident, event, about) for key, ident in leaders.items())


def _leaders(context: Context, event: EventRef) -> Dict[str, str]:
    """The changes in whose name the event's was asked for: ticket key and what Gerrit knows it by.

    Their asks tell; where they are lost, what was put off about the event's change does.
    """
    asks = list(_asks(context, event))
    lists = [ask for ask in asks if event.number in ask.joined and ask.at >= event.since]
    events = [event_ref(ask.event_id) for ask in lists]
    found = {one.ticket_key: one.ident for one in events}
    known = {0, *(ask.number for ask in asks)}
    put_off = put_off_about(context.known()[1], event.server, event.number, event)
    # A reminder or a mark lists nobody.
    on_roster = (one for one in put_off if Tier(one.tier) in ROSTER_TIERS)
    for leader in {one.leader for one in on_roster} - known:
        found[ticket_key(event.server, leader)] = str(leader)
    return found


def _asks(context: Context, event: EventRef) -> Iterator[Ask]:
    """What the roster is asked for the event's party."""
    asks = (ask for ask in context.known()[0] if ask.open and Tier(ask.tier) in ROSTER_TIERS)
    for ask in asks:
        if ask.party == event.party.value and event_ref(ask.event_id).server == event.server:
            yield ask


def _corrected(
    context: Context, key: str, ident: str, event: EventRef, about: Mapping[str, Any]
) -> bool:
    ticketing, tracker = context.ticketing, context.tracker
    if ticketing is None or tracker is None:
        return False
    number = int(ident.rpartition("~")[2])
    with context.change_lease(number):
        if not _still_waits(context, ident, event):
            return False
        text = context.text("ticket_joined", tracker.body_format, **about)
        step = f"{key}/{event.number}-{int(event.since.timestamp())}-joined-over"
        return ticketing.comment_once(key, text, step).action is Done.COMMENTED


def _still_waits(context: Context, ident: str, event: EventRef) -> bool:
    """Whether the leader, which has a ticket of its own, waits for the event's party."""
    try:
        change = context.client.change(ident)
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        return False
    if change.is_private or change.status.is_closed or change.work_in_progress:
        return False
    reading = read_change(change, context.people.policy(change))
    return reading.timeline(event.party, context.client.now()) is not None


def _about(context: Context, event: EventRef, how_text: str) -> Optional[Dict[str, Any]]:
    """What may be said of the event's change: no name where it is private or gone; None while it
    waits.
    """
    seen = seen_wait(context, event)
    if not seen.reason:
        return None
    if seen.reason != WAIT_OVER:
        return {"number": "", "url": "", "how_text": ""}
    url = context.site.short(event.number)
    return {"number": event.number, "url": url, "how_text": how_text}
