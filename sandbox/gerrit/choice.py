"""Which Gerrit the demo and the tests play with: the real one, or the simulated one.

``GERRIT=real`` insists on the real one and ``GERRIT=fake`` on the simulated one. Otherwise it is
the real one where everything for it is here. Only the standard library is imported, as
`sandbox.preflight` needs it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Mapping, Sequence

from sandbox.gerrit.artifacts import missing, wanted_version
from sandbox.ports import SandboxError

HOW_REAL = "To see the real one: make java, then this again with GERRIT=real."


@dataclass(frozen=True)
class Choice:
    """Which one, and the line that says so."""

    is_real: bool
    line: str


def wish(environ: Mapping[str, str] = os.environ) -> str:
    """``real``, ``fake`` or empty.

    :raises SandboxError: something else was asked for.
    """
    wanted = environ.get("GERRIT", "")
    if wanted not in {"", "real", "fake"}:
        raise SandboxError(f"GERRIT is {wanted!r}: use 'fake' or 'real', or unset it.")
    return wanted


def choose(wanted: str, lacking: Sequence[str] = ()) -> Choice:
    """Decide.

    :param wanted: see `wish`.
    :param lacking: what the real Gerrit lacks here, see `artifacts.missing`.
    :raises SandboxError: the real one is insisted on, and something is missing.
    """
    if wanted == "fake":
        return Choice(False, f"Gerrit is SIMULATED, as GERRIT=fake asks. {HOW_REAL}")
    lacks = " and ".join(lacking)
    if lacks and wanted == "real":
        raise SandboxError(f"GERRIT=real, but the real Gerrit lacks {lacks}: run make java.")
    if lacks:
        return Choice(False, f"Gerrit is SIMULATED: the real one lacks {lacks}. {HOW_REAL}")
    return Choice(True, f"Gerrit is the real one, version {wanted_version()}.")


def choice() -> Choice:
    """Decide by the environment and by what is on this machine.

    :raises SandboxError: see `wish` and `choose`.
    """
    wanted = wish()
    return choose(wanted, () if wanted == "fake" else missing())
