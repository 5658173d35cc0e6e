"""Instants as text."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Iterator

import pytest

from reviewloop.core.timestamps import from_iso, iso, moment

BERLIN = datetime(2026, 3, 2, 0, 30, 59, 999_999, timezone(timedelta(hours=1)))


@pytest.fixture(params=["UTC", "Asia/Tokyo"], autouse=True)
def zone_of_the_machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """What a machine is set to does not matter."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_instants_as_text() -> None:
    """Whatever zone an instant is told in, its text is UTC, cut to whole seconds or minutes."""
    assert iso(BERLIN) == "2026-03-01T23:30:59Z"
    assert moment(BERLIN) == "2026-03-01 23:30 UTC"


def test_instants_read_again() -> None:
    """What was written is read, to the second; anything else is refused."""
    assert from_iso(iso(BERLIN)) == BERLIN.replace(microsecond=0)
    with pytest.raises(ValueError, match="does not match"):
        from_iso("2026-03-02 09:00")
