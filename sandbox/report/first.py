"""A first report, of the sandbox's Gerrit: what `make report` makes.

    python -m sandbox.report.first [FILE]        default: report.html

It starts the simulated Gerrit with half a year of made-up reviews, and reads it as anybody would
read a public server: by HTTP, anonymously, at the usual rate.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "actions" / "lib")]

from sandbox.report.server import half_a_year  # noqa: E402


def main(arguments: Optional[List[str]] = None) -> int:
    """Make it; the exit status is the command's."""
    given = sys.argv[1:] if arguments is None else arguments
    page = Path(given[0] if given else "report.html")
    with half_a_year() as gerrit:
        line = ["report", "--url", gerrit.url, "--no-cache", "--out", str(page)]
        print(f"$ reviewloop {' '.join(line)}\n", flush=True)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "reviewloop.cli", *line],
            env={**os.environ, "PYTHONPATH": str(ROOT / "actions" / "lib")},
            check=False,
        )
        seconds, asked = time.monotonic() - began, len(gerrit.requests())
    if done.returncode == 0:
        where = page.absolute().as_uri()
        print(f"\nMade in {seconds:.0f} s with {asked} requests. Open it: {where}", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
