"""Whose changes wait longer: by size, by who wrote them, and by how often the author did before."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from reviewloop.core.policy import Origin
from reviewloop.insight.report import charts
from reviewloop.insight.report.facts import ChangeFact, WaitFact
from reviewloop.insight.report.figures import (
    COLUMNS,
    TOO_FEW,
    Pace,
    cells,
    count,
    days,
    median,
    observed,
    pace,
    percent,
    proportion,
    rounded,
)
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import EVER
from reviewloop.insight.report.stages import Stage
from reviewloop.insight.sections import Cell, Section, Table

_SIZES = ((10, "up to 10 lines"), (50, "11 to 50"), (250, "51 to 250"), (1000, "251 to 1000"))
_LARGEST, _NO_LINES = "more than 1000", "none, or not known"
_ORIGINS = {Origin.PERSON: "person", Origin.AGENT: "person's agent", Origin.BOT: "bot"}
_HISTORY = ((0, "first change"), (2, "2nd and 3rd"), (49, "4th to 50th"))
_LATER, _UNKNOWN = "51st and later", "not known: too early in what was read"
#: For so long after the beginning of what was read, nobody can be told to be new.
_UNSURE = timedelta(days=180)
_LISTED = ("nobody", "1 person", "2 or more")
_UNASKED = "not known: Gerrit was not asked"
_WHY_UNKNOWN: Dict[str, str] = {
    _NO_LINES: "The changes that were read do not say how many lines they have.",
    _UNKNOWN: (
        f"It takes a period of more than {_UNSURE.days} days to say who is new; `--days` makes it"
        " longer."
    ),
    _UNASKED: (
        "The changes that were read do not say who was made a reviewer when: Gerrit tells it where"
        " it is asked for `REVIEWER_UPDATES`."
    ),
}


def sizes(found: Gathered) -> Section:
    """By the lines of the last patch set."""

    def size(one: ChangeFact, _: WaitFact) -> str:
        if not one.size:
            return _NO_LINES
        return next((name for most, name in _SIZES if one.size <= most), _LARGEST)

    order = [*(name for _, name in _SIZES), _LARGEST, _NO_LINES]
    note = "Inserted and deleted lines of the patch set that was current when this was read."
    return _section(found, ("size", "By size", note), size, order)


def origins(found: Gathered) -> Section:
    """By who wrote the change."""

    def origin(one: ChangeFact, _: WaitFact) -> str:
        return _ORIGINS[one.origin]

    note = (
        "A bot owns the change; an agent is told by the owner's name or by the commit message's"
        " footers, which a search answers only where it is asked for them."
    )
    return _section(found, ("origin", "By origin", note), origin, list(_ORIGINS.values()))


def authors(found: Gathered) -> Section:
    """By how many changes the owner had uploaded before."""
    known = _earlier(found.changes)
    # What was closed before the period was not read.
    begin = max(min((one.created for one in found.changes), default=EVER), found.scope.since)

    def history(one: ChangeFact, _: WaitFact) -> str:
        if one.created < begin + _UNSURE:
            return _UNKNOWN
        before = known[one.project, one.number]
        return next((name for most, name in _HISTORY if before <= most), _LATER)

    order = [*(name for _, name in _HISTORY), _LATER, _UNKNOWN]
    note = (
        "Counted among the changes that were read: of owners who were there before, earlier"
        f" changes may be missing. Changes of the first {_UNSURE.days} days that were read are told"
        " apart."
    )
    return _section(found, ("authors", "By the author's history", note), history, order)


def _earlier(changes: Iterable[ChangeFact]) -> Dict[Tuple[str, int], int]:
    """How many changes of the same owner were created before each one."""
    seen: Dict[int, int] = defaultdict(int)
    found = {}
    for one in sorted(changes, key=lambda each: (each.created, each.number)):
        found[one.project, one.number] = seen[one.owner]
        seen[one.owner] += 1
    return found


def asked(found: Gathered) -> Section:
    """By how many people had been asked when the wait began."""
    note = (
        "People whom others had made reviewers when the wait began, or within ten minutes; who came"
        " by themselves was not asked. Bots and the owner do not count."
    )

    def group(_: ChangeFact, wait: WaitFact) -> str:
        return _UNASKED if wait.asked is None else _LISTED[min(wait.asked, 2)]

    head = ("asked", "By number of reviewers asked", note)
    return _section(found, head, group, [*_LISTED, _UNASKED])


def _section(
    found: Gathered,
    head: Tuple[str, str, str],
    group_of: Callable[[ChangeFact, WaitFact], str],
    order: Sequence[str],
) -> Section:
    by_group: Dict[str, List[WaitFact]] = {name: [] for name in order}
    for change in found.changes:
        for wait in change.waits:
            by_group[group_of(change, wait)].append(wait)
    paces = {name: pace(observed(waits), found.scope.promised) for name, waits in by_group.items()}
    rows = [[name, *cells(one)] for name, one in paces.items() if one.waits]
    values = [
        {
            "group": name,
            "share": rounded(one.within.share),
            "low": rounded(one.within.low),
            "high": rounded(one.within.high),
        }
        for name, one in paces.items()
        if one.within and name not in _WHY_UNKNOWN
    ]
    ident, title, note = head
    table = Table(("group", *COLUMNS), rows)
    known = {name: one for name, one in paces.items() if name not in _WHY_UNKNOWN}
    chart = charts.ranges(values, title.replace("By ", "", 1), order) if len(values) > 1 else None
    lead = _lead(known)
    if not any(one.waits for one in known.values()) and rows:
        lead = _WHY_UNKNOWN[str(rows[0][0])]
    return Section(ident, title, lead, table, chart, note)


def _lead(paces: Dict[str, Pace]) -> str:
    told = [(one.within, name) for name, one in paces.items() if one.within]
    if not told:
        return "No group has the 20 waits that it takes to say something."
    if len(told) == 1:
        share, name = told[0]
        return f"Only one group has 20 waits: “{name}”, {share} over within the promise."
    worst = min(told, key=lambda one: one[0].share)
    best = max(told, key=lambda one: one[0].share)
    apart = worst[0].high < best[0].low
    chance = "" if apart else " The bands overlap, so this may be chance."
    return (
        f"Over within the promise: least often “{worst[1]}”, {worst[0]}, most often"
        f" “{best[1]}”, {best[0]}.{chance}"
    )


def listed(found: Gathered) -> Section:
    """Open changes that wait for reviewers, by how many people are named as such."""
    mine = [one for one in found.changes if one.turn is Stage.REVIEWERS]
    by_name: Dict[str, List[float]] = {name: [] for name in _LISTED}
    for one in mine:
        by_name[_LISTED[min(one.people, 2)]].append(one.open_days)
    promised = found.scope.promised
    rows: List[List[Cell]] = []
    values: List[Dict[str, Any]] = []
    for name, ages in by_name.items():
        late = sum(age > promised for age in ages)
        share = proportion(late, len(ages))
        told: Optional[Cell] = TOO_FEW if share is None else rounded(share.share)
        rows.append([name, len(ages), late, told, days(median(ages))])
        values += [
            {"people": name, "waits": "past the promise", "changes": late},
            {"people": name, "waits": "not yet", "changes": len(ages) - late},
        ]
    lead = "No open change waits for reviewers."
    if mine:
        alone = len(by_name[_LISTED[0]])
        lead = (
            f"Of {count(len(mine), 'open change')} that wait for reviewers, {alone:,}"
            f" ({percent(alone / len(mine))}) name nobody as a reviewer."
        )
    chart = charts.bars(
        values,
        x=charts.channel("changes", charts.QUANTITY, "open changes"),
        y=charts.channel("people", charts.NAME, "reviewers named", sort=list(_LISTED)),
        color=charts.channel("waits", charts.NAME, "they wait"),
    )
    note = (
        "People only, as Gerrit lists them now: those who were asked, and those who reviewed by"
        " themselves."
    )
    columns = ("reviewers named", "open changes", "past the promise", "share", "median days so far")
    title = "Open changes by number of reviewers named"
    return Section("listed", title, lead, Table(columns, rows), chart if mine else None, note)
