"""Looks at reports in a headless Chromium, and says what is wrong with them.

python -m sandbox.report.check [FILE...] [--pictures FOLDER]

Without files it makes one, of the made-up histories. The exit status is 1 if something is wrong, 2
if there is nothing to look with.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Optional

from reviewloop.cli.main import main as reviewloop
from sandbox.ports import SandboxError
from sandbox.report import browser
from sandbox.report.asked import CONFIG, histories
from sandbox.report.histories import END

MOST = 1_000_000
"""Bytes that a report may have."""


def made(folder: Path) -> Path:
    """A report of the made-up histories, by the command."""
    changes, config, page = (folder / name for name in ("c.jsonl", "gerrit.yaml", "report.html"))
    changes.write_text("".join(f"{json.dumps(one)}\n" for one in histories()), encoding="utf-8")
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    source = ["--config", str(config), "--changes", str(changes), "--to", f"{END:%Y-%m-%d}"]
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        status = reviewloop(["report", *source, "--out", str(page)])
    if status != 0:
        raise SandboxError(f"reviewloop report ended with {status}.")
    print(f"made in {time.monotonic() - began:.1f} s")
    return page


def checked(page: Path, pictures: Optional[Path]) -> bool:
    """Whether nothing is wrong with a page; prints what is."""
    size = page.stat().st_size
    print(f"{page.name}: {size:,} bytes, of {MOST:,}")
    found = browser.look(page, pictures)
    for view, problems in found.problems.items():
        print(f"  {view:<12}{found.rules[view]} rules of axe-core held, {len(problems)} problems")
        for problem in problems:
            print(f"    {problem}")
    return found.is_clean and size <= MOST


def main(arguments: Optional[List[str]] = None) -> int:
    """Look at each; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.report.check")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of each view")
    options = parser.parse_args(arguments)
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    lacking = browser.missing()
    if lacking:
        print("NOT LOOKED AT.", *lacking)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        files = options.files or [made(Path(folder))]
        return 0 if all(checked(one, options.pictures) for one in files) else 1


if __name__ == "__main__":
    sys.exit(main())
