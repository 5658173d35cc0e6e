"""What the sensor tells, and when: once, in order, and whatever happens to it."""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import Bench
from reviewloop.core.keys import Mark

MONDAY = "2026-03-02 09:00:00"


class Killed(BaseException):
    """The process ended."""


@pytest.fixture
def bench() -> Bench:
    """A server without changes, already polled once: it is Monday, 9 o'clock."""
    bench = Bench()
    assert bench.poll() == []
    return bench


# Crossings.


def test_milestones_of_one_change(bench: Bench) -> None:
    """Each milestone is told once, as soon as it is reached, and not between."""
    number = bench.fake.add_change()
    told = []
    for _ in range(15 * 24):
        bench.fake.advance(hours=1)
        told += bench.waiting()

    assert told == [(number, "1d"), (number, "2d"), (number, "5d"), (number, "10d")]


def test_crossing_at_the_very_second(bench: Bench) -> None:
    """A milestone is told by the poll of that second, and not by the one before."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 08:59:59")
    assert bench.waiting() == []
    bench.fake.at("2026-03-03 09:00:00")

    assert bench.waiting() == [(number, "1d")]
    assert bench.waiting() == []


def test_payload(bench: Bench) -> None:
    """A payload holds numbers, instants and enums, and fits its schema."""
    reviewer = bench.fake.reviewer
    number = bench.fake.add_change(
        subject="{{ 7*7 }}", topic="<% 1 %>", hashtags=["a"], reviewers=[reviewer, bench.fake.me]
    )
    bench.fake.at("2026-03-04 10:00:00")
    bench.fake.touch(number)

    ((trigger, payload),) = bench.poll()

    assert trigger == "gerrit.change_waiting"
    assert payload == {
        "event_id": f"gerrit.example.org:{number}:reviewers:1772442000:2d",
        "server": "gerrit.example.org",
        "number": number,
        "patchset": 1,
        "project": "tools/build",
        "branch": "master",
        "owner_id": bench.fake.author,
        "party": "reviewers",
        "cause": "uploaded",
        "since": "2026-03-02T09:00:00Z",
        "crossed_at": "2026-03-04T09:00:00Z",
        "milestone": "2d",
        "milestone_index": 1,
        "waiting_hours": 49.0,
        "waiting_days": 2.04,
        "calendar_days": 2.04,
        "change_age_days": 2.04,
        "next_milestone": "5d",
        "next_at": "2026-03-09T09:00:00Z",
        "origin": "person",
        "red": False,
        "reviewer_ids": [reviewer],
        "human_reviews": 0,
        "insertions": payload["insertions"],
        "deletions": payload["deletions"],
        "hashtags": ["a"],
        "topic": "< % 1 % >",
        "subject": "{ { 7*7 } }",
        "url": f"https://gerrit.example.org/c/tools/build/+/{number}",
    }


def test_outage(bench: Bench) -> None:
    """After an outage the highest milestone passed is told, and the lower ones are not."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-10 12:00:00")

    assert bench.waiting() == [(number, "5d")]


@pytest.mark.parametrize("restart", [True, False])
def test_outage_longer_than_anything_is_watched(*, restart: bool) -> None:
    """What fell due while the sensor, or the server, was down is told, though nothing more can fall
    due of the change by now.
    """
    bench = Bench(reconciles=True, milestones=["1d"], limits={"max_snooze": "1d"})
    number = bench.fake.add_change()
    bench.fake.review(number, text="/snooze 1d")
    bench.fake.advance(hours=1)
    assert bench.waiting() == []
    bench.fake.at("2026-03-05 09:00:00")
    if restart:
        bench.start()

    assert bench.waiting() == [(number, "1d")]


def test_snoozed(bench: Bench) -> None:
    """A snooze moves the milestone, and only it does."""
    number = bench.fake.add_change()
    bench.fake.advance(hours=1)
    bench.fake.review(number, text="/snooze 2d please")
    bench.poll()
    bench.fake.at("2026-03-05 08:59:59")
    assert bench.waiting() == []
    bench.fake.at("2026-03-05 09:00:00")

    assert bench.waiting() == [(number, "1d")]


def test_snoozed_in_the_reply_dialog(bench: Bench) -> None:
    """The web page keeps a reply's text apart from its message; a snooze there counts as well."""
    number = bench.fake.add_change()
    bench.fake.advance(hours=1)
    bench.fake.review(number, comment="/snooze 2d please")
    bench.poll()
    bench.fake.at("2026-03-05 08:59:59")
    assert bench.waiting() == []
    bench.fake.at("2026-03-05 09:00:00")

    assert bench.waiting() == [(number, "1d")]


def test_cost_of_comments(bench: Bench) -> None:
    """Whether comments hold commands takes one request for all moved changes, not one for each."""
    for _ in range(20):
        number = bench.fake.add_change()
        bench.fake.review(number, labels={"Code-Review": 1}, comment="Why is this here?")

    assert bench.requests() == 3
    assert bench.requests() == 1


# Endings.


def test_review_ends_a_wait(bench: Bench) -> None:
    """The end of a wait that had reached a milestone is told once, with what ended it."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    assert bench.waiting() == [(number, "2d")]
    bench.fake.advance(hours=1)
    bench.fake.review(number, text="Why?")

    ((trigger, payload),) = bench.poll()
    assert (trigger, payload["how"], payload["milestone"]) == (
        "gerrit.change_wait_ended",
        "reviewed",
        "2d",
    )
    assert payload["event_id"].endswith(":reviewers:1772442000:2d")
    assert bench.poll() == []


def test_wait_that_nobody_was_told_of(bench: Bench) -> None:
    """The end of a wait below the first milestone is not told."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.advance(hours=3)
    bench.fake.review(number, text="Why?")

    assert bench.poll() == []


@pytest.mark.parametrize("status", ["MERGED", "ABANDONED"])
def test_closed_changes(bench: Bench, status: str) -> None:
    """Merging and abandoning end waits, although closed changes are no longer open."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    bench.poll()
    bench.fake.advance(hours=1)
    bench.fake.set_status(number, status)

    assert bench.endings() == [(number, status.lower())]


def test_ended_during_an_outage(bench: Bench) -> None:
    """A wait that ended while no sensor ran is told by the next one."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    bench.poll()
    bench.fake.advance(hours=1)
    bench.fake.set_status(number, "MERGED")
    bench.fake.advance(days=3)
    bench.start()

    assert bench.endings() == [(number, "merged")]


def test_closed_just_after_the_last_poll_of_a_process(bench: Bench) -> None:
    """The next one looks for what was closed since two hours before, and for nothing older."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 10:00:00")
    bench.poll()
    bench.fake.set_status(number, "MERGED", at="2026-03-04 10:10:00")
    bench.fake.advance(hours=1)
    bench.start()

    assert bench.endings() == [(number, "merged")]
    asked = next(one for one in reversed(bench.fake.seen) if "-status:open" in one)
    assert 'after:"2026-03-04 08:00:00"' in asked


def test_review_that_shows_up_late(bench: Bench) -> None:
    """A review dated before the last poll, which did not see it, still ends the wait."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:05:00")
    bench.poll()
    bench.fake.review(number, text="Why?", at="2026-03-04 09:04:30")
    bench.fake.advance(minutes=1)

    assert bench.endings() == [(number, "reviewed")]
    assert bench.poll() == []


# Starting.


def test_first_start_among_old_changes() -> None:
    """A first start with 200 old open changes tells nothing, and watches those that may come."""
    bench = Bench()
    for index in range(200):
        bench.fake.add_change(at=f"2026-02-{1 + index % 25:02d} 10:{index % 60:02d}:00")

    assert bench.poll() == []
    bench.fake.advance(minutes=5)
    assert bench.requests() == 1


def test_first_start_that_reaches_back() -> None:
    """With catch_up a first start tells what happened in that working time."""
    bench = Bench(catch_up="1d")
    number = bench.fake.add_change(at="2026-02-26 10:00:00")
    bench.fake.add_change(at="2026-02-24 10:00:00")
    bench.fake.at("2026-03-02 09:00:00")

    assert bench.waiting() == [(number, "1d")]


def test_restart(bench: Bench) -> None:
    """A restart loses nothing and repeats nothing."""
    number = bench.fake.add_change()
    told = []
    for _ in range(80):
        bench.fake.advance(hours=1)
        told += bench.waiting()
        bench.start()

    assert told == [(number, "1d"), (number, "2d")]


def test_damaged_cursor(bench: Bench) -> None:
    """The sensor goes on from now, and says so once; whoever was missed is offered."""
    bench.config["coverage_reach"] = "60d"
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 09:30:00")
    (cursor,) = [name for name in bench.shelf.names() if name.startswith("gerrit.cursor.")]
    bench.shelf.store.put(cursor, '{"version": 1, "da')
    bench.start()
    told = [(trigger, told.get("kind"), told.get("number")) for trigger, told in bench.poll()]

    trouble = ("gerrit.poll_trouble", "partial", None)
    assert told == [("gerrit.change_overdue", None, number), trouble]
    assert cursor in bench.log[-1].getMessage()
    assert [payload["state"] for _, payload in bench.poll()] == ["recovered"]
    bench.start()
    bench.fake.at("2026-03-04 09:00:00")
    assert bench.waiting() == [(number, "2d")]


def test_killed_between_dispatch_and_cursor(bench: Bench) -> None:
    """What was told and not noted down is told again under the same id; nothing is lost."""
    bench.fake.add_change()
    bench.fake.at("2026-03-03 09:00:00")
    bench.shelf.store.put = _killing  # type: ignore
    with pytest.raises(Killed):
        bench.poll()
    del bench.shelf.store.put
    bench.start()

    bench.poll()
    assert len(bench.told) == 2
    assert len({payload["event_id"] for _, payload in bench.told}) == 1


def _killing(*_: Any, **__: Any) -> None:
    raise Killed


def test_old_and_idle_changes_are_not_asked_for() -> None:
    """A cold start asks only for changes whose last milestone may lie ahead, snoozes included."""
    bench = Bench(milestones=["1d", "10d"], limits={"max_snooze": "5d"})
    bench.poll()

    scans = [seen for seen in bench.fake.seen if "status:open" in seen]
    # 15 working days before Monday 2 March.
    assert 'after:"2026-02-09 09:00:10"' in scans[0]


# Cost.


def test_quiet_poll(bench: Bench) -> None:
    """A poll in which nothing moved and nothing is due is one request, whatever is watched."""
    for _ in range(7):
        bench.fake.add_change()
    bench.poll()
    bench.fake.advance(minutes=5)

    assert [bench.requests() for _ in range(3)] == [1, 1, 1]


def test_many_moved_changes(bench: Bench) -> None:
    """Moved changes are read in batches: 120 of them take three requests more."""
    for _ in range(120):
        bench.fake.add_change()

    assert bench.requests() == 4


def test_own_comments(bench: Bench) -> None:
    """An own message moves a change; it is read once and nothing is told."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-03 09:00:00")
    bench.poll()
    bench.fake.review(number, by=bench.fake.me, text="Asked.", tag="autogenerated:st2-gerrit~nudge")
    bench.fake.advance(minutes=5)

    assert bench.requests() == 2
    assert bench.told[1:] == []
    assert bench.requests() == 1


# What may not be told any more.


def test_turned_private(bench: Bench) -> None:
    """A change that has become private is not told of, although it was watched."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.changes[number].private = True
    bench.fake.at("2026-03-04 09:00:00")

    assert bench.poll() == []


def test_gone(bench: Bench) -> None:
    """A deleted change is not told of, and the others are."""
    gone, there = bench.fake.add_change(), bench.fake.add_change()
    bench.poll()
    del bench.fake.changes[gone]
    bench.fake.at("2026-03-04 09:00:00")

    assert bench.waiting() == [(there, "2d")]


def test_private_whatever_the_search_says() -> None:
    """A private change is not told of even where the configured search would find it."""
    bench = Bench(query="")
    bench.poll()
    bench.fake.add_change(private=True)
    turned = bench.fake.add_change()
    bench.poll()
    bench.fake.changes[turned].private = True
    bench.fake.at("2026-03-04 09:00:00")

    assert bench.poll() == []


@pytest.mark.parametrize("username", ["st2-reviews", "ST2-Reviews"])
def test_handed_on(username: str) -> None:
    """When somebody who was asked says /pass the last milestone is told again, once; also where the
    pack's username is configured in other letters than Gerrit's.
    """
    bench = Bench(username=username)
    bench.poll()
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    assert bench.waiting() == [(number, "2d")]
    mark = Mark("escalate", "0" * 16, (bench.fake.reviewer,))
    tag = "autogenerated:st2-gerrit~escalate"
    bench.fake.review(number, by=bench.fake.me, text=f"Asked.\n\n{mark}", tag=tag)
    bench.poll()
    bench.fake.advance(hours=1)
    bench.fake.review(number, text="/pass", comments=0)

    assert bench.waiting() == [(number, "2d")]
    assert bench.waiting() == []
    bench.fake.at("2026-03-09 09:00:00")
    assert bench.waiting() == [(number, "5d")]


# Caps.


def test_cap() -> None:
    """More events than the cap follow in the next polls, earliest first, none twice, none lost."""
    bench = Bench(max_triggers_per_poll=2)
    bench.poll()
    numbers = [bench.fake.add_change(at=f"2026-03-02 09:0{minute}:00") for minute in range(5)]
    bench.fake.at("2026-03-03 10:00:00")

    polls = [[number for number, _ in bench.waiting()] for _ in range(4)]
    assert polls == [numbers[:2], numbers[2:4], numbers[4:], []]


@given(st.integers(1, 4), st.lists(st.integers(0, 2), min_size=1, max_size=9), st.booleans())
def test_cap_within_one_second(cap: int, minutes: List[int], restart: bool) -> None:
    """Crossings of one second are told apart by their ids, also across restarts."""
    bench = Bench(max_triggers_per_poll=cap)
    bench.poll()
    for minute in minutes:
        bench.fake.add_change(at=f"2026-03-02 09:0{minute}:00")
    bench.fake.at("2026-03-03 10:00:00")
    told = []
    for _ in range(len(minutes)):
        told += bench.waiting()
        if restart:
            bench.start()

    assert sorted(told) == [(number + 1, "1d") for number in range(len(minutes))]


def test_wait_that_ends_while_capped() -> None:
    """An event held back by the cap is not told if its wait is over by then."""
    bench = Bench(max_triggers_per_poll=1)
    bench.poll()
    first = bench.fake.add_change()
    second = bench.fake.add_change(at="2026-03-02 09:01:00")
    bench.fake.at("2026-03-03 10:00:00")
    assert bench.waiting() == [(first, "1d")]
    bench.fake.review(second, text="Why?")

    assert bench.poll() == []


def test_endings_held_back_by_the_cap() -> None:
    """Endings are capped with the rest, and follow."""
    bench = Bench(max_triggers_per_poll=1)
    bench.poll()
    numbers = [bench.fake.add_change(at=f"2026-03-02 09:0{minute}:00") for minute in range(3)]
    bench.fake.at("2026-03-03 10:00:00")
    for _ in numbers:
        bench.poll()
    bench.fake.advance(hours=1)
    for number in numbers:
        bench.fake.review(number, text="Why?")
    bench.fake.advance(minutes=1)

    told = [ending for _ in range(4) for ending in bench.endings()]
    assert sorted(told) == [(number, "reviewed") for number in numbers]


# Reconciling.


def test_update_that_the_deltas_missed() -> None:
    """What never showed in a delta is found by the daily reconcile, and told from then on."""
    bench = Bench(reconciles=True)
    bench.poll()
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    bench.poll()
    other = bench.fake.add_change()
    bench.fake.at("2026-03-04 12:00:00")
    bench.poll()
    bench.fake.review(other, text="newer", at="2026-03-04 11:59:00")
    bench.poll()
    # Dated far before what the next deltas ask for.
    bench.fake.review(number, text="Why?", at="2026-03-04 09:30:00")
    bench.fake.at("2026-03-05 08:00:00")
    assert bench.endings() == []
    bench.fake.at("2026-03-06 09:00:01")

    assert (number, "reviewed") in bench.endings()


def test_closing_that_the_deltas_missed() -> None:
    """A watched change that is open no more is found by the reconcile."""
    bench = Bench(reconciles=True)
    bench.poll()
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    bench.poll()
    bench.fake.add_change(at="2026-03-04 12:00:00")
    bench.fake.at("2026-03-04 12:00:00")
    bench.poll()
    bench.fake.set_status(number, "MERGED", at="2026-03-04 09:30:00")
    bench.fake.at("2026-03-06 09:00:01")

    assert (number, "merged") in bench.endings()


def test_moved_before_the_daily_look() -> None:
    """A change that the delta has read is not read again by the poll that looks over everything,
    neither by that look nor before something is told of it.
    """
    bench = Bench(reconciles=True)
    bench.poll()
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 09:00:00")
    bench.fake.touch(number)
    before = sum("o=MESSAGES" in one for one in bench.fake.seen)

    assert bench.waiting() == [(number, "1d")]
    assert sum("o=MESSAGES" in one for one in bench.fake.seen) - before == 1
    assert sum("status:open" in one and "-status" not in one for one in bench.fake.seen) == 2


# Trouble.

FAULTS: Dict[str, Callable[[Bench], None]] = {
    "unreachable": lambda bench: bench.fake.refuse(times=3),
    "auth": lambda bench: bench.fake.fail(401, "Unauthorized"),
    "forbidden": lambda bench: bench.fake.fail(403, "forbidden"),
    "config": lambda bench: bench.fake.fail(400, "line 1:0 no viable alternative"),
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_trouble(bench: Bench, kind: str) -> None:
    """A failing poll is told and logged once, and so is the recovery; nothing is lost meanwhile."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 09:00:00")
    told = []
    for _ in range(3):
        FAULTS[kind](bench)
        told += bench.poll()
    assert bench.waiting() == [(number, "1d")]

    ((trigger, down),) = told
    assert trigger == "gerrit.poll_trouble"
    assert (down["state"], down["kind"], down["failures"]) == ("down", kind, 1)
    assert down["since"] == "2026-03-03T09:00:10Z"
    recovered = bench.told[-1][1]
    assert (recovered["state"], recovered["kind"], recovered["failures"]) == ("recovered", kind, 3)
    errors = [record for record in bench.log if record.levelno >= logging.ERROR]
    assert len(errors) == 1


def test_login_page(bench: Bench) -> None:
    """A page instead of an answer means that somebody must log in."""
    bench.fake.html()

    assert bench.poll()[0][1]["kind"] == "auth"


def test_another_trouble(bench: Bench) -> None:
    """When the trouble becomes another, that is told too; the count goes on."""
    FAULTS["unreachable"](bench)
    bench.poll()
    FAULTS["auth"](bench)

    assert bench.poll()[0][1]["failures"] == 2


def test_datastore_down(bench: Bench) -> None:
    """While the cursor cannot be kept nothing more is told; then everything is, once."""
    number = bench.fake.add_change()
    bench.poll()
    bench.shelf.store.down = True
    bench.fake.at("2026-03-02 10:00:00")
    ((_, payload),) = bench.poll()
    assert payload["kind"] == "datastore"
    bench.fake.at("2026-03-03 09:00:00")
    assert bench.poll() == []
    bench.shelf.store.down = False

    assert bench.waiting() == [(number, "1d")]


def test_trigger_that_was_dropped_without_a_word(bench: Bench) -> None:
    """What was told while the datastore failed may not have gone out: it is told again."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 09:00:00")
    bench.fails_after_dispatch = True
    bench.poll()
    bench.fails_after_dispatch = bench.shelf.store.down = False

    assert bench.waiting() == [(number, "1d")]
    assert bench.waiting() == []


def test_datastore_down_before_telling(bench: Bench) -> None:
    """Nothing is told into a StackStorm whose datastore is down, even with nothing to save."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-03 08:59:59")
    bench.poll()
    bench.fake.at("2026-03-03 09:00:00")
    bench.shelf.store.down = True
    assert [payload["kind"] for _, payload in bench.poll()] == ["datastore"]
    bench.shelf.store.down = False

    assert bench.waiting() == [(number, "1d")]


def test_datastore_down_at_the_start() -> None:
    """A datastore that is down is not taken for a first start."""
    bench = Bench()
    bench.fake.add_change(at="2026-02-27 09:00:00")
    bench.shelf.store.down = True
    ((_, payload),) = bench.poll()

    assert payload["kind"] == "datastore"
    assert bench.fake.seen == []


def test_defect(bench: Bench) -> None:
    """Even a defect of this pack does not end the sensor, and its traceback is logged."""
    bench.fake.before_send = _defective
    bench.has_defect = True

    ((_, payload),) = bench.poll()
    assert payload["kind"] == "internal"
    assert bench.log[-1].exc_info is not None


def _defective(_request: object) -> None:
    raise KeyError("a defect")


def test_defect_where_trouble_is_told(bench: Bench) -> None:
    """Nor does one in what would tell of the first; it stands in the log, with its traceback."""
    bench.fake.before_send = _defective
    bench.poller._troubles.failed = _defective  # type: ignore[method-assign]
    bench.has_defect = True

    assert bench.poll() == []
    assert bench.log[-1].getMessage() == "That polling fails cannot be reported."
    assert bench.log[-1].exc_info is not None


def test_nothing_can_be_dispatched(bench: Bench) -> None:
    """When dispatching fails the event is told later, and the sensor lives on."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-03 09:00:00")
    bench.dispatch_fails = OSError("the message bus is down")
    assert bench.poll() == []
    assert "(messaging)" in bench.log[-1].getMessage()
    bench.dispatch_fails = None

    assert bench.waiting() == [(number, "1d")]


def test_one_change_that_cannot_be_read(bench: Bench) -> None:
    """A change that makes no sense does not keep the others from being told of."""
    broken, sound = bench.fake.add_change(), bench.fake.add_change()
    bench.fake.changes[broken].messages[0]["date"] = "yesterday"
    bench.fake.at("2026-03-03 09:00:00")

    told = bench.poll()
    assert [payload["number"] for trigger, payload in told if trigger.endswith("waiting")] == [
        sound
    ]
    assert told[-1][1]["kind"] == "partial"
