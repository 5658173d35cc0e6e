"""What is due of one change: each event once, however late it shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from any_history import SHORT, START, STEPS, Steps, history_of, known
from histories import POLICY, History, at, told
from lived import lived, namer
from reviewloop.core.keys import Mark, event_id
from reviewloop.core.milestones import Crossing, Window
from reviewloop.core.reading import Reading, read_change, replay
from reviewloop.core.turns import How
from reviewloop.sensor.events import Dispatched, Event, is_going_on, next_due
from reviewloop.store.cursor import Cursor

GAPS = st.lists(st.integers(1, 30 * 3600), min_size=1, max_size=12)


def reading_of(history: History) -> Reading:
    """The history as it is read."""
    return read_change(history.change(), POLICY)


def reviewed(moment: str = "wed 12:00") -> Reading:
    """Uploaded on Monday at 9, and reviewed."""
    history = History().upload("mon 9:00").review(moment, "reviewer", text="Why?")
    return reading_of(history)


def waiting() -> Reading:
    """Uploaded on Monday at 9."""
    return reading_of(History().upload("mon 9:00"))


def due(dispatched: Dispatched, reading: Reading, moment: str) -> List[Event]:
    """What a poll at that moment would dispatch."""
    return list(dispatched.due(reading, namer(), at(moment)))


def words(events: List[Event]) -> List[Tuple[str, str]]:
    """Milestone or ending, and when."""
    found = []
    for event in events:
        what = event.what
        how = "" if what.wait.how is None else what.wait.how.value
        word = str(what.milestone) if isinstance(what, Crossing) else how
        found.append((word, str(told(event.at))))
    return found


def test_highest_milestone() -> None:
    """After an outage the highest milestone is due, and the lower ones never are."""
    dispatched = Dispatched()
    (event,) = due(dispatched, waiting(), "thu 9:00")
    dispatched.add(event)

    assert words([event]) == [("2d", "wed 9:00")]
    assert due(dispatched, waiting(), "thu 9:00") == []
    assert words(due(dispatched, waiting(), "mon2 9:00")) == [("5d", "mon2 9:00")]


def test_wait_that_is_over_before_anybody_was_told() -> None:
    """Neither its milestone nor its ending is due."""
    assert due(Dispatched(), reviewed(), "thu 9:00") == []


def test_ending_of_a_wait_that_was_told() -> None:
    """It is due once, under the id of the highest milestone that was dispatched."""
    dispatched = Dispatched()
    (crossed,) = due(dispatched, waiting(), "tue 12:00")
    dispatched.add(crossed)
    (ending,) = due(dispatched, reviewed(), "thu 9:00")
    dispatched.add(ending)

    assert words([ending]) == [("reviewed", "wed 12:00")]
    assert ending.id == crossed.id == event_id("s", 1, "reviewers", at("mon 9:00"), "1d")
    assert ending.name != crossed.name
    assert due(dispatched, reviewed(), "thu 9:00") == []


def test_ending_that_lies_before_the_milestone() -> None:
    """A review that shows late, dated before the milestone that was dispatched, ends it too."""
    dispatched = Dispatched()
    dispatched.add(due(dispatched, waiting(), "wed 9:05")[0])

    assert words(due(dispatched, reviewed("wed 8:59"), "wed 9:10")) == [("reviewed", "wed 8:59")]


def test_ending_that_is_still_to_settle() -> None:
    """What ends after the instant up to which a poll dispatches is left to the next."""
    dispatched = Dispatched()
    dispatched.add(due(dispatched, waiting(), "tue 12:00")[0])

    assert due(dispatched, reviewed(), "wed 11:59") == []
    assert is_going_on(reviewed(), at("wed 11:59"))
    assert next_due(reviewed(), at("wed 11:59")) == at("wed 12:00")
    assert len(due(dispatched, reviewed(), "wed 12:00")) == 1


def test_handed_on() -> None:
    """A milestone is due again when somebody hands on what they were asked, and once."""
    mark = Mark("escalate", "0" * 16, (2,))
    history = History().upload("mon 9:00").review("tue 10:00", "pack", text=f"Asked.\n\n{mark}")
    dispatched = Dispatched()
    dispatched.add(due(dispatched, reading_of(history), "tue 11:00")[0])
    history.review("tue 12:00", "reviewer", text="/pass")
    (again,) = due(dispatched, reading_of(history), "tue 12:00")
    dispatched.add(again)

    assert words([again]) == [("1d", "tue 12:00")]
    assert due(dispatched, reading_of(history), "tue 13:00") == []
    assert words(due(dispatched, reading_of(history), "wed 9:00")) == [("2d", "wed 9:00")]


def test_milestone_that_moves() -> None:
    """A snooze that shows late moves a milestone that was dispatched: it is not due once more."""
    dispatched = Dispatched()
    dispatched.add(due(dispatched, waiting(), "tue 9:05")[0])
    history = History().upload("mon 9:00").review("tue 8:55", "second", text="/snooze 1h")

    assert due(dispatched, reading_of(history), "tue 12:00") == []


def test_first_sight() -> None:
    """Of a change that is new to a process, what lies before the cursor counts as dispatched."""
    reading = reviewed()

    assert lived(reading, at("wed 12:00"), at("thu 9:00")) == []
    ((name, ending),) = lived(reading, at("wed 11:59"), at("thu 9:00"))
    assert name.endswith(":2d")
    assert ending.wait.how is How.REVIEWED
    assert lived(reading, at("tue 8:59"), at("thu 9:00")) == []


def test_first_sight_of_what_is_still_to_be_dispatched() -> None:
    """Late events that a process did not come to dispatch are due in the next one."""
    reading, name = reviewed(), namer()
    dispatched = Dispatched.up_to(Cursor(at("wed 9:30")), reading, name)
    (ending,) = due(dispatched, reading, "thu 9:00")
    later = Cursor(at("thu 8:00"), late=frozenset({ending.name}))

    assert due(Dispatched.up_to(later, reading, name), reading, "thu 9:00") == [ending]
    assert due(Dispatched.up_to(Cursor(at("thu 8:00")), reading, name), reading, "thu 9:00") == []


def test_first_sight_of_a_milestone_still_to_be_dispatched() -> None:
    """The same goes for a milestone."""
    reading, name = waiting(), namer()
    (event,) = due(Dispatched(), reading, "wed 9:00")
    cursor = Cursor(at("wed 12:00"), late=frozenset({event.name}))

    assert due(Dispatched.up_to(cursor, reading, name), reading, "wed 13:00") == [event]


def test_nothing_falls_due_any_more() -> None:
    """After the last milestone nothing comes by itself."""
    assert next_due(waiting(), at("mon3 9:00")) is None
    assert is_going_on(waiting(), at("mon3 9:00"))


def test_next_milestone_from_the_second_of_the_last() -> None:
    """What falls due in this very second has fallen due."""
    assert next_due(waiting(), at("tue 8:59:59")) == at("tue 9:00")
    assert next_due(waiting(), at("tue 9:00")) == at("wed 9:00")
    assert next_due(reviewed(), at("wed 12:00")) == at("thu 12:00")


def test_names() -> None:
    """They stand in the cursor's value, which the next release reads: kind, time, and id."""
    dispatched = Dispatched()
    (crossed,) = due(dispatched, waiting(), "tue 12:00")
    dispatched.add(crossed)
    (ending,) = due(dispatched, reviewed(), "thu 9:00")
    ident = event_id("s", 1, "reviewers", at("mon 9:00"), "1d")

    assert crossed.name == f"waiting 2026-03-03T09:00:00Z {ident}"
    assert ending.name == f"ended 2026-03-04T12:00:00Z {ident}"


def test_first_sight_of_a_later_wait() -> None:
    """A first wait that was over before its milestone hides nothing of the next."""
    history = History().upload("mon 9:00").review("mon 10:00", "reviewer", text="Why?")
    reading = reading_of(history)

    assert [told(what.at) for _, what in lived(reading, at("tue 9:59"), at("wed 9:00"))] == [
        "tue 10:00"
    ]
    assert lived(reading, at("tue 10:00"), at("wed 9:00")) == []


def test_end_that_lies_ahead() -> None:
    """A wait of which the end is told lasts until then, and falls due then."""
    history = History().upload("mon 9:00").ci("mon 10:00", "Verified-1")
    history.ci("mon 11:00", "-Verified")
    reading, dispatched = reading_of(history), Dispatched()
    (crossed,) = due(dispatched, reading, "tue 10:30")
    dispatched.add(crossed)
    assert words([crossed]) == [("1d", "tue 10:00")]
    assert next_due(reading, at("tue 10:30")) == at("tue 11:00")

    assert due(dispatched, reading, "tue 10:59") == []
    assert words(due(dispatched, reading, "tue 11:00")) == [("ci_recovered", "tue 11:00")]


# Properties.


@given(STEPS, GAPS)
def test_polls_and_replays(steps: Steps, gaps: List[int]) -> None:
    """However time is cut into polls by processes that live for one poll each, no milestone and no
    ending is dispatched twice; what is dispatched is among what a replay tells; and of each wait
    that was told of, the ending is told.
    """
    history = history_of(steps)
    times = [START + timedelta(seconds=passed) for passed in accumulate([0, *gaps])]
    found = [
        (name, type(what).__name__, what.at)
        for lo, hi in zip(times, times[1:])
        for name, what in lived(known(history, hi), lo, hi)
    ]
    check(found, known(history, times[-1]), times[-1])


@given(STEPS, GAPS)
def test_a_process_that_lives_on(steps: Steps, gaps: List[int]) -> None:
    """The same of one process that remembers what it has dispatched."""
    history = history_of(steps)
    times = [START + timedelta(seconds=passed) for passed in accumulate([0, *gaps])]
    dispatched = Dispatched.up_to(Cursor(START), known(history, START), namer())
    found = []
    for now in times[1:]:
        for event in list(dispatched.due(known(history, now), namer(), now)):
            dispatched.add(event)
            found.append((event.id, type(event.what).__name__, event.at))

    check(found, known(history, times[-1]), times[-1])


def check(found: List[Tuple[str, str, datetime]], reading: Reading, end: datetime) -> None:
    """What polls have to keep to."""
    replayed = replay(reading, SHORT, Window(START, end))
    names = [(name, kind) for name, kind, _ in found]
    assert len(names) == len(set(names))
    assert {(kind, when) for _, kind, when in found} <= {
        (type(one).__name__, one.at) for one in replayed
    }
    crossed = {name.rsplit(":", 1)[0] for name, kind in names if kind == "Crossing"}
    over = {name.rsplit(":", 1)[0] for name, kind in names if kind == "Ending"}
    ended = {
        event_id("s", 1, *timeline.key, "").rstrip(":")
        for timeline in reading.timelines
        if timeline.wait.end is not None and timeline.wait.end <= end
    }
    assert over == crossed & ended


@given(STEPS, GAPS, st.lists(st.integers(0, 40 * 3600), min_size=15, max_size=15))
def test_messages_that_show_late(steps: Steps, gaps: List[int], lags: List[int]) -> None:
    """Whatever shows however late, nothing is dispatched twice, and no ending is forgotten of a
    wait that is known to the end.
    """
    history = history_of(steps)
    change = history.change()
    times = [START + timedelta(seconds=passed) for passed in accumulate([0, *gaps])]
    dispatched = Dispatched.up_to(Cursor(START), known(history, START), namer())
    names: List[str] = []
    reading = known(history, START)
    for now in [*times[1:], times[-1] + timedelta(days=30)]:
        shown = [
            message
            for message, lag in zip(change.messages, [0, *lags])
            if message.date + timedelta(seconds=lag) <= now
        ]
        reading = read_change(replace(change, messages=tuple(shown)), SHORT)
        for event in list(dispatched.due(reading, namer(), now)):
            dispatched.add(event)
            names.append(event.name)

    assert len(names) == len(set(names))
    for timeline in reading.timelines:
        if timeline.wait.end is not None and timeline.key in dispatched.crossed:
            assert timeline.key in dispatched.ended


@given(STEPS, st.integers(1, 60 * 3600))
def test_a_late_poll_tells_the_highest(steps: Steps, seconds: int) -> None:
    """After an outage one poll tells, of each wait that still lasts, the last milestone reached."""
    hi = START + timedelta(seconds=seconds)
    reading = known(history_of(steps), hi)
    found = [what for _, what in lived(reading, START, hi)]

    expected = [timeline.crossed(hi) for timeline in reading.lasting(hi)]
    assert found == [one for one in expected if one is not None]
