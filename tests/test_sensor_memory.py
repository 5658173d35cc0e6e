"""Delta, intake and daily look, each by itself: what is read, remembered and let go."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Set

import pytest
from sandbox.gerrit.fake import FakeGerrit

from histories import POLICY
from reviewloop.core.change import Change
from reviewloop.core.payloads import Site
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.errors import ProtocolError
from reviewloop.http.retry import Timing
from reviewloop.sensor.aside import Aside
from reviewloop.sensor.clock import Clocks, DoubtedClock
from reviewloop.sensor.delta import REACH, Delta
from reviewloop.sensor.dispatch import Dispatcher, Outbox
from reviewloop.sensor.events import Event
from reviewloop.sensor.found import ChangeKey, Failed
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.known import Known
from reviewloop.sensor.pace import Pace
from reviewloop.sensor.position import Position
from reviewloop.sensor.reader import Reader
from reviewloop.sensor.reconcile import Reconcile
from reviewloop.sensor.watch import Watch
from test_sensor_position import Shown

LOG = logging.Logger("memory")


class Parts:
    """The parts of a sensor that look at a server; nothing is dispatched, and no day passes."""

    def __init__(self, query: str = "-is:private") -> None:
        self.fake = FakeGerrit()
        timing = Timing(self._seconds, self.fake.slept.append, lambda: 0.5)
        self.client = self.fake.client(timing=timing)
        self.reader = Reader(self.client, lambda _change: POLICY, "s", query, lambda: self.fake.now)
        self.watch, self.known, self.aside = Watch("s"), Known(), Aside()
        self.store = Shown()
        self.position = position = Position(self.store)
        position.start(self.fake.now)
        self.intake = Intake(
            self.watch, self.known, self.aside, position, lambda: self.fake.now, LOG
        )
        clock = DoubtedClock(lambda: Clocks(self.fake.now, self.client.clock().server))
        self.client.version()
        self.delta = Delta(self.reader, clock)
        self.delta.begin(self.fake.now)
        self.horizon = self.fake.now - timedelta(days=30)
        self.reconcile = Reconcile(self.reader, self._horizon, timedelta(days=1), LOG)
        self.reconcile.begin(self.fake.now)

    def look(self) -> Set[int]:
        """One delta; the numbers of the changes read."""
        self.fake.advance(minutes=5)
        found = self.delta.look(self.watch, self.known, self.aside, self.intake)
        self.watch.settle(self.fake.now)
        return {key.number for key in found}

    def look_over(self) -> Set[int]:
        """The daily look; the numbers of the changes read."""
        found = self.reconcile.run(self.fake.now, self.watch, self.known, self.intake, set())
        self.watch.settle(self.fake.now)
        return {key.number for key in found}

    def _seconds(self) -> float:
        return self.fake.now.timestamp()

    def _horizon(self, _now: datetime) -> datetime:
        return self.horizon


@pytest.fixture
def parts() -> Parts:
    """A server without changes, looked at on Monday at 9."""
    return Parts()


def due(parts: Parts, now: Optional[datetime] = None) -> List[Event]:
    """All that is to be dispatched."""
    return parts.watch.upcoming(now or parts.fake.now, 99, lambda _event: False, 0)


def key(number: int) -> ChangeKey:
    """The key of a change of the fake."""
    return ChangeKey(number, "tools/build")


def test_only_what_moved_is_read(parts: Parts) -> None:
    """A change is read when it is new, and again when it moves."""
    first, second = parts.fake.add_change(), parts.fake.add_change()
    assert parts.look() == {first, second}
    assert parts.look() == set()
    parts.fake.touch(second)

    assert parts.look() == {second}


def test_closed_changes_leave_the_memory(parts: Parts) -> None:
    """A merged change is not watched, and is known only as long as a delta may reach it."""
    number, other = parts.fake.add_change(), parts.fake.add_change()
    parts.look()
    parts.fake.set_status(number, "MERGED")
    parts.look()
    assert key(number) not in parts.watch
    assert key(number) in parts.known
    parts.fake.advance(hours=3)
    parts.fake.touch(other)
    parts.look()

    assert list(parts.known) == [key(other)]


def test_open_changes_that_nobody_waits_for(parts: Parts) -> None:
    """They are known while the daily look lists them: or it would take them for new each day."""
    number = parts.fake.add_change(wip=True)
    assert parts.look() == {number}
    parts.fake.advance(hours=30)
    assert parts.look_over() == set()
    assert key(number) not in parts.watch
    assert key(number) in parts.known
    parts.fake.changes[number].hidden = True
    parts.look_over()

    assert len(parts.known) == 0


def test_idle_changes_leave_the_memory(parts: Parts) -> None:
    """What nobody has touched since before the horizon is neither watched nor known."""
    number = parts.fake.add_change()
    parts.look()
    parts.fake.advance(hours=30)
    parts.look_over()
    assert key(number) in parts.watch
    parts.horizon = parts.fake.now
    parts.look_over()
    # What is still to be dispatched of it goes first.
    assert key(number) in parts.watch
    for event in due(parts):
        parts.watch.sent(event)
    parts.look_over()
    parts.look_over()

    assert len(parts.watch) == len(parts.known) == 0


def test_what_was_dispatched_leaves_the_memory(parts: Parts) -> None:
    """It is remembered as long as a change is watched or known, and no longer."""
    number = parts.fake.add_change()
    parts.look()
    parts.fake.set_status(number, "MERGED")
    parts.look()
    parts.look_over()
    assert parts.watch.remembered == 1
    parts.fake.advance(hours=30)
    parts.fake.add_change()
    parts.look()
    parts.look_over()

    assert parts.watch.remembered == 1
    assert key(number) not in parts.known


def test_gone_and_back_unmoved(parts: Parts) -> None:
    """A change that leaves the search and comes back as it was is watched again."""
    number, other = parts.fake.add_change(), parts.fake.add_change()
    parts.look()
    parts.fake.changes[number].hidden = True
    parts.look_over()
    assert key(number) not in parts.watch
    parts.fake.changes[number].hidden = False
    parts.fake.touch(other)

    assert number in parts.look()
    assert key(number) in parts.watch


def test_private_changes() -> None:
    """They are read once, in case they are public again, and not watched."""
    parts = Parts(query="")
    number = parts.fake.add_change()
    parts.look()
    parts.fake.changes[number].private = True
    parts.fake.touch(number)
    parts.look()
    before = len(parts.fake.requests)
    parts.look()

    assert len(parts.fake.requests) == before + 1
    assert key(number) not in parts.watch
    assert key(number) in parts.known


def test_missed_by_the_deltas(parts: Parts) -> None:
    """The daily look reads what moved unseen, and dispatches from the look before on."""
    number, other = parts.fake.add_change(), parts.fake.add_change()
    parts.look()
    parts.fake.advance(hours=10)
    parts.fake.touch(other)
    parts.look()
    parts.fake.touch(number, at="2026-03-02 09:30:00")
    assert parts.look() == set()

    assert parts.look_over() == {number}
    assert parts.look_over() == set()


def test_new_to_the_daily_look(parts: Parts) -> None:
    """A change that no delta showed is dispatched from the look before on, not from now on."""
    other = parts.fake.add_change()
    parts.look()
    parts.fake.advance(hours=26)
    parts.fake.touch(other)
    parts.look()
    number = parts.fake.add_change(at="2026-03-02 09:05:00")
    assert parts.look() == set()
    parts.position.advance_to(parts.fake.now)
    assert parts.look_over() == {number}

    (event,) = [one for one in due(parts) if one.key.number == number]
    assert event.at == from_iso("2026-03-03T09:05:00Z")


def test_daily_look_reads_nothing_twice(parts: Parts) -> None:
    """What the delta of the same poll has read is left alone."""
    number = parts.fake.add_change()
    parts.look()
    parts.fake.touch(number)
    found = parts.reconcile.run(
        parts.fake.now, parts.watch, parts.known, parts.intake, {key(number)}
    )

    assert found == set()


def test_rows_that_make_no_sense_in_the_daily_look(parts: Parts) -> None:
    """They are set aside; the others are looked at."""
    broken, sound = parts.fake.add_change(), parts.fake.add_change()
    parts.fake.changes[broken].commits.append(7)  # type: ignore[arg-type]

    assert parts.look_over() == {sound}
    assert key(broken) in parts.aside


def test_daily(parts: Parts) -> None:
    """It is due a day after the last one."""
    begun = parts.fake.now

    assert not parts.reconcile.is_due(begun + timedelta(hours=23))
    assert parts.reconcile.is_due(begun + timedelta(hours=24))
    parts.fake.advance(hours=24)
    parts.look_over()
    assert not parts.reconcile.is_due(parts.fake.now)


def bounds(parts: Parts, looks: int) -> List[str]:
    """From when on updates were listed in so many looks, five minutes apart."""
    found = []
    for _ in range(looks):
        parts.look()
        deltas = [one for one in parts.fake.seen if "after:" in one]
        found.append(deltas[-1].split('"')[1][11:])
    return found


def test_newest_update_moves_the_delta_only_forward(parts: Parts) -> None:
    """The delta reaches back from the newest update seen, for as long as the index may be late."""
    number = parts.fake.add_change()
    parts.look()
    parts.fake.touch(number, at="2026-03-02 08:30:00")

    assert bounds(parts, 4) == ["08:40:00"] * 4
    assert timedelta(hours=1) < REACH


def test_silence_after_a_burst(parts: Parts) -> None:
    """What nothing newer follows is listed for twenty minutes, three times by the hour, and then no
    more: a poll in the silence after a burst is one request with an empty answer.
    """
    for _ in range(50):
        parts.fake.add_change()
    found = bounds(parts, 12 * 6)
    before = len(parts.fake.seen)
    parts.look()

    assert found[:6] == ["08:40:00"] * 5 + ["09:00:01"]
    assert found.count("07:00:00") == 3
    assert set(found[36:]) == {"09:00:01"}
    assert len(parts.fake.seen) == before + 1


def test_index_that_stands_still(parts: Parts) -> None:
    """However long nothing showed, all that happened meanwhile is found when it does."""
    first = parts.fake.add_change()
    bounds(parts, 12 * 8)
    numbers = [parts.fake.add_change(at=f"2026-03-02 {hour}:00:00") for hour in (10, 12, 14)]

    assert parts.look() == set(numbers)
    assert first not in numbers


def test_late_in_the_silence(parts: Parts) -> None:
    """A change whose update shows two hours late is found within the hour."""
    other = parts.fake.add_change()
    late = parts.fake.add_change(at="2026-03-02 08:55:00")
    parts.fake.changes[late].hidden = True
    bounds(parts, 22)
    parts.fake.changes[late].hidden = False

    found = set().union(*(parts.look() for _ in range(12)))
    assert found == {late}
    assert other != late


def test_the_clock_hides_nothing(parts: Parts) -> None:
    """Where the clock is ahead of the one by which changes are dated, they are found all the same:
    what counts is the newest update.
    """
    parts.fake.add_change()
    parts.look()
    parts.fake.date_ahead = timedelta(minutes=50)
    bounds(parts, 12)
    number = parts.fake.add_change()

    assert parts.look() == {number}


def test_nothing_to_list(parts: Parts) -> None:
    """Where there never was an update, everything after the start is listed."""
    assert set(bounds(parts, 10)) == {"08:40:00", "09:00:01"}


def test_start_on_a_quiet_server(parts: Parts) -> None:
    """After a start the newest update found counts, and not the time of the start."""
    parts.delta.begin(parts.fake.now, from_iso("2026-03-01T07:00:00Z"))

    assert set(bounds(parts, 10)) == {"07:00:01"}


def test_deleted_while_set_aside(parts: Parts) -> None:
    """A change that could not be read and is gone is set aside no longer."""
    number = parts.fake.add_change()
    parts.look()
    parts.intake.fail(Failed(key(number), ProtocolError("it makes no sense")))
    assert due(parts, parts.fake.now + timedelta(days=1)) == []
    del parts.fake.changes[number]
    parts.look()

    assert parts.aside.trouble() is None
    assert key(number) not in parts.watch
    assert parts.fake.add_change(number=number) == number
    parts.look()
    assert len(due(parts, parts.fake.now + timedelta(days=2))) == 1


def dispatcher(parts: Parts, sent: List[str], cap: int = 50) -> Dispatcher:
    """Sends into a list."""

    def send(trigger: str, _payload: Dict[str, Any], _tag: Optional[str]) -> None:
        sent.append(trigger.rpartition("_")[2])

    site = Site("s", "https://s")
    return Dispatcher(site, POLICY, Pace(cap, 100 * cap, LOG), parts.position, Outbox(send))


def test_dispatched_and_let_go(parts: Parts) -> None:
    """Once its ending is dispatched a merged change is watched no more."""
    sent: List[str] = []
    number = parts.fake.add_change()
    parts.look()
    parts.fake.at("2026-03-03 10:00:00")
    for status in ("", "MERGED"):
        if status:
            parts.fake.set_status(number, status)
        read = parts.delta.look(parts.watch, parts.known, parts.aside, parts.intake)
        assert read or not status
        now = parts.fake.now
        dispatcher(parts, sent).run(
            now, parts.watch, parts.aside, lambda _keys: False, parts.intake
        )

    assert sent == ["waiting", "ended"]
    assert len(parts.watch) == 0


def test_cursor_under_the_cap(parts: Parts) -> None:
    """It stands at the last event sent, and goes to now with the last of all."""
    sent: List[str] = []
    for _ in range(3):
        parts.fake.add_change()
    parts.look()
    parts.fake.at("2026-03-03 10:00:00")
    throughs = []
    for _ in range(3):
        dispatcher(parts, sent, cap=1).run(
            parts.fake.now, parts.watch, parts.aside, lambda _keys: False, parts.intake
        )
        throughs.append((iso(parts.position.cursor.through)[11:16], parts.position.cursor.late))

    assert throughs == [("09:00", frozenset()), ("09:00", frozenset()), ("10:00", frozenset())]


class BrokenSite(Site):
    """A defect of our own that one change brings to light."""

    def link(self, change: Change) -> str:
        """Fail for change 1."""
        if change.number == 1:
            raise KeyError("a defect")
        return super().link(change)


def test_payload_that_cannot_be_built(parts: Parts) -> None:
    """It sets that change aside, as a defect and no trouble of the bus; the others are sent."""
    sent: List[int] = []
    for _ in range(2):
        parts.fake.add_change()
    parts.look()
    parts.fake.at("2026-03-03 10:00:00")
    outbox = Outbox(lambda _trigger, payload, _tag: sent.append(payload["number"]))
    Dispatcher(
        BrokenSite("s", "https://s"), POLICY, Pace(50, 500, LOG), parts.position, outbox
    ).run(parts.fake.now, parts.watch, parts.aside, lambda _keys: False, parts.intake)

    assert sent == [2]
    assert key(1) in parts.aside
    trouble = parts.aside.trouble()
    assert trouble is not None
    assert "a defect of this pack" in trouble.message
