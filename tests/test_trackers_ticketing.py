"""Ticketing alone, on a tracker in memory that has habits no real one at hand has."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Dict, List, Optional, Tuple

import pytest

from reviewloop.errors import AmbiguousError, AuthError, ProtocolError, RefusedError
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.outcomes import About, Done, ReopenPolicy, WhenClosed
from reviewloop.trackers.ticketing import Ticketing
from reviewloop.trackers.tickets import CloseReason, Comment, Draft, State, TakenError, Ticket
from stores import MemoryRecords
from trackers_rig import NOW, Pace, draft, fresh_key


class Cabinet(Tracker):
    """A tracker in memory.

    With a wrong credential it lists as a stranger is shown it, empty, as Redmine does.
    """

    kind = "cabinet"
    body_format = BodyFormat.TEXT

    def __init__(self, name: str = "cabinet:a") -> None:
        self._name = name
        self.tickets: Dict[str, Ticket] = {}
        self.texts: Dict[str, List[str]] = {}
        self.is_stranger = False
        self.loses: Tuple[str, ...] = ()
        self.lags = False
        self.keeps_key = False
        self.calls: List[str] = []

    @property
    def name(self) -> str:
        """Which cabinet."""
        return self._name

    def whoami(self) -> str:
        """The one call that tells a wrong credential."""
        self.calls.append("whoami")
        if self.is_stranger:
            raise AuthError("no", "renew")
        return "bot"

    def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
        """By key."""
        self.calls.append("find")
        hidden = self.is_stranger or self.lags
        return () if hidden else tuple(t for t in self.tickets.values() if t.key == key)

    def list_open(self) -> Tuple[Ticket, ...]:
        """Open ones with a key."""
        return tuple(t for t in self.tickets.values() if t.is_open and t.key)

    def read(self, ticket_id: str) -> Ticket:
        """By id."""
        try:
            return self.tickets[ticket_id]
        except KeyError as err:
            raise RefusedError("gone", status=404) from err

    def create(self, draft: Draft) -> Ticket:
        """Next number."""
        self.calls.append("create")
        number = len(self.tickets) + 1
        assignees = (draft.assignee,) if draft.assignee else ()
        ticket = Ticket(
            str(number),
            number,
            f"t/{number}",
            draft.key,
            draft.title,
            State.OPEN,
            assignees=assignees,
            labels=draft.labels,
            opened_at=NOW,
            author="bot",
        )
        self.tickets[ticket.id] = ticket
        self._lose("create")
        return ticket

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """In order."""
        return tuple(Comment(str(n), t) for n, t in enumerate(self.texts.get(ticket_id, [])))

    def add_comment(self, ticket_id: str, text: str) -> None:
        """At the end."""
        self.texts.setdefault(ticket_id, []).append(text)
        self._lose("comment")

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Closed now."""
        self._set(ticket_id, state=State.CLOSED, resolution=reason.value, closed_at=NOW)
        self._lose("close")

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Closed and without key."""
        key = self.tickets[ticket_id].key if self.keeps_key else None
        self._set(ticket_id, state=State.CLOSED, key=key)
        self._lose("duplicate")

    def reopen(self, ticket_id: str) -> None:
        """Open again."""
        self._set(ticket_id, state=State.OPEN, resolution="", closed_at=None)
        self._lose("reopen")

    def assign(self, ticket_id: str, who: str) -> None:
        """One assignee."""
        self._set(ticket_id, assignees=(who,))
        self._lose("assign")

    def _set(self, ticket_id: str, **values: object) -> None:
        old = self.tickets[ticket_id]
        self.tickets[ticket_id] = replace(old, **values)  # type: ignore

    def _lose(self, what: str) -> None:
        if what in self.loses:
            raise AmbiguousError(f"the answer to {what} was lost")


def _desk(cabinet: Cabinet, records: Optional[MemoryRecords] = None, **more: object) -> Ticketing:
    return Ticketing(cabinet, records or MemoryRecords(), lambda: NOW, **more)  # type: ignore


def test_a_wrong_credential_that_lists_nothing() -> None:
    """Nothing is created on the word of a listing that a stranger was given."""
    cabinet = Cabinet()
    key = fresh_key()
    _desk(cabinet).open_once(draft(key))
    cabinet.is_stranger = True

    with pytest.raises(AuthError):
        _desk(cabinet).open_once(draft(key))

    assert len(cabinet.tickets) == 1


def test_a_run_that_died_between_creating_and_reconciling() -> None:
    """Its duplicate is retired by the next run, though it has a record of the first ticket."""
    cabinet, records = Cabinet(), MemoryRecords()
    key = fresh_key()
    _desk(cabinet, records).open_once(draft(key))
    cabinet.create(draft(key))

    outcome = _desk(cabinet, records).open_once(draft(key))

    assert outcome.action is Done.FOUND
    assert [t.id for t in cabinet.tickets.values() if t.is_open] == ["1"]


def test_a_record_of_a_duplicate_that_was_retired() -> None:
    """The run whose ticket lost goes on with the one that was kept."""
    cabinet, records = Cabinet(), MemoryRecords()
    key = fresh_key()
    kept = cabinet.create(draft(key))
    _desk(cabinet, records).open_once(draft(key))
    record = records.get(key)
    assert record is not None
    lost = cabinet.create(draft(key))
    cabinet.close_duplicate(lost.id, kept)
    records.put(replace(record, id=lost.id))

    outcome = _desk(cabinet, records).comment_once(key, "x", "m")

    assert outcome.ticket == kept
    assert list(cabinet.texts) == [kept.id]


def test_a_record_whose_number_means_another_ticket_elsewhere() -> None:
    """After a move to another tracker the old id must not be taken for a ticket there."""
    first, second = Cabinet("cabinet:a"), Cabinet("cabinet:b")
    records = MemoryRecords()
    key = fresh_key()
    _desk(first, records).open_once(draft(key))
    second.create(draft(key))
    second.create(replace(draft(key), title="the right one"))
    second.close_duplicate("1", second.tickets["2"])
    second.reopen("1")

    outcome = _desk(second, records).open_once(draft(key))

    assert outcome.ticket is not None
    assert outcome.ticket.title == "the right one"


def test_a_record_whose_ticket_bears_another_key() -> None:
    """A ticket that was given away is not ours any more."""
    cabinet, records = Cabinet(), MemoryRecords()
    key, other = fresh_key(), fresh_key()
    _desk(cabinet, records).open_once(draft(key))
    cabinet.tickets["1"] = replace(cabinet.tickets["1"], key=other)

    outcome = _desk(cabinet, records).open_once(draft(key))

    assert outcome.action is Done.CREATED
    assert outcome.ticket is not None
    assert outcome.ticket.id == "2"


@pytest.mark.parametrize("what", ["create", "comment", "assign", "close", "reopen", "duplicate"])
def test_an_answer_that_was_lost_is_made_good_in_the_same_run(what: str) -> None:
    """Where the tracker shows that the write happened, the step succeeds and writes once."""
    cabinet, records = Cabinet(), MemoryRecords()
    cabinet.loses = (what,)
    ticketing = _desk(cabinet, records)
    key = fresh_key()

    done = [
        ticketing.open_once(draft(key)).action,
        ticketing.comment_once(key, "x", "m").action,
        ticketing.assign_once(key, "committee2").action,
        ticketing.close_once(key, "bye", "end").action,
        ticketing.open_once(draft(key)).action,
    ]
    if what != "create":
        cabinet.create(draft(key))
    ticketing.open_once(draft(key))

    assert done == [Done.CREATED, Done.COMMENTED, Done.ASSIGNED, Done.CLOSED, Done.REOPENED]
    assert len(cabinet.texts["1"]) == 2
    assert cabinet.calls.count("create") == (1 if what == "create" else 2)
    assert [t.id for t in cabinet.tickets.values() if t.is_open] == ["1"]


def test_the_last_word_among_closed_tickets() -> None:
    """The newest closed ticket decides: an old "leave us alone" is outlived by a later ending."""
    cabinet = Cabinet()
    key = fresh_key()
    for reason in (CloseReason.NOT_PLANNED, CloseReason.COMPLETED):
        cabinet.close(cabinet.create(draft(key)).id, reason)

    outcome = _desk(cabinet).open_once(draft(key))

    assert outcome.action is Done.REOPENED
    assert outcome.ticket is not None
    assert outcome.ticket.id == "2"


@pytest.mark.parametrize(
    ("resolution", "days_ago", "expected"),
    [
        ("completed", 1, WhenClosed.REOPEN),
        ("completed", 7, WhenClosed.REOPEN),
        ("completed", 8, WhenClosed.CREATE),
        ("not_planned", 1, WhenClosed.LEAVE),
        ("not_planned", 800, WhenClosed.LEAVE),
    ],
)
def test_the_policy_of_reopening(resolution: str, days_ago: int, expected: WhenClosed) -> None:
    """Within the window again, beyond it anew, never against the word of its people."""
    closed_at = NOW - timedelta(days=days_ago)
    ticket = Ticket("1", 1, "", None, "", State.CLOSED, resolution, closed_at=closed_at)

    assert ReopenPolicy(window=timedelta(days=7)).decide(ticket, NOW) is expected


@pytest.mark.parametrize(
    ("resolution", "labels"),
    [("WontFix", ()), ("Won't Do", ()), ("closed", ("docs", "wontfix"))],
)
def test_words_that_mean_leave_us_alone(resolution: str, labels: Tuple[str, ...]) -> None:
    """A resolution counts, and a label where a tracker has no resolutions, in any case."""
    ticket = Ticket("1", 1, "", None, "", State.CLOSED, resolution, labels=labels)

    assert ReopenPolicy().decide(ticket, NOW) is WhenClosed.LEAVE
    assert ReopenPolicy(wont_fix=()).decide(ticket, NOW) is WhenClosed.REOPEN


def test_a_tracker_that_lets_no_second_ticket_have_the_key() -> None:
    """The run that came second goes on with the ticket of the first, and says so."""

    class Unique(Cabinet):
        """Another run is faster by one call."""

        def create(self, draft: Draft) -> Ticket:
            """Refuses, since the key is taken by now."""
            super().create(draft)
            raise TakenError("the key is taken")

    cabinet = Unique()

    outcome = _desk(cabinet).open_once(draft(fresh_key()))

    assert outcome.action is Done.FOUND
    assert len(cabinet.tickets) == 1


def test_a_listing_that_never_shows_the_new_ticket() -> None:
    """It is waited for as long as it may lag, with growing pauses, and then told."""

    class Late(Cabinet):
        """Its listing is empty."""

        lag = 10.0

        def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
            """Nothing."""
            return ()

    pace, cabinet = Pace(), Late()

    outcome = _desk(cabinet, timing=pace.timing()).open_once(draft(fresh_key()))

    assert outcome.action is Done.CREATED
    assert pace.slept == [1.0, 2.0, 4.0, 8.0]
    assert any("does not show the new ticket" in note for note in outcome.notes)


def test_a_ticket_that_was_left_without_assignee() -> None:
    """A run that died before it could assign is made good by the next; a person's choice stays."""
    cabinet = Cabinet()
    key = fresh_key()
    cabinet.create(draft(key, assignee=None))

    outcome = _desk(cabinet).open_once(draft(key))
    other = _desk(cabinet).open_once(draft(key, assignee="committee2"))

    assert (outcome.action, other.action) == (Done.FOUND, Done.FOUND)
    assert cabinet.tickets["1"].assignees == ("committee1",)


def test_a_refusal_of_what_was_done() -> None:
    """Before a ticket is opened without the assignee who was refused, the tracker is looked at."""

    class Liar(Cabinet):
        """Opens the ticket and says that it does not, as a proxy in between may."""

        def create(self, draft: Draft) -> Ticket:
            """Done and refused."""
            super().create(draft)
            raise RefusedError("conflict", status=409)

    cabinet = Liar()
    outcome = _desk(cabinet).open_once(draft(fresh_key()))

    assert outcome.action is Done.CREATED
    assert list(cabinet.tickets) == ["1"]
    assert cabinet.tickets["1"].assignees == ("committee1",)


def test_a_duplicate_that_another_run_retires_at_the_same_moment() -> None:
    """A refusal is no error where the duplicate is closed and without key by then."""

    class Crowded(Cabinet):
        """Refuses whoever comes second."""

        def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
            """Done by another run meanwhile."""
            super().close_duplicate(ticket_id, keep)
            raise RefusedError("stale", status=422)

    cabinet = Crowded()
    key = fresh_key()
    for _ in range(2):
        cabinet.create(draft(key))

    assert _desk(cabinet).open_once(draft(key)).action is Done.FOUND
    assert [t.id for t in cabinet.tickets.values() if t.is_open] == ["1"]


def test_a_ticket_that_cannot_be_reopened() -> None:
    """A new one is opened, and the outcome says why; runs after that find the new one."""

    class Final(Cabinet):
        """What is closed stays closed."""

        def reopen(self, ticket_id: str) -> None:
            """Refuses."""
            raise RefusedError("closed for good", status=403)

    cabinet, key = Final(), fresh_key()
    cabinet.close(cabinet.create(draft(key)).id, CloseReason.COMPLETED)

    outcome = _desk(cabinet).open_once(draft(key))
    again = _desk(cabinet).open_once(draft(key))

    assert (outcome.action, again.action) == (Done.CREATED, Done.FOUND)
    assert any("closed for good" in note for note in outcome.notes)
    assert [t.id for t in cabinet.tickets.values() if t.is_open] == ["2"]


def test_a_ticket_that_another_run_reopens_at_the_same_moment() -> None:
    """A refusal is no error where the ticket is open by then."""

    class Crowded(Cabinet):
        """Another run is faster."""

        def reopen(self, ticket_id: str) -> None:
            """Refuses, since it is open."""
            super().reopen(ticket_id)
            raise RefusedError("it is open", status=422)

    cabinet, key = Crowded(), fresh_key()
    cabinet.close(cabinet.create(draft(key)).id, CloseReason.COMPLETED)

    assert _desk(cabinet).open_once(draft(key)).action is Done.REOPENED
    assert len(cabinet.tickets) == 1


def test_handing_on_to_somebody_the_tracker_does_not_know() -> None:
    """It is told as a note, and the ticket stays with whom it was."""

    class Strict(Cabinet):
        """Knows its people."""

        def assign(self, ticket_id: str, who: str) -> None:
            """Refuses."""
            raise RefusedError("no such user", status=422)

    cabinet, key = Strict(), fresh_key()
    _desk(cabinet).open_once(draft(key))

    outcome = _desk(cabinet).assign_once(key, "stranger")

    assert outcome.action is Done.NOTHING
    assert outcome.notes == ("stranger could not be assigned: no such user",)
    assert cabinet.tickets["1"].assignees == ("committee1",)


def test_a_new_ticket_that_was_retired_before_the_listing_showed_it() -> None:
    """It is not waited for: nothing will ever show it."""

    class Raced(Cabinet):
        """Another run has opened one before, and retires ours at once."""

        lag = 60.0

        def create(self, draft: Draft) -> Ticket:
            """Two tickets, of which ours is the later one."""
            kept = super().create(draft)
            ours = super().create(draft)
            self.close_duplicate(ours.id, kept)
            return ours

    pace, cabinet = Pace(), Raced()

    outcome = _desk(cabinet, timing=pace.timing()).open_once(draft(fresh_key()))

    assert outcome.action is Done.FOUND
    assert outcome.ticket is not None
    assert outcome.ticket.id == "1"
    assert pace.slept == []


def test_looking_at_a_key() -> None:
    """A look retires duplicates and brings the record up to date; a glance changes nothing."""
    cabinet, records = Cabinet(), MemoryRecords()
    key = fresh_key()
    ticketing = _desk(cabinet, records)
    ticketing.open_once(draft(key))
    cabinet.create(draft(key))
    before = records.get(key)

    assert ticketing.peek(key) == cabinet.tickets["1"]
    assert (len(cabinet.texts), records.get(key)) == (0, before)
    assert ticketing.look(key) == cabinet.tickets["1"]
    assert not cabinet.tickets["2"].is_open
    cabinet.close("1", CloseReason.COMPLETED)
    assert ticketing.look(key) == cabinet.tickets["1"]
    record = records.get(key)
    assert record is not None
    assert record.state == "closed"
    assert ticketing.look(fresh_key()) is None


def test_what_a_record_keeps_through_later_steps() -> None:
    """What the ticket is about is told once, when it is opened; later steps keep it."""
    cabinet, records = Cabinet(), MemoryRecords()
    ticketing = _desk(cabinet, records)
    key = fresh_key()
    about = About("review.example.org", 4711, "reviewers", "2026-03-02T12:00:00Z", 1)

    ticketing.open_once(draft(key), about)
    ticketing.assign_once(key, "committee2")
    ticketing.close_once(key, "x", "end")

    record = records.get(key)
    assert record is not None
    assert (record.server, record.number, record.party) == ("review.example.org", 4711, "reviewers")
    assert (record.since, record.level) == ("2026-03-02T12:00:00Z", 1)
    assert (record.assignee, record.state) == ("committee2", "closed")
    assert record.opened_at == record.closed_at == "2026-03-02T12:00:00Z"


def test_a_tracker_that_keeps_no_key() -> None:
    """It is an error that says what to allow."""

    class Forgetful(Cabinet):
        """Keeps no keys."""

        def create(self, draft: Draft) -> Ticket:
            """Drops the key."""
            ticket = super().create(draft)
            self.tickets[ticket.id] = replace(ticket, key=None)
            return ticket

    with pytest.raises(ProtocolError) as caught:
        _desk(Forgetful()).open_once(draft(fresh_key()))

    assert "second ticket" in caught.value.remedy


def _strangers(cabinet: Cabinet, key: str, **more: object) -> Ticket:
    """Somebody else's ticket with our key."""
    ticket = cabinet.create(draft(key))
    cabinet._set(ticket.id, author="visitor", **more)
    return cabinet.tickets[ticket.id]


@pytest.mark.parametrize("ending", ["", "wontfix"], ids=["open", "not wanted"])
def test_a_strangers_ticket_with_our_key(ending: str) -> None:
    """It is neither taken nor retired, and its people's ending is not about us."""
    cabinet, key = Cabinet(), fresh_key()
    closed = {"state": State.CLOSED, "resolution": ending, "closed_at": NOW} if ending else {}
    theirs = _strangers(cabinet, key, **closed)

    made = _desk(cabinet).open_once(draft(key))
    again = _desk(cabinet).open_once(draft(key))
    ended = _desk(cabinet).close_once(key, "Reviewed.", "end")

    assert [one.action for one in (made, again, ended)] == [Done.CREATED, Done.FOUND, Done.CLOSED]
    assert {one.ticket.id for one in (made, again, ended) if one.ticket} == {"2"}
    assert cabinet.tickets[theirs.id] == theirs
    assert theirs.id not in cabinet.texts


def test_what_steps_do_about_a_strangers_ticket() -> None:
    """Without one of ours there is none, whatever bears the key."""
    cabinet, key = Cabinet(), fresh_key()
    theirs = _strangers(cabinet, key)

    assert _desk(cabinet).comment_once(key, "x", "m").ticket is None
    assert _desk(cabinet).close_once(key, "x", "m").ticket is None
    assert _desk(cabinet).assign_once(key, "committee1").ticket is None
    assert _desk(cabinet).peek(key) is None
    assert _desk(cabinet).list_open() == ()
    assert cabinet.tickets[theirs.id] == theirs
    assert cabinet.texts == {}


def test_a_ticket_that_our_record_names() -> None:
    """It is ours whoever the tracker says opened it, such as our account before it was renamed."""
    cabinet, records, key = Cabinet(), MemoryRecords(), fresh_key()
    made = _desk(cabinet, records).open_once(draft(key)).ticket
    assert made is not None
    cabinet._set(made.id, author="bot-as-it-was")

    assert _desk(cabinet, records).comment_once(key, "x", "m").action is Done.COMMENTED


def test_a_tracker_that_does_not_tell_who_opened_a_ticket() -> None:
    """Then the key alone must do."""
    cabinet, key = Cabinet(), fresh_key()
    theirs = _strangers(cabinet, key)
    cabinet._set(theirs.id, author="")

    assert _desk(cabinet).open_once(draft(key)).action is Done.FOUND


@pytest.mark.parametrize(
    ("resolution", "done"), [("done", Done.REOPENED), ("wontfix", Done.NOTHING)]
)
def test_a_closed_ticket_that_the_listing_does_not_show_yet(resolution: str, done: Done) -> None:
    """Our record knows of it: it is reopened or left alone, and no second one is opened."""
    cabinet, records, key = Cabinet(), MemoryRecords(), fresh_key()
    made = _desk(cabinet, records).open_once(draft(key)).ticket
    assert made is not None
    cabinet._set(made.id, state=State.CLOSED, resolution=resolution, closed_at=NOW)
    cabinet.lags = True

    assert _desk(cabinet, records).open_once(draft(key)).action is done
    assert list(cabinet.tickets) == [made.id]


def test_a_duplicate_that_keeps_its_key() -> None:
    """Every listing would meet it again, so the answer that was lost is not taken for done."""
    cabinet, key = Cabinet(), fresh_key()
    cabinet.create(draft(key))
    cabinet.create(draft(key))
    cabinet.loses, cabinet.keeps_key = ("duplicate",), True

    with pytest.raises(AmbiguousError):
        _desk(cabinet).open_once(draft(key))


def test_an_open_ticket_of_ours_that_the_listing_does_not_show_yet() -> None:
    """Our record knows of it, so the ticket that a commit message names is not a second place."""
    cabinet, records, key = Cabinet(), MemoryRecords(), fresh_key()
    _desk(cabinet, records).open_once(draft(key))
    other = cabinet.create(draft(fresh_key()))
    cabinet.lags = True

    assert _desk(cabinet, records).comment_on_existing(key, other.id, "x", "m") is None
    assert cabinet.texts == {}


def test_a_record_of_a_retired_duplicate_and_no_other_ticket() -> None:
    """Closed and without its key, it is nobody's: it is not reopened, and no step finds it."""
    cabinet, records, key = Cabinet(), MemoryRecords(), fresh_key()
    retired = _desk(cabinet, records).open_once(draft(key)).ticket
    assert retired is not None
    cabinet._set(retired.id, state=State.CLOSED, key=None, closed_at=NOW)

    assert _desk(cabinet, records).comment_once(key, "x", "m").ticket is None
    assert _desk(cabinet, records).open_once(draft(key)).action is Done.CREATED
    assert not cabinet.tickets[retired.id].is_open
