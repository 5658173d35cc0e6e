"""Spans of time put together and taken apart."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List, Optional, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.spans import Span, both, in_order, subtract

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
#: Everything happens in these hours; a span without an end lasts beyond them.
HOURS = range(24)
SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(0, 20))), max_size=8
).map(lambda pairs: [Span(at(begin), None if end is None else at(end)) for begin, end in pairs])


def at(hour: int) -> datetime:
    """So many hours on."""
    return START + timedelta(hours=hour)


def covered(spans: Tuple[Span, ...]) -> Set[int]:
    """The hours inside of spans."""
    return {hour for hour in HOURS for one in spans if one.start <= at(hour) < (one.end or at(99))}


def is_in_order(spans: Tuple[Span, ...]) -> bool:
    """Sorted, not empty, apart."""
    edges: List[Optional[datetime]] = [edge for one in spans for edge in (one.start, one.end)]
    ends = [at(99) if edge is None else edge for edge in edges]
    return ends == sorted(ends) and all(one.end is None or one.start < one.end for one in spans)


@given(SPANS)
def test_in_order(spans: List[Span]) -> None:
    """Put in order, spans are the same time, each part of it once."""
    found = in_order(spans)

    assert covered(found) == covered(tuple(spans))
    assert is_in_order(found)


def test_spans_that_touch() -> None:
    """Where one ends and another begins, they are one; with a gap of a microsecond they are not."""
    morning, noon = Span(at(1), at(2)), Span(at(2), at(3))
    later = Span(at(2) + timedelta(microseconds=1), at(3))

    assert in_order([noon, morning]) == (Span(at(1), at(3)),)
    assert in_order([later, morning]) == (morning, later)


@pytest.mark.parametrize("count", range(1, 10))
def test_one_of_many_holes(count: int) -> None:
    """However many there are, the one that lies in a span is found."""
    holes = [Span(at(2 * i), at(2 * i + 1)) for i in range(count)]

    for i in range(count):
        span = Span(at(2 * i), at(2 * i + 2))
        assert subtract([span], holes) == (Span(at(2 * i + 1), at(2 * i + 2)),)
    assert subtract([Span(at(98))], holes) == (Span(at(98)),)


@given(SPANS, SPANS)
def test_what_is_left(spans: List[Span], holes: List[Span]) -> None:
    """What is left is what lies in a span and in no hole."""
    whole, gaps = in_order(spans), in_order(holes)
    left = subtract(whole, gaps)

    assert covered(left) == covered(whole) - covered(gaps)
    assert is_in_order(left)


@given(SPANS, SPANS)
def test_what_is_in_both(spans: List[Span], others: List[Span]) -> None:
    """What is in both is what lies in one of the first and in one of the others."""
    found = both(in_order(spans), in_order(others))

    assert covered(found) == covered(tuple(spans)) & covered(tuple(others))
    assert is_in_order(found)


def test_nothing_left_of_what_is_empty() -> None:
    """A span of no length is no part of the time, with holes and without."""
    assert subtract([Span(at(2), at(2)), Span(at(3), at(2))], []) == ()
    assert subtract([Span(at(2), at(2)), Span(at(3), at(2))], [Span(at(9), at(10))]) == ()
