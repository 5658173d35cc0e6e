"""Which rules a trigger meets: StackStorm's operators with their treatment of null and types.

After StackStorm's ``st2common/operators.py`` and ``st2reactor/rules/filter.py``. Not here, and
refused when a rule is registered: ``search``, and ``td_*``, which read the wall clock.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping

from .params import render

Operator = Callable[[Any, Any], bool]
OPERATORS: Dict[str, Operator] = {
    "contains": lambda value, pattern: pattern in value,
    "endswith": lambda value, pattern: value.endswith(pattern),
    "eq": lambda value, pattern: value == pattern,
    "exists": lambda value, _: value is not None,
    "gt": lambda value, pattern: value > pattern,
    "icontains": lambda value, pattern: pattern.lower() in value.lower(),
    "iendswith": lambda value, pattern: value.lower().endswith(pattern.lower()),
    "ieq": lambda value, pattern: value.lower() == pattern.lower(),
    "in": lambda value, pattern: value in pattern,
    "incontains": lambda value, pattern: pattern.lower() not in value.lower(),
    "iregex": lambda value, pattern: re.search(pattern, value, re.IGNORECASE) is not None,
    "istartswith": lambda value, pattern: value.lower().startswith(pattern.lower()),
    "lt": lambda value, pattern: value < pattern,
    "matchregex": lambda value, pattern: re.match(pattern, value, re.DOTALL) is not None,
    "matchwildcard": fnmatch.fnmatch,
    "ncontains": lambda value, pattern: pattern not in value,
    "neq": lambda value, pattern: value != pattern,
    "nexists": lambda value, _: value is None,
    "nin": lambda value, pattern: value not in pattern,
    "regex": lambda value, pattern: re.search(pattern, value) is not None,
    "startswith": lambda value, pattern: value.startswith(pattern),
}
_LONG = {
    "equals": "eq",
    "nequals": "neq",
    "iequals": "ieq",
    "lessthan": "lt",
    "greaterthan": "gt",
    "inside": "in",
    "ninside": "nin",
}
OPERATORS.update({long: OPERATORS[short] for long, short in _LONG.items()})
_MARKED = re.compile(r"({{)\s*(.*)\s*(}})")
_STEP = re.compile(r"(?:^|\.)([A-Za-z_@][\w@-]*)|\[(\d+)\]")


@dataclass(frozen=True)
class Rule:
    """One ``rules/*.yaml``."""

    ref: str
    trigger: str
    criteria: Dict[str, Dict[str, Any]]
    action: str
    parameters: Dict[str, Any]
    enabled: bool


class CriterionError(Exception):
    """A criterion raised; StackStorm takes that as no match and records a failed enforcement."""


def check_criteria(criteria: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ValueError unless each criterion has a known operator and a pattern, not null."""
    for key, criterion in criteria.items():
        operator = criterion.get("type")
        if operator not in OPERATORS:
            raise ValueError(f"{key}: operator {operator} is not known to the stand-in.")
        if criterion.get("pattern") is None:
            raise ValueError(f"{key}: {operator} needs a pattern, whatever it does with it.")


def matches(rule: Rule, payload: Mapping[str, Any], st2kv: Mapping[str, Any]) -> bool:
    """Whether every criterion holds, tried in the order written.

    :raises CriterionError: a comparison or a pattern raised, e.g. null or text against a number.
    """
    if rule.criteria and not payload:
        return False
    return all(_holds(key, item, payload, st2kv) for key, item in rule.criteria.items())


def _holds(
    key: str, criterion: Mapping[str, Any], payload: Mapping[str, Any], st2kv: Mapping[str, Any]
) -> bool:
    try:
        pattern = _pattern(criterion["pattern"], {"trigger": payload, "st2kv": st2kv})
        value = _value(key.split("#", 1)[0], payload)
        if pattern is None and criterion["type"] not in ("neq", "nequals", "exists", "nexists"):
            return False  # a pattern that rendered to null
        return bool(OPERATORS[criterion["type"]](value, pattern))
    except Exception as err:  # as StackStorm: payloads are anybody's
        raise CriterionError(f"{key}: {type(err).__name__}: {err}") from err


def _pattern(pattern: Any, context: Mapping[str, Any]) -> Any:
    if not isinstance(pattern, str):
        return pattern
    if _MARKED.search(pattern):
        text = render(_MARKED.sub(r"\1\2 | to_complex\3", pattern), context)
        try:
            return json.loads(text)
        except ValueError:
            pass  # more than one expression, or text around it: rendered as text
    return render(pattern, context)


def _value(key: str, payload: Mapping[str, Any]) -> Any:
    steps = list(_STEP.finditer(key))
    if "".join(step.group(0) for step in steps) != key:
        raise ValueError("the stand-in knows only names, dots and [n] in a key")
    found: Any = {"trigger": payload}
    for step in steps:
        name, index = step.groups()
        try:
            found = found[name] if name else found[int(index)]
        except (KeyError, IndexError, TypeError):
            return None
    return found
