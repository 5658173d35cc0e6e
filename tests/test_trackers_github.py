"""GitHub's own habits, against the fake of ``fake_github``."""

from __future__ import annotations

from typing import Any, Dict, Iterator

import jsonschema
import pytest

from fake_github import BOT
from fake_http import Reply
from reviewloop.errors import AuthError, ConfigError, ProtocolError, RefusedError, TemporaryError
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.outcomes import Done
from reviewloop.trackers.ticketing import Ticketing
from rig_github import GitHubRig
from stores import MemoryRecords
from trackers_rig import NOW, Wire, draft, fresh_key, whole_life

# Written by hand from the parameters in https://docs.github.com/en/rest/issues (2022-11-28).
_TEXT = {"type": "string", "minLength": 1}
_NAMES = {"type": "array", "items": _TEXT, "uniqueItems": True}
SCHEMAS: Dict[str, Dict[str, Any]] = {
    "POST issues": {
        "type": "object",
        "required": ["title"],
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 256},
            "body": {"type": "string", "maxLength": 65536},
            "labels": _NAMES,
            "assignees": {**_NAMES, "maxItems": 10},
            "milestone": {"type": ["integer", "null"]},
        },
    },
    "PATCH issue": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string", "maxLength": 256},
            "body": {"type": "string", "maxLength": 65536},
            "state": {"enum": ["open", "closed"]},
            "state_reason": {"enum": ["completed", "not_planned", "duplicate", "reopened", None]},
            "labels": _NAMES,
            "assignees": {**_NAMES, "maxItems": 10},
        },
    },
    "POST comments": {
        "type": "object",
        "required": ["body"],
        "additionalProperties": False,
        "properties": {"body": {"type": "string", "minLength": 1, "maxLength": 65536}},
    },
}


def _schema(method: str, path: str) -> Dict[str, Any]:
    if path.endswith("/comments"):
        return SCHEMAS["POST comments"]
    return SCHEMAS["POST issues" if method == "POST" else "PATCH issue"]


@pytest.fixture(autouse=True)
def _documented(github: GitHubRig) -> Iterator[None]:
    """Whatever a test made the adapter send is checked against the documented shapes."""
    yield
    for sent in github.server.sent:
        assert sent.headers["Accept"] == "application/vnd.github+json"
        assert sent.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert not sent.path.startswith("/search")
        if sent.body is not None:
            jsonschema.validate(sent.body, _schema(sent.method, sent.path))


def test_what_is_sent_through_a_whole_life(github: GitHubRig) -> None:
    """Opening, commenting, handing on, closing, reopening: all bodies have the documented shape."""
    key = whole_life(github)

    bodies = [sent.body for sent in github.server.sent if sent.body is not None]
    assert bodies[0] == {
        "title": "Review wanted: 4711",
        "body": f"It waits.\n\n<!-- grv:{key} -->",
        "labels": ["review-escalation"],
        "assignees": ["committee1"],
    }
    assert bodies[4] == {"state": "closed", "state_reason": "completed"}
    assert len(bodies) == 6


def test_labels_and_assignees_dropped_without_a_word(github: GitHubRig) -> None:
    """Without push access both are gone; the outcome says so, and the next run still finds the
    ticket.
    """
    github.server.pushes = False
    key = fresh_key()

    made = github.ticketing().open_once(draft(key))
    again = github.ticketing().open_once(draft(key))

    assert len(made.notes) == 2
    assert "committee1 was not assigned" in made.notes[0]
    assert "labels were dropped: review-escalation" in made.notes[1]
    assert "push" in made.notes[1]
    assert again.action is Done.FOUND
    assert len(github.server.rows) == 1


def test_handing_on_without_push_access(github: GitHubRig) -> None:
    """A dropped assignee is reported, not believed."""
    key, records = fresh_key(), MemoryRecords()
    github.ticketing(records).open_once(draft(key))
    github.server.pushes = False

    outcome = github.ticketing(records).assign_once(key, "committee2")

    assert outcome.action is Done.NOTHING
    assert "dropped" in outcome.reason
    assert "push" in outcome.notes[0]


def test_a_label_taken_off_by_somebody(github: GitHubRig) -> None:
    """The ticket is found by who opened it and by its marker."""
    key = fresh_key()
    github.ticketing().open_once(draft(key))
    github.server.issue(1)["labels"] = []

    outcome = github.ticketing().open_once(draft(key))

    assert outcome.action is Done.FOUND


def test_the_marker_edited_away(github: GitHubRig) -> None:
    """Our record still knows the ticket, and says what happened."""
    key, records = fresh_key(), MemoryRecords()
    github.ticketing(records).open_once(draft(key))
    github.server.issue(1)["body"] = "rewritten by somebody"

    outcome = github.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert any("took the key off" in note for note in outcome.notes)
    assert len(github.server.rows) == 1


def test_a_marker_the_tracker_does_not_keep(github: GitHubRig) -> None:
    """It is an error, since no later run would find the ticket; the record keeps it from
    doubling.
    """
    key, records = fresh_key(), MemoryRecords()
    wire = Wire(github.network())
    wire.after = lambda _n, request: (
        github.server.issue(1).update(body="stripped") if request.method == "POST" else None
    )

    with pytest.raises(ProtocolError, match="did not keep the key"):
        github.ticketing(records, transport=wire).open_once(draft(key))
    outcome = github.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert len(github.server.rows) == 1


def test_a_ticket_beyond_the_first_page(github: GitHubRig) -> None:
    """All pages are read, and pull requests among the rows are passed over."""
    key = fresh_key()
    body = f"x\n\n{fmt.marker(key, BodyFormat.MARKDOWN)}"
    for number in range(240):
        github.server.add_issue(f"older {number}", **({"pull_request": {}} if number % 2 else {}))
    github.server.add_issue("pull request with our words", body, pull_request={})
    expected = github.server.add_issue("ours", body)

    found = github.tracker().find(key)

    assert [ticket.number for ticket in found] == [expected]
    pages = [sent.query.get("page", "1") for sent in github.server.sent if "state" in sent.query]
    assert pages == ["1", "1", "2", "3"]


def test_a_marker_in_somebody_elses_issue(github: GitHubRig) -> None:
    """An issue that only quotes a marker is not taken for a ticket."""
    key = fresh_key()
    github.server.add_issue("copy", fmt.marker(key, BodyFormat.MARKDOWN), by="visitor")

    outcome = github.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED


def test_many_comments(github: GitHubRig) -> None:
    """The marker is looked for on all pages of comments."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = github.ticketing(records)
    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "Still.", "level-1")
    comments = github.server.rows[1].comments
    comments[:0] = [{"id": n, "body": "talk", "user": {"login": "x"}} for n in range(150)]

    outcome = ticketing.comment_once(key, "Still.", "level-1")

    assert outcome.action is Done.NOTHING
    assert len(comments) == 151


def test_issues_switched_off(github: GitHubRig) -> None:
    """410 says so, and the remedy names the repository."""
    github.server.issues_on = False

    with pytest.raises(RefusedError) as caught:
        github.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 410
    assert "Switch the issues of example/project on" in caught.value.remedy


def test_a_renamed_repository(github: GitHubRig) -> None:
    """A redirect is not followed, since the credential would go along."""
    github.server.replies = [
        Reply(200, {"login": BOT}),
        Reply(301, {"message": "Moved Permanently"}, {"Location": "https://elsewhere.example.org"}),
    ]

    with pytest.raises(RefusedError) as caught:
        github.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 301
    assert "new name" in caught.value.remedy
    assert len(github.server.sent) == 2


def test_a_login_page_instead_of_an_answer(github: GitHubRig) -> None:
    """A proxy's page with status 200 is a matter of credentials, not of data."""
    github.server.replies = [Reply(200, "<!doctype html><title>Sign in</title>")]

    with pytest.raises(AuthError, match="login page"):
        github.ticketing().open_once(draft(fresh_key()))


def test_an_unreadable_answer_to_a_creation(github: GitHubRig) -> None:
    """The creation may have happened: the listing tells, and nothing is created twice."""
    key = fresh_key()
    github.server.garbles = True

    outcome = github.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(github.server.rows) == 1


def test_a_rate_limit(github: GitHubRig) -> None:
    """A 403 with nothing remaining is no missing permission: the error tells how long to wait."""
    reset = str(int(github.server.clock.timestamp()) + 1801)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    github.server.replies = [Reply(403, {"message": "API rate limit exceeded"}, headers)]

    with pytest.raises(TemporaryError) as caught:
        github.ticketing().open_once(draft(fresh_key()))

    assert caught.value.retry_after == 1800.0


def test_a_missing_permission(github: GitHubRig) -> None:
    """A plain 403 names the permission."""
    github.server.replies = [
        Reply(200, {"login": BOT}),
        Reply(200, []),
        Reply(200, []),
        Reply(403, {"message": "Resource not accessible by personal access token"}),
    ]

    with pytest.raises(RefusedError) as caught:
        github.ticketing().open_once(draft(fresh_key()))

    assert "Issues: read and write" in caught.value.remedy
    assert "not accessible" in caught.value.message


def test_the_token_of_an_app(github: GitHubRig) -> None:
    """It may not ask who it is; the configured name helps, and its absence is named."""
    github.server.user_status = 403
    github.server.tokens = {"ghs_app": "our-app[bot]"}
    key = fresh_key()

    with pytest.raises(ConfigError, match=r"tracker\.username"):
        github.tracker(token="ghs_app").whoami()
    tracker = github.tracker(token="ghs_app", username="our-app[bot]")
    for _ in range(2):
        Ticketing(tracker, MemoryRecords(), lambda: NOW).open_once(draft(key))

    assert len(github.server.rows) == 1


def test_a_recorded_ticket_is_looked_up_cheaply(github: GitHubRig) -> None:
    """With a record only what changed since it was opened is listed."""
    key, records = fresh_key(), MemoryRecords()
    for number in range(150):
        github.server.add_issue(f"old {number}", created_at="2020-01-01T00:00:00Z")
        github.server.issue(number + 1)["updated_at"] = "2020-01-01T00:00:00Z"
    github.ticketing(records).open_once(draft(key))
    github.server.sent.clear()

    github.ticketing(records).open_once(draft(key))

    assert [sent.method for sent in github.server.sent] == ["GET"] * 3
