"""Redmine's own habits, against the fake of ``fake_redmine``."""

from __future__ import annotations

import pytest

from fake_http import Reply
from fake_redmine import ALL_RIGHTS, BOT, FIELD, FakeRedmine
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.outcomes import Done, ReopenPolicy
from reviewloop.trackers.tickets import CloseReason
from rig_redmine import RedmineRig
from stores import MemoryRecords
from trackers_rig import Wire, answering, draft, fresh_key, refuses_id, whole_life


@pytest.fixture
def redmine() -> RedmineRig:
    """A fresh fake Redmine."""
    return RedmineRig()


def without(*rights: str) -> RedmineRig:
    """A Redmine where our role lacks some rights."""
    return RedmineRig(FakeRedmine(tuple(one for one in ALL_RIGHTS if one not in rights)))


# -- what is sent ------------------------------------------------------------------------------


def test_what_is_sent_through_a_whole_life(redmine: RedmineRig) -> None:
    """Opening, commenting, handing on, closing, reopening: one body each, and no more in it."""
    key = whole_life(redmine)

    sent = [(one.method, one.path, one.body) for one in redmine.server.sent if one.body]
    issue = {
        "subject": "Review wanted: 4711",
        "description": f"It waits.\n\n[grv:{key}]",
        "custom_fields": [{"id": FIELD, "value": key}],
        "assigned_to_id": 11,
    }
    where = "/issues/1.json"
    assert sent == [
        ("POST", "/projects/reviews/issues.json", {"issue": issue}),
        ("PUT", where, {"issue": {"notes": f"Still.\n\n[grv:{key}/level-1]"}}),
        ("PUT", where, {"issue": {"assigned_to_id": 12}}),
        ("PUT", where, {"issue": {"notes": f"Done.\n\n[grv:{key}/end]"}}),
        ("PUT", where, {"issue": {"status_id": 5}}),
        ("PUT", where, {"issue": {"status_id": 1}}),
    ]


def test_the_long_form_of_a_filter(redmine: RedmineRig) -> None:
    """The short form reads operators out of a value and would show other tickets."""
    key = fresh_key()

    redmine.tracker().find(key)

    assert redmine.server.sent[-1].fields == [
        ("f[]", "status_id"),
        ("f[]", "cf_3"),
        ("sort", "id"),
        ("limit", "100"),
        ("op[status_id]", "*"),
        ("op[cf_3]", "="),
        ("v[cf_3][]", key),
    ]


def test_what_the_sweep_asks_for(redmine: RedmineRig) -> None:
    """Open issues whose field holds anything; what is no key of ours is passed over."""
    key = fresh_key()
    redmine.server.add("theirs", key="ABC-1")
    redmine.server.add("nobody's")
    ours = redmine.server.add("ours", key=key)

    found = redmine.tracker().list_open()

    assert [(ticket.id, ticket.key) for ticket in found] == [(str(ours), key)]
    query = redmine.server.sent[1].query
    assert (query["op[status_id]"], query["op[cf_3]"]) == ("o", "*")


def test_where_new_tickets_go(redmine: RedmineRig) -> None:
    """The kind of issue and the priority are given by name, whatever its case, or by number."""
    tracker = redmine.tracker(options={"tracker": "support", "priority": "3"})

    tracker.create(draft(fresh_key(), assignee=None))

    body = redmine.server.sent[-2].body["issue"]
    assert (body["tracker_id"], body["priority_id"]) == (3, 3)


def test_markdown(redmine: RedmineRig) -> None:
    """Where the site's formatting is Markdown, the marker is hidden."""
    tracker = redmine.tracker(options={"format": "markdown"})

    tracker.create(draft(fresh_key(), assignee=None))

    assert tracker.body_format is BodyFormat.MARKDOWN
    assert "<!-- grv:" in redmine.server.issue(1).fields["description"]
    assert redmine.tracker().body_format is BodyFormat.TEXTILE


# -- the field that holds the key ----------------------------------------------------------------


def test_a_field_that_is_no_filter(redmine: RedmineRig) -> None:
    """Redmine leaves the filter out without a word and shows all issues; all are compared here."""
    redmine.server.is_filter = False
    redmine.server.add("another", key=fresh_key())
    key = fresh_key()

    first = redmine.ticketing().open_once(draft(key))
    second = redmine.ticketing().open_once(draft(key))

    assert (first.action, second.action) == (Done.CREATED, Done.FOUND)
    assert second.notes == ()


def test_tickets_beyond_the_first_page(redmine: RedmineRig) -> None:
    """Each page begins after the last number seen, whatever happens to earlier rows meanwhile."""
    server = redmine.server
    server.is_filter = False
    key = fresh_key()
    for number in range(230):
        server.add(f"older {number}")
    expected = server.add("ours", key=key)
    wire = Wire(redmine.network())
    wire.after = lambda _n, request: (
        server.issues.pop(7, None) if "limit=100" in request.target else None
    )

    found = redmine.tracker(wire).find(key)

    assert [ticket.number for ticket in found] == [expected]
    starts = [one.query.get("v[issue_id][]") for one in server.sent if "f[]" in one.query]
    assert starts == [None, "101", "201"]


def test_rows_in_another_order(redmine: RedmineRig) -> None:
    """A Redmine that does not sort as asked would make the pages go round for ever."""
    rows = [{"id": 9}, {"id": 8}]
    redmine.server.replies = [
        Reply(200, {"project": {"issue_custom_fields": [{"id": 3, "name": "Review key"}]}}),
        Reply(200, {"issues": rows, "total_count": 300}),
        Reply(200, {"issue_statuses": []}),
    ]

    with pytest.raises(ProtocolError, match="not in the order"):
        redmine.tracker().find(fresh_key())


def test_a_field_for_all_projects(redmine: RedmineRig) -> None:
    """Until Redmine 5 a project does not list it, but each issue shows it."""
    redmine.server.is_for_all = True
    redmine.server.add("somebody's")
    key = fresh_key()

    outcome = redmine.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert redmine.server.issue(2).values == {FIELD: key}


def test_a_field_that_nobody_shows(redmine: RedmineRig) -> None:
    """Nothing is opened, and the remedy names both ways out."""
    redmine.server.field_name = "Something else"
    redmine.server.add("somebody's")

    with pytest.raises(ConfigError) as caught:
        redmine.ticketing().open_once(draft(fresh_key()))

    assert "no custom field 'Review key'" in caught.value.message
    assert "tracker.options.key_field" in caught.value.remedy
    assert len(redmine.server.issues) == 1


def test_a_field_by_its_number(redmine: RedmineRig) -> None:
    """The number needs no looking up."""
    tracker = redmine.tracker(options={"key_field": "3"})

    tracker.find(fresh_key())

    assert [one.path for one in redmine.server.sent] == ["/projects/reviews/issues.json"]


def test_a_field_that_the_tracker_lacks(redmine: RedmineRig) -> None:
    """Redmine answers 201 all the same; it is an error, and the record keeps the ticket."""
    redmine.server.field_trackers = {3}
    key, records = fresh_key(), MemoryRecords()

    with pytest.raises(ProtocolError, match="did not keep the key"):
        redmine.ticketing(records).open_once(draft(key))
    again = redmine.ticketing(records).open_once(draft(key))

    assert again.action is Done.FOUND
    assert len(redmine.server.issues) == 1


@pytest.mark.parametrize("value", ["1/../../x", "grv-", "GRV-0123456789abcdef", "grv-0 or 1"])
def test_a_field_with_something_else_in_it(redmine: RedmineRig, value: str) -> None:
    """Whatever people write there, only a key is one."""
    number = redmine.server.add("theirs", key=value)

    assert redmine.tracker().read(str(number)).key is None


# -- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "status"), [(CloseReason.COMPLETED, "Closed"), (CloseReason.NOT_PLANNED, "Rejected")]
)
def test_what_a_ticket_is_closed_as(redmine: RedmineRig, reason: CloseReason, status: str) -> None:
    """The status is the resolution; "Resolved" leaves an issue open."""
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, reason)

    assert tracker.read(ticket.id).resolution == status
    redmine.server.set_status(1, 3)
    assert tracker.read(ticket.id).is_open
    assert tracker.read(ticket.id).resolution == ""


def test_closing_what_is_rejected(redmine: RedmineRig) -> None:
    """Its people's word stays; nothing is sent."""
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key()))
    redmine.server.set_status(1, 6)

    tracker.close(ticket.id, CloseReason.COMPLETED)
    tracker.reopen(tracker.create(draft(fresh_key())).id)

    assert redmine.server.issue(1).fields["status_id"] == 6
    assert not [one for one in redmine.server.sent if one.method == "PUT"]


def test_rejected_means_leave_us_alone(redmine: RedmineRig) -> None:
    """Redmine's own word for it is among those that are respected from the start."""
    key = fresh_key()
    redmine.ticketing().open_once(draft(key))
    redmine.server.set_status(1, 6)

    outcome = redmine.ticketing(policy=ReopenPolicy()).open_once(draft(key))

    assert outcome.action is Done.NOTHING
    assert "Rejected" in outcome.reason


@pytest.mark.parametrize("tells", [True, False], ids=["since 5.0", "before 5.0"])
def test_a_step_that_the_workflow_bars(redmine: RedmineRig, tells: bool) -> None:
    """Redmine answers 204 and does nothing; newer ones tell what they would allow, so nothing is
    sent.
    """
    redmine.server.barred = {(1, 5), (5, 1)}
    redmine.server.tells_allowed = tells
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key()))

    with pytest.raises(RefusedError, match="from 'New' to 'Closed'") as caught:
        tracker.close(ticket.id, CloseReason.COMPLETED)
    assert "Workflow" in caught.value.remedy
    redmine.server.issue(1).fields["status_id"] = 5
    with pytest.raises(RefusedError, match="from 'Closed' to 'New'"):
        tracker.reopen(ticket.id)

    puts = [one for one in redmine.server.sent if one.method == "PUT"]
    assert len(puts) == (0 if tells else 2)


def test_an_account_that_may_only_write_notes() -> None:
    """Everything else is dropped with 204; what was not done is not believed."""
    redmine = without("edit_own_issues")
    key, records = fresh_key(), MemoryRecords()
    redmine.ticketing(records).open_once(draft(key))

    with pytest.raises(RefusedError) as caught:
        redmine.ticketing(records).close_once(key, "Done.", "end")
    outcome = redmine.ticketing(records).assign_once(key, "committee2")

    assert "Edit own issues" in caught.value.remedy
    assert outcome.action is Done.NOTHING
    assert "Edit own issues" in outcome.notes[0]
    assert redmine.server.is_open(1)


def test_a_note_that_was_dropped() -> None:
    """Without the right to it a note is dropped with 204; that is told, not believed."""
    redmine = without("add_issue_notes")
    key, records = fresh_key(), MemoryRecords()
    redmine.ticketing(records).open_once(draft(key))

    with pytest.raises(RefusedError) as caught:
        redmine.ticketing(records).comment_once(key, "Still.", "level-1")

    assert "'Add notes'" in caught.value.remedy


def test_other_names_for_statuses(redmine: RedmineRig) -> None:
    """A status of another name is an option."""
    tracker = redmine.tracker(options={"closed_status": "rejected", "reopen_status": "feedback"})
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, CloseReason.COMPLETED)
    assert tracker.read(ticket.id).resolution == "Rejected"
    tracker.reopen(ticket.id)

    assert redmine.server.issue(1).fields["status_id"] == 4


@pytest.mark.parametrize(
    ("option", "name", "reason"),
    [
        ("closed_status", "Resolved", CloseReason.COMPLETED),
        ("rejected_status", "Dropped", CloseReason.NOT_PLANNED),
    ],
)
def test_a_status_that_closes_nothing(
    redmine: RedmineRig, option: str, name: str, reason: CloseReason
) -> None:
    """The remedy lists those that do."""
    tracker = redmine.tracker(options={option: name})
    ticket = tracker.create(draft(fresh_key()))

    with pytest.raises(ConfigError, match=name) as caught:
        tracker.close(ticket.id, reason)

    assert f"tracker.options.{option} to one of: Closed, Rejected." in caught.value.remedy


def test_a_site_without_a_rejected_status(redmine: RedmineRig) -> None:
    """What nobody set up is no fault: the closed status does."""
    closed = [{"id": 1, "name": "New", "is_closed": False}, {"id": 5, "name": "Closed"}]
    closed[1]["is_closed"] = True
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key(), assignee=None))
    fresh = redmine.tracker()
    redmine.server.replies = [
        Reply(200, {"issue": redmine.server._row(redmine.server.issue(1))}),
        Reply(200, {"issue_statuses": closed}),
    ]

    fresh.close(ticket.id, CloseReason.NOT_PLANNED)

    assert redmine.server.issue(1).fields["status_id"] == 5


# -- duplicates ----------------------------------------------------------------------------------


def test_a_duplicate_points_at_the_one_that_stays(redmine: RedmineRig) -> None:
    """By Redmine's own relation; then it is closed and loses its key in one call."""
    key = fresh_key()
    tracker = redmine.tracker()
    keep, other = tracker.create(draft(key)), tracker.create(draft(key))

    tracker.close_duplicate(other.id, keep)
    tracker.close_duplicate(other.id, keep)

    sent = [one.body for one in redmine.server.sent if one.body][2:]
    assert sent[:2] == [
        {"relation": {"issue_to_id": 1, "relation_type": "duplicates"}},
        {"issue": {"status_id": 5, "custom_fields": [{"id": FIELD, "value": ""}]}},
    ]
    assert len(redmine.server.issue(2).relations) == 1
    assert tracker.read(other.id).key is None
    assert [ticket.id for ticket in tracker.find(key)] == [keep.id]


def test_a_duplicate_where_we_may_relate_nothing() -> None:
    """The comment links it all the same."""
    redmine = without("manage_issue_relations")
    key = fresh_key()
    keep = redmine.tracker().create(draft(key))
    other = redmine.tracker().create(draft(key))

    redmine.ticketing().open_once(draft(key))

    assert not redmine.tracker().read(other.id).is_open
    assert keep.url in redmine.server.notes(2)[0]


def test_a_duplicate_that_may_not_be_closed(redmine: RedmineRig) -> None:
    """It keeps its key, so that it is not lost."""
    key = fresh_key()
    tracker = redmine.tracker()
    keep, other = tracker.create(draft(key)), tracker.create(draft(key))
    redmine.server.barred = {(1, 5)}

    with pytest.raises(RefusedError, match="workflow"):
        tracker.close_duplicate(other.id, keep)

    assert tracker.read(other.id).key == key


# -- people --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["committee2", "COMMITTEE2", "Ben Example", "12"])
def test_ways_to_write_a_member(redmine: RedmineRig, who: str) -> None:
    """Login, name and number all mean the same account; a ticket shows its login."""
    key, records = fresh_key(), MemoryRecords()

    outcome = redmine.ticketing(records).open_once(draft(key, assignee=who))
    again = redmine.ticketing(records).assign_once(key, who)

    assert redmine.server.issue(1).fields["assigned_to_id"] == 12
    assert outcome.notes == ()
    assert outcome.ticket is not None
    assert outcome.ticket.assignees == ("committee2",)
    assert (again.action, again.reason) == (Done.NOTHING, f"{who} is the assignee already")


def test_somebody_else_is_assigned(redmine: RedmineRig) -> None:
    """A number or name that is another's, or nobody's, is not taken for the assignee."""
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key(), assignee="committee1"))

    assert not tracker.is_assigned(ticket, "12")
    assert not tracker.is_assigned(ticket, "Ben Example")
    assert not tracker.is_assigned(ticket, "stranger")
    assert tracker.is_assigned(ticket, "11")
    nobodys = tracker.create(draft(fresh_key(), assignee=None))
    assert not tracker.is_assigned(nobodys, "11")


def test_two_members_of_one_name(redmine: RedmineRig) -> None:
    """Nobody is picked; the outcome says what to write instead."""
    redmine.server.people[12].first = "Ada"

    outcome = redmine.ticketing().open_once(draft(fresh_key(), assignee="Ada Example"))

    assert outcome.action is Done.CREATED
    assert "several members called 'Ada Example'" in outcome.notes[0]
    assert redmine.server.issue(1).fields["assigned_to_id"] is None


@pytest.mark.parametrize("assignable", [True, False])
def test_a_group(redmine: RedmineRig, assignable: bool) -> None:
    """Whether issues may be given to groups is a setting of Redmine."""
    redmine.server.groups_assignable = assignable

    outcome = redmine.ticketing().open_once(draft(fresh_key(), assignee="Committee"))

    assert outcome.ticket is not None
    assert outcome.ticket.assignees == (("Committee",) if assignable else ())
    assert ("Committee could not be assigned" in " ".join(outcome.notes)) is not assignable


def test_an_account_that_is_no_member(redmine: RedmineRig) -> None:
    """Redmine itself says so of a number; the ticket is opened for nobody."""
    outcome = redmine.ticketing().open_once(draft(fresh_key(), assignee="99"))

    assert outcome.action is Done.CREATED
    assert "Assignee is invalid" in outcome.notes[0]


def test_many_members(redmine: RedmineRig) -> None:
    """All pages of the members are read."""
    redmine.server.members = [*redmine.server.members[:2], *[20] * 120, 12]

    ticket = redmine.tracker().create(draft(fresh_key(), assignee="Ben Example"))

    assert ticket.assignees == ("committee2",)
    starts = [one.query["offset"] for one in redmine.server.sent if "offset" in one.query]
    assert starts == ["0", "100"]


# -- notes ---------------------------------------------------------------------------------------


def test_an_account_that_has_notes_shown_newest_first(redmine: RedmineRig) -> None:
    """Comments come oldest first, and journals without notes are none."""
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key()))
    redmine.server.newest_first = True

    tracker.add_comment(ticket.id, "one")
    tracker.assign(ticket.id, "committee2")
    tracker.add_comment(ticket.id, "two")

    found = [(one.text, one.author) for one in tracker.comments(ticket.id)]
    assert found == [("one", "Review Bot"), ("two", "Review Bot")]


# -- refusals ------------------------------------------------------------------------------------


def test_a_wrong_key_in_a_public_project(redmine: RedmineRig) -> None:
    """A listing answers 200 to strangers, so it proves nothing; asking who we are does."""
    tracker = redmine.tracker(token="wrong")

    assert tracker.find(fresh_key()) == ()
    with pytest.raises(AuthError, match="401"):
        tracker.whoami()
    with pytest.raises(AuthError):
        tracker.create(draft(fresh_key(), assignee=None))
    assert redmine.tracker().whoami() == BOT


def test_an_api_that_is_switched_off(redmine: RedmineRig) -> None:
    """Redmine's default; the remedy names the switch."""
    redmine.server.rest_is_on = False

    with pytest.raises(RefusedError) as caught:
        redmine.tracker().whoami()

    assert "Enable the REST web service" in caught.value.remedy


def test_a_project_that_is_not_ours(redmine: RedmineRig) -> None:
    """The remedy names the membership and the rights."""
    with pytest.raises(RefusedError) as caught:
        redmine.tracker(project="secret").find(fresh_key())

    assert caught.value.status == 403
    assert "member of secret" in caught.value.remedy
    for right in ("View issues", "Add issues", "Edit own issues", "Add notes"):
        assert right in caught.value.remedy


def test_a_required_field_that_the_pack_does_not_fill(redmine: RedmineRig) -> None:
    """Redmine names the field, the remedy says what to do; nothing was opened."""
    redmine.server.required = {"Category"}

    with pytest.raises(RefusedError, match="Category cannot be blank") as caught:
        redmine.ticketing().open_once(draft(fresh_key()))

    assert "required" in caught.value.remedy
    assert redmine.server.issues == {}


def test_a_tracker_or_priority_that_is_not_there(redmine: RedmineRig) -> None:
    """Redmine would take its first tracker without a word."""
    for option, names in (("tracker", "Bug, Feature, Support"), ("priority", "Low, Normal, High")):
        tracker = redmine.tracker(options={option: "Nonesuch"})
        with pytest.raises(ConfigError) as caught:
            tracker.create(draft(fresh_key(), assignee=None))
        assert f"tracker.options.{option} to one of: {names}." in caught.value.remedy
    assert redmine.server.issues == {}


def test_an_unreadable_answer_to_a_creation(redmine: RedmineRig) -> None:
    """The creation may have happened: the listing tells, and nothing is created twice."""
    redmine.server.garbles = True
    key = fresh_key()

    outcome = redmine.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(redmine.server.issues) == 1


def test_an_answer_to_a_creation_that_holds_no_issue(redmine: RedmineRig) -> None:
    """It may have happened all the same."""
    tracker = redmine.tracker()
    tracker.find(fresh_key())
    redmine.server.replies = [Reply(201, {"issue": {"subject": "x"}})]

    with pytest.raises(AmbiguousError):
        tracker.create(draft(fresh_key(), assignee=None))


@pytest.mark.parametrize(("times", "succeeds"), [(3, True), (99, False)])
def test_an_issue_that_others_change_at_the_same_moment(
    redmine: RedmineRig, times: int, succeeds: bool
) -> None:
    """A refusal without a reason did nothing, so the change is asked for again, not for ever."""
    tracker = redmine.tracker()
    ticket = tracker.create(draft(fresh_key()))
    stale = Reply(422, {"errors": []})
    wire = answering(redmine.server, stale, lambda request: request.method == "PUT", times)

    if succeeds:
        redmine.tracker(wire).add_comment(ticket.id, "It waits.")
    else:
        with pytest.raises(TemporaryError):
            redmine.tracker(wire).add_comment(ticket.id, "It waits.")

    assert len(redmine.comments(ticket.id)) == succeeds


def test_a_database_that_is_locked(redmine: RedmineRig) -> None:
    """Redmine on SQLite answers 500 to some of several writes at once; nothing is doubled."""
    key = fresh_key()
    tracker = redmine.tracker()
    tracker.find(key)
    redmine.server.replies = [Reply(500)]

    with pytest.raises(TemporaryError):
        tracker.create(draft(key, assignee=None))

    assert redmine.ticketing().open_once(draft(key)).action is Done.CREATED


@pytest.mark.parametrize("ticket_id", ["1/../../users/1", "1x", "", "\u0661", "1.json?key=x"])
def test_hostile_ids(redmine: RedmineRig, ticket_id: str) -> None:
    """A record's id is part of an address; Redmine would read 1x as 1."""
    redmine.server.add("somebody's")

    refuses_id(redmine, ticket_id)


# -- settings ------------------------------------------------------------------------------------


def test_names_of_places(redmine: RedmineRig) -> None:
    """Host, path and project: a number is only good there."""
    tracker = redmine.tracker(url="https://example.org/redmine/", project="a-b")

    assert tracker.name == "redmine:example.org/redmine/a-b"
    assert redmine.tracker().create(draft(fresh_key())).url.endswith("example.org/issues/1")
