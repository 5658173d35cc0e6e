"""One site with its people, its Gerrit, its tracker and its StackStorm, and what is done to it.

A step is a small tuple of a word and whole numbers, so that a script of steps is text, and any
part of it is a script as well: numbers are taken modulo what there is.
"""

from __future__ import annotations

import copy
import heapq
import itertools
import random
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any, Callable, Dict, List, Sequence, Tuple

from fake_gitea import HOST as TRACKER_URL
from fake_gitea import REPO, TOKEN
from reviewloop.core.keys import ticket_key
from sandbox.gerrit.fake import URL
from sandbox.gerrit.fake_world import FakeChange

from .crew import Crew
from .machine import MACHINE, START
from .network import Network
from .servers import GERRIT, TRACKER, SimulatedGerrit, SimulatedTracker
from .stackstorm import SimulatedStackStorm

Step = Tuple[Any, ...]  # a word and whole numbers

COMMITTEE = ("committee1", "committee2", "committee3", "committee4", "committee5")
AUTHORS = ("author1", "author2", "author3", "committee1")
REVIEWERS = ("reviewer1", "reviewer2", "committee2", "committee4")
LIMITS = {"per_person_week": 4, "per_run": 4, "ramp_per_day": 4}


class World:
    """Everything, at one moment. Made anew for each run; the machine's clock is set back."""

    def __init__(self, root: Any, seed: int = 0) -> None:
        MACHINE.now = MACHINE.now + (START - MACHINE.now)
        self.rng = random.Random(seed)  # only for the order of runs side by side
        self.gerrit = SimulatedGerrit()
        self.tracker = SimulatedTracker()
        self.network = Network()
        self.crew = Crew()
        MACHINE.wait = self.crew.wait
        self._people()
        # What a sensor's process leaves for the next one.
        self._left = TemporaryDirectory()
        self.config = self._config()
        self.st2 = SimulatedStackStorm(root, self.config, self.rng, self.crew)
        self.st2.enable_all_rules()
        self._connect()
        self.steps = 0
        self._due: List[Tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.yesterday = self.st2.datastore.image()
        self.last_trouble = MACHINE.now
        self.st2.poll()

    def _people(self) -> None:
        gerrit = self.gerrit
        for name in (*COMMITTEE, *AUTHORS, *REVIEWERS):
            if name not in gerrit.ids:
                gerrit.ids[name] = gerrit.add_account(name)
        gitea = self.tracker.gitea
        gitea.add_label("review-escalation")

    def _config(self) -> Dict[str, Any]:
        members = [
            {"name": name, "gerrit": name, "tracker": {"gitea": name}} for name in COMMITTEE[:3]
        ]
        members += [{"name": name, "gerrit": name} for name in COMMITTEE[3:]]
        return {
            "url": URL,
            "username": "st2-reviews",
            "password": "known-only-to-tests",
            "sensor_cache": self._left.name,
            "roster": {"members": members},
            "limits": dict(LIMITS),
            "tracker": {"kind": "gitea", "url": TRACKER_URL, "project": REPO, "token": TOKEN},
        }

    def _connect(self) -> None:
        self.network.servers = {GERRIT: self.gerrit.answer, TRACKER: self.tracker.answer}
        self.network.moment = self.st2.point
        self.network.install()
        self.gerrit.actor = lambda: self.st2.actor or ""
        self.tracker.seen = self._seen

    def _seen(self, key: str) -> Any:
        """The change of a ticket's key as the action at work has read it."""
        for number in self.gerrit.changes:
            if ticket_key(GERRIT, number) == key:
                return self.gerrit.last_read(self.st2.actor or "", number)
        return None

    # Steps

    def do(self, step: Step) -> None:
        """Play one step."""
        self.steps += 1
        _STEPS[step[0]](self, *step[1:])

    @property
    def now(self) -> Any:
        """The machine's time."""
        return MACHINE.now

    def advance(self, minutes: float) -> None:
        """Time goes on, and what was to happen happens."""
        until = MACHINE.now + timedelta(minutes=minutes)
        while self._due and self._due[0][0] <= until:
            when, _, happen = heapq.heappop(self._due)
            self.gerrit.now = when.replace(microsecond=0)
            happen()
        MACHINE.advance((until - MACHINE.now).total_seconds())
        self.gerrit.now = MACHINE.now.replace(microsecond=0)

    def later(self, when: datetime, happen: Callable[[], None]) -> None:
        """Something will happen."""
        heapq.heappush(self._due, (when, next(self._order), happen))

    def poll(self) -> None:
        """The sensor looks, and what follows runs."""
        if self.is_troubled:
            self.trouble()
        self.gerrit.forget_reads()
        self.st2.poll()
        self.gerrit.now = MACHINE.now.replace(microsecond=0)

    def open(self) -> List[int]:
        """The numbers of the open changes."""
        return [n for n, one in self.gerrit.changes.items() if one.status == "NEW"]

    def pick(self, index: int) -> FakeChange:
        """Some open change; one is uploaded if there is none."""
        numbers = self.open()
        if not numbers:
            numbers = [self.gerrit.add_change()]
        return self.gerrit.changes[numbers[index % len(numbers)]]

    def account(self, names: Sequence[str], index: int) -> int:
        """Some account."""
        return self.gerrit.ids[names[index % len(names)]]

    def trouble(self) -> None:
        """A fault begins, or is still on."""
        self.last_trouble = MACHINE.now

    @property
    def is_troubled(self) -> bool:
        """Whether a fault that began lasts."""
        store, gerrit, st2 = self.st2.datastore, self.gerrit, self.st2
        met = [one for faults in self.network.faults.values() for one in faults if one.times > 0]
        counts = (store.losing, store.blind, st2.dropping, st2.doubling, st2.shuffling, st2.twice)
        wrong = gerrit.ahead != timedelta(0) or gerrit.lag or gerrit.is_stale
        return bool(store.down or store.slow or met or any(counts) or wrong or st2.kills)

    def reconfigure(self, **values: Any) -> None:
        """Another configuration: what runs afterwards has it, the sensor is started anew."""
        self.config = {**copy.deepcopy(self.config), **values}
        self.st2.reconfigure(self.config)
        self.st2.sensor = None


Play = Callable[..., None]
_STEPS: Dict[str, Play] = {}


def step(play: Play) -> Play:
    """Makes a function a step, under its name."""
    _STEPS[play.__name__] = play
    return play


def calm(world: World) -> None:
    """Nothing goes wrong any more; what is dead stays dead."""
    if world.is_troubled:
        world.trouble()
    world.network.faults.clear()
    store, st2, gerrit = world.st2.datastore, world.st2, world.gerrit
    store.down, store.slow, store.losing, store.blind = False, 0.0, 0, 0
    st2.kills.clear()
    st2.meanwhile.clear()
    st2.dropping = st2.doubling = st2.shuffling = st2.twice = 0
    st2.side_by_side = 1
    gerrit.ahead, gerrit.lag = timedelta(0), timedelta(0)
    gerrit.reindex()


def parsed(text: str) -> List[Step]:
    """A script: one step a line, a word and whole numbers."""
    lines = (line.split() for line in text.splitlines())
    return [(words[0], *map(int, words[1:])) for words in lines if words]


def told(script: Sequence[Step]) -> str:
    """The inverse of :func:`parsed`."""
    return "\n".join(" ".join(map(str, one)) for one in script)
