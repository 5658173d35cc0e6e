"""Event ids taken apart, and how a wait ended that one names."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Optional

import pytest

from histories import POLICY, History, at, commented, in_review
from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.durations import Duration
from reviewloop.core.endings import how_it_ended, wait_of
from reviewloop.core.events import EventRef
from reviewloop.core.keys import ticket_key
from reviewloop.core.turns import How, Party
from reviewloop.core.waits import follow

MONDAY_9 = at("mon 9:00")


def test_event_by_number() -> None:
    """Every part of it, and what it names the change and its ticket by."""
    event = EventRef.parse("[::1]:8443:12:owner:1772442000:36h")

    assert event == EventRef(
        "[::1]:8443:12:owner:1772442000:36h",
        "[::1]:8443",
        12,
        Party.OWNER,
        MONDAY_9,
        Duration(36, "h"),
        "",
    )
    assert event.ident == "12"
    assert event.ticket_key == ticket_key("[::1]:8443", 12)


def test_event_by_project() -> None:
    """The project is read as it is called, and written as paths have it."""
    event = EventRef.parse("gerrit:a%2Fb%20c~12:submitter:0:1d")

    assert (event.project, event.number, event.party) == ("a/b c", 12, Party.SUBMITTER)
    assert event.since == datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert event.ident == "a%2Fb%20c~12"
    assert event.ticket_key == ticket_key("gerrit", 12, "a/b c") != ticket_key("gerrit", 12)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not of the form server:number:party:since:milestone"),
        ("gerrit:1:nobody:0:1d", "it is not of the form server:number:party:since:milestone"),
        ("gerrit:1:owner:0:1d ", "it is not of the form server:number:party:since:milestone"),
        ("gerrit:2147483648:owner:0:1d", "2147483648 is no number of a change"),
        (
            "gerrit:1:owner:7258118400:1d",
            "7258118400 is no time, in seconds since 1970, at which a wait began",
        ),
    ],
)
def test_no_event(text: str, problem: str) -> None:
    """The message says which part is wrong."""
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        EventRef.parse(text)


def test_bounds_of_events() -> None:
    """The highest number that Gerrit has, and the last second that there is."""
    event = EventRef.parse("gerrit:2147483647:owner:7258118399:1d")

    assert event.number == 2**31 - 1
    assert event.since == datetime(2199, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


# How it ended.


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (in_review().change(), None),
        (commented().change(), How.REVIEWED),
        # Gerrit says so of the change, and its messages do not.
        (replace(in_review().change(), status=ChangeStatus.MERGED), How.MERGED),
        (replace(in_review().change(), status=ChangeStatus.ABANDONED), How.ABANDONED),
        (replace(in_review().change(), status=ChangeStatus.DEFERRED), How.ABANDONED),
        (in_review().wip("mon 12:00").change(), How.WIP),
        # The way it is read goes before what became of the change later.
        (replace(commented().change(), status=ChangeStatus.MERGED), How.REVIEWED),
        # There is no such wait any more: the message of the upload was deleted.
        (History().change(), How.SUPERSEDED),
        (replace(History().change(), work_in_progress=True), How.WIP),
        (replace(History().change(), status=ChangeStatus.MERGED), How.MERGED),
    ],
)
def test_how_the_reviewers_wait_ended(change: Change, how: Optional[How]) -> None:
    """As the messages tell; where they do not, as Gerrit says of the change itself."""
    assert how_it_ended(change, follow(change, POLICY), "reviewers", MONDAY_9) is how


def test_change_that_closed_while_a_wait_is_read_as_open() -> None:
    """The state is of an earlier reading: what Gerrit says now decides."""
    state, now = follow(in_review().change(), POLICY), in_review().change()

    for more, how in (
        ({}, None),
        ({"work_in_progress": True}, How.WIP),
        ({"status": ChangeStatus.MERGED}, How.MERGED),
    ):
        assert how_it_ended(replace(now, **more), state, "reviewers", MONDAY_9) is how


def test_which_wait() -> None:
    """The one of that party that began at that instant."""
    state = commented().upload("tue 9:00").state()

    for wait in state.waits:
        assert wait_of(state, wait.party.value, wait.since) is wait
    assert len(state.waits) == 3
    assert wait_of(state, "owner", MONDAY_9) is None
    assert wait_of(state, "reviewers", at("mon 9:01")) is None
