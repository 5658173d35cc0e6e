"""A plugin of pytest's for mutmut: the quickest tests first, as it stops at the first that fails.

A mutation is noticed by many tests, as a rule, and the property tests among them take seconds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List

import pytest

#: mutmut's, in the folder where it runs the tests; not there yet when it measures them.
STATS = "mutmut-stats.json"


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """By the seconds that each took; one that was not measured comes first."""
    stats = Path(STATS)
    if stats.is_file():
        taken: Dict[str, float] = json.loads(stats.read_text("utf-8"))["duration_by_test"]
        items.sort(key=lambda item: taken.get(item.nodeid, 0.0))
