"""Roundup's own habits, against a real one."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from reviewloop.errors import ConfigError, RefusedError
from reviewloop.http.messages import Request
from reviewloop.trackers.adapters.github import GitHub
from reviewloop.trackers.adapters.roundup.tracker import Roundup
from reviewloop.trackers.factory import make_tracker
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.tickets import ClaimState, CloseReason
from rig_roundup import RoundupRig
from stores import MemoryRecords
from trackers_rig import Wire, draft, fresh_key


def test_a_key_is_claimed_once(roundup: RoundupRig) -> None:
    """The first claim wins; the second learns how long the first has stood, by the server's
    clock.
    """
    key = fresh_key()

    first, second = roundup.tracker().claim(key), roundup.tracker().claim(key)

    assert first.state is ClaimState.WON
    assert second.state is ClaimState.HELD
    assert timedelta(0) <= second.age < timedelta(minutes=1)


def test_a_comment_meets_another_change(roundup: RoundupRig) -> None:
    """``If-Match`` keeps two changes apart, and the later one starts over: neither is lost."""
    ticket = roundup.tracker().create(draft(fresh_key()))
    wire = Wire(roundup.network())

    def meddle(_number: int, request: Request) -> None:
        if request.method == "PATCH" and roundup.assignee(ticket.id) != "committee3":
            roundup.server.set(ticket.id, assignedto="committee3")

    wire.before = meddle

    roundup.tracker(wire).add_comment(ticket.id, "one")

    assert [method for method, _ in wire.writes] == ["POST", "PATCH", "PATCH"]
    assert roundup.comments(ticket.id) == ["one"]
    assert roundup.assignee(ticket.id) == "committee3"


def test_a_duplicate_names_what_supersedes_it(roundup: RoundupRig) -> None:
    """Roundup has a field for it, and the keyword goes."""
    key = fresh_key()
    tracker = roundup.tracker()
    keep, other = tracker.create(draft(key)), tracker.create(draft(key))

    tracker.close_duplicate(other.id, keep)

    seen = roundup.server.issue(other.id)
    assert seen.status == "resolved"
    assert seen.superseders == (keep.id,)
    assert key not in seen.keywords


def test_no_connection_stays_open(roundup: RoundupRig) -> None:
    """A refused write would keep the tracker's database locked as long as its connection lives."""
    wire = Wire(roundup.network())
    tracker = roundup.tracker(wire)
    key = fresh_key()

    tracker.claim(key)
    tracker.claim(key)

    assert wire.closed >= len(wire.calls) == 3


def test_a_page_for_people(roundup: RoundupRig) -> None:
    """The ticket's address opens in a browser."""
    ticket = roundup.ticketing().open_once(draft(fresh_key())).ticket
    assert ticket is not None

    with requests.Session() as session:
        session.trust_env = False
        page = session.get(ticket.url, timeout=30)

    assert page.status_code == 200
    assert "Review wanted: 4711" in page.text


def test_closing_and_reopening(roundup: RoundupRig) -> None:
    """By the names of the classic template's statuses."""
    tracker = roundup.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, CloseReason.NOT_PLANNED)
    closed = tracker.read(ticket.id)
    tracker.reopen(ticket.id)

    assert closed.resolution == "resolved"
    assert closed.closed_at is not None
    assert roundup.server.issue(ticket.id).status == "unread"


def test_calling_it_by_another_name(roundup: RoundupRig) -> None:
    """Roundup takes writes only under its own web address; the remedy says which setting."""
    url = roundup.server.url.replace("127.0.0.1", "localhost")
    tracker = roundup.tracker(url=url)

    with pytest.raises(RefusedError) as caught:
        tracker.create(draft(fresh_key()))

    assert caught.value.status == 400
    assert "tracker.url is exactly the tracker's own web address" in caught.value.remedy


def test_an_id_that_is_none(roundup: RoundupRig) -> None:
    """A record from elsewhere cannot smuggle a path in."""
    with pytest.raises(RefusedError):
        roundup.tracker().read("1/../../user")


@pytest.mark.parametrize("token", ["", "just-a-token", ":x", "user:"])
def test_a_token_without_user_and_password(token: str) -> None:
    """Said at once."""
    with pytest.raises(ConfigError, match="user:password"):
        Roundup(TrackerSettings("roundup", "https://tracker.example.org/demo/", token=token))


def test_making_trackers() -> None:
    """By kind; none is none, and an unknown one is refused with those there are."""
    made = make_tracker(TrackerSettings("github", project="o/r", token="t"))

    assert isinstance(made, GitHub)
    assert made.name == "github:api.github.com/o/r"
    assert make_tracker(TrackerSettings("none")) is None
    with pytest.raises(ConfigError, match="none, .*github, .*roundup"):
        make_tracker(TrackerSettings("trac"))


def test_two_servers_at_a_time(roundup: RoundupRig) -> None:
    """A record of one tracker says nothing about the other, though both count from 1."""
    records = MemoryRecords()
    key = fresh_key()
    roundup.ticketing(records).open_once(draft(key))
    record = records.get(key)

    assert record is not None
    assert record.tracker == f"roundup:127.0.0.1:{roundup.server.port}/demo"
