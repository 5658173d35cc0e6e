"""Limits are exact, and they only delay."""

from __future__ import annotations

import math
import threading
from collections import Counter
from datetime import timedelta
from typing import Any, Dict, List, Optional, Sequence, Set

import pytest
from sandbox.standin.datastore import DatastoreService

from assessing import SINCE, Board
from reviewloop.core.asked import live_asks
from reviewloop.core.policy import Policy
from reviewloop.core.tiers import Tier
from reviewloop.escalation.verdicts import Assessment, Outlook, Verdict
from reviewloop.store.asks import WEEK
from reviewloop.store.lease import Leases
from reviewloop.store.pending import Reason
from stores import ShelfClock

RUN = timedelta(minutes=5)
OWN = Policy(own_account="st2-reviews")


class Crowd:
    """Many changes of one Monday that nobody reviews, and five people on the committee."""

    def __init__(self, count: int, **config: Any) -> None:
        members = [f"committee{number}" for number in range(1, 6)]
        roster = {"members": [{"gerrit": name} for name in members]}
        self.board = Board(roster=roster, **config)
        for name in members[3:]:
            self.board.fake.add_account(name)
        self.numbers = [self.board.number, *(self.board.change() for _ in range(count - 1))]
        self.order: List[int] = []
        self.verdicts: Dict[int, Assessment] = {}

    def offer(self, milestone: str, numbers: Optional[Sequence[int]] = None) -> None:
        """Offer the changes, the greatest number first, 1.4 s apart; what proceeds is posted."""
        for number in sorted(numbers or self.numbers, reverse=True):
            found = self.board.assess(self.board.event(milestone, number=number))
            self.verdicts[number] = found
            if found.proceeds:
                self.board.post(found)
                self.order.append(number)
            self.board.fake.advance(seconds=1.4)

    def offer_due(self, milestone: str) -> int:
        """Offer what was put off and may be offered again by now; how many."""
        now = self.board.fake.now
        due = [one.number for one in self.board.pendings if one.not_before <= now]
        self.offer(milestone, due) if due else None
        return len(due)

    def most_within(self, span: timedelta) -> int:
        """The most asks that any span of that length holds."""
        times = sorted(ask.at for ask in self.board.asks)
        return max(sum(at <= one < at + span for one in times) for at in times)


@pytest.mark.parametrize("count", [30, 60])
def test_all_are_asked_in_the_end(count: int) -> None:
    """A run's limit only spreads: within an hour everybody is asked once, whoever came last."""
    crowd = Crowd(count, limits={"per_person_week": 100})
    crowd.offer("2d")
    assert {one.verdict for one in crowd.verdicts.values()} == {
        Verdict.PROCEED,
        Verdict.BUDGET_USED_UP,
    }
    for _ in range(count // 10):
        crowd.board.fake.advance(seconds=RUN.total_seconds())
        crowd.offer_due("2d")

    assert sorted(crowd.order) == crowd.numbers
    assert crowd.most_within(RUN) == 20
    assert crowd.board.pendings == ()


def test_longest_wait_first() -> None:
    """What was put off goes before what waits less long, in whichever order they are offered."""
    crowd = Crowd(6, limits={"per_run": 2})
    crowd.offer("2d")
    first = set(crowd.order)
    crowd.order.clear()
    crowd.board.fake.advance(seconds=RUN.total_seconds())
    crowd.offer_due("2d")

    left = [number for number in crowd.numbers if number not in first]
    assert sorted(crowd.order) == left[:2]


def test_ask_that_was_written_minutes_late() -> None:
    """It was decided at once, and written when its run went on: until a week after that, nobody
    whom it names is asked again.
    """
    crowd = Crowd(6, limits={"per_person_week": 1})
    crowd.offer("2d")
    (left,) = crowd.board.pendings
    written = max(ask.at for ask in crowd.board.asks) + timedelta(minutes=2)

    crowd.board.fake.at(written + timedelta(days=7) - timedelta(seconds=1))
    assert crowd.board.assess(left.event_id).outlook is Outlook.NOT_NOW


def test_nobody_is_forgotten_over_weeks() -> None:
    """More changes than the committee may be asked about in a week, at every milestone: whoever was
    never asked about goes before whoever was, until all were.
    """
    crowd = Crowd(24, limits={"per_person_week": 2, "ramp_per_day": 100})
    crowd.offer("2d")
    assert len(crowd.order) == 10
    for day in ("2026-03-09", "2026-03-11", "2026-03-16", "2026-03-18", "2026-03-23", "2026-03-25"):
        crowd.board.fake.at(f"{day} 10:00:00")
        milestone = "5d" if day < "2026-03-16" else "10d"
        for _ in range(3):
            crowd.offer(milestone)
            crowd.board.fake.advance(seconds=RUN.total_seconds())

    assert set(crowd.order) == set(crowd.numbers)
    for person in {one for ask in crowd.board.asks for one in ask.accounts}:
        times = sorted(ask.at for ask in crowd.board.asks if person in ask.accounts)
        assert all(late - early >= WEEK for early, late in zip(times, times[2:]))


def test_budget_says_until_when() -> None:
    """A used-up budget puts off until somebody's oldest ask has left the week."""
    crowd = Crowd(6, limits={"per_person_week": 1})
    crowd.offer("2d")
    (left,) = crowd.board.pendings

    assert left.reason is Reason.BUDGET
    assert left.not_before == min(ask.at for ask in crowd.board.asks) + WEEK
    crowd.board.fake.at(left.not_before - timedelta(seconds=1))
    assert crowd.board.assess(left.event_id).outlook is Outlook.NOT_NOW
    crowd.board.fake.at(left.not_before)
    assert crowd.board.assess(left.event_id).proceeds


def test_ramp() -> None:
    """Of waits that are old when they are first seen only so many are asked about in a day."""
    crowd = Crowd(5, limits={"ramp_per_day": 2})
    crowd.board.fake.at("2026-03-06 09:00:00")
    crowd.offer("2d")
    assert len(crowd.order) == 2
    assert {one.reason for one in crowd.board.pendings} == {Reason.RAMP}
    assert {f"{one.not_before:%a %H:%M}" for one in crowd.board.pendings} == {"Mon 00:00"}
    crowd.board.fake.at("2026-03-09 08:00:00")
    crowd.offer_due("2d")
    assert len(crowd.order) == 4


def test_ramp_of_marks() -> None:
    """What is only marked is ramped up as well, and apart from what is asked."""
    board = Board(limits={"ramp_per_day": 1})
    approved = [board.number, board.change()]
    for number in approved:
        board.fake.review(number, labels={"Code-Review": 2}, at="2026-03-02 09:00:00")
    board.fake.at("2026-03-06 09:00:00")
    found = [board.assess(board.event(party="submitter", number=n), Tier.NOBODY) for n in approved]

    assert [one.verdict for one in found] == [Verdict.PROCEED, Verdict.BUDGET_USED_UP]


def test_fresh_waits_meet_no_ramp() -> None:
    """What crosses its milestone today is not held back by what is old."""
    crowd = Crowd(3, limits={"ramp_per_day": 1})
    crowd.offer("2d")

    assert len(crowd.order) == 3


def test_fresh_wait_beside_old_ones() -> None:
    """The ramp of a day that is used up by old waits holds none back that is not."""
    board = Board(limits={"ramp_per_day": 1})
    fresh = board.change(at="2026-03-05 08:00:00")
    board.fake.at("2026-03-06 09:00:00")
    assert board.assess().proceeds
    (ask,) = board.asks
    assert ask.late
    event = f"gerrit.example.org:{fresh}:reviewers:{SINCE + 3 * 86_400 - 3600}:1d"

    assert board.assess(event).proceeds


def test_old_waits_meet_the_cap_too() -> None:
    """Of old waits, too, no more are asked about in a run than of any."""
    board = Board(limits={"per_run": 1})
    other = board.change()
    board.fake.at("2026-03-06 09:00:00")
    assert board.assess().proceeds
    assert board.assess(board.event(number=other)).verdict is Verdict.BUDGET_USED_UP

    assert [one.reason for one in board.pendings] == [Reason.CAP]


def test_stale_entry_keeps_nobody_back() -> None:
    """What was put off and never comes back loses its place after a while."""
    crowd = Crowd(3, limits={"per_run": 1})
    crowd.offer("2d")
    kept, older, newer = crowd.order[0], crowd.numbers[0], crowd.numbers[1]
    assert kept == crowd.numbers[2]
    crowd.board.fake.advance(minutes=10)
    assert not crowd.board.assess(crowd.board.event(number=newer)).proceeds
    crowd.board.fake.advance(hours=3)

    assert crowd.board.assess(crowd.board.event(number=newer)).proceeds
    assert older in {one.number for one in crowd.board.pendings}


class _Waiting(ShelfClock):
    """Waits a little, for real."""

    def sleep(self, seconds: float) -> None:
        """Let others go on."""
        threading.Event().wait(0.001)


class _Slow(DatastoreService):
    """A datastore whose calls take some time, so that others come in between."""

    def list_values(self, *what: Any, **more: Any) -> Any:
        """A listing."""
        threading.Event().wait(0.001)
        return super().list_values(*what, **more)


def test_side_by_side() -> None:
    """Forty assessments at once: not one more than the limits is asked."""
    crowd = Crowd(40, limits={"per_run": 12, "per_person_week": 3})
    store = _Slow(crowd.board.shelf.store, "gerrit", "Test", lambda _moment: None)
    found: List[Assessment] = []

    def leases() -> Leases:
        return Leases(store, _Waiting(crowd.board.shelf), patience=math.inf)

    def work(number: int) -> None:
        event = crowd.board.event(number=number)
        found.append(crowd.board.assess(event, leases=leases()))

    threads = [threading.Thread(target=work, args=(number,)) for number in crowd.numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load: Counter[int] = Counter(one for ask in crowd.board.asks for one in ask.accounts)

    assert len(found) == 40
    assert sum(one.proceeds for one in found) == len(crowd.board.asks) == 12
    assert max(load.values()) <= 3
    assert len(crowd.board.pendings) == 28


# What is not counted twice, and not forgotten.


def test_pass_counts() -> None:
    """Who was asked and passed was asked: it uses their budget, but is not open any more."""
    board = Board(limits={"per_person_week": 1})
    found = board.assess()
    board.post(found)
    (first,) = found.accounts
    board.fake.review(board.number, by=first, text="/pass")
    board.post(board.assess())

    assert sorted(ask.open for ask in board.asks) == [False, True]
    others: Set[int] = set(board.ids) - {one for ask in board.asks for one in ask.accounts}
    later = board.assess(board.event(number=board.change()))
    assert set(later.accounts) == others
    assert not board.assess(board.event(number=board.change())).proceeds


def test_half_done() -> None:
    """A run that died before it posted asked nobody yet: the next goes on with the same person."""
    board = Board()
    first = board.assess()
    again = board.assess()
    board.post(again)

    assert (again.accounts, again.attempt) == (first.accounts, first.attempt)
    assert len(board.asks) == 1


def test_records_lost() -> None:
    """What the change shows counts, where the record of it is gone: nobody else is asked."""
    board = Board()
    found = board.assess()
    board.post(found)
    for name in board.shelf.names():
        board.shelf.store.drop(name)
    again = board.assess()

    assert (again.accounts, again.attempt) == (found.accounts, found.attempt)
    assert [ask.accounts for ask in board.asks] == [found.accounts]


def test_pass_of_one_reviewer() -> None:
    """Of several who were nudged one passes: that nudges nobody again."""
    board = Board()
    others = [board.fake.add_account(f"other{n}") for n in range(3)]
    board.fake.changes[board.number].reviewers.update(dict.fromkeys(others, "REVIEWER"))
    found = board.assess(board.event("1d"), Tier.REVIEWERS)
    assert set(found.accounts) == {board.fake.reviewer, *others}
    board.post(found, "nudge")
    for one in others:
        board.fake.review(board.number, by=one, text="/pass")
        again = board.assess(board.event("1d"), Tier.REVIEWERS)
        assert (again.accounts, again.attempt) == (found.accounts, 0)
    board.fake.review(board.number, by=board.fake.reviewer, text="/pass")

    assert board.assess(board.event("1d"), Tier.REVIEWERS).verdict is Verdict.NOBODY_TO_ASK


def test_who_is_inactive_is_not_nudged() -> None:
    """Reviewers and owners whose account is inactive, and owners that are robots, are not asked."""
    board = Board()
    gone = board.fake.add_account("gone", inactive=True)
    board.fake.changes[board.number].reviewers[gone] = "REVIEWER"
    assert board.assess(board.event("1d"), Tier.REVIEWERS).accounts == (board.fake.reviewer,)
    robots = board.change(owner=board.fake.add_account("robot", service_user=True))
    gones = board.change(owner=gone)

    for number in (robots, gones):
        found = board.assess(board.event("1d", number=number), Tier.OWNERS)
        assert found.verdict is Verdict.NOBODY_TO_ASK


def test_dry_run() -> None:
    """By hand nothing is written, and everybody is shown who was considered, with the reason."""
    board = Board()
    board.fake.changes[board.number].owner = board.ids[0]
    found = board.assess(dry_run=True)

    assert found.proceeds
    assert board.shelf.names() == [n for n in board.shelf.names() if "roster" in n]
    assert {one.account: one.reason for one in found.considered} == {
        board.ids[0]: "owner",
        board.ids[1]: "",
        board.ids[2]: "",
    }
    assert board.assess().accounts == found.accounts


def test_another_verdict_ends_it() -> None:
    """What was put off and is not wanted any more leaves nothing behind."""
    board = Board(limits={"per_run": 1})
    other = board.change()
    board.assess()
    board.assess(board.event(number=other))
    assert [one.number for one in board.pendings] == [other]
    board.fake.review(other, text="Why?")
    assert board.assess(board.event(number=other)).verdict is Verdict.WAIT_OVER

    assert board.pendings == ()


def test_shown_is_live() -> None:
    """What an assessment posts is what the change shows as asked."""
    board = Board()
    found = board.assess()
    board.post(found)
    change = board.fake.client().change(board.number)
    wait = found.event
    live = live_asks(change, OWN, wait.server, wait.party.value, wait.since)

    assert [(one.tier, one.accounts) for one in live] == [(Tier.COMMITTEE, found.accounts)]


def test_reviewers_have_a_budget_too() -> None:
    """Who was asked often enough in a week is not nudged; the other reviewers are."""
    board = Board(limits={"per_person_week": 1})
    board.post(board.assess(board.event("1d"), Tier.REVIEWERS), "nudge")
    second = board.fake.add_account("reviewer2")
    other = board.change(reviewers=[board.fake.reviewer, second])
    found = board.assess(board.event("1d", number=other), Tier.REVIEWERS)

    assert found.accounts == (second,)
    assert {one.account: one.reason for one in found.considered} == {
        board.fake.reviewer: "over_budget",
        second: "",
    }


def test_reviewer_whose_budget_is_used_up() -> None:
    """Where there is nobody else, the nudge waits until the oldest ask has left the week."""
    board = Board(limits={"per_person_week": 1})
    board.post(board.assess(board.event("1d"), Tier.REVIEWERS), "nudge")
    other = board.change(reviewers=[board.fake.reviewer])
    board.fake.advance(hours=1)
    found = board.assess(board.event("1d", number=other), Tier.REVIEWERS)

    assert found.verdict is Verdict.BUDGET_USED_UP
    assert [(one.account, one.reason) for one in found.considered] == [
        (board.fake.reviewer, "over_budget")
    ]
    (ask,), (left,) = board.asks, board.pendings
    assert (left.reason, left.not_before) == (Reason.BUDGET, ask.at + WEEK)


def test_place_that_is_anothers() -> None:
    """A place in somebody's week that is free again goes to what has waited longest for it."""
    board = Board(limits={"per_person_week": 1})
    numbers = [board.number, *(board.change() for _ in range(4))]
    for number in numbers:
        board.assess(board.event(number=number))
        board.fake.advance(hours=1)
    first, last = (board.event(number=number) for number in numbers[3:])
    board.fake.at(min(ask.at for ask in board.asks) + WEEK)

    found = board.assess(last)
    assert (found.verdict, found.accounts) == (Verdict.BUDGET_USED_UP, ())
    assert sorted(one.reason for one in found.considered) == ["", "over_budget", "over_budget"]
    assert board.assess(first).proceeds
