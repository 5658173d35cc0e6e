"""What the loop wrote on one change, kept beside the history and put onto it for whoever reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, FrozenSet, List, Optional

from reviewloop.core.change import Account
from reviewloop.gerrit.fields import Raw


@dataclass(frozen=True)
class Posted:
    """A message that would have been posted; ``text`` with its mark."""

    number: int
    at: datetime
    text: str


@dataclass
class Written:
    """What was written on a change; ``at`` is when it was last written on, ``words`` are those of
    commands in it.
    """

    at: datetime
    count: int = 0
    messages: List[Raw] = field(default_factory=list)
    reviewers: List[Raw] = field(default_factory=list)
    hashtags: Optional[List[str]] = None
    words: FrozenSet[str] = frozenset()

    def say(self, author: Account, text: str, tag: str, patch_set: int) -> None:
        """Post a message, now."""
        self.count += 1
        self.messages.append(
            {
                "id": f"preview-{self.count}",
                "author": raw_account(author),
                "date": stamp(self.at),
                "message": text,
                "tag": tag,
                "_revision_number": patch_set,
            }
        )

    def onto(self, raw: Raw) -> None:
        """Put it on the change as Gerrit answers it."""
        said = [*(raw.get("messages") or ()), *self.messages]
        raw["messages"] = sorted(said, key=lambda one: str(one["date"]))
        if self.reviewers:
            raw["reviewers"] = self._with_reviewers(raw.get("reviewers") or {})
        if self.hashtags is not None:
            raw["hashtags"] = self.hashtags

    def _with_reviewers(self, there: Raw) -> Raw:
        """The people of a change with those who were added: who was to be told, reviews now."""
        mine = {one["_account_id"]: one for one in self.reviewers}
        reviewing = there.get("REVIEWER") or []
        known = {one.get("_account_id") for one in reviewing}
        added = [one for number, one in mine.items() if number not in known]
        told = [one for one in there.get("CC") or () if one.get("_account_id") not in mine]
        return {**there, "REVIEWER": [*reviewing, *added], "CC": told}


def raw_account(account: Account) -> Raw:
    """``AccountInfo``."""
    told: Dict[str, Any] = {
        "_account_id": account.id,
        "name": account.name,
        "email": account.email,
        "username": account.username,
        "tags": list(account.tags),
        "inactive": account.inactive,
    }
    return {key: value for key, value in told.items() if value}


def stamp(moment: datetime) -> str:
    """A time as Gerrit writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.000000000")
