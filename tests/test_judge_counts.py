"""The judge's other counts: what is held back, and the rules of a poll; then any histories, and the
real ones against a slow reading of the raw messages.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Dict, List, Tuple

import pytest
import yaml
from hypothesis import given, settings

from any_history import STEPS, Steps, history_of
from histories import POLICY, History, at, commented, in_review, told
from repository import HISTORIES, needs_histories
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Crossing, Window
from reviewloop.core.reading import EXEMPT_HASHTAG, read_change, replay
from reviewloop.gerrit import parse
from reviewloop.insight.judge import STOPPED, judge
from reviewloop.insight.moves import Measure
from reviewloop.insight.scores import IDLE, IDLE_NOT_NEGATIVE, PACK, Scores, scores
from reviewloop.settings.load import load
from slow_moves import SlowMoves
from test_judge import AFTER, ALWAYS, TWO_DAYS, WEEK, judged

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
    gated = in_review().ci("mon 9:10", "Verified+1").upload("mon 9:20")
    gated.review("mon 10:00", "second", "Code-Review+2")
    assert held(gated) == {("submitter", "gate_pending"): 1}
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
            slow = SlowMoves(raw, approvals, noise, same_tree=True)
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
