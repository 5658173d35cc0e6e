"""The daily sweep: what it stands down, what it tells, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List

import pytest
from sandbox.standin.datastore import DatastoreService

from fake_http import Reply
from reviewloop.core.keys import event_id
from reviewloop.errors import AuthError
from reviewloop.escalation.events import event_ref
from reviewloop.operations import assess, cases, review, tickets
from reviewloop.operations import sweep as sweep_module
from reviewloop.operations.sweep import sweep
from reviewloop.store.tickets import TicketRecord
from stores import Shelf
from test_guards import DAY, put_off
from tools import SERVER, Desktop
from trackers_rig import draft, fresh_key

LISTS = ("closed", "held_back", "records_without_ticket", "tickets_without_record", "failures")


@pytest.fixture
def desktop() -> Desktop:
    """Fresh servers."""
    return Desktop()


def swept(desktop: Desktop, **parameters: Any) -> Dict[str, Any]:
    """The report of a sweep in a process of its own."""
    return sweep(desktop.tools(), **parameters)


def numbers(lines: List[Dict[str, Any]]) -> List[int]:
    """The changes that a list of a report is about."""
    return [line["number"] for line in lines]


def test_nothing_to_do(desktop: Desktop) -> None:
    """A wait that lasts keeps its ticket, and nothing is written."""
    number = desktop.escalated()
    comments = desktop.comments(number)

    report = swept(desktop)

    assert report["looked_at"] == 1
    assert [report[name] for name in LISTS] == [[]] * len(LISTS)
    assert desktop.issue(number)["state"] == "open"
    assert desktop.comments(number) == comments


def test_a_wait_that_is_over(desktop: Desktop) -> None:
    """The ticket is closed with the reason, the hashtags come off, nobody is asked any more."""
    number = desktop.escalated(hashtags=["escalated", "mine"])
    desktop.review(number)

    report = swept(desktop, hashtags=["escalated"])
    again = swept(desktop, hashtags=["escalated"])

    assert [(one["number"], one["why"]) for one in report["closed"]] == [(number, "reviewed")]
    assert report["asks_closed"] == 1
    assert desktop.issue(number)["state"] == "closed"
    assert "somebody reviewed the change" in desktop.comments(number)
    assert desktop.gerrit.changes[number].hashtags == ["mine"]
    assert (again["looked_at"], again["closed"]) == (0, [])


@pytest.mark.parametrize(("fate", "why"), [("hidden", "deleted"), ("private", "hidden")])
def test_a_change_out_of_sight(desktop: Desktop, fate: str, why: str) -> None:
    """The ticket is closed, and its last comment tells nothing of the change."""
    number = desktop.escalated(subject="Rotate the launch codes", number=4711)
    setattr(desktop.gerrit.changes[number], fate, True)

    report = swept(desktop)

    assert [(one["number"], one["why"]) for one in report["closed"]] == [(number, why)]
    assert desktop.issue(number)["state"] == "closed"
    last = desktop.comments(number)
    assert "No further action is needed" in last
    for word in ("launch", str(number), "tools/build", SERVER):
        assert word not in last.replace(desktop.record(number).key, "")


def test_more_changes_out_of_sight_than_is_likely(desktop: Desktop) -> None:
    """The account has more likely lost a permission: none is closed, all are told, the rest goes
    on.
    """
    gone = [desktop.escalated() for _ in range(3)]
    over = desktop.escalated()
    desktop.review(over)
    for number in gone:
        desktop.gerrit.changes[number].hidden = True

    report = swept(desktop, most_gone=2)

    assert numbers(report["held_back"]) == gone
    assert numbers(report["closed"]) == [over]
    assert [desktop.issue(number)["state"] for number in gone] == ["open"] * 3

    assert numbers(swept(desktop, most_gone=3)["closed"]) == gone


def test_a_ticket_that_people_closed(desktop: Desktop) -> None:
    """It is left as it is, and the record learns of it."""
    number = desktop.escalated()
    desktop.issue(number).update(state="closed", state_reason="completed")
    desktop.review(number)

    report = swept(desktop)

    assert report["closed"] == []
    assert desktop.comments(number) == ""
    assert desktop.record(number).state == "closed"


def test_a_record_without_ticket(desktop: Desktop) -> None:
    """It is told once; the next escalation opens a new ticket."""
    number = desktop.escalated()
    desktop.github.delete(int(desktop.record(number).id))

    assert numbers(swept(desktop)["records_without_ticket"]) == [number]
    assert swept(desktop)["records_without_ticket"] == []
    assert desktop.open_ticket(number, "5d")["action"] == "created"


def test_a_ticket_without_record(desktop: Desktop) -> None:
    """Where people were asked about a change its ticket is found again; any other is told and left
    alone.
    """
    number = desktop.escalated()
    desktop.shelf = Shelf()
    assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    stranger = desktop.tools().tracker
    assert stranger is not None
    foreign = stranger.create(draft(fresh_key(), assignee=None))

    report = swept(desktop)

    assert [one["ticket_id"] for one in report["tickets_without_record"]] == [foreign.id]
    assert desktop.github.issue(int(foreign.id))["state"] == "open"
    record = desktop.record(number)
    assert (record.id, record.number, record.party) == ("1", number, "reviewers")
    assert record.since == "2026-03-02T09:00:00Z"


def test_a_record_of_another_tracker(desktop: Desktop) -> None:
    """A ticket in the tracker used before is told, since it cannot be reached from here."""
    old = TicketRecord("grv-0123456789abcdef", "roundup:old.example.org/", "7", server=SERVER)
    desktop.tools().records.put(old)

    report = swept(desktop)

    assert [one["ticket_id"] for one in report["records_elsewhere"]] == ["7"]
    assert report["looked_at"] == 0


def test_a_dry_run(desktop: Desktop) -> None:
    """It tells what would be done and writes nothing."""
    over, gone, lost = (desktop.escalated(owner=desktop.owner()) for _ in range(3))
    desktop.review(over)
    desktop.gerrit.changes[gone].hidden = True
    desktop.github.delete(int(desktop.record(lost).id))
    kept = desktop.shelf.store.items()
    desktop.gerrit.requests.clear()
    desktop.github.sent.clear()

    report = swept(desktop, dry_run=True)

    assert numbers(report["closed"]) == [over, gone]
    assert numbers(report["records_without_ticket"]) == [lost]
    assert report["asks_closed"] == 2
    sent = (*desktop.github.sent, *desktop.gerrit.requests)
    assert {one.method for one in sent} == {"GET"}
    assert desktop.shelf.store.items() == kept


def test_one_change_that_fails(desktop: Desktop) -> None:
    """It is told with its error, and the others are seen to."""
    first, second = desktop.escalated(), desktop.escalated()
    for number in (first, second):
        desktop.review(number)
    tools = desktop.tools()
    record = desktop.record(first)
    refusal = Reply(403, {"message": "Resource not accessible"})
    send = desktop.github.answer
    desktop.github.answer = (  # type: ignore
        lambda sent: (
            refusal
            if sent.method == "PATCH" and sent.path.endswith(f"/{record.id}")
            else send(sent)
        )
    )

    report = sweep(tools)

    assert [(one["number"], one["kind"]) for one in report["failures"]] == [(first, "refused")]
    assert numbers(report["closed"]) == [second]


def test_without_a_tracker() -> None:
    """People are asked no more about a wait that is over."""
    desktop = Desktop(tracker={"kind": "none"})
    number = desktop.waiting()
    assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    desktop.review(number)

    report = swept(desktop)

    assert (report["asks_closed"], report["closed"]) == (1, [])


@pytest.mark.parametrize("which", ["gerrit", "tracker"])
def test_a_wrong_credential(desktop: Desktop, which: str) -> None:
    """It ends the sweep before anything looks as if it were gone."""
    desktop.escalated()
    tools = desktop.tools()
    if which == "tracker":
        desktop.github.tokens.clear()
    else:
        desktop.gerrit.fail(401)

    with pytest.raises(AuthError):
        sweep(tools)


# -- what an earlier run left half done ----------------------------------------------------------


def test_a_run_killed_between_reopening_and_its_record(desktop: Desktop) -> None:
    """The ticket of a new wait whose record still tells of the old one is closed with the wait."""
    number = desktop.escalated()
    desktop.review(number)
    tickets.close_ticket(desktop.tools(), number, event_id=desktop.event(number))
    # The owner answers, and a new wait begins; the run that reopens the ticket dies at once.
    desktop.gerrit.advance(hours=1)
    desktop.gerrit.review(number, desktop.gerrit.author, "Done.")
    since = int(desktop.gerrit.now.timestamp())
    desktop.gerrit.advance(days=2)
    event = f"{SERVER}:{number}:reviewers:{since}:2d"
    assert assess.assess(desktop.tools(), event, dry_run=False)["proceed"]
    desktop.issue(number).update(state="open", state_reason="reopened")
    desktop.review(number)

    report = swept(desktop)

    assert numbers(report["closed"]) == [number]
    assert desktop.issue(number)["state"] == "closed"
    assert desktop.record(number).state == "closed"


def test_standing_down_after_a_run_that_left_no_record(desktop: Desktop) -> None:
    """The ticket is found by its key and closed."""
    number = desktop.escalated()
    record = desktop.record(number)
    desktop.shelf = Shelf()
    assess.assess(desktop.tools(), desktop.event(number), dry_run=False)
    desktop.review(number)

    told = tickets.close_ticket(desktop.tools(), number, event_id=desktop.event(number))

    assert (told["action"], told["ticket_id"]) == ("closed", record.id)


def test_hashtags_that_could_not_be_taken_off(desktop: Desktop) -> None:
    """It is told, the ticket is closed all the same, and the next sweep tries again."""
    number = desktop.escalated(hashtags=["escalated"])
    desktop.review(number)
    tools = desktop.tools()
    desktop.gerrit.fail(503, times=9, match="/hashtags")

    report = sweep(tools, hashtags=["escalated"])
    desktop.gerrit.calm()
    again = swept(desktop, hashtags=["escalated"])

    assert numbers(report["failures"]) == numbers(report["closed"]) == [number]
    assert report["asks_closed"] == 0
    assert (again["asks_closed"], again["failures"]) == (1, [])
    assert desktop.gerrit.changes[number].hashtags == []


def test_a_listing_that_fails(desktop: Desktop) -> None:
    """The tickets without a record are unknown then; all others are looked after."""
    number = desktop.escalated()
    desktop.review(number)
    answer = desktop.github.answer
    desktop.github.answer = (  # type: ignore
        lambda sent: Reply(422, {}) if sent.query.get("state") == "open" else answer(sent)
    )

    report = swept(desktop)

    assert numbers(report["closed"]) == [number]
    assert [(one["number"], one["kind"]) for one in report["failures"]] == [(0, "refused")]


def test_an_escalation_beside_the_sweep(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that was escalated after the sweep had read the change keeps its ticket."""
    number = desktop.escalated()
    desktop.review(number)
    judge = cases.glance

    def judged(*args: Any) -> None:
        judge(*args)
        record = desktop.record(number)
        desktop.tools().records.put(replace(record, since="2026-03-04T10:00:00Z"))

    monkeypatch.setattr(sweep_module, "glance", judged)

    report = swept(desktop)

    assert report["closed"] == []
    assert desktop.issue(number)["state"] == "open"


# -- what is read otherwise than before ----------------------------------------------------------


def test_waits_that_are_not_read_any_more(desktop: Desktop) -> None:
    """After a change of the configuration they are as doubtful as changes out of sight."""
    asked = [desktop.escalated() for _ in range(3)]
    for number in asked:
        desktop.gerrit.changes[number].messages.clear()
        desktop.gerrit.upload(number, at="2026-03-03 09:00:00")

    report = swept(desktop, most_gone=2)

    assert numbers(report["held_back"]) == asked
    assert {desktop.issue(number)["state"] for number in asked} == {"open"}


@pytest.mark.parametrize(
    ("status", "wip", "why"), [("MERGED", False, "merged"), ("NEW", True, "wip")]
)
def test_an_ending_that_no_message_tells(
    desktop: Desktop, status: str, wip: bool, why: str
) -> None:
    """What Gerrit says of the change itself ends its waits."""
    number = desktop.escalated()
    desktop.gerrit.changes[number].status = status
    desktop.gerrit.changes[number].wip = wip

    assert [one["why"] for one in swept(desktop)["closed"]] == [why]


# -- one change, one record, one ticket: one guard -------------------------------------------------


def test_a_change_that_cannot_be_read(desktop: Desktop) -> None:
    """It is listed, and all others are stood down."""
    broken, over = desktop.escalated(), desktop.escalated()
    desktop.review(over)
    desktop.gerrit.changes[broken].messages[0]["date"] = "yesterday"

    report = swept(desktop)

    assert numbers(report["failures"]) == [broken]
    assert numbers(report["closed"]) == [over]


def test_a_defect_at_one_change(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even an exception that nobody expects keeps the others from being looked at."""
    broken, over = desktop.escalated(), desktop.escalated()
    desktop.review(over)
    judge = cases.glance

    def judged(context: Any, case: cases.Case, row: Any) -> None:
        if case.number == broken:
            raise KeyError("defect")
        judge(context, case, row)

    monkeypatch.setattr(sweep_module, "glance", judged)

    report = swept(desktop)

    assert [(one["number"], one["kind"]) for one in report["failures"]] == [(broken, "internal")]
    assert numbers(report["closed"]) == [over]


def test_records_that_cannot_be_read(desktop: Desktop) -> None:
    """They are named by their keys, and all others are looked after."""
    over = desktop.escalated()
    desktop.review(over)
    names = ["gerrit.ask.0000000000000000", "gerrit.ticket.grv-0000000000000000"]
    for name in names:
        desktop.shelf.service.set_value(name, '{"version": 2}', local=False)

    report = swept(desktop)

    assert report["unreadable"] == names
    assert numbers(report["closed"]) == [over]
    assert assess.assess(desktop.tools(), desktop.event(desktop.waiting()))["proceed"]


def test_a_record_of_another_server(desktop: Desktop) -> None:
    """After a new address without `server_id`, its records are told, not forgotten."""
    number = desktop.escalated()
    desktop.tools().records.put(replace(desktop.record(number), server="old.example.org"))

    (told,) = swept(desktop)["records_elsewhere"]

    assert (told["number"], told["server"]) == (number, "old.example.org")
    assert desktop.issue(number)["state"] == "open"


def test_a_renamed_server_that_keeps_its_id(desktop: Desktop) -> None:
    """`server_id` is the host it had: one ticket, and the end of the wait closes it."""
    number = desktop.escalated()
    desktop.config.update(url="https://review.example.net", server_id=SERVER)
    assert desktop.open_ticket(number)["action"] == "found"
    desktop.review(number)

    assert numbers(swept(desktop)["closed"]) == [number]


# -- what was put off ------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["reviewed", "lasts", "private", "hidden"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_was_put_off(desktop: Desktop, fate: str, dry_run: bool) -> None:
    """About a wait that lasts it stays; about one that is over it is dropped, whoever died."""
    number = desktop.waiting()
    put_off(desktop, desktop.event(number))
    put_off(desktop, desktop.event(number, "1d"), tier="chair")
    if fate == "reviewed":
        desktop.review(number)
    elif fate != "lasts":
        setattr(desktop.gerrit.changes[number], fate, True)

    report = swept(desktop, dry_run=dry_run, most_gone=0)

    gone = fate != "lasts"
    assert report["pending_dropped"] == 2 * gone
    assert len(desktop.tools().pendings.all()) == 2 * (dry_run or not gone)
    assert (report["held_back"], report["failures"]) == ([], [])


def test_what_was_put_off_about_two_waits(desktop: Desktop) -> None:
    """Each counts once."""
    number = desktop.waiting()
    event = desktop.event(number)
    put_off(desktop, event)
    put_off(desktop, event_id(SERVER, number, "reviewers", event_ref(event).since - DAY, "1d"))
    desktop.review(number)

    assert swept(desktop)["pending_dropped"] == 2


def test_what_was_put_off_about_a_change_that_cannot_be_read(desktop: Desktop) -> None:
    """It is listed and kept, and the others are looked at; an unreadable record is named."""
    broken, over = desktop.waiting(), desktop.waiting()
    for number in (broken, over):
        put_off(desktop, desktop.event(number))
    desktop.review(over)
    desktop.gerrit.changes[broken].messages[0]["date"] = "yesterday"
    desktop.shelf.store.put("gerrit.pending.0123456789abcdef", "no JSON")

    report = swept(desktop)

    assert numbers(report["failures"]) == [broken]
    assert [one.number for one in desktop.tools().pendings.all()] == [broken]
    assert (report["pending_dropped"], report["unreadable"]) == (
        1,
        ["gerrit.pending.0123456789abcdef"],
    )


# -- what nothing remembers ------------------------------------------------------------------------


def test_a_ticket_whose_records_are_lost(desktop: Desktop) -> None:
    """Its title names the change and its key proves it: it is closed when nobody is late any more,
    and remembered again while somebody is.
    """
    over, lasts = desktop.escalated(), desktop.escalated()
    issue = desktop.issue(over)
    desktop.review(over)
    desktop.shelf = Shelf()

    report = swept(desktop)

    assert numbers(report["tickets_without_record"]) == [over, lasts]
    assert [(one["number"], one["why"]) for one in report["closed"]] == [(over, "wait_over")]
    assert issue["state"] == "closed"
    assert (desktop.record(lasts).state, desktop.record(lasts).party) == ("open", "reviewers")


def test_a_ticket_whose_title_names_another_change(desktop: Desktop) -> None:
    """A key that does not fit proves nothing: it is told and left alone."""
    number = desktop.escalated()
    issue = desktop.issue(number)
    desktop.review(number)
    desktop.shelf = Shelf()
    issue["title"] = "Review wanted: tools/build change 99: x"

    report = swept(desktop)

    assert numbers(report["tickets_without_record"]) == [0]
    assert report["closed"] == []
    assert issue["state"] == "open"


def test_nothing_is_remembered_or_closed_in_a_dry_run(desktop: Desktop) -> None:
    """It only tells."""
    number = desktop.escalated()
    issue = desktop.issue(number)
    desktop.review(number)
    desktop.shelf = Shelf()

    report = swept(desktop, dry_run=True)

    assert numbers(report["closed"]) == [number]
    assert issue["state"] == "open"
    assert not [name for name in desktop.shelf.names() if name.startswith("gerrit.ticket.")]


def posted(desktop: Desktop, number: int) -> None:
    """The last task of an escalation."""
    review.post_review(
        desktop.tools(),
        number,
        purpose="escalate",
        event_id=desktop.event(number),
        tier="committee",
        asked=[desktop.member],
    )


def test_an_escalation_that_died_before_its_comment(desktop: Desktop) -> None:
    """A ticket is there and an ask, and nothing on the change: it is named after an hour."""
    half, whole = desktop.escalated(), desktop.escalated()
    posted(desktop, whole)

    assert swept(desktop)["half_done"] == []
    desktop.gerrit.advance(hours=1)
    (told,) = swept(desktop)["half_done"]

    assert (told["number"], told["tier"], told["event_id"]) == (
        half,
        "committee",
        desktop.event(half),
    )
    posted(desktop, half)
    assert swept(desktop)["half_done"] == []


def test_a_ticket_that_only_its_record_remembers(desktop: Desktop) -> None:
    """The ask is lost and the change says nothing: named too."""
    number = desktop.escalated()
    for name in desktop.shelf.names():
        if name.startswith("gerrit.ask."):
            desktop.shelf.service.delete_value(name, local=False)

    (told,) = swept(desktop)["half_done"]

    assert (told["number"], told["event_id"]) == (number, "")


class Counted(DatastoreService):
    """A datastore that counts how often it is listed."""

    listings = 0

    def list_values(self, *args: Any, **kwargs: Any) -> Any:
        """As StackStorm does, and counted."""
        self.listings += 1
        return super().list_values(*args, **kwargs)


def test_listings_grow_with_the_cases_only(desktop: Desktop) -> None:
    """Twice the cases cost twice the listings, not four times."""

    def listings(count: int) -> int:
        desktop = Desktop()
        for _ in range(count):
            desktop.review(desktop.escalated())
        counted = desktop.shelf.service = Counted(
            desktop.shelf.store, "gerrit", "T", lambda _: None
        )
        assert len(swept(desktop)["closed"]) == count
        return counted.listings

    four, eight = listings(4), listings(8)

    assert eight <= 2 * four
