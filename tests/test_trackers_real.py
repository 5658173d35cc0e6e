"""Proofs on real trackers: many runs at once, and runs that are killed at any moment.

The default suite takes a few rounds on Roundup; ``make test-trackers`` takes all of them, on
Redmine too.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from repository import ROOT
from reviewloop.errors import TemporaryError
from reviewloop.trackers.outcomes import Done, Outcome
from trackers_fixtures import IS_THOROUGH
from trackers_rig import Rig, draft, fresh_key, gated

AT_ONCE = 6
ROUNDS = 20 if IS_THOROUGH else 2
KILLINGS = 50 if IS_THOROUGH else 3
SEED = 20260302
STEPS = ("open", "update", "close")
BOTH = ["roundup", "redmine_real"] if IS_THOROUGH else ["roundup"]


@pytest.fixture(params=BOTH)
def real(request: pytest.FixtureRequest) -> Rig:
    """A real tracker."""
    rig: Rig = request.getfixturevalue(request.param)
    return rig


@pytest.mark.parametrize("number", range(ROUNDS))
def test_six_escalations_of_one_change_at_once(real: Rig, number: int) -> None:
    """One open ticket is left, at once or after the next run, and all later runs find it.

    The runs share no record and start together, and where the tracker has no lock, create together.
    """
    key = fresh_key()
    barrier = threading.Barrier(AT_ONCE)
    outcomes = together(
        lambda: real.ticketing(transport=started(real, barrier)).open_once(draft(key))
    )

    odd = [one for one in outcomes if not isinstance(one, (Outcome, TemporaryError))]
    assert odd == []
    again = real.ticketing().open_once(draft(key))
    assert again.action is Done.FOUND
    assert again.ticket is not None
    assert real.open_ids(key) == [again.ticket.id]
    assert real.open_ids(key) == real.all_ids(key)[:1]


def started(rig: Rig, barrier: threading.Barrier) -> Any:
    """A network on which all runs wait for each other before they claim, or else create."""
    return gated(rig, barrier, with_claim=rig.kind == "roundup")


def together(job: Any) -> List[Any]:
    """A job done in six threads at once; what each returned or raised."""
    results: List[Any] = [None] * AT_ONCE

    def run(index: int) -> None:
        try:
            results[index] = job()
        except Exception as err:  # noqa: BLE001 - handed to the test, which judges it
            results[index] = err

    threads = [threading.Thread(target=run, args=(index,)) for index in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


# -- killed ------------------------------------------------------------------------------------


@dataclass
class Life:
    """The steps of one ticket, each in a process of its own."""

    rig: Rig
    folder: Path
    key: str

    def run(self, step: str, kill_after: Optional[float] = None) -> float:
        """Do a step; kill it so many seconds after it has begun. Its duration in seconds."""
        script = str(ROOT / "tests" / "ticket_step.py")
        command = [sys.executable, script, str(self.folder), step, self.key]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        who = "committee1" if step == "open" else "committee2"
        process.stdin.write(json.dumps({**self.rig.settings(), "who": who}).encode())
        process.stdin.close()
        assert process.stdout.readline() == b"go\n"
        begun = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        status = process.wait(60)
        process.stdout.close()
        assert kill_after is not None or status == 0
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def durations() -> Dict[str, Dict[str, float]]:
    """Seconds that each step takes undisturbed, by tracker; measured once."""
    return {}


@pytest.mark.parametrize("number", range(KILLINGS))
def test_a_run_killed_at_a_random_moment(
    real: Rig, number: int, durations: Dict[str, Dict[str, float]], tmp_path: Path
) -> None:
    """After one more run of the step that was killed, everything is there once and nothing else."""
    if real.kind not in durations:
        whole = Life(real, tmp_path, fresh_key())
        durations[real.kind] = {step: whole.run(step) for step in STEPS}
    chance = random.Random(SEED + number)
    victim = STEPS[number % len(STEPS)]
    life = Life(real, tmp_path, fresh_key())
    for step in STEPS:
        if step == victim:
            life.run(step, kill_after=chance.uniform(0, durations[real.kind][step]))
            # The request that was under way is finished by its server meanwhile.
            time.sleep(0.5)
        life.run(step)

    assert len(real.all_ids(life.key)) == 1
    assert real.open_ids(life.key) == []
    (ticket_id,) = real.all_ids(life.key)
    texts = real.comments(ticket_id)
    assert [f"{life.key}/level-1" in text for text in texts] == [True, False]
    assert [f"{life.key}/end" in text for text in texts] == [False, True]
    assert real.assignee(ticket_id) == "committee2"
    assert real.tracker().find(life.key)[0].id == ticket_id
