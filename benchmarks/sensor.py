"""What a poll costs: requests, and processor time as a multiple of a quiet poll's.

    python -m benchmarks.sensor

The server is the tests' fake, in the same process: times hold its work too, and say little by
themselves. The ratios between the rows are of one run.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Callable, List, Tuple

sys.path[:0] = [
    str(Path(__file__).resolve().parents[1] / folder) for folder in ("tests", "actions/lib")
]

from bench import Bench  # noqa: E402

SIZES = (500, 2_000, 4_000)
MOVED = 100


def main() -> int:
    """Measure each size and print a table."""
    print("open changes | poll                | requests | triggers | time, quiet poll = 1")
    print("-------------|---------------------|----------|----------|---------------------")
    for size in SIZES:
        rows = measure(size)
        quiet = next(seconds for name, _, _, seconds in rows if name == "quiet")
        for name, requests, triggers, seconds in rows:
            print(f"{size:12} | {name:19} | {requests:8} | {triggers:8} | {seconds / quiet:8.1f}")
    return 0


def measure(size: int) -> List[Tuple[str, int, int, float]]:
    """Rows (poll, requests, triggers, seconds) for a server with so many open changes."""
    bench = Bench(max_triggers_per_poll=1_000)
    for index in range(size):
        bench.fake.add_change(at=f"2026-02-27 10:{index % 60:02d}:{index // 60 % 60:02d}")
    numbers = list(bench.fake.changes)[:MOVED]

    def touch() -> None:
        bench.fake.advance(minutes=5)
        for number in numbers:
            bench.fake.touch(number)

    return [
        _timed(bench, "cold start", lambda: None),
        _timed(bench, "quiet", lambda: None),
        _timed(bench, f"{MOVED} moved", touch),
        _timed(bench, "half of them due", lambda: bench.fake.at("2026-03-02 10:30:00")),
    ]


def _timed(bench: Bench, name: str, before: Callable[[], object]) -> Tuple[str, int, int, float]:
    before()
    requests, triggers = len(bench.fake.requests), len(bench.answer)
    started = time.process_time()
    bench.poll()
    seconds = time.process_time() - started
    return name, len(bench.fake.requests) - requests, len(bench.answer) - triggers, seconds


if __name__ == "__main__":
    sys.exit(main())
