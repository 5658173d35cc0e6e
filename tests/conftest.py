"""What all tests share: the fixtures of real servers, and property tests that repeat themselves."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sandbox.ports import spare_loopback

pytest_plugins = [file.stem for file in sorted(Path(__file__).parent.glob("*_fixtures.py"))]

# A proxy of the developer's would look for the servers on its own machine.
spare_loopback()


def pytest_configure(config: pytest.Config) -> None:
    """Whatever stops the tests, fixtures end their servers and remove their folders."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: Any) -> None:
    # As Ctrl-C does: pytest tears down for it, and no code under test catches it.
    raise KeyboardInterrupt(signal.Signals(number).name)


# The same examples in every run, and no limit by the wall clock: a slow machine is no failure.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
