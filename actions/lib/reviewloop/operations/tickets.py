"""The life of a change's ticket: opened once, kept true, closed with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Pattern, Sequence, Tuple

from reviewloop.core.events import EventRef
from reviewloop.core.keys import ticket_key
from reviewloop.core.text import outward
from reviewloop.core.tiers import ROSTER_TIERS
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import How
from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.messages.subject import Gone, Subject, title
from reviewloop.messages.words import ENDINGS
from reviewloop.operations.context import Context
from reviewloop.operations.guard import open_asks, own_event, seen_change, seen_wait
from reviewloop.operations.joined import correct_lists
from reviewloop.operations.lapsed import drop_put_off
from reviewloop.store.asks import Ask
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.outcomes import About, Done, Outcome
from reviewloop.trackers.ticketing import Ticketing
from reviewloop.trackers.tickets import CloseReason, Draft

_TICKET_TIERS = tuple(tier.value for tier in ROSTER_TIERS)
MOST_NAMED = 5
"""Tickets of one commit message that are looked at, at most."""


def open_ticket(
    context: Context, event_id: str, *, asked: Sequence[int] = (), attempt: int = 0
) -> Dict[str, Any]:
    """See to it that the event's change has one open ticket.

    ``{action, reason, key, ticket_id, ticket_url, notes}``, action ``created``, ``found``,
    ``reopened``, ``commented`` (on a ticket that the commit message names) or ``nothing``, as where
    the change is private or gone, or the wait is over.
    """
    event = own_event(context, event_id)
    if context.ticketing is None:
        return _told(None, event.ticket_key, "no_tracker")
    with context.change_lease(event.number):
        return _opened(context, context.ticketing, event, asked, attempt)


def _opened(
    context: Context, ticketing: Ticketing, event: EventRef, asked: Sequence[int], attempt: int
) -> Dict[str, Any]:
    key, seen = event.ticket_key, seen_wait(context, event)
    if seen.reason or seen.reading is None or seen.timeline is None:
        return _told(None, key, seen.reason)
    subject = context.subject(seen.reading, seen.timeline, event.milestone, asked)
    step, before = _step(event, attempt), context.records.get(key)
    about = _about(context, event, step if before is None else before.step)
    linked = _commented_on_existing(context, key, subject, replace(about, step=step))
    if linked is not None:
        return _told(linked, key)
    draft = Draft(
        key,
        title(subject.change, event.party),
        _words(context, "ticket_open", subject),
        _login(subject),
    )
    outcome = ticketing.open_once(draft, about)
    if outcome.action is Done.CREATED:
        _note_step(context, key, step)
    return _told(outcome, key)


def update_ticket(
    context: Context, event_id: str, *, asked: Sequence[int] = (), attempt: int = 0
) -> Dict[str, Any]:
    """Say once on the change's ticket that it still waits, and hand it to whoever is asked now.

    Nothing is said of the very escalation that the ticket was opened for.
    """
    event = own_event(context, event_id)
    if context.ticketing is None:
        return _told(None, event.ticket_key, "no_tracker")
    with context.change_lease(event.number):
        return _updated(context, context.ticketing, event, asked, attempt)


def _updated(
    context: Context, ticketing: Ticketing, event: EventRef, asked: Sequence[int], attempt: int
) -> Dict[str, Any]:
    key = event.ticket_key
    step, record = _step(event, attempt), context.records.get(key)
    if record is not None and record.step == step:
        return _told(None, key, "opened_for_this")
    if record is not None and record.linked:
        return _told(None, key, "not_our_ticket")
    seen = seen_wait(context, event)
    if seen.reason or seen.reading is None or seen.timeline is None:
        return _told(None, key, seen.reason)
    subject = context.subject(seen.reading, seen.timeline, event.milestone, asked)
    text = _words(context, "ticket_update", subject)
    outcome = ticketing.comment_once(key, text, f"{key}/{step}")
    login = _login(subject)
    if login is not None:
        assigned = ticketing.assign_once(key, login)
        outcome = replace(outcome, notes=(*outcome.notes, *assigned.notes))
    return _told(outcome, key)


def close_ticket(
    context: Context, number: int, *, how: str = "reviewed", event_id: str = ""
) -> Dict[str, Any]:
    """Close the change's ticket, with the reason, and end what people were asked about it, or were
    to be asked.

    With ``event_id`` only if the ticket is about that event's wait, and only what people were asked
    about that wait: a later one of the same change keeps its ticket and its asks. Without, the
    tracker is asked even where no record of a ticket is left. Nothing is said of a change that is
    private or gone: its ticket is closed in neutral words. With ``event_id`` too, the tickets that
    list the change among others are corrected; on how many that was said is ``lists_corrected``.

    :param how: how the wait ended.
    """
    event = own_event(context, event_id, number) if event_id else None
    with context.change_lease(number):
        told = _stood_down(context, number, How(how), event)
    # Last, and before what tells of the leaders is dropped: a run that fails here can be repeated.
    corrected = 0 if event is None else correct_over(context, event, How(how))
    drop_put_off(context, number, event)
    return {**told, "lists_corrected": corrected}


def _stood_down(
    context: Context, number: int, how: How, event: Optional[EventRef]
) -> Dict[str, Any]:
    key = ticket_key(context.settings.server, number) if event is None else event.ticket_key
    record = context.records.get(key)
    asks = _asks_of(open_asks(context, number, event), event)
    is_open = record is not None and record.state == "open"
    if event and record is not None and is_open and not _is_about(record, event):
        return {**_told(None, key, "another_wait"), "asks_closed": _end(context, asks)}
    if context.ticketing is None:
        return {**_told(None, key, "no_tracker"), "asks_closed": _end(context, asks)}
    # A run that opened a ticket may have died before it kept a record.
    if event and record is None and not any(ask.tier in _TICKET_TIERS for ask in asks):
        return {**_told(None, key, "no_ticket"), "asks_closed": _end(context, asks)}
    # Written first: a template at fault must stop this before anything is ended.
    text = _parting(context, number, how, event)
    closed = _end(context, asks)
    since = iso(event.since) if event else ("" if record is None else record.since)
    return {**_told(_closed(context, key, since, text), key), "asks_closed": closed}


def _asks_of(asks: Sequence[Ask], event: Optional[EventRef]) -> Tuple[Ask, ...]:
    """Those about the event's wait; all without an event."""
    wait = None if event is None else (event.party.value, event.since)
    return tuple(ask for ask in asks if wait in (None, (ask.party, ask.since)))


def _end(context: Context, asks: Sequence[Ask]) -> int:
    context.note([replace(ask, open=False) for ask in asks])
    return len(asks)


def _parting(context: Context, number: int, how: How, event: Optional[EventRef]) -> str:
    """The last words on a change's ticket; on one out of sight nothing is said of the change."""
    try:
        seen = seen_change(context, number, event)
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        return _last_words(context, "ticket_gone", reason=Gone.DELETED)
    if seen.reason:
        return _last_words(context, "ticket_gone", reason=Gone.HIDDEN)
    return _last_words(context, "ticket_over", how_text=ENDINGS[how])


def correct_over(context: Context, event: EventRef, how: How) -> int:
    """Say on the tickets that list the event's change how its wait ended; on how many."""
    return correct_lists(context, event, ENDINGS[how])


def close_over(context: Context, key: str, since: str, how: How) -> Outcome:
    """Close the ticket of a key whose wait since then is over, saying how it ended."""
    return _closed(context, key, since, _last_words(context, "ticket_over", how_text=ENDINGS[how]))


def close_gone(context: Context, key: str, since: str, reason: Gone) -> Outcome:
    """Close the ticket of a key whose change is out of sight, telling nothing about it."""
    return _closed(context, key, since, _last_words(context, "ticket_gone", reason=reason))


def _last_words(context: Context, purpose: str, **more: Any) -> str:
    assert context.tracker is not None  # noqa: S101 - callers have looked
    return context.text(purpose, context.tracker.body_format, **more)


def _closed(context: Context, key: str, since: str, text: str) -> Outcome:
    assert context.ticketing is not None  # noqa: S101 - callers have looked
    step = f"{key}/{since.replace(':', '').lower()}-over"
    return context.ticketing.close_once(key, text, step, CloseReason.COMPLETED)


def _commented_on_existing(
    context: Context, key: str, subject: Subject, about: About
) -> Optional[Outcome]:
    """A comment on the first open ticket that the commit message names, where that is wanted."""
    patterns = context.settings.tracker.existing
    if not patterns or context.ticketing is None:
        return None
    for ticket_id in named_tickets(context.client.commit_message(subject.change), patterns):
        text = _words(context, "ticket_linked", subject)
        outcome = context.ticketing.comment_on_existing(key, ticket_id, text, about.step, about)
        if outcome is not None:
            return outcome
    return None


def named_tickets(message: str, patterns: Sequence[Pattern[str]]) -> Tuple[str, ...]:
    """The ids of tickets that a commit message names, each once, in the patterns' order."""
    found = (match for pattern in patterns for match in pattern.findall(message))
    return tuple(dict.fromkeys(one for one in found if one))[:MOST_NAMED]


def _words(context: Context, purpose: str, subject: Subject) -> str:
    assert context.tracker is not None  # noqa: S101 - callers have looked
    return context.text(purpose, context.tracker.body_format, subject)


def _step(event: EventRef, attempt: int) -> str:
    """One escalation of a change, in the characters that a ticket's markers may have."""
    return f"{int(event.since.timestamp())}-{event.milestone}-{attempt}"


def _note_step(context: Context, key: str, step: str) -> None:
    """Remember what a new ticket was opened for, where its key had another ticket before."""
    record = context.records.get(key)
    if record is not None and record.step != step:
        context.records.put(replace(record, step=step))


def _about(context: Context, event: EventRef, step: str) -> About:
    return About(
        server=event.server,
        number=event.number,
        project=event.project,
        party=event.party.value,
        since=iso(event.since),
        level=_level(context, event),
        step=step,
    )


def _login(subject: Subject) -> Optional[str]:
    """The tracker's name of whoever is asked, if the roster tells it."""
    return next((member.login for member in subject.asked if member.login), None)


def _is_about(record: TicketRecord, event: EventRef) -> bool:
    return (record.party, record.since) == (event.party.value, iso(event.since))


def _level(context: Context, event: EventRef) -> int:
    """The milestone's place among the configured ones, 0 where it is none of them any more."""
    milestones = context.settings.policy.milestones
    return milestones.index(event.milestone) if event.milestone in milestones else 0


def _told(outcome: Optional[Outcome], key: str, reason: str = "") -> Dict[str, Any]:
    ticket = None if outcome is None else outcome.ticket
    notes: List[str] = [] if outcome is None else [outward(note, 300) for note in outcome.notes]
    return {
        "action": "nothing" if outcome is None else outcome.action.value,
        "reason": reason if outcome is None else outward(outcome.reason, 300),
        "key": key,
        "ticket_id": "" if ticket is None else outward(ticket.id),
        "ticket_url": "" if ticket is None else outward(ticket.url, 500),
        "notes": notes,
    }
