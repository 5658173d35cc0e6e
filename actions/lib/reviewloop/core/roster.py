"""Whom to ask: one person of a roster, by a rule that anybody can follow.

Eligible is whoever is not the change's owner or uploader, not automation, active, present, within
their budget, and has not just spoken on the change. Among them: who looks after the project, then
who has the fewest open escalations, then who was asked longest ago, then a rendezvous hash of the
ticket's key, so that the choice can be repeated and moves little when the roster changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from fnmatch import fnmatchcase
from typing import FrozenSet, Optional, Sequence, Tuple

from reviewloop.core.change import Account


@dataclass(frozen=True)
class Load:
    """What one person has been asked: open now, in the last seven days, and last when."""

    open: int = 0
    week: int = 0
    last: Optional[datetime] = None


@dataclass(frozen=True)
class Member:
    """One person of the roster; ``projects`` are names, or beginnings of names with ``*``."""

    account: Account
    projects: Tuple[str, ...] = ()
    chair: bool = False
    login: str = ""
    automation: bool = False
    absent: bool = False
    load: Load = Load()

    def looks_after(self, project: str) -> bool:
        """Whether the project is one of the person's own."""
        return any(fnmatchcase(project, pattern) for pattern in self.projects)


class Bar(str, Enum):
    """Why somebody is not asked."""

    OWNER = "owner"
    UPLOADER = "uploader"
    AUTOMATION = "automation"
    INACTIVE = "inactive"
    ABSENT = "absent"
    OVER_BUDGET = "over_budget"
    REVIEWED = "already_reviewed"
    PASSED = "passed"
    NO_MOVE = "no_move_in_time"


@dataclass(frozen=True)
class Occasion:
    """What a choice is made for.

    :param key: the ticket's key, over which the last tie is broken.
    :param reviewed: accounts that spoke since the owner's last move.
    :param passed: accounts that handed the change on.
    :param tired: accounts asked at an earlier milestone of the same wait, without a move.
    :param before: accounts asked for an earlier wait of the same change, the latest last.
    :param budget: the most escalations to one person in seven days.
    """

    key: str
    project: str
    owner: int
    uploader: int
    reviewed: FrozenSet[int] = frozenset()
    passed: FrozenSet[int] = frozenset()
    tired: FrozenSet[int] = frozenset()
    before: Tuple[int, ...] = ()
    budget: int = 10


@dataclass(frozen=True)
class Choice:
    """Who is asked, or None; and why each of the others was not."""

    member: Optional[Member]
    barred: Tuple[Tuple[Member, Bar], ...] = ()

    @property
    def only_budget_bars(self) -> bool:
        """Whether somebody would have been asked, had their budget not been used up."""
        return self.member is None and any(bar is Bar.OVER_BUDGET for _, bar in self.barred)


def choose(members: Sequence[Member], occasion: Occasion) -> Choice:
    """Choose one member. The order of ``members`` does not matter."""
    judged = [(member, bar_of(member, occasion)) for member in members]
    free = [member for member, bar in judged if bar is None]
    barred = tuple((member, bar) for member, bar in judged if bar is not None)
    return Choice(min(free, key=lambda member: _rank(member, occasion), default=None), barred)


def bar_of(member: Member, occasion: Occasion) -> Optional[Bar]:
    """Why a member cannot be asked, the first reason that holds; None if they can."""
    account = member.account.id
    reasons = (
        (Bar.OWNER, account == occasion.owner),
        (Bar.UPLOADER, account == occasion.uploader),
        (Bar.AUTOMATION, member.automation),
        (Bar.INACTIVE, member.account.inactive),
        (Bar.PASSED, account in occasion.passed),
        (Bar.REVIEWED, account in occasion.reviewed),
        (Bar.NO_MOVE, account in occasion.tired),
        (Bar.ABSENT, member.absent),
        (Bar.OVER_BUDGET, member.load.week >= occasion.budget),
    )
    return next((bar for bar, holds in reasons if holds), None)


def _rank(member: Member, occasion: Occasion) -> Tuple[object, ...]:
    asked = occasion.before.index(member.account.id) if member.account.id in occasion.before else -1
    last = member.load.last
    return (
        -asked,
        member.chair,
        not member.looks_after(occasion.project),
        member.load.open,
        0.0 if last is None else last.timestamp(),  # before everybody who was ever asked
        _rendezvous(occasion.key, member.account.id),
    )


def _rendezvous(key: str, account: int) -> str:
    return hashlib.sha256(f"{key}|{account}".encode()).hexdigest()
