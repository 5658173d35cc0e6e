"""A row of shifts with the working time before each, so that a span costs two look-ups, however
long it is.

The row holds one run of days, without a gap, and grows at either end when it is asked about more:
each day is looked at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Callable, List, Optional, Tuple

#: Epoch seconds at which a shift opens and closes.
Shift = Tuple[int, int]
# Days added at a time at the front, where each addition moves all that is there.
_BATCH = 16


class Shifts:
    """The shifts of a run of days, in order and apart. All instants are epoch seconds.

    :param shift: that of a day, by its ordinal (``date.toordinal``); None for a day off.
    :param day_of: the ordinal of the day in which an instant lies.
    :param least, most: the first and the last day that there is.
    """

    def __init__(
        self,
        shift: Callable[[int], Optional[Shift]],
        day_of: Callable[[int], int],
        least: int,
        most: int,
    ) -> None:
        self._shift = shift
        self._day_of = day_of
        self._least, self._most = least, most
        # The days looked at: from ``_first`` to before ``_end``.
        self._first = self._end = 0
        self._opens: List[int] = []
        # Working seconds up to the opening of each shift, from some instant on; and to the end.
        self._before: List[int] = []
        self._total = 0

    def elapsed(self, lo: int, hi: int) -> int:
        """Working seconds from ``lo`` to ``hi``, which is not before."""
        self._cover(lo, hi)
        return self._up_to(hi) - self._up_to(lo)

    def after(self, lo: int, seconds: int, until: int) -> Optional[int]:
        """The first instant at which ``seconds`` (1 or more) have elapsed since ``lo``; None beyond
        ``until``. Looks at no day after it.
        """
        self._cover(lo, lo)
        wanted = self._up_to(lo) + seconds
        if self._total < wanted:
            last = min(self._day_of(until) + 1, self._most)
            while self._total < wanted and self._end <= last:
                self._append()
            if self._total < wanted:
                return None
        place = bisect_left(self._before, wanted) - 1
        found = self._opens[place] + wanted - self._before[place]
        return found if found <= until else None

    def back(self, hi: int, seconds: int, since: int) -> Optional[int]:
        """The last instant from which ``seconds`` elapse up to ``hi``; None before ``since``."""
        self._cover(hi, hi)
        wanted = self._up_to(hi) - seconds
        first = max(self._day_of(since) - 1, self._least)
        while self._first > first and (not self._before or self._before[0] > wanted):
            self._prepend(max(first, self._first - _BATCH))
        place = bisect_right(self._before, wanted) - 1
        if place < 0:
            return None
        found = self._opens[place] + wanted - self._before[place]
        return found if found >= since else None

    def _up_to(self, instant: int) -> int:
        """Working seconds up to an instant that is covered; only differences mean anything."""
        place = bisect_right(self._opens, instant) - 1
        if place < 0:
            return self._before[0] if self._before else self._total
        closes = self._before[place + 1] if place + 1 < len(self._before) else self._total
        return min(self._before[place] + instant - self._opens[place], closes)

    def _cover(self, lo: int, hi: int) -> None:
        """Look at the days of a span, at one more at each end (a shift may pass midnight), and at
        those between them and the run.
        """
        if self._opens and self._opens[0] <= lo and hi < self._opens[-1]:
            return
        self._run(self._day_of(lo) - 1, self._day_of(hi) + 1)

    def _run(self, first: int, last: int) -> None:
        first, last = max(first, self._least), min(last, self._most)
        if self._first == self._end:
            self._first = self._end = first
        while self._end <= last:
            self._append()
        if first < self._first:
            self._prepend(first)

    def _append(self) -> None:
        shift = self._shift(self._end)
        if shift is not None and shift[1] > shift[0]:
            self._opens.append(shift[0])
            self._before.append(self._total)
            self._total += shift[1] - shift[0]
        self._end += 1

    def _prepend(self, first: int) -> None:
        earlier = Shifts(self._shift, self._day_of, self._least, self._most)
        earlier._run(first, self._first - 1)
        # Counted back from the first shift there is, so that what is known stays as it is.
        base = (self._before[0] if self._before else self._total) - earlier._total
        self._opens = earlier._opens + self._opens
        self._before = [base + one for one in earlier._before] + self._before
        self._first = first
