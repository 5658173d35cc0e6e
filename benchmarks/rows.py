"""One line of the results, however the module that measured it prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List

COLUMNS = ("work", "measured", "floor", "aim", "note")


@dataclass(frozen=True)
class Row:
    """What was done, what it cost, what it costs at least, and what it may cost."""

    work: str
    figure: str
    floor: str = ""
    aim: str = ""
    note: str = ""

    def __str__(self) -> str:
        cells = (self.work, self.figure, self.floor, self.aim, self.note)
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def head() -> str:
    """The first two lines of a table of rows."""
    return f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def of_table(text: str) -> Iterator[Row]:
    """The rows of every table in a text; other lines, heads and rulers are left out.

    A line is a row if it has four or five cells, with bars around it or only between them.
    """
    lines = text.splitlines()
    for index, line in enumerate(lines):
        cells = _cells(line)
        following = lines[index + 1] if index + 1 < len(lines) else ""
        if len(cells) in {4, 5} and not _is_ruler(line) and not _is_ruler(following):
            yield Row(*cells)


def _cells(line: str) -> List[str]:
    inner = line.strip()
    if "|" not in inner:
        return []
    if inner.startswith("|") and inner.endswith("|"):
        inner = inner[1:-1]
    return [cell.strip() for cell in inner.split("|")]


def _is_ruler(line: str) -> bool:
    return "---" in line and not set(line) - set("|-: ")


def mega(count: float) -> str:
    """Bytes, in megabytes."""
    return f"{count / 1e6:,.2f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"


def times(one: float, other: float) -> str:
    """How many times the one is the other."""
    return f"{one / other:.1f} x" if other else "-"
