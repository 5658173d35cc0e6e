"""Accounts in Gerrit's JSON."""

from __future__ import annotations

from typing import Any

from reviewloop.core.change import Account
from reviewloop.gerrit.fields import field, mapping, typed


def account(data: Any, where: str = "account") -> Account:
    """``AccountInfo``; ``_account_id`` must be there, the rest with DETAILED_ACCOUNTS."""
    raw = mapping(data, where)
    tags = field(raw, "tags", list, where, [])
    return Account(
        id=field(raw, "_account_id", int, where),
        name=field(raw, "name", str, where, ""),
        email=field(raw, "email", str, where, ""),
        username=field(raw, "username", str, where, ""),
        tags=tuple(typed(tag, str, "tags[]", where) for tag in tags),
        inactive=field(raw, "inactive", bool, where, False),
    )
