"""Processes whose cost is measured: their environment, and what they tell of themselves.

StackStorm's processes find the pack's modules compiled, from the second run of each on. So do these
ones, whatever the environment says of writing compiled modules: they are kept in a folder beside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]

# The memory that `resource` tells of a child is at least its parent's, so the child tells it.
_TOLD = """
import re, sys, time
from pathlib import Path
from reviewloop.cli.main import main
status = main(sys.argv[1:])
most = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
sys.stdout.flush()
print(f"\\n{time.process_time()} {most}", file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True)
class Told:
    """What a command cost: processor seconds, and the most memory in MB."""

    seconds: float
    most: float


@contextmanager
def compiled(*places: str) -> Iterator[Dict[str, str]]:
    """The environment of processes that find modules compiled, from the second one on.

    :param places: folders of the checkout from which they import, beside the library's.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = (str(ROOT / place) for place in ("actions/lib", *places))
        told = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONPYCACHEPREFIX": folder}
        told.pop("PYTHONDONTWRITEBYTECODE", None)
        yield told


def command(environment: Dict[str, str], arguments: Sequence[str]) -> Told:
    """Run one of ``reviewloop``'s commands. :raises RuntimeError: it failed; says why."""
    done = subprocess.run(
        [sys.executable, "-c", _TOLD, *arguments],
        capture_output=True,
        env=environment,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"reviewloop {arguments[0]} ended with {done.returncode}: {done.stderr}")
    seconds, most = done.stderr.splitlines()[-1].split()
    return Told(float(seconds), float(most) / 1024)
