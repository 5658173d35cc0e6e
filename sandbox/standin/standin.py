"""The stand-in: a pack's sensor, rules, workflows and actions in one process, one step at a time.

    standin = StandIn(pack_dir, config={…}, secrets={"token": "…"}, clock=lambda: now)
    standin.enable_all_rules()
    standin.start_sensor()
    standin.poll()             # what was dispatched has met its rules and run to the end

Stricter than StackStorm: a result that is not JSON fails its action. Laxer: nothing waits, nothing
runs at once, so policies have no effect, and modules once imported stay imported.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Set
from unittest import mock

from . import runners
from .datastore import Clock, Datastore, DatastoreService
from .pack import Pack, matches, resolve_config
from .values import MISFIT, RequestError, live, of_parameters, plain, problems, validate

Values = Dict[str, Any]


@dataclass(frozen=True)
class Trigger:
    """One dispatched trigger. ``reason`` says why it was dropped; empty if it was not."""

    id: str
    type: str
    payload: Values
    trace_tag: Optional[str]
    reason: str = ""


@dataclass(frozen=True)
class Enforcement:
    """What became of one rule and one trigger: an execution, or the reason why there is none."""

    rule: str
    trigger_id: str
    execution_id: str = ""
    failure_reason: str = ""


@dataclass
class Execution:
    """One run of an action, listed when requested and filled in when it ends.

    ``problem`` says how a successful result misses the action's ``output_schema``.
    """

    id: str
    action: str
    parameters: Values
    parent: Optional[str] = None
    task: Optional[str] = None
    trace_tag: Optional[str] = None
    status: str = "running"
    result: Any = None
    problem: str = ""


class SensorService(DatastoreService):
    """``sensor_service``: the datastore, a logger, and dispatching."""

    def __init__(self, standin: StandIn, name: str) -> None:
        moment = partial(standin.reach, "sensor")
        super().__init__(standin.datastore, standin.pack.ref, name, moment)
        self._dispatch = standin.dispatch

    def get_logger(self, name: str) -> logging.Logger:
        """A logger under StackStorm's name for it."""
        return logging.getLogger(f"SensorWrapper.{self._prefix[:-1]}.{name}")

    def dispatch(self, trigger: str, payload: Values, trace_tag: Optional[str] = None) -> None:
        """Send a trigger; answers None even where it is dropped, as StackStorm does."""
        self._moment("before_dispatch")
        self._dispatch(trigger, payload, trace_tag)
        self._moment("after_dispatch")


class StandIn:
    """One pack on one StackStorm. Everything that happened stays in its lists.

    ``clock`` is the machine's: the datastore goes by it, and a sensor that has a ``local_clock``.

    ``secrets`` are encrypted system values, for ``{{ st2kv.system.NAME }}`` in ``config``.
    ValueError if the pack would not register, or its configuration does not fit.
    """

    def __init__(self, pack_dir: Path, config: Values, secrets: Values, *, clock: Clock) -> None:
        runners.offer_base_classes()
        self._clock = clock
        self.datastore = Datastore(clock)
        self._clock = clock
        self.slept: List[float] = []  # what actions waited, in seconds; it takes no time here
        for name, value in secrets.items():
            self.datastore.put(name, value, secret=True)
        self.pack = Pack(pack_dir)
        self.enabled: Set[str] = {n for n, rule in self.pack.rules.items() if rule.get("enabled")}
        self.triggers: List[Trigger] = []
        self.dropped: List[Trigger] = []
        self.enforcements: List[Enforcement] = []
        self.executions: List[Execution] = []
        self.sensor: Any = None
        # How a sensor begins what no poll waits for; not at all, unless a test wants to see it.
        self.in_background: Callable[[Callable[[], None]], None] = lambda _work: None
        self._values = config
        self._met = 0  # so many of the triggers have met their rules
        self._deaths: Dict[str, int] = {}
        self._sensor_path: List[str] = []
        self.config()

    def config(self) -> Values:
        """The configuration as the pack's code gets it, made anew."""
        return resolve_config(self.pack.config_schema, self._values, self.datastore.texts())

    def enable_all_rules(self) -> None:
        """Enable every rule of the pack; ``enabled`` holds the references of those that are."""
        self.enabled.update(self.pack.rules)

    def start_sensor(self, name: Optional[str] = None) -> Any:
        """Load its file, make the sensor, run ``setup()``; what any of them raises is raised."""
        name = name or next(iter(self.pack.sensors))
        about = self.pack.sensors[name]
        self._sensor_path = self._outside_path()
        with mock.patch.object(sys, "path", self._sensor_path):  # keeps what the sensor adds
            file = self.pack.path / "sensors" / about["entry_point"]
            kind = getattr(runners.load_file(file), name)
            interval = about.get("poll_interval", 5)
            sensor = kind(SensorService(self, name), self.config(), poll_interval=interval)
            if hasattr(sensor, "local_clock"):
                sensor.local_clock = self._clock
            if hasattr(sensor, "in_background"):
                sensor.in_background = self.in_background
            sensor.setup()
        self.sensor = sensor
        return sensor

    def poll(self) -> List[Execution]:
        """Poll once, then run everything that follows; the executions this started.

        What ``poll()`` raises ends the sensor and is raised, after what it had dispatched has run.
        """
        first = len(self.executions)
        sensor, self.sensor = self.sensor, None
        try:
            with mock.patch.object(sys, "path", self._sensor_path):
                sensor.poll()
            self.sensor = sensor
        finally:
            self.drain()
        return self.executions[first:]

    def run(self, _action: str, **parameters: Any) -> Execution:
        """Run an action as ``st2 run`` does; RequestError where StackStorm would refuse."""
        return self._request(_action, parameters, {})

    def die_at(self, moment: str, nth: int = 1) -> None:
        """End the process at the nth such moment from now: ``sensor.before_dispatch``, or
        ``after_dispatch``, ``before_set_value``, ``after_set_value``, these also of an ``action``.
        A sensor's death leaves :meth:`poll` as ``ProcessDied``; an action's fails its execution.
        """
        self._deaths[moment] = nth

    def reach(self, who: str, moment: str) -> None:
        """Die here if a death is planned for this moment."""
        name = f"{who}.{moment}"
        self._deaths[name] = self._deaths.get(name, 0) - 1
        if self._deaths[name] == 0:
            raise runners.ProcessDied(name)

    def dispatch(self, trigger: str, payload: Values, trace_tag: Optional[str] = None) -> None:
        """Keep a trigger for :meth:`drain`, or drop it if its schema does not take the payload."""
        number = f"t{len(self.triggers) + len(self.dropped) + 1}"
        try:
            validate(payload, self.pack.triggers[trigger])
            self.triggers.append(Trigger(number, trigger, plain(payload), trace_tag))
        except (*MISFIT, KeyError, TypeError, ValueError) as err:
            self.dropped.append(Trigger(number, trigger, payload, trace_tag, reason=str(err)))

    def drain(self) -> None:
        """Let the triggers that wait meet the enabled rules, and run what these ask for."""
        while self._met < len(self.triggers):
            trigger = self.triggers[self._met]
            self._met += 1
            for ref in sorted(self.enabled):
                if self.pack.rules[ref]["trigger"]["type"] == trigger.type:
                    self._enforce(ref, trigger)

    def _enforce(self, ref: str, trigger: Trigger) -> None:
        action, criteria = self.pack.rules[ref]["action"], self.pack.rules[ref].get("criteria", {})
        scope, tag = {"trigger": trigger.payload}, trigger.trace_tag
        try:
            if not matches(criteria, trigger.payload):
                return
            ran = self._request(action["ref"], action.get("parameters", {}), scope, trace_tag=tag)
            done = Enforcement(ref, trigger.id, execution_id=ran.id)
        except RequestError as err:
            done = Enforcement(ref, trigger.id, failure_reason=str(err))
        self.enforcements.append(done)

    def _request(self, ref: str, given: Values, scope: Values, **about: Any) -> Execution:
        """Render, check, list and run one action."""
        if ref not in self.pack.actions:
            raise RequestError(f'Action "{ref}" cannot be found.')
        action = self.pack.actions[ref]
        schemas = action.get("parameters", {})
        kept = {"system": self.datastore.texts()}
        scope = {"st2kv": kept, "config_context": self.config(), "action_context": {}, **scope}
        try:
            filled = validate(live(given, schemas, scope), of_parameters(schemas))
        except MISFIT as err:
            raise RequestError(f"{ref}: {err.message}") from err
        final = {**dict.fromkeys(schemas), **filled}
        execution = Execution(f"e{len(self.executions) + 1}", ref, final, **about)
        self.executions.append(execution)
        execution.status, execution.result = self._execute(action, execution)
        if execution.status == "succeeded" and "output_schema" in action:
            key = "output" if action["runner_type"] == "orquesta" else "result"
            execution.problem = problems(execution.result[key], action["output_schema"])
        return execution

    def _execute(self, action: Values, execution: Execution) -> runners.Outcome:
        try:
            file = self.pack.entry_path(action["entry_point"])
        except ValueError as err:
            return "failed", {"error": str(err)}
        given = plain(execution.parameters)  # what is listed stays as it was given
        if action["runner_type"] == "orquesta":
            text, perform = file.read_text(encoding="utf-8"), partial(self._perform, execution)
            return runners.run_workflow(text, given, {}, self.datastore, perform)
        moment = partial(self.reach, "action")
        service = DatastoreService(self.datastore, self.pack.ref, file.stem, moment)
        path = [*self._outside_path(), str(self.pack.path / "actions" / "lib")]
        with mock.patch.object(sys, "path", path), runners.local_time(self._clock, self.slept):
            return runners.run_python(file, self.config(), service, given)

    def _perform(self, parent: Execution, task: str, request: Values) -> runners.Outcome:
        about = {"parent": parent.id, "task": task, "trace_tag": parent.trace_tag}
        ran = self._request(request["action"], request["input"] or {}, {}, **about)
        return ran.status, ran.result

    def _outside_path(self) -> List[str]:
        """The interpreter's path less this pack's own folders, which only their users may see."""
        own = {self.pack.path / "actions", self.pack.path / "sensors"}
        places = {entry: Path(entry).resolve() for entry in sys.path}
        return [entry for entry, at in places.items() if not own & {at, *at.parents}]
