"""A pack's metadata, rules and configuration, read as StackStorm reads them.

After StackStorm's ``st2common/bootstrap``, ``operators.py`` and ``util/config_loader.py``. Folders
are not searched recursively. What keys a file may have is the contract tests' matter.
"""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any, Callable, Dict

import yaml

from .datastore import unseal
from .values import MISFIT, RequestError, Values, is_template, of_parameters, render, validate

# Both are safe; the one in C is not everywhere, and takes a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Those that this pack's rules and recipes use; any other is refused.
OPERATORS: Dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, pattern: pattern in value,
    "eq": lambda value, pattern: value == pattern,
    "gt": lambda value, pattern: value > pattern,
    "inside": lambda value, pattern: value in pattern,
    "lt": lambda value, pattern: value < pattern,
    "ncontains": lambda value, pattern: pattern not in value,
    "ninside": lambda value, pattern: value not in pattern,
    "regex": lambda value, pattern: re.search(pattern, value) is not None,
}


class Pack:
    """What a pack registers, as written, by reference; sensors by class, of triggers the schema."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.ref: str = _read(self.path / "pack.yaml")["ref"]
        self.config_schema: Values = _read(self.path / "config.schema.yaml")
        self.actions, self.rules, self.policies = map(self._all, ("actions", "rules", "policies"))
        sensors = [_read(file) for file in sorted(self.path.glob("sensors/*.yaml"))]
        self.sensors = {sensor["class_name"]: sensor for sensor in sensors}
        kinds = [kind for sensor in sensors for kind in sensor.get("trigger_types", [])]
        self.triggers = {f"{self.ref}.{k['name']}": k.get("payload_schema", {}) for k in kinds}
        for rule in self.rules.values():
            check_criteria(rule.get("criteria", {}))

    def _all(self, folder: str) -> Dict[str, Dict[str, Any]]:
        found = [_read(file) for file in sorted(self.path.glob(f"{folder}/*.yaml"))]
        return {f"{self.ref}.{one['name']}": one for one in found}

    def entry_path(self, entry_point: str) -> Path:
        """Where an entry point lies: under ``actions/``, judged by its text; else ValueError."""
        if os.path.normpath(entry_point) != entry_point or entry_point.startswith(("/", "..")):
            raise ValueError(f"Invalid file path: {entry_point} must be relative to actions/.")
        return self.path / "actions" / entry_point


def _read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)


def check_criteria(criteria: Values) -> None:
    """Raise ValueError unless each has a known operator and a pattern: not null, no template."""
    for key, criterion in criteria.items():
        operator, pattern = criterion.get("type"), criterion.get("pattern")
        if operator not in OPERATORS or pattern is None or is_template(pattern):
            raise ValueError(f"{key}: the stand-in has no {operator} of {pattern!r}.")


def matches(criteria: Values, payload: Values) -> bool:
    """Whether every criterion holds, tried in the order written.

    RequestError where a comparison raises, e.g. null or text against a number: no match, and a
    failed enforcement.
    """
    for key, criterion in criteria.items():
        found: Any = {"trigger": payload}
        for name in key.partition("#")[0].split("."):  # a suffix tells criteria on one key apart
            found = found.get(name) if isinstance(found, dict) else None
        try:
            if not OPERATORS[criterion["type"]](found, criterion["pattern"]):
                return False
        except (TypeError, re.error) as err:
            raise RequestError(f"{key}: {type(err).__name__}: {err}") from err
    return True


def resolve_config(schema: Values, values: Values, kept: Values) -> Dict[str, Any]:
    """Configuration as code gets it: templates looked up in ``kept``, defaults added unrendered,
    and an empty list for each list of which the schema describes the items.

    StackStorm decrypts where the schema says ``secret: true``. ValueError where values do not fit.
    """
    whole = of_parameters(schema, extra=True)
    try:
        validate(dict(values), whole)
    except MISFIT as err:
        raise ValueError(f"config, {'.'.join(map(str, err.path))}: {err.message}") from err
    return dict(_resolved(values, whole, kept))


def _resolved(value: Any, schema: Values, kept: Values) -> Any:
    if is_template(value):
        text = render(value, {"st2kv": {"system": kept}})
        return (unseal(text) if schema.get("secret") else text) if text else None
    if isinstance(value, list):
        return [_resolved(item, schema.get("items", {}), kept) for item in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    found = {key: _resolved(item, known.get(key, {}), kept) for key, item in value.items()}
    for key, inner in known.items():
        if "default" in inner:
            found.setdefault(key, copy.deepcopy(inner["default"]))
        elif "properties" in inner and found.get(key) is None:
            found[key] = _resolved({}, inner, kept)
        if inner.get("type") == "array" and "items" in inner and not found.get(key):
            found[key] = []  # so does StackStorm (``config_loader.py``), default or not
    return found
