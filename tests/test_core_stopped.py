"""How long a wait is snoozed in all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Iterable, List, Optional, Sequence, Tuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from any_history import DEEDS, GAPS, LATE, SHORT, Steps, history_of
from histories import at
from reviewloop.core.durations import Duration
from reviewloop.core.reading import Reading, read_change
from reviewloop.core.spans import Span
from reviewloop.core.stopped import Stopped
from reviewloop.core.turns import Cause, Party
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar

LIMIT = Duration(5, "h")
LIMITED = replace(SHORT, max_snooze=LIMIT)
# Snoozes are every other deed.
STEPS = st.lists(
    st.tuples(GAPS, st.sampled_from(sorted(DEEDS)) | st.sampled_from(["snooze", "unsnooze"])),
    max_size=20,
)


def snoozed(reading: Reading, wait: Wait) -> int:
    """Working seconds of a wait that its pauses cover, counted one by one."""
    end = wait.end or LATE
    calendar = SHORT.calendar
    return sum(
        calendar.elapsed(max(span.start, wait.since), min(span.end or LATE, end))
        for span in reading.pauses.spans
        if span.start < end and (span.end or LATE) > wait.since
    )


# Step by step, in hours of Monday; the calendar never rests.

REVIEWERS = Wait(Party.REVIEWERS, Cause.UPLOADED, at("mon 1:00"), (), at("mon 12:00"))
LATER = Wait(Party.REVIEWERS, Cause.ANSWERED, at("mon 14:00"), ())
OWNER = Wait(Party.OWNER, Cause.CI_FAILED, at("mon 5:00"), ())
HOUR = 3600


def stopped(*commands: Tuple[int, Optional[int], bool], waits: Sequence[Wait] = ()) -> Stopped:
    """What these come to: when, until when, and whether it is a snooze."""
    found = Stopped(waits, Calendar())
    for when, until, is_snooze in commands:
        found.take(hour(when), None if until is None else hour(until), is_snooze)
    return found


def hour(number: int) -> datetime:
    """That hour of Monday."""
    return at(f"mon {number}:00")


def hours(found: Stopped) -> List[Tuple[int, int]]:
    """The spans."""
    return [(one.start.hour, one.end.hour if one.end else 99) for one in found.spans]


@pytest.mark.parametrize(
    ("commands", "spans"),
    [
        ([], []),
        ([(1, None, True)], []),
        ([(1, 3, True)], [(1, 3)]),
        ([(1, 1, True)], []),
        # Apart, touching, replaced by a shorter and by a longer one, ended.
        ([(1, 3, True), (4, 5, True)], [(1, 3), (4, 5)]),
        ([(1, 3, True), (3, 5, True)], [(1, 3), (3, 5)]),
        ([(1, 9, True), (3, 5, True)], [(1, 3), (3, 5)]),
        ([(1, 3, True), (2, 5, True)], [(1, 2), (2, 5)]),
        ([(1, 9, True), (3, None, True)], [(1, 3)]),
        ([(1, 3, True), (3, None, True)], [(1, 3)]),
        # In the same second the latest word counts alone.
        ([(1, 9, True), (1, 5, True)], [(1, 5)]),
        ([(1, 9, True), (1, None, True)], []),
        ([(1, 3, True), (4, 9, True), (4, None, True)], [(1, 3)]),
        # A date before the last pause counts as its beginning.
        ([(4, 9, True), (2, 6, True)], [(4, 6)]),
        ([(4, 9, True), (2, 3, True)], []),
        ([(4, 9, True), (2, None, True)], []),
    ],
)
def test_word_after_word(
    commands: List[Tuple[int, Optional[int], bool]], spans: List[Tuple[int, int]]
) -> None:
    """The latest word counts."""
    assert hours(stopped(*commands)) == spans


def test_time_snoozed_of_a_wait() -> None:
    """Of the wait that is open then: what of the snoozes lies in it and is over by then."""
    found = stopped((2, 4, True), (6, 9, True), waits=[REVIEWERS])

    snoozed_by_then = [found.snoozed(hour(number)) / HOUR for number in range(13)]
    assert snoozed_by_then == [0, 0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 5, 0]


def test_time_snoozed_before_a_wait() -> None:
    """It is not the wait's."""
    found = stopped((0, 3, True), waits=[REVIEWERS])

    assert found.snoozed(hour(4)) == 2 * HOUR


def test_time_snoozed_of_two_waits() -> None:
    """The one that was snoozed for longer decides; of one party the wait that is open."""
    found = stopped((2, 7, True), waits=[REVIEWERS, OWNER, LATER])

    assert found.snoozed(hour(11)) == 5 * HOUR
    # The reviewers' is over, the owner's lasts; then the reviewers' next one begins.
    assert found.snoozed(hour(12)) == 2 * HOUR
    assert found.snoozed(hour(15)) == 2 * HOUR
    found.take(hour(15), hour(18), is_snooze=True)
    assert found.snoozed(hour(18)) == 5 * HOUR
    assert stopped((2, 7, True), waits=[REVIEWERS, LATER]).snoozed(hour(15)) == 0


def test_acknowledgements_are_no_snoozes() -> None:
    """They stop the clock and use up nothing of what may be snoozed."""
    found = stopped((2, 4, True), (4, 8, False), (9, 10, True), waits=[REVIEWERS])

    assert [found.snoozed(hour(number)) / HOUR for number in (4, 6, 8, 9, 11)] == [2, 2, 2, 2, 3]


def test_snooze_that_was_cut() -> None:
    """Only the part before the next word was snoozed."""
    found = stopped((2, 9, True), (3, None, False), (5, 9, True), (5, 6, True), waits=[REVIEWERS])

    assert found.snoozed(hour(8)) == 2 * HOUR


@given(STEPS)
def test_no_wait_is_snoozed_for_longer(steps: Steps) -> None:
    """However many commands there are, and however they lie."""
    reading = read_change(history_of(steps).change(), LIMITED)

    assert all(snoozed(reading, wait) <= 5 * 3600 for wait in reading.state.waits)


@given(STEPS)
def test_what_is_within_the_limit_is_as_it_was(steps: Steps) -> None:
    """Where no wait comes to the limit, it changes nothing."""
    free = read_change(history_of(steps).change(), SHORT)
    assume(all(snoozed(free, wait) < 3 * 3600 for wait in free.state.waits))
    # One snooze lasts for two hours.
    bounded = read_change(history_of(steps).change(), LIMITED)

    assert bounded.pauses == free.pauses


@given(STEPS, st.integers(0, 20))
def test_what_is_said_later_changes_nothing_before(steps: Steps, count: int) -> None:
    """A pause that has been read stays as it was, up to the next word."""
    now = history_of(steps[:count]).messages[-1].date
    before = read_change(history_of(steps[:count]).change(), LIMITED).pauses
    after = read_change(history_of(steps).change(), LIMITED).pauses

    assert past(before.spans, now) == past(after.spans, now)


def past(spans: Iterable[Span], now: datetime) -> List[Span]:
    """The spans as far as they lie before an instant."""
    return [Span(span.start, min(span.end or now, now)) for span in spans if span.start < now]
