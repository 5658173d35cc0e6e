"""The votes that stand, event by event."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from histories import ACCOUNTS, POLICY, History, at, in_review
from reviewloop.core.history import Event, KeptVote, read
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Vote
from reviewloop.core.votes import Ballots, Standing

COMMITTER, REVIEWER = ACCOUNTS["committer"].id, ACCOUNTS["reviewer"].id


def standing(history: History) -> Dict[Tuple[str, Optional[int]], int]:
    """Label and account, and the value that stands."""
    votes = Ballots(POLICY)
    for event in read(history.change(), POLICY):
        votes.apply(event)
    return {key: one.value for key, one in votes.standing.items()}


def test_vote_that_outlived_an_upload() -> None:
    """The upload stands for what cast it."""
    upload = Event(
        EventKind.UPLOAD,
        at("mon 9:00"),
        ACCOUNTS["owner"],
        kept=(KeptVote(Vote("Code-Review", 2), COMMITTER, automatic=False),),
    )
    votes = Ballots(POLICY)
    votes.apply(upload)

    assert votes.standing == {("Code-Review", COMMITTER): Standing(2, False, upload)}


def test_deleted_value_that_somebody_had_before() -> None:
    """Who has voted otherwise since has no such vote to lose."""
    history = in_review().review("mon 10:00", "committer", "Code-Review+2")
    history.review("mon 10:00", "reviewer", "Code-Review+2")
    history.review("mon 11:00", "committer", "Code-Review+1")

    assert standing(history.delete_vote("mon 12:00", "Code-Review+2")) == {
        ("Code-Review", COMMITTER): 1
    }


def test_one_of_two_who_cast_a_vote_takes_it_back() -> None:
    """The other's stands, and goes with a deletion of that value."""
    history = in_review().review("mon 10:00", "committer", "Code-Review+2")
    history.review("mon 10:00", "reviewer", "Code-Review+2")
    history.review("mon 11:00", "committer", "-Code-Review")
    assert standing(history) == {("Code-Review", REVIEWER): 2}

    assert standing(history.delete_vote("mon 12:00", "Code-Review+2")) == {}
