"""Writes how often the line of an ETA was right into ``docs/turns.md``, from real histories.

python -m sandbox.eta_page NAME CONFIG CHANGES    one row for each kind of wait; NAME is its label

The library must be on the path: ``PYTHONPATH=actions/lib``. The histories are too large to ship, so
the page keeps the rows that were measured last; those of another name stay.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from reviewloop.cli.config import read_config
from reviewloop.cli.histories import read_changes
from reviewloop.core.reading import read_change
from reviewloop.core.worktime import EARLIEST
from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse
from reviewloop.insight.calibration import Fold, calibration, overall
from reviewloop.insight.eta import Kind, Past, past_of
from reviewloop.settings.load import Settings, load

from .pages import ROOT, table

PAGE = ROOT / "docs" / "turns.md"
BLOCK = re.compile(r"(?<=<!-- eta: begin -->\n).*?(?=<!-- eta: end -->)", re.DOTALL)
HEAD = (
    "histories",
    "review",
    "lines",
    "silent",
    "within",
    "beyond",
    "share",
    "folds",
    "their shares",
)
LARGE = 20
"""Lines in a fold below which its share says little."""
_KINDS = {Kind.FIRST: "first", Kind.NEXT: "another"}

Row = Tuple[str, ...]


def past_in(path: Path, settings: Settings) -> Tuple[List[Past], datetime]:
    """The reviewers' waits in a file, and when something last happened in it."""
    found: List[Past] = []
    last = EARLIEST
    for raw in read_changes(path):
        try:
            change = parse.change(raw)
        except ProtocolError:
            continue
        found += past_of(read_change(change, settings.policy), settings.policy)
        last = max([last, *(one.date for one in change.messages)])
    return found, last


def rows(name: str, past: Sequence[Past], settings: Settings, now: datetime) -> Iterator[Row]:
    """A row for each kind of wait."""
    for kind, label in _KINDS.items():
        folds = calibration(past, settings.policy.calendar, now, kind)
        yield (name, label, *_figures(folds))


def _figures(folds: Sequence[Fold]) -> Row:
    large = [one.share for one in folds if one.share is not None and one.drawn >= LARGE]
    spread = f"{_percent(min(large))} to {_percent(max(large))}" if large else ""
    middle = f", median {_percent(median(large))}" if large else ""
    return (
        str(sum(one.drawn for one in folds)),
        str(sum(one.silent for one in folds)),
        str(sum(one.within for one in folds)),
        str(sum(one.beyond for one in folds)),
        _percent(overall(folds)),
        str(len(large)),
        spread + middle,
    )


def _percent(share: Optional[float]) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def main(name: str, config: str, changes: str) -> None:
    """Put the rows of a file into the page."""
    settings = load(read_config(Path(config)))
    past, now = past_in(Path(changes), settings)
    text = PAGE.read_text(encoding="utf-8")
    kept: Dict[Tuple[str, str], Row] = {(one[0], one[1]): one for one in _listed(text)}
    kept.update(((row[0], row[1]), row) for row in rows(name, past, settings, now))
    block = "\n".join(table(HEAD, kept.values()))
    PAGE.write_text(BLOCK.sub(lambda _: f"{block}\n", text), encoding="utf-8")


def _listed(text: str) -> Iterator[Row]:
    """The rows that the page has."""
    (block,) = BLOCK.findall(text)
    for line in block.splitlines()[2:]:
        if line.startswith("|"):
            yield tuple(cell.strip() for cell in line.strip("|").split("|"))


if __name__ == "__main__":
    main(*sys.argv[1:])
