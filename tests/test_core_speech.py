"""Votes in the lines that Gerrit writes: with a push, copied forward, and the same lines forged."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import ACCOUNTS, POLICY, TAG, UNCHANGED, History, at, in_review
from reviewloop.core.change import Change
from reviewloop.core.comments import ReviewComment, with_comments
from reviewloop.core.history import read
from reviewloop.core.policy import Vote
from reviewloop.core.reading import read_change
from reviewloop.core.speech import Ballot, first_line, forwarded, pushed, review_of
from reviewloop.core.votes import Votes
from work import steps

HEADING = "Copied votes on follow-up patch sets have been updated:"
COPIED = '* Code-Review+2 has been copied to patch set 2 (copy condition: "is:MAX").'
REMOVED = (
    "* Copied Code-Review vote has been removed from patch set 2 (was +2) since the new"
    ' Code-Review=+1 vote is not copyable (copy condition: "is:MAX").'
)
LONG = "9" * 5_000


def standing(change: Change) -> Dict[Tuple[str, Optional[int]], int]:
    """The votes that the messages come to: (label, account) -> value."""
    votes = Votes(POLICY, change.owner.id)
    for event in read(change, POLICY):
        votes.apply(event)
    return {key: one.value for key, one in votes.standing.items()}


def ballot(*votes: str, removed: Tuple[str, ...] = ()) -> Ballot:
    """Votes cast, and labels taken back."""
    return Ballot(tuple(map(Vote.parse, votes)), removed)


# With a push.


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Uploaded patch set 3.", ballot()),
        ("Uploaded patch set 3: Code-Review+1.", ballot("Code-Review+1")),
        ("Uploaded patch set 3: Code-Review+1 Verified+1.", ballot("Code-Review+1", "Verified+1")),
        ("Uploaded patch set 3: Workflow-1", ballot("Workflow-1")),
        ("Uploaded patch set 3: -Workflow.", ballot(removed=("Workflow",))),
        (
            "Uploaded patch set 3: -Workflow Verified+1.",
            ballot("Verified+1", removed=("Workflow",)),
        ),
        ("Uploaded patch set 3: Patch Set 2 was rebased.", ballot()),
        ("Uploaded patch set 3: Commit message was updated.", ballot()),
        (f"Uploaded patch set 3: {UNCHANGED} 2.", ballot()),
        (f"Uploaded patch set 3: Commit-Queue+2: {UNCHANGED} 2.", ballot("Commit-Queue+2")),
        ("Uploaded patch set 3: Verified+1: Patch Set 2 was rebased.", ballot("Verified+1")),
        ("Uploaded patch set 3: Commit message was updated. Verified+1.", ballot()),
        ("Uploaded patch set 3: see Verified+1.", ballot()),
        (f"Uploaded patch set 3: Verified+{LONG}.", ballot()),
        (f"Uploaded patch set {LONG}: Verified+1.", ballot()),
        ("Uploaded patch set 3.\nUploaded patch set 3: Code-Review+2.", ballot()),
        ("Uploaded patch set 3.\n\n: Code-Review+2.", ballot()),
    ],
)
def test_first_line_of_an_upload(line: str, expected: Ballot) -> None:
    """The votes cast with a push stand between the number and the full stop, or the next colon."""
    assert pushed(line) == expected


def test_votes_of_the_push_are_its_authors() -> None:
    """They are cast after the upload has cleared what stood before, by whoever uploads."""
    history = in_review().review("mon 9:30", "uploader", "Code-Review-1 Workflow+1")
    history.upload("mon 10:00", "uploader", votes="Code-Review+2")

    assert standing(history.change()) == {("Code-Review", ACCOUNTS["uploader"].id): 2}


def test_hold_let_go_with_a_push() -> None:
    """A push can take back a vote that Gerrit would have copied."""
    history = History().upload("mon 9:00", votes="Workflow-1")
    assert history.turns() == [("owner", "held_by_owner", "mon 9:00", None, None)]

    history.upload("mon 10:00", votes="-Workflow", copied='* Workflow-1 (copy condition: "is:MIN")')
    assert standing(history.change()) == {}
    assert history.turns()[-1] == ("reviewers", "uploaded", "mon 10:00", None, None)


def test_a_bots_push() -> None:
    """What a bot votes with its push is a gate's: it holds nothing, it makes red."""
    history = History(owner="ci").upload("mon 9:00", "ci", votes="Verified-1")

    assert history.state().is_red(at("mon 10:00"))


@pytest.mark.parametrize("rebased", ["Patch Set 1 was rebased.", f"{UNCHANGED} 1."])
def test_vote_and_a_mere_rebase(rebased: str) -> None:
    """A first line may tell both: votes, and that nothing was changed."""
    history = in_review().review("mon 10:00", "reviewer", text="Why?")
    history.patch_set = 2
    text = f"Uploaded patch set 2: Verified+1: {rebased}"
    history.say("mon 11:00", "owner", text, TAG + "newPatchSet")

    assert standing(history.change()) == {("Verified", ACCOUNTS["owner"].id): 1}
    assert history.turns()[-1] == ("owner", "reviewed", "mon 10:00", None, None)


# An upload that changes nothing.


@pytest.mark.parametrize("unchanged", [True, False])
def test_upload_that_changes_nothing(unchanged: bool) -> None:
    """It answers nobody, as a mere rebase; what was said of the patch set before still counts."""
    history = in_review().review("mon 10:00", "reviewer", text="Why?")
    history.upload("mon 11:00", unchanged=unchanged)
    turn = "owner" if unchanged else "reviewers"
    assert history.state().turn.value == turn

    history.review("mon 12:00", "owner", text="Because.")
    history.review("mon 13:00", "second", text="And this?", patch_set=1)
    assert history.state().turn.value == turn


# Copied forward.


def voted_late(*lines: str, votes: str = "Code-Review+2", words: str = "") -> History:
    """Rebased at 9:30; then a review of the first patch set, with lines below its votes."""
    below = "\n".join([HEADING, *lines]) if lines else ""
    text = "\n\n".join(part for part in (below, words) if part)
    return in_review().rebase("mon 9:30").review("mon 10:00", "committer", votes, text, patch_set=1)


WAS = (
    "* Code-Review+2 has been copied to patch set 2 (was +1), 3, 4 (was -1)"
    ' (copy condition: "is:MAX OR approverin:group").'
)


@pytest.mark.parametrize(
    ("line", "patch_set", "expected"),
    [
        (COPIED, 2, ballot("Code-Review+2")),
        (COPIED, 3, ballot()),
        (COPIED.replace("set 2", "set 12"), 2, ballot()),
        (WAS, 2, ballot("Code-Review+2")),
        (WAS, 3, ballot("Code-Review+2")),
        (WAS, 4, ballot("Code-Review+2")),
        (WAS, 1, ballot()),
        (WAS, 5, ballot()),
        (REMOVED, 2, ballot(removed=("Code-Review",))),
        (REMOVED, 3, ballot()),
        (REMOVED.replace("set 2 (was +2)", "set 2 (was +2), 3 (was +2)"), 3,
         ballot(removed=("Code-Review",))),
        (COPIED.replace("set 2", f"set {LONG}"), 2, ballot()),
        (COPIED.replace("Code-Review+2", f"Code-Review+{LONG}"), 2, ballot()),
    ],
)  # fmt: skip
def test_list_of_what_was_copied(line: str, patch_set: int, expected: Ballot) -> None:
    """Gerrit names the patch sets, and what stood there before in brackets."""
    text = f"Patch Set 1: Code-Review+2\n\n{HEADING}\n{line}"

    assert forwarded(text, patch_set) == expected


def test_several_labels() -> None:
    """Each label has its line."""
    other = '* Workflow+1 has been copied to patch set 2 (copy condition: "is:ANY").'
    text = f"Patch Set 1: Code-Review+2 Workflow+1\n\n{HEADING}\n{COPIED}\n{other}"

    assert forwarded(text, 2) == ballot("Code-Review+2", "Workflow+1")


@pytest.mark.parametrize("other", [COPIED.replace("set 2", "set 3"), "* Something newer."])
def test_lines_about_something_else(other: str) -> None:
    """A line about another patch set, or that we do not know, does not end the list."""
    text = f"Patch Set 1: Code-Review+2\n\n{HEADING}\n{other}\n{COPIED}"

    assert forwarded(text, 2) == ballot("Code-Review+2")


def test_vote_copied_forward_counts() -> None:
    """A vote on a replaced patch set stands if Gerrit says that it copied it, and only then."""
    assert voted_late(COPIED).state().turn.value == "submitter"
    assert voted_late().state().turn.value != "submitter"


def test_copied_votes_before_a_rework() -> None:
    """It counts although the patch set it was cast on has been reworked since; the words do not."""
    history = in_review().upload("mon 9:30")
    text = f"{HEADING}\n{COPIED}\n\nBut why?"
    history.review("mon 10:00", "committer", "Code-Review+2", text, patch_set=1)

    assert history.state().turn.value == "submitter"


def test_copied_vote_removed() -> None:
    """A vote that is not copyable takes the copy of the one before away."""
    history = voted_late(COPIED)
    text = f"{HEADING}\n{REMOVED}"
    history.review("mon 11:00", "committer", "Code-Review+1", text, patch_set=1)

    assert standing(history.change()) == {}
    assert history.state().turn.value == "reviewers"


def test_bots_vote_copied_forward() -> None:
    """A gate's vote that Gerrit copies makes the current patch set red."""
    line = '* Verified-1 has been copied to patch set 2 (copy condition: "is:ANY").'
    history = in_review().upload("mon 9:30")
    history.review("mon 10:00", "ci", "Verified-1", f"{HEADING}\n{line}", patch_set=1)

    assert history.state().is_red(at("mon 11:00"))


def test_the_list_says_nothing_to_people() -> None:
    """What Gerrit writes there is not the reviewer's words."""
    silent = voted_late(COPIED.replace("Code-Review+2", "Verified+1"), votes="Verified+1")
    assert silent.state().turn.value == "reviewers"

    speaking = voted_late(
        COPIED.replace("Code-Review+2", "Verified+1"), votes="Verified+1", words="But why?"
    )
    assert speaking.state().turn.value == "owner"


def test_words_right_below_the_heading() -> None:
    """Words are heard even where the list that they follow is empty."""
    history = voted_late("But why?", votes="Verified+1")

    assert history.state().turn.value == "owner"


# Forged.

FORGED_LISTS = [
    # No vote was cast that could have been copied.
    ("", f"{HEADING}\n{COPIED}"),
    ("Code-Review+1", f"{HEADING}\n{COPIED}"),
    ("Verified+1", f"{HEADING}\n{COPIED}"),
    ("Verified-1", f"{HEADING}\n{COPIED}"),
    ("-Code-Review", f"{HEADING}\n{COPIED}"),
    # Not right below the first line.
    ("Code-Review+2", f"Look:\n\n{HEADING}\n{COPIED}"),
    ("Code-Review+2", f"{COPIED}\n{HEADING}"),
    ("Code-Review+2", f"\n{HEADING}\n{COPIED}"),
    ("Code-Review+2", f"> {HEADING}\n{COPIED}"),
    ("Code-Review+2", f" {HEADING}\n{COPIED}"),
    ("Code-Review+2", f"{HEADING} x\n{COPIED}"),
    ("Code-Review+2", f"{HEADING}\n\n{COPIED}"),
    ("Code-Review+2", f"{HEADING}\nx\n{COPIED}"),
    ("Code-Review+2", f"{HEADING}\n> {COPIED}"),
]


@pytest.mark.parametrize(("votes", "words"), FORGED_LISTS)
def test_forged_lists_of_copied_votes(votes: str, words: str) -> None:
    """Nothing that somebody types makes a vote stand that was not cast there."""
    history = in_review().rebase("mon 9:30")
    history.review("mon 10:00", "reviewer", votes, words, patch_set=1)

    assert standing(history.change()) == {}


def test_forged_removal() -> None:
    """Nor does it take one away: whose label was not voted on removes nothing."""
    history = in_review().rebase("mon 9:30").review("mon 9:40", "reviewer", "Code-Review-2")
    history.review("mon 10:00", "reviewer", "Verified+1", f"{HEADING}\n{REMOVED}", patch_set=1)

    assert standing(history.change()) == {("Code-Review", ACCOUNTS["reviewer"].id): -2}


@pytest.mark.parametrize(
    "words",
    [
        "Uploaded patch set 2: Code-Review+2.",
        "Patch Set 1: Code-Review+2",
        "Copied Votes:\n* Code-Review+2",
        "Removed Code-Review-1 by Reviewer <reviewer@example.org>",
        f"{HEADING}\n{COPIED.replace('set 2', 'set 1')}",
        f"{HEADING}\n{REMOVED.replace('set 2', 'set 1')}",
        "Set Work In Progress",
        "Abandoned",
        "Change has been successfully merged",
    ],
)
@pytest.mark.parametrize("who", ["reviewer", "owner", "committer"])
def test_records_in_peoples_words(words: str, who: str) -> None:
    """Gerrit's own lines in a person's words are words."""
    history = in_review().review("mon 9:30", "reviewer", "Code-Review-1")
    before = standing(history.change())
    history.review("mon 10:00", who, text=words)

    assert standing(history.change()) == before
    assert history.state().turn.value == ("reviewers" if who == "owner" else "owner")


@pytest.mark.parametrize("words", [f"{HEADING}\n{COPIED}", "Uploaded patch set 2: Code-Review+2."])
def test_records_in_comments(words: str) -> None:
    """Nor are they anything but words in a comment of the reply dialog."""
    history = in_review().rebase("mon 9:30")
    history.review("mon 10:00", "reviewer", "Code-Review+2", comments=1, patch_set=1)
    comment = ReviewComment(history.messages[-1].id, words, general=True)

    assert standing(with_comments(history.change(), [comment])) == {}


# A message's first line.


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Patch Set 3: Code-Review+1 -Verified",
            (3, ballot("Code-Review+1", removed=("Verified",))),
        ),
        ("Patch Set 3: Code-Review+0", (3, ballot(removed=("Code-Review",)))),
        ("Patch Set 3: Code-Review-0", (3, ballot(removed=("Code-Review",)))),
        ("Patch Set 3:", (3, ballot())),
        ("Patch Set 3: (2 inline comments)", (3, ballot())),
        (f"Patch Set 3: ({LONG} comments)", (3, ballot())),
        (f"Patch Set {LONG}:", None),
        (f"Patch Set 3: A+{LONG}", None),
        ("Patch Set 3: A+12345", None),
        ("Patch Set \u0663:", None),
        ("Patch Set 3: A+\u0661", None),
        (" Patch Set 3:", None),
    ],
)
def test_first_line_of_a_review(line: str, expected: Optional[Tuple[int, Ballot]]) -> None:
    """Numbers are Gerrit's: decimal, and no longer than any of its can be."""
    assert review_of(line) == expected


# Cost.

LISTED = f"Patch Set 1: A+2\n\n{HEADING}\n* "
WIDE: Dict[str, str] = {
    "votes of a push": "Uploaded patch set 1:" + " A-1" * 250_000 + "!",
    "one long vote of a push": "Uploaded patch set 1: " + "A-1" * 330_000 + "!",
    "copied lines": f"Patch Set 1: Code-Review+2\n\n{HEADING}\n" + f"{COPIED}\n" * 12_000,
    "copied to many": f"{LISTED}A+2 has been copied to patch set {', '.join(['3'] * 300_000)}",
    "brackets": f"{LISTED}A+2 has been copied to patch set {'(was ' * 200_000}",
    "removed": f"{LISTED}Copied A vote has been removed from patch set {'since the ' * 100_000}",
    "stars": f"{LISTED}{'* ' * 500_000}",
    "marks": "Patch Set 1:\n\n" + "(1 comment" * 100_000,
    "first line": "Patch Set 1:" + " -A" * 330_000,
}


@pytest.mark.parametrize("text", WIDE.values(), ids=WIDE)
def test_a_million_characters(text: str) -> None:
    """Nothing that is read of a message costs more than its length: these come to an end."""
    history = in_review()
    tag = TAG + "newPatchSet" if text.startswith("Uploaded") else ""
    history.patch_set = 2
    history.say("mon 10:00", "owner", "Uploaded patch set 2.", TAG + "newPatchSet")

    read_change(history.say("mon 11:00", "reviewer", text, tag).change(), POLICY)


@pytest.mark.parametrize("line", [COPIED, REMOVED, "x"])
def test_twice_the_list_twice_the_steps(line: str) -> None:
    """The list of what was copied is read once."""

    def text(count: int) -> str:
        return f"Patch Set 1: Code-Review+2\n\n{HEADING}\n" + f"{line}\n" * count

    few = steps(lambda: forwarded(text(200), 2))
    many = steps(lambda: forwarded(text(400), 2))

    assert many <= 2.2 * few


@given(st.text(st.sampled_from(f"{HEADING[:8]}*\n :.,()+-012PatchSeU"), max_size=80))
def test_any_text(text: str) -> None:
    """No text is too odd to be read, and none but these forms makes a vote."""
    for head in ("", "Patch Set 1: Code-Review+2\n\n", "Uploaded patch set 2:", f"{HEADING}\n"):
        pushed(head + text)
        forwarded(head + text, 2)
        review_of(head + text)


def test_first_line() -> None:
    """Without its end, and with what it begins with."""
    assert first_line(" a \r\nb") == " a"
    assert first_line("a") == "a"
    assert first_line("\na") == ""


def test_ballot_of_some_labels() -> None:
    """What it says of the others is left out, be it a vote or one taken back."""
    whole = Ballot((Vote("A", 1), Vote("B", -1)), ("C", "D"))

    assert whole.of({"A", "D", "E"}) == Ballot((Vote("A", 1),), ("D",))
    assert whole.of(set()) == Ballot()
    assert whole.of(None) == whole
