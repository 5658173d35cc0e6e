"""Whether the line is right within which most changes get their review: its calibration."""

from __future__ import annotations

from datetime import datetime
from typing import List

from reviewloop.insight.calibration import FOLD, calibration, overall
from reviewloop.insight.eta import FEW, SHARE, WINDOW
from reviewloop.insight.report import charts
from reviewloop.insight.report.figures import TOO_FEW, count, percent, rounded
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import EVER, KEPT
from reviewloop.insight.sections import Cell, Section, Table
from reviewloop.insight.survival import FEW as TOLD

#: For how long before the report's instant lines are tried; each needs what came before it, too.
TRIED = KEPT - WINDOW


def section(found: Gathered) -> Section:
    """The line of 80 %, drawn for every wait when it began, and what became of the wait."""
    scope = found.scope
    # A line needs all waits of the days before it.
    begin = max(scope.now - TRIED, _all_known(found))
    is_long = begin + FOLD <= scope.now
    calendar = scope.policy.calendar
    folds = calibration(found.past, calendar, scope.now, since=begin) if is_long else ()
    drawn = sum(one.drawn for one in folds)
    rows: List[List[Cell]] = [
        [
            one.begin.date().isoformat(),
            one.drawn,
            one.silent,
            one.within,
            one.beyond,
            TOO_FEW if one.drawn < TOLD else rounded(one.share),
        ]
        for one in folds
    ]
    share = overall(folds)
    lead = (
        f"No line can be judged: it takes a period of more than {(WINDOW + FOLD).days} days, and"
        f" {FEW} waits of one kind in {WINDOW.days} days."
    )
    if share is not None:
        lead = (
            f"A line within which {percent(SHARE)} should get their review, drawn for"
            f" {count(drawn, 'wait')} of the last {TRIED.days} days when they began, was right for"
            f" {100 * share:.1f} % of them."
        )
    values = [
        {"from": one.begin.date().isoformat(), "share": rounded(one.share), "waits": one.drawn}
        for one in folds
        if one.share is not None and one.drawn >= TOLD
    ]
    x = charts.channel("from", charts.TIME, "30 days from", axis=charts.DATE)
    chart = charts.chart(
        values,
        layer=[
            {
                "mark": {"type": "line", "point": True},
                "encoding": {"x": x, "y": charts.share("share", "reviewed within the line")},
            },
            {
                "mark": {"type": "rule", "strokeDash": [4, 4]},
                "encoding": {"y": {"datum": SHARE, "type": charts.QUANTITY}},
            },
        ],
    )
    note = (
        "Each line is drawn from what was known when the day began; a share far from"
        f" {percent(SHARE)} means that the past did not tell the future. Waits that ended otherwise"
        " before count as no longer watched. `reviewloop explain` shows such a line for one change."
    )
    columns = (
        "30 days from",
        "waits with a line",
        "without",
        "reviewed within it",
        "lasted longer",
        "share",
    )
    title = "Is the expected time right?"
    return Section("eta", title, lead, Table(columns, rows), chart if values else None, note)


def _all_known(found: Gathered) -> datetime:
    """From when on the waits of the days before are all known: what was closed before the period
    was not read.
    """
    since = found.scope.since
    return EVER if since == EVER else since + WINDOW
