"""When what a process has left is of another code or configuration, and when it is not."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import pytest

from histories import at
from repository import ROOT
from reviewloop.core.durations import Duration
from reviewloop.core.policy import Vote
from reviewloop.core.worktime import Calendar
from reviewloop.sensor import fingerprint as module
from reviewloop.sensor.beside import default_folder
from reviewloop.sensor.fingerprint import beside, fingerprint
from reviewloop.settings.communities import PROFILES
from reviewloop.settings.load import Settings, load

NOW = at("mon 9:00")
CONFIG = {"url": "https://gerrit.example.org", "username": "st2-reviews", "password": "secret"}


@lru_cache(maxsize=None)
def settings(**config: Any) -> Settings:
    """A configuration."""
    return load({**CONFIG, **config})


def policy(**values: Any) -> Settings:
    """One with another value of the policy."""
    found = settings()
    return replace(found, policy=replace(found.policy, **values))


def calendar(**values: Any) -> Settings:
    """One with another calendar."""
    return policy(calendar=Calendar(**values))


def off(*days: date) -> Settings:
    """One with these days off."""
    return calendar(days_off=lambda day: day in days)


class Shifting(tzinfo):
    """A zone that has another hour on one day."""

    def __init__(self, hours: int) -> None:
        self._hours = hours

    def utcoffset(self, when: Optional[datetime]) -> timedelta:
        """Nothing but on that day."""
        is_there = when is not None and when.date() == date(2028, 7, 1)
        return timedelta(hours=self._hours if is_there else 0)

    def dst(self, _when: Optional[datetime]) -> timedelta:
        """None."""
        return timedelta(0)

    def __str__(self) -> str:
        return "Example/Shifting"


def hold(label: str, value: int) -> Settings:
    """One in which this vote holds a change back."""
    return policy(hold=(Vote(label, value),))


def milestones(*days: int) -> Settings:
    """One with milestones after so many days."""
    return policy(milestones=tuple(Duration(amount, "d") for amount in days))


def grace(amount: int, unit: str) -> Settings:
    """One that leaves red changes alone for so long."""
    return policy(red_grace=Duration(amount, unit))


def zone(hours: int) -> Settings:
    """One in a zone with so many hours more on one day."""
    return calendar(zone=Shifting(hours))


def noise(pattern: str, flags: int = 0) -> Settings:
    """One in which this is noise."""
    return policy(noise=(re.compile(pattern, flags),))


Made = Callable[[], Settings]
DIFFERENT: Dict[str, Tuple[Made, Made]] = {
    "name of the server": (settings, lambda: settings(server_id="review.example.org")),
    "address": (
        settings,
        lambda: replace(settings(), gerrit=replace(settings().gerrit, url="http://g.example.org")),
    ),
    "query": (settings, lambda: settings(query="project:tools/build")),
    "account": (settings, lambda: settings(username="st2-others")),
    "milestones": (lambda: milestones(1, 2), lambda: milestones(1, 3)),
    "fewer milestones": (lambda: milestones(1, 2), lambda: milestones(1)),
    "value of a hold": (lambda: hold("Verified", -1), lambda: hold("Verified", -2)),
    "label of a hold": (lambda: hold("Verified", -1), lambda: hold("Workflow", -1)),
    "pattern": (lambda: noise("x"), lambda: noise("y")),
    "case of a pattern": (lambda: noise("x"), lambda: noise("x", re.IGNORECASE)),
    "amount of a grace": (lambda: grace(1, "d"), lambda: grace(2, "d")),
    "unit of a grace": (lambda: grace(1, "d"), lambda: grace(1, "w")),
    "identity": (settings, lambda: policy(own_id=7)),
    "name of a zone": (calendar, lambda: calendar(zone=timezone(timedelta(0), "Elsewhere"))),
    "workdays": (calendar, lambda: calendar(workdays=frozenset({0, 1, 2, 3, 6}))),
    "start of the day": (lambda: calendar(length=3600), lambda: calendar(start=60, length=3600)),
    "length of the day": (calendar, lambda: calendar(length=3600)),
    "first of January of last year": (calendar, lambda: off(date(2025, 1, 1))),
    "day off": (lambda: off(date(2026, 3, 3)), lambda: off(date(2026, 3, 4))),
    "last of December in two years": (calendar, lambda: off(date(2028, 12, 31))),
    "hour of a zone": (lambda: zone(0), lambda: zone(1)),
    "another hour of it": (lambda: zone(1), lambda: zone(2)),
}


@pytest.mark.parametrize("name", sorted(DIFFERENT))
def test_whatever_differs(name: str) -> None:
    """Two configurations that differ in this have different fingerprints."""
    one, other = (fingerprint(made(), NOW) for made in DIFFERENT[name])

    assert one != other
    assert re.fullmatch("[0-9a-f]{64}", one)


def test_same_configuration() -> None:
    """What makes no other reading is no matter, nor is the time of the year."""
    first = fingerprint(settings(), NOW)

    assert fingerprint(settings(password="another", poll_interval=90), NOW) == first
    assert fingerprint(settings(), at("mon 9:00") + timedelta(days=200)) == first
    assert fingerprint(off(date(2024, 12, 31), date(2029, 1, 1)), NOW) == first


def test_years_of_the_calendar() -> None:
    """Last year, this one and the next two, as far as anything that is read or told can reach."""
    ends = (date(2025, 1, 1), date(2028, 12, 31))
    days = list(module._days(Calendar(days_off=lambda day: day in ends), NOW))

    assert len(days) == 4 * 365 + 1
    assert days[0] == days[-1] == [1, "0:00:00"]
    assert days[1:-1] == [[0, "0:00:00"]] * (len(days) - 2)
    assert [1, "1:00:00"] in module._days(Calendar(zone=Shifting(1), days_off=lambda _: True), NOW)


def test_every_kind_of_value() -> None:
    """All that a policy holds has a text of its own in JSON, or loading it here would fail."""
    for profile in sorted(PROFILES):
        told = module._plain(settings(profile=profile).policy)
        assert json.loads(json.dumps(told)) == told


def test_same_in_another_process() -> None:
    """Sets have an order of their own in each process: none gets in."""
    code = (
        "from datetime import datetime, timezone\n"
        "from reviewloop.sensor.fingerprint import fingerprint\n"
        "from reviewloop.settings.load import load\n"
        f"settings = load({CONFIG!r})\n"
        f"print(fingerprint(settings, datetime.fromisoformat({NOW.isoformat()!r})))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])}
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**env, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert told[0] == told[1]


def test_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release may read another thing from the same."""
    before = fingerprint(settings(), NOW)
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")

    assert fingerprint(settings(), NOW) != before


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another library, with two modules in each room."""
    monkeypatch.setattr(module, "_LIBRARY", tmp_path)
    monkeypatch.setattr(module, "_days", lambda _calendar, _now: ())
    for room in ("core", "gerrit", "sensor", "store", "messages"):
        (tmp_path / room / "inner").mkdir(parents=True)
        (tmp_path / room / "a.py").write_text("1")
        (tmp_path / room / "inner" / "b.py").write_text("2")
    return tmp_path


@pytest.mark.parametrize("room", ["core", "gerrit", "sensor", "store"])
def test_another_code(library: Path, room: str) -> None:
    """Any module of the rooms that read changes, and packed and wrote what was read."""
    before = fingerprint(settings(), NOW)
    for path in sorted((library / room).rglob("*.py")):
        text = path.read_text()
        path.write_text("3")
        assert fingerprint(settings(), NOW) != before
        path.write_text(text)
        moved = path.rename(path.with_name("c.py"))
        assert fingerprint(settings(), NOW) != before
        moved.rename(path)

    assert fingerprint(settings(), NOW) == before


def test_another_file(library: Path) -> None:
    """What has no part in readings, and what Python has made of the modules, is no matter."""
    before = fingerprint(settings(), NOW)
    (library / "messages" / "a.py").write_text("3")
    (library / "core" / "a.pyc").write_text("4")

    assert fingerprint(settings(), NOW) == before


def test_the_code_that_runs() -> None:
    """It is this library's, wherever that is installed."""
    told = list(module._code())

    assert b"core/turns.py" in told
    assert Path(module.__file__).read_bytes() in told
    assert not any(one.startswith(b"messages/") for one in told)


def test_file_of_a_configuration() -> None:
    """Where the configuration says, or among the temporary files; nowhere if it says so."""
    log = logging.getLogger("here")
    found = beside(settings(sensor_cache="/var/cache/here"), NOW, log)
    assert found is not None
    assert found.folder == Path("/var/cache/here")
    assert found.sensor == "gerrit.example.org https://gerrit.example.org -is:private"
    assert found.fingerprint == fingerprint(settings(), NOW)
    assert found.log is log
    other = beside(settings(query="project:tools/build"), NOW, log)
    assert other is not None
    assert other.folder == default_folder()
    assert other.path.name != found.path.name

    assert beside(settings(sensor_cache="none"), NOW, log) is None
