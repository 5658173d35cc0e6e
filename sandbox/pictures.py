"""Draws the pictures of the documents from what the pack itself says.

python -m sandbox.pictures            writes them into docs/pictures/
python -m sandbox.pictures --check    fails if one of them is out of date

The comment and the ticket are the pack's own texts about the example that its templates are tried
with; ``tests/golden`` shows the same texts. The time line is what ``reviewloop explain --svg``
draws of the change in ``docs/example/waiting.jsonl``. The layers are those of the import contracts
in ``pyproject.toml``; what each is for is the first sentence of its docstring.
"""

from __future__ import annotations

import ast
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Dict, List, Tuple

from reviewloop.cli.config import read_settings
from reviewloop.cli.one_file import OneFile
from reviewloop.core.reading import read_change
from reviewloop.core.steps import follow_turns
from reviewloop.insight import timeline_svg
from reviewloop.insight.timeline import timeline
from reviewloop.markup.formats import BodyFormat
from reviewloop.messages.check import example
from reviewloop.messages.render import render
from reviewloop.messages.subject import title

from . import svg
from .pages import ROOT, settle
from .report.picture import picture

FOLDER = ROOT / "docs" / "pictures"
LIBRARY = ROOT / "actions" / "lib" / "reviewloop"
PROJECT = ROOT / "pyproject.toml"
EXAMPLE = ROOT / "docs" / "example"
THURSDAY = datetime(2026, 3, 12, 12, tzinfo=timezone.utc)

ENTRY_FILES = "actions/*.py, sensors/*.py"
TEXT = BodyFormat.TEXT
CARD, GAP, EDGE = 520, 16, 20
"""Width of a card, the space round cards, and the space inside them, in pixels."""
BLUE, GREEN, YELLOW, SOFT = "#ddf4ff", "#dafbe1", "#fff8c5", "#f6f8fa"


# --- what people see --------------------------------------------------------------------------


def comment_and_ticket() -> str:
    """The comment on a change in Gerrit, and the ticket that goes with it, side by side."""
    cards = [_comment(GAP), _ticket(CARD + 2 * GAP)]
    height = max(height for height, _ in cards)
    text = "A comment by the pack on a change in Gerrit, and the ticket in the tracker."
    parts = [part for _, card in cards for part in card]
    return svg.document(2 * CARD + 3 * GAP, height + 2 * GAP, text, parts)


def _comment(x: int) -> Tuple[int, List[str]]:
    subject = example()
    change, (asked,) = subject.change, subject.asked
    heading = f"{change.number}: {change.subject}"
    chips = [("#escalated", YELLOW), (f"reviewer: {asked.account.name}", BLUE)]
    return _card(x, "Gerrit", heading, chips, "commented", render("escalate", TEXT, subject))


def _ticket(x: int) -> Tuple[int, List[str]]:
    subject = example()
    (asked,) = subject.asked
    heading = title(subject.change, subject.party)
    chips = [("open", GREEN), (f"assigned to {asked.account.name}", BLUE)]
    body = render("ticket_open", TEXT, subject)
    return _card(x, "Tracker", heading, chips, "opened this ticket", body)


def _card(
    x: int, name: str, heading: str, chips: List[Tuple[str, str]], did: str, text: str
) -> Tuple[int, List[str]]:
    """A card's height, and what is drawn for it."""
    body = svg.wrap(text, CARD - 2 * EDGE)
    height = 150 + len(body) * svg.line_height(12)
    left = x + EDGE
    parts = [
        svg.box(x, GAP, CARD, height),
        svg.box(x, GAP, CARD, 30, SOFT),
        svg.words(left, GAP + 20, name, 12, svg.GREY, bold=True),
        svg.words(left, 74, heading, 15, bold=True),
        svg.words(left, 134, "Review Escalation", 13, bold=True),
        svg.words(left + 140, 134, did, 13, svg.GREY),
        *svg.paragraph(left, 162, body),
    ]
    for label, colour in chips:
        parts.append(svg.chip(left, 102, label, colour))
        left += svg.chip_width(label) + 8
    return height, parts


def explained() -> str:
    """The time line of the example change, on the Thursday on which the documents look at it."""
    settings = read_settings(EXAMPLE / "committee.yaml")
    source = OneFile(EXAMPLE / "waiting.jsonl", settings, THURSDAY)
    change, policy = source.change(4250), settings.policy
    reading, taken = read_change(change, policy), follow_turns(change, policy).steps
    line = timeline(reading, taken, policy, THURSDAY)
    return timeline_svg.drawn(line, f"Change {change.number}: {change.subject}")


# --- the layers -------------------------------------------------------------------------------

WIDE = 760
"""Width of the picture of layers without its margins, in pixels."""


def architecture() -> str:
    """The layers of the import contracts, the highest on top."""
    parts: List[str] = []
    y = GAP
    for row in [[ENTRY_FILES], *layers()]:
        height, boxes = _row(y, row)
        parts += boxes
        y += height + GAP // 2
    parts.append(svg.words(GAP, y + 14, "Each layer may import only the layers below it.", 12))
    text = "The library's layers, from the entry files at the top to the errors at the bottom."
    return svg.document(WIDE + 2 * GAP, y + 14 + GAP, text, parts)


def layers() -> List[List[str]]:
    """The layers that ``lint-imports`` enforces, top first; a layer may hold several packages."""
    listed = re.search(r"^layers = \[(.*?)\]", PROJECT.read_text(encoding="utf-8"), re.M | re.S)
    assert listed is not None, "pyproject.toml has no list of layers"
    rows = re.findall(r'"([^"]+)"', listed.group(1))
    return [re.findall(r"\w+", row) for row in rows]


def purpose(package: str) -> str:
    """The first sentence of a package's docstring."""
    if package == ENTRY_FILES:
        return "Entry files for StackStorm: they parse, call the library, and return plain data."
    folder, module = LIBRARY / package / "__init__.py", LIBRARY / f"{package}.py"
    source = folder if folder.exists() else module
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    assert text, f"{package} has no docstring"
    return " ".join(re.split(r"(?<=\.)\s|\n\n", text)[0].split())


def _row(y: int, packages: List[str]) -> Tuple[int, List[str]]:
    """The height of a layer, and what is drawn for it."""
    width = (WIDE - GAP * (len(packages) - 1)) // len(packages)
    texts = [svg.wrap(purpose(package), width - EDGE, 11) for package in packages]
    height = 32 + svg.line_height(11) * max(map(len, texts))
    parts: List[str] = []
    for number, (package, lines) in enumerate(zip(packages, texts)):
        x = GAP + number * (width + GAP)
        parts.append(svg.box(x, y, width, height, BLUE if package == ENTRY_FILES else SOFT))
        parts.append(svg.words(x + 10, y + 20, package, 13, bold=True))
        parts += svg.paragraph(x + 10, y + 37, lines, 11, svg.GREY)
    return height, parts


# --- a report ---------------------------------------------------------------------------------


def report() -> str:
    """Parts of a report, of half a year of made-up reviews."""
    return picture()


PICTURES: Dict[Path, Callable[[], str]] = {
    FOLDER / "comment-and-ticket.svg": comment_and_ticket,
    FOLDER / "explain.svg": explained,
    FOLDER / "architecture.svg": architecture,
    FOLDER / "report.svg": report,
}


def main() -> int:
    """Write or check every picture; the exit code."""
    return max([settle(path, draw()) for path, draw in PICTURES.items()])


if __name__ == "__main__":
    sys.exit(main())
