"""What the sweep looks at: changes that people were asked about, or that have a ticket, and what
became of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Union

from reviewloop.core.change import Change
from reviewloop.core.endings import how_it_ended, wait_of
from reviewloop.core.keys import Mark, ask_id, change_ident, marks_of, ticket_key
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, Timeline, read_change
from reviewloop.core.tiers import ROSTER_TIERS
from reviewloop.core.timestamps import from_iso
from reviewloop.core.turns import How
from reviewloop.core.unasked import overdue
from reviewloop.errors import RefusedError
from reviewloop.escalation.events import event_ref
from reviewloop.http import codes
from reviewloop.messages.subject import Gone
from reviewloop.operations.context import Context
from reviewloop.store.asks import Ask
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.tickets import Ticket

HALF_DONE = timedelta(hours=1)
"""How long an escalation may take from its ask to its comment before it counts as half done."""
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,10}(?![0-9])")
# Numbers of one title that are tried.
_MOST_NUMBERS = 50


@dataclass
class Case:
    """A change that people were asked about: its open record, its open asks, and what became of
    it.

    :param ticket: an open ticket of the change that neither record nor ask knows.
    :param is_shown: the tracker's listing shows the record's ticket, and no other of its key.
    :param why: how its waits ended, or why it is out of sight; None while one of them lasts.
    :param is_doubtful: the change is out of sight, or a wait is not read any more.
    :param overdue: its open waits that have reached a milestone.
    :param half_done: asks about waits that last, which the change does not show.
    :param is_unmarked: a ticket about a wait that lasts, of which neither an ask nor the change
        tells.
    """

    number: int
    key: str
    record: Optional[TicketRecord] = None
    asks: Tuple[Ask, ...] = ()
    project: str = ""
    ticket: Optional[Ticket] = None
    is_shown: bool = False
    change: Optional[Change] = None
    why: Optional[Union[How, Gone]] = None
    is_doubtful: bool = False
    overdue: Tuple[Timeline, ...] = ()
    half_done: List[Ask] = field(default_factory=list)
    is_unmarked: bool = False

    @property
    def has_ticket(self) -> bool:
        """Whether there should be a ticket, or may be one that a run which died left behind."""
        tiers = {tier.value for tier in ROSTER_TIERS}
        asked = any(ask.tier in tiers for ask in self.asks)
        return self.record is not None or self.ticket is not None or asked

    @property
    def is_in_order(self) -> bool:
        """Whether there is nothing to do: a wait lasts, and so does its ticket if there is one."""
        return self.why is None and (self.is_shown or not self.has_ticket)

    def waits(self) -> Iterator[Tuple[str, datetime]]:
        """Party and beginning of each wait that the case is about."""
        if self.record is not None and self.record.since:
            yield self.record.party, from_iso(self.record.since)
        for ask in self.asks:
            yield ask.party, ask.since
        if self.ticket is not None:
            yield from (timeline.key for timeline in self.overdue)


def cases_of(server: str, records: Sequence[TicketRecord], asks: Sequence[Ask]) -> List[Case]:
    """One case for each change with an open record, or with open asks; in order of their numbers.

    :param records: of this server and tracker.
    """
    found: Dict[str, Case] = {}
    for record in records:
        found[record.key] = Case(record.number, record.key, record, project=record.project)
    for ask in asks:
        project = event_ref(ask.event_id).project
        key = ticket_key(server, ask.number, project)
        case = found.setdefault(key, Case(ask.number, key, project=project))
        case.asks = (*case.asks, ask)
    return sorted(found.values(), key=lambda case: (case.number, case.key))


def orphan(server: str, ticket: Ticket) -> Optional[Case]:
    """The case of a ticket that nothing else knows any more: its title names the change, and its
    key proves it.
    """
    for text in _NUMBER.findall(ticket.title)[:_MOST_NUMBERS]:
        number = int(text)
        if ticket.key == ticket_key(server, number):
            return Case(number, ticket.key, ticket=ticket)
    return None


def judge(context: Context, case: Case) -> None:
    """Read the change from Gerrit's storage, and say what became of its waits."""
    try:
        change = context.client.change(change_ident(case.number, case.project))
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        case.why, case.is_doubtful = Gone.DELETED, True
        return
    _judge_by(context, case, change)


def glance(context: Context, case: Case, row: Optional[Change]) -> None:
    """The same, by what a search has of the change if that shows that all is in order."""
    if row is not None and case.project in ("", row.project):
        _judge_by(context, case, row)
        if case.why is None and not case.half_done and not case.is_unmarked:
            case.change = None  # nobody writes on it, and a sweep may see thousands
            return
        case.half_done, case.is_unmarked, case.overdue = [], False, ()
    judge(context, case)


def _judge_by(context: Context, case: Case, change: Change) -> None:
    if change.is_private:
        case.why, case.is_doubtful = Gone.HIDDEN, True
        return
    policy = context.people.policy(change)
    reading = read_change(change, policy)
    now = context.client.now()
    case.change = change
    case.overdue = tuple(timeline for timeline, _ in overdue(reading, now))
    case.why, case.is_doubtful = _ended(case, reading)
    lasting = [ask for ask in case.asks if _lasts(reading, ask) and ask.at <= now - HALF_DONE]
    case.half_done = [ask for ask in lasting if not _is_shown(change, policy, ask)]
    lasts = case.record is not None and case.why is None
    is_marked = any(mark.purpose == "escalate" for mark in _own_marks(change, policy))
    case.is_unmarked = lasts and not case.asks and not is_marked


def _ended(case: Case, reading: Reading) -> Tuple[Optional[Union[How, Gone]], bool]:
    """How the waits of a case ended, and whether that is in doubt."""
    change, state = reading.change, reading.state
    waits = list(case.waits())
    if not waits:
        # A ticket that nobody remembers, of a change that nobody is late with.
        return (Gone.WAIT_OVER, False) if case.ticket is not None else (None, False)
    ends = [how_it_ended(change, state, party, since) for party, since in waits]
    if None in ends:
        return None, False
    why = ends[0]
    unread = [wait for wait in waits if wait_of(state, *wait) is None]
    return why, bool(unread) and why is How.SUPERSEDED


def _lasts(reading: Reading, ask: Ask) -> bool:
    return how_it_ended(reading.change, reading.state, ask.party, ask.since) is None


def _is_shown(change: Change, policy: Policy, ask: Ask) -> bool:
    """Whether a message of ours says that these people were asked."""
    wanted = ask_id(ask.event_id, ask.tier, ask.attempt)
    return any(mark.id == wanted for mark in _own_marks(change, policy))


def _own_marks(change: Change, policy: Policy) -> Iterator[Mark]:
    for message in change.messages:
        if policy.is_own(message):
            yield from marks_of(message)
