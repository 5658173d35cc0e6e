"""What each step of a history knows: the event, the facts, and since when the turn lasts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from histories import ACCOUNTS, POLICY, History, at, in_progress, in_review
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Vote
from reviewloop.core.steps import steps
from reviewloop.core.turns import Fact, Party


def test_first_step_of_a_draft() -> None:
    """It is nobody's, for no cause; nothing was lifted."""
    (step,) = steps(in_progress().change(), POLICY)

    assert (step.turn, step.cause, step.is_new) == (Party.NOBODY, None, False)
    assert step.facts == {Fact.IN_PROGRESS}
    assert step.owed is None


def test_votes_with_a_first_upload() -> None:
    """What stood against the change before there was a turn was not lifted."""
    (step,) = steps(in_review().change(), POLICY)

    assert step.facts == frozenset()
    assert (step.turn, step.is_new) == (Party.REVIEWERS, True)


def test_end_of_red_at_the_instant_of_a_message() -> None:
    """The clock comes first: what is said then finds the change no longer red."""
    history = in_review().ci("mon 10:00", "Verified-1").ci("mon 11:00", "-Verified")
    history.review("tue 11:00", "reviewer", text="Why?")
    lapse, review = steps(history.change(), POLICY)[-2:]

    assert (lapse.event.kind, review.event.kind) == (EventKind.LAPSE, EventKind.REVIEW)
    assert Fact.RED not in lapse.facts


def test_end_of_red_by_itself() -> None:
    """It leaves the change as it was: in progress or not, and in whose hands."""
    history = in_review().upload("mon 9:30", "uploader", wip=True)
    history.ci("mon 10:00", "Verified-1").ci("mon 11:00", "-Verified")

    assert steps(history.change(), POLICY)[-1].event == Event(
        EventKind.LAPSE, at("tue 11:00"), None, wip=True, uploader=ACCOUNTS["uploader"].id
    )


def test_owners_vote_against_somebodys_patch_set() -> None:
    """The owner holds it back, whoever made the patch set."""
    history = in_review().upload("mon 10:00", "uploader")
    history.review("mon 11:00", "owner", "Code-Review-1")

    step = steps(history.change(), POLICY)[-1]
    assert Fact.HELD in step.facts
    assert (step.turn, step.cause and step.cause.value) == (Party.OWNER, "held_by_owner")


def test_owner_who_takes_back_one_of_two_votes_against_it() -> None:
    """The other still holds it back."""
    history = in_review().review("mon 10:00", "owner", "Code-Review-1 Verified-1")
    history.review("mon 11:00", "owner", "-Verified")
    assert Fact.HELD in steps(history.change(), POLICY)[-1].facts

    history.review("mon 12:00", "owner", "-Code-Review")
    assert Fact.HELD not in steps(history.change(), POLICY)[-1].facts


@pytest.mark.parametrize(
    ("votes", "unverified"),
    [
        ("Verified+1", False),
        ("Verified-1", True),
        ("Verified-1 Lint+1", False),
        ("Lint-1", True),
        ("Code-Review-1", False),
        ("Code-Review+1", False),
    ],
)
def test_gates_that_have_not_passed_it(votes: str, *, unverified: bool) -> None:
    """One has voted, and no vote of one for the change stands; what it says on people's label is
    no gate's vote. A label may be a gate's and hold the change at a value that no gate casts.
    """
    policy = replace(POLICY, hold=(Vote("Lint", 2),))
    step = steps(in_review().ci("mon 10:00", votes).change(), policy)[-1]

    assert (Fact.UNVERIFIED in step.facts) is unverified


def test_held_change_of_a_bot() -> None:
    """It is neither held nor approved: a bot lets nothing go, so people have to look."""
    policy = replace(POLICY, hold=(Vote("Hold", 1),))
    history = History(owner="ci").upload("mon 9:00", "ci")
    history.review("mon 10:00", "committer", "Code-Review+2")
    assert Fact.APPROVED in steps(history.change(), policy)[-1].facts

    history.review("mon 11:00", "second", "Hold+1")
    step = steps(history.change(), policy)[-1]
    assert step.facts.isdisjoint({Fact.HELD, Fact.APPROVED})
    assert Fact.ROBOT_OWNER in step.facts
