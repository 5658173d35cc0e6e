"""Escalating: whether and whom to ask, and the life of a change's ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, List, Optional, Pattern, Sequence, Tuple

from reviewloop.assess import EventRef, Tier
from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.keys import ticket_key
from reviewloop.core.payloads import iso
from reviewloop.core.text import outward
from reviewloop.core.turns import How
from reviewloop.core.waits import State, Wait, follow
from reviewloop.deeds.writing import subject_of
from reviewloop.records import TicketRecord
from reviewloop.toolbox import Toolbox
from reviewloop.trackers.base import CloseReason, Draft
from reviewloop.trackers.desk import About, Done, Outcome
from reviewloop.wording import Gone, Subject, title, write

TICKET_TIERS = (Tier.COMMITTEE.value, Tier.CHAIR.value)
"""Those for whom tickets are opened."""
_CLOSED = {ChangeStatus.MERGED: How.MERGED, ChangeStatus.ABANDONED: How.ABANDONED}
MOST_NAMED = 5
"""Tickets of one commit message that are looked at, at most."""

_ENDINGS = {
    How.ANSWERED: "the owner answered",
    How.APPROVED: "the change was approved",
    How.CI_RECOVERED: "CI recovered",
    How.REVIEWED: "somebody reviewed the change",
    How.SUPERSEDED: "the change moved on",
    How.HELD_BY_OWNER: "the owner holds the change back",
    How.MERGED: "the change was merged",
    How.ABANDONED: "the change was abandoned",
    How.WIP: "the change went back to work in progress",
}


def assess(tools: Toolbox, event_id: str, *, tier: str = "committee") -> Dict[str, Any]:
    """Whether to act on an event now, and whom to ask.

    ``{proceed, verdict, tier, number, patchset, asked: [account ids], attempt, waiting_hours}``;
    ``asked`` is empty where a whole committee is asked, or nobody.
    """
    found = tools.assessor.assess(EventRef.parse(event_id), Tier(tier))
    return {
        "proceed": found.proceeds,
        "verdict": found.verdict.value,
        "tier": found.tier.value,
        "number": found.event.number,
        "patchset": 0 if found.change is None else found.change.patch_set,
        "asked": list(found.accounts),
        "attempt": found.attempt,
        "waiting_hours": round(found.waiting_seconds / 3600, 2),
    }


def open_ticket(
    tools: Toolbox, event_id: str, *, asked: Sequence[int] = (), attempt: int = 0
) -> Dict[str, Any]:
    """See to it that the event's change has one open ticket.

    ``{action, reason, key, ticket_id, ticket_url, notes}``, action ``created``, ``found``,
    ``reopened``, ``commented`` (on a ticket that the commit message names) or ``nothing``.
    """
    event = EventRef.parse(event_id).check_server(tools.settings.server)
    key = ticket_key(event.server, event.number)
    if tools.desk is None or tools.tracker is None:
        return _told(None, key, "no_tracker")
    change = tools.client.change(event.number)
    if change.is_private:
        return _told(None, key, "private")
    subject = subject_of(tools, change, event, asked, link=False)
    step, before = _step(event, attempt), tools.records.get(key)
    about = _about(tools, event, step if before is None else before.step)
    linked = _commented_on_existing(tools, key, subject, replace(about, step=step))
    if linked is not None:
        return _told(linked, key)
    draft = Draft(
        key,
        title(change, event.party),
        _words(tools, "ticket_open", subject),
        _login(subject),
    )
    outcome = tools.desk.open_once(draft, about)
    if outcome.action is Done.CREATED:
        _note_step(tools, key, step)
    return _told(outcome, key)


def update_ticket(
    tools: Toolbox, event_id: str, *, asked: Sequence[int] = (), attempt: int = 0
) -> Dict[str, Any]:
    """Say once on the change's ticket that it still waits, and hand it to whoever is asked now.

    Nothing is said of the very escalation that the ticket was opened for.
    """
    event = EventRef.parse(event_id).check_server(tools.settings.server)
    key = ticket_key(event.server, event.number)
    if tools.desk is None or tools.tracker is None:
        return _told(None, key, "no_tracker")
    step, record = _step(event, attempt), tools.records.get(key)
    if record is not None and record.step == step:
        return _told(None, key, "opened_for_this")
    if record is not None and record.linked:
        return _told(None, key, "not_our_ticket")
    change = tools.client.change(event.number)
    if change.is_private:
        return _told(None, key, "private")
    subject = subject_of(tools, change, event, asked, link=False)
    text = _words(tools, "ticket_update", subject)
    outcome = tools.desk.comment_once(key, text, f"{key}/{step}")
    login = _login(subject)
    if login is not None:
        assigned = tools.desk.assign_once(key, login)
        outcome = replace(outcome, notes=(*outcome.notes, *assigned.notes))
    return _told(outcome, key)


def close_ticket(
    tools: Toolbox, number: int, *, how: str = "reviewed", event_id: str = ""
) -> Dict[str, Any]:
    """Close the change's ticket, with the reason, and end what people were asked about it.

    With ``event_id`` only if the ticket is about that event's wait: a later wait of the same change
    keeps its ticket.

    :param how: how the wait ended.
    """
    key = ticket_key(tools.settings.server, number)
    record = tools.records.get(key)
    event = EventRef.parse(event_id) if event_id else None
    is_open = record is not None and record.state == "open"
    if event and record is not None and is_open and not _is_about(record, event):
        return {**_told(None, key, "another_wait"), "asks_closed": 0}
    reason = "no_tracker" if tools.desk is None else "no_ticket"
    if tools.desk is None or (record is None and not _committee_was_asked(tools, number)):
        return {**_told(None, key, reason), "asks_closed": tools.asks.close(number)}
    # The desk asks for the time, and this deed has not spoken to Gerrit yet.
    tools.client.version()
    # Written first: a template at fault must stop this before anything is ended.
    text = _last_words(tools, "ticket_over", how_text=_ENDINGS[How(how)])
    closed = tools.asks.close(number)
    since = iso(event.since) if event else ("" if record is None else record.since)
    return {**_told(_closed(tools, key, since, text), key), "asks_closed": closed}


def _committee_was_asked(tools: Toolbox, number: int) -> bool:
    """Whether a ticket may be there without a record: a run that opened one may have died."""
    asks = (ask for ask in tools.asks.all() if ask.number == number and ask.open)
    return any(ask.tier in TICKET_TIERS for ask in asks)


def close_over(tools: Toolbox, key: str, since: str, how: How) -> Outcome:
    """Close the ticket of a key whose wait since then is over, saying how it ended."""
    return _closed(tools, key, since, _last_words(tools, "ticket_over", how_text=_ENDINGS[how]))


def close_gone(tools: Toolbox, key: str, since: str, reason: Gone) -> Outcome:
    """Close the ticket of a key whose change is out of sight, telling nothing about it."""
    return _closed(tools, key, since, _last_words(tools, "ticket_gone", reason=reason))


def _last_words(tools: Toolbox, purpose: str, **more: Any) -> str:
    assert tools.tracker is not None  # noqa: S101 - callers have looked
    folder = tools.settings.tracker.templates
    return write(purpose, tools.tracker.body_format, folder=folder, **more)


def _closed(tools: Toolbox, key: str, since: str, text: str) -> Outcome:
    assert tools.desk is not None  # noqa: S101 - callers have looked
    step = f"{key}/{since.replace(':', '').lower()}-over"
    return tools.desk.close_once(key, text, step, CloseReason.COMPLETED)


def refresh(tools: Toolbox, number: int) -> Dict[str, Any]:
    """Whether the wait that people were asked about is over: ``{number, over, how, event_id}``.

    It answers at once what the sensor would tell at its next poll; ``how`` and ``event_id`` are
    empty while the wait lasts, and where nobody was asked.
    """
    asked = [ask for ask in tools.asks.all() if ask.number == number and ask.open]
    if asked:
        change = tools.client.change(number)
        state = follow(change, tools.settings.policy)
        for ask in asked:
            how = how_it_ended(change, state, ask.party, ask.since)
            if how is not None:
                return {"number": number, "over": True, "how": how.value, "event_id": ask.event_id}
    return {"number": number, "over": False, "how": "", "event_id": ""}


def how_it_ended(change: Change, state: State, party: str, since: datetime) -> Optional[How]:
    """How the wait ended that a ticket or an ask is about; None while it lasts.

    What Gerrit says of the change itself goes before a wait that its messages leave open.
    """
    found = wait_of(state, party, since)
    if found is not None and found.how is not None:
        return found.how
    if change.status in _CLOSED:
        return _CLOSED[change.status]
    if change.work_in_progress:
        return How.WIP
    # A message was deleted, or the configuration changed: no such wait is read any more.
    return How.SUPERSEDED if found is None else None


def wait_of(state: State, party: str, since: datetime) -> Optional[Wait]:
    """The wait of a party that began then, as it is read now; None where none is read."""
    mine = (wait for wait in state.waits if (wait.party.value, wait.since) == (party, since))
    return next(mine, None)


def _commented_on_existing(
    tools: Toolbox, key: str, subject: Subject, about: About
) -> Optional[Outcome]:
    """A comment on the first open ticket that the commit message names, where that is wanted."""
    patterns = tools.settings.tracker.existing
    if not patterns or tools.desk is None:
        return None
    for ticket_id in named_tickets(tools.client.commit_message(subject.change), patterns):
        text = _words(tools, "ticket_linked", subject)
        outcome = tools.desk.comment_on_existing(key, ticket_id, text, about.step, about)
        if outcome is not None:
            return outcome
    return None


def named_tickets(message: str, patterns: Sequence[Pattern[str]]) -> Tuple[str, ...]:
    """The ids of tickets that a commit message names, each once, in the patterns' order."""
    found = (match for pattern in patterns for match in pattern.findall(message))
    return tuple(dict.fromkeys(one for one in found if one))[:MOST_NAMED]


def _words(tools: Toolbox, purpose: str, subject: Subject) -> str:
    tracker = tools.settings.tracker
    assert tools.tracker is not None  # noqa: S101 - callers have looked
    return write(purpose, tools.tracker.body_format, subject, folder=tracker.templates)


def _step(event: EventRef, attempt: int) -> str:
    """One escalation of a change, in the characters that a ticket's markers may have."""
    return f"{int(event.since.timestamp())}-{event.milestone}-{attempt}"


def _note_step(tools: Toolbox, key: str, step: str) -> None:
    """Remember what a new ticket was opened for, where its key had another ticket before."""
    record = tools.records.get(key)
    if record is not None and record.step != step:
        tools.records.put(replace(record, step=step))


def _about(tools: Toolbox, event: EventRef, step: str) -> About:
    return About(
        server=event.server,
        number=event.number,
        party=event.party.value,
        since=iso(event.since),
        level=_level(tools, event),
        step=step,
    )


def _login(subject: Subject) -> Optional[str]:
    """The tracker's name of whoever is asked, if the roster tells it."""
    return next((member.login for member in subject.asked if member.login), None)


def _is_about(record: TicketRecord, event: EventRef) -> bool:
    return (record.party, record.since) == (event.party.value, iso(event.since))


def _level(tools: Toolbox, event: EventRef) -> int:
    """The milestone's place among the configured ones, 0 where it is none of them any more."""
    milestones = tools.settings.policy.milestones
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
