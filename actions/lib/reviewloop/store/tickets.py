"""What this package remembers of each ticket, and where.

A record saves the search for a ticket and lets the daily sweep find what is still open. Losing all
records costs nothing but calls: the tracker's own listing finds every ticket again by its key. So a
damaged record is as good as none, and is written anew. One of another version is left alone: what a
newer release keeps in it must not be lost by going back for a day.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields
from typing import Any, ContextManager, Dict, Iterator, Optional, Tuple

from reviewloop.errors import ConfigError
from reviewloop.store.datastore import (
    Datastore,
    Readable,
    drop_value,
    read_records,
    read_value,
    remedy_of,
    write_value,
)

PREFIX = "gerrit.ticket."
VERSION = 1
CLOSED_TTL = 30 * 86_400
"""Seconds for which the record of a closed ticket is kept: it saves a look at the tracker if the
change is escalated again.
"""


@dataclass(frozen=True)
class TicketRecord:
    """One ticket. Instants are ISO-8601 in UTC with ``Z``, empty where unknown.

    :param key: the ticket's key, ``grv-…``.
    :param tracker: :attr:`reviewloop.trackers.base.Tracker.name`; the id is only good there.
    :param server: host of the Gerrit server; ``number`` is the change's number on it.
    :param project: its project, only where the server has two changes of the number.
    :param party: whose wait the ticket is about, ``since`` when that wait began.
    :param level: how far the escalation has gone, counted from 0.
    :param step: the escalation that the ticket was opened for; its first text names it.
    :param assignee: who was asked, in the tracker's names; empty for nobody.
    :param state: ``open`` or ``closed``, as last seen; of a linked one, whether its wait lasts.
    :param linked: the ticket is not ours: the change's commit message names it.
    """

    key: str
    tracker: str
    id: str
    url: str = ""
    server: str = ""
    number: int = 0
    project: str = ""
    party: str = ""
    since: str = ""
    level: int = 0
    step: str = ""
    assignee: str = ""
    opened_at: str = ""
    closed_at: str = ""
    state: str = "open"
    linked: bool = False
    version: int = VERSION

    def to_json(self) -> str:
        """The record as one JSON object with its version; the project only where there is one."""
        told = {key: value for key, value in asdict(self).items() if value or key != "project"}
        return json.dumps(told, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, name: str = f"{PREFIX}*") -> TicketRecord:
        """Read a record; ``name`` is its key in the datastore, for the message.

        :raises DamagedError: it is no record.
        :raises ConfigError: it is of a version this package does not know.
        """
        try:
            told: Any = json.loads(text)
        except (ValueError, RecursionError) as err:
            raise DamagedError(*_unreadable(name, "it is not JSON")) from err
        if not isinstance(told, dict) or type(told.get("version")) is not int:
            raise DamagedError(*_unreadable(name, "it has no version"))
        if told["version"] != VERSION:
            raise ConfigError(*_unreadable(name, f"its version is not {VERSION}"))
        return cls(**_checked(told, name))


class DamagedError(ConfigError):
    """A value that no release has written: what stood there is lost."""


_TYPES: Dict[str, type] = {"number": int, "level": int, "version": int, "linked": bool}


def _checked(told: Dict[str, Any], name: str) -> Dict[str, Any]:
    known = {f.name: _TYPES.get(f.name, str) for f in fields(TicketRecord)}
    missing = {"key", "tracker", "id"} - told.keys()
    wrong = [n for n, v in told.items() if n in known and type(v) is not known[n]]
    if missing or wrong:
        why = f"these fields are missing or wrong: {sorted([*missing, *wrong])}"
        raise DamagedError(*_unreadable(name, why))
    if not told.keys() <= known.keys():
        unknown = sorted(told.keys() - known.keys())
        raise ConfigError(*_unreadable(name, f"these fields are unknown: {unknown}"))
    return told


def _unreadable(name: str, why: str) -> Tuple[str, str]:
    return (
        f"The ticket record {name} in the datastore cannot be read: {why}.",
        remedy_of(name, ": its ticket is found again by its key"),
    )


class Records(ABC):
    """Where ticket records are kept."""

    @abstractmethod
    def get(self, key: str) -> Optional[TicketRecord]:
        """The record of a key; None if there surely is none, or only a damaged value.

        :raises TemporaryError: it cannot be told just now.
        :raises ConfigError: it is of another version.
        """

    @abstractmethod
    def put(self, record: TicketRecord) -> None:
        """Keep a record, replacing the key's former one; TemporaryError if it may not be kept."""

    def drop(self, key: str) -> None:  # noqa: B027 - records may be kept for good
        """Forget a record; TemporaryError if it may still be there."""

    @abstractmethod
    def readable(self) -> Readable[TicketRecord]:
        """Every record that can be read, in the order of their keys, and the names of the values
        that cannot: one of another version, or damaged, hides no other.
        """

    def remembered(self) -> ContextManager[None]:
        """While nobody else writes what is read: each record is read at most once."""
        return nullcontext()

    def all(self) -> Tuple[TicketRecord, ...]:
        """Every record that can be read, in the order of their keys."""
        return self.readable().records


class DatastoreRecords(Records):
    """Records in StackStorm's datastore, one system value each, named ``gerrit.ticket.<key>``."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self._memory: Optional[Dict[str, Optional[TicketRecord]]] = None

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """See :meth:`Records.remembered`; the outermost of several counts."""
        if self._memory is not None:
            yield
            return
        self._memory = {}
        try:
            yield
        finally:
            self._memory = None

    def get(self, key: str) -> Optional[TicketRecord]:
        """The record of a key, or None; DatastoreError (temporary) if it cannot be told."""
        if self._memory is not None and key in self._memory:
            return self._memory[key]
        found = self._read(key)
        if self._memory is not None:
            self._memory[key] = found
        return found

    def _read(self, key: str) -> Optional[TicketRecord]:
        text = read_value(self._datastore, PREFIX + key)
        try:
            return None if text is None else TicketRecord.from_json(text, PREFIX + key)
        except DamagedError:
            return None

    def put(self, record: TicketRecord) -> None:
        """Keep a record."""
        ttl = None if record.state == "open" else CLOSED_TTL
        write_value(self._datastore, PREFIX + record.key, record.to_json(), ttl)
        if self._memory is not None:
            self._memory[record.key] = record

    def drop(self, key: str) -> None:
        """Forget a record."""
        drop_value(self._datastore, PREFIX + key)

    def readable(self) -> Readable[TicketRecord]:
        """Every record, and those set aside."""
        return read_records(self._datastore, PREFIX, TicketRecord.from_json)
