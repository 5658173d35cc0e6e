"""Writes ``docs/triggers.md`` from the sensors' metadata.

python -m sandbox.triggers_page            writes it
python -m sandbox.triggers_page --check    fails if the page is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping

import yaml

from .pages import ROOT, one_line, one_of, settle, table, types

PAGE = ROOT / "docs" / "triggers.md"
INTRODUCTION = Path(__file__).with_suffix(".md")


def page() -> str:
    """The whole page: one section for each trigger type."""
    lines = [INTRODUCTION.read_text(encoding="utf-8")]
    for trigger in triggers():
        fields = trigger["payload_schema"]["properties"]
        lines += [f"## gerrit.{trigger['name']}", "", one_line(trigger["description"]), ""]
        lines += table(("field", "type", "meaning"), _fields(fields))
    return "\n".join(lines)


def triggers() -> Iterator[Dict[str, Any]]:
    """The trigger types that the pack's sensors declare."""
    for path in sorted((ROOT / "sensors").glob("*.yaml")):
        yield from yaml.safe_load(path.read_text(encoding="utf-8"))["trigger_types"]


def _fields(properties: Mapping[str, Any]) -> Iterator[List[str]]:
    for name, schema in properties.items():
        meaning = one_line(schema["description"]) + one_of(schema)
        yield [f"`{name}`", types(schema), meaning]


if __name__ == "__main__":
    sys.exit(settle(PAGE, page()))
