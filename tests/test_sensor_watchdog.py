"""The watchdog over calls to StackStorm."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any, Callable, List

import pytest

from repository import ROOT
from reviewloop.sensor.watchdog import PATIENCE, Watchdog, WatchedService
from stores import Shelf


class Clockwork:
    """Timers that ring when the test says so."""

    def __init__(self) -> None:
        self.started: List[_Timer] = []

    def timer(self, seconds: float, ring: Callable[[], None]) -> _Timer:
        """As ``threading.Timer``."""
        assert seconds == PATIENCE
        self.started.append(_Timer(ring))
        return self.started[-1]

    def ring(self) -> None:
        """Time is up for the latest that was not cancelled."""
        if self.started[-1].runs:
            self.started[-1].ring()


class _Timer:
    daemon = False

    def __init__(self, ring: Callable[[], None]) -> None:
        self.ring = ring
        self.runs = False

    def start(self) -> None:
        self.runs = True

    def cancel(self) -> None:
        self.runs = False


class Bus:
    """Whether StackStorm's bus answers, and how often the process ended."""

    def __init__(self) -> None:
        self.up = True
        self.ends = 0
        self.clockwork = Clockwork()
        self.watchdog = Watchdog(
            self._end, lambda: self.up, logging.getLogger("watchdog"), self.clockwork.timer
        )

    def _end(self) -> None:
        self.ends += 1


@pytest.fixture
def bus() -> Bus:
    return Bus()


def test_a_call_that_comes_back(bus: Bus) -> None:
    """Nothing happens, then or later."""
    with bus.watchdog.watching():
        pass
    bus.clockwork.ring()

    assert bus.ends == 0


def test_a_call_that_hangs(bus: Bus) -> None:
    """The process ends, and StackStorm starts it anew."""
    with bus.watchdog.watching():
        bus.clockwork.ring()

    assert bus.ends == 1


def test_a_call_that_fails(bus: Bus) -> None:
    """Its error is handed on, and nothing ends."""
    with pytest.raises(OSError, match="the bus is away"), bus.watchdog.watching():
        raise OSError("the bus is away")
    bus.clockwork.ring()

    assert bus.ends == 0


def test_a_bus_that_is_still_away(bus: Bus) -> None:
    """A process started now could not work, and StackStorm would give the sensor up: wait."""
    bus.up = False
    with bus.watchdog.watching():
        bus.clockwork.ring()
        bus.clockwork.ring()
        assert bus.ends == 0
        bus.up = True
        bus.clockwork.ring()

    assert bus.ends == 1


def test_every_call_is_watched(bus: Bus) -> None:
    """Triggers and the datastore go through it, with the same results."""
    sent: List[Any] = []
    shelf = Shelf()
    shelf.service.dispatch = lambda **trigger: sent.append(trigger)  # type: ignore[attr-defined]
    service = WatchedService(shelf.service, bus.watchdog)

    service.dispatch(trigger="gerrit.poll_trouble", payload={}, trace_tag=None)
    service.set_value("gerrit.x", "1", local=False)
    listed = [(one.name, one.value) for one in service.list_values(local=False, prefix="gerrit.")]

    assert sent == [{"trigger": "gerrit.poll_trouble", "payload": {}, "trace_tag": None}]
    assert listed == [("gerrit.x", "1")]
    assert service.delete_value("gerrit.x", local=False)
    assert len(bus.clockwork.started) == 4
    assert not any(timer.runs for timer in bus.clockwork.started)


def test_a_real_timer_ends_a_real_process() -> None:
    """With ``threading.Timer`` and ``os._exit`` a call that never returns ends with status 1."""
    script = (
        "import logging, os, threading\n"
        "from reviewloop.sensor import watchdog\n"
        "watchdog.PATIENCE = 0.1\n"
        "dog = watchdog.Watchdog(lambda: os._exit(1), lambda: True, logging.getLogger())\n"
        "with dog.watching():\n"
        "    threading.Event().wait(60)\n"
    )

    environment = {**os.environ, "PYTHONPATH": str(ROOT / "actions" / "lib")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=False)

    assert done.returncode == 1
