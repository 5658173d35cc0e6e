"""What is open now, where the time of changes went, and when people review."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from reviewloop.core.change import ChangeStatus
from reviewloop.insight.report import charts
from reviewloop.insight.report.facts import ChangeFact
from reviewloop.insight.report.figures import count, days, mean, median, percent, rounded
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.stages import Stage
from reviewloop.insight.sections import Cell, Section, Table

#: The backlog's ages: up to so many working days.
_AGES: Tuple[Tuple[float, str], ...] = (
    (1.0, "up to 1"),
    (2.0, "up to 2"),
    (5.0, "up to 5"),
    (10.0, "up to 10"),
    (20.0, "up to 20"),
    (60.0, "up to 60"),
    (float("inf"), "more than 60"),
)
_DAY = 86_400
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_OPEN_STAGES = (Stage.REVIEWERS, Stage.OWNER, Stage.RED, Stage.SUBMITTER, Stage.GATE)


def backlog(found: Gathered) -> Section:
    """Open changes by whose turn it is, and for how long it has been."""
    waiting = [one for one in found.changes if one.turn is not None]
    counted: Dict[Tuple[str, Stage], int] = {}
    for one in waiting:
        key = (_age(one.open_days), one.turn or Stage.NOBODY)
        counted[key] = counted.get(key, 0) + 1
    names = [name for _, name in _AGES]
    rows: List[List[Cell]] = []
    for stage in _OPEN_STAGES:
        ages = [counted.get((name, stage), 0) for name in names]
        amounts = [one.open_days for one in waiting if one.turn is stage]
        rows.append([stage.value, *ages, sum(ages), days(median(amounts))])
    values = [
        {"age": age, "turn": stage.value, "changes": number, "place": place}
        for place, stage in enumerate(_OPEN_STAGES)
        for age in names
        for number in [counted.get((age, stage), 0)]
        if number
    ]
    mine = [one for one in waiting if one.turn is Stage.REVIEWERS]
    late = sum(one.open_days > found.scope.promised for one in mine)
    lead = "No change is open and waits for somebody."
    if waiting:
        lead = (
            f"{count(len(waiting), 'open change')} wait{'s' if len(waiting) == 1 else ''} for"
            f" somebody, {len(mine):,} of them for reviewers; of these {late:,} for longer than the"
            f" promise of {found.scope.promise}."
        )
    idle = sum(not one.status.is_closed for one in found.changes) - len(waiting)
    chart = charts.bars(
        values,
        x=charts.channel(
            "age", charts.ORDER, "working days so far", sort=names, scale={"domain": names}
        ),
        y=charts.channel("changes", charts.QUANTITY, "open changes"),
        color=charts.channel("turn", charts.NAME, "turn", sort=[one.value for one in _OPEN_STAGES]),
        order={"field": "place"},
    )
    more = "No" if not idle else f"{idle:,}"
    note = f"{more} more {_waits(idle)} for nobody: in progress or held back."
    table = Table(("turn", *names, "all", "median working days"), rows)
    title = "What is open, for how long, and whose turn it is"
    return Section("backlog", title, lead, table, chart if waiting else None, note)


def _waits(number: int) -> str:
    return "open change waits" if number == 1 else "open changes wait"


def _age(amount: float) -> str:
    return next(name for most, name in _AGES if amount <= most)


_FATES: Tuple[Tuple[str, Callable[[ChangeFact], bool]], ...] = (
    ("merged", lambda one: one.status is ChangeStatus.MERGED),
    ("abandoned", lambda one: one.status.is_closed and one.status is not ChangeStatus.MERGED),
    ("open", lambda one: not one.status.is_closed),
)


def life(found: Gathered) -> Section:
    """Where the time of changes goes."""
    rows: List[List[Cell]] = []
    values: List[Dict[str, Any]] = []
    lead = "No change was merged in the period."
    for fate, holds in _FATES:
        mine = [one for one in found.changes if holds(one) and _in_period(one, found)]
        for place, stage in enumerate(Stage):
            pooled, per_change = _shares(mine, stage)
            amounts = [one.life.get(stage, 0.0) / _DAY for one in mine]
            shares = (rounded(pooled), rounded(per_change))
            rows.append([fate, stage.value, *shares, days(mean(amounts)), days(median(amounts))])
            if pooled is not None:
                part = {"fate": fate, "stage": stage.value, "place": place}
                values.append({**part, "share": round(pooled, charts.DIGITS)})
        if fate == "merged" and mine:
            lead = _life(mine)
    chart = charts.bars(
        values,
        x=charts.channel("share", charts.QUANTITY, "share of the time", axis=charts.PERCENT),
        y=charts.channel("fate", charts.NAME, "changes", sort=[name for name, _ in _FATES]),
        color=charts.channel("stage", charts.NAME, "waits for", sort=[one.value for one in Stage]),
        order={"field": "place"},
    )
    columns = (
        "changes",
        "waits for",
        "share of all time",
        "mean share",
        "mean days",
        "median days",
    )
    note = (
        "By the calendar, nights and weekends included, while the change was open. Long-lived"
        " changes weigh most in the share of all time; the mean share counts every change alike."
    )
    table = Table(columns, rows)
    return Section(
        "life", "Where a change's life goes", lead, table, chart if values else None, note
    )


def _life(mine: Sequence[ChangeFact]) -> str:
    shares = [(share, stage) for stage in Stage for share, _ in [_shares(mine, stage)] if share]
    if not shares:
        return "The merged changes were open for no time at all."
    longest, stage = max(shares, key=lambda one: one[0])
    reviewers = _shares(mine, Stage.REVIEWERS)[0] or 0.0
    beside = (
        ""
        if stage is Stage.REVIEWERS
        else f"; {percent(reviewers)} of it they waited for reviewers"
    )
    said = {Stage.NOBODY: "they were in progress"}.get(stage, f"they waited for the {stage.value}")
    return (
        f"{percent(longest)} of the time that {count(len(mine), 'merged change')} were open"
        f" {said}{'' if stage is Stage.REVIEWERS else beside}."
    )


def _shares(mine: Sequence[ChangeFact], stage: Stage) -> Tuple[Optional[float], Optional[float]]:
    """A stage's share of all time, and the mean of its shares of each change's."""
    wholes = [(one.life.get(stage, 0.0), sum(one.life.values())) for one in mine]
    total = sum(whole for _, whole in wholes)
    pooled = sum(part for part, _ in wholes) / total if total else None
    return pooled, mean([part / whole for part, whole in wholes if whole])


def _in_period(one: ChangeFact, found: Gathered) -> bool:
    return one.closed is None or found.scope.holds(one.closed)


def hours(found: Gathered) -> Section:
    """When people review, by weekday and hour."""
    zone = str(found.scope.policy.calendar.zone)
    total = sum(found.hours.values())
    rows: List[List[Cell]] = [
        [name, *(found.hours[day, hour] for hour in range(24)), _day(found, day)]
        for day, name in enumerate(_WEEKDAYS)
    ]
    values = [
        {"day": _WEEKDAYS[day], "hour": hour, "reviews": found.hours[day, hour]}
        for day in range(7)
        for hour in range(24)
    ]
    lead = "Nobody reviewed anything in the period."
    if total:
        day = max(range(7), key=lambda one: _day(found, one))
        weekend = sum(_day(found, one) for one in (5, 6)) / total
        begin = max(range(24), key=lambda one: _eight(found, one))
        lead = (
            f"Of {count(total, 'review')}, {percent(_eight(found, begin) / total)} came between"
            f" {begin:02}:00 and {(begin + 8) % 24:02}:00 ({zone}) and {percent(weekend)} on"
            f" Saturdays and Sundays; the busiest day is {_LONG[day]}."
        )
    chart = charts.chart(
        values,
        mark={"type": "rect"},
        encoding={
            "x": charts.channel("hour", charts.ORDER, f"hour ({zone})"),
            "y": charts.channel("day", charts.ORDER, "weekday", sort=list(_WEEKDAYS)),
            "color": charts.channel("reviews", charts.QUANTITY, "reviews"),
        },
    )
    table = Table(("weekday", *(f"{hour:02}" for hour in range(24)), "all"), rows)
    note = "Reviews by people, whoever's turn it was. The zone is the calendar's."
    return Section("hours", "When people review", lead, table, chart if total else None, note)


_LONG = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)


def _day(found: Gathered, day: int) -> int:
    return sum(found.hours[day, hour] for hour in range(24))


def _eight(found: Gathered, begin: int) -> int:
    """The reviews of the eight hours from one on."""
    inside = [(begin + each) % 24 for each in range(8)]
    return sum(found.hours[day, hour] for day in range(7) for hour in inside)
