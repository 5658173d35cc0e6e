"""What the sensor costs: requests, processor time, evaluations and memory, beside floor and aim.

    PYTHONPATH=actions/lib:tests:. python -m benchmarks.sensor [--changes 4000]

The server is the tests' fake, in the same process; its own work is taken out of the times. Counts
repeat exactly. Times are of the processor, in Python code, and differ between runs by some 20 %.
Where ``REVIEW_HISTORIES`` names a folder of real reviews, the changes bear their messages.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, MethodType, ModuleType
from typing import Any, Callable, Iterator, List, Sequence, Tuple

sys.path[:0] = [
    str(Path(__file__).resolve().parents[1] / folder) for folder in ("tests", "actions/lib", ".")
]

from sandbox.gerrit.fake import FakeGerrit  # noqa: E402

import bench as rig  # noqa: E402
from bench import Bench  # noqa: E402
from benchmarks.histories import Site, templates  # noqa: E402
from reviewloop.http.messages import Request, Response  # noqa: E402
from reviewloop.sensor.events import Dispatched  # noqa: E402
from reviewloop.sensor.found import ChangeKey  # noqa: E402

#: Days over which the last updates are spread: all within the sensor's horizon.
DAYS = 45
#: What a quiet poll's processor time is the median of.
QUIET = 15


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    now: str
    floor: str
    aim: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.now} | {self.floor} | {self.aim} |"


class Meter:
    """Counts what a poller asks for, and its processor time without the server's."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.served = 0.0
        self.received = 0
        self.evaluations = 0
        self._watch_server(bench.fake)
        self._count_evaluations()

    def run(self, step: Callable[[], object]) -> Tuple[int, int, float, int]:
        """Requests, bytes received, seconds and evaluations of a step."""
        gc.collect()
        asked, received = len(self.bench.fake.requests), self.received
        self.served, self.evaluations = 0.0, 0
        started = time.process_time()
        step()
        took = time.process_time() - started - self.served
        counted = len(self.bench.fake.requests) - asked
        return counted, self.received - received, took, self.evaluations

    def _watch_server(self, fake: FakeGerrit) -> None:
        answer = fake.send

        def send(request: Request) -> Response:
            started = time.process_time()
            response = answer(request)
            self.received += len(response.body)
            self.served += time.process_time() - started
            return response

        fake.send = send  # type: ignore[method-assign]

    def _count_evaluations(self) -> None:
        due = Dispatched.due

        def counted(*args: Any) -> Iterator[Any]:
            self.evaluations += 1
            return due(*args)

        Dispatched.due = counted  # type: ignore[assignment, method-assign]


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--changes", type=int, default=4_000, help="open changes")
    parser.add_argument("--burst", type=int, default=1_000, help="changes touched at once")
    given = parser.parse_args()
    print("| work | now | floor | aim |\n|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for row in measure(given.changes, given.burst, Path(folder)):
            print(row, flush=True)
    return 0


def measure(count: int, burst: int, folder: Path) -> Iterator[Row]:
    """The rows for a site with so many open changes.

    :param folder: where the sensor leaves its cache.
    """
    yield from _starts(count, burst, folder)
    for due in (count // 8, count // 2):
        yield _backlog(due)
    yield _overdue(count)
    yield from _tracked(10 * count)


def _unchecked(_payload: object, _schema: object) -> None:
    """In place of the tests' check of each payload against its schema."""


def site(count: int, found: Sequence[Any] = (), days: float = DAYS, **config: Any) -> Bench:
    """A poller on a server with so many changes; it has not polled yet."""
    rig.validate = _unchecked
    bench = Bench(**config)
    bench.fake = Site(found)
    bench.fake.fill(count, days)
    bench.start()
    return bench


def _starts(count: int, burst: int, folder: Path) -> Iterator[Row]:
    bench = site(count, templates())
    bench.folder = folder
    bench.start()
    meter = Meter(bench)
    rows, row_bytes, row_time, _ = meter.run(lambda: _scan(bench, options=False))
    full, full_bytes, full_time, _ = meter.run(lambda: _scan(bench, options=True))
    asked, received, took, _ = meter.run(bench.poll)
    yield Row(
        f"cold start, {count:,} open",
        f"{asked} requests, {_mb(received)}, {took:.1f} s",
        f"{full} requests, {_mb(full_bytes)}, {full_time:.1f} s",
        "<= 1.2 x the requests",
    )
    yield Row("memory, a change", f"{_size(bench.poller) / count:,.0f} B", "", "<= 2,000 B")
    yield _quiet(bench, meter, "quiet poll")
    bench.fake.advance(minutes=1)
    bench.start()
    asked, received, took, _ = meter.run(bench.poll)
    yield Row(
        "restart a minute later",
        f"{asked} requests, {_mb(received)}, {took:.1f} s",
        f"{rows} requests, {_mb(row_bytes)}, {row_time:.1f} s",
        "<= 1.2 x the requests",
    )
    yield _failed_save(bench, meter)
    yield from _burst(bench, meter, burst)


def _failed_save(bench: Bench, meter: Meter) -> Row:
    """The datastore goes down after a trigger, and is back at the next poll."""
    bench.fails_after_dispatch = True
    while not bench.shelf.store.down:
        bench.fake.advance(hours=1)
        bench.poll()
    bench.fails_after_dispatch = bench.shelf.store.down = False
    asked, received, took, _ = meter.run(bench.poll)
    now = f"{asked} requests, {_mb(received)}, {took * 1e3:.0f} ms"
    return Row("after one failed save", now, "1 request", "a few requests")


def _burst(bench: Bench, meter: Meter, burst: int) -> Iterator[Row]:
    for number in list(bench.fake.changes)[:burst]:
        bench.fake.touch(number)
    asked, received, took, _ = meter.run(bench.poll)
    now = f"{asked} requests, {_mb(received)}, {took:.2f} s"
    yield Row(f"{burst:,} touched at once", now, "", "")
    for minutes in (5, 30):
        bench.fake.advance(minutes=minutes)
        bench.poll()
        yield _quiet(bench, meter, f"quiet poll {minutes} minutes after that")


def _quiet(bench: Bench, meter: Meter, name: str) -> Row:
    while bench.poll():
        pass
    runs = [meter.run(bench.poll) for _ in range(QUIET)]
    took = sorted(seconds for _, _, seconds, _ in runs)[QUIET // 2]
    asked, received = runs[-1][0], runs[-1][1]
    now = f"{asked} requests, {received:,} B, {took * 1e3:.1f} ms"
    return Row(name, now, "1 request, 8 B, 1.4 ms", "<= 3 ms at any size")


def _backlog(due: int) -> Row:
    """So many fall due at once, without histories; 50 go out a poll."""
    bench = site(due, days=0.5)
    bench.poll()
    bench.fake.advance(days=1, hours=12)
    meter = Meter(bench)
    before = len(bench.told)

    def drain() -> None:
        while bench.poll():
            bench.fake.advance(seconds=1)

    _, _, took, evaluated = meter.run(drain)
    sent = len(bench.told) - before
    now = f"{took / sent * 1e3:.2f} ms and {evaluated / sent:.1f} evaluations a trigger"
    return Row(f"{due:,} due at once, cap 50", now, "0.37 ms, 1", "<= 0.6 ms")


def _overdue(count: int) -> Row:
    """Waits that are overdue, and that no rule acts on: each poll offers 50, at most."""
    bench = site(count, days=0.5, coverage_reach="60d", milestones=["1d"])
    bench.poll()
    bench.fake.advance(days=2)
    while any(trigger.endswith("waiting") for trigger, _ in bench.poll()):
        pass
    bench.fake.advance(minutes=30)
    meter = Meter(bench)
    runs = [meter.run(bench.poll)[2] for _ in range(3)]
    size = _size(bench.poller) / count
    now = f"{min(runs) * 1e3:.0f} ms a poll, {size:,.0f} B a change"
    return Row(f"{count:,} overdue, 50 offered", now, "", "<= 2,000 B")


def _tracked(count: int) -> Iterator[Row]:
    """So many are watched and fall due in one second, beside the few that the server really has:
    these have lower numbers, so they are the ones that a poll sends.
    """
    bench = site(1_000, days=0.5)
    bench.poll()
    watch, cursor = bench.poller._watch, bench.poller._position.cursor
    (key, told) = next((key, watch.text(key)) for key in watch)
    assert told is not None
    bench.fake.advance(minutes=30)
    bench.poll()
    for number in range(10_000, 10_000 + count):
        watch.recall(ChangeKey(number, key.project), told, cursor, bench.fake.now)
        if number % 500 == 0:
            watch.settle(bench.fake.now)
    meter = Meter(bench)
    yield _quiet(bench, meter, f"quiet poll, {count:,} watched")
    size = _size(bench.poller) / len(watch)
    bench.fake.advance(hours=16)
    for place in ("first", "second"):
        before = len(bench.told)
        _, _, took, evaluated = meter.run(bench.poll)
        sent = len(bench.told) - before
        now = f"{took * 1e3:.0f} ms, {evaluated} evaluations, {sent} sent; {size:,.0f} B a change"
        yield Row(f"{place} poll of {count:,} watched and due", now, "", "< 1 s")


def _scan(bench: Bench, *, options: bool) -> List[Any]:
    """The bare scan: what any start has to ask for."""
    wanted = ("MESSAGES", "DETAILED_ACCOUNTS", "LABELS", "SUBMIT_REQUIREMENTS")
    named = [_Option(name) for name in wanted] if options else []
    since = bench.fake.changes[1].updated
    query = f'(status:open after:"{since:%Y-%m-%d %H:%M:%S}") (-is:private)'
    return list(bench.fake.client().scan(query, named))  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Option:
    value: str


def _size(poller: object) -> int:
    """Bytes of all that the poller holds of the changes."""
    coverage = getattr(poller, "_coverage")  # noqa: B009 - whatever it is called in an older one
    parts = [getattr(poller, name) for name in ("_watch", "_known", "_aside")]
    parts += [one for one in vars(coverage).values() if type(one) in (dict, list)]
    shared = (type, ModuleType, FunctionType, MethodType)
    todo, seen, total = [*parts, getattr(coverage, "_uncovered", None)], set(), 0
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, shared):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        todo += gc.get_referents(one)
    return total


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
