"""Records of tickets, in memory and in the datastore."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict

import pytest

from reviewloop.errors import ConfigError, DatastoreError
from reviewloop.store.datastore import Readable
from reviewloop.store.tickets import DatastoreRecords, Records, TicketRecord
from stores import MemoryRecords, Shelf

RECORD = TicketRecord(
    key="grv-0123456789abcdef",
    tracker="github:api.github.com/o/r",
    id="7",
    url="https://github.com/o/r/issues/7",
    server="review.example.org",
    number=4711,
    party="reviewers",
    since="2026-03-02T12:00:00Z",
    level=2,
    assignee="committee1",
    opened_at="2026-03-04T12:00:00Z",
)


@pytest.fixture(params=["memory", "datastore"])
def records(request: pytest.FixtureRequest) -> Records:
    """Both places."""
    return MemoryRecords() if request.param == "memory" else DatastoreRecords(Shelf().service)


def test_a_record_comes_back(records: Records) -> None:
    """As it was put, under its own key only."""
    records.put(RECORD)

    assert records.get(RECORD.key) == RECORD
    assert records.get("grv-0123456789abcde") is None
    assert records.get("grv-ffffffffffffffff") is None


def test_a_record_is_replaced(records: Records) -> None:
    """A key has one record."""
    records.put(RECORD)
    records.put(replace(RECORD, state="closed"))

    assert [one.state for one in records.all()] == ["closed"]


def test_more_records_than_a_page_of_the_datastore_holds(records: Records) -> None:
    """All come back, in order."""
    keys = [f"grv-{number:016x}" for number in range(250)]
    for key in reversed(keys):
        records.put(replace(RECORD, key=key))

    assert [one.key for one in records.all()] == keys


def test_the_name_in_the_datastore() -> None:
    """Operators find the values by it, and it is not local to one action."""
    shelf = Shelf()

    DatastoreRecords(shelf.service).put(RECORD)

    assert shelf.names() == ["gerrit.ticket.grv-0123456789abcdef"]


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"surprise": 1}],
)
def test_a_record_of_another_version(change: Dict[str, Any]) -> None:
    """It is refused with a remedy, never taken for "no ticket yet"."""
    shelf = Shelf()
    text = json.dumps({**json.loads(RECORD.to_json()), **change})
    shelf.service.set_value(f"gerrit.ticket.{RECORD.key}", text, local=False)

    with pytest.raises(ConfigError) as caught:
        DatastoreRecords(shelf.service).get(RECORD.key)

    assert "gerrit.ticket." in caught.value.message
    assert f"st2 key delete gerrit.ticket.{RECORD.key}" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        '{"version": 1, "da',
        "[]",
        "null",
        json.dumps({**json.loads(RECORD.to_json()), "version": None}),
        json.dumps({**json.loads(RECORD.to_json()), "number": "4711"}),
        json.dumps({"version": 1, "key": RECORD.key}),
    ],
)
def test_a_damaged_record(text: str) -> None:
    """It is as good as a lost one, whose ticket is found by its key; it is named until then."""
    shelf = Shelf()
    shelf.service.set_value(f"gerrit.ticket.{RECORD.key}", text, local=False)
    records = DatastoreRecords(shelf.service)

    assert records.get(RECORD.key) is None
    assert records.readable() == Readable((), (f"gerrit.ticket.{RECORD.key}",))
    records.put(RECORD)
    assert records.get(RECORD.key) == RECORD


class Down:
    """A datastore whose API does not answer, as st2client tells it."""

    def list_values(self, **_query: Any) -> Any:
        """Fails."""
        raise ConnectionError("refused")

    def set_value(self, *_what: Any, **_more: Any) -> Any:
        """Fails."""
        raise ConnectionError("refused")


def test_a_datastore_that_is_down() -> None:
    """An empty answer and no answer differ: the second would open a ticket twice."""
    records = DatastoreRecords(Down())

    with pytest.raises(DatastoreError):
        records.get(RECORD.key)
    with pytest.raises(DatastoreError):
        records.put(RECORD)
