"""A change as it was at an instant, from its history.

What Gerrit answers today tells of today: votes that stand, requirements, who is a reviewer. Of an
earlier instant only what bears a date is known: the messages, and with REVIEWER_UPDATES who was
added and removed when. So the votes of that time are those of the messages, as everywhere in this
pack; hashtags and topic are today's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from reviewloop.core.change import Change
from reviewloop.core.keys import MARK_TAG
from reviewloop.core.kinds import EventKind, kind_of
from reviewloop.core.policy import Policy
from reviewloop.core.telling import told
from reviewloop.gerrit import parse
from reviewloop.gerrit.fields import Raw, time_of

# What a change has from its beginning, and what is taken as it is today.
_LASTING = (
    *("_number", "id", "project", "branch", "change_id", "subject", "owner", "created"),
    *("topic", "hashtags", "has_review_started", "insertions", "deletions"),
)
_STATUSES = {
    EventKind.MERGE: "MERGED",
    EventKind.ABANDON: "ABANDONED",
    EventKind.RESTORE: "NEW",
    EventKind.UPLOAD: "NEW",
}


class Beat(NamedTuple):
    """An instant at which something happened to a change, and its status from then on."""

    at: datetime
    status: str


def beats(change: Change) -> Tuple[Beat, ...]:
    """When something happened to a change, in order, but for what this pack wrote; the first is
    its creation.
    """
    found: Dict[datetime, str] = {change.created: "NEW"}
    status = "NEW"
    for message in change.messages:
        if message.tag.startswith(MARK_TAG):
            continue
        kind = kind_of(message, False)
        status = status if kind is None else _STATUSES.get(kind, status)
        found[message.date] = status
    return tuple(Beat(at, status) for at, status in sorted(found.items()))


def as_of(raw: Raw, at: datetime, policy: Policy) -> Raw:
    """The change as Gerrit would have answered it then, as far as its history tells.

    This pack's own messages are left out: what is asked for is what would have happened without.

    :raises ProtocolError: it makes no sense.
    """
    where = f"change {parse.number_of(raw)}"
    messages = [one for one in raw.get("messages") or () if time_of(one, "date", where) <= at]
    messages = [one for one in messages if not str(one.get("tag") or "").startswith(MARK_TAG)]
    shown: Raw = {key: raw[key] for key in _LASTING if raw.get(key) is not None}
    shown["messages"] = messages
    shown["reviewers"] = _reviewers(raw, at, where)
    shown["status"] = "NEW"
    shown["updated"] = max(
        (one["date"] for one in messages if one.get("date")), default=raw.get("created")
    )
    change = parse.change(shown)
    shown["status"] = beats(change)[-1].status
    # Whether it was in progress or private is what the messages come to.
    shown.update((one.what, bool(one.told)) for one in told(change, policy).disagreements)
    return shown


def _reviewers(raw: Raw, at: datetime, where: str) -> Dict[str, List[Any]]:
    """Who was on the change: today's people where the answer does not tell of the past."""
    updates = raw.get("reviewer_updates")
    if not isinstance(updates, list):
        return raw.get("reviewers") or {}
    known: Dict[int, Tuple[str, Mapping[str, Any]]] = {}
    for one in sorted(updates, key=lambda one: str(one.get("updated"))):
        account = one.get("reviewer") or {}
        if account.get("_account_id") is not None and time_of(one, "updated", where) <= at:
            known[account["_account_id"]] = str(one.get("state")), account
    found: Dict[str, List[Any]] = {}
    for state, account in known.values():
        if state in ("REVIEWER", "CC"):
            found.setdefault(state, []).append(_named(raw, account))
    return found


def _named(raw: Raw, account: Mapping[str, Any]) -> Mapping[str, Any]:
    """The account with its details, where the answer has them elsewhere."""
    return next(
        (one for one in _people(raw) if one.get("_account_id") == account["_account_id"]), account
    )


def _people(raw: Raw) -> Iterator[Mapping[str, Any]]:
    for listed in (raw.get("reviewers") or {}).values():
        yield from listed
    yield from (one["author"] for one in raw.get("messages") or () if one.get("author"))
