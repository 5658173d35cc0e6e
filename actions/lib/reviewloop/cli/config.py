"""The configuration that a command is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import yaml

from reviewloop.errors import ConfigError


def read_config(path: Path) -> Dict[str, Any]:
    """A pack configuration. :raises ConfigError: it cannot be read."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ConfigError(f"--config {path} cannot be read: {err}", "Pass a YAML file.") from err
    if not isinstance(value, dict):
        raise ConfigError(f"--config {path} holds no settings.", "See gerrit.yaml.example.")
    return value
