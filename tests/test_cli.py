"""The command line: past changes replayed without StackStorm and without Gerrit."""

from __future__ import annotations

import gc
import gzip
from pathlib import Path
from typing import List, Tuple

import pytest

from repository import ROOT
from reviewloop.cli.main import main
from reviewloop.operations import garbage

FIXTURES = ROOT / "tests" / "fixtures"
CONFIG = FIXTURES / "histories.yaml"
CHANGES = FIXTURES / "histories.jsonl"
EXPECTED = (FIXTURES / "histories.expected.jsonl").read_text(encoding="utf-8")


def replay(
    capsys: pytest.CaptureFixture[str],
    config: Path = CONFIG,
    changes: Path = CHANGES,
    span: Tuple[str, str] = ("2026-03-01", "2026-03-12"),
) -> Tuple[int, str, str]:
    """Status, what was printed, and what was complained of."""
    arguments = ["replay", "--config", str(config), "--changes", str(changes)]
    status = main([*arguments, "--from", span[0], "--to", span[1]])
    out, err = capsys.readouterr()
    return status, out, err


def lines(text: str) -> List[str]:
    """The lines that are not empty."""
    return text.splitlines()


def test_events_of_small_histories(capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve invented histories give the events worked out by hand, in order, as JSON lines."""
    assert replay(capsys) == (0, EXPECTED, "")


def test_gzip(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A compressed file is read as it is."""
    packed = tmp_path / "changes.jsonl.gz"
    packed.write_bytes(gzip.compress(CHANGES.read_bytes()))

    assert replay(capsys, changes=packed)[1] == EXPECTED


def test_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ends of the time asked for are included, to the second."""
    first, last = "2026-03-03T10:00:00Z", "2026-03-04T09:00:00Z"
    instants = [line[-22:-2] for line in lines(EXPECTED)]
    wanted = [instant for instant in instants if first <= instant <= last]
    assert {first, last} < set(wanted)
    told = [line[-22:-2] for line in lines(replay(capsys, span=(first, last))[1])]
    assert told == wanted

    narrower = replay(capsys, span=("2026-03-03T10:00:01Z", "2026-03-04T08:59:59Z"))[1]
    inside = [instant for instant in wanted if instant not in (first, last)]
    assert [line[-22:-2] for line in lines(narrower)] == inside


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("url: [", "is no YAML in line 1: "),
        ("- a list", "holds no settings"),
        ('url: https://review.example.org\nmilestones: ["2 days"]', "write 2d"),
    ],
)
def test_wrong_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, complaint: str
) -> None:
    """A configuration that cannot be used is refused with status 2 and the reason."""
    config = tmp_path / "gerrit.yaml"
    config.write_text(text, encoding="utf-8")
    status, out, err = replay(capsys, config=config)

    assert (status, out) == (2, "")
    assert complaint in err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\n{broken\n", "line 2"),
        (b'{"_number": 1}\n', "change 1"),
        (b"\xff\xfe\n", "cannot be read"),
        (b"[1]\n", "change"),
    ],
)
def test_wrong_changes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, complaint: str
) -> None:
    """A file that holds something else is refused, and the place is named."""
    changes = tmp_path / "changes.jsonl"
    changes.write_bytes(content)
    status, out, err = replay(capsys, changes=changes)

    assert (status, out) == (2, "")
    assert complaint in err


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.jsonl.gz"])
def test_missing_files(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    """A file that is not there is named."""
    status, _, err = replay(capsys, changes=tmp_path / name)
    assert status == 2
    assert name in err

    assert replay(capsys, config=tmp_path / "missing.yaml")[0] == 2


def test_wrong_instant(capsys: pytest.CaptureFixture[str]) -> None:
    """A time that is none is refused with how to write one."""
    with pytest.raises(SystemExit, match="2"):
        replay(capsys, span=("yesterday", "2026-03-12"))

    assert "2026-03-02T09:00:00Z" in capsys.readouterr().err


def test_garbage_is_looked_for_less_often(capsys: pytest.CaptureFixture[str]) -> None:
    """A command reads many values that are in no cycle; nothing else of Python's settings moves."""
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 9, 8)
        assert main(["doctor", "--config", "nowhere.yaml"]) == 2
        assert gc.get_threshold() == (garbage.VALUES, 9, 8)
    finally:
        gc.set_threshold(*before)
    assert "nowhere.yaml" in capsys.readouterr().err
