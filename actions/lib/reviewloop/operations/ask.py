"""Asking for a change in one go: its ticket is opened or kept true, and the review is posted."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from reviewloop.core.events import EventRef
from reviewloop.errors import ReviewLoopError
from reviewloop.operations.context import Context
from reviewloop.operations.failing import error_dict
from reviewloop.operations.guard import own_event
from reviewloop.operations.one_reading import joined_to
from reviewloop.operations.review import post_review
from reviewloop.operations.tickets import open_ticket, update_ticket
from reviewloop.trackers.outcomes import Done

_GO_ON = (Done.FOUND.value, Done.REOPENED.value)


def ask(
    context: Context,
    event_id: str,
    *,
    tier: str = "committee",
    attempt: int = 0,
    asked: Sequence[int] = (),
    labels: Optional[Mapping[str, int]] = None,
    add_hashtags: Sequence[str] = (),
) -> Dict[str, Any]:
    """See to the ticket of the event's change, then post the review, by one reading of the change.

    What ``gerrit.post_review`` answers, with ``ticket`` (what was done about it, as
    ``gerrit.open_ticket`` and ``gerrit.update_ticket`` answer) and ``ticket_ok``. Each part does
    what the action of its name does: a run that goes on from another one's trace repeats nothing.
    Where the ticket fails no review is posted, so that a run that tries again can name the ticket
    in it.

    A part that fails is told under ``error``, and ``ticket_ok`` says which of the two it was.
    """
    event = own_event(context, event_id)
    told: Dict[str, Any] = {"ticket_ok": False}

    def ticket() -> Dict[str, Any]:
        opened = open_ticket(context, event_id, asked=asked, attempt=attempt)
        if opened["action"] not in _GO_ON:
            return opened
        updated = update_ticket(context, event_id, asked=asked, attempt=attempt)
        return {**updated, "ticket_id": opened["ticket_id"], "ticket_url": opened["ticket_url"]}

    def review() -> Dict[str, Any]:
        return post_review(
            context,
            event.number,
            purpose="escalate",
            event_id=event_id,
            tier=tier,
            attempt=attempt,
            asked=asked,
            labels=labels,
            add_hashtags=add_hashtags,
        )

    def both() -> None:
        with context.one_reading(event.number):
            _read_joined(context, event, event_id, tier, attempt)
            told.update(ticket=ticket(), ticket_ok=True)
            told.update(review())

    return _with_error(told, both)


def _read_joined(context: Context, event: EventRef, event_id: str, tier: str, attempt: int) -> None:
    """Have the texts tell for which other changes it is asked, by the ask's own record. Without one
    they look for it among all.
    """
    ask = context.asks.kept(event_id, tier, attempt)
    if ask is not None:
        what = joined_to((event.party.value, event.since), event.milestone)
        context.reading.once(what, lambda: context.links(ask.joined))


def _with_error(told: Dict[str, Any], step: Callable[[], None]) -> Dict[str, Any]:
    try:
        step()
    except ReviewLoopError as err:
        told["error"] = error_dict(err)
    return told
