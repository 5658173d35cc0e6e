"""Runs every benchmark in one go, and writes what they found.

    python -m benchmarks.run            a real Gerrit with 30,000 open changes, or ``CHANGES``
    python -m benchmarks.run --short    the simulated one with 4,000; nothing is written

Each part runs in a process of its own, one after another, and prints a table.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from sandbox.gerrit.choice import choice
from sandbox.ports import SandboxError

from benchmarks.rows import Row, head, of_table
from benchmarks.site import DEFAULT_CHANGES, wanted_changes

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
#: What people have to say about it: why an aim is missed, and what it was before.
NOTES = ROOT / "benchmarks" / "NOTES.md"
SHORT_CHANGES = 4_000
#: Of these sizes the memory of a process is measured.
SIZES, SHORT_SIZES = (2_000, 8_000, 20_000), (500, 2_000)
#: As many as a mirror of one project of OpenDev holds.
HISTORIES, SHORT_HISTORIES = 8_441, 400


@dataclass(frozen=True)
class Part:
    """A module to run, and what its rows are about."""

    title: str
    module: str
    arguments: Tuple[str, ...] = ()


def simulated(changes: int) -> List[Part]:
    """The parts that need no server; a smaller site has fewer of everything."""
    is_whole = changes >= DEFAULT_CHANGES
    some = ("--histories", str(HISTORIES if is_whole else SHORT_HISTORIES))
    sizes = ("--sizes", *map(str, SIZES if is_whole else SHORT_SIZES))
    return [
        Part(
            f"The sensor on the simulated Gerrit, {changes:,} changes",
            "sensor",
            ("--changes", str(changes)),
        ),
        Part("The memory of the sensor's process", "memory", sizes),
        Part("Actions and the datastore", "actions"),
        Part("Reading histories", "engine", some),
        Part("Commands over histories", "replay", some),
    ]


def on_real(site: str, changes: int) -> List[Part]:
    """The parts that a real server is for."""
    return [
        Part(f"The sensor on a real Gerrit, {changes:,} open changes", "real", (site,)),
        Part("What people run instead, on the same site: pygerrit2", "peers", (site, "pygerrit2")),
        Part("What people run instead: python-gerrit-api", "peers", (site, "python-gerrit-api")),
        Part("What people run instead: newest first", "peers", (site, "newest")),
    ]


def on_stackstorm() -> List[Part]:
    """The part that needs a StackStorm; without one it says so, and what it needs."""
    return [Part("One escalation on a real StackStorm", "stackstorm")]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run, print and write; the status is 1 if a part failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--short", action="store_true", help="the simulated Gerrit only")
    parser.add_argument("--to", type=Path, default=RESULTS, help="the page to write")
    given = parser.parse_args(arguments)
    if given.short:
        found = [(part, run(part)) for part in simulated(SHORT_CHANGES)]
    else:
        changes = wanted_changes()
        started = datetime.now(timezone.utc)
        try:
            parts = [*on_real(_site(), changes), *simulated(changes), *on_stackstorm()]
        except SandboxError as err:
            print(err, file=sys.stderr)
            return 2
        found = [(part, run(part)) for part in parts]
        text = page(found, about(started)) + "\n" + NOTES.read_text(encoding="utf-8")
        given.to.write_text(text, encoding="utf-8")
        print(f"Written: {given.to}")
    return 0 if all(rows for _, rows in found) else 1


def _site() -> str:
    """Make the site in a process of its own, which may use much memory; where it is kept."""
    if not choice().is_real:
        raise SandboxError("make bench needs a real Gerrit (make java), or SHORT=1.")
    done = subprocess.run(
        _command("site"),
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SandboxError("The site could not be made; see above.")
    print(done.stdout)
    return str(done.stdout.strip().splitlines()[-1])


def run(part: Part) -> List[Row]:
    """The rows of one part; none if it failed, which says why by itself."""
    print(f"\n{part.title}\n", flush=True)
    started = time.monotonic()
    told: List[str] = []
    with subprocess.Popen(
        _command(part.module, part.arguments),
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stdout or ():
            told.append(line)
            print(line, end="", flush=True)
    print(f"({time.monotonic() - started:.0f} s)", flush=True)
    if running.returncode:
        print(f"benchmarks.{part.module} ended with {running.returncode}.", file=sys.stderr)
        return []
    return list(of_table("".join(told)))


def _command(module: str, arguments: Sequence[str] = ()) -> List[str]:
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def _environment() -> Dict[str, str]:
    places = os.pathsep.join(str(ROOT / folder) for folder in ("actions/lib", "tests", ""))
    return {**os.environ, "PYTHONPATH": places}


def about(started: datetime) -> Dict[str, str]:
    """On what, when and with what this was measured."""
    load = os.getloadavg()[1]
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout.strip()
    real = "of real reviews" if os.environ.get("REVIEW_HISTORIES") else "made by a generator"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": f"{started:%Y-%m-%d %H:%M} UTC, {_minutes(started)} minutes",
        "commit": commit or "no checkout",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB,"
        f" load {load:.1f} at the end",
        "Python": platform.python_version(),
        "messages": real,
    }


def _minutes(started: datetime) -> str:
    return f"{(datetime.now(timezone.utc) - started).total_seconds() / 60:.0f}"


def page(found: Iterable[Tuple[Part, Sequence[Row]]], facts: Dict[str, str]) -> str:
    """The page of results."""
    lines = ["# What it costs", ""]
    lines += ["Written by `make bench`; [docs/scale.md](../docs/scale.md) says what follows.", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in facts.items()), ""]
    lines += [
        "Counts repeat exactly. Seconds are of this machine and this run: compare them within a "
        "table only. A floor is what the bare requests, or nothing but the named step, cost in the "
        "same run. Bytes are of answers after unpacking, then as they were sent.",
    ]
    for part, rows in found:
        lines += ["", f"## {part.title}", ""]
        lines += [head(), *map(str, rows)] if rows else ["This part failed."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
