"""The stand-in: a pack's sensor, rules, workflows and actions in one process, one step at a time.

    standin = StandIn(pack_dir, config={…}, secrets={"token": "…"}, clock=lambda: now)
    standin.enable_all_rules()
    standin.start_sensor()
    standin.poll()             # what was dispatched has met its rules and run to the end

Where it is stricter than StackStorm: a result that is not JSON fails its action (StackStorm makes
it one string). Where it is laxer: workflows' delays are not waited for, executions never run at
once, so concurrency policies are only checked, and modules once imported stay imported.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Set

from . import dialect, st2shim
from .datastore import Clock, Datastore, DatastoreService, Lookup, unseal
from .pack import Action, Pack, load, resolve_config
from .params import ParamError, RequestError, final, live, plain, render
from .rules import CriterionError, Rule, matches
from .runners import Outcome, ProcessDied, load_file, run_python, run_workflow, search_path

USER = "stanley"
SUCCEEDED = "succeeded"
FAILED = "failed"


@dataclass(frozen=True)
class Trigger:
    """One dispatched trigger. ``reason`` says why it was dropped; empty if it was not."""

    id: str
    type: str
    payload: Dict[str, Any]
    trace_tag: Optional[str]
    at: datetime
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
    """One run of an action. Not frozen: it is listed when requested and filled in when it ends.

    ``parameters`` are the final ones, secrets unmasked; ``problem`` says how a successful result
    misses the action's ``output_schema``.
    """

    id: str
    action: str
    parameters: Dict[str, Any]
    parent: Optional[str] = None
    task: Optional[str] = None
    trace_tag: Optional[str] = None
    status: str = "requested"
    result: Any = None
    problem: str = ""


@dataclass(frozen=True)
class _Wrapper:
    """What StackStorm's own Action class reads from its service."""

    _pack: str
    _log_level: str = "debug"


class ActionService(DatastoreService):
    """``action_service``: the datastore."""

    def __init__(self, store: Datastore, pack: str, class_name: str, moment: Any) -> None:
        super().__init__(store, pack, class_name, moment)
        self._action_wrapper = _Wrapper(pack)


class SensorService(DatastoreService):
    """``sensor_service``: the datastore, loggers, and the way to dispatch."""

    def __init__(self, standin: StandIn, class_name: str) -> None:
        super().__init__(standin.datastore, standin.pack.ref, class_name, standin.moment("sensor"))
        self._standin = standin
        self._logger = f"SensorWrapper.{standin.pack.ref}.{class_name}"

    def get_logger(self, name: str) -> logging.Logger:
        """A logger below the sensor's own."""
        return logging.getLogger(f"{self._logger}.{name}")

    def dispatch(
        self,
        trigger: str,
        payload: Optional[Dict[str, Any]] = None,
        trace_tag: Optional[str] = None,
    ) -> None:
        """Queue the trigger; one that misses its schema is dropped, with warnings and no error."""
        self._moment("before_dispatch")
        self._standin.enqueue(trigger, payload, trace_tag)
        self._moment("after_dispatch")


class StandIn:
    """One StackStorm with one pack.

    :param config: what the operator writes into the pack's configuration file.
    :param secrets: encrypted system values, for ``{{ st2kv.system.NAME }}``.
    :param clock: the time, for lifetimes in the datastore and for what is recorded.
    :raises PackError: the pack would not register, or its configuration does not fit.
    """

    def __init__(
        self,
        pack_dir: Path,
        config: Optional[Dict[str, Any]] = None,
        secrets: Optional[Dict[str, str]] = None,
        *,
        clock: Clock,
    ) -> None:
        st2shim.install()
        self.datastore = Datastore(clock)
        for name, value in (secrets or {}).items():
            self.datastore.put(name, value, secret=True)
        self.pack: Pack = load(Path(pack_dir))
        self.triggers: List[Trigger] = []
        self.dropped: List[Trigger] = []
        self.enforcements: List[Enforcement] = []
        self.executions: List[Execution] = []
        self.sensor: Any = None
        self.enabled: Set[str] = {ref for ref, rule in self.pack.rules.items() if rule.enabled}
        self._values = config or {}
        self._clock = clock
        self._queue: Deque[Trigger] = deque()
        self._deaths: Dict[str, int] = {}
        self._sensor_path: List[str] = []
        self._logger = logging.getLogger(f"st2.standin.{self.pack.ref}")
        self.config()

    # -- what tests and the demo do ---------------------------------------------------------------

    def config(self) -> Dict[str, Any]:
        """The configuration as the pack's code gets it, made anew."""
        return resolve_config(self.pack.config_schema, self._values, self._look_up)

    def enable_rule(self, ref: str) -> None:
        """Enable a rule by reference; KeyError if there is none."""
        self.enabled.add(self.pack.rules[ref].ref)

    def enable_all_rules(self) -> None:
        """Enable every rule of the pack."""
        self.enabled.update(self.pack.rules)

    def start_sensor(self, class_name: Optional[str] = None) -> Any:
        """Load its file, make the sensor, run ``setup()``; what any of them raises is raised."""
        name = class_name or next(iter(self.pack.sensors))
        meta = self.pack.sensors[name]
        self._sensor_path = self._outside_path()
        with search_path(self._sensor_path):
            kind = getattr(load_file(self.pack.path / "sensors" / meta["entry_point"]), name)
            options = {"sensor_service": SensorService(self, name), "config": self.config()}
            if meta.get("poll_interval") and hasattr(kind, "poll"):
                options["poll_interval"] = meta["poll_interval"]
            sensor = kind(**options)
            sensor.setup()
        self.sensor = sensor
        return sensor

    def kill_sensor(self) -> None:
        """End the sensor without ``cleanup()``: only the datastore remembers."""
        self.sensor = None

    def poll(self) -> List[Execution]:
        """Poll once, then run everything that follows; the executions this started.

        Whatever ``poll()`` raises kills the sensor and is raised, after what it had dispatched
        before has been run: that was in the message queue already.
        """
        first = len(self.executions)
        if self.sensor is None:
            raise RuntimeError("No sensor runs. Call start_sensor() first.")
        try:
            with search_path(self._sensor_path):
                self.sensor.poll()
        except BaseException:
            self.kill_sensor()
            raise
        finally:
            self._drain()
        return self.executions[first:]

    def dispatch(
        self, trigger: str, payload: Dict[str, Any], trace_tag: Optional[str] = None
    ) -> List[Execution]:
        """Dispatch as a sensor would, and run everything that follows."""
        first = len(self.executions)
        self.enqueue(trigger, payload, trace_tag)
        self._drain()
        return self.executions[first:]

    def run(self, _action: str, **parameters: Any) -> Execution:
        """Run an action as ``st2 run`` does, templates in parameters included.

        :raises RequestError: StackStorm would refuse the request.
        """
        return self._request(_action, parameters, {})

    def die_at(self, moment: str, nth: int = 1) -> None:
        """End the process at the nth such moment from now, once.

        Moments: ``sensor`` or ``action``, a dot, ``before_set_value`` or ``after_set_value``; and
        ``sensor.before_dispatch``, ``sensor.after_dispatch``. A sensor's death leaves
        :meth:`poll` as :class:`ProcessDied`; an action's is a failed execution.
        """
        self._deaths[moment] = nth

    # -- what the parts call ----------------------------------------------------------------------

    def moment(self, who: str) -> Callable[[str], None]:
        """What a service calls at each moment a death can be planned for."""

        def reach(name: str) -> None:
            left = self._deaths.get(f"{who}.{name}", 0)
            self._deaths[f"{who}.{name}"] = left - 1
            if left == 1:
                raise ProcessDied(f"{who}.{name}")

        return reach

    def enqueue(
        self, trigger: str, payload: Optional[Dict[str, Any]], trace_tag: Optional[str]
    ) -> None:
        """Check the payload against its schema and queue it, or drop it with two warnings."""
        payload = payload or {}
        reason = ""
        try:
            dialect.validate(payload, self.pack.triggers[trigger])
            payload = plain(payload)
        except (dialect.ValidationError, dialect.SchemaError) as err:
            reason = err.message
        except TypeError as err:
            reason = str(err)
        except KeyError:
            reason = f'Trigger type with reference "{trigger}" doesn\'t exist in the database'
        number = f"t{len(self.triggers) + len(self.dropped) + 1}"
        instance = Trigger(number, trigger, payload, trace_tag, self._clock(), reason)
        if reason:
            self.dropped.append(instance)
            self._logger.warning('Failed to validate payload for trigger "%s": %s', trigger, reason)
            self._logger.warning('Not dispatching a trigger "%s": %s', trigger, reason)
        else:
            self.triggers.append(instance)
            self._queue.append(instance)

    # -- rules ------------------------------------------------------------------------------------

    def _drain(self) -> None:
        while self._queue:
            trigger = self._queue.popleft()
            for ref in sorted(self.enabled):
                rule = self.pack.rules[ref]
                if rule.trigger == trigger.type and self._matches(rule, trigger):
                    self._enforce(rule, trigger)

    def _matches(self, rule: Rule, trigger: Trigger) -> bool:
        try:
            return matches(rule, trigger.payload, self._st2kv())
        except CriterionError as err:
            self._enforced(rule, trigger, failure=str(err))
            return False

    def _enforce(self, rule: Rule, trigger: Trigger) -> None:
        extra = {"trigger": trigger.payload}
        try:
            execution = self._request(
                rule.action, rule.parameters, extra, trace_tag=trigger.trace_tag
            )
        except RequestError as err:
            self._enforced(rule, trigger, failure=str(err))
        else:
            self._enforced(rule, trigger, execution_id=execution.id)

    def _enforced(
        self, rule: Rule, trigger: Trigger, execution_id: str = "", failure: str = ""
    ) -> None:
        self.enforcements.append(Enforcement(rule.ref, trigger.id, execution_id, failure))

    # -- executions -------------------------------------------------------------------------------

    def _request(
        self,
        ref: str,
        parameters: Mapping[str, Any],
        extra: Mapping[str, Any],
        *,
        parent: Optional[Execution] = None,
        task: Optional[str] = None,
        trace_tag: Optional[str] = None,
    ) -> Execution:
        """Render, check, list and run one action; RequestError where StackStorm would refuse."""
        action = self.pack.actions.get(ref)
        if action is None or not action.enabled:
            raise RequestError(f'Action "{ref}" cannot be found, or is disabled.')
        execution = Execution(f"e{len(self.executions) + 1}", ref, {}, trace_tag=trace_tag)
        if parent:
            execution.parent, execution.task, execution.trace_tag = (
                parent.id,
                task,
                parent.trace_tag,
            )
        schemas = [action.parameters, action.runner_parameters]
        try:
            execution.parameters = live(parameters, schemas, {**self._scope(), **extra})
        except ParamError as err:
            self.executions.append(execution)
            self._ended(action, execution, FAILED, {"error": str(err), "traceback": ""})
            raise
        self._check(action, execution.parameters)
        self.executions.append(execution)
        self._execute(action, execution)
        return execution

    def _check(self, action: Action, parameters: Mapping[str, Any]) -> None:
        declared = {**action.runner_parameters}
        for name, schema in action.parameters.items():
            declared[name] = {**declared.get(name, {}), **schema}
        try:
            dialect.validate(dict(parameters), dialect.of_parameters(declared))
        except dialect.ValidationError as err:
            raise RequestError(f"{action.ref}: {err.message}") from err
        fixed = [name for name in parameters if declared[name].get("immutable")]
        if fixed:
            raise RequestError(f"Override of immutable parameter(s) {fixed} is unsupported.")

    def _execute(self, action: Action, execution: Execution) -> None:
        schemas = [action.parameters, action.runner_parameters]
        try:
            given = final(execution.parameters, schemas)
            own = {name: plain(given[name]) for name in action.parameters}
            file = self.pack.entry_path(action.entry_point)
            execution.parameters, execution.status = own, "running"
            if action.runner == "orquesta":
                outcome = self._run_workflow(file, action, execution)
            else:
                outcome = self._run_python(file, own)
        except (ValueError, TypeError, OSError) as err:
            outcome = (FAILED, {"error": str(err), "traceback": ""})
        self._ended(action, execution, *outcome)

    def _run_python(self, file: Path, parameters: Dict[str, Any]) -> Outcome:
        service = ActionService(self.datastore, self.pack.ref, file.stem, self.moment("action"))
        path = [*self._outside_path(), str(self.pack.path / "actions" / "lib")]
        with search_path(path):
            return run_python(file, plain(self.config()), service, parameters)

    def _run_workflow(self, file: Path, action: Action, execution: Execution) -> Outcome:
        def perform(task: str, request: Dict[str, Any]) -> Outcome:
            ran = self._request(
                request["action"], request["input"] or {}, {}, parent=execution, task=task
            )
            return ran.status, ran.result

        about = {"action_execution_id": execution.id, "workflow_execution_id": execution.id}
        about.update(user=USER, pack=self.pack.ref, action=action.ref, runner=action.runner)
        definition = file.read_text(encoding="utf-8")
        context = {"st2": about, "parent": {}}
        return run_workflow(definition, execution.parameters, context, self.datastore, perform)

    def _ended(self, action: Action, execution: Execution, status: str, result: Any) -> None:
        execution.status, execution.result = status, result
        if status == SUCCEEDED and action.output_schema:
            data = result["output" if action.runner == "orquesta" else "result"]
            execution.problem = _output_problem(data, action.output_schema)

    # -- surroundings -----------------------------------------------------------------------------

    def _st2kv(self) -> Dict[str, Any]:
        return {"system": Lookup(self.datastore), "user": Lookup(self.datastore)["user:" + USER]}

    def _scope(self) -> Dict[str, Any]:
        context = {"user": USER, "pack": self.pack.ref}
        return {
            "st2kv": self._st2kv(),
            "action_context": context,
            "config_context": self.config(),
        }

    def _look_up(self, template: str, secret: bool) -> Optional[str]:
        value = render(template, {"st2kv": self._st2kv()})
        return (unseal(value) if secret else value) if value else None

    def _outside_path(self) -> List[str]:
        """The interpreter's path less this pack's own folders, which only their users may see."""
        own = [str(self.pack.path / name) for name in ("actions", "sensors", "lib")]
        kept = []
        for entry in sys.path:
            resolved = str(Path(entry).resolve())
            if not any(resolved == folder or resolved.startswith(folder + "/") for folder in own):
                kept.append(entry)
        return kept


def _output_problem(data: Any, schema: Mapping[str, Any]) -> str:
    if "type" not in schema:
        return "output_schema has no type, so StackStorm ignores it"
    try:
        dialect.validate(data, schema, lenient=False)
    except (dialect.ValidationError, dialect.SchemaError) as err:
        return f"output does not fit output_schema: {err.message}"
    return ""
