"""Changes whose commit message names a ticket: the pack comments there."""

from __future__ import annotations

import re

import pytest

from fake_http import Reply
from reviewloop.operations import tickets
from reviewloop.operations.sweep import sweep
from reviewloop.operations.tickets import named_tickets
from stores import Shelf
from tools import Desktop
from trackers_rig import draft

CLOSES = r"^Closes-Bug: *#?(\d+)"


@pytest.fixture
def desktop() -> Desktop:
    """A tracker with two tickets that people made, and the option on."""
    desktop = Desktop(tracker={"existing": [CLOSES, r"^Story: *(\d+)"]})
    desktop.github.add_issue("Crashes at night", by="somebody")
    desktop.github.add_issue("Slow", by="somebody")
    return desktop


def test_a_change_that_names_an_open_ticket(desktop: Desktop) -> None:
    """It is told there, once for each escalation, and no other ticket is opened."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))

    first = desktop.open_ticket(number)
    again = desktop.open_ticket(number)
    later = desktop.open_ticket(number, "5d")

    assert [one["action"] for one in (first, again, later)] == ["commented", "nothing", "commented"]
    assert len(desktop.github.rows) == 2
    texts = desktop.github.comments(1)
    assert len(texts) == 2
    assert "has waited" in texts[0]
    assert "no separate ticket was opened" in texts[0]
    assert desktop.record(number).linked


def test_the_end_of_its_wait(desktop: Desktop) -> None:
    """It is told there, and the ticket is left open and to whom it belongs."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    desktop.review(number)

    done = tickets.close_ticket(desktop.tools(), number, how="reviewed")
    again = tickets.close_ticket(desktop.tools(), number, how="reviewed")

    assert (done["action"], again["action"]) == ("commented", "nothing")
    assert desktop.github.issue(1)["state"] == "open"
    assert desktop.github.issue(1)["assignees"] == []
    assert "somebody reviewed the change" in desktop.github.comments(1)[-1]
    assert len(desktop.github.comments(1)) == 2


def test_another_wait_of_the_same_change(desktop: Desktop) -> None:
    """After the end of one wait the next one is told on the same ticket again."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    tickets.close_ticket(desktop.tools(), number)

    assert desktop.open_ticket(number, "10d")["action"] == "commented"
    assert desktop.record(number).state == "open"


def test_the_sweep_leaves_it_open(desktop: Desktop) -> None:
    """A wait that the sensor could not see the end of ends on a linked ticket by a comment."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    desktop.gerrit.changes[number].private = True

    sweep(desktop.tools())

    assert desktop.github.issue(1)["state"] == "open"
    assert "can no longer be seen" in desktop.github.comments(1)[-1]
    assert desktop.record(number).state == "closed"


@pytest.mark.parametrize("footer", ["Closes-Bug: #2", "Closes-Bug: #99"], ids=["closed", "none"])
def test_a_ticket_that_is_closed_or_not_there(desktop: Desktop, footer: str) -> None:
    """A comment there would reach nobody, so a ticket of our own is opened."""
    desktop.github.issue(2).update(state="closed", state_reason="completed")
    number = desktop.waiting(footers=(footer,))

    assert desktop.open_ticket(number)["action"] == "created"
    assert not desktop.record(number).linked
    assert desktop.github.comments(2) == []


def test_two_tickets_of_which_one_is_closed(desktop: Desktop) -> None:
    """The first open one is taken."""
    desktop.github.issue(2).update(state="closed", state_reason="completed")
    number = desktop.waiting(footers=("Closes-Bug: #2", "Story: 1"))

    assert desktop.open_ticket(number)["ticket_id"] == "1"


def test_a_ticket_that_closes_meanwhile(desktop: Desktop) -> None:
    """The next escalation opens a ticket of our own, which is kept true from then on."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    desktop.github.issue(1).update(state="closed", state_reason="completed")

    assert desktop.open_ticket(number, "5d")["action"] == "created"
    assert tickets.close_ticket(desktop.tools(), number)["action"] == "closed"
    assert len(desktop.github.comments(1)) == 1


def test_a_linked_ticket_that_its_people_closed(desktop: Desktop) -> None:
    """The sweep ends its record with the wait, and says nothing there."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    desktop.github.issue(1).update(state="closed", state_reason="completed")
    desktop.review(number)

    report = sweep(desktop.tools())

    assert (report["closed"], report["commented"]) == ([], [])
    assert desktop.record(number).state == "closed"
    assert len(desktop.github.comments(1)) == 1


def test_our_own_ticket_behind_a_linked_record(desktop: Desktop) -> None:
    """A run that opened our own after the linked one was closed, and died, left it: it is ours."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    desktop.github.issue(1).update(state="closed", state_reason="completed")
    tracker = desktop.tools().tracker
    assert tracker is not None
    ours = tracker.create(draft(desktop.record(number).key, assignee=None))

    done = tickets.close_ticket(desktop.tools(), number)

    assert (done["action"], done["ticket_id"]) == ("closed", ours.id)


def test_a_commit_message_that_names_our_own_ticket(desktop: Desktop) -> None:
    """It stays our own."""
    number = desktop.waiting()
    ours = desktop.open_ticket(number)["ticket_id"]
    tickets.close_ticket(desktop.tools(), number)
    desktop.github.issue(int(ours)).update(state="open", state_reason="reopened")
    desktop.gerrit.changes[number].footers = (f"Closes-Bug: #{ours}",)

    assert desktop.open_ticket(number, "5d")["action"] == "found"
    assert not desktop.record(number).linked


def test_our_own_ticket_without_a_record(desktop: Desktop) -> None:
    """It goes before one that the commit message names meanwhile."""
    number = desktop.waiting()
    ours = desktop.open_ticket(number)["ticket_id"]
    desktop.shelf = Shelf()
    desktop.gerrit.changes[number].footers = ("Closes-Bug: #1",)

    told = desktop.open_ticket(number, "5d")

    assert (told["action"], told["ticket_id"]) == ("found", ours)
    assert desktop.github.comments(1) == []


def test_a_linked_ticket_while_a_permission_is_lost(desktop: Desktop) -> None:
    """It does not look as if it were gone."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)
    answer = desktop.github.answer
    desktop.github.answer = (  # type: ignore
        lambda sent: answer(sent) if sent.path == "/user" else Reply(404, {"message": "Not Found"})
    )

    report = sweep(desktop.tools())

    assert report["records_without_ticket"] == []
    assert desktop.record(number).state == "open"


def test_a_change_with_a_ticket_of_its_own(desktop: Desktop) -> None:
    """The ticket that was opened before the commit message named another one is gone on with."""
    number = desktop.waiting()
    desktop.open_ticket(number)
    desktop.gerrit.changes[number].footers = ("Closes-Bug: #1",)

    assert desktop.open_ticket(number, "5d")["action"] == "found"
    assert desktop.github.comments(1) == []


def test_handing_on_does_not_assign_it(desktop: Desktop) -> None:
    """Whose ticket it is, others decide."""
    number = desktop.waiting(footers=("Closes-Bug: #1",))
    desktop.open_ticket(number)

    told = tickets.update_ticket(desktop.tools(), desktop.event(number, "5d"), attempt=1)

    assert (told["action"], told["reason"]) == ("nothing", "not_our_ticket")
    assert desktop.github.issue(1)["assignees"] == []


def test_the_option_is_off() -> None:
    """Without patterns the commit message is not even read."""
    desktop = Desktop()
    desktop.github.add_issue("Crashes at night", by="somebody")
    number = desktop.waiting(footers=("Closes-Bug: #1",))

    assert desktop.open_ticket(number)["action"] == "created"
    assert not any(one.path.endswith("/commit") for one in desktop.gerrit.requests)


def test_ids_in_a_commit_message() -> None:
    """In the patterns' order, each once, and not without end."""
    patterns = [re.compile(CLOSES, re.MULTILINE), re.compile(r"\b([A-Z]+-\d+)\b")]
    message = "Fix ABC-1\n\nCloses-Bug: #7\nCloses-Bug: 8\nCloses-Bug: #7\nSee ABC-2, ABC-1\n"

    assert named_tickets(message, patterns) == ("7", "8", "ABC-1", "ABC-2")
    assert len(named_tickets("\n".join(f"ABC-{n}" for n in range(50)), patterns)) == 5
