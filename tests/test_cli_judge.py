"""``reviewloop judge``: the table, the JSON, and whatever cannot be judged."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from assessing import Board
from repository import ROOT
from reviewloop.cli import judge as command
from reviewloop.cli.main import main

FIXTURES = ROOT / "tests" / "fixtures"
CONFIG = FIXTURES / "histories.yaml"
CHANGES = FIXTURES / "histories.jsonl"
FIRST: Dict[str, Any] = json.loads(CHANGES.read_text(encoding="utf-8").splitlines()[0])


def run(
    capsys: pytest.CaptureFixture[str], *more: str, changes: object = CHANGES
) -> Tuple[int, str, str]:
    """Status, what was printed, and what was complained of."""
    status = main(["judge", "--config", str(CONFIG), "--changes", str(changes), *more])
    out, err = capsys.readouterr()
    return status, out, err


def as_json(capsys: pytest.CaptureFixture[str], *more: str, **where: object) -> Dict[str, Any]:
    """The same as JSON, which must have gone well."""
    status, out, _ = run(capsys, "--json", *more, **where)
    assert status == 0
    return dict(json.loads(out))


def written(tmp_path: Path, *lines: object) -> Path:
    """A file of changes."""
    path = tmp_path / "changes.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def test_table_and_json_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """The table fits a terminal, and shows the numbers that the JSON has."""
    status, out, err = run(capsys, "--milestone", "4h")
    found = as_json(capsys, "--milestone", "4h")
    lines = out.splitlines()

    assert (status, err) == (0, "")
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"{found['changes']} changes, milestone 4h, until ")
    begin = next(n for n, line in enumerate(lines, 1) if line.startswith("named, cause"))
    assert len(found["named"]) > 4
    for row, line in zip(found["named"], lines[begin:]):
        score = row["substantive"]
        name = row["cause"] or row["party"] or "all"
        counts = [score["events"], score["right"], *score["wrong"].values(), score["nobody"]]
        assert line.split()[:7] == [name, *map(str, counts)]


def test_every_event_of_a_replay(capsys: pytest.CaptureFixture[str]) -> None:
    """It judges the events that a replay prints, between the same instants."""
    span = ("--from", "2026-03-03T10:00:00Z", "--to", "2026-03-10")
    given = ["replay", "--config", str(CONFIG), "--changes", str(CHANGES), *span]
    assert main(given) == 0
    replayed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for milestone in ("1d", "2d"):
        wanted = [one for one in replayed if one.get("milestone") == milestone]
        found = as_json(capsys, "--milestone", milestone, *span)
        assert found["named"][-1]["substantive"]["events"] == len(wanted)
        assert as_json(capsys, "--milestone", milestone, *span[:2], "--until", span[3]) == found


def test_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``-`` reads what another program writes, and not in the locale's encoding."""
    wanted = run(capsys)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CHANGES.read_bytes()), "ascii"))

    assert run(capsys, changes="-") == wanted


def test_what_cannot_be_judged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Changes without messages, and lines that are no change, are counted; the rest is judged."""
    mute = {**FIRST, "messages": []}
    found = written(tmp_path, {"_number": 7}, FIRST, mute, {"_number": 8})
    status, out, err = run(capsys, changes=found)

    assert (status, out.splitlines()[0].split()[0]) == (0, "1")
    assert err.startswith("Unreadable, the first of them: change 7:")
    assert len(err.splitlines()) == 1
    not_judged = as_json(capsys, changes=found)["not_judged"]
    assert not_judged == {"no_messages": 1, "unreadable": 2}


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([{**FIRST, "messages": []}], "o=MESSAGES"),
        ([{"_number": 7}], "change 7"),
        ([[1]], "holds no change"),
    ],
)
def test_file_of_something_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, lines: List[object], complaint: str
) -> None:
    """A file in which nothing can be judged is refused, with what to ask Gerrit for."""
    status, out, err = run(capsys, changes=written(tmp_path, *lines))

    assert (status, out) == (2, "")
    assert complaint in err


def test_empty_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No changes are no fault: nothing was named, and there are no rates."""
    found = as_json(capsys, changes=written(tmp_path))

    assert found["changes"] == 0
    assert [row["substantive"]["rate"] for row in found["named"]] == [None]


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--milestone", "2 days"), "like 4h or 2d"),
        (("--from", "yesterday"), "2026-03-02T09:00:00Z"),
    ],
)
def test_wrong_arguments(
    capsys: pytest.CaptureFixture[str], more: Tuple[str, ...], complaint: str
) -> None:
    """An argument that cannot be read is refused with how to write one."""
    with pytest.raises(SystemExit, match="2"):
        run(capsys, *more)

    assert complaint in " ".join(capsys.readouterr().err.split())


def test_missing_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that is not there is named."""
    status, _, err = run(capsys, changes=tmp_path / "missing.jsonl.gz")

    assert status == 2
    assert "missing.jsonl.gz" in err


# --- of a server ----------------------------------------------------------------------------------


@pytest.fixture(name="server")
def _server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Board:
    """A server with an overdue change, which the command is pointed to."""
    server = Board()
    client = server.fake.client()
    monkeypatch.setattr(command, "client_of", lambda _options, _settings: client)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "gerrit.yaml").write_text(json.dumps(server.config), encoding="utf-8")
    return server


def of_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> Tuple[Dict[str, Any], str]:
    """What it prints of the server, and the notes."""
    assert main(["judge", "--config", str(tmp_path / "gerrit.yaml"), "--json", *more]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_changes_of_a_server(
    server: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a file it judges the server's changes, open or not, until now, and writes nothing."""
    done = server.change()
    server.fake.advance(hours=1)
    server.fake.set_status(done, "MERGED")
    server.fake.requests.clear()
    found, notes = of_server(tmp_path, capsys)

    assert (found["changes"], notes) == (2, "")
    assert found["until"] == "2026-03-04T10:00:00Z"
    (_, _, everything) = found["named"]
    assert everything["substantive"]["events"] == 2
    assert everything["substantive"]["wrong"]["merged"] == 1
    assert not any(request.writes for request in server.fake.requests)


def test_limit(server: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the server has more changes than were looked at, it says so."""
    server.change()
    found, notes = of_server(tmp_path, capsys, "--limit", "1")

    assert found["changes"] == 1
    assert "--limit" in notes


def test_since(server: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Changes that nobody has touched since the beginning asked for are not fetched."""
    assert of_server(tmp_path, capsys, "--from", "2026-03-02")[0]["changes"] == 1
    assert of_server(tmp_path, capsys, "--from", "2026-03-04T09:00:00Z")[0]["changes"] == 0


def test_server_that_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It fails with what to do."""
    path = tmp_path / "gerrit.yaml"
    path.write_text(json.dumps({"url": "http://127.0.0.1:9"}), encoding="utf-8")

    assert main(["judge", "--config", str(path)]) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err
