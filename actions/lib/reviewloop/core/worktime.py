"""Working time: how long somebody had the chance to act.

A calendar is a row of shifts, at most one for each local day. A shift belongs to the day it starts
on, even where it passes midnight; days off (holidays, freezes) remove the shifts that start on
them. Elapsed time counts real seconds inside shifts, so a whole-day shift on a day with a clock
change lasts 23 or 25 hours.

There is working time from :data:`EARLIEST` to :data:`LATEST` only. Any instant may be asked about,
but no clock that is wrong makes a calendar walk thousands of years.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Callable, Dict, FrozenSet, Iterator, Optional, Tuple

DAY = 86_400
# Past this many days without enough working time a search gives up.
HORIZON_DAYS = 3_660
#: No instant that a calendar is asked about makes sense outside of these.
EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(2200, 1, 1, tzinfo=timezone.utc)


class CalendarError(ValueError):
    """A calendar that cannot be: no workdays, or daily hours of no length or of more than a day."""


def no_days_off(_day: date) -> bool:
    """The predicate of a calendar without holidays and freezes."""
    return False


@dataclass(frozen=True)
class Calendar:
    """Shifts of working time.

    :param zone: the time zone in which days and hours are meant.
    :param workdays: weekdays as ``date.weekday()`` gives them, Monday = 0.
    :param start: start of the daily hours, in seconds of wall time after midnight, 0 to 86399.
    :param length: their length in seconds of wall time, 1 to 86400; past midnight where start +
        length exceeds a day.
    :param days_off: says of a local day whether its shift is left out.
    """

    zone: tzinfo = timezone.utc
    workdays: FrozenSet[int] = frozenset(range(5))
    start: int = 0
    length: int = DAY
    days_off: Callable[[date], bool] = no_days_off
    _shifts: Dict[int, Optional[Tuple[int, int]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.workdays or not self.workdays <= frozenset(range(7)):
            raise CalendarError("A calendar needs at least one workday, Monday = 0 to Sunday = 6.")
        if not (0 <= self.start < DAY and 1 <= self.length <= DAY):
            raise CalendarError(
                "Daily hours must start within the day and last 1 second to 24 hours."
            )

    @property
    def day_seconds(self) -> int:
        """The nominal length of one working day, in seconds: what a milestone calls ``1d``."""
        return self.length

    @property
    def week_seconds(self) -> int:
        """The nominal length of one working week, in seconds: what a milestone calls ``1w``."""
        return self.length * len(self.workdays)

    def elapsed(self, begin: datetime, end: datetime) -> int:
        """Working seconds in ``[begin, end)``; 0 where end is not after begin. Both aware."""
        lo, hi = _epoch(begin), _epoch(end)
        total = 0
        for opens, closes in self._from(lo, hi):
            total += max(0, min(closes, hi) - max(opens, lo))
        return total

    def add(self, begin: datetime, seconds: int) -> Optional[datetime]:
        """The first instant at which ``seconds`` of working time have elapsed since ``begin``.

        None where that is further away than ten years. The exact inverse of :meth:`elapsed`.
        """
        return self.spend(begin, seconds)[0]

    def spend(
        self, begin: datetime, seconds: int, end: Optional[datetime] = None
    ) -> Tuple[Optional[datetime], int]:
        """Spend ``seconds`` of working time from ``begin`` on, up to ``end`` or ten years.

        The instant at which they have elapsed and 0, or None and how many seconds are left. Looks
        at no day after that instant, so the cost is bounded by both the amount and the span.
        """
        lo, hi, left = _epoch(begin), None if end is None else _epoch(end), seconds
        if left <= 0:
            return begin, 0
        for opens, closes in self._from(lo, hi):
            start = max(opens, lo)
            room = (closes if hi is None else min(closes, hi)) - start
            if room >= left:
                return _instant(start + left), 0
            left -= max(0, room)
        return None, left

    def rewind(self, end: datetime, seconds: int) -> Optional[datetime]:
        """The last instant from which ``seconds`` of working time lead up to ``end``; None beyond
        ten years.
        """
        hi, left = _epoch(end), seconds
        if left <= 0:
            return end
        for opens, closes in self._back_from(hi):
            room = min(closes, hi) - opens
            if room >= left:
                return _instant(min(closes, hi) - left)
            left -= max(0, room)
        return None

    def day_start(self, day: date) -> datetime:
        """The instant at which the local day begins, in UTC; of a day beyond what calendars know,
        of the nearest that they do.
        """
        return _instant(self._at(min(max(day, EARLIEST.date()), LATEST.date()), 0))

    def local_date(self, instant: datetime) -> date:
        """The local day in which an instant lies, or the nearest that calendars know."""
        return min(max(instant, EARLIEST), LATEST).astimezone(self.zone).date()

    def _from(self, epoch: int, until: Optional[int] = None) -> Iterator[Tuple[int, int]]:
        """Shifts in order that end after ``epoch``, as far as ``until``, or ten years."""
        # One day back: a shift may pass midnight.
        first = self._ordinal(epoch) - 1
        last = first + HORIZON_DAYS if until is None else self._ordinal(until) + 1
        for ordinal in range(first, min(last, self._ordinal(_LAST) + 1) + 1):
            shift = self._shift(ordinal)
            if shift is not None and shift[1] > epoch:
                yield shift

    def _back_from(self, epoch: int) -> Iterator[Tuple[int, int]]:
        """Shifts in reverse order, from the last that starts before ``epoch``."""
        # One day on: a clock set back across midnight makes a day begin and yesterday return.
        last = self._ordinal(epoch) + 1
        for ordinal in range(last, max(last - HORIZON_DAYS, self._ordinal(_FIRST) - 2), -1):
            shift = self._shift(ordinal)
            if shift is not None and shift[0] < epoch:
                yield shift

    def _ordinal(self, epoch: int) -> int:
        within = min(max(epoch, _FIRST), _LAST)
        return _instant(within).astimezone(self.zone).toordinal()

    def _shift(self, ordinal: int) -> Optional[Tuple[int, int]]:
        if ordinal not in self._shifts:
            self._shifts[ordinal] = self._make_shift(date.fromordinal(ordinal))
        return self._shifts[ordinal]

    def _make_shift(self, day: date) -> Optional[Tuple[int, int]]:
        if day.weekday() not in self.workdays or self.days_off(day):
            return None
        opens = self._at(day, self.start)
        # A wall time that a clock change leaves out could let two shifts overlap.
        tomorrow = self._at(day + timedelta(days=1), self.start)
        return opens, min(self._at(day, self.start + self.length), tomorrow)

    def _at(self, day: date, wall_seconds: int) -> int:
        """Epoch seconds of a wall time; the earlier of two where the clock is set back."""
        days, seconds = divmod(wall_seconds, DAY)
        wall = datetime.combine(day, time()) + timedelta(days=days, seconds=seconds)
        return _epoch(wall.replace(tzinfo=self.zone))


def _epoch(instant: datetime) -> int:
    return int(instant.timestamp())


def _instant(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, timezone.utc)


_FIRST, _LAST = _epoch(EARLIEST), _epoch(LATEST)
