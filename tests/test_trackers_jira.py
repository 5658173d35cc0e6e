"""Jira's own habits, as Cloud and as a server, against the fake of ``fake_jira``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Tuple

import pytest

import fake_jira
from fake_http import Reply, Sent
from fake_jira import FakeJira, Person
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.jira.tracker import Jira
from reviewloop.trackers.base import Tracker, setting_problems
from reviewloop.trackers.outcomes import Done, ReopenPolicy
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason
from rig_jira import JiraRig
from rig_jira_server import JiraServerRig
from stores import MemoryRecords
from trackers_rig import Wire, answering, draft, fresh_key, refuses_id

COMMITTEE1, COMMITTEE2 = (one.account for one in fake_jira.PEOPLE[:2])


@pytest.fixture
def cloud() -> JiraRig:
    """A fresh fake Cloud."""
    return JiraRig()


@pytest.fixture
def server() -> JiraServerRig:
    """A fresh fake Data Center."""
    return JiraServerRig()


def _bodies(rig: JiraRig) -> List[Tuple[str, str, Any]]:
    """Every write: method, path below the interface, body."""
    return [
        (sent.method, sent.path.partition("/rest/api/2")[2], sent.body)
        for sent in rig.server.sent
        if sent.body is not None
    ]


def _asked(rig: JiraRig, ending: str) -> List[Sent]:
    return [sent for sent in rig.server.sent if sent.path.endswith(ending)]


def _life(rig: JiraRig) -> str:
    """Opened, commented, handed on, closed and reopened; the key."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = rig.ticketing(records)
    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "Still.", "level-1")
    ticketing.assign_once(key, "committee2")
    ticketing.close_once(key, "Done.", "end")
    assert ticketing.open_once(draft(key)).action is Done.REOPENED
    return key


# -- what is sent --------------------------------------------------------------------------------


def test_what_is_sent_to_cloud_through_a_whole_life(cloud: JiraRig) -> None:
    """Wiki markup by version 2, people by account id, statuses by transitions."""
    key = _life(cloud)

    assert _bodies(cloud) == [
        (
            "POST",
            "/issue",
            {
                "fields": {
                    "project": {"key": "REV"},
                    "issuetype": {"name": "Task"},
                    "summary": "Review wanted: 4711",
                    "description": f"It waits.\n\n\\[grv:{key}\\]",
                    "labels": [SHARED_LABEL, key],
                    "assignee": {"accountId": COMMITTEE1},
                }
            },
        ),
        ("POST", "/issue/REV-1/comment", {"body": f"Still.\n\n\\[grv:{key}/level-1\\]"}),
        ("PUT", "/issue/REV-1/assignee", {"accountId": COMMITTEE2}),
        ("POST", "/issue/REV-1/comment", {"body": f"Done.\n\n\\[grv:{key}/end\\]"}),
        ("POST", "/issue/REV-1/transitions", {"transition": {"id": "31"}}),
        ("POST", "/issue/REV-1/transitions", {"transition": {"id": "11"}}),
    ]


def test_what_is_sent_to_a_server_through_a_whole_life(server: JiraServerRig) -> None:
    """People by login, and a resolution where the transition's screen wants one."""
    key = _life(server)

    bodies = _bodies(server)
    assert bodies[0][2]["fields"]["assignee"] == {"name": "committee1"}
    assert bodies[0][2]["fields"]["labels"] == [SHARED_LABEL, key]
    assert bodies[2] == ("PUT", "/issue/REV-1/assignee", {"name": "committee2"})
    assert bodies[4][2] == {
        "transition": {"id": "5"},
        "fields": {"resolution": {"name": "Fixed"}},
    }
    assert bodies[5][2] == {"transition": {"id": "3"}}


def test_the_search_of_cloud(cloud: JiraRig) -> None:
    """The new search, with fields named and everything quoted, and without reconcileIssues: that
    would show our own ticket before those of others.
    """
    key = fresh_key()

    cloud.tracker().find(key)

    (sent,) = cloud.server.sent
    assert sent.path == "/rest/api/2/search/jql"
    assert sent.query["jql"] == f'project = "REV" AND labels = "{key}" ORDER BY key ASC'
    assert "status" in sent.query["fields"].split(",")
    assert "reconcileIssues" not in sent.query


def test_the_search_of_a_server(server: JiraServerRig) -> None:
    """The old search, below the address's own path."""
    server.tracker().find(fresh_key())

    (sent,) = server.server.sent
    assert (sent.method, sent.path) == ("GET", "/jira/rest/api/2/search")
    assert sent.query["startAt"] == "0"


@pytest.mark.parametrize(
    ("settings", "header", "path"),
    [
        ({"username": "me@example.org"}, "Basic", "/search/jql"),
        ({"username": "me"}, "Basic", "/search"),
        ({}, "Bearer", "/search"),
        ({"username": "me@example.org", "options": {"flavour": "server"}}, "Basic", "/search"),
        ({"username": "me", "options": {"flavour": "cloud"}}, "Basic", "/search/jql"),
    ],
)
def test_which_jira_it_is(settings: Dict[str, Any], header: str, path: str) -> None:
    """A mail address means Cloud, a token alone a server; the option has the last word."""
    seen: List[Sent] = []

    class Any200(FakeJira):
        def answer(self, sent: Sent) -> Reply:
            seen.append(sent)
            return Reply(200, {"issues": [], "total": 0})

    values = {"url": fake_jira.CLOUD, "project": "REV", "token": "tok-s3cret", **settings}
    Jira(TrackerSettings("jira", **values), transport=Any200()).find(fresh_key())

    assert seen[0].headers["Authorization"].startswith(header)
    assert seen[0].path == "/rest/api/2" + path


def test_the_gateway_for_scoped_tokens() -> None:
    """Tickets are shown at the address people open, not at the gateway's."""
    values = {"url": "https://api.atlassian.com/ex/jira/1a11", "project": "REV", "token": "x"}
    options = {"web": "https://your-domain.atlassian.net/"}

    tracker = Jira(TrackerSettings("jira", options=options, **values))

    assert tracker.name == "jira:api.atlassian.com/ex/jira/1a11/REV"
    assert tracker._issues.url("REV-1") == "https://your-domain.atlassian.net/browse/REV-1"
    assert tracker.lag == 60


def test_how_long_a_listing_may_lag(cloud: JiraRig, server: JiraServerRig) -> None:
    """A minute on Cloud, three polls of a node in a cluster."""
    assert (cloud.tracker().lag, server.tracker().lag) == (60, 15)


def test_an_index_that_lags_longer_than_promised(cloud: JiraRig) -> None:
    """The run ends with a note after a minute, and the next one finds the ticket by its record."""
    key, records = fresh_key(), MemoryRecords()
    cloud.hide_from_listings(600)

    made = cloud.ticketing(records).open_once(draft(key))
    again = cloud.ticketing(records).open_once(draft(key))

    assert any("does not show the new ticket yet" in note for note in made.notes)
    assert sum(cloud.pace.slept) >= 60
    assert again.action is Done.FOUND
    assert cloud.all_ids(key) == ["REV-1"]


# -- settings ------------------------------------------------------------------------------------


def test_good_settings() -> None:
    """A token alone is enough for a server."""
    settings = TrackerSettings("jira", url=fake_jira.SERVER, project="REV", token="x")

    assert setting_problems(Jira, settings) == {}
    assert Jira(settings).body_format is BodyFormat.JIRA_WIKI


# -- credentials and permissions -----------------------------------------------------------------


def test_cloud_takes_a_wrong_token_for_a_visitor(cloud: JiraRig) -> None:
    """A search says "nothing", so only our account's own call tells."""
    tracker = cloud.tracker(token="tok-wrong")
    made = cloud.tracker().create(draft(fresh_key()))
    assert made.key is not None

    assert tracker.find(made.key) == ()
    with pytest.raises(AuthError):
        tracker.whoami()


def test_cloud_called_with_a_bearer_token(cloud: JiraRig) -> None:
    """Cloud answers 403 to that, which is a credential all the same."""
    with pytest.raises(AuthError) as caught:
        cloud.tracker(username="", options={"flavour": "server"}).whoami()

    assert "tracker.username" in caught.value.remedy
    assert "tracker.token" in caught.value.remedy


def test_a_server_that_wants_a_captcha(server: JiraServerRig) -> None:
    """After wrong attempts a password is refused until somebody logs in with a browser."""
    server.server.captcha = True

    with pytest.raises(AuthError, match="CAPTCHA"):
        server.tracker(username="review-bot", token="pass").whoami()


def test_a_server_with_user_and_password(server: JiraServerRig) -> None:
    """For those too old for personal access tokens."""
    server.server.password = "pass"

    assert server.tracker(username="review-bot", token="pass").whoami() == "review-bot"


def test_cloud_taken_for_a_server(cloud: JiraRig) -> None:
    """The old search is gone there, and the remedy names the option."""
    with pytest.raises(RefusedError) as caught:
        cloud.tracker(options={"flavour": "server"}).find(fresh_key())

    assert caught.value.status == 410
    assert "flavour to cloud" in caught.value.remedy


def test_a_server_taken_for_cloud(server: JiraServerRig) -> None:
    """It has no such search."""
    server.server.password = "pass"
    settings = {"username": "review-bot", "token": "pass", "options": {"flavour": "cloud"}}

    with pytest.raises(RefusedError) as caught:
        server.tracker(**settings).find(fresh_key())

    assert caught.value.status == 404
    assert "tracker.options.flavour" in caught.value.remedy


@pytest.mark.parametrize("assignee", ["committee1", None])
def test_a_project_that_cloud_does_not_tell_about(cloud: JiraRig, assignee: Optional[str]) -> None:
    """Where a search in an unseen project just finds nothing, the creation is refused."""
    cloud.server.vague = True
    tracker = cloud.tracker(project="GONE")
    key = fresh_key()

    assert tracker.find(key) == ()
    with pytest.raises(RefusedError) as caught:
        tracker.create(draft(key, assignee=assignee))

    assert "tracker.project" in caught.value.remedy
    assert cloud.server.rows == {}


def test_a_label_that_is_not_on_the_screen(cloud: JiraRig) -> None:
    """The whole creation is refused, with and without the assignee, and the remedy says where."""
    cloud.server.screen.discard("labels")

    with pytest.raises(RefusedError) as caught:
        cloud.ticketing().open_once(draft(fresh_key()))

    assert "field Labels" in caught.value.remedy
    assert "appropriate screen" in caught.value.message
    assert cloud.server.rows == {}


def test_no_right_to_create(server: JiraServerRig) -> None:
    """Jira then says that the project is not valid."""
    server.server.permissions.discard("create")

    with pytest.raises(RefusedError) as caught:
        server.ticketing().open_once(draft(fresh_key()))

    assert "Create Issues" in caught.value.remedy


def test_an_issue_type_the_project_has_not(cloud: JiraRig) -> None:
    """The remedy names the option."""
    with pytest.raises(RefusedError) as caught:
        cloud.tracker(options={"issue_type": "Aufgabe"}).create(draft(fresh_key()))

    assert "tracker.options.issue_type" in caught.value.remedy


def test_an_issue_type_by_number(cloud: JiraRig) -> None:
    """For names that are translated."""
    cloud.tracker(options={"issue_type": "3"}).create(draft(fresh_key()))

    assert _bodies(cloud)[0][2]["fields"]["issuetype"] == {"id": "3"}


def test_a_field_the_project_requires(cloud: JiraRig) -> None:
    """The refusal names it, and the option gives it."""
    cloud.server.required = ("components",)
    options = {"fields": '{"components": [{"name": "Review"}], "summary": "not this"}'}

    with pytest.raises(RefusedError) as caught:
        cloud.tracker().create(draft(fresh_key()))
    made = cloud.tracker(options=options).create(draft(fresh_key()))

    assert "something of components: " in caught.value.remedy
    assert "tracker.options.fields" in caught.value.remedy
    assert cloud.server.issue(made.id)["components"] == [{"name": "Review"}]
    assert cloud.server.issue(made.id)["summary"] == "Review wanted: 4711"


def test_a_refusal_with_hostile_names(cloud: JiraRig) -> None:
    """Only what looks like a field's name gets into a remedy."""
    told = {"errorMessages": [], "errors": {"x\u202ey <b>": "no", "customfield_10010": "no"}}
    cloud.server.replies = [Reply(400, told)]

    with pytest.raises(RefusedError) as caught:
        cloud.tracker().create(draft(fresh_key(), assignee=None))

    assert "something of customfield_10010: " in caught.value.remedy


def test_no_right_to_comment(cloud: JiraRig) -> None:
    """A 403 names every permission that is needed."""
    cloud.server.replies = [Reply(403, {"errorMessages": ["no"], "errors": {}})]

    with pytest.raises(RefusedError) as caught:
        cloud.tracker().add_comment("REV-1", "x")

    assert "Add Comments" in caught.value.remedy
    assert "REV" in caught.value.remedy


def test_a_rate_limit_of_cloud(cloud: JiraRig) -> None:
    """Its headers tell how long; the write is not tried again."""
    headers = {"Retry-After": "41", "RateLimit-Reason": "jira-per-issue-on-write"}
    cloud.server.replies = [Reply(429, "", headers)]

    with pytest.raises(TemporaryError) as caught:
        cloud.tracker().add_comment("REV-1", "x")

    assert caught.value.retry_after == 41.0
    assert not isinstance(caught.value, AmbiguousError)
    assert len(cloud.server.sent) == 1


# -- people --------------------------------------------------------------------------------------


def test_an_account_id_needs_no_look_up(cloud: JiraRig) -> None:
    """It is sent as it is, and known again."""
    key, records = fresh_key(), MemoryRecords()

    made = cloud.ticketing(records).open_once(draft(key, assignee=COMMITTEE1))
    again = cloud.ticketing(records).assign_once(key, COMMITTEE1)

    assert made.notes == ()
    assert made.ticket is not None
    assert made.ticket.assignees == ("committee1",)
    assert again.action is Done.NOTHING
    assert _asked(cloud, "/assignable/search") == []


@pytest.mark.parametrize("who", ["712020:0a1b2c3d-1111-2222-3333-444455556666", "5b10a284" * 3])
def test_both_forms_of_account_ids(cloud: JiraRig, who: str) -> None:
    """Old ones are 24 hexadecimal digits, new ones a number and a UUID."""
    cloud.server.people = [Person("Somebody", who, "somebody@example.org")]

    made = cloud.tracker().create(draft(fresh_key(), assignee=who))

    assert cloud.assignee(made.id) == "Somebody"


@pytest.mark.parametrize("shows", [True, False], ids=["shown", "hidden"])
def test_a_mail_address(cloud: JiraRig, shows: bool) -> None:
    """Jira finds by it even where the person hides it, and does not show it then."""
    cloud.server.people = [Person("Somebody", COMMITTEE1, "some@example.org", shows)]
    key, records = fresh_key(), MemoryRecords()

    made = cloud.ticketing(records).open_once(draft(key, assignee="Some@example.org"))
    again = cloud.ticketing(records).assign_once(key, "some@example.org")

    assert made.notes == ()
    assert cloud.assignee("REV-1") == "Somebody"
    assert again.action is Done.NOTHING


def test_somebody_elses_mail_address_is_not_the_assignee(cloud: JiraRig) -> None:
    """A hidden address is looked up before it is taken for the assignee's."""
    for one in cloud.server.people:
        one.shows_mail = False
    tracker = cloud.tracker()
    ticket = tracker.read(tracker.create(draft(fresh_key())).id)

    assert tracker.is_assigned(ticket, "committee1@example.org")
    assert not tracker.is_assigned(ticket, "committee2@example.org")
    assert not tracker.is_assigned(ticket, "nobody@example.org")


@pytest.mark.parametrize(
    ("names", "who"),
    [
        (("Anna Smith",), "Ann"),
        (("Ann", "Ann"), "Ann"),
        ((), "Ann"),
        (("ann@example.org.evil",), "ann@example.org"),
    ],
    ids=["a beginning", "two", "none", "another mail"],
)
@pytest.mark.parametrize("shows", [True, False], ids=["mail shown", "mail hidden"])
def test_people_who_cannot_be_told(
    cloud: JiraRig, names: Tuple[str, ...], who: str, shows: bool
) -> None:
    """Jira's search takes beginnings for matches: only one whole match counts, and the ticket is
    opened for nobody with a note.
    """
    cloud.server.people = [
        Person(
            name,
            f"5b10a2844c20165700ede2{n:02x}",
            name if "@" in name else f"{n}@example.org",
            shows or "@" in name,
        )
        for n, name in enumerate(names)
    ]

    made = cloud.ticketing().open_once(draft(fresh_key(), assignee=who))

    assert made.action is Done.CREATED
    assert cloud.assignee("REV-1") == ""
    assert f"{who} could not be assigned" in made.notes[0]
    assert len(cloud.server.rows) == 1


def test_somebody_is_looked_up_once(cloud: JiraRig) -> None:
    """An account id does not change."""
    tracker = cloud.tracker()

    for _ in range(2):
        tracker.create(draft(fresh_key()))

    (sent,) = _asked(cloud, "/assignable/search")
    assert sent.query == {"project": "REV", "query": "committee1", "maxResults": "100"}


def test_handing_on_to_somebody_unknown(cloud: JiraRig) -> None:
    """Nothing is sent to the issue."""
    ticket = cloud.tracker().create(draft(fresh_key()))

    with pytest.raises(RefusedError) as caught:
        cloud.tracker().assign(ticket.id, "stranger")

    assert caught.value.status == 422
    assert "roster.members[].tracker" in caught.value.remedy
    assert cloud.assignee(ticket.id) == "committee1"


def test_nobody_is_asked_for(cloud: JiraRig) -> None:
    """The field is left out, so the project's own default holds."""
    cloud.server.lead = cloud.server.people[2]

    made = cloud.ticketing().open_once(draft(fresh_key(), assignee=None))

    assert "assignee" not in _bodies(cloud)[0][2]["fields"]
    assert made.ticket is not None
    assert made.ticket.assignees == ("committee3",)


# -- listings ------------------------------------------------------------------------------------


def _many(rig: JiraRig, number: int) -> List[str]:
    return [rig.server.add(f"n {n}", (SHARED_LABEL, fresh_key())) for n in range(number)]


def test_more_tickets_than_one_page_of_cloud(cloud: JiraRig) -> None:
    """Pages are followed by their tokens."""
    ids = _many(cloud, 230)

    found = cloud.tracker().list_open()

    assert [ticket.id for ticket in found] == ids
    pages = [sent.query.get("nextPageToken") for sent in _asked(cloud, "/search/jql")]
    assert pages == [None, "token-100", "token-200"]


def test_more_tickets_than_one_page_of_a_server(server: JiraServerRig) -> None:
    """Pages go by offset, each beginning with the last row of the one before, whatever the
    server's own limit.
    """
    server.server.page_cap = 70
    ids = _many(server, 150)

    found = server.tracker().list_open()

    assert [ticket.id for ticket in found] == ids
    starts = [sent.query["startAt"] for sent in _asked(server, "/search")]
    assert starts == ["0", "69", "138"]


def test_a_listing_that_moves_while_it_is_read(server: JiraServerRig) -> None:
    """A ticket closed meanwhile moves the rest up by one; the listing is read again."""
    ids = _many(server, 250)
    done: List[bool] = []

    def somebody_closes(start: int) -> None:
        if start and not done:
            done.append(True)
            server.close(ids[0])

    server.server.before_page = somebody_closes

    found = server.tracker().list_open()

    assert [ticket.id for ticket in found] == ids[1:]


def test_a_listing_that_never_stands_still(server: JiraServerRig) -> None:
    """It is given up after some attempts; rows are never missed quietly."""
    ids = _many(server, 250)
    server.server.before_page = lambda start: server.close(ids.pop(0)) if start else None

    with pytest.raises(TemporaryError, match="faster than it is read"):
        server.tracker().list_open()


def test_a_page_that_names_itself_as_the_next(cloud: JiraRig) -> None:
    """It is an error instead of an endless loop."""
    page = Reply(200, {"issues": [], "nextPageToken": "again"})
    cloud.server.replies = [page] * 5

    with pytest.raises(ProtocolError, match="next page"):
        cloud.tracker().list_open()

    assert len(cloud.server.sent) == 2


def test_what_is_not_ours_is_not_listed(cloud: JiraRig) -> None:
    """The shared label alone does not make a ticket of ours."""
    cloud.server.add("somebody's", (SHARED_LABEL,))

    assert cloud.tracker().list_open() == ()


def test_an_open_listing_that_shows_what_is_closed(cloud: JiraRig) -> None:
    """The index may choose by what was, and tell what is."""
    row = {"summary": "x", "labels": [fresh_key()], "status": fake_jira._status("Done")}
    told = {"issues": [{"id": "1", "key": "REV-1", "fields": row}], "isLast": True}
    cloud.server.replies = [Reply(200, told)]

    assert cloud.tracker().list_open() == ()


def test_a_last_page_with_a_token(cloud: JiraRig) -> None:
    """What Cloud calls the last page is the last."""
    cloud.server.replies = [Reply(200, {"issues": [], "isLast": True, "nextPageToken": "more"})]

    assert cloud.tracker().list_open() == ()
    assert len(cloud.server.sent) == 1


def test_a_total_that_is_never_reached(server: JiraServerRig) -> None:
    """A page that brings nothing new is not taken for the end."""
    row = {"summary": "x", "labels": [fresh_key()], "status": fake_jira._status("Open")}
    told = {"total": 2, "issues": [{"id": "1", "key": "REV-1", "fields": row}]}
    server.server.replies = [Reply(200, told)] * 20

    with pytest.raises(TemporaryError):
        server.tracker().list_open()


def test_many_comments(cloud: JiraRig) -> None:
    """The marker is looked for on all pages."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = cloud.ticketing(records)
    ticketing.open_once(draft(key))
    comments = cloud.server.rows["REV-1"].comments
    comments += [{"id": str(n), "body": "talk", "author": None} for n in range(150)]
    ticketing.comment_once(key, "Still.", "level-1")

    outcome = ticketing.comment_once(key, "Still.", "level-1")

    assert outcome.action is Done.NOTHING
    assert len(comments) == 151
    asked = [sent for sent in _asked(cloud, "/comment") if sent.method == "GET"]
    assert {sent.query["orderBy"] for sent in asked} == {"created"}


def test_an_index_that_shows_what_was(cloud: JiraRig) -> None:
    """Issues that the index names are read from the database: one closed a second ago is closed,
    one deleted is gone, one that lost its key is not found.
    """
    keys = [fresh_key() for _ in range(3)]
    closed, deleted, bare = (cloud.tracker().create(draft(key)) for key in keys)
    cloud.hide_from_listings(30)
    cloud.close(closed.id)
    cloud.remove(deleted.id)
    cloud.server.issue(bare.id)["labels"] = []
    tracker = cloud.tracker()

    assert [one.is_open for one in tracker.find(keys[0])] == [False]
    assert tracker.find(keys[1]) == ()
    assert tracker.find(keys[2]) == ()
    assert [cloud.server.index(key) for key in keys] == [[closed.id], [deleted.id], [bare.id]]


def test_a_ticket_of_another_project(cloud: JiraRig) -> None:
    """One that was moved is known by its record, under its new key."""
    key, records = fresh_key(), MemoryRecords()
    cloud.ticketing(records).open_once(draft(key))
    cloud.server.move("REV-1", "OTHER-7")

    outcome = cloud.ticketing(records).open_once(draft(key))
    cloud.ticketing(records).close_once(key, "Done.", "end")

    assert outcome.action is Done.FOUND
    assert outcome.ticket is not None
    assert outcome.ticket.id == "OTHER-7"
    record = records.get(key)
    assert record is not None
    assert record.id == "OTHER-7"
    assert len(cloud.server.rows) == 1


@pytest.mark.parametrize(
    "ticket_id", ["1/../../x", "REV-1/comment", "", "REV-", "10001", "..", "REV-1?x"]
)
def test_hostile_ids_in_records(cloud: JiraRig, ticket_id: str) -> None:
    """They are "not found", and nothing is sent."""
    refuses_id(cloud, ticket_id)


def test_a_lower_case_key_from_a_commit_message(cloud: JiraRig) -> None:
    """Jira takes it, and tells the real one."""
    made = cloud.tracker().create(draft(fresh_key()))

    assert cloud.tracker().read("rev-1").id == made.id


def test_instants_of_another_time_zone(server: JiraServerRig) -> None:
    """Jira writes them in the account's own; they are told in UTC."""
    ticket = server.tracker().create(draft(fresh_key()))
    server.close(ticket.id)
    server.tracker().add_comment(ticket.id, "A word more.")

    read = server.tracker().read(ticket.id)

    assert server.server.issue(ticket.id)["created"].endswith("+0200")
    assert read.opened_at == datetime(2026, 3, 2, 9, 0, 1, tzinfo=timezone.utc)
    assert read.closed_at == read.opened_at


def test_a_closed_issue_without_resolution(server: JiraServerRig) -> None:
    """Jira dates resolutions only, so its last change stands for its end."""
    ticket = server.tracker().create(draft(fresh_key()))
    server.server.put(ticket.id, "Closed")
    server.tracker().add_comment(ticket.id, "A word more.")

    read = server.tracker().read(ticket.id)

    assert read.closed_at == datetime(2026, 3, 2, 9, 0, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "told",
    [
        {"id": "1", "key": "REV-1", "fields": {"summary": "no status"}},
        {"id": "x", "key": "REV-1", "fields": {"status": fake_jira._status("Open")}},
        {
            "id": "1",
            "key": "REV-1",
            "fields": {"status": fake_jira._status("Open"), "created": "?"},
        },
        {"id": "1", "fields": {}},
        [],
    ],
)
def test_answers_that_are_not_understood(cloud: JiraRig, told: Any) -> None:
    """They are told as such."""
    cloud.server.replies = [Reply(200, told)]

    with pytest.raises(ProtocolError):
        cloud.tracker().read("REV-1")


def test_an_unreadable_answer_to_a_creation(cloud: JiraRig) -> None:
    """It may have happened: the listing tells, and nothing is created twice."""
    key = fresh_key()
    cloud.server.garbles = True

    outcome = cloud.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(cloud.server.rows) == 1
    with pytest.raises(AmbiguousError):
        cloud.tracker().create(draft(fresh_key()))


# -- statuses ------------------------------------------------------------------------------------


def _transit(rig: JiraRig) -> Any:
    """What the last transition sent."""
    return [body for _, path, body in _bodies(rig) if path.endswith("/transitions")][-1]


@pytest.mark.parametrize("name", ["Close Issue", "closed"])
def test_a_transition_by_its_name_or_its_status(server: JiraServerRig, name: str) -> None:
    """Either is what people call it."""
    tracker = server.tracker(options={"close": name})
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, CloseReason.COMPLETED)

    assert server.server.issue(ticket.id)["status"]["name"] == "Closed"


@pytest.mark.parametrize(
    ("reason", "resolution"),
    [(CloseReason.COMPLETED, "Fixed"), (CloseReason.NOT_PLANNED, "Won't Fix")],
)
def test_resolutions_by_reason(server: JiraServerRig, reason: CloseReason, resolution: str) -> None:
    """The first of the option's words that the screen offers."""
    tracker = server.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, reason)

    assert tracker.read(ticket.id).resolution == resolution
    assert not tracker.read(ticket.id).is_open


def test_a_screen_that_offers_none_of_our_resolutions(server: JiraServerRig) -> None:
    """The error names those it offers, and the option."""
    tracker = server.tracker(options={"resolution": "Erledigt"})
    ticket = tracker.create(draft(fresh_key()))

    with pytest.raises(ConfigError, match="Fixed, Won't Fix, Duplicate") as caught:
        tracker.close(ticket.id, CloseReason.COMPLETED)

    assert "tracker.options.resolution" in caught.value.remedy


def test_a_transition_that_is_not_there(server: JiraServerRig) -> None:
    """The error names those there are, with where they lead."""
    tracker = server.tracker(options={"close": "Finish"})
    ticket = tracker.create(draft(fresh_key()))

    with pytest.raises(ConfigError) as caught:
        tracker.close(ticket.id, CloseReason.COMPLETED)

    assert "'Finish'" in caught.value.message
    assert "'Resolve Issue' to 'Resolved'" in caught.value.message
    assert "tracker.options.close" in caught.value.remedy


def test_a_closing_transition_that_closes_nothing(server: JiraServerRig) -> None:
    """A status that is not of the category Done is no ending, and the ticket would stay open."""
    tracker = server.tracker(options={"close": "Start Progress"})
    ticket = tracker.create(draft(fresh_key()))

    with pytest.raises(ConfigError, match="category Done"):
        tracker.close(ticket.id, CloseReason.COMPLETED)

    assert tracker.read(ticket.id).is_open


def test_a_transition_that_wants_more(cloud: JiraRig) -> None:
    """The remedy names the field, and the option for another transition."""
    moves = (("31", "Done", "Done", {"customfield_10020": ("x",)}),)
    cloud.server.workflow["To Do"] = moves
    ticket = cloud.tracker().create(draft(fresh_key()))

    with pytest.raises(RefusedError) as caught:
        cloud.tracker().close(ticket.id, CloseReason.COMPLETED)

    assert "customfield_10020" in caught.value.remedy
    assert "tracker.options.close" in caught.value.remedy


def test_no_right_to_move_issues(cloud: JiraRig) -> None:
    """Jira then lists no transitions, without an error."""
    ticket = cloud.tracker().create(draft(fresh_key()))
    cloud.server.permissions.discard("transition")

    with pytest.raises(ConfigError, match="there are: none") as caught:
        cloud.tracker().close(ticket.id, CloseReason.COMPLETED)

    assert "Transition Issues" in caught.value.remedy


def test_a_rejecting_status_is_not_for_what_was_reviewed(cloud: JiraRig) -> None:
    """An ending that means "leave us alone" is never chosen by itself: nothing would be opened
    for the change again.
    """
    moves = (("41", "Reject", "Rejected", {}), *fake_jira.SIMPLE["To Do"])
    cloud.server.workflow["To Do"] = moves
    ticket = cloud.tracker().create(draft(fresh_key()))

    cloud.tracker().close(ticket.id, CloseReason.COMPLETED)

    assert cloud.tracker().read(ticket.id).resolution == "Done"


def test_reopened_to_where_work_has_not_begun(cloud: JiraRig) -> None:
    """The category To Do goes first, whatever the order of the transitions."""
    cloud.server.workflow["Done"] = fake_jira.SIMPLE["Done"][::-1]
    ticket = cloud.tracker().create(draft(fresh_key()))
    cloud.close(ticket.id)

    cloud.tracker().reopen(ticket.id)

    assert cloud.server.issue(ticket.id)["status"]["name"] == "To Do"


def test_reopened_by_name(cloud: JiraRig) -> None:
    """The option says otherwise."""
    ticket = cloud.tracker().create(draft(fresh_key()))
    cloud.close(ticket.id)

    cloud.tracker(options={"reopen": "In Progress"}).reopen(ticket.id)

    assert cloud.server.issue(ticket.id)["status"]["name"] == "In Progress"


def test_a_reopening_screen_with_a_resolution(cloud: JiraRig) -> None:
    """What is open has none, so none is given."""
    screen: Any = {"resolution": (None, "Done")}
    cloud.server.workflow["Done"] = (("11", "To Do", "To Do", screen),)
    ticket = cloud.tracker().create(draft(fresh_key()))
    cloud.close(ticket.id)

    cloud.tracker().reopen(ticket.id)

    assert _transit(cloud) == {"transition": {"id": "11"}}


def test_what_is_closed_or_open_already(cloud: JiraRig) -> None:
    """Nothing is sent for it."""
    tracker = cloud.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.reopen(ticket.id)
    cloud.close(ticket.id)
    tracker.close(ticket.id, CloseReason.NOT_PLANNED)

    assert len(_bodies(cloud)) == 1


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("option", ["close", "reopen"])
def test_two_runs_that_move_one_issue(server: JiraServerRig, option: str, at: int) -> None:
    """Whoever comes second, before any of its calls, finds it done: it is no error, and the issue
    is moved once.
    """
    tracker = server.tracker()
    ticket = tracker.create(draft(fresh_key()))
    if option == "reopen":
        server.close(ticket.id)
    wire = Wire(server.server)
    second = server.tracker(wire)

    def faster(number: int, _request: Any) -> None:
        if number == at:
            _moved(tracker, option, ticket.id)

    wire.before = faster

    _moved(second, option, ticket.id)

    status = server.server.issue(ticket.id)["status"]["name"]
    assert status == ("Resolved" if option == "close" else "Reopened")


def _moved(tracker: Tracker, option: str, ticket_id: str) -> None:
    if option == "close":
        tracker.close(ticket_id, CloseReason.COMPLETED)
    else:
        tracker.reopen(ticket_id)


@pytest.mark.parametrize("option", ["close", "reopen"])
def test_a_transition_that_is_refused(server: JiraServerRig, option: str) -> None:
    """It is an error as long as the issue is not where it should be."""
    ticket = server.tracker().create(draft(fresh_key()))
    if option == "reopen":
        server.close(ticket.id)
    refusal = Reply(400, {"errorMessages": ["A condition is not met."], "errors": {}})
    wire = answering(server.server, refusal, lambda request: request.method == "POST", times=1)

    with pytest.raises(RefusedError, match="condition"):
        _moved(server.tracker(wire), option, ticket.id)


@pytest.mark.parametrize(
    ("status", "resolution", "word", "left_alone"),
    [
        ("Rejected", "Done", "Rejected", True),
        ("Resolved", "Won't Fix", "Won't Fix", True),
        ("Resolved", "Fixed", "Fixed", False),
        ("Closed", None, "Closed", False),
    ],
)
def test_how_people_say_leave_us_alone(
    server: JiraServerRig, status: str, resolution: str, word: str, left_alone: bool
) -> None:
    """By a resolution or by a status, since simple projects end everything as Done."""
    key = fresh_key()
    ticket = server.tracker().create(draft(key))
    server.server.workflow["Rejected"] = fake_jira.CLASSIC["Closed"]
    server.server.put(ticket.id, status, resolution)

    read = server.tracker().read(ticket.id)
    outcome = server.ticketing(policy=ReopenPolicy()).open_once(draft(key))

    assert read.resolution == word
    assert (outcome.action is Done.NOTHING) is left_alone


# -- duplicates ----------------------------------------------------------------------------------


def _twins(rig: JiraRig) -> Tuple[str, str, str]:
    """A key with two tickets, the second of which is retired."""
    key = fresh_key()
    tracker = rig.tracker()
    first, second = tracker.create(draft(key)), tracker.create(draft(key))
    tracker.close_duplicate(second.id, first)
    return key, first.id, second.id


def test_a_duplicate_is_linked_to_the_one_that_stays(server: JiraServerRig) -> None:
    """The second "duplicates" the first, by resolution and link, and has no key any more."""
    key, first, second = _twins(server)

    assert server.server.links == [
        {"type": "Duplicate", "inwardIssue": second, "outwardIssue": first}
    ]
    assert ("PUT", f"/issue/{second}", {"update": {"labels": [{"remove": key}]}}) in _bodies(server)
    assert server.tracker().read(second).resolution == "Duplicate"
    assert server.server.issue(second)["labels"] == [SHARED_LABEL]


@pytest.mark.parametrize(
    "answers",
    [
        [Reply(200, {"issueLinkTypes": [{"name": "Blocks"}]})],
        [Reply(404, {"errorMessages": ["Issue linking is currently disabled."], "errors": {}})],
        [Reply(200, {"issueLinkTypes": [{"name": "Duplicate"}]}), Reply(401, "No Link Issue")],
        [Reply(200, {"issueLinkTypes": [{"name": "Duplicate"}]}), Reply(502, "")],
    ],
    ids=["no such type", "links switched off", "no permission", "lost"],
)
def test_a_duplicate_that_cannot_be_linked(cloud: JiraRig, answers: List[Reply]) -> None:
    """The link is an extra: the comment names the other ticket."""
    key = fresh_key()
    tracker = cloud.tracker()
    first, second = tracker.create(draft(key)), tracker.create(draft(key))
    wire = Wire(cloud.server)

    def queue(_number: int, request: Any) -> None:
        if request.method == "GET" and request.path.endswith("/issueLinkType"):
            cloud.server.replies = list(answers)

    wire.before = queue

    cloud.tracker(wire).close_duplicate(second.id, first)

    assert cloud.server.replies == []
    assert cloud.server.links == []
    assert [ticket.id for ticket in cloud.tracker().find(key)] == [first.id]


@pytest.mark.parametrize("at", range(1, 6))
def test_two_runs_that_retire_one_duplicate(server: JiraServerRig, at: int) -> None:
    """Whoever comes second, before any of its calls, finds it done."""
    key = fresh_key()
    tracker = server.tracker(options={"close": "Closed"})
    first, second = tracker.create(draft(key)), tracker.create(draft(key))
    wire = Wire(server.server)

    def faster(number: int, _request: Any) -> None:
        if number == at:
            server.server.put(second.id, "Closed", "Duplicate")
            server.server.issue(second.id)["labels"] = [SHARED_LABEL]

    wire.before = faster

    server.tracker(wire, options={"close": "Closed"}).close_duplicate(second.id, first)

    assert [ticket.id for ticket in tracker.find(key)] == [first.id]


def test_a_closed_issue_that_cannot_be_edited(server: JiraServerRig) -> None:
    """The classic workflow freezes what is Closed: the error says what to do, once, and the next
    run goes on with the first ticket.
    """
    key = fresh_key()
    options = {"close": "Closed"}
    tracker = server.tracker(options=options)
    first, second = tracker.create(draft(key)), tracker.create(draft(key))

    with pytest.raises(RefusedError) as caught:
        tracker.close_duplicate(second.id, first)
    outcome = server.ticketing().open_once(draft(key))

    assert f"label {key} off {second.id}" in caught.value.remedy
    assert "tracker.options.close" in caught.value.remedy
    assert outcome.action is Done.FOUND
    assert outcome.ticket is not None
    assert outcome.ticket.id == first.id
