"""Limits: they are exact, and they only delay. Pure functions of what was asked and put off.

Whoever decides holds the lease of the roster, so nothing is counted that is about to change. Of
what waits for the same limit the longest wait goes first, and one that was never asked about before
one that was: a limit that always met the same changes would forget them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Iterable, List, Optional, Sequence, Tuple

from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.worktime import Calendar
from reviewloop.store.asks import WEEK, Ask
from reviewloop.store.pending import Pending, Reason

LATELY = timedelta(hours=2)
"""Who does not come back for so long, once they may, keeps nobody behind them."""
AGAIN = timedelta(hours=2)
"""When to look again at what no limit puts off: somebody comes back."""

Rank = Tuple[bool, datetime, int]


@dataclass(frozen=True)
class Hold:
    """Why nobody is asked now, and when that can have changed."""

    reason: Reason
    not_before: datetime


@dataclass(frozen=True)
class Line:
    """What waits with this one: ``rank`` is its own place, the smaller the sooner.

    :param asks: every ask on record, ``pendings`` everything put off, of other waits.
    """

    tier: Tier
    rank: Rank
    now: datetime
    asks: Sequence[Ask]
    pendings: Sequence[Pending]

    @property
    def mine(self) -> List[Ask]:
        """The asks that count for the same limit."""
        return [ask for ask in self.asks if same_kind(Tier(ask.tier), self.tier)]

    @property
    def ahead(self) -> int:
        """How many that are due come first."""
        due = [one for one in self.pendings if one.reason is not Reason.JOINED]
        due = [one for one in due if self.now - LATELY <= one.not_before <= self.now]
        return sum(one.rank < self.rank and same_kind(Tier(one.tier), self.tier) for one in due)


def same_kind(one: Tier, other: Tier) -> bool:
    """Whether asks on the two tiers share a limit: committee and chair are one roster."""
    return one is other or (one in ROSTER_TIERS and other in ROSTER_TIERS)


def cap(line: Line, most: int, run: timedelta) -> Optional[Hold]:
    """``per_run``: at most so many on the roster within one poll interval."""
    if line.tier not in ROSTER_TIERS:
        return None
    recent = [ask.at for ask in line.mine if ask.at > line.now - run]
    if line.ahead < most - len(recent):
        return None
    # The same instant for all that meet it, so that they come back together and in order.
    return Hold(Reason.CAP, max(recent, default=line.now) + run)


def ramp(line: Line, most: int, calendar: Calendar) -> Optional[Hold]:
    """``ramp_per_day``: at most so many old waits a working day."""
    today = calendar.day_start(calendar.local_date(line.now))
    asked = sum(ask.late and ask.at >= today for ask in line.mine)
    if line.ahead < most - asked:
        return None
    return Hold(Reason.RAMP, next_working_day(calendar, line.now))


def budget(line: Line, accounts: Iterable[int], most: int, run: timedelta) -> Optional[Hold]:
    """``per_person_week``: at most so many to one person in seven days.

    :param accounts: those who could be asked but for this.
    """
    weeks = [_week(line, account) for account in accounts]
    free = sum(max(0, most - len(week)) for week in weeks)
    if line.ahead < free:
        return None
    if free:  # others come first, and they are due
        return Hold(Reason.BUDGET, line.now + run)
    # A person is free again when so many have left the week that one more fits.
    lapsing = [week[len(week) - most] + WEEK for week in weeks]
    return Hold(Reason.BUDGET, min(lapsing, default=line.now + AGAIN))


def joined_until(calendar: Calendar, now: datetime) -> datetime:
    """When to look again at what is joined to another change, if the sensor sees nothing happen on
    either: in a working day. Above a parent that takes weeks each look would be in vain.
    """
    at, _ = calendar.spend(now, calendar.day_seconds)
    return now + AGAIN if at is None else at


def _week(line: Line, account: int) -> List[datetime]:
    """When somebody was asked in the last seven days, earliest first."""
    since = line.now - WEEK
    return sorted(ask.at for ask in line.asks if account in ask.accounts and ask.at > since)


def is_late(calendar: Calendar, crossed_at: datetime, now: datetime) -> bool:
    """Whether a wait's highest milestone was crossed more than a working day ago."""
    return calendar.elapsed(crossed_at, now) > calendar.day_seconds


def next_working_day(calendar: Calendar, now: datetime) -> datetime:
    """When work begins again on a later day; a day from now where the calendar knows none."""
    tomorrow = calendar.day_start(calendar.local_date(now) + timedelta(days=1))
    worked = calendar.add(tomorrow, 1)
    return now + timedelta(days=1) if worked is None else worked - timedelta(seconds=1)
