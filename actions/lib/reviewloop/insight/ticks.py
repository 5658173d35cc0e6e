"""Where a line of time is marked, and what the marks say: hours, days, weeks, months or years."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Iterator, List, Tuple

from reviewloop.core.worktime import Calendar

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Tick = Tuple[datetime, str]

_HOUR = 3_600
# Seconds from one mark to the next, about; what is at least a month counts in months.
_STEPS = (
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
    24 * _HOUR,
    2 * 24 * _HOUR,
    7 * 24 * _HOUR,
    14 * 24 * _HOUR,
)
_MONTHS = (1, 3, 6, 12, 24, 60)
_MONTH = 30 * 24 * _HOUR


def ticks(calendar: Calendar, begin: datetime, end: datetime, most: int) -> List[Tick]:
    """At most about ``most`` marks between two instants, at round local times, each with a label of
    at most eight characters.
    """
    length = (end - begin).total_seconds()
    step = next((one for one in _STEPS if length / one <= most), None)
    if step is None:
        months = next((one for one in _MONTHS if length / _MONTH / one <= most), _MONTHS[-1])
        found = _by_months(calendar, begin, end, months)
    elif step < 24 * _HOUR:
        found = _by_hours(calendar, begin, end, step // _HOUR)
    else:
        found = _by_days(calendar, begin, end, step // (24 * _HOUR))
    return [one for one in found if begin <= one[0] < end]


def _by_hours(calendar: Calendar, begin: datetime, end: datetime, hours: int) -> Iterator[Tick]:
    for day in _days(calendar, begin, end):
        midnight = calendar.day_start(day)
        yield midnight, _day(day)
        for hour in range(hours, 24, hours):
            yield midnight + timedelta(hours=hour), f"{hour:02d}:00"


def _by_days(calendar: Calendar, begin: datetime, end: datetime, days: int) -> Iterator[Tick]:
    # Weeks begin on Mondays: day 1 of all was one.
    for day in _days(calendar, begin, end):
        if (day.toordinal() - 1) % days == 0:
            yield calendar.day_start(day), _day(day)


def _by_months(calendar: Calendar, begin: datetime, end: datetime, months: int) -> Iterator[Tick]:
    first, last = calendar.local_date(begin), calendar.local_date(end)
    for month in range(first.year * 12, (last.year + 1) * 12):
        if month % months == 0:
            day = date(month // 12, month % 12 + 1, 1)
            is_year = months >= len(MONTHS)
            label = str(day.year) if is_year else f"{MONTHS[day.month - 1]} {day.year}"
            yield calendar.day_start(day), label


def _days(calendar: Calendar, begin: datetime, end: datetime) -> Iterator[date]:
    first, last = calendar.local_date(begin), calendar.local_date(end)
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def moment(calendar: Calendar, instant: datetime, year: bool = False) -> str:
    """An instant for people, in the calendar's zone: ``Tue 3 Mar 09:00``."""
    local = instant.astimezone(calendar.zone)
    day = f"{DAYS[local.weekday()]} {_day(local.date())}" + (f" {local.year}" if year else "")
    return f"{day} {local.hour:02d}:{local.minute:02d}"
