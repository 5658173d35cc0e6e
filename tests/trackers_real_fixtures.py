"""Real trackers from Debian's packages: they need root and apt, and run with ``TRACKERS=all``."""

from __future__ import annotations

from typing import Iterator

import pytest
from sandbox.trackers.redmine import RedmineServer
from sandbox.trackers.request_tracker import RequestTrackerServer

from rig_redmine import RealRedmineRig
from rig_rt import RealRequestTrackerRig


@pytest.fixture(scope="session")
def redmine_server() -> Iterator[RedmineServer]:
    """A real Redmine for the whole session; tests keep apart by the keys of their tickets."""
    with RedmineServer() as server:
        yield server


@pytest.fixture
def redmine_real(redmine_server: RedmineServer) -> RealRedmineRig:
    """The real Redmine."""
    return RealRedmineRig(redmine_server)


@pytest.fixture(scope="session")
def rt_server() -> Iterator[RequestTrackerServer]:
    """A real Request Tracker for the whole session, likewise."""
    with RequestTrackerServer() as server:
        yield server


@pytest.fixture
def rt_real(rt_server: RequestTrackerServer) -> RealRequestTrackerRig:
    """The real Request Tracker."""
    return RealRequestTrackerRig(rt_server)
