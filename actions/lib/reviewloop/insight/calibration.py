"""How often the line was right that :mod:`reviewloop.insight.eta` draws: played over the past.

For each wait that begins, the line is drawn from what was known when that day began, in UTC. A line
is right that says 80 % if 80 % of the waits ended with a review within it. What was withdrawn
before is neither right nor wrong; the share counts it as Kaplan and Meier do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from reviewloop.core.turns import How
from reviewloop.core.worktime import EARLIEST, Calendar
from reviewloop.insight.eta import (
    FEW,
    SHARE,
    WINDOW,
    Group,
    Kind,
    Like,
    Past,
    Scope,
    curve_of,
    groups_of,
)
from reviewloop.insight.survival import Observed, kaplan_meier

FOLD = timedelta(days=30)


@dataclass(frozen=True)
class Tried:
    """A wait with the line that was drawn for it; ``ratio`` is how long it lasted, in lines, and
    ``reviewed`` whether a review ended it then.
    """

    since: datetime
    scope: Scope
    ratio: float
    reviewed: bool


@dataclass(frozen=True)
class Fold:
    """The waits that began in ``[begin, end)``.

    ``silent``: for how many no line could be drawn; ``drawn`` for how many one was. Of these
    ``within`` were reviewed within it and ``beyond`` lasted longer; the others ended otherwise
    before. ``share`` is the share within it, None where no line was drawn.
    """

    begin: datetime
    end: datetime
    silent: int
    drawn: int
    within: int
    beyond: int
    share: Optional[float]


def calibration(
    past: Iterable[Past],
    calendar: Calendar,
    now: datetime,
    kind: Optional[Kind] = None,
    since: datetime = EARLIEST,
) -> Tuple[Fold, ...]:
    """The folds of 30 days from the first wait on, and none of which ``now`` is not the end yet.

    :param now: when the histories were read: until then waits were seen.
    :param kind: which waits are tried; None for all.
    :param since: no fold that begins before, and no line for it.
    """
    wanted = (one for one in past if kind is None or one.like.kind is kind)
    every = sorted(wanted, key=lambda one: one.since)
    if not every:
        return ()
    begin = _midnight(every[0].since)
    while begin < since:
        begin += FOLD
    tried = list(_tried(every, calendar, begin, now))
    folds = []
    while begin + FOLD <= now:
        mine = [one for at, one in tried if begin <= at < begin + FOLD]
        folds.append(_fold(begin, begin + FOLD, mine))
        begin += FOLD
    return tuple(folds)


def overall(folds: Sequence[Fold]) -> Optional[float]:
    """The share of all folds, each weighing as much as it has lines; None without any."""
    drawn = [(one.share, one.drawn) for one in folds if one.share is not None]
    total = sum(count for _, count in drawn)
    return sum(share * count for share, count in drawn) / total if total else None


def _fold(begin: datetime, end: datetime, tried: Sequence[Optional[Tried]]) -> Fold:
    drawn = [one for one in tried if one is not None]
    within = sum(one.reviewed and one.ratio <= 1 for one in drawn)
    beyond = sum(one.ratio > 1 for one in drawn)
    return Fold(begin, end, len(tried) - len(drawn), len(drawn), within, beyond, _share(drawn))


def _share(drawn: Sequence[Tried]) -> Optional[float]:
    if not drawn:
        return None
    observed = (Observed(one.ratio, How.REVIEWED.value if one.reviewed else "") for one in drawn)
    return 1 - kaplan_meier(observed).at(1.0).lasting


def _tried(
    every: Sequence[Past], calendar: Calendar, begin: datetime, now: datetime
) -> Iterator[Tuple[datetime, Optional[Tried]]]:
    """Each wait from ``begin`` on with its line, or None where there is none, in the order in which
    they began.
    """
    lines, taken = _Lines(calendar, every[0].since), 0
    for one in every:
        if one.since >= now:
            return
        if one.since < begin:
            continue
        day = _midnight(one.since)
        while every[taken].since < day:
            lines.add(every[taken])
            taken += 1
        yield one.since, _try(one, lines.of(one.like, day), calendar, now)


class _Watched:
    """A wait on a clock of working seconds: the calendar is asked once, and not every day again.

    :param clock: working seconds from some instant on; the wait began later.
    """

    def __init__(self, past: Past, clock: Callable[[datetime], int]) -> None:
        self.past = past
        self._spans = [
            (clock(one.start), None if one.end is None else clock(one.end)) for one in past.running
        ]

    def observed(self, day: datetime, begin: int, now: int) -> Observed:
        """What :meth:`Past.observed` says of a day.

        :param begin, now: the clock at the window's beginning, and at the day's.
        """
        past = self.past
        entered = self._elapsed(begin)
        if past.end is None or past.end > day:
            return Observed(self._elapsed(now), "", entered)
        ending = "" if past.how is None else past.how.value
        time = self._elapsed(now) if past.seconds is None else past.seconds
        return Observed(time, ending, entered)

    def _elapsed(self, at: int) -> int:
        return sum(
            (at if end is None or at < end else end) - start
            for start, end in self._spans
            if start < at
        )


class _Lines:
    """The lines of one day after the other: for each group of waits that are alike, one a day."""

    def __init__(self, calendar: Calendar, origin: datetime) -> None:
        self._calendar, self._origin = calendar, origin
        self._groups: Dict[Group, List[_Watched]] = {}
        self._day, self._begin, self._now = EARLIEST, 0, 0
        self._drawn: Dict[Group, Tuple[int, Optional[float]]] = {}

    def _clock(self, at: datetime) -> int:
        return self._calendar.elapsed(self._origin, at)

    def add(self, past: Past) -> None:
        """Take in a wait that began before the next day that is asked about."""
        watched = _Watched(past, self._clock)
        for group in groups_of(past.like):
            self._groups.setdefault(group, []).append(watched)

    def of(self, like: Like, day: datetime) -> Optional[Tuple[Scope, float]]:
        """The line as it was known that morning: what :func:`reviewloop.insight.eta.usual` says.

        :param day: not before the one that was asked about last.
        """
        if day != self._day:
            self._day, self._drawn = day, {}
            self._begin, self._now = self._clock(day - WINDOW), self._clock(day)
        for group, scope in groups_of(like).items():
            waits, seconds = self._of_group(group)
            if waits >= FEW:
                return (scope, seconds) if seconds else None
        return None

    def _of_group(self, group: Group) -> Tuple[int, Optional[float]]:
        """How many waits of a group are seen that day, and the line where they are enough."""
        if group not in self._drawn:
            seen = [one for one in self._groups.get(group, ()) if one.past.is_seen(self._day)]
            self._groups[group] = seen
            self._drawn[group] = len(seen), self._line(seen) if len(seen) >= FEW else None
        return self._drawn[group]

    def _line(self, seen: Sequence[_Watched]) -> Optional[float]:
        observed = (one.observed(self._day, self._begin, self._now) for one in seen)
        return curve_of(observed).quantile(SHARE)


def _try(
    one: Past, line: Optional[Tuple[Scope, float]], calendar: Calendar, now: datetime
) -> Optional[Tried]:
    if line is None:
        return None
    scope, seconds = line
    reviewed = one.how is How.REVIEWED and one.end is not None and one.end <= now
    return Tried(one.since, scope, one.elapsed(now, calendar) / seconds, reviewed)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
