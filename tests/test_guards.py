"""What every writing operation asks first, and what an action says when something goes wrong."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta
from typing import Any, Callable, Dict, List

import pytest

from reviewloop.core.events import EventRef
from reviewloop.core.keys import event_id, ticket_key
from reviewloop.errors import ConfigError, RefusedError, TemporaryError
from reviewloop.escalation.events import event_ref
from reviewloop.operations import assess, review, tickets
from reviewloop.operations.context import Context, perform
from reviewloop.store.pending import Pending, Reason
from stores import Shelf
from tools import SERVER, SINCE, Desktop

DAY = timedelta(days=1)
Step = Callable[[Desktop, int], Dict[str, Any]]


@pytest.fixture
def desktop() -> Desktop:
    """Fresh servers."""
    return Desktop()


def posts(desktop: Desktop) -> List[str]:
    """What was written to Gerrit."""
    return [one for one in desktop.gerrit.seen if one.startswith("POST")]


def tracker_writes(desktop: Desktop) -> List[str]:
    """What was written to the tracker."""
    return [one.path for one in desktop.github.sent if one.method != "GET"]


def escalate(desktop: Desktop, number: int, **more: Any) -> Dict[str, Any]:
    """The last task of an escalation, which marks the change."""
    told = {"purpose": "escalate", "event_id": desktop.event(number), "tier": "committee"}
    told.update({"asked": [desktop.member], "add_hashtags": ["escalated"], **more})
    return review.post_review(desktop.tools(), number, **told)


def note(desktop: Desktop, number: int) -> Dict[str, Any]:
    """A note of a workflow of one's own."""
    return review.post_review(desktop.tools(), number, message="Hello", ready=True)


def tag(desktop: Desktop, number: int) -> Dict[str, Any]:
    """A hashtag."""
    return review.set_hashtags(desktop.tools(), number, add=["escalated"])


def add(desktop: Desktop, number: int) -> Dict[str, Any]:
    """Somebody more on the change."""
    return review.add_reviewers(desktop.tools(), number, account_ids=[desktop.member])


def update(desktop: Desktop, number: int) -> Dict[str, Any]:
    """A comment on the ticket."""
    event = desktop.event(number, "5d")
    return tickets.update_ticket(desktop.tools(), event, asked=[desktop.member])


def reopen(desktop: Desktop, number: int) -> Dict[str, Any]:
    """A ticket."""
    return desktop.open_ticket(number)


WRITES: List[Step] = [escalate, note, tag, add, update, reopen]


# Private, gone, over.


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_about_a_private_change(desktop: Desktop, write: Step) -> None:
    """Not on the change either: whoever is added to it could see it."""
    number = desktop.escalated(hashtags=["other"])
    desktop.gerrit.changes[number].private = True
    before = (posts(desktop), tracker_writes(desktop))

    told = write(desktop, number)

    assert told["reason"] == "private"
    assert (posts(desktop), tracker_writes(desktop)) == before
    assert "action" not in told or told["action"] == "nothing"


@pytest.mark.parametrize("write", [escalate, update, reopen])
@pytest.mark.parametrize(("fate", "reason"), [("review", "wait_over"), ("hidden", "gone")])
def test_nothing_is_written_about_a_wait_that_is_over(
    desktop: Desktop, write: Step, fate: str, reason: str
) -> None:
    """A review came, or the change went, while the escalation was running."""
    number = desktop.waiting()
    assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    if fate == "review":
        desktop.review(number)
    else:
        desktop.gerrit.changes[number].hidden = True
    said = len(desktop.gerrit.changes[number].messages)

    assert write(desktop, number)["reason"] == reason
    assert len(desktop.gerrit.changes[number].messages) == said
    assert posts(desktop) == []
    assert tracker_writes(desktop) == []


def test_standing_down_while_an_escalation_runs(desktop: Desktop) -> None:
    """Whatever of the escalation comes later writes nothing, so nothing is left behind."""
    number = desktop.waiting()
    assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    desktop.review(number)
    ended = tickets.close_ticket(desktop.tools(), number, event_id=desktop.event(number))

    opened, posted = reopen(desktop, number), escalate(desktop, number)

    assert ended["asks_closed"] == 1
    assert (opened["reason"], posted["reason"]) == ("wait_over", "wait_over")
    assert desktop.gerrit.changes[number].hashtags == []
    assert tracker_writes(desktop) == []


def put_off(desktop: Desktop, event: str, **more: Any) -> Pending:
    """What a run of assess keeps when somebody cannot be asked just now."""
    told, now = event_ref(event), desktop.gerrit.now
    given: Dict[str, Any] = {"tier": "committee", "reason": Reason.BUDGET, **more}
    kept = Pending(
        event_id=event,
        number=told.number,
        party=told.party.value,
        since=told.since,
        milestone=str(told.milestone),
        at=now,
        not_before=now,
        crossed_at=told.since,
        **given,
    )
    desktop.tools().pendings.put(kept)
    return kept


@pytest.mark.parametrize("ticket", [True, False])
def test_what_was_put_off_about_a_wait_that_is_over(desktop: Desktop, ticket: bool) -> None:
    """It holds no place in the queue any more; a later wait, another party's and another change's
    keep theirs.
    """
    number = desktop.escalated() if ticket else desktop.waiting()
    event = desktop.event(number)
    put_off(desktop, event)
    put_off(desktop, event, tier="chair")
    put_off(desktop, event_id(SERVER, number, "reviewers", event_ref(event).since - DAY, "1d"))
    kept = [
        put_off(desktop, event_id(SERVER, number, "reviewers", event_ref(event).since + DAY, "1d")),
        put_off(desktop, event_id(SERVER, number, "owner", event_ref(event).since, "2d")),
        put_off(desktop, desktop.event(desktop.waiting())),
        put_off(desktop, event.replace(SERVER, "old.example.org")),
    ]
    desktop.review(number)

    for _ in range(2):
        tickets.close_ticket(desktop.tools(), number, event_id=event)
        left = desktop.tools().pendings.all()
        assert {one.key for one in left} == {one.key for one in kept}


def test_closing_by_hand_drops_what_was_put_off(desktop: Desktop) -> None:
    """Without an event all about the change goes, as its open asks do."""
    number = desktop.waiting()
    event = desktop.event(number)
    put_off(desktop, event)
    put_off(desktop, event_id(SERVER, number, "owner", event_ref(event).since, "2d"))
    tickets.close_ticket(desktop.tools(), number)

    assert desktop.tools().pendings.all() == ()


# The event's own change.


def test_another_number_than_the_events(desktop: Desktop) -> None:
    """One change would be judged and the other written on: refused, with both named."""
    first, second = desktop.waiting(), desktop.waiting()
    event = desktop.event(first)
    attempts = [
        lambda: escalate(desktop, second, event_id=event),
        lambda: escalate(desktop, second, event_id=event, purpose="nudge"),
        lambda: escalate(desktop, second, event_id=event, purpose="note", message="x"),
        lambda: review.set_hashtags(desktop.tools(), second, add=["x"], event_id=event),
        lambda: tickets.close_ticket(desktop.tools(), second, event_id=event),
    ]
    for attempt in attempts:
        with pytest.raises(RefusedError, match=f"number is {second}, but .* change {first}"):
            attempt()
    assert posts(desktop) == []


def later_wait(desktop: Desktop, number: int) -> str:
    """The change is reviewed and answered, and waits again for two days; its event."""
    desktop.review(number)
    desktop.gerrit.at("2026-03-05 09:00:00")
    desktop.gerrit.review(number, by=desktop.gerrit.author, text="Because.")
    since = int(desktop.gerrit.now.timestamp())
    desktop.gerrit.at("2026-03-09 09:00:00")
    return f"{SERVER}:{number}:reviewers:{since}:2d"


@pytest.mark.parametrize("kind", ["github", "none"])
def test_late_end_of_an_earlier_wait(kind: str) -> None:
    """The later escalation keeps its ticket, its asks and its hashtag."""
    desktop = Desktop(tracker={"kind": kind, **({} if kind == "github" else NO_TRACKER)})
    number = desktop.waiting(hashtags=["escalated"])
    event = later_wait(desktop, number)
    assess.assess(desktop.tools(), event, dry_run=False)
    tickets.open_ticket(desktop.tools(), event, asked=[desktop.member])
    earlier = desktop.event(number)

    closed = tickets.close_ticket(desktop.tools(), number, event_id=earlier)
    tagged = review.set_hashtags(desktop.tools(), number, remove=["escalated"], event_id=earlier)

    assert closed["action"] == "nothing"
    assert closed["asks_closed"] == 0
    assert tagged == {"number": number, "changed": False, "reason": "another_wait"}
    assert desktop.gerrit.changes[number].hashtags == ["escalated"]
    assert [ask.open for ask in desktop.tools().asks.all()] == [True]


NO_TRACKER = {"project": None, "token": None}


def test_end_of_the_wait_itself(desktop: Desktop) -> None:
    """Its own event takes everything down."""
    number = desktop.escalated(hashtags=["escalated"])
    desktop.review(number)
    event = desktop.event(number)

    assert tickets.close_ticket(desktop.tools(), number, event_id=event)["action"] == "closed"
    told = review.set_hashtags(desktop.tools(), number, remove=["escalated"], event_id=event)
    assert told == {"number": number, "changed": True, "reason": ""}


# Private changes' tickets, and tickets without records.


@pytest.mark.parametrize("fate", ["private", "hidden"])
def test_last_words_about_a_change_out_of_sight(desktop: Desktop, fate: str) -> None:
    """The public ticket is closed in neutral words, though the event says how the wait ended."""
    number = desktop.escalated()
    desktop.review(number)
    setattr(desktop.gerrit.changes[number], fate, True)

    told = tickets.close_ticket(desktop.tools(), number, event_id=desktop.event(number))

    assert told["action"] == "closed"
    assert "review" not in desktop.comments(number).replace("gerrit", "")
    assert "No further action is needed" in desktop.comments(number)


def test_refresh_says_nothing_of_a_private_change(desktop: Desktop) -> None:
    """How its wait ended does not leave Gerrit."""
    number = desktop.escalated()
    desktop.review(number)
    desktop.gerrit.changes[number].private = True

    told = assess.refresh(desktop.tools(), number)

    assert told == {"number": number, "over": False, "how": "", "event_id": ""}


def test_closing_a_ticket_by_hand_after_all_records_are_lost(desktop: Desktop) -> None:
    """The tracker is asked, so a ticket that people see can be closed."""
    number = desktop.escalated()
    issue = desktop.issue(number)
    desktop.shelf = Shelf()
    desktop.review(number)

    assert tickets.close_ticket(desktop.tools(), number)["action"] == "closed"
    assert issue["state"] == "closed"


# What was not applied.


def test_attention_of_nobody(desktop: Desktop) -> None:
    """Gerrit drops an account that is not on the change without a word; the action does not."""
    number = desktop.waiting()
    with pytest.raises(RefusedError, match="account 123456 did not enter the attention set"):
        review.post_review(desktop.tools(), number, message="Hi", attention=[123456])


def test_attention_on_a_server_that_does_not_tell(desktop: Desktop) -> None:
    """Older servers answer without the change: nothing can be compared."""
    desktop.gerrit.tells_change = False
    number = desktop.waiting()

    told = review.post_review(desktop.tools(), number, message="Hi", attention=[123456])

    assert told["action"] == "posted"


@pytest.mark.parametrize("value", ["1", "two", True, 1.0, None, 10**9])
def test_vote_that_is_no_number(desktop: Desktop, value: Any) -> None:
    """It is refused before anything is written."""
    number = desktop.waiting()
    with pytest.raises(RefusedError, match="labels: Escalated is") as caught:
        review.post_review(desktop.tools(), number, message="x", labels={"Escalated": value})
    assert "without quotes" in caught.value.remedy
    assert posts(desktop) == []


def test_bad_hashtag_is_refused_before_the_comment(desktop: Desktop) -> None:
    """Not after it has been posted."""
    number = desktop.waiting()
    with pytest.raises(RefusedError, match="cannot be a hashtag"):
        escalate(desktop, number, add_hashtags=["two words"])
    assert posts(desktop) == []


def test_same_escalation_with_somebody_else(desktop: Desktop) -> None:
    """The records were lost and another person was chosen: one comment it stays."""
    number = desktop.waiting()
    other = desktop.gerrit.add_account("committee2")

    assert escalate(desktop, number)["posted"]
    assert escalate(desktop, number, asked=[other])["action"] == "already_posted"


# Two changes of one number.


def test_event_that_names_its_project(desktop: Desktop) -> None:
    """The change is read by both, and its ticket is not the other one's."""
    number = desktop.waiting(project="tools/build")
    since = EventRef.parse(desktop.event(number)).since
    event = event_id(SERVER, number, "reviewers", since, "2d", project="tools/build")
    assert event == f"{SERVER}:tools%2Fbuild~{number}:reviewers:{SINCE}:2d"

    assert assess.assess(desktop.tools(), event, dry_run=False)["proceed"]
    opened = tickets.open_ticket(desktop.tools(), event, asked=[desktop.member])

    assert opened["key"] == ticket_key(SERVER, number, "tools/build") != ticket_key(SERVER, number)
    reads = [one for one in desktop.gerrit.seen if re.match("GET /a/changes/[^?]", one)]
    assert all("tools/build~" in one for one in reads)
    assert assess.assess(desktop.tools(), event.replace("tools%2Fbuild", "docs"))["verdict"] == (
        "gone"
    )


# The shape of errors.


class Plain:
    """An action as far as ``perform`` knows it."""

    def __init__(self, desktop: Desktop, level: int = logging.DEBUG) -> None:
        self.config = desktop.config
        self.action_service = desktop.shelf.service
        self.logger = logging.getLogger("test")
        self.logger.setLevel(level)


@pytest.mark.parametrize(
    ("wanted", "level"), [(logging.DEBUG, logging.INFO), (logging.ERROR, logging.ERROR)]
)
def test_calls_of_the_datastore_are_not_logged(desktop: Desktop, wanted: int, level: int) -> None:
    """StackStorm logs each of them with the action's logger, and stores and publishes each line;
    an operator can have fewer lines than we leave.
    """
    action = Plain(desktop, wanted)

    assert perform(action, lambda _context: {}) == (True, {})
    assert action.logger.level == level


def test_unexpected_exception_has_the_shape_too(
    desktop: Desktop, caplog: pytest.LogCaptureFixture
) -> None:
    """The result says where; the traceback is in the log, and the exception's words only there."""

    def defect(_context: Context) -> Dict[str, Any]:
        raise KeyError("known-only-to-tests")

    done, result = perform(Plain(desktop), defect)

    assert not done
    error = result["error"]
    assert error["kind"] == "internal"
    assert error["message"].startswith("A defect of this pack: KeyError (test_guards.py, line ")
    assert "Report it" in error["remedy"]
    assert "known-only" not in json.dumps(result)
    assert "KeyError" in caplog.text


def test_servers_words_in_errors_are_no_expressions(desktop: Desktop) -> None:
    """A workflow that publishes an error must not evaluate what a server said."""

    def refused(_context: Context) -> Dict[str, Any]:
        raise TemporaryError("It said {{ config_context.password }} <% ctx() %>.", "Wait {% x %}")

    _, result = perform(Plain(desktop), refused)

    told = result["error"]["message"] + result["error"]["remedy"]
    assert not [marker for marker in ("{{", "}}", "<%", "%>", "{%", "%}") if marker in told]
    assert "config_context" in told


@pytest.mark.parametrize(
    "tail", ["99999999999999999999:2d", f"{SINCE}:99999999999d", "99999999999:2d", "9" * 500]
)
def test_huge_numbers_in_an_event(desktop: Desktop, tail: str) -> None:
    """An answer in the agreed shape, whatever is passed."""
    event = f"{SERVER}:1:reviewers:{tail}"

    done, result = perform(Plain(desktop), tickets.open_ticket, event_id=event)

    assert not done
    assert result["error"]["kind"] == "refused"
    assert "not the id of an event" in result["error"]["message"]


# What it costs.


@pytest.mark.parametrize("size", [1, 13])
def test_requests_of_an_escalation(size: int) -> None:
    """Seven, however large the roster, once its accounts are known."""
    names = [f"member{n}" for n in range(size)]
    desktop = Desktop(roster={"members": [{"gerrit": name} for name in names]})
    for name in names:
        desktop.gerrit.add_account(name)
    # Of another owner: what one person pushes together is asked for together.
    first, number = desktop.waiting(), desktop.waiting(owner=desktop.owner())
    assess.assess(desktop.tools(), desktop.event(first))
    before = len(desktop.gerrit.seen)

    asked = assess.assess(desktop.tools(), desktop.event(number))["asked"]
    tickets.open_ticket(desktop.tools(), desktop.event(number), asked=asked)
    escalate(desktop, number, asked=asked)

    assert len(asked) == 1
    assert len(desktop.gerrit.seen) - before == 7


@pytest.mark.parametrize(
    ("text", "kept"), [('{"version": 1, "da', True), ('{"version": 2}', False)]
)
def test_record_that_cannot_be_read(desktop: Desktop, text: str, kept: bool) -> None:
    """People are asked whatever became of the ticket's record. A damaged one is written anew, with
    the ticket that bears the key; one of a newer release is left alone, and said.
    """
    number = desktop.escalated()
    ticket = desktop.record(number)
    desktop.shelf.store.put(f"gerrit.ticket.{ticket.key}", text)

    assert escalate(desktop, number)["posted"]
    if kept:
        assert desktop.open_ticket(number)["action"] == "found"
        assert desktop.record(number).id == ticket.id
    else:
        with pytest.raises(ConfigError, match="its version is not 1"):
            desktop.open_ticket(number)
