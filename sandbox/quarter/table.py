"""The table of what was simulated, for ``docs/reliability.md``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Dict, Iterable, List

from .runs import WRONG, Result

BEGIN = "<!-- The table is written by `make test-coverage`. -->"
END = "<!-- End of the table. -->"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
TITLE = "# Reliability\n\n## A simulated quarter\n"


def rows(results: Iterable[Result]) -> List[str]:
    """One row for each fault, and one for all."""
    groups: Dict[str, List[Result]] = {}
    for one in results:
        groups.setdefault(one.fault, []).append(one)
    every = [one for group in groups.values() for one in group]
    lines = [
        "| fault | runs | steps | kills | asks | missing | doubled | wrong | longest delay |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_row(name, group) for name, group in sorted(groups.items())]
    return [*lines, _row("**together**", every)]


def _row(name: str, group: List[Result]) -> str:
    def count(*kinds: str) -> int:
        return sum(one.counts.get(kind, 0) for one in group for kind in kinds)

    cells = (
        name,
        f"{len(group):,}",
        f"{sum(one.steps for one in group):,}",
        f"{sum(one.kills for one in group):,}",
        f"{sum(one.asks for one in group):,}",
        count("missing"),
        count("doubled"),
        count(*WRONG),
        _minutes(max((one.longest for one in group), default=timedelta(0))),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _minutes(span: timedelta) -> str:
    return f"{span // timedelta(minutes=1)} min"


def write(results: Iterable[Result], told: str) -> None:
    """Put the table on its page, in place of the one before."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else TITLE
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    table = "\n".join(rows(results))
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{told}\n\n{table}\n\n{END}{after}", encoding="utf-8")
