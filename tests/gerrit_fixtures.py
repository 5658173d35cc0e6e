"""A Gerrit server for tests. Load as a plugin: ``pytest_plugins = ["gerrit_fixtures"]``.

Tests of the real server's own conduct carry the marker ``real_gerrit``. Where the real one cannot
run they are left out, and the header says so; ``GERRIT=real`` fails instead, so that nobody
mistakes a run without the real server for a run with it. What runs on both asks for ``any_gerrit``.
"""

from __future__ import annotations

import functools
from typing import Iterator, List

import pytest
from sandbox.gerrit.any_server import AnyGerrit
from sandbox.gerrit.choice import Choice, choice
from sandbox.gerrit.server import START, GerritServer
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.ports import SandboxError

MARKER = "real_gerrit"


@functools.lru_cache(maxsize=None)
def _choice() -> Choice:
    try:
        return choice()
    except SandboxError as err:
        raise pytest.UsageError(str(err)) from err


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse a wish that is misspelt or cannot be granted."""
    config.addinivalue_line("markers", f"{MARKER}: only a real Gerrit server shows it")
    _choice()


def pytest_report_header() -> str:
    """Say against which server the tests run."""
    left_out = "" if _choice().is_real else f" Tests of the real one ({MARKER}) are NOT RUN."
    return _choice().line + left_out


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    """Deselect, rather than skip: a skipped test looks like one that nearly ran."""
    if _choice().is_real:
        return
    left_out = [item for item in items if item.get_closest_marker(MARKER)]
    items[:] = [item for item in items if not item.get_closest_marker(MARKER)]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="module")
def gerrit() -> Iterator[GerritServer]:
    """A server of this module's own, on the standard site; its clock stands at ``START``."""
    try:
        server = GerritServer()
        server.start()
    except SandboxError as err:
        pytest.fail(str(err), pytrace=False)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def any_gerrit(request: pytest.FixtureRequest) -> Iterator[AnyGerrit]:
    """The real server where the tests run on it, else the simulated one, on the same site."""
    if _choice().is_real:
        yield request.getfixturevalue("gerrit")
        return
    with SimulatedGerrit() as server:
        yield server


@pytest.fixture
def calm_gerrit(gerrit: GerritServer) -> GerritServer:
    """The module's server: no fault waits, no request is logged, the clock is at ``START``."""
    gerrit.clear_faults()
    gerrit.at(START)
    gerrit.reset_requests()
    return gerrit
