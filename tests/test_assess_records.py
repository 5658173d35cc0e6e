"""What an assessment answers and leaves behind, field by field."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Iterator, List

import pytest

from assessing import SERVER, SINCE, Board
from reviewloop.core.change import Change
from reviewloop.core.events import EventRef
from reviewloop.core.policy import Policy
from reviewloop.core.reading import read_change
from reviewloop.core.tiers import Tier
from reviewloop.errors import RefusedError, ReviewLoopError, TemporaryError
from reviewloop.escalation.choice import Case
from reviewloop.escalation.events import check_server, event_ref
from reviewloop.escalation.verdicts import Assessment, Candidate, Outlook, Verdict
from reviewloop.http.retry import Timing
from reviewloop.store.asks import Ask, Asks
from reviewloop.store.lease import Lease, Leases
from reviewloop.store.pending import Pending, Reason
from stacks import above
from stores import ShelfClock

MONDAY = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
WEDNESDAY = MONDAY + timedelta(days=2)
FRIDAY = "2026-03-06 09:00:00"


def said(error: ReviewLoopError) -> List[str]:
    """Its message and remedy."""
    return [error.message, error.remedy]


def ask(board: Board, *accounts: int, milestone: str = "2d", number: int = 0) -> Ask:
    """Accounts were asked on Wednesday about a change that waits since Monday."""
    number = number or board.number
    event = board.event(milestone, number=number)
    return Ask(event, "committee", number, "reviewers", MONDAY, accounts, WEDNESDAY)


def pending(board: Board, reason: Reason, not_before: datetime, number: int = 0) -> Pending:
    """An ask was put off on Wednesday: the wait reached its first milestone the day before."""
    number = number or board.number
    return Pending(
        event_id=board.event(number=number),
        tier="committee",
        number=number,
        party="reviewers",
        since=MONDAY,
        milestone="2d",
        reason=reason,
        at=WEDNESDAY,
        not_before=not_before,
        crossed_at=MONDAY + timedelta(days=1),
    )


# What is answered


def test_somebody_is_asked() -> None:
    """Who, how long the change waits, who else was considered; and the same is kept."""
    board = Board()
    found = board.assess()
    (person,) = found.accounts
    assert isinstance(found.change, Change)

    assert replace(found, change=None) == Assessment(
        Verdict.PROCEED,
        EventRef.parse(board.event()),
        Tier.COMMITTEE,
        accounts=(person,),
        waiting_seconds=2 * 86_400,
        considered=tuple(Candidate(one) for one in sorted(board.ids)),
    )
    assert board.asks == (ask(board, person),)
    assert board.pendings == ()


def test_the_same_again() -> None:
    """A second look answers the same person, and what is kept stays as it was."""
    board = Board()
    first = board.assess()
    board.fake.advance(hours=1)
    found = board.assess()

    assert replace(found, change=None) == Assessment(
        Verdict.PROCEED,
        EventRef.parse(board.event()),
        Tier.COMMITTEE,
        accounts=first.accounts,
        waiting_seconds=49 * 3600,
    )
    assert board.asks == (ask(board, *first.accounts),)


def test_nothing_is_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on record, and what the change shows since, is one ask: it is left as it is."""
    board = Board()
    found = board.assess()
    board.fake.advance(hours=1)
    board.post(found)
    written: List[str] = []
    put = Asks.put
    monkeypatch.setattr(Asks, "put", lambda self, one: (written.append(one.key), put(self, one)))
    board.fake.advance(hours=1)
    again = board.assess()

    assert (again.accounts, again.attempt) == (found.accounts, 0)
    assert written == []
    assert board.asks == (ask(board, *found.accounts),)


def test_a_record_that_was_lost() -> None:
    """It is written again out of what the change shows, with the time at which that was said."""
    board = Board()
    found = board.assess()
    board.fake.advance(hours=1)
    board.post(found)
    for name in board.shelf.names():
        board.shelf.store.drop(name)
    board.fake.advance(hours=1)
    assert board.assess().accounts == found.accounts

    assert board.asks == (replace(ask(board, *found.accounts), at=WEDNESDAY + timedelta(hours=1)),)


def test_a_change_that_is_gone() -> None:
    """Nothing more can be said of it."""
    board = Board()
    event = EventRef.parse(board.event())
    del board.fake.changes[board.number]

    assert board.assess() == Assessment(Verdict.GONE, event, Tier.COMMITTEE)


def test_a_server_that_refuses_the_change() -> None:
    """Only what is not there is gone: another refusal stops the run."""
    board = Board()
    board.fake.fail(409, "Conflict", match=f"/changes/{board.number}$")

    with pytest.raises(RefusedError, match="409"):
        board.assess()


def test_what_the_history_decides() -> None:
    """The change is told with it, nobody is named, and nothing is kept."""
    board = Board()
    board.fake.review(board.number, text="Why?")
    found = board.assess()
    assert found.change is not None

    assert replace(found, change=None) == Assessment(
        Verdict.WAIT_OVER, EventRef.parse(board.event()), Tier.COMMITTEE
    )
    assert found.change.number == board.number
    assert (board.asks, board.pendings) == ((), ())


def test_event_of_an_earlier_wait() -> None:
    """A trigger about a wait that is over is nothing to act on, though the party waits again."""
    board = Board()
    board.fake.review(board.number, text="Why?", at="2026-03-02 09:10:00")
    board.fake.upload(board.number, at="2026-03-02 09:20:00")
    board.fake.at("2026-03-04 12:00:00")

    assert board.assess().verdict is Verdict.WAIT_OVER
    assert board.assess(board.event().replace(str(SINCE), str(SINCE + 1200))).proceeds


def test_red_that_ended_by_itself() -> None:
    """A change that CI failed, and forgot, waits for its reviewers again; red stopped the clock."""
    board = Board()
    for vote, minute in ((-1, 5), (0, 6)):
        at = f"2026-03-02 09:0{minute}:00"
        board.fake.review(board.number, by=board.fake.me, labels={"Verified": vote}, at=at)
    assert board.assess().verdict is Verdict.NOT_DUE
    board.fake.at("2026-03-05 09:30:00")

    assert board.assess().proceeds


# What is kept


def test_put_off_by_a_cap() -> None:
    """The record names the wait, why, and from when on to try again."""
    board = Board(limits={"per_run": 1})
    other = board.change()
    board.assess(board.event(number=other))
    found = board.assess()
    put_off = pending(board, Reason.CAP, WEDNESDAY + timedelta(minutes=5))

    assert (found.verdict, found.accounts) == (Verdict.BUDGET_USED_UP, ())
    assert (found.pending, board.pendings) == (put_off, (put_off,))
    assert [one.number for one in board.asks] == [other]
    assert found.considered == tuple(Candidate(one) for one in sorted(board.ids))


def test_joined_to_a_parent() -> None:
    """The record names the leader; nobody was considered."""
    board = Board()
    parent = board.change()
    above(board, parent)
    found = board.assess()
    put_off = replace(pending(board, Reason.JOINED, WEDNESDAY + timedelta(days=1)), leader=parent)

    assert (found.verdict, found.pending, found.considered) == (Verdict.JOINED, put_off, ())
    assert board.pendings == (put_off,)


def test_put_off_once_more() -> None:
    """Somebody was asked about the wait at an earlier milestone, which the record says."""
    board = Board(limits={"per_person_week": 1}, roster={"members": [{"gerrit": "committee1"}]})
    board.assess()
    other = board.change(at="2026-03-04 08:00:00")
    board.fake.at("2026-03-09 09:00:00")
    found = board.assess(board.event("5d"))
    assert found.verdict is Verdict.NOBODY_TO_ASK
    assert found.pending is not None

    assert (found.pending.again, found.pending.milestone) == (True, "5d")
    assert other not in [one.number for one in board.pendings]


@pytest.mark.parametrize("dry_run", [True, False])
def test_by_hand(dry_run: bool) -> None:
    """A dry run answers the same and writes nothing, nor takes what was put off away."""
    board = Board(limits={"per_run": 1})
    other = board.change()
    board.assess(board.event(number=other))
    board.assess()
    before = board.shelf.names()
    board.fake.review(board.number, text="Why?")
    found = board.assess(dry_run=dry_run)

    assert found.verdict is Verdict.WAIT_OVER
    assert (before == board.shelf.names()) is dry_run
    assert (board.pendings == ()) is not dry_run


@pytest.mark.parametrize("dry_run", [True, False])
def test_gone_by_hand(dry_run: bool) -> None:
    """Nor does a dry run take away what was put off about a change that is gone."""
    board = Board(limits={"per_run": 1})
    board.assess(board.event(number=board.change()))
    board.assess()
    del board.fake.changes[board.number]

    assert board.assess(dry_run=dry_run).verdict is Verdict.GONE
    assert (board.pendings != ()) is dry_run


def test_dry_runs_of_a_choice_and_of_a_limit() -> None:
    """Neither is kept; a real run after them finds the same."""
    board = Board(limits={"per_run": 1})
    event = board.event(number=board.change())
    found = [board.assess(dry_run=True), board.assess()]
    assert found[0].accounts == found[1].accounts
    assert len(board.asks) == 1
    held = board.assess(event, dry_run=True)
    assert held.pending is not None
    assert board.pendings == ()

    assert board.assess(event) == held


def test_when_another_tier_is_put_off() -> None:
    """What proceeds takes away the record of its own wait and tier, and of no other."""
    board = Board(limits={"per_run": 1})
    other = board.change()
    for tier in (Tier.COMMITTEE, Tier.CHAIR):
        board.assess(board.event(number=other), tier)
    assert board.assess(tier=Tier.COMMITTEE).verdict is Verdict.BUDGET_USED_UP
    assert board.assess(tier=Tier.CHAIR).verdict is not Verdict.PROCEED
    board.fake.advance(minutes=6)
    assert board.assess().proceeds

    assert {(one.number, one.tier) for one in board.pendings} == {
        (other, "chair"),
        (board.number, "chair"),
    }


def test_a_lease_that_ran_out() -> None:
    """Who took longer than the lease lasts writes nothing: somebody else may have chosen."""
    board = Board()

    class Slow(Leases):
        """Time passes while people are chosen."""

        @contextmanager
        def hold(self, name: str) -> Iterator[Lease]:
            """Hold a lease for too long."""
            with super().hold(name) as lease:
                board.shelf.advance(seconds=91)
                yield lease

    slow = Slow(board.shelf.service, ShelfClock(board.shelf))
    with pytest.raises(TemporaryError, match="The lease roster ran out"):
        board.assess(leases=slow)
    assert board.asks == ()


def test_a_run_that_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It decides by the time at which its turn comes, not by that at which it read the change: what
    it counts and what is counted later is exact, however long it waited.
    """
    board, passed = Board(), [0.0]
    timing = Timing(monotonic=lambda: passed[0], sleep=board.fake.slept.append)
    monkeypatch.setattr(board.fake, "client", partial(board.fake.client, timing=timing))

    class Waiting(Leases):
        """Others hold the lease for three minutes."""

        @contextmanager
        def hold(self, name: str) -> Iterator[Lease]:
            """Hold a lease in the end."""
            passed[0] += 180
            with super().hold(name) as lease:
                yield lease

    board.assess(leases=Waiting(board.shelf.service, ShelfClock(board.shelf)))
    (kept,) = board.asks
    assert kept.at == WEDNESDAY + timedelta(minutes=3)


def test_wait_that_can_reach_no_milestone() -> None:
    """In a calendar without work ahead it is compared by its beginning."""
    board = Board()
    event = EventRef.parse(board.event())
    reading = read_change(board.fake.client().change(board.number), Policy())
    timeline = reading.timeline(event.party, board.fake.now)
    assert timeline is not None
    case = Case(event, Tier.COMMITTEE, reading, timeline, (), (), WEDNESDAY)
    bare = replace(case, timeline=timeline._replace(crossings=()))

    assert case.line.rank == (False, MONDAY + timedelta(days=1), board.number)
    assert bare.line.rank == (False, MONDAY, board.number)


def test_what_waits_with_a_wait() -> None:
    """Everything that was put off, but for the same wait's own record, on whichever milestone."""
    board = Board()
    event = EventRef.parse(board.event())
    reading = read_change(board.fake.client().change(board.number), Policy())
    timeline = reading.timeline(event.party, board.fake.now)
    assert timeline is not None
    own = pending(board, Reason.CAP, WEDNESDAY)
    others = (
        replace(own, tier="chair"),
        replace(own, event_id=own.event_id.replace(str(SINCE), str(SINCE - 60))),
        replace(own, event_id=own.event_id.replace("reviewers", "submitter")),
        pending(board, Reason.RAMP, WEDNESDAY, number=99),
    )
    later = replace(own, event_id=board.event("5d"), milestone="5d")
    case = Case(event, Tier.COMMITTEE, reading, timeline, (), (own, *others, later), WEDNESDAY)

    assert tuple(case.line.pendings) == others


# Who passed


def test_handed_on_to_another() -> None:
    """Who passed is asked no more; the record of the first ask is closed, not lost."""
    board = Board()
    first = board.assess()
    board.post(first)
    board.fake.review(board.number, by=first.accounts[0], text="/pass")
    second = board.assess()
    assert (second.attempt, second.proceeds) == (1, True)

    closed = replace(ask(board, *first.accounts), open=False)
    assert board.asks == (closed, replace(ask(board, *second.accounts), attempt=1))
    board.post(second)
    board.fake.review(board.number, by=second.accounts[0], text="/pass")
    third = board.assess()
    assert third.attempt == 2
    assert [(one.open, one.attempt) for one in board.asks] == [(False, 0), (False, 1), (True, 2)]


def test_an_ask_that_was_closed() -> None:
    """Where the change still shows it, it is open again."""
    board = Board()
    found = board.assess()
    board.post(found)
    Asks(board.shelf.service).close(board.number)
    assert board.assess().accounts == found.accounts

    assert board.asks == (ask(board, *found.accounts),)


def test_a_restored_datastore() -> None:
    """Of the record of an earlier attempt and what the change shows, the later counts."""
    board = Board()
    first = board.assess()
    board.post(first)
    board.fake.review(board.number, by=first.accounts[0], text="/pass")
    kept = board.asks[0]
    second = board.assess()
    board.post(second)
    board.fake.advance(hours=1)
    for name in board.shelf.names():
        board.shelf.store.drop(name)
    Asks(board.shelf.service).put(kept)
    again = board.assess()

    assert (again.accounts, again.attempt) == (second.accounts, 1)
    assert [one.attempt for one in board.asks] == [0, 1]
    assert board.asks[1].at == WEDNESDAY


# Marks


def test_marks_leave_no_record() -> None:
    """What is only marked is counted only where the ramp counts it."""
    board = Board()
    found = board.assess(tier=Tier.NOBODY)
    assert (found.proceeds, found.accounts, board.asks) == (True, (), ())
    board.fake.at(FRIDAY)
    assert board.assess(tier=Tier.NOBODY).proceeds
    (kept,) = board.asks

    assert (kept.tier, kept.accounts, kept.late) == ("nobody", (), True)
    assert board.assess(tier=Tier.NOBODY).proceeds
    assert board.asks == (kept,)


# Refusals


def test_text_that_is_no_event_id() -> None:
    """Its beginning, what is wrong with it, and what to pass."""
    with pytest.raises(RefusedError) as no:
        event_ref("x" * 40)

    assert said(no.value) == [
        f"event_id is '{'x' * 40}', which is not the id of an event: it is not of the form"
        " server:number:party:since:milestone.",
        "Pass the trigger's event_id, or one that gerrit.explain answers.",
    ]


@pytest.mark.parametrize("text", ["x" * 300, "{{" * 300])
def test_long_text_that_is_no_event_id(text: str) -> None:
    """A hundred characters of it are shown, with what is added to make them harmless."""
    with pytest.raises(RefusedError) as no:
        event_ref(text)
    shown = no.value.message.split("'")[1]

    assert 95 <= len(shown) <= 100


def test_event_of_another_server() -> None:
    """Both servers are named."""
    event = EventRef.parse(f"other.example.org:1:owner:{SINCE}:2d")
    with pytest.raises(RefusedError) as no:
        check_server(event, SERVER)

    assert said(no.value) == [
        "event_id names the server other.example.org, this pack is configured for"
        " gerrit.example.org.",
        "Pass an event of the configured server.",
    ]
    assert check_server(event, "other.example.org") is event


@pytest.mark.parametrize("verdict", Verdict)
def test_outlook(verdict: Verdict) -> None:
    """Asked is done; gone, private, over and left alone is for good; all else is tried again."""
    event = EventRef.parse(f"{SERVER}:1:owner:{SINCE}:2d")
    never = {Verdict.GONE, Verdict.PRIVATE, Verdict.WAIT_OVER, Verdict.HOLD_OUT}
    expected = Outlook.NEVER if verdict in never else Outlook.NOT_NOW
    if verdict is Verdict.PROCEED:
        expected = Outlook.DONE

    found = Assessment(verdict, event, Tier.OWNERS)
    assert (found.outlook, found.proceeds) == (expected, verdict is Verdict.PROCEED)
