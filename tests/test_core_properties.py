"""What holds of every history, whatever people, CI and Gerrit do, and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Dict, List, Optional, Tuple

from hypothesis import given
from hypothesis import strategies as st

from any_history import LATE, START, STEPS, Steps, history_of, known
from histories import POLICY
from reviewloop.core.change import ChangeStatus
from reviewloop.core.milestones import crossing, elapsed, running
from reviewloop.core.reading import read_change
from reviewloop.core.spans import Span
from reviewloop.core.spans import in_order as spans_in_order
from reviewloop.core.steps import steps as follow_turns
from reviewloop.core.turns import Cause, Fact, How, Party
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar


def in_order(spans: List[Tuple[datetime, Optional[datetime]]]) -> bool:
    """Whether no span begins before the one in front of it has ended."""
    ordered = sorted(spans, key=lambda span: (span[0], span[1] or LATE))
    return all((left[1] or LATE) <= right[0] for left, right in zip(ordered, ordered[1:]))


# Waits.


@given(STEPS)
def test_one_party_at_a_time(steps: Steps) -> None:
    """Nobody owes two moves at once, and reviewers and submitter never wait side by side."""
    waits = history_of(steps).state().waits

    assert in_order([(one.since, one.end) for one in waits if one.party is Party.OWNER])
    assert in_order([(one.since, one.end) for one in waits if one.party is not Party.OWNER])


@given(STEPS)
def test_in_progress(steps: Steps) -> None:
    """While a change is in progress nobody has the turn."""
    taken = follow_turns(history_of(steps).change(), POLICY)

    assert all(step.turn is Party.NOBODY for step in taken if Fact.IN_PROGRESS in step.facts)


@given(
    STEPS,
    st.sampled_from(
        [{"work_in_progress": True}, {"is_private": True}, {"status": ChangeStatus.STAGED}]
    ),
)
def test_what_gerrit_says_now(steps: Steps, answer: Dict[str, Any]) -> None:
    """Of a change that is in progress, private or staged by Gerrit's own answer nobody's wait is
    open, whatever its messages tell.
    """
    change = replace(history_of(steps).change(), **answer)

    assert read_change(change, POLICY).lasting(LATE) == ()


@given(STEPS)
def test_one_stopwatch_at_a_time(steps: Steps) -> None:
    """Stopwatches run inside their waits, and never two of them together."""
    waits = history_of(steps).state().waits
    segments = [(span.start, span.end) for wait in waits for span in wait.segments]
    assert in_order(segments)

    for wait in waits:
        assert wait.end is None or wait.end > wait.since
        for span in wait.segments:
            assert wait.since <= span.start < (span.end or LATE) <= (wait.end or LATE)


@given(STEPS)
def test_turn_and_open_waits(steps: Steps) -> None:
    """Whoever has the turn has an open wait; while CI is red the owner has one too; nobody else."""
    history = history_of(steps)
    state, now = history.state(), history.messages[-1].date
    owing = set() if state.turn is Party.NOBODY else {state.turn}
    if owing and state.is_red(now):
        owing.add(Party.OWNER)

    assert {wait.party for wait in state.waits if wait.lasts(now)} == owing
    for party in owing:
        (wait,) = (one for one in state.waits if one.party is party and one.lasts(now))
        stands = state.is_red(now) or (party is Party.SUBMITTER and state.is_gated(now))
        runs = any(span.end is None or span.end > now for span in wait.segments)
        begun = any(span.start <= now for span in wait.segments)
        assert (runs and begun) == (party is Party.OWNER or not stands)


@given(STEPS)
def test_held(steps: Steps) -> None:
    """While somebody holds a change back, nobody is asked to review or to submit it."""
    for step in follow_turns(history_of(steps).change(), POLICY):
        assert Fact.HELD not in step.facts or step.turn in (Party.OWNER, Party.NOBODY)


@given(STEPS, st.integers(0, 60 * 3600))
def test_the_past_does_not_change(steps: Steps, seconds: int) -> None:
    """What was over when only a part of the history was known is the same in the whole of it, and
    what was open then began no other way.
    """
    history, until = history_of(steps), START + timedelta(seconds=seconds)
    whole: Dict[datetime, List[Wait]] = {}
    for wait in history.state().waits:
        whole.setdefault(wait.since, []).append(wait)

    for wait in known(history, until).state.waits:
        if not wait.lasts(until):
            assert wait in whole.get(wait.since, [])
        elif wait.since < until:
            later = [(one.party, one.cause) for one in whole.get(wait.since, [])]
            assert (wait.party, wait.cause) in later


@given(STEPS)
def test_imported_histories(steps: Steps) -> None:
    """The same words without Gerrit's tags mean the same, but for drafts: only a tag tells them."""
    steps = [step for step in steps if "draft" not in step[1]]
    tagged = history_of(steps)
    bare = replace(
        tagged.change(),
        messages=tuple(
            one._replace(tag="" if "gerrit" in one.tag else one.tag) for one in tagged.messages
        ),
    )

    assert read_change(bare, POLICY).state == read_change(tagged.change(), POLICY).state


# Crossings.


@given(
    st.lists(st.integers(1, 40 * 3600), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 60 * 3600), st.integers(1, 20 * 3600)), max_size=3),
    st.booleans(),
    st.integers(1, 50 * 3600),
)
def test_crossing_is_the_inverse_of_elapsed(
    edges: List[int], pauses: List[Tuple[int, int]], lasts: bool, seconds: int
) -> None:
    """A crossing is the first instant with that much on the stopwatch, whatever stops it between;
    there is none exactly where so much is never reached before the end.
    """
    instants = [START + timedelta(seconds=passed) for passed in accumulate([0, *edges])]
    spans = [Span(*pair) for pair in zip(instants[::2], instants[1::2])]
    if lasts:
        spans.append(Span(instants[-1] + timedelta(hours=1)))
    end = None if lasts else instants[-1] + timedelta(seconds=1)
    wait = Wait(Party.REVIEWERS, Cause.READY, START, tuple(spans), end, None if lasts else How.WIP)
    snoozed = spans_in_order(
        Span(START + timedelta(seconds=begin), START + timedelta(seconds=begin + length))
        for begin, length in pauses
    )
    calendar = Calendar(start=9 * 3600, length=8 * 3600)
    found = crossing(wait, seconds, calendar, snoozed)

    if found is None:
        assert not lasts
        assert elapsed(wait, LATE, calendar, snoozed) < seconds
    else:
        assert elapsed(wait, found, calendar, snoozed) == seconds
        assert elapsed(wait, found - timedelta(seconds=1), calendar, snoozed) == seconds - 1
        assert any(one.start < found <= (one.end or LATE) for one in running(wait, snoozed))
