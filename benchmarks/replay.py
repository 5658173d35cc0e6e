"""What `reviewloop replay` costs over a file of histories: changes a second, and memory.

    PYTHONPATH=actions/lib:. python -m benchmarks.replay

The command runs in a process of its own, over so many histories and over a tenth of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Tuple

from benchmarks.reviews import review_lines
from benchmarks.rows import Row, head

ROOT = Path(__file__).resolve().parents[1]
_SPAN = ("--from", "2012-01-01", "--to", "2026-01-01")
# The memory that `resource` tells of a child is at least its parent's, so the child tells it.
_TOLD = """
import re, sys, time
from pathlib import Path
from reviewloop.cli.main import main
status = main(sys.argv[1:])
most = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
sys.stdout.flush()
print(time.process_time(), most, file=sys.stderr)
sys.exit(status)
"""


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--histories", type=int, default=400)
    given = parser.parse_args()
    lines = review_lines(given.histories)
    print(head())
    print(row(lines), flush=True)
    return 0


def row(lines: List[str]) -> Row:
    """All of them, beside a tenth."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "gerrit.yaml"
        config.write_text("url: https://review.example.org\n", encoding="utf-8")
        some = Path(folder) / "some.jsonl"
        measured = []
        for count in (max(1, len(lines) // 10), len(lines)):
            some.write_text("".join(f"{line.strip()}\n" for line in lines[:count]), "utf-8")
            measured.append((count, *_replayed(config, some)))
    (tenth, _, little, _), (count, seconds, much, events) = measured
    size = sum(map(len, lines)) / 1e6
    return Row(
        f"replay of {count:,} histories ({size:.0f} MB), a process",
        f"{seconds:.1f} s CPU, {count / seconds:,.0f} changes a second, {much:.0f} MB at most",
        "",
        "<= 10 s for 8,441; memory flat",
        f"{tenth:,} of them: {little:.0f} MB; {events:,} events, which are sorted at the end",
    )


def _replayed(config: Path, changes: Path) -> Tuple[float, float, int]:
    """Processor seconds, the most memory in MB, and events of one run."""
    command = [sys.executable, "-c", _TOLD, "replay", "--config", str(config)]
    command += ["--changes", str(changes), *_SPAN]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "actions/lib")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        events = sum(1 for _ in running.stdout)
        last = running.stderr.read()
    if running.returncode:
        raise RuntimeError(f"replay ended with status {running.returncode}: {last}")
    seconds, most = last.split()
    return float(seconds), float(most) / 1024, events


if __name__ == "__main__":
    sys.exit(main())
