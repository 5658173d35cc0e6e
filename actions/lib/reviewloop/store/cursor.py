"""How far events have been dispatched: the one value the sensor keeps of Gerrit.

Everything up to and including ``through`` has been dispatched; with ``after_id``, of what happened
at ``through`` only what comes up to that event. The value is written after the dispatch: a crash
between the two repeats some events, under the same ids, and loses none.

Two things lie before ``through`` and have not been dispatched: events that were found late, by
name, and what happened to changes that could not be read, by number. So have endings that Gerrit's
index did not show yet; for what shows while no sensor runs, those that were dispatched are named.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Dict, FrozenSet, Mapping, Optional

from reviewloop.core.keys import event_order
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.errors import ConfigError, ReviewLoopError
from reviewloop.store.datastore import UNREADABLE, Datastore, read_value, remedy_of, write_value

VERSION = 1
PREFIX = "gerrit.cursor."
BY_NUMBER = "number"
"""The order of events of one second. Values without it were written by releases that compared ids
as texts, and are read that way.
"""


@dataclass(frozen=True)
class Endings:
    """Which endings before the cursor have been dispatched.

    :param after: those up to here.
    :param waits: the later ones: a name of each wait, and when it ended.
    """

    after: datetime
    waits: Mapping[str, datetime] = field(default_factory=dict)

    def has(self, name: str, at: datetime) -> bool:
        """Whether the ending of a wait at an instant is one of them."""
        return at <= self.after or name in self.waits


@dataclass(frozen=True)
class Cursor:
    """A position among events.

    :param through: an aware instant with whole seconds.
    :param after_id: an event id, or None.
    :param late: names of events before this position that have not been dispatched.
    :param aside: changes that could not be read, with the instant up to which their events have
        been dispatched.
    :param as_text: whether ids of one second are compared as texts.
    :param cache: the word by which a file beside the sensor shows that it belongs to this value, ""
        for none.
    :param ended: which endings before this position have been dispatched; None for all.
    """

    through: datetime
    after_id: Optional[str] = None
    late: FrozenSet[str] = frozenset()
    aside: Mapping[int, datetime] = field(default_factory=dict)
    as_text: bool = False
    cache: str = ""
    ended: Optional[Endings] = None

    def is_past(self, at: datetime, event_id: str) -> bool:
        """Whether the event lies at or before this position."""
        if at != self.through or self.after_id is None:
            return at <= self.through
        if self.as_text:
            return event_id <= self.after_id
        return event_order(event_id) <= event_order(self.after_id)

    def of(self, number: int) -> Cursor:
        """The position from which a change's events are to be dispatched."""
        through = self.aside.get(number)
        return self if through is None else replace(self, through=through, after_id=None)

    @property
    def whole(self) -> datetime:
        """Every ending up to here has been dispatched, but for those that are named."""
        return self.through if self.ended is None else self.ended.after

    @property
    def expected(self) -> FrozenSet[int]:
        """The numbers of changes of which something before this position is to be dispatched."""
        late = {event_order(name.rpartition(" ")[2])[0] for name in self.late}
        return frozenset(late.union(self.aside) - {0})

    def to_json(self) -> str:
        """``{"version": 1, "through": "2026-03-02T09:00:00Z", "after_id": null}``.

        With ``"order"`` where there is an ``after_id``, and ``"late"``, ``"aside"``, ``"cache"``
        and ``"ended"`` where there is something to name.
        """
        value: Dict[str, Any] = {
            "version": VERSION,
            "through": iso(self.through),
            "after_id": self.after_id,
        }
        if self.after_id is not None and not self.as_text:
            value["order"] = BY_NUMBER
        if self.late:
            value["late"] = sorted(self.late)
        if self.aside:
            value["aside"] = {str(number): iso(at) for number, at in sorted(self.aside.items())}
        if self.cache:
            value["cache"] = self.cache
        if self.ended is not None:
            waits = {name: iso(at) for name, at in sorted(self.ended.waits.items())}
            value["ended"] = {"after": iso(self.ended.after), "waits": waits}
        return json.dumps(value)

    @classmethod
    def from_json(cls, text: str, name: str) -> Cursor:
        """Read what :meth:`to_json` wrote; ``name`` is the datastore key, for the message.

        :raises LostCursorError: it is something else.
        :raises ConfigError: it is of another version.
        """
        try:
            return _checked(_of_this_version(json.loads(text), name))
        except UNREADABLE as err:
            raise LostCursorError(
                f"The datastore value {name} was damaged and is written anew, so nothing is sent of"
                " what happened since it was last written.",
                "Overdue waits are sent as gerrit.change_overdue all the same, and the daily sweep"
                " stands down what ended. See what damages values in StackStorm's database.",
            ) from err


class LostCursorError(ReviewLoopError):
    """What stood in the cursor's place is no cursor of any version."""

    kind = "partial"


def _of_this_version(value: Any, name: str) -> Any:
    version = value["version"]
    if type(version) is int and version != VERSION:
        raise ConfigError(
            f"The datastore value {name} is a cursor of version {version}, not {VERSION}.",
            remedy_of(name, ", and set catch_up to reach back over the gap"),
        )
    return value


def _checked(value: Any) -> Cursor:
    if value["version"] != VERSION:
        raise ValueError("it has no version")
    after_id = value["after_id"]
    if after_id is not None and not isinstance(after_id, str):
        raise ValueError("after_id is neither null nor a text")
    return Cursor(
        through=from_iso(value["through"]),
        after_id=after_id,
        late=frozenset(map(str, value.get("late", ()))),
        aside={int(number): from_iso(at) for number, at in value.get("aside", {}).items()},
        ended=_endings(value["ended"]) if "ended" in value else None,
        as_text=after_id is not None and value.get("order") != BY_NUMBER,
        cache=str(value.get("cache", "")),
    )


def _endings(value: Any) -> Endings:
    waits = {str(name): from_iso(at) for name, at in value["waits"].items()}
    return Endings(from_iso(value["after"]), waits)


def name_of(prefix: str, server: str) -> str:
    """The name of a server's value: StackStorm takes not every character in one."""
    return prefix + re.sub(r"[^A-Za-z0-9.-]", "_", server)


class CursorStore(ABC):
    """Where the cursor is kept."""

    @abstractmethod
    def load(self) -> Optional[Cursor]:
        """The cursor, or None where there surely is none yet.

        :raises DatastoreError: the store cannot be read just now.
        :raises LostCursorError: what it holds is no cursor.
        :raises ConfigError: it is of another version.
        """

    @abstractmethod
    def save(self, cursor: Cursor) -> None:
        """Keep the cursor. :raises DatastoreError: it may not have been kept."""


class DatastoreCursor(CursorStore):
    """The cursor in StackStorm's datastore, one system value for each Gerrit server."""

    def __init__(self, datastore: Datastore, server: str) -> None:
        self._datastore = datastore
        self.name = name_of(PREFIX, server)

    def load(self) -> Optional[Cursor]:
        """Read through a listing, which tells "none" from "down"."""
        text = read_value(self._datastore, self.name)
        return None if text is None else Cursor.from_json(text, self.name)

    def save(self, cursor: Cursor) -> None:
        """Write it."""
        write_value(self._datastore, self.name, cursor.to_json())
