"""Whether the party named made the next move: each cell of the table by a history made by hand,
then any histories, then the real ones against a slow reading of the raw messages.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest
import yaml
from hypothesis import given, settings

from any_history import LATE, STEPS, Steps, history_of
from histories import POLICY, TAG, History, approved, at, commented, in_review, told
from repository import HISTORIES, needs_histories
from reviewloop.core.change import ChangeStatus
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Crossing, Window
from reviewloop.core.policy import Policy, Vote
from reviewloop.core.reading import EXEMPT_HASHTAG, read_change, replay
from reviewloop.gerrit import parse
from reviewloop.insight.judge import STOPPED, Judged, judge
from reviewloop.insight.moves import Measure, Mover
from reviewloop.insight.scores import IDLE, IDLE_NOT_NEGATIVE, PACK, Score, Scores, scores
from reviewloop.settings.load import load
from slow_moves import SlowMoves

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


# --- what is overdue and not named -------------------------------------------------------------


def held(history: History, until: str = "fri2 0:00") -> Dict[Tuple[str, str], int]:
    """What is held back, by party and reason."""
    return scores([judged(history)], Window(at("mon 0:00"), at(until))).held


def test_held_back() -> None:
    """A wait that is overdue by the turn alone says what stopped its stopwatch."""
    red = in_review().ci("mon 10:00", "Verified-1")
    snoozed = in_review().review("mon 10:00", "second", text="/snooze 20d")
    assert held(red) == {("reviewers", "red"): 1}
    assert held(snoozed) == {("reviewers", "snoozed"): 1}
    assert held(in_review()) == {}


def test_held_back_for_a_while() -> None:
    """It counts until it is named after all."""
    history = in_review().ci("tue 9:00", "Verified-1").ci("thu 9:00", "Verified+1")
    assert held(history, "thu 12:00") == {("reviewers", "red"): 1}
    assert held(history, "fri 12:00") == {}


def test_last_reason_counts() -> None:
    """Of several reasons the one that came last before the milestone is told."""
    red = in_review().ci("mon 10:00", "Verified-1").ci("mon 11:00", "Verified+1")
    red.review("tue 10:00", "second", text="/snooze 20d")
    snoozed = in_review().review("mon 10:00", "second", text="/snooze 1h")
    snoozed.ci("tue 10:00", "Verified-1")

    assert held(red) == {("reviewers", "snoozed"): 1}
    assert ("reviewers", "red") in held(snoozed)


def test_exempt() -> None:
    """On a change that somebody took out of escalation nobody is named, by the pack."""
    change = replace(in_review().change(), hashtags=(EXEMPT_HASHTAG,))
    case = judge(read_change(change, POLICY), POLICY, TWO_DAYS)
    found = scores([case], WEEK)

    assert (found.named[-1].score.events, found.held) == (0, {("reviewers", "exempt"): 1})
    assert [row.score.events for row in found.idle] == [1, 1, 0]


# --- the naive rules -----------------------------------------------------------------------------


def idle(*histories: History) -> Dict[str, Tuple[int, int, int]]:
    """Instants, right and nobody by rule, with the party where a row has one."""
    found = scores([judged(one) for one in histories], WEEK)
    return {
        row.rule + row.party: (row.score.events, row.score.right, row.score.nobody)
        for row in found.idle
    }


def test_rules_at_the_same_instants() -> None:
    """A poll names the reviewers of whatever is idle; the pack whose stopwatch runs."""
    reviewed = in_review().review(AFTER, "reviewer", "Code-Review+1").merge("thu 13:00")
    red = in_review().ci("mon 10:00", "Verified-1").upload(AFTER).abandon("thu 13:00")
    words = commented().upload(AFTER).abandon("thu 13:00")

    assert idle(reviewed, red, words) == {
        IDLE: (3, 1, 0),
        IDLE_NOT_NEGATIVE: (2, 1, 0),
        PACK: (3, 3, 0),
        PACK + "reviewers": (1, 1, 0),
        PACK + "owner": (2, 2, 0),
    }


@pytest.mark.parametrize(
    ("history", "instants"),
    [
        (in_review(), ["wed 9:00"]),
        (in_review().ci("tue 9:00", "Verified+1"), ["thu 9:00"]),
        (in_review().review("sat 9:00", "owner", text="Hm?"), ["wed 9:00", "mon2 9:00"]),
        (in_review().review("wed 9:00", "owner", text="Hm?"), ["fri 9:00"]),
        (in_review().wip("mon 10:00"), []),
        (in_review().abandon("mon 10:00"), []),
        (in_review().abandon("mon 10:00").ci("tue 9:00", "Verified+1"), []),
        (in_review().abandon("mon 10:00").restore("tue 9:00"), ["thu 9:00"]),
        (in_review().merge("mon 10:00"), []),
    ],
)
def test_instants_of_a_poll(history: History, instants: List[str]) -> None:
    """``age:2d`` begins to hold two calendar days after each update, if nothing comes between."""
    assert [told(one.at) for one in judged(history).idle] == instants


def test_nobody_is_named_while_snoozed() -> None:
    """At an instant at which no stopwatch runs the pack names nobody."""
    history = in_review().review("mon 10:00", "second", text="/snooze 20d")
    assert idle(history) == {IDLE: (1, 0, 1), IDLE_NOT_NEGATIVE: (1, 0, 1), PACK: (0, 0, 0)}


# --- any histories --------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_history(steps: Steps) -> None:
    """What is named is what a replay reports; every event is right, wrong or nobody's; and what is
    held back was not named.
    """
    hour = Duration(3, "h")
    history = history_of(steps)
    policy = replace(POLICY, milestones=(hour,))
    reading = read_change(history.change(), policy)
    crossings = [
        (one.at, one.wait.party, one.wait.cause.value)
        for one in replay(reading, policy, ALWAYS)
        if isinstance(one, Crossing)
    ]
    found = judge(read_change(history.change(), POLICY), POLICY, hour)

    assert [(one.at, one.party, one.cause) for one in found.named if ALWAYS.holds(one.at)] == (
        crossings
    )
    everything = scores([found], ALWAYS)
    _adds_up(everything)
    for one in found.held:
        assert one.named_at is None or one.named_at > one.at
        assert one.reason != STOPPED


def _adds_up(found: Scores) -> None:
    for row in (*found.named, *found.idle):
        for one in row.by_measure.values():
            assert one.events == one.right + one.nobody + sum(one.wrong.values())
    by_party = [row.score for row in found.named if row.party and not row.cause]
    by_cause = [row.score for row in found.named if row.cause]
    whole = found.named[-1].score
    for part in (by_party, by_cause):
        assert sum(one.events for one in part) == whole.events
        assert sum(one.right for one in part) == whole.right
    assert sum(found.undecided.values()) == whole.nobody


# --- the real histories ---------------------------------------------------------------------------


@needs_histories
@pytest.mark.parametrize("name", ["a", "b"])
def test_real_histories(name: str) -> None:
    """A slow reading of the raw messages finds the same next move after each event, and after each
    instant of a poll.
    """
    config = yaml.safe_load((HISTORIES / f"config-{name}.yaml").read_text(encoding="utf-8"))
    policy = load(config).policy
    noise = "|".join(pattern.pattern for pattern in policy.noise)
    approvals = [(vote.label, vote.value) for vote in policy.approval]
    milestone = policy.milestones[1]
    compared = 0
    with gzip.open(HISTORIES / "opendev-zuul-reviews.jsonl.gz", "rt", encoding="utf-8") as lines:
        for raw in map(json.loads, lines):
            found = judge(read_change(parse.change(raw), policy), policy, milestone)
            slow = SlowMoves(raw, approvals, noise, same_tree=False)
            for one in (*found.named, *found.idle):
                for measure in Measure:
                    move = one.next.by(measure)
                    seen = None if move is None else (move.mover.value, move.approving)
                    substantive = measure is Measure.SUBSTANTIVE
                    assert seen == slow.after(one.at, substantive=substantive), (
                        raw["_number"],
                        one.at,
                    )
                    compared += 1

    assert compared > 4_000
