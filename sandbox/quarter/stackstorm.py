"""The stand-in for StackStorm with everything that can go wrong inside it.

Triggers are dropped, doubled and reordered; processes die before and after each I/O; a runner dies
and its execution never ends; runs go side by side; the datastore fails in its several ways.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple
from unittest import mock

from sandbox.standin import runners
from sandbox.standin.datastore import Datastore, DatastoreService, KeyValue
from sandbox.standin.runners import Outcome, ProcessDied
from sandbox.standin.standin import Execution, StandIn, Trigger
from sandbox.standin.values import Values, plain

from .crew import Crew
from .machine import MACHINE

SENSOR = ""


class RunnerDied(BaseException):
    """The host of an action is gone: its execution is ``running`` for ever."""


@dataclass
class Kill:
    """At the ``after``-th I/O point from now of such an actor."""

    who: str
    after: int
    forever: bool = False


@dataclass
class Meanwhile:
    """At the ``after``-th I/O point of an action from now somebody does something."""

    after: int
    what: int


class FaultyDatastore(Datastore):
    """``down``, ``slow`` (seconds a call), ``losing`` (writes to lose) and ``blind`` (listings that
    answer nothing) are set by faults.

    :param at_work: whether it is the pack that asks.
    """

    def __init__(self, at_work: Callable[[], bool]) -> None:
        super().__init__(lambda: MACHINE.now)
        self.slow = 0.0
        self.losing = 0
        self.blind = 0
        self._at_work = at_work
        self.written: List[Tuple[datetime, str, str]] = []

    def put(self, name: str, value: str, secret: bool = False, ttl: Optional[int] = None) -> None:
        """Store, unless the write gets lost."""
        if self.losing > 0 and name.startswith("gerrit."):
            self.losing -= 1
            return
        self.written.append((MACHINE.now, name, value))
        super().put(name, value, secret, ttl)

    def items(self, prefix: str = "") -> List[KeyValue]:
        """List, slowly if it is to be slow; expired values are dropped for good."""
        if self.blind > 0 and self._at_work():
            self.blind -= 1
            return []
        now = MACHINE.now
        if len(self._items) > 500:
            live = self._items.items()
            self._items = {k: v for k, v in live if v.expires is None or now < v.expires}
        return super().items(prefix)

    def image(self) -> Dict[str, KeyValue]:
        """A backup."""
        return dict(self._items)

    def restore(self, image: Dict[str, KeyValue]) -> None:
        """Put a backup back."""
        self._items = dict(image)

    def damage(self, name: str) -> None:
        """One value becomes something else."""
        old = self._items[name]
        self._items[name] = KeyValue(name, '{"version": 1, "da', old.secret, old.expires)


class SimulatedStackStorm(StandIn):
    """One StackStorm.

    :ivar side_by_side: how many runs of a batch go at once; 1: one after the other.
    :ivar twice: so many enforcements are delivered twice.
    """

    def __init__(self, pack: Path, config: Values, rng: random.Random, crew: Crew) -> None:
        self.rng = rng
        self.crew = crew
        self.kills: List[Kill] = []
        self.meanwhile: List[Meanwhile] = []
        self.act: Callable[[int, int], None] = lambda _number, _what: None
        self.killed: Dict[str, int] = {"sensor": 0, "action": 0, "runner": 0}
        self.side_by_side = 1
        self.twice = 0
        self.dropping = 0
        self.doubling = 0
        self.shuffling = 0
        self._dead: List[Execution] = []
        self._resolved = ""
        super().__init__(pack, config, {}, clock=lambda: MACHINE.now)
        self.datastore = FaultyDatastore(lambda: self.actor is not None)

    # Who is at work

    @property
    def actor(self) -> Optional[str]:
        """The id of the execution at work, "" for the sensor, None for nobody."""
        return self.crew.actor

    def reconfigure(self, values: Values) -> None:
        """Another configuration, from now on."""
        self._values, self._resolved = values, ""

    def config(self) -> Values:
        """The configuration, resolved once: it holds nothing of the datastore."""
        if not self._resolved:
            self._resolved = json.dumps(super().config())
        told: Values = json.loads(self._resolved)
        return told

    # What goes wrong

    def reach(self, who: str, moment: str) -> None:
        """Before and after each write to the datastore, and each dispatch."""
        self.point(f"{who}.{moment}")

    def point(self, moment: str) -> None:
        """An I/O point: somebody else may go on, and who is at work may die here."""
        actor = self.actor
        if actor is None:
            return
        store = self.datastore
        if store.slow and "set_value" in moment:
            MACHINE.advance(store.slow)
        if actor != SENSOR:
            self.crew.pause()
        kind = "sensor" if actor == SENSOR else "action"
        self._let_act(kind)
        for kill in [one for one in self.kills if one.who == kind]:
            kill.after -= 1
            if kill.after <= 0:
                self.kills.remove(kill)
                self.killed["runner" if kill.forever else kind] += 1
                raise RunnerDied(moment) if kill.forever else ProcessDied(moment)

    def _let_act(self, kind: str) -> None:
        """Somebody may act on the very change that an action is about, between any two of its
        requests.
        """
        for one in list(self.meanwhile) if kind == "action" else ():
            one.after -= 1
            if one.after <= 0:
                self.meanwhile.remove(one)
                self.act(self._number(), one.what)

    def _number(self) -> int:
        """The change that the execution at work is about, 0 for none."""
        parameters = self.executions[int(str(self.actor)[1:]) - 1].parameters
        told = str(parameters.get("event_id") or "").split(":")
        return int(parameters.get("number") or (told[-4] if len(told) > 4 else 0))

    # The bus

    def dispatch(self, trigger: str, payload: Values, trace_tag: Optional[str] = None) -> None:
        """Send a trigger, which may be lost or come twice."""
        if self.dropping > 0:
            self.dropping -= 1
            return
        super().dispatch(trigger, payload, trace_tag)
        if self.doubling > 0:
            self.doubling -= 1
            super().dispatch(trigger, payload, trace_tag)

    def drain(self) -> None:
        """Let the triggers meet the rules, and run what follows, side by side if so set."""
        met, self._met = self._met, len(self.triggers)
        waiting = self.triggers[met:]
        if self.shuffling > 0:
            self.shuffling -= 1
            self.rng.shuffle(waiting)
        jobs = [partial(self._safely, ref, one) for one in waiting for ref in self._rules(one)]
        if self.twice > 0:
            self.twice -= 1
            jobs = [job for job in jobs for _ in range(2)]
        size = max(self.side_by_side, 2 if len(jobs) > 1 and self.twice else 1)
        for start in range(0, len(jobs), size):
            end = start + size
            batch = jobs[start:end]
            if len(batch) == 1:
                batch[0]()
            else:
                self.crew.run(batch, self.rng)
        self._forget()

    def _rules(self, trigger: Trigger) -> List[str]:
        rules = sorted(self.enabled)
        return [one for one in rules if self.pack.rules[one]["trigger"]["type"] == trigger.type]

    def _safely(self, ref: str, trigger: Trigger) -> None:
        try:
            self._enforce(ref, trigger)
        except RunnerDied:
            self._dead.append(self.executions[-1])

    def _forget(self) -> None:
        """Keep no more of what is over than the last of it, for reports."""
        del self.enforcements[:-50]

    def _execute(self, action: Values, execution: Execution) -> Outcome:
        file = self.pack.entry_path(action["entry_point"])
        if action["runner_type"] == "orquesta":
            text, given = file.read_text(encoding="utf-8"), plain(execution.parameters)
            perform = partial(self._perform, execution)
            wait = self.crew.wait
            return runners.run_workflow(text, given, {}, self.datastore, perform, wait)
        service = DatastoreService(
            self.datastore, self.pack.ref, file.stem, partial(self.reach, "action")
        )
        path = [*self._outside_path(), str(self.pack.path / "actions" / "lib")]
        before = self.actor
        self.crew.actor = execution.id
        try:
            # Not the stand-in's own clock: the whole process has a simulated one.
            with mock.patch.object(sys, "path", path):
                given = plain(execution.parameters)
                return runners.run_python(file, self.config(), service, given)
        finally:
            self.crew.actor = before

    # The sensor

    def poll(self) -> List[Execution]:
        """Poll once; a sensor that died is started again, as StackStorm does."""
        if self.sensor is None:
            self.start_sensor()
        first = len(self.executions)
        self.crew.actor = SENSOR
        sensor = self.sensor
        try:
            sensor.poll()
        except ProcessDied:
            self.sensor = None
        finally:
            self.crew.actor = None
        self.drain()
        return self.executions[first:]

    def die(self, who: str, after: int, forever: bool = False) -> None:
        """Plan a death."""
        self.kills.append(Kill(who, after, forever))


ROUND = timedelta(hours=1)
