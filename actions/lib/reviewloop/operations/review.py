"""Writing on changes: one review, hashtags, reviewers. Each can be done twice with the effect of
once.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from reviewloop.core.change import Change
from reviewloop.core.keys import MARK_TAG, Mark, digest
from reviewloop.errors import RefusedError
from reviewloop.escalation.assess import event_ref
from reviewloop.gerrit.review import Notify, ReviewAction, ReviewerState, ReviewRequest
from reviewloop.markup.formats import BodyFormat
from reviewloop.messages.render import render
from reviewloop.operations.context import Context
from reviewloop.store.asks import ask_id

TAG = f"{MARK_TAG}~"


class Purpose(str, Enum):
    """What a review is posted for; all but ``note`` have their own words."""

    NOTE = "note"
    ESCALATE = "escalate"
    NUDGE = "nudge"
    LABEL = "label"


_REASONS = {
    Purpose.NOTE: "Asked by the review loop",
    Purpose.ESCALATE: "Asked on behalf of the committee to review",
    Purpose.NUDGE: "A review is overdue",
    Purpose.LABEL: "Approved, and not submitted yet",
}


def post_review(
    context: Context,
    number: int,
    *,
    purpose: str = "note",
    message: str = "",
    event_id: str = "",
    tier: str = "nobody",
    attempt: int = 0,
    asked: Sequence[int] = (),
    reviewers: Sequence[int] = (),
    ccs: Sequence[int] = (),
    attention: Sequence[int] = (),
    labels: Optional[Mapping[str, int]] = None,
    add_hashtags: Sequence[str] = (),
    remove_hashtags: Sequence[str] = (),
    ready: bool = False,
    notify: str = "OWNER_REVIEWERS",
    key: str = "",
) -> Dict[str, Any]:
    """Post one review, and set hashtags: ``{action, number, patchset, mark, hashtags_changed}``.

    The review is one POST and bears a mark, which is looked for before; Gerrit takes hashtags by
    another call only
    (https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#set-hashtags).

    :param purpose: ``note`` posts ``message``; the others their own text about ``event_id``.
    :param asked: account ids of the people who are asked; an escalation adds them as reviewers.
    :param key: with ``note``: what makes it the same note; the message itself if empty.
    :raises RefusedError: a permission is missing, or a label does not exist.
    """
    change = context.client.change(number)
    why = Purpose(purpose)
    mark = _mark(why, number, event_id, tier, attempt, asked, key or message)
    text = message if why is Purpose.NOTE else _text(context, change, why, event_id, asked)
    outcome = context.client.post_review(
        change,
        ReviewRequest(
            message=text,
            marker=str(mark),
            tag=TAG + why.value,
            labels=dict(labels or {}),
            reviewers=_unique(reviewers, asked if why is Purpose.ESCALATE else ()),
            ccs=tuple(ccs),
            attention=_unique(attention, asked),
            attention_reason=_REASONS[why],
            ready=ready,
            notify=Notify(notify),
        ),
    )
    return {
        "action": outcome.action.value,
        "posted": outcome.action is not ReviewAction.ALREADY_POSTED,
        "number": number,
        "patchset": change.patch_set,
        "mark": mark.id,
        "hashtags_changed": _set_hashtags(context, change, add_hashtags, remove_hashtags),
    }


def set_hashtags(
    context: Context, number: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> Dict[str, Any]:
    """Add and take off hashtags: ``{number, changed}``; writes only where something changes."""
    change = context.client.change(number)
    return {"number": number, "changed": _set_hashtags(context, change, add, remove)}


def add_reviewers(
    context: Context,
    number: int,
    *,
    account_ids: Sequence[int],
    state: str = "REVIEWER",
) -> Dict[str, Any]:
    """Add people to a change: ``{number, added: [ids]}``, those who were not there yet."""
    change = context.client.change(number)
    there = change.reviewers if state == "REVIEWER" else change.ccs
    missing = [one for one in account_ids if one not in {account.id for account in there}]
    if missing:
        context.client.add_reviewers(change, missing, ReviewerState(state))
    return {"number": number, "added": missing}


def _mark(
    purpose: Purpose,
    number: int,
    event_id: str,
    tier: str,
    attempt: int,
    asked: Sequence[int],
    key: str,
) -> Mark:
    if purpose is not Purpose.NOTE:
        return Mark(purpose.value, ask_id(event_id, tier, attempt), tuple(asked))
    if not key:
        raise RefusedError(
            "message and key are both empty: there would be nothing to tell this note by.",
            "Pass a message; or, for votes alone, a key such as my-workflow-1.",
        )
    return Mark(purpose.value, digest("note", number, key))


def _text(
    context: Context, change: Change, purpose: Purpose, event_id: str, asked: Sequence[int]
) -> str:
    subject = context.subject(change, event_ref(event_id), asked)
    folder = context.settings.tracker.templates
    return render(purpose.value, BodyFormat.TEXT, subject, folder=folder)


def _set_hashtags(
    context: Context, change: Change, add: Sequence[str], remove: Sequence[str]
) -> bool:
    bad = [tag for tag in (*add, *remove) if not re.fullmatch(r"[^\s,]{1,64}", tag)]
    if bad:
        raise RefusedError(
            f"{bad[0]!r} cannot be a hashtag: it is empty, too long, or holds a space or a comma.",
            "Pass one word, such as escalated.",
        )
    return bool(context.client.set_hashtags(change, add, remove))


def _unique(*groups: Sequence[int]) -> Tuple[int, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))
