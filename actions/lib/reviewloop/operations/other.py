"""Another configuration, to compare with the pack's own: a file, or values that differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from reviewloop.errors import ConfigError
from reviewloop.operations.context import Context
from reviewloop.operations.stackstorm import keys_named
from reviewloop.preview.against import check_same_changes
from reviewloop.preview.gather import acting
from reviewloop.settings.load import Settings, load

FILE, VALUES = "against", "against_settings"


def other_settings(
    context: Context, path: str = "", values: Optional[Mapping[str, Any]] = None
) -> Optional[Settings]:
    """The other configuration; None where none is wanted.

    :param path: a configuration on this host (YAML). No secret of it is needed: whatever names a
        datastore key stands for the pack's own value.
    :param values: settings that differ from the pack's own; null takes one away.
    :raises ConfigError: it cannot be read, something in it is wrong, or it is of other changes.
    """
    if path and values:
        raise ConfigError(f"{FILE} and {VALUES} are both given.", "Give one of them.")
    if path:
        config, named = _filled(_read(Path(path)), context.config), f"{FILE} {path}"
    elif values:
        config, named = _merged(context.config, values), VALUES
    else:
        return None
    other = acting(load(config, where=named))
    check_same_changes(acting(context.settings), other, named)
    return other


def _read(path: Path) -> Dict[str, Any]:
    import yaml  # noqa: PLC0415 - slow, and needed for this alone

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        why = getattr(err, "strerror", "") or "it is not written in UTF-8"
        raise ConfigError(f"{FILE} {path} cannot be read: {why}.", "Pass a YAML file.") from err
    except yaml.YAMLError as err:
        # No word of it: it may be any file of this host.
        line = getattr(getattr(err, "problem_mark", None), "line", None)
        place = "" if line is None else f", line {line + 1},"
        raise ConfigError(f"{FILE} {path}{place} is no YAML.", "Correct it.") from err
    if not isinstance(value, dict):
        raise ConfigError(f"{FILE} {path} holds no settings.", "See gerrit.yaml.example.")
    return value


def _filled(value: Any, own: Any) -> Any:
    """A value of the file, with the pack's own in place of what names a datastore key."""
    if isinstance(value, dict):
        mine = own if isinstance(own, Mapping) else {}
        return {key: _filled(one, mine.get(key)) for key, one in value.items()}
    if isinstance(value, str) and any(keys_named(value)):
        return own if isinstance(own, str) and own else "unknown"
    return value


def _merged(own: Mapping[str, Any], values: Mapping[str, Any]) -> Dict[str, Any]:
    found = {key: one for key, one in own.items() if values.get(key, one) is not None}
    for key, one in values.items():
        mine = own.get(key)
        if isinstance(one, Mapping):
            found[key] = _merged(mine if isinstance(mine, Mapping) else {}, one)
        elif one is not None:
            found[key] = one
    return found
