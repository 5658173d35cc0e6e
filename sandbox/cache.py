"""Where the sandbox keeps what is dear to make, and how two processes do not make it twice."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterable, Iterator

CHECKOUT = Path(__file__).resolve().parents[1]


def cache_path(*parts: str) -> Path:
    """Where something is kept, or would be: below ``REVIEWLOOP_CACHE``, by default ``.cache``."""
    return Path(os.environ.get("REVIEWLOOP_CACHE") or CHECKOUT / ".cache").joinpath(*parts)


def cache_folder(*parts: str) -> Path:
    """A folder below the cache, see `cache_path`; made if missing."""
    folder = cache_path(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest(files: Iterable[Path], *texts: str) -> str:
    """A short key that changes whenever a file's name or content, or one of the texts, does."""
    found = hashlib.sha256()
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        found.update(f"{file.name} {content}\n".encode())
    for text in texts:
        found.update(f"{text}\n".encode())
    return found.hexdigest()[:16]


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let one process at a time fill this folder; the others wait, then find it filled."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
