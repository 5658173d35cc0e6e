"""How long waits last, where some are not over yet and some were watched from later on.

Kaplan and Meier's curve with delayed entry and right censoring, its band after Greenwood on the
log-log scale, and the cumulative incidence of competing endings after Aalen and Johansen.
Conventions are those of Kalbfleisch and Prentice, *The Statistical Analysis of Failure Time Data*:
of one instant, endings come before censorings, and these before entries.

Times are numbers of any one unit, counted from where each wait began.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from math import exp, log, sqrt
from typing import (
    Collection,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

#: Under so many waits a curve says too little.
FEW = 20
#: The half width of a 95 % interval, in standard errors: the 97.5th percentile of a normal.
Z95 = 1.959963984540054
# What sums of floats may be off where a share is compared with a quantile.
_SLACK = 1e-12


class Observed(NamedTuple):
    """One wait: how long it lasted, or was seen to last.

    ``ending`` says how it ended; "" where it had not when it was last seen (censored). ``entered``
    is how long it had lasted when it came into view, 0 if it was seen from its beginning. Whoever
    had ended before that would not be known, so it counts as at risk only after it.
    """

    time: float
    ending: str = ""
    entered: float = 0.0


class Point(NamedTuple):
    """A curve from ``time`` on, until the next point.

    ``at_risk`` and ``ended``: how many lasted until then, and how many of these ended then.
    ``lasting``: the share that lasts longer; ``low`` and ``high`` are its 95 % band, None where
    everything has ended, for Greenwood's variance does not exist there. ``spread`` is his sum.
    """

    time: float
    at_risk: int
    ended: int
    lasting: float
    spread: float = 0.0

    @property
    def low(self) -> Optional[float]:
        """The band's lower end."""
        return _bound(self.lasting, self.spread, -1)

    @property
    def high(self) -> Optional[float]:
        """The band's upper end."""
        return _bound(self.lasting, self.spread, 1)


@dataclass(frozen=True)
class Curve:
    """The share of waits that last longer than a time, as steps at the times of endings.

    ``waits``: how many it rests on, ``ended`` how many of them ended; ``last``: the longest time
    for which one of them was seen, beyond which the curve says nothing.
    """

    points: Tuple[Point, ...]
    waits: int
    ended: int
    last: float
    _times: Tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # `bisect` takes no key before Python 3.10.
        object.__setattr__(self, "_times", tuple(one.time for one in self.points))

    @property
    def is_few(self) -> bool:
        """Whether it rests on too few waits to say anything."""
        return self.waits < FEW

    def at(self, time: float) -> Point:
        """The point that holds at a time; before the first ending everything lasts."""
        place = bisect_right(self._times, time)
        return self.points[place - 1] if place else Point(0.0, self.waits, 0, 1.0)

    def quantile(self, share: float) -> Optional[float]:
        """The first time by which that share has ended; None where the curve does not get there.

        :param share: above 0 and below 1; 0.5 is the median.
        """
        least = 1 - share + _SLACK
        return next((one.time for one in self.points if one.lasting <= least), None)

    def quantile_band(self, share: float) -> Tuple[Optional[float], Optional[float]]:
        """The 95 % interval of a quantile (Brookmeyer and Crowley): where the band gets there."""
        least = 1 - share + _SLACK
        low = (one.time for one in self.points if one.low is None or one.low <= least)
        high = (one.time for one in self.points if one.high is not None and one.high <= least)
        return next(low, None), next(high, None)


@dataclass(frozen=True)
class Incidence:
    """By ending, the share that ended so by each of ``times`` (Aalen and Johansen).

    Beside :attr:`lasting` they add up to 1 at every time.
    """

    times: Tuple[float, ...]
    shares: Mapping[str, Tuple[float, ...]]
    lasting: Tuple[float, ...]

    def at(self, time: float, ending: str) -> float:
        """The share that had ended so by a time."""
        place = bisect_right(self.times, time)
        return self.shares[ending][place - 1] if place and ending in self.shares else 0.0


def kaplan_meier(observed: Waits, endings: Optional[Collection[str]] = None) -> Curve:
    """The curve of waits.

    :param endings: those that count; a wait that ended otherwise counts as censored then. None for
        all. Where other endings compete, :func:`incidence` is what to read shares from.
    """
    points: List[Point] = []
    lasting, spread = 1.0, 0.0  # Greenwood's sum
    group = _group(observed, endings)
    for time in sorted(group.ends):
        at_risk, ended = group.at_risk(time), group.ended(time)
        left = at_risk - ended
        lasting *= left / at_risk
        if left and lasting:
            spread += ended / (at_risk * left)
        points.append(Point(time, at_risk, ended, lasting, spread))
    return Curve(tuple(points), group.waits, sum(one.ended for one in points), group.last)


def incidence(observed: Iterable[Observed]) -> Incidence:
    """How the waits end, each ending beside the others that compete with it."""
    shares: Dict[str, List[float]] = {}
    times: List[float] = []
    alive: List[float] = []
    lasting = 1.0
    group = Group(observed, None)
    for time in sorted(group.ends):
        at_risk, ends = group.at_risk(time), group.ends[time]
        for how in ends:
            shares.setdefault(how, [0.0] * len(times))
        for how, so_far in shares.items():
            before = so_far[-1] if so_far else 0.0
            so_far.append(before + lasting * ends.get(how, 0) / at_risk)
        lasting *= 1 - sum(ends.values()) / at_risk
        times.append(time)
        alive.append(lasting)
    told = {how: tuple(shares[how]) for how in sorted(shares)}
    return Incidence(tuple(times), told, tuple(alive))


def incidence_at(
    observed: Waits, ending: str, time: float
) -> Tuple[float, Optional[float], Optional[float]]:
    """The share that had ended in one way by a time, with its 95 % band.

    The variance is that of the delta method (Marubini and Valsecchi 1995, section 10.2), the band
    on the log-log scale; None where the share is 0 or 1.
    """
    group = _group(observed, None)
    rows: List[Tuple[int, int, int, float, float]] = []
    lasting, share = 1.0, 0.0
    for at in sorted(one for one in group.ends if one <= time):
        at_risk, ended, mine = group.at_risk(at), group.ended(at), group.ends[at].get(ending, 0)
        share += lasting * mine / at_risk
        rows.append((at_risk, ended, mine, lasting, share))
        lasting *= (at_risk - ended) / at_risk
    if not _SLACK < share < 1 - _SLACK:
        return share, None, None
    variance = 0.0
    for at_risk, ended, mine, before, so_far in rows:
        rest = share - so_far
        if rest and ended < at_risk:
            variance += rest**2 * ended / (at_risk * (at_risk - ended))
        variance += before**2 * mine * (at_risk - mine) / at_risk**3
        variance -= 2 * rest * before * mine / at_risk**2
    reach = Z95 * sqrt(max(variance, 0.0)) / (share * log(share))
    return share, share ** exp(-reach), share ** exp(reach)


def _bound(lasting: float, spread: float, side: int) -> Optional[float]:
    """An end of the band on the log-log scale."""
    if lasting <= 0:
        return None
    if lasting >= 1:
        return 1.0
    return float(lasting ** exp(side * Z95 * sqrt(spread) / log(lasting)))


class Group:
    """The waits of one group by time: how many are at risk at one, and who ends then.

    Whatever is asked of the same waits may be given one in their place.
    """

    def __init__(
        self, observed: Iterable[Observed], endings: Optional[Collection[str]] = None
    ) -> None:
        observed = tuple(observed)
        self.waits = len(observed)
        self.last = max((one.time for one in observed), default=0.0)
        self._begun: List[float] = []
        self._gone: List[float] = []
        self.ends: Dict[float, Dict[str, int]] = {}
        for time, ending, entered in observed:
            # Seen from its beginning: at risk even of an ending at 0. Else only after it came into
            # view; who had ended by then never was.
            begin = entered if entered > 0 else -1.0
            if time <= begin:
                continue
            self._begun.append(begin)
            self._gone.append(time)
            if ending and (endings is None or ending in endings):
                ends = self.ends.setdefault(time, {})
                ends[ending] = ends.get(ending, 0) + 1
        self._begun.sort()
        self._gone.sort()

    def at_risk(self, time: float) -> int:
        """How many had come into view before a time, and not left before it."""
        return bisect_left(self._begun, time) - bisect_left(self._gone, time)

    def ended(self, time: float) -> int:
        """How many ended then, in a way that counts."""
        return sum(self.ends[time].values()) if time in self.ends else 0


Waits = Union[Iterable[Observed], Group]


def _group(observed: Waits, endings: Optional[Collection[str]]) -> Group:
    return observed if isinstance(observed, Group) else Group(observed, endings)
