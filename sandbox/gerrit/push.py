"""Uploading with git, as authors do; what a push option does to a history differs from REST."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence

from sandbox.ports import SandboxError


class Rework(Enum):
    """What a new patch set changes: the code, the commit message, the parent, or nothing at all."""

    CODE = "code"
    MESSAGE = "message"
    PARENT = "parent"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Remote:
    """A project's clone URL, without user information, and who pushes there."""

    url: str
    username: str
    password: str


def push_commits(
    remote: Remote, target: str, *, subjects: Sequence[str], base: str, file: str = ""
) -> List[str]:
    """Push a chain of new commits in one go; answers the Change-Ids of the changes they make.

    :param target: where to, with options, such as ``refs/for/master%hashtag=one,wip``.
    :param base: the ref to start from.
    :param file: the file that each commit writes; default: a new one each.
    :raises SandboxError: git or Gerrit refused; the message holds what was printed.
    """
    change_ids = [f"I{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}" for _ in subjects]
    with _clone(remote, base) as git:
        for change_id, subject in zip(change_ids, subjects):
            git.write(file or f"work-{change_id}.txt")
            git("commit", "-q", "-m", f"{subject}\n\nChange-Id: {change_id}")
        git("push", "-q", remote.url, f"HEAD:{target}")
    return change_ids


def push_again(
    remote: Remote, target: str, *, patch_set: str, rework: Rework, base: str, file: str = ""
) -> None:
    """Push a new patch set of a change.

    :param patch_set: the ref of the one that is reworked, such as ``refs/changes/07/7/2``.
    :param base: the ref of the branch, onto whose tip PARENT rebases.
    :param file: the file that CODE writes; default: a new one.
    :raises SandboxError: git or Gerrit refused, or the rebase met a conflict.
    """
    with _clone(remote, patch_set, whole=True) as git:
        if rework is Rework.CODE:
            git.write(file or f"work-{uuid.uuid4().hex}.txt")
            git("commit", "-q", "--amend", "--no-edit")
        elif rework is Rework.MESSAGE:
            subject, rest = git("log", "-1", "--format=%B").split("\n", 1)
            git("commit", "-q", "--amend", "-m", f"{subject}, reworded\n{rest}")
        elif rework is Rework.PARENT:
            git("fetch", "-q", remote.url, base)
            change = git("rev-parse", "HEAD").strip()
            git("reset", "-q", "--hard", "FETCH_HEAD")
            git("cherry-pick", "--allow-empty", change)
        else:
            # Only the author's date differs, and that is nothing to Gerrit.
            git("commit", "-q", "--amend", "--no-edit", "--date", f"@{uuid.uuid4().time_low}")
        git("push", "-q", remote.url, f"HEAD:{target}")


def push_branch(remote: Remote, branch: str, file: str) -> None:
    """Add a commit that writes a file to a branch, without review; administrators may."""
    with _clone(remote, branch) as git:
        git.write(file)
        git("commit", "-q", "-m", "Move the branch")
        git("push", "-q", remote.url, f"HEAD:{branch}")


class _Git:
    """A scratch clone."""

    def __init__(self, folder: str, run: Callable[[Sequence[str]], str]) -> None:
        self._folder = Path(folder)
        self._run = run

    def __call__(self, *arguments: str) -> str:
        return self._run(arguments)

    def write(self, name: str) -> None:
        (self._folder / name).write_text(f"{uuid.uuid4().hex}\n", encoding="utf-8")
        self("add", name)


@contextmanager
def _clone(remote: Remote, ref: str, *, whole: bool = False) -> Iterator[_Git]:
    """A scratch clone at a ref; what is pushed again needs the ``whole`` history, or git leaves out
    trees that the server cannot be sure to have.
    """
    environment = _environment(remote.username, remote.password)
    with tempfile.TemporaryDirectory(prefix="reviewloop-push-") as scratch:
        git = _Git(scratch, lambda arguments: _git(arguments, scratch, environment))
        git("init", "-q")
        git("fetch", "-q", *([] if whole else ["--depth=1"]), remote.url, ref)
        git("reset", "-q", "--hard", "FETCH_HEAD")
        yield git


def _git(arguments: Sequence[str], folder: str, environment: Dict[str, str]) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise SandboxError(
            f"git {arguments[0]} failed with status {done.returncode}: {said.strip()}"
        )
    return said


def _environment(username: str, password: str) -> Dict[str, str]:
    """Nobody's own git settings; the credentials as a header, so that no URL holds them."""
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {credentials}",
        "GIT_AUTHOR_NAME": username,
        "GIT_AUTHOR_EMAIL": f"{username}@example.org",
        "GIT_COMMITTER_NAME": username,
        "GIT_COMMITTER_EMAIL": f"{username}@example.org",
    }
