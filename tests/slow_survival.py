"""Survival by its definitions, in exact fractions, slowly: what `insight.survival` is held against.

Nothing is sorted, summed up or carried along: each number is asked of all waits anew.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Callable, List, Optional, Sequence, Tuple

from reviewloop.insight.survival import Observed

Z = 1.959963984540054


def times(waits: Sequence[Observed]) -> List[float]:
    """The times at which somebody who was watched ended."""
    return sorted({one.time for one in waits if one.ending and watched(one, one.time)})


def watched(one: Observed, time: float) -> bool:
    """Whether a wait is at risk at a time."""
    in_view = one.entered <= 0 or one.entered < time
    return in_view and one.time >= time


def at_risk(waits: Sequence[Observed], time: float) -> int:
    return sum(watched(one, time) for one in waits)


def ended(waits: Sequence[Observed], time: float, how: Optional[str] = None) -> int:
    return sum(
        one.time == time and bool(one.ending) and how in (None, one.ending) and watched(one, time)
        for one in waits
    )


def lasting(waits: Sequence[Observed], until: float, *, before: bool = False) -> Fraction:
    """The product limit, up to a time or just before it."""
    product = Fraction(1)
    for time in times(waits):
        if time < until or (time == until and not before):
            product *= 1 - Fraction(ended(waits, time), at_risk(waits, time))
    return product


def band(waits: Sequence[Observed], until: float) -> Tuple[Optional[float], Optional[float]]:
    """Kalbfleisch and Prentice (1980), section 1.3."""
    share = lasting(waits, until)
    if share == 0:
        return None, None
    if share == 1:
        return 1.0, 1.0
    spread = Fraction(0)
    for time in times(waits):
        if time <= until:
            many, gone = at_risk(waits, time), ended(waits, time)
            spread += Fraction(gone, many * (many - gone))
    theta = math.log(-math.log(share))
    error = math.sqrt(spread) / abs(math.log(share))
    low, high = theta + Z * error, theta - Z * error
    return math.exp(-math.exp(low)), math.exp(-math.exp(high))


def incidence(waits: Sequence[Observed], how: str, until: float) -> Fraction:
    share = Fraction(0)
    for time in (one for one in times(waits) if one <= until):
        ending = Fraction(ended(waits, time, how), at_risk(waits, time))
        share += lasting(waits, time, before=True) * ending
    return share


def log_rank(first: Sequence[Observed], second: Sequence[Observed]) -> Optional[Fraction]:
    """The statistic, from the two-by-two table of each time."""
    both = [*first, *second]
    difference = variance = Fraction(0)
    for time in times(both):
        mine, many = at_risk(first, time), at_risk(both, time)
        gone = ended(both, time)
        difference += ended(first, time) - Fraction(gone * mine, many)
        if many > 1:
            top = gone * (many - gone) * mine * (many - mine)
            variance += Fraction(top, many * many * (many - 1))
    return difference**2 / variance if variance else None


def likelihood(first: Sequence[Observed], second: Sequence[Observed]) -> Callable[[float], float]:
    """Cox's partial likelihood after Efron, as a function of the logarithm of the ratio."""
    both = [*first, *second]
    tables = [
        (at_risk(first, time), at_risk(both, time), ended(first, time), ended(both, time))
        for time in times(both)
    ]

    def of(beta: float) -> float:
        total = 0.0
        for mine, many, mine_gone, gone in tables:
            total += beta * mine_gone
            for place in range(gone):
                left = 1 - place / gone
                at = math.exp(beta) * (mine - mine_gone) + (many - mine) - (gone - mine_gone)
                leaving = math.exp(beta) * mine_gone + (gone - mine_gone)
                total -= math.log(at + left * leaving)
        return total

    return of


def incidence_variance(waits: Sequence[Observed], how: str, until: float) -> float:
    """As a sum over all pairs of times: how each step's counts move the share, squared and added.

    The share is a function of each time's counts, which are multinomial; this takes the slope with
    respect to each of them from the formula of the share itself.
    """
    moments = [time for time in times(waits) if time <= until]
    many = [at_risk(waits, time) for time in moments]
    mine = [ended(waits, time, how) for time in moments]
    gone = [ended(waits, time) for time in moments]
    total = 0.0
    for place, risk in enumerate(many):
        before = math.prod(1 - gone[one] / many[one] for one in range(place))
        stay = 1 - gone[place] / risk
        later = 0.0
        for one in range(place + 1, len(moments)):
            kept = math.prod(1 - gone[x] / many[x] for x in range(place + 1, one))
            later += before * kept * mine[one] / many[one]
        share, other = mine[place] / risk, (gone[place] - mine[place]) / risk
        slope_mine, slope_other = before - later, -later
        assert stay >= 0
        total += slope_mine**2 * share * (1 - share) / risk
        total += slope_other**2 * other * (1 - other) / risk
        total -= 2 * slope_mine * slope_other * share * other / risk
    return total
