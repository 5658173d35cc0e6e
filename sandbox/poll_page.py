"""Writes into README what a poll on ``age:2d`` would have done, beside this pack.

python -m sandbox.poll_page [--check]                of the made-up half year
python -m sandbox.poll_page NAME CONFIG CHANGES      and of real histories; NAME heads their column

The library must be on the path: ``PYTHONPATH=actions/lib:.``. The figures are those of the part
"Beside a poll" of ``reviewloop report``. Real histories are too large to ship, so the page keeps
the columns that were measured last.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple

from reviewloop.cli.config import read_config
from reviewloop.cli.histories import read_changes
from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse
from reviewloop.gerrit.fields import Raw
from reviewloop.insight.report.figures import in_days, percent
from reviewloop.insight.report.whole import Report
from reviewloop.insight.sections import Cell
from reviewloop.operations.report import Period, made
from reviewloop.settings.load import Settings, load

from .pages import ROOT, settle, table
from .report.histories import CONFIG, END, WEEKS, histories

PAGE = ROOT / "README.md"
BLOCK = re.compile(r"(?<=<!-- poll: begin -->\n).*?(?=<!-- poll: end -->)", re.DOTALL)
MADE_UP = "half a year, made up"
ROWS = (
    "waits of reviewers longer than 2 working days",
    "of these the poll never found",
    "and found late; by how much (median)",
    "reminders by the poll",
    "of these while no reviewer was late",
    "a reviewer moved next, after the poll's reminder",
    "a reviewer moved next, after this pack would have asked",
)
#: Longer than any history.
_DAYS = 20_000

Figures = Tuple[str, ...]


def of_made_up() -> Figures:
    """The figures of the made-up half year."""
    return figures(reported(histories(), load(CONFIG), END, 7 * WEEKS))


def of_file(path: Path, settings: Settings) -> Figures:
    """The figures of a file, until something last happened in it."""
    every = list(read_changes(path))
    return figures(reported(every, settings, last(every), _DAYS))


def last(every: Iterable[Raw]) -> datetime:
    """When something last happened."""
    found: List[datetime] = []
    for raw in every:
        try:
            found.append(parse.row(raw).updated)
        except ProtocolError:
            continue
    return max(found)


def reported(every: Iterable[Raw], settings: Settings, now: datetime, days: int) -> Report:
    """The report of some changes."""
    period = Period(now, days)
    return made(period.changes(every), period, settings, names=False)


def figures(found: Report) -> Figures:
    """The column of some histories, as long as ``ROWS``."""
    rows: Mapping[str, Sequence[Cell]] = {
        str(row[0]): row[1:] for row in found.section("poll").table.rows
    }

    def number(name: str) -> int:
        return int(rows[name][0] or 0)

    late = number("Reviewers' waits longer than 2d")
    sent = number("Times it would have reminded the reviewers")
    wrong = sent - number("it was the turn of: reviewers, past the promise")
    by = rows["late by, working days (median)"][0]
    poll, pack = rows["the reviewers moved next, share"]
    missed = number("never found before they ended") + number("not found so far")
    return (
        f"{late:,}",
        f"{missed:,}",
        f"{number('found late'):,}; {in_days(None if by is None else float(by))}",
        f"{sent:,}",
        f"{wrong:,} ({percent(wrong / max(sent, 1))})",
        *("-" if one is None else percent(float(one)) for one in (poll, pack)),
    )


def columns(text: str) -> Dict[str, Figures]:
    """The columns that a page has, by their heads."""
    (block,) = BLOCK.findall(text)
    lines = [line for line in block.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads, _, *rows = cells or [[""], []]
    return {name: tuple(row[place] for row in rows) for place, name in enumerate(heads) if name}


def page(text: str, more: Mapping[str, Figures]) -> str:
    """The page with some columns made anew."""
    shown = {**columns(text), **more}
    rows = [(name, *(one[place] for one in shown.values())) for place, name in enumerate(ROWS)]
    block = "\n".join(table(("", *shown), rows))
    return BLOCK.sub(lambda _: f"{block}", text)


if __name__ == "__main__":
    made_anew = {MADE_UP: of_made_up()}
    if len(sys.argv) > 2:
        title, config, changes = sys.argv[1:]
        made_anew[title] = of_file(Path(changes), load(read_config(Path(config))))
        del sys.argv[1:]
    sys.exit(settle(PAGE, page(PAGE.read_text(encoding="utf-8"), made_anew)))
