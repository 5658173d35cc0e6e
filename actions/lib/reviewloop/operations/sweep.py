"""The daily sweep: what the sensor cannot see any more is stood down, and what does not fit is
reported.

The sensor reports the end of a wait that it can see. A change that was deleted or made private, or
whose project is gone, is out of its sight; so the sweep reads the change of every open record
again. Being out of sight can also mean that the pack's own account has lost a permission, and a
wait that is not read any more that the configuration has changed: no more than a few tickets are
closed for such doubtful reasons in one sweep, and otherwise none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from reviewloop.core.events import EventRef
from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import How
from reviewloop.messages.subject import Gone
from reviewloop.operations.cases import Case, cases_of, glance, orphan
from reviewloop.operations.context import Context
from reviewloop.operations.lapsed import ending, lasts, let_lapse, waits_put_off
from reviewloop.operations.rows import with_rows
from reviewloop.operations.swept import Report, attempt, half_done, tell, ticket_named, told
from reviewloop.operations.tickets import close_gone, close_over, correct_over
from reviewloop.store.pending import Pending
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.outcomes import About
from reviewloop.trackers.tickets import Ticket


def sweep(
    context: Context,
    *,
    most_gone: int = 5,
    hashtags: Sequence[str] = (),
    dry_run: bool = False,
) -> Dict[str, Any]:
    """Stand down what is over, and report what does not fit; ``vars`` of a :class:`Report`.

    Whatever one change, record or ticket holds or does, the others are looked at; it is listed.

    :param most_gone: close at most so many tickets because their change is out of sight, or their
        wait is not read any more; if there are more, none, and they are listed under ``held_back``.
    :param hashtags: taken off the changes whose wait is over.
    :param dry_run: only report; nothing is written anywhere.
    """
    report = Report()
    _check_credentials(context)
    cases, closed = _cases(context, report)
    attempt(report, 0, partial(_compare, context, cases, report))
    cases = list(_judged(context, cases, report))
    report.looked_at = len(cases)
    report.half_done = [line for case in cases for line in half_done(case)]
    doubtful = [case for case in cases if case.is_doubtful]
    if len(doubtful) > most_gone:
        report.held_back = [told(case) for case in doubtful]
        cases = [case for case in cases if not case.is_doubtful]
    settle = _foretell if dry_run else _settle
    work = [case for case in cases if not case.is_in_order]
    for count, case in enumerate(work, 1):
        attempt(report, case.number, partial(settle, context, case, report, hashtags))
        tell(context, "settled", count, len(work))
    _let_go(context, report, dry_run)
    if not dry_run:
        attempt(report, 0, partial(let_lapse, context, closed))
    # A copy: on Python 3.13.0 what vars() gave can lose values when its object goes.
    return dict(vars(report))


def _judged(context: Context, cases: Sequence[Case], report: Report) -> Iterator[Case]:
    """Those of which it can be told what became of them."""
    count = 0
    for batch, rows in with_rows(context, cases, lambda one: one.number):
        for case in batch:
            row = rows.get(case.number)
            if attempt(report, case.number, partial(glance, context, case, row)):
                yield case
            count += 1
            tell(context, "looked at", count, len(cases))


def _let_go(context: Context, report: Report, dry_run: bool) -> None:
    """Drop what was put off about waits that are over, and correct the lists that name them."""
    kept, server = context.pendings.readable(), context.settings.server
    report.unreadable += [outward(name) for name in kept.unreadable]

    def look(event: EventRef, records: Sequence[Pending]) -> None:
        over, how = ending(context, event)
        if how is not None and not dry_run and any(one.leader for one in records):
            report.lists_corrected += correct_over(context, event, how)
        for one in records if over else ():
            if not dry_run:
                context.pendings.drop(one)
            report.pending_dropped += 1

    waits = waits_put_off(kept.records, server)
    for batch, rows in with_rows(context, waits, lambda one: one[0].number):
        for event, records in batch:
            if not lasts(context, event, rows.get(event.number)):
                attempt(report, event.number, partial(look, event, records))


def _check_credentials(context: Context) -> None:
    """A wrong credential must not look like changes that are gone, nor like lost tickets."""
    if context.settings.gerrit.username:
        context.client.whoami()
    else:
        context.client.version()
    if context.tracker is not None:
        context.tracker.whoami()


def _cases(context: Context, report: Report) -> Tuple[List[Case], List[TicketRecord]]:
    """Every change with an open record of this server and tracker, or with an open ask; and the
    records of closed tickets.
    """
    records, asks = context.records.readable(), context.asks.readable()
    report.unreadable = [outward(name) for name in (*asks.unreadable, *records.unreadable)]
    mine = []
    for record in records.records:
        if record.state == "open" and _is_here(context, record):
            mine.append(record)
        elif record.state == "open":
            report.records_elsewhere.append(
                {
                    "key": record.key,
                    "number": record.number,
                    "server": outward(record.server),
                    **ticket_named(record.id, record.url),
                }
            )
    server = context.settings.server
    asked = [ask for ask in asks.records if ask.open and ask.event_id.startswith(f"{server}:")]
    closed = [record for record in records.records if record.state != "open"]
    return cases_of(server, mine, asked), closed


def _is_here(context: Context, record: TicketRecord) -> bool:
    tracker = "" if context.tracker is None else context.tracker.name
    return (record.server, record.tracker) == (context.settings.server, tracker)


def _compare(context: Context, cases: List[Case], report: Report) -> None:
    """Find the open tickets that no record knows: those of our changes become cases, and the
    others, such as those of another installation, are listed.
    """
    if context.ticketing is None:
        return
    tickets = context.ticketing.list_open()
    known = {(case.key, case.record.id): case for case in cases if case.record is not None}
    by_key = Counter(ticket.key for ticket in tickets)
    keys = {case.key for case in cases}
    asked = {case.key for case in cases if case.record is None}
    for ticket in tickets:
        mine = known.get((ticket.key or "", ticket.id))
        if mine is not None:
            mine.is_shown = by_key[ticket.key] == 1
        if mine is not None or ticket.key in asked:
            continue
        case = orphan(context.settings.server, ticket)
        if case is not None and case.key not in keys:
            cases.append(case)
            keys.add(case.key)
        number = 0 if case is None else case.number
        report.tickets_without_record.append(
            {"key": ticket.key or "", "number": number, **ticket_named(ticket.id, ticket.url)}
        )


def _foretell(context: Context, case: Case, report: Report, _hashtags: Sequence[str]) -> None:
    """Report what :func:`_settle` would do."""
    ticket = context.ticketing.peek(case.key) if context.ticketing and case.has_ticket else None
    _take_down(case, ticket, report)
    if case.why is not None:
        report.asks_closed += len(case.asks)


def _settle(context: Context, case: Case, report: Report, hashtags: Sequence[str]) -> None:
    """Stand a case down, unless an escalation has gone on with it meanwhile."""
    with context.change_lease(case.number):
        if case.why is not None and not _is_as_read(context, case):
            return
        ticket = _present(context, case)
        if case.why is None:
            _take_down(case, ticket, report)
            return
        # Hashtags first: once the asks are closed, nothing leads back to the change.
        untagged = attempt(report, case.number, partial(_untag, context, case, hashtags))
        if ticket is not None:
            _close(context, case, case.why)
        _take_down(case, ticket, report)
        if untagged:
            for ask in case.asks:
                context.asks.put(replace(ask, open=False))
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
    """What a ticket is about whose record was lost, as far as asks and waits tell."""
    party, since = max(case.waits(), key=lambda wait: wait[1], default=("", None))
    return About(
        server=context.settings.server,
        number=case.number,
        party=party,
        since="" if since is None else iso(since),
        project=case.project,
    )


def _take_down(case: Case, ticket: Optional[Ticket], report: Report) -> None:
    """List what happens to a case's ticket."""
    if ticket is None:
        if case.record is not None:
            report.records_without_ticket.append(told(case))
        return
    if case.why is None or not ticket.is_open:
        return
    is_ours = ticket.key == case.key or case.record is None or not case.record.linked
    (report.closed if is_ours else report.commented).append(
        {**told(case), **ticket_named(ticket.id, ticket.url)}
    )


def _is_as_read(context: Context, case: Case) -> bool:
    """Whether record and asks are still those that the case was judged by.

    Each is read by its name: a listing of all for each case would cost their number squared.
    """
    record = context.records.get(case.key)
    same = record == case.record or (case.record is None and record and record.state != "open")
    return bool(same) and all(context.asks.get(ask) == ask for ask in case.asks)


def _untag(context: Context, case: Case, hashtags: Sequence[str]) -> None:
    # Another wait that is overdue by now has hashtags of its own.
    if case.change is None or case.overdue:
        return
    if set(hashtags) & set(case.change.hashtags):
        context.client.set_hashtags(case.change, (), hashtags)


def _close(context: Context, case: Case, why: Union[How, Gone]) -> None:
    begun = [since for _, since in case.waits()]
    since = iso(max(begun)) if begun else ""
    if isinstance(why, Gone):
        close_gone(context, case.key, since, why)
    else:
        close_over(context, case.key, since, why)
