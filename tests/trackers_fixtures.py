"""The trackers that tests run against."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

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

IS_THOROUGH = os.environ.get("TRACKERS") == "all"
"""``make test-trackers``: all real servers, and all rounds of the proofs."""

REAL = ("roundup", "redmine_real", "rt_real") if IS_THOROUGH else ("roundup",)
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
    if mark is None:
        return rig
    reason = rig.cannot.get(mark.args[0], "")
    label = f"{rig.label} ({'real' if rig.is_real else 'fake'})"
    told = (label, rig.is_real, mark.args[0], reason)
    request.node.user_properties.append(("contract", told))
    if reason:
        pytest.skip(reason)
    return rig


_OUTCOMES: Dict[str, Dict[str, Any]] = {}
"""By tracker whether it is real, and by case ``passed``, ``failed``, or why it cannot be shown."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take down what became of a case; one failure of several tests is a failure."""
    for name, value in report.user_properties:
        if name != "contract" or (report.when != "call" and report.passed):
            continue
        label, is_real, case, reason = value
        cases = _OUTCOMES.setdefault(label, {"real": is_real, "cases": {}})["cases"]
        outcome = reason or report.outcome
        cases[case] = "failed" if "failed" in (cases.get(case), outcome) else outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the outcomes for the table in docs/trackers.md."""
    path = os.environ.get("CONTRACT_RESULTS")
    if path:
        Path(path).write_text(json.dumps(_OUTCOMES, indent=1), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of the contract's cases."""
    config.addinivalue_line("markers", "case(name): the case of the trackers' contract")
