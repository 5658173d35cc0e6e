"""The overdue waits that nobody is asked about, kept from poll to poll: nothing falls out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import List

import pytest

from histories import POLICY, History, at, in_review
from reviewloop.core.reading import read_change
from reviewloop.core.turns import Party
from reviewloop.core.unasked import Bounds
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.queue import Queue, not_before
from reviewloop.sensor.uncovered import Uncovered
from reviewloop.sensor.watch import Watch
from reviewloop.store.cursor import Cursor

GRACE = timedelta(minutes=20)
KEY = ChangeKey(1, "tools/build")


def bounds(now: datetime) -> Bounds:
    """Nothing is left alone."""
    return Bounds(now, lambda _number: False)


def watch_of(history: History) -> Watch:
    """A change with that history."""
    watch = Watch("s")
    change = replace(history.change(), number=1)
    watch.learn(read_change(change, POLICY), Cursor(at("mon 0:00")))
    return watch


def test_a_look_that_failed() -> None:
    """What moved before a defect struck is looked at when it is gone, though nothing moves."""
    watch, faults = watch_of(in_review()), [KeyError("a defect")]

    def failing(now: datetime) -> Bounds:
        if faults:
            raise faults.pop()
        return bounds(now)

    index = Uncovered(failing, GRACE)
    with pytest.raises(KeyError):
        index.refresh(at("tue 10:00"), watch)
    assert index.of(KEY) == ()

    assert index.refresh(at("tue 10:05"), watch) == {KEY}
    assert [one.step for one in index.of(KEY)] == [0]


def test_due_while_a_look_failed() -> None:
    """The same of what time had reached."""
    watch, faults = watch_of(in_review()), []

    def failing(now: datetime) -> Bounds:
        if faults:
            raise faults.pop()
        return bounds(now)

    index = Uncovered(failing, GRACE)
    index.refresh(at("mon 10:00"), watch)
    faults.append(KeyError("a defect"))
    with pytest.raises(KeyError):
        index.refresh(at("tue 9:20"), watch)

    assert index.refresh(at("tue 9:25"), watch) == {KEY}
    assert [one.step for one in index.of(KEY)] == [0]


def test_a_wait_that_red_will_end() -> None:
    """The bot took its vote back: the owner's wait is uncovered until red ends, a working day
    later, and not from that second on.
    """
    history = in_review().ci("mon 9:30", "Verified-1").ci("tue 9:40", "-Verified")
    watch, index = watch_of(history), Uncovered(bounds, GRACE)

    def seen(moment: str) -> List[Party]:
        index.refresh(at(moment), watch)
        return [one.wait[0] for one in index.of(KEY)]

    assert seen("tue 9:50") == [Party.OWNER]
    assert seen("wed 9:29:59") == [Party.OWNER]
    assert seen("wed 9:40") == []
    # The reviewers' clock stood still meanwhile.
    assert seen("thu 9:30") == [Party.REVIEWERS]


def test_due_at_the_second() -> None:
    """What is put for an instant is due then."""
    queue = Queue()
    queue.put(KEY, not_before(at("tue 9:00"), KEY))
    told = [
        (queue.is_due(KEY, now), queue.count(now)) for now in (at("tue 8:59:59"), at("tue 9:00"))
    ]

    assert told == [(False, 0), (True, 1)]
    assert queue.first(at("tue 9:00")) is not None
