"""StackStorm's datastore in memory: what the loop remembers, forgotten when the preview ends."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from reviewloop.store.datastore import Datastore, read_values
from reviewloop.store.lease import PREFIX as LEASES

KEPT = "gerrit."
"""How the names of this pack's values begin."""


@dataclass
class Value:
    """One stored value; ``expires`` is None for good."""

    name: str
    value: str
    expires: Optional[datetime] = None


class MemoryStore(Datastore):
    """The part of StackStorm's services that the pack uses, by a clock of its own.

    :param clock: when it is.
    :param values: what is there already; each lasts for good.
    """

    def __init__(
        self, clock: Callable[[], datetime], values: Optional[Mapping[str, str]] = None
    ) -> None:
        self._clock = clock
        self._values: Dict[str, Value] = {}
        self._names: List[str] = []
        for name, text in (values or {}).items():
            self._put(Value(name, text))

    def list_values(
        self,
        local: bool = True,  # noqa: ARG002 - this pack keeps nothing under an action's own name
        prefix: Optional[str] = None,
        limit: Optional[int] = None,
        offset: int = 0,
    ) -> Sequence[Value]:
        """Values whose names begin so, by name."""
        now, wanted = self._clock(), prefix or ""
        found: List[Value] = []
        at = bisect_left(self._names, wanted)
        while at < len(self._names) and self._names[at].startswith(wanted):
            one = self._values[self._names[at]]
            if one.expires is None or now < one.expires:
                found.append(one)
            at += 1
        return found[offset:] if limit is None else found[offset:][:limit]

    def get_value(
        self,
        name: str,
        local: bool = True,  # noqa: ARG002 - see above
    ) -> Optional[str]:
        """The value of a name, or None."""
        one, now = self._values.get(name), self._clock()
        return one.value if one is not None and (one.expires is None or now < one.expires) else None

    def set_value(
        self,
        name: str,
        value: str,
        ttl: Optional[int] = None,
        local: bool = True,  # noqa: ARG002 - see above
    ) -> bool:
        """Keep a value for ``ttl`` seconds, or for good."""
        expires = self._clock() + timedelta(seconds=ttl) if ttl else None
        self._put(Value(name, str(value), expires))
        return True

    def delete_value(self, name: str, local: bool = True) -> bool:  # noqa: ARG002 - see above
        """Drop a value; whether there was one."""
        if self._values.pop(name, None) is None:
            return False
        del self._names[bisect_left(self._names, name)]
        return True

    def _put(self, value: Value) -> None:
        if value.name not in self._values:
            insort(self._names, value.name)
        self._values[value.name] = value


def copied(datastore: Datastore) -> Dict[str, str]:
    """What this pack keeps in a datastore, without the leases of those who are at work.

    :raises DatastoreError: it cannot be read just now.
    """
    found = read_values(datastore, KEPT)
    return {name: text for name, text in found.items() if not name.startswith(LEASES)}
