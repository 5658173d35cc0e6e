"""How many triggers go out, and what is said of those that wait."""

from __future__ import annotations

import logging
from functools import partial
from typing import List

import pytest

from bench import Bench
from histories import at
from reviewloop.sensor.pace import Pace
from reviewloop.settings.load import load


class Kept(logging.Handler):
    """What is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.told: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.told.append(record.getMessage())


def numbers(bench: Bench, polls: int, minutes: int) -> List[int]:
    """How many triggers each of so many polls sends, so many minutes apart."""
    found = []
    for _ in range(polls):
        found.append(len(bench.poll()))
        bench.fake.advance(minutes=minutes)
    return found


def due(count: int, **config: object) -> Bench:
    """A bench on which so many milestones are reached at once."""
    bench = Bench(**config)
    for _ in range(count):
        bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 10:00:00")
    return bench


def said(bench: Bench) -> List[str]:
    """What the log says of the pace."""
    told = [record.getMessage() for record in bench.log]
    return [line for line in told if "an hour go out" in line or "have been dispatched" in line]


def test_an_hour_has_a_bound_of_its_own() -> None:
    """A full poll at first, then as many as the hour allows; none is lost, and the oldest goes
    first.
    """
    bench = due(60, max_triggers_per_poll=20, max_triggers_per_hour=60)

    assert numbers(bench, 10, 5) == [20] + [5] * 8 + [0]
    assert [payload["number"] for _, payload in bench.told] == list(range(1, 61))


def test_a_slow_pace() -> None:
    """Less than one a poll is one every few polls."""
    bench = due(4, max_triggers_per_poll=1, max_triggers_per_hour=6)

    assert numbers(bench, 8, 5) == [1, 0, 1, 0, 1, 0, 1, 0]


def test_the_slowest_pace() -> None:
    """One an hour is a bound, too."""
    bench = due(4, max_triggers_per_poll=2, max_triggers_per_hour=1)

    assert numbers(bench, 5, 30) == [2, 0, 1, 0, 1]


def test_overdue_waits_share_it() -> None:
    """What is offered again takes no more than what the pace leaves."""
    bench = due(30, max_triggers_per_poll=20, max_triggers_per_hour=60, coverage_reach="60d")
    bench.fake.advance(hours=2)

    assert sum(numbers(bench, 12, 5)) <= 20 + 60


def test_without_a_bound() -> None:
    """Each poll has all its room, however soon it follows."""
    bench = due(50, max_triggers_per_poll=20)

    assert numbers(bench, 3, 0) == [20, 20, 10]


def test_what_the_log_says() -> None:
    """When a backlog begins, once an hour while it lasts, and when it is over."""
    bench = due(50, max_triggers_per_poll=20, max_triggers_per_hour=20)
    numbers(bench, 24, 5)

    told = said(bench)
    assert told[0] == (
        "30 changes have triggers that are due; 20 an hour go out, the oldest first:"
        " the last in about 1.5 hours."
    )
    assert len(told) == 3
    assert told[-1] == "All triggers that were due have been dispatched."


def test_when_it_is_said() -> None:
    """At once, then an hour after the last time, and again at once when there is a new backlog; the
    end of none is not said. What waits is counted only where it is said.
    """
    counted: List[int] = []

    def count(left: int) -> int:
        counted.append(left)
        return left

    log, lines = logging.Logger("pace"), Kept()
    log.addHandler(lines)
    pace = Pace(20, 40, log)
    waits = [("9:00", None), ("9:05", 30), ("10:04", 29), ("10:05", 28), ("10:10", None)]
    for clock, left in [*waits, ("10:15", None), ("10:20", 3), ("10:25", None)]:
        pace.say(at(f"tue {clock}"), None if left is None else partial(count, left))

    assert counted == [30, 28, 3]
    told = [
        f"{left} changes have triggers that are due; 40 an hour go out, the oldest first:"
        f" the last in about {hours} hours."
        for left, hours in ((30, 0.8), (28, 0.7), (3, 0.1))
    ]
    over = "All triggers that were due have been dispatched."
    assert lines.told == [told[0], told[1], over, told[2], over]


def test_room_without_a_bound() -> None:
    """All of a poll's from the beginning, whatever went out before."""
    pace = Pace(10, 60, logging.Logger("pace"))
    assert pace.room == 10
    pace.begin(at("tue 9:00"))
    pace.took(10)
    assert pace.room == 0
    pace.begin(at("tue 9:01"))
    assert pace.room == 10


def test_what_the_log_says_of_a_few() -> None:
    """Once while they wait, and once when none does any more; nothing where none did."""
    bench = due(3, max_triggers_per_poll=1)
    assert numbers(bench, 4, 1) == [1, 1, 1, 0]

    first, last = said(bench)
    assert first.startswith("2 changes have triggers that are due; 12 an hour go out")
    assert last == "All triggers that were due have been dispatched."


def test_a_clock_that_goes_back() -> None:
    """Nothing grows, and nothing shrinks."""
    pace = Pace(10, 60, logging.Logger("pace"), is_bound=True)
    pace.begin(at("tue 9:00"))
    pace.took(10)
    pace.begin(at("mon 9:00"))
    assert pace.room == 0
    pace.begin(at("mon 9:05"))
    assert pace.room == 5


@pytest.mark.parametrize(
    ("config", "pace"),
    [
        ({}, 600),
        ({"poll_interval": 86_400, "max_triggers_per_poll": 1}, 1),
        ({"max_triggers_per_hour": 100}, 100),
        ({"max_triggers_per_hour": 1_000}, 600),
    ],
)
def test_the_pace_of_a_configuration(config: dict, pace: int) -> None:
    """The lower of the two bounds."""
    assert load({"url": "https://gerrit.example.org", **config}).triggers_per_hour == pace
