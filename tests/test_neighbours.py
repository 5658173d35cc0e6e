"""What belongs to a change, as Gerrit tells it now: what is searched for, and what of it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, List

import pytest

from assessing import SINCE, Board
from reviewloop.core.events import EventRef
from reviewloop.core.policy import Policy
from reviewloop.core.reading import read_change
from reviewloop.core.tiers import Tier
from reviewloop.escalation.grouping import Group
from reviewloop.escalation.neighbours import Asking, group, look
from reviewloop.escalation.verdicts import Assessment, Verdict
from reviewloop.gerrit.chain import Related
from reviewloop.store.asks import Asks
from stacks import above, held

OLDER = "2026-03-02 08:00:00"
OWN = 'owner:1000001 project:"tools/build" branch:"master"'


def searches(board: Board) -> List[str]:
    """What an assessment searched for."""
    paths = [one.partition("/changes/?")[2] for one in board.fake.seen]
    return [one for one in paths if one]


def topic(board: Board, **extra: Any) -> int:
    """An older change, of the topic of the board's own."""
    board.fake.changes[board.number].topic = "cache"
    return board.change(topic="cache", at=OLDER, **extra)


def since_eight(board: Board, number: int) -> str:
    """The event of one of these older changes."""
    return board.event(number=number).replace(str(SINCE), str(SINCE - 3600))


# The search


def test_search_for_a_lone_change() -> None:
    """Open changes of its owner, in its project and on its branch; one page of them."""
    board = Board()
    board.assess()
    options = "".join(
        f"&o={one}" for one in ("MESSAGES", "LABELS", "DETAILED_LABELS", "DETAILED_ACCOUNTS")
    )

    assert searches(board) == [f"q=(({OWN})) (status:open)&n=50{options}"]


@pytest.mark.parametrize(
    ("extra", "asked"),
    [
        ({"topic": "cache"}, f'(topic:"cache" OR ({OWN})) (status:open)'),
        ({"topic": "a'b (c)"}, f"""(topic:"a'b (c)" OR ({OWN})) (status:open)"""),
        ({"topic": 'a"b'}, f"(({OWN})) (status:open)"),
        ({"topic": "a\\b"}, f"(({OWN})) (status:open)"),
        ({"topic": "a^b"}, f'(topic:"a^b" OR ({OWN})) (status:open)'),
        ({"topic": "^a"}, f"(({OWN})) (status:open)"),
        ({"branch": "^master", "topic": "cache"}, '(topic:"cache") (status:open)'),
        ({"project": "a{b", "topic": "cache"}, '(topic:"cache") (status:open)'),
    ],
)
def test_what_is_searched_for(extra: Any, asked: str) -> None:
    """The topic, and the owner's push: each where a search takes its words literally."""
    board = Board()
    for name, value in extra.items():
        setattr(board.fake.changes[board.number], name, value)
    board.assess()

    (search,) = searches(board)
    assert asked in search


def test_nothing_to_search_for() -> None:
    """No search takes its topic, nor its branch: it is asked about alone."""
    board = Board()
    board.fake.changes[board.number].branch = "^master"
    assert board.assess().proceeds
    assert searches(board) == []


def test_search_for_a_chain() -> None:
    """What is built on the change is searched for by number, fifty of it at most."""
    board = Board(limits={"per_person_week": 50})
    below = board.number
    numbers = []
    for _ in range(52):
        below = board.change(parent=below, owner=board.fake.author)
        numbers.append(below)
    found = board.assess()
    (search,) = searches(board)

    assert f"change:{numbers[49]} OR (owner" in search
    assert f"q=(change:{numbers[0]} OR change:{numbers[1]} OR" in search
    assert len(found.joined) == 50


def test_chain_and_topic() -> None:
    """All three ways at once."""
    board = Board()
    board.fake.changes[board.number].topic = "cache"
    child = board.change(parent=board.number)
    found = board.assess()

    assert found.joined == (child,)
    assert f'(change:{child} OR topic:"cache" OR ({OWN})) (status:open)' in searches(board)[0]


# What counts of what is found


def test_row_that_makes_no_sense() -> None:
    """A change beside that cannot be read keeps no other from leading."""
    board = Board()
    broken, leader = topic(board), topic(board)
    board.fake.changes[broken].messages[0]["date"] = "yesterday"

    assert held(board.assess()) == leader


@pytest.mark.parametrize("votes", [{"Verified": -1}, {"Verified": 0}])
def test_red_and_the_owner(votes: Any) -> None:
    """A red change waits for its owner, who is asked about it like about any other."""
    board = Board()
    owner = board.fake.author
    other = board.change(owner=owner, at=OLDER)
    for number in (other, board.number):
        board.fake.review(number, text="Why?", at="2026-03-02 09:00:00")
        board.fake.review(number, by=board.fake.me, labels=votes, at="2026-03-02 10:00:00")

    assert board.assess(board.event(party="owner")).joined == (other,)


def submitted(board: Board, **extra: Any) -> int:
    """An approved change of the topic that waits for its submitter."""
    number = topic(board, **extra)
    for one in (number, board.number):
        board.fake.review(one, labels={"Code-Review": 2}, at="2026-03-02 09:00:00")
    return number


def assess(board: Board) -> Assessment:
    """The board's own change, whose submitter is to be asked."""
    return board.assess(board.event(party="submitter"))


def test_submitters_share_a_request() -> None:
    """Approved changes of one topic are asked about together."""
    board = Board()
    other = submitted(board)

    assert assess(board).joined == (other,)


@pytest.mark.parametrize("is_gated", [False, True])
def test_a_gate_that_is_missing(is_gated: bool) -> None:
    """While a bot's vote is missing the submitter is not asked, and the change leads no other."""
    board = Board()
    ci = board.fake.add_account("ci", service_user=True)
    other = submitted(board)
    board.fake.review(other, by=ci, labels={"Verified": 1}, at="2026-03-04 10:00:00")
    if is_gated:
        board.fake.review(other, by=ci, labels={"Verified": 0}, at="2026-03-04 11:00:00")
    board.fake.at("2026-03-04 12:00:00")
    found = board.assess(board.event(party="submitter", number=other))

    assert found.verdict is (Verdict.GATE_PENDING if is_gated else Verdict.JOINED)
    assert assess(board).joined == (() if is_gated else (other,))


@pytest.mark.parametrize("is_gated", [False, True])
def test_a_gate_is_no_matter_to_reviewers(is_gated: bool) -> None:
    """They can review before it has voted."""
    board = Board()
    ci = board.fake.add_account("ci", service_user=True)
    other = topic(board)
    for vote in (1, 0) if is_gated else (1,):
        board.fake.review(other, by=ci, labels={"Verified": vote}, at="2026-03-04 08:30:00")

    assert board.assess(since_eight(board, other)).proceeds
    assert held(board.assess()) == other


def test_other_party() -> None:
    """One that waits for its reviewers has nothing to do with one that waits for its submitter."""
    board = Board()
    topic(board)
    board.fake.review(board.number, labels={"Code-Review": 2}, at="2026-03-02 09:00:00")

    assert (assess(board).proceeds, assess(board).joined) == (True, ())


@pytest.mark.parametrize(("hour", "is_joined"), [("08:59:59", True), ("09:00:01", False)])
def test_same_milestone(hour: str, is_joined: bool) -> None:
    """Only what has reached the same milestone by now belongs to it, to the second."""
    board = Board()
    board.fake.changes[board.number].topic = "cache"
    other = board.change(topic="cache", at=f"2026-03-02 {hour}")
    board.fake.changes[other].created = board.fake.changes[other].updated
    found = board.assess()

    assert (found.proceeds, found.pending is not None) == (not is_joined, is_joined)
    assert found.joined == ()


def test_milestone_of_the_very_second() -> None:
    """What reaches it in this very second has reached it."""
    board = Board()
    other = board.change(owner=board.fake.author)

    assert board.assess().joined == (other,)


@pytest.mark.parametrize(
    ("extra", "is_joined"),
    [
        ({}, True),
        ({"owner": 0}, False),
        ({"project": "tools/docs"}, False),
        ({"branch": "stable"}, False),
        ({"at": "2026-03-01 23:00:00"}, True),  # Sunday: its stopwatch begins on Monday, too
        ({"at": "2026-02-27 23:00:00"}, False),
    ],
)
def test_one_push(extra: Any, is_joined: bool) -> None:
    """One owner, project and branch, and the milestone on the same day."""
    board = Board()
    told = {"owner": board.fake.author, "at": OLDER, **extra}
    if told["owner"] == 0:
        told.pop("owner")
    other = board.change(**told)
    board.fake.changes[other].created = board.fake.changes[other].updated
    found = board.assess()

    assert (held(found) == other) if is_joined else found.proceeds


@pytest.mark.parametrize(("snoozed_at", "leads"), [("08:30:00", False), ("20:00:00", True)])
def test_longest_wait_by_its_first_milestone(snoozed_at: str, leads: bool) -> None:
    """Who reached the first milestone sooner has waited longer, whatever came before or after."""
    board = Board()
    older = topic(board)
    day = "02" if not leads else "03"
    board.fake.review(older, text="/snooze 1d", at=f"2026-03-{day} {snoozed_at}")
    board.fake.at("2026-03-06 12:00:00")
    found = board.assess()

    assert (held(found) == older) if leads else (found.joined == (older,))


def test_red_that_ended_by_itself() -> None:
    """A neighbour that CI failed, and forgot, is read like any other."""
    board = Board()
    older = topic(board)
    board.fake.review(older, by=board.fake.me, labels={"Verified": -1}, at="2026-03-02 08:05:00")
    board.fake.review(older, by=board.fake.me, labels={"Verified": 0}, at="2026-03-02 08:06:00")
    board.fake.at("2026-03-06 12:00:00")

    assert board.assess().joined == (older,)


# The owner's turn


def test_owners_turn_above_an_open_parent() -> None:
    """The committee is asked about a change that waits for its owner, whatever that is built on."""
    board = Board()
    above(board, board.change())
    board.fake.review(board.number, text="Why?", at="2026-03-02 09:00:00")

    assert board.assess(board.event(party="owner")).proceeds


def test_owners_turn_beside_a_chain() -> None:
    """One of the topic that is built on an open change leads all the same; no chain is read."""
    board = Board()
    other = topic(board, parent=board.change())
    board.fake.review(other, text="Why?", at="2026-03-02 08:30:00")
    board.fake.review(board.number, text="Why?", at="2026-03-02 09:00:00")
    board.fake.seen.clear()

    assert held(board.assess(board.event(party="owner"))) == other
    assert sum("/related" in one for one in board.fake.seen) == 1


# Who is asked already


def test_ask_on_record() -> None:
    """Of two of a topic the one that somebody was asked about leads, though it is the younger."""
    board = Board()
    first = board.change()
    assert board.assess(board.event(number=first)).proceeds
    older = topic(board)
    board.fake.changes[first].topic = "cache"

    assert held(board.assess(since_eight(board, older))) == first


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("asked_at", ["2d", "5d"])
def test_ask_that_is_shown(asked_at: str, is_lost: bool) -> None:
    """So does one at a later milestone; what the change shows is enough, if the record is lost."""
    board = Board()
    board.fake.at("2026-03-09 09:00:00")
    first = board.change()
    board.post(board.assess(board.event(asked_at, number=first)))
    for name in board.shelf.names() if is_lost else []:
        board.shelf.store.drop(name)
    older = topic(board)
    board.fake.changes[first].topic = "cache"

    assert held(board.assess(since_eight(board, older))) == first


@pytest.mark.parametrize("tier", [Tier.REVIEWERS, Tier.NOBODY])
def test_reminder_leads_nobody(tier: Tier) -> None:
    """A reminder of the change's own reviewers, or a mark, is no request that others could join."""
    board = Board()
    first = board.change(topic="cache", at="2026-03-02 09:00:00")
    board.fake.changes[board.number].topic = "cache"
    found = board.assess(board.event(number=first), tier)
    assert found.proceeds
    if tier is Tier.REVIEWERS:
        board.post(found, "nudge")

    assert board.assess().proceeds


def test_ask_about_an_earlier_wait() -> None:
    """Who was asked about a wait that is over leads nobody in the next."""
    board = Board()
    first = board.change(topic="cache")
    asked = board.assess(board.event(number=first))
    board.post(asked)
    board.fake.review(first, text="Why?", at="2026-03-04 10:00:00")
    board.fake.upload(first, at="2026-03-04 11:00:00")
    board.fake.changes[board.number].topic = "cache"
    board.fake.at("2026-03-06 11:00:00")
    older = board.assess()

    assert older.proceeds
    assert older.joined == (first,)


def test_ask_that_is_over() -> None:
    """One that was closed leads nobody."""
    board = Board()
    first = board.change(topic="cache")
    assert board.assess(board.event(number=first)).proceeds
    Asks(board.shelf.service).close(first)
    board.fake.changes[board.number].topic = "cache"

    assert board.assess().joined == (first,)


# Chains of others


def test_a_look_at_each_chain() -> None:
    """A sibling's chain costs a request; where none is older, or one is asked, no chain does."""
    board = Board()
    below = board.change(at="2026-03-03 09:00:00")
    topic(board, parent=below)
    board.assess()
    assert sum("/related" in one for one in board.fake.seen) == 2

    board = Board()
    board.change(topic="cache", parent=board.change(at="2026-03-03 09:00:00"))
    board.fake.changes[board.number].topic = "cache"
    board.assess()
    assert sum("/related" in one for one in board.fake.seen) == 1

    board = Board()
    first = topic(board)
    board.post(board.assess(since_eight(board, first)))
    board.fake.seen.clear()
    board.assess()
    assert sum("/related" in one for one in board.fake.seen) == 1


def test_a_parent_is_read_without_its_history() -> None:
    """Only whether it is private is asked of it."""
    board = Board()
    parent = board.change()
    above(board, parent)
    held(board.assess())

    assert f"GET /a/changes/tools/build~{parent}" in board.fake.seen


def test_the_group_names_its_change() -> None:
    """Who leads, and whom it speaks for, is told of the change that was looked at."""
    board = Board()
    client = board.fake.client()
    policy = Policy(own_account="st2-reviews")
    reading = read_change(client.change(board.number), policy)
    event = EventRef.parse(board.event())
    timeline = reading.timeline(event.party, board.fake.now)
    assert timeline is not None
    asking = Asking(event, Tier.COMMITTEE, policy, board.fake.now, lambda _number: False)
    found = look(client, reading, timeline, asking)
    assert found is not None
    crossed = SINCE + 86_400

    key = (datetime.fromtimestamp(crossed, timezone.utc), board.number)
    assert group(found, ()) == Group(board.number, key, Related())
    # In a calendar without work ahead a wait reaches no milestone; it counts from its beginning.
    bare = replace(found, timeline=timeline._replace(crossings=()))
    assert group(bare, ()).key == (timeline.wait.since, board.number)


def test_bottom_that_may_not_be_told() -> None:
    """What refuses to be read for another reason than not being there stops the run."""
    board = Board()
    parent = board.change()
    above(board, parent)
    board.fake.fail(409, "Conflict", match=f"/changes/tools%2Fbuild~{parent}$")

    with pytest.raises(Exception, match="409"):
        board.assess()
