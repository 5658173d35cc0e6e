"""A pack's metadata and configuration, found and read as StackStorm finds and reads them.

After StackStorm's ``st2common/bootstrap``, ``content/utils.py`` and ``util/config_loader.py``: the
folders are not searched recursively, and unknown keys are refused.
"""

from __future__ import annotations

import copy
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

import yaml

from . import dialect
from .params import is_template
from .rules import Rule, check_criteria

_COMMON = {"name", "pack", "description", "enabled"}
_KEYS = {
    "actions": (
        {"name", "runner_type"},
        {"entry_point", "parameters", "output_schema", "tags", "notify"},
    ),
    "policies": ({"name", "resource_ref", "policy_type"}, {"parameters"}),
    "rules": ({"name", "trigger", "action"}, {"type", "criteria", "context", "tags"}),
    "sensors": ({"class_name", "entry_point"}, {"trigger_types", "poll_interval"}),
    "triggers": ({"name"}, {"payload_schema", "parameters_schema", "tags"}),
}
_POLICY_PARAMETERS: Dict[str, Any] = {
    "threshold": {"type": "integer", "required": True},
    "action": {"type": "string", "default": "delay", "enum": ["delay", "cancel"]},
    "attributes": {"type": "array", "items": {"type": "string"}},
}
RUNNERS: Dict[str, Dict[str, Any]] = {
    "python-script": {
        "debug": {"type": "boolean", "default": False},
        "content_version": {"type": "string"},
        "env": {"type": "object"},
        "timeout": {"type": "integer", "default": 600},
        "log_level": {"type": "string", "default": "DEBUG"},
    },
    "orquesta": {"notify": {"type": "array", "default": []}},
}


class PackError(Exception):
    """The pack would not register, or registers and cannot work; names file, key and fault."""


@dataclass(frozen=True)
class Action:
    """One ``actions/*.yaml``."""

    ref: str
    runner: str
    entry_point: str
    enabled: bool
    parameters: Dict[str, Dict[str, Any]]
    output_schema: Optional[Dict[str, Any]]

    @property
    def runner_parameters(self) -> Dict[str, Any]:
        """Parameters every action of this runner takes besides its own."""
        return RUNNERS[self.runner]


@dataclass(frozen=True)
class Pack:
    """Everything a pack registers, by reference; ``triggers`` holds payload schemas."""

    ref: str
    path: Path
    config_schema: Dict[str, Any]
    actions: Dict[str, Action] = field(default_factory=dict)
    triggers: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    sensors: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    rules: Dict[str, Rule] = field(default_factory=dict)
    policies: Dict[str, Dict[str, Any]] = field(default_factory=dict)

    def entry_path(self, entry_point: str) -> Path:
        """Where an action's entry point lies: under ``actions/``, judged by its text alone.

        :raises ValueError: any other path, such as ``../workflows/x.yaml`` or ``./x.py``.
        """
        if os.path.isabs(entry_point) and entry_point.startswith(str(self.path)):
            return Path(entry_point)
        inside = f"actions/{entry_point}"
        if os.path.isabs(entry_point) or os.path.normpath("/" + inside).lstrip("/") != inside:
            raise ValueError(
                f"Invalid file path: {entry_point} must be relative to the actions folder."
            )
        return self.path / inside


def load(path: Path) -> Pack:
    """Register the pack in that folder.

    :raises PackError: at the first file StackStorm would refuse.
    """
    path = path.resolve()
    about = _read(path / "pack.yaml")
    missing = {"name", "description", "version", "author", "email"} - set(about)
    if missing:
        raise PackError(f"pack.yaml: {', '.join(sorted(missing))} missing. Add it.")
    schema = path / "config.schema.yaml"
    pack = Pack(about.get("ref", about["name"]), path, _read(schema) if schema.exists() else {})
    _check_parameters("config.schema.yaml", pack.config_schema)
    for kind, register in _REGISTER.items():
        for file in sorted([*(path / kind).glob("*.yaml"), *(path / kind).glob("*.yml")]):
            register(pack, f"{kind}/{file.name}", _checked(pack.ref, kind, file))
    return pack


def _read(file: Path) -> Dict[str, Any]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise PackError(f"{file.name}: must be a mapping with at least one key.")
    return content


def _checked(pack: str, kind: str, file: Path) -> Dict[str, Any]:
    content = _read(file)
    _check_keys(f"{kind}/{file.name}", kind, content)
    if content.get("pack", pack) != pack:
        raise PackError(f"{kind}/{file.name}: pack is {content['pack']}, must be {pack}.")
    return content


def _check_keys(where: str, kind: str, content: Mapping[str, Any]) -> None:
    required, optional = _KEYS[kind]
    unknown = set(content) - required - optional - _COMMON
    if unknown or not required <= set(content):
        raise PackError(
            f"{where}: missing {sorted(required - set(content))}, unknown {sorted(unknown)}."
        )


def _check_parameters(where: str, parameters: Mapping[str, Any]) -> None:
    for name, schema in parameters.items():
        try:
            dialect.check_parameter(name, schema)
        except dialect.ValidationError as err:
            raise PackError(f"{where}: {err.message}") from err


def _register_trigger(pack: Pack, where: str, content: Dict[str, Any]) -> None:
    _check_keys(where, "triggers", content)
    pack.triggers[f"{pack.ref}.{content['name']}"] = content.get("payload_schema", {})


def _register_sensor(pack: Pack, where: str, content: Dict[str, Any]) -> None:
    for trigger in content.get("trigger_types", []):
        _register_trigger(pack, where, trigger)
    pack.sensors[content["class_name"]] = content


def _register_action(pack: Pack, where: str, content: Dict[str, Any]) -> None:
    if content["runner_type"] not in RUNNERS:
        raise PackError(f"{where}: the stand-in has no runner {content['runner_type']}.")
    parameters = content.get("parameters", {})
    _check_parameters(where, parameters)
    ref = f"{pack.ref}.{content['name']}"
    pack.actions[ref] = Action(
        ref,
        content["runner_type"],
        content.get("entry_point", ""),
        content.get("enabled", True),
        parameters,
        content.get("output_schema"),
    )


def _register_rule(pack: Pack, where: str, content: Dict[str, Any]) -> None:
    try:
        check_criteria(content.get("criteria", {}))
        rule = Rule(
            f"{pack.ref}.{content['name']}",
            content["trigger"]["type"],
            content.get("criteria", {}),
            content["action"]["ref"],
            content["action"].get("parameters", {}),
            content.get("enabled", False),
        )
    except (KeyError, ValueError) as err:
        raise PackError(f"{where}: {err}") from err
    pack.rules[rule.ref] = rule


def _register_policy(pack: Pack, where: str, content: Dict[str, Any]) -> None:
    if content["policy_type"] in ("action.concurrency", "action.concurrency.attr"):
        given = content.get("parameters", {})
        try:
            dialect.validate(given, dialect.of_parameters(_POLICY_PARAMETERS))
        except dialect.ValidationError as err:
            raise PackError(f"{where}: {err.message}") from err
        action = pack.actions.get(content["resource_ref"])
        unknown = set(given.get("attributes", [])) - set(action.parameters if action else ())
        if action is None or unknown:
            raise PackError(f"{where}: no {content['resource_ref']} with {sorted(unknown)}.")
    pack.policies[f"{pack.ref}.{content['name']}"] = content


_REGISTER: Dict[str, Callable[[Pack, str, Dict[str, Any]], None]] = {
    "triggers": _register_trigger,
    "sensors": _register_sensor,
    "actions": _register_action,
    "rules": _register_rule,
    "policies": _register_policy,
}


def resolve_config(
    schema: Mapping[str, Any], values: Mapping[str, Any], lookup: Callable[[str, bool], Any]
) -> Dict[str, Any]:
    """Configuration as a sensor or action gets it: templates looked up, **then** defaults added.

    :param lookup: what a template such as ``{{ st2kv.system.x }}`` stands for; told whether the
        schema says ``secret: true``, at which StackStorm decrypts.
    :raises PackError: the file does not fit its schema, or decrypts a secret itself.
    """
    try:
        dialect.validate(dict(values), dialect.of_parameters(schema, extra=True))
    except dialect.ValidationError as err:
        raise PackError(f"config, {'.'.join(map(str, err.path))}: {err.message}") from err
    for key, value in values.items():
        if is_template(value) and "decrypt_kv" in value and schema.get(key, {}).get("secret"):
            raise PackError(f"config, {key}: secrets are decrypted anyway. Drop decrypt_kv.")
    config = _look_up(copy.deepcopy(dict(values)), {"properties": schema}, lookup)
    return _defaults(config, schema)


def _look_up(value: Any, schema: Mapping[str, Any], lookup: Callable[[str, bool], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _look_up(item, _inner(schema, key), lookup) for key, item in value.items()}
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_look_up(item, items, lookup) for item in value]
    return lookup(value, schema.get("secret", False)) if is_template(value) else value


def _inner(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: List[Any] = [schema["properties"][key]] if key in schema.get("properties", {}) else []
    patterns = schema.get("patternProperties", {})
    found += [inner for pattern, inner in patterns.items() if re.search(pattern, key)]
    found.append(schema.get("additionalProperties"))
    return next((inner for inner in found if isinstance(inner, dict)), {})


_DESCRIBES = ("properties", "patternProperties", "additionalProperties")


def _defaults(config: Dict[str, Any], schema: Mapping[str, Any]) -> Dict[str, Any]:
    for key, inner in schema.items():
        if "default" in inner:
            config.setdefault(key, copy.deepcopy(inner["default"]))
        if inner.get("type") == "object" and any(inner.get(name) for name in _DESCRIBES):
            value = config.get(key) or {}
            known = {**{name: _inner(inner, name) for name in value}, **inner.get("properties", {})}
            config[key] = _defaults(value, known)
        elif inner.get("type") == "array" and inner.get("items"):
            properties = inner["items"].get("properties", {})
            config[key] = [
                _defaults(item, properties) if isinstance(item, dict) else item
                for item in config.get(key) or []
            ]
    return config
