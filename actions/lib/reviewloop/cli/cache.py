"""What a command has read of a server, kept on disk for the next one, or for going on.

A change is believed only while the server's own list shows it unmoved. Losing all of it, or any
part, costs requests and nothing else. Files are for their owner alone: they hold what the account
may see.
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from pathlib import Path
from typing import Any, Iterable, Mapping, Optional

from reviewloop.core.keys import digest
from reviewloop.errors import ConfigError
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.parse import Row

VERSION = 1
_FOLDER, _FILE = 0o700, 0o600
_FOLDERS = 256


def default_folder(environment: Mapping[str, str]) -> Path:
    """Where caches belong (https://specifications.freedesktop.org/basedir-spec/)."""
    base = environment.get("XDG_CACHE_HOME", "")
    home = Path(base) if os.path.isabs(base) else Path(environment.get("HOME", "~")) / ".cache"
    return home.expanduser() / "reviewloop"


class Cache:
    """The changes of one server, as one account sees them.

    :param folder: made where it is not there; others may not look into it.
    :param options: with which the changes are read: others answer less, or more.
    :raises ConfigError: the folder is somebody else's, or cannot be made.
    """

    def __init__(self, folder: Path, url: str, username: str, options: Iterable[str]) -> None:
        self._options = sorted(options)
        self._folder = folder / digest("server", url, username)
        try:
            self._folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            for one in (folder, self._folder):
                _check(one)
        except OSError as err:
            raise ConfigError(
                f"The cache {folder} cannot be used: {err.strerror or err}.",
                "Pass another folder with --cache, or --no-cache.",
            ) from err

    def load(self, row: Row) -> Optional[Raw]:
        """A change as it was read, if the server's list shows it unmoved; None else."""
        try:
            told = json.loads(zlib.decompress(self._path(row).read_bytes()))
            is_same = told["about"] == self._about(row) and isinstance(told["change"], dict)
            found: Raw = told["change"]
        except (OSError, ValueError, KeyError, TypeError, zlib.error, RecursionError):
            return None  # not there, or damaged: it is read again
        return found if is_same else None

    def save(self, row: Row, change: Raw) -> None:
        """Keep a change as it was read, with what the list says of it; a private one is not kept.

        A disk that takes no more costs the next command its requests.
        """
        if row.is_private or change.get("is_private"):
            return
        told = {"about": self._about(row), "change": change}
        packed = zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 1)
        path = self._path(row)
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(mode=_FOLDER, exist_ok=True)
            draft.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(draft, flags, _FILE), "wb") as file:
                file.write(packed)
            draft.replace(path)
        except OSError:
            return

    def _about(self, row: Row) -> Mapping[str, Any]:
        return {
            "version": VERSION,
            "number": row.number,
            "project": row.project,
            "updated": row.updated.isoformat(),
            "meta_rev_id": row.meta_rev_id,
            "options": self._options,
        }

    def _path(self, row: Row) -> Path:
        part = f"{row.number % _FOLDERS:02x}"
        return self._folder / part / f"{row.number}-{digest(row.project)}.json.z"


def _check(folder: Path) -> None:
    """Make a folder private. :raises ConfigError: it is somebody else's."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ConfigError(
            f"The cache {folder} is no folder of the user who runs this.",
            "Pass another one with --cache, or --no-cache.",
        )
    if stat.S_IMODE(found.st_mode) != _FOLDER:
        folder.chmod(_FOLDER)
