"""Whose turn it is after more than one event, and the waits that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

import pytest

from histories import POLICY, History, approved, at, commented, in_progress, in_review, told
from reviewloop.core.policy import Vote
from reviewloop.core.turns import Party

Step = Callable[[History], object]


def test_restored_change() -> None:
    """A restored change is the reviewers' again; a restored one in progress is nobody's."""
    history = in_review().abandon("mon 10:00").restore("mon 11:00")
    assert history.turns()[-1] == ("reviewers", "restored", "mon 11:00", None, None)

    history = in_progress().abandon("mon 10:00").restore("mon 11:00")
    assert history.state().turn is Party.NOBODY


def test_draft_restored() -> None:
    """Whether a restored change is in progress is told by the last word on that."""
    history = in_review().wip("mon 10:00").abandon("mon 11:00").restore("mon 12:00")
    assert history.state().turn is Party.NOBODY

    history = in_progress().ready("mon 10:00").abandon("mon 11:00").restore("mon 12:00")
    assert history.turns()[-1] == ("reviewers", "restored", "mon 12:00", None, None)


def test_upload_out_of_progress_that_is_approved_already() -> None:
    """A change that leaves work in progress is the reviewers' first, votes kept or not."""
    history = in_progress().review("mon 10:00", "committer", "Code-Review+2")
    history.upload("mon 11:00", copied="* Code-Review+2")
    assert history.turns() == [("reviewers", "uploaded", "mon 11:00", None, None)]

    history.review("mon 12:00", "second", text="recheck")
    assert history.turns()[-1] == ("submitter", "vote_removed", "mon 12:00", None, None)


def test_reviewers_approved_by_a_deletion() -> None:
    """Taking away a -1 that the owner has answered can leave a change approved."""
    history = approved().review("mon 11:00", "second", "Code-Review-1")
    history.review("mon 12:00", "owner", text="It is needed.")
    history.delete_vote("mon 13:00", "Code-Review-1")

    assert history.turns()[-2:] == [
        ("reviewers", "answered", "mon 12:00", "mon 13:00", "superseded"),
        ("submitter", "vote_removed", "mon 13:00", None, None),
    ]


def test_owner_takes_an_approval_back() -> None:
    """An owner who withdraws their own approval, saying why, asks the reviewers again."""
    history = in_review().review("mon 10:00", "owner", "Code-Review+2")
    history.review("mon 11:00", "owner", "-Code-Review", "I found a fault.")

    assert history.turns()[-2:] == [
        ("submitter", "approved", "mon 10:00", "mon 11:00", "superseded"),
        ("reviewers", "vote_removed", "mon 11:00", None, None),
    ]


def test_owner_approved_by_a_deletion() -> None:
    """Taking a -1 away can leave a change approved: then it waits to be submitted."""
    history = approved().review("mon 11:00", "second", "Code-Review-1")
    history.delete_vote("mon 12:00", "Code-Review-1")

    assert history.turns()[-2:] == [
        ("owner", "reviewed", "mon 11:00", "mon 12:00", "superseded"),
        ("submitter", "vote_removed", "mon 12:00", None, None),
    ]


def test_negative_vote_taken_away() -> None:
    """An owner who had the turn for a -1 hands it back when the -1 is taken away."""
    history = in_review().review("mon 10:00", "reviewer", "Code-Review-1")
    history.review("mon 11:00", "reviewer", "-Code-Review")

    assert history.turns()[-1] == ("reviewers", "vote_removed", "mon 11:00", None, None)


def test_words_outlive_a_vote_taken_away() -> None:
    """An owner who had the turn for mere words keeps it when some vote is taken away."""
    history = commented().delete_vote("mon 11:00", "Code-Review+1")

    assert history.state().turn is Party.OWNER


def test_minus_after_words() -> None:
    """An owner who had the turn for words keeps it, though a later -1 was taken away."""
    history = commented().review("mon 11:00", "second", "Code-Review-1")
    history.delete_vote("mon 12:00", "Code-Review-1")

    assert history.state().turn is Party.OWNER


def test_words_after_a_minus() -> None:
    """A turn that a -1 began ends with it at the next occasion, whatever was said between."""
    history = in_review().review("mon 10:00", "second", "Code-Review-1")
    history.review("mon 11:00", "second", "-Code-Review", "My mistake.")
    assert history.state().turn is Party.OWNER

    history.review("mon 12:00", "owner", text="recheck")
    assert history.turns()[-1] == ("reviewers", "vote_removed", "mon 12:00", None, None)


def test_own_hold_let_go_after_words() -> None:
    """An owner who had the turn for words keeps it, though their own hold vote is taken back."""
    history = commented().review("mon 11:00", "owner", "Workflow-1")
    assert history.review("mon 12:00", "owner", "-Workflow").state().turn is Party.OWNER

    history = commented().review("mon 11:00", "owner", "Workflow-1").ready("mon 11:30")
    assert history.review("mon 12:00", "owner", "-Workflow").state().turn is Party.OWNER


# Held back.


def test_held_by_a_reviewer() -> None:
    """While a hold vote stands a new patch set leaves the turn with the owner."""
    history = in_review().review("mon 10:00", "reviewer", "Code-Review-2")
    history.upload("mon 11:00", copied='* Code-Review-2 (copy condition: "is:MIN")')

    assert history.spans("owner") == [("owner", "reviewed", "mon 10:00", None, None)]
    assert history.state().turn is Party.OWNER


def test_held_by_the_owner() -> None:
    """The owner's own -1 keeps the turn: an answer of theirs does not pass it on."""
    history = in_review().review("mon 10:00", "owner", "Workflow-1", "Not yet.")
    history.review("mon 11:00", "owner", text="Still thinking.")

    assert history.turns()[-1] == ("owner", "held_by_owner", "mon 10:00", None, None)


def test_held_by_a_copied_vote_of_a_new_uploader() -> None:
    """Whoever uploads answers for the change: their own -1, if it is copied, holds it back."""
    history = in_review().review("mon 10:00", "second", "Code-Review-1")
    history.upload("mon 11:00", "second", copied='* Code-Review-1 (copy condition: "is:ANY")')

    assert history.turns()[-1] == ("owner", "reviewed", "mon 10:00", None, None)
    history.upload("mon 12:00")
    assert history.turns()[-1] == ("reviewers", "uploaded", "mon 12:00", None, None)


def test_review_while_the_owner_holds() -> None:
    """A +1 does not take the turn from an owner who holds the change back."""
    history = in_review().review("mon 10:00", "owner", "Workflow-1", "Not yet.")
    history.review("mon 11:00", "second", "Code-Review+1")

    assert history.turns()[-1] == ("owner", "held_by_owner", "mon 10:00", None, None)


def test_hold_let_go() -> None:
    """An owner who takes the hold vote back hands the turn on, without a word."""
    history = in_review().review("mon 10:00", "owner", "Workflow-1", "Not yet.")
    history.review("mon 11:00", "owner", "-Workflow")

    assert history.turns()[-2:] == [
        ("owner", "held_by_owner", "mon 10:00", "mon 11:00", "superseded"),
        ("reviewers", "vote_removed", "mon 11:00", None, None),
    ]


def test_automation_does_not_hold() -> None:
    """CI's votes below zero are red, whatever label they are on, and hold nothing back."""
    history = in_progress().ci("mon 10:00", "Workflow-1").ready("mon 11:00")

    assert history.state().turn is Party.REVIEWERS
    assert history.state().is_red(at("tue 9:00"))


def test_ready_while_held() -> None:
    """Marking ready while a hold vote stands gives the turn to the owner, as held."""
    history = in_progress().review("mon 10:00", "reviewer", "Workflow-1").ready("mon 11:00")

    assert history.turns() == [("owner", "held", "mon 11:00", None, None)]


def test_other_hold_votes() -> None:
    """Which votes hold is the policy's choice, lower values included."""
    history = in_progress().review("mon 10:00", "reviewer", "Blocked-2").ready("mon 11:00")
    policy = replace(POLICY, hold=(Vote("Blocked", -1),))

    assert history.spans("owner", policy)[0][1] == "held"


# Approval.


def test_two_approvals() -> None:
    """With two approval votes configured one of them does not approve."""
    policy = replace(POLICY, approval=(Vote("Code-Review", 2), Vote("Workflow", 1)))
    history = in_review().review("mon 10:00", "committer", "Code-Review+2")
    assert history.turns(policy)[-1][:2] == ("reviewers", "needs_another_review")
    history.review("mon 11:00", "second", "Workflow+1")

    assert history.turns(policy)[-1] == ("submitter", "approved", "mon 11:00", None, None)


# Red.


def test_red_stops_the_reviewers() -> None:
    """While CI is red the owner owes, and the reviewers' stopwatch stands still."""
    history = in_review().ci("mon 11:00", "Verified-1").ci("mon 13:00", "Verified+1")

    assert history.turns() == [
        ("reviewers", "uploaded", "mon 9:00", None, None),
        ("owner", "ci_failed", "mon 11:00", "mon 13:00", "ci_recovered"),
    ]
    wait = history.state().waits[0]
    assert [(told(span.start), told(span.end)) for span in wait.segments] == [
        ("mon 9:00", "mon 11:00"),
        ("mon 13:00", None),
    ]


def test_red_from_the_start() -> None:
    """A span that begins red begins at its start all the same; only its stopwatch waits."""
    history = in_progress().ci("mon 10:00", "Verified-1").ready("mon 11:00")
    history.ci("mon 12:00", "Verified+1")

    (wait,) = [one for one in history.state().waits if one.party is Party.REVIEWERS]
    assert told(wait.since) == "mon 11:00"
    assert [told(span.start) for span in wait.segments] == ["mon 12:00"]


def test_owner_owes_through_red_and_review() -> None:
    """A red CI followed by a -1 is one wait of the owner, with the cause it began with."""
    history = in_review().ci("mon 10:00", "Verified-1")
    history.review("mon 11:00", "reviewer", "Code-Review-1").ci("mon 12:00", "Verified+1")

    assert history.spans("owner") == [("owner", "ci_failed", "mon 10:00", None, None)]


def test_new_patch_set_clears_red() -> None:
    """An upload answers a red CI: the owner's wait ends as answered."""
    history = in_review().ci("mon 10:00", "Verified-1").upload("mon 11:00")

    assert history.spans("owner") == [("owner", "ci_failed", "mon 10:00", "mon 11:00", "answered")]


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda h: h.merge("mon 12:00"), "merged"),
        (lambda h: h.abandon("mon 12:00"), "abandoned"),
        (lambda h: h.wip("mon 12:00"), "wip"),
        (lambda h: h.ready("mon 12:00"), "superseded"),
        (lambda h: h.upload("mon 12:00"), "answered"),
        (lambda h: h.review("mon 12:00", "owner", text="Because."), "answered"),
        (lambda h: h.review("mon 12:00", "owner", "Code-Review+2"), "approved"),
        (lambda h: h.review("mon 12:00", "second", "Code-Review+1"), "reviewed"),
    ],
)
def test_endings_of_the_owners_wait(end: Step, how: str) -> None:
    """The owner's wait ends as what the event is that ended it."""
    history = commented()
    end(history)

    assert history.spans("owner")[0][3:] == ("mon 12:00", how)


def test_waits_of_no_length() -> None:
    """A wait that begins and ends in one second is none."""
    history = in_review().review("mon 9:00", "committer", "Code-Review+2").merge("mon 9:00")

    assert history.turns() == []


def test_owner_hands_back_within_a_second() -> None:
    """A run that ends ends, even where the next begins in the same second."""
    history = commented().upload("mon 11:00").review("mon 11:00", "reviewer", text="Still not.")

    assert history.spans("owner") == [
        ("owner", "reviewed", "mon 10:00", "mon 11:00", "answered"),
        ("owner", "reviewed", "mon 11:00", None, None),
    ]


# People.


def test_reviews_by_people_are_counted() -> None:
    """CI and the owner do not count as reviews, and neither does a recheck."""
    history = in_review().ci("mon 10:00", "Verified+1").review("mon 10:00", "owner", text="Please.")
    history.review("mon 11:00", "reviewer", text="recheck")
    assert history.state().human_reviews == 0
    history.review("mon 12:00", "reviewer", "Code-Review+1")

    assert history.state().human_reviews == 1


def test_who_has_spoken() -> None:
    """Who reviewed counts until the owner's next move."""
    history = in_review().review("mon 10:00", "reviewer", "Code-Review+1")
    assert history.state().reviewed_by == {2}
    assert history.rebase("mon 11:00").state().reviewed_by == {2}
    assert history.upload("mon 12:00").state().reviewed_by == frozenset()


def test_answers_ask_everybody_again() -> None:
    """Who reviewed before the owner's answer may be asked again; a recheck is no answer."""
    history = commented().review("mon 11:00", "owner", text="recheck")
    assert history.state().reviewed_by == {2}
    assert history.review("mon 12:00", "owner", text="Because.").state().reviewed_by == frozenset()


def test_uploader_of_a_rework() -> None:
    """Whoever uploads a rework answers for it like the owner; a rebase makes nobody that."""
    history = commented().upload("mon 11:00", "uploader")
    history.review("mon 12:00", "reviewer", text="Hm.")
    history.review("mon 13:00", "uploader", text="Done.")
    assert history.turns()[-1] == ("reviewers", "answered", "mon 13:00", None, None)
    assert history.state().uploader == 5

    history = commented().rebase("mon 11:00", "uploader")
    assert history.state().uploader == 1


def test_upload_by_nobody() -> None:
    """A patch set whose author Gerrit does not name changes nothing about who answers for it."""
    history = commented().upload("mon 11:00", "uploader").upload("mon 12:00", "")

    assert history.state().uploader == 5


# Votes that are no review.


@pytest.mark.parametrize("vote", ["Verified+1", "Commit-Queue+1", "Ok-To-Test+1"])
@pytest.mark.parametrize("who", ["second", "owner"])
def test_votes_on_other_labels(vote: str, who: str) -> None:
    """A person's vote for a build, or that a test may run, stands and reviews nothing."""
    history = in_review().review("mon 10:00", who, vote)

    assert history.turns() == [("reviewers", "uploaded", "mon 9:00", None, None)]
    assert history.state().human_reviews == 0
    assert commented().review("mon 11:00", who, vote).turns() == commented().turns()


def test_votes_on_other_labels_with_words() -> None:
    """Words beside such a vote are words."""
    history = in_review().review("mon 10:00", "second", "Verified+1", "Works, but why?")

    assert history.turns()[-1] == ("owner", "reviewed", "mon 10:00", None, None)


def test_vote_against_on_another_label() -> None:
    """A person's vote below zero speaks against the change, whatever its label is."""
    history = in_review().review("mon 10:00", "second", "Verified-1")

    assert history.turns()[-1] == ("owner", "reviewed", "mon 10:00", None, None)


def test_labels_that_are_reviews() -> None:
    """Which labels' votes are a review is configured; those of the approval always are."""
    history = in_review().review("mon 10:00", "second", "Docs+1")
    assert history.turns()[-1][1] == "uploaded"

    for policy in (
        replace(POLICY, review_labels=("Docs",)),
        replace(POLICY, review_labels=(), approval=(Vote("Docs", 2),)),
    ):
        assert history.turns(policy)[-1][:2] == ("reviewers", "needs_another_review")


def test_approval_by_a_bots_label() -> None:
    """A site may want a gate's vote for its approval: then a re-check by it finds it approved."""
    policy = replace(POLICY, approval=(Vote("Code-Review", 2), Vote("Verified", 1)))
    history = in_review().review("mon 10:00", "committer", "Code-Review+2")
    history.ci("mon 11:00", "Verified+1").review("mon 12:00", "owner", text="recheck")

    assert history.turns(policy)[-1][:3] == ("submitter", "vote_removed", "mon 12:00")
