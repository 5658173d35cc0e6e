"""What is told before anything is downloaded."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Sequence, Tuple

import pytest
from sandbox import preflight
from sandbox.preflight import Missing, check_folders, check_gerrit, check_version, report

from repository import ROOT

FILE = ROOT / "sandbox" / "preflight.py"


def with_program(folder: Path, name: str) -> str:
    """A PATH on which one program is found."""
    folder.mkdir()
    (folder / name).touch(mode=0o755)
    return str(folder)


def test_old_pythons_can_read_it() -> None:
    """Its grammar is that of 3.6, and it imports nothing that 3.6 lacks."""
    tree = ast.parse(FILE.read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]

    assert imported == ["pathlib", "typing"]


@pytest.mark.parametrize("version", [(3, minor) for minor in range(8, 14)])
def test_versions_of_demo_and_tests(version: Tuple[int, int]) -> None:
    """3.8 to 3.13."""
    assert check_version(version, ["demo", "test"], "") == []


@pytest.mark.parametrize(
    ("version", "goals", "range_"),
    [
        ((3, 7), ["demo"], "3.8 to 3.13"),
        ((3, 14), ["test"], "3.8 to 3.13"),
        ((3, 9), ["check"], "3.10 to 3.13"),
        ((3, 9), ["demo", "java"], "3.10 to 3.13"),
    ],
)
def test_version_outside(
    tmp_path: Path, version: Tuple[int, int], goals: Sequence[str], range_: str
) -> None:
    """It is refused, with one of the PATH that would do."""
    (missing,) = check_version(version, goals, with_program(tmp_path / "bin", "python3.12"))

    assert f"This Python is 3.{version[1]}; it takes {range_}." == missing.text
    assert missing.command == f"make {' '.join(goals)} PYTHON=python3.12"


def test_python_too_old_to_read_it(tmp_path: Path) -> None:
    """Python 2 is refused with the range, and not with a syntax error."""
    old = tmp_path / "python2"
    claims = "import sys; sys.version_info = (2, 7, 18); exec(sys.argv[1])"
    old.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] || {{ echo SyntaxError; exit 1; }}\n'
        f'exec {sys.executable} -c "{claims}" "$2"\n'
    )
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "-C", str(ROOT), "ready", f"PYTHON={old}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode
    assert "This Python is 2.7; it takes 3.8 to 3.13." in done.stdout
    assert "SyntaxError" not in done.stdout


def test_no_version_that_would_do(tmp_path: Path) -> None:
    """Then one has to be installed."""
    (missing,) = check_version((3, 7), ["demo"], str(tmp_path))

    assert "none is on the PATH: install one" in missing.text


def test_folder_of_somebody_else(tmp_path: Path) -> None:
    """The nearest that exists is named, with the command that makes it one's own."""
    (missing,) = check_folders([tmp_path / "cache" / "gerrit"], lambda _path, _mode: False)

    assert missing.text == f"You may not write to {tmp_path}."
    assert missing.command == f"sudo chown -R $(id -un) '{tmp_path}'"
    assert check_folders([tmp_path / "cache"]) == []


def test_real_gerrit_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``GERRIT=real`` is refused before anything is installed, with what it needs."""
    monkeypatch.setenv("GERRIT_VERSION", "3.10.2")
    monkeypatch.setenv("REVIEWLOOP_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (missing,) = check_gerrit(tmp_path, ["demo"], {"GERRIT": "real"})

    assert "Maven (mvn): run make java" in missing.text
    assert missing.command == "make java"


def test_simulated_gerrit_needs_nothing(tmp_path: Path) -> None:
    """Neither Java nor git."""
    assert check_gerrit(tmp_path, ["demo", "test"], {"GERRIT": "fake", "PATH": str(tmp_path)}) == []


def test_misspelt_wish(tmp_path: Path) -> None:
    """It is told here already, and only where a Gerrit is started."""
    (missing,) = check_gerrit(tmp_path, ["test"], {"GERRIT": "reel"})

    assert "GERRIT is 'reel'" in missing.text
    assert check_gerrit(tmp_path, ["check"], {"GERRIT": "reel"}) == []


def test_everything_at_once() -> None:
    """Every missing thing has a line, and one line mends them all."""
    told = report(
        [
            Missing("No venv.", "python3.11-venv"),
            Missing("No git.", "git"),
            Missing("GERRIT=real, but there is no JDK.", command="make java"),
        ],
        ["test"],
    )
    lines = told.splitlines()

    assert lines[0] == "make test cannot start:"
    assert [line for line in lines if line.startswith("  - ")] == [
        "  - No venv.",
        "  - No git.",
        "  - GERRIT=real, but there is no JDK.",
    ]
    assert lines[-1].endswith("apt-get install -y python3.11-venv git && make java")


@pytest.mark.parametrize(("goal", "status"), [("demo", 0), ("venv", 0)])
def test_this_machine(goal: str, status: int) -> None:
    """Where the tests run nothing is missing, and nothing is said."""
    environ = {**os.environ, "GERRIT": "fake"}
    done = subprocess.run(
        [sys.executable, str(FILE), ".venv", goal],
        env=environ,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (status, "")


@pytest.mark.parametrize(
    ("name", "value", "told", "mended"),
    [
        ("REVIEWLOOP_CACHE", "{folder}/file/cache", "{folder}/file is no folder.", "mv "),
        ("GERRIT_VERSION", "2.8", "GERRIT_VERSION is '2.8': use one of", "unset GERRIT_VERSION"),
        ("GERRIT", "reel", "GERRIT is 'reel': use", "unset GERRIT"),
    ],
)
def test_wrong_environment(tmp_path: Path, name: str, value: str, told: str, mended: str) -> None:
    """Whatever the environment holds, it is told with what mends it, and never a traceback."""
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, str(FILE), ".venv", "demo"],
        env={"PATH": os.environ["PATH"], name: value.format(folder=tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("make demo cannot start:\n"), done.stderr
    assert told.format(folder=tmp_path) in done.stderr
    assert done.stderr.splitlines()[-1].strip().startswith(mended)


@pytest.mark.parametrize("wanted", ["", "fake"])
def test_looking_makes_nothing(tmp_path: Path, wanted: str) -> None:
    """What is missing is asked for before anything is made, even the cache's folder."""
    done = subprocess.run(
        [sys.executable, str(FILE), ".venv", "demo", "test"],
        env={
            "PATH": os.environ["PATH"],
            "GERRIT": wanted,
            "REVIEWLOOP_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_help() -> None:
    """``make`` alone prints what there is, and installs nothing."""
    done = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, check=True)
    told = done.stdout.decode()

    for goal in ("demo", "test", "java", "check"):
        assert f"make {goal} " in told
    assert preflight.OLDEST_FOR.keys() == {"check", "format", "java", "mutants"}
