"""GitLab's own habits, against the fake of ``fake_gitlab``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator, List

import pytest

from fake_gitlab import BOT, HOST, PROJECT, TOKEN
from fake_http import Reply
from reviewloop.errors import ProtocolError, RefusedError, TemporaryError
from reviewloop.http.messages import Request
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.gitlab.quick_actions import without_commands
from reviewloop.trackers.outcomes import Done
from reviewloop.trackers.tickets import CloseReason
from rig_gitlab import GitLabRig
from stores import MemoryRecords
from trackers_rig import Wire, draft, fresh_key, whole_life

API = "/api/v4"
ISSUES = f"{API}/projects/group%2Fsub%2Fproject/issues"
LISTING = {
    "scope": "all",
    "state": "all",
    "author_username": BOT,
    "order_by": "created_at",
    "sort": "asc",
    "per_page": "100",
    "page": "1",
}
COMMANDS = [
    "/close",
    "  /close",
    "\t/assign @me",
    "/CLOSE now",
    "text\n/close\ntext",
    "text\r/close",
    "text\n\r/close",
    "text\r\n\r\n/label ~wontfix\n",
    "\x00/close",
    "\u202e/title Nothing",
    "```\n/close\n```",
]


@pytest.fixture
def gitlab() -> GitLabRig:
    """A fresh fake GitLab."""
    return GitLabRig()


@pytest.fixture(autouse=True)
def _decent(gitlab: GitLabRig) -> Iterator[None]:
    """Whatever a test made the adapter send: nothing was executed, searched, or given away."""
    yield
    assert gitlab.server.executed == []
    for sent in gitlab.server.sent:
        assert sent.headers["PRIVATE-TOKEN"] == TOKEN
        assert TOKEN not in sent.path + str(sent.query) + str(sent.body)
        assert "search" not in sent.query


def _body(key: str) -> str:
    return f"x\n\n{fmt.marker(key, BodyFormat.MARKDOWN)}"


# -- what is sent ----------------------------------------------------------------------------------


def test_what_is_sent_through_a_whole_life(gitlab: GitLabRig) -> None:
    """Opening, commenting, handing on, closing, reopening: every write as GitLab documents it."""
    key = whole_life(gitlab)

    writes = [(s.method, s.path, s.body) for s in gitlab.server.sent if s.method != "GET"]
    assert writes == [
        (
            "POST",
            ISSUES,
            {
                "title": "Review wanted: 4711",
                "description": f"It waits.\n\n<!-- grv:{key} -->",
                "labels": "review-escalation",
                "assignee_ids": [11],
            },
        ),
        ("POST", f"{ISSUES}/1/notes", {"body": f"Still.\n\n<!-- grv:{key}/level-1 -->"}),
        ("PUT", f"{ISSUES}/1", {"assignee_ids": [12]}),
        ("POST", f"{ISSUES}/1/notes", {"body": f"Done.\n\n<!-- grv:{key}/end -->"}),
        ("PUT", f"{ISSUES}/1", {"state_event": "close"}),
        ("PUT", f"{ISSUES}/1", {"state_event": "reopen"}),
    ]


def test_what_is_asked(gitlab: GitLabRig) -> None:
    """The listing names all that GitLab would choose otherwise; users are asked for by name."""
    gitlab.ticketing().open_once(draft(fresh_key()))

    reads = [(s.path, s.query) for s in gitlab.server.sent if s.method == "GET"]

    assert reads == [
        (f"{API}/user", {}),
        (ISSUES, LISTING),
        (f"{API}/users", {"username": "committee1"}),
        (f"{ISSUES}/1", {}),
        (ISSUES, LISTING),
    ]


def test_a_recorded_ticket_is_looked_up_cheaply(gitlab: GitLabRig) -> None:
    """With a record only what changed since the day before it was opened is listed."""
    key, records = fresh_key(), MemoryRecords()
    gitlab.ticketing(records).open_once(draft(key))
    gitlab.server.sent.clear()

    outcome = gitlab.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert [sent.method for sent in gitlab.server.sent] == ["GET"] * 3
    assert gitlab.server.sent[-1].query["updated_after"] == "2026-03-01T09:00:04Z"


def test_a_project_by_its_number(gitlab: GitLabRig) -> None:
    """The numeric id does as well, and outlives a renaming."""
    tracker = gitlab.tracker(project="42")
    key = fresh_key()

    ticket = tracker.create(draft(key))

    assert tracker.name == "gitlab:gitlab.example.org/42"
    assert tracker.find(key) == (ticket,)
    assert gitlab.server.sent[-1].path == f"{API}/projects/42/issues"


def test_a_server_below_a_path() -> None:
    """The path belongs to the API's address and to the name."""
    rig = GitLabRig()
    rig.server.base = "/git"
    tracker = rig.tracker(url=f"{HOST}/git/")

    assert tracker.whoami() == BOT
    assert tracker.name == f"gitlab:gitlab.example.org/git/{PROJECT}"


# -- commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", COMMANDS)
def test_a_body_that_holds_a_command(gitlab: GitLabRig, text: str) -> None:
    """GitLab would execute it and take it out of the text."""
    key = fresh_key()

    ticket = gitlab.ticketing().open_once(draft(key, body=text)).ticket

    assert ticket is not None
    assert ticket.is_open
    assert ticket.title == "Review wanted: 4711"
    stored = gitlab.server.issue(1)["description"]
    shown = stored.replace(fmt.ZERO_WIDTH_SPACE, "")
    assert shown == fmt.seal(text, key, BodyFormat.MARKDOWN)


@pytest.mark.parametrize("text", COMMANDS)
def test_a_comment_that_holds_a_command(gitlab: GitLabRig, text: str) -> None:
    """The same holds for notes, sealed or not."""
    tracker = gitlab.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.add_comment(ticket.id, text)

    assert tracker.read(ticket.id).is_open
    assert len(gitlab.comments(ticket.id)) == 1


def test_a_duplicate_whose_body_holds_a_command(gitlab: GitLabRig) -> None:
    """A body is sent again to take the key off: what somebody wrote into it stays a text."""
    key = fresh_key()
    tracker = gitlab.tracker()
    first, second = tracker.create(draft(key)), tracker.create(draft(key))
    gitlab.server.change(2, description=f"```\n/title x\n```\n{_body(key)}")

    tracker.close_duplicate(second.id, first)

    assert tracker.read(second.id).title == "Review wanted: 4711"
    assert tracker.find(key) == (first,)


@pytest.mark.parametrize("text", COMMANDS[:5])
def test_a_text_without_commands(text: str) -> None:
    """Nothing but a space that nobody sees is put in, also where only blanks come before."""
    told = without_commands(text)

    assert told != text
    assert told.replace(fmt.ZERO_WIDTH_SPACE, "") == text


def test_slashes_that_begin_no_line() -> None:
    """Paths and addresses within a line are left as they are."""
    text = "see https://g.example.org/c/1 and a/b\n- /dev/null\n> /close\n"

    assert without_commands(text) == text


# -- listings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_headers", [True, False])
def test_a_ticket_beyond_the_first_page(gitlab: GitLabRig, with_headers: bool) -> None:
    """All pages are read, also behind a proxy that takes GitLab's headers off."""
    key = fresh_key()
    for number in range(240):
        gitlab.server.add_issue(f"older {number}")
    expected = gitlab.server.add_issue("ours", _body(key))
    gitlab.server.with_headers = with_headers

    found = gitlab.tracker().find(key)

    assert [ticket.number for ticket in found] == [expected]
    pages = [sent.query["page"] for sent in gitlab.server.sent if "page" in sent.query]
    assert pages == ["1", "2", "3"]


def test_exactly_one_page(gitlab: GitLabRig) -> None:
    """GitLab says that nothing follows, so nothing more is asked."""
    for number in range(100):
        gitlab.server.add_issue(f"older {number}")

    gitlab.tracker().list_open()

    assert [sent.query["page"] for sent in gitlab.server.sent[1:]] == ["1"]


def test_a_listing_that_loses_a_row_meanwhile(gitlab: GitLabRig) -> None:
    """A row that slipped from the second page to the first was never seen: it is listed again."""
    key = fresh_key()
    for number in range(100):
        gitlab.server.add_issue(f"older {number}")
    expected = gitlab.server.add_issue("ours", _body(key))
    wire = Wire(gitlab.network())
    wire.after = lambda number, _request: gitlab.server.delete(1) if number == 2 else None

    found = gitlab.tracker(wire).find(key)

    assert [ticket.number for ticket in found] == [expected]


def test_a_listing_that_loses_rows_all_the_time(gitlab: GitLabRig) -> None:
    """It is given up before anything is written on its word."""
    for number in range(350):
        gitlab.server.add_issue(f"older {number}")
    wire = Wire(gitlab.network())

    def lose(_number: int, request: Request) -> None:
        if "/issues" in request.target:
            gitlab.server.delete(min(gitlab.server.rows))

    wire.after = lose

    with pytest.raises(TemporaryError, match="changes faster than it is read"):
        gitlab.ticketing(transport=wire).open_once(draft(fresh_key()))
    assert wire.writes == []


def test_a_marker_in_somebody_elses_issue(gitlab: GitLabRig) -> None:
    """An issue that only quotes a marker is not taken for a ticket."""
    key = fresh_key()
    gitlab.server.add_issue("copy", _body(key), by="committee3")

    outcome = gitlab.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED


def test_an_issue_of_ours_without_key(gitlab: GitLabRig) -> None:
    """The sweep does not see what the account opened for other reasons."""
    gitlab.server.add_issue("by hand")

    assert gitlab.tracker().list_open() == ()


def test_a_label_taken_off_by_somebody(gitlab: GitLabRig) -> None:
    """The ticket is found by who opened it and by its marker."""
    key = fresh_key()
    gitlab.ticketing().open_once(draft(key))
    gitlab.server.change(1, labels=[])

    assert gitlab.ticketing().open_once(draft(key)).action is Done.FOUND


def test_many_notes(gitlab: GitLabRig) -> None:
    """The marker is looked for on all pages of notes."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = gitlab.ticketing(records)
    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "Still.", "level-1")
    notes = gitlab.server.rows[1].notes
    talk = {"body": "talk", "author": {"username": "x"}, "system": False}
    notes[:0] = [{"id": n, **talk} for n in range(150)]

    assert ticketing.comment_once(key, "Still.", "level-1").action is Done.NOTHING
    assert len(notes) == 151


def test_what_gitlab_notes_down_itself(gitlab: GitLabRig) -> None:
    """That an issue was closed is no comment."""
    tracker = gitlab.tracker()
    ticket = tracker.create(draft(fresh_key()))
    tracker.close(ticket.id, CloseReason.COMPLETED)
    tracker.add_comment(ticket.id, "By hand.")

    told = tracker.comments(ticket.id)

    assert [(one.text, one.author) for one in told] == [("By hand.", BOT)]


# -- assignees -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["Zoe.Q", "zoe.q", "@Zoe.Q", "14"])
def test_how_a_roster_may_name_a_person(gitlab: GitLabRig, who: str) -> None:
    """By username, in any case and with an @, or by user id; and knows the person again."""
    key, records = fresh_key(), MemoryRecords()

    outcome = gitlab.ticketing(records).open_once(draft(key, assignee=who))
    again = gitlab.ticketing(records).assign_once(key, who)

    assert outcome.notes == ()
    assert gitlab.assignee("1") == "Zoe.Q"
    assert again.action is Done.NOTHING
    assert [sent for sent in gitlab.server.sent if sent.method == "PUT"] == []
    asked = [sent.path for sent in gitlab.server.sent if "/users" in sent.path]
    assert len(asked) == (4 if who == "14" else 1), "a person is looked up once a run"


@pytest.mark.parametrize("who", ["stranger", "@stranger", "999"])
def test_a_person_gitlab_does_not_know(gitlab: GitLabRig, who: str) -> None:
    """GitLab would ignore such an id, so the adapter refuses before anything is written."""
    with pytest.raises(RefusedError) as caught:
        gitlab.tracker().create(draft(fresh_key(), assignee=who))

    assert caught.value.status == 422
    assert "roster.members[].tracker.gitlab" in caught.value.remedy
    assert gitlab.server.rows == {}


def test_handing_on_to_a_person_gitlab_does_not_know(gitlab: GitLabRig) -> None:
    """The ticket stays with whom it is with."""
    key, records = fresh_key(), MemoryRecords()
    gitlab.ticketing(records).open_once(draft(key))

    outcome = gitlab.ticketing(records).assign_once(key, "stranger")

    assert any("stranger could not be assigned" in note for note in outcome.notes)
    assert gitlab.assignee("1") == "committee1"


def test_a_person_who_may_not_read_the_project(gitlab: GitLabRig) -> None:
    """GitLab drops the assignee without a word, and the outcome says so."""
    key, records = fresh_key(), MemoryRecords()
    gitlab.server.blind = {"committee1", "committee2"}

    made = gitlab.ticketing(records).open_once(draft(key))
    handed = gitlab.ticketing(records).assign_once(key, "committee2")

    assert "committee1 was not assigned" in made.notes[0]
    assert "may read the ticket" in made.notes[0]
    assert handed.action is Done.NOTHING
    assert "dropped" in handed.reason


@pytest.mark.parametrize("replies", [[], [Reply(200, [])]])
def test_users_that_may_not_be_seen(gitlab: GitLabRig, replies: List[Reply]) -> None:
    """That is a matter of permissions, not of one assignee."""
    refusal = Reply(403, {"message": "403 Forbidden - Not authorized"})
    gitlab.server.replies = [*replies, refusal]

    with pytest.raises(RefusedError) as caught:
        gitlab.tracker().create(draft(fresh_key(), assignee="14"))

    assert caught.value.status == 403


# -- permissions -----------------------------------------------------------------------------------


def test_an_account_that_is_no_member(gitlab: GitLabRig) -> None:
    """In a public project it may open tickets; what was dropped is named with the role to give."""
    gitlab.server.role = "none"
    key = fresh_key()

    made = gitlab.ticketing().open_once(draft(key))

    assert len(made.notes) == 2
    assert "committee1 was not assigned" in made.notes[0]
    assert "labels were dropped: review-escalation" in made.notes[1]
    assert "Planner" in made.notes[1]
    assert gitlab.ticketing().open_once(draft(key)).action is Done.FOUND


def test_a_guest(gitlab: GitLabRig) -> None:
    """May not make the label, nor hand a ticket on; both are told."""
    key, records = fresh_key(), MemoryRecords()
    gitlab.server.role = "guest"

    made = gitlab.ticketing(records).open_once(draft(key))
    handed = gitlab.ticketing(records).assign_once(key, "committee2")

    assert [note.partition(":")[0] for note in made.notes] == ["labels were dropped"]
    assert handed.reason == "the tracker dropped the assignee"
    assert "Planner" in handed.notes[0]


def test_a_token_that_may_only_read(gitlab: GitLabRig) -> None:
    """The scope is named, and nothing of the token."""
    gitlab.server.scope = "read_api"

    with pytest.raises(RefusedError) as caught:
        gitlab.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 403
    assert "scope 'api'" in caught.value.remedy
    assert "tracker.token" in caught.value.remedy
    assert TOKEN not in str(caught.value)


def test_a_project_that_is_not_there_or_not_ours(gitlab: GitLabRig) -> None:
    """GitLab tells neither from the other; the remedy names both, and the encoded slash."""
    with pytest.raises(RefusedError) as caught:
        gitlab.tracker(project="group/gone").find(fresh_key())

    assert caught.value.status == 404
    assert "tracker.project" in caught.value.remedy
    assert "member" in caught.value.remedy
    assert "%2F" in caught.value.remedy


def test_a_renamed_project(gitlab: GitLabRig) -> None:
    """Reading answers with a redirect, which is not followed; writing with 405."""
    tracker = gitlab.tracker()
    gitlab.server.renamed = True

    with pytest.raises(RefusedError) as reading:
        tracker.find(fresh_key())
    with pytest.raises(RefusedError) as writing:
        tracker.add_comment("1", "x")

    assert (reading.value.status, writing.value.status) == (301, 405)
    assert "new path" in reading.value.remedy
    assert reading.value.remedy == writing.value.remedy


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"message": {"error": "Spam detected"}}),
        Reply(409, {"needs_captcha_response": True, "message": {"error": "…"}}),
    ],
)
def test_a_text_that_is_taken_for_spam(gitlab: GitLabRig, reply: Reply) -> None:
    """GitLab takes a member's word."""
    gitlab.server.replies = [reply]

    with pytest.raises(RefusedError) as caught:
        gitlab.tracker().create(draft(fresh_key(), assignee=None))

    assert "spam" in caught.value.remedy
    assert "member" in caught.value.remedy


# -- a ticket's life -------------------------------------------------------------------------------


def test_confidential_tickets(gitlab: GitLabRig) -> None:
    """The option makes every ticket confidential; by default nothing is said about it."""
    gitlab.tracker().create(draft(fresh_key()))
    gitlab.tracker(options={"confidential": "false"}).create(draft(fresh_key()))
    gitlab.tracker(options={"confidential": "true"}).create(draft(fresh_key()))

    made = [sent.body for sent in gitlab.server.sent if sent.method == "POST"]

    assert [body.get("confidential") for body in made] == [None, None, True]
    assert gitlab.server.issue(3)["confidential"] is True


def test_a_confidential_ticket_that_is_not(gitlab: GitLabRig) -> None:
    """It is loud, since people can read what they should not."""
    gitlab.server.keeps_secrets = False

    with pytest.raises(RefusedError, match="for everybody to see") as caught:
        gitlab.tracker(options={"confidential": "true"}).create(draft(fresh_key()))

    assert "tracker.options.confidential" in caught.value.remedy


def test_a_ticket_whose_discussion_is_locked(gitlab: GitLabRig) -> None:
    """GitLab answers 200 to its reopening and leaves it closed: that is told, and a new one
    opened.
    """
    key = fresh_key()
    gitlab.ticketing().open_once(draft(key))
    gitlab.close("1")
    gitlab.server.lock_discussion(1)

    with pytest.raises(RefusedError, match="left issue 1 of .* closed") as caught:
        gitlab.tracker().reopen("1")
    outcome = gitlab.ticketing().open_once(draft(key))

    assert "Unlock" in caught.value.remedy
    assert outcome.action is Done.CREATED
    assert any("Unlock" in note for note in outcome.notes)


def test_a_ticket_moved_to_another_project(gitlab: GitLabRig) -> None:
    """What is left here is a closed stub, which counts as gone."""
    key, records = fresh_key(), MemoryRecords()
    gitlab.ticketing(records).open_once(draft(key))
    gitlab.server.change(1, state="closed", moved_to_id=9001)

    with pytest.raises(RefusedError, match="moved") as caught:
        gitlab.tracker().read("1")
    outcome = gitlab.ticketing(records).open_once(draft(key))

    assert caught.value.status == 301
    assert outcome.action is Done.CREATED
    assert gitlab.open_ids(key) == ["2"]


def test_a_moved_ticket_that_somebody_opened_again(gitlab: GitLabRig) -> None:
    """An open ticket is one, whatever was made of it elsewhere."""
    key = fresh_key()
    gitlab.ticketing().open_once(draft(key))
    gitlab.server.change(1, moved_to_id=9001)

    assert gitlab.ticketing().open_once(draft(key)).action is Done.FOUND


def test_a_duplicate_is_linked(gitlab: GitLabRig) -> None:
    """GitLab shows the ticket that stays among the linked items."""
    key = fresh_key()
    tracker = gitlab.tracker()
    tracker.create(draft(key))
    tracker.create(draft(key))

    gitlab.ticketing().open_once(draft(key))

    link, closing = [sent for sent in gitlab.server.sent if sent.method != "GET"][-2:]
    assert (link.method, link.path) == ("POST", f"{ISSUES}/2/links")
    assert link.body == {"target_project_id": PROJECT, "target_issue_iid": "1"}
    assert closing.body == {
        "state_event": "close",
        "description": f"It waits.\n\n<!-- grv:{key}/duplicate -->",
    }


@pytest.mark.parametrize("how", ["linked before", "not permitted", "lost"])
def test_a_duplicate_that_cannot_be_linked(gitlab: GitLabRig, how: str) -> None:
    """It is closed all the same; the comment names the ticket that stays."""
    key = fresh_key()
    tracker = gitlab.tracker()
    first, second = tracker.create(draft(key)), tracker.create(draft(key))
    wire = Wire(gitlab.network())
    if how == "linked before":
        gitlab.server.rows[2].links.add(1)
    elif how == "not permitted":
        gitlab.server.role = "none"
    else:
        wire.spoil = lambda request: request.target.endswith("/links") and Reply(502, "")

    gitlab.tracker(wire).close_duplicate(second.id, first)

    assert tracker.find(key) == (first,)
    assert not tracker.read(second.id).is_open


def test_a_duplicate_without_a_body(gitlab: GitLabRig) -> None:
    """Somebody emptied it: it is closed."""
    tracker = gitlab.tracker()
    first, second = tracker.create(draft(fresh_key())), tracker.create(draft(fresh_key()))
    gitlab.server.change(2, description=None)

    tracker.close_duplicate(second.id, first)

    assert not tracker.read(second.id).is_open
    assert tracker.read(second.id).key is None


# -- answers ---------------------------------------------------------------------------------------


def test_an_unreadable_answer_to_a_creation(gitlab: GitLabRig) -> None:
    """The creation may have happened: the listing tells, and nothing is created twice."""
    key = fresh_key()
    gitlab.server.garbles = True

    outcome = gitlab.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(gitlab.server.rows) == 1


@pytest.mark.parametrize(("offset", "hour"), [("Z", 9), ("+02:00", 7), ("-05:30", 14)])
def test_a_server_with_a_time_zone(gitlab: GitLabRig, offset: str, hour: int) -> None:
    """Instants may come with its offset."""
    gitlab.server.offset = offset

    ticket = gitlab.tracker().create(draft(fresh_key()))

    minute = 30 if offset.endswith("30") else 0
    expected = datetime(2026, 3, 2, hour, minute, 2, 123000, timezone.utc)
    assert ticket.opened_at == expected
    assert ticket.closed_at is None


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"state": "opened"},
        {"iid": "1", "state": "opened"},
        {"iid": 1},
        {"iid": 1, "state": "opened", "created_at": "yesterday"},
    ],
)
def test_an_answer_of_another_shape(gitlab: GitLabRig, answer: Any) -> None:
    """It is named as such, whatever it is."""
    gitlab.server.replies = [Reply(200, answer)]

    with pytest.raises(ProtocolError):
        gitlab.tracker().read("1")
