"""Nobody is asked above an open parent: the table of docs/reliability.md, row by row."""

from __future__ import annotations

from typing import List

import pytest

from assessing import SINCE, Board
from reviewloop.core.tiers import Tier
from reviewloop.escalation.verdicts import Verdict
from stacks import MONDAY, OPEN, TUESDAY, Fate, above, held

TIERS = (Tier.COMMITTEE, Tier.CHAIR, Tier.REVIEWERS, Tier.OWNERS, Tier.NOBODY)


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: str(tier.value))
@pytest.mark.parametrize("fate", OPEN.values(), ids=OPEN)
def test_above_an_open_parent(fate: Fate, tier: Tier) -> None:
    """Whatever the parent waits for: nobody is asked above it, and its number is the reason. Once
    it is merged, somebody is.
    """
    roster = {"members": [{"name": "C. One", "gerrit": "committee1", "chair": True}]}
    board = Board(roster=roster)
    parent = board.change()
    child = above(board, parent)
    fate(board, parent)

    for _ in range(2):
        assert held(board.assess(tier=tier)) == parent
    board.fake.set_status(parent, "MERGED")
    assert board.assess(tier=tier).proceeds
    assert [one for one in board.pendings if one.number == child] == []


@pytest.mark.parametrize("fate", OPEN.values(), ids=OPEN)
def test_no_submitter_above_an_open_parent(fate: Fate) -> None:
    """What cannot be merged yet is not marked as waiting to be merged, nor anybody named."""
    board = Board()
    parent = board.change()
    above(board, parent)
    board.fake.review(board.number, labels={"Code-Review": 2}, at=MONDAY)
    fate(board, parent)
    event = board.event(party="submitter")

    for tier in (Tier.NOBODY, Tier.COMMITTEE):
        assert held(board.assess(event, tier)) == parent
    board.fake.set_status(parent, "MERGED")
    assert board.assess(event, Tier.NOBODY).proceeds


@pytest.mark.parametrize("status", ["MERGED", "ABANDONED", "DEFERRED"])
@pytest.mark.parametrize("tier", [Tier.COMMITTEE, Tier.REVIEWERS])
def test_above_a_closed_parent(status: str, tier: Tier) -> None:
    """A parent that is merged or given up holds nobody back: only the owner, asked by a reviewer,
    can put the change on another.
    """
    board = Board()
    parent = board.change()
    above(board, parent)
    board.fake.changes[parent].status = status

    assert board.assess(tier=tier).proceeds


def test_the_owner_is_asked_all_the_same() -> None:
    """Above an open parent the owner can answer: their own turn is no matter of the chain."""
    board = Board()
    parent = board.change(owner=board.fake.author)
    above(board, parent)
    board.fake.review(board.number, text="Why?", at=MONDAY)

    assert board.assess(board.event(party="owner"), Tier.OWNERS).accounts == (board.fake.author,)
    assert not any("/related" in one for one in board.fake.seen)


@pytest.mark.parametrize("tier", [Tier.COMMITTEE, Tier.NOBODY])
def test_a_private_parent_is_not_named(tier: Tier) -> None:
    """Its number does not leave Gerrit; what is above it waits all the same."""
    board = Board()
    parent = board.change(private=True)
    above(board, parent)

    assert held(board.assess(tier=tier)) == 0
    board.fake.changes[parent].private = False
    assert held(board.assess(tier=tier)) == parent


def test_a_parent_that_this_account_may_not_see() -> None:
    """Gerrit leaves it out, so nothing can be known of it: the change is asked about."""
    board = Board()
    parent = board.change()
    above(board, parent)
    board.fake.changes[parent].hidden = True

    assert board.assess().proceeds


def test_a_parent_that_vanishes_meanwhile() -> None:
    """A parent that is gone between two requests is not named; the next look decides."""
    board = Board()
    parent = board.change()
    above(board, parent)
    board.fake.fail(404, "Not found", match=f"/changes/tools%2Fbuild~{parent}$")

    assert held(board.assess()) == 0
    board.fake.changes[parent].hidden = True
    assert board.assess().proceeds


def test_a_parent_that_is_left_alone_on_purpose() -> None:
    """What is above a change of the comparison group is left alone with it."""
    board = Board(limits={"hold_out_percent": 50})
    group = {True: 0, False: 0}
    while not all(group.values()):
        number = board.change()
        found = board.assess(board.event(number=number), dry_run=True)
        group[found.verdict is Verdict.HOLD_OUT] = number
    board.number = group[False]

    above(board, group[True])
    assert held(board.assess()) == group[True]


# When the parent's turn comes


def test_a_young_parent_is_asked_when_it_is_overdue() -> None:
    """What waits above it is on its list then, however long that has waited."""
    board = Board()
    parent = board.change(at=TUESDAY)
    child = above(board, parent)
    assert held(board.assess()) == parent
    board.fake.at("2026-03-05 09:00:00")

    found = board.assess(f"gerrit.example.org:{parent}:reviewers:{SINCE + 86_400}:2d")
    assert (found.proceeds, found.joined) == (True, (child,))
    assert held(board.assess()) == parent


def test_a_parent_whose_owner_answers() -> None:
    """The child waits through the owner's turn and through the reviewers' next; then both are asked
    for at once.
    """
    board = Board()
    parent = board.change()
    child = above(board, parent)
    board.post(board.assess(board.event(number=parent)))
    board.fake.review(parent, text="Why?")
    assert held(board.assess()) == parent
    answered = board.fake.at("2026-03-05 09:00:00")
    board.fake.upload(parent)
    assert held(board.assess()) == parent
    board.fake.at("2026-03-09 09:00:00")

    event = f"gerrit.example.org:{parent}:reviewers:{int(answered.timestamp())}:2d"
    found = board.assess(event)
    assert (found.proceeds, found.joined) == (True, (child,))


def test_who_was_asked_before() -> None:
    """An ask that was made stays as it is when the change is put upon an open one; at the next
    milestone nobody else is asked, and the parent is, although somebody knows of its child.
    """
    board = Board()
    asked = board.assess()
    board.post(asked)
    parent = board.change()
    child = above(board, parent)
    again = board.assess()
    assert (again.proceeds, again.accounts) == (True, asked.accounts)

    lower = board.assess(board.event(number=parent))
    assert (lower.proceeds, lower.joined) == (True, (child,))
    board.fake.at("2026-03-09 09:00:00")
    assert held(board.assess(board.event("5d"))) == parent


# What it costs


def requests(board: Board, tier: Tier) -> List[str]:
    """What an assessment reads of changes, once it knows the roster."""
    board.assess(tier=tier, dry_run=True)
    board.fake.seen.clear()
    board.assess(tier=tier, dry_run=True)
    paths = [one.partition("?")[0].partition("/changes/")[2] for one in board.fake.seen]
    return [path.rpartition("~")[2] or "search" for path in paths]


def test_requests() -> None:
    """An escalation costs what it did: the chain, and one search. A reminder or a mark reads the
    chain as well; what is above an open parent, that parent instead of the search.
    """
    board = Board()
    revision = board.fake.changes[board.number].revision
    change, chain_of = f"{board.number}", f"{board.number}/revisions/{revision}/related"
    assert requests(board, Tier.COMMITTEE)[:4] == [change, chain_of, "search"]
    for tier in (Tier.REVIEWERS, Tier.NOBODY):
        assert requests(board, tier) == [change, chain_of]
    parent = board.change()
    above(board, parent)
    for tier in (Tier.COMMITTEE, Tier.REVIEWERS, Tier.NOBODY):
        assert requests(board, tier) == [change, chain_of, f"{parent}"]
