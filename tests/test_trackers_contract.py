"""What holds with every tracker; ``docs/trackers.md`` shows which of them are real and which fakes.

Each case is named by its mark; a tracker that cannot show a case says why in ``Rig.cannot``.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, Callable, List

import pytest

from fake_http import Reply
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http.messages import Request
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.outcomes import About, Done, Outcome, ReopenPolicy
from reviewloop.trackers.ticketing import Ticketing
from reviewloop.trackers.tickets import ClaimState
from stores import MemoryRecords
from trackers_rig import (
    NOW,
    Drop,
    KilledError,
    Rig,
    Wire,
    answering,
    draft,
    fresh_key,
    gated,
    killing,
    losing,
    losing_creation,
)

RUNS = 6
AT_ONCE = timedelta(0)
"""The patience of a run that comes late enough to take another's claim over."""

Step = Callable[[Ticketing], Outcome]
case = pytest.mark.case


@case("create twice")
def test_opening_twice(rig: Rig) -> None:
    """The second opening finds the first one's ticket, which bears all that was asked."""
    key, records = fresh_key(), MemoryRecords()

    made = rig.ticketing(records).open_once(
        draft(key), About("g.example.org", 7, "reviewers", "x", 2)
    )
    again = rig.ticketing(records).open_once(draft(key))

    assert made.action is Done.CREATED
    assert made.notes == ()
    assert again.action is Done.FOUND
    assert made.ticket is not None
    assert rig.all_ids(key) == [made.ticket.id]
    assert made.ticket.assignees == ("committee1",)
    assert made.ticket.labels == ("review-escalation",)
    record = records.get(key)
    assert record is not None
    assert (record.id, record.number, record.level) == (made.ticket.id, 7, 2)


@case("create twice")
def test_opening_again_after_the_records_were_lost(rig: Rig) -> None:
    """Without a record the listing finds the ticket."""
    key = fresh_key()

    made = rig.ticketing().open_once(draft(key))
    again = rig.ticketing().open_once(draft(key))

    assert again.action is Done.FOUND
    assert again.ticket == made.ticket


@case("create twice")
def test_a_record_of_another_tracker(rig: Rig) -> None:
    """A record counts only where it was made: its id means another ticket elsewhere."""
    key, records = fresh_key(), MemoryRecords()
    records.put(TicketRecord(key=key, tracker="github:api.example.org/a/b", id="1"))

    outcome = rig.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(rig.open_ids(key)) == 1


@case("six at once")
@pytest.mark.parametrize("patience", [timedelta(minutes=2), AT_ONCE], ids=["claim", "no claim"])
def test_six_runs_at_once(rig: Rig, patience: timedelta) -> None:
    """One ticket remains open, whether the tracker lets one run create or all create and
    reconcile.
    """
    key = fresh_key()
    claims = rig.tracker().claim(key).state is not ClaimState.UNSUPPORTED
    if claims and patience:
        key = fresh_key()
    barrier = threading.Barrier(RUNS)
    runs = [
        rig.ticketing(
            transport=gated(rig, barrier, with_claim=claims and bool(patience)), patience=patience
        )
        for _ in range(RUNS)
    ]

    outcomes = _at_once(
        [lambda ticketing=ticketing: ticketing.open_once(draft(key)) for ticketing in runs]
    )

    odd = [one for one in outcomes if not isinstance(one, (Outcome, TemporaryError))]
    assert odd == []
    settled = rig.ticketing().open_once(draft(key))
    assert settled.action is Done.FOUND
    assert settled.ticket is not None
    assert rig.open_ids(key) == [settled.ticket.id]
    assert rig.open_ids(key) == rig.all_ids(key)[:1]
    if claims and patience:
        assert len(rig.all_ids(key)) == 1


@case("six at once")
def test_a_run_whose_new_ticket_is_retired_before_it_looks(rig: Rig) -> None:
    """It goes on with the ticket that was kept: losing a race is no error."""
    key = fresh_key()
    wire = Wire(rig.network())
    if rig.tracker().claim(key).state is not ClaimState.UNSUPPORTED:
        key = fresh_key()

    def before(_number: int, request: Request) -> None:
        if rig.is_creation(request):
            rig.tracker().create(draft(key))

    def after(_number: int, request: Request) -> None:
        if rig.is_creation(request):
            rig.ticketing(patience=AT_ONCE).open_once(draft(key))

    wire.before, wire.after = before, after

    outcome = rig.ticketing(transport=wire, patience=AT_ONCE).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert outcome.ticket is not None
    assert rig.open_ids(key) == [outcome.ticket.id]


@case("duplicates retired")
def test_retired_duplicates_point_at_the_one_that_stays(rig: Rig) -> None:
    """A duplicate is closed with a link and loses its key."""
    key = fresh_key()
    tracker = rig.tracker()
    first, second = tracker.create(draft(key)), tracker.create(draft(key))

    outcome = rig.ticketing().open_once(draft(key))

    assert outcome.ticket is not None
    assert outcome.ticket.id == first.id
    assert any(second.id in note for note in outcome.notes)
    assert any(first.url in text for text in rig.comments(second.id))
    assert [ticket.id for ticket in tracker.find(key)] == [first.id]
    assert not tracker.read(second.id).is_open


@case("stranger's ticket")
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_a_strangers_ticket_with_our_key(rig: Rig, closed: bool) -> None:
    """Whoever may write there can give theirs our key: we open our own, and leave theirs alone."""
    key = fresh_key()
    theirs = rig.stranger(key)
    if closed:
        rig.close(theirs)
    before = (rig.tracker().read(theirs).state, rig.assignee(theirs), rig.comments(theirs))

    made = rig.ticketing(patience=AT_ONCE).open_once(draft(key))
    again = rig.ticketing(patience=AT_ONCE).open_once(draft(key))
    said = rig.ticketing().comment_once(key, "It still waits.", "level-1")
    listed = {ticket.id for ticket in rig.ticketing().list_open()}
    ended = rig.ticketing().close_once(key, "Reviewed.", "end")

    assert (made.action, again.action, said.action) == (Done.CREATED, Done.FOUND, Done.COMMENTED)
    assert ended.action is Done.CLOSED
    assert made.ticket is not None
    assert {one.ticket.id for one in (again, said, ended) if one.ticket} == {made.ticket.id}
    assert made.ticket.id in listed
    assert theirs not in listed
    after = (rig.tracker().read(theirs).state, rig.assignee(theirs), rig.comments(theirs))
    assert after == before


@case("reopen")
def test_a_ticket_closed_by_somebody_is_reopened(rig: Rig) -> None:
    """A new wait on a closed ticket opens it again, by default however long ago it was closed."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    rig.close(ticket.id)

    outcome = rig.ticketing(records).open_once(draft(key))

    assert outcome.action is Done.REOPENED
    assert rig.open_ids(key) == [ticket.id]
    record = records.get(key)
    assert record is not None
    assert record.state == "open"


@case("closed too long ago")
def test_a_ticket_closed_too_long_ago(rig: Rig) -> None:
    """Outside the window a new ticket is opened, and it is the one found from then on."""
    key = fresh_key()
    ticket = rig.ticketing().open_once(draft(key)).ticket
    assert ticket is not None
    rig.close(ticket.id)
    policy = ReopenPolicy(window=timedelta(days=-9999))

    outcome = rig.ticketing(policy=policy, patience=AT_ONCE).open_once(draft(key))
    again = rig.ticketing(policy=policy).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert again.action is Done.FOUND
    assert len(rig.all_ids(key)) == 2
    assert rig.open_ids(key) == [outcome.ticket.id] if outcome.ticket else False


@case("won't fix")
def test_a_ticket_its_people_want_closed(rig: Rig) -> None:
    """A resolution that means "leave us alone" is respected: nothing is opened."""
    key = fresh_key()
    ticket = rig.ticketing().open_once(draft(key)).ticket
    assert ticket is not None
    rig.close(ticket.id)

    word = rig.resolution or "Leave us alone"
    if not rig.resolution:
        rig.label_as(ticket.id, word)

    policy = ReopenPolicy(wont_fix=(word.upper(),))
    outcome = rig.ticketing(policy=policy).open_once(draft(key))

    assert outcome.action is Done.NOTHING
    assert "left alone" in outcome.reason
    assert rig.open_ids(key) == []
    assert len(rig.all_ids(key)) == 1


@case("ticket deleted")
def test_a_ticket_that_was_deleted(rig: Rig) -> None:
    """A record whose ticket is gone does not stand in the way of a new ticket."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    rig.remove(ticket.id)

    outcome = rig.ticketing(records, patience=AT_ONCE).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert outcome.ticket is not None
    assert outcome.ticket.id != ticket.id


@case("comment once a level")
def test_commenting_twice(rig: Rig) -> None:
    """A step's comment is there once; another step's is another."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None

    done = [
        rig.ticketing(records).comment_once(key, "It still waits.", "level-1").action,
        rig.ticketing(records).comment_once(key, "It still waits.", f"{key}/level-1").action,
        rig.ticketing(records).comment_once(key, "It still waits.", "level-2").action,
    ]

    assert done == [Done.COMMENTED, Done.NOTHING, Done.COMMENTED]
    assert len(rig.comments(ticket.id)) == 2


def test_steps_on_a_key_without_ticket(rig: Rig) -> None:
    """Nothing is done, and the outcome says why."""
    key = fresh_key()
    ticketing = rig.ticketing()

    outcomes = [
        ticketing.comment_once(key, "x", "m"),
        ticketing.close_once(key, "x", "m"),
        ticketing.assign_once(key, "committee2"),
    ]

    assert [one.action for one in outcomes] == [Done.NOTHING] * 3
    assert all("there is no ticket" in one.reason for one in outcomes)


@case("closed by us")
def test_closing_twice(rig: Rig) -> None:
    """The ticket is closed with one comment, and stays so."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None

    first = rig.ticketing(records).close_once(key, "Reviewed.", "end")
    second = rig.ticketing(records).close_once(key, "Reviewed.", "end")

    assert first.action is Done.CLOSED
    assert second.action is Done.NOTHING
    assert second.reason.endswith("by an earlier run")
    assert rig.open_ids(key) == []
    assert len(rig.comments(ticket.id)) == 1


@case("closed by a human")
def test_closing_what_somebody_closed(rig: Rig) -> None:
    """Nothing is said on a ticket that its people have closed, and the record learns of it."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    rig.close(ticket.id)

    outcome = rig.ticketing(records).close_once(key, "Reviewed.", "end")

    assert outcome.action is Done.NOTHING
    assert outcome.reason.endswith("by somebody else")
    assert rig.comments(ticket.id) == []
    record = records.get(key)
    assert record is not None
    assert record.state == "closed"


@case("closed by a human")
def test_commenting_and_assigning_what_is_closed(rig: Rig) -> None:
    """A closed ticket is left alone, in particular not reopened."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None
    rig.close(ticket.id)

    comment = rig.ticketing(records).comment_once(key, "x", "m")
    assign = rig.ticketing(records).assign_once(key, "committee2")

    assert (comment.reason, assign.reason) == ("the ticket is closed",) * 2
    assert rig.open_ids(key) == []


@case("closed by a human")
def test_a_comment_on_a_closed_ticket_leaves_it_closed(rig: Rig) -> None:
    """The adapter's own promise; a Roundup left to itself would reopen the ticket."""
    tracker = rig.tracker()
    ticket = tracker.create(draft(fresh_key()))
    rig.close(ticket.id)

    tracker.add_comment(ticket.id, "A word more.")

    assert not tracker.read(ticket.id).is_open


@case("assign")
def test_assigning_twice(rig: Rig) -> None:
    """Handing a ticket on replaces the assignee; doing it again does nothing."""
    key, records = fresh_key(), MemoryRecords()
    ticket = rig.ticketing(records).open_once(draft(key)).ticket
    assert ticket is not None

    first = rig.ticketing(records).assign_once(key, "committee2")
    second = rig.ticketing(records).assign_once(key, "committee2")

    assert (first.action, second.action) == (Done.ASSIGNED, Done.NOTHING)
    assert rig.assignee(ticket.id) == "committee2"
    record = records.get(key)
    assert record is not None
    assert record.assignee == "committee2"


@case("assign")
def test_an_assignee_the_tracker_does_not_know(rig: Rig) -> None:
    """The ticket is opened all the same, for nobody, and the outcome says so."""
    key = fresh_key()

    outcome = rig.ticketing().open_once(draft(key, assignee="stranger"))

    assert outcome.action is Done.CREATED
    assert outcome.ticket is not None
    assert rig.assignee(outcome.ticket.id) == ""
    assert any("stranger could not be assigned" in note for note in outcome.notes)


@case("wrong credential")
def test_a_wrong_credential(rig: Rig) -> None:
    """It is found before anything is searched or written."""
    wire = Wire(rig.network())
    ticketing = Ticketing(rig.tracker(wire, **rig.wrong_credential()), MemoryRecords(), lambda: NOW)

    with pytest.raises(AuthError) as caught:
        ticketing.open_once(draft(fresh_key()))

    assert wire.writes == []
    assert "tracker.token" in caught.value.remedy
    assert "wrong" not in str(caught.value)


@case("project gone")
def test_a_project_that_is_not_there(rig: Rig) -> None:
    """The error names what to check, and nothing was written anywhere."""
    wire = Wire(rig.network())
    ticketing = Ticketing(rig.tracker(wire, **rig.wrong_place()), MemoryRecords(), lambda: NOW)

    with pytest.raises(ReviewLoopError) as caught:
        ticketing.open_once(draft(fresh_key()))

    assert not isinstance(caught.value, TemporaryError)
    assert "tracker." in str(caught.value)


@case("dropped label")
def test_a_label_that_was_dropped(rig: Rig) -> None:
    """The ticket is opened, found again, and the outcome says what is missing and why."""
    key = fresh_key()
    rig.drop(Drop.LABEL)

    outcome = rig.ticketing().open_once(draft(key))
    again = rig.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert again.action is Done.FOUND
    assert any("labels were dropped" in note for note in outcome.notes)
    assert len(rig.all_ids(key)) == 1


@case("dropped assignee")
def test_an_assignee_that_was_dropped(rig: Rig) -> None:
    """The ticket is opened for nobody, and the outcome says so."""
    key = fresh_key()
    rig.drop(Drop.ASSIGNEE)

    outcome = rig.ticketing().open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert outcome.ticket is not None
    assert rig.assignee(outcome.ticket.id) == ""
    assert any("committee1" in note and "assigned" in note for note in outcome.notes)


@case("dropped key")
def test_a_key_that_was_dropped(rig: Rig) -> None:
    """It is loud, since the next run could not find the ticket; the record keeps it from a
    second one.
    """
    key, records = fresh_key(), MemoryRecords()
    rig.drop(Drop.KEY)

    with pytest.raises((ProtocolError, RefusedError)) as caught:
        rig.ticketing(records).open_once(draft(key))

    assert caught.value.remedy
    made = rig.all_ids(key)
    if made:
        assert rig.ticketing(records).open_once(draft(key)).action is Done.FOUND
        assert rig.all_ids(key) == made


@case("search lag")
def test_a_listing_that_lags(rig: Rig) -> None:
    """A run waits until the listing shows its own ticket, and so sees those of others."""
    key = fresh_key()
    rig.hide_from_listings(5)
    rig.tracker().create(draft(key))

    outcome = rig.ticketing().open_once(draft(key))

    assert len(rig.all_ids(key)) == 2
    assert rig.open_ids(key) == rig.all_ids(key)[:1]
    assert outcome.ticket is not None
    assert [outcome.ticket.id] == rig.open_ids(key)


@case("search lag")
def test_a_lost_answer_while_the_listing_lags(rig: Rig) -> None:
    """A creation whose answer was lost is looked for as long as the listing may lag."""
    key = fresh_key()
    rig.hide_from_listings(5)

    outcome = rig.ticketing(transport=losing_creation(rig, done=True)).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(rig.all_ids(key)) == 1


@case("rate limit with Retry-After")
def test_a_rate_limit_that_says_how_long(rig: Rig) -> None:
    """A read waits as told and goes on; a write is not done, and the caller is told when."""
    key = fresh_key()
    limit = Reply(429, {"message": "slow down"}, {"Retry-After": "7"})
    reads = answering(rig.network(), limit, lambda request: request.method == "GET", times=1)

    outcome = rig.ticketing(transport=reads).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert 7.0 in rig.pace.slept
    _refused_write_is_told(rig, limit, seconds=7)


@case("rate limit without Retry-After")
def test_a_rate_limit_that_does_not_say_how_long(rig: Rig) -> None:
    """A minute is taken, which is longer than an action sleeps, so the caller is told."""
    limit = Reply(429, {"message": "slow down"})

    _refused_write_is_told(rig, limit, seconds=60)


def _refused_write_is_told(rig: Rig, limit: Reply, seconds: float) -> None:
    key = fresh_key()
    writes = answering(rig.network(), limit, rig.is_creation, times=1)

    with pytest.raises(TemporaryError) as caught:
        rig.ticketing(transport=writes).open_once(draft(key))
    assert not isinstance(caught.value, AmbiguousError)
    assert caught.value.retry_after == seconds
    assert rig.all_ids(key) == []

    assert rig.ticketing(patience=AT_ONCE).open_once(draft(key)).action is Done.CREATED
    assert len(rig.all_ids(key)) == 1


@case("HTML instead of JSON")
def test_a_page_instead_of_data(rig: Rig) -> None:
    """A login page with status 200 is told as such before anything is written."""
    page = Reply(200, "<html><body>Sign in</body></html>")
    wire = answering(rig.network(), page, lambda _request: True, times=9)

    with pytest.raises((AuthError, ProtocolError)) as caught:
        rig.ticketing(transport=wire).open_once(draft(fresh_key()))

    assert wire.writes == []
    assert "tracker.url" in caught.value.remedy


@case("5xx after sending")
def test_a_server_that_fails_after_the_work(rig: Rig) -> None:
    """An answer of 502 to a creation that happened is looked into, not repeated."""
    key = fresh_key()
    wire = Wire(rig.network())
    wire.spoil = lambda request: rig.is_creation(request) and Reply(502, "<html>Bad gateway</html>")

    outcome = rig.ticketing(transport=wire).open_once(draft(key))

    assert outcome.action in (Done.CREATED, Done.FOUND)
    assert len(rig.all_ids(key)) == 1


@case("listing for the sweep")
def test_what_is_open_is_listed(rig: Rig) -> None:
    """The sweep sees open tickets of ours, whichever their key, and no closed ones."""
    ours, closed = fresh_key(), fresh_key()
    kept = rig.ticketing().open_once(draft(ours)).ticket
    gone = rig.ticketing().open_once(draft(closed)).ticket
    assert kept is not None
    assert gone is not None
    rig.close(gone.id)

    found = {ticket.id: ticket.key for ticket in rig.tracker().list_open()}

    assert found[kept.id] == ours
    assert gone.id not in found


HOSTILE = (
    "@team please --> <!-- grv:grv-ffffffffffffffff --> [grv:grv-ffffffffffffffff] "
    "#1 \U0001f600 \u202egnp.exe \x00\x1b ```\u2028 </details> {{ st2kv.system.x }} <% ctx().x %> "
    '{code} {noformat} [~admin] "x":http://e.example !i.png! h1. || <pre> {{include(a)}} &lt;!--'
)


@case("hostile text")
def test_hostile_text(rig: Rig) -> None:
    """Text from outside arrives whole, but cannot pose as a marker, end one, or turn a line
    round.
    """
    key = fresh_key()
    lines = f"{HOSTILE}\n/close\n/assign @me\nbq. x\n-- \n> y\n.\n"
    body = fmt.value(HOSTILE, rig.tracker().body_format) + "\n\n" + lines

    outcome = rig.ticketing().open_once(draft(key, title=HOSTILE, body=body))
    again = rig.ticketing().open_once(draft(key, title=HOSTILE, body=body))

    assert outcome.ticket is not None
    assert again.ticket == outcome.ticket
    assert outcome.notes == ()
    assert outcome.ticket.key == key
    assert outcome.ticket.title == fmt.title(HOSTILE, rig.tracker().title_limit)
    assert "\U0001f600" in outcome.ticket.title
    assert not set("\u202e\x00\x1b") & set(outcome.ticket.title)
    assert rig.tracker().find("grv-" + "f" * 16) == ()


@case("70 kB")
def test_a_body_longer_than_a_tracker_takes(rig: Rig) -> None:
    """It is cut, says so, and keeps its key."""
    key = fresh_key()

    outcome = rig.ticketing().open_once(draft(key, title="T" * 400, body="\U0001f600 x" * 24_000))

    assert outcome.ticket is not None
    assert outcome.ticket.key == key
    assert len(outcome.ticket.title) == rig.tracker().title_limit


# -- faults between the calls ----------------------------------------------------------------------


def _steps(key: str) -> List[Step]:
    return [
        lambda ticketing: ticketing.open_once(draft(key)),
        lambda ticketing: ticketing.comment_once(key, "It still waits.", "level-1"),
        lambda ticketing: ticketing.assign_once(key, "committee2"),
        lambda ticketing: ticketing.close_once(key, "Reviewed.", "end"),
    ]


def _stood_the_test(rig: Rig, key: str) -> None:
    """One closed ticket with one comment of each step, in the right hands."""
    assert len(rig.all_ids(key)) == 1
    assert rig.open_ids(key) == []
    ticket_id = rig.all_ids(key)[0]
    assert [fmt.is_marked(text, f"{key}/level-1") for text in rig.comments(ticket_id)] == [
        True,
        False,
    ]
    assert rig.assignee(ticket_id) == "committee2"


def _again(rig: Rig, records: MemoryRecords, step: Step) -> Outcome:
    """The next run, later: by then a claim of a run that died counts no more."""
    return step(rig.ticketing(records, patience=AT_ONCE))


@case("killed")
def test_killed_after_any_write(rig: Rig) -> None:
    """A run killed after any write, and run again, leaves what one run would have left."""
    assert _cuts(rig, after=True, writes_only=True) >= 5


@case("killed")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call(fake: Rig, after: bool) -> None:
    """The same at every call, reads included: records are written in between."""
    assert _cuts(fake, after=after, writes_only=False) >= 15


def _cuts(rig: Rig, after: bool, writes_only: bool) -> int:
    """Kill a run at its first, second, … call, each with a key of its own; how many there were."""
    at = 0
    while True:
        at += 1
        key, records = fresh_key(), MemoryRecords()
        wire = killing(rig.network(), at, after, writes_only)
        if not _run_until_killed(rig, wire, key, records):
            return at - 1
        _stood_the_test(rig, key)


def _run_until_killed(rig: Rig, wire: Wire, key: str, records: MemoryRecords) -> bool:
    """All steps over a network that kills once; the step it strikes is run again. True if it
    did.
    """
    killed = False
    for step in _steps(key):
        try:
            step(rig.ticketing(records, transport=wire))
        except KilledError:
            killed = True
            _again(rig, records, step)
    return killed


@case("lost answer")
def test_an_answer_lost_at_any_write(rig: Rig) -> None:
    """The step succeeds or says that it is not known, and the next run helps."""
    assert _losses(rig, done=True) >= 5


@case("lost answer")
def test_a_request_lost_at_any_write(fake: Rig) -> None:
    """The same where the write never arrived, which looks alike from here."""
    assert _losses(fake, done=False) >= 5


def _losses(rig: Rig, done: bool) -> int:
    """Lose the first, second, … write, each with a key of its own; how many there were."""
    losses = 0
    while True:
        key, records = fresh_key(), MemoryRecords()
        wire = losing(rig.network(), losses + 1, done)
        for step in _steps(key):
            _tolerant(rig, wire, records, step)
        if len(wire.writes) <= losses:
            return losses
        losses += 1
        _stood_the_test(rig, key)


def _tolerant(rig: Rig, wire: Wire, records: MemoryRecords, step: Step) -> None:
    try:
        step(rig.ticketing(records, transport=wire))
    except TemporaryError:
        _again(rig, records, step)


@case("lost answer")
def test_a_creation_that_may_have_happened_but_did_not(rig: Rig) -> None:
    """The run that cannot know ends as ambiguous without a second try; the next run creates."""
    key = fresh_key()
    rig.ticketing().open_once(draft(fresh_key()))
    wire = losing_creation(rig, done=False)

    with pytest.raises(AmbiguousError):
        rig.ticketing(transport=wire).open_once(draft(key))
    outcome = rig.ticketing(patience=AT_ONCE).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert len(rig.all_ids(key)) == 1
    assert len(wire.given) == 1


@case("create twice")
def test_the_body_format_is_one_there_are_templates_for(rig: Rig) -> None:
    """Templates are written for a format, so an adapter names one."""
    assert rig.tracker().body_format in tuple(BodyFormat)


def _at_once(jobs: List[Callable[[], Any]]) -> List[Any]:
    """Run jobs in threads; what each returned or raised."""
    results: List[Any] = [None] * len(jobs)

    def run(index: int) -> None:
        try:
            results[index] = jobs[index]()
        except Exception as err:  # noqa: BLE001 - handed to the test, which judges it
            results[index] = err

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
