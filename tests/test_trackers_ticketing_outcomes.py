"""What each step of ticketing answers, and what it leaves in the record, in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Callable, Optional

import pytest

from reviewloop.errors import RefusedError, TemporaryError
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.outcomes import About, Done, Outcome
from reviewloop.trackers.ticketing import CLAIM_GRACE, Ticketing
from reviewloop.trackers.tickets import Claim, ClaimState, CloseReason, Ticket
from stores import MemoryRecords
from test_trackers_ticketing import Cabinet
from trackers_rig import NOW, draft, fresh_key

ABOUT = About("review.example.org", 4711, "reviewers", "2026-03-02T12:00:00Z", 1)


class Desk:
    """Ticketing in a cabinet, about one key."""

    def __init__(self, cabinet: Optional[Cabinet] = None) -> None:
        self.cabinet = cabinet or Cabinet()
        self.records = MemoryRecords()
        self.does = Ticketing(self.cabinet, self.records, lambda: NOW)
        self.key = fresh_key()

    def opened(self) -> Desk:
        """With an open ticket of ours, which committee1 has."""
        self.does.open_once(draft(self.key), ABOUT)
        return self

    def closed(self, by_us: bool = False) -> Desk:
        """With a closed one."""
        self.opened()
        if by_us:
            self.does.close_once(self.key, "Over.", "end")
        else:
            self.cabinet.close("1", CloseReason.COMPLETED)
        return self

    def linked(self) -> Desk:
        """With an open ticket of somebody else's, which the change names."""
        self.cabinet.create(replace(draft(fresh_key()), assignee=None))
        self.cabinet._set("1", key=None, author="somebody")
        self.does.comment_on_existing(self.key, "1", "About it.", "named", ABOUT)
        return self

    @property
    def ticket(self) -> Ticket:
        """The only one there is."""
        (ticket,) = self.cabinet.tickets.values()
        return ticket

    @property
    def record(self) -> TicketRecord:
        """What is remembered of the key."""
        record = self.records.get(self.key)
        assert record is not None
        return record


STEPS = {
    "comment": lambda desk: desk.does.comment_once(desk.key, "x", "m"),
    "close": lambda desk: desk.does.close_once(desk.key, "x", "m"),
    "assign": lambda desk: desk.does.assign_once(desk.key, "committee1"),
}


@pytest.mark.parametrize("step", STEPS)
def test_no_ticket(step: str) -> None:
    """Without a ticket each step does nothing, and names the key."""
    desk = Desk()

    assert STEPS[step](desk) == Outcome(Done.NOTHING, None, f"there is no ticket {desk.key}")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("comment", "the ticket is closed"),
        ("assign", "the ticket is closed"),
        ("close", "the ticket was closed already, by somebody else"),
    ],
)
def test_closed_ticket(step: str, reason: str) -> None:
    """A ticket that its people have closed stays as it is."""
    desk = Desk().closed()
    before = desk.ticket

    assert STEPS[step](desk) == Outcome(Done.NOTHING, before, reason)
    assert desk.ticket == before
    assert desk.cabinet.texts == {}


def test_closing_twice() -> None:
    """The second run finds the comment of the first, and the record says closed either way."""
    desk = Desk().closed(by_us=True)
    outcome = desk.does.close_once(desk.key, "Over.", "end")
    assert outcome == Outcome(
        Done.NOTHING, desk.ticket, "the ticket was closed already, by an earlier run"
    )

    desk = Desk().closed()
    desk.does.close_once(desk.key, "Over.", "end")
    assert (desk.record.state, desk.record.number) == ("closed", 4711)


def test_same_comment_again() -> None:
    """It is there already; a marker with the key in front of it is the same."""
    desk = Desk().opened()
    desk.does.comment_once(desk.key, "x", "m")
    again = Outcome(Done.NOTHING, desk.ticket, "the comment is there already")

    assert desk.does.comment_once(desk.key, "x", "m") == again
    assert desk.does.comment_once(desk.key, "x", f"{desk.key}/m") == again
    assert len(desk.cabinet.texts["1"]) == 1


def test_assignee_already() -> None:
    """Nothing is written to the tracker, and the record is brought up to date."""
    desk = Desk().opened()
    desk.cabinet.assign("1", "committee2")
    outcome = desk.does.assign_once(desk.key, "committee2")

    assert outcome == Outcome(Done.NOTHING, desk.ticket, "committee2 is the assignee already")
    assert (desk.record.assignee, desk.record.number) == ("committee2", 4711)


def test_handing_on() -> None:
    """The record keeps what the ticket is about, and has the new assignee."""
    desk = Desk().opened()

    assert desk.does.assign_once(desk.key, "committee2") == Outcome(Done.ASSIGNED, desk.ticket)
    assert (desk.record.assignee, desk.record.number) == ("committee2", 4711)


class Strict(Cabinet):
    """Refuses whoever it does not know."""

    def assign(self, ticket_id: str, who: str) -> None:
        """Refuses."""
        raise RefusedError("no such user", status=422)


class Careless(Cabinet):
    """Drops whoever it does not know."""

    drops_hint = "Has the account a right to the project?"

    def assign(self, ticket_id: str, who: str) -> None:
        """Drops."""


@pytest.mark.parametrize(
    ("kind", "reason", "note"),
    [
        (
            Strict,
            "the tracker refused the assignee",
            "stranger could not be assigned: no such user",
        ),
        (
            Careless,
            "the tracker dropped the assignee",
            f"stranger was not assigned. {Careless.drops_hint}",
        ),
    ],
)
def test_assignee_that_the_tracker_does_not_take(
    kind: Callable[[], Cabinet], reason: str, note: str
) -> None:
    """The ticket stays with whom it was, and a note says what to do."""
    desk = Desk(kind()).opened()
    outcome = desk.does.assign_once(desk.key, "stranger")

    assert outcome == Outcome(Done.NOTHING, desk.ticket, reason, (note,))


def test_assignee_that_is_not_taken_when_a_ticket_is_found() -> None:
    """What an earlier run could not do is tried again, and told again."""
    desk = Desk(Strict()).opened()
    desk.cabinet._set("1", assignees=())
    outcome = desk.does.open_once(draft(desk.key))

    assert outcome.action is Done.FOUND
    assert outcome.notes == ("committee1 could not be assigned: no such user",)


def test_ticket_of_others() -> None:
    """It is commented on once, never assigned or closed; the record says whose it is."""
    desk = Desk().linked()
    again = desk.does.comment_on_existing(desk.key, "1", "About it.", "named", ABOUT)
    assert again == Outcome(Done.NOTHING, desk.ticket, "the comment is there already")

    assert STEPS["assign"](desk) == Outcome(Done.NOTHING, desk.ticket, "the ticket is not ours")
    assert desk.ticket.assignees == ()
    assert desk.record.linked

    reason = "the ticket is not ours, so it stays as it is"
    assert STEPS["close"](desk) == Outcome(Done.COMMENTED, desk.ticket, reason)
    assert STEPS["close"](desk) == Outcome(Done.NOTHING, desk.ticket, "the wait was over already")
    assert desk.ticket.is_open


def test_first_comment_on_a_ticket_of_others() -> None:
    """It says how we came to it."""
    desk = Desk()
    desk.cabinet.create(draft(fresh_key()))
    desk.cabinet._set("1", key=None, author="somebody")
    outcome = desk.does.comment_on_existing(desk.key, "1", "About it.", "named", ABOUT)

    reason = "the change's commit message names this ticket"
    assert outcome == Outcome(Done.COMMENTED, desk.ticket, reason)


def test_end_of_a_wait_on_a_ticket_of_others_that_is_closed() -> None:
    """Nothing is said on it any more."""
    desk = Desk().linked()
    desk.cabinet.close("1", CloseReason.COMPLETED)
    reason = "the ticket is not ours, so it stays as it is"

    assert STEPS["close"](desk) == Outcome(Done.NOTHING, desk.ticket, reason)
    assert len(desk.cabinet.texts["1"]) == 1


def test_forgetting() -> None:
    """The record of a ticket that is gone is no open one; without a record nothing is made."""
    desk = Desk().opened()
    desk.does.forget(desk.key)
    assert (desk.record.state, desk.record.number) == ("closed", 4711)

    other = fresh_key()
    desk.does.forget(other)
    assert desk.records.get(other) is None


def test_looking_at_a_ticket_without_a_record() -> None:
    """It is remembered, with what it is about."""
    desk = Desk()
    desk.cabinet.create(draft(desk.key))
    desk.does.look(desk.key, ABOUT)

    assert (desk.record.state, desk.record.number) == ("open", 4711)


class Claimed(Cabinet):
    """Another run has claimed the key, so long ago."""

    age = timedelta(0)

    def claim(self, key: str) -> Claim:
        """Held."""
        return Claim(ClaimState.HELD, self.age)


def test_another_runs_claim() -> None:
    """It is respected for as long as its run may need between two calls, and no longer."""
    cabinet = Claimed()
    cabinet.age = CLAIM_GRACE - timedelta(seconds=1)
    with pytest.raises(TemporaryError) as error:
        Desk(cabinet).opened()
    assert error.value.retry_after == 1

    cabinet.age = CLAIM_GRACE
    assert Desk(cabinet).opened().ticket.is_open
