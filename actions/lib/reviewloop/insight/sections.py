"""The parts of a report as values: what a page, JSON and CSV are made of.

The numbers come from :mod:`reviewloop.insight.report`; whoever shows them decides on theme, size
and format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Union

Cell = Union[str, int, float, None]
"""A cell of a table; None where there is no number to give."""


class Fraction(float):
    """A share of a whole, from 0 to 1: a number as any other, which a page shows in percent."""


@dataclass(frozen=True)
class Table:
    """Numbers in rows, each as long as ``columns``."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Section:
    """One part of a report.

    ``id``: lower case and hyphens, unique in the report, fit for an anchor. ``lead``: one or two
    plain sentences with the main finding; it is the chart's text alternative too. ``chart``: a
    Vega-Lite v5 specification with its data inline (``data.values``), without ``$schema``,
    ``config``, width, height and colours, which are the page's; None for a part without a chart.
    ``note``: what is to be known when reading it, or empty.
    """

    id: str
    title: str
    lead: str
    table: Table
    chart: Optional[Mapping[str, Any]] = None
    note: str = ""
