"""What holds of every history, whatever people, CI and Gerrit do, and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Callable, Dict, List, Optional, Tuple

from hypothesis import given
from hypothesis import strategies as st

from histories import POLICY, History, at, told
from reviewloop.core.durations import parse_duration
from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Window, crossing, elapsed, running
from reviewloop.core.reading import Reading, live, read_change, replay
from reviewloop.core.spans import Span
from reviewloop.core.steps import steps as follow_turns
from reviewloop.core.turns import Cause, Fact, How, Party
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar

START = at("mon 9:00")
LATE = at("sun4 0:00")
SHORT = replace(POLICY, milestones=tuple(map(parse_duration, ("1h", "3h", "1d"))))
KEPT = '* Code-Review+2, Code-Review-2 (copy condition: "is:MAX OR is:MIN")'

Deed = Callable[[History, str], History]
DEEDS: Dict[str, Deed] = {
    "upload": lambda history, when: history.upload(when),
    "upload of a draft": lambda history, when: history.upload(when, wip=True),
    "upload that keeps votes": lambda history, when: history.upload(when, copied=KEPT),
    "somebody else's upload": lambda history, when: history.upload(when, "uploader"),
    "rebase": lambda history, when: history.rebase(when),
    "wip": lambda history, when: history.wip(when),
    "ready": lambda history, when: history.ready(when),
    "abandon": lambda history, when: history.abandon(when),
    "restore": lambda history, when: history.restore(when),
    "merge": lambda history, when: history.merge(when),
    "words": lambda history, when: history.review(when, "reviewer", text="Hm."),
    "plus": lambda history, when: history.review(when, "second", "Code-Review+1"),
    "minus": lambda history, when: history.review(when, "reviewer", "Code-Review-1"),
    "hold": lambda history, when: history.review(when, "committer", "Code-Review-2"),
    "approval": lambda history, when: history.review(when, "committer", "Code-Review+2"),
    "vote taken back": lambda history, when: history.review(when, "committer", "-Code-Review"),
    "vote deleted": lambda history, when: history.delete_vote(when, "Code-Review-1"),
    "answer": lambda history, when: history.review(when, "owner", text="Because."),
    "owner holds": lambda history, when: history.review(when, "owner", "Workflow-1"),
    "owner lets go": lambda history, when: history.review(when, "owner", "-Workflow"),
    "uploader answers": lambda history, when: history.review(when, "uploader", text="Done."),
    "recheck": lambda history, when: history.review(when, "second", text="recheck"),
    "red": lambda history, when: history.ci(when, "Verified-1"),
    "green": lambda history, when: history.ci(when, "Verified+1"),
    "started over": lambda history, when: history.ci(when, "-Verified"),
    "snooze": lambda history, when: history.review(when, "second", text="/snooze 2h"),
    "unsnooze": lambda history, when: history.review(when, "owner", text="/unsnooze"),
}
GAPS = st.sampled_from([0, 1, 60, 1800, 3600, 3 * 3600, 30 * 3600])
STEPS = st.lists(st.tuples(GAPS, st.sampled_from(sorted(DEEDS))), max_size=14)
Steps = List[Tuple[int, str]]


def history_of(steps: Steps) -> History:
    """Uploaded on Monday at 9, then one deed after the other."""
    history, moment = History().upload("mon 9:00"), START
    for gap, deed in steps:
        moment += timedelta(seconds=gap)
        DEEDS[deed](history, str(told(moment)))
    return history


def known(history: History, until: datetime) -> Reading:
    """The change as it was known then."""
    messages = tuple(message for message in history.messages if message.date <= until)
    return read_change(replace(history.change(), messages=messages), SHORT)


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
    state = history_of(steps).state()
    owing = set() if state.turn is Party.NOBODY else {state.turn}
    if owing and state.red:
        owing.add(Party.OWNER)

    assert {wait.party for wait in state.waits if wait.is_open} == owing
    assert all((wait.how is None) == wait.is_open for wait in state.waits)
    for party in owing:
        wait = state.open_wait(party)
        assert wait is not None
        runs = any(span.end is None for span in wait.segments)
        assert runs == (party is Party.OWNER or not state.red)


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
        if wait.end is not None:
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
            replace(one, tag="" if "gerrit" in one.tag else one.tag) for one in tagged.messages
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
    snoozed = [
        Span(START + timedelta(seconds=begin), START + timedelta(seconds=begin + length))
        for begin, length in pauses
    ]
    calendar = Calendar(start=9 * 3600, length=8 * 3600)
    found = crossing(wait, seconds, calendar, snoozed)

    if found is None:
        assert not lasts
        assert elapsed(wait, LATE, calendar, snoozed) < seconds
    else:
        assert elapsed(wait, found, calendar, snoozed) == seconds
        assert elapsed(wait, found - timedelta(seconds=1), calendar, snoozed) == seconds - 1
        assert any(one.start < found <= (one.end or LATE) for one in running(wait, snoozed))


@given(STEPS, st.lists(st.integers(1, 30 * 3600), min_size=1, max_size=12))
def test_polls_and_replays(steps: Steps, gaps: List[int]) -> None:
    """However time is cut into polls, no milestone and no ending is told twice; what polls tell is
    among what a replay tells; and of each wait that was told to cross the ending is told.
    """
    history = history_of(steps)
    times = [START + timedelta(seconds=passed) for passed in accumulate([0, *gaps])]
    lived = [
        (name, type(what).__name__, what.at)
        for lo, hi in zip(times, times[1:])
        for name, what in live(known(history, hi), "s", Window(lo, hi))
    ]
    reading = known(history, times[-1])
    replayed = [
        (type(one).__name__, one.at) for one in replay(reading, SHORT, Window(START, times[-1]))
    ]

    names = [(name, kind) for name, kind, _ in lived]
    assert len(names) == len(set(names))
    assert {(kind, when) for _, kind, when in lived} <= set(replayed)
    crossed = {name.rsplit(":", 1)[0] for name, kind in names if kind == "Crossing"}
    over = {name.rsplit(":", 1)[0] for name, kind in names if kind == "Ending"}
    ended = {
        event_id("s", 1, *course.key, "").rstrip(":")
        for course in reading.courses
        if course.wait.end is not None and course.wait.end <= times[-1]
    }
    assert over == crossed & ended


@given(STEPS, st.integers(1, 60 * 3600))
def test_a_late_poll_tells_the_highest(steps: Steps, seconds: int) -> None:
    """After an outage one poll tells, of each wait that still lasts, the last milestone reached."""
    hi = START + timedelta(seconds=seconds)
    reading = known(history_of(steps), hi)
    lived = [what for _, what in live(reading, "s", Window(START, hi))]

    expected = [course.crossed(hi) for course in reading.courses if course.wait.is_open]
    assert lived == [one for one in expected if one is not None]
