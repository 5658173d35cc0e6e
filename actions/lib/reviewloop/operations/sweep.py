"""The daily sweep: what the sensor cannot see any more is stood down, and what does not fit is
told.

The sensor tells the end of a wait that it can see. A change that was deleted or made private, or
whose project is gone, is out of its sight; so the sweep reads the change of every open record
again. Being out of sight can also mean that the pack's own account has lost a permission, and a
wait that is not read any more that the configuration has changed: no more than a few tickets are
closed for such doubtful reasons in one sweep, and otherwise none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from reviewloop.core.change import Change
from reviewloop.core.endings import how_it_ended, wait_of
from reviewloop.core.keys import ticket_key
from reviewloop.core.text import outward
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.core.turns import How
from reviewloop.core.waits import follow
from reviewloop.errors import RefusedError, ReviewLoopError
from reviewloop.messages.render import Gone
from reviewloop.operations.context import Context
from reviewloop.operations.tickets import TICKET_TIERS, close_gone, close_over
from reviewloop.store.asks import Ask
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.base import Ticket
from reviewloop.trackers.outcomes import About

_NOT_FOUND = 404


@dataclass
class Case:
    """A change that people were asked about: its open record, its open asks, and what became of
    it.

    :param why: how its waits ended, or why it is out of sight; None while one of them lasts.
    :param is_doubtful: the change is out of sight, or a wait is not read any more.
    """

    number: int
    key: str
    record: Optional[TicketRecord]
    asks: Tuple[Ask, ...]
    change: Optional[Change] = None
    why: Optional[Union[How, Gone]] = None
    is_doubtful: bool = False

    @property
    def has_ticket(self) -> bool:
        """Whether there should be a ticket, or may be one that a run which died left behind."""
        return self.record is not None or any(ask.tier in TICKET_TIERS for ask in self.asks)

    def waits(self) -> Iterator[Tuple[str, datetime]]:
        """Party and beginning of each wait that the case is about."""
        if self.record is not None and self.record.since:
            since = from_iso(self.record.since)
            yield self.record.party, since
        for ask in self.asks:
            yield ask.party, ask.since


@dataclass
class Report:
    """What a sweep did and found."""

    looked_at: int = 0
    closed: List[Dict[str, Any]] = field(default_factory=list)
    commented: List[Dict[str, Any]] = field(default_factory=list)
    held_back: List[Dict[str, Any]] = field(default_factory=list)
    records_without_ticket: List[Dict[str, Any]] = field(default_factory=list)
    tickets_without_record: List[Dict[str, Any]] = field(default_factory=list)
    records_elsewhere: List[Dict[str, Any]] = field(default_factory=list)
    asks_closed: int = 0
    failures: List[Dict[str, Any]] = field(default_factory=list)


def sweep(
    context: Context,
    *,
    most_gone: int = 5,
    hashtags: Sequence[str] = (),
    dry_run: bool = False,
) -> Dict[str, Any]:
    """Stand down what is over, and tell what does not fit; ``vars`` of a :class:`Report`.

    One change's failure does not keep the others from being looked at; it is listed.

    :param most_gone: close at most so many tickets because their change is out of sight, or their
        wait is not read any more; if there are more, none, and they are listed under ``held_back``.
    :param hashtags: taken off the changes whose wait is over.
    :param dry_run: only tell; nothing is written anywhere.
    """
    report = Report()
    _check_credentials(context)
    cases = [
        case
        for case in _cases(context, report)
        if _attempt(report, case.number, partial(_judge, context, case))
    ]
    report.looked_at = len(cases)
    doubtful = [case for case in cases if case.is_doubtful]
    if len(doubtful) > most_gone:
        report.held_back = [_told(case) for case in doubtful]
        cases = [case for case in cases if not case.is_doubtful]
    for case in cases:
        settle = _foretell if dry_run else _settle
        _attempt(report, case.number, partial(settle, context, case, report, hashtags))
    _attempt(report, 0, partial(_compare, context, report))
    return vars(report)


def _check_credentials(context: Context) -> None:
    """A wrong credential must not look like changes that are gone, nor like lost tickets."""
    if context.settings.gerrit.username:
        context.client.whoami()
    else:
        context.client.version()
    if context.tracker is not None:
        context.tracker.whoami()


def _cases(context: Context, report: Report) -> List[Case]:
    """Every change with an open record of this server and tracker, or with an open ask."""
    here = "" if context.tracker is None else context.tracker.name
    records: Dict[int, TicketRecord] = {}
    for record in context.records.all():
        if record.state != "open":
            continue
        if (record.server, record.tracker) == (context.settings.server, here):
            records[record.number] = record
        else:
            report.records_elsewhere.append(
                {"key": record.key, "number": record.number, **_named(record.id, record.url)}
            )
    asks = [ask for ask in context.asks.all() if ask.open]
    numbers = sorted({*records, *(ask.number for ask in asks)})
    server = context.settings.server
    return [
        Case(n, ticket_key(server, n), records.get(n), tuple(a for a in asks if a.number == n))
        for n in numbers
    ]


def _judge(context: Context, case: Case) -> None:
    """Read the change from Gerrit's storage, and say what became of its waits."""
    try:
        change = context.client.change(case.number)
    except RefusedError as err:
        if err.status != _NOT_FOUND:
            raise
        case.why, case.is_doubtful = Gone.DELETED, True
        return
    if change.is_private:
        case.why, case.is_doubtful = Gone.HIDDEN, True
        return
    case.change = change
    state = follow(change, context.settings.policy)
    ends = [how_it_ended(change, state, party, since) for party, since in case.waits()]
    if None not in ends:
        case.why = next(iter(ends), None)
        unread = [one for one in case.waits() if wait_of(state, *one) is None]
        case.is_doubtful = bool(unread) and case.why is How.SUPERSEDED


def _foretell(context: Context, case: Case, report: Report, _hashtags: Sequence[str]) -> None:
    """Tell what :func:`_settle` would do."""
    ticket = context.ticketing.peek(case.key) if context.ticketing and case.has_ticket else None
    _take_down(case, ticket, report)
    if case.why is not None:
        report.asks_closed += len(case.asks)


def _settle(context: Context, case: Case, report: Report, hashtags: Sequence[str]) -> None:
    """Stand a case down, unless an escalation has gone on with it meanwhile."""
    if case.why is not None and not _is_as_read(context, case):
        return
    ticket = _present(context, case)
    if case.why is None:
        _take_down(case, ticket, report)
        return
    # Hashtags first: once the asks are closed, nothing leads back to the change.
    untagged = _attempt(report, case.number, partial(_untag, context, case, hashtags))
    if ticket is not None:
        _close(context, case, case.why)
    _take_down(case, ticket, report)
    if untagged:
        context.asks.close(case.number)
        report.asks_closed += len(case.asks)


def _present(context: Context, case: Case) -> Optional[Ticket]:
    """The case's ticket as it is now, its record brought up to date."""
    if context.ticketing is None or not case.has_ticket:
        return None
    ticket = context.ticketing.look(case.key, None if case.record else _about(context, case))
    if ticket is None and case.record is not None:
        context.ticketing.forget(case.key)
    return ticket


def _about(context: Context, case: Case) -> About:
    """What a ticket is about whose record was lost, as far as the asks tell."""
    party, since = max(case.waits(), key=lambda wait: wait[1])
    return About(context.settings.server, case.number, party, iso(since))


def _take_down(case: Case, ticket: Optional[Ticket], report: Report) -> None:
    """List what happens to a case's ticket."""
    if ticket is None:
        if case.record is not None:
            report.records_without_ticket.append(_told(case))
        return
    if case.why is None or not ticket.is_open:
        return
    is_ours = ticket.key == case.key or case.record is None or not case.record.linked
    (report.closed if is_ours else report.commented).append(
        {**_told(case), **_named(ticket.id, ticket.url)}
    )


def _is_as_read(context: Context, case: Case) -> bool:
    record = context.records.get(case.key)
    asks = tuple(ask for ask in context.asks.all() if ask.open and ask.number == case.number)
    same = record == case.record or (case.record is None and record and record.state != "open")
    return bool(same) and asks == case.asks


def _untag(context: Context, case: Case, hashtags: Sequence[str]) -> None:
    if case.change is not None and set(hashtags) & set(case.change.hashtags):
        context.client.set_hashtags(case.change, (), hashtags)


def _close(context: Context, case: Case, why: Union[How, Gone]) -> None:
    since = iso(max(since for _, since in case.waits()))
    if isinstance(why, Gone):
        close_gone(context, case.key, since, why)
    else:
        close_over(context, case.key, since, why)


def _compare(context: Context, report: Report) -> None:
    """Tell the tickets that no record knows, such as those of an installation before this one."""
    if context.tracker is None or context.ticketing is None:
        return
    here = context.tracker.name
    known = {
        (record.key, record.id)
        for record in context.records.all()
        if record.state == "open" and record.tracker == here
    }
    server = context.settings.server
    numbers = {ticket_key(server, ask.number): ask.number for ask in context.asks.all()}
    for ticket in context.ticketing.list_open():
        key = ticket.key or ""
        if (key, ticket.id) not in known:
            report.tickets_without_record.append(
                {"key": key, "number": numbers.get(key, 0), **_named(ticket.id, ticket.url)}
            )


def _attempt(report: Report, number: int, job: Callable[[], None]) -> bool:
    """Run a job; a failure is listed, and the sweep goes on. Whether it went well."""
    try:
        job()
    except ReviewLoopError as err:
        report.failures.append(
            {"number": number, "kind": err.kind, "message": outward(str(err), 500)}
        )
        return False
    return True


def _told(case: Case) -> Dict[str, Any]:
    """A case as the report lists it."""
    ticket_id, url = ("", "") if case.record is None else (case.record.id, case.record.url)
    why = "" if case.why is None else case.why.value
    return {"key": case.key, "number": case.number, "why": why, **_named(ticket_id, url)}


def _named(ticket_id: str, url: str) -> Dict[str, str]:
    return {"ticket_id": outward(ticket_id), "ticket_url": outward(url, 500)}
