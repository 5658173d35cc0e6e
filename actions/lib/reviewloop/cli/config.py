"""The configuration that a command is given: a file, or a server's address alone."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

import yaml

from reviewloop.cli.files import why_not
from reviewloop.errors import ConfigError
from reviewloop.settings.communities import PROFILES
from reviewloop.settings.load import Settings, load
from reviewloop.settings.profile import DEFAULTS

_KEY = re.compile(r"\s*\{\{\s*st2kv\.system\.(\w+)\s*\}\}\s*")


class UnrenderedError(ConfigError):
    """A setting names a datastore key, whose value a command has to be given."""


_ABOUT_A_SERVER = ("url", "query", "profile")


def add_source(command: argparse.ArgumentParser, required: bool = True) -> None:
    """The arguments that say which Gerrit is read, and by which policy.

    :param required: whether one of them must be given.
    """
    source = command.add_mutually_exclusive_group(required=required)
    source.add_argument("--config", type=Path, metavar="FILE", help="a pack configuration (YAML)")
    source.add_argument("--url", help="a Gerrit that is read anonymously, with the default policy")
    command.add_argument("--query", help="with --url: which changes, in Gerrit's syntax")
    command.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        metavar="NAME",
        help=f"with --url: the labels and bots of a community: {', '.join(sorted(PROFILES))}",
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that the arguments of :func:`add_source` name.

    :raises ConfigError: the file cannot be read, something is wrong in it, or arguments do not go
        together.
    """
    if options.config is None:
        given = {key: getattr(options, key) for key in _ABOUT_A_SERVER}
        config = {key: value for key, value in given.items() if value is not None}
        return load(config, where="The command line")
    for key in ("query", "profile"):
        if getattr(options, key) is not None:
            raise ConfigError(
                f"--{key} goes with --url, and --config is given.", f"Write `{key}` in the file."
            )
    return read_settings(options.config)


def read_config(path: Path, argument: str = "--config") -> Dict[str, Any]:
    """A pack configuration. :raises ConfigError: it cannot be read."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as err:
        raise ConfigError(f"{argument} {path} is no YAML{_where(err)}.", "Correct it.") from err
    except (OSError, UnicodeDecodeError) as err:
        why = why_not(err)
        raise ConfigError(f"{argument} {path} cannot be read: {why}.", "Pass a YAML file.") from err
    if not isinstance(value, dict):
        raise ConfigError(f"{argument} {path} holds no settings.", "See gerrit.yaml.example.")
    return value


def _where(err: yaml.YAMLError) -> str:
    """What YAML says is wrong, and in which line."""
    mark, problem = getattr(err, "problem_mark", None), getattr(err, "problem", None)
    line = "" if mark is None else f" in line {mark.line + 1}"
    return f"{line}: {problem}" if problem else line


def read_settings(path: Path, argument: str = "--config") -> Settings:
    """The settings in a pack configuration; standard error says which profile they build on.

    :param argument: by which it was given.
    :raises ConfigError: the file cannot be read, or something in it is wrong.
    """
    config = rendered(read_config(path, argument), os.environ)
    settings = load(config, where=f"{argument} {path}")
    if settings.profile != DEFAULTS.name:
        sys.stderr.write(f"profile: {settings.profile}\n")
    return settings


def rendered(config: Dict[str, Any], environ: Mapping[str, str]) -> Dict[str, Any]:
    """A configuration with the values of the datastore keys that it names: StackStorm puts them in
    for actions and sensors, a command takes them from variables of their names in capitals.

    :raises UnrenderedError: a variable is not set; all that are missing are named.
    """
    problems: List[str] = []
    found = _filled(config, "", environ, problems)
    if problems:
        name = problems[0].rpartition(" ")[2].rstrip(".")
        raise UnrenderedError(
            " ".join(problems),
            f"export {name}=$(st2 key get {name.lower()} --decrypt -j | jq -r .value)",
            problems,
        )
    return dict(found)


def _filled(value: Any, path: str, environ: Mapping[str, str], problems: List[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _filled(inner, f"{path}.{key}" if path else str(key), environ, problems)
            for key, inner in value.items()
        }
    key = _KEY.fullmatch(value) if isinstance(value, str) else None
    if key is None:
        return value
    variable = key.group(1).upper()
    if not environ.get(variable):
        problems.append(
            f"`{path}` names the datastore key {key.group(1)}, which only StackStorm reads:"
            f" put its value into the environment, as {variable}."
        )
    return environ.get(variable, "")
