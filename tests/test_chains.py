"""Nobody is asked above an open parent: the table of docs/reliability.md, row by row."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Tuple

import pytest

from assessing import SINCE, Board
from reviewloop.cli import board as command
from reviewloop.core.tiers import Tier
from reviewloop.errors import ProtocolError
from reviewloop.escalation.verdicts import Assessment, Outlook, Verdict
from reviewloop.http.messages import Response
from reviewloop.operations import inspect
from reviewloop.store.pending import Reason
from test_board import Wall

MONDAY, TUESDAY = "2026-03-02 09:00:00", "2026-03-03 09:00:00"
TIERS = (Tier.COMMITTEE, Tier.CHAIR, Tier.REVIEWERS, Tier.OWNERS, Tier.NOBODY)
Fate = Callable[[Board, int], None]


def above(board: Board, parent: int) -> int:
    """The board's own change, which has waited for two days, put upon another."""
    change = board.fake.changes[board.number]
    change.parent, change.parent_patch_set = parent, board.fake.changes[parent].patch_set
    return board.number


def held(found: Assessment) -> int:
    """Which open change keeps a change back. It must be put off, with that reason."""
    assert (found.verdict, found.outlook) == (Verdict.JOINED, Outlook.NOT_NOW)
    assert found.pending is not None
    assert (found.pending.reason, found.accounts) == (Reason.JOINED, ())
    return found.pending.leader


def _nothing(board: Board, parent: int) -> None:
    """It waits for its reviewers, as long as what is above it."""


def _young(board: Board, parent: int) -> None:
    change = board.fake.changes[parent]
    board.fake.set_status(parent, "ABANDONED", at=MONDAY)
    board.fake.set_status(parent, "NEW", by=change.owner, at=TUESDAY)


def _owners_turn(board: Board, parent: int) -> None:
    board.fake.review(parent, text="Why?")


def _voted_down(board: Board, parent: int) -> None:
    board.fake.review(parent, labels={"Code-Review": -1})


def _approved(board: Board, parent: int) -> None:
    board.fake.review(parent, labels={"Code-Review": 2})


def _red(board: Board, parent: int) -> None:
    board.fake.review(parent, by=board.fake.me, labels={"Verified": -1})


def _wip(board: Board, parent: int) -> None:
    board.fake.set_wip(parent, wip=True)


def _snoozed(board: Board, parent: int) -> None:
    board.fake.review(parent, text="/snooze 9d")


def _exempt(board: Board, parent: int) -> None:
    board.fake.changes[parent].hashtags.append("no-escalation")


def _uploaded_again(board: Board, parent: int) -> None:
    board.fake.upload(parent)


def _staged(board: Board, parent: int) -> None:
    board.fake.changes[parent].status = "STAGED"


OPEN: Dict[str, Fate] = {
    "overdue": _nothing,
    "young": _young,
    "owner": _owners_turn,
    "voted down": _voted_down,
    "approved": _approved,
    "red": _red,
    "wip": _wip,
    "snoozed": _snoozed,
    "exempt": _exempt,
    "outdated": _uploaded_again,
    "staged": _staged,
}


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


# Chains of other shapes


def chain(board: Board, count: int, **extra: Any) -> List[int]:
    """Changes that build on each other, the lowest first; the board's own is the last of them."""
    numbers: List[int] = []
    for _ in range(count - 1):
        parent = numbers[-1] if numbers else None
        numbers.append(board.change(parent=parent, **extra))
    return [*numbers, above(board, numbers[-1])]


def test_a_chain_of_five() -> None:
    """The lowest is asked for, once for all of them; when it is merged, the next."""
    board = Board(limits={"per_person_week": 50})
    numbers = chain(board, 5)
    while numbers:
        bottom, *rest = numbers
        for number in reversed(rest):
            assert held(board.assess(board.event(number=number))) == bottom
        found = board.assess(board.event(number=bottom))
        assert (found.proceeds, found.joined) == (True, tuple(sorted(rest)))
        board.fake.set_status(bottom, "MERGED")
        numbers = rest


def test_a_merged_change_in_the_middle() -> None:
    """What a merged change was once built on holds nobody back above it."""
    board = Board()
    bottom, middle, _ = chain(board, 3)
    board.fake.set_status(middle, "MERGED")

    assert board.fake.changes[bottom].status == "NEW"
    assert board.assess().proceeds


def test_an_abandoned_change_in_the_middle() -> None:
    """The open one below it has to be merged all the same."""
    board = Board()
    bottom, middle, _ = chain(board, 3)
    board.fake.set_status(middle, "ABANDONED")

    assert held(board.assess()) == bottom


def test_an_older_patch_set_of_the_parent() -> None:
    """It is an open parent like any other: the child is rebased or not, and waits."""
    board = Board()
    bottom, middle, top = chain(board, 3)
    board.fake.upload(middle)
    assert held(board.assess()) == bottom
    board.fake.upload(top, rebase=True)
    assert held(board.assess()) == bottom
    board.fake.set_status(bottom, "MERGED")
    assert held(board.assess()) == middle


def test_a_fork() -> None:
    """Both branches of a fork wait for what they share, and are on its list."""
    board = Board()
    parent = board.change()
    other = board.change(parent=parent)
    child = above(board, parent)

    for number in (child, other):
        assert held(board.assess(board.event(number=number))) == parent
    assert board.assess(board.event(number=parent)).joined == (child, other)


def test_depends_on_is_no_chain() -> None:
    """A footer that names a change of another project keeps nobody back: a chain has one project,
    and only Git knows it.
    """
    board = Board()
    other = board.change(project="tools/docs")
    change_id = board.fake.changes[other].change_id
    board.fake.changes[board.number].footers = (f"Depends-On: {change_id}",)

    assert board.assess().proceeds


def test_a_chain_that_makes_no_sense() -> None:
    """An answer that leads in circles ends; one of another form is loud, and nothing is kept."""
    board = Board()
    parent = board.change()
    child = above(board, parent)
    circle = [
        {"_change_number": one, "status": "NEW", "commit": {"commit": f"{one}", "parents": on}}
        for one, on in ((child, [{"commit": f"{parent}"}]), (parent, [{"commit": f"{child}"}]))
    ]
    board.fake.answer(_json({"changes": [*circle, *circle]}), match="/related$")
    assert held(board.assess()) == parent
    before = board.pendings
    board.fake.answer(_json({"changes": "none"}), match="/related$")
    with pytest.raises(ProtocolError, match="related changes"):
        board.assess()
    assert board.pendings == before


def _json(value: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(value).encode())


# Topics and pushes beside the chain


def test_a_sibling_above_an_open_parent_leads_nobody() -> None:
    """A change is not joined to one of its topic that itself waits for somebody else's change."""
    board = Board()
    foreign = board.change()
    older = [board.change(topic="cache", parent=foreign, at="2026-03-02 08:00:00")]
    older.append(board.change(topic="cache", parent=older[0], at="2026-03-02 08:00:00"))
    board.fake.changes[board.number].topic = "cache"
    board.fake.seen.clear()

    assert board.assess().proceeds
    # One look at the chain of both.
    assert sum("/related" in one for one in board.fake.seen) == 2


@pytest.mark.parametrize("chains", [2, 3, 4])
def test_many_chains_in_a_topic(chains: int) -> None:
    """The first that may be asked for leads; after a few that may not, none is looked for."""
    board = Board()
    for _ in range(chains):
        board.change(
            topic="cache", at="2026-03-02 08:00:00", parent=board.change(at="2026-03-03 09:00:00")
        )
    leader = board.change(topic="cache", at="2026-03-02 08:30:00")
    board.fake.changes[board.number].topic = "cache"
    found = board.assess()

    if chains < 3:
        assert held(found) == leader
    else:
        assert found.proceeds


def test_bottom_joins_a_topic() -> None:
    """The bottom of a chain joins what is older than anything above it; the others join it."""
    board = Board()
    older = board.change(topic="cache", at="2026-03-02 08:00:00")
    bottom = board.change(topic="cache")
    above(board, bottom)

    assert held(board.assess(board.event(number=bottom))) == older
    assert held(board.assess()) == bottom


# What people see


def explained(wall: Wall, number: int = 0) -> Tuple[bool, str]:
    """Whether ``joined`` is among the reasons that the action ``explain`` gives, and its last
    sentence.
    """
    told = inspect.explain(wall.context(), number or wall.number)
    return "joined" in told["reasons_not"], told["summary"][-1]


def test_board() -> None:
    """The board says for each change in whose name it is asked, on the command line too."""
    wall = Wall()
    numbers = chain(wall, 3)
    wall.post(wall.assess(wall.event(number=numbers[0])))
    for number in numbers[1:]:
        wall.assess(wall.event(number=number))
        row = wall.row(number)
        assert (row["reason"], row["leader"], row["asked"]) == ("joined", numbers[0], [])
    told = wall.look()

    assert told["by_reason"] == {"asked": 1, "joined": 2}
    lines = list(command.page(told))
    assert sum(f"joined to {numbers[0]}, offered 2026-03-04T11:00" in one for one in lines) == 2


def test_board_and_a_private_parent() -> None:
    """The number of a private parent is shown nowhere."""
    wall = Wall()
    parent = wall.change(private=True, number=4242)
    above(wall, parent)
    wall.assess()
    row, told = wall.row(), inspect.explain(wall.context(), wall.number)

    assert (row["reason"], row["leader"]) == ("joined", 0)
    assert str(parent) not in json.dumps([row, told, list(command.page(wall.look()))])
    assert explained(wall)[1].startswith("It is built on a private change")


@pytest.mark.parametrize("day", ["2026-03-02 10:00:00", "2026-03-04 09:00:00"])
def test_explain(day: str) -> None:
    """Explain says it before anything is overdue, and no more once the parent is merged."""
    wall = Wall()
    parent = wall.change()
    above(wall, parent)
    wall.fake.at(day)
    assert explained(wall) == (
        True,
        f"It is built on change {parent}, which is not merged yet. Before that, nobody is asked to"
        " review or to submit it.",
    )
    assert not explained(wall, parent)[0]
    wall.fake.set_status(parent, "MERGED")
    assert not explained(wall)[0]


def test_explain_a_topic() -> None:
    """What is joined to another of its topic says to which."""
    wall = Wall()
    other = wall.change(topic="cache", at="2026-03-02 08:00:00")
    wall.fake.changes[wall.number].topic = "cache"
    assert not explained(wall)[0]
    wall.assess()

    assert explained(wall) == (True, f"Change {other} is asked about in its place.")


def test_explain_the_owners_turn() -> None:
    """While it is the owner's turn the chain is no matter, and is not read."""
    wall = Wall()
    above(wall, wall.change())
    wall.fake.review(wall.number, text="Why?")
    wall.fake.seen.clear()

    assert not explained(wall)[0]
    assert not any("/related" in one for one in wall.fake.seen)


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
