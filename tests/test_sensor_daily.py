"""The daily look, before the first and over rows that make no sense; and what is tidied after."""

from __future__ import annotations

import ctypes
from datetime import timedelta
from typing import Any, List, Type

import pytest

from bench import Bench
from reviewloop.operations import garbage
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


def test_tidied_after_looks_at_everything() -> None:
    """After a start and after the daily look, as large answers are over then; not after others."""
    bench, tidied = Bench(reconciles=True), [0]

    def tidy() -> None:
        tidied[0] += 1

    bench.tidy = tidy
    bench.start()
    counts: List[int] = []
    for hours in (0, 1, 24, 1):
        bench.fake.advance(hours=hours)
        bench.poll()
        counts.append(tidied[0])

    assert counts == [1, 1, 2, 2]


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_a_c_library_that_gives_nothing_back(
    monkeypatch: pytest.MonkeyPatch, error: Type[Exception]
) -> None:
    """Nothing happens, and nobody notices."""

    def without(_name: Any) -> Any:
        raise error

    garbage.give_back()
    monkeypatch.setattr(ctypes, "CDLL", without)
    garbage.give_back()
