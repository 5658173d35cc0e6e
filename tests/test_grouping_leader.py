"""In whose name a change is asked about, whatever its siblings are."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Sequence

import pytest

from reviewloop.escalation.grouping import Group, Sibling
from reviewloop.gerrit.chain import Related

MONDAY = datetime(2026, 3, 2, tzinfo=timezone.utc)


def sibling(number: int, hour: int, *, asked: bool = False, bottom: int = 0) -> Sibling:
    """A change that has waited since that hour of Monday."""
    return Sibling(number, (MONDAY + timedelta(hours=hour), number), asked, bottom)


def group(
    *siblings: Sibling, above: Sequence[int] = (), below: Sequence[int] = (), number: int = 10
) -> Group:
    """Change 10, which waits since Monday at 10; it may be built on some, and some on it."""
    key = (MONDAY + timedelta(hours=10), number)
    return Group(number, key, Related(tuple(below), tuple(above)), siblings)


@pytest.mark.parametrize(
    ("one", "leader"),
    [
        (group(), 10),
        (group(sibling(1, 11)), 10),
        (group(sibling(1, 9)), 1),
        (group(sibling(1, 9), sibling(2, 8), sibling(3, 9)), 2),
        # Of the same second, the lower number.
        (group(sibling(9, 10)), 9),
        (group(sibling(11, 10)), 10),
        # One that is asked about already leads, however young; of several the longest wait.
        (group(sibling(1, 9), sibling(2, 12, asked=True)), 2),
        (group(sibling(1, 9), sibling(2, 12, asked=True), sibling(3, 11, asked=True)), 3),
        # What is built on the change never leads, but lends it the age of its wait.
        (group(sibling(1, 8), above=[1]), 10),
        (group(sibling(1, 8, asked=True), above=[1]), 10),
        (group(sibling(1, 8), sibling(2, 9), above=[1]), 10),
        (group(sibling(1, 8), sibling(2, 7), above=[1]), 2),
        (group(sibling(1, 12), sibling(2, 9), above=[1]), 2),
        # What it is built on leads, the lowest of it that waits for the same.
        (group(sibling(1, 12), sibling(2, 11), sibling(3, 9), below=[2, 1]), 1),
        (group(sibling(2, 12), sibling(3, 9), below=[2, 1]), 2),
        # In place of an older one above an open change that change leads, if it waits as well.
        (group(sibling(1, 8, bottom=2), sibling(2, 12)), 2),
        (group(sibling(1, 8, bottom=7), sibling(3, 9)), 3),
        (group(sibling(1, 8, bottom=7), sibling(3, 9, bottom=7)), 10),
    ],
)  # fmt: skip
def test_who_leads(one: Group, leader: int) -> None:
    """An asked one, then the bottom of the chain, then whoever has waited longest."""
    assert one.leader == leader


@pytest.mark.parametrize("bottom", [0, 5])
def test_open_parent_leads_whatever_else(bottom: int) -> None:
    """Above an open change that one leads, even where it may not be named."""
    one = Group(10, (MONDAY, 10), Related(), (sibling(1, -1, asked=True),), bottom)

    assert one.leader == bottom


def test_who_is_spoken_for() -> None:
    """All siblings, those above the change too; the longest wait first, then the lower number."""
    one = group(sibling(1, 12), sibling(4, 11), sibling(3, 11), above=[4])

    assert one.joined == (3, 4, 1)


def test_older_ones() -> None:
    """Those beside the chain that wait longer than it and all above it, the longest wait first."""
    one = group(sibling(1, 7), sibling(2, 6), sibling(3, 8), sibling(4, 8), sibling(5, 9),
                above=[4])  # fmt: skip

    assert [each.number for each in one.older] == [2, 1, 3]
