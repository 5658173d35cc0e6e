"""StackStorm's datastore: strings by name, read so that "none" and "down" are told apart.

``get_value`` of StackStorm's services swallows every error and answers None
(st2common/services/datastore.py), which would read as "nothing told yet" and tell everything again.
``list_values`` raises.
"""

from __future__ import annotations

from typing import Dict, Optional, Protocol, Sequence, Union

from reviewloop.errors import DatastoreError

# What st2client raises: requests' errors are OSErrors, an answer that is no JSON is a ValueError.
_FAULTS = (OSError, ValueError)
# StackStorm's default ``api.max_page_size``: a listing without a limit stops there, unsaid.
PAGE = 100


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

    def set_value(
        self, name: str, value: str, ttl: Optional[int] = ..., local: bool = ...
    ) -> Optional[bool]:
        """Keep a value; raises when the datastore is down."""


def read_values(datastore: Datastore, prefix: str) -> Dict[str, str]:
    """All values whose names begin with ``prefix``, by name.

    :raises DatastoreError: the datastore cannot be read just now.
    """
    found: Dict[str, str] = {}
    offset = 0
    while True:
        try:
            page = datastore.list_values(local=False, prefix=prefix, limit=PAGE, offset=offset)
        except _FAULTS as err:
            raise _down("read", prefix) from err
        found.update((pair.name, pair.value) for pair in page)
        if len(page) < PAGE:
            return found
        offset += len(page)


def read_value(datastore: Datastore, name: str) -> Optional[str]:
    """The value of a name, or None where there surely is none. Raises like :func:`read_values`."""
    return read_values(datastore, name).get(name)


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


def _down(what: str, name: str) -> DatastoreError:
    return DatastoreError(
        f"StackStorm's datastore could not be {what} ({name}).",
        "Check StackStorm's API and database; the next run tries again.",
    )
