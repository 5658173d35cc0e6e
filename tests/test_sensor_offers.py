"""Which overdue waits are offered at which second, and what it costs to find that out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Dict, List, Sequence, Set

import pytest

from histories import History, at, told
from reviewloop.core.reading import read_change
from reviewloop.sensor.coverage import NO_RULE, Coverage
from reviewloop.sensor.dispatch import Outbox
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.offers import ACTS, Chosen, Tries
from reviewloop.sensor.uncovered import Overdue
from reviewloop.sensor.watch import Watch
from reviewloop.settings.load import load
from reviewloop.store.asks import Ask
from reviewloop.store.cursor import Cursor
from reviewloop.store.pending import Pending, Reason

SERVER = "gerrit.example.org"
SINCE = at("mon 9:00")


def event(number: int) -> str:
    """The only milestone of the reviewers' wait since Monday at 9."""
    return f"{SERVER}:{number}:reviewers:{int(SINCE.timestamp())}:1d"


class Desk:
    """What is offered of changes that wait for their reviewers since Monday at 9.

    :ivar reads: how often it was looked up what was put off.
    :ivar fresh: the changes read anew.
    """

    def __init__(self, *numbers: int, **config: Any) -> None:
        url = {"url": f"https://{SERVER}", "username": "st2-reviews", "password": "x"}
        self.settings = load({**url, "milestones": ["1d"], **config})
        self.watch = Watch(self.settings.server)
        self.payloads: List[Dict[str, Any]] = []
        self.pending: List[Pending] = []
        self.asks: List[Ask] = []
        self.reads = 0
        self.fresh: List[Set[int]] = []
        outbox = Outbox(lambda _trigger, payload, _tag: self.payloads.append(payload))
        self.coverage = Coverage(self.settings, self._put_off, lambda: self.asks, outbox)
        for number in numbers:
            self.learn(number)

    def learn(self, number: int, updated: str = "mon 9:00") -> None:
        """The change is read."""
        change = replace(History().upload("mon 9:00").change(), number=number, updated=at(updated))
        self.watch.learn(read_change(change, self.settings.policy), Cursor(SINCE))

    def offered(self, moment: str, room: int = 99) -> List[int]:
        """A poll then; the numbers offered."""
        now, before = at(moment), len(self.payloads)
        self.watch.settle(now)
        count = self.coverage.run(now, self.watch, room, self._fresh)
        assert count == len(self.payloads) - before
        return [one["number"] for one in self.payloads[before:]]

    def polls(self, first: str, minutes: int, count: int) -> List[str]:
        """So many polls; when something was offered."""
        times = [told(at(first) + timedelta(minutes=minutes * i)) for i in range(count)]
        return [str(one) for one in times if self.offered(str(one))]

    def put_off(
        self, number: int, moment: str, until: str, reason: Reason = Reason.CAP, leader: int = 0
    ) -> None:
        """What assess recorded then."""
        times = {"at": at(moment), "not_before": at(until), "crossed_at": at("tue 9:00")}
        wait = (event(number), "reviewers", number, "reviewers", SINCE, "1d")
        self.pending.append(Pending(*wait, reason, leader=leader, **times))

    def _put_off(self) -> Sequence[Pending]:
        self.reads += 1
        return self.pending

    def _fresh(self, keys: Set[ChangeKey]) -> bool:
        self.fresh.append({key.number for key in keys})
        return bool(keys)


def key(number: int) -> ChangeKey:
    """A change's key."""
    return ChangeKey(number, "tools/build")


# To the second.


def test_grace_and_pauses_end_at_the_second() -> None:
    """Twenty minutes after the milestone, after half an hour, and then after an hour."""
    desk = Desk(1)

    assert desk.polls("tue 9:19:59", 1, 1) == []
    assert desk.polls("tue 9:20", 30, 4) == ["tue 9:20", "tue 9:50", "tue 10:50"]


def test_a_place_is_free_at_the_second() -> None:
    """What met a limit in the second of its offer is offered in the second that the record says."""
    desk = Desk(1)
    assert desk.offered("tue 9:20") == [1]
    desk.put_off(1, "tue 9:20", "tue 9:25")

    assert desk.polls("tue 9:24:59", 1, 1) == []
    assert desk.offered("tue 9:25") == [1]


def test_tried_again_to_the_second() -> None:
    """What led to nothing three times is offered an hour after the third: no others are like it."""
    desk = Desk(1)
    assert desk.polls("tue 9:20", 30, 4) == ["tue 9:20", "tue 9:50", "tue 10:50"]

    assert desk.polls("tue 11:49:59", 1, 1) == []
    assert desk.offered("tue 11:50") == [1]
    assert [one["why_not"] for one in desk.payloads[3:]] == [NO_RULE]


@pytest.mark.parametrize(("moment", "why"), [("tue 11:59:59", ""), ("tue 12:00", NO_RULE)])
def test_chosen_a_week_ago_to_the_second(moment: str, why: str) -> None:
    """A run that has chosen somebody tells for less than a week that a rule acts."""
    desk = Desk(1)
    assert len(desk.polls("tue 9:20", 30, 4)) == 3
    desk.asks = [Ask(event(1), "reviewers", 1, "reviewers", SINCE, (2,), at("tue 12:00") - ACTS)]

    assert desk.offered(moment) == [1]
    assert desk.payloads[-1]["why_not"] == why


@pytest.mark.parametrize("moved", ["tue 9:30", "tue 9:31"])
def test_a_leader_that_moved_in_the_second_of_the_record(moved: str) -> None:
    """May have moved after it; then the change is offered an hour after the record, not before."""
    desk = Desk(1)
    assert desk.offered("tue 9:20") == [1]
    desk.learn(2, updated=moved)
    desk.put_off(1, "tue 9:30", "wed 9:30", Reason.JOINED, leader=2)

    assert 1 not in desk.offered("tue 9:40")
    assert 1 not in desk.offered("tue 10:29:59")
    assert 1 in desk.offered("tue 10:30")


def test_idle_to_the_second() -> None:
    """What was touched ``coverage_reach`` ago is covered still."""
    assert Desk(1, coverage_reach="3d").offered("thu 9:00") == [1]
    assert Desk(1, coverage_reach="3d").offered("thu 9:00:01") == []


# What came of an offer.


def test_an_offer_that_came_to_something_is_no_first_one() -> None:
    """It was put off, and is no more: the hour counts, as for each offer but the first in vain."""
    desk = Desk(1)
    assert desk.offered("tue 9:20") == [1]
    desk.put_off(1, "tue 9:21", "tue 10:00")
    assert desk.offered("tue 9:30") == []
    desk.pending.clear()

    assert desk.polls("tue 9:40", 10, 6) == ["tue 10:20"]


def test_put_off_after_three_in_vain() -> None:
    """A record shows that a rule acts: it says when, as for any other."""
    desk = Desk(1)
    assert len(desk.polls("tue 9:20", 30, 4)) == 3
    desk.put_off(1, "tue 10:51", "tue 15:00")

    assert desk.polls("tue 11:50", 10, 20) == ["tue 15:00"]


def in_vain() -> Desk:
    """Two changes alike: 2 was offered three times in vain until 10:50, 1 until 10:51."""
    desk = Desk(2)
    assert desk.offered("tue 9:20") == [2]
    desk.learn(1)
    for moment, number in (("9:21", 1), ("9:50", 2), ("9:51", 1), ("10:50", 2), ("10:51", 1)):
        assert desk.offered(f"tue {moment}") == [number]
    return desk


def test_one_of_those_that_are_alike() -> None:
    """Each half hour that whose last offer is the oldest; the other rests, and costs nothing."""
    desk = in_vain()
    assert desk.offered("tue 11:51") == [2]
    before = desk.reads
    assert desk.polls("tue 11:56", 5, 5) == []
    assert desk.reads == before

    assert desk.offered("tue 12:21") == [1]
    assert desk.offered("tue 12:51") == [2]


def test_three_in_vain_to_the_second() -> None:
    """From an hour after the last offer until a working day after it one of both is tried; then
    both are offered.
    """
    desk = Desk(1, 2)
    assert len(desk.polls("tue 9:20", 30, 4)) == 3
    assert desk.offered("tue 11:49:59") == []
    assert len(desk.offered("tue 11:50")) == 1

    rested = Desk(1, 2)
    assert len(rested.polls("tue 9:20", 30, 4)) == 3
    assert rested.offered("wed 10:50") == [1, 2]
    almost = Desk(1, 2)
    assert len(almost.polls("tue 9:20", 30, 4)) == 3
    assert len(almost.offered("wed 10:49:59")) == 1


def test_out_of_sight_and_back() -> None:
    """Of a change that was forgotten nothing is known: it is offered as if for the first time."""
    desk = Desk(1, 2)
    assert desk.offered("tue 9:20") == [1, 2]
    desk.watch.forget(key(1))
    assert desk.offered("tue 9:21") == []
    desk.learn(1)

    assert desk.offered("tue 9:22") == [1]


def test_forgotten_before_anything_was_offered() -> None:
    """Nothing was known of it besides."""
    desk = Desk(1, 2)
    assert desk.offered("mon 10:00") == []
    desk.watch.forget(key(1))

    assert desk.offered("tue 9:20") == [2]


# Whether a rule acts, and what is tried although it does not seem so.


def overdue(number: int, party: str = "reviewers", milestone: str = "1d") -> Overdue:
    """A wait since Monday at 9, overdue since Tuesday."""
    name = f"{SERVER}:{number}:{party}:{int(SINCE.timestamp())}:{milestone}"
    return Overdue(key(number), (party, SINCE), 0, name, at("tue 9:00"), SINCE)


def asked(number: int, moment: str, party: str = "reviewers") -> Ask:
    """Somebody was chosen then."""
    name = overdue(number, party).event_id
    return Ask(name, party, number, party, SINCE, (2,), at(moment))


@pytest.mark.parametrize("moments", [("tue 9:00", "thu 9:00"), ("thu 9:00", "tue 9:00")])
def test_the_latest_choice_counts(moments: Sequence[str]) -> None:
    """In whatever order the records come, and only for waits of its kind."""
    chosen = Chosen(asked(number, moment) for number, moment in enumerate(moments, 1))

    assert chosen.is_acted_on(overdue(9), at("thu2 8:59:59"))
    assert not chosen.is_acted_on(overdue(9), at("thu2 9:00"))
    assert not chosen.is_acted_on(overdue(9, "owner"), at("thu 9:00"))
    assert not chosen.is_acted_on(overdue(9, milestone="2d"), at("thu 9:00"))


def test_one_of_each_kind_is_tried() -> None:
    """That whose last offer is the oldest; another one after half an hour, and whoever asks twice
    in one poll is told the same.
    """
    tries = Tries()
    last = {1: "tue 12:00", 2: "tue 11:00", 3: "tue 13:00"}
    rare = [overdue(1), overdue(2), overdue(3, "owner")]

    def chosen(moment: str) -> Set[int]:
        """The numbers tried then."""
        found = tries.chosen(rare, at(moment), lambda one: at(last[one.key.number]))
        return {one.key.number for one in found}

    assert chosen("tue 14:00") == chosen("tue 14:00") == {2, 3}
    last.update({2: "tue 14:00", 3: "tue 14:00"})
    assert chosen("tue 14:29:59") == set()
    assert chosen("tue 14:30") == {1, 3}


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1)])
def test_offered_at_the_same_instant(order: Sequence[int]) -> None:
    """Who has waited for the longest is tried, in whatever order they come."""
    since = {1: "tue 9:00", 2: "mon 15:00", 3: "tue 8:00"}
    rare = [overdue(number)._replace(since=at(since[number])) for number in order]
    found = Tries().chosen(rare, at("tue 14:00"), lambda _one: at("tue 12:00"))

    assert {one.key.number for one in found} == {2}


# What it costs.


def test_no_room() -> None:
    """Where no trigger may be sent nothing is looked up."""
    desk = Desk(1)

    assert desk.offered("tue 9:20", room=0) == []
    assert (desk.reads, desk.fresh) == (0, [])
    assert desk.offered("tue 9:21") == [1]


def test_what_no_rule_takes_up_costs_a_look_an_hour() -> None:
    """Nothing is looked up for it at the polls between."""
    desk = Desk(1)
    assert len(desk.polls("tue 9:20", 30, 4)) == 3
    assert desk.offered("tue 11:50") == [1]
    before = desk.reads

    assert desk.polls("tue 11:55", 5, 11) == []
    assert desk.reads == before
    assert desk.offered("tue 12:50") == [1]


def test_what_is_over_costs_nothing() -> None:
    """A wait that ended while it could be offered is looked up no more, nor is the change read."""
    desk = Desk(1)
    assert desk.offered("tue 9:20", room=0) == []
    merged = History().upload("mon 9:00").merge("tue 9:21").change()
    desk.watch.learn(read_change(replace(merged, number=1), desk.settings.policy), Cursor(SINCE))

    assert desk.polls("tue 9:22", 5, 3) == []
    assert (desk.reads, desk.fresh) == (0, [])


def test_what_became_idle_keeps_nothing_back() -> None:
    """It is not read again, and takes no place from the next, nor from itself at the next poll."""
    desk = Desk(1, coverage_reach="3d")
    desk.learn(2, updated="tue 9:00")
    assert desk.offered("wed 9:00", room=0) == []

    assert desk.offered("thu 9:00:01", room=1) == [2]
    assert desk.fresh == [{2}]
    assert desk.offered("thu 9:50", room=1) == [2]
    assert desk.fresh[1:] == [{2}]


def test_idle_and_alone() -> None:
    """Nothing is looked up for it any more."""
    desk = Desk(1, coverage_reach="3d")
    assert desk.offered("wed 9:00", room=0) == []
    assert desk.polls("thu 9:00:01", 5, 12) == []

    assert (desk.reads, desk.fresh) == (1, [set()])
