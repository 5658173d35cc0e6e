"""What a change is built on, and what has to be merged before it."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.change import ChangeStatus
from reviewloop.errors import ProtocolError
from reviewloop.gerrit.chain import Link, Related, links, related

NEW, MERGED, ABANDONED = ChangeStatus.NEW, ChangeStatus.MERGED, ChangeStatus.ABANDONED


def link(number: int, status: Any = NEW, on: Sequence[object] = ()) -> Link:
    """A commit named as its change, built on others."""
    return Link(number, status, f"c{number}", tuple(f"c{one}" for one in on))


def stack(*statuses: Any) -> Tuple[Link, ...]:
    """A chain in Gerrit's order: the last one is change 1, at the bottom."""
    count = len(statuses)
    return tuple(link(count - at, one, [count - at - 1]) for at, one in enumerate(statuses))


def test_links() -> None:
    """Every commit of a chain in Gerrit's order; one without a change is there, too."""
    commit = {"commit": "c2", "parents": [{"commit": "c1"}]}
    items = [{"_change_number": 2, "status": "NEW", "commit": commit}, {}]

    assert links({"changes": items}, 2) == (Link(2, NEW, "c2", ("c1",)), Link(0))
    assert links({"changes": []}, 3) == links({}, 3) == ()


@pytest.mark.parametrize(
    "item", [1, {"_change_number": "2"}, {"commit": {"parents": ["c1"]}}, {"status": ["NEW"]}]
)
def test_other_forms(item: Any) -> None:
    """An answer of another form is refused, by the change's number and the key."""
    with pytest.raises(ProtocolError, match="change 2, related changes: .* of type"):
        links({"changes": [item]}, 2)


def test_places() -> None:
    """Below and above a change, the nearest first; commits without a change are passed over."""
    chain = (link(3, on=[2]), link(2, on=[0]), link(0, None, on=[1]), link(1))

    assert related(chain, 2) == Related((1,), (3,))
    assert related(chain, 3) == Related((2, 1), ())
    assert related(chain, 1) == Related((), (2, 3))


@pytest.mark.parametrize("chain", [(), (link(7),), (link(7, on=[6]), link(6))])
def test_not_in_its_own_chain(chain: Tuple[Link, ...]) -> None:
    """A change that the answer does not hold has no relations."""
    assert related(chain, 5) == Related()


def test_statuses() -> None:
    """Open is whatever is neither merged nor given up, be it a status of somebody's plugin."""
    staged, unknown = ChangeStatus.STAGED, ChangeStatus.UNKNOWN
    chain = stack(NEW, staged, ABANDONED, unknown, ChangeStatus.DEFERRED, NEW)

    assert related(chain, 6).ancestors == (5, 3, 1)


def test_without_a_status() -> None:
    """What the server does not call open holds nobody back."""
    assert related(stack(NEW, None, NEW), 3).ancestors == (1,)
    assert related((Link(2), Link(1)), 2) == Related()


def test_below_a_merged_one() -> None:
    """What a merged change was built on once has not to be merged any more."""
    assert related(stack(NEW, NEW, MERGED, NEW), 4).ancestors == (3,)


def test_merge_commit() -> None:
    """Of two parents, one merged, the other holds the change back; and what both share, too."""
    chain = (link(4, on=[3, 2]), link(3, MERGED, on=[1]), link(2, on=[1]), link(1))
    assert related(chain, 4).ancestors == (2, 1)
    chain = (link(4, on=[3, 2]), link(3, MERGED, on=[1]), link(2, on=[]), link(1))
    assert related(chain, 4).ancestors == (2,)


@pytest.mark.parametrize(
    "chain",
    [
        (link(3, on=[2]), link(2, on=[3])),
        (link(3, on=[3, 2]), link(2, on=[2])),
        (link(3, on=[2]), link(2, on=[3]), link(3, on=[2])),
        (link(3, on=[2]), link(2, on=[3]), link(2, on=[3])),
    ],
)
def test_circles(chain: Tuple[Link, ...]) -> None:
    """A chain that leads back to itself ends; a change is never its own parent."""
    assert related(chain, 3) == Related((2,), ())


ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "_change_number": st.integers(0, 4),
        "status": st.sampled_from(["NEW", "MERGED", "ABANDONED", "STAGED", "?", ""]),
        "commit": st.fixed_dictionaries(
            {},
            optional={
                "commit": st.sampled_from("abcde"),
                "parents": st.lists(
                    st.fixed_dictionaries({"commit": st.sampled_from("abcde")}), max_size=2
                ),
            },
        ),
    },
)


@given(st.lists(ITEMS, max_size=6))
def test_whatever_the_chain(items: Any) -> None:
    """Nobody is above or below themselves, nor twice on one side."""
    found = related(links({"changes": items}, 1), 1)

    for side in (found.ancestors, found.descendants):
        assert len(set(side)) == len(side)
        assert not {0, 1} & set(side)
