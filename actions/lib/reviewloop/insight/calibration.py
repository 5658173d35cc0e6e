"""How often the line was right that :mod:`reviewloop.insight.eta` draws: played over the past.

For each wait that begins, the line is drawn from what was known when that day began, in UTC. A line
is right that says 80 % if 80 % of the waits ended with a review within it. What was withdrawn
before is neither right nor wrong; the share counts it as Kaplan and Meier do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from reviewloop.core.turns import How
from reviewloop.core.worktime import Calendar
from reviewloop.insight.eta import SHARE, Kind, Like, Past, Scope, usual
from reviewloop.insight.survival import Observed, kaplan_meier

FOLD = timedelta(days=30)
_DAY = timedelta(days=1)


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
    past: Iterable[Past], calendar: Calendar, now: datetime, kind: Optional[Kind] = None
) -> Tuple[Fold, ...]:
    """The folds of 30 days from the first wait on, and none of which ``now`` is not the end yet.

    :param now: when the histories were read: until then waits were seen.
    :param kind: which waits are tried; None for all.
    """
    every = sorted(past, key=lambda one: one.since)
    if not every:
        return ()
    tried = [
        (since, one)
        for since, wanted, one in _tried(every, calendar, now)
        if kind is None or wanted is kind
    ]
    begin = _midnight(every[0].since)
    folds = []
    while begin + FOLD <= now:
        mine = [one for since, one in tried if begin <= since < begin + FOLD]
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
    every: Sequence[Past], calendar: Calendar, now: datetime
) -> Iterator[Tuple[datetime, Kind, Optional[Tried]]]:
    """Each wait with its line, or None where there is none, in the order in which they began."""
    active: List[Past] = []
    taken, today = 0, every[0].since
    lines: Dict[Like, Optional[Tuple[Scope, float]]] = {}
    for one in every:
        if one.since >= now:
            return
        day = _midnight(one.since)
        if day != today:
            today, lines = day, {}
            while taken < len(every) and every[taken].since < day:
                active.append(every[taken])
                taken += 1
            active = [past for past in active if past.is_seen(day)]
        if one.like not in lines:
            lines[one.like] = _line(active, one.like, day, calendar)
        yield one.since, one.like.kind, _try(one, lines[one.like], calendar, now)


def _line(
    active: Sequence[Past], like: Like, day: datetime, calendar: Calendar
) -> Optional[Tuple[Scope, float]]:
    found = usual(active, like, day, calendar)
    seconds = None if found is None else found[1].quantile(SHARE)
    return None if found is None or not seconds else (found[0], seconds)


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
