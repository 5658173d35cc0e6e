"""Pages generated from the pack's own files: written, or compared with what they should be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterable, List, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]


def settle(page: Path, text: str) -> int:
    """Write a page, or with ``--check`` on the command line compare it; the exit code."""
    if sys.argv[1:] != ["--check"]:
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
        return 0
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return 0
    print(f"{page.relative_to(ROOT)} is out of date: run `make docs`.")
    return 1


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> List[str]:
    """The lines of a table in Markdown, with an empty line after it."""
    lines = [_row(head), _row(["---"] * len(head))]
    return [*lines, *(_row([cell.replace("|", "\\|") for cell in row]) for row in rows), ""]


def one_line(text: str) -> str:
    """Text from YAML, which may be folded, as one line."""
    return " ".join(text.split())


def types(schema: Mapping[str, object]) -> str:
    """A schema's type, or its types: ``string or null``."""
    found = schema["type"]
    return found if isinstance(found, str) else " or ".join(map(str, _listed(found)))


def one_of(schema: Mapping[str, object]) -> str:
    """The values that a schema allows, as a sentence to append; empty without an enumeration."""
    found = values(schema)
    return f" One of {found}." if found else ""


def values(schema: Mapping[str, object]) -> str:
    """The values that a schema allows, as a list; an empty text is named at its end."""
    allowed = _listed(schema.get("enum", []))
    shown = ", ".join(f"`{value}`" for value in allowed if value != "")
    return f"{shown}, or empty" if "" in allowed else shown


def _listed(values: object) -> List[object]:
    assert isinstance(values, list)
    return values


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
