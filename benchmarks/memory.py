"""What the sensor's process holds: a constant part, and so many bytes a change.

    PYTHONPATH=actions/lib:tests:. python -m benchmarks.memory [--sizes 2000 8000 20000]

The server is the tests' fake, over HTTP in this process. The sensor has a process of its own for
each size of the site (`benchmarks.held`): it reads the site, polls twice more, and tells what it
holds. In use is what is left of that when the C library has given back what is free; the rest is
room that pages of histories took while they were read, and that the next ones can have.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests", "actions/lib", ".")]

from sandbox.gerrit.seed import PACK_ACCOUNT, password_of  # noqa: E402
from sandbox.gerrit.simulated import SimulatedGerrit  # noqa: E402

from benchmarks.histories import Site, templates  # noqa: E402
from benchmarks.processes import compiled  # noqa: E402
from benchmarks.rows import Row, head  # noqa: E402

SIZES = (2_000, 8_000, 20_000)
DAYS = 45
POLLS = 3
NOWHERE, LONG_AGO = "http://127.0.0.1:9", "2026-01-01T00:00:00+00:00"

Held = Dict[str, float]
Environment = Dict[str, str]


class Served(SimulatedGerrit):
    """A site of so many changes with the messages of some templates, over HTTP."""

    def __init__(self, changes: int, found: Sequence[Any]) -> None:
        super().__init__()
        site = Site(found)
        site.fill(changes, DAYS)
        vars(site)["ids"] = {PACK_ACCOUNT: site.me}
        self._fake = site  # type: ignore[assignment]  # nobody else signs in there


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="open changes")
    given = parser.parse_args()
    print(head())
    for row in rows(given.sizes):
        print(row, flush=True)
    return 0


def rows(sizes: Sequence[int]) -> Iterator[Row]:
    """One for each size, and what they say together. At least two sizes."""
    held: Dict[int, Held] = {}
    found = templates()
    with compiled("sensors", "") as environment:
        _sensor(environment, NOWHERE, polls=0)
        for size in sorted(sizes):
            held[size] = one = _held(environment, size, found)
            yield Row(
                f"the sensor's process after a start, {size:,} changes",
                f"{one['held']:.0f} MB, {one['most']:.0f} MB at most; {one['used']:.0f} MB in use",
                f"{one['modules']:.0f} MB before it",
            )
    yield _told(held)


def _told(held: Mapping[int, Held]) -> Row:
    """The straight lines through the smallest and the largest, and what lies off the first."""
    constant, slope = _line(held, "used")
    off = max(abs(constant + slope * size - one["used"]) for size, one in held.items())
    whole, each = _line(held, "held")
    first = held[min(held)]
    return Row(
        "of this: constant, and a change",
        f"{constant:.0f} MB + {slope * 2**20:,.0f} B a change in use",
        f"{first['interpreter']:.0f} MB (the interpreter),"
        f" {first['modules']:.0f} MB (with the pack's modules)",
        "<= 40 MB + 2,000 B a change",
        f"no size is more than {off:.0f} MB off this line; with room that is free:"
        f" {whole:.0f} MB + {each * 2**20:,.0f} B",
    )


def _line(held: Mapping[int, Held], name: str) -> Tuple[float, float]:
    """Where it begins, and how it rises with each change."""
    (least, few), (most, many) = min(held.items()), max(held.items())
    slope = (many[name] - few[name]) / (most - least)
    return few[name] - slope * least, slope


def _held(environment: Environment, size: int, found: Sequence[Any]) -> Held:
    """What the sensor's process tells on a site of this size."""
    with Served(size, found) as server:
        told = _sensor(environment, server.url, POLLS, server.now().isoformat())
        pages = sum(request.path == "/a/changes/" for request in server.requests())
    assert pages > size / 500, f"The sensor asked {pages} times on a site of {size}: no start."
    return told


def _sensor(environment: Environment, url: str, polls: int, now: str = LONG_AGO) -> Held:
    with tempfile.TemporaryDirectory() as cache:
        config = {
            "url": url,
            "username": PACK_ACCOUNT,
            "password": password_of(PACK_ACCOUNT),
            # What is offered again and again is another row.
            "coverage_reach": "0d",
            "sensor_cache": cache,
        }
        command = [sys.executable, "-m", "benchmarks.held", json.dumps(config), str(polls), now]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, env=environment, cwd=ROOT, text=True, check=True
        )
    told: Held = json.loads(done.stdout)
    return told


if __name__ == "__main__":
    sys.exit(main())
