"""Whether the party named made the next move: each cell of the table by a history made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Callable, Dict, Optional, Tuple

import pytest

from any_history import LATE
from histories import POLICY, TAG, History, approved, at, commented, in_review
from reviewloop.core.change import ChangeStatus
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Window
from reviewloop.core.policy import Policy, Vote
from reviewloop.core.reading import read_change
from reviewloop.insight.judge import Judged, judge
from reviewloop.insight.moves import Measure, Mover
from reviewloop.insight.scores import Score, scores

TWO_DAYS = Duration(2, "d")
WEEK = Window(at("mon 0:00"), at("fri 0:00"))
ALWAYS = Window(at("mon 0:00"), LATE)


def judged(history: History, milestone: Duration = TWO_DAYS, policy: Policy = POLICY) -> Judged:
    """One change judged."""
    return judge(read_change(history.change(), policy), policy, milestone)


def score(history: History, measure: Measure = Measure.SUBSTANTIVE) -> Score:
    """The score of all that is named on it."""
    return scores([judged(history)], WEEK).named[-1].by_measure[measure]


Act = Callable[[History], Any]
REVIEWER, OWNER, MERGED = "reviewer", "owner", "merged"
AFTER = "thu 12:00"

MOVES: Dict[str, Act] = {
    "reviewer votes": lambda history: history.review(AFTER, "reviewer", "Code-Review+1"),
    "reviewer approves": lambda history: history.review(AFTER, "committer", "Code-Review+2"),
    "reviewer speaks": lambda history: history.review(AFTER, "second", text="Hm."),
    "reviewer abandons": lambda history: history.abandon(AFTER, "reviewer"),
    "helper uploads": lambda history: history.upload(AFTER, "uploader"),
    "owner uploads": lambda history: history.upload(AFTER),
    "owner speaks": lambda history: history.review(AFTER, "owner", text="Because."),
    "owner abandons": lambda history: history.abandon(AFTER),
    "owner withdraws": lambda history: history.wip(AFTER),
    "owner approves": lambda history: history.review(AFTER, "owner", "Code-Review+2"),
    "merge": lambda history: history.merge(AFTER),
    "robot merges": lambda history: history.merge(AFTER, "ci"),
    "nobody": lambda history: history,
}
BEGINNINGS = {"reviewers": in_review, "owner": commented, "submitter": approved}
# Named, then who moves: right, or by whom it was wrong; None where nobody moved.
CELLS: Tuple[Tuple[str, str, Optional[str]], ...] = (
    ("reviewers", "reviewer votes", "right"),
    ("reviewers", "reviewer approves", "right"),
    ("reviewers", "reviewer speaks", "right"),
    ("reviewers", "reviewer abandons", "right"),
    ("reviewers", "helper uploads", "right"),
    ("reviewers", "owner uploads", OWNER),
    ("reviewers", "owner speaks", OWNER),
    ("reviewers", "owner abandons", OWNER),
    ("reviewers", "owner withdraws", OWNER),
    ("reviewers", "owner approves", OWNER),
    ("reviewers", "merge", MERGED),
    ("reviewers", "robot merges", MERGED),
    ("reviewers", "nobody", None),
    ("owner", "reviewer votes", REVIEWER),
    ("owner", "reviewer speaks", REVIEWER),
    ("owner", "reviewer abandons", REVIEWER),
    ("owner", "helper uploads", REVIEWER),
    ("owner", "owner uploads", "right"),
    ("owner", "owner speaks", "right"),
    ("owner", "owner abandons", "right"),
    ("owner", "owner withdraws", "right"),
    ("owner", "merge", MERGED),
    ("owner", "nobody", None),
    ("submitter", "merge", "right"),
    ("submitter", "robot merges", "right"),
    ("submitter", "reviewer approves", "right"),
    ("submitter", "owner approves", "right"),
    ("submitter", "reviewer votes", REVIEWER),
    ("submitter", "reviewer speaks", REVIEWER),
    ("submitter", "owner uploads", OWNER),
    ("submitter", "owner speaks", OWNER),
    ("submitter", "nobody", None),
)


@pytest.mark.parametrize(("named", "move", "expected"), CELLS)
def test_each_cell(named: str, move: str, expected: Optional[str]) -> None:
    """Who was named on Wednesday, who moved on Thursday, and what that counts as."""
    history = BEGINNINGS[named]()
    MOVES[move](history)
    one, *_ = judged(history).named
    found = score(history)

    assert one.party.value == named
    wrong = [mover.value for mover, count in found.wrong.items() for _ in range(count)]
    assert (found.events, found.right, found.nobody, wrong) == (
        1,
        int(expected == "right"),
        int(expected is None),
        [expected] if expected in (REVIEWER, OWNER, MERGED) else [],
    )
    assert found.rate == (None if expected is None else 100.0 * found.right)


SAYS_NOTHING: Dict[str, Tuple[Act, str]] = {
    "recheck": (lambda history: history.review("thu 9:00", "owner", text="recheck"), OWNER),
    "rebase": (lambda history: history.rebase("thu 9:00"), OWNER),
    "vote deleted": (lambda history: history.delete_vote("thu 9:00", "Verified-1"), OWNER),
    "topic": (lambda history: history.say("thu 9:00", "owner", "Topic set", TAG + "x"), OWNER),
    "old news": (
        lambda history: history.upload("mon 10:00").review(
            "thu 9:00", "owner", text="Done.", patch_set=1
        ),
        OWNER,
    ),
    "a reviewer's": (lambda history: history.review("thu 9:00", "second", text="/x"), REVIEWER),
}


@pytest.mark.parametrize("what", SAYS_NOTHING)
def test_any_and_substantive(what: str) -> None:
    """Records, rebases, deletions and what says nothing are moves by the one measure only."""
    act, mover = SAYS_NOTHING[what]
    history = in_review()
    act(history)
    history.review(AFTER, "reviewer", "Code-Review+1")
    one, *_ = judged(history).named

    assert one.next.any is not None
    assert one.next.any.mover.value == mover
    assert one.next.substantive is not None
    assert one.next.substantive.at == at(AFTER)
    assert (one.next.any.at, one.next.any.substantive) == (at("thu 9:00"), False)
    assert score(history).right == 1
    assert score(history, Measure.ANY).right == int(mover == REVIEWER)


def test_no_move_of_people() -> None:
    """Robots, and Gerrit itself, do not move."""
    history = in_review().ci("thu 9:00", "Verified-1").ci("thu 9:30", "Verified+1")
    history.say("thu 10:00", "", "Abandoned", TAG + "abandon")
    history.upload("thu 11:00", "ci").abandon("thu 12:00", "ci")

    assert score(history, Measure.ANY).nobody == 1


def test_helper_answers_from_then_on() -> None:
    """Whoever has uploaded answers for the change beside its owner, but a vote of theirs is a
    review.
    """
    history = in_review().upload("mon 10:00", "uploader")
    words = history.review(AFTER, "uploader", text="Done.")
    assert score(words).wrong[Mover.OWNER] == 1
    history = in_review().upload("mon 10:00", "uploader")
    assert score(history.review(AFTER, "uploader", "Code-Review+1")).right == 1
    history = in_review().upload("mon 10:00", "uploader")
    topic = history.say("thu 9:00", "uploader", "Topic set", TAG + "setTopic")
    assert score(topic, Measure.ANY).wrong[Mover.OWNER] == 1


def test_approval_of_the_configuration() -> None:
    """An approving vote is one of those that the configuration asks for, at its value or above."""
    policy = replace(POLICY, approval=(Vote("Workflow", 1),))
    for votes, right in (("Workflow+1", 1), ("Workflow+2", 1), ("Code-Review+2", 0)):
        history = in_review().review("mon 10:00", "committer", "Workflow+1")
        history.review(AFTER, "second", votes)
        found = scores([judged(history, policy=policy)], WEEK)
        assert found.named[-1].score.right == right, votes


def test_comments_whose_text_is_elsewhere() -> None:
    """A move of which only the number of comments is known decides, and is counted as doubtful."""
    history = in_review().review(AFTER, "reviewer", comments=2)
    found = scores([judged(history)], WEEK)

    assert (found.named[-1].score.right, found.unread) == (1, 1)
    for votes, text in (("Code-Review+1", ""), ("", "Hm.")):
        clear = in_review().review(AFTER, "reviewer", votes, text, comments=2)
        assert scores([judged(clear)], WEEK).unread == 0


def test_by_party_and_cause() -> None:
    """Each party has a row, with one for each cause below it; the last row is about all."""
    again = in_review().review("mon 10:00", "reviewer", "Code-Review+1")
    red = in_review().ci("mon 10:00", "Verified-1").upload(AFTER)
    found = scores([judged(one) for one in (in_review(), again, red, approved())], WEEK)

    assert [(row.party, row.cause, row.score.events) for row in found.named] == [
        ("reviewers", "", 2),
        ("reviewers", "needs_another_review", 1),
        ("reviewers", "uploaded", 1),
        ("owner", "", 1),
        ("owner", "ci_failed", 1),
        ("submitter", "", 1),
        ("submitter", "approved", 1),
        ("", "", 4),
    ]
    assert found.held == {("reviewers", "red"): 1}


def test_nobody_moved_any_more() -> None:
    """What nobody can judge says whether the change is still open."""
    closed = in_review()
    done = replace(closed.change(), status=ChangeStatus.ABANDONED)
    gone = judge(read_change(done, POLICY), POLICY, TWO_DAYS)

    assert scores([judged(in_review()), gone], WEEK).undecided == {"open": 1, "closed": 1}


def test_window() -> None:
    """What is named inside the window counts; whoever moves may do so behind it."""
    case = judged(in_review().review(AFTER, "reviewer", "Code-Review+1"))
    instant = at("wed 9:00")
    around = (
        (instant - timedelta(seconds=1), instant, 1),
        (instant, at(AFTER), 0),
        (at("mon 9:00"), instant - timedelta(seconds=1), 0),
    )

    for lo, hi, events in around:
        assert scores([case], Window(lo, hi)).named[-1].score.events == events


def test_milestone_that_is_not_configured() -> None:
    """Any amount of working time may be asked about; a day of a poll is one of the calendar's."""
    history = in_review().review("tue 9:00", "reviewer", "Code-Review+1")
    (named,) = judged(history, Duration(3, "h")).named[:1]
    assert named.at == at("mon 12:00")
    (idle, *_) = judged(in_review(), Duration(1, "w")).idle
    assert idle.at == at("mon2 9:00")


def test_poll_without_this_pack() -> None:
    """What this pack says does not make a change look touched to the poll it is compared with."""
    without = judged(in_review()).idle
    history = in_review().say("tue 12:00", "pack", "Please look.", TAG)
    (found,), (wanted,) = judged(history).idle, without

    assert (found.at, found.until) == (wanted.at, wanted.until) == (at("wed 9:00"), None)
    # Somebody else in the same second does.
    (found,) = judged(history.say("tue 12:00", "second", "Hm.")).idle
    assert found.at == at("thu 12:00")
