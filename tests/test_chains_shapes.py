"""Nobody is asked above an open parent, and nobody is forgotten, whatever the chain looks like."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Dict, List, Tuple

import pytest
from sandbox.gerrit.fake_query import instant

from assessing import SINCE, Board
from reviewloop.errors import ProtocolError
from reviewloop.escalation.verdicts import Assessment, Verdict
from reviewloop.http.messages import Response
from stacks import FATES, above, chain, held


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


def test_the_bottom_of_a_siblings_chain_leads() -> None:
    """Where the longest wait of a topic is above another of it, that one is asked for, once: it
    stands for what is above it, however young it is itself.
    """
    board = Board()
    board.fake.at("2026-03-04 10:00:00")
    bottom = board.change(topic="cache", at="2026-03-02 09:30:00")
    older = board.change(topic="cache", parent=bottom, at="2026-03-02 08:00:00")
    board.fake.changes[board.number].topic = "cache"
    event = f"gerrit.example.org:{bottom}:reviewers:{SINCE + 1800}:2d"

    for _ in range(2):
        assert held(board.assess()) == bottom
        found = board.assess(event)
        assert (found.proceeds, found.joined) == (True, (older, board.number))


def test_bottom_joins_a_topic() -> None:
    """The bottom of a chain joins what is older than anything above it; the others join it."""
    board = Board()
    older = board.change(topic="cache", at="2026-03-02 08:00:00")
    bottom = board.change(topic="cache")
    above(board, bottom)

    assert held(board.assess(board.event(number=bottom))) == older
    assert held(board.assess()) == bottom


# Whatever the shape


def lowest(board: Board, number: int) -> int:
    """The lowest open change that is reached from one without passing a merged one; or itself."""
    found, below = number, board.fake.changes[number].parent
    while below is not None and board.fake.changes[below].status != "MERGED":
        if board.fake.changes[below].status != "ABANDONED":
            found = below
        below = board.fake.changes[below].parent
    return found


def forest(random: Random) -> Tuple[Board, List[int]]:
    """A few changes that may build on each other, share a topic, and not wait for their reviewers;
    the board's own is the youngest, and on its own.
    """
    board = Board(limits={"per_person_week": 100})
    numbers = [board.number]
    board.fake.changes[board.number].topic = "cache"
    for _ in range(random.randint(1, 5)):
        at = f"2026-03-02 08:00:{random.randint(0, 9):02}"
        parent, topic = random.choice([None, *numbers]), random.choice(["cache", ""])
        numbers.append(board.change(parent=parent, topic=topic, at=at))
        board.fake.changes[numbers[-1]].created = instant(at)
    for number in numbers:
        if random.random() < 0.4:
            FATES[random.choice(sorted(FATES))](board, number)
    return board, numbers


def judged(board: Board, numbers: List[int]) -> Dict[int, Assessment]:
    """Each assessed, in this order, and what is asked posted."""
    found = {}
    for number in numbers:
        since = int(board.fake.changes[number].created.timestamp())
        found[number] = board.assess(f"gerrit.example.org:{number}:reviewers:{since}:2d")
        if found[number].proceeds:
            board.post(found[number])
    return found


@pytest.mark.parametrize("seed", range(100))
def test_nobody_above_and_nobody_forgotten(seed: int) -> None:
    """In whatever order: nobody is asked above an open change, a bottom is put off only for one
    that is asked, and what is above a bottom for that.
    """
    random = Random(seed)
    board, numbers = forest(random)
    for _ in range(2):
        found = judged(board, random.sample(numbers, len(numbers)))

    for number in numbers:
        path = [number]
        while found[path[-1]].verdict is Verdict.JOINED:
            path.append(held(found[path[-1]]))
            assert len(set(path)) == len(path)
        asked = found[path[-1]].proceeds
        assert lowest(board, path[-1]) == path[-1] or not asked
        assert asked or path in ([number], [number, lowest(board, number)])
