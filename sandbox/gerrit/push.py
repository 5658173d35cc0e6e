"""Uploading with git, as authors do; what a push option does to a history differs from REST."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Dict, Sequence

from sandbox.ports import SandboxError


def push_change(
    url: str, username: str, password: str, target: str, *, subject: str, base: str
) -> str:
    """Push one new commit; answers the Change-Id of the change that it makes.

    :param url: the project's clone URL, without user information.
    :param target: where to, with options, such as ``refs/for/master%hashtag=one,wip``.
    :param base: the ref to start from.
    :raises SandboxError: git or Gerrit refused; the message holds what was printed.
    """
    change_id = f"I{uuid.uuid4().hex}{uuid.uuid4().hex[:8]}"
    environment = _environment(username, password)
    with tempfile.TemporaryDirectory(prefix="reviewloop-push-") as scratch:
        (Path(scratch) / f"work-{change_id}.txt").write_text("pushed\n", encoding="utf-8")
        message = f"{subject}\n\nChange-Id: {change_id}"
        for arguments in (
            ("init", "-q"),
            ("fetch", "-q", "--depth=1", url, base),
            ("reset", "-q", "FETCH_HEAD"),
            ("add", f"work-{change_id}.txt"),
            ("commit", "-q", "-m", message),
            ("push", "-q", url, f"HEAD:{target}"),
        ):
            _git(arguments, scratch, environment)
    return change_id


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
