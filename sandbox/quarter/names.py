"""Faults by the names that the table gives them, and how their steps are drawn."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

Step = Tuple[object, ...]
NETWORK = (
    "timeout",
    "reset",
    "refused",
    "cut body",
    "drip",
    "login page",
    "401",
    "403",
    "409",
    "429",
    "429 with Retry-After",
    "500",
    "503",
    "empty answer",
    "half an answer",
)
"""Kinds of faults on the network."""

# What a fault's name in the table means: how its steps are drawn.
Draw = Callable[[random.Random], List[Step]]


def _network(who: str, kinds: Sequence[int]) -> Draw:
    return lambda rng: [(who, rng.choice(kinds), rng.randint(1, 12), rng.randint(0, 3))]


FAULTS: Dict[str, Draw] = {
    "none": lambda _rng: [],
    **{f"Gerrit: {name}": _network("gerrit", [index]) for index, name in enumerate(NETWORK)},
    **{f"tracker: {name}": _network("tracker", [index]) for index, name in enumerate(NETWORK)},
    "Gerrit: the index lags": lambda rng: [("index", rng.choice((2, 10, 45)))],
    "Gerrit: stale row in the index": lambda rng: [
        ("stale", rng.randint(0, 99), rng.choice((5, 30, 90)))
    ],
    "clock: an hour ahead": lambda _rng: [("clock", 0)],
    "clock: an hour behind": lambda _rng: [("clock", 1)],
    "clock: a year ahead": lambda _rng: [("clock", 2)],
    "clock: a year behind": lambda _rng: [("clock", 3)],
    "clock: no Date": lambda _rng: [("clock", 4)],
    "text made to break readers": lambda rng: [("poison", rng.randint(0, 99), rng.randint(0, 2))],
    "unknown status": lambda rng: [("status", rng.randint(0, 99))],
    "datastore: down": lambda _rng: [("datastore", 0, 0)],
    "datastore: slow": lambda _rng: [("datastore", 1, 0)],
    "datastore: lost write": lambda rng: [("datastore", 2, rng.randint(1, 3))],
    "datastore: damaged value": lambda rng: [("datastore", 3, rng.randint(0, 99))],
    "datastore: yesterday's": lambda _rng: [("datastore", 4, 0)],
    "datastore: None": lambda rng: [("datastore", 5, rng.randint(1, 12))],
    "bus: dropped": lambda rng: [("bus", 0, rng.randint(1, 6))],
    "bus: doubled": lambda rng: [("bus", 1, rng.randint(1, 6))],
    "bus: reordered": lambda _rng: [("bus", 2, 3)],
    "sensor killed": lambda rng: [("kill", 0, rng.randint(1, 12))],
    "action killed": lambda rng: [("kill", 1, rng.randint(1, 60))],
    "action dead for ever": lambda rng: [("kill", 2, rng.randint(1, 60))],
    "runs twice at once": lambda rng: [("twice", 3, rng.randint(2, 6))],
    "people act in the middle of a run": lambda rng: [
        ("meanwhile", rng.randint(1, 25), rng.randint(0, 6))
    ],
    "sensor restarted": lambda _rng: [("restart",)],
    "configuration changed": lambda rng: [("configure", rng.randint(0, 2), rng.randint(0, 9))],
    "roster changed": lambda rng: [
        rng.choice((("roster", rng.randint(0, 4)), ("away", rng.randint(0, 4))))
    ],
    "account switched off": lambda rng: [("departed", rng.randint(0, 4))],
}
PLANTED: Dict[str, Draw] = {
    "planted: nobody acts": lambda _rng: [("no_rules",)],
    "planted: two comments": lambda _rng: [("asks", 0, 3)],
    "planted: the owner is asked": lambda _rng: [("asks", 0, 0)],
    "planted: one too many": lambda _rng: [("asks_too_often", 0)],
}
"""What a sound pack does not do: for tests that a run fails by it. No round has them."""
MIXED = "all of them"
REAL = "all of them, real histories"


def histories() -> Optional[Path]:
    """The folder of real histories, which are too large to ship; None where there are none."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("REVIEW_HISTORIES") or beside)
    return folder if folder.is_dir() else None


HARD = (
    "sensor killed",
    "action killed",
    "action dead for ever",
    "runs twice at once",
    "people act in the middle of a run",
)
"""What comes more often where faults are mixed."""
LONG = (MIXED, REAL, "action killed", "action dead for ever", "runs twice at once")
"""Runs of a whole quarter; the others take a third of it."""
ROUND = (*LONG, *FAULTS, MIXED)
"""One round of runs, those first from which most is to be expected."""
