"""Whom to ask: one person of a roster, by a rule that anybody can follow.

Eligible is whoever is not the change's owner, author or uploader, not automation, active, present,
within their budget, and has not just spoken on the change. Among them: who looks after the project,
then who has the fewest open escalations, then who was asked longest ago, then a rendezvous hash of
the ticket's key, so that the choice can be repeated and moves little when the roster changes.
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


class Ineligible(str, Enum):
    """Why somebody is not asked."""

    OWNER = "owner"
    AUTHOR = "author"
    UPLOADER = "uploader"
    AUTOMATION = "automation"
    INACTIVE = "inactive"
    ABSENT = "absent"
    OVER_BUDGET = "over_budget"
    REVIEWED = "already_reviewed"
    PASSED = "passed"
    NO_MOVE = "no_move_in_time"


@dataclass(frozen=True)
class Selection:
    """What a choice is made for.

    :param key: the ticket's key, over which the last tie is broken.
    :param authors: accounts that made a robot's change, and so count as its owner.
    :param reviewed: accounts that spoke since the owner's last move.
    :param passed: accounts that handed the change on.
    :param already_asked: accounts asked at an earlier milestone of the same wait, without a move.
    :param before: accounts asked for an earlier wait of the same change, the latest last.
    :param budget: the most escalations to one person in seven days.
    """

    key: str
    project: str
    owner: int
    uploader: int
    authors: FrozenSet[int] = frozenset()
    reviewed: FrozenSet[int] = frozenset()
    passed: FrozenSet[int] = frozenset()
    already_asked: FrozenSet[int] = frozenset()
    before: Tuple[int, ...] = ()
    budget: int = 10


@dataclass(frozen=True)
class Choice:
    """Who is asked, or None; who else could be; and why each of the others cannot."""

    member: Optional[Member]
    ineligible: Tuple[Tuple[Member, Ineligible], ...] = ()
    free: Tuple[Member, ...] = ()


def choose(members: Sequence[Member], selection: Selection) -> Choice:
    """Choose one member. The order of ``members`` does not matter."""
    judged = [(member, why_ineligible(member, selection)) for member in members]
    free = [member for member, reason in judged if reason is None]
    ineligible = tuple((member, reason) for member, reason in judged if reason is not None)
    member = min(free, key=lambda member: _rank(member, selection), default=None)
    return Choice(member, ineligible, tuple(free))


def why_ineligible(member: Member, selection: Selection) -> Optional[Ineligible]:
    """Why a member cannot be asked, the first reason that holds; None if they can."""
    account = member.account.id
    reasons = (
        (Ineligible.OWNER, account == selection.owner),
        (Ineligible.AUTHOR, account in selection.authors),
        (Ineligible.UPLOADER, account == selection.uploader),
        (Ineligible.AUTOMATION, member.automation),
        (Ineligible.INACTIVE, member.account.inactive),
        (Ineligible.PASSED, account in selection.passed),
        (Ineligible.REVIEWED, account in selection.reviewed),
        (Ineligible.NO_MOVE, account in selection.already_asked),
        (Ineligible.ABSENT, member.absent),
        (Ineligible.OVER_BUDGET, member.load.week >= selection.budget),
    )
    return next((reason for reason, holds in reasons if holds), None)


def _rank(member: Member, selection: Selection) -> Tuple[object, ...]:
    asked = (
        selection.before.index(member.account.id) if member.account.id in selection.before else -1
    )
    last = member.load.last
    return (
        -asked,
        member.chair,
        not member.looks_after(selection.project),
        member.load.open,
        0.0 if last is None else last.timestamp(),  # before everybody who was ever asked
        _rendezvous(selection.key, member.account.id),
    )


def _rendezvous(key: str, account: int) -> str:
    return hashlib.sha256(f"{key}|{account}".encode()).hexdigest()
