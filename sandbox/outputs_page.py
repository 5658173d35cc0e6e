"""Puts what the commands print into the documents: on a small server in memory, on a Wednesday;
a report on one with half a year of reviews.

python -m sandbox.outputs_page [--check]

A page holds `<!-- output: COMMAND -->` before a block, and `<!-- output: end -->` behind it; the
rest of the block is made here. The library must be on the path: ``PYTHONPATH=actions/lib:.``.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, Tuple
from unittest import mock

import yaml

from reviewloop.cli import board, doctor, histories
from reviewloop.cli.main import main as command_line
from reviewloop.core.keys import Mark, ask_id, event_id
from reviewloop.gerrit.client import Client
from reviewloop.settings.load import Settings
from sandbox.gerrit.fake import PASSWORD, FakeGerrit
from sandbox.report import asked as half_a_year
from sandbox.report.histories import END
from sandbox.report.server import TellingGerrit

from .pages import ROOT, settle

PAGES = tuple(
    ROOT / "docs" / name for name in ("operators.md", "cookbook.md", "preview.md", "report.md")
)
BLOCK = re.compile(
    r"<!-- output: (?!end)(?P<line>[^\n]+) -->\n(?P<body>.*?)<!-- output: end -->", re.DOTALL
)
ADDRESS = "https://review.example.org"
SERVER = ADDRESS.partition("://")[2]
MONDAY, WEDNESDAY = "2026-03-02 09:00:00", "2026-03-04 10:00:00"
CONFIG = {
    "url": ADDRESS,
    "username": "st2-reviews",
    "password": PASSWORD,
    "automation": ["^ci$"],
    "roster": {"members": [{"name": "Committee One", "gerrit": "committee1"}]},
}
#: What a check-up is to find.
FAULTS = {
    "automation": ["^ci$", "^jenkins$"],
    "approval": ["Code-Review+2", "Approved+1"],
    "roster": {
        "members": [
            {"name": "Committee One", "gerrit": "committee1"},
            {"name": "Committee Two", "gerrit": "commitee2"},
        ]
    },
}


def server() -> FakeGerrit:
    """A committee, a CI, and changes that wait: one is asked about, two have a reason, one has
    none, and two were reviewed.
    """
    fake = FakeGerrit(MONDAY)
    committee = [fake.add_account(f"committee{n}") for n in (1, 2)]
    ci = fake.add_account("ci", service_user=True)
    people = [fake.add_account(f"reviewer{n}") for n in (1, 2)]
    authors = [fake.add_account(f"author{n}") for n in range(1, 7)]

    def change(place: int, project: str, **more: object) -> int:
        number = 4241 + place
        fake.add_change(
            project, owner=authors[place], number=number, reviewers=people, at=MONDAY, **more
        )
        fake.review(number, ci, "", {"Verified": 1}, at="2026-03-02 09:20:00")
        return number

    asked = change(0, "tools/build")
    event = event_id(SERVER, asked, "reviewers", fake.changes[asked].created, "2d")
    snoozed = change(1, "tools/docs")
    change(2, "tools/docs", hashtags=["no-escalation"])
    change(3, "tools/build")
    reviewed, approved = change(4, "tools/build"), change(5, "tools/docs")
    fake.review(snoozed, authors[1], "/snooze 2026-03-09", at="2026-03-03 15:00:00")
    fake.review(reviewed, people[0], "Why?", {"Code-Review": -1}, at="2026-03-02 14:00:00")
    fake.review(approved, people[1], "", {"Code-Review": 2}, at="2026-03-03 09:00:00")
    mark = Mark("escalate", ask_id(event, "committee", 0), (committee[0],))
    fake.review(asked, fake.me, f"Please look.\n\n{mark}", at="2026-03-04 09:05:00")
    fake.at(WEDNESDAY)
    return fake


def reviewed() -> FakeGerrit:
    """Half a year of made-up reviews, with what this pack asked."""
    return TellingGerrit(half_a_year.histories(), END)


#: The server that a command looks at, and its configuration, where they are not the usual ones.
SERVERS: Mapping[str, Callable[[], FakeGerrit]] = {"report": reviewed}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "doctor": {**CONFIG, **FAULTS},
    "report": half_a_year.CONFIG,
}


def printed(line: str) -> str:
    """What a command prints, without its errors."""
    fake = SERVERS.get(line.split()[1], server)()

    def client(_settings: Settings, **_manners: object) -> Client:
        return fake.client(local_clock=lambda: fake.now)

    program, *arguments = shlex.split(line)
    assert program == "reviewloop", line
    shown = io.StringIO()
    quiet: Dict[str, str] = {k: v for k, v in os.environ.items() if not k.startswith("ST2_")}
    with tempfile.TemporaryDirectory() as folder:
        quiet["XDG_CACHE_HOME"] = folder
        config = Path(folder) / "gerrit.yaml"
        values = CONFIGS.get(arguments[0], CONFIG)
        config.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        given = [str(config) if one == config.name else one for one in arguments]
        with redirect_stdout(shown), redirect_stderr(io.StringIO()), mock.patch.dict(
            os.environ, quiet, clear=True
        ), mock.patch.object(board, "make_client", client), mock.patch.object(
            doctor, "make_client", client
        ), mock.patch.object(histories, "make_client", client):
            command_line(given)
    return shown.getvalue()


def block(line: str) -> str:
    """A whole block, with the line that was typed."""
    text = f"$ {line}\n{printed(line)}"
    return f"<!-- output: {line} -->\n```text\n{text}```\n<!-- output: end -->"


def page(path: Path) -> str:
    """A page with its blocks made anew."""
    return BLOCK.sub(lambda found: block(found["line"]), path.read_text(encoding="utf-8"))


def outputs() -> Iterator[Tuple[Path, str, str]]:
    """Every block of the pages: where it stands, the line, and all of it."""
    for path in PAGES:
        for found in BLOCK.finditer(path.read_text(encoding="utf-8")):
            yield path, found["line"], found[0]


if __name__ == "__main__":
    sys.exit(max(settle(path, page(path)) for path in PAGES))
