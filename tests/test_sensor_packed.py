"""What is kept of a change between polls tells the same as the whole change, from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_history import SHORT, START, STEPS, Steps, history_of, known
from histories import POLICY, History, at, stands
from lived import namer
from reviewloop.core.asked import LiveAsk
from reviewloop.core.change import Account, Change, ChangeStatus, Requirement
from reviewloop.core.commands import Command, Verb
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import running
from reviewloop.core.reading import EXEMPT_HASHTAG, Reading, WaitKey, read_change
from reviewloop.core.spans import Span
from reviewloop.core.tiers import Tier
from reviewloop.core.turns import Party
from reviewloop.core.unasked import Bounds
from reviewloop.core.waits import State
from reviewloop.sensor.events import Dispatched, Event, is_going_on, next_due
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.packed import UNPROVEN, pack, standing, standing_of, unpack
from reviewloop.sensor.queue import AT_ONCE, Queue, not_before
from reviewloop.sensor.uncovered import Uncovered, uncovered
from reviewloop.sensor.watch import Watch
from reviewloop.store.cursor import Cursor

GRACE = timedelta(minutes=20)
HOURS = st.floats(0, 20 * 24).map(lambda hours: timedelta(seconds=int(hours * 3600)))


def bounds(now: datetime) -> Bounds:
    """Nothing is left alone."""
    return Bounds(now, lambda _number: False)


def words(events: List[Event]) -> List[Tuple[Any, ...]]:
    """All that events say but for the change they are read from."""
    return [(one.order, one.name, one.what.wait.how, one.what.wait.cause) for one in events]


def kept(reading: Reading) -> List[WaitKey]:
    """The waits of which something is known."""
    return [one.key for one in reading.timelines]


def stopwatches(reading: Reading, now: datetime) -> Dict[WaitKey, int]:
    """What the stopwatch of each wait shows."""
    return {one.key: reading.elapsed(one.wait, now, POLICY) for one in reading.timelines}


@settings(max_examples=300, deadline=None)
@given(STEPS, HOURS, HOURS, HOURS)
def test_the_same_from_then_on(
    steps: Steps, first: timedelta, second: timedelta, third: timedelta
) -> None:
    """Whatever its history and whenever it was packed: what is due of it later, when, and whether
    it is overdue and uncovered, do not depend on what was left out.
    """
    cursor, now, later = sorted((START + first, START + second, START + third))
    whole = known(history_of(steps), now)
    dispatched = Dispatched.up_to(Cursor(cursor), whole, namer())
    text = pack(whole, {}, now, dispatched.is_pending)
    packed, _ = unpack(text, ChangeKey.of(whole.change))
    again = Dispatched.from_text(dispatched.to_text())

    assert words(list(again.due(packed, namer(), later))) == words(
        list(dispatched.due(whole, namer(), later))
    )
    assert next_due(packed, later) == next_due(whole, later)
    assert stopwatches(packed, later) == {
        key: seconds for key, seconds in stopwatches(whole, later).items() if key in kept(packed)
    }
    assert packed.state.human_reviews == whole.state.human_reviews
    assert is_going_on(packed, later) == is_going_on(whole, later)
    before = later - GRACE
    assert [
        (line.key, highest.index, highest.at)
        for line, highest in uncovered(packed, {}, before, bounds(later))
    ] == [
        (line.key, highest.index, highest.at)
        for line, highest in uncovered(whole, {}, before, bounds(later))
    ]
    assert pack(packed, {}, now, dispatched.is_pending) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=4), st.lists(HOURS, min_size=1, max_size=12))
def test_the_index_of_the_uncovered(histories: List[Steps], times: List[timedelta]) -> None:
    """It tells at each instant what a look at every change would tell."""
    watch, index = Watch("s"), Uncovered(bounds, GRACE)
    all_of = [history_of(steps) for steps in histories]
    for now in sorted(START + time for time in times):
        current: Dict[ChangeKey, Reading] = {}
        for number, history in enumerate(all_of, 1):
            reading = known(history, now)
            change = replace(reading.change, number=number)
            current[ChangeKey.of(change)] = replace(reading, change=change)
            # Only what moved is read.
            if not index.of(ChangeKey.of(change)) or len(history.messages) % 2:
                watch.learn(current[ChangeKey.of(change)], Cursor(START))
        watch.settle(now)
        watch.rest()
        index.refresh(now, watch)
        for key in watch:
            found = watch.known(key)
            assert found is not None
            expected = uncovered(found[0], {}, now - GRACE, bounds(now))
            assert [(one.wait, one.step) for one in index.of(key)] == [
                (line.key, highest.index) for line, highest in expected
            ]
        assert all(index.of(key) == () for key in current if key not in watch)


def waiting() -> History:
    """Uploaded on Monday at 9."""
    return History().upload("mon 9:00")


def repacked(reading: Reading, moment: str) -> Reading:
    """What is left of it then."""
    key = ChangeKey.of(reading.change)
    return unpack(pack(reading, {}, at(moment), lambda _line: False), key)[0]


def test_what_keeps_people_from_being_asked() -> None:
    """A pause and its kind, red, and what the change says of itself are kept."""
    history = (
        waiting().review("mon 10:00", "second", text="/snooze 2d").ci("mon 11:00", "Verified-1")
    )
    change = replace(history.change(), hashtags=("No-Escalation",), is_private=True)
    found = repacked(read_change(change, POLICY), "mon 12:00")

    assert found.change.hashtags == (EXEMPT_HASHTAG,)
    assert (found.change.is_private, found.change.work_in_progress) == (True, False)
    pause = found.pause(at("mon 12:00"))
    assert pause is not None
    assert not found.is_acknowledged(pause)
    assert found.state.is_red(at("mon 12:00"))
    assert found.pause(at("fri 12:00")) is None


def test_a_stopwatch_that_was_stopped_twice() -> None:
    """Each time that it ran is kept."""
    history = waiting().ci("mon 10:00", "Verified-1").ci("mon 12:00", "Verified+1")
    history.review("mon 14:00", "second", text="/snooze 3h")
    reading = read_change(history.change(), POLICY)
    found = repacked(reading, "tue 9:00")

    assert [timeline.wait.segments for timeline in found.timelines] == [
        (Span(at("mon 9:00"), at("mon 10:00")), Span(at("mon 12:00"), at("mon 14:00")),
         Span(at("mon 17:00"), None)),
    ]  # fmt: skip
    later = at("wed 9:00")
    assert stopwatches(found, later) == {
        key: seconds for key, seconds in stopwatches(reading, later).items() if key in kept(found)
    }


def test_what_ends_when_it_is_packed() -> None:
    """It lasts no more, and is left out."""
    history = (
        waiting().review("mon 10:00", "second", text="/snooze 2h").ci("mon 10:30", "Verified-1")
    )
    history.ci("mon 12:00", "Verified+1")
    found = repacked(read_change(history.change(), POLICY), "mon 12:00")

    assert found.pauses.spans == found.state.reds == ()


@pytest.mark.parametrize("wip", [False, True])
@pytest.mark.parametrize("private", [False, True])
def test_what_is_left_of_a_change(*, private: bool, wip: bool) -> None:
    """Its names and how it stands; whatever else is told of it is asked for anew."""
    whole = replace(waiting().change(), work_in_progress=wip, is_private=private)
    found = repacked(read_change(whole, POLICY), "mon 12:00").change

    assert found == Change(
        number=whole.number,
        project=whole.project,
        branch="",
        change_id="",
        status=whole.status,
        subject="",
        owner=Account(0),
        created=whole.updated,
        updated=whole.updated,
        work_in_progress=wip,
        is_private=private,
    )


def test_what_is_left_of_a_history() -> None:
    """What is red or waits for a gate, or will be, and how many reviews there were."""
    over, lasts = Span(at("mon 9:00"), at("mon 12:00")), Span(at("mon 12:00"), at("mon 13:00"))
    ahead = Span(at("mon 14:00"), None)
    reading = read_change(waiting().review("mon 10:00", "second", text="Hm.").change(), POLICY)
    state = replace(reading.state, reds=(over, lasts, ahead), gates=(over, ahead))

    assert repacked(replace(reading, state=state), "mon 12:00").state == State(
        (), Party.NOBODY, (lasts, ahead), (ahead,), human_reviews=1
    )


def test_a_wait_that_ends_when_it_is_packed() -> None:
    """It is left out, unless its ending is still to be told."""
    reading = read_change(waiting().merge("mon 12:00").change(), POLICY)
    key, now = ChangeKey.of(reading.change), at("mon 12:00")
    texts = [
        pack(reading, {}, now, lambda _line, is_due=is_due: is_due) for is_due in (False, True)
    ]

    assert [kept(unpack(text, key)[0]) for text in texts] == [[], kept(reading)]


@pytest.mark.parametrize(("most", "is_kept"), [(2, True), (1, False)])
def test_as_many_spans_as_are_kept(
    monkeypatch: pytest.MonkeyPatch, most: int, is_kept: bool
) -> None:
    """With one more none is, and the change is to be read again."""
    monkeypatch.setattr("reviewloop.sensor.packed.SPANS", most)
    history = waiting().ci("mon 10:00", "Verified-1").ci("mon 12:00", "Verified+1")
    reading = read_change(history.change(), POLICY)
    longest = max(len(running(one.wait, reading.pauses.spans)) for one in reading.timelines)
    text = pack(reading, {}, at("tue 9:00"), lambda _line: True, 7)

    assert longest == 2
    assert standing_of(text) == (7 if is_kept else UNPROVEN)
    assert is_kept is any(one.wait.segments for one in unpack(text, ChangeKey(1, "p"))[0].timelines)


def test_how_a_change_stands() -> None:
    """All that a reading depends on, beside the history, shows in the number; no order does."""
    change, vote = waiting().change(), stands("Code-Review+2", "second", "mon 9:00")
    votes = [
        *(vote, vote._replace(label="Other"), vote._replace(account=Account(9))),
        *(vote._replace(value=1), vote._replace(date=at("mon 9:30")), vote._replace(tag="bot")),
    ]
    others = [
        replace(change, approvals=()),
        *(replace(change, approvals=(one,)) for one in votes),
        *(replace(change, labels=frozenset(one)) for one in ((), ("Code-Review",))),
        *(replace(change, unmet=one) for one in ((), (Requirement("Roof"),))),
        replace(change, work_in_progress=True),
        replace(change, status=ChangeStatus.UNKNOWN),
        replace(change, status=ChangeStatus.UNKNOWN, status_word="HELD"),
    ]

    assert len({standing(one) for one in (change, *others)}) == 1 + len(others)
    assert standing(replace(change, approvals=tuple(votes))) == standing(
        replace(change, approvals=tuple(reversed(votes)))
    )


def test_acknowledged() -> None:
    """A pause by somebody who was asked is told from one by anybody."""
    mark = "Asked.\n\n[st2-gerrit nudge 0123456789abcdef asked=2]"
    history = waiting().say("mon 10:00", "pack", mark).review("mon 11:00", "reviewer", text="/ack")
    found = repacked(read_change(history.change(), POLICY), "mon 12:00")
    pause = found.pause(at("mon 12:00"))

    assert pause is not None
    assert found.is_acknowledged(pause)
    assert found.pauses.commands == (Command(Verb.ACK, pause.start, 0),)


def test_who_is_asked() -> None:
    """Live asks are kept as they are."""
    reading = read_change(waiting().change(), POLICY)
    ask = LiveAsk(Duration(1, "d"), Tier.COMMITTEE, 1, (2, 3), at("tue 9:00"))
    asks = {("reviewers", at("mon 9:00")): (ask,)}
    text = pack(reading, asks, at("tue 9:00"), lambda _line: False)

    assert unpack(text, ChangeKey.of(reading.change))[1] == asks


def test_size() -> None:
    """What is over is left out: a long history takes no more room than a short one."""
    history = waiting()
    for day in range(1, 40):
        history.review(f"mon{day} 10:00", "reviewer", text="Why?")
        history.review(f"mon{day} 11:00", "owner", text="Because.")
    reading = read_change(history.change(), SHORT)

    assert len(pack(reading, {}, at("mon41 9:00"), lambda _line: False)) < 250
    assert len(repacked(reading, "mon41 9:00").timelines) == 1


def test_queue() -> None:
    """A change has one place, the one it was given last."""
    queue, one, two = Queue(), ChangeKey(1, "p"), ChangeKey(2, "p")
    for minute in range(500):
        queue.put(one, not_before(at("mon 9:00") + timedelta(minutes=minute), one))
    queue.put(two, AT_ONCE)
    assert len(queue) == 2
    assert len(queue._heap) < 120
    assert queue.first(at("mon 9:00")) == AT_ONCE
    assert queue.take() == two
    assert queue.first(at("mon 17:18")) is None
    assert queue.first(at("mon 17:19")) is not None
    queue.drop(one)
    assert queue.first(at("tue 9:00")) is None
