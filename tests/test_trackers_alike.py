"""What adapters of trackers with a REST interface have alike, each with its own values."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple

import pytest

from fake_http import Reply
from reviewloop.errors import AuthError, ConfigError, RefusedError, TemporaryError
from reviewloop.trackers.factory import ADAPTERS
from reviewloop.trackers.rest import RestTracker
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.tickets import CloseReason
from trackers_fixtures import FAKES
from trackers_rig import Rig, draft, fresh_key

SECRET = "s3cret"
GOOD: Mapping[str, Mapping[str, Any]] = {
    "github": {"project": "example/project", "token": f"ghp_{SECRET}"},
    "gitea": {"url": "https://gitea.example.org", "project": "example/reviews", "token": SECRET},
    "gitlab": {"project": "group/project", "token": f"glpat-{SECRET}"},
    "jira": {"url": "https://jira.example.org", "project": "REV", "token": f"tok-{SECRET}"},
    "bugzilla": {
        "url": "https://bugzilla.example.org",
        "project": "Governance",
        "token": SECRET,
        "options": {"component": "Reviews"},
    },
    "launchpad": {"project": "example", "token": f"st2-reviews:key:{SECRET}"},
    "redmine": {"url": "https://r.example.org", "project": "a", "token": SECRET},
    "rt": {"url": "https://rt.example.org", "project": "a", "token": f"1-2-{SECRET}"},
}
"""Settings with which each kind can be made."""

WRONG: Mapping[str, List[Tuple[Dict[str, Any], str]]] = {
    "github": [
        ({"project": "just-a-name"}, "owner/repo"),
        ({"project": "o/r/../x"}, "owner/repo"),
        ({"token": ""}, "token"),
        ({"url": "https://user:pw@ghe.example.org"}, "user name or password"),
        ({"url": "ghe.example.org"}, "https"),
    ],
    "gitea": [
        ({"url": ""}, "tracker.url is missing"),
        ({"project": "just-a-name"}, "owner/repository"),
        ({"project": "o/r/../x"}, "owner/repository"),
        ({"project": "o/.."}, "owner/repository"),
        ({"project": "o/."}, "owner/repository"),
        ({"project": "./r"}, "owner/repository"),
        ({"token": ""}, "tracker.token is missing"),
        ({"url": "https://user:pw@gitea.example.org"}, "user name or password"),
    ],
    "gitlab": [
        ({"project": ""}, "tracker.project is missing"),
        ({"project": "just-a-name"}, "group/project"),
        ({"project": "group/../x"}, "group/project"),
        ({"project": "group/project/"}, "group/project"),
        ({"project": "group/project?x"}, "group/project"),
        ({"token": ""}, "tracker.token is missing"),
        ({"url": "https://gitlab.com/group/project"}, "holds a path"),
        ({"url": "https://user:pw@gitlab.example.org"}, "user name or password"),
        ({"options": {"confidential": "yes"}}, "tracker.options.confidential is 'yes'"),
    ],
    "jira": [
        ({"project": "rev"}, "project's key"),
        ({"project": 'REV" OR "1" = "1'}, "project's key"),
        ({"project": ""}, "tracker.project"),
        ({"url": ""}, "tracker.url"),
        ({"token": ""}, "tracker.token"),
        ({"url": "https://me:pw@jira.example.org"}, "user name or password"),
        ({"url": "https://your-domain.atlassian.net"}, "tracker.username is missing"),
        ({"options": {"flavour": "cloud"}}, "tracker.username is missing"),
        ({"options": {"flavour": "onprem"}}, "auto, cloud or server"),
        ({"options": {"fields": "[1]"}}, "no JSON object"),
        ({"options": {"fields": "{"}}, "no JSON object"),
        ({"options": {"web": "jira.example.org"}}, "https"),
    ],
    "bugzilla": [
        ({"url": ""}, "tracker.url is missing"),
        ({"project": ""}, "tracker.project is missing"),
        ({"token": ""}, "tracker.token is missing"),
        ({"token": "s3cret\nX-Header: x"}, "in one line"),
        ({"url": "https://bugzilla.example.org?x=s3cret"}, "query or fragment"),
        ({"options": {}}, "tracker.options.component is missing"),
        ({"options": {"component": "x", "key_in": "cookie"}}, "header or query"),
        ({"options": {"component": "x", "key_in": "query"}}, "tracker.username is missing"),
        ({"options": {"component": "x", "fields": "no pairs"}}, "name=value"),
    ],
    "launchpad": [
        ({"project": ""}, "tracker.project is missing"),
        ({"project": "Has Spaces"}, "distribution/+source/package"),
        ({"project": "example/../x"}, "distribution/+source/package"),
        ({"token": ""}, "tracker.token is missing"),
        ({"token": "only:two-s3cret"}, "consumer_key:token:token_secret"),
        ({"token": "a:b:s3cret\nX-Header: x"}, "consumer_key:token:token_secret"),
        ({"url": "https://user:s3cret@launchpad.example.org"}, "user name or password"),
        ({"options": {"closed_status": "Resolved"}}, "Fix Released"),
        ({"options": {"closed_status": "New"}}, "one of Opinion"),
        ({"options": {"open_status": "Invalid"}}, "one of New"),
    ],
    "redmine": [
        ({"url": ""}, "tracker.url is missing"),
        ({"url": "redmine.example.org"}, "https"),
        ({"project": "a/../b"}, "as in its address"),
        ({"project": ""}, "tracker.project is missing"),
        ({"token": ""}, "tracker.token is missing"),
        ({"options": {"format": "html"}}, "write textile or markdown"),
    ],
    "rt": [
        ({"url": ""}, "tracker.url is missing"),
        ({"url": "rt.example.org"}, "https"),
        ({"project": ""}, "tracker.project is missing"),
        ({"project": "a/b"}, "without a slash"),
        ({"project": ".."}, "without a slash"),
        ({"token": ""}, "tracker.token is missing"),
        ({"token": "s3cret"}, "user:password"),
        ({"options": {"key_field": "a}' OR id > 0"}}, "without quotes"),
    ],
}
"""By kind: other settings, and what is said of them."""

ADDRESSES: Mapping[str, List[Tuple[str, ...]]] = {
    "github": [
        ("", "https://api.github.com"),
        ("https://github.com/", "https://api.github.com"),
        ("https://api.github.com", "https://api.github.com"),
        ("https://ghe.example.org", "https://ghe.example.org/api/v3"),
        ("https://ghe.example.org/api/v3/", "https://ghe.example.org/api/v3"),
        ("https://api.octo.ghe.com", "https://api.octo.ghe.com"),
    ],
    "gitea": [
        ("https://gitea.example.org", "https://gitea.example.org/api/v1"),
        ("https://gitea.example.org/", "https://gitea.example.org/api/v1"),
        ("https://gitea.example.org/api/v1/", "https://gitea.example.org/api/v1"),
        ("https://example.org/git", "https://example.org/git/api/v1"),
    ],
    "gitlab": [
        ("", "https://gitlab.com/api/v4"),
        ("https://gitlab.com/", "https://gitlab.com/api/v4"),
        ("https://www.gitlab.com", "https://gitlab.com/api/v4"),
        ("https://gitlab.com/api/v4/", "https://gitlab.com/api/v4"),
        ("https://gitlab.example.org", "https://gitlab.example.org/api/v4"),
        ("https://example.org/gitlab/", "https://example.org/gitlab/api/v4"),
        ("https://example.org/gitlab/api/v4", "https://example.org/gitlab/api/v4"),
    ],
    "bugzilla": [
        (
            "https://bugzilla.example.org",
            "https://bugzilla.example.org",
            "https://bugzilla.example.org/rest",
        ),
        (
            "https://bugzilla.example.org/",
            "https://bugzilla.example.org",
            "https://bugzilla.example.org/rest",
        ),
        (
            "https://bugzilla.example.org/bz",
            "https://bugzilla.example.org/bz",
            "https://bugzilla.example.org/bz/rest",
        ),
        (
            "https://bugzilla.example.org/rest",
            "https://bugzilla.example.org",
            "https://bugzilla.example.org/rest",
        ),
        (
            "https://bugzilla.example.org/bz/rest.cgi",
            "https://bugzilla.example.org/bz",
            "https://bugzilla.example.org/bz/rest.cgi",
        ),
    ],
    "launchpad": [
        ("", "https://api.launchpad.net/devel"),
        ("https://launchpad.net/", "https://api.launchpad.net/devel"),
        ("https://bugs.launchpad.net/example", "https://api.launchpad.net/devel"),
        ("https://api.launchpad.net", "https://api.launchpad.net/devel"),
        ("https://api.launchpad.net/1.0/", "https://api.launchpad.net/1.0"),
        ("https://api.qastaging.launchpad.net", "https://api.qastaging.launchpad.net/devel"),
        ("https://launchpad.example.org", "https://api.launchpad.example.org/devel"),
    ],
}
"""By kind: the address that people write, and the last ones of those that it means."""


def by_kind(table: Mapping[str, List[Any]]) -> Callable[[Any], Any]:
    """A case for each row of each kind."""
    rows = [
        pytest.param(kind, row, id=f"{kind}-{n}")
        for kind in table
        for n, row in enumerate(table[kind])
    ]
    return pytest.mark.parametrize(("kind", "row"), rows)


@pytest.mark.parametrize("kind", list(GOOD))
def test_good_settings(kind: str) -> None:
    """They do, and are not shown with their secret."""
    settings = TrackerSettings(kind, **GOOD[kind])

    assert ADAPTERS[kind](settings).name.startswith(f"{kind}:")
    assert SECRET not in repr(settings)


@by_kind(WRONG)
def test_wrong_settings(kind: str, row: Tuple[Dict[str, Any], str]) -> None:
    """They are found before anything is sent, and no secret is repeated."""
    settings, problem = row
    server = FAKES[kind]().server

    with pytest.raises(ConfigError) as caught:
        ADAPTERS[kind](TrackerSettings(kind, **{**GOOD[kind], **settings}), transport=server)

    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "pw@" not in str(caught.value)
    assert server.sent == []


@by_kind(ADDRESSES)
def test_addresses(kind: str, row: Tuple[str, ...]) -> None:
    """People give the address they know: of the pages, or of the interface."""
    adapter = ADAPTERS[kind]
    assert issubclass(adapter, RestTracker)
    url, *expected = row

    count = len(expected)
    assert list(adapter.addresses(url))[-count:] == expected


@pytest.mark.parametrize("kind", list(FAKES))
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 429, 500])
def test_no_refusal_shows_the_credential(kind: str, status: int) -> None:
    """Not even where the tracker repeats it in its own words, nor does the adapter itself."""
    rig = FAKES[kind]()
    credential = rig.wrong_credential()
    rig.server.replies = [Reply(status, {"message": f"{credential['token']} is no good"})] * 3
    tracker = rig.tracker(**credential)

    with pytest.raises((AuthError, ConfigError, RefusedError, TemporaryError)) as caught:
        tracker.find(fresh_key())

    told = f"{caught.value} {caught.value.as_dict()} {tracker!r} {tracker.name}"
    assert credential["token"] not in told
    assert "Basic" not in told


@pytest.mark.parametrize("kind", ["gitea", "gitlab"])
@pytest.mark.parametrize("label", ["Won't fix", "WontFix"])
def test_no_resolutions(kind: str, label: str) -> None:
    """A closed ticket has none: people say "leave us alone" by a label."""
    rig, key = FAKES[kind](), fresh_key()
    ticket = rig.ticketing().open_once(draft(key)).ticket
    assert ticket is not None
    rig.close(ticket.id)

    assert rig.tracker().read(ticket.id).resolution == ""
    rig.label_as(ticket.id, label)
    outcome = rig.ticketing().open_once(draft(key))

    assert outcome.reason == f"closed as {label}: left alone"


def test_closing_and_reopening_again(fake: Rig) -> None:
    """Closing a closed ticket changes nothing, and neither does reopening an open one."""
    tracker = fake.tracker()
    ticket = tracker.create(draft(fresh_key()))

    tracker.close(ticket.id, CloseReason.NOT_PLANNED)
    closed = tracker.read(ticket.id)
    tracker.close(ticket.id, CloseReason.NOT_PLANNED)
    again = tracker.read(ticket.id)
    tracker.reopen(ticket.id)
    tracker.reopen(ticket.id)

    assert (again.state, again.resolution) == (closed.state, closed.resolution)
    assert not closed.is_open
    opened = tracker.read(ticket.id)
    assert opened.is_open
    assert opened.resolution == ""


@pytest.mark.parametrize("ticket_id", ["1/../../x", "", "1?x=1", "\u00b2", "-1", "1 ", "9" * 19])
@pytest.mark.parametrize("kind", [kind for kind in FAKES if kind != "action"])
def test_an_id_that_is_none(kind: str, ticket_id: str) -> None:
    """A record that somebody tampered with leads to no other address."""
    rig = FAKES[kind]()

    with pytest.raises(RefusedError) as caught:
        rig.tracker().read(ticket_id)

    assert caught.value.status == 404
    assert rig.server.sent == []
