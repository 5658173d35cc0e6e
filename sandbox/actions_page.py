"""Writes ``docs/actions.md`` from the actions' own metadata.

python -m sandbox.actions_page            writes it
python -m sandbox.actions_page --check    fails if the page is out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping

import yaml

from .pages import ROOT, one_line, one_of, settle, table, types, values

PAGE = ROOT / "docs" / "actions.md"
EVENT = "review.example.org:4242:reviewers:1772442000:2d"

# An example for each parameter that has to be given, or is worth showing.
EXAMPLES: Dict[str, Any] = {
    "account_ids": [1000005],
    "add": ["needs-docs"],
    "asked": [1000005],
    "event_id": EVENT,
    "how": "reviewed",
    "message": "The nightly build needs this change.",
    "number": 4242,
    "query": "status:open project:tools/build age:2d",
}

INTRODUCTION = Path(__file__).with_suffix(".md")


def page() -> str:
    """The whole page."""
    files = sorted((ROOT / "actions").glob("*.yaml"))
    metas = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    metas.sort(key=lambda meta: (meta["runner_type"] != "orquesta", meta["name"]))
    introduction = INTRODUCTION.read_text(encoding="utf-8")
    overview = ["## Overview", "", *table(("action", "what it does"), map(_entry, metas))]
    return "\n".join([introduction, *overview, *(_section(meta) for meta in metas)])


def _entry(meta: Mapping[str, Any]) -> List[str]:
    name = f"gerrit.{meta['name']}"
    anchor = name.replace(".", "")
    return [f"[{name}](#{anchor})", _about(meta)]


def _about(meta: Mapping[str, Any]) -> str:
    """What an action does, and whether it is a workflow."""
    kind = "Workflow. " if meta["runner_type"] == "orquesta" else ""
    return kind + one_line(meta["description"])


def _section(meta: Mapping[str, Any]) -> str:
    lines = [f"## gerrit.{meta['name']}", "", _about(meta), ""]
    lines += table(
        ("parameter", "type", "default", "meaning"), _parameters(meta.get("parameters", {}))
    )
    output = meta.get("output_schema", {}).get("properties", {})
    if output:
        lines += ["Result:", ""]
        lines += table(("field", "type", "values"), _fields(output))
    return "\n".join([*lines, *_examples(meta)])


def _parameters(parameters: Mapping[str, Any]) -> Iterator[List[str]]:
    for name, schema in parameters.items():
        default = "**required**" if schema.get("required") else f"`{json.dumps(schema['default'])}`"
        yield [
            f"`{name}`",
            schema["type"],
            default,
            one_line(schema["description"]) + one_of(schema),
        ]


def _fields(properties: Mapping[str, Any]) -> Iterator[List[str]]:
    for name, schema in properties.items():
        yield [f"`{name}`", types(schema), values(schema)]


def _examples(meta: Mapping[str, Any]) -> List[str]:
    given = _given(meta)
    shell = " ".join(f"{name}={_shell(value)}" for name, value in given.items())
    task = {"task": {"action": f"gerrit.{meta['name']}", "input": given}}
    return [
        "```shell",
        f"st2 run gerrit.{meta['name']} {shell}".rstrip(),
        "```",
        "",
        "```yaml",
        yaml.safe_dump(task, sort_keys=False, width=100).strip(),
        "```",
        "",
    ]


def _given(meta: Mapping[str, Any]) -> Dict[str, Any]:
    """What the example gives: all that is required, and one thing to do where nothing is."""
    parameters = meta.get("parameters", {})
    shown = [name for name, schema in parameters.items() if schema.get("required")]
    for name in ("message", "add", "asked"):
        if name in parameters and meta["runner_type"] != "orquesta":
            shown.append(name)
            break
    return {name: EXAMPLES[name] for name in dict.fromkeys(shown)}


def _shell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    text = str(value)
    return f'"{text}"' if " " in text else text


if __name__ == "__main__":
    sys.exit(settle(PAGE, page()))
