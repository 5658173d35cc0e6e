"""Preview = truth: what it says for the next day is what the loop then does, to the letter."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, Dict, List

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from preview_truth import TRACKER, Installation, Step, foretold, history, live

POLICIES = int(os.environ.get("PREVIEW_POLICIES", "8"))
"""How many random policies and histories are played; a thousand take a quarter of an hour."""
FEW = 20
DAY = timedelta(days=1)


def _roster(count: int) -> Dict[str, Any]:
    logins = [{"github": f"committee{n}"} for n in range(4)]
    members = [
        {"gerrit": f"member{n}", "chair": n == 0, "tracker": logins[n]} for n in range(count)
    ]
    return {"kind": "static", "members": members}


CONFIGS = st.fixed_dictionaries(
    {
        "milestones": st.sampled_from(
            [["1d", "2d", "5d", "10d"], ["4h", "1d", "2d"], ["2d", "5d"], ["1h", "1d", "10d"]]
        ),
        "poll_interval": st.sampled_from([900, 1800, 3600]),
        "catch_up": st.sampled_from(["0d", "1d", "3d"]),
        "coverage_reach": st.sampled_from(["0d", "3d", "60d"]),
        "max_triggers_per_poll": st.sampled_from([2, 50]),
        "query": st.sampled_from(["-is:private", "project:tools/build", ""]),
        "calendar": st.sampled_from(
            [
                {},
                {"timezone": "Europe/Berlin", "hours": "09:00-17:30"},
                {"timezone": "Asia/Kolkata", "hours": "22:00-06:00"},
                {"holidays": {"dates": ["2026-03-10"]}},
            ]
        ),
        "roster": st.integers(0, 4).map(_roster),
        "tracker": st.sampled_from([{}, TRACKER]),
        "usual_wait": st.booleans(),
        "limits": st.fixed_dictionaries(
            {
                "per_person_week": st.sampled_from([1, 2, 10]),
                "per_run": st.sampled_from([1, 3, 20]),
                "ramp_per_day": st.sampled_from([1, 3, 10]),
                "hold_out_percent": st.sampled_from([0, 0, 40]),
            }
        ),
    }
)
HISTORIES = st.builds(history, st.integers(0, 10**9), st.integers(0, 60))


@settings(
    max_examples=POLICIES,
    deadline=None,
    derandomize=POLICIES <= FEW,
    suppress_health_check=list(HealthCheck),
)
@given(
    config=CONFIGS,
    before=HISTORIES,
    idle=st.integers(1, 80),
    running=st.booleans(),
    after=HISTORIES,
)
def test_preview_is_what_the_loop_then_does(
    config: Dict[str, Any], before: List[Step], idle: int, running: bool, after: List[Step]
) -> None:
    """Whatever the policy and the history, of a first start and of a pack that has been at work,
    the asks of the next day are foretold: instant, event, tier, people, the comment, and the
    ticket.
    """
    installation = Installation(config)
    gerrit = installation.gerrit
    live(gerrit, before)
    gerrit.advance(hours=idle)
    if running:
        installation.run(gerrit.now + DAY / 2)
        live(gerrit, after)
        gerrit.advance(hours=3)
    until = gerrit.now + DAY
    told = foretold(installation, until)
    installation.told.clear()
    installation.opened.clear()
    event(f"asks: {min(len(told), 10)}")
    installation.run(until)

    assert installation.told == told


def test_the_comparison_is_of_asks() -> None:
    """A day on which people are asked is no empty comparison, and a text that differs shows."""
    steps: List[Step] = [("upload", 1, 0, 0), ("upload", 4, 2, 0), ("upload", 7, 6, 1)]
    installation = Installation({"roster": _roster(3), "tracker": TRACKER})
    live(installation.gerrit, steps)
    installation.gerrit.advance(hours=18)
    until = installation.gerrit.now + 2 * DAY
    told = foretold(installation, until)
    installation.run(until)

    assert len(told) > 3
    assert installation.told == told
    titles, comments = [one[5] for one in told], [one[6] for one in told]
    assert sum(map(bool, titles)) > 1
    assert sum(map(bool, comments)) >= sum(map(bool, titles))
