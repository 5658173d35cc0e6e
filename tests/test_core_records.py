"""Gerrit's records of votes, and what people write into the same messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Set

import pytest

from histories import ACCOUNTS, POLICY, TAG, History
from reviewloop.core.change import Account, Change
from reviewloop.core.comments import ReviewComment, with_comments
from reviewloop.core.history import read
from reviewloop.core.keys import Mark, marks_of
from reviewloop.core.policy import Vote
from reviewloop.core.reading import read_change
from reviewloop.core.records import VoteOf, copies, deletions

FORGED = "Copied Votes:\n* Code-Review+2"


def turn(change: Change) -> str:
    """Whose turn it is in the end."""
    return read_change(change, POLICY).state.turn.value


def uploaded_over(*votes: str, message: str) -> History:
    """A vote of one person each, then an upload with this below its first line."""
    history = History().upload("mon 9:00")
    for who, vote in zip(("committer", "second", "reviewer"), votes):
        history.review("mon 10:00", who, vote)
    history.patch_set = 2
    text = f"Uploaded patch set 2.\n\n{message}"
    return history.say("mon 11:00", "owner", text, TAG + "newPatchSet")


# Copied votes.


@pytest.mark.parametrize(
    "message",
    [
        f"{FORGED}\n\nOutdated Votes:\n* Code-Review+2\n",
        f"{FORGED}\n\nCopied Votes:\n* Verified+1\n",
        f"{FORGED}\n\nCopied Votes:\n* Verified+1\n\nOutdated Votes:\n* Code-Review+2 (copy x)\n",
        f"{FORGED} by <GERRIT_ACCOUNT_4>\n\nOutdated Votes:\n* Code-Review+2\n",
        f"{FORGED}\n\nOutdated Votes:\n* Code-Review+2 by <GERRIT_ACCOUNT_4>\n",
        f"{FORGED}\nand more",
        f"x {FORGED}",
    ],
)
def test_votes_copied_by_a_push_message(message: str) -> None:
    """Gerrit's own lists stand at the end and name every vote; a list above them keeps none."""
    assert turn(uploaded_over("Code-Review+2", message=message).change()) == "reviewers"


def test_votes_copied_by_a_comment() -> None:
    """A comment that a push publishes is no part of what Gerrit lists."""
    history = uploaded_over("Code-Review+2", message="(1 comment)")
    comment = ReviewComment(history.messages[-1].id, FORGED, general=True)

    assert turn(with_comments(history.change(), [comment])) == "reviewers"
    assert turn(uploaded_over("Code-Review+2", message=FORGED).change()) == "submitter"


@pytest.mark.parametrize(("stays", "goes"), [("committer", "second"), ("second", "committer")])
def test_copied_for_one_and_outdated_for_another(stays: str, goes: str) -> None:
    """Where Gerrit names who approved, of two equal votes one goes and the other stays."""
    kept, lost = (f"* Workflow-1 by <GERRIT_ACCOUNT_{ACCOUNTS[who].id}>" for who in (stays, goes))
    message = f"Copied Votes:\n{kept}\n\nOutdated Votes:\n{lost}\n"
    history = uploaded_over("Workflow-1", "Workflow-1", message=message)
    assert turn(history.change()) == "owner"

    assert turn(history.review("mon 12:00", goes, "-Workflow").change()) == "owner"
    assert turn(history.review("mon 13:00", stays, "-Workflow").change()) == "reviewers"


# Deleted votes.


def seen(history: History) -> Change:
    """The history's change, by people with e-mail addresses; two reviewers share one."""
    named = {
        account.id: replace(account, email=f"{name}@example.org")
        for name, account in ACCOUNTS.items()
    }
    change = history.change()
    messages = tuple(
        one._replace(author=named[one.author.id] if one.author else None) for one in change.messages
    )
    both = tuple(Account(number, email="both@example.org") for number in (70, 71))
    return replace(change, messages=messages, owner=named[change.owner.id], reviewers=both)


@pytest.mark.parametrize(
    "text",
    [
        "Removed Verified+1 by <GERRIT_ACCOUNT_3>\n\n* Code-Review+2 by somebody\n",
        "Removed Verified+1 by <GERRIT_ACCOUNT_3>\n* Code-Review+2 by somebody",
        "Removed Verified+1 by <GERRIT_ACCOUNT_3>\nRemoved Code-Review+2 by somebody",
        "Removed reviewer Somebody.\n\n* Code-Review+2 by somebody",
        "Removed reviewer Somebody with the following votes:\n\n* Verified+1 by Somebody\n\n"
        "* Code-Review+2 by somebody",
        "Removed Code-Review+2 by <GERRIT_ACCOUNT_3>",
        "Removed Code-Review+2 by Second (3)",
        "Removed Code-Review+2 by Somebody <committer@example.org> <second@example.org>",
    ],
)
def test_reason_of_a_deletion(text: str) -> None:
    """Only the vote that Gerrit names is taken, from whom it names; the reason below is words."""
    history = History().upload("mon 9:00").review("mon 10:00", "committer", "Code-Review+2")
    history.review("mon 10:00", "second", "Verified+1")
    history.say("mon 11:00", "second", text, TAG + "deleteVote")

    assert turn(seen(history)) == "submitter"


@pytest.mark.parametrize(
    "who",
    [
        "<GERRIT_ACCOUNT_4>",
        "Committer (4)",
        "Committer <committer@example.org>",
        "Somebody <unknown@example.org>",
        "Somebody <both@example.org>",
        "Somebody <>",
        "Somebody",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "Removed Code-Review+2 by {}\n",
        "Removed Code-Review+2 by {}\n\nsome reason",
        "Removed X with the following votes:\n\n* Verified+1 by Y\n* Code-Review+2 by {}\n",
    ],
)
def test_deletion_of_whose_vote(who: str, text: str) -> None:
    """A vote is taken from the account named, or, where none can be told, from whoever cast it."""
    history = History().upload("mon 9:00").review("mon 10:00", "committer", "Code-Review+2")
    history.say("mon 11:00", "second", text.format(who), TAG + "deleteVote")

    assert turn(seen(history)) == "reviewers"


# The lists themselves.

APPROVED, VERIFIED = Vote("Code-Review", 2), Vote("Verified", 1)


@pytest.mark.parametrize(
    ("text", "kept", "lost"),
    [
        ("x\n\nCopied Votes:\n* Code-Review+2\n\n", {VoteOf(APPROVED)}, set()),
        ("Copied Votes:\n* Code-Review+2", {VoteOf(APPROVED)}, set()),
        ("x\n\nOutdated Votes:\n* Code-Review+2", set(), {VoteOf(APPROVED)}),
        # Blanks behind what Gerrit writes are no matter; before it they are somebody else's.
        ("x\n\nCopied Votes: \n* Code-Review+2 ", {VoteOf(APPROVED)}, set()),
        ("x\n\nCopied Votes:\n* Code-Review+2  (copy x)", {VoteOf(APPROVED)}, set()),
        ("x\n\n Copied Votes:\n* Code-Review+2", set(), set()),
        # Each vote has its own approvers.
        (
            "x\n\nCopied Votes:\n"
            "* Code-Review+2 by <GERRIT_ACCOUNT_7>, <GERRIT_ACCOUNT_8>, Verified+1"
            " by <GERRIT_ACCOUNT_9> (copy x)",
            {VoteOf(APPROVED, 7), VoteOf(APPROVED, 8), VoteOf(VERIFIED, 9)},
            set(),
        ),
        # A heading without a list ends whatever stands above.
        ("x\n\nCopied Votes:\n* Code-Review+2\nOutdated Votes:", set(), set()),
        ("x\n\nCopied Votes:\n* Code-Review+2\n\nOutdated Votes:\n", set(), set()),
        ("* Code-Review+2", set(), set()),
        ("", set(), set()),
    ],
)
def test_lists_of_an_upload(text: str, kept: Set[VoteOf], lost: Set[VoteOf]) -> None:
    """They end the message, below their heading."""
    assert copies(text) == (kept, lost)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Removed Code-Review+2 by A <a@example.org> ", {VoteOf(APPROVED, 7)}),
        ("Removed Code-Review+2 by A (9) ", {VoteOf(APPROVED, 9)}),
        # An account without an address, and people without one.
        ("Removed Code-Review+2 by A <>", {VoteOf(APPROVED)}),
        (
            "Removed reviewer A with the following votes: \n\n* Code-Review+2 by A (9)\n"
            "* Verified+1 by A (9)\n\n* Workflow+1 by A (9)",
            {VoteOf(APPROVED, 9), VoteOf(VERIFIED, 9)},
        ),
        (" with the following votes:", set()),
        ("Removed reviewer A.", set()),
    ],
)
def test_votes_of_a_deletion(text: str, gone: Set[VoteOf]) -> None:
    """Whose they are, as far as it tells."""
    assert deletions(text, {"a@example.org": 7, "": 8}) == gone


# What only looks like a record.


@pytest.mark.parametrize("tag", ["merged", "abandon", "newPatchSet", "setWorkInProgress"])
@pytest.mark.parametrize("head", ["", " Code-Review+1", " (1 comment)"])
def test_review_with_a_tag_of_gerrits(tag: str, head: str) -> None:
    """Whoever posts a review may choose its tag; its first words are not those of a record."""
    history = History().upload("mon 9:00")
    history.say("mon 10:00", "second", f"Patch Set 1:{head}\n\nDone.", TAG + tag)

    assert len(read(history.change(), POLICY)) == 1


def test_mark_that_others_wrote() -> None:
    """In a message of our own a mark is the last line; what it repeats above is of others."""
    ours, theirs = (Mark("escalate", one * 16, (2,)) for one in "0f")
    history = History().upload("mon 9:00")
    history.review("mon 10:00", "pack", text=f"This waits:\n\n{theirs}\n\n{ours}\n")

    assert marks_of(history.messages[-1]) == (ours,)


def test_very_long_line_of_noise() -> None:
    """Of a long line the beginning tells whether it is noise."""
    history = History().upload("mon 9:00")
    history.review("mon 10:00", "second", text="recheck " + "x" * 5_000)
    history.review("mon 11:00", "second", text="x" * 5_000 + "\nrecheck")

    assert [event.silent for event in read(history.change(), POLICY)[1:]] == [True, False]
