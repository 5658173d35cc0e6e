"""StackStorm's key-value store in memory, and the methods sensors and actions reach it by.

After StackStorm's ``st2common/services/datastore.py`` (methods, key names) and
``st2common/services/keyvalues.py`` (what ``st2kv.system`` is in a template).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Callable, Dict, List, Optional

Clock = Callable[[], datetime]
PAGE = 100  # StackStorm's ``[api] max_page_size``: list_values returns no more unless asked to
_MARK = "C1F4E2"


class DatastoreDownError(OSError):
    """The API does not answer (the test said so); st2client raises a kind of OSError as well."""


@dataclass(frozen=True)
class KeyValue:
    """One stored value; ``value`` is what is on disk, so ciphertext where ``secret``."""

    name: str
    value: str
    secret: bool = False
    expires: Optional[datetime] = None


def seal(text: str) -> str:
    """Upper-case hex like StackStorm's ciphertext. No cryptography: just not readable."""
    return _MARK + text.encode()[::-1].hex().upper()


def unseal(text: str) -> str:
    """The inverse of :func:`seal`.

    :raises ValueError: ``text`` was never encrypted, at which StackStorm fails as well.
    """
    if not text.startswith(_MARK):
        raise ValueError("The datastore value is not encrypted. Store it with encrypt=True.")
    return bytes.fromhex(text.replace(_MARK, "", 1))[::-1].decode()


class Datastore:
    """All values by full name. ``down = True`` takes the API away, not what templates read."""

    def __init__(self, clock: Clock) -> None:
        self.down = False
        self._clock = clock
        self._items: Dict[str, KeyValue] = {}

    def put(self, name: str, value: str, secret: bool = False, ttl: Optional[int] = None) -> None:
        """Store ``value``; ``ttl`` in seconds. Nothing else ever expires."""
        expires = self._clock() + timedelta(seconds=ttl) if ttl else None
        self._items[name] = KeyValue(name, seal(value) if secret else value, secret, expires)

    def find(self, name: str) -> Optional[KeyValue]:
        """The value of that full name, or None."""
        return next((item for item in self.items(name) if item.name == name), None)

    def remove(self, name: str) -> bool:
        """Whether there was something to remove."""
        return self._items.pop(name, None) is not None

    def items(self, prefix: str = "") -> List[KeyValue]:
        """Unexpired values whose full name starts so, by name."""
        now = self._clock()
        live = [i for i in self._items.values() if i.expires is None or now < i.expires]
        return sorted((i for i in live if i.name.startswith(prefix)), key=lambda i: i.name)


class DatastoreService:
    """What sensors and actions are given; ``moment`` is told before and after a write."""

    def __init__(
        self, store: Datastore, pack: str, class_name: str, moment: Callable[[str], None]
    ) -> None:
        self._store = store
        self._prefix = f"{pack}.{class_name}:"
        self._moment = moment
        self._log = logging.getLogger(f"st2.datastore.{pack}.{class_name}")

    def list_values(
        self,
        local: bool = True,
        prefix: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> List[KeyValue]:
        """Values whose names start so, by **full** name; raises when the store is down."""
        self._reach()
        first = offset or 0
        found = self._store.items((self._prefix if local else "") + (prefix or ""))
        return found[first:][: limit or PAGE]

    def get_value(
        self, name: str, local: bool = True, scope: str = "system", decrypt: bool = False
    ) -> Optional[str]:
        """The value; None if it is absent **and also** if the store is down: StackStorm's trap."""
        full = self._full(name, local, scope)
        try:
            self._reach()
        except DatastoreDownError as err:
            self._log.exception(
                "Exception retrieving value from datastore (name=%s): %s", full, err
            )
            return None
        item = self._store.find(full)
        if item is None:
            return None
        return unseal(item.value) if decrypt and item.secret else item.value

    def set_value(
        self,
        name: str,
        value: object,
        ttl: Optional[int] = None,
        local: bool = True,
        scope: str = "system",
        encrypt: bool = False,
    ) -> bool:
        """Store ``str(value)``, silently, as StackStorm does; raises when the store is down."""
        full = self._full(name, local, scope)
        self._moment("before_set_value")
        self._reach()
        self._store.put(full, str(value), secret=encrypt, ttl=ttl)
        self._moment("after_set_value")
        return True

    def delete_value(self, name: str, local: bool = True, scope: str = "system") -> bool:
        """Whether it was there and is gone; False, not an error, when the store is down."""
        full = self._full(name, local, scope)
        return not self._store.down and self._store.remove(full)

    def _full(self, name: str, local: bool, scope: str) -> str:
        if scope != "system":
            raise ValueError(f"Scope {scope} is unsupported.")
        return self._prefix + name if local else name

    def _reach(self) -> None:
        if self._store.down:
            raise DatastoreDownError("The datastore does not answer.")


class Lookup:
    """``st2kv.system`` in a template: attributes join to a key until somebody reads it as text."""

    def __init__(self, store: Datastore, name: str = "") -> None:
        self._store = store
        self._name = name

    def __getattr__(self, part: str) -> Lookup:
        if part.startswith("__"):
            raise AttributeError(part)
        return self[part]

    def __getitem__(self, part: object) -> Lookup:
        return Lookup(self._store, f"{self._name}.{part}" if self._name else str(part))

    def __str__(self) -> str:
        item = self._store.find(self._name)
        return item.value if item else ""

    def __int__(self) -> int:
        return int(float(str(self)))

    def __float__(self) -> float:
        return float(str(self))
