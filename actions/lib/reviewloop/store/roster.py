"""The roster's accounts, remembered for a while: whoever acts need not ask Gerrit for each again.

One value for each configuration of the roster, so a correction counts at once. It lapses within the
hour, or within minutes where something was wrong: accounts are renamed, made inactive and mended.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Dict, Optional, Tuple

from reviewloop.core.change import Account
from reviewloop.store.datastore import Datastore, kept_value, write_value

PREFIX = "gerrit.roster."
VERSION = 1
#: Seconds for which a sound roster, and one with problems, is believed.
TTL = 3600
TTL_WITH_PROBLEMS = 300

Accounts = Tuple[Tuple[Account, int], ...]


class RosterCache:
    """:param name: tells one configuration of the roster, on one server, from every other."""

    def __init__(self, datastore: Datastore, name: str) -> None:
        self._datastore = datastore
        self.name = PREFIX + name

    def load(self) -> Optional[Tuple[Accounts, Tuple[str, ...]]]:
        """Accounts with their places, and problems; None where nothing (that makes sense) is kept,
        or it cannot be read just now: then they are looked up.
        """
        text = kept_value(self._datastore, self.name)
        try:
            return None if text is None else _read(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None  # looked up again, and written anew

    def save(self, accounts: Accounts, problems: Tuple[str, ...]) -> None:
        """Keep what was found. :raises DatastoreError: it may not have been kept."""
        value = {
            "version": VERSION,
            "accounts": [{**asdict(account), "place": place} for account, place in accounts],
            "problems": list(problems),
        }
        ttl = TTL_WITH_PROBLEMS if problems else TTL
        write_value(self._datastore, self.name, json.dumps(value, sort_keys=True), ttl)


def _read(value: Dict[str, Any]) -> Tuple[Accounts, Tuple[str, ...]]:
    if value["version"] != VERSION:
        raise ValueError("another version")
    accounts = []
    for entry in value["accounts"]:
        place = int(entry.pop("place"))
        accounts.append((Account(**{**entry, "tags": tuple(entry["tags"])}), place))
    return tuple(accounts), tuple(map(str, value["problems"]))
