"""Amounts of waiting as people write them: ``4h``, ``2d``, ``1w``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from reviewloop.core.worktime import Calendar

_DURATION = re.compile(r"([0-9]{1,6})([mhdw])")


@dataclass(frozen=True)
class Duration:
    """An amount of working time; ``1d`` is one working day, ``1w`` one working week of the
    calendar.
    """

    amount: int
    unit: str

    def seconds(self, calendar: Calendar) -> int:
        """The nominal length in working seconds."""
        unit = {"m": 60, "h": 3_600, "d": calendar.day_seconds, "w": calendar.week_seconds}
        return self.amount * unit[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@lru_cache(maxsize=64)
def parse_duration(text: str) -> Duration:
    """Read ``<number><m|h|d|w>``; ValueError says what is wrong and what to write instead."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:60]!r} is not an amount of working time;"
            " write a number and m, h, d or w, like 4h or 2d."
        )
    return Duration(int(match.group(1)), match.group(2))
