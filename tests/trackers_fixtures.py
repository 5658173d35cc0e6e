"""The trackers that tests run against."""

from __future__ import annotations

from typing import Iterator

import pytest
from sandbox.trackers.roundup import RoundupServer

from trackers_rig import GitHubRig, Rig, RoundupRig


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


@pytest.fixture(params=["github", "roundup"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each tracker in turn."""
    found: Rig = request.getfixturevalue(request.param)
    return found
