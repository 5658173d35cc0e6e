"""The one value the sensor keeps."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from reviewloop.errors import ConfigError, DatastoreError
from reviewloop.store.cursor import Cursor, DatastoreCursor, Endings, LostCursorError
from reviewloop.store.datastore import PAGE, read_values
from stores import NOON, Shelf

ENDED = Endings(NOON, {"0123456789abcdef": NOON + timedelta(hours=1)})


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(NOON),
        Cursor(NOON, "review.example.org:1:owner:9:1d"),
        Cursor(NOON, ended=Endings(NOON)),
        Cursor(NOON, ended=ENDED),
    ],
)
def test_kept_and_read_again(cursor: Cursor) -> None:
    """What was saved is what a restarted sensor loads."""
    shelf = Shelf()
    DatastoreCursor(shelf.service, "review.example.org").save(cursor)

    assert DatastoreCursor(shelf.service, "review.example.org").load() == cursor


def test_form() -> None:
    """Operators can read it: a version, an instant and an id, as JSON."""
    assert json.loads(Cursor(NOON, "x").to_json()) == {
        "version": 1,
        "through": "2026-03-02T12:00:00Z",
        "after_id": "x",
        "order": "number",
    }
    assert json.loads(Cursor(NOON, ended=ENDED).to_json())["ended"] == {
        "after": "2026-03-02T12:00:00Z",
        "waits": {"0123456789abcdef": "2026-03-02T13:00:00Z"},
    }


def test_which_endings() -> None:
    """Those up to an instant, and later ones by name."""
    later = NOON + timedelta(minutes=1)

    assert ENDED.has("another", NOON)
    assert not ENDED.has("another", later)
    assert ENDED.has("0123456789abcdef", later)
    assert Cursor(later, ended=ENDED).whole == NOON
    assert Cursor(later).whole == later


def test_one_value_a_server() -> None:
    """Two servers do not share a cursor, and a port makes another server."""
    shelf = Shelf()
    DatastoreCursor(shelf.service, "review.example.org").save(Cursor(NOON))

    assert DatastoreCursor(shelf.service, "review.example.org:8443").load() is None
    assert shelf.names() == ["gerrit.cursor.review.example.org"]


def test_no_cursor_yet() -> None:
    """A first start finds none."""
    assert DatastoreCursor(Shelf().service, "review.example.org").load() is None


def test_datastore_down() -> None:
    """A datastore that is down is not taken for an empty one: that would tell everything again."""
    shelf = Shelf()
    store = DatastoreCursor(shelf.service, "review.example.org")
    store.save(Cursor(NOON))
    shelf.store.down = True

    with pytest.raises(DatastoreError):
        store.load()
    with pytest.raises(DatastoreError):
        store.save(Cursor(NOON + timedelta(hours=1)))


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        '{"version": 1, "da',
        '{"version": "1", "through": "2026-03-02T12:00:00Z", "after_id": null}',
        '{"version": 1, "through": "yesterday", "after_id": null}',
        '{"version": 1, "through": "2026-03-02T12:00:00Z", "after_id": 7}',
        '{"version": 1, "through": "2026-03-02T12:00:00Z"}',
        '{"version": 1, "through": "2026-03-02T12:00:00Z", "after_id": null, "ended": null}',
        '{"version": 1, "through": "2026-03-02T12:00:00Z", "after_id": null, "ended": {}}',
    ],
)
def test_something_else_under_the_name(text: str) -> None:
    """What is no cursor of any version is lost, and told from one that was never there."""
    shelf = Shelf()
    shelf.store.put("gerrit.cursor.review.example.org", text)

    with pytest.raises(LostCursorError, match=r"gerrit\.cursor\.review\.example\.org"):
        DatastoreCursor(shelf.service, "review.example.org").load()


def test_another_version() -> None:
    """A cursor of a newer release is refused, with its name and the way out."""
    shelf = Shelf()
    text = '{"version": 2, "through": "2026-03-02T12:00:00Z", "after_id": null}'
    shelf.store.put("gerrit.cursor.review.example.org", text)

    with pytest.raises(ConfigError, match=r"st2 key delete gerrit\.cursor\.review\.example\.org"):
        DatastoreCursor(shelf.service, "review.example.org").load()


def test_more_values_than_a_page() -> None:
    """StackStorm lists a hundred values at a time and does not say that there are more."""
    shelf = Shelf()
    for number in range(2 * PAGE + 1):
        shelf.store.put(f"gerrit.ask.{number}", "1")

    assert len(read_values(shelf.service, "gerrit.ask.")) == 2 * PAGE + 1
