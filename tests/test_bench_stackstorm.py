"""What one escalation costs a StackStorm, as the benchmark counts and tells it."""

from __future__ import annotations

import subprocess
import sys
from typing import Dict, Optional

import pytest
from benchmarks import spending, stackstorm
from benchmarks.rows import of_table
from benchmarks.spending import ACTIONS, SENSOR, Look, Run, machine_time, processor_time, rows
from benchmarks.stackstorm import OURS, lasted, sender
from sandbox.gerrit.daemon import SeenRequest
from sandbox.stackstorm.services import TICKS, Stat, children, parse_stat


def line(state: str, *ticks: int) -> str:
    """As `/proc/PID/stat` has it, with a program's name that is no word."""
    behind = " ".join(map(str, ticks))
    return f"4242 (st2 (a) b) {state} 17 4242 4242 0 -1 4194560 900 0 0 0 {behind} 20 0 1 0 5 6 7\n"


def run(busy: Dict[str, float], idle: Dict[str, float]) -> Run:
    """Ten escalations in two minutes, after a minute without."""
    return Run(
        members=13,
        changes=10,
        idle=Look(idle, machine=20.0, at=60.0),
        busy=Look(busy, machine=90.0, at=120.0),
        requests=60,
        polls=4,
        seconds=100.0,
    )


def test_a_process_and_its_ended_children() -> None:
    """User and system time of each are added, and told apart."""
    found = parse_stat(line("S", 3 * TICKS, TICKS, 20 * TICKS, 5 * TICKS))

    assert found == Stat(parent=17, own=4.0, ended=25.0)


def test_a_process_that_has_ended() -> None:
    """It is there until its parent looks, and counts no more."""
    assert parse_stat(line("Z", 1, 2, 3, 4)) is None


def test_a_process_that_runs_below_another() -> None:
    """It is found by its parent."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = children(stackstorm.os.getpid())
        child.communicate(b"\n")

    assert child.pid in found


def test_what_actions_and_sensors_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Actions are the ended children of both runners; a sensor is a child that lives."""
    stats = {
        1: Stat(0, 3.0, 20.0),
        2: Stat(0, 4.0, 30.0),
        3: Stat(0, 1.0, 0.5),
        4: Stat(3, 7.0, 0.0),
        5: Stat(0, 2.0, 6.0),
    }

    def stat_of(pid: int) -> Optional[Stat]:
        return stats.get(pid)

    monkeypatch.setattr(spending, "stat_of", stat_of)
    monkeypatch.setattr(spending, "children", lambda pid: [4, 99] if pid == 3 else [])
    pids = {"actionrunner1": 1, "actionrunner2": 2, "sensorcontainer": 3, "mongo": 5, "gone": 98}

    assert processor_time(pids) == {
        "st2actionrunner": 7.0,
        ACTIONS: 50.0,
        "st2sensorcontainer": 1.5,
        SENSOR: 7.0,
        "the database": 8.0,
    }


def test_idling_is_taken_off() -> None:
    """For as long as the work took; what used less than that has used nothing."""
    found = run(busy={"mongo": 12.0, "redis": 0.1, ACTIONS: 8.0}, idle={"mongo": 1.0, "redis": 1.0})

    assert found.each() == {"mongo": 1.0, ACTIONS: 0.8, "redis": 0.0}
    assert found.others() == pytest.approx((90.0 - 20.1) / 120.0)


def test_rows_of_a_run() -> None:
    """The whole, its parts, and what follows from the time."""
    told = {row.work: row for row in rows(run({"mongo": 12.0, "redis": 0.1}, {"mongo": 1.0}))}

    assert told["an idle minute: CPU s"].figure == "1.0"
    assert told["one escalation, 13 members: CPU s in all"].figure == "1.01"
    assert told["of these mongo"].figure == "1.00"
    assert told["of these all others"].note == "redis"
    assert told["requests to Gerrit an escalation"].figure == "6.0"
    pace = told["10 at once, from the first to the last"]
    assert pace.figure == "100 s: 360 an hour, 200 in 2000 s"


def test_the_machine() -> None:
    """Neither idling nor waiting is work, nor what other machines took of the cores."""
    assert machine_time(f"cpu  {TICKS} {TICKS} {TICKS} 900 900 0 {TICKS} 900 900 900\n") == 4.0
    assert machine_time() > 0


def test_whose_request_it_is() -> None:
    """The sensor's searches hold the pack's query; our own looks do not count."""

    def of(query: str) -> str:
        return sender(SeenRequest("GET", "/a/changes/", query))

    assert of(OURS) == "bench"
    assert of("q=%28after%3A%222026%22%29%20%28-is%3Aprivate%29&n=500") == "sensor"
    assert of("q=%28owner%3A7%29%20%28status%3Aopen%29") == "action"


def test_from_the_first_to_the_last() -> None:
    """Whichever order they are listed in."""
    executions = [
        {
            "start_timestamp": "2026-03-11T00:05:02.500000Z",
            "end_timestamp": "2026-03-11T00:05:30.000000Z",
        },
        {
            "start_timestamp": "2026-03-11T00:05:01Z",
            "end_timestamp": "2026-03-11T00:05:31.500000Z",
        },
    ]

    assert lasted(executions) == 30.5


@pytest.mark.parametrize("named", [{}, {"ST2_API_URL": "http://127.0.0.1:9101"}])
def test_without_a_stackstorm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: Dict[str, str]
) -> None:
    """One row says that nothing was measured, and what is needed; the rest of the page comes."""
    for name in ("ST2_API_URL", "ST2_SERVICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)

    assert stackstorm.main([]) == 0
    (row,) = of_table(capsys.readouterr().out)
    assert (row.figure, row.aim) == ("not run", "<= 2.4")
    assert ("ST2_SERVICES" if named else "ST2_API_URL") in row.note.split(" is not set")[0]
