"""What was put off about waits that are over: it holds a place in the queue no longer."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from reviewloop.core.endings import how_it_ended
from reviewloop.core.events import EventRef
from reviewloop.core.turns import How
from reviewloop.escalation.assess import event_ref
from reviewloop.operations.context import Context
from reviewloop.operations.guard import seen_wait
from reviewloop.store.pending import Pending


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
    for one in put_off_about(context.pendings.all(), context.settings.server, number, event):
        context.pendings.drop(one)


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


def _is_covered(told: EventRef, event: EventRef) -> bool:
    same = (told.project, told.party) == (event.project, event.party)
    return same and told.since <= event.since
