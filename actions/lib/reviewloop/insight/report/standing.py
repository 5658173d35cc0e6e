"""How the reviewers' waits stand: the promise, the curve, and by project."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from reviewloop.insight.report import charts
from reviewloop.insight.report.facts import CLOSED, ENDINGS, WaitFact
from reviewloop.insight.report.figures import (
    COLUMNS,
    Pace,
    cells,
    count,
    in_days,
    observed,
    pace,
    percent,
    rounded,
)
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import RECENT, Scope
from reviewloop.insight.sections import Cell, Section, Table
from reviewloop.insight.survival import incidence, kaplan_meier

#: Up to how many working days the curves are drawn, and for which the table gives numbers.
UNTIL = 20.0
_STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_MOST_PROJECTS = 24
_MOST_WEEKS = 52


def standing(found: Gathered) -> Section:
    """One sentence that says how it stands."""
    scope, waits = found.scope, waits_of(found)
    every = pace(observed(waits), scope.promised)
    recent = pace(observed(waits, recent=True), scope.promised)
    name = f"last {RECENT.days} days"
    rows: List[List[Cell]] = [["whole period", *cells(every)]]
    if scope.recent > scope.since:
        rows.insert(0, [name, *cells(recent)])
    pair = (recent, f"In the {name}") if recent.within else (every, "In the whole period")
    return Section(
        "standing",
        "How it stands",
        _standing(*pair, scope),
        Table(("period", *COLUMNS), rows),
        None,
        "Waits that began before a period count in it from its beginning on (delayed entry), and"
        " those that still last count as far as they go.",
    )


def _standing(found: Pace, when: str, scope: Scope) -> str:
    if found.within is None:
        return (
            f"There are too few waits of reviewers to say how it stands: {found.waits},"
            " and it takes 20."
        )
    slowest = found.slowest
    slow = (
        "how long the slowest tenth waits cannot be seen yet"
        if slowest is None
        else f"the slowest tenth waits longer than {in_days(slowest)}"
    )
    return (
        f"{when}, {found.within} of the reviewers' waits were over within the promise of"
        f" {scope.promise}, {percent(found.reviewed or 0)} by a review; {slow}."
    )


def waiting(found: Gathered) -> Section:
    """The curve of the reviewers' waits, and how they end."""
    scope = found.scope
    every = observed(waits_of(found))
    curve, ends = kaplan_meier(every), incidence(every)
    rows: List[List[Cell]] = []
    for step in sorted({*_STEPS, scope.promised}):
        at = curve.at(step)
        if step <= curve.last:
            shares = [rounded(ends.at(step, how)) for how in ENDINGS]
            rows.append([step, rounded(at.lasting), rounded(at.low), rounded(at.high), *shares])
    columns = ("working days", "still waiting", "low", "high", *ENDINGS)
    if curve.is_few:
        lead = f"Too few waits to draw a curve: {curve.waits}."
        return Section("waiting", "The reviewers' wait", lead, Table(columns, rows))
    median = curve.quantile(0.5)
    half = (
        "Fewer than half of them are over."
        if median is None
        else f"Half of them were over after {in_days(median)}."
    )
    late = curve.at(scope.promised).lasting
    lead = (
        f"Of {count(curve.waits, 'wait')} of reviewers, {percent(late)} lasted longer than the"
        f" promise of {scope.promise}. {half} {percent(ends.at(UNTIL, CLOSED))} ended within"
        f" {UNTIL:.0f} working days because the change was merged or abandoned without another"
        " review."
    )
    values = charts.curve_points(curve, UNTIL, line="still waiting")
    closed = [
        {"days": one, "share": round(share, charts.DIGITS)}
        for one, share in zip(ends.times, ends.shares.get(CLOSED, ()))
        if one <= UNTIL
    ]
    step = max(1, len(closed) // charts.MOST_POINTS)
    spec = charts.chart(
        values,
        layer=[
            *charts.curve_layers(scope.promised, UNTIL),
            {
                "data": {"values": closed[::step]},
                "mark": {"type": "line", "interpolate": "step-after", "strokeDash": [2, 2]},
                "encoding": {
                    "x": charts.channel("days", charts.QUANTITY, "working days"),
                    "y": charts.share("share", "still waiting"),
                },
            },
        ],
    )
    note = (
        "Solid: the share that still waits, with its 95 % band; vertical: the promise; dashed:"
        " merged or abandoned without another review by then. Working time, without red CI and"
        " snoozes."
    )
    return Section("waiting", "The reviewers' wait", lead, Table(columns, rows), spec, note)


def projects(found: Gathered) -> Section:
    """The same curve, project by project."""
    scope = found.scope
    by_project: Dict[str, List[WaitFact]] = {}
    for change in found.changes:
        by_project.setdefault(change.project, []).extend(change.waits)
    paces = {name: pace(observed(waits), scope.promised) for name, waits in by_project.items()}
    order = sorted(paces, key=lambda name: (_worst(paces[name]), -paces[name].waits, name))
    shown = [name for name in order if paces[name].within][:_MOST_PROJECTS]
    rows = [[name, *cells(paces[name])] for name in order if paces[name].waits]
    values = [
        point
        for name in shown
        for point in charts.curve_points(paces[name].curve, UNTIL, project=name)
    ]
    lead = f"None of {count(len(by_project), 'project')} has the 20 waits that a curve takes."
    if len(shown) == 1:
        lead = f"Only {shown[0]} has the 20 waits that a curve takes: {paces[shown[0]].within}."
    elif shown:
        worst, best = paces[shown[0]].within, paces[shown[-1]].within
        lead = f"Over within the promise: from {worst} in {shown[0]} to {best} in {shown[-1]}."
    spec: Mapping[str, Any] = charts.chart(
        values,
        facet={"field": "project", "type": charts.NAME, "title": None, "sort": shown},
        columns=3,
        spec={"layer": charts.curve_layers(scope.promised, UNTIL)},
    )
    note = "Sorted by the share that was over in time, the lowest first." + (
        f" The chart shows {_MOST_PROJECTS} of them." if len(shown) == _MOST_PROJECTS else ""
    )
    table = Table(("project", *COLUMNS), rows)
    return Section("projects", "By project", lead, table, spec if shown else None, note)


def _worst(found: Pace) -> float:
    return found.within.share if found.within else 2.0


def waits_of(found: Gathered) -> List[WaitFact]:
    """The reviewers' waits of all changes."""
    return [one for change in found.changes for one in change.waits]
