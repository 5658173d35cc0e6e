"""Bugzilla's own habits, against the fake of ``fake_bugzilla``."""

from __future__ import annotations

import socket
import traceback
from typing import Dict, List

import pytest

import fake_bugzilla
from fake_bugzilla import BOT, COMPONENT, HARMONY, HOST, KEY, NEW, NOBODY, OLD, PRODUCT
from fake_http import Reply, Sent
from reviewloop.errors import AmbiguousError, AuthError, ProtocolError, RefusedError, TemporaryError
from reviewloop.http.transport import RequestsTransport
from reviewloop.trackers.outcomes import Done, ReopenPolicy
from reviewloop.trackers.tickets import CloseReason, TakenError
from rig_bugzilla import BugzillaRig
from stores import MemoryRecords
from trackers_rig import Wire, draft, fresh_key, refuses_id, whole_life


@pytest.fixture
def bugzilla() -> BugzillaRig:
    """A fresh fake Bugzilla 5.3."""
    return BugzillaRig()


@pytest.fixture(params=[OLD, NEW, HARMONY])
def any_version(request: pytest.FixtureRequest) -> BugzillaRig:
    """Each kind of Bugzilla in turn."""
    return BugzillaRig(request.param)


def _error(code: int, message: str = "…") -> Reply:
    status = fake_bugzilla.STATUS.get(code, 400)
    return Reply(status, {"error": True, "code": code, "message": message})


def _writes(rig: BugzillaRig) -> List[Sent]:
    return [sent for sent in rig.server.sent if sent.method != "GET"]


def test_what_is_sent_through_a_whole_life(bugzilla: BugzillaRig) -> None:
    """Opening, commenting, handing on, closing and reopening are six writes of these shapes."""
    key = whole_life(bugzilla)

    assert [(sent.method, sent.path, sent.body) for sent in _writes(bugzilla)] == [
        (
            "POST",
            "/rest/bug",
            {
                "product": PRODUCT,
                "component": COMPONENT,
                "version": "unspecified",
                "op_sys": "All",
                "platform": "All",
                "summary": "Review wanted: 4711",
                "description": f"It waits.\n\n[grv:{key}]",
                "alias": key,
                "whiteboard": "[review-escalation]",
                "assigned_to": "committee1",
            },
        ),
        ("POST", "/rest/bug/1/comment", {"comment": f"Still.\n\n[grv:{key}/level-1]"}),
        ("PUT", "/rest/bug/1", {"assigned_to": "committee2"}),
        ("POST", "/rest/bug/1/comment", {"comment": f"Done.\n\n[grv:{key}/end]"}),
        ("PUT", "/rest/bug/1", {"status": "RESOLVED", "resolution": "FIXED"}),
        ("PUT", "/rest/bug/1", {"status": "CONFIRMED"}),
    ]
    assert all(sent.headers["X-BUGZILLA-API-KEY"] == KEY for sent in bugzilla.server.sent)
    assert not any("Bugzilla_api_key" in sent.query for sent in bugzilla.server.sent)


def test_every_version(any_version: BugzillaRig) -> None:
    """The same life in 5.2, 5.3 and harmony, the alias being a list or one text."""
    key, records = fresh_key(), MemoryRecords()
    ticketing = any_version.ticketing(records)

    made = ticketing.open_once(draft(key))
    found = any_version.ticketing().open_once(draft(key))
    commented = ticketing.comment_once(key, "Still.", "level-1")
    closed = ticketing.close_once(key, "Done.", "end")
    late = ReopenPolicy(window=None, wont_fix=())
    again = any_version.ticketing(records, policy=late).open_once(draft(key))

    done = [one.action for one in (made, found, commented, closed, again)]
    assert done == [Done.CREATED, Done.FOUND, Done.COMMENTED, Done.CLOSED, Done.REOPENED]
    assert made.notes == ()
    assert len(any_version.server.bugs) == 1


def test_who_we_are(any_version: BugzillaRig) -> None:
    """5.2 cannot tell, but confirms it."""
    assert any_version.tracker().whoami() == BOT


def test_the_key_in_the_address(any_version: BugzillaRig) -> None:
    """Only where it is asked for; what is written holds it in the body."""
    key = fresh_key()
    any_version.ticketing().open_once(draft(key))

    reads = [sent.query for sent in any_version.server.sent if sent.method == "GET"]
    bodies = [sent.body for sent in _writes(any_version)]
    old = any_version.server.flavour == OLD
    assert {query.get("Bugzilla_api_key") for query in reads} == {KEY if old else None}
    assert {body.get("Bugzilla_api_key") for body in bodies} == {KEY if old else None}
    assert not any(_query_of(sent) for sent in _writes(any_version))


def _query_of(sent: Sent) -> Dict[str, str]:
    return sent.query


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_a_strangers_bug_with_our_alias(bugzilla: BugzillaRig, closed: bool) -> None:
    """An alias is one bug's: nothing is opened, theirs is left alone, and it is said loudly."""
    key = fresh_key()
    theirs = bugzilla.server.add_bug("Mine", (key,))
    if closed:
        bugzilla.server.close(theirs.id)

    with pytest.raises(RefusedError, match=f"Bug {theirs.id}, which somebody filed") as caught:
        bugzilla.ticketing().open_once(draft(key))

    assert "alias" in caught.value.remedy
    assert theirs.alias == [key]
    assert len(bugzilla.server.bugs) == 1
    assert bugzilla.ticketing().comment_once(key, "x", "level-1").ticket is None


def test_the_key_does_not_show_where_an_address_would() -> None:
    """A lost connection's own error names the address, so it is not shown behind ours."""
    rig = BugzillaRig(OLD)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = RequestsTransport(f"http://127.0.0.1:{probe.getsockname()[1]}")

    with pytest.raises(TemporaryError) as caught:
        rig.tracker(nobody).whoami()

    shown = "".join(traceback.format_exception(None, caught.value, caught.value.__traceback__))
    assert "no connection" in shown
    assert KEY not in shown


@pytest.mark.parametrize("flavour", [NEW, HARMONY])
def test_a_username_is_only_needed_by_old_versions(flavour: str) -> None:
    """Where the tracker tells who we are, the setting does not count."""
    assert BugzillaRig(flavour).tracker(username="somebody@example.org").whoami() == BOT


def test_an_old_version_without_its_option() -> None:
    """It does not know the header, nor the call; the remedy names the option."""
    rig = BugzillaRig(OLD)

    with pytest.raises(RefusedError) as caught:
        rig.tracker(options={"key_in": "header"}).whoami()

    assert 'tracker.options.key_in: "query"' in caught.value.remedy


def test_the_key_of_another_account() -> None:
    """5.2 says no; then it is the name or the key that is wrong."""
    rig = BugzillaRig(OLD)

    with pytest.raises(AuthError) as caught:
        rig.tracker(username="other@example.org").whoami()

    assert "tracker.username" in caught.value.remedy


@pytest.mark.parametrize("code", [300, 301, 306, 307, 410])
def test_codes_about_the_login(bugzilla: BugzillaRig, code: int) -> None:
    """Whatever their status, 400 or 401, they are a matter of the credential."""
    bugzilla.server.replies = [_error(code)]

    with pytest.raises(AuthError, match="tracker.token"):
        bugzilla.tracker().read("1")


@pytest.mark.parametrize("code", [102, 109, 115, 120, 304])
def test_codes_about_rights(bugzilla: BugzillaRig, code: int) -> None:
    """They come with 401 too, and are no matter of the credential."""
    bugzilla.server.replies = [_error(code, "You may not.")]

    with pytest.raises(RefusedError) as caught:
        bugzilla.tracker().read("1")

    assert caught.value.status == 403
    assert "You may not." in caught.value.message
    assert "editbugs" in caught.value.remedy


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_fault_while_writing(bugzilla: BugzillaRig, status: int) -> None:
    """Mail goes out after the work, so a fault leaves open what happened; it may come with 200."""
    fault = {"error": True, "code": 100500, "message": "could not send mail"}
    bugzilla.server.add_bug("x")
    for call in (
        lambda tracker: tracker.add_comment("1", "x"),
        lambda tracker: tracker.create(draft(fresh_key(), assignee=None)),
    ):
        bugzilla.server.replies = [Reply(status, fault)]
        with pytest.raises(AmbiguousError, match="could not send mail"):
            call(bugzilla.tracker())


def test_a_fault_while_reading(bugzilla: BugzillaRig) -> None:
    """It is asked again."""
    bugzilla.server.add_bug("x")
    bugzilla.server.replies = [_error(-32000, "deadlock"), _error(-32000, "deadlock")]

    assert bugzilla.tracker().read("1").id == "1"


def test_a_bug_filed_in_spite_of_a_fault(bugzilla: BugzillaRig) -> None:
    """It is looked for, not filed twice."""
    bugzilla.server.fault = "There was an error sending mail"
    key = fresh_key()

    outcome = bugzilla.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(bugzilla.server.bugs) == 1


def test_a_bug_filed_without_a_number(bugzilla: BugzillaRig) -> None:
    """The same for an answer that cannot be understood."""
    bugzilla.server.garbles = True

    outcome = bugzilla.ticketing().open_once(draft(fresh_key()))

    assert outcome.action is Done.CREATED
    assert len(bugzilla.server.bugs) == 1


def test_a_second_open_ticket(any_version: BugzillaRig) -> None:
    """Bugzilla itself lets no other open bug have the key."""
    key = fresh_key()
    tracker = any_version.tracker()
    tracker.create(draft(key))

    with pytest.raises(TakenError):
        tracker.create(draft(key))

    assert len(any_version.server.bugs) == 1


def test_a_key_that_a_closed_ticket_has(any_version: BugzillaRig) -> None:
    """It gives the key up to the new one; aliases that people gave it stay."""
    key = fresh_key()
    tracker = any_version.tracker()
    tracker.create(draft(key))
    old = any_version.server.bugs[1]
    if any_version.server.flavour != HARMONY:
        old.alias.append("people-call-it-so")
    any_version.server.close(1)

    made = tracker.create(draft(key))

    assert made.id == "2"
    assert [ticket.id for ticket in tracker.find(key)] == ["2"]
    assert old.alias == ([] if any_version.server.flavour == HARMONY else ["people-call-it-so"])


def test_a_key_that_another_run_takes_meanwhile(bugzilla: BugzillaRig) -> None:
    """Between giving the key up and taking it another run may come; it is asked once more only."""
    key = fresh_key()
    bugzilla.tracker().create(draft(key))
    bugzilla.server.close(1)
    wire = Wire(bugzilla.network())
    wire.after = lambda _number, request: (
        bugzilla.server.add_bug("theirs", (key,)) if request.method == "PUT" else None
    )

    with pytest.raises(TakenError):
        bugzilla.tracker(wire).create(draft(key))

    assert [method for method, _ in wire.writes] == ["POST", "PUT", "POST"]


def test_an_alias_that_no_one_has_any_more(bugzilla: BugzillaRig) -> None:
    """The holder lost it before we looked: the creation is tried again."""
    key = fresh_key()
    bugzilla.server.replies = [_error(103)]

    made = bugzilla.tracker().create(draft(key, assignee=None))

    assert made.key == key


def test_a_ticket_we_may_not_see(bugzilla: BugzillaRig) -> None:
    """A hidden bug that has the key is no missing one, else each run would open another."""
    key = fresh_key()
    bugzilla.server.add_bug("secret", (key,), product=PRODUCT)
    bugzilla.server.bugs[1].hidden = True

    with pytest.raises(RefusedError) as caught:
        bugzilla.ticketing().open_once(draft(key))

    assert caught.value.status == 403
    assert "restricted" in caught.value.remedy


def test_how_a_duplicate_is_retired(any_version: BugzillaRig) -> None:
    """One call marks it and takes the key off."""
    key = fresh_key()
    tracker = any_version.tracker()
    kept, other = tracker.create(draft(fresh_key())), tracker.create(draft(key))
    any_version.server.sent.clear()

    tracker.close_duplicate(other.id, kept)

    (write,) = _writes(any_version)
    body = {name: value for name, value in write.body.items() if name != "Bugzilla_api_key"}
    assert body == {"dupe_of": 1, "alias": ""}
    after = tracker.read(other.id)
    assert (after.is_open, after.resolution, after.key) == (False, "DUPLICATE", None)


def test_an_installation_that_wants_comments(bugzilla: BugzillaRig) -> None:
    """Closing is tried without one first, since ticketing has said what there is to say."""
    bugzilla.server.wants_comment = True
    key, records = fresh_key(), MemoryRecords()
    bugzilla.ticketing(records).open_once(draft(key))

    outcome = bugzilla.ticketing(records).close_once(key, "Reviewed.", "end")

    assert outcome.action is Done.CLOSED
    assert len(bugzilla.comments("1")) == 2


def test_a_field_that_must_be_filled(bugzilla: BugzillaRig) -> None:
    """The refusal says which, and the option fills it."""
    bugzilla.server.mandatory = "cf_team"

    with pytest.raises(RefusedError) as caught:
        bugzilla.ticketing().open_once(draft(fresh_key()))
    options = {"fields": "type = task; cf_team=Reviews; summary=ours", "severity": "minor"}
    made = bugzilla.tracker(options=options).create(draft(fresh_key()))

    assert "cf_team" in caught.value.message
    assert "tracker.options.fields" in caught.value.remedy
    fields = bugzilla.server.bugs[int(made.id)].fields
    assert (fields["type"], fields["cf_team"], fields["severity"]) == ("task", "Reviews", "minor")
    assert fields["summary"] == "Review wanted: 4711"


def test_a_component_that_is_not_there(bugzilla: BugzillaRig) -> None:
    """The remedy names the options, also where an assignee was wanted."""
    with pytest.raises(RefusedError) as caught:
        bugzilla.tracker(options={"component": "Elsewhere"}).create(draft(fresh_key()))

    assert "component" in caught.value.remedy
    assert bugzilla.server.bugs == {}


def test_a_product_that_is_not_there(bugzilla: BugzillaRig) -> None:
    """It is told with 401 by Bugzilla, and as what it is by us."""
    with pytest.raises(RefusedError) as caught:
        bugzilla.tracker(project="Gone").create(draft(fresh_key()))

    assert caught.value.status == 403
    assert "tracker.project" in caught.value.remedy


def test_more_open_tickets_than_a_page(bugzilla: BugzillaRig) -> None:
    """Pages go by number, so that a bug closed meanwhile moves none; other bugs are passed over."""
    keys = [fresh_key() for _ in range(12)]
    for key in keys:
        bugzilla.server.add_bug("Review wanted", (key,))
    bugzilla.server.add_bug("theirs", ("grv-not-ours",))
    bugzilla.server.add_bug("elsewhere", (fresh_key(),), product="Other")
    bugzilla.server.max_results = 5
    wire = Wire(bugzilla.network())
    wire.after = lambda number, _request: bugzilla.server.close(1) if number == 1 else None

    found = bugzilla.tracker(wire).list_open()

    assert [ticket.key for ticket in found] == keys
    asked = [sent.query["v2"] for sent in bugzilla.server.sent]
    assert asked == ["0", "5", "10", "13"]


def test_the_default_assignee(bugzilla: BugzillaRig) -> None:
    """Without an assignee Bugzilla takes the component's."""
    made = bugzilla.tracker().create(draft(fresh_key(), assignee=None))

    assert bugzilla.tracker().read(made.id).assignees == (NOBODY,)


def test_handing_on_without_the_right(bugzilla: BugzillaRig) -> None:
    """Assigning a ticket that exists is refused, with the group that is missing."""
    key, records = fresh_key(), MemoryRecords()
    bugzilla.ticketing(records).open_once(draft(key))
    bugzilla.server.editbugs = False

    with pytest.raises(RefusedError) as caught:
        bugzilla.ticketing(records).assign_once(key, "committee2")

    assert caught.value.status == 403
    assert "editbugs" in caught.value.remedy


@pytest.mark.parametrize(
    ("reply", "what"),
    [(_error(51), "unknown"), (_error(504), "invalid"), (Reply(200, {"users": []}), "hidden")],
    ids=["unknown", "invalid", "hidden"],
)
def test_people_who_cannot_be_assigned(bugzilla: BugzillaRig, reply: Reply, what: str) -> None:
    """Refused before anything is written."""
    bugzilla.server.add_bug(what)
    bugzilla.server.replies = [reply]

    with pytest.raises(RefusedError) as caught:
        bugzilla.tracker().assign("1", "stranger")

    assert caught.value.status == 422
    assert _writes(bugzilla) == []


def test_a_login_in_other_letters(bugzilla: BugzillaRig) -> None:
    """It is written as Bugzilla has it, and known again."""
    outcome = bugzilla.ticketing().open_once(draft(fresh_key(), assignee="Committee1"))

    assert outcome.notes == ()
    assert bugzilla.assignee("1") == "committee1"


def test_options_for_closing_and_reopening(bugzilla: BugzillaRig) -> None:
    """Statuses and resolutions are those of the installation."""
    options = {
        "closed_status": "VERIFIED",
        "resolution": "WORKSFORME",
        "not_planned_resolution": "INVALID",
        "open_status": "UNCONFIRMED",
    }
    tracker = bugzilla.tracker(options=options)
    told = []
    for reason in (CloseReason.COMPLETED, CloseReason.NOT_PLANNED):
        made = tracker.create(draft(fresh_key()))
        tracker.close(made.id, reason)
        told.append(tracker.read(made.id).resolution)
        assert bugzilla.server.bugs[int(made.id)].fields["status"] == "VERIFIED"
        tracker.reopen(made.id)
        assert bugzilla.server.bugs[int(made.id)].fields["status"] == "UNCONFIRMED"

    assert told == ["WORKSFORME", "INVALID"]


def test_what_is_closed_or_open_already(bugzilla: BugzillaRig) -> None:
    """Closing and reopening leave somebody's own choice alone."""
    tracker = bugzilla.tracker()
    tracker.create(draft(fresh_key()))
    bugzilla.server.bugs[1].fields["status"] = "IN_PROGRESS"
    tracker.reopen("1")
    assert bugzilla.server.bugs[1].fields["status"] == "IN_PROGRESS"
    bugzilla.server.close(1, "WONTFIX")

    tracker.close("1", CloseReason.COMPLETED)

    assert tracker.read("1").resolution == "WONTFIX"


def test_a_status_that_the_workflow_does_not_allow(bugzilla: BugzillaRig) -> None:
    """The remedy names the options."""
    tracker = bugzilla.tracker(options={"open_status": "IN_PROGRESS"})
    tracker.create(draft(fresh_key()))
    bugzilla.server.close(1)

    with pytest.raises(RefusedError, match="workflow"):
        tracker.reopen("1")


def test_comments_do_not_hold_the_description(bugzilla: BugzillaRig) -> None:
    """Bugzilla counts it as comment 0."""
    tracker = bugzilla.tracker()
    tracker.create(draft(fresh_key()))
    tracker.add_comment("1", "A word.")

    ((comment),) = tracker.comments("1")

    assert (comment.id, comment.text, comment.author) == ("1001", "A word.", BOT)


@pytest.mark.parametrize("ticket_id", ["1/../../x", "-1", "", "\uff11", "1?x=y", "an-alias"])
def test_ids_that_are_no_numbers(bugzilla: BugzillaRig, ticket_id: str) -> None:
    """A damaged record sends nothing anywhere."""
    refuses_id(bugzilla, ticket_id)


def test_without_rewriting(bugzilla: BugzillaRig) -> None:
    """Calls go to rest.cgi, links to the pages beside it."""
    tracker = bugzilla.tracker(url=f"{HOST}/rest.cgi")

    made = tracker.create(draft(fresh_key()))

    assert made.url == f"{HOST}/show_bug.cgi?id=1"
    assert {sent.path for sent in bugzilla.server.sent} == {"/rest.cgi/user", "/rest.cgi/bug"}


def test_a_page_that_is_not_found(bugzilla: BugzillaRig) -> None:
    """The web server's own 404 is no missing ticket: the address is wrong."""
    bugzilla.server.replies = [Reply(404, "<html>Not Found</html>")]

    with pytest.raises(RefusedError) as caught:
        bugzilla.tracker().find(fresh_key())

    assert "/rest.cgi" in caught.value.remedy


def test_an_answer_with_too_many_bugs(bugzilla: BugzillaRig) -> None:
    """One alias, one bug: anything else is not understood."""
    bugzilla.server.replies = [Reply(200, {"bugs": []})]

    with pytest.raises(ProtocolError):
        bugzilla.tracker().find(fresh_key())


def test_the_name_of_the_place(bugzilla: BugzillaRig) -> None:
    """Bugs are numbered in one installation, which may stand below a path."""
    assert bugzilla.tracker().name == "bugzilla:bugzilla.example.org/Governance"
    below = bugzilla.tracker(url=f"{HOST}/bz")
    assert below.name == "bugzilla:bugzilla.example.org/bz/Governance"
