"""The usual times of reviews as a small table, so that a text can name one without a history being
read: what :mod:`reviewloop.insight.eta` says of a change, for every kind of change at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from reviewloop.core.timestamps import from_iso, iso
from reviewloop.core.worktime import Calendar
from reviewloop.errors import ConfigError
from reviewloop.insight.eta import (
    FEW,
    SHARE,
    Group,
    Kind,
    Like,
    Past,
    Scope,
    curve_of,
    groups_of,
)
from reviewloop.insight.survival import Observed
from reviewloop.store.datastore import UNREADABLE, remedy_of

VERSION = 1
LAPSES = timedelta(days=14)
"""How old a table may be of which something is said: two weeks of a timer that runs weekly."""


@dataclass(frozen=True)
class Time:
    """Of ``waits``, :data:`~reviewloop.insight.eta.SHARE` ended with a review within ``seconds`` of
    working time; None where fewer were ever reviewed, and nothing is said.
    """

    waits: int
    seconds: Optional[int]


@dataclass(frozen=True)
class Usual:
    """What was usual at an instant; only groups of at least sixty waits are in it.

    :param day_seconds: how long a working day was in the calendar with which it was made.
    """

    made: datetime
    day_seconds: int
    groups: Mapping[Group, Time]

    def of(self, like: Like) -> Optional[Tuple[Scope, Time]]:
        """What is usual for changes like one: of its project and size, else of its project, else of
        all; None where too little is known.
        """
        for group, scope in groups_of(like).items():
            time = self.groups.get(group)
            if time is not None:
                return None if time.seconds is None else (scope, time)
        return None

    def fault(self, now: datetime, calendar: Calendar) -> str:
        """Why nothing may be said by it now, in words; "" where nothing speaks against it."""
        if now - self.made > LAPSES:
            return f"was made at {iso(self.made)}, more than {LAPSES.days} days ago"
        if self.day_seconds != calendar.day_seconds:
            return "was made with a calendar of other hours"
        return ""

    def rows(self) -> List[Dict[str, Any]]:
        """``[{kind, project, size, waits, working_days}]``, in order of their names."""
        return [
            {
                "kind": kind.value,
                "project": project,
                "size": size,
                "waits": time.waits,
                "working_days": (
                    None if time.seconds is None else round(time.seconds / self.day_seconds, 2)
                ),
            }
            for (kind, project, size), time in sorted(self.groups.items())
        ]

    def to_json(self) -> str:
        """As it is stored."""
        groups = [
            [kind.value, project, size, one.waits, one.seconds]
            for (kind, project, size), one in sorted(self.groups.items())
        ]
        told = {
            "version": VERSION,
            "made": iso(self.made),
            "day_seconds": self.day_seconds,
            "share": SHARE,
            "groups": groups,
        }
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, name: str) -> Usual:
        """What :meth:`to_json` made.

        :param name: of the stored value.
        :raises ConfigError: it is something else.
        """
        try:
            told = json.loads(text)
            if (told["version"], told["share"]) != (VERSION, SHARE):
                raise ValueError("another version")
            groups = dict(map(_parsed, told["groups"]))
            day = int(told["day_seconds"])
            if day <= 0:
                raise ValueError("a day without hours")
            return cls(from_iso(told["made"]), day, groups)
        except UNREADABLE as err:
            raise ConfigError(f"The stored value {name} cannot be read.", remedy_of(name)) from err


def usual_of(past: Iterable[Past], now: datetime, calendar: Calendar) -> Usual:
    """The table of some waits, as it was known at an instant."""
    seen: Dict[Group, List[Observed]] = {}
    for one in past:
        if one.is_seen(now):
            observed = one.observed(now, calendar)
            for group in groups_of(one.like):
                seen.setdefault(group, []).append(observed)
    enough = {group: found for group, found in seen.items() if len(found) >= FEW}
    times = {group: _time(found) for group, found in enough.items()}
    return Usual(now, calendar.day_seconds, times)


def _time(observed: List[Observed]) -> Time:
    curve = curve_of(observed)
    seconds = curve.quantile(SHARE)
    return Time(curve.waits, None if seconds is None else round(seconds))


def _parsed(row: Any) -> Tuple[Group, Time]:
    kind, project, size, waits, seconds = row
    if not (isinstance(project, str) and isinstance(size, str)):
        raise TypeError("a name that is no text")
    return (Kind(kind), project, size), Time(int(waits), None if seconds is None else int(seconds))
