"""Request Tracker's own habits, against the fake of ``fake_rt``."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fake_http import Reply
from fake_rt import ALL_RIGHTS, BOT, FIELD, PASSWORD, TOKEN, FakeRequestTracker
from reviewloop.errors import AmbiguousError, AuthError, ConfigError, ProtocolError, RefusedError
from reviewloop.trackers.outcomes import Done, ReopenPolicy
from reviewloop.trackers.tickets import CloseReason
from rig_rt import RequestTrackerRig
from stores import MemoryRecords
from trackers_rig import draft, fresh_key, refuses_id, whole_life


@pytest.fixture
def rt() -> RequestTrackerRig:
    """A fresh fake Request Tracker."""
    return RequestTrackerRig()


def without(*rights: str) -> RequestTrackerRig:
    """A Request Tracker where our account lacks some rights."""
    left = tuple(one for one in ALL_RIGHTS if one not in rights)
    return RequestTrackerRig(FakeRequestTracker(left))


# -- what is sent ------------------------------------------------------------------------------


def test_what_is_sent_through_a_whole_life(rt: RequestTrackerRig) -> None:
    """Opening, commenting, handing on, closing, reopening: one body each, and no more in it."""
    key = whole_life(rt)

    root = "/REST/2.0/ticket"
    ticket = {
        "Queue": "reviews",
        "Subject": "Review wanted: 4711",
        "Content": f"It waits.\n\n[grv:{key}]",
        "ContentType": "text/plain",
        "CustomFields": {FIELD: key},
        "Owner": "committee1",
    }
    note = {"ContentType": "text/plain"}
    assert [(one.method, one.path, one.body) for one in rt.server.sent if one.body] == [
        ("POST", root, ticket),
        ("POST", f"{root}/1/comment", {**note, "Content": f"Still.\n\n[grv:{key}/level-1]"}),
        ("PUT", f"{root}/1", {"Owner": "committee2"}),
        ("POST", f"{root}/1/comment", {**note, "Content": f"Done.\n\n[grv:{key}/end]"}),
        ("PUT", f"{root}/1", {"Status": "resolved"}),
        ("PUT", f"{root}/1", {"Status": "open"}),
    ]


def test_a_title_of_long_characters(rt: RequestTrackerRig) -> None:
    """RT keeps 200 bytes of it; what is cut is cut between characters, and the outcome says so."""
    outcome = rt.ticketing().open_once(draft(fresh_key(), title="\u6771" * 100))

    kept = rt.server.ticket(1).subject
    assert kept == "\u6771" * 65 + "\u2026"
    assert len(kept.encode()) <= 200
    assert outcome.notes == (f"the title was kept as {kept!r}",)


def test_how_a_key_is_looked_for(rt: RequestTrackerRig) -> None:
    """Every status is asked for, in the order of numbers, with all that a ticket is made of."""
    key = fresh_key()

    rt.tracker().find(key)

    assert rt.server.sent[-1].query == {
        "query": f"Queue = 'reviews' AND CF.{{ReviewKey}} = '{key}' AND id > 0",
        "orderby": "id",
        "per_page": "100",
        "fields": "Subject,Status,Owner,Queue,CustomFields,Created,Creator,Resolved",
    }


def test_what_the_sweep_asks_for(rt: RequestTrackerRig) -> None:
    """Open tickets whose field holds anything like a key; what is none is passed over."""
    key = fresh_key()
    rt.server.add("theirs", key="grv-1")
    rt.server.add("nobody's")
    ours = rt.server.add("ours", key=key)

    found = rt.tracker().list_open()

    assert [(ticket.id, ticket.key) for ticket in found] == [(str(ours), key)]
    assert rt.server.sent[1].query["query"] == (
        "Queue = 'reviews' AND CF.{ReviewKey} LIKE 'grv-' AND Status = '__Active__' AND id > 0"
    )


@pytest.mark.parametrize("queue", ["it's \\ two", "r\u00e9vision", "a%2fb", "x' OR id > 0 OR '"])
def test_a_queue_with_an_awkward_name(queue: str) -> None:
    """A name is quoted in a query and in a path, so it cannot become part of either."""
    rt = RequestTrackerRig(FakeRequestTracker(queue=queue.lower()))
    key = fresh_key()

    made = rt.ticketing().open_once(draft(key))
    again = rt.ticketing().open_once(draft(key))

    assert (made.action, again.action) == (Done.CREATED, Done.FOUND)


def test_tickets_beyond_the_first_page(rt: RequestTrackerRig) -> None:
    """Each page begins after the last number seen."""
    keys = {number: fresh_key() for number in range(1, 231)}
    for number, key in keys.items():
        assert rt.server.add(f"ticket {number}", key=key) == number

    found = rt.tracker().list_open()

    assert {ticket.number: ticket.key for ticket in found} == keys
    asked = [one.query["query"] for one in rt.server.sent if "LIKE" in one.query.get("query", "")]
    assert [query.rpartition(" ")[2] for query in asked] == ["0", "100", "200"]


def test_rows_in_another_order(rt: RequestTrackerRig) -> None:
    """An RT that does not sort as asked would make the pages go round for ever."""
    tracker = rt.tracker()
    tracker.find(fresh_key())
    row = {"Status": "new", "Queue": {"id": "3"}}
    rows = [{"id": "9", **row}, {"id": "8", **row}]
    rt.server.replies = [Reply(200, {"items": rows, "total": 300})]

    with pytest.raises(ProtocolError, match="not in the order"):
        tracker.find(fresh_key())


# -- the field that holds the key ----------------------------------------------------------------


@pytest.mark.parametrize("why", ["no such field", "hidden"])
def test_a_field_that_the_queue_does_not_show(rt: RequestTrackerRig, why: str) -> None:
    """TicketSQL would find nothing by it, and say nothing: that would open a ticket each time."""
    if why == "hidden":
        rt.server.rights.discard("SeeCustomField")
    else:
        rt.server.fields.remove(FIELD)

    with pytest.raises(ConfigError) as caught:
        rt.ticketing().open_once(draft(fresh_key()))

    assert "no custom field 'ReviewKey'" in caught.value.message
    assert "SeeCustomField" in caught.value.remedy
    assert "tracker.options.key_field" in caught.value.remedy
    assert rt.server.tickets == {}


def test_a_field_in_another_case(rt: RequestTrackerRig) -> None:
    """It is asked for as the queue writes it."""
    key = fresh_key()
    tracker = rt.tracker(options={"key_field": "reviewkey"})

    made = tracker.create(draft(key))

    assert [ticket.id for ticket in tracker.find(key)] == [made.id]
    assert rt.server.sent[2].body["CustomFields"] == {FIELD: key}


def test_a_field_that_we_may_not_set() -> None:
    """RT answers 201 all the same; it is an error, and the record keeps the ticket."""
    rt = without("ModifyCustomField")
    key, records = fresh_key(), MemoryRecords()

    with pytest.raises(ProtocolError, match="did not keep the key"):
        rt.ticketing(records).open_once(draft(key))
    again = rt.ticketing(records).open_once(draft(key))

    assert again.action is Done.FOUND
    assert len(rt.server.tickets) == 1


@pytest.mark.parametrize("value", ["1/../../x", "grv-", "GRV-0123456789abcdef", None])
def test_a_field_with_something_else_in_it(rt: RequestTrackerRig, value: str) -> None:
    """Whatever people write there, only a key is one; RT itself may hold a null."""
    number = rt.server.add("theirs")
    rt.server.ticket(number).values = [value]

    assert rt.tracker().read(str(number)).key is None


def test_a_field_with_several_values(rt: RequestTrackerRig) -> None:
    """A ticket has one key, so the field ought to take one value; the first counts."""
    first, second = fresh_key(), fresh_key()
    number = rt.server.add("theirs")
    rt.server.ticket(number).values = [first, second]

    assert [ticket.key for ticket in rt.tracker().find(first)] == [first]
    assert rt.tracker().find(second) == ()


# -- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "status"),
    [(CloseReason.COMPLETED, "resolved"), (CloseReason.NOT_PLANNED, "rejected")],
)
def test_what_a_ticket_is_closed_as(
    rt: RequestTrackerRig, reason: CloseReason, status: str
) -> None:
    """The status is the resolution; RT keeps the instant of it even on a ticket reopened."""
    tracker = rt.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, reason)
    closed = tracker.read(ticket.id)
    tracker.reopen(ticket.id)
    opened = tracker.read(ticket.id)

    assert closed.resolution == status
    assert closed.closed_at is not None
    assert opened.is_open
    assert (opened.resolution, opened.closed_at) == ("", None)
    assert opened.opened_at is not None


@pytest.mark.parametrize(
    ("status", "is_open"), [("new", True), ("stalled", True), ("rejected", False)]
)
def test_statuses_are_what_the_lifecycle_says(
    rt: RequestTrackerRig, status: str, is_open: bool
) -> None:
    """RT is asked whether a status is an active one, once for each."""
    tracker = rt.tracker()
    ticket = tracker.create(draft(fresh_key()))
    rt.server.ticket(1).status = status

    assert tracker.read(ticket.id).is_open is is_open
    assert tracker.read(ticket.id).is_open is is_open

    asked = [one for one in rt.server.sent if "__Active__" in one.query.get("query", "")]
    assert [one.query["query"] for one in asked] == ["id = 1 AND Status = '__Active__'"]


def test_a_ticket_that_was_closed_at_no_time(rt: RequestTrackerRig) -> None:
    """RT writes "never" as the beginning of 1970, which is no instant."""
    number = rt.server.add("imported")
    rt.server.ticket(number).status = "resolved"

    ticket = rt.tracker().read(str(number))

    assert not ticket.is_open
    assert ticket.closed_at is None


def test_closing_what_is_rejected(rt: RequestTrackerRig) -> None:
    """Its people's word stays; nothing is sent."""
    tracker = rt.tracker()
    ticket = tracker.create(draft(fresh_key()))
    rt.server.set_status(1, "rejected")

    tracker.close(ticket.id, CloseReason.COMPLETED)
    tracker.reopen(tracker.create(draft(fresh_key())).id)

    assert rt.server.ticket(1).status == "rejected"
    assert not [one for one in rt.server.sent if one.method == "PUT"]


def test_rejected_means_leave_us_alone(rt: RequestTrackerRig) -> None:
    """RT's own word for it is among those that are respected from the start."""
    key = fresh_key()
    rt.ticketing().open_once(draft(key))
    rt.server.set_status(1, "rejected")

    outcome = rt.ticketing(policy=ReopenPolicy()).open_once(draft(key))

    assert outcome.action is Done.NOTHING
    assert "rejected" in outcome.reason


def test_a_step_that_the_lifecycle_bars(rt: RequestTrackerRig) -> None:
    """RT answers 200 with a sentence, which is repeated, and nothing else happens."""
    rt.server.barred = {("new", "resolved"), ("resolved", "open")}
    tracker = rt.tracker()
    ticket = tracker.create(draft(fresh_key()))

    with pytest.raises(RefusedError, match="You can't change status from 'new'") as caught:
        tracker.close(ticket.id, CloseReason.COMPLETED)
    rt.server.ticket(1).status = "resolved"
    with pytest.raises(RefusedError, match="left ticket 1 'resolved' instead of 'open'"):
        tracker.reopen(ticket.id)

    assert "lifecycle" in caught.value.remedy
    assert "tracker.options.closed_status" in caught.value.remedy


def test_a_ticket_that_depends_on_another(rt: RequestTrackerRig) -> None:
    """RT does not close it; the remedy says why that may be."""
    tracker = rt.tracker()
    ticket = tracker.create(draft(fresh_key()))
    rt.server.ticket(1).waits = True

    with pytest.raises(RefusedError, match="unresolved dependencies") as caught:
        tracker.close(ticket.id, CloseReason.COMPLETED)

    assert "depends on open ones" in caught.value.remedy


def test_other_names_for_statuses(rt: RequestTrackerRig) -> None:
    """A queue with another lifecycle has other words; RT writes them in lower case."""
    tracker = rt.tracker(options={"closed_status": "Rejected", "reopen_status": "stalled"})
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, CloseReason.COMPLETED)
    assert rt.server.ticket(1).status == "rejected"
    tracker.reopen(ticket.id)

    assert rt.server.ticket(1).status == "stalled"


def test_an_account_that_may_not_change_tickets() -> None:
    """What was not done is not believed."""
    rt = without("ModifyTicket", "ReassignTicket")
    key, records = fresh_key(), MemoryRecords()
    rt.ticketing(records).open_once(draft(key))

    with pytest.raises(RefusedError, match="Permission Denied") as caught:
        rt.ticketing(records).close_once(key, "Done.", "end")
    outcome = rt.ticketing(records).assign_once(key, "committee2")

    assert "ModifyTicket" in caught.value.remedy
    assert outcome.action is Done.NOTHING
    assert "ReassignTicket" in outcome.notes[0]


# -- tickets that are gone -----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deleted", "merged"])
def test_a_ticket_that_is_gone(rt: RequestTrackerRig, how: str) -> None:
    """RT still serves a deleted ticket, and another in place of a merged one, which is not ours to
    close.
    """
    key, records = fresh_key(), MemoryRecords()
    rt.ticketing(records).open_once(draft(key))
    other = rt.server.add("somebody's")
    if how == "deleted":
        rt.server.set_status(1, "deleted")
    else:
        rt.server.ticket(1).merged_into = other

    with pytest.raises(RefusedError) as caught:
        rt.tracker().read("1")
    outcome = rt.ticketing(records).close_once(key, "Done.", "end")

    assert caught.value.status == 410
    assert outcome.action is Done.NOTHING
    assert rt.server.is_open(other)
    assert rt.server.comments(other) == []


@pytest.mark.parametrize("ticket_id", ["1/../../user/27", "1x", "", "\u0661", "1?token=x"])
def test_hostile_ids(rt: RequestTrackerRig, ticket_id: str) -> None:
    """A record's id is part of an address."""
    rt.server.add("somebody's")

    refuses_id(rt, ticket_id)


# -- duplicates ----------------------------------------------------------------------------------


def test_a_duplicate_points_at_the_one_that_stays(rt: RequestTrackerRig) -> None:
    """It is closed first, so that it keeps its key while that fails; then it refers to the other
    and loses its key, once: emptying an empty field would put a null there.
    """
    key = fresh_key()
    tracker = rt.tracker()
    keep, other = tracker.create(draft(key)), tracker.create(draft(key))

    tracker.close_duplicate(other.id, keep)
    tracker.close_duplicate(other.id, keep)

    assert [one.body for one in rt.server.sent if one.method == "PUT"] == [
        {"Status": "resolved"},
        {"AddRefersTo": keep.id, "CustomFields": {FIELD: None}},
    ]
    assert rt.server.ticket(2).values == []
    assert rt.server.ticket(2).refers_to == [keep.id]
    assert [ticket.id for ticket in tracker.find(key)] == [keep.id]


def test_a_duplicate_whose_key_stays(rt: RequestTrackerRig) -> None:
    """RT answers 200 all the same; the remedy names the right."""
    key = fresh_key()
    tracker = rt.tracker()
    keep, other = tracker.create(draft(key)), tracker.create(draft(key))
    rt.server.rights.discard("ModifyCustomField")

    with pytest.raises(RefusedError, match="Permission Denied") as caught:
        tracker.close_duplicate(other.id, keep)

    assert "ModifyCustomField on ReviewKey" in caught.value.remedy


# -- people --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["committee2", "Committee2", "33"])
def test_ways_to_write_a_user(rt: RequestTrackerRig, who: str) -> None:
    """Name, whatever its case, and number mean the same account; a ticket shows its name."""
    key, records = fresh_key(), MemoryRecords()

    outcome = rt.ticketing(records).open_once(draft(key, assignee=who))
    again = rt.ticketing(records).assign_once(key, who)

    assert outcome.notes == ()
    assert outcome.ticket is not None
    assert outcome.ticket.assignees == ("committee2",)
    assert (again.action, again.reason) == (Done.NOTHING, f"{who} is the assignee already")


def test_an_rt_that_shows_little_of_others(rt: RequestTrackerRig) -> None:
    """Which fields are shown is a setting; a name as RT writes it needs none of them."""
    rt.server.shows_names = False

    outcome = rt.ticketing().open_once(draft(fresh_key()))

    assert outcome.notes == ()
    assert rt.server.ticket(1).owner == "committee1"


def test_somebody_else_is_the_owner(rt: RequestTrackerRig) -> None:
    """A number that is another's, or nobody's, is not taken for the owner."""
    tracker = rt.tracker()
    ticket = tracker.create(draft(fresh_key()))
    kept = tracker.read(ticket.id)

    assert tracker.is_assigned(kept, "31")
    assert not tracker.is_assigned(kept, "33")
    assert not tracker.is_assigned(kept, "stranger")
    nobodys = tracker.read(tracker.create(draft(fresh_key(), assignee=None)).id)
    assert nobodys.assignees == ()
    assert not tracker.is_assigned(nobodys, "31")


@pytest.mark.parametrize("who", ["stranger", "stranger@example.org", "..", "a/../../rt"])
def test_somebody_rt_does_not_know(rt: RequestTrackerRig, who: str) -> None:
    """Asked to, RT would make a mail address an account; the ticket is opened for nobody."""
    outcome = rt.ticketing().open_once(draft(fresh_key(), assignee=who))

    assert outcome.action is Done.CREATED
    assert "could not be assigned: RT knows no user" in outcome.notes[0]
    assert "Owner" not in next(one.body for one in rt.server.sent if one.body)
    assert all(one.path.startswith("/REST/2.0/") for one in rt.server.sent)


def test_a_user_who_may_not_own_tickets(rt: RequestTrackerRig) -> None:
    """RT drops the owner without a word; the outcome names the right."""
    outcome = rt.ticketing().open_once(draft(fresh_key(), assignee="guest"))

    assert outcome.action is Done.CREATED
    assert "guest was not assigned" in outcome.notes[0]
    assert "OwnTicket" in outcome.notes[0]


# -- comments ------------------------------------------------------------------------------------


def test_many_comments(rt: RequestTrackerRig) -> None:
    """All pages are read, also after a page of which much is hidden; files are passed over."""
    key, records = fresh_key(), MemoryRecords()
    rt.ticketing(records).open_once(draft(key))
    for number in range(70):
        rt.server.attach(1, f"talk {number}", "text/plain")
    rt.server.attach(1, "\x89PNG", "image/png")
    rt.ticketing(records).comment_once(key, "Still.", "level-1")

    outcome = rt.ticketing(records).comment_once(key, "Still.", "level-1")

    assert outcome.action is Done.NOTHING
    found = rt.tracker().comments("1")
    assert len(found) == 72
    assert found[0].text.startswith("It waits.")
    assert (found[1].text, found[1].author) == ("talk 0", "human")
    assert (found[-1].text[:6], found[-1].author) == ("Still.", BOT)
    pages = [one.query["page"] for one in rt.server.sent if "page" in one.query]
    assert pages[-4:] == ["1", "2", "3", "4"]


def test_an_account_that_may_not_comment() -> None:
    """RT answers 400; the remedy names the rights."""
    rt = without("ModifyTicket")
    key, records = fresh_key(), MemoryRecords()
    rt.ticketing(records).open_once(draft(key))

    with pytest.raises(RefusedError) as caught:
        rt.ticketing(records).comment_once(key, "Still.", "level-1")

    assert caught.value.status == 400
    assert "ModifyTicket" in caught.value.remedy


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [TOKEN, f"{BOT}:{PASSWORD}"])
def test_credentials(rt: RequestTrackerRig, token: str) -> None:
    """A token holds its user's number; a login and its password do as well."""
    assert rt.tracker(token=token).whoami() == BOT
    basic = base64.b64encode(f"{BOT}:{PASSWORD}".encode()).decode()
    expected = f"token {TOKEN}" if token == TOKEN else f"Basic {basic}"
    assert rt.server.sent[-1].headers["Authorization"] == expected


def test_a_wrong_password(rt: RequestTrackerRig) -> None:
    """Every call answers 401."""
    for call in (lambda one: one.whoami(), lambda one: one.find(fresh_key())):
        with pytest.raises(AuthError, match="401"):
            call(rt.tracker(token=f"{BOT}:wrong"))


def test_a_queue_that_is_not_ours(rt: RequestTrackerRig) -> None:
    """RT does not say whether it is there; the remedy names both, and all rights."""
    with pytest.raises(RefusedError) as caught:
        rt.tracker(project="elsewhere").find(fresh_key())

    assert caught.value.status == 403
    assert "the queue elsewhere exists" in caught.value.remedy
    for right in ALL_RIGHTS:
        assert right in caught.value.remedy


def test_an_account_that_is_not_privileged(rt: RequestTrackerRig) -> None:
    """It may not look up others; nothing is opened."""
    rt.server.privileged = False

    with pytest.raises(RefusedError) as caught:
        rt.ticketing().open_once(draft(fresh_key()))

    assert "privileged" in caught.value.remedy
    assert rt.server.tickets == {}


def test_an_unreadable_answer_to_a_creation(rt: RequestTrackerRig) -> None:
    """The creation may have happened: the listing tells, and nothing is created twice."""
    rt.server.garbles = True
    key = fresh_key()

    outcome = rt.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(rt.server.tickets) == 1


@pytest.mark.parametrize("told", [{"type": "ticket"}, {"id": None}, {"id": "../1"}, []])
def test_an_answer_to_a_creation_that_names_no_ticket(rt: RequestTrackerRig, told: Any) -> None:
    """It may have happened all the same."""
    tracker = rt.tracker()
    tracker.find(fresh_key())
    rt.server.replies = [Reply(201, told)]

    with pytest.raises(AmbiguousError):
        tracker.create(draft(fresh_key(), assignee=None))


def test_an_rt_without_rest_2(rt: RequestTrackerRig) -> None:
    """An older one answers with its login page."""
    rt.server.replies = [Reply(200, "<html><title>Login</title></html>")]

    with pytest.raises(AuthError) as caught:
        rt.tracker().whoami()

    assert "tracker.url" in caught.value.remedy


# -- settings ------------------------------------------------------------------------------------


def test_names_of_places(rt: RequestTrackerRig) -> None:
    """Host, path and queue: a number is only good there."""
    tracker = rt.tracker(url="https://example.org/rt/", project="Code Review")

    assert tracker.name == "rt:example.org/rt/Code Review"
    made = rt.tracker().create(draft(fresh_key()))
    assert made.url == "https://rt.example.org/Ticket/Display.html?id=1"
