"""The trackers that tests run against."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Callable, Dict, Iterator

import pytest
from sandbox.trackers.roundup import RoundupServer

from rig_github import GitHubRig
from rig_roundup import RoundupRig
from trackers_rig import Rig


def _fakes() -> Dict[str, Callable[[], Rig]]:
    """Stateful fakes by their kind, each fresh for every test: ``RIG`` of the modules that have
    one.
    """
    files = sorted(Path(__file__).parent.glob("rig_*.py"))
    rigs = (getattr(importlib.import_module(file.stem), "RIG", None) for file in files)
    return {rig.kind: rig for rig in rigs if rig is not None}


FAKES = _fakes()

REAL = ("roundup",)
"""Names of fixtures of real servers."""


@pytest.fixture(scope="session")
def roundup_server() -> Iterator[RoundupServer]:
    """A real Roundup for the whole session; tests keep apart by the keys of their tickets."""
    with RoundupServer() as server:
        yield server


@pytest.fixture
def github() -> GitHubRig:
    """A fresh fake GitHub."""
    return GitHubRig()


@pytest.fixture
def roundup(roundup_server: RoundupServer) -> RoundupRig:
    """The real Roundup."""
    return RoundupRig(roundup_server)


@pytest.fixture(params=list(FAKES))
def fake(request: pytest.FixtureRequest) -> Rig:
    """Each fake in turn, for what would take too long on real servers."""
    return _able(FAKES[request.param](), request)


@pytest.fixture(params=[*FAKES, *REAL])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each tracker in turn."""
    make = FAKES.get(request.param)
    return _able(make() if make else request.getfixturevalue(request.param), request)


def _able(rig: Rig, request: pytest.FixtureRequest) -> Rig:
    """The tracker, unless it says that it cannot show the case at hand."""
    mark = request.node.get_closest_marker("case")
    reason = rig.cannot.get(mark.args[0]) if mark else None
    if reason:
        pytest.skip(reason)
    return rig


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of the contract's cases."""
    config.addinivalue_line("markers", "case(name): the case of the trackers' contract")
