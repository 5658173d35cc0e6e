"""What actions cost: modules imported, requests to Gerrit, calls of the datastore.

    python -m benchmarks.actions

Counts repeat exactly. Processor time is that of whole processes, the least of some runs, above the
least of another file's; it depends on the machine and on what else runs there. Modules are compiled
before, as StackStorm's processes find them. What an action imports beside the pack's own modules
StackStorm's process has imported itself by then, to read the datastore (``st2client`` brings
`requests`, from the pack's virtualenv), so that is told apart.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests", "actions/lib", "actions", ".")]

from benchmarks.processes import compiled  # noqa: E402
from counted import CountedDesktop  # noqa: E402
from reviewloop.operations import sweep  # noqa: E402

Row = Tuple[str, str, str, str]

RUNS = 7
ENTRIES = ("assess", "ask", "set_hashtags", "sweep")
# Whatever the limits, they are not what is measured.
FREE = {"per_person_week": 500, "per_run": 500, "ramp_per_day": 500}
EMPTY = f"""
import sys, types
sys.path[:0] = {[str(ROOT / "actions" / "lib"), str(ROOT / "actions")]!r}
for name in ("st2common", "st2common.runners", "st2common.runners.base_action"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["st2common.runners.base_action"].Action = object
before = set(sys.modules)
"""
# Some names are of modules that only look like some.
IMPORT = """
from contextlib import suppress
for name in {}:
    with suppress(ImportError):
        __import__(name)
"""
# What no other action has: Jinja, and an adapter.
LATER = "import reviewloop.messages.render, reviewloop.trackers.adapters.roundup.tracker\n"


def main() -> int:
    """Measure, and print a table."""
    print("row | now | floor | aim")
    print("---|---|---|---")
    for row in rows():
        print(" | ".join(row), flush=True)
    return 0


def rows() -> Iterator[Row]:
    """Each with what is measured, what cannot be gone below, and what is aimed at."""
    yield from imports()
    for members in (3, 13, 50):
        yield from escalation(members)
    for count in (100, 1_000, 10_000):
        yield from year(count)


def imports() -> Iterator[Row]:
    """The import of an action's file."""
    with compiled() as environment:
        empty = _seconds(environment, EMPTY)
        floor = _seconds(environment, EMPTY + "import requests") - empty
        for entry in ENTRIES:
            code = f"import {entry}\n"
            found = _run(environment, f"{EMPTY}{code}print(*set(sys.modules) - before)").split()
            own = [one for one in found if one.split(".")[0] in {"reviewloop", entry}]
            yield f"{entry}: modules imported", f"{len(found)}, of which {len(own)} ours", "", ""
            spent = _seconds(environment, EMPTY + code) - empty
            floored = f"{floor:.3f} (requests alone)"
            yield f"{entry}: import, CPU s above an empty file", f"{spent:.3f}", floored, ""
            others = EMPTY + IMPORT.format(sorted(set(found) - set(own)))
            spent = _seconds(environment, others + code) - _seconds(environment, others)
            name = f"{entry}: import, CPU s above an empty action that reads the datastore"
            yield name, f"{spent:.3f}", "", "0.12"
        ask = f"{EMPTY}import ask\n"
        spent = _seconds(environment, ask + LATER) - _seconds(environment, ask)
        yield "ask: what it imports when it writes, CPU s", f"{spent:.3f}", "", ""


def escalation(members: int) -> Iterator[Row]:
    """One escalation: when the roster is not known yet, and when it is."""
    desktop = CountedDesktop(members)
    name = f"one escalation, {members} on the roster"
    with desktop.counted() as first:
        desktop.escalate(desktop.waiting())
    desktop.escalate(desktop.another())  # from the first ask on there is a tally
    number = desktop.another()
    with desktop.counted() as cost:
        desktop.escalate(number)
    yield f"{name}: requests, first of the hour", str(first["requests"]), "4", "6"
    yield f"{name}: requests", str(cost["requests"]), "3", "6"
    yield f"{name}: datastore listings", str(cost["list"]), "2", "4"
    yield f"{name}: datastore, plain reads", str(cost["get"]), "", ""
    yield f"{name}: datastore writes", str(cost["set"] + cost["delete"]), "2", ""
    yield f"{name}: Python actions", "2", "1", "2"


def year(count: int) -> Iterator[Row]:
    """What a year's records cost an escalation and the sweep."""
    desktop = CountedDesktop(limits=FREE)
    numbers = [desktop.waiting(), *(desktop.another() for _ in range(19))]
    for number in numbers:
        desktop.escalate(number)
    desktop.asked_before(count)
    first, number = desktop.another(), desktop.another()
    with desktop.counted() as made:
        desktop.escalate(first)
    with desktop.counted() as cost:
        desktop.escalate(number)
    with desktop.counted() as swept:
        sweep.sweep(desktop.tools())
    pages = f"{count / 100 + 1:.0f}"
    name = f"{count} asks, 22 open"
    yield f"{name}: listings of an escalation, first of the day", str(made["list"]), pages, ""
    yield f"{name}: listings of an escalation", str(cost["list"]), "2", "4"
    yield f"{name}: listings of a sweep", str(swept["list"]), pages, pages
    yield f"{name}: requests of a sweep", str(swept["requests"]), "1", "2"


def _run(environment: Dict[str, str], code: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env=environment,
        check=True,
        text=True,
    )
    return ran.stdout.strip()


def _seconds(environment: Dict[str, str], code: str) -> float:
    """Processor seconds of a new process, the least of some."""
    spent: List[float] = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(environment, code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


if __name__ == "__main__":
    sys.exit(main())
