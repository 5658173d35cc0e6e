"""Histories that a command is given, in a file or by a server, and instants as people type them."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Generator, Iterable, Iterator, List, Optional, Sequence, Tuple

from reviewloop.cli.cache import Cache, default_folder
from reviewloop.cli.files import why_not
from reviewloop.cli.progress import Progress, waits
from reviewloop.core.text import outward
from reviewloop.core.timestamps import ISO, iso
from reviewloop.errors import ConfigError, ProtocolError, ReviewLoopError, TemporaryError
from reviewloop.gerrit import parse
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.parse import Row
from reviewloop.gerrit.queries import MAX_BATCH, Option
from reviewloop.http import codes
from reviewloop.http.retry import Patience
from reviewloop.operations.context import make_client
from reviewloop.preview.gather import searches
from reviewloop.preview.recorded import OPTIONS
from reviewloop.settings.load import Settings

STDIN = Path("-")
CHANGES_HELP = "ChangeInfo as JSON lines; .gz accepted, - for standard input"


def read_changes(path: Path, argument: str = "--changes") -> Iterator[Dict[str, Any]]:
    """The changes in a file, one a line, as Gerrit answers them: see :func:`read_lines`."""
    return (raw for _, raw in read_lines(path, argument))


def read_lines(path: Path, argument: str = "--changes") -> Iterator[Tuple[str, Dict[str, Any]]]:
    """The same, each with its line.

    :param path: ``.gz`` is decompressed; ``-`` is standard input.
    :param argument: by which it was given.
    :raises ConfigError: it cannot be read, or a line is not JSON.
    """
    try:
        yield from _parsed(f"{argument} {path}", _lines(path))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as err:
        raise ConfigError(
            f"{argument} {path} cannot be read: {why_not(err)}.",
            "Pass JSON lines, plain or gzipped.",
        ) from err


def _parsed(named: str, lines: Iterable[str]) -> Iterator[Tuple[str, Dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield line, json.loads(line)
        except ValueError as err:
            raise ConfigError(
                f"{named}, line {number}, is not JSON: {err}.",
                "Write one change a line, as Gerrit answers it.",
            ) from err


def _lines(path: Path) -> Iterator[str]:
    if path == STDIN:
        # Whatever the locale is: Gerrit answers in UTF-8.
        yield from (line.decode("utf-8") for line in sys.stdin.buffer)
    elif path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as packed:
            yield from packed
    else:
        with path.open(encoding="utf-8") as plain:
            yield from plain


# A server

#: A long reading waits for a server that is busy, or is started anew.
PATIENCE = Patience(tries=4, longest=600.0, told=waits)
RATE = 5.0
_SLOWEST, _FASTEST = 0.01, 1000.0


def add_reading(command: argparse.ArgumentParser) -> None:
    """The arguments that say how a server is read."""
    command.add_argument(
        "--rate", type=_rate, default=RATE, help="requests a second, at most (default: 5)"
    )
    command.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where what was read is kept, so that an interrupted reading goes on"
        " (default: reviewloop/ in the user's cache folder)",
    )
    command.add_argument("--no-cache", action="store_true", help="keep nothing, and read all anew")


def client_of(options: argparse.Namespace, settings: Settings) -> Client:
    """A client that takes its time: one connection, ``--rate``, and patience when it is told to
    wait.
    """
    return make_client(settings, pause=1.0 / options.rate, patience=PATIENCE)


def read(
    options: argparse.Namespace,
    settings: Settings,
    since: datetime,
    *,
    client: Optional[Client] = None,
    others: Sequence[Settings] = (),
) -> Iterator[Raw]:
    """The changes of the configured server that moved since an instant, and those that were open
    then and may still reach a milestone; each once, as Gerrit answers it, few in memory at a time.

    What an earlier reading has kept is taken from disk where the server's list shows it unmoved.
    Standard error tells how far it is, and what cannot be read and is left out.

    :param options: of :func:`add_reading`.
    :param client: the server, where there is a client already.
    :param others: other configurations of the same server under which the changes are looked at.
    :raises ReviewLoopError: the server cannot be read just now; run again, it goes on.
    """
    reading = reading_of(options, settings, client)
    return reading.changes(searches([settings, *others], since))


def reading_of(
    options: argparse.Namespace,
    settings: Settings,
    client: Optional[Client] = None,
    wanted: Sequence[Option] = OPTIONS,
) -> ServerReading:
    """A reading of the configured server, with what is kept on disk unless ``--no-cache`` is given.

    :param options: of :func:`add_reading`.
    :param wanted: what each change holds.
    """
    client = client or client_of(options, settings)
    if options.no_cache:
        return ServerReading(client, None, tuple(wanted), settings.gerrit.query)
    folder, gerrit = options.cache or default_folder(os.environ), settings.gerrit
    names = (one.value for one in wanted)
    cache = Cache(folder, gerrit.url, gerrit.username, names)
    return ServerReading(client, cache, tuple(wanted), settings.gerrit.query)


def nothing_found(query: str, which: str = "") -> str:
    """What is said where a server has nothing to look at: Gerrit takes any project's name."""
    return (
        f"No {which}change is found by {query or 'the search'}: see that the names in it are right,"
        " and that the account may see them."
    )


@dataclass
class ServerReading:
    """One reading of a server.

    :param wanted: what each change holds.
    :param query: the configured one.
    :ivar listed: changes that the server has listed; ``kept`` of them were on disk.
    :ivar left_out: why a change could not be read, one line each.
    """

    client: Client
    cache: Optional[Cache] = None
    wanted: Tuple[Option, ...] = OPTIONS
    query: str = ""
    progress: Progress = field(default_factory=Progress)
    listed: int = 0
    kept: int = 0
    left_out: List[str] = field(default_factory=list)

    def changes(self, queries: Sequence[str]) -> Generator[Raw, None, None]:
        """What some searches find."""
        try:
            for query in queries:
                for batch in _batches(self._rows(query)):
                    yield from self._batch(batch)
            if not self.listed:
                sys.stderr.write(nothing_found(self.query) + "\n")
        finally:
            self.progress.done()
            sys.stderr.writelines(f"left out: {line}\n" for line in self.left_out)

    def _rows(self, query: str) -> Iterator[Row]:
        for raw in self.client.scan(query):
            try:
                row = parse.row(raw)
            except ProtocolError as err:
                self.left_out.append(outward(str(err), 300))
                continue
            self.listed += 1
            self.progress.say(
                f"read {self.listed} changes, {self.kept} of them from the cache,"
                f" back to {iso(row.updated)}"
            )
            yield row

    def _batch(self, rows: Sequence[Row]) -> Iterator[Raw]:
        found = {_key(row): self._known(row) for row in rows}
        missing = [row for row in rows if found[_key(row)] is None]
        for raw in self._read([row.number for row in missing]):
            try:
                row = parse.row(raw)
            except ProtocolError as err:
                self.left_out.append(outward(str(err), 300))
                continue
            if _key(row) in found:
                found[_key(row)] = raw
                if self.cache is not None:
                    self.cache.save(row, raw)
        yield from (raw for raw in found.values() if raw is not None)

    def _known(self, row: Row) -> Optional[Raw]:
        raw = None if self.cache is None else self.cache.load(row)
        self.kept += raw is not None
        return raw

    def _read(self, numbers: Sequence[int]) -> Iterator[Raw]:
        """Changes by number; in halves where one of them is more than can be answered."""
        if not numbers:
            return
        try:
            yield from self.client.changes(numbers, self.wanted)
        except (ProtocolError, TemporaryError) as err:
            if not _is_of_one(err):
                raise
            if len(numbers) == 1:
                self.left_out.append(f"change {numbers[0]}: {outward(str(err), 300)}")
                return
            half = len(numbers) // 2
            yield from self._read(numbers[:half])
            yield from self._read(numbers[half:])


def _batches(rows: Iterator[Row]) -> Iterator[List[Row]]:
    """The rows, as many at a time as one search asks for by number."""
    return iter(lambda: list(islice(rows, MAX_BATCH)), [])


def _is_of_one(err: ReviewLoopError) -> bool:
    """Whether an error may be about one of the changes that were asked for."""
    return not isinstance(err, TemporaryError) or err.status == codes.SERVER_ERROR


def _key(row: Row) -> tuple[int, str]:
    return row.number, row.project


def _rate(text: str) -> float:
    """:raises argparse.ArgumentTypeError: it is no number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not _SLOWEST <= value <= _FASTEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no rate: write how many requests a second, such as 5 or 0.5"
        )
    return value


def instant(text: str) -> datetime:
    """An instant as an argument. :raises argparse.ArgumentTypeError: it is written otherwise."""
    for form in (ISO, "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(
        f"{text!r} is not an instant: write 2026-03-02T09:00:00Z, or 2026-03-02 for its start, UTC"
    )
