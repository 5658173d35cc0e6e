"""Either Gerrit, as its users see it."""

from __future__ import annotations

from typing import Union

from sandbox.gerrit.choice import Choice
from sandbox.gerrit.server import START, GerritServer
from sandbox.gerrit.simulated import SimulatedGerrit

AnyGerrit = Union[GerritServer, SimulatedGerrit]


def chosen_server(choice: Choice, start: str = START) -> AnyGerrit:
    """The server of the choice, to be started by ``with``; its clock will stand at ``start``.

    :raises SandboxError: it cannot be made.
    """
    return GerritServer(start=start) if choice.is_real else SimulatedGerrit(start)
