"""The daily look, before the first and over rows that make no sense."""

from __future__ import annotations

from datetime import timedelta

from reviewloop.sensor.reconcile import Reconcile
from test_sensor_memory import LOG, Parts, key


def test_no_look_yet() -> None:
    """It is due at once."""
    parts = Parts()
    number = parts.fake.add_change()
    parts.reconcile = Reconcile(parts.reader, lambda _now: parts.horizon, timedelta(days=1), LOG)
    assert parts.reconcile.is_due(parts.fake.now)
    assert parts.look_over() == {number}

    assert not parts.reconcile.is_due(parts.fake.now)


def test_row_that_makes_no_sense_comes_first() -> None:
    """What comes after it is looked at all the same."""
    parts = Parts()
    sound = parts.fake.add_change()
    parts.fake.advance(minutes=1)
    broken = parts.fake.add_change()
    parts.fake.changes[broken].commits.append(7)  # type: ignore[arg-type]

    assert parts.look_over() == {sound}
    assert key(broken) in parts.aside
