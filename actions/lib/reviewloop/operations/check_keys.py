"""Whether the datastore has the keys that the configuration names, encrypted."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from reviewloop.insight.findings import Finding, Level
from reviewloop.operations.checks import Checks
from reviewloop.operations.stackstorm import StackStorm, keys_named

SECRETS = ("password", "tracker.token")
# What StackStorm shows in place of a secret.
_MASK = "********"


def keys(found: StackStorm, written: Optional[Mapping[str, Any]] = None) -> Checks:
    """Each key that is named: whether it is there, and encrypted.

    :param written: the configuration as it is written (default: as StackStorm has it).
    """
    config = found.config() if written is None else written
    if config is None:
        yield Finding(
            "datastore",
            Level.PROBLEM,
            "StackStorm has no configuration of this pack.",
            "Sensor and actions have no address to go to.",
            "Write /opt/stackstorm/configs/gerrit.yaml, then: st2ctl reload --register-configs",
        )
        return
    yield from _in_clear(config)
    named = list(keys_named(config))
    for setting, name in named:
        yield _key(found, setting, name)
    if not named and _is_masked(config):
        yield Finding(
            "datastore",
            Level.UNKNOWN,
            "StackStorm masks the configuration's secrets, and so the names of its keys.",
            "A key that is not there leaves its setting empty.",
            "st2 key list --scope=system --prefix=gerrit",
        )


def _key(found: StackStorm, setting: str, name: str) -> Finding:
    check, key = f"datastore: {name}", found.key(name)
    store = f"st2 key set {name} VALUE --encrypt"
    if key is None:
        return Finding(
            check,
            Level.PROBLEM,
            f"`{setting}` names the datastore key {name}, which does not exist.",
            "StackStorm makes an empty value of it.",
            store,
        )
    if not key.is_encrypted and setting in SECRETS:
        return Finding(
            check,
            Level.PROBLEM,
            f"`{setting}` names the datastore key {name}, which is not encrypted.",
            "StackStorm decrypts what a secret setting names, and fails; and whoever may list keys"
            " can read it.",
            store,
        )
    return Finding(check, Level.OK, f"The datastore has the key {name}, which `{setting}` names.")


def _in_clear(config: Mapping[str, Any]) -> Checks:
    for setting, value in _secrets(config):
        if value and "{{" not in value and value != _MASK:
            name = "gerrit_" + setting.replace(".", "_")
            yield Finding(
                f"datastore: {setting}",
                Level.WARNING,
                f"`{setting}` stands in gerrit.yaml itself.",
                "Whoever may read the file, or a backup of it, has it.",
                f'st2 key set {name} VALUE --encrypt, and write "{{{{ st2kv.system.{name} }}}}"',
            )


def _is_masked(config: Mapping[str, Any]) -> bool:
    return any(value == _MASK for _, value in _secrets(config))


def _secrets(config: Mapping[str, Any]) -> List[Tuple[str, str]]:
    found = []
    for setting in SECRETS:
        value: Any = config
        for part in setting.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            found.append((setting, value))
    return found
