"""What actions cost, in requests and listings: not in time, which is the machine's."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

import pytest
from sandbox.gerrit.fake import URL

from counted import CountedDesktop
from reviewloop.operations import ask, assess, sweep, tickets

FREE = {"per_person_week": 500, "per_run": 500, "ramp_per_day": 500}


@pytest.mark.parametrize("members", [3, 13, 50])
def test_one_escalation(members: int) -> None:
    """At any size of the roster, once it is known: six requests to Gerrit, by two actions, and of
    the datastore five listings, three plain reads and nine writes.
    """
    desktop = CountedDesktop(members)
    desktop.escalate(desktop.waiting())
    desktop.escalate(desktop.another())  # from the first ask on there is a tally
    number = desktop.another()
    with desktop.counted() as cost:
        told, done = desktop.escalate(number)

    assert (told["verdict"], done["action"], done["ticket"]["action"]) == (
        "proceed",
        "posted",
        "created",
    )
    assert cost["requests"] == 6
    assert cost["list"] <= 5
    assert cost["get"] <= 3
    assert cost["set"] + cost["delete"] <= 9


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
@pytest.mark.parametrize("is_open", [True, False])
def test_one_escalation_among_many(count: int, is_open: bool) -> None:
    """However many asks there are, open or not: the same listings for asking and for standing down,
    once the tally of the day is made.
    """
    desktop = CountedDesktop(limits=FREE)
    desktop.asked_before(count, is_open=is_open)
    desktop.escalate(desktop.waiting())
    number = desktop.another()
    with desktop.counted() as cost:
        _, done = desktop.escalate(number)
    desktop.review(number)
    with desktop.counted() as ending:
        closed = tickets.close_ticket(desktop.tools(), number, event_id=desktop.event(number))

    assert (done["action"], closed["action"], closed["asks_closed"]) == ("posted", "closed", 1)
    assert cost["list"] <= 5
    assert ending["list"] <= 8


@pytest.mark.parametrize("is_found", [True, False])
def test_texts_that_name_others(monkeypatch: pytest.MonkeyPatch, *, is_found: bool) -> None:
    """For which other changes it is asked is told by the ask's own record, and else by all records:
    a plain read may find nothing although there is something.
    """
    desktop = CountedDesktop()
    number = desktop.waiting()
    event = desktop.event(number)
    told = assess.assess(desktop.tools(), event, dry_run=False)
    (asked,) = desktop.tools().asks.all()
    desktop.tools().asks.put(replace(asked, joined=(number, 77)))
    if not is_found:
        monkeypatch.setattr(desktop.service, "get_value", lambda *_a, **_k: None)
    with desktop.counted() as cost:
        ask.ask(desktop.tools(), event, asked=told["asked"])

    assert f"{URL}/77" in desktop.gerrit.changes[number].messages[-1]["message"]
    assert (cost["list"] == 2) is is_found


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def test_a_sweep_where_nothing_is_over(count: int) -> None:
    """A listing a hundred records and a search fifty changes; nothing for each change or record."""
    desktop = CountedDesktop(limits=FREE)
    numbers = [desktop.waiting(), *(desktop.another() for _ in range(59))]
    for number in numbers:
        desktop.escalate(number)
    desktop.asked_before(count)
    with desktop.counted() as cost:
        report = sweep.sweep(desktop.tools())

    assert (report["looked_at"], report["half_done"], report["failures"]) == (60, [], [])
    assert cost["requests"] <= len(numbers) / 50 + 3
    assert cost["list"] <= (count + 2 * len(numbers)) / 100 + 4
    assert cost["set"] == 0


def test_a_sweep_of_waits_that_are_over() -> None:
    """Each costs the same, however many there are."""

    def costs(count: int) -> Tuple[int, int]:
        desktop = CountedDesktop(limits=FREE)
        for number in [desktop.waiting(), *(desktop.another() for _ in range(count - 1))]:
            desktop.escalate(number)
            desktop.review(number)
        with desktop.counted() as cost:
            assert len(sweep.sweep(desktop.tools())["closed"]) == count
        return cost["list"], cost["requests"]

    (some, some_requests), (more, more_requests) = costs(10), costs(40)

    assert more - some <= 30 * 4
    assert more_requests - some_requests <= 30 + 1


def test_progress_of_a_sweep() -> None:
    """The log is told how far it has come."""
    desktop = CountedDesktop()
    desktop.escalate(desktop.waiting())
    context = desktop.tools()
    told: List[str] = []
    context.progress = told.append
    sweep.sweep(context)

    assert told == ["looked at 1 of 1"]


def test_records_of_closed_tickets_lapse() -> None:
    """After a month: those that a former version wrote for good as well, and open ones never."""
    desktop = CountedDesktop(limits=FREE)
    lasting, over = desktop.waiting(), desktop.another()
    for number in (lasting, over):
        desktop.escalate(number)
    desktop.review(over)
    sweep.sweep(desktop.tools())
    record = replace(desktop.record(over), closed_at="2026-03-04T09:00:00Z")
    name = f"gerrit.ticket.{record.key}"
    assert record.state == "closed"
    desktop.shelf.store.put(name, record.to_json())  # as it was written before, without an end

    desktop.gerrit.advance(days=29)
    sweep.sweep(desktop.tools())
    assert name in desktop.shelf.names()
    desktop.gerrit.advance(days=2)
    sweep.sweep(desktop.tools())

    assert name not in desktop.shelf.names()
    assert desktop.record(lasting).state == "open"
