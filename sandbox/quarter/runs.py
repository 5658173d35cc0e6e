"""One run in a process of its own machine: a script played, and made short if it fails.

Only :mod:`.machine` is imported before the machine is simulated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List, Sequence

from .machine import install, stopwatch

#: Kinds of violations that the table counts together.
WRONG = ("person", "limit", "over", "private", "board", "broken")


@dataclass
class Result:
    """What came of one run; ``script`` is a short one that fails, empty if none did."""

    fault: str
    seed: int
    steps: int = 0
    kills: int = 0
    asks: int = 0
    problems: List[str] = field(default_factory=list)
    counts: Dict[str, int] = field(default_factory=dict)
    longest: timedelta = timedelta(0)
    script: str = ""
    days: int = 0


def prepare() -> None:
    """Simulate this process' machine, and make it quiet."""
    import logging  # noqa: PLC0415

    install()
    logging.disable(logging.CRITICAL)


def run(fault: str, seed: int, days: int, patience: float) -> Result:
    """Play the script of a fault and a seed; ``patience``: seconds for making it short."""
    from . import play, world  # noqa: PLC0415 - they import the pack

    steps = play.script(seed, fault, days)
    played = play.play(steps, seed)
    result = Result(
        fault,
        seed,
        played.steps,
        sum(played.killed.values()),
        played.asked,
        longest=max(played.delays, default=timedelta(0)),
        days=days,
    )
    if played.violations:
        kinds = {one.kind for one in played.violations}
        result.problems = [str(one) for one in played.violations]
        result.counts = {kind: sum(v.kind == kind for v in played.violations) for kind in kinds}
        result.script = world.told(_short(play, steps[: played.length], seed, kinds, patience))
    return result


def _short(play: Any, steps: Sequence[Any], seed: int, kinds: Any, patience: float) -> Any:
    until = stopwatch() + patience

    def fails(part: Sequence[Any]) -> bool:
        return any(one.kind in kinds for one in play.play(part, seed).violations)

    return play.shorter(steps, fails, lambda: stopwatch() < until)


def keep(result: Result, file: Path) -> None:
    """Add a result to a file, a line each."""
    told = {**vars(result), "longest": result.longest.total_seconds()}
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(told) + "\n")


def kept(file: Path) -> List[Result]:
    """What was kept; nothing where there is no file yet."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    told = map(json.loads, lines)
    return [Result(**{**one, "longest": timedelta(seconds=one["longest"])}) for one in told]


def replay(text: str, seed: int) -> List[str]:
    """What is wrong after a script."""
    from . import play, world  # noqa: PLC0415

    return [str(one) for one in play.play(world.parsed(text), seed).violations]
