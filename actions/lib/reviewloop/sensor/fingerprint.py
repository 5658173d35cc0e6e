"""What a reading depends on beside Gerrit's answer: the code, the configuration, the calendar."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from re import Pattern
from typing import Any, Iterator, Optional

from reviewloop.core.worktime import Calendar
from reviewloop.sensor.beside import Beside, default_folder
from reviewloop.settings.load import Settings
from reviewloop.settings.values import NO_FOLDER

_LIBRARY = Path(__file__).resolve().parents[1]
#: Rooms of which the code has a part in what is kept.
_ROOMS = ("core", "gerrit", "sensor", "store")


def beside(settings: Settings, now: datetime, log: logging.Logger) -> Optional[Beside]:
    """The file of a sensor with this configuration, None if it is to leave none."""
    if settings.sensor_cache == NO_FOLDER:
        return None
    folder = Path(settings.sensor_cache) if settings.sensor_cache else default_folder()
    sensor = f"{settings.server} {settings.gerrit.url} {settings.gerrit.query}"
    return Beside(folder, sensor, fingerprint(settings, now), log)


def fingerprint(settings: Settings, now: datetime) -> str:
    """64 hex digits that differ wherever one of these differs."""
    policy, found = settings.policy, hashlib.sha256(platform.python_version().encode())
    for part in _code():
        found.update(part)
    told = [_plain(policy), settings.server, settings.gerrit.url, settings.gerrit.query]
    found.update(json.dumps([told, list(_days(policy.calendar, now))]).encode())
    return found.hexdigest()


def _code() -> Iterator[bytes]:
    for room in _ROOMS:
        for path in sorted((_LIBRARY / room).rglob("*.py")):
            yield str(path.relative_to(_LIBRARY)).encode()
            yield path.read_bytes()


def _plain(value: Any) -> Any:
    """A value of the configuration in JSON's terms; the calendar's days are looked at apart."""
    if isinstance(value, Calendar):
        return [str(value.zone), sorted(value.workdays), value.start, value.length]
    if is_dataclass(value) and not isinstance(value, type):
        return [[one.name, _plain(getattr(value, one.name))] for one in fields(value)]
    if isinstance(value, Pattern):
        return [value.pattern, value.flags]
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value


def _days(calendar: Calendar, now: datetime) -> Iterator[Any]:
    """The days off, and the hours from UTC, of the years about now: other releases of the
    libraries that know them may know better.
    """
    day, last = date(now.year - 1, 1, 1), date(now.year + 2, 12, 31)
    while day <= last:
        noon = datetime.combine(day, time(12), calendar.zone)
        yield [int(calendar.days_off(day)), str(noon.utcoffset())]
        day += timedelta(days=1)
