"""What the milestones came to is counted without what was over before."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Dict, List

import pytest

from repository import HISTORIES, ROOT, needs_histories
from reviewloop.cli.histories import read_changes
from reviewloop.preview.costs import Costs
from reviewloop.preview.offline import Offline, own_account
from reviewloop.preview.plan import Previewer
from reviewloop.preview.recorded import Recorded
from reviewloop.settings.load import Settings, load

FIXTURES = ROOT / "tests" / "fixtures" / "histories.jsonl"
REAL = HISTORIES / "opendev-zuul-reviews.jsonl.gz"


@pytest.fixture(
    name="recorded",
    params=[FIXTURES, pytest.param(REAL, marks=needs_histories)],
    ids=["fixtures", "real"],
)
def _recorded(request: pytest.FixtureRequest) -> Recorded:
    return recorded_of(request.param)


def recorded_of(path: Path) -> Recorded:
    """The histories of a file."""
    found = Recorded(Offline(), "", own_account(""), is_all=True)
    for raw in read_changes(path):
        found.add(raw)
    return found


def of_all(recorded: Recorded, settings: Settings, now: datetime) -> List[Dict[str, Any]]:
    """The rows of 30 days, by every history there is."""
    found = Costs(settings, now - timedelta(days=30), now)
    for change in recorded.changes(datetime.min.replace(tzinfo=now.tzinfo)):
        found.add(change)
    return found.rows()


@pytest.mark.parametrize(
    "config",
    [{}, {"milestones": ["1h", "4h"], "profile": "opendev", "calendar": {"hours": "09:00-17:00"}}],
)
def test_what_was_over_counts_for_nothing(recorded: Recorded, config: Dict[str, Any]) -> None:
    """Whenever the days are that are counted, and whatever the milestones, what was closed before
    them has no wait in them: the rows are those of all histories.
    """
    settings = load({"url": "https://review.example.org", **config})
    times = sorted(one.idle for one in recorded)
    for now in times[:: max(1, len(times) // 3)]:
        costs = Previewer(recorded, now, 30).costs(settings)
        assert costs is not None
        assert costs.rows() == of_all(recorded, settings, now)


def test_what_was_over_is_not_read() -> None:
    """For the milestones of a short past the histories are read that were open, or moved, since."""
    recorded = recorded_of(FIXTURES)
    last = max(one.idle for one in recorded)
    read = {change.number for change in recorded.changes(last)}
    closed = {one.number for one in recorded if one.status != "NEW" and one.idle < last}

    assert closed
    assert read == {one.number for one in recorded} - closed
