"""Uploading with git, as authors do; what a push option does to a history differs from REST."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Dict, List, Sequence

from sandbox.ports import SandboxError


def push_commits(
    url: str, username: str, password: str, target: str, *, subjects: Sequence[str], base: str
) -> List[str]:
    """Push a chain of new commits in one go; answers the Change-Ids of the changes they make.

    :param url: the project's clone URL, without user information.
    :param target: where to, with options, such as ``refs/for/master%hashtag=one,wip``.
    :param base: the ref to start from.
    :raises SandboxError: git or Gerrit refused; the message holds what was printed.
    """
    change_ids = [f"I{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}" for _ in subjects]
    environment = _environment(username, password)
    with tempfile.TemporaryDirectory(prefix="reviewloop-push-") as scratch:
        for arguments in (
            ("init", "-q"),
            ("fetch", "-q", "--depth=1", url, base),
            ("reset", "-q", "FETCH_HEAD"),
        ):
            _git(arguments, scratch, environment)
        for change_id, subject in zip(change_ids, subjects):
            name = f"work-{change_id}.txt"
            (Path(scratch) / name).write_text("pushed\n", encoding="utf-8")
            _git(("add", name), scratch, environment)
            message = f"{subject}\n\nChange-Id: {change_id}"
            _git(("commit", "-q", "-m", message), scratch, environment)
        _git(("push", "-q", url, f"HEAD:{target}"), scratch, environment)
    return change_ids


def _git(arguments: Sequence[str], folder: str, environment: Dict[str, str]) -> None:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip()
        raise SandboxError(f"git {arguments[0]} failed with status {done.returncode}: {said}")


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
