"""A change and its messages as values, in Gerrit's own words.

Field meanings are Gerrit's (``ChangeInfo``, ``ChangeMessageInfo``, ``AccountInfo`` in
https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html). Instants are aware
``datetime`` in UTC with whole seconds, which is all that Gerrit keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import FrozenSet, NamedTuple, Optional, Tuple


class ChangeStatus(str, Enum):
    """Gerrit's ``ChangeInfo.status``, and those that plugins and forks add.

    STAGED, INTEGRATING and DEFERRED are Qt's (its qt-workflow plugin). Whatever else a server says
    is UNKNOWN: a value like the others, so that one change cannot keep the others from being read.
    """

    NEW = "NEW"
    MERGED = "MERGED"
    ABANDONED = "ABANDONED"
    STAGED = "STAGED"
    INTEGRATING = "INTEGRATING"
    DEFERRED = "DEFERRED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_closed(self) -> bool:
        """Whether nothing is expected to happen to the change any more."""
        return self in _CLOSED

    @property
    def is_nobodys(self) -> bool:
        """Whether the change is open and nobody owes a move: a machine has it, or who knows."""
        return self in _NOBODYS


_CLOSED = (ChangeStatus.MERGED, ChangeStatus.ABANDONED, ChangeStatus.DEFERRED)
_NOBODYS = (ChangeStatus.STAGED, ChangeStatus.INTEGRATING, ChangeStatus.UNKNOWN)


@dataclass(frozen=True)
class Account:
    """Somebody with a Gerrit account; ``tags`` may hold ``SERVICE_USER``; empty strings where
    unknown.
    """

    id: int
    name: str = ""
    email: str = ""
    username: str = ""
    tags: Tuple[str, ...] = ()
    inactive: bool = False

    def __hash__(self) -> int:
        """By its id alone: accounts are looked up for every message."""
        return hash(self.id)


class Message(NamedTuple):
    """One entry of a change's history.

    ``author`` is the real author where Gerrit names one apart, who acts on behalf of ``voter``:
    votes are the voter's then. It is None where Gerrit itself speaks. ``patch_set`` is Gerrit's
    ``_revision_number`` (0 where it is absent). ``comments`` are the author's comments on the patch
    set as a whole, posted with it; they stand apart from ``text``, since in some places only what
    Gerrit writes is believed.
    """

    id: str
    date: datetime
    author: Optional[Account]
    text: str
    tag: str = ""
    patch_set: int = 0
    comments: Tuple[str, ...] = ()
    voter: Optional[Account] = None

    @property
    def said(self) -> str:
        """The text and the comments below it: everything that the author had to say."""
        return "\n\n".join([self.text.rstrip(), *self.comments]) if self.comments else self.text


class Approval(NamedTuple):
    """A vote that stands on the current patch set, as Gerrit lists it (``ApprovalInfo``).

    ``date`` is when it was cast, or copied to the patch set; None where Gerrit does not say.
    """

    label: str
    account: Account
    value: int
    date: Optional[datetime] = None
    tag: str = ""


@dataclass(frozen=True)
class Requirement:
    """A submit requirement that is not met, so that nobody can submit the change.

    ``labels`` are those that its expression asks for; ``unresolved`` says that it is about open
    comments, ``owners`` that it is about code owners.
    """

    name: str
    labels: Tuple[str, ...] = ()
    unresolved: bool = False
    owners: bool = False


@dataclass(frozen=True)
class ReviewerUpdate:
    """``account`` was made REVIEWER or CC, or REMOVED (``state``), by the account with the id
    ``by``: its own where it came by itself.
    """

    date: datetime
    by: int
    account: Account
    state: str


@dataclass(frozen=True)
class Change:
    """One change with its messages in Gerrit's order (oldest first).

    ``status_word`` is the status in the server's own word where it is UNKNOWN. ``approvals`` are
    the votes that stand, other than zero; None where the answer does not say which stand.
    ``labels`` are those that the change has; None where the answer does not list them all.
    ``unmet`` are the submit requirements that keep the change from being submitted; None where the
    answer tells of none at all. ``footers`` are the last paragraph of the commit message, as far as
    it tells. ``reviewer_updates`` say who was made a reviewer when, oldest first; None where Gerrit
    was not asked.
    """

    number: int
    project: str
    branch: str
    change_id: str
    status: ChangeStatus
    subject: str
    owner: Account
    created: datetime
    updated: datetime
    messages: Tuple[Message, ...] = ()
    topic: str = ""
    hashtags: Tuple[str, ...] = ()
    is_private: bool = False
    work_in_progress: bool = False
    has_review_started: bool = True
    patch_set: int = 1
    revision: str = ""
    reviewers: Tuple[Account, ...] = ()
    ccs: Tuple[Account, ...] = ()
    attention: Tuple[int, ...] = ()
    insertions: int = 0
    deletions: int = 0
    meta_rev_id: str = ""
    status_word: str = ""
    approvals: Optional[Tuple[Approval, ...]] = None
    labels: Optional[FrozenSet[str]] = None
    unmet: Optional[Tuple[Requirement, ...]] = None
    footers: Tuple[str, ...] = ()
    reviewer_updates: Optional[Tuple[ReviewerUpdate, ...]] = None

    @property
    def status_known(self) -> bool:
        """Whether the status is one that this package knows the meaning of."""
        return self.status is not ChangeStatus.UNKNOWN
