"""One change, one guard: what one holds or does keeps the sensor from no other."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import Bench

TUESDAY = "2026-03-03 09:00:00"
WEDNESDAY = "2026-03-04 09:00:00"


@pytest.fixture
def bench() -> Bench:
    """A server without changes, already polled once: it is Monday, 9 o'clock."""
    bench = Bench()
    assert bench.poll() == []
    return bench


def troubles(bench: Bench) -> List[Dict[str, Any]]:
    """Every trouble told so far."""
    return [payload for trigger, payload in bench.told if trigger == "gerrit.poll_trouble"]


def spoil(bench: Bench, number: int) -> None:
    """Let a change's history make no sense, as one more commit on it shows."""
    bench.fake.changes[number].messages[0]["date"] = "yesterday"
    bench.fake.touch(number)


def mend(bench: Bench, number: int) -> None:
    """Undo that, without a trace in the index."""
    bench.fake.changes[number].messages[0]["date"] = "2026-03-02 09:00:00.000000000"


def test_history_that_makes_no_sense(bench: Bench) -> None:
    """It is set aside and named; the others are dispatched; mended, it catches up by itself."""
    broken, sound = bench.fake.add_change(), bench.fake.add_change()
    bench.poll()
    spoil(bench, broken)
    bench.fake.at(TUESDAY)
    assert bench.waiting() == [(sound, "1d")]
    (down,) = troubles(bench)
    assert (down["state"], down["kind"]) == ("down", "partial")
    assert f": {broken}." in down["remedy"]

    mend(bench, broken)
    bench.fake.advance(minutes=5)
    assert bench.waiting() == [(broken, "1d")]
    assert [one["state"] for one in troubles(bench)] == ["down", "recovered"]


def test_set_aside_across_a_restart(bench: Bench) -> None:
    """A new process knows from when on the events of a change are still to be dispatched."""
    broken, other = bench.fake.add_change(), bench.fake.add_change()
    bench.fake.at(TUESDAY)
    assert bench.waiting() == [(broken, "1d"), (other, "1d")]
    bench.fake.advance(minutes=1)
    bench.fake.review(broken, text="Why?")
    spoil(bench, broken)
    bench.fake.advance(hours=1)
    assert bench.endings() == []
    bench.fake.at(WEDNESDAY)
    assert bench.waiting() == [(other, "2d")]
    bench.start()
    bench.poll()
    mend(bench, broken)
    bench.fake.advance(hours=2)

    assert bench.endings() == [(broken, "reviewed")]


def test_set_aside_and_closed_across_a_restart(bench: Bench) -> None:
    """It is asked for by its number even where no search of a fresh start would find it."""
    broken = bench.fake.add_change()
    bench.fake.at(TUESDAY)
    assert bench.waiting() == [(broken, "1d")]
    bench.fake.advance(minutes=1)
    bench.fake.set_status(broken, "MERGED")
    spoil(bench, broken)
    bench.fake.advance(hours=1)
    bench.poll()
    bench.fake.at(WEDNESDAY)
    bench.poll()
    mend(bench, broken)
    bench.start()

    assert bench.endings() == [(broken, "merged")]


@pytest.mark.parametrize("spoils", [False, True])
def test_set_aside_by_its_number_alone(bench: Bench, spoils: bool) -> None:
    """Where a start asks for it by its number and the server fails, no project is known. Once it
    can be read it is set aside no more, also if it made no sense in between: its ending is told
    once, however often processes begin.
    """
    broken = bench.fake.add_change()
    bench.fake.at(TUESDAY)
    assert bench.waiting() == [(broken, "1d")]
    bench.fake.advance(minutes=1)
    bench.fake.set_status(broken, "MERGED")
    bench.fake.poisoned.add(broken)
    bench.fake.advance(hours=1)
    bench.poll()
    bench.fake.at(WEDNESDAY)
    bench.poll()
    bench.start()
    assert bench.endings() == []
    bench.fake.poisoned.clear()
    if spoils:
        spoil(bench, broken)
        bench.fake.advance(hours=2)
        assert bench.endings() == []
        mend(bench, broken)
    bench.fake.advance(hours=2)

    assert bench.endings() == [(broken, "merged")]
    assert [one["state"] for one in troubles(bench)] == ["down", "recovered"]
    bench.start()
    assert bench.poll() == []
    assert bench.requests() == 1


def test_retries_cost_little(bench: Bench) -> None:
    """A change that stays broken is tried again less and less often."""
    broken = bench.fake.add_change()
    spoil(bench, broken)
    costs = []
    for _ in range(24):
        bench.fake.advance(minutes=5)
        costs.append(bench.requests())

    assert costs[:9] == [2, 2, 1, 2, 1, 1, 1, 2, 1]
    assert sum(costs) == 24 + 5


def test_row_that_makes_no_sense(bench: Bench) -> None:
    """A row of the search is a change like any other: the one it is about is read by its number."""
    broken, sound = bench.fake.add_change(), bench.fake.add_change()
    bench.poll()
    bench.fake.changes[broken].subject = 7  # type: ignore[assignment]
    bench.fake.changes[broken].commits.append(7)  # type: ignore[arg-type]
    bench.fake.at(TUESDAY)

    assert bench.waiting() == [(sound, "1d")]
    assert [one["kind"] for one in troubles(bench)] == ["partial"]


def test_row_without_a_number(bench: Bench) -> None:
    """Not even that stops the poll."""
    nameless, sound = bench.fake.add_change(), bench.fake.add_change()
    bench.fake.changes[nameless].number = -1
    bench.fake.at(TUESDAY)

    assert bench.waiting() == [(sound, "1d")]
    assert [one["kind"] for one in troubles(bench)] == ["partial"]


def test_unknown_status(bench: Bench) -> None:
    """A status of the server's own is nobody's turn, and is reported; the rest goes on."""
    odd, sound = bench.fake.add_change(), bench.fake.add_change()
    bench.poll()
    bench.fake.changes[odd].status = "FROZEN"
    bench.fake.touch(odd)
    bench.fake.at(TUESDAY)

    assert bench.waiting() == [(sound, "1d")]
    (down,) = troubles(bench)
    assert (down["kind"], str(odd) in down["remedy"]) == ("partial", True)


def test_status_that_is_known(bench: Bench) -> None:
    """A status that a plugin is known for is nothing to report."""
    odd, sound = bench.fake.add_change(), bench.fake.add_change()
    bench.poll()
    bench.fake.changes[odd].status = "STAGED"
    bench.fake.touch(odd)
    bench.fake.at(TUESDAY)

    assert bench.waiting() == [(sound, "1d")]
    assert troubles(bench) == []


def test_answer_that_is_too_long(bench: Bench) -> None:
    """The batch is halved until only the change that is too long is left out."""
    numbers = [bench.fake.add_change() for _ in range(50)]
    bench.fake.too_long = {numbers[16]}
    bench.fake.at(TUESDAY)

    assert [number for number, _ in bench.waiting()] == numbers[:16] + numbers[17:]
    assert str(numbers[16]) in troubles(bench)[0]["remedy"]
    # The batches on the way to one change of 50, and those beside it.
    assert len([one for one in bench.fake.seen if "change:" in one]) <= 15


def test_first_look_that_is_too_long() -> None:
    """At a start, when whole pages are read, the same is done."""
    bench = Bench(catch_up="5d")
    numbers = [bench.fake.add_change() for _ in range(60)]
    bench.fake.too_long = {numbers[3], numbers[4]}
    bench.fake.at(TUESDAY)

    assert [number for number, _ in bench.waiting()][:5] == [1, 2, 3, 6, 7]
    assert len(troubles(bench)) == 1


def test_server_that_breaks_on_one_change(bench: Bench) -> None:
    """A 500 for a batch with one change in it is that change's, if all others can be read."""
    numbers = [bench.fake.add_change() for _ in range(9)]
    bench.fake.poisoned = {numbers[4]}
    bench.fake.at(TUESDAY)

    assert [number for number, _ in bench.waiting()] == numbers[:4] + numbers[5:]
    assert str(numbers[4]) in troubles(bench)[0]["remedy"]


def test_server_that_breaks_on_all(bench: Bench) -> None:
    """A server that answers 500 to everything is in trouble itself."""
    numbers = [bench.fake.add_change() for _ in range(40)]
    bench.fake.poisoned = set(numbers)
    before = len(bench.fake.requests)
    bench.poll()

    assert [one["kind"] for one in troubles(bench)] == ["unreachable"]
    assert len(bench.fake.requests) - before < 100
    bench.fake.poisoned = set()
    bench.fake.at(TUESDAY)
    assert len(bench.waiting()) == 40


def test_comments_of_one_change(bench: Bench) -> None:
    """A server that fails to answer the comments of one change costs that change alone."""
    broken, sound = bench.fake.add_change(), bench.fake.add_change()
    for number in (broken, sound):
        bench.fake.review(number, comment="/snooze 1h please")
    bench.fake.fail(500, times=10**6, match=f"~{broken}/comments")
    bench.fake.at("2026-03-03 10:00:00")

    assert bench.waiting() == [(sound, "1d")]
    assert str(broken) in troubles(bench)[0]["remedy"]
    bench.fake.calm()
    bench.fake.advance(minutes=5)
    assert bench.waiting() == [(broken, "1d")]


def test_comments_of_no_change(bench: Bench) -> None:
    """A server that answers no comments at all is asked three times, and not for every change."""
    plain = bench.fake.add_change()
    numbers = [bench.fake.add_change() for _ in range(9)]
    for number in numbers:
        bench.fake.review(number, comment="/snooze 1h please")
    bench.fake.fail(500, times=10**6, match="/comments")
    bench.fake.at(TUESDAY)

    assert bench.waiting() == [(plain, "1d")]
    # Each is tried three times by the client.
    assert len([one for one in bench.fake.seen if one.endswith("/comments")]) == 9


def test_password_that_is_refused_is_no_changes_fault(bench: Bench) -> None:
    """Whatever the server says of the account is about all changes."""
    number = bench.fake.add_change()
    bench.fake.review(number, comment="/snooze 1h")
    bench.fake.fail(401, "Unauthorized", match="/comments")
    bench.poll()

    assert [one["kind"] for one in troubles(bench)] == ["auth"]


def test_comments_of_many_changes(bench: Bench) -> None:
    """As long as the server answers, the comments of every change are read."""
    numbers = [bench.fake.add_change() for _ in range(6)]
    for number in numbers:
        bench.fake.review(number, comment="/snooze 1h please")
    bench.fake.at(TUESDAY)
    assert bench.waiting() == []
    bench.fake.at("2026-03-03 10:00:00")

    assert [number for number, _ in bench.waiting()] == numbers


DEEDS: Dict[str, Callable[[Bench, int], object]] = {
    "spoil": spoil,
    "mend": mend,
    "break": lambda bench, number: bench.fake.poisoned.add(number),
    "answer": lambda bench, number: bench.fake.poisoned.discard(number),
    "merge": lambda bench, number: bench.fake.set_status(number, "MERGED"),
    "restart": lambda bench, _number: bench.start(),
}


@settings(max_examples=60)
@given(st.lists(st.sampled_from(sorted(DEEDS)), min_size=3, max_size=8))
def test_nothing_stays_set_aside(steps: List[str]) -> None:
    """Whatever could not be read, and however often processes began meanwhile: once everything can
    be read nothing is reported any more, and nothing was told twice, nor is by the next process.
    """
    bench = Bench()
    bench.poll()
    bench.fake.add_change()
    bench.fake.at(TUESDAY)
    bench.poll()
    for name in [*steps, "mend", "answer"]:
        bench.fake.advance(minutes=30)
        DEEDS[name](bench, 1)
        bench.poll()
        bench.fake.advance(minutes=30)
        bench.poll()
    bench.fake.advance(hours=2)
    bench.poll()
    bench.start()
    bench.poll()
    told = [(trigger, one["event_id"]) for trigger, one in bench.told if "event_id" in one]

    assert len(told) == len(set(told))
    assert [one["state"] for one in troubles(bench)][-1:] in ([], ["recovered"])
