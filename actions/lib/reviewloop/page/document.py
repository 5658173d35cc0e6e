"""The parts of a report as one HTML file.

It needs no script, no network and no second file, and its Content-Security-Policy allows none:
only the style sheet whose hash it names. Whatever comes from outside is escaped by Jinja.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Sequence, Tuple

import jinja2
from markupsafe import Markup, escape

from reviewloop.insight.sections import Cell, Fraction, Section, Table
from reviewloop.page import MARK, palette
from reviewloop.page.drawing import fit_for_page
from reviewloop.page.vega import draw

FOLDER = Path(__file__).parent / "templates"
WIDE, NARROW = 760, 326
"""Widths of a chart in pixels: for a desktop and paper, and for a screen of 360."""
_EMPTY = "\N{EN DASH}"
_PERCENT = re.compile(r"(?<=\d) %")
_ID = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Shown:
    """A section with its charts, and which columns of its table are numbers."""

    section: Section
    wide: Markup
    narrow: Markup
    numeric: Tuple[bool, ...]


def document(title: str, about: Sequence[str], sections: Sequence[Section]) -> str:
    """The report as HTML, at most some hundred kilobytes.

    :param about: lines below the title, such as what was read, and when.
    :raises ConfigError: a section has a chart, and what draws them is not installed.
    :raises ValueError: a section's id or chart is not what :class:`Section` says.
    """
    style = Markup(_style())  # noqa: S704 - our own file
    page = _environment().get_template("report.html.j2")
    shown = [_shown(section) for section in sections]
    text = page.render(
        title=title, about=about, parts=shown, style=style, policy=_policy(style), empty=_EMPTY
    )
    return f"{MARK}\n{text}"


def _shown(section: Section) -> Shown:
    if not _ID.fullmatch(section.id):
        raise ValueError(f"a section's id {section.id!r}: lower case and hyphens")
    wide, narrow = (_chart(section, size) for size in (WIDE, NARROW))
    return Shown(section, wide, narrow, _numeric(section.table))


def _chart(section: Section, width: int) -> Markup:
    if section.chart is None:
        return Markup("")
    drawing = draw(section.chart, width)
    # Nothing but what `fit_for_page` lets through, its texts escaped.
    return Markup(fit_for_page(drawing, f"{section.id}-{width}-"))  # noqa: S704


def _numeric(table: Table) -> Tuple[bool, ...]:
    return tuple(_is_numeric([row[n] for row in table.rows]) for n in range(len(table.columns)))


def _is_numeric(column: Sequence[Cell]) -> bool:
    """Whether it holds a number, and no word."""
    words_in_it = any(isinstance(one, (str, bool)) for one in column)
    return not words_in_it and any(one is not None for one in column)


def number(cell: Cell) -> str:
    """A cell as people read it: four digits that count, thousands apart, shares in percent, a dash
    for nothing.
    """
    if cell is None:
        return _EMPTY
    if isinstance(cell, (str, bool)):
        return str(cell)
    if isinstance(cell, Fraction):
        return _kept_together(f"{100 * cell:.1f} %")
    if isinstance(cell, int) or abs(cell) >= 1000:  # noqa: PLR2004 - four digits
        return f"{round(cell):,}"
    return f"{cell:.4g}"


def words(text: str) -> Markup:
    """A sentence with its `code` shown as such."""
    text = _kept_together(text)
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one that nothing closes
        return escape(text)
    plain, code = Markup("{}"), Markup("<code>{}</code>")
    return Markup("").join(
        (code if place % 2 else plain).format(part) for place, part in enumerate(parts)
    )


def _kept_together(text: str) -> str:
    """A number and its percent sign stay in one line."""
    return _PERCENT.sub("\N{NO-BREAK SPACE}%", text)


def _policy(style: str) -> str:
    """https://www.w3.org/TR/CSP3/: nothing but the one style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=None)
def _style() -> str:
    return palette.style() + (FOLDER / "report.css").read_text(encoding="utf-8")


@lru_cache(maxsize=None)
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(FOLDER)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(number=number, words=words)
    return made
