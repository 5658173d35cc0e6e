"""Limits, counted by what the pack wrote down: whom it chose, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Iterator, List, Mapping, Optional, Set, Tuple

from reviewloop.settings.load import Settings

from .machine import MACHINE

ROSTER = ("committee", "chair")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Choice:
    """Somebody was chosen: ``roster`` for the committee, ``late`` about an old wait."""

    at: datetime
    accounts: Tuple[int, ...]
    roster: bool
    late: bool


@dataclass
class Limits:
    """What was chosen in the last seven days."""

    _choices: List[Choice] = field(default_factory=list)
    _known: Set[Tuple[str, int]] = field(default_factory=set)
    _ids: Set[str] = field(default_factory=set)
    _forgot: Optional[datetime] = None

    def knows(self, mark_id: str, at: datetime) -> bool:
        """Whether an ask was counted before it was posted, or nobody can know."""
        return mark_id in self._ids or self._is_forgotten(at)

    def forget(self) -> None:
        """The datastore lost something, or a clock was wrong: nobody can know what was chosen."""
        self._forgot = MACHINE.now

    def chosen(
        self, at: datetime, name: str, told: Mapping[str, Any], settings: Settings
    ) -> Iterator[str]:
        """A record of an ask was written; what exceeds which limit by it, in words."""
        key = (name, int(told["attempt"]))
        if key in self._known:
            return
        self._known.add(key)
        self._ids.add(name.rpartition(".")[2])
        self._choices = [one for one in self._choices if one.at > at - WEEK]
        late, roster = bool(told.get("late")), told["tier"] in ROSTER
        self._choices.append(Choice(at, tuple(told["accounts"]), roster, late))
        if not self._is_forgotten(at):
            yield from self._excesses(settings)

    def _is_forgotten(self, at: datetime) -> bool:
        return self._forgot is not None and at - self._forgot < WEEK

    def _excesses(self, settings: Settings) -> Iterator[str]:
        last, limits = self._choices[-1], settings.limits
        run = timedelta(seconds=settings.poll_interval)
        for account in last.accounts:
            week = sum(account in one.accounts for one in self._choices)
            if week > limits.per_person_week:
                yield f"{week} asks of {account} in a week"
        mine = [one for one in self._choices if one.roster and last.roster]
        lately = sum(one.at > last.at - run for one in mine)
        if lately > limits.per_run:
            yield f"{lately} asks in one run"
        today = sum(one.late and one.at.date() == last.at.date() for one in mine)
        if last.late and today > limits.ramp_per_day:
            yield f"{today} asks about old waits in a day"
