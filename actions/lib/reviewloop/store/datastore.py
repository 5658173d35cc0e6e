"""StackStorm's datastore: strings by name, read so that "none" and "down" are not confused.

``get_value`` of StackStorm's services swallows every error and answers None
(st2common/services/datastore.py), which would read as "nothing sent yet" and send everything again.
``list_values`` raises. ``delete_value`` swallows errors as well, and answers False.

A value with a time to live is listed until MongoDB's own sweep has taken it, a minute or more after
its time (st2common/models/db/keyvalue.py: a TTL index); what must not be believed longer says so
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import (
    Callable,
    Dict,
    Generic,
    List,
    Optional,
    Protocol,
    Sequence,
    Tuple,
    TypeVar,
    Union,
)

from reviewloop.errors import ConfigError, DatastoreError

T = TypeVar("T")

# What st2client raises: requests' errors are OSErrors, an answer that is no JSON is a ValueError.
_FAULTS = (OSError, ValueError)
# StackStorm's default ``api.max_page_size``: a listing without a limit stops there, unsaid.
PAGE = 100
_TRIES = 5
# Records that stay parsed: each takes about a kilobyte.
_PARSED = 5000
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading a record can end in, whatever the value holds."""


class KeyValue(Protocol):
    """The part of StackStorm's ``KeyValuePair`` used here."""

    name: str
    value: str


class Datastore(Protocol):
    """The part of StackStorm's sensor and action services used here (3.9 and later)."""

    def list_values(
        self,
        local: bool = ...,
        prefix: Optional[str] = ...,
        limit: Optional[int] = ...,
        offset: int = ...,
    ) -> Sequence[KeyValue]:
        """Values whose names begin with ``prefix``; raises when the datastore is down."""

    def get_value(self, name: str, local: bool = ...) -> Optional[str]:
        """The value of a name; None if there is none, and also when the datastore is down."""

    def set_value(
        self, name: str, value: str, ttl: Optional[int] = ..., local: bool = ...
    ) -> Optional[bool]:
        """Keep a value; raises when the datastore is down."""

    def delete_value(self, name: str, local: bool = ...) -> bool:
        """Drop a value; False if there was none, and also when the datastore is down."""


def remedy_of(name: str, after: str = "") -> str:
    """What to do about a value that this version cannot read: upgrading may have been just done.

    :param after: what to see to when it is deleted.
    """
    return (
        f"If a newer version of this pack wrote it, go back to that one; else delete it with"
        f" `st2 key delete {name}`{after}."
    )


@dataclass(frozen=True)
class Readable(Generic[T]):
    """Records by what could be read; ``unreadable`` are the names of the values that could not."""

    records: Tuple[T, ...]
    unreadable: Tuple[str, ...] = ()


def read_values(datastore: Datastore, prefix: str) -> Dict[str, str]:
    """All values whose names begin with ``prefix``, by name.

    :raises DatastoreError: the datastore cannot be read just now, or changes faster than it can be.
    """
    for _ in range(_TRIES):
        found = _listed(datastore, prefix)
        if found is not None:
            return found
    raise _down("read while values under it keep changing", prefix)


def _listed(datastore: Datastore, prefix: str) -> Optional[Dict[str, str]]:
    """All values, or None where one was deleted between two pages: then others may be missing."""
    found: Dict[str, str] = {}
    last = ""
    while True:
        # A page begins with the last value of the one before, by which a shift shows.
        offset = max(0, len(found) - 1)
        try:
            page = datastore.list_values(local=False, prefix=prefix, limit=PAGE, offset=offset)
        except _FAULTS as err:
            raise _down("read", prefix) from err
        if last and (not page or page[0].name != last):
            return None
        found.update((pair.name, pair.value) for pair in page)
        if len(page) < PAGE:
            return found
        last = page[-1].name


def read_records(datastore: Datastore, prefix: str, parse: Callable[[str, str], T]) -> Readable[T]:
    """The records under ``prefix``, in the order of their names; one that cannot be read is set
    aside and does not hide the others.

    :param parse: called with a value and its name; a ConfigError says that it cannot be read.
    :raises DatastoreError: the datastore cannot be read just now.
    """
    records: List[T] = []
    unreadable: List[str] = []
    for name, text in sorted(read_values(datastore, prefix).items()):
        try:
            records.append(_parsed(parse, text, name))
        except ConfigError:
            unreadable.append(name)
    return Readable(tuple(records), tuple(unreadable))


@lru_cache(maxsize=_PARSED)
def _parsed(parse: Callable[[str, str], T], text: str, name: str) -> T:
    """A sensor reads the same values at every poll; records are values, so one does for all."""
    return parse(text, name)


def read_value(datastore: Datastore, name: str) -> Optional[str]:
    """The value of a name, or None where there surely is none. Raises like :func:`read_values`."""
    return read_values(datastore, name).get(name)


def kept_value(datastore: Datastore, name: str) -> Optional[str]:
    """The value of a name, or None where there is none or it cannot be read: one plain read, for
    what is safe to miss.
    """
    return datastore.get_value(name, local=False)


def write_value(
    datastore: Datastore, name: str, value: Union[str, int], ttl: Optional[int] = None
) -> None:
    """Keep a value as text, for ``ttl`` seconds or for good.

    :raises DatastoreError: it may not have been kept.
    """
    try:
        datastore.set_value(name, str(value), ttl=ttl, local=False)
    except _FAULTS as err:
        raise _down("written", name) from err


def drop_value(datastore: Datastore, name: str) -> None:
    """Drop a value; nothing happens where there is none.

    :raises DatastoreError: it may still be there.
    """
    if not datastore.delete_value(name, local=False) and read_value(datastore, name) is not None:
        raise _down("rid of a value", name)


def _down(what: str, name: str) -> DatastoreError:
    return DatastoreError(
        f"StackStorm's datastore could not be {what} ({name}).",
        "Check StackStorm's API and database; the next run tries again.",
    )
