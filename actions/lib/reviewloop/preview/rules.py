"""Which event leads to which action: the pack's own rules, or an operator's.

A preview runs what the pack's rules run. A rule that calls another action is known, and left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from reviewloop.core import payloads
from reviewloop.errors import ConfigError

_OPERATORS: Dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, pattern: pattern in value,
    "eq": lambda value, pattern: value == pattern,
    "equals": lambda value, pattern: value == pattern,
    "gt": lambda value, pattern: value > pattern,
    "greaterthan": lambda value, pattern: value > pattern,
    "inside": lambda value, pattern: value in pattern,
    "lt": lambda value, pattern: value < pattern,
    "lessthan": lambda value, pattern: value < pattern,
    "ncontains": lambda value, pattern: pattern not in value,
    "neq": lambda value, pattern: value != pattern,
    "nequals": lambda value, pattern: value != pattern,
    "ninside": lambda value, pattern: value not in pattern,
    "regex": lambda value, pattern: re.search(pattern, value) is not None,
}
_FIELD = re.compile(r"\{\{ *trigger\.([a-z_]+) *\}\}")
CRON = "core.st2.CronTimer"

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Criterion:
    """What a field of a trigger is compared with."""

    key: str
    operator: str
    pattern: Any

    def holds(self, payload: Payload) -> bool:
        """Whether it holds; what cannot be compared does not, as on StackStorm."""
        name = self.key.partition("#")[0].partition(".")[2]
        try:
            return bool(_OPERATORS[self.operator](payload.get(name), self.pattern))
        except (TypeError, re.error):
            return False


@dataclass(frozen=True)
class Rule:
    """One rule.

    :param parameters: texts of the form ``{{ trigger.NAME }}`` stand for the trigger's field.
    :param at: of a timer, the hour and minute of each day, UTC.
    """

    name: str
    trigger: str
    action: str
    criteria: Tuple[Criterion, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    at: Optional[Tuple[int, int]] = None

    def matches(self, trigger: str, payload: Payload) -> bool:
        """Whether a trigger leads to the action."""
        return trigger == self.trigger and all(one.holds(payload) for one in self.criteria)

    def given(self, payload: Payload) -> Dict[str, Any]:
        """The action's parameters for a trigger."""
        return {key: _filled(value, payload) for key, value in self.parameters.items()}


def _filled(value: Any, payload: Payload) -> Any:
    found = _FIELD.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else payload.get(found.group(1))


def _shipped(name: str, trigger: str, action: str, party: Any, milestone: Any = None) -> Rule:
    criteria = [_criterion("trigger.party", party)]
    if milestone is not None:
        criteria.append(_criterion("trigger.milestone", milestone))
    fields = ("event_id", "number", *(("how",) if trigger == payloads.ENDED else ()))
    given = {key: f"{{{{ trigger.{key} }}}}" for key in fields}
    return Rule(f"gerrit.{name}", trigger, f"gerrit.{action}", tuple(criteria), given)


def _criterion(key: str, pattern: Any) -> Criterion:
    return Criterion(key, "inside" if isinstance(pattern, list) else "eq", pattern)


_LATER = ["2d", "5d", "10d"]
#: The pack's own rules (``rules/`` of the pack, to which a test holds this list), all enabled.
SHIPPED: Tuple[Rule, ...] = (
    _shipped("escalate_overdue", payloads.OVERDUE, "escalate", "reviewers", _LATER),
    _shipped("escalate_to_committee", payloads.WAITING, "escalate", "reviewers", _LATER),
    _shipped("label_overdue", payloads.OVERDUE, "label", "submitter", _LATER),
    _shipped("label_unmerged", payloads.WAITING, "label", "submitter", _LATER),
    _shipped("nudge_overdue", payloads.OVERDUE, "nudge", "reviewers", "1d"),
    _shipped("nudge_reviewers", payloads.WAITING, "nudge", "reviewers", "1d"),
    _shipped("stand_down", payloads.ENDED, "stand_down", ["reviewers", "submitter"]),
    Rule("gerrit.sweep_daily", CRON, "gerrit.sweep", at=(4, 30)),
    Rule("gerrit.usual_waits_weekly", CRON, "gerrit.usual_waits", at=(3, 15)),
)


def read_rules(folder: Path) -> Tuple[Rule, ...]:
    """The rules in a folder's YAML files, enabled or not, in the order of their references.

    :raises ConfigError: a file cannot be read, or holds what a preview does not understand.
    """
    import yaml  # noqa: PLC0415 - slow, and needed for this alone

    found: List[Rule] = []
    try:
        files = sorted(one for one in folder.iterdir() if one.suffix in (".yaml", ".yml"))
        for file in files:
            found.append(rule(yaml.safe_load(file.read_text(encoding="utf-8")), str(file)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        why = getattr(err, "strerror", None) or err
        raise ConfigError(
            f"--rules {folder} cannot be read: {why}.", "Pass a folder of StackStorm rules (YAML)."
        ) from err
    if not found:
        raise ConfigError(
            f"--rules {folder} holds no rule.", "Pass a folder with one rule in each .yaml file."
        )
    return tuple(sorted(found, key=lambda one: one.name))


def rule(meta: Any, where: str) -> Rule:
    """One rule as StackStorm has it.

    :raises ConfigError: it is something else, or compares in a way that a preview does not know.
    """
    try:
        trigger, action = meta["trigger"], meta["action"]
        criteria = tuple(
            Criterion(key, str(one["type"]), one["pattern"])
            for key, one in (meta.get("criteria") or {}).items()
        )
        at = _at(trigger) if trigger["type"] == CRON else None
        name = f"{meta.get('pack', 'default')}.{meta['name']}"
        given = dict(action.get("parameters") or {})
        made = Rule(name, str(trigger["type"]), str(action["ref"]), criteria, given, at)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise ConfigError(
            f"{where} is no rule that can be previewed ({type(err).__name__}: {err}).",
            "Correct it, or move it out of the folder.",
        ) from err
    for one in criteria:
        if one.operator not in _OPERATORS:
            raise ConfigError(
                f"{where}: {one.key} is compared by {one.operator!r}, unknown to a preview.",
                f"Use one of {', '.join(sorted(_OPERATORS))}, or move the rule out of the folder.",
            )
    return made


def _at(trigger: Mapping[str, Any]) -> Tuple[int, int]:
    parameters = trigger["parameters"]
    return int(parameters["hour"]), int(parameters["minute"])
