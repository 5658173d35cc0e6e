"""Files that a command is given, or writes."""

from __future__ import annotations

import os
from pathlib import Path

from reviewloop.errors import ConfigError


def why_not(err: Exception) -> str:
    """Why a file cannot be read or written, in words without a full stop."""
    if isinstance(err, UnicodeDecodeError):
        return "it is not written in UTF-8"
    text = err.strerror if isinstance(err, OSError) else str(err)
    return (text or str(err) or type(err).__name__).rstrip(".")


def check_writable(path: Path, argument: str = "--out") -> None:
    """See that a file could be written, before all is read that it shows.

    :raises ConfigError: it could not.
    """
    folder, is_there = path.absolute().parent, path.exists()
    if not folder.is_dir():
        raise ConfigError(f"{argument} {path}: there is no folder {folder}.", "Create it.")
    if path.is_dir():
        raise ConfigError(f"{argument} {path} is a folder.", "Name a file in it.")
    if not os.access(path if is_there else folder, os.W_OK):
        raise ConfigError(f"{argument} {path} cannot be written.", "Pass another path.")
