"""What belongs together is asked for once."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessing import Board
from reviewloop.escalation.verdicts import Assessment, Verdict
from reviewloop.store.pending import Reason

MONDAY = "2026-03-02 09:00:00"


def leader(found: Assessment) -> int:
    """In whose name a change is asked for, 0 where it is not joined."""
    return found.pending.leader if found.pending is not None else 0


def assess(board: Board, number: int, milestone: str = "2d") -> Assessment:
    """Assess a change, and post what is asked."""
    found = board.assess(board.event(milestone, number=number))
    if found.proceeds:
        board.post(found)
    return found


@pytest.mark.parametrize("relation", ["topic", "push"])
@pytest.mark.parametrize("reverse", [False, True])
def test_asked_once(relation: str, reverse: bool) -> None:
    """Of a topic, or of one owner's push, the change that has waited longest is asked for."""
    board = Board()
    owner = board.fake.add_account("busy")
    extra: Dict[str, Any] = {"topic": "cache"} if relation == "topic" else {"owner": owner}
    numbers = [board.change(**extra, at=f"2026-03-02 08:00:0{second}") for second in range(3)]
    since = 1772438400
    found = {}
    for number in sorted(numbers, reverse=reverse):
        event = f"gerrit.example.org:{number}:reviewers:{since + numbers.index(number)}:2d"
        found[number] = board.assess(event)

    assert [found[number].proceeds for number in numbers] == [True, False, False]
    assert found[numbers[0]].joined == tuple(numbers[1:])
    assert [leader(found[number]) for number in numbers[1:]] == [numbers[0]] * 2
    assert {one.reason for one in board.pendings} == {Reason.JOINED}
    assert board.asks[0].joined == tuple(numbers[1:])


def test_chain_from_the_bottom() -> None:
    """Of a chain the lowest change that is overdue is asked for, though it is the youngest."""
    board = Board()
    bottom = board.change(at="2026-03-02 09:00:00")
    middle = board.change(at="2026-03-02 08:00:00", parent=bottom)
    board.fake.changes[board.number].parent = middle
    top = board.number

    assert leader(assess(board, top)) == bottom
    assert assess(board, bottom).joined == (middle, top)


@pytest.mark.parametrize(
    "fate", ["private", "wip", "hidden wip", "exempt", "snoozed", "red", "held_out"]
)
def test_who_may_not_lead(fate: str) -> None:
    """What may not be asked for leads no topic, and joins nobody."""
    board = Board(limits={"hold_out_percent": 50 if fate == "held_out" else 0})
    older = _left_alone(board) if fate == "held_out" else board.change()
    while board.assess(dry_run=True).verdict is Verdict.HOLD_OUT:
        board.number = board.change()
    change = board.fake.changes[older]
    change.topic = board.fake.changes[board.number].topic = "cache"
    if fate == "private":
        change.private = True
    elif fate == "hidden wip":
        change.wip = True
    elif fate == "wip":
        board.fake.set_wip(older, wip=True)
    elif fate == "exempt":
        change.hashtags.append("no-escalation")
    elif fate == "snoozed":
        board.fake.review(older, text="/snooze 9d")
    elif fate == "red":
        board.fake.review(older, by=board.fake.me, labels={"Verified": -1})
    found = assess(board, board.number)

    assert (found.proceeds, found.joined) == (True, ())


def _left_alone(board: Board) -> int:
    """A change that is left alone on purpose."""
    while True:
        number = board.change()
        if board.assess(board.event(number=number), dry_run=True).verdict is Verdict.HOLD_OUT:
            return number


def test_other_pushes_are_apart() -> None:
    """The same owner on another branch, in another project, or on another day is another push."""
    board = Board()
    owner = board.fake.add_account("busy")
    numbers = [
        board.change(owner=owner),
        board.change(owner=owner, branch="stable"),
        board.change(owner=owner, project="tools/docs"),
    ]
    assert all(assess(board, number).proceeds for number in numbers)
    later = board.change(owner=owner, at="2026-03-03 09:00:00")
    board.fake.at("2026-03-05 09:00:00")
    event = f"gerrit.example.org:{later}:reviewers:{1772442000 + 86_400}:2d"

    assert board.assess(event).proceeds


def test_later_one_joins_what_is_asked() -> None:
    """Who comes later to a topic that somebody was asked about joins it; when that is reviewed, it
    is asked for itself.
    """
    board = Board()
    first = board.change(topic="cache")
    later = board.change(topic="cache")
    assert assess(board, first).proceeds
    assert leader(assess(board, later)) == first
    board.fake.review(first, text="Why?")
    board.fake.advance(hours=2)

    assert assess(board, later).proceeds
    assert board.pendings == ()


def test_next_milestone() -> None:
    """An ask at an earlier milestone leads nobody at the next one."""
    board = Board()
    first, second = board.change(topic="cache"), board.change(topic="cache")
    assert assess(board, first).proceeds
    board.fake.at("2026-03-09 09:00:00")

    assert leader(assess(board, second, "5d")) == first
    assert assess(board, first, "5d").joined == (second,)
    assert leader(assess(board, second, "5d")) == first


@pytest.mark.parametrize("topic", ['a"b', "{{ config_context.password }}", "^cache.*", "a\nb", ""])
def test_topics_that_no_search_takes(topic: str) -> None:
    """A topic that a search would not take literally groups nothing, and breaks nothing."""
    board = Board()
    numbers = [board.change(topic=topic) for _ in range(2)]

    assert all(assess(board, number).proceeds for number in numbers)


def test_requests() -> None:
    """The look at neighbours costs two requests, beside the one for the server's limit on rows."""
    board = Board()
    board.assess()
    board.fake.seen.clear()
    board.assess(board.event(number=board.change(topic="cache")))

    extra = [one for one in board.fake.seen if "/related" in one or "/changes/?q=" in one]
    assert len(extra) == 2


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_circle(data: st.DataObject) -> None:
    """However chains, topics and pushes cross, and in any order: who joins, joins what is asked."""
    board = Board(limits={"per_person_week": 100})
    owners = [board.fake.add_account(f"owner{n}") for n in range(2)]
    numbers: List[int] = []
    for index in range(data.draw(st.integers(2, 6))):
        parent: Optional[int] = data.draw(st.sampled_from([None, *numbers]))
        second = data.draw(st.integers(0, 9))
        numbers.append(
            board.change(
                owner=data.draw(st.sampled_from(owners)),
                topic=data.draw(st.sampled_from(["", "a", "b"])),
                parent=parent,
                at=f"2026-03-02 08:00:{second:02}",
            )
        )
        board.fake.changes[numbers[index]].created = board.fake.changes[numbers[index]].updated
    waits = {n: int(board.fake.changes[n].created.timestamp()) for n in numbers}
    found = {}
    for _ in range(2):
        for number in data.draw(st.permutations(numbers)):
            event = f"gerrit.example.org:{number}:reviewers:{waits[number]}:2d"
            found[number] = board.assess(event)
            if found[number].proceeds:
                board.post(found[number])

    for number in numbers:
        path = [number]
        while not found[path[-1]].proceeds:
            assert found[path[-1]].verdict is Verdict.JOINED
            path.append(leader(found[path[-1]]))
            assert len(set(path)) == len(path)
