"""What the demo prints: lines that fit a terminal, broken between words."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any, Dict, Iterator, List

WIDTHS = (40, 80)
#: Of an action's result, what a reader wants.
RESULTS = ("verdict", "asked", "action", "ticket_url", "hashtags_changed", "changed")


def width() -> int:
    """Columns to fill: the terminal's, but 80 at most; ``COLUMNS`` says otherwise."""
    least, most = WIDTHS
    return max(least, min(most, shutil.get_terminal_size((most, 24)).columns))


def wrapped(text: str, indent: str = "", hanging: str = "", columns: int = 0) -> List[str]:
    """Every line of a text, indented and broken between words; its own indent is kept.

    :param hanging: further indent of continued lines.
    :param columns: default: see `width`. Addresses are never broken, and may be longer.
    """
    lines: List[str] = []
    for line in text.splitlines():
        own = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line,
            columns or width(),
            initial_indent=indent,
            subsequent_indent=indent + own + hanging,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def tell(text: str, indent: str = "", hanging: str = "") -> None:
    """Print a text so; it is seen at once, even through a pipe."""
    print("\n".join(wrapped(text, indent, hanging)), flush=True)


def headline(text: str) -> None:
    """Print an underlined title."""
    tell(f"\n{text}\n{'=' * min(len(text), width())}")


def facts(result: Any, names: Dict[int, str]) -> Iterator[str]:
    """What a reader wants of an action's result, such as ``asked: Committee Two``.

    :param names: people by their account ids.
    """
    values = result.get("result") if isinstance(result, dict) else None
    for name in RESULTS if isinstance(values, dict) else ():
        value = values.get(name)
        if name == "asked" and value:
            value = " and ".join(names[account] for account in value)
        if value not in (None, "", []):
            yield f"{name}: {value}"


def reason(result: Any) -> str:
    """Why an execution failed, as far as it says: an action's error, or a workflow's."""
    if not isinstance(result, dict):
        return str(result)
    value = result.get("result")
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        error = value["error"]
        return f"{error.get('message', '')} {error.get('remedy', '')}".strip()
    if result.get("errors"):
        return "; ".join(str(error.get("message", "")) for error in result["errors"])
    lines = str(result.get("stderr") or result.get("error") or "no reason given").strip()
    return lines.splitlines()[-1]
