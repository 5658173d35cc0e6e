"""ServiceNow's own habits, against the fake of ``fake_servicenow``."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional

import pytest
import yaml

import fake_servicenow
from fake_http import Reply, Sent
from fake_servicenow import API_KEY, BOT, OAUTH, TOKEN, FakeServiceNow, sys_id_of
from repository import ROOT
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http.messages import Request
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.servicenow.settings import FIELDS
from reviewloop.trackers.adapters.servicenow.tracker import ServiceNow
from reviewloop.trackers.outcomes import Done, ReopenPolicy
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.tickets import CloseReason, TakenError, Ticket
from rig_servicenow import ServiceNowRig
from stores import MemoryRecords
from trackers_rig import NOW, Wire, draft, fresh_key

ORDER = "^ORDERBYsys_created_on^ORDERBYsys_id"
TASK = {"table": "sc_task", "closed_states": "3, 4,7", "close_state": "3", "reopen_state": "1"}


@pytest.fixture
def rig() -> ServiceNowRig:
    """A fresh instance."""
    return ServiceNowRig()


def _opened(rig: ServiceNowRig, key: str = "", **options: str) -> Ticket:
    return rig.tracker(options=options).create(draft(key or fresh_key()))


def _writes(rig: ServiceNowRig) -> List[Sent]:
    return [sent for sent in rig.server.sent if sent.method != "GET"]


# -- what is sent ----------------------------------------------------------------------------------


def test_what_is_sent_through_a_whole_life(rig: ServiceNowRig) -> None:
    """Opening, commenting, handing on, resolving, reopening: each write, to the letter."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = rig.ticketing(records)

    ticket = ticketing.open_once(draft(key)).ticket
    ticketing.comment_once(key, "Still.", "level-1")
    ticketing.assign_once(key, "committee2")
    ticketing.close_once(key, "Done.", "end")
    outcome = ticketing.open_once(draft(key))

    assert outcome.action is Done.REOPENED
    assert ticket is not None
    record = f"/api/now/table/incident/{ticket.id}"
    ids = {row["user_name"]: sys_id for sys_id, row in rig.server.users.items()}
    assert [(sent.method, sent.path, sent.body) for sent in _writes(rig)] == [
        (
            "POST",
            "/api/now/table/incident",
            {
                "short_description": "Review wanted: 4711",
                "description": f"It waits.\n\n[grv:{key}]",
                "correlation_id": key,
                "correlation_display": "review-escalation",
                "assigned_to": ids["committee1"],
            },
        ),
        ("PATCH", record, {"work_notes": f"Still.\n\n[grv:{key}/level-1]"}),
        ("PATCH", record, {"assigned_to": ids["committee2"]}),
        ("PATCH", record, {"work_notes": f"Done.\n\n[grv:{key}/end]"}),
        (
            "PATCH",
            record,
            {
                "state": "6",
                "close_code": "Solution provided",
                "close_notes": "The wait for a review is over.",
            },
        ),
        ("PATCH", record, {"state": "2"}),
    ]
    view = {"sysparm_fields": FIELDS, "sysparm_display_value": "all"}
    assert all(sent.query == view for sent in _writes(rig))


def test_what_is_asked(rig: ServiceNowRig) -> None:
    """The queries of a search, of the sweep, and of one record."""
    key = fresh_key()
    tracker = rig.tracker()
    ticket = tracker.create(draft(key, assignee=None))
    rig.server.sent.clear()

    tracker.find(key)
    tracker.list_open()
    tracker.read(ticket.id)
    tracker.comments(ticket.id)

    view = {"sysparm_fields": FIELDS, "sysparm_display_value": "all"}
    page = {**view, "sysparm_limit": "100", "sysparm_offset": "0"}
    table = "/api/now/table/incident"
    assert [(sent.path, sent.query) for sent in rig.server.sent] == [
        (table, {"sysparm_query": f"correlation_id={key}{ORDER}", **page}),
        (
            table,
            {"sysparm_query": f"correlation_idSTARTSWITHgrv-^active=true{ORDER}", **page},
        ),
        (f"{table}/{ticket.id}", view),
        (
            f"{table}/{ticket.id}",
            {"sysparm_fields": "work_notes,comments", "sysparm_display_value": "true"},
        ),
    ]


def test_a_ticket_as_people_find_it(rig: ServiceNowRig) -> None:
    """Its address, its number, and its instants, which are in UTC whatever the account's zone."""
    ticket = _opened(rig)

    assert ticket.url == f"https://instance.example.org/incident.do?sys_id={ticket.id}"
    assert ticket.number == 10001
    assert ticket.opened_at == datetime(2026, 3, 2, 9, 0, 2, tzinfo=timezone.utc)
    assert rig.tracker().name == "servicenow:instance.example.org/incident"


# -- who we are ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "token", "header", "sent"),
    [
        ("", TOKEN, "Authorization", "Basic " + base64.b64encode(TOKEN.encode()).decode()),
        ("bearer", OAUTH, "Authorization", f"Bearer {OAUTH}"),
        ("api_key", API_KEY, "x-sn-apikey", API_KEY),
    ],
)
def test_the_three_credentials(
    rig: ServiceNowRig, auth: str, token: str, header: str, sent: str
) -> None:
    """Each goes into the header that its kind wants; a password may hold any letter and colon."""
    tracker = rig.tracker(token=token, options={"auth": auth} if auth else {})

    assert tracker.whoami() == BOT
    assert rig.server.sent[0].headers[header] == sent


@pytest.mark.parametrize("auth", ["bearer", "api_key"])
def test_a_token_that_is_not_accepted(rig: ServiceNowRig, auth: str) -> None:
    """401 is a matter of the credential, whichever kind, and it is not repeated."""
    with pytest.raises(AuthError) as caught:
        rig.tracker(token="s3cret", options={"auth": auth}).whoami()

    assert "s3cret" not in f"{caught.value!r} {caught.value}"


def test_a_key_for_the_table_api_only(rig: ServiceNowRig) -> None:
    """The user table tells who we are, where the other call is refused."""
    rig.server.current_user = False

    assert rig.tracker(token=API_KEY, options={"auth": "api_key"}).whoami() == BOT
    assert rig.server.sent[-1].query["sysparm_query"].startswith("sys_id=javascript:gs.getUserID()")


@pytest.mark.parametrize("shown", ["nobody", "everybody"])
def test_an_account_that_is_not_told_who_it_is(rig: ServiceNowRig, shown: str) -> None:
    """Neither no row nor many rows say who we are."""
    rig.server.current_user = False
    if shown == "nobody":
        rig.server.rights.hidden.update(rig.server.users)
    else:
        sent = {"result": [{"sys_id": i, "user_name": "x"} for i in rig.server.users]}
        rig.server.replies = [Reply(403, {}), Reply(200, sent)]

    with pytest.raises(RefusedError, match="does not tell who we are") as caught:
        rig.tracker().whoami()

    assert "sys_user" in caught.value.remedy


def test_a_credential_taken_for_the_guest(rig: ServiceNowRig) -> None:
    """An instance that lets strangers in answers as ``guest``, who is not us."""
    rig.server.credentials["Bearer stale"] = "guest"

    with pytest.raises(AuthError, match="nobody"):
        rig.tracker(token="stale", options={"auth": "bearer"}).whoami()


def test_an_instance_that_hibernates(rig: ServiceNowRig) -> None:
    """Its page with status 200 is no empty listing."""
    rig.server.replies = [Reply(200, "<html><h1>Your instance is hibernating</h1></html>")] * 2

    with pytest.raises(AuthError, match="page"):
        rig.ticketing().open_once(draft(fresh_key()))

    assert _writes(rig) == []


# -- listings --------------------------------------------------------------------------------------


def test_more_tickets_than_a_page_holds(rig: ServiceNowRig) -> None:
    """All pages are read, though the links name another host and the first pages are hidden."""
    key = fresh_key()
    ids = [rig.server.add_record(correlation_id=key) for _ in range(230)]
    rig.server.rights.hidden.update(ids[:150])

    found = rig.tracker().find(key)

    assert [ticket.id for ticket in found] == ids[150:]
    assert [sent.query["sysparm_offset"] for sent in rig.server.sent] == ["0", "100", "200"]


def test_pages_without_headers(rig: ServiceNowRig) -> None:
    """A proxy that takes the headers away does not make the first page the last."""
    rig.server.with_links = False
    key = fresh_key()
    ids = [rig.server.add_record(correlation_id=key) for _ in range(100)]

    assert [ticket.id for ticket in rig.tracker().find(key)] == ids
    assert len(rig.server.sent) == 2


@pytest.mark.parametrize(
    "header", [{"X-Total-Count": "101"}, {"Link": f'<{fake_servicenow.HOST}/x>;rel="next"'}]
)
def test_a_page_only_counted_or_only_linked(rig: ServiceNowRig, header: Dict[str, str]) -> None:
    """Either header is enough to go on after a page of which everything was hidden."""
    rig.server.replies = [Reply(200, {"result": []}, header), Reply(200, {"result": []})]

    assert rig.tracker().find(fresh_key()) == ()
    assert [sent.query["sysparm_offset"] for sent in rig.server.sent] == ["0", "100"]


def test_a_key_in_other_letters(rig: ServiceNowRig) -> None:
    """The database compares without case; we do not."""
    key = fresh_key()
    rig.server.add_record(correlation_id=key.upper())
    ours = rig.server.add_record(correlation_id=key)

    assert [ticket.id for ticket in rig.tracker().find(key)] == [ours]


def test_rows_that_were_not_asked_for(rig: ServiceNowRig) -> None:
    """Where the instance ignores our condition, the rows are told apart here."""
    key, other = fresh_key(), fresh_key()
    for text in ("", "INTEGRATION-7", other):
        rig.server.add_record(correlation_id=text)
    ours = rig.server.add_record(correlation_id=key)
    wire = Wire(rig.network())
    wire.alter = _unfiltered

    assert [ticket.id for ticket in rig.tracker(wire).find(key)] == [ours]


def test_a_large_table_that_is_not_searched(rig: ServiceNowRig) -> None:
    """It is not read to its end, and the error says what is wrong."""
    for _ in range(1200):
        rig.server.add_record(short_description="of others")
    wire = Wire(rig.network())
    wire.alter = _unfiltered

    with pytest.raises(RefusedError, match="search it"):
        rig.tracker(wire).find(fresh_key())

    assert len(rig.server.sent) == 6


def _unfiltered(request: Request) -> Request:
    """The request without the condition about the key, which an instance may pass over."""
    params = [(name, re.sub(r"correlation_id=[^^]*\^", "", text)) for name, text in request.params]
    return replace(request, params=tuple(params))


@pytest.mark.parametrize("strict", [False, True])
def test_a_table_without_the_field(rig: ServiceNowRig, strict: bool) -> None:
    """On a table in use nothing is created, unless the instance answers nothing at all; then the
    ticket that was read back tells.
    """
    rig.server.absent.add("correlation_id")
    rig.server.strict_queries = strict
    rig.server.add_record(short_description="of others")

    with pytest.raises((RefusedError, ProtocolError)) as caught:
        rig.ticketing().open_once(draft(fresh_key()))

    assert len(rig.server.rows) == (2 if strict else 1)
    if not strict:
        assert "no field correlation_id" in caught.value.message
        assert "tracker.options.table" in caught.value.remedy


def test_the_sweep_leaves_out_what_is_resolved(rig: ServiceNowRig) -> None:
    """Resolved incidents are active still, so their state decides."""
    open_, resolved = _opened(rig), _opened(rig)
    rig.close(resolved.id)
    rig.server.add_record(correlation_id="grv-not-one-of-ours")

    assert [ticket.id for ticket in rig.tracker().list_open()] == [open_.id]
    assert rig.server.rows[resolved.id]["active"] == "true"


def test_a_listing_broken_off_in_the_middle(rig: ServiceNowRig) -> None:
    """Half a listing with status 200 is no listing: what it lacks would be created again."""
    _opened(rig)
    rig.server.broken_off = True

    with pytest.raises(TemporaryError, match="only a part") as caught:
        rig.tracker().find(fresh_key())

    assert not isinstance(caught.value, AmbiguousError)


def test_a_creation_broken_off_in_the_middle(rig: ServiceNowRig) -> None:
    """The record may be there, so the listing decides."""
    key = fresh_key()
    wire = Wire(rig.network())

    def break_off(_number: int, request: Request) -> None:
        rig.server.broken_off = request.method == "POST"

    wire.before = break_off

    outcome = rig.ticketing(transport=wire).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(rig.server.rows) == 1


# -- people ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["committee2", "Committee2", "committee2@example.org", "sys_id"])
def test_what_an_assignee_may_be_called(rig: ServiceNowRig, who: str) -> None:
    """The roster may have the user ID, the mail address or the ``sys_id``."""
    ids = {row["user_name"]: sys_id for sys_id, row in rig.server.users.items()}
    who = ids["committee2"] if who == "sys_id" else who

    outcome = rig.ticketing().open_once(draft(fresh_key(), assignee=who))

    assert outcome.notes == ()
    assert outcome.ticket is not None
    assert outcome.ticket.assignees == ("committee2",)


def test_handing_on_by_mail_address(rig: ServiceNowRig) -> None:
    """The assignee is known again under each name, and one lookup is enough."""
    key, records = fresh_key(), MemoryRecords()
    rig.ticketing(records).open_once(draft(key))
    rig.server.sent.clear()
    ticketing = rig.ticketing(records)

    first = ticketing.assign_once(key, "committee3@example.org")
    second = ticketing.assign_once(key, "committee3@example.org")

    assert (first.action, second.action) == (Done.ASSIGNED, Done.NOTHING)
    assert sum(sent.path.endswith("/sys_user") for sent in rig.server.sent) == 1


def test_an_assignee_whose_user_id_we_may_not_read(rig: ServiceNowRig) -> None:
    """The ``sys_id`` stands in, and is compared."""
    rig.server.rights.unreadable.add("assigned_to.user_name")

    outcome = rig.ticketing().open_once(draft(fresh_key()))

    assert outcome.notes == ()
    assert outcome.ticket is not None
    assert outcome.ticket.assignees == (rig.server.rows[outcome.ticket.id]["assigned_to"],)


@pytest.mark.parametrize(
    "who",
    ["twin@example.org", "left", "x^ORactive=true", "javascript:gs.getUserID()", "a\nb", "x" * 101],
)
def test_an_assignee_that_is_not_exactly_one(rig: ServiceNowRig, who: str) -> None:
    """Two, none, one who has left, and what would be a query of its own: nothing is created."""
    rig.server.add_user("twin.a", "twin@example.org")
    rig.server.add_user("twin.b", "twin@example.org")
    rig.server.add_user("left", active=False)

    with pytest.raises(RefusedError) as caught:
        rig.tracker().create(draft(fresh_key(), assignee=who))

    assert caught.value.status == 422
    assert "user ID, mail address or sys_id" in caught.value.remedy
    assert _writes(rig) == []


@pytest.mark.parametrize(
    "who", ["committee1^ORactive=true", "JavaScript:gs.getUserID()", " javascript:x", "a\x00", ""]
)
def test_a_name_that_would_change_the_question(rig: ServiceNowRig, who: str) -> None:
    """It is never sent: an instance would read it as conditions, or run it."""
    with pytest.raises(RefusedError):
        rig.tracker().assign("0" * 32, who)

    assert rig.server.sent == []


def test_a_user_id_goes_before_a_mail_address(rig: ServiceNowRig) -> None:
    """One who has another's mail address for a user ID is meant by it."""
    meant = rig.server.add_user("committee1@example.org", "someone@example.org")

    ticket = rig.tracker().create(draft(fresh_key(), assignee="committee1@example.org"))

    assert rig.server.rows[ticket.id]["assigned_to"] == meant


def test_users_we_may_not_search(rig: ServiceNowRig) -> None:
    """Rows of other users are not taken for the one asked for, and not all users are read."""
    many = [
        {"sys_id": sys_id_of(str(n)), "user_name": f"u{n}", "active": "true"} for n in range(100)
    ]
    rig.server.replies = [Reply(200, {"result": many}, {"X-Total-Count": "90000"})]

    with pytest.raises(RefusedError, match="not exactly one"):
        rig.tracker().create(draft(fresh_key()))

    assert len(rig.server.sent) == 1


def test_a_group_and_a_caller(rig: ServiceNowRig) -> None:
    """The settings name them as people do; records want ids."""
    ticket = _opened(rig, assignment_group="Reviewers", caller_id="committee3@example.org")

    row = rig.server.rows[ticket.id]
    assert rig.server.groups[row["assignment_group"]]["name"] == "Reviewers"
    assert rig.server.users[row["caller_id"]]["user_name"] == "committee3"


@pytest.mark.parametrize("option", ["assignment_group", "caller_id"])
def test_a_group_or_caller_that_is_not_there(rig: ServiceNowRig, option: str) -> None:
    """It is a fault of the configuration, not of the assignee, and nothing is created."""
    tracker = rig.tracker(options={option: "Nobody at all"})

    with pytest.raises(ConfigError, match=rf"tracker\.options\.{option}.*Nobody at all"):
        tracker.create(draft(fresh_key()))

    assert _writes(rig) == []


@pytest.mark.parametrize("option", ["assignment_group", "caller_id"])
def test_a_table_of_people_we_may_not_read(rig: ServiceNowRig, option: str) -> None:
    """It is a missing right, not a wrong name."""
    refusal = {"error": {"message": "User Not Authorized", "detail": "Failed API level ACL"}}
    rig.server.replies = [Reply(403, refusal)]
    tracker = rig.tracker(options={option: "Reviewers"})

    with pytest.raises(RefusedError, match="Failed API level ACL") as caught:
        tracker.create(draft(fresh_key()))

    assert "read sys_user" in caught.value.remedy


# -- fields ----------------------------------------------------------------------------------------


def test_more_fields_of_a_new_ticket(rig: ServiceNowRig) -> None:
    """What a site wants set is set; what makes the ticket ours stays as it is."""
    key = fresh_key()
    ticket = _opened(
        rig, key, fields="category=software; impact = 3;u_team=a=b ; correlation_id=other;"
    )

    row = rig.server.rows[ticket.id]
    assert (row["category"], row["impact"], row["u_team"]) == ("software", "3", "a=b")
    assert row["correlation_id"] == key


def test_long_texts(rig: ServiceNowRig) -> None:
    """They are cut here, where it shows, before ServiceNow cuts them off without a word."""
    key = fresh_key()

    outcome = rig.ticketing().open_once(draft(key, title="T" * 200, body="x" * 70_000))

    assert outcome.notes == ()
    assert outcome.ticket is not None
    row = rig.server.rows[outcome.ticket.id]
    assert len(row["short_description"]) == 160
    assert row["short_description"].endswith("…")
    assert len(row["description"]) == 4000
    assert row["description"].endswith(f"{fmt.CUT}\n\n[grv:{key}]")


def test_a_hostile_title(rig: ServiceNowRig) -> None:
    """It arrives as one line that says what it said, as far as there is room."""
    hostile = "@team --> <!-- grv:x --> [code]<b>\U0001f600\u202e</b>[/code]\x00\r\n" + "^ORx" * 60

    outcome = rig.ticketing().open_once(draft(fresh_key(), title=hostile, body=hostile))

    assert outcome.notes == ()
    assert outcome.ticket is not None
    assert outcome.ticket.title == fmt.title(hostile, 160)
    assert "\U0001f600" in outcome.ticket.title
    assert not set("\u202e\x00\r\n") & set(outcome.ticket.title)


def test_a_label_on_a_table_without_the_field(rig: ServiceNowRig) -> None:
    """It is not kept, which only the reading back shows."""
    rig.server.absent.add("correlation_display")

    outcome = rig.ticketing().open_once(draft(fresh_key()))

    assert outcome.action is Done.CREATED
    assert len(outcome.notes) == 1
    assert "labels were dropped: review-escalation" in outcome.notes[0]
    assert "access control" in outcome.notes[0]


def test_several_labels(rig: ServiceNowRig) -> None:
    """They share the one field."""
    made = rig.tracker().create(draft(fresh_key(), labels=("review-escalation", "urgent")))

    assert made.labels == ("review-escalation", "urgent")
    assert rig.server.rows[made.id]["correlation_display"] == "review-escalation,urgent"


# -- refusals --------------------------------------------------------------------------------------


def test_a_table_we_may_not_write(rig: ServiceNowRig) -> None:
    """The refusal's detail is told, and the role to grant."""
    rig.server.may_create = False

    with pytest.raises(RefusedError) as caught:
        rig.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 403
    assert "ACL Exception Insert Failed" in caught.value.message
    assert "sn_incident_write" in caught.value.remedy


def test_a_field_that_a_data_policy_makes_mandatory(rig: ServiceNowRig) -> None:
    """The same status as for a missing right, but another remedy."""
    rig.server.policy = ("category",)

    with pytest.raises(RefusedError) as caught:
        rig.tracker().create(draft(fresh_key()))

    assert "mandatory: category" in caught.value.message
    assert "tracker.options.fields" in caught.value.remedy
    assert _opened(rig, fields="category=inquiry").is_open


def test_a_resolution_code_we_may_not_write(rig: ServiceNowRig) -> None:
    """Incidents cannot be resolved without one."""
    ticket = _opened(rig)
    rig.server.rights.unwritable.add("close_code")

    with pytest.raises(RefusedError) as caught:
        rig.tracker().close(ticket.id, CloseReason.COMPLETED)

    assert "close_code" in caught.value.message
    assert "tracker.options.close_code" in caught.value.remedy


def test_a_business_rule_that_says_no(rig: ServiceNowRig) -> None:
    """The rule's name is in the message, so that its owner can be found."""
    ticket = _opened(rig)
    rig.server.abort = "No robots"

    with pytest.raises(RefusedError) as caught:
        rig.tracker().add_comment(ticket.id, "Hello.")

    assert "No robots" in caught.value.message
    assert "business rule" in caught.value.remedy.lower()


def test_a_refusal_of_many_words(rig: ServiceNowRig) -> None:
    """What the instance says is cut, and cleaned of what could turn a line round."""
    told = {"error": {"message": "Operation Failed", "detail": "\u202eno\n" * 400}}
    rig.server.replies = [Reply(403, told)]

    with pytest.raises(RefusedError) as caught:
        rig.tracker().find(fresh_key())

    assert len(caught.value.message) < 400
    assert "\u202e" not in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("told", [{}, [], "no", {"error": "no"}, {"error": {"detail": None}}])
def test_a_refusal_of_another_shape(rig: ServiceNowRig, told: Any) -> None:
    """It stays a refusal."""
    rig.server.replies = [Reply(403, told)]

    with pytest.raises(RefusedError) as caught:
        rig.tracker().find(fresh_key())

    assert caught.value.status == 403


def test_a_table_that_is_not_there(rig: ServiceNowRig) -> None:
    """400 with the table's name."""
    tracker = rig.tracker(options={**TASK, "table": "u_gone"})

    with pytest.raises(RefusedError, match="Invalid table u_gone") as caught:
        tracker.find(fresh_key())

    assert "tracker.options.table" in caught.value.remedy


def test_a_rate_limit(rig: ServiceNowRig) -> None:
    """An instance's rules count by the hour; the caller is told how long to wait."""
    headers = {"Retry-After": "1711", "X-RateLimit-Limit": "500", "X-RateLimit-Reset": "1772445600"}
    rig.server.replies = [Reply(429, {"error": {"message": "Rate limit exceeded"}}, headers)]

    with pytest.raises(TemporaryError) as caught:
        rig.ticketing().open_once(draft(fresh_key()))

    assert caught.value.retry_after == 1711
    assert rig.pace.slept == []


# -- closing and reopening -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (CloseReason.COMPLETED, "Solution provided"),
        (CloseReason.NOT_PLANNED, "No resolution provided"),
    ],
)
def test_why_a_ticket_is_closed(rig: ServiceNowRig, reason: CloseReason, expected: str) -> None:
    """The resolution code says it, and is the ticket's resolution."""
    ticket = _opened(rig)

    rig.tracker().close(ticket.id, reason)

    closed = rig.tracker().read(ticket.id)
    assert (closed.is_open, closed.resolution) == (False, expected)
    assert closed.closed_at is not None


def test_a_site_with_words_of_its_own(rig: ServiceNowRig) -> None:
    """Older instances have other resolution codes, and people other notes."""
    options = {"close_code": "Solved (Permanently)", "close_notes": "Reviewed.", "close_state": "7"}
    tracker = rig.tracker(options=options)
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, CloseReason.COMPLETED)

    row = rig.server.rows[ticket.id]
    assert (row["state"], row["close_code"], row["close_notes"]) == (
        "7",
        "Solved (Permanently)",
        "Reviewed.",
    )


@pytest.mark.parametrize("state", ["6", "7", "8"])
def test_closing_what_is_closed(rig: ServiceNowRig, state: str) -> None:
    """Nothing is written, so what people said stays."""
    ticket = _opened(rig)
    rig.server.change(ticket.id, state=state, close_code="Known error")
    rig.server.sent.clear()

    rig.tracker().close(ticket.id, CloseReason.COMPLETED)

    assert _writes(rig) == []


@pytest.mark.parametrize(
    ("fields", "resolution"),
    [
        ({"state": "6", "close_code": "Known error"}, "Known error"),
        ({"state": "7", "close_code": "Known error"}, "Known error"),
        ({"state": "6"}, "Resolved"),
        ({"state": "8", "close_code": "Solution provided"}, "Canceled"),
        ({"state": "12", "active": "false"}, "12"),
    ],
)
def test_what_counts_as_resolution(
    rig: ServiceNowRig, fields: Dict[str, str], resolution: str
) -> None:
    """The code, but the state's name where there is none or where it was given before: a ticket
    that was resolved, reopened and canceled has its old code still.
    """
    ticket = _opened(rig)
    rig.server.change(ticket.id, **fields)
    rig.server.rows[ticket.id].update(fields)

    read = rig.tracker().read(ticket.id)

    assert (read.is_open, read.resolution) == (False, resolution)


def test_people_who_cancel_want_to_be_left_alone(rig: ServiceNowRig) -> None:
    """With ``canceled`` among the words for it, a canceled ticket is the last one."""
    key = fresh_key()
    ticket = _opened(rig, key)
    rig.server.change(ticket.id, state="8")

    outcome = rig.ticketing(policy=ReopenPolicy(wont_fix=("canceled",))).open_once(draft(key))

    assert outcome.action is Done.NOTHING
    assert "Canceled" in outcome.reason


def test_a_ticket_closed_for_good(rig: ServiceNowRig) -> None:
    """An instance that lets nobody leave the state may say nothing about it; we do, and open a new
    one.
    """
    key = fresh_key()
    ticket = _opened(rig, key)
    rig.server.change(ticket.id, state="7", close_code="Known error")

    outcome = rig.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert any("tracker.reopen_days" in note for note in outcome.notes)
    assert len(rig.open_ids(key)) == 1


def test_a_ticket_is_over_when_it_is_resolved(rig: ServiceNowRig) -> None:
    """The instance closes it days later by itself, which does not make it newer."""
    key = fresh_key()
    ticket = _opened(rig, key)
    rig.server.change(ticket.id, state="6", close_code="Known error")
    resolved = rig.server.clock
    rig.server.clock += timedelta(days=7)
    rig.server.change(ticket.id, state="7")
    policy = ReopenPolicy(window=NOW - resolved - timedelta(seconds=1))

    outcome = rig.ticketing(policy=policy).open_once(draft(key))

    assert rig.tracker().read(ticket.id).closed_at == resolved
    assert outcome.action is Done.CREATED


def test_a_closing_that_is_dropped(rig: ServiceNowRig) -> None:
    """An account that may not write the state is told so, not believed."""
    ticket = _opened(rig)
    rig.server.rights.unwritable.add("state")

    with pytest.raises(RefusedError, match="left ticket .* open") as caught:
        rig.tracker().close(ticket.id, CloseReason.COMPLETED)

    assert "state" in caught.value.remedy


def test_a_task_table(rig: ServiceNowRig) -> None:
    """Other tables have other states, numbers and words."""
    server = FakeServiceNow("sc_task")
    rig = ServiceNowRig(server)
    tracker = rig.tracker(options={**TASK, "canceled_states": "4,7"})
    key = fresh_key()
    made = tracker.create(draft(key))

    tracker.close(made.id, CloseReason.COMPLETED)
    closed = tracker.read(made.id)
    tracker.reopen(made.id)

    assert tracker.name == "servicenow:instance.example.org/sc_task"
    assert made.url.endswith(f"/sc_task.do?sys_id={made.id}")
    assert not closed.is_open
    assert server.rows[made.id]["state"] == "1"
    assert [ticket.id for ticket in tracker.find(key)] == [made.id]


# -- duplicates ------------------------------------------------------------------------------------


def test_a_duplicate(rig: ServiceNowRig) -> None:
    """It is resolved as such below the one that stays, and has no key any more."""
    key = fresh_key()
    first, second = _opened(rig, key), _opened(rig, key)

    rig.ticketing().open_once(draft(key))

    assert _writes(rig)[-1].body == {
        "correlation_id": "",
        "parent": first.id,
        "state": "6",
        "close_code": "Duplicate",
        "close_notes": "The wait for a review is over.",
    }
    assert rig.server.rows[second.id]["correlation_id"] == ""
    assert rig.tracker().read(second.id).key is None


def test_a_duplicate_that_somebody_has_closed(rig: ServiceNowRig) -> None:
    """It keeps the end that people gave it; only the key goes."""
    key = fresh_key()
    first, second = _opened(rig, key), _opened(rig, key)
    rig.server.change(second.id, state="8", close_code="User error")

    rig.tracker().close_duplicate(second.id, first)

    row = rig.server.rows[second.id]
    assert (row["state"], row["close_code"], row["correlation_id"]) == ("8", "User error", "")


def test_a_duplicate_whose_key_we_may_not_take(rig: ServiceNowRig) -> None:
    """It is said, since every later run would find it again."""
    first, second = _opened(rig), _opened(rig)
    rig.server.rights.unwritable.add("correlation_id")

    with pytest.raises(RefusedError, match="left the key"):
        rig.tracker().close_duplicate(second.id, first)


def test_a_site_that_made_the_key_unique(rig: ServiceNowRig) -> None:
    """The second of two runs is refused, finds the first one's ticket, and goes on with it."""
    rig.server.unique = True
    key = fresh_key()
    wire = Wire(rig.network())
    made: List[Ticket] = []

    def another_run(_number: int, request: Request) -> None:
        if request.method == "POST" and not made:
            made.append(rig.tracker().create(draft(key)))

    wire.before = another_run

    outcome = rig.ticketing(transport=wire).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert outcome.ticket is not None
    assert outcome.ticket.id == made[0].id
    assert len(rig.server.rows) == 1
    with pytest.raises(TakenError):
        rig.tracker().create(draft(key))


# -- journals --------------------------------------------------------------------------------------


def test_comments_of_people_and_ours(rig: ServiceNowRig) -> None:
    """Both journals are read, each oldest first, with who wrote what."""
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))
    rig.server.change(ticket.id, comments="Who is on it?")
    tracker.add_comment(ticket.id, "It waits.\n\nStill.\n\n[grv:a/b]")
    rig.server.change(ticket.id, work_notes="I am.\n")

    found = tracker.comments(ticket.id)

    assert [(one.author, one.text) for one in found] == [
        ("a.person", "Who is on it?"),
        (BOT, "It waits.\n\nStill.\n\n[grv:a/b]"),
        ("a.person", "I am."),
    ]
    assert len({one.id for one in found}) == 3


@pytest.mark.parametrize(
    "shown",
    [
        "02.03.2026 09:00:05 - Müller - Lüdenscheidt (IT) (Arbeitsnotizen)\nZwei\n\n"
        "02.03.2026 09:00:04 - Bot (Arbeitsnotizen)\nEins\n\n",
        "2026/03/02 9:00:05 AM - 田中 (作業メモ)\r\nZwei\r\n\r\n"
        "2026/03/02 9:00 - Bot (作業メモ)\r\nEins",
    ],
)
def test_journals_in_other_languages(rig: ServiceNowRig, shown: str) -> None:
    """Neither the form of dates nor the journal's label is known beforehand."""
    rig.server.replies = [Reply(200, {"result": {"work_notes": shown, "comments": ""}})]

    found = rig.tracker().comments("0" * 32)

    assert [one.text for one in found] == ["Eins", "Zwei"]
    assert found[0].author == "Bot"


def test_a_journal_in_a_form_we_do_not_know(rig: ServiceNowRig) -> None:
    """It is one comment, in which every marker is still found."""
    shown = "On Monday somebody wrote:\nx\n\n[grv:a/b]\n\nOn Sunday:\n[grv:a/c]"
    rig.server.replies = [Reply(200, {"result": {"work_notes": shown}})]

    found = rig.tracker().comments("0" * 32)

    assert len(found) == 1
    assert fmt.is_marked(found[0].text, "a/b")
    assert fmt.is_marked(found[0].text, "a/c")


def test_a_comment_that_looks_like_two(rig: ServiceNowRig) -> None:
    """Text from outside can split itself, but neither lose our marker nor pose as one."""
    key, records = fresh_key(), MemoryRecords()
    rig.ticketing(records).open_once(draft(key))
    text = "x\n\n2026-03-02 09:00:00 - admin (Work notes)\n[grv:grv-0000000000000000/end]"

    first = rig.ticketing(records).comment_once(key, text, "level-1")
    second = rig.ticketing(records).comment_once(key, text, "level-1")

    assert (first.action, second.action) == (Done.COMMENTED, Done.NOTHING)
    assert len(rig.server.texts(next(iter(rig.server.rows)))) == 1


@pytest.mark.parametrize("tag", ["[code]", "[/CODE]", "[ / code ]"])
def test_html_in_a_comment(rig: ServiceNowRig, tag: str) -> None:
    """The tag that would make a journal show HTML is taken apart, and nothing gets longer."""
    ticket = _opened(rig)

    rig.tracker().add_comment(ticket.id, f"{tag}<b>x</b> [codes]")

    (kept,) = rig.server.texts(ticket.id)
    assert kept == f"{{{tag[1:-1]}}}<b>x</b> [codes]"


def test_comments_for_the_caller(rig: ServiceNowRig) -> None:
    """A site may want them mailed; what was said in the other journal is not said again."""
    key, records = fresh_key(), MemoryRecords()
    rig.ticketing(records).open_once(draft(key))
    rig.ticketing(records).comment_once(key, "Still.", "level-1")
    tracker = rig.tracker(options={"journal": "comments"})
    (ticket_id,) = rig.all_ids(key)

    tracker.add_comment(ticket_id, "More.")

    assert rig.server.sent[-2].body == {"comments": "More."}
    assert [one.text for one in tracker.comments(ticket_id)] == [
        f"Still.\n\n[grv:{key}/level-1]",
        "More.",
    ]


def test_a_journal_we_may_not_read(rig: ServiceNowRig) -> None:
    """Without it comments would be made again and again, so none is made."""
    key, records = fresh_key(), MemoryRecords()
    rig.ticketing(records).open_once(draft(key))
    rig.server.rights.unreadable.add("work_notes")

    with pytest.raises(RefusedError) as caught:
        rig.ticketing(records).comment_once(key, "Still.", "level-1")

    assert "read work_notes" in caught.value.remedy
    assert rig.comments(rig.all_ids(key)[0]) == []


def test_a_journal_we_may_not_write(rig: ServiceNowRig) -> None:
    """The entry is dropped without a word, which is found at once."""
    ticket = _opened(rig)
    rig.server.rights.unwritable.add("work_notes")

    with pytest.raises(RefusedError, match="does not show us the comment") as caught:
        rig.tracker().add_comment(ticket.id, "Still.")

    assert "write work_notes" in caught.value.remedy


# -- records that are gone, or odd -----------------------------------------------------------------


@pytest.mark.parametrize("ticket_id", ["1/../../x", "", "INC0010001", "A" * 32, "0" * 33, "0" * 31])
def test_ids_that_are_none(rig: ServiceNowRig, ticket_id: str) -> None:
    """A record of another time may hold anything; nothing is sent for it."""
    tracker = rig.tracker()
    keep = _opened(rig)
    rig.server.sent.clear()

    for call in (
        lambda: tracker.read(ticket_id),
        lambda: tracker.comments(ticket_id),
        lambda: tracker.add_comment(ticket_id, "x"),
        lambda: tracker.close(ticket_id, CloseReason.COMPLETED),
        lambda: tracker.close_duplicate(ticket_id, keep),
        lambda: tracker.reopen(ticket_id),
    ):
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.status == 404

    assert rig.server.sent == []


@pytest.mark.parametrize(
    "spoilt",
    [{"sys_id": "1/../../x"}, {"sys_id": ""}, {"number": ""}, {"number": None}, {"number": "INC"}],
)
def test_records_of_another_shape(rig: ServiceNowRig, spoilt: Dict[str, Optional[str]]) -> None:
    """Read, they are not understood; as the answer to a creation they leave it open."""
    ticket = _opened(rig)
    row: Dict[str, Any] = {"sys_id": ticket.id, "number": "INC1", "state": "1", **spoilt}

    rig.server.replies = [Reply(200, {"result": row})]
    with pytest.raises(ProtocolError):
        rig.tracker().read(ticket.id)
    rig.server.replies = [Reply(201, {"result": row})]
    with pytest.raises(AmbiguousError):
        rig.tracker().create(draft(fresh_key(), assignee=None))


@pytest.mark.parametrize("body", ["", "[]", '{"result": []}', '{"records": {}}', "{cut off"])
def test_a_creation_answered_unintelligibly(rig: ServiceNowRig, body: str) -> None:
    """It may have happened."""
    rig.server.replies = [Reply(201, body)]

    with pytest.raises(AmbiguousError):
        rig.tracker().create(draft(fresh_key(), assignee=None))


def test_a_number_with_digits_in_its_prefix(rig: ServiceNowRig) -> None:
    """The counter is the last run of digits."""
    ticket = _opened(rig)
    rig.server.rows[ticket.id]["number"] = "HR2C0010042"

    assert rig.tracker().read(ticket.id).number == 10042


def test_a_ticket_that_is_hidden_from_us(rig: ServiceNowRig) -> None:
    """Neither the service nor we can tell it from one that was deleted."""
    ticket = _opened(rig)
    rig.server.rights.hidden.add(ticket.id)

    with pytest.raises(RefusedError, match="ACL restricts the record retrieval") as caught:
        rig.tracker().read(ticket.id)

    assert caught.value.status == 404


def test_somebody_takes_the_key_off(rig: ServiceNowRig) -> None:
    """Our record knows the ticket still, and says what happened."""
    key, records = fresh_key(), MemoryRecords()
    rig.ticketing(records).open_once(draft(key))
    rig.server.change(rig.all_ids(key)[0], correlation_id="something else")

    outcome = rig.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert any("took the key off" in note for note in outcome.notes)
    assert len(rig.server.rows) == 1


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({"url": ""}, ["tracker.url is missing"]),
        ({"token": ""}, ["tracker.token is missing"]),
        ({"url": "", "token": ""}, ["tracker.url is missing", "tracker.token is missing"]),
        ({"url": "instance.example.org"}, ["https"]),
        ({"url": "https://bot:pw@instance.example.org"}, ["user name or password"]),
        ({"token": "s3cret"}, ["tracker.token (not shown)"]),
        ({"token": "a b", "options": {"auth": "bearer"}}, ["tracker.token (not shown)"]),
        ({"token": "a:b\nX-Evil: 1"}, ["tracker.token (not shown)"]),
        ({"options": {"auth": "cookie"}}, ["basic, bearer or api_key"]),
        ({"options": {"table": "incident/../sys_user"}}, ["options.table"]),
        ({"options": {"journal": "u_log"}}, ["work_notes or comments"]),
        ({"options": {"close_state": "done", "fields": "x"}}, ["close_state", "name=value"]),
        ({"options": {"close_state": "2"}}, ["options.close_state is '2'"]),
        ({"options": {"reopen_state": "7"}}, ["options.reopen_state is '7'"]),
        (
            {"options": {"table": "sc_task"}},
            ["options.closed_states", "options.close_state", "options.reopen_state"],
        ),
        (
            {"token": "x", "options": {"table": "sc_task"}},
            ["tracker.token (not shown)", "options.closed_states"],
        ),
    ],
)
def test_wrong_settings(settings: Dict[str, Any], problems: List[str]) -> None:
    """All that is wrong is found at once, before anything is sent, and no secret is repeated."""
    server = FakeServiceNow()
    values = {"url": server.host, "token": "bot:s3cret", **settings}

    with pytest.raises(ConfigError) as caught:
        ServiceNow(TrackerSettings("servicenow", **values), transport=server)

    for problem in problems:
        assert any(problem in found for found in caught.value.problems)
    assert "s3cret" not in f"{caught.value!r}"
    assert "pw@" not in f"{caught.value!r}"
    assert server.sent == []


def test_an_instance_below_a_path(rig: ServiceNowRig) -> None:
    """A proxy may have it there; names keep it apart."""
    tracker = rig.tracker(url=f"{rig.server.host}/desk/")

    assert tracker.name == "servicenow:instance.example.org/desk/incident"


def test_the_guide_shows_what_there_is(rig: ServiceNowRig) -> None:
    """Its settings make a tracker, with every option there is, and defaults as they are."""
    page = (ROOT / "docs" / "trackers" / "servicenow.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    told = yaml.safe_load(block)["tracker"]
    shown = told["options"]

    made = rig.tracker(url=told["url"], options=shown)

    assert made.name == "servicenow:instance.example.org/incident"
    assert set(shown) == set(ServiceNow.options)
    for name, option in ServiceNow.options.items():
        assert shown[name] == (option.default or shown[name])
        assert f"`{name}`" in page


def test_nothing_is_sent_before_it_is_needed(rig: ServiceNowRig) -> None:
    """Making a tracker is free."""
    rig.tracker(options={"assignment_group": "Reviewers", "caller_id": BOT})

    assert rig.server.sent == []


def test_texts_are_plain(rig: ServiceNowRig) -> None:
    """Descriptions show no markup, and journals only behind a tag that may be switched off."""
    assert rig.tracker().body_format is BodyFormat.TEXT
    assert fake_servicenow.LENGTHS["description"] == rig.tracker().body_limit
