"""A Monday on a running StackStorm: many changes become overdue together.

It comes after the other tests, which leave no pack behind.
"""

from __future__ import annotations

import os

import pytest

from sandbox.stackstorm.monday import run
from sandbox.stackstorm.options import SMALL, WHOLE, Options
from sandbox.stackstorm.services import KEY, missing

LACKING = missing(os.environ.get(KEY, ""))
#: By Gerrit's clock, from the end of the last fault to the last ask.
MOST_MINUTES = 60


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(SMALL, id="twenty changes"),
        pytest.param(
            WHOLE,
            id="two hundred changes, with faults",
            marks=pytest.mark.skipif(bool(LACKING), reason=f"NOT RUN: {LACKING}"),
        ),
    ],
)
def test_monday(options: Options, capsys: pytest.CaptureFixture[str]) -> None:
    """Every change is asked for once, within an hour of the last fault: one comment, one reviewer,
    and one ticket of the same.
    """
    with capsys.disabled():
        report = run(options)

    assert len(report.fates) == options.changes
    assert report.wrong == []
    assert report.delay <= MOST_MINUTES
