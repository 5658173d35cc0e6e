"""Whether one group's waits end sooner than another's: the log-rank test, and the hazard ratio.

The ratio is that of Cox's model with one covariate: ties after Efron, interval after Wald.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from typing import Collection, Iterable, Iterator, Optional, Sequence, Tuple

from reviewloop.insight.survival import Z95, Group, Observed

# Newton's method: rounds at most, when it stands, and beyond which logarithm there is no estimate.
_ROUNDS, _CLOSE, _FARTHEST = 50, 1e-12, 15.0
_SLACK = 1e-12
#: How many standard errors more find an effect with that probability.
_POWERS = {0.8: 0.8416212335729143, 0.9: 1.2815515655446004}


@dataclass(frozen=True)
class Comparison:
    """Two groups, the first measured against the second.

    ``ended`` and ``expected`` are of the first group: how many ended, and how many would have if
    both ended alike. ``chi2`` and ``p`` are the log-rank test's, with one degree of freedom; None
    where nothing ended that could tell. ``ratio`` is the hazard ratio, above 1 where the first
    group ends sooner, with its 95 % interval; None where the model has no finite estimate.
    """

    ended: int
    expected: float
    chi2: Optional[float]
    p: Optional[float]
    ratio: Optional[float]
    low: Optional[float]
    high: Optional[float]


def compare(
    first: Iterable[Observed],
    second: Iterable[Observed],
    endings: Optional[Collection[str]] = None,
) -> Comparison:
    """Whether the first group's waits end sooner than the second's, and by how much.

    :param endings: those that count, as in :func:`kaplan_meier`.
    """
    rows = tuple(_rows(Group(first, endings), Group(second, endings)))
    seen = sum(row.ended_first for row in rows)
    expected = sum(row.expected for row in rows)
    variance = sum(row.variance for row in rows)
    chi2 = (seen - expected) ** 2 / variance if variance > 0 else None
    p = None if chi2 is None else erfc(sqrt(chi2 / 2))
    return Comparison(seen, expected, chi2, p, *_cox(rows))


def endings_needed(ratio: float, share: float = 0.5, power: float = 0.8) -> int:
    """How many endings a log-rank test at 5 % needs to find a hazard ratio (Schoenfeld 1981).

    :param ratio: of the hazards; above 0 and not 1.
    :param share: of the waits that are in the first group, above 0 and below 1.
    :param power: 0.8 or 0.9: how likely it is to be found.
    """
    z = _POWERS[power] + Z95
    # The slack: what comes to a whole number by rounding alone is that number.
    needed = z * z / (share * (1 - share) * log(ratio) ** 2)
    return int(needed) + (needed - int(needed) > _SLACK)


@dataclass(frozen=True)
class _Row:
    """One time at which somebody ends: at risk and ended, of the first group and of both."""

    first: int
    ended_first: int
    every: int
    ended: int

    @property
    def expected(self) -> float:
        return self.ended * self.first / self.every

    @property
    def variance(self) -> float:
        """Hypergeometric."""
        if self.every < 2:  # noqa: PLR2004 - nobody is left to compare with
            return 0.0
        share = self.first / self.every
        return self.ended * share * (1 - share) * (self.every - self.ended) / (self.every - 1)


def _rows(first: Group, second: Group) -> Iterator[_Row]:
    for time in sorted({*first.ends, *second.ends}):
        at_risk, ended = first.at_risk(time), first.ended(time)
        yield _Row(at_risk, ended, at_risk + second.at_risk(time), ended + second.ended(time))


def _cox(rows: Sequence[_Row]) -> Tuple[Optional[float], Optional[float], Optional[float]]:
    """The hazard ratio and its interval, by Newton's method on Cox's partial likelihood."""
    beta = 0.0
    for _ in range(_ROUNDS):
        slope, bend = _slope(rows, beta)
        if bend <= 0:
            return None, None, None
        # A step of more than 1 may fly past the top, where the likelihood is flat.
        step = max(-1.0, min(1.0, slope / bend))
        beta += step
        if abs(beta) > _FARTHEST:
            return None, None, None
        if abs(step) < _CLOSE:
            reach = Z95 / sqrt(_slope(rows, beta)[1])
            return exp(beta), exp(beta - reach), exp(beta + reach)
    return None, None, None


def _slope(rows: Sequence[_Row], beta: float) -> Tuple[float, float]:
    """The likelihood's first derivative, and the second with its sign turned (Efron's ties)."""
    slope = bend = 0.0
    weight = exp(beta)
    for row in rows:
        slope += row.ended_first
        for place in range(row.ended):
            part = place / row.ended
            mine = weight * (row.first - part * row.ended_first)
            others = row.every - row.first - part * (row.ended - row.ended_first)
            share = mine / (mine + others)
            slope -= share
            bend += share * (1 - share)
    return slope, bend
