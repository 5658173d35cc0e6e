"""StackStorm's key-value store in memory, and the methods sensors and actions reach it by.

After StackStorm's ``st2common/services/datastore.py``: names, paging, and who hides an outage.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Callable, DefaultDict, Dict, List, Optional

Clock = Callable[[], datetime]
Moment = Callable[[str], None]
PAGE = 100  # StackStorm's ``[api] max_page_size``: list_values returns no more unless asked to
SWEEP = timedelta(seconds=60)  # MongoDB looks for expired documents once a minute
_MARK = "C1F4E2"


@dataclass(frozen=True)
class KeyValue:
    """One stored value; ``value`` is what is on disk, so ciphertext where ``secret``."""

    name: str
    value: str
    secret: bool = False
    expires: Optional[datetime] = None


def unseal(text: object) -> str:
    """Decrypt; ValueError if the text was never encrypted, at which StackStorm fails as well."""
    if not str(text).startswith(_MARK):
        raise ValueError("The datastore value is not encrypted. Store it with --encrypt.")
    return bytes.fromhex(str(text).replace(_MARK, "", 1)).decode()


class Datastore:
    """All values by full name. ``down = True`` takes the API away, not what templates read."""

    def __init__(self, clock: Clock) -> None:
        self.down = False
        self._clock = clock
        self._items: Dict[str, KeyValue] = {}

    def put(self, name: str, value: str, secret: bool = False, ttl: Optional[int] = None) -> None:
        """Store ``value`` for ``ttl`` seconds; a secret as hex, which is unreadable enough."""
        expires = self._clock() + timedelta(seconds=ttl) if ttl else None
        kept = _MARK + value.encode().hex().upper() if secret else value
        self._items[name] = KeyValue(name, kept, secret, expires)

    def drop(self, name: str) -> bool:
        """Delete a value; whether there was one."""
        return self._items.pop(name, None) is not None

    def items(self, prefix: str = "") -> List[KeyValue]:
        """Values whose full name starts so, by name; an expired one until MongoDB's next sweep."""
        now = self._clock()
        live = [i for i in self._items.values() if i.expires is None or now < i.expires + SWEEP]
        return sorted((i for i in live if i.name.startswith(prefix)), key=lambda i: i.name)

    def texts(self) -> DefaultDict[str, str]:
        """``st2kv.system`` in a template: values by name; an absent one is an empty text there."""
        return defaultdict(str, {item.name: item.value for item in self.items()})


class DatastoreService:
    """What sensors and actions are given; ``moment`` is told before and after a write."""

    def __init__(self, store: Datastore, pack: str, class_name: str, moment: Moment) -> None:
        self._store = store
        self._prefix = f"{pack}.{class_name}:"
        self._moment = moment

    def list_values(
        self, local: bool = True, prefix: str = "", limit: Optional[int] = None, offset: int = 0
    ) -> List[KeyValue]:
        """Values whose names start so, by **full** name; raises when the store is down."""
        found = self._reached().items(self._prefix * local + prefix)
        return found[offset:][: limit or PAGE]

    def get_value(self, name: str, local: bool = True) -> Optional[str]:
        """The value; None if it is absent **and also** if the store is down: StackStorm's trap."""
        return None if self._store.down else self._store.texts().get(self._prefix * local + name)

    def set_value(
        self, name: str, value: object, ttl: Optional[int] = None, local: bool = True
    ) -> bool:
        """Store ``str(value)``, silently, as StackStorm does; raises when the store is down."""
        self._moment("before_set_value")
        self._reached().put(self._prefix * local + name, str(value), ttl=ttl)
        self._moment("after_set_value")
        return True

    def delete_value(self, name: str, local: bool = True) -> bool:
        """Delete; False if there was none **and also** if the store is down: the same trap."""
        self._moment("before_delete_value")
        dropped = not self._store.down and self._store.drop(self._prefix * local + name)
        self._moment("after_delete_value")
        return dropped

    def _reached(self) -> Datastore:
        if self._store.down:  # st2client raises a kind of OSError then
            raise ConnectionError("The datastore does not answer.")
        return self._store
