"""Pages that are made from the pack's own files: written, or compared with what they should be."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def settle(page: Path, text: str) -> int:
    """Write a page, or with ``--check`` on the command line compare it; the exit code."""
    if sys.argv[1:] != ["--check"]:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return 0
    print(f"{page.relative_to(ROOT)} is out of date: run `make docs`.")
    return 1
