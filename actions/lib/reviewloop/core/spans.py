"""Spans of time, and what is left of them without others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional, Tuple


@dataclass(frozen=True)
class Span:
    """``[start, end)``; end None = still open."""

    start: datetime
    end: Optional[datetime] = None


def subtract(spans: Tuple[Span, ...], holes: Tuple[Span, ...]) -> Tuple[Span, ...]:
    """The parts of ``spans`` outside of ``holes``, in order."""
    for hole in holes:
        spans = tuple(part for span in spans for part in _without(span, hole))
    return spans


def _without(span: Span, hole: Span) -> Tuple[Span, ...]:
    before = Span(span.start, hole.start if span.end is None else min(hole.start, span.end))
    parts = [before] if hole.start > span.start else []
    if hole.end is not None and (span.end is None or hole.end < span.end):
        parts.append(Span(max(span.start, hole.end), span.end))
    return tuple(parts)
