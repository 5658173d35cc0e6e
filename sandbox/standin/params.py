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
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import jinja2
from jinja2 import meta
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
    :raises ParamError: an unknown variable, a cycle, or a template that fails.
    :raises RequestError: a value that does not cast to its parameter's type.
    """
    nodes = {name: {"value": value} for name, value in scope.items()}
    for name, value in params.items():
        _add(nodes, name, value)
    context = _resolve(nodes, schemas)
    result = {name: _cast(context[name], _schema(name, schemas)) for name in params}
    for name, schema in _declared(schemas):
        default = schema.get("default")
        if name not in params and not schema.get("immutable") and is_template(default):
            result[name] = _cast(context[name], schema)
    return result


def final(params: Mapping[str, Any], schemas: Schemas, scope: Mapping[str, Any]) -> Dict[str, Any]:
    """Every declared parameter, absent ones as default or None; given values stay as they are."""
    nodes = {name: {"value": value} for name, value in {**scope, **params}.items()}
    context = _resolve(nodes, schemas)
    return {name: _cast(context[name], schema) for name, schema in _declared(schemas)}


def _declared(schemas: Schemas) -> List[Any]:
    return [pair for schema in schemas for pair in schema.items()]


def _schema(name: str, schemas: Schemas) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {}
    for schema in schemas:
        found = schema.get(name, found)
    return found


def _add(nodes: Dict[str, Dict[str, Any]], name: str, value: Any) -> None:
    node = nodes.setdefault(name, {})
    text = str(value) if isinstance(value, (list, dict)) else value
    if is_template(text):
        try:
            node.setdefault("needs", set()).update(
                meta.find_undeclared_variables(_JINJA.parse(text))
            )
        except jinja2.TemplateSyntaxError:
            node["value"] = value  # two braces, but no template after all
        else:
            node["template"] = value
    else:
        node["value"] = value


def _resolve(nodes: Dict[str, Dict[str, Any]], schemas: Schemas) -> Dict[str, Any]:
    for name, schema in _declared(schemas):
        if nodes.get(name, {}).get("value") is None or schema.get("immutable", False):
            _add(nodes, name, schema.get("default"))
    context: Dict[str, Any] = {}
    for name in nodes:
        _visit(name, nodes, context, ())
    return context


def _visit(
    name: str, nodes: Mapping[str, Dict[str, Any]], context: Dict[str, Any], trail: Sequence[str]
) -> None:
    if name in context:
        return
    if name not in nodes:
        raise ParamError(f'Dependency unsatisfied in variable "{name}"')
    if name in trail:
        raise ParamError(f"Cyclic dependency found in the following variables: {name}.")
    for needed in sorted(nodes[name].get("needs", ())):
        _visit(needed, nodes, context, (*trail, name))
    try:
        context[name] = _value(nodes[name], context)
    except Exception as err:  # a template can raise anything
        raise ParamError(f'Failed to render parameter "{name}": {err}') from err


def _value(node: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    if "template" not in node:
        return node["value"]
    template = node["template"]
    if isinstance(template, str):
        return render(template, context)
    text = json.dumps(template, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r'"{{([A-z0-9_-]+)}}"', r"{{\1 | to_complex}}", text)
    return json.loads(render(text, context))  # breaks on a quote in any rendered text, as there


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
