"""Gerrit's JSON as values: the only reader of its keys.

https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#json-entities and
.../rest-api-accounts.html#account-info. Gerrit leaves out whatever is null, and many flags when
false. Everything else that is missing, of a wrong type or beyond all bounds raises ProtocolError
with key and change, and nothing else is ever raised: whoever reads many can set one aside. Half
characters (lone surrogates, which JSON can hold and UTF-8 cannot) are read as U+FFFD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type, TypeVar

from reviewloop.core.change import Account, Change, ChangeStatus, Message
from reviewloop.core.comments import ReviewComment
from reviewloop.core.text import one_line
from reviewloop.core.worktime import EARLIEST, LATEST
from reviewloop.errors import ProtocolError

#: A JSON object as Gerrit answers it.
Raw = Dict[str, Any]

T = TypeVar("T")

# Gerrit's numbers are Java's int.
_LEAST, _MOST = -(2**31), 2**31 - 1
_ACCOUNT_ID = re.compile(r"[0-9]{1,10}")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
# Of the server's own words, as much as an error or a report repeats.
_WORD_CAP = 60

_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True)
class Row:
    """What the index alone says of a change (a search without options).

    ``meta_rev_id`` moves with everything that happens to the change (3.4+; empty where absent).
    ``status_word`` is the status in the server's own word where it is UNKNOWN.
    """

    number: int
    project: str
    updated: datetime
    meta_rev_id: str
    status: ChangeStatus
    is_private: bool
    status_word: str = ""

    @property
    def status_known(self) -> bool:
        """Whether the status is one that this package knows the meaning of."""
        return self.status is not ChangeStatus.UNKNOWN


@dataclass(frozen=True)
class Link:
    """One commit of a relation chain; ``parents`` are the commits that it is built on.

    ``number`` is 0 and ``status`` None where the commit belongs to no change.
    """

    number: int
    status: Optional[ChangeStatus] = None
    commit: str = ""
    parents: Tuple[str, ...] = ()


def timestamp(text: str, where: str = "a timestamp") -> datetime:
    """``2026-03-02 09:00:00.000000000`` as an aware datetime in UTC; fractions are dropped.

    :raises ProtocolError: anything else; ``where`` says in the message what was being read.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ProtocolError(f"{where}: {_shown(text)} is not a time in Gerrit's form.")
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    try:
        found = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError as err:
        raise ProtocolError(f"{where}: {_shown(text)} is not a time ({err}).") from err
    if not EARLIEST <= found < LATEST:
        raise ProtocolError(f"{where}: {_shown(text)} is a time at which no change was made.")
    return found


def account(data: Any, where: str = "account") -> Account:
    """``AccountInfo``; ``_account_id`` must be there, the rest with DETAILED_ACCOUNTS."""
    raw = mapping(data, where)
    tags = _get(raw, "tags", list, where, [])
    return Account(
        id=_get(raw, "_account_id", int, where),
        name=_get(raw, "name", str, where, ""),
        email=_get(raw, "email", str, where, ""),
        username=_get(raw, "username", str, where, ""),
        tags=tuple(_typed(tag, str, "tags[]", where) for tag in tags),
        inactive=_get(raw, "inactive", bool, where, False),
    )


def message(data: Any, where: str = "change message") -> Message:
    """``ChangeMessageInfo``; ``real_author`` wins; ``<GERRIT_ACCOUNT_n>`` is left as it is."""
    raw = mapping(data, where)
    author = raw.get("real_author") or raw.get("author")
    return Message(
        id=_get(raw, "id", str, where),
        date=_time(raw, "date", where),
        author=None if author is None else account(author, f"{where}, message author"),
        text=_get(raw, "message", str, where, ""),
        tag=_get(raw, "tag", str, where, ""),
        patch_set=_get(raw, "_revision_number", int, where, 0),
    )


def messages(data: Any, where: str = "change messages") -> Tuple[Message, ...]:
    """A list of ``ChangeMessageInfo``, oldest first as Gerrit gives it."""
    return tuple(message(item, where) for item in _typed(data, list, "messages", where))


def change(data: Any) -> Change:
    """``ChangeInfo`` as answered with MESSAGES, LABELS, DETAILED_ACCOUNTS, CURRENT_REVISION.

    ``reviewers`` and ``ccs`` need LABELS, ``messages`` MESSAGES, ``revision`` CURRENT_REVISION;
    without them these are empty.
    """
    raw = mapping(data, "change")
    number = number_of(raw)
    where = f"change {number}"
    status, word = _status(raw, where)
    history = messages(_get(raw, "messages", list, where, []), where)
    reviewers = _get(raw, "reviewers", dict, where, {})
    return Change(
        number=number,
        project=_get(raw, "project", str, where),
        branch=_get(raw, "branch", str, where),
        change_id=_get(raw, "change_id", str, where),
        status=status,
        subject=_get(raw, "subject", str, where),
        owner=account(_get(raw, "owner", dict, where), f"{where}, owner"),
        created=_time(raw, "created", where),
        updated=_time(raw, "updated", where),
        messages=history,
        topic=_get(raw, "topic", str, where, ""),
        hashtags=hashtags(_get(raw, "hashtags", list, where, []), where),
        is_private=_get(raw, "is_private", bool, where, False),
        work_in_progress=_get(raw, "work_in_progress", bool, where, False),
        has_review_started=_get(raw, "has_review_started", bool, where, True),
        patch_set=_patch_set(raw, history, where),
        revision=_get(raw, "current_revision", str, where, ""),
        reviewers=_people(reviewers, "REVIEWER", where),
        ccs=_people(reviewers, "CC", where),
        attention=_attention(raw, where),
        insertions=_get(raw, "insertions", int, where, 0),
        deletions=_get(raw, "deletions", int, where, 0),
        meta_rev_id=_get(raw, "meta_rev_id", str, where, ""),
        status_word=word,
    )


def comments(data: Any, where: str = "comments") -> Tuple[ReviewComment, ...]:
    """``GET /changes/ID/comments``: a map of files to lists of ``CommentInfo``.

    https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#list-change-comments
    """
    raw = mapping(data, where)
    return tuple(
        ReviewComment(
            message_id=_get(comment, "change_message_id", str, where, ""),
            text=_get(comment, "message", str, where, ""),
            general=path == "/PATCHSET_LEVEL",
        )
        for path, comments in raw.items()
        for comment in (mapping(one, where) for one in _typed(comments, list, path, where))
    )


def row(data: Any) -> Row:
    """A search result's index-only part."""
    raw = mapping(data, "change")
    number = number_of(raw)
    where = f"change {number}"
    status, word = _status(raw, where)
    return Row(
        number=number,
        project=_get(raw, "project", str, where),
        updated=_time(raw, "updated", where),
        meta_rev_id=_get(raw, "meta_rev_id", str, where, ""),
        status=status,
        is_private=_get(raw, "is_private", bool, where, False),
        status_word=word,
    )


def page(data: Any) -> Tuple[Tuple[Raw, ...], bool]:
    """One page of a search, and whether more exist.

    Only ``_more_changes`` on the last row tells: pages can be short for other reasons
    (the account's query limit, rows the server could not render).
    """
    items = _typed(data, list, "result", "search")
    # Whoever reads the rows sets aside what is none.
    rows: Tuple[Raw, ...] = tuple(item if isinstance(item, dict) else {} for item in items)
    return rows, bool(rows) and _get(rows[-1], "_more_changes", bool, "search", False)


def number_of(raw: Raw) -> int:
    """A search result's change number, which is positive."""
    number = _get(raw, "_number", int, "change")
    if number < 1:
        raise ProtocolError(f"change {number}: `_number` is not the number of a change.")
    return number


def updated_of(raw: Raw) -> datetime:
    """A search result's time of last update."""
    return _time(raw, "updated", f"change {number_of(raw)}")


def hashtags(data: Any, where: str = "hashtags") -> Tuple[str, ...]:
    """A list of hashtags, sorted."""
    tags = _typed(data, list, "hashtags", where)
    return tuple(sorted(_typed(tag, str, "hashtags[]", where) for tag in tags))


def accounts(data: Any, where: str = "accounts") -> Tuple[Account, ...]:
    """A list of ``AccountInfo``."""
    return tuple(account(item, where) for item in _typed(data, list, "members", where))


def emails(data: Any, where: str = "emails") -> Tuple[str, ...]:
    """A list of ``EmailInfo``."""
    items = [mapping(item, where) for item in _typed(data, list, "emails", where)]
    return tuple(_get(item, "email", str, where) for item in items)


def query_limit(data: Any) -> int:
    """``queryLimit.max`` of an account's capabilities; 500, Gerrit's default, where not named."""
    raw = mapping(data, "capabilities")
    limit = _get(raw, "queryLimit", dict, "capabilities", {})
    return _get(limit, "max", int, "capabilities, queryLimit", DEFAULT_QUERY_LIMIT)


#: https://gerrit-review.googlesource.com/Documentation/access-control.html#capability_queryLimit
DEFAULT_QUERY_LIMIT = 500


def text(data: Any, where: str) -> str:
    """``data`` if it is a JSON string."""
    return _typed(data, str, "the answer", where)


def commit_message(data: Any, where: str) -> str:
    """The whole message in a ``CommitInfo``."""
    return _get(mapping(data, where), "message", str, where)


def commit_emails(data: Any, where: str) -> Tuple[str, ...]:
    """The addresses of the author and the committer in a ``CommitInfo``."""
    raw = mapping(data, where)
    people = [_get(raw, role, dict, where, {}) for role in ("author", "committer")]
    return tuple(_get(one, "email", str, where, "") for one in people)


def chain(data: Any, number: int) -> Tuple[Link, ...]:
    """``RelatedChangesInfo`` of a change: its relation chain, newest first; often empty."""
    where = f"change {number}, related changes"
    items = _get(mapping(data, where), "changes", list, where, [])
    return tuple(_link(mapping(item, where), where) for item in items)


def _link(raw: Raw, where: str) -> Link:
    commit = _get(raw, "commit", dict, where, {})
    parents = (mapping(one, where) for one in _get(commit, "parents", list, where, []))
    word = _get(raw, "status", str, where, "")
    return Link(
        number=_get(raw, "_change_number", int, where, 0),
        status=_status(raw, where)[0] if word else None,
        commit=_get(commit, "commit", str, where, ""),
        parents=tuple(_get(one, "commit", str, where) for one in parents),
    )


def mapping(data: Any, where: str) -> Raw:
    """``data`` if it is a JSON object."""
    return _typed(data, dict, "the answer", where)


def votes(data: Any, where: str = "votes") -> Mapping[str, int]:
    """A map of label to value; empty where Gerrit left it out."""
    raw = mapping({} if data is None else data, where)
    return {_whole(label): _typed(value, int, label, where) for label, value in raw.items()}


def attention_after(raw: Raw, where: str) -> Optional[Tuple[int, ...]]:
    """The attention set that a ``ReviewResult`` tells of; None where it tells nothing."""
    if "change_info" not in raw:
        return None
    return _attention(_get(raw, "change_info", dict, where), where)


def reviewer_result(data: Any, where: str = "reviewer") -> Tuple[Tuple[Account, ...], str]:
    """``ReviewerResult``: who was added (none if there already), and the error text if any."""
    raw = mapping(data, where)
    added: List[Account] = []
    for key in ("reviewers", "ccs"):
        added.extend(accounts(_get(raw, key, list, where, []), where))
    return tuple(added), _get(raw, "error", str, where, "")


def _get(raw: Mapping[str, Any], key: str, kind: Type[T], where: str, default: Any = None) -> T:
    value = raw.get(key)
    if value is None:
        if default is None:
            raise ProtocolError(f"{where}: the key `{key}` is missing in Gerrit's answer.")
        return default  # type: ignore
    return _typed(value, kind, key, where)


def _typed(value: Any, kind: Type[T], key: str, where: str) -> T:
    # JSON knows no integers that are truth values, Python does.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found, wanted = type(value).__name__, kind.__name__
        raise ProtocolError(
            f"{where}: `{_short(key)}` is of type {found} in Gerrit's answer, not {wanted}."
        )
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        # Not repeated: it may be too long even to be written down.
        raise ProtocolError(
            f"{where}: `{_short(key)}` is a larger number in Gerrit's answer than Gerrit has."
        )
    return _whole(value) if isinstance(value, str) else value  # type: ignore


def _whole(text: str) -> str:
    return text if text.isascii() else _HALF_CHARACTER.sub("\ufffd", text)


def _short(text: str) -> str:
    return one_line(text[: 2 * _WORD_CAP], _WORD_CAP)


def _shown(text: str) -> str:
    return repr(_short(text))


def _time(raw: Mapping[str, Any], key: str, where: str) -> datetime:
    return timestamp(_get(raw, key, str, where), f"{where}, `{key}`")


def _status(raw: Mapping[str, Any], where: str) -> Tuple[ChangeStatus, str]:
    """The status, and the server's own word where that is none that we know."""
    text = _get(raw, "status", str, where)
    try:
        return ChangeStatus(text), ""
    except ValueError:
        return ChangeStatus.UNKNOWN, _short(text)


def _patch_set(raw: Raw, history: Tuple[Message, ...], where: str) -> int:
    """``current_revision_number`` (3.10+), else the highest patch set heard of."""
    current = _get(raw, "current_revision_number", int, where, 0)
    if current:
        return current
    revisions = _get(raw, "revisions", dict, where, {})
    numbers = [_get(mapping(item, where), "_number", int, where) for item in revisions.values()]
    return max([1, *numbers, *(item.patch_set for item in history)])


def _people(reviewers: Raw, state: str, where: str) -> Tuple[Account, ...]:
    """Accounts in one state; somebody added by e-mail alone has no account and is left out."""
    items = _get(reviewers, state, list, where, [])
    label = f"{where}, reviewers.{state}"
    people = [mapping(item, label) for item in items]
    return tuple(account(item, label) for item in people if item.get("_account_id") is not None)


def _attention(raw: Raw, where: str) -> Tuple[int, ...]:
    keys: Raw = _get(raw, "attention_set", dict, where, {})
    if not all(_ACCOUNT_ID.fullmatch(key) for key in keys):
        raise ProtocolError(f"{where}: `attention_set` has a key that is no account id.")
    return tuple(sorted(int(key) for key in keys))
