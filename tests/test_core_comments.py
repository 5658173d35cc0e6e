"""Words that Gerrit keeps apart from a change's messages."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import List

import pytest

from reviewloop.core.change import Account, Change, ChangeStatus, Message
from reviewloop.core.comments import ReviewComment, has_comments, with_comments

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
OWNER = Account(1)


def change(*texts: str) -> Change:
    """A change with these messages, called m0, m1 and so on."""
    messages = tuple(
        Message(f"m{index}", NOON, OWNER, text, patch_set=1) for index, text in enumerate(texts)
    )
    return Change(1, "p", "b", "I1", ChangeStatus.NEW, "s", OWNER, NOON, NOON, messages)


def texts(filled: Change) -> List[str]:
    """What the authors of the messages said."""
    return [message.said for message in filled.messages]


def test_general_comment() -> None:
    """A comment on the whole patch set takes the place of the mark that stands for it."""
    said = change("Patch Set 1:\n\n(1 comment)", "Patch Set 1: Code-Review+1")

    assert texts(with_comments(said, [ReviewComment("m0", "/snooze 5d", general=True)])) == [
        "Patch Set 1:\n\n/snooze 5d",
        "Patch Set 1: Code-Review+1",
    ]


def test_comments_on_files_too() -> None:
    """Where comments on files were posted as well, the mark stays: something was said."""
    said = change("Patch Set 1: Code-Review-1\n\n(2 comments)")
    comments = [
        ReviewComment("m0", "/ack", general=True),
        ReviewComment("m0", "typo", general=False),
    ]

    assert texts(with_comments(said, comments)) == [
        "Patch Set 1: Code-Review-1\n\n(2 comments)\n\n/ack"
    ]


def test_comments_on_files_only() -> None:
    """Comments on files add nothing."""
    said = change("Patch Set 1:\n\n(1 comment)")

    assert with_comments(said, [ReviewComment("m0", "/ack", general=False)]) == said


def test_comment_without_a_message() -> None:
    """A comment whose message was deleted is left out."""
    said = change("Uploaded patch set 1.")

    assert with_comments(said, [ReviewComment("gone", "/ack", general=True)]) == said


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Patch Set 1:\n\n(1 comment)", True),
        ("Patch Set 1: Code-Review+1\n\n(12 comments)", True),
        ("Patch Set 1: (3 inline comments)", True),
        ("Patch Set 1:\n\nno comment", False),
    ],
)
def test_marks(text: str, marked: bool) -> None:
    """The mark tells whether comments have to be asked for at all."""
    assert has_comments(change(text)) is marked
