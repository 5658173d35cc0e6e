"""``gerrit.preview``: the plan as an action answers it, from what the pack has on record."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest

from preview_truth import Installation, foretold, live
from reviewloop.operations import context as operations

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def installation() -> Installation:
    """A pack that has been at work for two days, with a roster of two."""
    members = [{"gerrit": "member0"}, {"gerrit": "member1"}]
    found = Installation({"roster": {"kind": "static", "members": members}, "poll_interval": 3600})
    live(found.gerrit, [("upload", n, n, 0) for n in range(4)])
    found.gerrit.advance(hours=20)
    found.run(found.gerrit.now + 2 * DAY)
    live(found.gerrit, [("upload", 1, 0, 0)])
    return found


def test_action(installation: Installation) -> None:
    """The result fits its schema, tells the next days as the library does, and nothing is written:
    neither on Gerrit nor in the datastore.
    """
    gerrit, store = installation.gerrit, installation.standin.datastore
    before = [(one.name, one.value) for one in store.items()]
    first = len(gerrit.requests)
    with mock.patch.object(operations, "make_client", installation._client):
        ran = installation.standin.run("gerrit.preview", days=3)
    assert (ran.status, ran.problem) == ("succeeded", "")
    assert {one.method for one in gerrit.requests[first:]} == {"GET"}
    assert [(one.name, one.value) for one in store.items()] == before

    found = ran.result["result"]
    told = [
        (one["event_id"], one["tier"], tuple(one["account_ids"]), one["text_sha256"])
        for one in found["ahead"]["asks"]
    ]
    assert told == [one[1:] for one in foretold(installation, gerrit.now + 7 * DAY)]
    assert len(told) > 1
    assert found["past"]["count"] == len(found["past"]["asks"]) > 3
    assert found["ahead"]["failed"] == []


def test_few_asks_are_listed(installation: Installation) -> None:
    """Asks beyond the limit are counted and not listed."""
    with mock.patch.object(operations, "make_client", installation._client):
        ran = installation.standin.run("gerrit.preview", days=0, limit=1)
    found = ran.result["result"]

    assert found["past"] is None
    assert len(found["ahead"]["asks"]) == 1 < found["ahead"]["count"]
