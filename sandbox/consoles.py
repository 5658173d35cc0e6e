"""Writes what the documents' own examples of the command line print, from running them.

python -m sandbox.consoles            writes it into the pages
python -m sandbox.consoles --check    fails if one of them is out of date

A block of the kind ``console`` holds commands behind ``$ ``, each with its output. They run in the
root of the repository and read its own files only. The library must be on the path:
``PYTHONPATH=actions/lib``.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Match

from reviewloop.cli.main import main as reviewloop

from .pages import ROOT, settle

PROGRAM = ".venv/bin/reviewloop"
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def page(text: str) -> str:
    """A page with the output that its commands have."""
    return _BLOCK.sub(lambda block: _COMMAND.sub(_shown, block.group()), text)


def _shown(found: Match[str]) -> str:
    return f"$ {found[1]}\n{output_of(found[1])}"


def output_of(command: str) -> str:
    """What a command prints to standard output."""
    program, *arguments = shlex.split(command)
    if program != PROGRAM:
        raise ValueError(f"{program} is not {PROGRAM}: {command}")
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        with redirect_stdout(out), redirect_stderr(io.StringIO()) as err:
            status = reviewloop(arguments)
    finally:
        os.chdir(before)
    if status:
        raise ValueError(f"{command} ends with {status}: {err.getvalue()}")
    return out.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]


def main() -> int:
    """Write or check every page with such a block; the exit code."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    texts = {one: one.read_text(encoding="utf-8") for one in pages}
    shown = {one: text for one, text in texts.items() if _BLOCK.search(text)}
    return max([settle(one, page(text)) for one, text in shown.items()])


if __name__ == "__main__":
    sys.exit(main())
