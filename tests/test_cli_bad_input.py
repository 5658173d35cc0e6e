"""What a command line says where it is given something that it cannot use: what, and what to do."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from sandbox.gerrit.fake import URL, FakeGerrit

from repository import ROOT
from reviewloop.cli import board, doctor, histories
from reviewloop.cli.main import main
from reviewloop.operations.board import Server
from reviewloop.operations.doctor import CheckUp
from reviewloop.settings.load import load

COMMANDS = ("preview", "board", "judge", "report", "doctor")
CHANGES = ["--changes", str(ROOT / "tests" / "fixtures" / "histories.jsonl")]


@pytest.fixture(name="fake")
def _fake(monkeypatch: pytest.MonkeyPatch) -> FakeGerrit:
    """A server with one change, which every command reaches."""
    fake = FakeGerrit()
    fake.add_change(reviewers=[fake.reviewer])
    fake.advance(days=3)

    def client(settings: Any, **more: Any) -> Any:
        return fake.client(settings.gerrit.username, local_clock=lambda: fake.now, **more)

    for place in (board, doctor, histories):
        monkeypatch.setattr(place, "make_client", client)
    monkeypatch.delenv("ST2_API_URL", raising=False)
    return fake


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Tuple[int, str, str]:
    """Status, what was printed, and what was said beside it."""
    try:
        status = main(list(arguments))
    except SystemExit as err:
        status = int(str(err))
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: No such file or directory. Pass a YAML file."),
        (b"url: [\n", "is no YAML in line 2: expected the node content, but found"),
        (b"- a\n", "holds no settings. See gerrit.yaml.example."),
        (b"\xff\xfe", "cannot be read: it is not written in UTF-8. Pass a YAML file."),
    ],
)
def test_configurations_that_are_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, text: Any, told: str
) -> None:
    """In one line: the argument, the file, why, and what to pass."""
    path = tmp_path / "gerrit.yaml"
    if text is not None:
        path.write_bytes(text)
    status, out, err = run(capsys, command, "--config", str(path))

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"reviewloop: --config {path} {told}")


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "doctor"])
def test_several_faults(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str) -> None:
    """Every fault of a file at once, by key and value, with its remedy; and where it stands."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        'url: https://r.example.org\nmilestones: ["2 days"]\nlimits: {per_run: many}\nquerry: x\n'
    )
    status, out, err = run(capsys, command, "--config", str(path))

    assert (status, out) == (2, "")
    assert err.startswith(f"reviewloop: --config {path} has 3 problems:\n- ")
    for part in ("milestones[0]", "write 2d", "limits.per_run is 'many'", "Did you mean query?"):
        assert part in err
    assert err.endswith("\nCorrect it there.\n")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--url", "not-a-url"], "url is 'not-a-url': write an http or https address"),
        (["--url", URL, "--query", "age:2d"], "query is 'age:2d'"),
        (["--url", "https://me:hunter2@r.example.org"], "holds an @"),
    ],
)
def test_arguments_in_place_of_a_file(
    capsys: pytest.CaptureFixture[str], command: str, arguments: List[str], told: str
) -> None:
    """Where no file is given, nobody is sent to one."""
    status, out, err = run(capsys, command, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith("reviewloop: The command line has 1 problem:\n- ")
    assert told in err
    assert "gerrit.yaml" not in err
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("preview", "No change is found by project:nowhere: "),
        ("judge", "No change is found by project:nowhere: "),
        ("board", "No open change is found by project:nowhere: "),
    ],
)
def test_a_project_that_is_not_there(
    capsys: pytest.CaptureFixture[str], fake: FakeGerrit, command: str, said: str
) -> None:
    """Gerrit takes any name and finds nothing: that nothing was found is said."""
    more = ["--no-cache"] if command != "board" else []
    status, _, err = run(capsys, command, "--url", URL, "--query", "project:nowhere", *more)
    assert status == 0
    assert said in err

    _, _, err = run(capsys, command, "--url", URL, "--query", "project:tools/build", *more)
    assert "is found by" not in err
    assert fake.seen != []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory."),
        (gzip.compress(b"{}\n" * 99)[:-9], "cannot be read: Compressed file ended before"),
        (b"\x1f\x8b\x08\x00damaged beyond repair", "cannot be read: "),
    ],
)
def test_histories_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: Any, told: str
) -> None:
    """The argument is named by which they were given, and the reason without a number."""
    path = tmp_path / "past.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    _, _, err = run(capsys, "judge", "--url", URL, "--changes", str(path))
    assert err.startswith(f"reviewloop: --changes {path} {told}")
    assert "[Errno" not in err

    example = ROOT / "docs" / "example"
    change = ["4250", "--url", URL, "--changes", str(example / "waiting.jsonl")]
    _, _, err = run(capsys, "explain", *change, "--histories", str(path))
    assert err.startswith(f"reviewloop: --histories {path} {told}")


def test_histories_that_are_empty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A plan or a report of a file without a change would be none."""
    path = tmp_path / "empty.jsonl"
    path.touch()

    for command in ("preview", "report"):
        status, out, err = run(capsys, command, "--url", URL, "--changes", str(path))
        assert (status, out) == (2, "")
        assert f"--changes {path} holds no change" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["board", "--limit", "0"],
        ["board", "--limit", "-1"],
        ["doctor", "--limit", "some"],
        ["judge", "--limit", "1.5"],
        ["judge", "--limit", "99999999999999999999"],
        ["preview", "--days", "9999"],
        ["preview", "--days", "²"],
        ["explain", "7", "--read-histories", "0"],
    ],
)
def test_numbers(capsys: pytest.CaptureFixture[str], arguments: List[str]) -> None:
    """One that makes no sense is refused with the numbers that do."""
    status, out, err = run(capsys, *arguments, "--url", URL)

    assert (status, out) == (2, "")
    assert f"argument {arguments[-2]}: {arguments[-1]!r}: write a whole number, " in err


@pytest.mark.parametrize("command", ["explain", "preview"])
def test_what_cannot_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    """A file that could not be written is said before anything is read."""
    argument, given = ("--svg", ["7"]) if command == "explain" else ("--out", [])
    for path, told in (
        (tmp_path / "none" / "x", f"there is no folder {tmp_path}/none. Create it."),
        (tmp_path, "is a folder. Name a file in it."),
    ):
        status, out, err = run(
            capsys, command, *given, "--url", "https://nowhere.invalid", argument, str(path)
        )
        assert (status, out) == (2, "")
        assert err.startswith(f"reviewloop: {argument} {path}")
        assert told in err


def test_how_far_it_is(fake: FakeGerrit) -> None:
    """A board and a check-up say what they are at, for who waits."""
    settings, said = load({"url": URL}), []
    Server(settings, fake.client(""), lambda _one: settings.policy, say=said.append).look(10)
    assert said == ["read 1 changes"]

    said.clear()
    CheckUp(settings, fake.client(""), lambda: None, say=said.append).findings(10)
    assert said[:3] == ["checking: configuration", "checking: gerrit", "checking: account"]
