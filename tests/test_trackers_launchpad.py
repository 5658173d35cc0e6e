"""Launchpad's own habits, against the fake of ``fake_launchpad``."""

from __future__ import annotations

import json
from typing import Dict, List, Tuple

import pytest

from fake_http import Reply, Sent
from fake_launchpad import BASE, BOT, KEY, SECRET
from reviewloop.errors import AuthError, ProtocolError, RefusedError, TemporaryError
from reviewloop.markup import escape as fmt
from reviewloop.trackers.outcomes import Done
from reviewloop.trackers.tickets import CloseReason
from rig_launchpad import LaunchpadRig
from stores import MemoryRecords
from test_trackers_contract import HOSTILE
from trackers_rig import Wire, draft, fresh_key, refuses_id, whole_life


@pytest.fixture
def launchpad() -> LaunchpadRig:
    """A fresh fake Launchpad."""
    return LaunchpadRig()


def _writes(rig: LaunchpadRig) -> List[Sent]:
    return [sent for sent in rig.server.sent if sent.method != "GET"]


def _reads(rig: LaunchpadRig) -> List[Tuple[str, Dict[str, str]]]:
    return [(sent.path, sent.query) for sent in rig.server.sent if sent.method == "GET"]


def test_what_is_sent_through_a_whole_life(launchpad: LaunchpadRig) -> None:
    """Opening, commenting, handing on, closing and reopening are seven writes of these shapes."""
    key = whole_life(launchpad)

    task, bug = "/devel/example/+bug/1", "/devel/bugs/1"
    assert [(sent.method, sent.path, sent.body) for sent in _writes(launchpad)] == [
        (
            "POST",
            "/devel/bugs",
            {
                "ws.op": "createBug",
                "target": json.dumps(f"{BASE}/example"),
                "title": '"Review wanted: 4711"',
                "description": json.dumps(f"It waits.\n\n[grv:{key}]"),
                "tags": json.dumps([key, "review-escalation"]),
            },
        ),
        ("PATCH", task, {"assignee_link": f"{BASE}/~committee1"}),
        (
            "POST",
            bug,
            {"ws.op": "newMessage", "content": json.dumps(f"Still.\n\n[grv:{key}/level-1]")},
        ),
        ("PATCH", task, {"assignee_link": f"{BASE}/~committee2"}),
        (
            "POST",
            bug,
            {"ws.op": "newMessage", "content": json.dumps(f"Done.\n\n[grv:{key}/end]")},
        ),
        ("PATCH", task, {"status": "Fix Released"}),
        ("PATCH", task, {"status": "New"}),
    ]


def test_how_a_key_is_looked_for(launchpad: LaunchpadRig) -> None:
    """All statuses are named and duplicates are asked for, since Launchpad leaves both out."""
    key = fresh_key()

    launchpad.tracker().find(key)

    ((path, query),) = _reads(launchpad)
    asked = {name: value for name, value in query.items() if name != "status"}
    assert path == "/devel/example"
    assert asked == {
        "ws.op": "searchTasks",
        "ws.size": "100",
        "tags": f'["{key}"]',
        "omit_duplicates": "false",
        "order_by": '["id"]',
    }
    assert len(json.loads(query["status"])) == 13


def test_the_header_that_signs(launchpad: LaunchpadRig) -> None:
    """The consumer's name may hold colons and spaces; its secret is empty."""
    token = f"System-wide: Debian (host):{KEY}:{SECRET}"

    with pytest.raises(AuthError):
        launchpad.tracker(token=token).whoami()

    assert launchpad.server.sent[0].headers["Authorization"] == (
        'OAuth realm="https://api.launchpad.net/", '
        'oauth_consumer_key="System-wide%3A%20Debian%20%28host%29", '
        f'oauth_token="{KEY}", oauth_signature_method="PLAINTEXT", '
        f'oauth_signature="%26{SECRET}", oauth_version="1.0"'
    )


def test_who_we_are(launchpad: LaunchpadRig) -> None:
    """The address of the redirect tells it, and is not followed."""
    assert launchpad.tracker().whoami() == BOT
    assert [path for path, _ in _reads(launchpad)] == ["/devel/people/+me"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(303, "", {"Location": "https://login.example.org/+openid"}),
        Reply(303, ""),
        Reply(200, {"name": "somebody"}),
    ],
    ids=["a login page", "nowhere", "no redirect"],
)
def test_an_address_that_is_not_launchpads(launchpad: LaunchpadRig, reply: Reply) -> None:
    """What is not sent on to a person's page does not tell who we are."""
    launchpad.server.replies = [reply]

    with pytest.raises(ProtocolError) as caught:
        launchpad.tracker().whoami()

    assert "tracker.url" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "Unknown access token (abc).",
        "Expired token (abc).",
        "Unauthorized token (abc).",
        "Invalid signature.",
        "Inactive account.",
        "Unknown consumer (abc).",
        "You need to be logged in to view this URL.",
    ],
)
def test_a_token_that_is_not_accepted_any_more(launchpad: LaunchpadRig, text: str) -> None:
    """It is told as such wherever it shows."""
    launchpad.server.replies = [Reply(401, text)]

    with pytest.raises(AuthError, match="tracker.token"):
        launchpad.tracker().read("1")


def test_a_token_that_may_only_read(launchpad: LaunchpadRig) -> None:
    """401 with another text is a lack of rights, and nothing was created."""
    launchpad.server.can_write = False

    with pytest.raises(RefusedError) as caught:
        launchpad.ticketing().open_once(draft(fresh_key()))

    assert caught.value.status == 403
    assert "launchpad.AnyPerson" in caught.value.message
    assert "Let tracker.token change data" in caught.value.remedy
    assert launchpad.server.bugs == {}


@pytest.mark.parametrize("title", ["4711", "true", '"quoted"', "[1, 2]", "null"])
def test_a_title_that_reads_like_json(launchpad: LaunchpadRig, title: str) -> None:
    """It stays the text it is."""
    outcome = launchpad.ticketing().open_once(draft(fresh_key(), title=title))

    assert outcome.ticket is not None
    assert outcome.ticket.title == title


def test_hostile_text(launchpad: LaunchpadRig) -> None:
    """The contract's case, with Launchpad's shorter title."""
    key = fresh_key()

    outcome = launchpad.ticketing().open_once(draft(key, title=HOSTILE, body=HOSTILE))
    again = launchpad.ticketing().open_once(draft(key, title=HOSTILE, body=HOSTILE))

    assert outcome.ticket is not None
    assert again.ticket == outcome.ticket
    assert outcome.notes == ()
    assert outcome.ticket.key == key
    assert outcome.ticket.title == fmt.title(HOSTILE, 200)
    assert "\U0001f600" in outcome.ticket.title
    assert not set("\u202e\x00\x1b") & set(outcome.ticket.title)
    assert launchpad.tracker().find("grv-" + "f" * 16) == ()


def test_a_ticket_beyond_the_first_page(launchpad: LaunchpadRig) -> None:
    """The address of the next page is Launchpad's own, and absolute."""
    shared = ("review-escalation",)
    keys = [fresh_key() for _ in range(230)]
    for key in keys:
        launchpad.server.add_bug("Review wanted", (*shared, key))

    found = launchpad.tracker().list_open()

    assert [ticket.key for ticket in found] == keys
    pages = [query for path, query in _reads(launchpad) if path == "/devel/example"]
    assert [query.get("ws.start") for query in pages] == [None, "100", "200"]


def test_a_next_page_on_another_host(launchpad: LaunchpadRig) -> None:
    """It is not asked, since the credential would go along."""
    page = {"entries": [], "next_collection_link": "https://elsewhere.example.org/devel/example"}
    launchpad.server.replies = [Reply(200, page)]

    with pytest.raises(ProtocolError, match="another host"):
        launchpad.tracker().find(fresh_key())


def test_many_messages(launchpad: LaunchpadRig) -> None:
    """The marker is looked for on all pages; the report itself is no comment."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = launchpad.ticketing(records)
    ticketing.open_once(draft(key))
    messages = launchpad.server.bugs[1].messages
    messages += [("visitor", "talk")] * 150
    ticketing.comment_once(key, "Still.", "level-1")

    outcome = ticketing.comment_once(key, "Still.", "level-1")

    assert outcome.action is Done.NOTHING
    comments = launchpad.tracker().comments("1")
    assert len(comments) == 151
    assert (comments[-1].id, comments[-1].author) == ("151", BOT)


def test_sweep_sees_no_foreign_bugs(launchpad: LaunchpadRig) -> None:
    """A bug with the shared tag but no key, and a duplicate of something, are passed over."""
    key = fresh_key()
    launchpad.server.add_bug("Review wanted", ("review-escalation", key))
    launchpad.server.add_bug("Ours? No.", ("review-escalation",))
    launchpad.server.add_bug("Done", ("review-escalation", fresh_key()), duplicate_of=1)

    assert [ticket.key for ticket in launchpad.tracker().list_open()] == [key]


def test_a_bug_that_was_targeted_to_a_series(launchpad: LaunchpadRig) -> None:
    """The listing shows its series' tasks too; the ticket is the project's own."""
    key = fresh_key()
    launchpad.server.add_bug("Review wanted", (key,), series=["trunk", "stable"])

    (found,) = launchpad.tracker().find(key)
    assert found.is_open


def test_a_bug_that_was_hidden_while_it_was_listed(launchpad: LaunchpadRig) -> None:
    """It is left out, as the next listing will."""
    key = fresh_key()
    launchpad.server.add_bug("Review wanted", (key,))
    wire = Wire(launchpad.network())
    wire.after = lambda number, _request: (
        setattr(launchpad.server.bugs[1], "visible", False) if number == 1 else None
    )

    assert launchpad.tracker(wire).find(key) == ()


def test_how_a_duplicate_is_retired(launchpad: LaunchpadRig) -> None:
    """One guarded call marks it and takes the key off; other tags stay."""
    key = fresh_key()
    tracker = launchpad.tracker()
    kept, other = tracker.create(draft(key)), tracker.create(draft(key))
    launchpad.server.sent.clear()

    tracker.close_duplicate(other.id, kept)

    (write,) = _writes(launchpad)
    assert write.body == {
        "duplicate_of_link": f"{BASE}/bugs/1",
        "tags": ["review-escalation"],
    }
    assert write.headers["If-Match"]
    after = tracker.read(other.id)
    assert (after.is_open, after.resolution, after.key) == (False, "Duplicate", None)


def test_a_duplicate_that_somebody_edits_meanwhile(launchpad: LaunchpadRig) -> None:
    """It is read again, so that no tag of theirs is lost; without an end it is put off."""
    key = fresh_key()
    tracker = launchpad.tracker()
    kept, other = tracker.create(draft(key)), tracker.create(draft(key))
    launchpad.server.disturb(2)

    tracker.close_duplicate(other.id, kept)

    assert launchpad.server.bugs[2].tags == ["review-escalation", "somebody-0", "somebody-1"]
    third = tracker.create(draft(key))
    launchpad.server.disturb(99)
    with pytest.raises(TemporaryError, match="changed by others"):
        tracker.close_duplicate(third.id, kept)


def test_a_ticket_that_people_marked_as_a_duplicate(launchpad: LaunchpadRig) -> None:
    """It is closed, whatever its status, and opened again by undoing the mark."""
    key = fresh_key()
    launchpad.ticketing().open_once(draft(key))
    launchpad.server.add_bug("The real one")
    launchpad.server.bugs[1].duplicate_of = 2
    closed = launchpad.tracker().read("1")

    outcome = launchpad.ticketing().open_once(draft(key))

    assert (closed.is_open, closed.resolution, closed.closed_at is None) == (
        False,
        "Duplicate",
        False,
    )
    assert outcome.action is Done.REOPENED
    assert launchpad.server.bugs[1].duplicate_of == 0
    assert "status" not in (_writes(launchpad)[-1].body or {})


def test_a_status_that_only_supervisors_change(launchpad: LaunchpadRig) -> None:
    """The refusal names the role, and the ticket stays as its people left it."""
    launchpad.ticketing().open_once(draft(fresh_key()))
    launchpad.server.set_status(1, "Deferred")
    launchpad.server.supervised = True

    with pytest.raises(RefusedError) as caught:
        launchpad.tracker().close("1", CloseReason.COMPLETED)

    assert "Only Bug Supervisors" not in caught.value.remedy
    assert "bug supervisor" in caught.value.remedy
    assert launchpad.server.bugs[1].status == "Deferred"


def test_handing_on_without_the_right(launchpad: LaunchpadRig) -> None:
    """Assigning a ticket that exists is refused, with the role that is missing."""
    key, records = fresh_key(), MemoryRecords()
    launchpad.ticketing(records).open_once(draft(key))
    launchpad.server.supervised = True

    with pytest.raises(RefusedError) as caught:
        launchpad.ticketing(records).assign_once(key, "committee2")

    assert caught.value.status == 403
    assert "to assign others" in caught.value.remedy


def test_an_assignment_that_is_put_off(launchpad: LaunchpadRig) -> None:
    """The bug is there already, so it is no failure; the outcome says who is missing."""
    wire = Wire(launchpad.network())
    wire.spoil = lambda request: request.method == "PATCH" and Reply(503, "busy")
    wire.before = lambda _number, request: (
        setattr(launchpad.server, "supervised", True) if request.method == "PATCH" else None
    )

    outcome = launchpad.ticketing(transport=wire).open_once(draft(fresh_key()))

    assert outcome.action is Done.CREATED
    assert any("committee1 was not assigned" in note for note in outcome.notes)


@pytest.mark.parametrize("who", ["committee1", "~committee1", " Committee1 ", "the-team"])
def test_how_people_are_written(launchpad: LaunchpadRig, who: str) -> None:
    """With or without the tilde of their address; teams too."""
    outcome = launchpad.ticketing().open_once(draft(fresh_key(), assignee=who))

    assert outcome.notes == ()
    assert launchpad.assignee("1") == who.strip(" ~").lower()


@pytest.mark.parametrize(
    "who", ["gone-person", "merged-person", "nobody-there", "a/../b", "me@example.org", ""]
)
def test_people_who_cannot_be_assigned(launchpad: LaunchpadRig, who: str) -> None:
    """Suspended, merged and unknown ones alike: refused, and nothing is written."""
    launchpad.tracker().create(draft(fresh_key(), assignee=None))
    launchpad.server.sent.clear()

    with pytest.raises(RefusedError) as caught:
        launchpad.tracker().assign("1", who)

    assert caught.value.status == 422
    assert _writes(launchpad) == []


def test_a_bug_that_moved_to_another_project(launchpad: LaunchpadRig) -> None:
    """It is not this project's any more: a new one is opened."""
    key, records = fresh_key(), MemoryRecords()
    launchpad.ticketing(records).open_once(draft(key))
    launchpad.server.bugs[1].project = "ubuntu"

    outcome = launchpad.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert outcome.ticket is not None
    assert outcome.ticket.id == "2"


def test_a_renamed_project(launchpad: LaunchpadRig) -> None:
    """The redirect is not followed, and the remedy says what to change."""
    launchpad.server.renamed = {"example": "example-ng"}

    with pytest.raises(RefusedError) as caught:
        launchpad.tracker().find(fresh_key())

    assert caught.value.status == 301
    assert "new name" in caught.value.remedy


def test_a_place_that_takes_no_bugs(launchpad: LaunchpadRig) -> None:
    """A series or a group is refused with 400, whoever was to be assigned."""
    wire = Wire(launchpad.network())
    wire.spoil = lambda request: (
        launchpad.is_creation(request) and Reply(400, "Can't create a bug on a series.")
    )

    with pytest.raises(RefusedError) as caught:
        launchpad.tracker(wire).create(draft(fresh_key()))

    assert "no series" in caught.value.remedy


def test_a_source_package(launchpad: LaunchpadRig) -> None:
    """Bugs of a package in a distribution are one more place."""
    place = "ubuntu/+source/hello"
    launchpad.server.projects.add(place)
    tracker = launchpad.tracker(project=place)
    key = fresh_key()

    made = tracker.create(draft(key))

    assert made.url == f"https://bugs.launchpad.net/{place}/+bug/1"
    assert [ticket.id for ticket in tracker.find(key)] == [made.id]


def test_a_creation_that_does_not_tell_the_number(launchpad: LaunchpadRig) -> None:
    """It is looked for, not repeated."""
    launchpad.server.location = False

    outcome = launchpad.ticketing().open_once(draft(fresh_key()))

    assert outcome.action is Done.CREATED
    assert len(launchpad.server.bugs) == 1


@pytest.mark.parametrize(
    ("reason", "status"),
    [(CloseReason.COMPLETED, "Won't Fix"), (CloseReason.NOT_PLANNED, "Opinion")],
)
def test_statuses_by_option(launchpad: LaunchpadRig, reason: CloseReason, status: str) -> None:
    """Each reason has its status, and reopening has another."""
    options = {
        "closed_status": "Won't Fix",
        "not_planned_status": "Opinion",
        "open_status": "Confirmed",
    }
    tracker = launchpad.tracker(options=options)
    tracker.create(draft(fresh_key()))

    tracker.close("1", reason)
    closed = tracker.read("1")
    tracker.reopen("1")

    assert closed.resolution == status
    assert launchpad.server.bugs[1].status == "Confirmed"


def test_what_is_closed_or_open_already(launchpad: LaunchpadRig) -> None:
    """Closing and reopening leave a status of somebody's own choice alone."""
    tracker = launchpad.tracker()
    tracker.create(draft(fresh_key()))
    launchpad.server.set_status(1, "In Progress")
    tracker.reopen("1")
    assert launchpad.server.bugs[1].status == "In Progress"
    launchpad.server.set_status(1, "Won't Fix")

    tracker.close("1", CloseReason.COMPLETED)

    assert launchpad.server.bugs[1].status == "Won't Fix"


@pytest.mark.parametrize("ticket_id", ["1/../../x", "-1", "", "\uff11", "1?x=y", "grv-1"])
def test_ids_that_are_no_numbers(launchpad: LaunchpadRig, ticket_id: str) -> None:
    """A damaged record sends nothing anywhere."""
    refuses_id(launchpad, ticket_id)


def test_the_name_of_the_place(launchpad: LaunchpadRig) -> None:
    """A bug's number counts at one instance, its task in one project."""
    assert launchpad.tracker().name == "launchpad:api.launchpad.net/example"
