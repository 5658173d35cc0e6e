"""Where a pack's code runs: its sensor and actions in this process, its workflows in orquesta.

After StackStorm's ``python_action_wrapper.py``, ``util/loader.py`` and ``services/workflows.py``;
but there each action has a process of its own, and here a library's module state lives on.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import logging
import sys
import threading
import time
import traceback
import types
from abc import ABC, abstractmethod
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple
from unittest import mock

from orquesta import conducting, events, statuses  # type: ignore[import-untyped]
from orquesta.expressions import jinja, yql  # type: ignore[import-untyped]
from orquesta.specs import loader as specs  # type: ignore[import-untyped]

from .datastore import Clock, Datastore, unseal
from .values import RequestError, plain

Outcome = Tuple[str, Dict[str, Any]]
Perform = Callable[[str, Dict[str, Any]], Outcome]
_store: ContextVar[Datastore] = ContextVar("datastore that st2kv() reads")


class ProcessDied(BaseException):
    """The process ends here, as by ``kill -9``: a test asked for it."""


class Action(ABC):
    """Base class of python-script actions, as in ``st2common/runners/base_action.py``."""

    def __init__(self, config: Any = None, action_service: Any = None) -> None:
        self.config = config or {}
        self.action_service = action_service
        self.logger = logging.getLogger(f"actions.python.{type(self).__name__}")

    @abstractmethod
    def run(self, **parameters: Any) -> Any:
        """Do it; answer data, or ``(bool, data)``."""


class PollingSensor(ABC):
    """Base class of polling sensors, as in ``st2reactor/sensor/base.py``: six abstract methods."""

    def __init__(self, sensor_service: Any, config: Any = None, poll_interval: float = 5) -> None:
        self.sensor_service = sensor_service
        self.config = config or {}
        self._poll_interval = poll_interval

    @abstractmethod
    def poll(self) -> None:
        """Look once."""

    setup = cleanup = add_trigger = update_trigger = remove_trigger = poll

    def get_poll_interval(self) -> float:
        """Seconds between polls."""
        return self._poll_interval

    def set_poll_interval(self, poll_interval: float) -> None:
        """Set the seconds between polls."""
        self._poll_interval = poll_interval


def offer_base_classes() -> None:
    """Make both importable under StackStorm's names, except where StackStorm is installed."""
    bases = {"st2common.runners.base_action": Action, "st2reactor.sensor.base": PollingSensor}
    for path, kind in bases.items():
        if path not in sys.modules and importlib.util.find_spec(path.split(".")[0]) is None:
            sys.modules[path] = types.ModuleType(path)
            setattr(sys.modules[path], kind.__name__, kind)


def load_file(file: Path) -> Any:
    """StackStorm's recipe: spec from the file, **not** in ``sys.modules``, its folder appended."""
    sys.path.append(str(file.parent))
    spec: Any = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def local_time(clock: Clock, slept: List[float]) -> Iterator[None]:
    """In this thread ``time.time`` goes on from ``clock``, and ``time.sleep`` only takes a note.

    The clock is asked once: it may be a server's, and whoever speaks HTTP asks for the time.
    """
    me, now, sleep = threading.get_ident(), time.time, time.sleep
    ahead = clock().timestamp() - now()

    def is_me() -> bool:
        return threading.get_ident() == me

    def time_told() -> float:
        return now() + ahead if is_me() else now()

    def slept_through(seconds: float) -> None:
        slept.append(seconds) if is_me() else sleep(seconds)

    with mock.patch.object(time, "time", time_told), mock.patch.object(
        time, "sleep", slept_through
    ):
        yield


RUNNER_PARAMETERS = frozenset({"content_version", "debug", "env", "log_level", "timeout"})
"""Those of StackStorm's python-script runner: an action may set them, and is not given them."""


def run_python(file: Path, config: Any, service: Any, parameters: Dict[str, Any]) -> Outcome:
    """A python-script action's status and ``{stdout, stderr, exit_code, result}``.

    The first class by name is run: StackStorm silently ignores a second. An exception makes exit
    code 1, ``result: "None"`` and the traceback in ``stderr``.
    """
    out, err = io.StringIO(), io.StringIO()
    code, good, data = 0, False, "None"
    with redirect_stdout(out), redirect_stderr(err):
        try:
            module = load_file(file)
            classes: List[Any] = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
            own = [k for k in classes if k.__module__ == module.__name__ and hasattr(k, "run")]
            given = {k: v for k, v in parameters.items() if k not in RUNNER_PARAMETERS}
            answer = own[0](config=config, action_service=service).run(**given)
            pair = isinstance(answer, tuple) and len(answer) == 2
            good, data = plain(answer if pair else (True, answer))
        except ProcessDied:
            code = -9
        except Exception:  # noqa: BLE001 - an action can raise anything
            traceback.print_exc()
            code = 1
    result = {"stdout": out.getvalue(), "stderr": err.getvalue(), "exit_code": code, "result": data}
    return (statuses.SUCCEEDED if good is True else statuses.FAILED), result


def _st2kv(context: Any, key: str, decrypt: bool = False) -> str:  # noqa: ARG001 - orquesta's form
    """``st2kv('system.x', decrypt => true)`` in a workflow's expression."""
    text = _store.get().texts()[key.split(".", 1)[-1]]
    return unseal(text) if decrypt else text


# In both languages; where StackStorm is installed its own would ask its database.
for _function in yql.YAQLEvaluator._root_ctx.get_functions("st2kv")[0]:
    yql.YAQLEvaluator._root_ctx.delete_function(_function)
yql.YAQLEvaluator._root_ctx.register_function(_st2kv, name="st2kv")
jinja.JinjaEvaluator._custom_functions["st2kv"] = _st2kv
# Read once: it would read each expression again at each turn. What is read is not changed by use.
yql.YAQLEvaluator._engine = staticmethod(lru_cache(maxsize=1024)(yql.YAQLEvaluator._engine))


@lru_cache(maxsize=64)
def _definition(text: str) -> Tuple[Any, Any]:
    """A workflow's spec and graph. The engine would read both anew at each turn, for milliseconds;
    neither changes while it runs.
    """
    spec = specs.get_spec_module("native").instantiate(text)
    spec.tasks.get_task = lru_cache(maxsize=None)(spec.tasks.get_task)
    return spec, conducting.WorkflowConductor(spec).graph


def run_workflow(
    text: str,
    inputs: Any,
    context: Dict[str, Any],
    store: Datastore,
    perform: Perform,
    wait: Callable[[float], None] = lambda _seconds: None,
) -> Outcome:
    """Conduct it to its end: status and ``{output}``, with ``errors`` unless it succeeded.

    ``perform`` runs a task, given its name and ``{action, input}``; its RequestError fails it all.
    ``wait`` is called with the seconds that a task, or its next try, is put off.
    """
    token = _store.set(store)
    try:
        spec, graph = _definition(text)
        conductor = conducting.WorkflowConductor(spec, inputs=inputs, context=context)
        conductor._graph = graph
        return _conduct(conductor, perform, wait)
    except RequestError as err:
        return statuses.FAILED, {"output": None, "errors": [{"message": str(err)}]}
    finally:
        _store.reset(token)


def _conduct(conductor: Any, perform: Perform, wait: Callable[[float], None]) -> Outcome:
    _ = conductor.workflow_state  # renders input and vars, after which it may already have failed
    if conductor.get_workflow_status() not in statuses.COMPLETED_STATUSES:
        conductor.request_workflow_status(statuses.RUNNING)
    tasks = conductor.get_next_tasks()
    while tasks:
        for task in tasks:
            _tell(conductor, task, statuses.RUNNING)
        for task in tasks:
            (request,) = task["actions"]
            wait(task.get("delay") or 0)
            _tell(conductor, task, *perform(task["id"], request))
        tasks = conductor.get_next_tasks()
    conductor.render_workflow_output()
    status, errors = conductor.get_workflow_status(), conductor.errors
    more = {} if status == statuses.SUCCEEDED else {"errors": errors}  # retries are errors, too
    return status, {"output": conductor.get_workflow_output(), **more}


def _tell(conductor: Any, task: Dict[str, Any], status: str, result: Any = None) -> None:
    event = events.ActionExecutionEvent(status, result=result)
    conductor.update_task_state(task["id"], task["route"], event)
