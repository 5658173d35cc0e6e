"""What all tests share: the fixtures of real servers, and property tests that repeat themselves."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings
from sandbox.ports import spare_loopback

pytest_plugins = [file.stem for file in sorted(Path(__file__).parent.glob("*_fixtures.py"))]

# A proxy of the developer's would look for the servers on its own machine.
spare_loopback()

# The same examples in every run, and no limit by the wall clock: a slow machine is no failure.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
