"""Histories that a command is given, and instants as people type them."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator

from reviewloop.core.timestamps import ISO
from reviewloop.errors import ConfigError

STDIN = Path("-")
CHANGES_HELP = "ChangeInfo as JSON lines; .gz accepted, - for standard input"


def read_changes(path: Path) -> Iterator[Dict[str, Any]]:
    """The changes in a file, one a line, as Gerrit answers them.

    :param path: ``.gz`` is decompressed; ``-`` is standard input.
    :raises ConfigError: it cannot be read, or a line is not JSON.
    """
    try:
        yield from _parsed(path, _lines(path))
    except (OSError, EOFError, UnicodeDecodeError) as err:
        raise ConfigError(
            f"--changes {path} cannot be read: {err}", "Pass JSON lines, plain or gzipped."
        ) from err


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[Dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as err:
            raise ConfigError(
                f"--changes {path}, line {number}, is not JSON: {err}.",
                "Write one change a line, as Gerrit answers it.",
            ) from err


def _lines(path: Path) -> Iterator[str]:
    if path == STDIN:
        # Whatever the locale is: Gerrit answers in UTF-8.
        yield from (line.decode("utf-8") for line in sys.stdin.buffer)
    elif path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as packed:
            yield from packed
    else:
        with path.open(encoding="utf-8") as plain:
            yield from plain


def instant(text: str) -> datetime:
    """An instant as an argument. :raises argparse.ArgumentTypeError: it is written otherwise."""
    for form in (ISO, "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(
        f"{text!r} is not an instant: write 2026-03-02T09:00:00Z, or 2026-03-02 for its start, UTC"
    )
