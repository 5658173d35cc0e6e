"""GitHub's own description of its REST API, as GitHub publishes it on npm (``@octokit/openapi``).

It is fetched by npm into the cache, once; nothing of it is kept in the repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Dict

from sandbox.cache import cache_folder, exclusive
from sandbox.ports import SandboxError

PACKAGE = "@octokit/openapi@23.0.2"
MEMBER = "package/generated/api.github.com.json"


def has_npm() -> bool:
    """Whether the description can be fetched where the cache does not hold it."""
    return shutil.which("npm") is not None


def description() -> Dict[str, Any]:
    """The OpenAPI 3.0 document of github.com.

    :raises SandboxError: it is not in the cache and npm cannot fetch it.
    """
    folder = cache_folder("github-openapi", PACKAGE.rpartition("@")[2])
    document = folder / "api.github.com.json"
    with exclusive(folder):
        if not document.exists():
            _fetch(folder, document)
    told: Dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
    return told


def is_cached() -> bool:
    """Whether the description is there already."""
    folder = cache_folder("github-openapi", PACKAGE.rpartition("@")[2])
    return (folder / "api.github.com.json").exists()


def _fetch(folder: Path, document: Path) -> None:
    if not has_npm():
        raise SandboxError("npm is not here, which fetches GitHub's description: install npm.")
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder)
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace")[-1000:]
        raise SandboxError(f"npm could not fetch {PACKAGE}: {told}")
    packed = folder / done.stdout.decode("utf-8").split()[-1]
    with tarfile.open(packed) as archive:
        member = archive.extractfile(MEMBER)
        if member is None:
            raise SandboxError(f"{PACKAGE} has no {MEMBER} any more.")
        part = document.with_suffix(".part")
        part.write_bytes(member.read())
    part.rename(document)
    packed.unlink()
