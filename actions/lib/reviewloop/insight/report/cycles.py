"""Release cycles: half years, or those that a community names."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Dict, Optional, Sequence, Tuple

_JULY = 7


@dataclass(frozen=True)
class Cycle:
    """A release cycle, until the next one begins."""

    name: str
    begin: datetime


@dataclass(frozen=True)
class Cycles:
    """Which cycle an instant lies in: of the ``given`` ones, in order of time; half years where
    none are given. What lies before the first of them is ``earlier``.
    """

    given: Tuple[Cycle, ...] = ()
    _ends: Dict[str, Optional[datetime]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        begins = [one.begin for one in self.given]
        if begins != sorted(set(begins)):
            raise ValueError("Release cycles have to stand in the order of their beginnings.")
        ends: Sequence[Optional[datetime]] = [*begins[1:], None]
        names = [one.name for one in self.given]
        object.__setattr__(self, "_ends", {"earlier": begins[0] if begins else None})
        self._ends.update(zip(names, ends))

    def of(self, instant: datetime) -> str:
        """The name of the cycle."""
        if not self.given:
            return f"{instant.year} H{1 if instant.month < _JULY else 2}"
        place = bisect_right([one.begin for one in self.given], instant)
        return self.given[place - 1].name if place else "earlier"

    def begin(self, name: str) -> Optional[datetime]:
        """When it begins; None for what lies before those that are given."""
        if self.given:
            return {one.name: one.begin for one in self.given}.get(name)
        return datetime(int(name[:-3]), 1 if name[-1] == "1" else _JULY, 1, tzinfo=timezone.utc)

    def end(self, name: str) -> Optional[datetime]:
        """When it ends; None for the last of those that are given."""
        if self.given:
            return self._ends[name]
        year, half = int(name[:-3]), name[-1]
        first = (year, _JULY) if half == "1" else (year + 1, 1)
        return datetime(first[0], first[1], 1, tzinfo=timezone.utc)
