"""One run in a process of its own machine: a script played, and made short if it fails.

Only :mod:`.machine` is imported before the machine is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
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


def replay(text: str, seed: int) -> List[str]:
    """What is wrong after a script."""
    from . import play, world  # noqa: PLC0415

    return [str(one) for one in play.play(world.parsed(text), seed).violations]
