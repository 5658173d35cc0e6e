"""What each milestone comes to, side by side: how many waits reached it, for whom, in which week.

Counted from the histories alone, before any rule, limit or grouping: what a rule on that milestone
would have had to deal with. A change that is exempt or held out counts for none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Set, Tuple
from typing import Counter as Counts

from reviewloop.core.change import Change
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Crossing, Window
from reviewloop.core.reading import read_change, replay
from reviewloop.core.turns import Party
from reviewloop.core.worktime import Calendar
from reviewloop.settings.load import Settings

PARTIES = (Party.REVIEWERS, Party.OWNER, Party.SUBMITTER)


@dataclass
class _Row:
    waits: Counts[Party] = field(default_factory=Counter)
    changes: Set[Tuple[str, int]] = field(default_factory=set)
    weeks: Counts[date] = field(default_factory=Counter)


class Costs:
    """Counts, change by change.

    :param since, until: both included.
    """

    def __init__(self, settings: Settings, since: datetime, until: datetime) -> None:
        self._settings = settings
        # A window leaves its beginning out.
        self._window = Window(since - timedelta(seconds=1), until)
        milestones = settings.policy.milestones
        self._rows: Dict[Duration, _Row] = {one: _Row() for one in milestones}

    @property
    def begins(self) -> datetime:
        """What was over by then counts for nothing."""
        return self._window.lo

    def add(self, change: Change) -> None:
        """Count a change, which nobody reads again here."""
        policy = self._settings.policy
        reading = read_change(change, policy)
        if reading.is_exempt or change.is_private or self._settings.is_held_out(change.number):
            return
        for one in replay(reading, policy, self._window):
            if isinstance(one, Crossing):
                row = self._rows[one.milestone]
                row.waits[one.wait.party] += 1
                row.changes.add((change.project, change.number))
                row.weeks[week_of(one.at, policy.calendar)] += 1

    def rows(self) -> List[Dict[str, Any]]:
        """``[{milestone, waits: {reviewers, owner, submitter}, changes, a_week, most_in_a_week}]``,
        the shortest milestone first; ``a_week`` is the mean.
        """
        weeks = (self._window.hi - self._window.lo) / timedelta(weeks=1)
        return [
            {
                "milestone": str(milestone),
                "waits": {party.value: row.waits[party] for party in PARTIES},
                "changes": len(row.changes),
                "a_week": round(sum(row.waits.values()) / max(weeks, 1.0), 1),
                "most_in_a_week": max(row.weeks.values(), default=0),
            }
            for milestone, row in self._rows.items()
        ]


def week_of(at: datetime, calendar: Calendar) -> date:
    """The Monday of an instant's week, in the calendar's zone."""
    day = calendar.local_date(at)
    return day - timedelta(days=day.weekday())
