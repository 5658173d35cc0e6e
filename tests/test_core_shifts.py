"""A row of shifts, against a clock that counts every second of small days."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import Callable, List, Optional

import pytest

from reviewloop.core.shifts import Shift, Shifts

#: Seconds of a day here, and the first and the last day that there is.
LENGTH, LEAST, MOST = 10, 3, 60
SHIFTS: List[Callable[[int], Optional[Shift]]] = [
    # Whole days; with days off; past midnight; none; of no length; now and then.
    lambda day: (day * LENGTH, day * LENGTH + LENGTH),
    lambda day: (day * LENGTH + 2, day * LENGTH + 5) if day % 7 < 5 else None,
    lambda day: (day * LENGTH + 8, day * LENGTH + 13) if day % 3 else None,
    lambda _day: None,
    lambda day: (day * LENGTH + 4, day * LENGTH + 4 + day % 2),
    lambda day: (day * LENGTH + 1, day * LENGTH + 9) if day in (20, 21, 40) else None,
]


class Clock:
    """What `Shifts` answers, counted second by second; and which days it looked at."""

    def __init__(self, shift: Callable[[int], Optional[Shift]]) -> None:
        self.looked: List[int] = []
        self._shift = shift
        self.shifts = Shifts(self._seen, lambda epoch: epoch // LENGTH, LEAST, MOST)
        found = (shift(day) for day in range(LEAST, MOST + 1))
        works = {second for one in found if one for second in range(*one)}
        self._up_to = [0, *accumulate(second in works for second in range(MOST * LENGTH + 200))]

    def _seen(self, day: int) -> Optional[Shift]:
        self.looked.append(day)
        return self._shift(day)

    def elapsed(self, lo: int, hi: int) -> int:
        """Working seconds from ``lo`` to ``hi``."""
        return self._up_to[hi] - self._up_to[lo]

    def after(self, lo: int, seconds: int, until: int) -> Optional[int]:
        """When they have elapsed."""
        return next((at for at in range(lo, until + 1) if self.elapsed(lo, at) == seconds), None)

    def back(self, hi: int, seconds: int, since: int) -> Optional[int]:
        """From when on they elapse."""
        ways = range(hi, since - 1, -1)
        return next((at for at in ways if self.elapsed(at, hi) == seconds), None)


@pytest.mark.parametrize("shift", SHIFTS)
def test_whatever_is_asked_in_whatever_order(shift: Callable[[int], Optional[Shift]]) -> None:
    """Every answer is that of the clock, and no day is looked at twice."""
    for seed in range(6):
        random, clock = Random(seed), Clock(shift)
        for _ in range(10):
            lo = random.randrange(LEAST * LENGTH, MOST * LENGTH)
            hi = lo + random.randrange(0, 120)
            seconds = random.randrange(1, 25)
            assert clock.shifts.elapsed(lo, hi) == clock.elapsed(lo, hi)
            assert clock.shifts.after(lo, seconds, hi) == clock.after(lo, seconds, hi)
            assert clock.shifts.back(hi, seconds, lo) == clock.back(hi, seconds, lo)
        assert len(clock.looked) == len(set(clock.looked))
        assert set(clock.looked) <= set(range(LEAST, MOST + 1))


@pytest.mark.parametrize("order", [(30, 10, 50), (50, 10, 30), (10, 50, 30), (30, 50, 10)])
def test_days_between_two_questions(order: List[int]) -> None:
    """They are looked at too, so that the row has no gap."""
    for shift in SHIFTS:
        clock = Clock(shift)
        for day in order:
            at = day * LENGTH
            assert clock.shifts.elapsed(at, at + 25) == clock.elapsed(at, at + 25)
            # One more at each end: a shift may pass midnight.
            assert {day - 1, day, day + 3} <= set(clock.looked)
        assert sorted(clock.looked) == list(range(min(clock.looked), max(clock.looked) + 1))


def test_no_day_after_the_answer() -> None:
    """A search looks no further than it must: forwards day by day, backwards sixteen at a time."""
    clock = Clock(SHIFTS[0])
    assert clock.shifts.after(300, 25, 500) == 325
    assert max(clock.looked) == 32

    clock = Clock(SHIFTS[0])
    assert clock.shifts.after(300, 30, 500) == 330
    assert max(clock.looked) == 32

    clock = Clock(SHIFTS[0])
    assert clock.shifts.back(400, 25, 30) == 375
    assert min(clock.looked) == 39 - 16

    clock = Clock(SHIFTS[0])
    assert clock.shifts.back(400, 10, 30) == 390
    assert min(clock.looked) == 39


def test_bounds_of_a_search() -> None:
    """They may be the answer."""
    for until, found in ((324, None), (325, 325), (326, 325)):
        assert Clock(SHIFTS[0]).shifts.after(300, 25, until) == found
    for since, found in ((376, None), (375, 375), (374, 375)):
        assert Clock(SHIFTS[0]).shifts.back(400, 25, since) == found


def test_search_that_gives_up() -> None:
    """It looks at one day beyond its bound, since a shift may begin the day before, and no more."""
    clock = Clock(SHIFTS[3])
    assert clock.shifts.after(300, 1, 349) is None
    assert sorted(clock.looked) == [29, 30, 31, 32, 33, 34, 35]

    clock = Clock(SHIFTS[3])
    assert clock.shifts.back(300, 1, 250) is None
    assert sorted(clock.looked) == list(range(24, 32))


def test_first_and_last_day() -> None:
    """There is nothing before and after, and no search goes there."""
    clock = Clock(SHIFTS[0])
    end = (MOST + 1) * LENGTH

    assert clock.shifts.elapsed(0, 10_000) == (MOST + 1 - LEAST) * LENGTH
    assert clock.shifts.after(end - 5, 5, 10_000) == end
    assert clock.shifts.after(end - 5, 6, 10_000) is None
    assert clock.shifts.back(LEAST * LENGTH + 5, 5, 0) == LEAST * LENGTH
    assert clock.shifts.back(LEAST * LENGTH + 5, 6, 0) is None
