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
from typing import Callable, FrozenSet, Optional, Tuple

from reviewloop.core.shifts import Shift, Shifts
from reviewloop.core.spans import Span, in_order

DAY = 86_400
# Past these seconds without enough working time a search gives up: ten years.
_HORIZON = 3_660 * DAY
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
    _shifts: Shifts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.workdays or not self.workdays <= frozenset(range(7)):
            raise CalendarError("A calendar needs at least one workday, Monday = 0 to Sunday = 6.")
        if not (0 <= self.start < DAY and 1 <= self.length <= DAY):
            raise CalendarError(
                "Daily hours must start within the day and last 1 second to 24 hours."
            )
        least, most = self._day_of(_FIRST) - 1, self._day_of(_LAST) + 1
        object.__setattr__(self, "_shifts", Shifts(self._shift, self._day_of, least, most))

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
        return self._shifts.elapsed(lo, hi) if hi > lo else 0

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
        if seconds <= 0:
            return begin, 0
        lo = _epoch(begin)
        at = self._shifts.after(lo, seconds, lo + _HORIZON if end is None else _epoch(end))
        if at is not None:
            return _instant(at), 0
        return None, seconds - (0 if end is None else self.elapsed(begin, end))

    def rewind(self, end: datetime, seconds: int) -> Optional[datetime]:
        """The last instant from which ``seconds`` of working time lead up to ``end``; None beyond
        ten years.
        """
        if seconds <= 0:
            return end
        hi = _epoch(end)
        at = self._shifts.back(hi, seconds, hi - _HORIZON)
        return None if at is None else _instant(at)

    def spans(self, begin: datetime, end: datetime) -> Tuple[Span, ...]:
        """The working time in ``[begin, end)``, in order, what touches joined. Looks at each day of
        it.
        """
        lo, hi = _epoch(begin), _epoch(end)
        days = range(self._day_of(lo) - 1, self._day_of(hi) + 2)
        shifts = (shift for shift in map(self._shift, days) if shift is not None)
        inside = ((max(opens, lo), min(closes, hi)) for opens, closes in shifts)
        return in_order(Span(_instant(opens), _instant(closes)) for opens, closes in inside)

    def day_start(self, day: date) -> datetime:
        """The instant at which the local day begins, in UTC; of a day beyond what calendars know,
        of the nearest that they do.
        """
        return _instant(self._at(min(max(day, EARLIEST.date()), LATEST.date()), 0))

    def local_date(self, instant: datetime) -> date:
        """The local day in which an instant lies, or the nearest that calendars know."""
        return min(max(instant, EARLIEST), LATEST).astimezone(self.zone).date()

    def _day_of(self, epoch: int) -> int:
        within = min(max(epoch, _FIRST), _LAST)
        return _instant(within).astimezone(self.zone).toordinal()

    def _shift(self, ordinal: int) -> Optional[Shift]:
        """When the work of a day begins and ends; None for a day off."""
        day = date.fromordinal(ordinal)
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
