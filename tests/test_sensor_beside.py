"""The file beside the sensor: what it holds, and why it is not believed."""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

from histories import at
from reviewloop.core.timestamps import epoch
from reviewloop.sensor.beside import LONGEST, VERSION, Beside, Entry, default_folder
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.memory import Told
from reviewloop.store.cursor import Cursor

NOON = at("tue 12:00")
BEGUN = at("mon 12:00")
CHECKSUM = 2768393948
CURSOR = Cursor(NOON, cache="cafe")
ENTRIES = {
    ChangeKey(7, "tools/build"): Entry("a stamp", Told("known", "dispatched", "", 9)),
    ChangeKey(8, "tools/build"): Entry("another", Told("", "", "guessed", None)),
}


def beside(folder: Path, log: Optional[logging.Logger] = None) -> Beside:
    """The file of one sensor there."""
    return Beside(folder, "s", "f", log or logging.getLogger("beside"))


@pytest.fixture
def left(tmp_path: Path) -> Beside:
    """A file with two changes."""
    found = beside(tmp_path)
    assert found.write(CURSOR, BEGUN, ENTRIES.items())
    return found


def lines(left: Beside) -> List[Any]:
    """What stands in the file."""
    return [json.loads(line) for line in left.path.read_text("ascii").splitlines()]


def put(left: Beside, values: List[Any]) -> None:
    """Write something else in its place."""
    left.path.write_text("".join(f"{json.dumps(one)}\n" for one in values), "ascii")


def test_form(left: Beside) -> None:
    """A head, a line for each change, their number; the next release reads the same, under the same
    name: or the file of this one would lie there for ever.
    """
    assert left.path.name == "6a5a1a12566ee35d.jsonl"
    assert lines(left) == [
        {
            "version": VERSION,
            "fingerprint": "f",
            "cache": "cafe",
            "through": epoch(NOON),
            "begun": epoch(BEGUN),
        },
        [7, "tools/build", "a stamp", "known", "dispatched", "", 9],
        [8, "tools/build", "another", "", "", "guessed", None],
        {"changes": 2, "checksum": CHECKSUM},
    ]


def test_read_again(left: Beside) -> None:
    """Another process finds what was written, and when everything was last read anew."""
    found = beside(left.folder).read(CURSOR, NOON)

    assert found is not None
    assert found.begun == BEGUN
    assert found.entries == ENTRIES


def test_one_file_a_sensor(left: Beside) -> None:
    """Two sensors may use one folder."""
    other = Beside(left.folder, "t", "f", left.log)

    assert other.path.parent == left.path.parent
    assert other.path != left.path
    assert other.read(CURSOR, NOON) is None


Spoil = Tuple[str, Any]
REASONS: Dict[str, Spoil] = {
    "empty": ("'NoneType' object is not subscriptable", lambda _values: []),
    "of another version": (
        "it is of another release or configuration",
        lambda values: [{**values[0], "version": VERSION + 1}, *values[1:]],
    ),
    "of another configuration": (
        "it is of another release or configuration",
        lambda values: [{**values[0], "fingerprint": "g"}, *values[1:]],
    ),
    "of another cursor": (
        "it does not belong to the stored cursor",
        lambda values: [{**values[0], "cache": "babe"}, *values[1:]],
    ),
    "of a later cursor": (
        "the stored cursor has gone back since",
        lambda values: [{**values[0], "through": epoch(NOON) + 1}, *values[1:]],
    ),
    "too old": (
        "it is too old",
        lambda values: [{**values[0], "begun": epoch(NOON - LONGEST)}, *values[1:]],
    ),
    "without an instant": (
        "it is damaged",
        lambda values: [{**values[0], "through": float(epoch(NOON))}, *values[1:]],
    ),
    "with a truth for an instant": (
        "it is damaged",
        lambda values: [{**values[0], "begun": True}, *values[1:]],
    ),
    "short of a change": ("some of it is missing", lambda values: [*values[:2], values[3]]),
    "without an end": ("its end is missing", lambda values: values[:3]),
    "with a text for a number": (
        "it is damaged",
        lambda values: [values[0], ["7", "p", *"abcd", 9]],
    ),
    "with a truth for a number": (
        "it is damaged",
        lambda values: [values[0], [True, "p", *"abcd", 9]],
    ),
    "without a project": ("it is damaged", lambda values: [values[0], [7, None, *"abcd", 9]]),
    "without a stamp": ("it is damaged", lambda values: [values[0], [7, "p", None, *"bcd", 9]]),
    "with a text for an instant": (
        "it is damaged",
        lambda values: [values[0], [7, "p", *"abcde"]],
    ),
    "with another digit": (
        "it is damaged",
        lambda values: [values[0], [7, *values[1][1:-1], 8], *values[2:]],
    ),
    "without a checksum": ("'checksum'", lambda values: [*values[:3], {"changes": 2}]),
}


@pytest.mark.parametrize("name", sorted(REASONS))
def test_why_not(left: Beside, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the file and the reason."""
    reason, spoilt = REASONS[name]
    put(left, spoilt(lines(left)))

    with caplog.at_level(logging.INFO):
        assert left.read(CURSOR, NOON) is None
    assert caplog.messages == [f"The sensor's cache {left.path} is not used: {reason}"]


def test_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """That there is none yet is nothing to tell."""
    with caplog.at_level(logging.INFO):
        assert beside(tmp_path).read(CURSOR, NOON) is None
    assert caplog.messages == []


def test_cursor_without_a_name(tmp_path: Path) -> None:
    """A cursor that names no file has none, not even one that names no cursor."""
    found = beside(tmp_path)
    found.write(replace(CURSOR, cache=""), BEGUN, ENTRIES.items())

    assert found.read(replace(CURSOR, cache=""), NOON) is None


@pytest.mark.parametrize(
    ("now", "is_used"),
    [
        (BEGUN - timedelta(seconds=1), False),
        (BEGUN, True),
        (BEGUN + LONGEST - timedelta(seconds=1), True),
        (BEGUN + LONGEST, False),
    ],
)
def test_for_a_week(left: Beside, now: datetime, is_used: bool) -> None:
    """From when everything was read anew, up to but not with the instant a week later."""
    assert (left.read(CURSOR, now) is not None) is is_used


def test_cursor_that_moved_on(left: Beside) -> None:
    """Events were dispatched since: the file counts for what it knows."""
    assert left.read(replace(CURSOR, through=at("wed 12:00")), at("wed 12:00")) is not None


def test_whose_it_is(left: Beside, caplog: pytest.LogCaptureFixture) -> None:
    """One that the group, or everybody, may write to is not ours alone."""
    for mode in (0o620, 0o602):
        left.path.chmod(mode)
        with caplog.at_level(logging.INFO):
            assert left.read(CURSOR, NOON) is None
    assert [one.rpartition(": ")[2] for one in caplog.messages] == [
        "it is not this user's alone"
    ] * 2
    left.path.chmod(0o644)

    assert left.read(CURSOR, NOON) is not None


def test_of_somebody_else(left: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns it could have written it, whatever its mode says."""
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)

    assert left.read(CURSOR, NOON) is None


def test_pipe_in_its_place(left: Beside) -> None:
    """Nothing is waited for."""

    def waits(_signal: int, _frame: object) -> None:
        raise AssertionError

    left.path.unlink()
    os.mkfifo(left.path, 0o600)
    before = signal.signal(signal.SIGALRM, waits)
    signal.setitimer(signal.ITIMER_REAL, 5)
    try:
        assert left.read(CURSOR, NOON) is None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_folder_is_made(tmp_path: Path) -> None:
    """With those above it, for this user alone; one that is there stays as it is."""
    found = beside(tmp_path / "a" / "b")
    assert found.write(CURSOR, BEGUN, ())
    assert stat.S_IMODE(found.folder.stat().st_mode) == 0o700
    found.folder.chmod(0o755)

    assert found.write(CURSOR, BEGUN, ())
    assert stat.S_IMODE(found.folder.stat().st_mode) == 0o755


@pytest.mark.parametrize("mode", [0o777, 0o702])
def test_folder_of_everybody(tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    """Others could put something else in its place."""
    tmp_path.chmod(mode)
    found = beside(tmp_path)

    assert not found.write(CURSOR, BEGUN, ())
    told = f"others may write to {tmp_path}"
    assert caplog.messages == [f"The sensor's cache {found.path} cannot be written: {told}"]
    assert list(tmp_path.iterdir()) == []


def test_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used if it is the system's own, and not if it is another user's."""
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    shown = os.stat

    def of(user: int) -> None:
        """Let the folder belong to somebody."""

        def told(path: Any, **kwargs: Any) -> os.stat_result:
            return os.stat_result((*shown(path, **kwargs)[:4], user, *shown(path)[5:]))

        monkeypatch.setattr("reviewloop.sensor.beside.os.stat", told)

    of(owner + 2)
    assert not beside(tmp_path).write(CURSOR, BEGUN, ())
    of(0)
    assert beside(tmp_path).write(CURSOR, BEGUN, ())
    of(owner + 1)
    assert beside(tmp_path).write(CURSOR, BEGUN, ())


def test_written_anew(left: Beside) -> None:
    """In one step, for this user alone, and without what a process that died has left."""
    left.path.with_suffix(".new").write_text("half")
    assert left.write(CURSOR, BEGUN, ())

    assert [one.name for one in left.folder.iterdir()] == [left.path.name]
    assert stat.S_IMODE(left.path.stat().st_mode) == 0o600
    assert lines(left)[1:] == [{"changes": 0, "checksum": 0}]


def test_project_in_any_script(tmp_path: Path) -> None:
    """Names of projects are no matter, whatever the locale."""
    entries = {ChangeKey(7, "инструменты"): Entry("s", Told("k", "d", "", 0))}
    found = beside(tmp_path)
    found.write(CURSOR, BEGUN, entries.items())
    read = found.read(CURSOR, NOON)

    assert read is not None
    assert read.entries == entries


def test_text_that_is_not_ours(left: Beside) -> None:
    """All that this library writes is ASCII; a file that is not was written by something else."""
    text = left.path.read_text("ascii")
    left.path.write_text(text.replace("tools", "t\u00f6\u00f6ls"), "utf-8")

    assert left.read(CURSOR, NOON) is None


def test_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each user, among the temporary files."""
    monkeypatch.setattr("tempfile.tempdir", "/var/tmp/here")
    monkeypatch.setattr("os.geteuid", lambda: 1234)

    assert default_folder() == Path("/var/tmp/here/st2-gerrit-1234")
