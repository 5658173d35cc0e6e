"""A real Gerrit server for tests. Load as a plugin: ``pytest_plugins = ["gerrit_fixtures"]``.

Tests that need it carry the marker ``real_gerrit``. ``GERRIT=fake`` leaves them out, and says so in
the header; otherwise a machine without Java or Maven fails them, so that nobody mistakes a run
without the real server for a run with it.
"""

from __future__ import annotations

import os
from typing import Iterator, List

import pytest
from sandbox.gerrit.artifacts import DEFAULT_VERSION
from sandbox.gerrit.choice import AnyGerrit
from sandbox.gerrit.server import START, GerritServer
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.ports import SandboxError

MARKER = "real_gerrit"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse a misspelt wish."""
    config.addinivalue_line("markers", f"{MARKER}: needs a real Gerrit server (Java and Maven)")
    wish = os.environ.get("GERRIT", "")
    if wish not in {"", "real", "fake"}:
        raise pytest.UsageError(f"GERRIT is {wish!r}: use 'fake' or 'real', or unset it")


def pytest_report_header() -> str:
    """Say against which server the tests run."""
    if _fake():
        return f"GERRIT=fake: tests against a real Gerrit ({MARKER}) are NOT RUN"
    return f"gerrit: real server, version {os.environ.get('GERRIT_VERSION') or DEFAULT_VERSION}"


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    """Deselect, rather than skip: a skipped test looks like one that nearly ran."""
    if not _fake():
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
    if not _fake():
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


def _fake() -> bool:
    return os.environ.get("GERRIT") == "fake"
