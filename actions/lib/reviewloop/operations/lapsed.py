"""What was put off about waits that are over: it holds a place in the queue no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Dict, List, Optional, Sequence, Tuple

from reviewloop.core.change import Change
from reviewloop.core.endings import how_it_ended
from reviewloop.core.events import EventRef
from reviewloop.core.reading import read_change
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.core.turns import How
from reviewloop.escalation.events import event_ref
from reviewloop.operations.context import Context
from reviewloop.operations.guard import seen_wait
from reviewloop.store.pending import Pending
from reviewloop.store.tickets import CLOSED_TTL, TicketRecord

CLOSED = timedelta(seconds=CLOSED_TTL)
MOST_CLOSED = 1_000
"""Records of closed tickets that one sweep lets go."""


def put_off_about(
    pendings: Sequence[Pending], server: str, number: int, event: Optional[EventRef] = None
) -> Tuple[Pending, ...]:
    """The records of a change; with an event those of its party's waits, up to the event's."""
    mine = ((one, event_ref(one.event_id)) for one in pendings if one.number == number)
    here = ((one, told) for one, told in mine if told.server == server)
    return tuple(one for one, told in here if event is None or _is_covered(told, event))


def drop_put_off(context: Context, number: int, event: Optional[EventRef]) -> None:
    """Drop what was put off about a wait that is over; without an event, about all of a change's.

    :raises DatastoreError: it may still be there.
    """
    server = context.settings.server
    context.note(dropped=put_off_about(context.known()[1], server, number, event))


def waits_put_off(
    pendings: Sequence[Pending], server: str
) -> Tuple[Tuple[EventRef, Sequence[Pending]], ...]:
    """A server's waits about which something was put off, each as an event, with the records."""
    found: Dict[str, List[Pending]] = {}
    for one in pendings:
        found.setdefault(one.event_id.rpartition(":")[0], []).append(one)
    waits = ((event_ref(records[0].event_id), records) for records in found.values())
    return tuple((event, records) for event, records in waits if event.server == server)


def ending(context: Context, event: EventRef) -> Tuple[bool, Optional[How]]:
    """Whether the event's wait is over, or its change out of sight; and how it ended if Gerrit
    says so.
    """
    seen = seen_wait(context, event)
    if not seen.reason or seen.change is None or seen.reading is None:
        return bool(seen.reason), None
    party = event.party.value
    return True, how_it_ended(seen.change, seen.reading.state, party, event.since)


def let_lapse(context: Context, closed: Sequence[TicketRecord]) -> None:
    """See to it that records of closed tickets lapse, as those of former versions do not."""
    now = context.client.now()
    old = [one for one in closed if not one.closed_at or from_iso(one.closed_at) < now - CLOSED]
    for record in old[:MOST_CLOSED]:
        if context.records.get(record.key) != record:
            continue  # the change was escalated again meanwhile
        if record.closed_at:
            context.records.drop(record.key)
        else:
            context.records.put(replace(record, closed_at=iso(now)))


def lasts(context: Context, event: EventRef, row: Optional[Change]) -> bool:
    """Whether what a search has of the event's change shows its wait open."""
    if row is None or row.is_private or event.project not in ("", row.project):
        return False
    if row.status.is_closed or row.work_in_progress:
        return False
    reading = read_change(row, context.people.policy(row))
    return reading.timeline(event.party, context.client.now(), event.since) is not None


def _is_covered(told: EventRef, event: EventRef) -> bool:
    same = (told.project, told.party) == (event.project, event.party)
    return same and told.since <= event.since
