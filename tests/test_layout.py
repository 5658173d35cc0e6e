"""How large a module may be before it says why, and where a broad guard may stand."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import List

import pytest

from repository import ROOT

MOST, REASON_ABOVE = 400, 300
REASON = "Why over 300 lines: "
FOLDERS = ("actions", "sensors", "sandbox")


def modules() -> List[Path]:
    """What runs in production, and what development shares; tests are as long as what they show."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def fault(text: str) -> str:
    """What is wrong with a module's length; empty where nothing is."""
    lines = len(text.splitlines())
    if lines > MOST:
        return f"{lines} lines, more than {MOST}: split it."
    document = ast.get_docstring(ast.parse(text)) or ""
    said = any(line.startswith(REASON) for line in document.splitlines())
    if lines > REASON_ABOVE and not said:
        return f"{lines} lines: split it, or say in its docstring `{REASON}...`."
    if said and lines <= REASON_ABOVE:
        return f"{lines} lines, which need no reason: take it away."
    return ""


def test_no_module_is_long_without_a_reason() -> None:
    """No module has over 400 lines, and one of over 300 says why in its docstring."""
    faults = {str(path.relative_to(ROOT)): fault(path.read_text("utf-8")) for path in modules()}

    assert {name: text for name, text in faults.items() if text} == {}


@pytest.mark.parametrize(
    ("document", "lines", "is_fine"),
    [
        ("A room.", 300, True),
        ("A room.", 301, False),
        (f"A room.\n\n{REASON}one table.", 301, True),
        (f"A room.\n\n{REASON}one table.", 400, True),
        (f"A room.\n\n{REASON}one table.", 401, False),
        (f"A room.\n\n{REASON}one table.", 299, False),
    ],
)
def test_what_counts_as_long(document: str, lines: int, is_fine: bool) -> None:
    """The reason counts from 301 lines to 400, and nowhere else."""
    head = f'"""{document}\n"""\n'
    text = head + "x = 1\n" * (lines - len(head.splitlines()))

    assert (fault(text) == "") is is_fine


def broad(text: str) -> int:
    """How many handlers of a module take whatever is raised."""
    handlers = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler))
    named = [[] if one.type is None else list(ast.walk(one.type)) for one in handlers]
    wide = {"Exception", "BaseException"}
    return sum(
        not names or any(isinstance(name, ast.Name) and name.id in wide for name in names)
        for names in named
    )


def test_there_is_one_broad_guard() -> None:
    """Only `errors.guarded` takes whatever is raised, and the outbox what StackStorm raises."""
    library = ROOT / "actions" / "lib" / "reviewloop"
    counts = {
        path.relative_to(library).as_posix(): broad(path.read_text("utf-8"))
        for path in library.rglob("*.py")
    }

    assert {name: count for name, count in counts.items() if count} == {
        "errors.py": 1,
        "sensor/dispatch.py": 1,
    }
