"""The configuration that a command is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict

import yaml

from reviewloop.errors import ConfigError
from reviewloop.settings.load import Settings, load
from reviewloop.settings.profile import DEFAULTS


def read_config(path: Path) -> Dict[str, Any]:
    """A pack configuration. :raises ConfigError: it cannot be read."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ConfigError(f"--config {path} cannot be read: {err}", "Pass a YAML file.") from err
    if not isinstance(value, dict):
        raise ConfigError(f"--config {path} holds no settings.", "See gerrit.yaml.example.")
    return value


def read_settings(path: Path) -> Settings:
    """The settings in a pack configuration; standard error says which profile they build on.

    :raises ConfigError: the file cannot be read, or something in it is wrong.
    """
    settings = load(read_config(path))
    if settings.profile != DEFAULTS.name:
        sys.stderr.write(f"profile: {settings.profile}\n")
    return settings
