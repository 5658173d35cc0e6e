"""Real trackers from Debian's packages: they need root and apt, and run with ``TRACKERS=all``."""

from __future__ import annotations

from typing import Iterator

import pytest
from sandbox.trackers.redmine import RedmineServer

from rig_redmine import RealRedmineRig


@pytest.fixture(scope="session")
def redmine_server() -> Iterator[RedmineServer]:
    """A real Redmine for the whole session; tests keep apart by the keys of their tickets."""
    with RedmineServer() as server:
        yield server


@pytest.fixture
def redmine_real(redmine_server: RedmineServer) -> RealRedmineRig:
    """The real Redmine."""
    return RealRedmineRig(redmine_server)
