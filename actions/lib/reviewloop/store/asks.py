"""Who was asked what: one small record for each time people were asked about a change.

The records make a second run of an escalation choose the same person, and tell how much each person
has been asked. They lapse by themselves, so a change that nobody can see any more weighs on nobody
for ever.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Dict, Iterable, Optional, Tuple

from reviewloop.core.events import EventRef
from reviewloop.core.keys import ask_id
from reviewloop.core.roster import Load
from reviewloop.core.tiers import Tier
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.errors import ConfigError
from reviewloop.store.datastore import (
    UNREADABLE,
    Datastore,
    Readable,
    kept_value,
    read_records,
    read_value,
    remedy_of,
    write_value,
)
from reviewloop.store.whole import spoil

PREFIX = "gerrit.ask."
VERSION = 1
# An ask is dated when it is decided, and written before the lease of the roster ends, minutes later
# at most: so long it counts for more, that nobody is written to more often in any seven days.
WEEK = timedelta(days=7, minutes=5)
# Seconds: an open ask lapses after two months, a closed one when it has left the budget's week.
OPEN_TTL = 60 * 86_400
CLOSED_TTL = 8 * 86_400


@dataclass(frozen=True)
class Ask:
    """``accounts`` were asked at ``at`` about the event; ``attempt`` counts hand-overs from 0.

    :param late: the wait was an old one, and counts for the ramp.
    :param joined: numbers of the changes for which it is asked as well.
    """

    event_id: str
    tier: str
    number: int
    party: str
    since: datetime
    accounts: Tuple[int, ...]
    at: datetime
    attempt: int = 0
    open: bool = True
    late: bool = False
    joined: Tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The record's name in the datastore: who handed it on was asked all the same."""
        return PREFIX + ask_id(self.event_id, self.tier, self.attempt)

    def to_json(self) -> str:
        """The record as JSON."""
        return json.dumps(
            {
                "version": VERSION,
                "event_id": self.event_id,
                "tier": self.tier,
                "number": self.number,
                "party": self.party,
                "since": iso(self.since),
                "accounts": list(self.accounts),
                "at": iso(self.at),
                "attempt": self.attempt,
                "open": self.open,
                "late": self.late,
                "joined": list(self.joined),
            }
        )

    @classmethod
    def from_json(cls, text: str, name: str) -> Ask:
        """Read what :meth:`to_json` wrote. :raises ConfigError: it is something else."""
        try:
            value: Dict[str, Any] = json.loads(text)
            if value.pop("version") != VERSION:
                raise ValueError("another version")
            for key in ("accounts", "joined"):
                value[key] = tuple(int(one) for one in value.get(key, ()))
            for key in ("since", "at"):
                value[key] = from_iso(value[key])
            EventRef.parse(value["event_id"])
            value["tier"] = Tier(value["tier"]).value
            return cls(**value)
        except UNREADABLE as err:
            raise ConfigError(
                f"The datastore value {name} is not a record of this version ({err}).",
                remedy_of(name),
            ) from err


class Asks:
    """The records of all asks, read once for each use.

    :raises DatastoreError: on every call, when the datastore is down.
    """

    def __init__(self, datastore: Datastore) -> None:
        self.datastore = datastore

    def all(self) -> Tuple[Ask, ...]:
        """Every ask that can be read and has not lapsed, earliest first."""
        asks = self.readable().records
        return tuple(sorted(asks, key=lambda ask: (ask.at, ask.event_id, ask.tier, ask.attempt)))

    def readable(self) -> Readable[Ask]:
        """Every ask that can be read, and the names of the values that cannot."""
        return read_records(self.datastore, PREFIX, Ask.from_json)

    def get(self, ask: Ask) -> Optional[Ask]:
        """The record of an ask as it is now; None where it has lapsed."""
        text = read_value(self.datastore, ask.key)
        return None if text is None else Ask.from_json(text, ask.key)

    def kept(self, event_id: str, tier: str, attempt: int) -> Optional[Ask]:
        """An ask by a plain read; None where there is none, or it cannot be read just now."""
        name = PREFIX + ask_id(event_id, tier, attempt)
        text = kept_value(self.datastore, name)
        try:
            return None if text is None else Ask.from_json(text, name)
        except ConfigError:
            return None

    def put(self, ask: Ask) -> None:
        """Keep an ask."""
        spoil(self.datastore)
        write_value(self.datastore, ask.key, ask.to_json(), OPEN_TTL if ask.open else CLOSED_TTL)

    def close(self, number: int) -> int:
        """Nobody is asked about the change any more; how many asks that ended."""
        ending = [ask for ask in self.all() if ask.number == number and ask.open]
        for ask in ending:
            self.put(replace(ask, open=False))
        return len(ending)


def find(asks: Iterable[Ask], event_id: str, tier: str) -> Optional[Ask]:
    """The latest ask for an event and tier, if there was one."""
    mine = [one for one in asks if (one.event_id, one.tier) == (event_id, tier)]
    return max(mine, key=lambda ask: ask.attempt, default=None)


def loads(asks: Iterable[Ask], now: datetime) -> Dict[int, Load]:
    """What each account has been asked."""
    found: Dict[int, Load] = {}
    for ask in asks:
        for account in ask.accounts:
            load = found.get(account, Load())
            found[account] = Load(
                open=load.open + ask.open,
                week=load.week + (ask.at > now - WEEK),
                last=max(load.last or ask.at, ask.at),
            )
    return found
