"""Shares, quantiles and how they are written: what the sections have alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt
from typing import Iterable, List, Optional, Sequence, Tuple

from reviewloop.insight.report.facts import REVIEWED, WaitFact
from reviewloop.insight.sections import Cell, Fraction
from reviewloop.insight.survival import (
    FEW,
    Z95,
    Curve,
    Group,
    Observed,
    incidence_at,
    kaplan_meier,
)

TOO_FEW = "too few"
_ALL = 100
#: The columns that :func:`cells` fills.
COLUMNS = (
    "waits",
    "over within the promise",
    "low",
    "high",
    "reviewed within it",
    "median days",
    "slowest tenth, days",
)


@dataclass(frozen=True)
class Share:
    """A share with its 95 % band, of so many."""

    of: int
    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{percent(self.share)} ({percent(self.low)} to {percent(self.high)})"


@dataclass(frozen=True)
class Pace:
    """How fast the reviewers' waits of a group were over.

    ``within``: the share over within the promise, however they ended, and ``reviewed`` the share
    that was reviewed by then; None where too few waits say so. ``curve``: how long they lasted.
    """

    waits: int
    within: Optional[Share]
    reviewed: Optional[float]
    curve: Curve

    @property
    def median(self) -> Optional[float]:
        """Working days by which half of the waits were over, None where half were not."""
        return None if self.curve.is_few else self.curve.quantile(0.5)

    @property
    def slowest(self) -> Optional[float]:
        """What the slowest tenth waited longer than."""
        return None if self.curve.is_few else self.curve.quantile(0.9)


def observed(waits: Iterable[WaitFact], *, recent: bool = False) -> List[Observed]:
    """The waits as observations, in working days.

    :param recent: only as far as the last part of the period shows them.
    """
    if not recent:
        return [Observed(one.days, one.ending, one.entered) for one in waits]
    return [Observed(one.days, one.ending, one.recent) for one in waits if one.recent is not None]


def pace(waits: Sequence[Observed], promised: float) -> Pace:
    """How fast a group's waits were over."""
    group = Group(waits)
    curve = kaplan_meier(group)
    within = _within(curve, promised)
    reviewed = None if within is None else incidence_at(group, REVIEWED, promised)[0]
    return Pace(len(waits), within, reviewed, curve)


def _within(curve: Curve, promised: float) -> Optional[Share]:
    """The share that was over by then, with its band; None of too few waits, or where none of them
    was seen for so long.
    """
    if curve.is_few or (curve.last < promised and curve.ended < curve.waits):
        return None
    at = curve.at(promised)
    over = 1 - at.lasting
    if at.low is None or at.high is None or at.lasting >= 1:
        return Share(curve.waits, over, *wilson(round(over * curve.waits), curve.waits))
    return Share(curve.waits, over, 1 - at.high, 1 - at.low)


def wilson(hits: int, of: int) -> Tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927); 0 to 1 of none at all."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, Z95 * Z95
    middle = share + square / (2 * of)
    reach = Z95 * sqrt(share * (1 - share) / of + square / (4 * of * of))
    whole = 1 + square / of
    return max((middle - reach) / whole, 0.0), min((middle + reach) / whole, 1.0)


def proportion(hits: int, of: int) -> Optional[Share]:
    """A share of things that are all decided; None under 20."""
    return None if of < FEW else Share(of, hits / of, *wilson(hits, of))


def cells(found: Pace) -> List[Cell]:
    """A group's row, below :data:`COLUMNS`."""
    share = found.within
    told: List[Cell] = (
        [TOO_FEW, None, None]
        if share is None
        else [rounded(share.share), rounded(share.low), rounded(share.high)]
    )
    return [found.waits, *told, rounded(found.reviewed), days(found.median), days(found.slowest)]


def median(values: Iterable[float]) -> Optional[float]:
    """The middle value, between two of an even number; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (low + high) / 2


def mean(values: Sequence[float]) -> Optional[float]:
    """The mean; None of none."""
    return sum(values) / len(values) if values else None


def rounded(share: Optional[float]) -> Optional[Fraction]:
    """A share as tables have it: to a tenth of a percent."""
    return None if share is None else Fraction(round(share, 3))


def days(amount: Optional[float]) -> Optional[float]:
    """Days as tables have them: to a hundredth."""
    return None if amount is None else round(amount, 2)


def percent(share: float) -> str:
    """A share in words. What is not all or nothing does not read so."""
    whole = floor(100 * share + 0.5)
    if not whole and share > 0:
        return "less than 1 %"
    return "more than 99 %" if whole == _ALL and share < 1 else f"{whole} %"


def in_days(amount: Optional[float]) -> str:
    """Working days in words."""
    if amount is None:
        return "an unknown number of working days"
    if 0 < amount < 0.05:  # noqa: PLR2004 - what would read as nothing
        return "less than 0.1 working days"
    text = f"{amount:.0f}" if amount >= 10 else f"{amount:.1f}"  # noqa: PLR2004 - digits enough
    return f"{text} working day{'' if text in ('1', '1.0') else 's'}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with what it counts."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
