"""The command line as a package of its own: what `pip install .` puts on a machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List

import pytest

from reviewloop import __version__

ROOT = Path(__file__).resolve().parents[1]
MEGABYTE = 1_000_000
# Not in a virtual environment that has its own way with them.
BUILD = """
from setuptools import build_meta
print(build_meta.build_wheel({folder!r}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a source archive gives it, built by setuptools without a network."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "actions" / "lib", source / "actions" / "lib", ignore=left_out)
    for name in ("LICENSE", "README.md", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-c", BUILD.format(folder=str(built))]
    made = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return built / made.stdout.splitlines()[-1]


def test_wheel_is_small_and_pure(wheel: Path) -> None:
    """It holds the library with its templates and nothing else, for any Python 3."""
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()

    assert wheel.stat().st_size < 2 * MEGABYTE
    assert wheel.name == f"reviewloop-{__version__}-py3-none-any.whl"
    assert {name.split("/")[0] for name in names} == {
        "reviewloop",
        f"reviewloop-{__version__}.dist-info",
    }
    library = ROOT / "actions" / "lib" / "reviewloop"
    files = {one for end in ("j2", "css") for one in library.rglob(f"*.{end}")}
    templates = {f"reviewloop/{one.relative_to(library).as_posix()}" for one in files}
    assert {one.split("/")[1] for one in templates} == {"messages", "page"}
    assert templates <= set(names)
    modules = {f"reviewloop/{one.relative_to(library).as_posix()}" for one in library.rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}


def test_wheel_needs_what_the_pack_needs(wheel: Path) -> None:
    """Its dependencies are the pack's: one list, five packages from Python 3.9 on."""
    with zipfile.ZipFile(wheel) as packed:
        (metadata,) = [one for one in packed.namelist() if one.endswith("/METADATA")]
        told = packed.read(metadata).decode()
    declared = re.findall(r"^Requires-Dist: (.+)", told, re.MULTILINE)
    needs = [one for one in declared if "extra ==" not in one]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]

    assert len(needs) == len(wanted)
    assert [one.split("<")[0].strip() for one in declared if one not in needs] == [
        "vl-convert-python"
    ]
    assert len([line for line in wanted if "python_version" not in line]) == 5
    assert "Requires-Python: >=3.8" in told


@pytest.mark.parametrize("arguments", [["--help"], ["judge", "--help"], ["doctor", "--help"]])
def test_wheel_runs_by_itself(wheel: Path, arguments: List[str], tmp_path: Path) -> None:
    """The command's entry point runs out of the wheel, without the checkout."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
        entries = next(one for one in packed.namelist() if one.endswith("entry_points.txt"))
        assert "reviewloop = reviewloop.cli.main:main" in packed.read(entries).decode()
    code = f"import sys; from reviewloop.cli.main import main; sys.exit(main({arguments!r}))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "USAGE\n  reviewloop" in ran.stdout
