"""A slice of the simulated quarter, and every script that once failed.

The simulation replaces the clock and the network of its whole process, so it has one of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from repository import ROOT

SCRIPTS = sorted((ROOT / "tests" / "fixtures" / "quarter").glob("*.txt"))
ROGUE = sorted((ROOT / "tests" / "fixtures" / "quarter" / "rogue").glob("*.txt"))
SLICE = ("action dead for ever", "runs twice at once", "all of them")

PLANTED = {
    "nobody acts": ("missing", "board"),
    "two comments": ("doubled",),
    "the owner is asked": ("person",),
    "one too many": ("limit",),
}


def quarter(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the simulation."""
    path = os.pathsep.join(str(ROOT / part) for part in ("actions/lib", "tests", "."))
    return subprocess.run(
        [sys.executable, "-m", "sandbox.quarter", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_some_days_of_each_kind() -> None:
    """In every evening each overdue wait has one live ask or a stated reason, whatever died."""
    faults = [word for fault in SLICE for word in ("--fault", fault)]
    bounds = ["--steps", "1", "--kills", "3", "--days", "4", "--jobs", "1", "--patience", "10"]
    done = quarter(*faults, *bounds)
    assert done.returncode == 0, done.stdout


def test_a_slice_fails() -> None:
    """Drawn scripts in which the pack does what it must not: each run ends as a failure, with a
    script to play it again.
    """
    faults = [word for fault in PLANTED for word in ("--fault", f"planted: {fault}")]
    bounds = ["--steps", "1", "--kills", "0", "--days", "12", "--jobs", "1", "--patience", "0"]
    done = quarter(*faults, *bounds)

    told = r"^FAILED .* planted: (.*): \d+ steps.*\n  ([a-z]+):"
    found = dict(re.findall(told, done.stdout, re.M))
    assert done.returncode == 1
    assert [found[name] in words for name, words in PLANTED.items()] == [True] * 4, done.stdout
    assert done.stdout.count("--replay (seed 1)") == len(PLANTED)


@pytest.fixture(scope="module")
def replayed() -> Dict[str, List[str]]:
    """What is wrong after each script, by its name: all played in one process."""
    told: Dict[str, List[str]] = json.loads(quarter("--replay", *map(str, SCRIPTS + ROGUE)).stdout)
    return told


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: Path(path).stem)
def test_what_once_failed(script: Path, replayed: Dict[str, List[str]]) -> None:
    """The script's first line says what was missing, doubled or wrong; now nothing is."""
    assert replayed[script.name] == []


@pytest.mark.parametrize("script", ROGUE, ids=lambda path: Path(path).stem)
def test_the_checks_see(script: Path, replayed: Dict[str, List[str]]) -> None:
    """A pack that does what it must not is found out; the file's name begins with the word for
    it.
    """
    word = script.stem.split("-")[0]
    found = {told.split(":")[0] for told in replayed[script.name]}
    # Who asks about a private change asks about a wait that is over, too.
    assert found - {"over"} == {word} - {"over"}
    assert word in found
