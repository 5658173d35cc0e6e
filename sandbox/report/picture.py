"""The picture of a report that README shows: two of its parts, of the made-up histories.

Its colours follow the reader's scheme, as those of the page do.
"""

from __future__ import annotations

import textwrap
from typing import List, Sequence, Tuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from reviewloop.insight.report.whole import Report
from reviewloop.insight.sections import Section
from reviewloop.operations.report import Period, made
from reviewloop.page import palette
from reviewloop.page.drawing import fit_for_page
from reviewloop.page.vega import draw
from reviewloop.settings.load import load
from sandbox.report.histories import CONFIG, END, histories

WIDTH, EDGE = 760, 24
PARTS = ("waiting", "projects")
_TITLE, _LEAD, _LINE = 18, 14, 21
_LETTERS = 105
"""Of a lead, in a line."""


def report() -> Report:
    """The report of the made-up histories."""
    period = Period(END, 182)
    return made(period.changes(histories()), period, load(CONFIG), names=False)


def picture() -> str:
    """The picture as SVG."""
    found = report()
    parts = [found.section(name) for name in PARTS]
    y = EDGE + _TITLE
    drawn = [_text(y, found.title, _TITLE + 4, bold=True)]
    for number, part in enumerate(parts):
        y += EDGE + _TITLE
        drawn.append(_text(y, part.title, _TITLE, bold=True))
        for line in _wrapped(part.lead):
            y += _LINE
            drawn.append(_text(y, line, _LEAD))
        y += EDGE // 2
        chart, height = _chart(part, y, f"p{number}-")
        drawn.append(chart)
        y += height
    title = f"A report: {parts[0].lead}"
    return "\n".join([*_head(title, y + EDGE), *drawn, "</svg>", ""])


def _head(title: str, height: int) -> List[str]:
    width = WIDTH + 2 * EDGE
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{palette.style()}text{{font-family:Arial,Helvetica,sans-serif}}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="var(--paper)"'
        ' stroke="var(--grid)"/>',
    ]


def _text(y: int, content: str, size: int, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{EDGE}" y="{y}" font-size="{size}" fill="var(--ink)"{weight}>'
        f"{escape(content)}</text>"
    )


def _wrapped(text: str) -> Sequence[str]:
    return textwrap.wrap(text, _LETTERS)


def _chart(part: Section, y: int, prefix: str) -> Tuple[str, int]:
    """A part's chart at a place, and its height."""
    if part.chart is None:
        raise ValueError(f"the part {part.id} has no chart")
    root = ElementTree.fromstring(fit_for_page(draw(part.chart, WIDTH), prefix))
    width, height = (float(one) for one in root.attrib["viewBox"].split()[2:])
    root.attrib = {"viewBox": root.attrib["viewBox"], "x": str(EDGE), "y": str(y)}
    root.attrib.update(width=f"{width:g}", height=f"{height:g}")
    return ElementTree.tostring(root, encoding="unicode"), round(height)
