"""A sensor that runs for the first time logs a check-up once, and no poll waits for it."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Callable, List

import pytest
from sandbox.gerrit.fake import FakeGerrit
from sandbox.standin.standin import StandIn

from bench import Bench
from repository import ROOT
from reviewloop.errors import TemporaryError
from reviewloop.gerrit import session
from reviewloop.gerrit.client import Client
from reviewloop.http.retry import Timing
from reviewloop.insight.findings import Finding, Level
from reviewloop.operations import doctor
from reviewloop.sensor import first_look
from reviewloop.settings.load import Settings, load


@pytest.fixture(name="looks")
def _looks() -> List[str]:
    return []


@pytest.fixture(name="bench")
def _bench(looks: List[str]) -> Bench:
    bench = Bench()
    bench.first_look = lambda: looks.append("looked")
    bench.start()
    return bench


def test_once(bench: Bench, looks: List[str]) -> None:
    """It looks after the first poll, and not after the second, nor in the next process."""
    bench.poll()
    assert looks == ["looked"]
    bench.fake.advance(hours=1)
    bench.poll()
    bench.start()
    bench.poll()

    assert looks == ["looked"]


def test_although_the_first_poll_fails(bench: Bench, looks: List[str]) -> None:
    """Where Gerrit does not answer, somebody wants to know why: it looks once all the same."""
    bench.fake.refuse(99)
    bench.poll()
    bench.poll()

    assert looks == ["looked"]


def test_not_where_a_cursor_was_damaged(bench: Bench, looks: List[str]) -> None:
    """A sensor that has polled before looks no more, even if its cursor cannot be read."""
    bench.poll()
    (name,) = [one for one in bench.shelf.names() if one.startswith("gerrit.cursor.")]
    bench.shelf.store.put(name, "{broken")
    looks.clear()
    bench.start()
    bench.poll()

    assert looks == []


def test_a_cursor_that_somebody_took_away(bench: Bench, looks: List[str]) -> None:
    """Then the sensor begins anew, also where it has polled for long."""
    bench.poll()
    looks.clear()
    bench.start()
    bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 10:00:00")
    bench.fails_after_dispatch = True
    bench.poll()
    bench.fails_after_dispatch = bench.shelf.store.down = False
    (name,) = [one for one in bench.shelf.names() if one.startswith("gerrit.cursor.")]
    bench.shelf.store.drop(name)
    bench.poll()

    assert looks == ["looked"]


class Kept(logging.Handler):
    """What was logged, as lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"{record.levelname}: {record.getMessage()}")


@pytest.fixture(name="kept")
def _kept() -> Kept:
    return Kept()


def looked(settings: Settings, kept: Kept) -> List[str]:
    """Look; what was logged."""
    log = logging.Logger("sensor")
    log.addHandler(kept)
    first_look.first_look(settings, log)
    return kept.lines


def reaching(monkeypatch: pytest.MonkeyPatch, fake: FakeGerrit) -> Settings:
    """Settings of which every client is the fake's."""

    def client(_settings: Settings) -> Client:
        return fake.client(local_clock=lambda: fake.now)

    monkeypatch.setattr(first_look, "make_client", client)
    for name in ("ST2_API_URL", "ST2_ACTION_API_URL"):
        monkeypatch.delenv(name, raising=False)
    return load(Bench().config)


def test_what_is_logged(monkeypatch: pytest.MonkeyPatch, kept: Kept) -> None:
    """One line a finding that is not well, loud where it is a problem, and one that sums up."""
    fake = FakeGerrit()
    fake.query_limit = 20
    settings = reaching(monkeypatch, fake)
    lines = looked(settings, kept)

    assert any(line.startswith("WARNING: doctor: warning: st2-reviews gets 20") for line in lines)
    assert any(line.startswith("INFO: doctor: unknown: Rules, the sensor's") for line in lines)
    assert not [line for line in lines if "doctor: ok" in line]
    assert lines[-1].endswith("`st2 run gerrit.doctor` looks again.")
    assert len(fake.seen) <= 20
    assert {one.split(" ")[0] for one in fake.seen} == {"GET"}


def test_out_of_time(monkeypatch: pytest.MonkeyPatch, kept: Kept) -> None:
    """After its time it begins no further step, and says which ones it left out."""
    fake = FakeGerrit()
    settings = reaching(monkeypatch, fake)
    monkeypatch.setattr(first_look, "LONGEST", -1.0)
    lines = looked(settings, kept)

    (late,) = [line for line in lines if "lack of time" in line]
    assert "configuration, gerrit, account, account: token, query" in late
    assert fake.seen == []


def test_lines(kept: Kept) -> None:
    """What, why and what to do, as far as there is any of it; nothing of what is well."""
    log = logging.Logger("sensor")
    log.addHandler(kept)
    found = [
        {"level": "problem", "what": "No.", "why": "It is so.", "remedy": "Mend it."},
        {"level": "warning", "what": "Few.", "why": "", "remedy": "More."},
        {"level": "unknown", "what": "Who knows.", "why": "", "remedy": ""},
        {"level": "note", "what": "By the way.", "why": "", "remedy": ""},
        {"level": "ok", "what": "Well.", "why": "", "remedy": ""},
    ]
    first_look.report({"findings": found, "problems": 1, "warnings": 3}, log)

    assert kept.lines == [
        "WARNING: doctor: problem: No. It is so. Mend it.",
        "WARNING: doctor: warning: Few. More.",
        "INFO: doctor: unknown: Who knows.",
        "INFO: doctor: note: By the way.",
        "INFO: doctor: 1 problems, 3 warnings; `st2 run gerrit.doctor` looks again.",
    ]


class Looked:
    """Takes a check-up's place, and notes what it is given."""

    def __init__(self, *given: Any) -> None:
        self.given = given

    def findings(self, limit: int, enough: Callable[[], bool]) -> List[Finding]:
        """One finding."""
        self.limit, self.enough = limit, enough
        return [Finding("gerrit", Level.WARNING, "Slow.")]


def test_what_it_looks_with(monkeypatch: pytest.MonkeyPatch, kept: Kept) -> None:
    """The configuration, a client of its own that is closed then, the configured tracker, and the
    StackStorm around it; for a minute, at fifty changes.
    """
    seconds, closed, looks = [100.0], [], []

    def check_up(*given: Any) -> Looked:
        looks.append(Looked(*given))
        return looks[-1]

    fake = FakeGerrit()
    client = fake.client()
    monkeypatch.setattr(client, "close", lambda: closed.append(client))
    monkeypatch.setattr(
        first_look, "make_client", lambda settings: {id(made): client}[id(settings)]
    )
    monkeypatch.setattr(first_look, "make_tracker", lambda tracker: ("tracker", tracker))
    monkeypatch.setattr(first_look, "Timing", lambda: Timing(monotonic=lambda: seconds[0]))
    monkeypatch.setattr(first_look, "CheckUp", check_up)
    monkeypatch.setattr(first_look, "around", lambda environ: ("around", environ))
    made = load(Bench().config)
    lines = looked(made, kept)
    (look,) = looks
    given, tracker = look.given[:2], look.given[2]()

    assert given == (made, client)
    assert tracker == ("tracker", made.tracker)
    assert look.given[3:] == (("around", os.environ),)
    assert (look.limit, closed) == (50, [client])
    assert lines[0] == "WARNING: doctor: warning: Slow."
    late = []
    for seconds[0] in (100.0, 159.9, 160.0):
        late.append(look.enough())
    assert late == [False, False, True]


def test_its_thread() -> None:
    """It bears its name, and keeps no process from ending."""
    threads: List[threading.Thread] = []
    done = threading.Event()

    def work() -> None:
        threads.append(threading.current_thread())
        done.set()

    first_look.in_background(work)
    assert done.wait(timeout=60)
    assert [(one.name, one.daemon) for one in threads] == [("first look", True)]


@pytest.mark.parametrize("error", [TemporaryError("Gone."), RuntimeError("a defect")])
def test_it_never_fails(monkeypatch: pytest.MonkeyPatch, kept: Kept, error: Exception) -> None:
    """Whatever it meets, it logs, and raises nothing."""

    def fails(_settings: Settings) -> Client:
        raise error

    monkeypatch.setattr(first_look, "make_client", fails)
    (line,) = looked(load(Bench().config), kept)

    assert line.startswith("INFO: doctor: the check-up came to an end: ")
    assert ("Gone." in line) is isinstance(error, TemporaryError)
    assert "a defect" not in line


def test_no_poll_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sensor's file begins it in a thread: while it hangs, polls go on."""
    release, began = threading.Event(), threading.Event()

    def hangs(*_: Any, **__: Any) -> Any:
        began.set()
        release.wait(timeout=60)
        return []

    monkeypatch.setattr(doctor.CheckUp, "findings", hangs)
    monkeypatch.setattr(session, "patiently", lambda step, *_patience: step())
    world = FakeGerrit()
    standin = StandIn(
        ROOT, config={"url": "http://127.0.0.1:9"}, secrets={}, clock=lambda: world.now
    )
    work: List[Callable[[], None]] = []
    standin.in_background = work.append
    sensor = standin.start_sensor()
    standin.poll()
    assert len(work) == 1
    type(sensor).in_background(work[0])

    assert began.wait(timeout=60)
    standin.poll()
    standin.poll()
    assert len(work) == 1
    assert not release.is_set()
    release.set()
