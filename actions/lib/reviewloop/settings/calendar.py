"""The ``calendar`` section: time zone, hours, and the days on which nobody works."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from functools import lru_cache
from typing import FrozenSet, List, Optional, Tuple

from reviewloop.core.worktime import DAY, Calendar
from reviewloop.settings.reader import Reader, Value, suggest

if sys.version_info >= (3, 9):
    from zoneinfo import ZoneInfo, available_timezones
else:
    from backports.zoneinfo import ZoneInfo, available_timezones

WORKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAY = "00:00-24:00"

_CODE = re.compile(r"[A-Z]{2}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HOURS = re.compile(r"(\d\d):(\d\d) ?- ?(\d\d):(\d\d)", re.ASCII)
_DATE_ADVICE = "write a date that exists, as in 2026-12-24."
_HOURS_ADVICE = (
    "write HH:MM-HH:MM, such as 09:00-17:00, or 22:00-06:00 for hours that pass midnight."
)


@dataclass(frozen=True)
class Freeze:
    """Days, both ends included, on which nobody is expected to review."""

    first: date
    last: date
    reason: str = ""

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Country:
    """A country, or a subdivision of one, whose public holidays count; codes as in ISO 3166."""

    code: str
    subdivision: str = ""


@dataclass(frozen=True)
class DaysOff:
    """Says of a local day whether nobody works: a holiday, a listed date, or inside a freeze."""

    countries: Tuple[Country, ...] = ()
    dates: FrozenSet[date] = frozenset()
    freezes: Tuple[Freeze, ...] = ()

    def __call__(self, day: date) -> bool:
        """Whether the day is off."""
        if day in self.dates or any(day in freeze for freeze in self.freezes):
            return True
        return any(day in public_holidays(country, day.year) for country in self.countries)

    def reason(self, day: date) -> str:
        """Why a day is off, in words; "" where it is not."""
        freeze = next((one for one in self.freezes if day in one), None)
        if freeze is not None:
            return f"freeze: {freeze.reason}" if freeze.reason else "freeze"
        return "holiday" if self(day) else ""


@lru_cache(maxsize=512)
def public_holidays(country: Country, year: int) -> FrozenSet[date]:
    """The public holidays of one year; empty for years the ``holidays`` library does not know."""
    import holidays  # noqa: PLC0415 - slow to import, and few configurations need it

    days = holidays.country_holidays(country.code, subdiv=country.subdivision or None, years=year)
    return frozenset(days)


def read_calendar(section: Reader) -> Calendar:
    """The calendar; where something is wrong, the problem is reported and the default stands in."""
    zone = section.value("timezone", "UTC", "Europe/Berlin").parse(_zone)
    hours = section.value("hours", ALL_DAY, '"09:00-17:00"').parse(_hours)
    calendar = Calendar(workdays=_workdays(section), days_off=_days_off(section))
    section.finish()
    if zone is not None:
        calendar = replace(calendar, zone=zone)
    if hours is not None:
        calendar = replace(calendar, start=hours[0], length=hours[1])
    return calendar


def _workdays(section: Reader) -> FrozenSet[int]:
    names = section.texts("workdays", WORKDAYS[:5], "mon")
    days = [_workday(name) for name in names]
    if not names:
        section.problem(
            "workdays", "is empty: name at least one day, such as [mon, tue, wed, thu, fri]."
        )
    return frozenset(day for day in days if day is not None) or frozenset(range(5))


def _workday(name: Value) -> Optional[int]:
    if name.text in WORKDAYS:
        return WORKDAYS.index(name.text)
    name.problem(f"write {', '.join(WORKDAYS)}.{suggest(name.text[:3], WORKDAYS)}")
    return None


def _days_off(section: Reader) -> DaysOff:
    holidays = section.section("holidays")
    dates = [value.parse(_date) for value in holidays.texts("dates", (), '"2026-12-24"')]
    countries = _countries(holidays.texts("countries", (), '"DE" or "DE-BY"'))
    holidays.finish()
    example = '{from: "2026-12-21", to: "2027-01-01", reason: "holidays"}'
    freezes = [_freeze(item) for item in section.sections("freezes", example)]
    return DaysOff(
        countries,
        frozenset(day for day in dates if day is not None),
        tuple(freeze for freeze in freezes if freeze is not None),
    )


def _freeze(item: Reader) -> Optional[Freeze]:
    ends = [_end(item, key) for key in ("from", "to")]
    reason = item.text("reason", "", '"release week"')
    item.finish()
    first, last = ends
    if first is None or last is None:
        return None
    if last < first:
        item.problem("to", f"is {last}, before its from, {first}: swap them.")
    return Freeze(first, last, reason)


def _end(item: Reader, key: str) -> Optional[date]:
    value = item.value(key, "", '"2026-12-24"')
    if not item.given(key):
        item.problem(key, f"is missing: {_DATE_ADVICE}")
    return value.parse(_date) if value.text else None


def _countries(values: Tuple[Value, ...]) -> Tuple[Country, ...]:
    if not values:
        return ()
    found: List[Country] = []
    for value in values:
        country = Country(*value.text.partition("-")[::2])
        if _is_known(country) or _is_listed(country, value):
            found.append(country)
    return tuple(found)


def _is_known(country: Country) -> bool:
    """Whether the library surely has the country: its names of countries are there before any
    country is imported, and the first one imports all of them.
    """
    import holidays  # noqa: PLC0415 - as above

    is_bare = _CODE.fullmatch(country.code) and not country.subdivision
    return bool(is_bare) and hasattr(holidays, country.code)


def _is_listed(country: Country, value: Value) -> bool:
    """Whether it is among all that the library has, which are slow to import; if not, the problem
    is reported.
    """
    import holidays  # noqa: PLC0415 - as above

    # The library also lists codes of three letters; two are what people write.
    known = {
        code: parts
        for code, parts in holidays.list_supported_countries().items()
        if _CODE.fullmatch(code)
    }
    code, subdivision = country.code, country.subdivision
    if code not in known:
        value.problem(
            f"no ISO country code that is known here.{suggest(code, known)} Write DE or DE-BY."
        )
    elif subdivision and subdivision not in known[code]:
        parts = ", ".join(sorted(known[code])) or "none"
        value.problem(f"{code} has no subdivision {subdivision}; known ones: {parts}.")
    else:
        return True
    return False


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(_DATE_ADVICE)
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise ValueError(_DATE_ADVICE) from err


def _hours(text: str) -> Tuple[int, int]:
    """Start and length in seconds; ``24:00`` is an end only."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(_HOURS_ADVICE)
    opens, closes = (_seconds(*match.group(part, part + 1)) for part in (1, 3))
    if opens >= DAY or closes > DAY:
        raise ValueError(f"the day starts at 00:00 and ends at 24:00; {_HOURS_ADVICE}")
    if opens == closes:
        raise ValueError(f"hours without length; the whole day is {ALL_DAY}.")
    return opens, (closes - opens) % DAY or DAY


def _seconds(hours: str, minutes: str) -> int:
    if int(minutes) >= 60:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(_HOURS_ADVICE)
    return int(hours) * 3_600 + int(minutes) * 60


def _zone(text: str) -> tzinfo:
    try:
        return ZoneInfo(text)
    # Not found is a KeyError; a folder such as Europe, or a path, gives the others.
    except (KeyError, ValueError, OSError) as err:
        near = suggest(text, available_timezones())
        raise ValueError(
            f"no time zone of the IANA database.{near} Write one such as Europe/Berlin."
        ) from err
