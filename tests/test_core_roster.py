"""Choosing one person of the roster."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, FrozenSet, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.change import Account
from reviewloop.core.roster import (
    Choice,
    Ineligible,
    Load,
    Member,
    Selection,
    choose,
    why_ineligible,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
SELECTION = Selection(key="grv-0123456789abcdef", project="tools/build", owner=1, uploader=2)


def member(number: int, **extra: object) -> Member:
    """A person without any past."""
    return replace(Member(Account(number, name=f"Committee {number}")), **extra)


@pytest.mark.parametrize(
    ("one", "selection", "reason"),
    [
        (member(1), SELECTION, Ineligible.OWNER),
        (member(2), SELECTION, Ineligible.UPLOADER),
        (member(3, automation=True), SELECTION, Ineligible.AUTOMATION),
        (Member(Account(3, inactive=True)), SELECTION, Ineligible.INACTIVE),
        (member(3, absent=True), SELECTION, Ineligible.ABSENT),
        (member(3, load=Load(week=10)), SELECTION, Ineligible.OVER_BUDGET),
        (member(3), replace(SELECTION, reviewed=frozenset({3})), Ineligible.REVIEWED),
        (member(3), replace(SELECTION, passed=frozenset({3})), Ineligible.PASSED),
        (member(3), replace(SELECTION, already_asked=frozenset({3})), Ineligible.NO_MOVE),
        (member(3, load=Load(week=9)), SELECTION, None),
    ],
)
def test_each_reason(one: Member, selection: Selection, reason: Ineligible) -> None:
    """Each reason alone keeps a person from being asked, and none of them lets them be asked."""
    assert why_ineligible(one, selection) is reason
    assert choose([one], selection).member == (one if reason is None else None)


def test_who_looks_after_the_project_is_asked_before_the_less_loaded() -> None:
    """The project's own person comes before whoever has less to do."""
    own = member(3, projects=("tools/*",), load=Load(open=4))

    assert choose([member(4), own], SELECTION).member == own


def test_the_less_loaded_is_asked() -> None:
    """Among equals, who has fewer open requests is asked."""
    busy, idle = member(3, load=Load(open=2)), member(4, load=Load(open=1))

    assert choose([busy, idle], SELECTION).member == idle


def test_who_was_asked_longest_ago_is_asked() -> None:
    """Among equally loaded, who was asked longest ago comes first, and who never was before all."""
    long_ago = member(3, load=Load(last=NOON - timedelta(days=9)))
    lately = member(4, load=Load(last=NOON))

    assert choose([lately, long_ago], SELECTION).member == long_ago
    assert choose([lately, long_ago, member(5)], SELECTION).member == member(5)


def test_the_chair_is_asked_last() -> None:
    """The chair is asked only where nobody else can be."""
    chair, busy = member(3, chair=True), member(4, load=Load(open=7))

    assert choose([chair, busy], SELECTION).member == busy
    assert choose([chair], SELECTION).member == chair


def test_who_was_asked_before_is_asked_again() -> None:
    """Somebody asked for an earlier wait of the change knows it already."""
    knows = member(3, load=Load(open=5, last=NOON))

    assert choose([member(4), knows], replace(SELECTION, before=(3,))).member == knows


ROSTER = st.lists(st.integers(3, 40), min_size=1, max_size=12, unique=True)
KEYS = st.text("0123456789abcdef", min_size=16, max_size=16).map("grv-".__add__)


@given(ROSTER, KEYS, st.randoms(use_true_random=False))
def test_order_of_the_roster(numbers: List[int], key: str, random: object) -> None:
    """The order in which the roster is written does not matter."""
    selection = replace(SELECTION, key=key)
    people = [member(number) for number in numbers]
    shuffled = list(people)
    random.shuffle(shuffled)  # type: ignore

    assert choose(shuffled, selection).member == choose(people, selection).member


@given(ROSTER, st.frozensets(KEYS, min_size=1, max_size=20), st.data())
def test_somebody_leaves(numbers: List[int], keys: FrozenSet[str], data: st.DataObject) -> None:
    """When somebody leaves the roster only their own tickets move."""
    people = [member(number) for number in numbers]
    leaver = data.draw(st.sampled_from(people))
    for key in keys:
        selection = replace(SELECTION, key=key)
        before = choose(people, selection).member
        after = choose([one for one in people if one != leaver], selection).member

        assert before in (leaver, after)


@given(ROSTER, st.integers(1, 60))
def test_loads_stay_level(numbers: List[int], count: int) -> None:
    """However many changes are escalated, nobody has more than one open request above another."""
    open_now = dict.fromkeys(numbers, 0)
    for index in range(count):
        people = [member(number, load=Load(open=open_now[number])) for number in numbers]
        chosen = choose(people, replace(SELECTION, key=f"grv-{index:016x}")).member
        assert chosen is not None
        open_now[chosen.account.id] += 1

    assert max(open_now.values()) - min(open_now.values()) <= 1


RANKS = [
    ("asked for the earlier wait, the later of two", {}, {}, (3, 4)),
    ("asked for an earlier wait, even as the chair", {}, {"chair": True}, (4,)),
    ("no chair, even if not of the project", {"chair": True, "projects": ("*",)}, {}, ()),
    ("of the project", {}, {"projects": ("tools/build",), "load": Load(open=9, last=NOON)}, ()),
    ("the less loaded, if asked lately", {"load": Load(open=1)}, {"load": Load(last=NOON)}, ()),
    ("never asked", {"load": Load(last=NOON - timedelta(days=900))}, {}, ()),
    (
        "asked longer ago",
        {"load": Load(last=NOON)},
        {"load": Load(last=NOON - timedelta(seconds=1))},
        (),
    ),
]


@pytest.mark.parametrize(("why", "loser", "winner", "before"), RANKS, ids=[one[0] for one in RANKS])
def test_each_rank_comes_before_the_next(
    why: str, loser: Dict[str, Any], winner: Dict[str, Any], before: Tuple[int, ...]
) -> None:
    """What is looked at first decides, whatever what comes after it says, for any key."""
    people = [member(3, **loser), member(4, **winner)]
    for key in "abcdefgh":
        selection = replace(SELECTION, before=before, key=key)
        chosen = choose(people, selection).member
        assert chosen is not None
        assert chosen.account.id == 4


def test_author_of_a_robots_change() -> None:
    """Who made it answers for it as its owner does."""
    selection = replace(SELECTION, authors=frozenset({3}))

    assert why_ineligible(member(3), selection) is Ineligible.AUTHOR
    assert why_ineligible(member(4), selection) is None


def test_first_reason() -> None:
    """Of several the one that is about the change, then the one that lasts longest."""
    away = member(3, automation=True, absent=True, load=Load(week=99))
    spoke = replace(SELECTION, passed=frozenset({3}), reviewed=frozenset({3}))

    assert why_ineligible(away, replace(spoke, owner=3, uploader=3)) is Ineligible.OWNER
    assert why_ineligible(away, spoke) is Ineligible.AUTOMATION
    assert why_ineligible(replace(away, automation=False), spoke) is Ineligible.PASSED
    assert why_ineligible(replace(away, automation=False), SELECTION) is Ineligible.ABSENT


def test_whole_choice() -> None:
    """Who is asked, who else could be, and why each of the others cannot, in the roster's order."""
    owner, idle, busy, away = member(1), member(4), member(5, load=Load(open=1)), member(6)
    away = replace(away, absent=True)
    choice = choose([away, busy, owner, idle], SELECTION)

    assert choice == Choice(
        idle, ((away, Ineligible.ABSENT), (owner, Ineligible.OWNER)), (busy, idle)
    )
    assert choose([owner], SELECTION) == Choice(None, ((owner, Ineligible.OWNER),))


def test_last_tie() -> None:
    """Among equals a hash of key and account decides: the lowest, as anybody can compute it."""
    numbers = range(3, 9)
    for key in ("grv-1", "grv-2", "grv-3"):
        chosen = choose([member(n) for n in numbers], replace(SELECTION, key=key)).member
        lowest = min(numbers, key=lambda n: hashlib.sha256(f"{key}|{n}".encode()).hexdigest())
        assert chosen == member(lowest)


def test_projects_that_somebody_looks_after() -> None:
    """By name, or by the beginning of one, in just these letters."""
    one = member(3, projects=("docs", "tools/*"))

    found = [
        name for name in ("docs", "docs/a", "Docs", "tools/a/b", "tool") if one.looks_after(name)
    ]
    assert found == ["docs", "tools/a/b"]
