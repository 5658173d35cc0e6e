"""Which troubles the sensor has reported to StackStorm, and not yet that they are over."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Mapping

from reviewloop.core.timestamps import from_iso, iso
from reviewloop.store.cursor import name_of
from reviewloop.store.datastore import Datastore, read_value, write_value

VERSION = 1
PREFIX = "gerrit.trouble."


@dataclass(frozen=True)
class OpenTrouble:
    """``since`` when it began, ``failures`` in how many polls it was met."""

    since: datetime
    failures: int


class TroubleStore(ABC):
    """Where open troubles are kept, by kind."""

    @abstractmethod
    def load(self) -> Dict[str, OpenTrouble]:
        """The open troubles; none where what is kept makes no sense.

        :raises DatastoreError: the store cannot be read just now.
        """

    @abstractmethod
    def save(self, troubles: Mapping[str, OpenTrouble]) -> None:
        """Keep the open troubles. :raises DatastoreError: they may not have been kept."""


class DatastoreTroubles(TroubleStore):
    """The open troubles in StackStorm's datastore, one system value for each Gerrit server."""

    def __init__(self, datastore: Datastore, server: str) -> None:
        self._datastore = datastore
        self.name = name_of(PREFIX, server)

    def load(self) -> Dict[str, OpenTrouble]:
        """Read through a listing, which tells "none" from "down"."""
        text = read_value(self._datastore, self.name)
        try:
            return {} if text is None else _checked(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            # All that is lost is that a trouble is over.
            return {}

    def save(self, troubles: Mapping[str, OpenTrouble]) -> None:
        """Write them."""
        told = {
            kind: {"since": iso(one.since), "failures": one.failures}
            for kind, one in sorted(troubles.items())
        }
        value = json.dumps({"version": VERSION, "open": told})
        write_value(self._datastore, self.name, value)


def _checked(value: Any) -> Dict[str, OpenTrouble]:
    if value["version"] != VERSION:
        raise ValueError("another version")
    return {
        str(kind): OpenTrouble(from_iso(one["since"]), int(one["failures"]))
        for kind, one in value["open"].items()
    }
