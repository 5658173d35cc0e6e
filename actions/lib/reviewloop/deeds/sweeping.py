"""The daily sweep: what the sensor cannot see any more is stood down, and what does not fit is
told.

The sensor tells the end of a wait that it can see. A change that was deleted or made private, or
whose project is gone, is out of its sight; so the sweep reads the change of every open record
again. Being out of sight can also mean that the pack's own account has lost a permission: so no
more than a few tickets are closed for that in one sweep, and otherwise none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from reviewloop.asks import Ask
from reviewloop.core.change import Change
from reviewloop.core.keys import ticket_key
from reviewloop.core.text import outward
from reviewloop.core.turns import How, follow
from reviewloop.deeds.escalating import close_gone, close_over, how_it_ended
from reviewloop.errors import RefusedError, ReviewLoopError
from reviewloop.records import TicketRecord
from reviewloop.toolbox import Toolbox
from reviewloop.trackers.base import Ticket
from reviewloop.wording import Gone

_NOT_FOUND = 404
_ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Case:
    """A change that people were asked about: its open record, its open asks, and what became of
    it.

    ``change`` is None where it is out of sight, for the ``reason``.
    """

    number: int
    record: Optional[TicketRecord]
    asks: Tuple[Ask, ...]
    change: Optional[Change] = None
    reason: Optional[Gone] = None


@dataclass
class Report:
    """What a sweep did and found."""

    looked_at: int = 0
    closed: List[Dict[str, Any]] = field(default_factory=list)
    held_back: List[Dict[str, Any]] = field(default_factory=list)
    records_without_ticket: List[Dict[str, Any]] = field(default_factory=list)
    tickets_without_record: List[Dict[str, Any]] = field(default_factory=list)
    records_elsewhere: List[Dict[str, Any]] = field(default_factory=list)
    asks_closed: int = 0
    failures: List[Dict[str, Any]] = field(default_factory=list)


def sweep(
    tools: Toolbox,
    *,
    most_gone: int = 5,
    hashtags: Sequence[str] = (),
    dry_run: bool = False,
) -> Dict[str, Any]:
    """Stand down what is over, and tell what does not fit; ``vars`` of a :class:`Report`.

    One change's failure does not keep the others from being looked at; it is listed.

    :param most_gone: close at most so many tickets because their change is out of sight; if there
        are more, none, and they are listed under ``held_back``.
    :param hashtags: taken off the changes whose wait is over.
    :param dry_run: only tell; nothing is written anywhere.
    """
    report = Report()
    # A wrong credential must not look like changes that are gone, nor like lost tickets.
    if tools.settings.gerrit.username:
        tools.client.whoami()
    else:
        tools.client.version()
    if tools.tracker is not None:
        tools.tracker.whoami()
    cases = _cases(tools, report)
    for case in cases:
        _attempt(report, case.number, partial(_look, tools, case))
    failed = {failure["number"] for failure in report.failures}
    cases = [case for case in cases if case.number not in failed]
    report.looked_at = len(cases)
    gone = [case for case in cases if case.reason]
    if len(gone) > most_gone:
        report.held_back = [_line(case.number, case.record) for case in gone]
        cases = [case for case in cases if not case.reason]
    for case in cases:
        _attempt(report, case.number, partial(_settle, tools, case, report, hashtags, dry_run))
    _compare(tools, report)
    return vars(report)


def _cases(tools: Toolbox, report: Report) -> List[Case]:
    """Every change with an open record of this server and tracker, or with an open ask."""
    here = "" if tools.tracker is None else tools.tracker.name
    records: Dict[int, TicketRecord] = {}
    for record in tools.records.all():
        if record.state != "open" or record.server != tools.settings.server:
            continue
        if record.tracker == here:
            records[record.number] = record
        else:
            report.records_elsewhere.append(_line(record.number, record))
    asks = [ask for ask in tools.asks.all() if ask.open]
    numbers = sorted({*records, *(ask.number for ask in asks)})
    return [Case(n, records.get(n), tuple(ask for ask in asks if ask.number == n)) for n in numbers]


def _look(tools: Toolbox, case: Case) -> None:
    """Read the change, from Gerrit's storage."""
    try:
        change = tools.client.change(case.number)
    except RefusedError as err:
        if err.status != _NOT_FOUND:
            raise
        case.reason = Gone.DELETED
        return
    if change.is_private:
        case.reason = Gone.HIDDEN
    else:
        case.change = change


def _settle(
    tools: Toolbox, case: Case, report: Report, hashtags: Sequence[str], dry_run: bool
) -> None:
    ticket = _ticket(tools, case, report, dry_run)
    how = None if case.change is None else _how(tools, case.change, case)
    why = case.reason if how is None else how
    if why is None:
        return
    if case.record is not None and ticket is not None and ticket.is_open:
        if not dry_run:
            _close(tools, case.record, why)
        report.closed.append({**_line(case.number, case.record), "why": why.value})
    report.asks_closed += len(case.asks)
    if dry_run:
        return
    tools.asks.close(case.number)
    if case.change is not None and set(hashtags) & set(case.change.hashtags):
        tools.client.set_hashtags(case.change, (), hashtags)


def _ticket(tools: Toolbox, case: Case, report: Report, dry_run: bool) -> Optional[Ticket]:
    """The ticket of a case as it is now; a record without one is told, once."""
    if case.record is None or tools.desk is None:
        return None
    ticket = tools.desk.peek(case.record.key) if dry_run else tools.desk.look(case.record.key)
    if ticket is None:
        report.records_without_ticket.append(_line(case.number, case.record))
        if not dry_run:
            tools.desk.forget(case.record.key)
    return ticket


def _close(tools: Toolbox, record: TicketRecord, why: Union[How, Gone]) -> None:
    if isinstance(why, Gone):
        close_gone(tools, record, why)
    else:
        close_over(tools, record, why)


def _how(tools: Toolbox, change: Change, case: Case) -> Optional[How]:
    """How the wait ended that a case is about; None while one of them lasts."""
    state = follow(change, tools.settings.policy)
    ends = [how_it_ended(state, party, since) for party, since in _waits(case)]
    return None if None in ends else next(iter(ends), None)


def _waits(case: Case) -> Iterator[Tuple[str, datetime]]:
    if case.record is not None and case.record.since:
        since = datetime.strptime(case.record.since, _ISO).replace(tzinfo=timezone.utc)
        yield case.record.party, since
    for ask in case.asks:
        yield ask.party, ask.since


def _compare(tools: Toolbox, report: Report) -> None:
    """Tell the tickets that no record knows, such as those of an installation before this one."""
    if tools.tracker is None:
        return
    known = {record.key for record in tools.records.all()}
    server = tools.settings.server
    numbers = {ticket_key(server, ask.number): ask.number for ask in tools.asks.all()}
    for ticket in tools.tracker.list_open():
        key = ticket.key or ""
        if key not in known:
            report.tickets_without_record.append(
                {"key": key, "number": numbers.get(key, 0), **_named(ticket.id, ticket.url)}
            )


def _attempt(report: Report, number: int, job: Callable[[], None]) -> None:
    """Run a job; a failure is listed, and the sweep goes on."""
    try:
        job()
    except ReviewLoopError as err:
        report.failures.append(
            {"number": number, "kind": err.kind, "message": outward(str(err), 500)}
        )


def _line(number: int, record: Optional[TicketRecord]) -> Dict[str, Any]:
    if record is None:
        return {"key": "", "number": number, **_named("", "")}
    return {"key": record.key, "number": number, **_named(record.id, record.url)}


def _named(ticket_id: str, url: str) -> Dict[str, str]:
    return {"ticket_id": outward(ticket_id), "ticket_url": outward(url, 500)}
