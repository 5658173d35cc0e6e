"""Whole histories of reviews as JSON lines, for what reads them without a server."""

from __future__ import annotations

import gzip
import json
import os
from itertools import cycle, islice
from pathlib import Path
from typing import Iterator, List

from sandbox.gerrit.fake_world import Json

from benchmarks.histories import templates


def review_lines(most: int) -> List[str]:
    """So many ``ChangeInfo``, one a line, of every status: real ones evenly over all there are,
    where ``REVIEW_HISTORIES`` names a folder; else as many made ones.
    """
    folder = os.environ.get("REVIEW_HISTORIES", "")
    if not folder:
        return [json.dumps(_whole(*one)) for one in enumerate(islice(cycle(templates()), most))]
    found = [line for path in sorted(Path(folder).glob("*-reviews.jsonl.gz")) for line in _of(path)]
    return found[:: -(-len(found) // most)]


def _of(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (line for line in lines if '"messages": [{' in line)


def _whole(index: int, made: Json) -> Json:
    """What a template leaves out."""
    messages = made["messages"]
    return {
        "id": f"build~{index + 1}",
        "_number": index + 1,
        "project": "build",
        "branch": "master",
        "change_id": f"I{index + 1:040x}",
        "subject": f"Change {index + 1} of many",
        "status": "NEW",
        "created": messages[0]["date"],
        "updated": messages[-1]["date"],
        **made,
    }
