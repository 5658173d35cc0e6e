"""What reading costs: histories to waits beside `json.loads`, long changes, long waits.

    PYTHONPATH=actions/lib:. python -m benchmarks.engine

All in one process and one thread, processor time, medians of rounds that take turns. Histories are
those of ``REVIEW_HISTORIES``, else made ones (`benchmarks.reviews`).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, Iterator, List, Tuple

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "actions/lib")]

from benchmarks.reviews import review_lines  # noqa: E402
from benchmarks.rows import Row, head  # noqa: E402
from reviewloop.core.commands import pauses  # noqa: E402
from reviewloop.core.policy import Policy  # noqa: E402
from reviewloop.core.reading import read_change  # noqa: E402
from reviewloop.core.waits import follow  # noqa: E402
from reviewloop.core.worktime import Calendar  # noqa: E402
from reviewloop.gerrit import parse  # noqa: E402
from reviewloop.settings.load import load  # noqa: E402

ROUNDS = 3
SIZES = (10, 100, 1_000, 2_000)
SPANS = (1, 10, 100, 1_000, 3_650)
START = datetime(2015, 3, 2, 9, tzinfo=timezone.utc)
OWNER = {"_account_id": 1, "name": "Owner", "username": "owner"}
REVIEWER = {"_account_id": 2, "name": "Reviewer", "username": "reviewer"}
ROBOT = {"_account_id": 3, "name": "CI", "username": "ci", "tags": ["SERVICE_USER"]}

Json = Dict[str, Any]


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--histories", type=int, default=400, help="how many at most")
    given = parser.parse_args()
    print(head())
    policy = load({"url": "https://review.example.org"}).policy
    for row in (*histories(policy, given.histories), *long_changes(policy), *calendar()):
        print(row, flush=True)
    return 0


def histories(policy: Policy, most: int) -> Iterator[Row]:
    """Loads, parse and read of the same histories, as multiples of loads."""
    lines = review_lines(most)
    size = sum(map(len, lines))
    raws = [json.loads(line) for line in lines]
    changes = [parse.change(raw) for raw in raws]
    states = [follow(change, policy) for change in changes]
    found: Dict[str, Callable[[], object]] = {
        "loads": lambda: [json.loads(line) for line in lines],
        "parse.change": lambda: [parse.change(raw) for raw in raws],
        "read_change": lambda: [read_change(change, policy) for change in changes],
        "of this, waits (turns, votes)": lambda: [follow(change, policy) for change in changes],
        "of this, pauses (commands)": lambda: [
            pauses(change, policy, state.waits) for change, state in zip(changes, states)
        ],
        "whole": lambda: [read_change(parse.change(json.loads(line)), policy) for line in lines],
    }
    spent = _in_turns(found)
    base, count = spent.pop("loads"), len(lines)
    told = sum(len(change.messages) for change in changes)
    what = f"{count:,} histories, {told:,} messages, {size / 1e6:.1f} MB"
    yield Row(f"json.loads of {what}", f"{base:.2f} s, {count / base:,.0f} a second", "", "")
    for name, seconds in spent.items():
        rate = f"{seconds / base:.1f} x json.loads, {count / seconds:,.0f} a second"
        yield Row(f"histories: {name}", rate, "1 x", "<= 3 x" if name == "whole" else "")


def long_changes(policy: Policy) -> Iterator[Row]:
    """One change of many messages: microseconds for each, which must not grow with their number."""
    for kind, say in KINDS.items():
        spent = {size: _each(_change(size, say), policy, size) for size in SIZES}
        figure = ", ".join(f"{size:,}: {micro:.0f}" for size, micro in spent.items())
        growth = spent[SIZES[-1]] / spent[SIZES[1]]
        note = f"{growth:.1f} x from {SIZES[1]} to {SIZES[-1]:,}"
        yield Row(f"one change, {kind}: us a message", figure, "", "no growth", note)


def calendar() -> Iterator[Row]:
    """How the length of a wait counts."""
    for name, method in (("elapsed", _elapsed), ("add", _add)):
        told = [(days, *_first_and_later(method, days)) for days in SPANS]
        later = ", ".join(f"{days:,} d: {micro:.1f}" for days, _, micro in told)
        first = ", ".join(f"{days:,} d: {micro:.0f}" for days, micro, _ in told)
        yield Row(f"Calendar.{name}, us", later, "", "O(log n)", f"first in a process: {first}")


def _first_and_later(method: Callable[[Calendar, int], object], days: int) -> Tuple[float, float]:
    one = Calendar(start=9 * 3_600, length=8 * 3_600)

    def step() -> object:
        return method(one, days)

    return _micro(step, 1), _micro(step, 200)


def _elapsed(one: Calendar, days: int) -> object:
    return one.elapsed(START, START + timedelta(days=days))


def _add(one: Calendar, days: int) -> object:
    return one.add(START, days * 5 // 7 * 8 * 3_600)


def _plain(index: int) -> Tuple[Json, str, str]:
    return (OWNER, REVIEWER)[index % 2], "Patch Set 1:\n\nAnother thought about this.", ""


def _vote(index: int) -> Tuple[Json, str, str]:
    return (
        ROBOT,
        f"Patch Set 1: Verified{('-1', '+1')[index % 2]}\n\nBuild done.",
        "autogenerated:ci",
    )


def _snooze(index: int) -> Tuple[Json, str, str]:
    return (OWNER, REVIEWER)[index % 2], "Patch Set 1:\n\n/snooze 1d", ""


KINDS = {"plain replies": _plain, "CI votes, red and green": _vote, "each with /snooze": _snooze}


def _change(size: int, say: Callable[[int], Tuple[Json, str, str]]) -> Json:
    """A change of so many messages, an hour apart."""
    told: List[Json] = []
    for index in range(size):
        first = (OWNER, "Uploaded patch set 1.", "autogenerated:gerrit:newPatchSet")
        author, text, tag = say(index) if index else first
        date = f"{START + timedelta(hours=index):%Y-%m-%d %H:%M:%S}.000000000"
        about = {"id": f"m{index}", "author": author, "date": date, "_revision_number": 1}
        told.append({**about, "message": text, **({"tag": tag} if tag else {})})
    return {
        "_number": 1,
        "id": "build~1",
        "project": "build",
        "branch": "master",
        "change_id": "I" + "0" * 40,
        "subject": "Long",
        "status": "NEW",
        "owner": OWNER,
        "created": told[0]["date"],
        "updated": told[-1]["date"],
        "messages": told,
    }


def _each(raw: Json, policy: Policy, size: int) -> float:
    change = parse.change(raw)
    rounds = max(1, 200 // size)
    return _micro(lambda: read_change(change, policy), rounds) / size


def _micro(step: Callable[[], object], rounds: int) -> float:
    """Microseconds of a step, the least of three."""

    def once() -> float:
        started = time.process_time()
        for _ in range(rounds):
            step()
        return (time.process_time() - started) / rounds * 1e6

    return once() if rounds == 1 else min(once() for _ in range(3))


def _in_turns(steps: Dict[str, Callable[[], object]]) -> Dict[str, float]:
    """Processor seconds of each step, the median of some rounds."""
    spent: Dict[str, List[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            gc.collect()
            started = time.process_time()
            step()
            spent[name].append(time.process_time() - started)
    return {name: median(found) for name, found in spent.items()}


if __name__ == "__main__":
    sys.exit(main())
