"""The sandbox's Gerrit with half a year of made-up reviews: what a report can be tried on.

    python -m sandbox.report.server [--port 8090]

It is the simulated Gerrit, on loopback; it needs neither Java nor StackStorm, and nobody signs in.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from pathlib import Path
from typing import Iterable, List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "actions" / "lib")]

from sandbox.gerrit.fake import FakeGerrit  # noqa: E402
from sandbox.gerrit.fake_query import Moment, instant  # noqa: E402
from sandbox.gerrit.fake_world import FakeChange, Json  # noqa: E402
from sandbox.gerrit.simulated import SimulatedGerrit  # noqa: E402
from sandbox.ports import SandboxError  # noqa: E402
from sandbox.report.histories import END, histories  # noqa: E402

PORT = 8090
#: What a change holds only if it is asked for, by option.
_ASKED_FOR = {
    "MESSAGES": ("messages",),
    "LABELS": ("labels", "reviewers"),
    "REVIEWER_UPDATES": ("reviewer_updates",),
}
_SECONDS = 19


class TellingGerrit(FakeGerrit):
    """A simulated Gerrit whose changes are those of some histories, as they were answered.

    :param told: ``ChangeInfo`` with messages and reviewers.
    """

    def __init__(self, told: Iterable[Json], now: Moment) -> None:
        super().__init__(now)
        self._told = {int(one["_number"]): one for one in told}
        for number, one in self._told.items():
            created, updated = (instant(one[key][:_SECONDS]) for key in ("created", "updated"))
            owner = int(one["owner"]["_account_id"])
            change = FakeChange(
                number, one["project"], one["branch"], one["subject"], owner, created, updated
            )
            change.status = one["status"]
            self.changes[number] = change

    def _info(self, change: FakeChange, options: Sequence[str]) -> Json:
        told = self._told[change.number]
        left_out = {
            key for option, keys in _ASKED_FOR.items() if option not in options for key in keys
        }
        return {key: value for key, value in told.items() if key not in left_out}


def half_a_year(changes: Optional[Iterable[Json]] = None) -> SimulatedGerrit:
    """A server of the made-up reviews, or of others, at the end of them; to be started by
    ``with``.
    """
    return SimulatedGerrit(END, TellingGerrit(changes or histories(), END))


def main(arguments: Optional[List[str]] = None) -> int:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.report.server")
    parser.add_argument("--port", type=int, default=PORT, help="default: 8090; 0 for any")
    options = parser.parse_args(arguments)
    gerrit = half_a_year()
    try:
        gerrit.start(options.port)
    except SandboxError as err:
        print(err, file=sys.stderr)
        return 2
    print(f"The sandbox's Gerrit answers at {gerrit.url} until you press Ctrl-C.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    gerrit.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
