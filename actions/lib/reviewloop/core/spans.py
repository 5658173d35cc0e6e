"""Spans of time put together and taken apart, in time that grows with their number and no faster.

Where spans are said to be *in order*, they are sorted by their start, none is empty, and each ends
before or where the next begins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple


class Span(NamedTuple):
    """``[start, end)``; end None = still open."""

    start: datetime
    end: Optional[datetime] = None


def in_order(spans: Iterable[Span]) -> Tuple[Span, ...]:
    """The same time in order: sorted, what overlaps or touches joined, what is empty left out."""
    joined: List[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        last = joined[-1] if joined else None
        if span.end is not None and span.end <= span.start:
            continue
        if last is None or (last.end is not None and last.end < span.start):
            joined.append(span)
        elif last.end is not None and (span.end is None or span.end > last.end):
            joined[-1] = Span(last.start, span.end)
    return tuple(joined)


def subtract(spans: Iterable[Span], holes: Sequence[Span]) -> Tuple[Span, ...]:
    """The parts of ``spans`` outside of ``holes``, in the order of ``spans``.

    :param holes: in order. Of these only the ones that touch a span are looked at: many spans and
        many holes cost no more than their parts.
    """
    if not holes:
        return tuple([span for span in spans if span.end is None or span.start < span.end])
    return tuple(part for span in spans for part in _without(span, holes))


def both(spans: Sequence[Span], others: Sequence[Span]) -> Tuple[Span, ...]:
    """The time that is in both; each is in order, and so is the result."""
    found: List[Span] = []
    for span in spans:
        for index in range(_first_beyond(others, span.start), len(others)):
            other = others[index]
            if span.end is not None and other.start >= span.end:
                break
            ends = [one for one in (span.end, other.end) if one is not None]
            found.append(Span(max(span.start, other.start), min(ends) if ends else None))
    return tuple(found)


def _without(span: Span, holes: Sequence[Span]) -> Iterator[Span]:
    begin = span.start
    for index in range(_first_beyond(holes, begin), len(holes)):
        hole = holes[index]
        if span.end is not None and hole.start >= span.end:
            break
        if hole.start > begin:
            yield Span(begin, hole.start)
        if hole.end is None:
            return
        begin = hole.end
    if span.end is None or begin < span.end:
        yield Span(begin, span.end)


def _first_beyond(holes: Sequence[Span], instant: datetime) -> int:
    """The index of the first hole that ends after an instant (``bisect`` takes no key before
    3.10).
    """
    low, high = 0, len(holes)
    while low < high:
        middle = (low + high) // 2
        end = holes[middle].end
        if end is not None and end <= instant:
            low = middle + 1
        else:
            high = middle
    return low
