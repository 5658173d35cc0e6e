"""Which Gerrit the demo and the tests play with: the real one, or the simulated one."""

from __future__ import annotations

from typing import Union

from sandbox.gerrit.server import GerritServer
from sandbox.gerrit.simulated import SimulatedGerrit

AnyGerrit = Union[GerritServer, SimulatedGerrit]
