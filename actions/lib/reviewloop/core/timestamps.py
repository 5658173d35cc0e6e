"""Instants as text: one form in everything the pack stores and sends."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

ISO = "%Y-%m-%dT%H:%M:%SZ"
"""ISO-8601 in UTC, whole seconds: ``2026-03-02T09:00:00Z``."""

_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=timezone.utc), timedelta(seconds=1)


def iso(instant: datetime) -> str:
    """``2026-03-02T09:00:00Z``."""
    return instant.astimezone(timezone.utc).strftime(ISO)


def from_iso(text: str) -> datetime:
    """Read what :func:`iso` wrote. :raises ValueError: it is something else."""
    return datetime.strptime(text, ISO).replace(tzinfo=timezone.utc)


def epoch(at: datetime) -> int:
    """Whole seconds since 1970."""
    return (at - _EPOCH) // _SECOND


def instant(seconds: int) -> datetime:
    """The inverse of :func:`epoch`. :raises OverflowError: no calendar reaches so far."""
    return _EPOCH + timedelta(0, seconds)


def moment(instant: datetime) -> str:
    """For people: ``2026-03-02 09:00 UTC``."""
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
