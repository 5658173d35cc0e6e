"""Packages of npm's registry, unpacked into the cache, once; nothing of them is kept in the
repository.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Tuple

from sandbox.cache import cache_folder, cache_path, exclusive
from sandbox.ports import SandboxError


def has_npm() -> bool:
    """Whether a package can be fetched where the cache does not hold it."""
    return shutil.which("npm") is not None


def is_cached(package: str) -> bool:
    """Whether ``NAME@VERSION`` is there already."""
    return _whole(cache_path(*_place(package))).is_dir()


def unpacked(package: str) -> Path:
    """The folder with the files of a package that needs no others, as npm would install it.

    :param package: ``NAME@VERSION``.
    :raises SandboxError: it is not in the cache and npm cannot fetch it.
    """
    folder = cache_folder(*_place(package))
    with exclusive(folder):
        if not _whole(folder).is_dir():
            _fetch(package, folder)
    return _whole(folder)


def _place(package: str) -> Tuple[str, str]:
    return ("npm", package.replace("/", "+"))


def _whole(folder: Path) -> Path:
    return folder / "package"


def _fetch(package: str, folder: Path) -> None:
    if not has_npm():
        raise SandboxError(f"npm is not here, which fetches {package}: install npm.")
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder)
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace")[-1000:]
        raise SandboxError(f"npm could not fetch {package}: {told}")
    packed = folder / done.stdout.decode("utf-8").split()[-1]
    part = folder / "part"
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(packed) as archive:
        for member in archive.getmembers():
            _unpack(archive, member, part)
    (part / "package").rename(_whole(folder))
    packed.unlink()


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, part: Path) -> None:
    """One file below the folder of the package; whatever would lie elsewhere is left out."""
    target = (part / member.name).resolve()
    content = archive.extractfile(member) if member.isfile() else None
    if content is None or (part / "package").resolve() not in target.parents:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        shutil.copyfileobj(content, out)
