"""Curves of waits: by hand, against slow definitions in exact fractions, and against lifelines."""

from __future__ import annotations

import math
import random
from typing import List, Optional, Tuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import slow_survival as slow
from reviewloop.insight.comparing import compare, endings_needed
from reviewloop.insight.survival import FEW, Observed, incidence, incidence_at, kaplan_meier

CLOSE = 1e-9
ENDINGS = ("", "reviewed", "merged")
NUMBERS = {"": 0, "merged": 1, "reviewed": 2}

waits_ = st.builds(
    Observed,
    time=st.integers(0, 12).map(float),
    ending=st.sampled_from(ENDINGS),
    entered=st.sampled_from((0.0, 0.0, 1.0, 3.0, 7.0)),
)
groups_ = st.lists(waits_, min_size=1, max_size=25)


def lasted(*times: float, ending: str = "reviewed") -> List[Observed]:
    return [Observed(time, ending) for time in times]


def close(mine: Optional[float], other: Optional[float]) -> bool:
    if mine is None or other is None:
        return mine is other
    return abs(mine - other) <= CLOSE


# --- by hand -----------------------------------------------------------------------------------


def test_some_are_not_over() -> None:
    """Six waits, two of them still open: shares of those who were there, multiplied."""
    curve = kaplan_meier([*lasted(1, 2, 2, 5), Observed(2), Observed(6)])
    steps = [(one.time, one.at_risk, one.ended) for one in curve.points]
    assert steps == [(1, 6, 1), (2, 5, 2), (5, 2, 1)]
    shares = [one.lasting for one in curve.points]
    assert shares == pytest.approx([5 / 6, 5 / 6 * 3 / 5, 5 / 6 * 3 / 5 * 1 / 2])
    assert (curve.waits, curve.ended, curve.last) == (6, 4, 6)


def test_came_into_view_late() -> None:
    """A wait that was 3 old when it was first seen is not at risk before, nor at 3 itself."""
    curve = kaplan_meier([*lasted(2, 3, 6), Observed(5, "reviewed", entered=3)])
    assert [(one.time, one.at_risk) for one in curve.points] == [(2, 3), (3, 2), (5, 2), (6, 1)]


def test_over_before_it_came_into_view() -> None:
    """What had ended when it would have come into view counts nowhere."""
    late = [Observed(3, "reviewed", entered=3), Observed(2, "reviewed", entered=4)]
    assert kaplan_meier([*lasted(1, 5), *late]).points == kaplan_meier(lasted(1, 5)).points


def test_ended_at_once() -> None:
    """A wait that took no working time at all counts, at 0."""
    (first, *_) = kaplan_meier(lasted(0, 1, 2, 3)).points
    assert (first.time, first.at_risk, first.lasting) == (0, 4, 0.75)


def test_median_where_the_curve_gets_there() -> None:
    """The median is the first time by which half have ended; None where half never do."""
    assert kaplan_meier(lasted(1, 2, 3, 4)).quantile(0.5) == 2
    assert kaplan_meier([*lasted(1), Observed(9), Observed(9)]).quantile(0.5) is None
    assert kaplan_meier([]).quantile(0.5) is None


def test_between_steps() -> None:
    """A step holds until the next; before the first everything lasts."""
    curve = kaplan_meier(lasted(2, 4))
    assert [curve.at(time).lasting for time in (0, 1.9, 2, 3.9, 4, 99)] == [1, 1, 0.5, 0.5, 0, 0]


def test_band() -> None:
    """Of twenty waits five ended at once: the band of 75 %, by hand."""
    curve = kaplan_meier([*lasted(1, 1, 1, 1, 1), *[Observed(2)] * 15])
    error = math.sqrt(5 / (20 * 15)) / math.log(0.75)
    reach = math.exp(slow.Z * error)
    assert curve.points[0].low == pytest.approx(0.75 ** (1 / reach), abs=CLOSE)
    assert curve.points[0].high == pytest.approx(0.75**reach, abs=CLOSE)


def test_band_where_everything_has_ended() -> None:
    """Greenwood's variance does not exist there, and none is made up."""
    last = kaplan_meier(lasted(1, 2)).points[-1]
    assert (last.lasting, last.low, last.high) == (0, None, None)


def test_too_few() -> None:
    """Nineteen waits are too few, twenty are not."""
    assert FEW == 20
    assert kaplan_meier([Observed(1)] * 19).is_few
    assert not kaplan_meier([Observed(1)] * 20).is_few


def test_competing_endings() -> None:
    """Of four waits one is merged first: the reviewed are 3 of 4, not all."""
    found = incidence([Observed(1, "merged"), *lasted(2, 3, 4)])
    assert found.at(9, "reviewed") == pytest.approx(0.75)
    assert found.at(9, "merged") == pytest.approx(0.25)
    assert (found.at(0.5, "merged"), found.at(9, "abandoned")) == (0, 0)


def test_endings_that_count() -> None:
    """A wait that ended in another way counts as no longer watched."""
    mixed = kaplan_meier([Observed(1, "merged"), *lasted(2, 3)], {"reviewed"})
    assert mixed.points == kaplan_meier([Observed(1), *lasted(2, 3)]).points


def test_two_groups() -> None:
    """The log-rank test of two small groups, by hand: times 1 to 4, taking turns."""
    found = compare(lasted(1, 3), lasted(2, 4))
    # At risk in the first and in all: 2 of 4, 1 of 3, 1 of 2, 0 of 1.
    expected = 2 / 4 + 1 / 3 + 1 / 2 + 0
    variance = 1 / 4 + 2 / 9 + 1 / 4
    assert (found.ended, found.expected) == (2, pytest.approx(expected))
    assert found.chi2 == pytest.approx((2 - expected) ** 2 / variance)


def test_no_estimate() -> None:
    """Where one group never ends, or nothing ends at all, there is no finite ratio."""
    assert compare(lasted(1, 2, 3), [Observed(9)] * 3).ratio is None
    nothing = compare([Observed(1)], [Observed(2)])
    assert (nothing.chi2, nothing.p, nothing.ratio) == (None, None, None)


def test_endings_needed() -> None:
    """Schoenfeld's number for a ratio of 1.5, as textbooks have it: 191 with halves, 80 %, 5 %."""
    assert endings_needed(1.5) == 191
    assert endings_needed(1 / 1.5) == 191
    assert endings_needed(1.5, share=0.9) == 531
    assert endings_needed(1.5, power=0.9) == 256


# --- against the definitions -------------------------------------------------------------------


@given(groups_)
def test_any_curve(waits: List[Observed]) -> None:
    """Every point of any curve, and its band, is what the definitions give."""
    curve = kaplan_meier(waits)
    assert [one.time for one in curve.points] == slow.times(waits)
    for one in curve.points:
        assert (one.at_risk, one.ended) == (
            slow.at_risk(waits, one.time),
            slow.ended(waits, one.time),
        )
        low, high = slow.band(waits, one.time)
        assert close(one.lasting, float(slow.lasting(waits, one.time)))
        assert close(one.low, low)
        assert close(one.high, high)


@given(groups_)
def test_any_incidence(waits: List[Observed]) -> None:
    """So is every share of an ending; and with what lasts they are a whole."""
    found = incidence(waits)
    for place, time in enumerate(found.times):
        for how, shares in found.shares.items():
            assert close(shares[place], float(slow.incidence(waits, how, time)))
        total = sum(shares[place] for shares in found.shares.values())
        assert close(total + found.lasting[place], 1.0)


@given(groups_, st.sampled_from(ENDINGS[1:]), st.integers(0, 12))
def test_any_band_of_an_incidence(waits: List[Observed], how: str, time: int) -> None:
    """Its band is what the delta method gives, from the slope of the share in every count."""
    share, low, high = incidence_at(waits, how, time)
    assert close(share, incidence(waits).at(time, how))
    if low is None or high is None:
        assert share < CLOSE or share > 1 - CLOSE
        return
    error = math.sqrt(slow.incidence_variance(waits, how, time)) / (share * math.log(share))
    assert math.isclose(low, share ** math.exp(-slow.Z * error), abs_tol=1e-7)
    assert math.isclose(high, share ** math.exp(slow.Z * error), abs_tol=1e-7)


@given(groups_, groups_)
def test_any_two_groups(first: List[Observed], second: List[Observed]) -> None:
    """The log-rank statistic is that of the tables, and does not mind which group is first."""
    exact = slow.log_rank(first, second)
    found, turned = compare(first, second), compare(second, first)
    assert close(found.chi2, None if exact is None else float(exact))
    assert close(found.chi2, turned.chi2)
    assume(found.ratio is not None and turned.ratio is not None)
    assert math.isclose(found.ratio or 0, 1 / (turned.ratio or 1), rel_tol=1e-8)


@given(groups_, groups_)
def test_any_ratio(first: List[Observed], second: List[Observed]) -> None:
    """The hazard ratio is where Cox's likelihood is highest: nowhere near it is it higher."""
    found = compare(first, second)
    assume(found.ratio is not None)
    of, beta = slow.likelihood(first, second), math.log(found.ratio or 1)
    top = of(beta)
    assert all(of(beta + step) <= top + CLOSE for step in (-1, -0.1, -0.001, 0.001, 0.1, 1))


# --- against lifelines -------------------------------------------------------------------------


def drawn(seed: int, *, ties: bool = True) -> Tuple[List[Observed], List[Observed]]:
    """Two groups of waits with every feature, the second slower."""
    draw = random.Random(seed)

    def one(rate: float) -> Observed:
        time = 1 + draw.expovariate(rate)
        return Observed(
            round(time, 1) if ties else time,
            draw.choice(("reviewed", "reviewed", "merged", "")),
            draw.choice((0.0, 0.0, round(draw.random(), 2))),
        )

    return [one(0.5) for _ in range(120)], [one(0.35) for _ in range(90)]


@pytest.mark.parametrize("seed", range(5))
def test_like_lifelines_curve(seed: int) -> None:
    """lifelines has the same curve and the same band."""  # noqa: D403 - its name
    lifelines = pytest.importorskip("lifelines", reason="requirements-check.txt has lifelines")
    waits, _ = drawn(seed)
    fitter = lifelines.KaplanMeierFitter().fit(
        [one.time for one in waits],
        [bool(one.ending) for one in waits],
        entry=[one.entered for one in waits],
    )
    band = fitter.confidence_interval_
    curve = kaplan_meier(waits)
    assert curve.quantile(0.5) == fitter.median_survival_time_
    for one in curve.points:
        low, high = band.loc[one.time]
        assert close(one.lasting, fitter.survival_function_.loc[one.time].iloc[0])
        if one.low is not None:
            assert close(one.low, low)
            assert close(one.high, high)


@pytest.mark.parametrize("seed", range(5))
def test_like_lifelines_incidence(seed: int) -> None:
    """lifelines has the same cumulative incidence, and the same band."""  # noqa: D403 - its name
    lifelines = pytest.importorskip("lifelines", reason="requirements-check.txt has lifelines")
    waits, _ = drawn(seed, ties=False)
    found = incidence(waits)
    for how in ("merged", "reviewed"):
        fitter = lifelines.AalenJohansenFitter().fit(
            [one.time for one in waits],
            [NUMBERS[one.ending] for one in waits],
            event_of_interest=NUMBERS[how],
            entry=[one.entered for one in waits],
        )
        column = fitter.cumulative_density_.iloc[:, 0]
        assert all(close(found.at(time, how), column.loc[time]) for time in found.times)
        for time in found.times:
            _, low, high = incidence_at(waits, how, time)
            theirs = fitter.confidence_interval_.loc[time]
            if low is not None and not math.isnan(theirs.iloc[0]):  # theirs is not where all ended
                assert close(low, theirs.iloc[0])
                assert close(high, theirs.iloc[1])


@pytest.mark.parametrize("seed", range(5))
def test_like_lifelines_groups(seed: int) -> None:
    """The log-rank test and the hazard ratio with its interval are those of lifelines."""
    lifelines = pytest.importorskip("lifelines", reason="requirements-check.txt has lifelines")
    import pandas as pd  # noqa: PLC0415
    from lifelines.statistics import logrank_test  # noqa: PLC0415 - only where it is there

    first, second = ([Observed(one.time, one.ending) for one in group] for group in drawn(seed))
    found = compare(first, second)
    test = logrank_test(
        [one.time for one in first],
        [one.time for one in second],
        [bool(one.ending) for one in first],
        [bool(one.ending) for one in second],
    )
    assert close(found.chi2, test.test_statistic)
    assert close(found.p, test.p_value)
    rows = [
        {"time": one.time, "ended": bool(one.ending), "first": group is first}
        for group in (first, second)
        for one in group
    ]
    frame = pd.DataFrame(rows).astype({"first": float})
    model = lifelines.CoxPHFitter().fit(
        frame,
        "time",
        "ended",
        fit_options={"precision": 1e-25, "r_precision": 1e-17, "max_steps": 100},
    )
    low, high = model.confidence_intervals_.loc["first"]
    assert close(math.log(found.ratio or 1), model.params_["first"])
    assert close(math.log(found.low or 1), low)
    assert close(math.log(found.high or 1), high)
