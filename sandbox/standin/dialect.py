"""StackStorm's dialect of JSON Schema: draft 4, with draft 3's ``required: true`` in each property.

After StackStorm's ``st2common/util/schema``. Two habits of it matter to a pack author: an optional
property without a type is a string, and null is accepted for every optional property.
"""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, Mapping

from . import compat

compat.repair()

# Importable on Python 3.10 and later only after the repairs.
import jsonschema  # type: ignore[import-untyped] # noqa: E402
from jsonschema import validators  # noqa: E402

SchemaError = jsonschema.SchemaError
ValidationError = jsonschema.ValidationError

_ANY = {
    "anyOf": [
        {"type": kind} for kind in ("array", "boolean", "integer", "number", "object", "string")
    ]
}
_EXTRA = {
    "required": {"type": "boolean"},
    "secret": {"type": "boolean"},
    "immutable": {"type": "boolean"},
    "position": {"type": "number", "minimum": 0},
}


def _make_validator() -> Any:
    draft4 = jsonschema.Draft4Validator
    changes = {
        "properties": jsonschema.Draft3Validator.VALIDATORS["properties"],
        "required": lambda *_: None,  # read by draft 3's "properties", one level up
    }
    made = validators.extend(draft4, changes)
    made.META_SCHEMA = copy.deepcopy(draft4.META_SCHEMA)
    made.META_SCHEMA["properties"].update(_EXTRA)
    return made


_VALIDATOR = _make_validator()


def validate(instance: Any, schema: Mapping[str, Any], lenient: bool = True) -> Any:
    """The instance with the schema's defaults filled in.

    :param lenient: fill in defaults and let optional properties be null; output is checked without.
    :raises jsonschema.ValidationError: the instance does not fit.
    :raises jsonschema.SchemaError: the schema is wrong, e.g. ``required: [a]``.
    """
    own = json.loads(json.dumps(schema))  # unlike deepcopy, parts a YAML alias shares come apart
    instance = copy.deepcopy(instance)
    if lenient:
        _allow_null(own)
        if own.get("type") == "object":
            _fill(instance, own)
    jsonschema.validate(instance, own, cls=_VALIDATOR)
    return instance


def of_parameters(parameters: Mapping[str, Any], extra: bool = False) -> Dict[str, Any]:
    """The schema of a whole parameter object; ``extra`` allows undeclared names."""
    properties = {name: schema or _ANY for name, schema in parameters.items()}
    return {"type": "object", "properties": properties, "additionalProperties": extra}


def _has(schema: Mapping[str, Any], kind: str) -> bool:
    declared = schema.get("type")
    return kind in declared if isinstance(declared, list) else declared == kind


def _allow_null(schema: Dict[str, Any]) -> None:
    for prop in schema.get("properties", {}).values():
        optional = "default" in prop or not prop.get("required", False)
        if optional and prop.get("default") is None:
            _add_null(prop)
        if _has(prop, "array") and isinstance(prop.get("items"), dict):
            _allow_null(prop["items"])
        if _has(prop, "object"):
            _allow_null(prop)


def _add_null(prop: Dict[str, Any]) -> None:
    for choice in ("anyOf", "oneOf"):
        if choice in prop:
            if not any(option.get("type", "string") == "null" for option in prop[choice]):
                prop[choice].append({"type": "null"})
            return
    kinds = prop.get("type", "string")
    kinds = list(kinds) if isinstance(kinds, list) else [kinds]
    prop["type"] = kinds if "null" in kinds else [*kinds, "null"]


def _fill(instance: Any, schema: Mapping[str, Any]) -> None:
    if isinstance(instance, dict) and _has(schema, "object"):
        for name, prop in schema.get("properties", {}).items():
            if "default" in prop and instance.get(name) is None:
                instance[name] = copy.deepcopy(prop["default"])
            _fill(instance.get(name), prop)
    elif isinstance(instance, list) and _has(schema, "array"):
        items = schema.get("items", {})
        for value, item in zip(
            instance, [items] * len(instance) if isinstance(items, dict) else items
        ):
            _fill(value, item)
