"""The pack's entry in the StackStorm Exchange's index, shown in ``docs/releasing.md``.

The form is that of the entries in StackStorm-Exchange/index, ``v1/index.json``: what stands in
``pack.yaml``, the repository's address, and the names of what the pack holds.

python -m sandbox.index_entry            writes it into the page
python -m sandbox.index_entry --check    fails where the page does not show it
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict

import yaml

from .pages import ROOT, settle

PAGE = ROOT / "docs" / "releasing.md"
ADDRESS = "https://github.com/StackStorm-Exchange/stackstorm-{ref}"
# By what the index calls the things in each folder.
NAMED_BY = {"actions": "name", "policies": "name", "rules": "name", "sensors": "class_name"}
BLOCK = re.compile(r"^```json\n.*?^```$", re.MULTILINE | re.DOTALL)


def entry() -> Dict[str, Any]:
    """The entry, its keys in the order of the alphabet as in the index."""
    about = _read(ROOT / "pack.yaml")
    about["repo_url"] = ADDRESS.format(ref=about["ref"])
    about["content"] = {folder: _content(folder, key) for folder, key in NAMED_BY.items()}
    return dict(sorted(about.items()))


def page() -> str:
    """The page about releasing, with the entry in its one block of JSON."""
    block = f"```json\n{json.dumps(entry(), indent=2)}\n```"
    return BLOCK.sub(lambda _: block, PAGE.read_text(encoding="utf-8"), count=1)


def _content(folder: str, key: str) -> Dict[str, Any]:
    names = sorted(_read(path)[key] for path in (ROOT / folder).glob("*.yaml"))
    return {"count": len(names), "resources": names}


def _read(path: Path) -> Dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


if __name__ == "__main__":
    sys.exit(settle(PAGE, page()))
