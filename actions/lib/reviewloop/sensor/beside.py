"""A file beside the sensor that makes a restart cheap: what was known of each change.

It is safe to lose, and believed only as far as nothing can have made it wrong. It must be of this
very configuration and code, and be named by the cursor in the datastore, which must not have gone
back since. Of a change it counts only while the server's index shows it unmoved; and whatever is
told of one is read from Gerrit first, as always.

Lines of JSON: a head, a line for each change, and at the end their number and checksum. It holds
numbers, names of projects, instants and ids of accounts, and no text that people wrote.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sys import intern
from typing import Dict, Iterable, Iterator, NamedTuple, Optional, TextIO, Tuple
from zlib import crc32

from reviewloop.core.keys import digest
from reviewloop.core.timestamps import epoch, instant
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.memory import Told
from reviewloop.store.cursor import Cursor

VERSION = 2
#: What reading a file of somebody or something else can end in.
UNUSABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, OSError)
#: In the system's folder for temporary files; one for each user.
FOLDER = "st2-gerrit"
#: Everything is read anew at least so often: an account that becomes a bot's moves no change.
LONGEST = timedelta(days=7)


class Entry(NamedTuple):
    """A change: its ``stamp`` when it was last read, and what was known of it then."""

    stamp: str
    told: Told


class Left(NamedTuple):
    """What an earlier process has left, and when everything was last read anew."""

    begun: datetime
    entries: Dict[ChangeKey, Entry]


@dataclass(frozen=True)
class Beside:
    """The file of one sensor.

    :param folder: where it lies; made if it is missing.
    :param sensor: what tells this sensor from others that use the folder.
    :param fingerprint: of the code and the configuration.
    """

    folder: Path
    sensor: str
    fingerprint: str
    log: logging.Logger

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{digest('beside', self.sensor)}.jsonl"

    def read(self, cursor: Cursor, now: datetime) -> Optional[Left]:
        """What an earlier process has left; None where that is not to be believed."""
        try:
            with self._opened() as lines:
                return self._entries(iter(lines), cursor, now)
        except FileNotFoundError:
            return None
        except (*UNUSABLE, RecursionError) as err:
            self.log.info("The sensor's cache %s is not used: %s", self.path, err)
            return None

    def write(
        self, cursor: Cursor, begun: datetime, entries: Iterable[Tuple[ChangeKey, Entry]]
    ) -> bool:
        """Leave something for the next process; whether that worked.

        :param cursor: as it is stored.
        :param begun: when everything was last read anew.
        """
        try:
            self._make_folder()
            # One name, so that a process that dies leaves no more than one behind.
            new = self.path.with_suffix(".new")
            with suppress(FileNotFoundError):
                new.unlink()
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.writelines(f"{one}\n" for one in self._lines(cursor, begun, entries))
            os.replace(new, self.path)
        except OSError as err:
            self.log.warning("The sensor's cache %s cannot be written: %s", self.path, err)
            return False
        return True

    def _lines(
        self, cursor: Cursor, begun: datetime, entries: Iterable[Tuple[ChangeKey, Entry]]
    ) -> Iterator[str]:
        yield json.dumps(
            {
                "version": VERSION,
                "fingerprint": self.fingerprint,
                "cache": cursor.cache,
                "through": epoch(cursor.through),
                "begun": epoch(begun),
            }
        )
        count = checksum = 0
        for key, entry in entries:
            line = json.dumps([*key, entry.stamp, *entry.told])
            count, checksum = count + 1, crc32(line.encode(), checksum)
            yield line
        yield json.dumps({"changes": count, "checksum": checksum})

    def _entries(self, lines: Iterator[str], cursor: Cursor, now: datetime) -> Left:
        head = json.loads(next(lines, "null"))
        if head["version"] != VERSION or head["fingerprint"] != self.fingerprint:
            raise ValueError("it is of another release or configuration")
        if not cursor.cache or head["cache"] != cursor.cache:
            raise ValueError("it does not belong to the stored cursor")
        if cursor.through < _instant(head["through"]):
            raise ValueError("the stored cursor has gone back since")
        begun = _instant(head["begun"])
        if not begun <= now < begun + LONGEST:
            raise ValueError("it is too old")
        found: Dict[ChangeKey, Entry] = {}
        checksum = 0
        for text in lines:
            one = json.loads(text)
            if isinstance(one, dict):
                if one["changes"] != len(found):
                    raise ValueError("some of it is missing")
                # Most of it is not even unpacked before it is needed.
                if one["checksum"] != checksum:
                    raise ValueError("it is damaged")
                return Left(begun, found)
            checksum = crc32(text.rstrip("\n").encode(), checksum)
            number, project, stamp, *told = one
            *words, due = told
            is_due = due is None or type(due) is int
            if type(number) is not int or not is_due or not _are_texts(project, stamp, *words):
                raise ValueError("it is damaged")
            found[ChangeKey(number, intern(project))] = Entry(stamp, Told(*told))
        raise ValueError("its end is missing")

    def _opened(self) -> TextIO:
        """The file, if it is ours alone."""
        handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        lines = os.fdopen(handle, encoding="ascii")
        told = os.fstat(handle)
        if not stat.S_ISREG(told.st_mode) or _is_others(told):
            lines.close()
            raise PermissionError("it is not this user's alone")
        return lines

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = os.stat(self.folder)
        if told.st_uid not in (os.geteuid(), 0) or told.st_mode & stat.S_IWOTH:
            raise PermissionError(f"others may write to {self.folder}")


def _is_others(told: os.stat_result) -> bool:
    """Whether somebody else may have written a file."""
    return told.st_uid != os.geteuid() or bool(told.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def default_folder() -> Path:
    """A folder for temporary files: the content is safe to lose."""
    return Path(tempfile.gettempdir()) / f"{FOLDER}-{os.geteuid()}"


def _are_texts(*words: object) -> bool:
    return all(isinstance(word, str) for word in words)


def _instant(seconds: object) -> datetime:
    if type(seconds) is not int:
        raise ValueError("it is damaged")
    return instant(seconds)
