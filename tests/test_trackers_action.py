"""Any action: what the contract does not ask of it."""

from __future__ import annotations

import copy
import json
import os
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from unittest import mock

import pytest

import fake_st2_api as st2
from fake_http import Reply, Sent
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http.messages import Request
from reviewloop.markup.formats import BodyFormat
from reviewloop.settings import tracker as settings_tracker
from reviewloop.settings.reader import Reader
from reviewloop.trackers.adapters.stackstorm_action import mapping
from reviewloop.trackers.adapters.stackstorm_action.failures import error_text
from reviewloop.trackers.adapters.stackstorm_action.problems import problems
from reviewloop.trackers.adapters.stackstorm_action.reading import Reading, instant
from reviewloop.trackers.adapters.stackstorm_action.runs import API_URL, AUTH_TOKEN
from reviewloop.trackers.adapters.stackstorm_action.tracker import AnyAction
from reviewloop.trackers.outcomes import Done
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.ticketing import Ticketing
from reviewloop.trackers.tickets import CloseReason, State, TakenError
from rig_action import FEW, MAPPING, TICKET, ActionRig
from stores import MemoryRecords
from test_trackers_contract import HOSTILE
from trackers_rig import NOW, Wire, draft, fresh_key, refuses_id


@pytest.fixture
def rig() -> ActionRig:
    """StackStorm with the pack ``desk``, fully mapped."""
    return ActionRig()


def changed(base: Mapping[str, Any], **calls: Any) -> Dict[str, Any]:
    """A mapping with some of its keys replaced, or left out where None."""
    found = {**copy.deepcopy(dict(base)), **calls}
    return {name: told for name, told in found.items() if told is not None}


def refs(rig: ActionRig) -> List[str]:
    """The actions that were asked for, in order."""
    return [sent.body["action"] for sent in rig.server.sent if sent.method == "POST"]


def bodies(rig: ActionRig, ref: str) -> List[Any]:
    """What was asked of an action."""
    posts = [sent.body for sent in rig.server.sent if sent.method == "POST"]
    return [body for body in posts if body["action"] == ref]


def failing(rig: ActionRig, ref: str, run: Callable[..., Any]) -> None:
    """From now on an action does something else."""
    rig.server.actions[ref].run = run


def raising(message: str, status: str = "failed") -> Callable[..., Any]:
    """An action that fails."""

    def run(**_parameters: Any) -> Any:
        raise st2.FailureError(message, status)

    return run


# -- what is sent ----------------------------------------------------------------------------------


def test_opening_asks_for_these_executions(rig: ActionRig) -> None:
    """Writes bear a trace tag, reads do not; placeholders that stand alone keep their type."""
    key = fresh_key()

    rig.ticketing().open_once(draft(key))

    assert refs(rig) == [
        "desk.me",
        "desk.search",
        "desk.open",
        "desk.show",
        "desk.search",
    ]
    assert bodies(rig, "desk.search")[0] == {
        "action": "desk.search",
        "parameters": {"place": "ops", "tag": key},
    }
    assert bodies(rig, "desk.open") == [
        {
            "action": "desk.open",
            "parameters": {
                "place": "ops",
                "title": "Review wanted: 4711",
                "text": f"It waits.\n\n[grv:{key}]",
                "tags": ["review-escalation", key],
                "who": "committee1",
            },
            "context": {"trace_context": {"trace_tag": f"gerrit action:desk.open/ops#{key}"}},
        }
    ]


def test_nobody_to_assign_leaves_the_parameter_out(rig: ActionRig) -> None:
    """An action would take an empty name for a name."""
    rig.tracker().create(draft(fresh_key(), assignee=None))

    assert "who" not in bodies(rig, "desk.open")[0]["parameters"]


def test_later_steps_ask_for_these_executions(rig: ActionRig) -> None:
    """Each with the ticket's id, under the ticket's own tag."""
    tracker = rig.tracker()
    one = tracker.create(draft(fresh_key()))
    keep = tracker.read(tracker.create(draft(fresh_key())).id)
    rig.server.sent.clear()

    tracker.add_comment(one.id, "Still.")
    tracker.assign(one.id, "committee2")
    tracker.close_duplicate(one.id, keep)

    tag = {"trace_context": {"trace_tag": "gerrit action:desk.open/ops#OPS-1"}}
    writes = [sent.body for sent in rig.server.sent if sent.method == "POST"]
    assert [(body["action"], body["parameters"], body["context"]) for body in writes] == [
        ("desk.say", {"ticket": "OPS-1", "text": "Still."}, tag),
        ("desk.give", {"ticket": "OPS-1", "who": "committee2"}, tag),
        (
            "desk.end",
            {"ticket": "OPS-1", "how": "Duplicate", "untag": keep.key, "like": "OPS-2"},
            tag,
        ),
    ]
    assert rig.server.board.tickets["OPS-1"].links == ["OPS-2"]


def test_closing_and_reopening_what_is_so_already_runs_nothing(rig: ActionRig) -> None:
    """Most actions fail at a transition that is not there."""
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.reopen(ticket.id)
    tracker.close(ticket.id, CloseReason.COMPLETED)
    tracker.close(ticket.id, CloseReason.COMPLETED)
    tracker.reopen(ticket.id)

    assert [ref for ref in refs(rig) if ref != "desk.show"] == [
        "desk.open",
        "desk.end",
        "desk.again",
    ]
    assert bodies(rig, "desk.end")[0]["parameters"] == {"ticket": "OPS-1", "how": "completed"}


def test_only_status_and_result_are_asked_while_waiting(rig: ActionRig) -> None:
    """An execution holds all of its action's metadata, which nobody needs here."""
    rig.tracker().list_open()

    waits = [sent for sent in rig.server.sent if "/executions/" in sent.path]
    assert waits
    assert {sent.query["include_attributes"] for sent in waits} == {"status,result"}


def test_hostile_text_is_evaluated_by_nobody(rig: ActionRig) -> None:
    """Braces arrive pulled apart; all else arrives whole, and poses as nothing."""
    key = fresh_key()
    title, body = f"{HOSTILE} {{% raw %}} <% ctx().x %>", f"{HOSTILE}\n{{{{{{ st2kv.system.x }}}}}}"

    made = rig.ticketing().open_once(draft(key, title=title, body=body))
    again = rig.ticketing().open_once(draft(key, title=title, body=body))
    rig.ticketing().comment_once(key, "{{ st2kv.system.x }}", "level-1")

    assert made.ticket is not None
    assert again.ticket == made.ticket
    (ticket,) = rig.server.board.tickets.values()
    for text in (ticket.title, ticket.text, *ticket.remarks):
        assert st2.SECRET not in text
        assert "st2kv.system.x" in text
        assert not any(sign in text for sign in ("{{", "{%", "<%"))
    assert "\U0001f600" in ticket.title
    assert made.ticket.key == key
    assert rig.tracker().find("grv-" + "f" * 16) == ()


def test_a_body_that_is_text_of_json(rig: ActionRig) -> None:
    """``$json`` makes text of what is below it, for actions such as core.http."""
    say = {
        "ref": "desk.say",
        "parameters": {"ticket": "$id", "text": {"$json": {"t": {"u": "$text"}}}},
    }
    tracker = rig.tracker(actions=changed(MAPPING, comment=say, comments=None))
    ticket = tracker.create(draft(fresh_key()))

    tracker.add_comment(ticket.id, 'a "b" {{ st2kv.system.x }} \\ é')

    (text,) = rig.comments(ticket.id)
    assert json.loads(text) == {"t": {"u": 'a "b" { { st2kv.system.x } } \\ é'}}


# -- executions ------------------------------------------------------------------------------------


def test_an_earlier_runs_execution_is_waited_for(rig: ActionRig) -> None:
    """A run that died after asking leaves an execution that still opens the ticket: the next run
    finds it, however soon it comes.
    """
    key = fresh_key()
    rig.server.actions["desk.open"].slow = 30
    with pytest.raises(AmbiguousError):
        rig.tracker(options={"timeout": "1"}).create(draft(key))

    outcome = rig.ticketing().open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert len(rig.all_ids(key)) == 1


def test_an_earlier_runs_comment_is_waited_for(rig: ActionRig) -> None:
    """The same for everything that is done to a ticket."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    rig.server.actions["desk.say"].slow = 30
    with pytest.raises(AmbiguousError):
        rig.tracker(options={"timeout": "1"}).add_comment(ticket.id, f"Still. [grv:{key}/level-1]")

    outcome = rig.ticketing(records).comment_once(key, "Still.", "level-1")

    assert outcome.action is Done.NOTHING
    assert len(rig.comments(ticket.id)) == 1


def test_an_execution_that_hangs(rig: ActionRig) -> None:
    """Nothing is done about its ticket, and the remedy is how to end it."""
    tracker = rig.tracker(options={"timeout": "5"})
    ticket = tracker.create(draft(fresh_key()))
    rig.server.stuck = True
    with pytest.raises(AmbiguousError) as written:
        tracker.add_comment(ticket.id, "x")
    with pytest.raises(TemporaryError) as caught:
        tracker.comments(ticket.id)
    with pytest.raises(TemporaryError) as read:
        tracker.list_open()

    assert "tracker.options.timeout" not in str(caught.value)
    assert "st2 execution cancel 6b057f" in caught.value.remedy
    assert not isinstance(read.value, AmbiguousError)
    assert "tracker.options.timeout" in read.value.remedy
    assert "desk.say was started" in written.value.message


@pytest.mark.parametrize("status", ["timeout", "abandoned", "canceled"])
def test_an_execution_that_ended_otherwise(rig: ActionRig, status: str) -> None:
    """A write may have happened; a read is tried again."""
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))
    failing(rig, "desk.say", raising("x", status))
    failing(rig, "desk.show", raising("x", status))

    with pytest.raises(AmbiguousError) as write:
        tracker.add_comment(ticket.id, "x")
    with pytest.raises(TemporaryError) as read:
        tracker.read(ticket.id)

    assert f"ended as {status}" in write.value.message
    assert not isinstance(read.value, AmbiguousError)


def test_a_lost_answer_to_what_only_reads(rig: ActionRig) -> None:
    """Nothing is in doubt then, though the request was a POST."""
    wire = Wire(rig.network())

    def lose(_number: int, request: Request) -> None:
        if request.method == "POST":
            raise AmbiguousError("gone")

    wire.after = lose
    with pytest.raises(TemporaryError) as caught:
        rig.tracker(wire).find(fresh_key())

    assert not isinstance(caught.value, AmbiguousError)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {"faultstring": "Unauthorized"}),
        Reply(404, {"faultstring": "no such"}),
        Reply(200, []),
    ],
    ids=["401", "404", "not an execution"],
)
def test_an_execution_that_cannot_be_followed(rig: ActionRig, reply: Reply) -> None:
    """What it wrote is in doubt."""
    tracker = rig.tracker()
    rig.server.get = lambda *_: reply  # type: ignore[method-assign]

    with pytest.raises(AmbiguousError):
        tracker.create(draft(fresh_key()))


@pytest.mark.parametrize("told", [{}, {"id": ""}, {"id": "../1"}, [], "x"])
def test_an_answer_without_an_execution(rig: ActionRig, told: Any) -> None:
    """Whether anything was started is not known."""
    tracker = rig.tracker()
    rig.server.replies = [Reply(201, told if not isinstance(told, str) else '"x"')]

    with pytest.raises(AmbiguousError):
        tracker.create(draft(fresh_key()))


def test_more_writes_than_a_page_shows(rig: ActionRig) -> None:
    """All of a ticket's history counts, not its newest hundred."""
    tracker = rig.tracker(actions=FEW)
    key = fresh_key()
    ticket = tracker.create(draft(key))
    for number in range(205):
        rig.server.post(_say(ticket.id, f"[grv:{key}/level-{number}]", tracker.name))
    for _ in range(4):
        rig.server.step()

    found = tracker.comments(ticket.id)

    assert len(found) == 205
    assert "level-0]" in found[0].text
    assert "level-204]" in found[-1].text


def _say(ticket_id: str, text: str, name: str) -> Sent:
    body = {
        "action": "desk.say",
        "parameters": {"ticket": ticket_id, "text": text},
        "context": {"trace_context": {"trace_tag": f"gerrit {name}#{ticket_id}"}},
    }
    return Sent("POST", "/api/v1/executions", {}, body, {})


# -- what an action says of its failure ------------------------------------------------------------


def test_a_wrong_credential_of_the_tracker(rig: ActionRig) -> None:
    """It is found before anything is looked for, and is in no message."""
    with pytest.raises(AuthError) as caught:
        Ticketing(rig.tracker(**rig.wrong_credential()), MemoryRecords(), lambda: NOW).open_once(
            draft(fresh_key())
        )

    assert refs(rig) == ["desk.me"]
    assert "tracker.token" in caught.value.remedy
    assert "configuration of the pack" in caught.value.remedy
    assert "desk-wrong" not in str(caught.value)


def test_a_place_that_is_not_there(rig: ActionRig) -> None:
    """The message is the action's own, the remedy names its key; nothing is opened."""
    with pytest.raises(RefusedError) as caught:
        Ticketing(rig.tracker(**rig.wrong_place()), MemoryRecords(), lambda: NOW).open_once(
            draft(fresh_key())
        )

    assert refs(rig) == ["desk.me", "desk.search"]
    assert "place gone does not exist" in caught.value.message
    assert "tracker.actions.find" in caught.value.remedy


def test_stackstorms_own_credential(rig: ActionRig) -> None:
    """Its remedy is about StackStorm, not about the tracker's token."""
    tracker = rig.tracker()
    rig.server.replies = [Reply(401, {"faultstring": "Unauthorized"})]

    with pytest.raises(AuthError) as caught:
        tracker.whoami()

    assert "StackStorm's API" in caught.value.message
    assert "api_url" in caught.value.remedy
    assert "tracker.token" not in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"ref": "desk.opne"}, "that the pack of desk.opne is installed"),
        ({"parameters": {"titel": "$title", "text": "$body"}}, "takes these parameters"),
        ({"parameters": {"place": 7, "title": "$title", "text": "$body"}}, "st2 action get"),
    ],
    ids=["no such action", "no such parameter", "of another type"],
)
def test_what_stackstorm_itself_refuses(rig: ActionRig, change: Any, remedy: str) -> None:
    """No status that could be taken for the tracker's refusal of an assignee."""
    create = {**MAPPING["create"], **change}
    tracker = rig.tracker(actions=changed(MAPPING, create=create))

    with pytest.raises(RefusedError) as caught:
        tracker.create(draft(fresh_key()))

    assert remedy in caught.value.remedy
    assert "tracker.actions.create" in caught.value.remedy
    assert caught.value.status == 0


def test_a_user_who_may_not_run_the_action(rig: ActionRig) -> None:
    """The remedy is the permission."""
    rig.server.actions["desk.open"].allowed = False

    with pytest.raises(RefusedError) as caught:
        rig.tracker().create(draft(fresh_key()))

    assert "right to execute desk.open" in caught.value.remedy
    assert caught.value.status == 403


def test_an_action_that_is_switched_off(rig: ActionRig) -> None:
    """StackStorm's own words are shown."""
    rig.server.actions["desk.open"].enabled = False

    with pytest.raises(RefusedError) as caught:
        rig.tracker().create(draft(fresh_key()))

    assert "is disabled" in caught.value.message


@pytest.mark.parametrize(
    ("said", "write", "read"),
    [
        ("Max retries exceeded with url", AmbiguousError, TemporaryError),
        ("read timed out.", AmbiguousError, TemporaryError),
        ("HTTP 401: who?", AuthError, AuthError),
        ("no field Colour", RefusedError, RefusedError),
    ],
)
def test_a_failure_is_told_by_its_words(rig: ActionRig, said: str, write: type, read: type) -> None:
    """A connection that broke leaves a write in doubt, and a read to be tried again."""
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))
    failing(rig, "desk.say", raising(said))
    failing(rig, "desk.show", raising(said))

    with pytest.raises(ReviewLoopError) as written:
        tracker.add_comment(ticket.id, "x")
    with pytest.raises(ReviewLoopError) as seen:
        tracker.read(ticket.id)

    assert (type(written.value), type(seen.value)) == (write, read)
    assert said in written.value.message


def test_a_failure_shows_neither_a_secret_nor_what_would_be_evaluated(rig: ActionRig) -> None:
    """What a trackers says may hold what people wrote."""
    failing(rig, "desk.open", raising("no {{ st2kv.system.x }} with desk-token" + " x" * 300))

    with pytest.raises(RefusedError) as caught:
        rig.tracker().create(draft(fresh_key()))

    assert "no { { st2kv.system.x } } with (secret)" in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("code", "write", "read"),
    [
        (401, AuthError, AuthError),
        (403, RefusedError, RefusedError),
        (404, RefusedError, RefusedError),
        (422, RefusedError, RefusedError),
        (429, TemporaryError, TemporaryError),
        (502, AmbiguousError, TemporaryError),
    ],
)
def test_a_failure_of_core_http_is_told_by_its_status(
    rig: ActionRig, code: int, write: type, read: type
) -> None:
    """That action fails with the answer's status in its result."""
    result = {"status_code": code, "body": {"message": "said so"}, "parsed": True, "headers": {}}
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))
    ends = rig.server.end

    def end(one: st2.Execution) -> None:
        ends(one)
        one.status, one.result = "failed", result

    rig.server.end = end  # type: ignore[method-assign]

    with pytest.raises(ReviewLoopError) as written:
        tracker.add_comment(ticket.id, "x")
    with pytest.raises(ReviewLoopError) as seen:
        tracker.read(ticket.id)

    assert (type(written.value), type(seen.value)) == (write, read)
    assert "said so" in written.value.message
    if isinstance(seen.value, RefusedError):
        assert seen.value.status == code


def test_a_tracker_that_keeps_the_key_unique(rig: ActionRig) -> None:
    """``errors.taken`` names its words, and the other run's ticket is the one that counts."""
    key = fresh_key()
    errors = {"taken": ["alias already taken"]}
    tracker = rig.tracker(actions=changed(MAPPING, errors=errors))
    failing(rig, "desk.open", raising("the Alias already taken by OPS-1"))

    with pytest.raises(TakenError):
        tracker.create(draft(key))


def test_a_find_that_fails_where_there_is_nothing(rig: ActionRig) -> None:
    """Only the words that the site names mean an empty listing: any other failure would open a
    second ticket.
    """
    few = rig.tracker(actions=changed(MAPPING, errors={"none": ["yielded no results"]}))
    failing(rig, "desk.search", raising("NoResults: Query yielded no results"))

    assert few.find(fresh_key()) == ()
    with pytest.raises(RefusedError):
        rig.tracker().find(fresh_key())


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"error": "no such place", "traceback": "x"}, "no such place"),
        ({"result": "None", "stderr": "Traceback\n  x\nBoom: bad\n", "exit_code": 1}, "Boom: bad"),
        ({"result": {"error": "bad field"}, "stderr": "", "exit_code": 0}, "bad field"),
        ({"output": {"error": None}, "errors": [{"message": "step two"}]}, "step two"),
        ({"stdout": "", "stderr": "sh: no\n", "return_code": 127}, "sh: no"),
        ({"status_code": 400, "body": "bad", "headers": {"error": "x"}}, "bad"),
        (None, "no reason given"),
        ({}, "no reason given"),
    ],
)
def test_where_runners_keep_the_error(result: Any, said: str) -> None:
    """In the order of python-script, orquesta, shell and http-request."""
    assert error_text(result) == said


# -- where it runs ---------------------------------------------------------------------------------


def settings(**more: Any) -> TrackerSettings:
    """Settings with the full mapping."""
    values = {"project": "ops", "token": "desk-token", "actions": MAPPING, **more}
    return TrackerSettings("action", **values)


def test_outside_stackstorm() -> None:
    """The error says where this can run."""
    with mock.patch.dict(os.environ, clear=True), pytest.raises(ConfigError) as caught:
        AnyAction(settings())

    assert API_URL in caught.value.message
    assert "st2 run" in caught.value.remedy


def test_an_address_of_its_own_goes_before_what_stackstorm_hands_over() -> None:
    """For hosts that cannot reach the address in st2.conf."""
    server = st2.FakeSt2()
    with mock.patch.dict(
        os.environ, {API_URL: "http://nowhere.example.org/v1", AUTH_TOKEN: st2.TOKEN}
    ):
        tracker = AnyAction(settings(url="https://st2.example.org/api/v1/"), None, server)

    tracker.find(fresh_key())

    assert {sent.path for sent in server.sent} >= {"/api/v1/executions", "/api/v1/traces"}


def test_without_authentication_no_token_is_sent() -> None:
    """StackStorm hands none over where the execution has no user."""
    server = st2.FakeSt2()
    with mock.patch.dict(os.environ, {API_URL: "https://st2.example.org/api/v1"}, clear=True):
        tracker = AnyAction(settings(), None, server)
    with pytest.raises(AuthError):
        tracker.whoami()

    assert "X-Auth-Token" not in server.sent[0].headers


def test_the_name_tells_mapping_and_place(rig: ActionRig) -> None:
    """An id is only good there."""
    assert rig.tracker().name == "action:desk.open/ops"


def test_a_site_sets_format_and_limits(rig: ActionRig) -> None:
    """They are the tracker's, and nobody here knows it."""
    options = {"format": "jira_wiki", "title_limit": "20", "body_limit": "300", "lag": "7"}
    tracker = rig.tracker(options=options)
    key = fresh_key()

    tracker.create(draft(key, body="x" * 900))

    sent = bodies(rig, "desk.open")[0]["parameters"]
    assert (tracker.body_format, tracker.lag) == (BodyFormat.JIRA_WIKI, 7)
    assert len(sent["title"]) <= 20
    assert len(sent["text"]) <= 300
    assert sent["text"].endswith(f"\\[grv:{key}\\]")


def test_no_representation_shows_a_secret(rig: ActionRig) -> None:
    """Neither the tracker's nor StackStorm's."""
    tracker = rig.tracker()

    shown = repr(tracker) + repr(vars(tracker)["_runs"]) + repr(settings())

    assert "desk-token" not in shown
    assert st2.TOKEN not in shown


# -- what is not mapped ----------------------------------------------------------------------------


def test_what_failed_to_be_said_was_not_said(rig: ActionRig) -> None:
    """StackStorm's history stands in for the tracker's comments; only what succeeded counts."""
    key, records = fresh_key(), MemoryRecords()
    few = ActionRig(rig.server)
    few.mapping = FEW
    ticket = few.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    say = rig.server.actions["desk.say"].run
    failing(rig, "desk.say", raising("too long"))
    with pytest.raises(RefusedError):
        few.ticketing(records).comment_once(key, "Still.", "level-1")
    failing(rig, "desk.say", say)

    first = few.ticketing(records).comment_once(key, "Still.", "level-1")
    second = few.ticketing(records).comment_once(key, "Still.", "level-1")

    assert (first.action, second.action) == (Done.COMMENTED, Done.NOTHING)
    assert len(few.comments(ticket.id)) == 1


def test_a_listing_of_comments_that_shows_none(rig: ActionRig) -> None:
    """The action may lag or ask for too little; what was said is not said again."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    failing(rig, "desk.said", lambda **_: [])

    rig.ticketing(records).comment_once(key, "Still.", "level-1")
    again = rig.ticketing(records).comment_once(key, "Still.", "level-1")

    assert again.action is Done.NOTHING
    assert len(rig.comments(ticket.id)) == 1


def test_what_somebody_else_said(rig: ActionRig) -> None:
    """The listing of comments shows more than StackStorm's history."""
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))
    rig.server.board.tickets[ticket.id].remarks.append("from elsewhere")

    (comment,) = tracker.comments(ticket.id)

    assert (comment.text, comment.author) == ("from elsewhere", "review-bot")


def test_what_else_was_run_for_a_ticket_was_not_said(rig: ActionRig) -> None:
    """An assignment to somebody with a marker for a name is no comment."""
    tracker = rig.tracker(actions=FEW)
    ticket = tracker.create(draft(fresh_key()))

    tracker.assign(ticket.id, "committee2")

    assert tracker.comments(ticket.id) == ()


def test_reading_by_id_what_this_run_has_not_met(rig: ActionRig) -> None:
    """It is taken for gone, which makes the ticketing protocol look by the key."""
    key = fresh_key()
    ticket = rig.tracker(actions=FEW).create(draft(key))
    tracker = rig.tracker(actions=FEW)

    with pytest.raises(RefusedError) as caught:
        tracker.read(ticket.id)
    tracker.find(key)

    assert caught.value.status == 404
    assert "tracker.actions.read" in caught.value.remedy
    assert tracker.read(ticket.id).key == key


def test_steps_that_are_not_mapped(rig: ActionRig) -> None:
    """Nothing is assigned, listed or asked; reopening is refused with what to set."""
    least = changed(FEW, reopen=None, assign=None)
    tracker = rig.tracker(actions=least, reopen_days=0, username="review-bot")
    ticket = tracker.create(draft(fresh_key()))
    rig.close(ticket.id)
    rig.server.sent.clear()

    tracker.assign(ticket.id, "committee2")
    with pytest.raises(RefusedError) as caught:
        tracker.reopen(ticket.id)

    assert tracker.list_open() == ()
    assert tracker.whoami() == "review-bot"
    assert refs(rig) == []
    assert "tracker.reopen_days" in caught.value.remedy


def test_a_closed_ticket_without_a_date_is_never_reopened_where_nothing_reopens(
    rig: ActionRig,
) -> None:
    """Else the ticketing protocol would want it reopened, for it knows no date to compare."""
    ticket = {name: told for name, told in FEW["ticket"].items() if name != "closed_at"}
    least = changed(FEW, reopen=None, ticket=ticket)
    key = fresh_key()
    tracker = rig.tracker(actions=least, reopen_days=0)
    rig.close(tracker.create(draft(key)).id)

    (found,) = tracker.find(key)
    (same,) = rig.tracker(actions=changed(FEW, ticket=ticket)).find(key)

    assert found.closed_at == datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert same.closed_at is None


# -- results ---------------------------------------------------------------------------------------

ROW = {
    "ref": "OPS-12",
    "serial": 12,
    "href": "https://desk.example.org/t/12",
    "title": "Review wanted",
    "tags": [{"name": "grv-0123456789abcdef"}, {"name": "review-escalation"}, {"name": "urgent"}],
    "who": None,
    "state": "New",
    "resolution": None,
    "made": "2026-03-02T09:00:00.000+0100",
    "ended": None,
}


def read(row: Mapping[str, Any], **paths: Any) -> Any:
    """A row as a ticket."""
    return Reading("find", {**TICKET, **paths}).ticket({**ROW, **row})


def test_a_ticket_as_it_is_read() -> None:
    """Lists on the way are gone through; the key is no label."""
    ticket = read({})

    assert (ticket.id, ticket.number, ticket.url) == (
        "OPS-12",
        12,
        "https://desk.example.org/t/12",
    )
    assert ticket.key == "grv-0123456789abcdef"
    assert ticket.labels == ("review-escalation", "urgent")
    assert (ticket.assignees, ticket.resolution, ticket.closed_at) == ((), "", None)
    assert ticket.opened_at == datetime(2026, 3, 2, 8, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("It waits.\n\n[grv:grv-0123456789abcdef]", "grv-0123456789abcdef"),
        ("grv-0123456789abcdef", "grv-0123456789abcdef"),
        ("grv-0123456789abcdefg", None),
        ("[grv:grv-0123456789abcdef/duplicate]", None),
        ("", None),
    ],
)
def test_where_a_key_is_read(text: str, key: Optional[str]) -> None:
    """As a value of its own, or as the marker in a text."""
    assert read({"text": text}, key="text").key == key


@pytest.mark.parametrize(
    ("state", "paths", "expected"),
    [
        ("Closed", {}, State.CLOSED),
        ("NEW", {}, State.OPEN),
        (7, {"open_values": [1, 2], "closed_values": [6, 7]}, State.CLOSED),
        (True, {"open_values": [True], "closed_values": [False]}, State.OPEN),
        (False, {"open_values": None, "closed_values": [False]}, State.CLOSED),
        ("Odd", {"open_values": None}, State.OPEN),
        ("Odd", {"closed_values": None}, State.CLOSED),
        (None, {"open_values": [""], "closed_values": None}, State.OPEN),
    ],
)
def test_words_for_states(state: Any, paths: Dict[str, Any], expected: State) -> None:
    """Without case; numbers and yes or no as well; with one list, all else is the other."""
    given = {name: told for name, told in {**TICKET, **paths}.items() if told is not None}

    assert Reading("find", given).ticket({**ROW, "state": state}).state is expected


def test_a_state_that_is_in_neither_list() -> None:
    """It is not guessed at."""
    with pytest.raises(ProtocolError) as caught:
        read({"state": "On hold"})

    assert "on hold" in caught.value.message
    assert "tracker.actions.ticket" in caught.value.remedy


def test_the_word_for_how_it_ended() -> None:
    """The resolution, or the state where there is none; nothing while it is open."""
    assert read({"state": "Closed", "resolution": "Won't do"}).resolution == "Won't do"
    assert read({"state": "Closed"}).resolution == "Closed"
    assert read({"resolution": "Later"}).resolution == ""


def test_words_for_nobody() -> None:
    """Some trackers have a name for it; a ticket of nobody's is given to somebody."""
    who = {"who": [{"login": "-"}, {"login": "ada"}]}

    assert read(who, nobody_values=["-", "none"]).assignees == ("ada",)
    assert read(who).assignees == ("-", "ada")


def test_labels_that_are_not_mapped() -> None:
    """Nobody can tell whether they were kept, so nothing is said about it."""
    paths = {name: told for name, told in TICKET.items() if name != "labels"}

    assert Reading("find", paths).ticket(ROW).labels == ("review-escalation",)


def test_an_address_made_of_the_id() -> None:
    """Where the result tells none."""
    assert read({}, url="https://d.example.org/$id?n=${number}").url == (
        "https://d.example.org/OPS-12?n=12"
    )


@pytest.mark.parametrize("row", [{"ref": "1/../../x"}, {"ref": None}, {"ref": ""}, {"ref": "a b"}])
def test_a_result_whose_id_could_not_be_sent(row: Dict[str, Any]) -> None:
    """An id stands in addresses and queries."""
    with pytest.raises(ProtocolError):
        read(row)


@pytest.mark.parametrize("ticket_id", ["1/../../x", "", "a b", "x?y", "-1", "$id", "\u0661"])
def test_an_id_of_a_record_that_could_not_be_sent(rig: ActionRig, ticket_id: str) -> None:
    """It is no ticket's, and nothing is asked."""
    refuses_id(rig, ticket_id)


def test_a_number_that_does_not_grow() -> None:
    """An id of letters says nothing about which ticket was first."""
    paths = {name: told for name, told in TICKET.items() if name != "number"}
    with pytest.raises(ProtocolError) as caught:
        Reading("find", paths).ticket({**ROW, "ref": "a9f0c"})

    assert "number" in caught.value.message


@pytest.mark.parametrize(
    ("items", "result"),
    [
        ("result.issues", {"result": {"rows": []}}),
        ("result.rows", {"result": "None"}),
        ("result", {"result": "[]"}),
        ("body", {"body": "<html>", "status_code": 200}),
        ("result", {"result": {"rows": []}}),
        ("result.rows.x", {"result": {"rows": []}}),
    ],
)
def test_a_listing_that_is_not_where_it_is_said_to_be(items: str, result: Any) -> None:
    """Silence would be an empty listing, and that a second ticket."""
    with pytest.raises(ProtocolError) as caught:
        Reading("find", {"items": items}).rows(result)

    assert "tracker.actions.find.result" in caught.value.remedy


@pytest.mark.parametrize(
    "row",
    [{"nr": 1}, {"remark": {"link": "x"}}, {"remark": [{"link": "x"}]}],
    ids=["not there", "a link to it", "links"],
)
def test_a_comment_whose_text_is_not_there(row: Dict[str, Any]) -> None:
    """Silence would be a comment that nobody made, and that the same one again."""
    with pytest.raises(ProtocolError) as caught:
        Reading("comments", {"id": "nr", "text": "remark"}).comment(row)

    assert "tracker.actions.comments.result" in caught.value.remedy


@pytest.mark.parametrize(
    ("remark", "text"), [(None, ""), ("", ""), ([], ""), (["a", "b"], "a\nb"), (7, "7")]
)
def test_comments_without_text(remark: Any, text: str) -> None:
    """Entries of a history may have none."""
    assert Reading("comments", {"text": "remark"}).comment({"remark": remark}).text == text


def test_a_state_that_is_not_there() -> None:
    """Else every closed ticket would seem open."""
    with pytest.raises(ProtocolError) as caught:
        read({}, state="status.name", open_values=[""])

    assert "status.name" in caught.value.message


def test_listings_without_tickets() -> None:
    """An empty list, and null where an action has nothing to tell."""
    assert Reading("find", {"items": "result"}).rows({"result": []}) == []
    assert Reading("find", {"items": "result"}).rows({"result": None}) == []


def test_one_ticket_out_of_a_list() -> None:
    """Some packs read one ticket by a query."""
    reading = Reading("read", {"item": "result"})

    assert reading.row({"result": [ROW]}) == ROW
    with pytest.raises(RefusedError) as caught:
        reading.row({"result": []})
    assert caught.value.status == 404
    with pytest.raises(ProtocolError):
        reading.row({"result": [ROW, ROW]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T09:00:00Z", (9, 0, 0)),
        ("2026-03-02T09:00:00.123+0000", (9, 0, 0)),
        ("2026-03-02T09:00:00+01:30", (7, 30, 0)),
        ("2026-03-02T09:00:00-0200", (11, 0, 0)),
        ("2026-03-02 09:00:07", (9, 0, 7)),
        ("2026-03-02.09:00:00", (9, 0, 0)),
        ("2026-03-02T09:00", (9, 0, 0)),
        ("1772442000", (9, 0, 0)),
    ],
)
def test_instants(text: str, expected: Tuple[int, int, int]) -> None:
    """As trackers write them; UTC where no zone is told."""
    assert instant(text) == datetime(2026, 3, 2, *expected, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-02T09:00:00Z", "02/03/2026 09:00"])
def test_what_is_no_instant(text: str) -> None:
    """It is told, with its field."""
    with pytest.raises(ProtocolError) as caught:
        read({"made": text})

    assert "opened_at" in caught.value.message


def test_a_creation_that_tells_no_id(rig: ActionRig) -> None:
    """It happened, and the next run looks for it."""
    failing(rig, "desk.open", lambda **_: {"number": 1})

    with pytest.raises(AmbiguousError) as caught:
        rig.tracker().create(draft(fresh_key()))

    assert "tracker.actions.create.result" in caught.value.remedy


# -- filling in ------------------------------------------------------------------------------------

FIELDS: Dict[str, Any] = {
    "id": "7", "labels": ["a", "{{b"], "assignee": None, "title": "T {% x %}", "count": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$id", "7"),
        ("${id}", "7"),
        ("no. $id, $$5", "no. 7, $5"),
        ("$labels", ["a", "{ {b"]),
        ("$labels!", "a,{ {b!"),
        ("$title", "T { % x % }"),
        ("{$title", "{T { % x % }"),
        ("$assignee", None),
        ("by $assignee.", "by ."),
        ("$count", 3),
        (5, 5),
        (False, False),
        ({"a": {"b": "$id"}}, {"a": {"b": "7"}}),
        ({"a": "$id", "b": "$assignee"}, {"a": "7"}),
        ({"a": "$id", "b": {"name": "$assignee"}}, {"a": "7"}),
        ({"a": "$id", "b": None}, {"a": "7", "b": None}),
        ({"a": {}}, {"a": {}}),
        (["$id", "$assignee"], ["7"]),
        (
            {"$json": {"a": ["$id", "$title"], "b": {"c": "$assignee"}}},
            '{"a": ["7", "T { % x % }"]}',
        ),
        ({"$json": {"a": {"b": {"c": {}}}}}, '{"a": {"b": {"c": {} } } }'),
    ],
)
def test_filling_in(value: Any, expected: Any) -> None:
    """What stands for nothing goes, and what is left empty by that."""
    assert mapping.filled(value, FIELDS) == expected


@pytest.mark.parametrize("before", ["{$title}", "$title", "{${title}", "<$title>", "{% $title"])
@pytest.mark.parametrize("title", ["{ st2kv }", "{{ x }}", "% ctx() %", "{", "#x#", "{%- x"])
def test_no_value_makes_an_expression_with_what_stands_round_it(before: str, title: str) -> None:
    """The mapping's own braces count, too."""
    filled = mapping.filled(before, {"title": title})

    assert not any(sign in filled for sign in ("{{", "{%", "{#", "<%"))


# -- problems --------------------------------------------------------------------------------------


def test_mappings_without_problems() -> None:
    """Those that the tests run with."""
    assert problems(settings()) == {}
    assert problems(settings(actions=FEW)) == {}


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"find": None}, "actions.find", "is missing"),
        ({"fnid": {"ref": "a.b"}}, "actions.fnid", "Did you mean find?"),
        ({"close": "desk.end"}, "actions.close", "lines below it"),
        ({"close": {"ref": "end"}}, "actions.close.ref", "write pack.action"),
        (
            {"close": {"ref": "desk.end", "params": {}}},
            "actions.close.params",
            "Did you mean parameters?",
        ),
        (
            {"close": {"ref": "desk.end", "parameters": "x"}},
            "actions.close.parameters",
            "lines below",
        ),
        (
            {"close": {"ref": "desk.end", "parameters": {"t": 1}}},
            "actions.close.parameters",
            "must say $id",
        ),
        (
            {"close": {"ref": "desk.end", "parameters": {"t": "$id", "x": ["$raeson"]}}},
            "actions.close.parameters.x[0]",
            "there is no $raeson here. Did you mean reason?",
        ),
        (
            {"close": {"ref": "desk.end", "parameters": {"t": "$id", "x": {"y": "{{ id }}"}}}},
            "actions.close.parameters.x.y",
            "StackStorm would evaluate it",
        ),
        (
            {"close": {"ref": "desk.end", "parameters": {"t": "$id", "x": "5 $"}}},
            "actions.close.parameters.x",
            "write $$",
        ),
        (
            {
                "close": {
                    "ref": "desk.end",
                    "parameters": {"t": "$id", "x": {"$json": 1, "y": 2}},
                }
            },
            "actions.close.parameters.x.$json",
            "must stand alone",
        ),
        (
            {"close": {**MAPPING["close"], "result": {"id": "x"}}},
            "actions.close.result.id",
            "is not read",
        ),
        ({"find": {**MAPPING["find"], "result": {}}}, "actions.find.result.items", "is missing"),
        (
            {"find": {**MAPPING["find"], "result": {"items": "a[0]"}}},
            "actions.find.result.items",
            "names with dots",
        ),
        ({"ticket": {**TICKET, "sate": "x"}}, "actions.ticket.sate", "Did you mean state?"),
        (
            {"ticket": {**TICKET, "closed_values": "x"}},
            "actions.ticket.closed_values",
            "list of words",
        ),
        (
            {"ticket": {**TICKET, "url": "https://x/$key"}},
            "actions.ticket.url",
            "$id and $number only",
        ),
        (
            {"create": {**MAPPING["create"], "result": {}}, "ticket": {"key": "a"}},
            "actions.create.result.id",
            "is missing",
        ),
        (
            {"comments": {**MAPPING["comments"], "result": {"items": "r"}}},
            "actions.comments.result.text",
            "is missing",
        ),
        ({"errors": {"gon": ["x"]}}, "actions.errors.gon", "Did you mean gone?"),
        ({"errors": {"gone": "x"}}, "actions.errors.gone", "list of texts"),
        ({"reopen": None}, "actions.reopen", "tracker.reopen_days"),
    ],
)
def test_problems_of_a_mapping(change: Any, path: str, words: str) -> None:
    """Each by its key and with what to write."""
    found = problems(settings(actions=changed(MAPPING, **change)))

    assert path in found
    assert words in found[path]


@pytest.mark.parametrize("field", ["id", "key", "state", "assignees", "closed_values"])
def test_what_a_ticket_must_tell(field: str) -> None:
    """Else tickets are opened twice, or handed on for ever."""
    ticket = {name: told for name, told in FEW["ticket"].items() if name != field}

    found = problems(settings(actions=changed(FEW, ticket=ticket)))

    assert list(found) == [f"actions.ticket.{field}"]


@pytest.mark.parametrize("field", ["project", "token"])
def test_a_placeholder_for_a_setting_that_is_not_there(field: str) -> None:
    """The setting is what is missing."""
    found = problems(settings(**{field: ""}))

    assert set(found) == {field}
    assert f"says ${field}" in found[field]


def test_a_token_that_stackstorm_would_evaluate() -> None:
    """It would arrive as another one; it is not shown."""
    found = problems(settings(token="a{{b"))

    assert "a{{b" not in found["token"]


def test_all_problems_at_once() -> None:
    """As one error with a line each."""
    wrong = changed(MAPPING, find=None, close={"ref": "x", "parameters": {"a": "$idd"}})

    with pytest.raises(ConfigError) as caught:
        AnyAction(settings(actions=wrong))

    assert [problem.split()[0] for problem in caught.value.problems] == [
        "tracker.actions.close.ref",
        "tracker.actions.close.parameters.a",
        "tracker.actions.close.parameters",
        "tracker.actions.find",
    ]


def test_a_mapping_that_is_not_there() -> None:
    """It is what this kind needs."""
    with pytest.raises(ConfigError, match="tracker.actions is missing"):
        AnyAction(settings(actions={}))


def _settings_of(section: Dict[str, Any]) -> Tuple[TrackerSettings, List[str]]:
    problems: List[str] = []
    reader = Reader("tracker", section, problems)
    return settings_tracker.read_tracker(reader, lambda _path: True), problems


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind, whether or not it is registered yet."""
    monkeypatch.setitem(settings_tracker.ADAPTERS, "action", AnyAction)
    kinds = tuple(sorted({*settings_tracker.KINDS, "action"}))
    monkeypatch.setattr(settings_tracker, "KINDS", kinds)


@pytest.mark.usefixtures("known")
def test_the_configuration_names_every_problem_by_its_key() -> None:
    """Those of the mapping with all others."""
    wrong = changed(FEW, find=None, clsoe={})
    _, problems = _settings_of(
        {"kind": "action", "project": "ops", "options": {"format": "rst"}, "actions": wrong}
    )

    assert [problem.split()[0] for problem in problems] == [
        "tracker.options.format",
        "tracker.actions.clsoe",
        "tracker.actions.find",
    ]


@pytest.mark.usefixtures("known")
def test_the_configuration_of_a_mapping() -> None:
    """It arrives as it was written."""
    found, problems = _settings_of({"kind": "action", "project": "ops", "actions": FEW})

    assert problems == []
    assert found.actions == FEW


def test_a_mapping_for_another_kind() -> None:
    """It would be read by nobody."""
    token = {"project": "example/reviews", "token": "x"}
    _, problems = _settings_of({"kind": "github", **token, "actions": FEW})

    assert problems == ["tracker.actions is only for tracker.kind: action. Remove it."]
