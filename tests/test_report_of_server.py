"""A report of a server that fails now and then, or that is killed: the same, and nothing is asked
for twice.
"""

from __future__ import annotations

import io
import json
import signal
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence
from unittest import mock

import pytest
from benchmarks.report_real import Measured
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.relay import FAULTS, IN_A_ROW, Passed, Relay, now_and_then
from sandbox.report import first
from sandbox.report.histories import END, histories
from sandbox.report.reading import Made, Reading, asked_twice
from sandbox.report.server import TellingGerrit, half_a_year

from reviewloop.cli import histories as reading
from reviewloop.cli.main import main
from reviewloop.http.messages import Request

LIVES = histories()
#: Some of them are open and were not touched for a while, so both searches find something.
FEW = LIVES[::4]
URL = "https://review.example.org"
TRIES = reading.PATIENCE.tries

# --- in memory, with every schedule of faults -----------------------------------------------------


@dataclass
class Ran:
    """What a report of a server in memory printed, and what the server was asked."""

    status: int
    out: str
    err: str
    passed: List[Passed]
    slept: List[float]

    @property
    def requests(self) -> int:
        """How many the server was asked."""
        return len(self.passed)


def ran(faults: Sequence[str], folder: str = "", page: int = 500) -> Ran:
    """A report of a server to whose requests these faults happen, one after another, or none.

    :param page: rows that the server answers at most.
    """
    fake = TellingGerrit(FEW, END)
    fake.page_limit = page
    left, passed = list(faults), []

    def play(request: Request) -> None:
        fault = left.pop(0) if left else ""
        passed.append(Passed(request.target, fault))
        if fault == "reset":
            fake.drop()
        elif fault:
            status, _, seconds = fault.partition(" ")
            fake.fail(int(status), retry_after=seconds)

    fake.before_send = play
    where = ["--cache", folder] if folder else ["--no-cache"]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(
        io.StringIO()
    ) as err, mock.patch.object(reading, "make_client", lambda _settings, **more: client(more)):

        def client(more: Dict[str, Any]) -> Any:
            manners = {key: more[key] for key in ("patience",)}
            return fake.client("", **manners)

        status = main(["report", "--url", URL, "--json", *where])
    return Ran(status, out.getvalue(), err.getvalue(), passed, fake.slept)


@pytest.fixture(name="calm", scope="module")
def _calm() -> Ran:
    return ran(())


def in_a_row(faults: Sequence[str]) -> int:
    """The longest row of faults."""
    return max(map(len, "".join("x" if one else " " for one in faults).split()), default=0)


#: Requests for all of it where a page has twenty rows.
SMALL_PAGES = 16
#: As a server or a proxy refuses; the pauses are told from those that the client makes up.
REFUSALS = ("429", "429 37", "503", "503 11", "reset")
SCHEDULES = st.lists(st.sampled_from(("", "", *REFUSALS)), max_size=40)


@given(faults=SCHEDULES.filter(lambda faults: in_a_row(faults) < TRIES))
@settings(max_examples=20, deadline=None)
def test_faults_now_and_then_change_nothing(calm: Ran, faults: List[str]) -> None:
    """429 and 503, with and without Retry-After, and lost connections: the same numbers, and one
    request more for each. What a server asks to wait is waited.
    """
    found = ran(faults, page=20)
    played = [one for one in faults[: found.requests] if one]

    assert (found.status, found.out) == (0, calm.out)
    assert found.requests == SMALL_PAGES + len(played)
    for one in ("429 37", "503 11"):
        assert found.slept.count(float(one.split()[1])) == played.count(one)


@pytest.mark.parametrize("answered", [0, 1, 3, 4])
def test_server_that_fails_for_good(calm: Ran, tmp_path: Path, answered: int) -> None:
    """It is refused with one line; run again, it goes on with what it has, to the same numbers."""
    cache = str(tmp_path / "cache")
    failed = ran([""] * answered + ["503"] * TRIES, cache)
    again = ran((), cache)

    assert (failed.status, failed.out) == (2, "")
    assert "503" in failed.err.splitlines()[-1]
    assert failed.requests == answered + TRIES
    assert (again.status, again.out) == (0, calm.out)
    assert asked_twice([*failed.passed, *again.passed]) == []


# --- over a connection, as people run it ----------------------------------------------------------


@dataclass
class Served:
    """A simulated server behind a relay, and what a report of it is when nothing happens."""

    relay: Relay
    reading: Reading
    made: Made
    passed: List[Passed]


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with half_a_year() as gerrit, Relay(gerrit.url) as relay:
        folder = tmp_path_factory.mktemp("reports")
        reading = Reading(relay, folder, ["--rate", "1000", "--days", "200"])
        yield Served(relay, reading, reading.make("first"), list(relay.passed))


def test_nothing_happens(served: Served) -> None:
    """The version, then the lists of what moved and of what is open, and fifty histories each."""
    assert served.made.status == 0
    assert json.loads(served.made.numbers)["generated"] == f"{END:%Y-%m-%dT%H:%M:%SZ}"
    asked = [number for one in served.passed for number in one.histories]
    assert len(asked) == len(set(asked)) == len(LIVES)
    assert len(served.passed) == 3 + -(-len(LIVES) // 50)


def test_relay_that_fails_now_and_then(served: Served) -> None:
    """429, 503, resets and answers that break off: page and numbers are the same, byte for byte."""
    served.relay.reset(now_and_then(0.3, seed=27))
    made = served.reading.make("faults")

    assert (made.status, made.page, made.numbers) == (0, served.made.page, served.made.numbers)
    faults = [one.fault for one in served.relay.passed if one.fault]
    assert faults == ["429", "reset", "429 1", "cut", "503 2"]
    assert [one.target for one in served.relay.answered] == [one.target for one in served.passed]
    assert asked_twice(served.relay.passed) == []


def test_killed_and_run_again(served: Served) -> None:
    """After SIGKILL in the middle the next run asks for no history that was answered, makes the
    same report, and asks the lists once more, since they tell what has moved.
    """
    place = 8
    served.relay.reset()
    killed = served.reading.make("killed", kill_at=place)
    before = list(served.relay.passed)
    served.relay.reset()
    again = served.reading.make("killed")
    after = list(served.relay.passed)

    assert (killed.status, killed.numbers, killed.page) == (-signal.SIGKILL, b"", b"")
    assert (again.status, again.page, again.numbers) == (0, served.made.page, served.made.numbers)
    assert len(before) == place - 1
    assert asked_twice([*before, *after]) == []
    asked = [number for one in (*before, *after) for number in one.histories]
    assert sorted(asked) == sorted(one["_number"] for one in LIVES)
    lists = [one.target for one in served.passed if not one.histories]
    assert [one.target for one in after if not one.histories] == lists


def test_measuring(tmp_path: Path) -> None:
    """What measures a report of a real server, on a simulated one: four rows, nothing differs."""
    with half_a_year(LIVES[-120:]) as gerrit, Relay(gerrit.url) as relay:
        measured = Measured(relay, tmp_path)
        rows = list(measured.rows())

    assert measured.differing == []
    assert [row.figure.split(",")[0].split()[0] for row in rows[:2]] == ["6", "3"]
    assert [row.note for row in rows[1:3]] == ["page and JSON are the same, byte for byte"] * 2
    assert rows[3].note.endswith("2 requests before, 0 histories asked for twice")


def test_first_report(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`make report` shows the command, what it prints, and where the page is."""
    page = tmp_path / "report.html"

    assert first.main([str(page)]) == 0
    told = capfd.readouterr().out.splitlines()
    assert told[0].startswith("$ reviewloop report --url http://127.0.0.1:")
    assert "How it stands" in told
    assert told[-1].endswith(f"Open it: {page.as_uri()}")
    assert page.stat().st_size > 100_000


def test_schedule_of_faults() -> None:
    """Each kind happens, never more in a row than a reader has patience for."""
    which = now_and_then(0.4)
    faults = [which() for _ in range(500)]

    assert set(faults) == {"", *FAULTS}
    assert in_a_row(faults) == IN_A_ROW < TRIES
