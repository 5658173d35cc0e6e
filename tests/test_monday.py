"""The Monday of ``make test-st2``, as far as it can be tried without a StackStorm."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from sandbox.stackstorm import pack
from sandbox.stackstorm.api import StackStorm
from sandbox.stackstorm.options import SMALL, WHOLE, Options, parse
from sandbox.stackstorm.play import Course, Fault, Play, Scene
from sandbox.stackstorm.preparation import asking_rules
from sandbox.stackstorm.services import SCRIPTS

from repository import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What ``ST2_SERVICES`` names."""
    for name in SCRIPTS:
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "api.pid").touch()
    return tmp_path


# The command line


def test_nothing_said():
    """Two hundred changes, from this checkout, and nothing breaks."""
    assert parse([]) == Options()
    assert (Options().checkout, Options().changes) == (ROOT, 200)
    assert not parse([]).needs_services


def test_everything_said(folder: Path):
    """Every switch reaches the options, and a rule may be named more than once."""
    arguments = ["--changes", "8", "--members", "5", "--poll", "30", "--per-run", "5"]
    arguments += ["--per-person-week", "9", "--rule", "label_unmerged", "--rule", "label_overdue"]
    arguments += ["--two-sensors", "--kill-runner", "--gerrit-down", "120", "--rabbit-down", "60"]
    arguments += ["--mongo-down", "61", "--stall", "100", "--patience", "150"]
    arguments += ["--replace", "--keep", "--checkout", str(folder)]

    assert parse(arguments, {"ST2_SERVICES": str(folder)}) == Options(
        checkout=folder.resolve(),
        changes=8,
        members=5,
        poll=30,
        per_person_week=9,
        per_run=5,
        rules=("label_unmerged", "label_overdue"),
        two_sensors=True,
        kill_runner=True,
        gerrit_down=120,
        rabbit_down=60,
        mongo_down=61,
        stall=100,
        patience=150,
        replace=True,
        keep=True,
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--changes", "0"], "--changes 0: take 1 to 500"),
        (["--changes", "501"], "--changes 501: take 1 to 500"),
        (["--members", "0"], "--members 0: somebody has to be asked"),
        (["--kill-runner"], "ST2_SERVICES is not set"),
        (["--two-sensors"], "ST2_SERVICES is not set"),
        (["--rabbit-down", "1"], "ST2_SERVICES is not set"),
        (["--mongo-down", "1"], "ST2_SERVICES is not set"),
    ],
)
def test_what_cannot_be(arguments: List[str], told: str, capsys: pytest.CaptureFixture[str]):
    """It is refused before anything is started, with what to do instead."""
    with pytest.raises(SystemExit):
        parse(arguments, {})

    assert told in capsys.readouterr().err


def test_gerrit_alone():
    """To stop Gerrit, nothing of StackStorm has to be touched."""
    assert parse(["--gerrit-down", "120"], {}).gerrit_down == 120


def test_the_two_of_make():
    """The small one needs no services and the whole one has every fault of the promise."""
    assert not SMALL.needs_services
    assert WHOLE.needs_services
    assert (WHOLE.changes, WHOLE.gerrit_down, WHOLE.rabbit_down, WHOLE.mongo_down) == (
        200,
        120,
        60,
        60,
    )


def test_rules_that_ask():
    """Those on either trigger that ask or stand down; none that only marks or sweeps."""
    assert set(asking_rules(ROOT)) == {
        "escalate_overdue",
        "escalate_to_committee",
        "nudge_overdue",
        "nudge_reviewers",
        "stand_down",
    }


# The day

MORNING = datetime(2026, 3, 11, tzinfo=timezone.utc)


class Rehearsal(Scene):
    """A day on which time passes by itself, and which writes down what happens.

    :ivar asking: the number of changes that are asked for, by the seconds and the turns so far.
    """

    def __init__(self, asking: Callable[[float, int], int]) -> None:
        self.asking = asking
        self.time = 1_000.0
        self.turns = 0
        self.looks = 0
        self.told: List[str] = []

    def asked(self) -> int:
        """By the script."""
        return self.asking(self.time - 1_000, self.turns)

    def look_after(self) -> None:
        """Counted."""
        self.looks += 1

    def turn(self, minutes: int) -> None:
        """Counted."""
        assert minutes == 10
        self.turns += 1

    def clock(self) -> datetime:
        """It runs as the day does."""
        return MORNING + timedelta(seconds=self.time - 1_000, minutes=10 * self.turns)

    def say(self, text: str) -> None:
        """Written down."""
        self.told.append(text)

    def now(self) -> float:
        """It never begins at nought."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """At once."""
        assert seconds > 0
        self.time += seconds

    def fault(self, name: str, seconds: int = 60) -> Fault:
        """One that writes down its beginning and its end."""
        begin, end = (lambda: self.say(f"- {name}")), (lambda: self.say(f"+ {name}"))
        return Fault(name, begin, seconds, end)


HUNDRED = Options(changes=100, stall=180, patience=300)


def test_quiet_day():
    """It ends as soon as all were asked for."""
    scene = Rehearsal(lambda seconds, _: min(100, int(seconds)))

    assert Play(scene, HUNDRED, []).run() == Course(100.0, 0.0, 0, MORNING)
    assert scene.told[0] == "    10 s  asked for 10"
    assert scene.turns == 0


def test_faults_one_after_the_other():
    """The first comes after some asks, the next after twice as many more; each ends in its time.

    While something is broken, it is still looked after.
    """
    scene = Rehearsal(lambda seconds, _: min(100, int(seconds / 10)))
    course = Play(scene, HUNDRED, [scene.fault("one"), scene.fault("two", 12)]).run()

    assert [line for line in scene.told if "asked" not in line] == [
        "    80 s  FAULT one",
        "- one",
        "+ one",
        "   140 s  over: one",
        "   240 s  FAULT two",
        "- two",
        "+ two",
        "   252 s  over: two",
    ]
    assert course == Course(1002.0, 252.0, 0, MORNING + timedelta(seconds=252))
    assert scene.looks > 100


def test_fault_while_nothing_moves():
    """It does not wait for asks that do not come."""
    scene = Rehearsal(lambda seconds, _: 100 if seconds > 250 else 0)
    course = Play(scene, HUNDRED, [scene.fault("one")]).run()

    assert scene.told[0] == "   190 s  FAULT one"
    assert course.faults_over == 250.0


def test_all_asked_before_the_last_fault():
    """What was to be tried is tried."""
    scene = Rehearsal(lambda _seconds, _turns: 100)
    Play(scene, HUNDRED, [scene.fault("one"), scene.fault("two")]).run()

    assert [line for line in scene.told if line[0] in "+-"] == ["- one", "+ one", "- two", "+ two"]


def test_waits_that_are_offered_again_in_an_hour():
    """The clock is turned on, and what comes then is no loss."""
    scene = Rehearsal(lambda _seconds, turns: 100 if turns == 6 else 60)

    assert Play(scene, HUNDRED, []).run() == Course(1880.0, 0.0, 6, MORNING)


def test_changes_that_are_never_asked_for():
    """After four hours without any it is given up."""
    scene = Rehearsal(lambda _seconds, _turns: 60)

    assert Play(scene, HUNDRED, []).run() == Course(10.0, 0.0, 24, MORNING)
    assert scene.turns == 24
    assert scene.told[-1].endswith("nobody was asked for 310 s; asked for 60")


# The pack on StackStorm


class SmallStackStorm(StackStorm):
    """One that knows packs, executions, and datastore values, of which it lists two at a time."""

    def __init__(self) -> None:
        self.packs = ["core", "gerrit"]
        self.values = [f"gerrit.ask.{number}" for number in range(5)]
        self.values += ["gerrit_password", "gerrit_other", "jira.cursor"]
        self.states = {"1": ("gerrit.escalate", "running"), "2": ("gerrit.assess", "failed")}
        self.states["3"] = ("core.local", "running")
        self.canceled: List[str] = []

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Lists, and DELETE."""
        name = path.rpartition("/")[2]
        if method == "DELETE":
            known = self.canceled.append if path.startswith("/exec") else self.values.remove
            return known(name)
        if path == "/packs":
            return [{"ref": one} for one in self.packs]
        if path == "/keys":
            found = [one for one in self.values if one.startswith(params["prefix"])]
            return [{"name": one, "value": ""} for one in found[:2]]
        if path == "/executions":
            first, limit = params["offset"], params["limit"]
            return [self._execution(one) for one in islice(self.states, first, first + limit)]
        raise AssertionError(f"{method} {path}")

    def run(self, action: str, timeout: float = 120, **parameters: Any) -> Dict[str, Any]:
        """Only what uninstalls."""
        assert (action, parameters) == ("packs.uninstall", {"packs": ["gerrit"]})
        self.packs.remove("gerrit")
        return {"status": "succeeded"}

    def _execution(self, number: str) -> Dict[str, Any]:
        ref, status = self.states[number]
        return {"id": number, "status": status, "action": {"ref": ref}}


def test_pack_cleared_away():
    """Its runs, its values and its secrets go with it; nothing of others does."""
    st2 = SmallStackStorm()
    pack.clear_away(st2)
    pack.clear_away(st2)

    assert st2.packs == ["core"]
    assert st2.values == ["gerrit_other", "jira.cursor"]
    assert set(st2.canceled) == {"1"}


def test_names_of_stored_values():
    """They are those of the operator guide's table, which is compared with the library."""
    assert {"gerrit.cursor.", "gerrit.trouble.", "gerrit.away."} < set(pack.stored_names())


def test_pack_of_somebody_else():
    """It is left alone."""
    with pytest.raises(AssertionError, match="uninstall it first"):
        pack.must_not_be_there(SmallStackStorm())


def test_executions_of_many_pages():
    """All are listed, each once."""
    st2 = SmallStackStorm()
    st2.states = {str(number): ("gerrit.escalate", "succeeded") for number in range(250)}

    assert [one["id"] for one in st2.every_execution("id")] == list(st2.states)
