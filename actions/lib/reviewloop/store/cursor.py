"""How far events have been told: the one value the sensor keeps.

Everything up to and including ``through`` has been dispatched; with ``after_id``, of what happened
at ``through`` only what has an id up to that one. The value is written after the dispatch: a crash
between the two tells some events twice, under the same ids, and loses none.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional, Tuple

from reviewloop.core.milestones import Window
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.errors import ConfigError
from reviewloop.store.datastore import Datastore, read_value, write_value

VERSION = 1
PREFIX = "gerrit.cursor."


@dataclass(frozen=True)
class Cursor:
    """``through`` is an aware instant with whole seconds; ``after_id`` an event id or None."""

    through: datetime
    after_id: Optional[str] = None

    def window(self, now: datetime) -> Window:
        """What has not been told by ``now``."""
        return Window(self.through, now, self.after_id)

    def is_past(self, at: datetime, event_id: str) -> bool:
        """Whether an event has been told."""
        return self.window(at).is_past(at, event_id)

    def to_json(self) -> str:
        """``{"version": 1, "through": "2026-03-02T09:00:00Z", "after_id": null}``."""
        return json.dumps(
            {"version": VERSION, "through": iso(self.through), "after_id": self.after_id}
        )

    @classmethod
    def from_json(cls, text: str, name: str) -> Cursor:
        """Read what :meth:`to_json` wrote; ``name`` is the datastore key, for the message.

        :raises ConfigError: it is something else, or of another version.
        """
        try:
            return cls(*_checked(json.loads(text)))
        except (ValueError, KeyError, TypeError) as err:
            raise ConfigError(
                f"The datastore value {name} is not a cursor of this version: {err}.",
                f"Upgrade the pack, or start afresh with `st2 key delete {name}`"
                " (set catch_up to reach back over the gap).",
            ) from err


def _checked(value: Any) -> Tuple[datetime, Optional[str]]:
    if value["version"] != VERSION:
        raise ValueError(f"its version is {value['version']!r}, not {VERSION}")
    after_id = value["after_id"]
    if after_id is not None and not isinstance(after_id, str):
        raise ValueError("after_id is neither null nor a text")
    return from_iso(value["through"]), after_id


class CursorStore(ABC):
    """Where the cursor is kept."""

    @abstractmethod
    def load(self) -> Optional[Cursor]:
        """The cursor, or None where there surely is none yet.

        :raises DatastoreError: the store cannot be read just now.
        :raises ConfigError: what it holds is no cursor.
        """

    @abstractmethod
    def save(self, cursor: Cursor) -> None:
        """Keep the cursor. :raises DatastoreError: it may not have been kept."""


class DatastoreCursor(CursorStore):
    """The cursor in StackStorm's datastore, one system value for each Gerrit server."""

    def __init__(self, datastore: Datastore, server: str) -> None:
        self._datastore = datastore
        self.name = PREFIX + re.sub(r"[^A-Za-z0-9.-]", "_", server)

    def load(self) -> Optional[Cursor]:
        """Read through a listing, which tells "none" from "down"."""
        text = read_value(self._datastore, self.name)
        return None if text is None else Cursor.from_json(text, self.name)

    def save(self, cursor: Cursor) -> None:
        """Write it."""
        write_value(self._datastore, self.name, cursor.to_json())
