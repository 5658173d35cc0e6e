"""Every command line of the documents is run, as it stands there, against the sandbox's Gerrit."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List, Set

import pytest
import yaml
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.report.histories import CONFIG, histories
from sandbox.report.server import half_a_year

from repository import ROOT
from reviewloop.cli import histories as reading
from reviewloop.cli import main as cli
from test_cli_help import NAMES, examples
from test_docs import CODE, FENCE, PAGES, prose, text_of

SERVER = "https://review.example.org"
NUMBER, PROJECT = 4242, "tools/build"
#: Some that are over and some that are open, and the change that the documents take as an example.
LIVES = [
    {**one, "project": PROJECT} if one["_number"] == NUMBER else one
    for one in histories()
    if one["_number"] % 24 == NUMBER % 24
]
_PROGRAM = r"(?:\.venv/bin/)?reviewloop"


def lines() -> List[str]:
    """All command lines: of blocks, in sentences where they have arguments, and of the help."""
    found: Set[str] = set(examples())
    for page in PAGES:
        for _, _, body in FENCE.findall(text_of(page)):
            found |= set(re.findall(rf"^ *(?:\$ )?({_PROGRAM} .+)$", body, re.MULTILINE))
        found |= {one for one in CODE.findall(prose(page)) if re.match(rf"{_PROGRAM} \w+ \S", one)}
    return sorted(one for one in found if is_whole(one))


def is_whole(line: str) -> bool:
    """Whether it can be typed: it names no place to fill in, such as ``NUMBER|ADDRESS``."""
    return not re.search(r"\b[A-Z]{3,}\b(?!=)", re.sub(r"\bST2_\w+=\S*", "", line))


@pytest.fixture(name="gerrit", scope="module")
def _gerrit() -> Iterator[SimulatedGerrit]:
    with half_a_year(LIVES) as gerrit:
        yield gerrit


@pytest.fixture(name="folder")
def _folder(gerrit: SimulatedGerrit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an operator stands: two configurations, histories in files, the documents' examples."""
    for name, more in (("gerrit.yaml", {}), ("other.yaml", {"milestones": ["1d", "5d"]})):
        text = yaml.safe_dump({**CONFIG, "url": gerrit.url, **more})
        (tmp_path / name).write_text(text, encoding="utf-8")
    told = "".join(f"{json.dumps(one)}\n" for one in LIVES)
    (tmp_path / "changes.jsonl").write_text(told, encoding="utf-8")
    (tmp_path / "changes.jsonl.gz").write_bytes(gzip.compress(told.encode()))
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for name in [one for one in os.environ if one.startswith("ST2_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(reading, "RATE", 1000.0)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_is_shown() -> None:
    """The documents show each of the commands."""
    assert {re.sub(_PROGRAM, "", line).split()[0] for line in lines() if "ST2_" not in line} == {
        *NAMES
    }
    assert len(lines()) > 20


@pytest.mark.parametrize("line", lines())
def test_command_does_something(
    line: str, folder: Path, gerrit: SimulatedGerrit, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends well, prints something, and writes the files that it names."""
    words = [word for word in shlex.split(line, comments=True) if "ST2_" not in word]
    words = [word.replace(SERVER, gerrit.url) for word in words]
    words, to = (words[: words.index(">")], words[-1]) if ">" in words else (words, "")
    status = cli.main(words[1:])
    out, err = capsys.readouterr()

    assert status == 0 or (status, words[1]) == (1, "doctor"), err
    assert out.strip()
    assert not to or words[1] in NAMES
    for flag in ("--out", "--csv", "--svg"):
        if flag in words:
            assert (folder / words[words.index(flag) + 1]).stat().st_size > 100


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not on this machine"
)
def test_histories_as_curl_fetches_them(folder: Path, gerrit: SimulatedGerrit) -> None:
    """The pipeline of the operators' guide writes histories that the commands take."""
    (pipeline,) = [
        line
        for page in PAGES
        for line in re.findall(r"^curl .*\| jq .* > changes.jsonl$", text_of(page), re.MULTILINE)
    ]
    (folder / "changes.jsonl").unlink()
    subprocess.run(["bash", "-c", pipeline.replace(SERVER, gerrit.url)], check=True, cwd=folder)

    assert cli.main(["judge", "--config", "gerrit.yaml", "--changes", "changes.jsonl"]) == 0
    told = (folder / "changes.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(one)["_number"] for one in told) == sorted(
        one["_number"] for one in LIVES if one["status"] == "NEW"
    )
