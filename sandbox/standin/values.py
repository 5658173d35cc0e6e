"""How StackStorm checks values against schemas, and renders those that may hold Jinja.

After StackStorm's ``st2common/util``: ``schema``, ``param.py``, ``casts.py``. Its dialect of JSON
Schema is draft 4 with draft 3's ``required: true`` in each property; an optional property without
a type is a string, and null is accepted for every optional one. And here text from elsewhere
leaks: whatever reaches :func:`live` is a template, with secrets and configuration in scope.
"""

from __future__ import annotations

import ast
import copy
import json
from functools import lru_cache
from typing import Any, Callable, Dict, Mapping

import jinja2
import jsonschema  # type: ignore[import-untyped]
from jinja2.sandbox import SandboxedEnvironment
from jsonschema import validators

from .datastore import unseal

Values = Mapping[str, Any]
MISFIT = (jsonschema.ValidationError, jsonschema.SchemaError)

_DRAFT4 = jsonschema.Draft4Validator
_PROPERTIES = jsonschema.Draft3Validator.VALIDATORS["properties"]  # reads ``required`` below it
_VALIDATOR = validators.extend(_DRAFT4, {"properties": _PROPERTIES, "required": lambda *_: None})
_VALIDATOR.META_SCHEMA = copy.deepcopy(_DRAFT4.META_SCHEMA)
_VALIDATOR.META_SCHEMA["properties"]["required"] = {"type": "boolean"}

_JINJA = SandboxedEnvironment(
    undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_JINJA.filters["decrypt_kv"] = unseal
# What a template can raise: Jinja's own errors, and those of the operations written in it.
_FAULTS = (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError)


class RequestError(ValueError):
    """StackStorm would not start this: unknown action or parameter, wrong type, broken template."""


def validate(instance: Any, schema: Values) -> Any:
    """The instance with the schema's defaults; raises ``MISFIT`` if it or the schema is wrong."""
    own = plain(schema)  # unlike deepcopy, parts that a YAML alias shares come apart
    instance = copy.deepcopy(instance)
    _relax(instance, own)
    _check_schema(json.dumps(own, sort_keys=True))
    _VALIDATOR(own).validate(instance)
    return instance


@lru_cache(maxsize=512)
def _check_schema(text: str) -> None:
    _VALIDATOR.check_schema(json.loads(text))


def problems(output: Any, schema: Values) -> str:
    """How an output misses its schema. Here no default is filled in, and no null let pass."""
    return "; ".join(fault.message for fault in _VALIDATOR(schema).iter_errors(output))


def of_parameters(parameters: Values, extra: bool = False) -> Dict[str, Any]:
    """The schema of a whole parameter object; ``extra`` allows undeclared names."""
    return {"type": "object", "properties": dict(parameters), "additionalProperties": extra}


def _relax(instance: Any, schema: Dict[str, Any]) -> None:
    if isinstance(instance, list):
        for item in instance:
            _relax(item, schema.get("items", {}))
    elif isinstance(instance, dict):
        for name, prop in schema.get("properties", {}).items():
            if "default" in prop and instance.get(name) is None:
                instance[name] = copy.deepcopy(prop["default"])
            if not prop.get("required"):
                kinds = prop.get("type", "string")
                prop["type"] = sorted({*(kinds if isinstance(kinds, list) else [kinds]), "null"})
            _relax(instance.get(name), prop)


def plain(value: Any) -> Any:
    """A copy as JSON carries it; TypeError or ValueError where it cannot."""
    return json.loads(json.dumps(value, allow_nan=False))


def render(template: str, context: Values) -> str:
    """One template, once; raises whatever the template raises."""
    return _JINJA.from_string(template).render(dict(context))


def is_template(value: Any) -> bool:
    """Whether StackStorm takes the value for a template: it only looks for the marks."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def live(params: Values, schemas: Values, scope: Values) -> Dict[str, Any]:
    """The given parameters rendered and cast by schema: what StackStorm does to every request.

    ``scope`` is what a template sees. RequestError if one fails, or a value does not cast.
    """
    context = {**scope, **params}
    kinds = {name: schemas.get(name, {}).get("type") for name in params}
    return {name: _cast(_rendered(value, context), kinds[name]) for name, value in params.items()}


def _rendered(value: Any, context: Values) -> Any:
    # As StackStorm: the JSON text of a structure is rendered whole, and a quote breaks it.
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not is_template(text):
        return value
    try:
        text = render(text, context)
        return text if isinstance(value, str) else json.loads(text)
    except jinja2.TemplateSyntaxError:
        return value  # two braces, but no template after all
    except _FAULTS as err:
        raise RequestError(f"Failed to render {value!r}: {err}") from err


def _literal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return ast.literal_eval(value)


_CASTS: Dict[Any, Callable[[Any], Any]] = {"integer": int, "number": float, "array": _literal}
_CASTS.update({"boolean": _literal, "object": _literal})


def _cast(value: Any, kind: Any) -> Any:
    if value is None or kind not in _CASTS:
        return value
    try:
        return _CASTS[kind](value)
    except (ValueError, SyntaxError, TypeError) as err:
        raise RequestError(f"Value {value!r} does not cast to {kind}: {err}") from err
