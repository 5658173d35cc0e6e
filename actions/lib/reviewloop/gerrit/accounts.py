"""Accounts in Gerrit's JSON."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, Optional, Tuple

from reviewloop.core.change import Account, ReviewerUpdate
from reviewloop.gerrit.fields import Raw, field, mapping, time_of, typed


def account(data: Any, where: str = "account") -> Account:
    """``AccountInfo``; ``_account_id`` must be there, the rest with DETAILED_ACCOUNTS."""
    raw = mapping(data, where)
    tags = field(raw, "tags", list, where, [])
    return _shared(
        field(raw, "_account_id", int, where),
        field(raw, "name", str, where, ""),
        field(raw, "email", str, where, ""),
        field(raw, "username", str, where, ""),
        tuple([typed(tag, str, "tags[]", where) for tag in tags]) if tags else (),
        field(raw, "inactive", bool, where, False),
    )


#: The one value for all that are alike: it is made and kept once, and is found again by what it is,
#: and not by a look at each of its fields.
_shared = lru_cache(maxsize=4096)(Account)


def reviewer_updates(raw: Raw, where: str) -> Optional[Tuple[ReviewerUpdate, ...]]:
    """``reviewer_updates`` of a change, oldest first; None where the answer has none. Who was added
    by e-mail alone has no account and is left out.
    """
    if "reviewer_updates" not in raw:
        return None
    label = f"{where}, reviewer_updates[]"
    every = [mapping(item, label) for item in field(raw, "reviewer_updates", list, where)]
    found = [
        ReviewerUpdate(
            date=time_of(item, "updated", label),
            by=account(field(item, "updated_by", dict, label), label).id,
            account=account(field(item, "reviewer", dict, label), label),
            state=field(item, "state", str, label),
        )
        for item in every
        if field(item, "reviewer", dict, label).get("_account_id") is not None
    ]
    return tuple(sorted(found, key=lambda one: one.date))


class People:
    """Accounts as values: few people say much, so each is read once."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._known: Dict[int, Tuple[Raw, Account]] = {}

    def account(self, data: Any) -> Optional[Account]:
        """``AccountInfo``, None where there is none."""
        if data is None:
            return None
        number = data.get("_account_id") if type(data) is dict else None
        before = self._known.get(number) if type(number) is int else None
        if before is not None and before[0] == data:
            return before[1]
        found = account(data, self._where)
        self._known[found.id] = (data, found)
        return found
