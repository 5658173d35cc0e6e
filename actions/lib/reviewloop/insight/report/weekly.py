"""The share within the promise week by week, with freezes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from reviewloop.insight.report import charts
from reviewloop.insight.report.facts import WaitFact
from reviewloop.insight.report.figures import proportion, rounded
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import Scope
from reviewloop.insight.report.standing import waits_of
from reviewloop.insight.sections import Cell, Section, Table
from reviewloop.settings.calendar import DaysOff, Freeze

_MOST_WEEKS = 52
# One week of a project has too few waits to say something.
_TOGETHER = 4


def weeks(found: Gathered) -> Section:
    """The share within the promise, by the week in which waits began."""
    scope = found.scope
    by_week: Dict[date, List[WaitFact]] = {}
    for wait in waits_of(found):
        if wait.since > scope.since:
            by_week.setdefault(_monday(wait.since, scope), []).append(wait)
    every = _every([week for week in by_week if _is_decided(week, scope)])
    counts = {week: _decided(waits, scope) for week, waits in by_week.items()}
    rows: List[List[Cell]] = []
    values: List[Dict[str, Any]] = []
    for week in every:
        hits, of = counts.get(week, (0, 0))
        last = [counts.get(week - timedelta(weeks=back), (0, 0)) for back in range(_TOGETHER)]
        share = proportion(sum(one for one, _ in last), sum(one for _, one in last))
        told = (None, None, None) if share is None else (share.share, share.low, share.high)
        away = _away(week, scope)
        rows.append([week.isoformat(), of, hits, *map(rounded, told), away])
        # Weeks without a share stay, and the line is broken there.
        point = dict(zip(("share", "low", "high"), map(rounded, told)))
        values.append({"week": week.isoformat(), **point})
    return Section(
        "weeks",
        "Week by week",
        _trend(rows),
        Table(
            (
                "week from",
                "waits",
                "over within",
                "share of four weeks",
                "low",
                "high",
                "freeze",
            ),
            rows,
        ),
        _weeks_chart(values, every, scope) if any(one["share"] for one in values) else None,
        "By the week in which the wait began; a week counts when all of its waits had the time"
        " that is promised, without those that red CI or a snooze holds back. The share is that of"
        " the week and the three before it, with its 95 % band (Wilson); none is told under 20"
        f" waits.{' Shaded: freezes of the calendar.' if _freezes(scope) else ''}",
    )


def _every(weeks: Sequence[date]) -> List[date]:
    """The weeks from the first to the last, the latest 52."""
    if not weeks:
        return []
    between = (max(weeks) - min(weeks)).days // 7
    return [min(weeks) + timedelta(weeks=one) for one in range(between + 1)][-_MOST_WEEKS:]


def _decided(waits: Sequence[WaitFact], scope: Scope) -> Tuple[int, int]:
    """How many were over within the promise, of how many of which that is known."""
    decided = [one for one in waits if one.ending or one.days >= scope.promised]
    hits = sum(bool(one.ending) and one.days <= scope.promised for one in decided)
    return hits, len(decided)


def _trend(rows: Sequence[Sequence[Cell]]) -> str:
    """The last quarter of a year beside the one before."""
    quarter = 13
    begin, middle = -2 * quarter, -quarter
    halves = rows[middle:], rows[begin:middle]
    sums = [(_sum(part, 2), _sum(part, 1)) for part in halves]
    now, before = (proportion(*pair) for pair in sums)
    if now is None:
        return "There are too few waits to compare weeks."
    lead = f"Of the waits that began in the last {quarter} whole weeks, {now} were over in time"
    if before is None:
        return f"{lead}."
    apart = now.low > before.high or before.low > now.high
    how = "" if apart else "; the bands overlap, so this may be chance"
    return f"{lead}, after {before} in the {quarter} before{how}."


def _sum(rows: Sequence[Sequence[Cell]], place: int) -> int:
    return sum(cell for cell in (row[place] for row in rows) if isinstance(cell, int))


def _weeks_chart(
    values: List[Dict[str, Any]], every: Sequence[date], scope: Scope
) -> Mapping[str, Any]:
    x, title = (
        charts.channel("week", charts.TIME, "week", axis=charts.DATE),
        "over within the promise",
    )
    layers: List[Dict[str, Any]] = [
        {
            "mark": {"type": "area", "opacity": 0.25},
            "encoding": {"x": x, "y": charts.share("low", title), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "point": True},
            "encoding": {"x": x, "y": charts.share("share", title)},
        },
    ]
    frozen = [
        {"from": one.first.isoformat(), "to": (one.last + timedelta(days=1)).isoformat()}
        for one in _freezes(scope)
        if one.last >= every[0] and one.first <= every[-1] + timedelta(days=6)
    ]
    if frozen:
        shade = {
            "data": {"values": frozen},
            "mark": {"type": "rect", "opacity": 0.2},
            "encoding": {
                "x": charts.channel("from", charts.TIME, "week", axis=charts.DATE),
                "x2": {"field": "to"},
            },
        }
        layers.insert(0, shade)
    return charts.chart(values, layer=layers)


def _freezes(scope: Scope) -> Tuple[Freeze, ...]:
    days_off = scope.policy.calendar.days_off
    return days_off.freezes if isinstance(days_off, DaysOff) else ()


def _away(week: date, scope: Scope) -> str:
    days = [week + timedelta(days=each) for each in range(7)]
    reasons = {one.reason or "freeze" for one in _freezes(scope) if any(day in one for day in days)}
    return ", ".join(sorted(reasons))


def _monday(instant: datetime, scope: Scope) -> date:
    day = scope.policy.calendar.local_date(instant)
    return day - timedelta(days=day.weekday())


def _is_decided(week: date, scope: Scope) -> bool:
    """Whether whoever began to wait in a week had the promised time since."""
    calendar = scope.policy.calendar
    end = calendar.day_start(week + timedelta(days=7))
    return calendar.elapsed(end, scope.now) >= scope.promise.seconds(calendar)
