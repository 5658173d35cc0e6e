"""Writes ``docs/settings.md`` from ``config.schema.yaml``.

python -m sandbox.settings_page            writes it
python -m sandbox.settings_page --check    fails if the page is out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Tuple

import yaml

from .pages import ROOT, one_line, one_of, settle, table

PAGE = ROOT / "docs" / "settings.md"
SCHEMA = ROOT / "config.schema.yaml"
INTRODUCTION = Path(__file__).with_suffix(".md")

# Their defaults stand on the page about profiles, and not in the schema.
BY_PROFILE = (
    "approval",
    "hold",
    "review_labels",
    "automation",
    "advisers",
    "gate_failures",
    "noise",
)

Setting = Tuple[str, Mapping[str, Any]]


def page() -> str:
    """The whole page: one section for the server, and one for each group of settings."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    groups = {key: spec for key, spec in schema.items() if "properties" in spec}
    single = [(key, spec) for key, spec in schema.items() if key not in groups]
    lines = [INTRODUCTION.read_text(encoding="utf-8"), "## Gerrit and the sensor", ""]
    lines += _table(single)
    for key, spec in groups.items():
        lines += [f"## {key}", "", one_line(spec["description"]), ""]
        lines += _table(list(settings(spec, key))[1:])
    return "\n".join(lines)


def settings(spec: Mapping[str, Any], path: str) -> Iterator[Setting]:
    """Every setting at or below one, by its path: ``roster.members[].name``."""
    yield path, spec
    for suffix, holder in (("", spec), ("[]", spec.get("items") or {})):
        for key, value in holder.get("properties", {}).items():
            yield from settings(value, f"{path}{suffix}.{key}")


def _table(found: List[Setting]) -> List[str]:
    return table(("setting", "type", "default", "meaning"), (_cells(*one) for one in found))


def _cells(path: str, spec: Mapping[str, Any]) -> List[str]:
    default = f"`{json.dumps(spec['default'])}`" if "default" in spec else ""
    if spec.get("required"):
        default = "**required**"
    if path in BY_PROFILE:
        default = "[by profile](profiles.md)"
    kind = "string, secret" if spec.get("secret") else spec["type"]
    meaning = one_line(spec["description"]) + one_of(spec) + _bounds(spec)
    return [f"`{path}`", kind, default, meaning]


def _bounds(spec: Mapping[str, Any]) -> str:
    if "minimum" not in spec:
        return ""
    return f" From {spec['minimum']} to {spec['maximum']}."


if __name__ == "__main__":
    sys.exit(settle(PAGE, page()))
