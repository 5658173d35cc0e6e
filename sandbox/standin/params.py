"""How StackStorm turns parameters that may hold Jinja into values, and gives them types.

After StackStorm's ``st2common/util/param.py``, ``util/casts.py`` and ``util/jinja.py``. Here text
from elsewhere leaks: whatever reaches :func:`live` is a template, with ``st2kv``, ``decrypt_kv``
and ``config_context`` in scope.
"""

from __future__ import annotations

import ast
import json
import math
import re
from enum import Enum
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from .datastore import Lookup, unseal

_NONE = "%*****__%NONE%__*****%"
Schemas = Sequence[Mapping[str, Any]]


class RequestError(ValueError):
    """StackStorm would not start this: unknown action or parameter, wrong type, broken template."""


class ParamError(RequestError):
    """A parameter's template cannot be rendered; StackStorm records a failed execution of it."""


def plain(value: Any) -> Any:
    """A copy as JSON would carry it: tuples become lists, enums their values.

    :raises TypeError: the value holds something JSON has no form for. StackStorm silently turns
        the whole result into one string, which is never meant.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: plain(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} has no form in JSON. Return plain data.")


def _decrypt_kv(value: Any) -> str:
    if isinstance(value, Lookup) and not str(value):
        raise ValueError("Referenced datastore item doesn't exist or is empty.")
    return unseal(str(value))


FILTERS: Dict[str, Callable[..., Any]] = {
    "decrypt_kv": _decrypt_kv,
    "from_json_string": lambda value: json.loads(str(value)),
    "json_escape": lambda value: json.dumps(value).strip('"'),
    "to_complex": json.dumps,
    "to_json_string": json.dumps,
    "use_none": lambda value: _NONE if value is None else value,
}


def _environment() -> SandboxedEnvironment:
    made = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(FILTERS)
    return made


_JINJA = _environment()


def render(template: str, context: Mapping[str, Any]) -> str:
    """One template, once; raises whatever the template raises."""
    return _JINJA.from_string(template).render(dict(context))


def is_template(value: Any) -> bool:
    """Whether StackStorm takes the value for a template: it only looks for the marks."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def live(params: Mapping[str, Any], schemas: Schemas, scope: Mapping[str, Any]) -> Dict[str, Any]:
    """The given parameters rendered and cast: what StackStorm does to every request.

    :param schemas: parameter schemas by name: the action's, then its runner's.
    :param scope: ``st2kv``, ``config_context``, ``action_context``, and ``trigger`` in a rule.
    :raises ParamError: an unknown variable, or a template that fails.
    :raises RequestError: a value that does not cast to its parameter's type.
    """
    declared = _declared(schemas)
    context = {**{name: one.get("default") for name, one in declared.items()}, **scope, **params}
    return {
        name: _cast(_rendered(name, value, context), declared.get(name, {}))
        for name, value in params.items()
    }


def final(params: Mapping[str, Any], schemas: Schemas) -> Dict[str, Any]:
    """Every declared parameter, absent ones as default or None; given values stay as they are."""
    return {
        name: _cast(schema.get("default") if params.get(name) is None else params[name], schema)
        for name, schema in _declared(schemas).items()
    }


def _declared(schemas: Schemas) -> Dict[str, Mapping[str, Any]]:
    return {name: one for schema in schemas for name, one in schema.items()}


def _rendered(name: str, value: Any, context: Mapping[str, Any]) -> Any:
    try:
        if isinstance(value, (list, dict)) and is_template(str(value)):
            # Breaks on a quote in any rendered text, as there.
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            text = re.sub(r'"{{([A-z0-9_-]+)}}"', r"{{\1 | to_complex}}", text)
            return json.loads(render(text, context))
        return render(value, context) if is_template(value) else value
    except jinja2.TemplateSyntaxError:
        return value  # two braces, but no template after all
    except Exception as err:  # a template can raise anything
        raise ParamError(f'Failed to render parameter "{name}": {err}') from err


def _structure(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return ast.literal_eval(value)


def _string(value: Any) -> Optional[str]:
    if not (value is None or isinstance(value, str)):
        raise TypeError(f'must either be a string or None. Got "{type(value).__name__}".')
    return value


_CASTS: Dict[str, Callable[[Any], Any]] = {
    "array": _structure,
    "boolean": lambda v: ast.literal_eval(v.capitalize()) if isinstance(v, str) else v,
    "integer": int,
    "number": float,
    "object": _structure,
    "string": _string,
}


def _cast(value: Any, schema: Mapping[str, Any]) -> Any:
    cast = _CASTS.get(schema.get("type", ""))
    if value is None or cast is None:
        return value
    try:
        return cast(None if value == _NONE else value)
    except (ValueError, SyntaxError, TypeError) as err:
        raise RequestError(f'Value "{value}" does not cast to {schema["type"]}: {err}') from err
