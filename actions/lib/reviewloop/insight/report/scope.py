"""What a report is about: its period, its promise, and the configuration by which it reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Callable

from reviewloop.core.durations import Duration
from reviewloop.core.policy import Policy

RECENT = timedelta(days=90)
"""How much of the end of a period tells how things stand now."""
KEPT = timedelta(days=540)
"""For how long past waits are kept, to see whether they told the future."""
EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Scope:
    """The period ``(since, now]``; ``promise`` is among the policy's milestones.

    :param server: as event ids name it.
    :param hold_out: whether changes are held out at all, ``is_held_out`` by number which.
    """

    policy: Policy
    promise: Duration
    now: datetime
    since: datetime = EVER
    server: str = ""
    hold_out: bool = False
    is_held_out: Callable[[int], bool] = lambda _number: False

    @property
    def recent(self) -> datetime:
        """Since when things are recent."""
        return max(self.since, self.now - RECENT)

    @property
    def promised(self) -> float:
        """The promise in working days."""
        calendar = self.policy.calendar
        return self.promise.seconds(calendar) / calendar.day_seconds

    def holds(self, instant: datetime) -> bool:
        """Whether an instant lies in the period."""
        return self.since < instant <= self.now
