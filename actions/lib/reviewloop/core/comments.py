"""Words that Gerrit keeps apart from a change's messages.

Since Gerrit 3.3 the web page posts what somebody writes in the reply dialog as a comment on the
patch set as a whole; the change's message then says ``(1 comment)`` and nothing of the text. Read
by messages alone, a ``/snooze`` typed there would be missed, and taken for a review.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Sequence

from reviewloop.core.change import Change, Message
from reviewloop.core.policy import Policy
from reviewloop.core.speech import COMMENTS, review_of


@dataclass(frozen=True)
class ReviewComment:
    """One comment. ``message_id`` is the message it was posted with.

    ``general`` marks one on the patch set as a whole, not on a file.
    """

    message_id: str
    text: str
    general: bool


def has_comments(change: Change) -> bool:
    """Whether comments were posted with any of the change's messages."""
    return any(COMMENTS.search(message.text) for message in change.messages)


def only_marks(message: Message) -> bool:
    """Whether all that a message says below its first line is how many comments there are."""
    said = message.said
    if not COMMENTS.search(said):
        return False  # nearly every message
    below = [line.strip() for line in said.split("\n")[1:] if line.strip()]
    return bool(below) and all(COMMENTS.fullmatch(line) for line in below)


def unread(change: Change, policy: Policy) -> FrozenSet[str]:
    """Ids of people's messages of which only the comments tell whether they say anything: they cast
    no vote that is a review.
    """
    marked = (one for one in change.messages if only_marks(one) and not policy.is_automatic(one))
    found = ((message.id, review_of(message.text)) for message in marked)
    return frozenset(
        ident
        for ident, review in found
        if review is not None and not any(map(policy.is_review, review[1].cast))
    )


def with_comments(change: Change, comments: Sequence[ReviewComment]) -> Change:
    """The change with its general comments beside the messages they were posted with.

    A mark ``(K comments)`` that stands for general comments only gives way to their text; one that
    also stands for comments on files stays, since those are something said.
    """
    posted: Dict[str, List[ReviewComment]] = {}
    for comment in comments:
        posted.setdefault(comment.message_id, []).append(comment)
    messages = tuple(_filled(one, posted.get(one.id, [])) for one in change.messages)
    return replace(change, messages=messages)


def _filled(message: Message, comments: List[ReviewComment]) -> Message:
    words = tuple(comment.text for comment in comments if comment.general)
    if not words:
        return message
    text = message.text
    if len(words) == len(comments):
        text = COMMENTS.sub("", text, count=1)
    return message._replace(text=text, comments=words)
