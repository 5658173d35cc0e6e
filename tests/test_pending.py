"""What was put off, and values that change while they are listed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reviewloop.errors import ConfigError, DatastoreError
from reviewloop.store.datastore import PAGE, drop_value, read_values
from reviewloop.store.pending import Pending, Pendings, Reason, find
from stores import NOON, Shelf

EVENT = "review.example.org:12:reviewers:1772442000:2d"
PENDING = Pending(
    event_id=EVENT,
    tier="committee",
    number=12,
    party="reviewers",
    since=NOON - timedelta(days=2),
    milestone="2d",
    reason=Reason.CAP,
    at=NOON,
    not_before=NOON + timedelta(minutes=5),
    crossed_at=NOON - timedelta(hours=1),
)


def test_kept_and_found() -> None:
    """One record for each wait and tier: a later milestone replaces it, another tier does not."""
    shelf = Shelf()
    pendings = Pendings(shelf.service)
    later = replace(PENDING, event_id=EVENT.replace("2d", "5d"), milestone="5d", leader=3)
    chair = replace(PENDING, tier="chair", number=9)
    for one in (PENDING, chair, later):
        pendings.put(one)

    assert pendings.all() == (chair, later)
    assert find(pendings.all(), EVENT, "committee") == later
    assert find(pendings.all(), EVENT, "reviewers") is None
    pendings.drop(later)
    pendings.drop(later)
    assert pendings.all() == (chair,)


def test_longest_first() -> None:
    """Who has waited longest comes first; of one second, the lower number, as a number."""
    shelf = Shelf()
    pendings = Pendings(shelf.service)
    for number, minutes in ((100, 0), (9, 0), (8, 5)):
        event = EVENT.replace(":12:", f":{number}:")
        crossed = NOON + timedelta(minutes=minutes)
        pendings.put(replace(PENDING, event_id=event, number=number, crossed_at=crossed))

    assert [one.number for one in pendings.all()] == [9, 100, 8]


def test_lapsing() -> None:
    """What nobody offers any more is forgotten after two months."""
    shelf = Shelf()
    Pendings(shelf.service).put(PENDING)
    shelf.advance(days=60)
    assert len(Pendings(shelf.service).all()) == 1
    shelf.advance(minutes=1)
    assert Pendings(shelf.service).all() == ()


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"version": 9}', PENDING.to_json().replace('"cap"', '"mood"')]
)
def test_unreadable(text: str) -> None:
    """One record that cannot be read is set aside by its name, and hides no other."""
    shelf = Shelf()
    Pendings(shelf.service).put(PENDING)
    shelf.store.put("gerrit.pending.0123456789abcdef", text)
    read = Pendings(shelf.service).readable()

    assert read.records == (PENDING,)
    assert read.unreadable == ("gerrit.pending.0123456789abcdef",)
    with pytest.raises(ConfigError, match=r"st2 key delete gerrit\.pending\.x"):
        Pending.from_json(text, "gerrit.pending.x")


def test_datastore_down() -> None:
    """Down is not empty, and a record that may still be there has not been dropped."""
    shelf = Shelf()
    pendings = Pendings(shelf.service)
    pendings.put(PENDING)
    shelf.store.down = True

    with pytest.raises(DatastoreError):
        pendings.all()
    with pytest.raises(DatastoreError):
        pendings.put(PENDING)
    with pytest.raises(DatastoreError):
        pendings.drop(PENDING)


class _Restless:
    """A datastore in which a value of an earlier page goes before each later page is read."""

    def __init__(self, shelf: Shelf, times: int) -> None:
        self._shelf = shelf
        self._times = times

    def list_values(self, *, offset: int, **query: Any) -> Any:
        """A page."""
        if offset and self._times:
            self._times -= 1
            self._shelf.store.drop(self._shelf.names()[0])
        return self._shelf.service.list_values(offset=offset, **query)


def test_a_value_goes_while_pages_are_read() -> None:
    """The values behind it move up a place, and none of them is missed."""
    shelf = Shelf()
    for number in range(PAGE + 5):
        shelf.store.put(f"gerrit.x.{number:03}", "1")
    store: Any = _Restless(shelf, times=1)
    assert sorted(read_values(store, "gerrit.x.")) == shelf.names()

    store = _Restless(shelf, times=100)
    with pytest.raises(DatastoreError, match="keep changing"):
        read_values(store, "gerrit.x.")


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 350])
def test_pages(count: int) -> None:
    """Every value is read, however many fill a page."""
    shelf = Shelf()
    for number in range(count):
        shelf.store.put(f"gerrit.x.{number:03}", str(number))

    assert len(read_values(shelf.service, "gerrit.x.")) == count


def test_drop_what_is_not_there() -> None:
    """It is gone, which is what was wanted."""
    drop_value(Shelf().service, "gerrit.x")
