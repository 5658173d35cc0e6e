"""How long a wait is snoozed in all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Iterable, List

from hypothesis import assume, given
from hypothesis import strategies as st

from any_history import DEEDS, GAPS, LATE, SHORT, Steps, history_of
from reviewloop.core.durations import Duration
from reviewloop.core.reading import Reading, read_change
from reviewloop.core.spans import Span
from reviewloop.core.waits import Wait

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
