"""What a report of a file reads and keeps: counted, so that it does not grow again."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable

import pytest
from sandbox.report.histories import CONFIG, END, histories

from reviewloop.cli.main import main
from reviewloop.cli.report import read_twice
from reviewloop.core.reading import read_change
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError
from reviewloop.gerrit import parse
from reviewloop.insight.report.cycles import Cycles
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import Scope
from reviewloop.insight.report.whole import PROMISE
from reviewloop.settings.load import load

LIVES = histories()


def written(path: Path, changes: Iterable[Dict[str, Any]]) -> Path:
    """A file of changes."""
    path.write_text("".join(f"{json.dumps(one)}\n" for one in changes), encoding="utf-8")
    return path


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> str:
    path = tmp_path / "gerrit.yaml"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return str(path)


def test_file_is_never_held(tmp_path: Path) -> None:
    """A file's changes are read one by one, as often as they are wanted."""
    path = written(tmp_path / "changes.jsonl", LIVES[:2])
    with path.open("a", encoding="utf-8") as opened:
        opened.write("{broken\n")
    read = read_twice(path)

    for _ in range(2):
        found = read()
        assert [next(found), next(found)] == LIVES[:2]
        with pytest.raises(ConfigError, match="line 3"):
            next(found)


def test_what_can_be_read_only_once(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    config: str,
) -> None:
    """The same changes from a pipe, which says its end only at its end, make the same report."""
    path = written(tmp_path / "changes.jsonl", LIVES)
    assert main(["report", "--config", config, "--changes", str(path), "--json"]) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes()), "ascii"))

    assert main(["report", "--config", config, "--changes", "-", "--json"]) == 0
    assert capsys.readouterr().out == expected


def test_change_outside_the_period(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    """Of a closed change outside the period nothing is read beyond what says so."""
    row = {**LIVES[0], "status": "MERGED", "updated": "2020-03-02 09:00:00.000000000"}
    inside, outside = {**LIVES[0], "messages": 5}, {**row, "messages": 5}
    told = []
    for lines in (LIVES, [outside, *LIVES], [inside, *LIVES]):
        path = written(tmp_path / "changes.jsonl", lines)
        assert main(["report", "--config", config, "--changes", str(path), "--json"]) == 0
        told.append(capsys.readouterr())

    assert told[0] == told[1]
    assert "Unreadable" in told[2].err


def test_waits_that_no_figure_is_made_of() -> None:
    """Of a change the report keeps the reviewers' waits, and no history."""
    found = Gathered(Scope(load(CONFIG).policy, PROMISE, END), Cycles())
    found.take_all(map(parse.change, LIVES))
    kept = [one for change in found.changes for one in change.waits]
    known = {
        (change.number, wait.since)
        for change in map(parse.change, LIVES)
        for wait in read_change(change, found.scope.policy).state.waits
        if wait.party is Party.REVIEWERS
    }

    assert kept
    assert len(kept) <= len(known)
    assert {(one.number, wait.since) for one in found.changes for wait in one.waits} <= known
