"""When a change that was asked for in another's name waits no more, the ticket's list says so."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from fake_http import Reply
from reviewloop.errors import TemporaryError
from reviewloop.operations import assess, review, tickets
from reviewloop.operations.sweep import sweep
from stores import Shelf
from tools import Desktop

SAYS = "one of the related changes of this request, is not waiting any more"


@pytest.fixture
def desktop() -> Desktop:
    """Fresh servers."""
    return Desktop()


def pair(desktop: Desktop) -> Tuple[int, int]:
    """A change with a ticket that lists another, and that one."""
    leader, other = desktop.waiting(), desktop.waiting()
    for number in (leader, other):
        assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    assert desktop.open_ticket(leader)["action"] == "created"
    assert f"Change {other}" in str(desktop.issue(leader)["body"])
    return leader, other


def stand_down(desktop: Desktop, number: int, how: str = "reviewed") -> Dict[str, Any]:
    """The first task of the workflow."""
    event = desktop.event(number)
    return tickets.close_ticket(desktop.tools(), number, how=how, event_id=event)


def ask(desktop: Desktop, number: int, purpose: str = "escalate") -> str:
    """The comment that asks for a change with a ticket; its last line."""
    event = desktop.event(number)
    told = {"tier": "committee", "asked": [desktop.member]}
    review.post_review(desktop.tools(), number, purpose=purpose, event_id=event, **told)
    text = str(desktop.gerrit.changes[number].messages[-1]["message"])
    return text.rpartition("\n")[2]


def lose(desktop: Desktop, *kinds: str) -> None:
    """Some records are lost, as from a backup of yesterday."""
    for name in desktop.shelf.names():
        if name.split(".")[1] in kinds:
            desktop.shelf.service.delete_value(name, local=False)


def said(desktop: Desktop, ticket_id: str) -> List[str]:
    """The comments on a ticket."""
    return list(desktop.github.comments(int(ticket_id)))


@pytest.mark.parametrize("lost", [(), ("ticket",), ("ask",), ("ask", "ticket"), ("pending",)])
def test_corrected_once(desktop: Desktop, lost: Tuple[str, ...]) -> None:
    """One comment names the change and how its wait ended, however often that is told, and
    whichever records are lost before or between.
    """
    leader, other = pair(desktop)
    ticket = desktop.record(leader).id
    desktop.review(other)
    lose(desktop, *lost)

    assert stand_down(desktop, other)["lists_corrected"] == 1
    lose(desktop, *lost)
    assert stand_down(desktop, other)["lists_corrected"] == 0
    (comment,) = said(desktop, ticket)
    assert f"[Change {other}](" in comment
    assert f"{SAYS}: somebody reviewed the change" in comment
    assert desktop.github.issue(int(ticket))["state"] == "open"


def test_merged(desktop: Desktop) -> None:
    """The comment says how the wait ended."""
    leader, other = pair(desktop)
    desktop.gerrit.changes[other].status = "MERGED"
    stand_down(desktop, other, "merged")

    assert f"{SAYS}: the change was merged" in desktop.comments(leader)


def test_all_records_lost(desktop: Desktop) -> None:
    """Then nothing tells of the list, and nothing fails."""
    leader, other = pair(desktop)
    ticket = desktop.record(leader).id
    desktop.review(other)
    desktop.shelf = Shelf()

    assert stand_down(desktop, other)["lists_corrected"] == 0
    assert said(desktop, ticket) == []


def test_a_mark_names_the_others(desktop: Desktop) -> None:
    """That of the comment which asks; a reminder lists nobody."""
    leader, other = pair(desktop)

    assert ask(desktop, leader).endswith(f" asked={desktop.member} for={other}]")
    assert ask(desktop, leader, "nudge").endswith(f" asked={desktop.member}]")


@pytest.mark.parametrize("first", [0, 1])
def test_all_records_lost_and_the_edges_told_again(desktop: Desktop, first: int) -> None:
    """A datastore restored from yesterday has yesterday's cursor: the events since come again, in
    any order. The mark of the leader's ask tells for whom it was meant as well.
    """
    leader, other = pair(desktop)
    ask(desktop, leader)
    ticket = desktop.record(leader).id
    desktop.shelf = Shelf()
    for number in ((leader, other), (other, leader))[first]:
        assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    desktop.review(other)

    assert stand_down(desktop, other)["lists_corrected"] == 1
    (comment,) = said(desktop, ticket)
    assert f"[Change {other}](" in comment


def test_all_records_lost_and_the_leader_is_assessed_alone(desktop: Desktop) -> None:
    """Its mark is enough."""
    leader, other = pair(desktop)
    ask(desktop, leader)
    desktop.shelf = Shelf()
    found = assess.assess(desktop.tools(), desktop.event(leader), dry_run=False)
    assert found["joined"] == [other]
    desktop.review(other)

    assert stand_down(desktop, other)["lists_corrected"] == 1


@pytest.mark.parametrize("fate", ["private", "hidden"])
def test_nothing_private_is_named(desktop: Desktop, fate: str) -> None:
    """Of a change that has become private, or is gone, the comment names nothing."""
    leader, other = pair(desktop)
    setattr(desktop.gerrit.changes[other], fate, True)
    stand_down(desktop, other)
    told = desktop.comments(leader)

    assert "One of the related changes of this request is not waiting any more." in told
    assert "://" not in told
    assert "Change" not in told


@pytest.mark.parametrize("fate", ["private", "hidden", "reviewed"])
def test_a_leader_that_may_not_be_written_about(desktop: Desktop, fate: str) -> None:
    """On the ticket of a change that is private, gone or reviewed itself nothing is added."""
    leader, other = pair(desktop)
    desktop.review(other)
    if fate == "reviewed":
        desktop.review(leader)
    else:
        setattr(desktop.gerrit.changes[leader], fate, True)

    assert stand_down(desktop, other)["lists_corrected"] == 0
    assert desktop.comments(leader) == ""


def test_a_wait_that_lasts(desktop: Desktop) -> None:
    """A run by hand about a change that still waits corrects nothing."""
    leader, other = pair(desktop)

    assert stand_down(desktop, other)["lists_corrected"] == 0
    assert desktop.comments(leader) == ""


def test_who_came_later_is_on_no_list(desktop: Desktop) -> None:
    """A change that joined after the leader was asked about is not on its ticket: no comment."""
    leader = desktop.escalated()
    other = desktop.waiting()
    assess.assess(desktop.tools(), desktop.event(other), dry_run=False)
    (put_off,) = desktop.tools().pendings.all()
    assert put_off.leader == leader
    desktop.review(other)

    assert stand_down(desktop, other)["lists_corrected"] == 0
    assert desktop.comments(leader) == ""


@pytest.mark.parametrize("tier", ["committee", "reviewers"])
def test_a_leader_that_nobody_is_asked_about(desktop: Desktop, tier: str) -> None:
    """A change above an open parent is on no list while that is not asked about: the ticket of an
    earlier wait is left alone.
    """
    parent = desktop.escalated()
    child = desktop.waiting(parent=parent)
    desktop.review(parent)
    stand_down(desktop, parent)
    desktop.gerrit.advance(hours=1)
    desktop.gerrit.upload(parent)
    before = desktop.comments(parent)
    found = assess.assess(desktop.tools(), desktop.event(child), tier=tier, dry_run=False)
    assert (found["verdict"], found["leader"]) == ("joined", parent)
    desktop.review(child)

    assert stand_down(desktop, child)["lists_corrected"] == 0
    assert desktop.comments(parent) == before


def test_a_tracker_that_is_down(desktop: Desktop) -> None:
    """The run fails and is repeated; then the list is corrected."""
    _, other = pair(desktop)
    desktop.review(other)
    answer = desktop.github.answer
    desktop.github.answer = lambda _sent: Reply(503, {})  # type: ignore
    with pytest.raises(TemporaryError):
        stand_down(desktop, other)
    desktop.github.answer = answer  # type: ignore

    assert stand_down(desktop, other)["lists_corrected"] == 1


def test_a_run_that_died(desktop: Desktop) -> None:
    """What nobody told is corrected by the daily sweep, once."""
    leader, other = pair(desktop)
    desktop.review(other)

    assert sweep(desktop.tools(), dry_run=True)["lists_corrected"] == 0
    assert [sweep(desktop.tools())["lists_corrected"] for _ in range(2)] == [1, 0]
    assert f"{SAYS}: somebody reviewed the change" in desktop.comments(leader)
