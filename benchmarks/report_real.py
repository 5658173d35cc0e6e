"""What a report of a real Gerrit costs, and that neither faults nor a kill change it.

    python -m benchmarks.report_real            5,000 open changes, or ``CHANGES``

The site is that of `benchmarks.site`, made if need be. Each report is `reviewloop report` as people
run it, anonymously, in a process of its own; it reads Gerrit through a relay that counts, and that
refuses, resets and cuts off now and then. The exit status is 1 if a report differs from the first.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "actions/lib")]

from sandbox.ports import SandboxError  # noqa: E402
from sandbox.relay import Passed, Relay, now_and_then  # noqa: E402
from sandbox.report.reading import Made, Reading, asked_twice  # noqa: E402

from benchmarks import histories  # noqa: E402
from benchmarks.rows import Row, head, mega  # noqa: E402
from benchmarks.site import BulkGerrit, made_site  # noqa: E402

CHANGES = 5_000
FAULTS = 0.15
"""Share of the requests that something happens to."""
#: A second run need not be polite: it is there to compare what comes out.
QUICK = ("--rate", "1000")


class Measured:
    """Reports of one server, and whether each says what the first one said."""

    def __init__(self, relay: Relay, folder: Path) -> None:
        self._relay = relay
        self._polite = Reading(relay, folder)
        self._quick = Reading(relay, folder, QUICK)
        self.differing: List[str] = []

    def rows(self) -> Iterator[Row]:
        """Each report, in the order in which one leads to the next."""
        first = self._polite.make("first")
        yield self._row("report, at the default rate", first, first)
        asked = len(self._relay.passed)
        self._relay.reset()
        yield self._row("once more, from the cache", self._quick.make("first"), first)
        self._relay.reset(now_and_then(FAULTS))
        name = f"{FAULTS:.0%} of requests fail: 429, 503, reset, cut off"
        yield self._row(name, self._quick.make("faults"), first)
        yield self._killed(asked // 2, first)

    def _killed(self, place: int, first: Made) -> Row:
        self._relay.reset()
        killed = self._quick.make("killed", kill_at=place)
        before: List[Passed] = list(self._relay.answered)
        self._relay.reset()
        again = self._quick.make("killed")
        twice = asked_twice([*before, *self._relay.answered])
        name = f"killed (SIGKILL) at request {place}, run again"
        row = self._row(name, again, first)
        if twice or killed.status != -9:
            self.differing.append(name)
        note = f"{row.note}; {len(before)} requests before, {len(twice)} histories asked for twice"
        return Row(row.work, row.figure, note=note)

    def _row(self, name: str, made: Made, first: Made) -> Row:
        relay, same = self._relay, (made.numbers, made.page) == (first.numbers, first.page)
        if made.status != 0 or not made.page or not same:
            print(made.errors, file=sys.stderr)
            self.differing.append(name)
        refused = f" ({relay.refused} of them failed)" if relay.refused else ""
        figure = (
            f"{len(relay.passed):,} requests{refused}, {mega(relay.size)} sent,"
            f" {made.seconds:.0f} s, {made.cpu:.0f} s CPU, {mega(made.memory)} of memory"
        )
        page = f"page of {len(made.page):,} bytes"
        return Row(name, figure, note=page if made is first else _words(same))


def _words(same: bool) -> str:
    return "page and JSON are the same, byte for byte" if same else "DIFFERENT"


def main(_arguments: Sequence[str] = ()) -> int:
    """Measure, and print a table."""
    count = int(os.environ.get("CHANGES") or CHANGES)
    try:
        kept = made_site(count, histories.templates())
        with tempfile.TemporaryDirectory() as folder, BulkGerrit(kept) as gerrit, Relay(
            gerrit.url
        ) as relay:
            print(f"A real Gerrit {gerrit.parts.version} with {count:,} open changes.\n\n{head()}")
            measured = Measured(relay, Path(folder))
            for row in measured.rows():
                print(row, flush=True)
    except SandboxError as err:
        print(err, file=sys.stderr)
        return 2
    return 1 if measured.differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
