"""Working time: right across clock changes, nights, holidays and half-hour zones."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Callable, FrozenSet, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.worktime import DAY, EARLIEST, LATEST, Calendar, CalendarError

if sys.version_info >= (3, 9):
    from zoneinfo import ZoneInfo
else:
    from backports.zoneinfo import ZoneInfo

WEEKDAYS = frozenset(range(5))
ALL_DAYS = frozenset(range(7))
HOUR = 3600


def utc(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=timezone.utc)


def local(text: str, zone: str) -> datetime:
    """An instant by a wall clock."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))


def calendar(
    zone: str = "UTC",
    start: float = 9,
    hours: float = 8,
    days: FrozenSet[int] = WEEKDAYS,
    off: Optional[Callable[[date], bool]] = None,
) -> Calendar:
    """A calendar by hours."""
    length = int(hours * HOUR)
    return Calendar(ZoneInfo(zone), days, int(start * HOUR), length, off or (lambda _day: False))


def test_default() -> None:
    """Whole days from Monday to Friday in UTC: a weekend takes no time."""
    assert Calendar().elapsed(utc("2026-03-06 12:00"), utc("2026-03-09 12:00")) == DAY
    assert Calendar().add(utc("2026-03-06 12:00"), DAY) == utc("2026-03-09 12:00")


def test_office_hours() -> None:
    """Nights take no time, and a milestone at the end of a shift is reached at its end."""
    office = calendar("Europe/Berlin", 9, 8.5)

    assert office.day_seconds == 8.5 * HOUR
    assert office.week_seconds == 5 * 8.5 * HOUR
    assert office.add(local("2026-03-02 09:00", "Europe/Berlin"), office.day_seconds) == local(
        "2026-03-02 17:30", "Europe/Berlin"
    )
    assert office.add(local("2026-03-02 17:00", "Europe/Berlin"), HOUR) == local(
        "2026-03-03 09:30", "Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Asia/Kolkata", "2026-03-02", 24),
        ("America/Sao_Paulo", "2017-10-15", 23),
        ("Asia/Beirut", "2026-03-29", 23),
    ],
)
def test_days_of_clock_changes(zone: str, day: str, hours: float) -> None:
    """A whole day counts its real seconds: 23 or 25 hours where the clock is changed."""
    whole = calendar(zone, 0, 24, ALL_DAYS)
    begin = whole.day_start(date.fromisoformat(day))
    end = whole.day_start(date.fromisoformat(day) + timedelta(days=1))

    assert whole.elapsed(begin, end) == hours * HOUR


def test_shift_in_which_the_clock_is_set_forward() -> None:
    """A night shift over the change is an hour shorter, and one day is still nominal."""
    night = calendar("Europe/Berlin", 22, 8, ALL_DAYS)
    begin = local("2026-03-28 22:00", "Europe/Berlin")

    assert night.elapsed(begin, local("2026-03-29 12:00", "Europe/Berlin")) == 7 * HOUR
    assert night.add(begin, night.day_seconds) == local("2026-03-29 23:00", "Europe/Berlin")


def test_shift_past_midnight_belongs_to_its_first_day() -> None:
    """Friday's night shift lasts into Saturday; Sunday's does not exist."""
    night = calendar("UTC", 22, 8)

    assert night.elapsed(utc("2026-03-06 12:00"), utc("2026-03-07 12:00")) == 8 * HOUR
    assert night.elapsed(utc("2026-03-08 12:00"), utc("2026-03-09 12:00")) == 0


def test_holiday_removes_the_shift_that_starts_on_it() -> None:
    """A holiday on Tuesday leaves Monday's night shift whole."""
    tuesday = date(2026, 3, 3)
    night = calendar("UTC", 22, 8, off=lambda day: day == tuesday)

    assert night.elapsed(utc("2026-03-02 12:00"), utc("2026-03-03 12:00")) == 8 * HOUR
    assert night.elapsed(utc("2026-03-03 12:00"), utc("2026-03-04 12:00")) == 0


def test_holiday_on_a_weekend() -> None:
    """A holiday on a day off takes nothing away."""
    free = calendar(off=lambda day: day == date(2026, 3, 7))

    assert free.elapsed(utc("2026-03-06 00:00"), utc("2026-03-10 00:00")) == 2 * 8 * HOUR


def test_day_that_a_zone_left_out() -> None:
    """Samoa had no 30 December 2011: that Friday has no working time."""
    samoa = calendar("Pacific/Apia", 9, 8)

    # From Tuesday, 14 o'clock there, to the end of Saturday: three hours and two days.
    assert samoa.elapsed(utc("2011-12-28 00:00"), utc("2011-12-31 10:00")) == 19 * HOUR


def test_calendar_that_never_works() -> None:
    """Where working time never comes there is no instant to name."""
    never = calendar(off=lambda _day: True)

    assert never.add(utc("2026-03-02 09:00"), 1) is None
    assert never.rewind(utc("2026-03-02 09:00"), 1) is None
    assert never.elapsed(utc("2026-03-02 09:00"), utc("2027-03-02 09:00")) == 0


NO_DAYS = "A calendar needs at least one workday, Monday = 0 to Sunday = 6."
NO_HOURS = "Daily hours must start within the day and last 1 second to 24 hours."


@pytest.mark.parametrize(
    ("days", "start", "length", "problem"),
    [
        (frozenset(), 0, DAY, NO_DAYS),
        (frozenset({7}), 0, DAY, NO_DAYS),
        (WEEKDAYS, -1, DAY, NO_HOURS),
        (WEEKDAYS, DAY, DAY, NO_HOURS),
        (WEEKDAYS, 0, 0, NO_HOURS),
        (WEEKDAYS, 0, DAY + 1, NO_HOURS),
    ],
)
def test_calendars_that_cannot_be(
    days: FrozenSet[int], start: int, length: int, problem: str
) -> None:
    """A calendar without days or hours, or with too many of them, is refused."""
    with pytest.raises(CalendarError, match=f"^{re.escape(problem)}$"):
        Calendar(timezone.utc, days, start, length)


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+12", "Etc/GMT-14"])
def test_first_and_last_day(zone: str) -> None:
    """They are working time like any other, wherever the day begins."""
    day = timedelta(days=1)

    assert calendar(zone, 0, 24, ALL_DAYS).elapsed(EARLIEST, EARLIEST + day) == DAY
    assert calendar(zone, 0, 24, ALL_DAYS).elapsed(LATEST - day, LATEST) == DAY


def test_far_from_the_machines_zone() -> None:
    """A shift that began the day before, by the calendar's own clock, is found."""
    west = calendar("Etc/GMT+12", 20, 24)

    assert west.elapsed(utc("2026-03-04 01:00"), utc("2026-03-04 02:00")) == HOUR


@pytest.mark.parametrize(
    ("seconds", "end", "at", "left"),
    [
        (0, None, "2026-03-06 12:00", 0),
        (-5, None, "2026-03-06 12:00", 0),
        (DAY, None, "2026-03-09 12:00", 0),
        (DAY, "2026-03-09 12:00", "2026-03-09 12:00", 0),
        (DAY, "2026-03-09 11:00", None, HOUR),
        (DAY, "2026-03-08 11:00", None, 12 * HOUR),
        (DAY, "2026-03-05 11:00", None, DAY),
        (4_000 * DAY, None, None, 4_000 * DAY),
    ],
)
def test_spending(seconds: int, end: Optional[str], at: Optional[str], left: int) -> None:
    """When the seconds are spent, or how many are left at the end, or after ten years."""
    spent = Calendar().spend(utc("2026-03-06 12:00"), seconds, utc(end) if end else None)

    assert spent == (utc(at) if at else None, left)


def test_more_than_ten_years() -> None:
    """However long a change has been open, its time adds up; what is to come is searched for ten
    years and no longer.
    """
    begin, middle, end = (utc(f"{year}-01-01 00:00") for year in (2009, 2017, 2026))
    whole = Calendar().elapsed(begin, end)

    assert whole == Calendar().elapsed(begin, middle) + Calendar().elapsed(middle, end)
    assert Calendar().add(begin, whole) is None


def test_clock_set_back_across_midnight() -> None:
    """In Newfoundland 7 November 2010 began, and a minute later it was the 6th once more."""
    everyday = calendar("America/St_Johns", 0, 24, ALL_DAYS)
    again = utc("2010-11-07 02:50")
    assert everyday.local_date(again) == date(2010, 11, 6)
    assert everyday.day_start(date(2010, 11, 7)) == utc("2010-11-07 02:30")

    assert everyday.rewind(again, 600) == utc("2010-11-07 02:40")
    assert everyday.elapsed(utc("2010-11-07 02:40"), again) == 600
    assert everyday.elapsed(utc("2010-11-07 02:00"), utc("2010-11-07 05:00")) == 3 * HOUR


def test_midnight_that_a_clock_change_left_out() -> None:
    """In Brazil 15 October 2017 began at 1 o'clock, which is when its shifts begin too."""
    begin = utc("2017-10-15 03:00")
    everyday = calendar("America/Sao_Paulo", 0, 8, ALL_DAYS)

    assert everyday.day_start(date(2017, 10, 15)) == begin
    assert everyday.elapsed(begin - timedelta(hours=12), begin) == 0
    assert everyday.add(begin, 7 * HOUR) == local("2017-10-15 08:00", "America/Sao_Paulo")
    assert everyday.add(begin, 7 * HOUR + 1) == local(
        "2017-10-16 00:00", "America/Sao_Paulo"
    ) + timedelta(seconds=1)


def test_rewinding_a_whole_shift() -> None:
    """The last instant before a whole shift's worth of time is when that shift opens."""
    assert calendar().rewind(utc("2026-03-03 17:00"), 8 * HOUR) == utc("2026-03-03 09:00")
    assert calendar().rewind(utc("2026-03-03 20:00"), 8 * HOUR + 1) == utc(
        "2026-03-02 17:00"
    ) - timedelta(seconds=1)


def test_shortest_shift() -> None:
    """Daily hours of one second are hours: a minute of them takes twelve weeks."""
    short = Calendar(timezone.utc, WEEKDAYS, DAY - 1, 1)

    assert short.add(utc("2026-03-02 00:00"), 60) == utc("2026-05-23 00:00")


def test_nothing_to_wait_for() -> None:
    """No time at all has elapsed at once, on a weekend too; spans that run backwards are empty."""
    sunday = utc("2026-03-08 12:00")

    assert Calendar().add(sunday, 0) == Calendar().rewind(sunday, 0) == sunday
    known = Calendar()
    assert known.elapsed(sunday, sunday + timedelta(days=3)) == 3 * DAY - DAY / 2
    assert known.elapsed(sunday + timedelta(days=3), sunday) == 0


ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Asia/Beirut",
    ]
)
CALENDARS = st.builds(
    calendar,
    ZONES,
    st.floats(0, 23.9),
    st.floats(0.1, 24),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from([None, lambda day: day.day % 7 == 0]),
)
INSTANTS = st.integers(1_770_000_000, 1_800_000_000).map(
    lambda epoch: datetime.fromtimestamp(epoch, timezone.utc)
)
AMOUNTS = st.integers(1, 60 * HOUR)


@given(CALENDARS, INSTANTS, AMOUNTS)
def test_add_is_the_inverse_of_elapsed(one: Calendar, begin: datetime, seconds: int) -> None:
    """An amount added has elapsed by then, and not a second before."""
    end = one.add(begin, seconds)
    assert end is not None

    assert one.elapsed(begin, end) == seconds
    assert one.elapsed(begin, end - timedelta(seconds=1)) == seconds - 1


@given(CALENDARS, INSTANTS, AMOUNTS)
def test_rewind_is_the_inverse_of_elapsed(one: Calendar, end: datetime, seconds: int) -> None:
    """From the instant found the amount leads up to the end, and from no later one."""
    begin = one.rewind(end, seconds)
    assert begin is not None

    assert one.elapsed(begin, end) == seconds
    assert one.elapsed(begin + timedelta(seconds=1), end) == seconds - 1


@given(CALENDARS, INSTANTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_elapsed_adds_up(one: Calendar, begin: datetime, first: int, second: int) -> None:
    """Elapsed time grows, and the parts of a span add up to the whole."""
    middle = begin + timedelta(seconds=first)
    end = middle + timedelta(seconds=second)

    assert one.elapsed(begin, end) == one.elapsed(begin, middle) + one.elapsed(middle, end)
    assert 0 <= one.elapsed(begin, middle) <= first


@given(CALENDARS, INSTANTS)
def test_against_a_clock_on_the_wall(one: Calendar, begin: datetime) -> None:
    """Minute by minute, what the wall clock shows inside working hours is what elapses."""
    minutes = [begin + timedelta(minutes=number) for number in range(36 * 60)]
    counted = sum(60 for minute in minutes if _works(one, minute))

    # Each of at most four edges may cut a minute.
    assert abs(counted - one.elapsed(begin, begin + timedelta(hours=36))) <= 240


def _works(one: Calendar, instant: datetime) -> bool:
    wall = instant.astimezone(one.zone).replace(tzinfo=None)
    for day in (wall.date() - timedelta(days=1), wall.date()):
        if day.weekday() in one.workdays and not one.days_off(day):
            midnight = wall.replace(day=day.day, month=day.month, year=day.year, hour=0, minute=0)
            opens = midnight.replace(second=0) + timedelta(seconds=one.start)
            if opens <= wall < opens + timedelta(seconds=one.length):
                return True
    return False


@given(CALENDARS, INSTANTS, AMOUNTS, st.integers(0, 10**6))
def test_spending_no_further_than_an_end(
    one: Calendar, begin: datetime, seconds: int, span: int
) -> None:
    """What is spent up to an end is what elapses until then; only what is left is still to come."""
    end = begin + timedelta(seconds=span)
    at, left = one.spend(begin, seconds, end)

    assert at == (one.add(begin, seconds) if one.elapsed(begin, end) >= seconds else None)
    assert left == max(0, seconds - one.elapsed(begin, end))


@given(CALENDARS, st.lists(st.tuples(INSTANTS, INSTANTS, st.integers(1, 90 * HOUR)), min_size=2))
def test_whatever_was_asked_before(
    one: Calendar, questions: List[Tuple[datetime, datetime, int]]
) -> None:
    """A calendar that was asked about other days, before or after, answers as a new one does."""
    for begin, end, seconds in questions:
        new = replace(one)

        assert one.elapsed(begin, end) == new.elapsed(begin, end) == _walked(new, begin, end)
        assert one.spend(begin, seconds, end) == new.spend(begin, seconds, end)
        assert one.rewind(begin, seconds) == new.rewind(begin, seconds)


def _walked(one: Calendar, begin: datetime, end: datetime) -> int:
    """The same day by day, each day's hours cut to the span."""
    total, day = 0, one.local_date(begin) - timedelta(days=1)
    while day <= one.local_date(end) + timedelta(days=1):
        if day.weekday() in one.workdays and not one.days_off(day):
            opens, tomorrow = _wall(one, day, one.start), _wall(one, day, one.start + DAY)
            closes = min(_wall(one, day, one.start + one.length), tomorrow)
            total += max(0, int((min(closes, end) - max(opens, begin)).total_seconds()))
        day += timedelta(days=1)
    return total


def _wall(one: Calendar, day: date, seconds: int) -> datetime:
    days, rest = divmod(seconds, DAY)
    wall = datetime.combine(day, time()) + timedelta(days=days, seconds=rest)
    return wall.replace(tzinfo=one.zone).astimezone(timezone.utc)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize(("start", "hours"), [(0, 24), (9, 8), (22, 8)])
def test_spans_are_the_time_that_elapses(zone: str, start: float, hours: float) -> None:
    """Between two instants as much elapses as the spans last together; they are apart."""
    some = calendar(zone, start, hours)
    begin = utc("2026-03-27 03:17")

    for length in (0, 1, HOUR, 11 * HOUR, 3 * DAY, 40 * DAY):
        end = begin + timedelta(seconds=length)
        spans = some.spans(begin, end)
        lasting = sum((one.end - one.start).total_seconds() for one in spans if one.end)
        assert lasting == some.elapsed(begin, end)
        assert all(one.end is not None and begin <= one.start < one.end <= end for one in spans)
        assert all(one.end < other.start for one, other in zip(spans, spans[1:]) if one.end)
