"""What ``make test-st2`` says at its end."""

from __future__ import annotations

import os
from typing import Any

from sandbox.stackstorm.services import KEY, missing


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly which part was not run: a skipped test is easily overlooked among passed ones."""
    lacking = missing(os.environ.get(KEY, ""))
    if lacking:
        terminalreporter.write_line(f"NOT RUN: the Monday with faults. {lacking}.", red=True)
