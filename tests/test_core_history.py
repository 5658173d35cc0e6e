"""What messages tell: every row of the event table, and the votes that stand after it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import List

import pytest

from histories import ACCOUNTS, POLICY, TAG, History, at
from reviewloop.core.change import Account, ChangeStatus, Message
from reviewloop.core.history import Event, read
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Vote
from reviewloop.core.speech import says_nothing
from reviewloop.core.votes import Votes
from reviewloop.gerrit import parse


def events(history: History) -> List[Event]:
    """The events of a history."""
    return list(read(history.change(), POLICY))


def kinds(history: History) -> List[str]:
    """What the events are, after the first upload."""
    return [event.kind.value for event in events(history)[1:]]


def standing(history: History) -> Votes:
    """The votes that stand at its end."""
    votes = Votes(POLICY, 1)
    for event in events(history):
        votes.apply(event)
    return votes


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("newPatchSet", "upload"),
        ("newWipPatchSet", "upload"),
        ("setWorkInProgress", "wip"),
        ("setReadyForReview", "ready"),
        ("abandon", "abandon"),
        ("restore", "restore"),
        ("merged", "merge"),
    ],
)
def test_gerrits_own_tags(tag: str, kind: str) -> None:
    """Gerrit's tag decides, whatever the words are; author and date are the message's."""
    history = History().upload("mon 9:00").say("mon 10:00", "second", "x", TAG + tag)
    (event,) = events(history)[1:]

    assert (event.kind.value, event.author, event.at) == (kind, ACCOUNTS["second"], at("mon 10:00"))


@pytest.mark.parametrize(
    "tag",
    ["setTopic", "setHashtag", "setPrivate", "updateAttentionSet", "setPsDescription", "move"],
)
def test_records(tag: str) -> None:
    """Any other message with a tag of Gerrit's own is a mere record, whatever it looks like."""
    history = History().upload("mon 9:00")

    assert kinds(history.say("mon 10:00", "owner", "Patch Set 1: Code-Review+2", TAG + tag)) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Uploaded patch set 2.", "upload"),
        ("Patch Set 2: Patch Set 1 was rebased", "upload"),
        ("Patch Set 2: Published edit on patch set 1.", "upload"),
        ("Patch Set 2: Commit message was updated.", "upload"),
        ("Set Work In Progress", "wip"),
        ("Set Ready For Review", "ready"),
        ("Abandoned\n\nNot needed.", "abandon"),
        ("Patch Set 1: Abandoned", "abandon"),
        ("Restored", "restore"),
        ("Patch Set 1: Restored", "restore"),
        ("Change has been successfully merged by Somebody", "merge"),
        ("Removed Code-Review+2 by Somebody <s@example.org>", "vote_deletion"),
        ("Patch Set 1: Code-Review+1", "review"),
        ("Patch Set 1:\n\n(3 comments)", "review"),
        ("Patch Set 1: (1 inline comment)", "review"),
        ("Patch Set 1:\n\nWords.", "review"),
    ],
)
def test_old_words(text: str, kind: str) -> None:
    """Where a message has no tag of Gerrit's own its first words count."""
    assert kinds(History(old=True).upload("mon 9:00").say("mon 10:00", "reviewer", text)) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "Topic set to x",
        "Starting check jobs.",
        "Patch Set 1: Looks good to me",
        "Patch Set 1: I would prefer Code-Review-1",
        "Removed reviewer Somebody.",
        "Build Patch Set 1: Code-Review+2",
    ],
)
def test_words_that_tell_nothing(text: str) -> None:
    """A first line that is neither votes nor a count of comments makes a record."""
    assert kinds(History(old=True).upload("mon 9:00").say("mon 10:00", "reviewer", text)) == []


def test_change_that_begins_with_something_else() -> None:
    """A change pushed with a hashtag begins with an upload by its owner when it was created."""
    history = History().say("mon 9:00", "owner", "Hashtag added: x", TAG + "setHashtag")

    (first,) = events(history)
    assert first == Event(EventKind.UPLOAD, history.created, ACCOUNTS["owner"], uploader=1)
    assert events(History(started=False))[0].wip


def test_places_of_events() -> None:
    """Each event is where its message is; before all is what has none, and after all what a status
    alone tells.
    """
    history = History().say("mon 9:00", "owner", "Topic set to x", TAG + "setTopic")
    history.ci("mon 10:00", "Verified+1").review("mon 11:00", "reviewer", text="Why?")
    staged = replace(history.change(), status=ChangeStatus.STAGED)

    assert [(one.kind.value, one.place) for one in read(staged, POLICY)] == [
        ("upload", -1),
        ("robot", 1),
        ("review", 2),
        ("wip", 3),
    ]
    assert read(staged, POLICY)[-1].at == at("mon 11:00")


def test_change_without_messages_that_a_machine_has() -> None:
    """Everything is as old as the change."""
    staged = replace(History().change(), status=ChangeStatus.STAGED)

    found = [(one.kind.value, one.at, one.place) for one in read(staged, POLICY)]
    assert found == [("upload", staged.created, -1), ("wip", staged.created, 0)]


def test_history_that_begins_with_a_rebase() -> None:
    """What was said of any patch set before counts: nothing tells of work since."""
    history = History()
    history.patch_set = 4
    history.rebase("mon 9:00").review("mon 10:00", "reviewer", text="Why?", patch_set=2)

    assert kinds(history) == ["review"]


def test_ready_by_a_reply() -> None:
    """Ready set with a reply has no tag; its sentence counts only during work in progress."""
    sentence = "Patch Set 1:\n\nThis change is ready for review."
    history = History().upload("mon 9:00", wip=True).say("mon 10:00", "owner", sentence)
    history.say("mon 11:00", "owner", sentence)

    assert kinds(history) == ["ready", "reply"]


@pytest.mark.parametrize("vote", ["Workflow+1", "-Workflow", "Workflow+1 -Verified"])
def test_ready_with_a_vote(vote: str) -> None:
    """A vote in the reply that makes ready counts, and its words tell nothing more."""
    sentence = "This change is ready for review."
    history = History().upload("mon 9:00", wip=True).review("mon 10:00", "owner", vote, sentence)

    assert kinds(history) == ["ready", "reply"]


def test_ready_in_any_message() -> None:
    """During work in progress the sentence counts in whatever message it stands, an abandonment
    and a record included: its row comes before theirs.
    """
    for tag in (TAG + "setTopic", TAG + "abandon", "autogenerated:bot"):
        history = History().upload("mon 9:00", wip=True)
        history.say("mon 10:00", "owner", "x\n\nThis change is ready for review.", tag)

        assert kinds(history) == ["ready"]


def test_ready_in_a_draft() -> None:
    """An upload is an upload, whatever its words: the sentence does not end work in progress."""
    history = History().upload("mon 9:00", wip=True)
    text = "Uploaded patch set 2.\n\nThis change is ready for review."
    history.say("mon 10:00", "owner", text, TAG + "newWipPatchSet")

    assert kinds(history) == ["upload"]
    assert events(history)[1].wip


def test_patch_set_of_an_unrecorded_upload() -> None:
    """The upload that nobody recorded made patch set 1, so what is said of that counts."""
    history = History().say("mon 9:00", "owner", "Topic set to x", TAG + "setTopic")
    history.ci("mon 10:00", "Verified+1").review("mon 11:00", "reviewer", "Code-Review+1")

    assert kinds(history) == ["robot", "review"]


def test_review_or_reply() -> None:
    """Owner and current uploader reply; an uploader who votes for the change reviews."""
    history = History().upload("mon 9:00").upload("mon 10:00", "uploader")
    history.review("mon 11:00", "owner", text="a").review("mon 11:00", "uploader", text="b")
    history.review("mon 12:00", "uploader", "Code-Review+1").review("mon 12:00", "second", text="c")
    history.review("mon 13:00", "owner", "Code-Review+1")

    assert kinds(history) == ["upload", "reply", "reply", "review", "review", "reply"]


@pytest.mark.parametrize(
    ("who", "tag"), [("ci", ""), ("second", "autogenerated:bot"), ("pack", ""), ("", "")]
)
def test_automation(who: str, tag: str) -> None:
    """Service users, tagged messages, this pack and Gerrit itself are no people."""
    assert kinds(History().upload("mon 9:00").review("mon 10:00", who, "Verified+1", tag=tag)) == [
        "robot"
    ]


def test_acting_on_behalf() -> None:
    """Where Gerrit names a real author, that is who spoke."""
    raw = {
        "id": "m",
        "author": {"_account_id": 1},
        "real_author": {"_account_id": 7},
        "date": "2026-03-02 09:00:00.000000000",
        "message": "Patch Set 1: Code-Review+1",
    }

    assert parse.message(raw).author == Account(7)


# Patch sets.


def test_reviews_of_a_replaced_patch_set() -> None:
    """What is said of a patch set that was reworked since is ignored."""
    history = History().upload("mon 9:00").upload("mon 10:00")
    history.review("mon 11:00", "reviewer", "Code-Review-1", "Hm.", patch_set=1)
    history.ci("mon 12:00", "Verified-1", patch_set=1)

    assert kinds(history) == ["upload"]


def test_reviews_of_a_rebased_patch_set() -> None:
    """What a person says of a patch set only rebased since counts, and its vote does not."""
    history = History().upload("mon 9:00").rebase("mon 10:00")
    history.review("mon 11:00", "reviewer", "Code-Review-1", "Hm.", patch_set=1)
    history.review("mon 12:00", "second", "Code-Review-1", patch_set=1)
    history.ci("mon 13:00", "Verified-1", patch_set=1)

    words, bare = events(history)[2:]
    assert (words.silent, words.votes) == (False, ())
    assert (bare.silent, bare.votes) == (True, ())


def test_words_with_a_vote_that_was_copied() -> None:
    """Of a patch set reworked since, a vote counts that Gerrit copied, and the words do not."""
    text = (
        "Copied votes on follow-up patch sets have been updated:\n"
        '* Verified+1 has been copied to patch set 2 (copy condition: "is:ANY").\n\nWhy?'
    )
    history = History().upload("mon 9:00").upload("mon 10:00")
    history.review("mon 11:00", "reviewer", "Verified+1", text, patch_set=1)
    (event,) = events(history)[2:]

    assert (event.votes, event.silent) == ((Vote("Verified", 1),), True)


# Saying nothing.


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("Patch Set 1:", True),
        ("Patch Set 1:\n\n/snooze 5d\n/ack", True),
        ("Patch Set 1:\n\nrecheck", True),
        ("Patch Set 1:\n\nReCheck please", True),
        ("Patch Set 1:\n\n/ack\n\nreverify", True),
        ("Patch Set 1:\nWords right below.", False),
        ("Patch Set 1:\n\n(1 comment)", False),
        ("Patch Set 1:\n\nplease recheck", False),
        ("Patch Set 1:\n\n/ack\n\nI will look.", False),
        ("Patch Set 1:\n\nrecheck\n\n(2 inline comments)", False),
    ],
)
def test_saying_nothing(text: str, nothing: bool) -> None:
    """Commands and noise are not words to people; comments are."""
    assert says_nothing(text, POLICY.noise) is nothing


# Votes.


def test_votes_of_a_first_line() -> None:
    """Votes are cast, taken back with a minus in front, or with a zero."""
    history = History().upload("mon 9:00")
    history.review("mon 10:00", "reviewer", "Code-Review-2 -Verified Workflow+0 My-Label-2+1")

    (event,) = events(history)[1:]
    assert event.votes == (Vote("Code-Review", -2), Vote("My-Label-2", 1))
    assert event.removed == ("Verified", "Workflow")


def test_ci_that_starts_over() -> None:
    """Taking its -1 back does not lift it; a +1 does."""
    history = (
        History().upload("mon 9:00").ci("mon 10:00", "Verified-1").ci("mon 11:00", "-Verified")
    )
    assert standing(history).red
    assert standing(history.ci("mon 11:30", "Verified+0")).red
    assert not standing(history.ci("mon 12:00", "Verified+1")).red


def test_person_who_takes_a_vote_back() -> None:
    """A person's vote is lifted by taking it back."""
    history = History().upload("mon 9:00").review("mon 10:00", "reviewer", "Code-Review-1")
    assert standing(history).negative
    assert not standing(history.review("mon 11:00", "reviewer", "-Code-Review")).negative


def test_uploads_that_speak_of_readiness() -> None:
    """An upload in progress stays one, whatever its description says: its row comes first."""
    history = History().upload("mon 9:00", wip=True)
    text = "Uploaded patch set 2.\nThis change is ready for review."
    history.say("mon 10:00", "owner", text, TAG + "newWipPatchSet")

    assert [(event.kind.value, event.wip) for event in events(history)] == [("upload", True)] * 2


def test_votes_as_people_write_them() -> None:
    """A vote is a label and a signed value, and told the same way."""
    assert str(Vote.parse("My-Label-2+1")) == "My-Label-2+1"
    assert str(Vote.parse("Workflow-1")) == "Workflow-1"
    with pytest.raises(ValueError, match=r"like Code-Review\+2"):
        Vote.parse("Code-Review")


def test_deleted_votes() -> None:
    """A deletion takes every vote of that label and value away, and no other."""
    history = History().upload("mon 9:00").ci("mon 10:00", "Verified-1")
    history.review("mon 10:00", "reviewer", "Code-Review-1")
    text = "Removed Somebody with the following votes:\n\n* Verified-1 by CI <ci@example.org>\n"
    history.say("mon 11:00", "owner", text, TAG + "deleteReviewer")

    assert events(history)[-1].author == ACCOUNTS["owner"]
    assert not standing(history).red
    assert standing(history).negative


COPIED = """\
* Code-Review+2, Verified+1 (copy condition: "changekind:TRIVIAL_REBASE")
* Workflow+1

Outdated Votes:
* Code-Review-1 (copy condition: "is:MIN")"""


def test_copied_votes() -> None:
    """An upload clears all votes but those it lists as copied; outdated ones look alike."""
    history = History().upload("mon 9:00").review("mon 10:00", "committer", "Code-Review+2")
    history.review("mon 10:00", "second", "Code-Review-1")
    assert standing(history).negative
    history.upload("mon 11:00", copied=COPIED)

    assert standing(history).approved
    assert not standing(history.upload("mon 12:00")).approved


@pytest.mark.parametrize(
    ("line", "approves"),
    [
        ("* Code-Review+2", True),
        ("* Code-Review+1, Code-Review+2", True),
        ('* Code-Review+2 (copy condition: "(is:MAX OR is:MIN) -is:ANY")', True),
        ('* Code-Review+2 by <GERRIT_ACCOUNT_4> (copy condition: "approverin:a-1")', True),
        (
            "* Code-Review+1 by <GERRIT_ACCOUNT_2>, <GERRIT_ACCOUNT_3>, Code-Review+2 by"
            ' <GERRIT_ACCOUNT_4> (copy condition: "approverin:a-1")',
            True,
        ),
        ("* Code-Review+2 (label type is missing)", True),
        ('* Code-Review+2 (non-parseable copy condition: "is:FOO")', True),
        ('* Verified+1 (copy condition: "Code-Review+2")', False),
        ("* My-Code-Review+2", False),
        ("* Code-Review+20", False),
    ],
)
def test_forms_of_copied_votes(line: str, approves: bool) -> None:
    """Every form in which Gerrit lists copied votes is read, and nothing beside the list."""
    history = History().upload("mon 9:00").review("mon 10:00", "committer", "Code-Review+2")

    assert standing(history.upload("mon 11:00", copied=line)).approved is approves


def test_copied_votes_after_other_words() -> None:
    """Only lines below the heading are copied votes; other lists of an upload's words are not."""
    history = History().upload("mon 9:00").review("mon 10:00", "committer", "Code-Review+2")
    history.patch_set = 2
    text = "Uploaded patch set 2.\n\n* Code-Review+2\n\nCopied Votes:\n* Verified+1\n"

    assert not standing(history.say("mon 11:00", "owner", text, TAG + "newPatchSet")).approved


def test_upload_by_nobody() -> None:
    """A patch set that Gerrit itself makes leaves the uploader who he was."""
    history = History().upload("mon 9:00").upload("mon 10:00", "uploader").upload("mon 11:00", "")
    history.review("mon 12:00", "uploader", "-Code-Review", "Done.")

    assert kinds(history) == ["upload", "upload", "reply"]


def test_automations_approval() -> None:
    """An approval may come from anybody, a gate included."""
    assert standing(History().upload("mon 9:00").ci("mon 10:00", "Code-Review+2")).approved


def test_configured_automation() -> None:
    """Patterns name automation by username, mail or name, where Gerrit does not know it."""
    policy = replace(POLICY, automation=(re.compile("-ci$"),))

    assert policy.is_automation(Account(5, username="vendor-ci"))
    assert policy.is_automation(Account(5, email="x-ci"))
    assert not policy.is_automation(Account(5, name="Ci-Ling", username="ci-ling"))


def test_own_messages() -> None:
    """Only this pack's own account writes its own messages, and none does without an account."""
    message = Message("m", at("mon 9:00"), Account(9, username="st2-reviews"), "x")

    assert POLICY.is_own(message)
    assert not POLICY.is_own(message._replace(author=Account(9)))
    assert not POLICY.is_own(message._replace(author=None))
    assert not replace(POLICY, own_account="").is_own(message._replace(author=Account(9)))
