"""Simulate quarters: ``python -m sandbox.quarter --help``.

Each run is one script in one process. What is printed for a failure is all that is needed to play
it again: the fault, the seed, and a short script of steps.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Iterator, List, Sequence, Set, Tuple

from . import names, runs, table


def main() -> int:
    """Exit status: 1 if something was missing, doubled or wrong; 2 if too little was simulated."""
    options = _options()
    if options.replay:
        return _replay(options.replay)
    results = runs.kept(options.results) if options.results else []
    try:
        _simulate(options, results)
    except KeyboardInterrupt:
        print("Stopped; what was simulated until now:")
    told = _told(results)
    print("\n".join([told, "", *table.rows(results)]))
    if options.page:
        table.write(results, told)
    if any(one.problems for one in results):
        return 1
    return 0 if _is_enough(options, results) else 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.quarter", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="model steps, at least")
    parser.add_argument("--kills", type=int, default=1_000, help="killed processes, at least")
    parser.add_argument("--seconds", type=float, default=1_500, help="start no run after these")
    parser.add_argument("--days", type=int, default=65, help="of a long run; most take a third")
    parser.add_argument("--seed", type=int, default=1, help="of the first round of runs")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--fault", action="append", help="only this one; may be repeated")
    parser.add_argument("--patience", type=float, default=60, help="seconds to shorten a failure")
    parser.add_argument("--results", type=Path, help="keep them here, go on from what is there")
    parser.add_argument("--page", action="store_true", help="write the table into its page")
    parser.add_argument("--replay", nargs="*", type=Path, help="play these scripts; as JSON")
    return parser.parse_args()


def _simulate(options: argparse.Namespace, results: List[runs.Result]) -> None:
    began = time.monotonic()
    if names.histories() is None:
        print("No real histories: name their folder by REVIEW_HISTORIES.")
    done = {(one.fault, one.seed) for one in results}
    todo = (one for one in _tasks(options) if one not in done)
    context = get_context("spawn")  # a process begins before its machine is simulated
    with ProcessPoolExecutor(options.jobs, context, initializer=runs.prepare) as pool:
        under_way: Set[Future[runs.Result]] = set()
        while True:
            late = time.monotonic() - began > options.seconds
            while len(under_way) < options.jobs and not late:
                if _is_enough(options, results):
                    break
                fault, seed = next(todo)
                days = options.days if fault in names.LONG else options.days // 3
                under_way.add(pool.submit(runs.run, fault, seed, days, options.patience))
            if not under_way:
                return
            ready, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for one in ready:
                results.append(one.result())
                if options.results:
                    runs.keep(one.result(), options.results)
                _tell(one.result())


def _tasks(options: argparse.Namespace) -> Iterator[Tuple[str, int]]:
    """Round after round of all faults, each round with a seed of its own."""
    for seed in count(options.seed):
        for fault in _faults(options):
            yield fault, seed


def _faults(options: argparse.Namespace) -> Sequence[str]:
    """One round; without real histories where there are none."""
    faults: Sequence[str] = options.fault or names.ROUND
    if names.histories() is not None:
        return faults
    return [one for one in faults if one != names.REAL]


def _is_enough(options: argparse.Namespace, results: List[runs.Result]) -> bool:
    steps = sum(one.steps for one in results)
    kills = sum(one.kills for one in results)
    met = {one.fault for one in results}
    return steps >= options.steps and kills >= options.kills and met.issuperset(_faults(options))


def _tell(one: runs.Result) -> None:
    state = "FAILED" if one.problems else "good"
    print(
        f"{state:6} seed {one.seed} {one.fault}: {one.steps} steps, {one.kills} kills", flush=True
    )
    if one.problems:
        print("  " + "\n  ".join(one.problems[:5]))
        print(f"  It is enough to play this, as a file, by --replay (seed {one.seed}):")
        print("\n".join(f"    {line}" for line in one.script.splitlines()), flush=True)


def _told(results: List[runs.Result]) -> str:
    seeds = ", ".join(map(str, sorted({one.seed for one in results})))
    days = max((one.days for one in results), default=0)
    what = f"{len(results)} runs of up to {days} days"
    total = sum(one.steps for one in results)
    kills = sum(one.kills for one in results)
    return f"{what}, seeds {seeds}: {total:,} steps, {kills:,} killed processes."


def _replay(files: List[Path]) -> int:
    """Play scripts; a file's first line may be ``seed N``."""
    runs.prepare()
    told = {}
    for file in files:
        text, seed = file.read_text(encoding="utf-8"), 0
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        if lines and lines[0].startswith("seed "):
            seed = int(lines.pop(0).split()[1])
        told[file.name] = runs.replay("\n".join(lines), seed)
    json.dump(told, sys.stdout, indent=1)
    print()
    return int(any(told.values()))


if __name__ == "__main__":
    sys.exit(main())
