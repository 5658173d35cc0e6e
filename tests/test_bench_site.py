"""A site of many changes, as the benchmarks make it, is what it was meant to be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from benchmarks.histories import templates
from benchmarks.notedb import Crowd, Plan, Saying, commits, plan, ref_of
from benchmarks.site import BulkGerrit, _import, crowd_of, made_site, plans, project_of
from sandbox.gerrit.server import START

from reviewloop.gerrit import parse
from reviewloop.gerrit.reads import DETAIL

pytest_plugins = ["gerrit_fixtures"]

CROWD = Crowd(people=(11, 12, 13), bots=(21,))


@pytest.fixture(autouse=True)
def _only_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories of our own making, wherever the tests run."""
    monkeypatch.delenv("REVIEW_HISTORIES", raising=False)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project with one commit, as Gerrit makes it."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=master", ".")
    tree = git(tmp_path, "mktree").strip()
    identity = ("-c", "user.name=Admin", "-c", "user.email=admin@example.org")
    base = git(tmp_path, *identity, "commit-tree", "-m", "First", tree).strip()
    git(tmp_path, "update-ref", "refs/heads/master", base)
    return tmp_path


def test_git_agrees_with_what_is_imported(repository: Path) -> None:
    """Every hash that was worked out is git's own, and each ref leads to its whole history."""
    changes = list(plans(6, templates(), CROWD))

    _import(repository, changes)

    assert git(repository, "fsck", "--strict", "--no-dangling") == ""
    for change in changes:
        meta = ref_of(change.number, "meta")
        assert int(git(repository, "rev-list", "--count", meta)) == len(change.sayings)
        last = change.sayings[-1].patch_set
        named = git(repository, "log", "--format=%(trailers:key=Commit,valueonly)", meta).split()
        assert named[0] == git(repository, "rev-parse", ref_of(change.number, last)).strip()


def test_a_history_is_moved_as_a_whole() -> None:
    """The last message is said when it should be, and the time between messages is kept."""
    told = templates()[0]

    moved = plan(7, told, 1_772_000_000, CROWD)

    assert moved.sayings[-1].at == 1_772_000_000
    assert len(moved.sayings) == len(told["messages"])
    assert {one.who for one in moved.sayings} <= {*CROWD.people, *CROWD.bots}


def test_votes_become_footers() -> None:
    """What a message's first line votes is written as Gerrit does; other labels are left out."""
    text = "Patch Set 1: Verified-1 Code-Review+2 -Workflow Other+1\n\nNo."
    first = Saying(11, 1_772_000_000, "Uploaded patch set 1.", "", 1)
    change = Plan(1, "One", 11, {21}, False, (first, Saying(21, 1_772_000_001, text, "ci", 1)))

    last = list(commits(change, "b" * 40, "c" * 40))[-1]

    labels = [line for line in last.text.splitlines() if line.startswith("Label: ")]
    assert labels == ["Label: Verified=-1", "Label: Code-Review=+2", "Label: -Workflow"]
    assert '"reason": "A robot voted negatively on a label"' in last.text


@pytest.mark.real_gerrit
def test_gerrit_reads_what_was_planned() -> None:
    """The pack's own parser reads back from Gerrit each message of each change, as planned."""
    kept = made_site(50, templates(), people=4)
    crowd = crowd_of(kept)

    with BulkGerrit(kept) as server:
        options = "".join(f"&o={one.value}" for one in DETAIL)
        rows = server.admin.call("GET", f"/changes/?q=status:open&n=500{options}")

    found = {change.number: change for change in map(parse.change, rows)}
    assert sorted(found) == list(range(1, 51))
    for planned in plans(50, templates(), crowd):
        change = found[planned.number]
        assert change.project == project_of(planned.number)
        assert change.owner.id == planned.owner
        said = [
            Saying(
                one.author.id if one.author else 0,
                int(one.date.timestamp()),
                one.text,
                one.tag,
                one.patch_set,
            )
            for one in change.messages
        ]
        assert said == list(planned.sayings)
    newest = max(change.updated for change in found.values())
    assert f"{newest:%Y-%m-%dT%H:%M:%SZ}" == START
