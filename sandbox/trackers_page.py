"""Writes the table of the trackers' contract into ``docs/trackers.md`` from a run of its tests.

python -m sandbox.trackers_page RESULTS    RESULTS: what the tests wrote to CONTRACT_RESULTS
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

from .pages import ROOT

PAGE = ROOT / "docs" / "trackers.md"
BLOCK = re.compile(r"(?<=<!-- contract: begin -->\n).*?(?=<!-- contract: end -->)", re.DOTALL)
PASSED = "yes"

Results = Mapping[str, Mapping[str, Any]]
"""By tracker: ``{"real": bool, "cases": {case: "passed", "failed" or a reason}}``."""


def table(results: Results) -> str:
    """Cases down, trackers across; a cell is ``yes`` or the number of a reason below the table."""
    trackers = sorted(results, key=lambda name: (not results[name]["real"], name))
    cases = list(dict.fromkeys(case for name in trackers for case in results[name]["cases"]))
    reasons: List[str] = []
    rows = [["case", *trackers]]
    rows.append(["---"] * len(rows[0]))
    for case in cases:
        cells = [
            _cell(results[name]["cases"].get(case, ""), name, case, reasons) for name in trackers
        ]
        rows.append([case, *cells])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join(["", *lines, "", *notes, "", ""])


def _cell(outcome: str, name: str, case: str, reasons: List[str]) -> str:
    if outcome == "passed":
        return PASSED
    if outcome in ("", "failed"):
        raise SystemExit(f"{name}: {case!r} {'was not run' if not outcome else 'failed'}.")
    reason = f"{name}: {outcome}."
    if reason not in reasons:
        reasons.append(reason)
    return f"[{reasons.index(reason) + 1}]"


def main(path: str) -> None:
    """Put the table of a run into the page."""
    results: Dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: table(results), text), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
