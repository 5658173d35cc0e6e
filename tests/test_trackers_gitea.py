"""What Gitea and Forgejo are like, against the fake of ``fake_gitea``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator

import pytest

from fake_gitea import BOT, HOST, REPO, TOKEN, FakeGitea
from fake_http import Reply
from reviewloop.errors import AmbiguousError, AuthError, ProtocolError, RefusedError, TemporaryError
from reviewloop.http.messages import Request
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.gitea import Gitea
from reviewloop.trackers.outcomes import Done
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.ticketing import Ticketing
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason
from rig_gitea import GiteaRig
from stores import MemoryRecords
from trackers_rig import NOW, Wire, draft, fresh_key, losing

API = "/api/v1"
PLACE = f"{API}/repos/{REPO}"
PAGE = {"limit": "50", "page": "1"}
LISTING = {"type": "issues", "created_by": BOT, "state": "all", **PAGE}


@pytest.fixture
def gitea() -> GiteaRig:
    """A fresh fake Gitea."""
    return GiteaRig()


@pytest.fixture(autouse=True)
def _decent(gitea: GiteaRig) -> Iterator[None]:
    """Whatever a test made the adapter send: no index was asked, and the token stayed hidden."""
    yield
    for sent in gitea.server.sent:
        assert sent.headers["Authorization"].startswith("token ")
        assert TOKEN not in sent.path + str(sent.query) + str(sent.body)
        assert "q" not in sent.query


def _body(key: str) -> str:
    return f"x\n\n{fmt.marker(key, BodyFormat.MARKDOWN)}"


# -- what is sent ----------------------------------------------------------------------------------


def test_what_is_sent_through_a_whole_life(gitea: GiteaRig) -> None:
    """Opening, commenting, handing on, closing, reopening: every write as Gitea describes it."""
    key, records = fresh_key(), MemoryRecords()
    label = gitea.server.add_label(SHARED_LABEL)
    ticketing = gitea.ticketing(records)

    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "Still.", "level-1")
    ticketing.assign_once(key, "committee2")
    ticketing.close_once(key, "Done.", "end")
    outcome = ticketing.open_once(draft(key))

    assert outcome.action is Done.REOPENED
    writes = [(s.method, s.path, s.body) for s in gitea.server.sent if s.method != "GET"]
    assert writes == [
        (
            "POST",
            f"{PLACE}/issues",
            {
                "title": "Review wanted: 4711",
                "body": f"It waits.\n\n<!-- grv:{key} -->",
                "labels": [label],
                "assignees": ["committee1"],
            },
        ),
        (
            "POST",
            f"{PLACE}/issues/1/comments",
            {"body": f"Still.\n\n<!-- grv:{key}/level-1 -->"},
        ),
        ("PATCH", f"{PLACE}/issues/1", {"assignees": ["committee2"]}),
        ("POST", f"{PLACE}/issues/1/comments", {"body": f"Done.\n\n<!-- grv:{key}/end -->"}),
        ("PATCH", f"{PLACE}/issues/1", {"state": "closed"}),
        ("PATCH", f"{PLACE}/issues/1", {"state": "open"}),
    ]


def test_what_is_asked(gitea: GiteaRig) -> None:
    """The listing names all that Gitea would choose otherwise."""
    gitea.server.add_label(SHARED_LABEL)
    gitea.ticketing().open_once(draft(fresh_key()))

    reads = [(s.path, s.query) for s in gitea.server.sent if s.method == "GET"]

    assert reads == [
        (f"{API}/user", {}),
        (f"{PLACE}/issues", LISTING),
        (f"{PLACE}/labels", PAGE),
        (f"{PLACE}/issues/1", {}),
        (f"{PLACE}/issues", LISTING),
    ]


def test_a_recorded_ticket_is_looked_up_cheaply(gitea: GiteaRig) -> None:
    """With a record only what changed since the day before it was opened is listed."""
    key, records = fresh_key(), MemoryRecords()
    gitea.ticketing(records).open_once(draft(key))
    gitea.server.sent.clear()

    outcome = gitea.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert [sent.method for sent in gitea.server.sent] == ["GET"] * 3
    assert gitea.server.sent[-1].query["since"].startswith("2026-03-01T09:00:")


def test_a_server_below_a_path() -> None:
    """The path belongs to the API's address and to the name."""
    rig = GiteaRig()
    rig.server.base = "/git"
    tracker = rig.tracker(url=f"{HOST}/git/")

    assert tracker.whoami() == BOT
    assert tracker.name == f"gitea:gitea.example.org/git/{REPO}"


# -- labels ----------------------------------------------------------------------------------------


def test_a_label_that_is_not_there_yet(gitea: GiteaRig) -> None:
    """It is created once; the next ticket finds it."""
    gitea.ticketing().open_once(draft(fresh_key()))
    gitea.ticketing().open_once(draft(fresh_key()))

    made = [s.body for s in gitea.server.sent if s.path == f"{PLACE}/labels" and s.body]

    assert [body["name"] for body in made] == [SHARED_LABEL]
    assert list(gitea.server.labels.values()) == [SHARED_LABEL]
    assert gitea.tracker().read("2").labels == (SHARED_LABEL,)


def test_a_label_beyond_the_first_page(gitea: GiteaRig) -> None:
    """Labels are listed by name; all pages are read."""
    for number in range(120):
        gitea.server.add_label(f"area {number}")
    wanted = gitea.server.add_label(SHARED_LABEL)

    gitea.tracker().create(draft(fresh_key()))

    assert gitea.server.sent[-1].body["labels"] == [wanted]
    assert len(gitea.server.labels) == 121


def test_two_labels_of_one_name(gitea: GiteaRig) -> None:
    """The older one is taken, by every run."""
    wanted = gitea.server.add_label(SHARED_LABEL)
    gitea.server.add_label(SHARED_LABEL)

    gitea.tracker().create(draft(fresh_key()))

    assert gitea.server.sent[-1].body["labels"] == [wanted]


def test_a_label_of_the_organization(gitea: GiteaRig) -> None:
    """It is taken if the repository has none of that name."""
    gitea.server.org_labels = {7: "other", 8: SHARED_LABEL}

    ticket = gitea.tracker().create(draft(fresh_key()))

    assert gitea.server.sent[-1].body["labels"] == [8]
    assert ticket.labels == (SHARED_LABEL,)
    assert gitea.server.labels == {}


def test_a_token_that_may_not_see_the_organization(gitea: GiteaRig) -> None:
    """Then the label is the repository's."""
    gitea.server.org_labels = {8: SHARED_LABEL}
    gitea.server.scopes.remove("read:organization")

    ticket = gitea.tracker().create(draft(fresh_key()))

    assert ticket.labels == (SHARED_LABEL,)
    assert list(gitea.server.labels.values()) == [SHARED_LABEL]


def test_a_label_that_two_runs_create(gitea: GiteaRig) -> None:
    """Names are not unique: each keeps the lowest, and takes its own away again."""
    wire = Wire(gitea.network())
    made = []

    def other(_number: int, request: Request) -> None:
        if request.method == "POST" and not made:
            made.append(gitea.server.add_label(SHARED_LABEL))

    wire.before = other
    ticket = gitea.tracker(wire).create(draft(fresh_key()))

    assert list(gitea.server.labels) == made
    assert ticket.labels == (SHARED_LABEL,)


def test_a_label_whose_creation_was_lost(gitea: GiteaRig) -> None:
    """It is looked for; where it is not there the ticket is opened without it."""
    made, lost = losing(gitea.network(), 1, done=True), losing(gitea.network(), 1, done=False)

    without = gitea.ticketing(transport=lost).open_once(draft(fresh_key()))
    with_it = gitea.ticketing(transport=made).open_once(draft(fresh_key()))

    assert [note.partition(":")[0] for note in without.notes] == ["labels were dropped"]
    assert with_it.notes == ()
    assert list(gitea.server.labels.values()) == [SHARED_LABEL]


# -- listings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("longest_page", [50, 10])
@pytest.mark.parametrize("has_totals", [True, False])
def test_a_ticket_beyond_the_first_page(
    gitea: GiteaRig, longest_page: int, has_totals: bool
) -> None:
    """All pages are read, however short the server makes them, and though its links lead to an
    address of its own.
    """
    key = fresh_key()
    expected = gitea.server.add_issue("ours", _body(key))
    for number in range(125):
        gitea.server.add_issue(f"newer {number}")
    gitea.server.longest_page, gitea.server.has_totals = longest_page, has_totals

    found = gitea.tracker().find(key)

    assert [ticket.number for ticket in found] == [expected]
    pages = [int(sent.query["page"]) for sent in gitea.server.sent if "page" in sent.query]
    last = -(-126 // longest_page)
    assert pages == list(range(1, last + 1 if has_totals else last + 2))


@pytest.mark.parametrize("knows_types", [True, False])
def test_pull_requests(gitea: GiteaRig, knows_types: bool) -> None:
    """One is no ticket, whatever it says, even where a server lists it."""
    key = fresh_key()
    gitea.server.knows_types = knows_types
    gitea.server.add_issue("ours", _body(key), pull_request={"merged": False})

    assert gitea.tracker().find(key) == ()
    assert gitea.server.sent[-1].query["type"] == "issues"


def test_an_issue_that_is_opened_while_pages_are_read(gitea: GiteaRig) -> None:
    """It pushes another to the next page, where that comes again; nothing is counted twice."""
    key = fresh_key()
    for number in range(99):
        gitea.server.add_issue(f"older {number}", _body(key))
    wire = Wire(gitea.network())
    wire.after = lambda number, _request: gitea.server.add_issue("new") if number == 2 else None

    found = gitea.tracker(wire).find(key)

    assert [ticket.number for ticket in found] == list(range(1, 100))


def test_a_listing_that_loses_a_row_meanwhile(gitea: GiteaRig) -> None:
    """A row that slipped from the second page to the first was never seen: it is listed again."""
    key = fresh_key()
    for number in range(49):
        gitea.server.add_issue(f"oldest {number}")
    expected = gitea.server.add_issue("ours", _body(key))
    for number in range(50):
        gitea.server.add_issue(f"newer {number}")
    wire = Wire(gitea.network())
    wire.after = lambda number, _request: gitea.server.delete(100) if number == 2 else None

    found = gitea.tracker(wire).find(key)

    assert [ticket.number for ticket in found] == [expected]


def test_a_listing_that_loses_rows_all_the_time(gitea: GiteaRig) -> None:
    """It is given up before anything is written on its word."""
    for number in range(150):
        gitea.server.add_issue(f"older {number}")
    wire = Wire(gitea.network())

    def lose(_number: int, request: Request) -> None:
        if "/issues" in request.target:
            gitea.server.delete(max(gitea.server.rows))

    wire.after = lose

    with pytest.raises(TemporaryError, match="changes faster than it is read"):
        gitea.ticketing(transport=wire).open_once(draft(fresh_key()))
    assert wire.writes == []


def test_a_marker_in_somebody_elses_issue(gitea: GiteaRig) -> None:
    """An issue that only quotes a marker is not taken for a ticket."""
    key = fresh_key()
    gitea.server.add_issue("copy", _body(key), by="visitor")

    assert gitea.ticketing().open_once(draft(key)).action is Done.CREATED


def test_an_issue_of_ours_without_key(gitea: GiteaRig) -> None:
    """The sweep does not see what the account opened for other reasons."""
    gitea.server.add_issue("by hand")

    assert gitea.tracker().list_open() == ()
    assert gitea.server.sent[-1].query["state"] == "open"


def test_an_issue_that_cannot_be_loaded(gitea: GiteaRig) -> None:
    """Gitea answers an empty one with 200; to take it for another would be to write twice."""
    key = fresh_key()
    gitea.ticketing().open_once(draft(key))
    gitea.server.blocked = {1}

    with pytest.raises(ProtocolError, match="has no number"):
        gitea.ticketing().open_once(draft(key))
    assert len(gitea.server.rows) == 1


@pytest.mark.parametrize("has_totals", [True, False])
def test_many_comments(gitea: GiteaRig, has_totals: bool) -> None:
    """Comments come all at once, whatever page is asked for; each counts once."""
    key, records = fresh_key(), MemoryRecords()
    gitea.server.has_totals = has_totals
    ticketing = gitea.ticketing(records)
    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "Still.", "level-1")
    comments = gitea.server.rows[1].comments
    comments[:0] = [{"id": n, "body": f"talk {n}", "user": None} for n in range(150)]

    told = gitea.tracker().comments("1")

    assert [one.text for one in told[:150]] == [f"talk {n}" for n in range(150)]
    assert (len(told), told[0].author, told[-1].author) == (151, "", BOT)
    assert ticketing.comment_once(key, "Still.", "level-1").action is Done.NOTHING


# -- assignees -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["Committee3", "committee3", "@Committee3"])
def test_how_a_roster_may_name_a_person(gitea: GiteaRig, who: str) -> None:
    """By login, in any case and with an @, when opening and when handing on."""
    first, second = MemoryRecords(), MemoryRecords()
    one, two = fresh_key(), fresh_key()

    made = gitea.ticketing(first).open_once(draft(one, assignee=who))
    again = gitea.ticketing(first).assign_once(one, who)
    gitea.ticketing(second).open_once(draft(two))
    handed = gitea.ticketing(second).assign_once(two, who)

    assert made.notes == ()
    assert again.action is Done.NOTHING
    assert handed.action is Done.ASSIGNED
    assert (gitea.assignee("1"), gitea.assignee("2")) == ("Committee3", "Committee3")


def test_a_person_without_access(gitea: GiteaRig) -> None:
    """Gitea refuses to assign such a person; the ticket is opened for nobody."""
    outcome = gitea.ticketing().open_once(draft(fresh_key(), assignee="visitor"))

    assert outcome.action is Done.CREATED
    assert gitea.assignee("1") == ""
    assert "visitor could not be assigned" in outcome.notes[0]


def test_anybody_in_a_public_repository(gitea: GiteaRig) -> None:
    """Whoever may read pull requests can be assigned there, though not listed for it."""
    gitea.server.is_private = False
    one, two, records = fresh_key(), fresh_key(), MemoryRecords()

    made = gitea.ticketing().open_once(draft(one, assignee="visitor"))
    gitea.ticketing(records).open_once(draft(two))
    handed = gitea.ticketing(records).assign_once(two, "visitor")

    assert made.notes == ()
    assert handed.action is Done.ASSIGNED


@pytest.mark.parametrize(
    ("who", "is_private", "has_pull_requests"),
    [
        ("visitor", True, True),
        ("visitor", False, False),
        ("stranger", False, True),
        ("../user", False, True),
    ],
)
def test_handing_on_to_a_person_who_cannot_be_assigned(
    gitea: GiteaRig, who: str, is_private: bool, has_pull_requests: bool
) -> None:
    """Gitea would take the others off first and then answer 500, so it is not asked to."""
    key, records = fresh_key(), MemoryRecords()
    gitea.server.is_private = is_private
    gitea.server.has_pull_requests = has_pull_requests
    gitea.ticketing(records).open_once(draft(key))

    (note,) = gitea.ticketing(records).assign_once(key, who).notes

    assert "roster.members[].tracker.gitea" in note
    assert gitea.assignee("1") == "committee1"


def test_a_token_that_may_not_see_who_can_be_assigned(gitea: GiteaRig) -> None:
    """Then it is tried."""
    key, records = fresh_key(), MemoryRecords()
    gitea.server.scopes.remove("read:repository")
    gitea.ticketing(records).open_once(draft(key))

    assert gitea.ticketing(records).assign_once(key, "committee2").action is Done.ASSIGNED


def test_assignees_that_cannot_be_listed(gitea: GiteaRig) -> None:
    """Any other refusal is told."""
    tracker = gitea.tracker()
    tracker.create(draft(fresh_key()))
    gitea.server.replies = [Reply(404, {"message": "not found"})]

    with pytest.raises(RefusedError) as caught:
        tracker.assign("1", "committee2")

    assert caught.value.status == 404
    assert gitea.assignee("1") == "committee1"


def test_users_that_may_not_be_seen(gitea: GiteaRig) -> None:
    """So is a token that may not look whether there is such a person."""
    tracker = gitea.tracker()
    tracker.create(draft(fresh_key()))
    gitea.server.is_private = False
    gitea.server.scopes.remove("read:user")

    with pytest.raises(RefusedError) as caught:
        tracker.assign("1", "visitor")

    assert caught.value.status == 403
    assert gitea.assignee("1") == "committee1"


def test_an_assignee_who_loses_access_at_that_moment(gitea: GiteaRig) -> None:
    """Gitea answers 400 and has opened the ticket: it is found, and none is opened twice."""
    key = fresh_key()
    gitea.server.loses = {"committee1"}

    outcome = gitea.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert gitea.all_ids(key) == ["1"]
    assert "committee1 was not assigned" in outcome.notes[0]


# -- permissions -----------------------------------------------------------------------------------


def test_an_account_without_write_access(gitea: GiteaRig) -> None:
    """It may open tickets; what was dropped is named with the access to give."""
    gitea.server.writes = False
    key, records = fresh_key(), MemoryRecords()

    made = gitea.ticketing(records).open_once(draft(key))
    handed = gitea.ticketing(records).assign_once(key, "committee2")
    closed = gitea.ticketing(records).close_once(key, "Done.", "end")

    assert len(made.notes) == 2
    assert "committee1 was not assigned" in made.notes[0]
    assert "labels were dropped: review-escalation" in made.notes[1]
    assert "may write" in made.notes[1]
    assert handed.reason == "the tracker dropped the assignee"
    assert closed.action is Done.CLOSED


@pytest.mark.parametrize("refuses", [True, False])
def test_a_wrong_token(gitea: GiteaRig, refuses: bool) -> None:
    """Older versions take it for nobody's and answer what is public: who we are is asked first."""
    gitea.server.refuses_wrong_tokens = refuses

    with pytest.raises(AuthError):
        Ticketing(gitea.tracker(token="wrong"), MemoryRecords(), lambda: NOW).open_once(
            draft(fresh_key())
        )

    assert [sent.path for sent in gitea.server.sent] == [f"{API}/user"]


@pytest.mark.parametrize("scope", ["write:issue", "read:user"])
def test_a_token_without_a_scope(gitea: GiteaRig, scope: str) -> None:
    """All that it needs are named."""
    gitea.server.scopes.remove(scope)

    with pytest.raises(RefusedError) as caught:
        gitea.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 403
    assert scope in caught.value.remedy
    assert "tracker.token" in caught.value.remedy


def test_an_account_that_was_just_made(gitea: GiteaRig) -> None:
    """It may do nothing before its password is changed, as Gitea says and the remedy, too."""
    gitea.server.must_change_password = True

    with pytest.raises(RefusedError, match="must change your password") as caught:
        gitea.tracker().whoami()

    assert "password" in caught.value.remedy


def test_a_repository_that_is_not_there(gitea: GiteaRig) -> None:
    """Or that the account may not see, or without issues: Gitea does not tell which."""
    with pytest.raises(RefusedError) as caught:
        gitea.tracker(project="example/gone").find(fresh_key())

    assert caught.value.status == 404
    assert "tracker.project" in caught.value.remedy


def test_a_renamed_repository(gitea: GiteaRig) -> None:
    """A redirect is not followed, since the credential would go along."""
    gitea.server.renamed = True

    with pytest.raises(RefusedError) as caught:
        gitea.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 307
    assert "new name" in caught.value.remedy


def test_an_archived_repository(gitea: GiteaRig) -> None:
    """Nothing is opened there."""
    gitea.server.is_archived = True

    with pytest.raises(RefusedError) as caught:
        gitea.tracker().create(draft(fresh_key()))

    assert caught.value.status == 423
    assert "archived" in caught.value.remedy


# -- a ticket's life -------------------------------------------------------------------------------


def test_a_ticket_that_depends_on_another(gitea: GiteaRig) -> None:
    """Gitea does not close it, and the remedy says what to do."""
    tracker = gitea.tracker()
    ticket = tracker.create(draft(fresh_key()))
    gitea.server.change(1, depends=True)

    with pytest.raises(RefusedError) as caught:
        tracker.close(ticket.id, CloseReason.COMPLETED)

    assert caught.value.status == 412
    assert "depends on" in caught.value.remedy


def test_a_duplicate(gitea: GiteaRig) -> None:
    """It is closed and loses its key in one call."""
    key = fresh_key()
    tracker = gitea.tracker()
    first, second = tracker.create(draft(key)), tracker.create(draft(key))

    tracker.close_duplicate(second.id, first)

    assert gitea.server.sent[-1].body == {
        "state": "closed",
        "body": f"It waits.\n\n<!-- grv:{key}/duplicate -->",
    }
    assert tracker.find(key) == (first,)


def test_a_duplicate_without_a_body(gitea: GiteaRig) -> None:
    """Somebody emptied it: it is closed."""
    tracker = gitea.tracker()
    first, second = tracker.create(draft(fresh_key())), tracker.create(draft(fresh_key()))
    gitea.server.change(2, body="")

    tracker.close_duplicate(second.id, first)

    assert not tracker.read(second.id).is_open
    assert tracker.read(second.id).key is None


# -- answers ---------------------------------------------------------------------------------------


def test_an_unreadable_answer_to_a_creation(gitea: GiteaRig) -> None:
    """The creation may have happened: the listing tells, and nothing is created twice."""
    key = fresh_key()
    gitea.server.garbles = True

    with pytest.raises(AmbiguousError):
        gitea.tracker().create(draft(fresh_key()))
    outcome = gitea.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert gitea.all_ids(key) == ["2"]


@pytest.mark.parametrize(("offset", "hour"), [("Z", 9), ("+02:00", 7)])
def test_a_server_with_a_time_zone(gitea: GiteaRig, offset: str, hour: int) -> None:
    """Instants come with its offset."""
    gitea.server.add_label(SHARED_LABEL)
    gitea.server.offset = offset

    ticket = gitea.tracker().create(draft(fresh_key()))

    assert ticket.opened_at == datetime(2026, 3, 2, hour, 0, 2, tzinfo=timezone.utc)
    assert ticket.closed_at is None


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"state": "open"},
        {"number": "1", "state": "open"},
        {"number": 0, "state": ""},
        {"number": 1},
        {"number": 1, "state": "open", "created_at": "yesterday"},
    ],
)
def test_an_answer_of_another_shape(gitea: GiteaRig, answer: Any) -> None:
    """It is named as such, whatever it is."""
    gitea.server.replies = [Reply(200, answer)]

    with pytest.raises(ProtocolError):
        gitea.tracker().read("1")


@pytest.mark.parametrize("row", ["x", {}, {"id": "1"}])
def test_a_row_of_another_shape(gitea: GiteaRig, row: Any) -> None:
    """So is a row of a listing."""
    gitea.server.replies = [Reply(200, [row])]

    with pytest.raises(ProtocolError):
        gitea.tracker().comments("1")


def test_a_repository_whose_name_begins_with_a_dot() -> None:
    """Such names are usual for profiles and settings."""
    settings = TrackerSettings("gitea", url=HOST, project="example/.profile", token="x")

    assert Gitea(settings, transport=FakeGitea()).name == "gitea:gitea.example.org/example/.profile"
