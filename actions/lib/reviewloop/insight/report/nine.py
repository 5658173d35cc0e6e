"""OpenInfra's nine figures per project and release cycle."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Dict, List, Optional, Set, Tuple

from reviewloop.insight.report import charts
from reviewloop.insight.report.facts import ChangeFact
from reviewloop.insight.report.figures import count, days, mean, median, percent, rounded
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.sections import Cell, Section, Table

COLUMNS = (
    "project",
    "cycle",
    "review efficiency index",
    "days to first review, median",
    "days to first review, mean",
    "days to merge, median",
    "days to merge, mean",
    "patch sets per review, median",
    "patch sets per review, mean",
    "opened",
    "closed",
    "merged",
    "not closed, share",
    "maintainers",
    "reviewers",
)
"""The columns of :func:`rows` and of :func:`as_csv`."""
ALL = "all projects"
_DAY = 86_400
_SHOWN = 16


@dataclass(frozen=True)
class _Cell:
    """The changes that a project and a cycle are about."""

    opened: List[ChangeFact]
    closed: List[ChangeFact]

    @property
    def merged(self) -> List[ChangeFact]:
        return [one for one in self.closed if one.merged]


def rows(found: Gathered) -> List[List[Cell]]:
    """A row for each project and cycle, below :data:`COLUMNS`; where there are several projects,
    one for all of them too.
    """
    cells: Dict[Tuple[str, str], _Cell] = {}
    scope, cycles = found.scope, found.cycles
    several = len({one.project for one in found.changes}) > 1
    for one in found.changes:
        for project in (one.project, ALL) if several else (one.project,):
            if scope.holds(one.created):
                _cell(cells, project, cycles.of(one.created)).opened.append(one)
            if one.closed and scope.holds(one.closed):
                _cell(cells, project, cycles.of(one.closed)).closed.append(one)
    begins = {name: min(_instants(cell)) for (_, name), cell in cells.items() if _instants(cell)}
    order = sorted(cells, key=lambda key: (key[0] != ALL, key[0], begins[key[1]]))
    return [[*key, *_figures(found, key, cells[key])] for key in order]


def _cell(cells: Dict[Tuple[str, str], _Cell], project: str, cycle: str) -> _Cell:
    return cells.setdefault((project, cycle), _Cell([], []))


def _instants(cell: _Cell) -> List[datetime]:
    return [
        *(one.created for one in cell.opened),
        *(one.closed for one in cell.closed if one.closed),
    ]


def _figures(found: Gathered, key: Tuple[str, str], cell: _Cell) -> List[Cell]:
    opened, merged = cell.opened, cell.merged
    end = found.cycles.end(key[1]) or found.scope.now
    end = min(end, found.scope.now)
    left = [one for one in opened if one.closed is None or one.closed > end]
    first = [_apart(one.created, one.first_review) for one in opened if one.first_review]
    until = [_apart(one.created, one.merged) for one in merged if one.merged]
    sets = [float(one.patch_sets) for one in merged]
    return [
        _per(len(merged), len(opened)),
        days(median(first)),
        days(mean(first)),
        days(median(until)),
        days(mean(until)),
        days(median(sets)),
        days(mean(sets)),
        len(opened),
        len(cell.closed),
        len(merged),
        rounded(len(left) / len(opened)) if opened else None,
        len(_people(found.maintaining, key)),
        len(_people(found.reviewing, key)),
    ]


def _people(by_key: Dict[Tuple[str, str], Set[int]], key: Tuple[str, str]) -> Set[int]:
    project, cycle = key
    if project != ALL:
        return by_key.get(key, set())
    return {one for (_, name), every in by_key.items() if name == cycle for one in every}


def _apart(begin: datetime, end: datetime) -> float:
    return max((end - begin).total_seconds(), 0.0) / _DAY


def _per(part: int, of: int) -> Optional[float]:
    return round(part / of, 3) if of else None


def section(found: Gathered, told: List[List[Cell]]) -> Section:
    """The nine as a part of the report."""
    lead = "No change was opened or closed in the period."
    values = []
    if told:
        first = told[0][0]
        mine = [row for row in told if row[0] == first]
        lead = _lead(found, mine)
        values = [
            {"cycle": row[1], "what": name, "changes": row[COLUMNS.index(name)]}
            for row in mine[-_SHOWN:]
            for name in ("opened", "merged")
        ]
    chart = charts.bars(
        values,
        x=charts.channel("cycle", charts.ORDER, "cycle", sort=None),
        y=charts.channel("changes", charts.QUANTITY, "changes"),
        color=charts.channel("what", charts.NAME, "changes", sort=["opened", "merged"]),
        xOffset={"field": "what", "sort": ["opened", "merged"]},
    )
    note = (
        "Calendar days, so that they compare with other dashboards. Opened and time to first review"
        " are of the changes created in the cycle; closed, merged, time to merge and patch sets of"
        " those closed in it. The review efficiency index is merged ÷ opened. Changes without a"
        " review have no time to it, which makes young cycles look fast: the curve above counts"
        " them. Maintainers cast +2, -2 or an approval; reviewers are people who reviewed. Without"
        " names of cycles, a cycle is half a year; the first is told from the beginning of the"
        " period on, and the last one is not over."
    )
    title = "OpenInfra's nine, by project and release cycle"
    return Section("nine", title, lead, Table(COLUMNS, told), chart if values else None, note)


def _lead(found: Gathered, mine: List[List[Cell]]) -> str:
    """The last cycle that is over, or the only one."""
    row = dict(zip(COLUMNS, mine[-2] if len(mine) > 1 else mine[-1]))
    opened, merged = int(row["opened"] or 0), int(row["merged"] or 0)
    begin = found.cycles.begin(str(row["cycle"]))
    whole = begin is not None and begin >= found.scope.since
    when = f"In {row['cycle']}" if whole else f"In as much of {row['cycle']} as was read"
    lead = f"{when}, {count(opened, 'change')} were opened and {merged:,} merged"
    index = row["review efficiency index"]
    if isinstance(index, float):
        lead += f": a review efficiency index of {index:.2f}"
    left = row["not closed, share"]
    if isinstance(left, float):
        lead += f"; {percent(left)} of those opened were not closed by its end"
    return f"{lead}."


def as_csv(told: List[List[Cell]]) -> str:
    """The nine as comma-separated values with a head line (RFC 4180, lines end in CR LF); empty
    where there is no number. What a spreadsheet would take for a formula is told apart by a ``'``.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in row] for row in told)
    return out.getvalue()


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
