"""What the command line says of itself: help, examples that work as typed, exit codes."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any, List, Tuple

import pytest
import yaml

from reviewloop import __version__
from reviewloop.cli import board, doctor
from reviewloop.cli import main as cli
from reviewloop.cli.config import rendered
from reviewloop.cli.help import EXIT_CODES
from reviewloop.errors import ConfigError
from test_docs import OPERATORS, section

NAMES = sorted(cli.parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr]


def shown(arguments: List[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The help of a command."""
    with pytest.raises(SystemExit, match="0"):
        cli.main([*arguments, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it does, how it is used, its flags with --json among them, and the exit codes;
    and it fits a terminal.
    """
    text = shown([name], capsys)
    sections = re.findall(r"^[A-Z ]+$", text, re.MULTILINE)

    assert [one for one in sections if one not in ("ARGUMENTS", "EXAMPLES")] == [
        "USAGE",
        "FLAGS",
        "EXIT CODES",
        "LEARN MORE",
    ]
    assert f"reviewloop {name} " in text
    assert "--json" in text
    for code in EXIT_CODES:
        assert re.search(rf"^  {code} +[A-Z]", text, re.MULTILINE)


def test_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command has a line; without any argument the same is printed."""
    text = shown([], capsys)

    for name in NAMES:
        assert re.search(rf"^  {name}: +\w", text, re.MULTILINE), name
    assert cli.main([]) == 0
    assert capsys.readouterr().out == text


def examples() -> List[Any]:
    """Every command line in a help."""
    lines = [line for line, _ in cli._EXAMPLES]
    for command in cli.COMMANDS:
        lines += [line for line, _ in getattr(command, "EXAMPLES", ())]
    return lines


@pytest.mark.parametrize("line", examples())
def test_examples_can_be_typed(line: str) -> None:
    """Each is one that the command line takes."""
    words = [word for word in shlex.split(line) if not re.match(r"ST2_[A-Z_]+=", word)]
    assert words[0] == "reviewloop"

    assert cli.parser().parse_args(words[1:]).command in NAMES


def test_own_commands_have_examples() -> None:
    """Those that need an address or a file show how one is given."""
    assert all(len(one.EXAMPLES) > 1 for one in (board, doctor))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """It tells its version."""
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])

    assert capsys.readouterr().out == f"reviewloop {__version__}\n"


def test_exit_codes_stand_in_one_table() -> None:
    """The operators' guide lists the exit codes that the help lists."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", section(OPERATORS, "Exit codes"), re.MULTILINE)

    assert {int(code): text for code, text in rows} == dict(EXIT_CODES)


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141)]
)
def test_stopped(error: BaseException, status: int, monkeypatch: Any) -> None:
    """Who stops it sees no traceback."""

    def stop(_options: Any) -> int:
        raise error

    closed: List[Tuple[int, int]] = []
    monkeypatch.setattr(board, "settings_of", stop)
    monkeypatch.setattr(os, "dup2", lambda *pair: closed.append(pair))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)

    assert cli.main(["board", "--url", "https://review.example.org"]) == status
    assert len(closed) == (status == 141)


NAMES_KEYS = """\
url: http://127.0.0.1:9
username: st2-reviews
password: "{{ st2kv.system.gerrit_password }}"
tracker:
  kind: github
  project: example/reviews
  token: "{{ st2kv.system.gerrit_tracker_token }}"
"""


def test_datastore_keys_come_from_the_environment(tmp_path: Path) -> None:
    """What StackStorm would put in, a command takes from variables of that name in capitals."""
    environ = {"GERRIT_PASSWORD": "p", "GERRIT_TRACKER_TOKEN": "t"}
    found = rendered(yaml.safe_load(NAMES_KEYS), environ)

    assert (found["password"], found["tracker"]["token"]) == ("p", "t")
    assert found["tracker"]["project"] == "example/reviews"
    with pytest.raises(ConfigError, match="as GERRIT_TRACKER_TOKEN") as caught:
        rendered(yaml.safe_load(NAMES_KEYS), {"GERRIT_PASSWORD": "p"})
    assert len(caught.value.problems) == 1
    assert "st2 key get gerrit_tracker_token --decrypt" in caught.value.remedy


@pytest.mark.parametrize(("command", "status"), [("doctor", 1), ("board", 2)])
def test_datastore_keys_without_values(
    command: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """Without them each setting is named with its key and its variable."""
    for name in ("GERRIT_PASSWORD", "GERRIT_TRACKER_TOKEN", "ST2_API_URL"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "gerrit.yaml"
    config.write_text(NAMES_KEYS, encoding="utf-8")

    assert cli.main([command, "--config", str(config)]) == status
    out, err = capsys.readouterr()
    told = " ".join((out + err).split())
    assert "`password` names the datastore key gerrit_password" in told
    assert "as GERRIT_TRACKER_TOKEN." in told
