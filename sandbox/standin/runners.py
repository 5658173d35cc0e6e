"""The two runners: python-script actions in this process, workflows through the real orquesta.

After StackStorm's ``python_runner/python_action_wrapper.py``, ``util/loader.py`` and
``services/workflows.py``. StackStorm runs each action in a process of its own; here an entry file
is loaded anew each time, but a library's module state lives on.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import sys
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

from . import compat
from .datastore import Datastore, unseal
from .params import FILTERS, RequestError, plain

compat.repair()  # before the imports below, which need it

from orquesta import conducting, events, statuses  # type: ignore[import-untyped] # noqa: E402
from orquesta.exceptions import (  # type: ignore[import-untyped] # noqa: E402
    ExpressionEvaluationException,
)
from orquesta.expressions import jinja, yql  # type: ignore[import-untyped] # noqa: E402
from orquesta.specs import loader as specs  # type: ignore[import-untyped] # noqa: E402

Outcome = Tuple[str, Dict[str, Any]]
_store: ContextVar[Datastore] = ContextVar("datastore that st2kv() reads")


class ProcessDied(BaseException):
    """The process ends here, as by ``kill -9``: a test asked for it."""


@contextmanager
def search_path(path: List[str]) -> Iterator[None]:
    """Use ``path`` as ``sys.path`` meanwhile, and keep in it what the code inside adds."""
    before = sys.path[:]
    sys.path[:] = path
    try:
        yield
    finally:
        path[:] = sys.path
        sys.path[:] = before


def load_file(file: Path) -> Any:
    """StackStorm's recipe: spec from the file, **not** in ``sys.modules``, its folder appended."""
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _action_class(file: Path) -> Any:
    """The first class by name that has a ``run``, as there: a second one is silently ignored."""
    module = load_file(file)
    for _, kind in inspect.getmembers(module, inspect.isclass):
        run = getattr(kind, "run", None)
        abstract = getattr(run, "__isabstractmethod__", False)
        if kind.__module__ == module.__name__ and inspect.isfunction(run) and not abstract:
            return kind
    raise ImportError(f"Found no classes in plugin file {file.name} matching requirements.")


def run_python(
    file: Path, config: Dict[str, Any], service: Any, parameters: Dict[str, Any]
) -> Outcome:
    """One python-script action: its status and ``{stdout, stderr, exit_code, result}``.

    An exception makes exit code 1, ``result: "None"`` and the traceback in ``stderr``.
    """
    out, err = io.StringIO(), io.StringIO()
    code, answer = 0, "None"
    with redirect_stdout(out), redirect_stderr(err):
        try:
            action = _action_class(file)(config=config, action_service=service)
            answer = action.run(**parameters)
        except ProcessDied:
            code = -9
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        # An action can raise anything; StackStorm's process dies of it.
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            code = 1
    flag, data = answer if isinstance(answer, tuple) and len(answer) == 2 else (None, answer)
    if not (flag is None or isinstance(flag, bool)):
        fault = f"Status returned from run() must be True or False, got: {flag}"
        return statuses.FAILED, {"error": fault, "traceback": ""}
    try:
        data = plain(data)
    except TypeError as fault:
        return statuses.FAILED, {"error": str(fault), "traceback": ""}
    good = code == 0 and flag is not False
    result = {"stdout": out.getvalue(), "stderr": err.getvalue(), "exit_code": code, "result": data}
    return (statuses.SUCCEEDED if good else statuses.FAILED), result


def _st2kv(context: Any, key: str, **options: Any) -> Any:  # noqa: ARG001 - given by orquesta
    """``st2kv('system.x', decrypt => true)`` in a workflow's expression."""
    name = key.replace("system.", "", 1) if key.startswith("system.") else f"user:{key}"
    item = _store.get().find(name)
    if item is not None:
        return unseal(item.value) if options.get("decrypt", False) else item.value
    if "default" not in options:
        raise ExpressionEvaluationException(f"The key {key} does not exist in the datastore.")
    return options["default"]


def _register_functions() -> None:
    """Add StackStorm's functions to both languages; orquesta finds its own by entry points."""
    functions = {name: FILTERS[name] for name in ("from_json_string", "to_json_string", "use_none")}
    root = yql.YAQLEvaluator._root_ctx
    for name, function in {**functions, "st2kv": _st2kv}.items():
        # Where StackStorm is installed its own functions are there; they would ask its database.
        for spec in root.get_functions(name)[0]:
            root.delete_function(spec)
        root.register_function(function, name=name)
        jinja.JinjaEvaluator._custom_functions[name] = function
        jinja.JinjaEvaluator._jinja_env.filters[name] = function


_register_functions()


Perform = Callable[[str, Dict[str, Any]], Outcome]


def run_workflow(
    definition: str,
    inputs: Dict[str, Any],
    context: Dict[str, Any],
    store: Datastore,
    perform: Perform,
) -> Outcome:
    """Conduct a workflow to its end: status and ``{output}``, with ``errors`` unless it succeeded.

    :param perform: given a task's name and one action request ``{action, input}``, answers its
        status and result. Delays are not waited for.
    """
    token = _store.set(store)
    try:
        spec = specs.get_spec_module("native").instantiate(definition)
        conductor = conducting.WorkflowConductor(spec, inputs=inputs, context=context)
        return _conducted(conductor, perform)
    except Exception as err:  # noqa: BLE001 - orquesta's errors share no root; so StackStorm
        return statuses.FAILED, {"errors": [{"message": str(err)}], "output": None}
    finally:
        _store.reset(token)


def _conducted(conductor: Any, perform: Perform) -> Outcome:
    conductor.serialize()  # renders input and vars, after which it may already have failed
    if conductor.get_workflow_status() not in statuses.COMPLETED_STATUSES:
        conductor.request_workflow_status(statuses.REQUESTED)
        conductor.request_workflow_status(statuses.RUNNING)
    tasks = conductor.get_next_tasks()
    while tasks:
        for task in tasks:
            if not _did(conductor, task, perform):
                break
        tasks = conductor.get_next_tasks()
    if conductor.get_workflow_status() in statuses.COMPLETED_STATUSES:
        conductor.render_workflow_output()
    result: Dict[str, Any] = {"output": conductor.get_workflow_output() or None}
    status = conductor.get_workflow_status()
    if status in statuses.ABENDED_STATUSES:
        result["errors"] = conductor.errors
    return status, result


def _did(conductor: Any, task: Dict[str, Any], perform: Perform) -> bool:
    """Run the task's action; False where it was refused, at which the workflow fails."""
    for request in task["actions"] or [{}]:
        running = events.ActionExecutionEvent(statuses.RUNNING)
        conductor.update_task_state(task["id"], task["route"], running)
        try:
            status, result = statuses.SUCCEEDED, None
            if request.get("action"):
                status, result = perform(task["id"], request)
        except RequestError as err:
            conductor.request_workflow_status(statuses.FAILED)
            conductor.log_error(err, task_id=task["id"], route=task["route"])
            return False
        done = events.ActionExecutionEvent(status, result=result)
        conductor.update_task_state(task["id"], task["route"], done)
    return True
