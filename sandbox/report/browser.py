"""A page in a headless Chromium, looked at as people would see it: widths, schemes, paper, keys.

The browser is this machine's own. What drives it (``playwright-core``) and what knows the rules of
accessibility (``axe-core``) come from npm's registry into the cache, once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from sandbox import npm
from sandbox.ports import SandboxError

DRIVER, RULES = "playwright-core@1.65.1", "axe-core@4.14.1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCRIPT = Path(__file__).with_name("look.js")
PATIENCE = 600
"""Seconds in which all views have been looked at, or something hangs."""


@dataclass(frozen=True)
class Look:
    """What is wrong with a page in each view, by the view's name; ``rules`` of axe-core held."""

    browser: str
    problems: Dict[str, List[str]]
    rules: Dict[str, int]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong in any view."""
        return not any(self.problems.values())


def find_browser() -> Optional[str]:
    """The Chromium of this machine, ``BROWSER_PROGRAM`` first."""
    named = os.environ.get("BROWSER_PROGRAM")
    found = (shutil.which(name) for name in ([named] if named else BROWSERS))
    return next((one for one in found if one), None)


def missing() -> Tuple[str, ...]:
    """What a look needs and is not here, each as a sentence with its remedy."""
    texts = []
    if find_browser() is None:
        texts.append("There is no Chromium: apt-get install chromium, or set BROWSER_PROGRAM.")
    if shutil.which("node") is None:
        texts.append("There is no Node.js: apt-get install nodejs.")
    if not (npm.has_npm() or all(npm.is_cached(one) for one in (DRIVER, RULES))):
        texts.append("There is no npm: apt-get install npm.")
    return tuple(texts)


def look(page: Path, pictures: Optional[Path] = None) -> Look:
    """Open a page from disk in every view.

    :param pictures: where to put a picture of each view, and the page as PDF.
    :raises SandboxError: something is missing, or the browser does not come up.
    """
    lacking = missing()
    if lacking:
        raise SandboxError(" ".join(lacking))
    wanted = {
        "playwright": str(npm.unpacked(DRIVER)),
        "axe": str(npm.unpacked(RULES) / "axe.min.js"),
        "browser": find_browser(),
        "page": str(page),
        "pictures": "" if pictures is None else str(pictures),
    }
    done = subprocess.run(
        ["node", str(SCRIPT), json.dumps(wanted)],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode != 0:
        raise SandboxError(f"The browser did not look: {done.stderr[-1000:]}")
    return _look(json.loads(done.stdout))


def _look(told: Dict[str, Any]) -> Look:
    views = {view["view"]: view for view in told["views"]}
    return Look(
        told["browser"],
        {name: view["problems"] for name, view in views.items()},
        {name: view["passes"] for name, view in views.items()},
    )
