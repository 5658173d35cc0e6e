"""A pack's metadata and configuration, found and read as StackStorm finds and reads them.

After StackStorm's ``st2common/bootstrap``, ``content/utils.py`` and ``util/config_loader.py``: the
folders are not searched recursively, and unknown keys are refused.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional

import yaml

from . import dialect
from .params import is_template
from .rules import Rule, check_criteria

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
    """Register the pack in that folder; its own tests check its metadata more closely.

    :raises PackError: something that the stand-in cannot run.
    """
    path = path.resolve()
    about = _read(path / "pack.yaml")
    pack = Pack(about["ref"], path, _read(path / "config.schema.yaml"))
    for kind, register in _REGISTER.items():
        # Not recursively: workflows below actions/ are no actions.
        for file in sorted((path / kind).glob("*.yaml")):
            try:
                register(pack, _read(file))
            except (KeyError, ValueError) as err:
                raise PackError(f"{kind}/{file.name}: {err}") from err
    return pack


def _read(file: Path) -> Dict[str, Any]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise PackError(f"{file.name}: must be a mapping with at least one key.")
    return content


def _register_sensor(pack: Pack, content: Dict[str, Any]) -> None:
    for trigger in content.get("trigger_types", []):
        pack.triggers[f"{pack.ref}.{trigger['name']}"] = trigger.get("payload_schema", {})
    pack.sensors[content["class_name"]] = content


def _register_action(pack: Pack, content: Dict[str, Any]) -> None:
    if content["runner_type"] not in RUNNERS:
        raise ValueError(f"the stand-in has no runner {content['runner_type']}.")
    ref = f"{pack.ref}.{content['name']}"
    pack.actions[ref] = Action(
        ref,
        content["runner_type"],
        content.get("entry_point", ""),
        content.get("enabled", True),
        content.get("parameters", {}),
        content.get("output_schema"),
    )


def _register_rule(pack: Pack, content: Dict[str, Any]) -> None:
    check_criteria(content.get("criteria", {}))
    rule = Rule(
        f"{pack.ref}.{content['name']}",
        content["trigger"]["type"],
        content.get("criteria", {}),
        content["action"]["ref"],
        content["action"].get("parameters", {}),
        content.get("enabled", False),
    )
    pack.rules[rule.ref] = rule


_REGISTER: Dict[str, Callable[[Pack, Dict[str, Any]], None]] = {
    "sensors": _register_sensor,
    "actions": _register_action,
    "rules": _register_rule,
}


def resolve_config(
    schema: Mapping[str, Any], values: Mapping[str, Any], lookup: Callable[[str, bool], Any]
) -> Dict[str, Any]:
    """Configuration as a sensor or action gets it: templates looked up, **then** defaults added.

    :param lookup: what a template such as ``{{ st2kv.system.x }}`` stands for; told whether the
        schema says ``secret: true``, at which StackStorm decrypts.
    :raises PackError: the file does not fit its schema.
    """
    try:
        dialect.validate(dict(values), dialect.of_parameters(schema, extra=True))
    except dialect.ValidationError as err:
        raise PackError(f"config, {'.'.join(map(str, err.path))}: {err.message}") from err
    config = _look_up(copy.deepcopy(dict(values)), {"properties": schema}, lookup)
    return _defaults(config, schema)


def _look_up(value: Any, schema: Mapping[str, Any], lookup: Callable[[str, bool], Any]) -> Any:
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {key: _look_up(item, inner.get(key, {}), lookup) for key, item in value.items()}
    if isinstance(value, list):
        return [_look_up(item, schema.get("items", {}), lookup) for item in value]
    return lookup(value, schema.get("secret", False)) if is_template(value) else value


def _defaults(config: Dict[str, Any], schema: Mapping[str, Any]) -> Dict[str, Any]:
    for key, inner in schema.items():
        if "default" in inner:
            config.setdefault(key, copy.deepcopy(inner["default"]))
        if inner.get("properties"):
            config[key] = _defaults(config.get(key) or {}, inner["properties"])
        elif inner.get("type") == "array" and inner.get("items"):
            properties = inner["items"].get("properties", {})
            config[key] = [
                _defaults(item, properties) if isinstance(item, dict) else item
                for item in config.get(key) or []
            ]
    return config
