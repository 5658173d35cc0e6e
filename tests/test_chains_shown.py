"""What the board and explain say of a change above an open parent."""

from __future__ import annotations

import json
from typing import Tuple

import pytest

from reviewloop.cli import board as command
from reviewloop.core.tiers import Tier
from reviewloop.operations import inspect
from stacks import above, chain
from test_board import Wall


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
    assert sum(f"joined to {numbers[0]}, offered 2026-03-05T09:00" in one for one in lines) == 2


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

    said = f"At 2026-03-04T09:00:00Z it was joined to change {other}, which is asked about."
    assert explained(wall) == (True, said)
    wall.fake.at("2026-03-09 09:00:00")
    assert not explained(wall)[0]


def test_explain_what_was_put_off_before() -> None:
    """A reminder that was put off for a parent says nothing once that is merged."""
    wall = Wall()
    parent = wall.change()
    above(wall, parent)
    wall.assess(tier=Tier.REVIEWERS)
    wall.fake.set_status(parent, "MERGED")

    assert not explained(wall)[0]


def test_explain_the_owners_turn() -> None:
    """While it is the owner's turn the chain is no matter, and is not read."""
    wall = Wall()
    above(wall, wall.change())
    wall.fake.review(wall.number, text="Why?")
    wall.fake.seen.clear()

    assert not explained(wall)[0]
    assert not any("/related" in one for one in wall.fake.seen)
