"""How far a look at what moved reaches back, and what it does with each row."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench import Bench
from reviewloop.core.timestamps import from_iso
from test_sensor_memory import Parts, key


def reach(parts: Parts, other: int) -> int:
    """By how many minutes a look reaches back from an update that was just seen."""
    parts.fake.touch(other)
    touched = parts.fake.now
    parts.look()
    parts.look()
    after = parts.fake.seen[-1].split('"')[1]
    return (touched - from_iso(after.replace(" ", "T") + "Z")) // timedelta(minutes=1)


@pytest.mark.parametrize(
    ("late_by", "eased", "minutes"),
    [(0, 0, 20), (9, 0, 20), (12, 0, 24), (31, 0, 62), (31, 1, 31), (31, 2, 20), (80, 0, 120)],
)
def test_twice_the_lag(late_by: int, eased: int, minutes: int) -> None:
    """Twice as far as an update showed late, twenty minutes at least and two hours at most; half of
    that when a day has passed.
    """
    parts = Parts()
    late, other = parts.fake.add_change(), parts.fake.add_change()
    parts.fake.advance(minutes=100)
    parts.look()
    parts.fake.touch(other)
    parts.look()
    if late_by:
        # Dated before the last look asked, and shown by this one, which reaches far back.
        asked = parts.delta.asked
        parts.fake.advance(minutes=55)
        parts.fake.touch(late, at=asked - timedelta(minutes=late_by))
        assert parts.look() == {late}
    for _ in range(eased):
        parts.delta.ease()

    assert reach(parts, other) == minutes


@pytest.mark.parametrize(("seconds", "minutes"), [(3599, 20), (3600, 120), (3601, 120)])
def test_once_an_hour(seconds: int, minutes: int) -> None:
    """A look reaches two hours back when the last that did was an hour ago, to the second."""
    parts = Parts()
    begun = parts.fake.now
    other = parts.fake.add_change()
    for _ in range(2):
        parts.fake.at(begun + timedelta(seconds=seconds) - timedelta(minutes=10))
        parts.fake.touch(other)
        parts.look()
        parts.fake.at(begun + timedelta(seconds=seconds) - timedelta(minutes=5))
        parts.look()
        after = from_iso(parts.fake.seen[-1].split('"')[1].replace(" ", "T") + "Z")
        touched = begun + timedelta(seconds=seconds) - timedelta(minutes=10)
        assert touched - after == timedelta(minutes=minutes)
        begun += timedelta(seconds=seconds)
        if minutes == 20:
            break


# Rows


def test_a_row_that_makes_no_sense_comes_first() -> None:
    """It is set aside, and the rows after it are read."""
    parts = Parts()
    sound = parts.fake.add_change()
    parts.fake.advance(minutes=1)
    broken = parts.fake.add_change()
    parts.fake.changes[broken].commits.append(7)  # type: ignore[arg-type]

    assert parts.look() == {sound}
    assert key(broken) in parts.aside


def test_a_change_that_cannot_be_read_is_not_read_each_time() -> None:
    """Its row is known, so it counts as moved again only when it moves."""
    parts = Parts()
    broken, sound = parts.fake.add_change(), parts.fake.add_change()
    parts.fake.changes[broken].messages[0]["date"] = "yesterday"
    assert parts.look() == {sound}
    assert (key(broken) in parts.known, key(sound) in parts.known) == (True, True)
    # A retry is due after four minutes.
    before = len(parts.fake.requests)
    parts.fake.advance(minutes=-4)
    parts.look()

    assert len(parts.fake.requests) == before + 1


def test_closed_changes_are_known_while_a_look_may_list_them() -> None:
    """For two hours before the newest update; then they are forgotten."""
    parts = Parts()
    closed, other = parts.fake.add_change(), parts.fake.add_change()
    parts.fake.set_status(closed, "MERGED")
    for _ in range(3):
        parts.look()
        assert key(closed) in parts.known
    parts.fake.advance(hours=2)
    parts.fake.touch(other)
    parts.look()

    assert list(parts.known) == [key(other)]


def test_only_what_the_query_finds() -> None:
    """Each search is narrowed to what is configured."""
    parts = Parts(query="project:tools/build")
    inside = parts.fake.add_change()
    parts.fake.add_change("tools/docs")

    assert parts.look() == {inside}
    assert parts.look_over() == set()


def test_a_change_dated_ahead_is_named() -> None:
    """By its number, in the log."""
    bench = Bench()
    bench.poll()
    number = bench.fake.add_change(at="2026-03-02 15:00:00")
    bench.poll()

    assert f"Change {number} was updated at 2026-03-02T15:00:00Z" in bench.log[-1].getMessage()
