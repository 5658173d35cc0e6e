"""An ask of this pack on a change of the fake server."""

from __future__ import annotations

from bench import Bench
from reviewloop.core.keys import Mark


def asked(bench: Bench) -> int:
    """A change that has waited two days and whose reviewer was asked on Wednesday at 9."""
    number = bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    assert bench.waiting() == [(number, "2d")]
    mark = Mark("escalate", "0" * 16, (bench.fake.reviewer,))
    bench.fake.review(number, by=bench.fake.me, text=f"Asked.\n\n{mark}")
    return number
