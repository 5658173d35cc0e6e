"""A change as it was at an instant, and Gerrit in memory at that instant."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Optional

import pytest
from sandbox.gerrit.fake import URL, FakeGerrit

from reviewloop.core.keys import MARK_TAG
from reviewloop.core.policy import Policy
from reviewloop.errors import InternalError
from reviewloop.gerrit import parse
from reviewloop.gerrit.fields import Raw
from reviewloop.preview.offline import Offline, own_account
from reviewloop.preview.past import as_of, beats
from reviewloop.preview.recorded import OPTIONS, Recorded, people
from reviewloop.preview.replica import Replica
from reviewloop.preview.searches import parsed
from reviewloop.preview.store import MemoryStore
from reviewloop.settings.load import load
from reviewloop.store.datastore import read_values

HOUR = timedelta(hours=1)


class Life:
    """A change that is uploaded, reviewed, in progress for an hour, and merged, hour by hour."""

    def __init__(self) -> None:
        self.fake = FakeGerrit("2026-03-02 09:00:00")
        self.begun = self.fake.now
        self.number = self.fake.add_change()
        for act in (
            lambda: self.fake.review(self.number, labels={"Code-Review": -1}),
            lambda: self.fake.set_wip(self.number, True),
            lambda: self.fake.set_wip(self.number, False),
            lambda: self.fake.set_status(self.number, "ABANDONED"),
            lambda: self.fake.set_status(self.number, "NEW"),
            lambda: self.fake.set_status(self.number, "MERGED"),
        ):
            self.fake.advance(hours=1)
            act()

    @property
    def raw(self) -> Raw:
        """The change as Gerrit answers it in the end."""
        (found,) = self.fake.client().changes([self.number], OPTIONS)
        return found

    def at(self, hours: int, raw: Optional[Raw] = None) -> Raw:
        """The change as it was, so many hours after its beginning."""
        return as_of(raw or self.raw, self.begun + hours * HOUR, Policy())


def test_status_and_progress_then() -> None:
    """What it was at each hour follows from the messages up to then."""
    life = Life()
    told = [life.at(hours) for hours in range(7)]

    assert [one["status"] for one in told] == [*["NEW"] * 4, "ABANDONED", "NEW", "MERGED"]
    assert [one.get("work_in_progress", False) for one in told].index(True) == 2
    assert sum(one.get("work_in_progress", False) for one in told) == 1
    assert [len(one["messages"]) for one in told] == [1, 2, 3, 4, 5, 6, 7]
    assert "labels" not in told[-1]
    for hours, one in enumerate(told):
        assert parse.change(one).updated == life.begun + hours * HOUR


def test_own_messages_are_left_out() -> None:
    """What this pack posted then is no part of what would have happened without it."""
    life = Life()
    life.fake.review(life.number, life.fake.me, "Asked.", tag=f"{MARK_TAG}~nudge")
    messages = [one["message"] for one in life.at(24)["messages"]]
    (change,) = [parse.change(life.raw)]

    assert not any("Asked." in one for one in messages)
    assert len(beats(change)) == 7


def test_reviewers_then() -> None:
    """Reviewers are those of the time where Gerrit tells when each was added or removed."""
    life = Life()
    raw = life.raw

    def update(hours: int, who: int, state: str) -> Dict[str, Any]:
        at = (life.begun + hours * HOUR).strftime("%Y-%m-%d %H:%M:%S.000000000")
        return {"updated": at, "reviewer": {"_account_id": who}, "state": state}

    who = life.fake.reviewer
    raw["reviewer_updates"] = [update(2, who, "REVIEWER"), update(4, who, "REMOVED")]
    found = [bool(parse.change(life.at(hours, raw)).reviewers) for hours in (1, 2, 4)]

    assert found == [False, True, False]
    (reviewer,) = parse.change(life.at(2, raw)).reviewers
    assert reviewer.username == "reviewer"


def _replica(life: Life, hours: int, *, plays: bool) -> Replica:
    settings = load({"url": URL, "query": "", "username": "st2-reviews", "password": "x"})
    source = Offline()
    recorded = Recorded(source, "", own_account("st2-reviews"))
    found = recorded.add(life.raw)
    assert found is not None
    source.learn(people([found[1]]))
    return Replica(settings, recorded, life.begun + hours * HOUR, plays=plays)


def test_a_replica_goes_on() -> None:
    """What happened shows when the clock comes to it, in lists and in the change itself."""
    life = Life()
    replica = _replica(life, 0, plays=True)
    shown = []
    for hours in range(7):
        replica.go_on(life.begun + hours * HOUR)
        (row,) = replica.scan(f'after:"{life.begun:%Y-%m-%d %H:%M:%S}"')
        change = replica.change(life.number)
        assert parse.row(row).updated == change.updated == life.begun + hours * HOUR
        shown.append(len(list(replica.scan('status:open after:"2026-03-01 00:00:00"'))))

    assert shown == [1, 1, 1, 1, 0, 1, 0]


def test_what_a_replica_does_not_know() -> None:
    """What it cannot answer is a defect, and never a request."""
    life = Life()
    replica = _replica(life, 0, plays=True)

    with pytest.raises(InternalError, match="GET"):
        replica.is_administrator()
    for query in ("is:private", "label:Code-Review=2", "status:open !"):
        with pytest.raises(InternalError, match="cannot answer"):
            parsed(query, "")


def test_store_forgets_in_time() -> None:
    """A value with a time to live is there as long, by the store's own clock; all is listed."""
    now = datetime(2026, 3, 2, tzinfo=timezone.utc)
    store = MemoryStore(lambda: now, {f"gerrit.a.{n:03}": str(n) for n in range(250)})
    store.set_value("gerrit.b", "1", ttl=60)
    assert len(read_values(store, "gerrit.a.")) == 250
    assert read_values(store, "gerrit.b") == {"gerrit.b": "1"}
    now += timedelta(seconds=60)

    assert read_values(store, "gerrit.b") == {}
    assert store.delete_value("gerrit.b")
    assert not store.delete_value("gerrit.b")
