"""What shows late, a clock that is wrong, and two changes of one number."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any, Dict, List, Tuple

import pytest

from bench import Bench
from fake_marks import asked
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.store.cursor import Cursor

MONDAY = "2026-03-02 09:00:00"
TUESDAY = "2026-03-03 09:00:00"
WEDNESDAY = "2026-03-04 09:00:00"
CURSOR = "gerrit.cursor.gerrit.example.org"


@pytest.fixture
def bench() -> Bench:
    """A server without changes, already polled once: it is Monday, 9 o'clock."""
    bench = Bench()
    assert bench.poll() == []
    return bench


def events(bench: Bench) -> List[Tuple[int, str]]:
    """Number, and milestone or how, of each event told so far."""
    return [
        (payload["number"], payload.get("how") or payload["milestone"])
        for trigger, payload in bench.told
        if trigger != "gerrit.poll_trouble"
    ]


def troubles(bench: Bench) -> List[Tuple[str, str]]:
    """State and kind of each trouble told so far."""
    found = [payload for trigger, payload in bench.told if trigger == "gerrit.poll_trouble"]
    return [(one["state"], one["kind"]) for one in found]


def stored(bench: Bench) -> Cursor:
    """The cursor that a new process would find."""
    (text,) = [item.value for item in bench.shelf.store.items() if item.name == CURSOR]
    return Cursor.from_json(text, CURSOR)


# Late.


def test_once_and_in_order() -> None:
    """A review that shows late ends the wait first; then comes what follows from it, each once."""
    bench = Bench(milestones=["1h", "1d"])
    bench.poll()
    bench.fake.at("2026-03-02 10:00:00")
    number = bench.fake.add_change()
    for moment in ("10:01:00", "11:01:00", "11:20:00"):
        bench.fake.at(f"2026-03-02 {moment}")
        bench.poll()
    bench.fake.review(number, text="Why?", at="2026-03-02 11:06:00")
    for _ in range(20):
        bench.fake.advance(minutes=15)
        bench.poll()
    bench.start()
    bench.poll()

    assert events(bench) == [(number, "1h"), (number, "reviewed"), (number, "1h")]
    assert [payload["party"] for _, payload in bench.told] == ["reviewers", "reviewers", "owner"]


def test_pass_that_shows_late(bench: Bench) -> None:
    """A ``/pass`` dated before the last poll counts like any other."""
    number = asked(bench)
    bench.fake.at("2026-03-04 10:00:00")
    bench.poll()
    bench.fake.review(number, text="/pass", at="2026-03-04 09:59:00")
    bench.fake.advance(minutes=5)

    assert bench.waiting() == [(number, "2d")]
    assert bench.waiting() == []


def test_pass_in_the_seconds_before_a_restart(bench: Bench) -> None:
    """What happened while the index had not settled is told by the next process too."""
    number = asked(bench)
    bench.fake.at("2026-03-04 10:00:00")
    bench.poll()
    bench.fake.advance(seconds=3)
    bench.fake.review(number, text="/pass")
    bench.fake.advance(seconds=7)
    bench.start()

    assert bench.waiting() == [(number, "2d")]


def test_update_during_the_poll(bench: Bench) -> None:
    """What happens between a poll's search and its end is left to the next poll, and not lost."""
    number, other = asked(bench), bench.fake.add_change()
    bench.fake.at("2026-03-04 10:00:00")
    bench.poll()
    bench.fake.touch(other)
    at_the_second: Dict[str, int] = {"requests": 0}

    def meanwhile(_request: Any) -> None:
        at_the_second["requests"] += 1
        if at_the_second["requests"] == 2:
            bench.fake.review(number, text="/pass")
            bench.fake.advance(seconds=30)

    bench.fake.before_send = meanwhile
    told = bench.waiting()
    bench.fake.before_send = lambda _request: None
    bench.start()
    bench.fake.advance(minutes=1)

    assert told + bench.waiting() == [(number, "2d")]


def held_back(bench: Bench) -> List[int]:
    """Three endings that show late, of which the cap lets one through."""
    numbers = [bench.fake.add_change() for _ in range(3)]
    bench.fake.at(WEDNESDAY)
    bench.poll()
    bench.poll()
    bench.poll()
    bench.fake.advance(minutes=15)
    bench.poll()
    for number in numbers:
        bench.fake.review(number, text="Why?", at="2026-03-04 09:10:00")
    bench.fake.advance(minutes=1)
    return numbers


@pytest.mark.parametrize("restarts", [False, True])
def test_late_under_the_cap(restarts: bool) -> None:
    """Late finds follow each other from poll to poll, once each, whatever process polls."""
    bench = Bench(max_triggers_per_poll=1)
    bench.poll()
    numbers = held_back(bench)
    through = stored(bench).through
    found = []
    for left in (2, 1, 0, 0):
        found += bench.endings()
        assert len(stored(bench).late) == left
        assert stored(bench).through >= through
        through = stored(bench).through
        if restarts:
            bench.start()

    assert found == [(number, "reviewed") for number in numbers]


def test_late_and_killed() -> None:
    """Late events that a killed process did not come to send are sent by the next one."""
    bench = Bench()
    bench.poll()
    numbers = held_back(bench)
    bench.dispatch_fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        bench.poll()
    bench.dispatch_fails = None
    bench.start()

    assert bench.endings() == [(number, "reviewed") for number in numbers]


def test_late_and_closed() -> None:
    """They are asked for by number, where no search would find them after a restart."""
    bench = Bench(max_triggers_per_poll=1)
    bench.poll()
    numbers = [bench.fake.add_change() for _ in range(2)]
    bench.fake.at(WEDNESDAY)
    bench.poll()
    bench.poll()
    bench.fake.advance(minutes=15)
    bench.poll()
    for number in numbers:
        bench.fake.set_status(number, "MERGED", at="2026-03-04 09:10:00")
    bench.fake.advance(minutes=1)
    assert bench.endings() == [(numbers[0], "merged")]
    bench.fake.advance(hours=5)
    bench.start()

    assert bench.endings() == [(numbers[1], "merged")]


def test_ending_of_a_change_that_is_open_still() -> None:
    """The daily look does not take a change in progress for new and end its wait again."""
    bench = Bench(reconciles=True)
    bench.poll()
    number, other = bench.fake.add_change(), bench.fake.add_change()
    bench.fake.at("2026-03-04 09:05:00")
    bench.poll()
    bench.fake.at("2026-03-04 10:00:00")
    bench.fake.set_wip(number, True)
    for _ in range(30):
        bench.fake.touch(other)
        bench.poll()
        bench.fake.advance(hours=1)
    # A touch that no delta shows: dated far back.
    bench.fake.touch(number, at="2026-03-04 10:00:00")
    for _ in range(24):
        bench.fake.advance(hours=1)
        bench.poll()

    assert Counter(events(bench))[(number, "wip")] == 1


def test_found_by_the_daily_look_only_once() -> None:
    """A milestone that was told is not told again because the look finds the change moved."""
    bench = Bench(reconciles=True)
    bench.poll()
    number, other = bench.fake.add_change(at="2026-02-28 00:30:00"), bench.fake.add_change()
    for _ in range(40):
        bench.fake.touch(other)
        bench.poll()
        bench.fake.advance(hours=1)
    bench.fake.touch(number, at=MONDAY)
    for _ in range(24):
        bench.poll()
        bench.fake.advance(hours=1)

    assert max(Counter(payload["event_id"] for _, payload in bench.told).values()) == 1


# The index.


def test_reach_of_a_delta(bench: Bench) -> None:
    """It reaches twenty minutes back before the newest update seen, and once an hour two hours."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.advance(minutes=5)
    bench.fake.touch(number)
    bench.poll()
    reached = []
    for _ in range(14):
        bench.fake.advance(minutes=5)
        bench.fake.touch(number)
        bench.poll()
        asked_for = bench.fake.seen[-2].split('"')[1].replace(" ", "T") + "Z"
        reached.append(bench.fake.now - timedelta(minutes=5) - from_iso(asked_for))

    assert Counter(reached) == {timedelta(minutes=20): 13, timedelta(hours=2): 1}


def test_start_while_the_index_is_late(bench: Bench) -> None:
    """The first delta of a process goes on from the newest update that its start found, and not
    from its clock: what the index comes to know hours later is watched.
    """
    bench.fake.add_change(at="2026-03-02 09:30:00")
    bench.fake.at("2026-03-02 13:00:00")
    bench.start()
    bench.poll()
    number = bench.fake.add_change(at="2026-03-02 10:00:00")
    bench.fake.advance(minutes=5)
    bench.poll()
    bench.fake.at("2026-03-03 10:00:00")
    bench.poll()

    assert (number, "1d") in events(bench)


def test_index_that_lags() -> None:
    """After an update was found an hour late, deltas reach twice as far back; after some days of
    nothing like it, as before.
    """
    bench = Bench(reconciles=True)
    bench.poll()
    late, other = bench.fake.add_change(), bench.fake.add_change()

    def reach() -> timedelta:
        """How far a delta reaches back from an update that was just seen."""
        for _ in range(3):
            bench.fake.advance(minutes=5)
            bench.fake.touch(other)
            bench.poll()
        bench.fake.advance(minutes=5)
        bench.poll()
        after = bench.fake.seen[-1].split('"')[1]
        return bench.fake.now - timedelta(minutes=5) - from_iso(after.replace(" ", "T") + "Z")

    bench.fake.at("2026-03-02 10:30:00")
    assert reach() == timedelta(minutes=20)
    bench.fake.touch(late, at="2026-03-02 10:20:00")
    bench.fake.at("2026-03-02 11:40:00")
    bench.fake.touch(other)
    for _ in range(3):
        bench.poll()
        bench.fake.advance(minutes=5)
    assert reach() > timedelta(minutes=40)
    for _ in range(4 * 24):
        bench.fake.advance(hours=1)
        bench.poll()

    assert reach() == timedelta(minutes=20)


# Clocks.


def test_one_date_a_year_ahead(bench: Bench) -> None:
    """One answer with a wrong `Date` is reported and dispatches nothing that is still to come."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.advance(hours=1)
    bench.fake.date_ahead = timedelta(days=365)
    bench.poll()
    assert stored(bench).through < bench.fake.now + timedelta(minutes=1)
    bench.fake.date_ahead = timedelta(0)
    bench.poll()
    bench.start()
    bench.fake.at(TUESDAY)
    bench.poll()

    assert troubles(bench) == [("down", "clock"), ("recovered", "clock")]
    assert events(bench) == [(number, "1d")]


def test_first_start_with_a_date_a_year_ahead() -> None:
    """The same goes for the very first answer."""
    bench = Bench()
    bench.fake.date_ahead = timedelta(days=365)
    bench.poll()
    bench.fake.date_ahead = timedelta(0)
    number = bench.fake.add_change()
    bench.fake.at(TUESDAY)
    bench.poll()

    assert events(bench) == [(number, "1d")]


def test_stored_cursor_a_year_ahead(bench: Bench) -> None:
    """A cursor that an earlier release let run ahead is set to now, and that is reported."""
    number = bench.fake.add_change()
    bench.poll()
    ahead = Cursor(bench.fake.now + timedelta(days=365))
    bench.shelf.store.put(CURSOR, ahead.to_json())
    bench.start()
    bench.poll()
    bench.poll()
    bench.fake.at(TUESDAY)
    bench.poll()

    assert troubles(bench) == [("down", "clock"), ("recovered", "clock")]
    assert events(bench) == [(number, "1d")]


def test_change_dated_ahead(bench: Bench) -> None:
    """One change with a time of update that is still to come hides no other, and is reported."""
    bench.fake.add_change(at="2026-06-02 10:00:00")
    bench.poll()
    number = bench.fake.add_change()
    bench.fake.advance(minutes=30)
    bench.poll()
    bench.fake.at(TUESDAY)
    bench.poll()

    assert troubles(bench) == [("down", "clock")]
    assert events(bench) == [(number, "1d")]


def test_node_ten_minutes_ahead(bench: Bench) -> None:
    """Small differences are nothing to report, and hide nothing either."""
    number = bench.fake.add_change()
    bench.fake.at(TUESDAY)
    bench.fake.add_change(at="2026-03-03 09:10:00")
    bench.poll()
    bench.fake.advance(minutes=1)
    bench.fake.review(number, text="Why?")
    bench.fake.advance(minutes=1)

    assert bench.endings() == [(number, "reviewed")]
    assert troubles(bench) == []


def test_server_without_date(bench: Bench) -> None:
    """Without a `Date` this machine's clock is taken, and that is reported."""
    bench.fake.sends_date = False
    bench.start()
    number = bench.fake.add_change()
    for _ in range(30):
        bench.fake.advance(hours=1)
        bench.poll()

    assert troubles(bench) == [("down", "clock")]
    assert events(bench) == [(number, "1d")]


def test_date_that_vanishes(bench: Bench) -> None:
    """A proxy that takes the `Date` away does not stop the time."""
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.sends_date = False
    for _ in range(30):
        bench.fake.advance(hours=1)
        bench.poll()

    assert troubles(bench) == [("down", "clock")]
    assert events(bench) == [(number, "1d")]


def test_this_machines_clock_ahead(bench: Bench) -> None:
    """Where the two differ the earlier one counts, so nothing comes before its time."""
    bench.fake.add_change()
    bench.local_time = bench.fake.now + timedelta(days=30)
    bench.fake.advance(hours=1)
    bench.poll()

    assert troubles(bench) == [("down", "clock")]
    assert events(bench) == []
    assert iso(stored(bench).through) == iso(bench.fake.now)


# Two changes of one number.


def test_one_number_on_two_projects(bench: Bench) -> None:
    """Imported changes can bear a number that is taken; each is watched, under ids of its own."""
    here = bench.fake.add_change()
    there = bench.fake.add_change("old/tools", number=here, imported=True)
    bench.fake.at(TUESDAY)
    told = [(payload["project"], payload["event_id"]) for _, payload in bench.poll()]

    assert told == [
        ("old/tools", f"gerrit.example.org:old%2Ftools~{here}:reviewers:1772442000:1d"),
        ("tools/build", f"gerrit.example.org:tools%2Fbuild~{here}:reviewers:1772442000:1d"),
    ]
    bench.fake.advance(hours=1)
    bench.fake.review(there, text="Why?")
    ((_, ending),) = bench.poll()
    assert (ending["project"], ending["how"]) == ("old/tools", "reviewed")
    assert ending["event_id"] == told[0][1]


def test_one_of_two_is_deleted(bench: Bench) -> None:
    """The other one is watched all the same."""
    here = bench.fake.add_change()
    there = bench.fake.add_change("old/tools", number=here, imported=True)
    bench.poll()
    del bench.fake.changes[there]
    bench.fake.at(TUESDAY)

    assert [payload["event_id"] for _, payload in bench.poll()] == [
        f"gerrit.example.org:{here}:reviewers:1772442000:1d"
    ]


# Stored by earlier releases.


def test_cursor_of_an_earlier_release(bench: Bench) -> None:
    """It says up to which id, as texts, the events of its second were told: none is lost or told
    again.
    """
    numbers = [bench.fake.add_change() for _ in range(12)]
    bench.fake.at(TUESDAY)
    ids = [f"gerrit.example.org:{number}:reviewers:1772442000:1d" for number in numbers]
    told = sorted(ids)[:5]
    value = {"version": 1, "through": "2026-03-03T09:00:00Z", "after_id": told[-1]}
    bench.shelf.store.put(CURSOR, json.dumps(value))
    bench.start()
    rest = [payload["event_id"] for _, payload in bench.poll()]

    assert rest == [one for one in ids if one not in told]
    assert stored(bench).after_id is None
