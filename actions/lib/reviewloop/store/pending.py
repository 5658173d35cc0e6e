"""What should be asked and cannot be just now: one small record for each wait and tier.

A limit, an absence or an outage only puts an ask off. The record says why, and from when on it is
worth another try; the sensor offers the wait again then, whoever has waited longest first. What
stands in a change's own history (a snooze, a red CI) needs no record: it is read there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Dict, Iterable, Optional, Tuple

from reviewloop.core.events import EventRef
from reviewloop.core.keys import digest
from reviewloop.core.tiers import Tier
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.errors import ConfigError
from reviewloop.store.datastore import (
    UNREADABLE,
    Datastore,
    Readable,
    drop_value,
    read_records,
    remedy_of,
    write_value,
)
from reviewloop.store.whole import spoil

PREFIX = "gerrit.pending."
VERSION = 1
TTL = 60 * 86_400
"""Seconds: what nobody has offered again for so long is forgotten."""


class Reason(str, Enum):
    """Why nobody is asked just now."""

    BUDGET = "budget"
    CAP = "cap"
    RAMP = "ramp"
    NOBODY_ELIGIBLE = "nobody_eligible"
    JOINED = "joined"


@dataclass(frozen=True)
class Pending:
    """An ask that was put off at ``at``.

    :param event_id: the event that was assessed, ``milestone`` its own.
    :param since: when the wait began, ``party`` whose it is.
    :param not_before: when the reason can have changed.
    :param crossed_at: when the wait reached its first milestone: the longest first.
    :param leader: the number of the change in whose name it is asked, 0 for none.
    :param again: somebody was asked about this wait before, at an earlier milestone.
    """

    event_id: str
    tier: str
    number: int
    party: str
    since: datetime
    milestone: str
    reason: Reason
    at: datetime
    not_before: datetime
    crossed_at: datetime
    leader: int = 0
    again: bool = False

    @property
    def key(self) -> str:
        """The record's name in the datastore: one for each wait and tier, on any milestone."""
        return key_of(self.event_id, self.tier)

    @property
    def rank(self) -> Tuple[bool, datetime, int]:
        """Its place among others: the smaller, the sooner."""
        return self.again, self.crossed_at, self.number

    def to_json(self) -> str:
        """The record as JSON."""
        told = {**vars(self), "version": VERSION, "reason": self.reason.value}
        told.update({name: iso(told[name]) for name in _INSTANTS})
        return json.dumps(told, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, name: str) -> Pending:
        """Read what :meth:`to_json` wrote. :raises ConfigError: it is something else."""
        try:
            return cls(**_checked(json.loads(text)))
        except UNREADABLE as err:
            raise ConfigError(
                f"The datastore value {name} is not a record of this version ({err}).",
                remedy_of(name),
            ) from err


def key_of(event_id: str, tier: str) -> str:
    """The name of the record of an event's wait and a tier."""
    wait = event_id.rpartition(":")[0]
    return PREFIX + digest("pending", wait, tier)


_INSTANTS = ("since", "at", "not_before", "crossed_at")
_TEXTS = ("event_id", "tier", "party", "milestone")
_NUMBERS = ("number", "leader")


def _checked(value: Dict[str, Any]) -> Dict[str, Any]:
    if value.pop("version") != VERSION:
        raise ValueError("another version")
    wrong = [name for name in _TEXTS if not isinstance(value[name], str)]
    wrong += [name for name in _NUMBERS if type(value[name]) is not int]
    wrong += [name for name in ("again",) if type(value[name]) is not bool]
    if wrong:
        raise ValueError(f"wrong fields: {wrong}")
    value["tier"], value["reason"] = Tier(value["tier"]).value, Reason(value["reason"])
    EventRef.parse(value["event_id"])
    value.update({name: from_iso(value[name]) for name in _INSTANTS})
    return value


class Pendings:
    """All records of what was put off.

    :raises DatastoreError: on every call, when the datastore is down.
    """

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore

    def readable(self) -> Readable[Pending]:
        """Every record, and the names of those that cannot be read."""
        return read_records(self._datastore, PREFIX, Pending.from_json)

    def all(self) -> Tuple[Pending, ...]:
        """Every record that can be read, the longest wait first."""
        return tuple(sorted(self.readable().records, key=lambda one: one.rank))

    def put(self, pending: Pending) -> None:
        """Keep a record, replacing the one of the same wait and tier."""
        spoil(self._datastore)
        write_value(self._datastore, pending.key, pending.to_json(), TTL)

    def drop(self, pending: Pending) -> None:
        """Forget a record."""
        spoil(self._datastore)
        drop_value(self._datastore, pending.key)

    def forget(self, event_id: str, tier: str) -> None:
        """Forget the record of an event's wait and a tier, if there is one.

        The tally may have it for a day. Nobody is behind it in a queue for longer than limits wait
        for one that does not come back.
        """
        drop_value(self._datastore, key_of(event_id, tier))


def find(pendings: Iterable[Pending], event_id: str, tier: str) -> Optional[Pending]:
    """The record of an event's wait and a tier, on any milestone, if there is one."""
    wait = event_id.rpartition(":")[0]
    return next(
        (one for one in pendings if one.event_id.rpartition(":")[0] == wait and one.tier == tier),
        None,
    )
