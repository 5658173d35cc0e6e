"""Scripts: drawn from a seed, played, and made short where they fail."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from . import histories, people, rogue, troubles  # noqa: F401 - they define the steps
from .checks import Checker, Violation
from .machine import MACHINE
from .names import FAULTS, HARD, MIXED, PLANTED, REAL
from .world import Step, World, calm

ROOT = Path(__file__).resolve().parents[2]
ROUND = 10  # polls of a round of offers, ten minutes apart
EVENING = ("evening",)


def script(seed: int, fault: str, days: int) -> List[Step]:
    """What happens in so many days; the same for the same arguments."""
    rng = random.Random(f"{seed}/{fault}")
    steps: List[Step] = []
    for _ in range(days):
        steps += _day(rng, fault)
    return steps


def _day(rng: random.Random, fault: str) -> List[Step]:
    steps: List[Step] = [("wait", 5)]
    for _ in range(rng.randint(6, 10)):
        steps += [_act(rng) for _ in range(rng.randint(1, 6))]
        if fault == REAL:
            steps.append(("history", rng.randint(0, 9999)))
        if rng.random() < 0.5:
            steps += _trouble(rng, fault)
        steps.append(("wait", rng.choice((5, 5, 5, 30, 60))))
    return [*steps, EVENING, ("night", rng.choice((0, 6, 8)))]


def _trouble(rng: random.Random, fault: str) -> List[Step]:
    name = rng.choice((*FAULTS, *HARD * 4)) if fault in (MIXED, REAL) else fault
    steps = {**FAULTS, **PLANTED}[name](rng)
    if steps and rng.random() < 0.5:
        steps.append(("leave", rng.choice((5, 20, 60))))
    if steps and rng.random() < 0.3:
        steps.append(("mend",))
    return steps


_ACTS: Tuple[Tuple[str, int, int], ...] = (
    # a step, its share, and how many numbers it takes
    ("upload", 30, 3),
    ("patch", 8, 2),
    ("review", 14, 3),
    ("reply", 6, 1),
    ("robot", 7, 2),
    ("progress", 3, 1),
    ("finish", 22, 2),
    ("restore", 1, 1),
    ("hide", 2, 1),
    ("delete", 1, 1),
    ("command", 9, 3),
    ("exempt", 2, 1),
)


def _act(rng: random.Random) -> Step:
    name, _, count = rng.choices(_ACTS, [share for _, share, _ in _ACTS])[0]
    return (name, *(rng.randint(0, 99) for _ in range(count)))


@dataclass
class Played:
    """What came of a script."""

    steps: int = 0
    length: int = 0  # of the script, as far as it was played
    violations: List[Violation] = field(default_factory=list)
    delays: List[timedelta] = field(default_factory=list)
    killed: Dict[str, int] = field(default_factory=dict)
    asked: int = 0
    met: int = 0


def play(steps: Sequence[Step], seed: int = 0, *, patient: bool = False) -> Played:
    """Play a script up to its first violation; ``patient``: to its end."""
    world = World(ROOT, seed)
    checker = Checker(world)
    played = Played()
    for one in steps:
        found = _evening(world, checker) if one == EVENING else _step(world, checker, one)
        played.length += 1
        played.steps += 1 + ROUND * (one == EVENING)  # the round's polls are steps as well
        if found and not patient:
            break
    played.violations = checker.found
    played.delays, played.killed = checker.delays, world.st2.killed
    played.met = world.network.met
    played.asked = sum(one.mark is not None for one in world.gerrit.writes)
    return played


def _step(world: World, checker: Checker, one: Step) -> List[Violation]:
    if one[0] in ("datastore", "clock"):
        checker.limits.forget()
    world.do(one)
    if one[0] in ("wait", "leave"):
        checker.polls.append(MACHINE.now)
    return checker.after_step()


def _evening(world: World, checker: Checker) -> List[Violation]:
    """A round of offers without faults; then everything must be as it should."""
    calm(world)
    since, first = MACHINE.now, len(checker.found)
    for _ in range(ROUND):
        world.advance(10)
        world.poll()
        checker.polls.append(MACHINE.now)
        checker.after_step()
    checker.evening(since)
    world.yesterday = world.st2.datastore.image()
    world.tracker.archive(MACHINE.now - timedelta(days=3))
    return checker.found[first:]


def shorter(
    steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool], patience: Callable[[], bool]
) -> List[Step]:
    """A short part of a failing script that still fails: delta debugging (Zeller, ddmin)."""
    left, size = list(steps), max(1, len(steps) // 2)
    while patience():
        at, shrunk = 0, False
        while at < len(left) and patience():
            after = at + size
            part = left[:at] + left[after:]
            if part and fails(part):
                left, shrunk = part, True
            else:
                at += size
        if size == 1 and not shrunk:
            break
        size = max(1, size // 2)
    return left


def first_of(kind: str) -> Callable[[Played], Optional[Violation]]:
    """The first violation of a kind."""
    return lambda played: next((one for one in played.violations if one.kind == kind), None)
