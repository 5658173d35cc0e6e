"""A change and its messages as values, in Gerrit's own words.

Field meanings are Gerrit's (``ChangeInfo``, ``ChangeMessageInfo``, ``AccountInfo`` in
https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html). Instants are aware
``datetime`` in UTC with whole seconds, which is all that Gerrit keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Optional, Tuple


class ChangeStatus(str, Enum):
    """Gerrit's ``ChangeInfo.status``."""

    NEW = "NEW"
    MERGED = "MERGED"
    ABANDONED = "ABANDONED"


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


@dataclass(frozen=True)
class Message:
    """One entry of a change's history.

    ``author`` is the real author where Gerrit names one apart (acting on behalf of somebody), and
    None where Gerrit itself speaks. ``patch_set`` is Gerrit's ``_revision_number`` (0 where it is
    absent).
    """

    id: str
    date: datetime
    author: Optional[Account]
    text: str
    tag: str = ""
    patch_set: int = 0


@dataclass(frozen=True)
class Change:
    """One change with its messages in Gerrit's order (oldest first)."""

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
