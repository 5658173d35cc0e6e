"""The day itself: changes are asked for, and faults are played one after the other."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, List, Sequence

from sandbox.gerrit.server import GerritServer
from sandbox.stackstorm.options import Options
from sandbox.stackstorm.services import DATABASE, RABBIT, RUNNER, Services

LOOK = 10.0
#: How often, and how far, Gerrit's clock is turned on when nothing moves any more. The pack offers
#: a wait again once an hour; nobody has to sit through that. Small steps tell when it did.
TURNS = 24
TURN_MINUTES = 10
RUNNER_AWAY = 12


@dataclass(frozen=True)
class Fault:
    """Something that breaks, and is mended after ``seconds``."""

    name: str
    begin: Callable[[], None]
    seconds: int
    end: Callable[[], None]


@dataclass(frozen=True)
class Course:
    """How a day went, in seconds since the changes became overdue.

    :ivar last_asked: when the last change was asked for.
    :ivar faults_over: when the last fault was over; 0.0 without faults.
    :ivar turns: how often the clock was turned on.
    :ivar calm: since when, by Gerrit's clock, all was overdue and nothing was broken.
    """

    last_asked: float
    faults_over: float
    turns: int
    calm: datetime


class Scene(ABC):
    """What the day is played on."""

    @abstractmethod
    def asked(self) -> int:
        """How many changes have a comment that asks."""

    @abstractmethod
    def look_after(self) -> None:
        """Measure, and start again what a fault has ended besides."""

    @abstractmethod
    def turn(self, minutes: int) -> None:
        """Turn Gerrit's clock on."""

    @abstractmethod
    def clock(self) -> datetime:
        """Gerrit's time."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Tell whoever watches."""

    def now(self) -> float:
        """Seconds, since anything."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class Play:
    """One day, from the crossing until all were asked for or nothing moves any more."""

    def __init__(self, scene: Scene, options: Options, faults: Sequence[Fault]) -> None:
        self._scene = scene
        self._options = options
        self._faults: List[Fault] = list(faults)
        self._began = scene.now()
        self._asked = self._told = self._turns = 0
        # The first fault comes among the first asks; the others leave some quiet between them.
        self._gap = max(1, options.changes * 8 // 100)
        self._next = self._gap
        # When something moved last: an ask, the end of a fault, the clock.
        self._moved = self._last_asked = self._over = 0.0
        self._is_stuck = False
        self._calm = scene.clock()

    def run(self) -> Course:
        """Play it; faults that are left when all were asked for are played too."""
        while (self._faults or not self._is_done) and not self._is_stuck:
            self._scene.sleep(LOOK)
            self._scene.look_after()
            self._count()
            self._act()
        return Course(self._last_asked, self._over, self._turns, self._calm)

    @property
    def _is_done(self) -> bool:
        return self._asked >= self._options.changes

    def _seconds(self) -> float:
        return self._scene.now() - self._began

    def _count(self) -> None:
        asked = self._scene.asked()
        if asked != self._asked:
            self._asked = asked
            self._last_asked = self._moved = self._seconds()
        if asked >= self._told + 10:
            self._told = asked
            self._say(f"asked for {asked}")

    def _act(self) -> None:
        still = self._seconds() - self._moved
        if self._faults:
            if self._is_done or self._asked >= self._next or still > self._options.stall:
                self._break()
        elif not self._is_done and still > self._options.patience:
            self._turn(still)

    def _break(self) -> None:
        fault = self._faults.pop(0)
        self._say(f"FAULT {fault.name}")
        fault.begin()
        until = self._scene.now() + fault.seconds
        while self._scene.now() < until:
            self._scene.sleep(min(5.0, until - self._scene.now()))
            self._scene.look_after()
        fault.end()
        self._over = self._moved = self._seconds()
        self._calm = self._scene.clock()
        self._next = self._asked + 2 * self._gap
        self._say(f"over: {fault.name}")

    def _turn(self, still: float) -> None:
        self._say(f"nobody was asked for {still:.0f} s; asked for {self._asked}")
        self._is_stuck = self._turns == TURNS
        if not self._is_stuck:
            self._turns += 1
            self._scene.turn(TURN_MINUTES)
            self._say(f"Gerrit's clock is turned on by {TURN_MINUTES} minutes ({self._turns})")
            self._moved = self._seconds()

    def _say(self, text: str) -> None:
        self._scene.say(f"{self._seconds():6.0f} s  {text}")


def faults_of(options: Options, gerrit: GerritServer, services: Services) -> List[Fault]:
    """What the options ask for, in their order."""

    def resume() -> None:
        gerrit.resume()
        gerrit.advance(seconds=options.gerrit_down)
        gerrit.run_clock()

    def bring_the_bus() -> None:
        services.start(RABBIT)
        services.restart_own()

    def away(name: str, seconds: int, told: str, end: Callable[[], None]) -> Fault:
        return Fault(
            f"{name} stopped, {seconds} s{told}", lambda: services.stop(name), seconds, end
        )

    found = []
    if options.kill_runner:
        begin, end = (lambda: services.kill(RUNNER)), (lambda: services.start(RUNNER))
        found.append(Fault(f"{RUNNER} killed, {RUNNER_AWAY} s", begin, RUNNER_AWAY, end))
    if options.gerrit_down:
        told = f"Gerrit stopped, {options.gerrit_down} s"
        found.append(Fault(told, gerrit.pause, options.gerrit_down, resume))
    if options.rabbit_down:
        told = "; then StackStorm's services are started again"
        found.append(away(RABBIT, options.rabbit_down, told, bring_the_bus))
    if options.mongo_down:
        found.append(away(DATABASE, options.mongo_down, "", lambda: services.start(DATABASE)))
    return found
