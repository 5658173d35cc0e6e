"""Writes how often the pack names the right party into ``docs/turns.md``, from real histories.

python -m sandbox.judge_page CONFIG CHANGES    as ``reviewloop judge`` takes them, at 2d

The library must be on the path: ``PYTHONPATH=actions/lib``. The histories are too large to ship, so
the page keeps the table that was measured last.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from reviewloop.cli.config import read_config
from reviewloop.cli.judge import DEFAULT_MILESTONE, Cases
from reviewloop.cli.scores import page
from reviewloop.settings.load import load

from .pages import ROOT

PAGE = ROOT / "docs" / "turns.md"
BLOCK = re.compile(r"(?<=<!-- judge: begin -->\n).*?(?=<!-- judge: end -->)", re.DOTALL)


def block(config: Path, changes: Path) -> str:
    """The table of a file of histories, as the page shows it."""
    cases = Cases(load(read_config(config)), DEFAULT_MILESTONE)
    cases.of_file(changes)
    lines = page(cases.scores(None, None), cases.milestone, cases.not_judged)
    return "\n".join(["```text", *lines, "```", ""])


def main(config: str, changes: str) -> None:
    """Put the table into the page."""
    found = block(Path(config), Path(changes))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: found, text), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
