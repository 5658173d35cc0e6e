"""What `reviewloop`'s commands cost over a file of histories: processor time, and memory.

    PYTHONPATH=actions/lib:. python -m benchmarks.replay

Each command runs in a process of its own, over so many histories and over every tenth of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from benchmarks.processes import Told, command, compiled
from benchmarks.reviews import review_lines
from benchmarks.rows import Row, head

#: What is run, beside the configuration and the file; the last one tells of a month.
COMMANDS: Dict[str, Tuple[str, ...]] = {
    "replay": ("--from", "2012-01-01", "--to", "2026-01-01"),
    "report": ("--days", "5000", "--to", "2026-01-01", "--json"),
    "preview": ("--json",),
}
_NOTES = {
    "replay": "events are sorted at the end",
    "report": "of all years at once",
    "preview": "30 days and seven ahead are played, poll by poll, with every request made",
}
AIM = "<= 10 s for 8,441; memory flat"


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--histories", type=int, default=400)
    given = parser.parse_args()
    print(head())
    for row in rows(review_lines(given.histories)):
        print(row, flush=True)
    return 0


def rows(lines: List[str]) -> Iterator[Row]:
    """One for each command."""
    with tempfile.TemporaryDirectory() as folder, compiled() as environment:
        config = Path(folder) / "gerrit.yaml"
        config.write_text("url: https://review.example.org\n", encoding="utf-8")
        files = [_file(Path(folder), lines[::10]), _file(Path(folder), lines)]
        first = _file(Path(folder), lines[:1])
        for name in COMMANDS:
            _cost(environment, config, name, first)  # compiles what it imports
            told = [_cost(environment, config, name, file) for file in files]
            yield _row(name, len(lines), sum(map(len, lines)), told)


def _cost(environment: Dict[str, str], config: Path, name: str, file: Path) -> Told:
    given = (name, "--config", str(config), "--changes", str(file))
    return command(environment, (*given, *COMMANDS[name]))


def _file(folder: Path, lines: Sequence[str]) -> Path:
    path = folder / f"{len(lines)}.jsonl"
    path.write_text("".join(f"{line.strip()}\n" for line in lines), "utf-8")
    return path


def _row(name: str, count: int, size: int, told: Sequence[Told]) -> Row:
    few, many = told
    return Row(
        f"{name} of {count:,} histories ({size / 1e6:.0f} MB), a process",
        f"{many.seconds:.1f} s CPU, {count / many.seconds:,.0f} changes a second,"
        f" {many.most:.0f} MB at most",
        "",
        AIM,
        f"every tenth: {few.seconds:.1f} s, {few.most:.0f} MB; {_NOTES[name]}",
    )


if __name__ == "__main__":
    sys.exit(main())
