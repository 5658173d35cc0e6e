"""Writing on changes: one review, hashtags, reviewers. Each can be done twice with the effect of
once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import Enum
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from reviewloop.core.events import EventRef
from reviewloop.core.keys import MARK_TAG, Mark, ask_id, digest
from reviewloop.errors import ConfigError, ProtocolError, RefusedError
from reviewloop.gerrit.review import Notify, ReviewAction, ReviewerState, ReviewRequest
from reviewloop.markup.formats import BodyFormat
from reviewloop.messages.subject import Subject
from reviewloop.operations.context import Context
from reviewloop.operations.guard import Seen, open_asks, own_event, seen_change, seen_wait

TAG = f"{MARK_TAG}~"
NOTHING = "nothing"
ANOTHER_WAIT = "another_wait"
# Gerrit keeps a vote's value in 16 bits; a label has a few.
_MOST = 9_999


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
    """Post one review, and set hashtags: ``{action, reason, posted, number, patchset, mark,
    hashtags_changed}``.

    The review is one POST and bears a mark, which is looked for before; Gerrit takes hashtags by
    another call only
    (https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#set-hashtags).
    Action ``nothing`` with its reason (``private``, ``gone``, ``wait_over``) writes nothing at all.

    :param purpose: ``note`` posts ``message``; the others their own text about ``event_id``, and
        only while its wait lasts.
    :param asked: account ids of the people who are asked; an escalation adds them as reviewers.
    :param key: with ``note``: what makes it the same note; the message itself if empty.
    :raises RefusedError: a permission is missing, a label does not exist, or ``number`` is not the
        event's.
    """
    why = Purpose(purpose)
    event = own_event(context, event_id, number) if event_id or why is not Purpose.NOTE else None
    _check_votes(labels or {})
    _check_hashtags((*add_hashtags, *remove_hashtags))
    mark = _mark(why, number, event_id, tier, attempt, asked, key or message)
    about = event if why is not Purpose.NOTE else None
    with context.change_lease(number) as lease:
        seen = seen_change(context, number, event) if about is None else seen_wait(context, about)
        if seen.reason or seen.change is None:
            return _nothing(number, seen, mark)
        subject = None if about is None else _subject(context, seen, about, asked)
        if subject is not None and why is Purpose.ESCALATE:
            mark = replace(mark, joined=tuple(one for one, _ in subject.joined))
        request = ReviewRequest(
            message=message if subject is None else _text(context, why, subject),
            marker=str(mark),
            key=mark.key,
            tag=TAG + why.value,
            labels=dict(labels or {}),
            reviewers=_unique(reviewers, asked if why is Purpose.ESCALATE else ()),
            ccs=tuple(ccs),
            attention=_unique(attention, asked),
            attention_reason=_REASONS[why],
            ready=ready,
            notify=Notify(notify),
        )
        lease.check()
        outcome = context.client.post_review(seen.change, request, is_fresh=True)
        changed = context.client.set_hashtags(
            seen.change, add_hashtags, remove_hashtags, is_fresh=True
        )
    return {
        "action": outcome.action.value,
        "reason": "",
        "posted": outcome.action is not ReviewAction.ALREADY_POSTED,
        "number": number,
        "patchset": seen.change.patch_set,
        "mark": mark.id,
        "hashtags_changed": bool(changed),
    }


def set_hashtags(
    context: Context,
    number: int,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    event_id: str = "",
) -> Dict[str, Any]:
    """Add and take off hashtags: ``{number, changed, reason}``; writes only where something
    changes.

    :param event_id: the event whose wait is over: the hashtags are left alone (``another_wait``)
        while people are asked about another wait of the change.
    """
    event = own_event(context, event_id, number) if event_id else None
    _check_hashtags((*add, *remove))
    with context.change_lease(number):
        seen = seen_change(context, number, event)
        elsewhere = event is not None and _asked_elsewhere(context, event)
        reason = seen.reason or (ANOTHER_WAIT if elsewhere else "")
        if reason or seen.change is None:
            return {"number": number, "changed": False, "reason": reason}
        changed = context.client.set_hashtags(seen.change, add, remove, is_fresh=True)
    return {"number": number, "changed": bool(changed), "reason": ""}


def add_reviewers(
    context: Context,
    number: int,
    *,
    account_ids: Sequence[int],
    state: str = "REVIEWER",
) -> Dict[str, Any]:
    """Add people to a change: ``{number, added: [ids], reason}``, those who were not there yet.

    Nobody is added to a private change (reason ``private``): whoever is can see it.
    """
    with context.change_lease(number):
        seen = seen_change(context, number)
        if seen.reason or seen.change is None:
            return {"number": number, "added": [], "reason": seen.reason}
        there = seen.change.reviewers if state == "REVIEWER" else seen.change.ccs
        missing = [one for one in account_ids if one not in {account.id for account in there}]
        if missing:
            context.client.add_reviewers(seen.change, missing, ReviewerState(state))
    return {"number": number, "added": missing, "reason": ""}


def _nothing(number: int, seen: Seen, mark: Mark) -> Dict[str, Any]:
    return {
        "action": NOTHING,
        "reason": seen.reason,
        "posted": False,
        "number": number,
        "patchset": 0 if seen.change is None else seen.change.patch_set,
        "mark": mark.id,
        "hashtags_changed": False,
    }


def _asked_elsewhere(context: Context, event: EventRef) -> bool:
    """Whether people are asked about another wait of the event's change."""
    mine = (event.party.value, event.since)
    asks = open_asks(context, event.number, event)
    return any((ask.party, ask.since) != mine for ask in asks)


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


def _subject(context: Context, seen: Seen, event: EventRef, asked: Sequence[int]) -> Subject:
    if seen.reading is None or seen.timeline is None:
        raise ProtocolError(f"change {event.number}: there is no open wait to write about.")
    url = _ticket_url(context, event)
    return context.subject(seen.reading, seen.timeline, event.milestone, asked, url)


def _text(context: Context, purpose: Purpose, subject: Subject) -> str:
    return context.text(purpose.value, BodyFormat.TEXT, subject)


def _ticket_url(context: Context, event: EventRef) -> str:
    """The ticket's address; "" where there is none, or its record is one of another version: people
    are asked all the same.
    """
    try:
        record = context.records.get(event.ticket_key)
    except ConfigError:
        return ""
    return "" if record is None else record.url


def _check_votes(labels: Mapping[str, int]) -> None:
    """Before anything is written: Gerrit takes some of these for others, and drops some.

    :raises RefusedError: a value is no whole number.
    """
    for label, value in labels.items():
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST:
            raise RefusedError(
                f"labels: {label} is {str(value)[:60]!r}, which is no vote.",
                'Pass a whole number without quotes, such as {"Escalated": 1}.',
            )


def _check_hashtags(tags: Sequence[str]) -> None:
    bad = [tag for tag in tags if not re.fullmatch(r"[^\s,]{1,64}", tag)]
    if bad:
        raise RefusedError(
            f"{bad[0]!r} cannot be a hashtag: it is empty, too long, or holds a space or a comma.",
            "Pass one word, such as escalated.",
        )


def _unique(*groups: Sequence[int]) -> Tuple[int, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))
