"""Gerrit's JSON as values: the only reader of its keys.

https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#json-entities and
.../rest-api-accounts.html#account-info. What is not as documented raises ProtocolError and nothing
else, see :mod:`reviewloop.gerrit.fields`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, List, Mapping, NamedTuple, Optional, Tuple

from reviewloop.core.change import Account, Change, ChangeStatus, Message
from reviewloop.core.comments import ReviewComment
from reviewloop.errors import ProtocolError
from reviewloop.gerrit.accounts import People, account, reviewer_updates
from reviewloop.gerrit.fields import (
    Raw,
    field,
    mapping,
    shortened,
    time_of,
    typed,
    whole,
)
from reviewloop.gerrit.labels import approvals, names, unmet
from reviewloop.http import codes

_ACCOUNT_ID = re.compile(r"[0-9]{1,10}")
#: https://gerrit-review.googlesource.com/Documentation/access-control.html#capability_queryLimit
DEFAULT_QUERY_LIMIT = 500
# Lines of a commit message that are looked at.
_MAX_FOOTERS = 50


class Row(NamedTuple):
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


def message(data: Any, where: str = "change message") -> Message:
    """``ChangeMessageInfo``; ``<GERRIT_ACCOUNT_n>`` is left as it is.

    Where there is a ``real_author``, ``author`` is on whose behalf it acted.
    """
    return _message(data, where, People(f"{where}, message author"))


def _message(data: Any, where: str, people: People) -> Message:
    raw = mapping(data, where)
    real = raw.get("real_author")
    return Message(
        id=field(raw, "id", str, where),
        date=time_of(raw, "date", where),
        author=people.account(real or raw.get("author")),
        text=field(raw, "message", str, where, ""),
        tag=field(raw, "tag", str, where, ""),
        patch_set=field(raw, "_revision_number", int, where, 0),
        voter=people.account(raw.get("author")) if real else None,
    )


def messages(data: Any, where: str = "change messages") -> Tuple[Message, ...]:
    """A list of ``ChangeMessageInfo``, oldest first as Gerrit gives it."""
    people = People(f"{where}, message author")
    return tuple(_message(item, where, people) for item in typed(data, list, "messages", where))


def change(data: Any) -> Change:
    """``ChangeInfo`` as answered with MESSAGES, LABELS, DETAILED_ACCOUNTS, CURRENT_REVISION.

    ``reviewers``, ``ccs`` and ``approvals`` need LABELS, ``messages`` MESSAGES, ``unmet``
    SUBMIT_REQUIREMENTS, ``revision`` CURRENT_REVISION, ``footers`` CURRENT_COMMIT,
    ``reviewer_updates`` REVIEWER_UPDATES; without them these are empty.
    """
    raw = mapping(data, "change")
    number = number_of(raw)
    where = f"change {number}"
    status, word = _status(raw, where)
    history = messages(field(raw, "messages", list, where, []), where)
    reviewers = field(raw, "reviewers", dict, where, {})
    return Change(
        number=number,
        project=field(raw, "project", str, where),
        branch=field(raw, "branch", str, where),
        change_id=field(raw, "change_id", str, where),
        status=status,
        subject=field(raw, "subject", str, where),
        owner=account(field(raw, "owner", dict, where), f"{where}, owner"),
        created=time_of(raw, "created", where),
        updated=time_of(raw, "updated", where),
        messages=history,
        topic=field(raw, "topic", str, where, ""),
        hashtags=hashtags(field(raw, "hashtags", list, where, []), where),
        is_private=field(raw, "is_private", bool, where, False),
        work_in_progress=field(raw, "work_in_progress", bool, where, False),
        has_review_started=field(raw, "has_review_started", bool, where, True),
        patch_set=_patch_set(raw, history, where),
        revision=field(raw, "current_revision", str, where, ""),
        reviewers=_people(reviewers, "REVIEWER", where),
        ccs=_people(reviewers, "CC", where),
        attention=_attention(raw, where),
        insertions=field(raw, "insertions", int, where, 0),
        deletions=field(raw, "deletions", int, where, 0),
        meta_rev_id=field(raw, "meta_rev_id", str, where, ""),
        status_word=word,
        approvals=approvals(raw, where),
        labels=None if status is ChangeStatus.MERGED else names(raw, where),
        unmet=unmet(raw, where),
        footers=_footers(raw, where),
        reviewer_updates=reviewer_updates(raw, where),
    )


def comments(data: Any, where: str = "comments") -> Tuple[ReviewComment, ...]:
    """``GET /changes/ID/comments``: a map of files to lists of ``CommentInfo``.

    https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#list-change-comments
    """
    raw = mapping(data, where)
    return tuple(
        ReviewComment(
            message_id=field(comment, "change_message_id", str, where, ""),
            text=field(comment, "message", str, where, ""),
            general=path == "/PATCHSET_LEVEL",
        )
        for path, comments in raw.items()
        for comment in (mapping(one, where) for one in typed(comments, list, path, where))
    )


def row(data: Any) -> Row:
    """A search result's index-only part."""
    raw = mapping(data, "change")
    number = number_of(raw)
    where = f"change {number}"
    status, word = _status(raw, where)
    return Row(
        number=number,
        project=field(raw, "project", str, where),
        updated=time_of(raw, "updated", where),
        meta_rev_id=field(raw, "meta_rev_id", str, where, ""),
        status=status,
        is_private=field(raw, "is_private", bool, where, False),
        status_word=word,
    )


def number_of(raw: Raw) -> int:
    """A search result's change number, which is positive."""
    number = field(raw, "_number", int, "change")
    if number < 1:
        raise ProtocolError(f"change {number}: `_number` is not the number of a change.")
    return number


def updated_of(raw: Raw) -> datetime:
    """A search result's time of last update."""
    return time_of(raw, "updated", f"change {number_of(raw)}")


def hashtags(data: Any, where: str = "hashtags") -> Tuple[str, ...]:
    """A list of hashtags, sorted."""
    tags = typed(data, list, "hashtags", where)
    return tuple(sorted(typed(tag, str, "hashtags[]", where) for tag in tags))


def accounts(data: Any, where: str = "accounts") -> Tuple[Account, ...]:
    """A list of ``AccountInfo``."""
    return tuple(account(item, where) for item in typed(data, list, "members", where))


def emails(data: Any, where: str = "emails") -> Tuple[str, ...]:
    """A list of ``EmailInfo``."""
    items = [mapping(item, where) for item in typed(data, list, "emails", where)]
    return tuple(field(item, "email", str, where) for item in items)


def query_limit(data: Any) -> int:
    """``queryLimit.max`` of an account's capabilities; 500, Gerrit's default, where not named."""
    raw = mapping(data, "capabilities")
    limit = field(raw, "queryLimit", dict, "capabilities", {})
    return field(limit, "max", int, "capabilities, queryLimit", DEFAULT_QUERY_LIMIT)


def is_administrator(data: Any) -> bool:
    """``administrateServer`` of an account's capabilities, which is left out where it is not."""
    return field(mapping(data, "capabilities"), "administrateServer", bool, "capabilities", False)


def is_granted(data: Any) -> bool:
    """``AccessCheckInfo``: the status of a permission that was checked is 200, or 403."""
    return field(mapping(data, "check.access"), "status", int, "check.access") == codes.OK


def commit_message(data: Any, where: str) -> str:
    """The whole message in a ``CommitInfo``."""
    return field(mapping(data, where), "message", str, where)


def commit_emails(data: Any, where: str) -> Tuple[str, ...]:
    """The addresses of the author and the committer in a ``CommitInfo``."""
    raw = mapping(data, where)
    people = [field(raw, role, dict, where, {}) for role in ("author", "committer")]
    return tuple(field(one, "email", str, where, "") for one in people)


def votes(data: Any, where: str = "votes") -> Mapping[str, int]:
    """A map of label to value; empty where Gerrit left it out."""
    raw = mapping({} if data is None else data, where)
    return {whole(label): typed(value, int, label, where) for label, value in raw.items()}


def attention_after(raw: Raw, where: str) -> Optional[Tuple[int, ...]]:
    """The attention set in a ``ReviewResult``; None where it holds none."""
    if "change_info" not in raw:
        return None
    return _attention(field(raw, "change_info", dict, where), where)


def reviewer_result(data: Any, where: str = "reviewer") -> Tuple[Tuple[Account, ...], str]:
    """``ReviewerResult``: who was added (none if there already), and the error text if any."""
    raw = mapping(data, where)
    added: List[Account] = []
    for key in ("reviewers", "ccs"):
        added.extend(accounts(field(raw, key, list, where, []), where))
    return tuple(added), field(raw, "error", str, where, "")


def _status(raw: Mapping[str, Any], where: str) -> Tuple[ChangeStatus, str]:
    """The status, and the server's own word where that is none that we know."""
    text = field(raw, "status", str, where)
    try:
        return ChangeStatus(text), ""
    except ValueError:
        return ChangeStatus.UNKNOWN, shortened(text)


def _patch_set(raw: Raw, history: Tuple[Message, ...], where: str) -> int:
    """``current_revision_number`` (3.10+), else the highest patch set heard of."""
    current = field(raw, "current_revision_number", int, where, 0)
    if current:
        return current
    revisions = field(raw, "revisions", dict, where, {})
    numbers = [field(mapping(item, where), "_number", int, where) for item in revisions.values()]
    return max([1, *numbers, *(item.patch_set for item in history)])


def _footers(raw: Raw, where: str) -> Tuple[str, ...]:
    """The last paragraph of the current commit's message, where footers stand."""
    revisions = field(raw, "revisions", dict, where, {})
    revision = mapping(revisions.get(raw.get("current_revision")) or {}, where)
    text = field(field(revision, "commit", dict, where, {}), "message", str, where, "")
    paragraphs = text.rstrip().rsplit("\n\n", 1)
    # A message of one paragraph has none: it is the subject.
    return tuple(paragraphs[1].split("\n")[:_MAX_FOOTERS]) if len(paragraphs) > 1 else ()


def _people(reviewers: Raw, state: str, where: str) -> Tuple[Account, ...]:
    """Accounts in one state; somebody added by e-mail alone has no account and is left out."""
    items = field(reviewers, state, list, where, [])
    label = f"{where}, reviewers.{state}"
    people = [mapping(item, label) for item in items]
    return tuple(account(item, label) for item in people if item.get("_account_id") is not None)


def _attention(raw: Raw, where: str) -> Tuple[int, ...]:
    keys: Raw = field(raw, "attention_set", dict, where, {})
    if not all(_ACCOUNT_ID.fullmatch(key) for key in keys):
        raise ProtocolError(f"{where}: `attention_set` has a key that is no account id.")
    return tuple(sorted(int(key) for key in keys))
