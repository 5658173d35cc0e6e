"""What a command prints is read to its end, in part, or not at all, as by ``head`` and ``less``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import pytest
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.report.histories import histories
from sandbox.report.server import half_a_year

from repository import ROOT
from reviewloop.cli.help import EXIT_CODES
from test_cli_help import NAMES

NOBODY_READS, CANNOT_BE_WRITTEN = 141, 2
LIVES = histories()[-60:]
FIXTURES = ROOT / "tests" / "fixtures"
#: Some are so short that whoever reads has all of it before it goes.
STATUSES = (0, NOBODY_READS)


@pytest.fixture(name="gerrit", scope="module")
def _gerrit() -> Iterator[SimulatedGerrit]:
    with half_a_year(LIVES) as gerrit:
        yield gerrit


def lines(url: str) -> Dict[str, List[str]]:
    """Something that each command prints much of, by its name."""
    source, quick = ["--url", url], ["--no-cache", "--rate", "1000"]
    replayed = ["--changes", f"{FIXTURES / 'histories.jsonl'}", "--from", "2026-03-01"]
    replayed += ["--to", "2026-03-12"]
    return {
        "help": ["--help"],
        "version": ["--version"],
        "board": ["board", *source],
        "doctor": ["doctor", *source],
        "explain": ["explain", f"{url}/c/{LIVES[-1]['project']}/+/{LIVES[-1]['_number']}"],
        "judge": ["judge", *source, *quick],
        "preview": ["preview", *source, *quick, "--days", "3"],
        "replay": ["replay", "--config", f"{FIXTURES / 'histories.yaml'}", *replayed],
        "report": ["report", *source, *quick],
    }


def environment(buffered: bool) -> Dict[str, str]:
    """As in a shell, where Python prints in blocks, or as in a container that prints at once."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    more = {} if buffered else {"PYTHONUNBUFFERED": "1"}
    return {**kept, **more, "PYTHONPATH": str(ROOT / "actions" / "lib")}


def ended(arguments: List[str], to: int, buffered: bool) -> Tuple[int, str]:
    """How a command ends that prints there, and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-m", "reviewloop.cli", *arguments],
        stdout=to,
        stderr=subprocess.PIPE,
        env=environment(buffered),
        check=False,
        timeout=300,
    )
    return done.returncode, done.stderr.decode()


def test_every_command_is_tried() -> None:
    """Whoever adds one adds it here."""
    assert set(lines("")) == {*NAMES, "help", "version"}


@pytest.mark.parametrize("name", [*NAMES, "help", "version"])
@pytest.mark.parametrize("buffered", [True, False], ids=["blocks", "at once"])
def test_reader_that_goes_away(name: str, buffered: bool, gerrit: SimulatedGerrit) -> None:
    """It ends with the documented status, and without a traceback."""
    read, write = os.pipe()
    os.close(read)
    status, complaints = ended(lines(gerrit.url)[name], write, buffered)
    os.close(write)

    assert status in STATUSES
    assert NOBODY_READS in EXIT_CODES
    # Where Python prints at once, argparse itself takes no notice.
    assert status == NOBODY_READS or (name in ("help", "version") and not buffered)
    for word in ("Traceback", "BrokenPipe", "Exception ignored"):
        assert word not in complaints


@pytest.mark.parametrize("name", ["replay", "report", "help"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_disk_that_is_full(name: str, gerrit: SimulatedGerrit) -> None:
    """One line says so, and the status that it was not done."""
    to = os.open("/dev/full", os.O_WRONLY)
    status, complaints = ended(lines(gerrit.url)[name], to, buffered=True)
    os.close(to)

    assert status == CANNOT_BE_WRITTEN
    assert complaints.splitlines()[-1].startswith("reviewloop: the output cannot be written: No sp")
    assert "Traceback" not in complaints


def test_first_lines(gerrit: SimulatedGerrit) -> None:
    """What was read before the reader went is what it would have read."""
    program = f"{sys.executable} -m reviewloop.cli"
    told = []
    for end in ("", " | head -n 3"):
        line = f"set -o pipefail; {program} {' '.join(lines(gerrit.url)['report'])}{end}"
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, env=environment(True), check=False
        )
        assert done.returncode in STATUSES
        told.append(done.stdout.splitlines())

    assert told[1] == told[0][:3]
