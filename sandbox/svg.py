"""What the documents' pictures need beside the library's own writer: boxes, labels, and colours."""

from __future__ import annotations

import textwrap
from typing import Iterable, List, Sequence

from reviewloop.markup import svg

MONO_WIDTH = svg.MONO_WIDTH
INK, GREY, BORDER, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"


def box(x: int, y: int, width: int, height: int, fill: str = PAPER, stroke: str = BORDER) -> str:
    """A rectangle with round corners."""
    sides = {"x": x, "y": y, "width": width, "height": height, "rx": 6}
    return svg.tag("rect", {**sides, "fill": fill, "stroke": stroke})


def words(
    x: int,
    y: int,
    content: str,
    size: int = 13,
    fill: str = INK,
    bold: bool = False,
    mono: bool = False,
) -> str:
    """One line of text; ``y`` is its base line."""
    return svg.words(x, y, content, {"fill": fill}, size, bold, mono)


def paragraph(x: int, y: int, lines: Sequence[str], size: int = 12, fill: str = INK) -> List[str]:
    """Lines of fixed-width text below each other."""
    step = line_height(size)
    shown = ((n, line) for n, line in enumerate(lines) if line)
    return [words(x, y + n * step, line, size, fill, mono=True) for n, line in shown]


def line_height(size: int) -> int:
    """From one base line to the next."""
    return round(size * 1.5)


def wrap(text: str, width: int, size: int = 12) -> List[str]:
    """Text as lines of fixed-width type that fit; indented lines keep their indent."""
    most = int(width / (size * MONO_WIDTH))
    lines: List[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, most, break_long_words=False, break_on_hyphens=False) or [""]
    return lines


def chip(x: int, y: int, label: str, fill: str) -> str:
    """A short label on a coloured ground, such as a hashtag; ``y`` is its base line."""
    ground = box(x, y - 14, chip_width(label), 21, fill, fill)
    return ground + words(x + 7, y, label, 11, mono=True)


def chip_width(label: str) -> int:
    """How wide a label is with its ground."""
    return round(len(label) * 11 * MONO_WIDTH) + 14


def document(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole picture; its title is read out where it cannot be shown."""
    return svg.document(width, height, title, parts)
