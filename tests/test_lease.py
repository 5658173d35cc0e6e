"""One at a time across processes: every interleaving, death and outage; and threads for real."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Callable, List, Optional, Tuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reviewloop.errors import DatastoreError, TemporaryError
from reviewloop.store.datastore import Datastore
from reviewloop.store.lease import GRACE, LEAST, LENGTH, PREFIX, Clock, Lease, Leases
from stores import NOON, Shelf, ShelfClock


def leases(shelf: Shelf, **more: Any) -> Leases:
    """Those of a process of its own."""
    return Leases(shelf.service, ShelfClock(shelf), **more)


def test_alone() -> None:
    """A lease that nobody else wants is had at once, for a minute at least, and leaves nothing."""
    shelf = Shelf()
    with leases(shelf).hold("roster") as lease:
        assert lease.left >= LEAST
        lease.check()
        assert len(shelf.names()) == 1

    assert shelf.now == NOON
    assert shelf.names() == []


def test_what_it_takes_alone() -> None:
    """One write, one listing and one deletion, where nobody else wants it."""
    shelf = Shelf()
    calls: List[str] = []

    class Watched(Process):
        def _call(self, call: Callable[[], Any], *, lossy: bool = False) -> Any:
            calls.append("write" if lossy else "list")
            return super()._call(call, lossy=lossy)

    process = Watched(shelf)
    while not process.is_over:
        process.step()

    assert calls == ["write", "list", "write"]


@pytest.mark.parametrize("other", ["a", "z"])
def test_two_that_choose_at_once(other: str) -> None:
    """Both see the other, so neither is served before both have drawn a number."""
    shelf = Shelf()
    one, two = Process(shelf, holder="m"), Process(shelf, holder=other)
    for process in (one, two, one, two, one, two):
        process.step()

    assert not one.holds
    assert not two.holds
    had = set()
    for _ in range(20):
        for process in (one, two):
            process.step()
            had.update(each for each in (one, two) if each.holds)
            assert not (one.holds and two.holds)
    assert had == {one, two}


def test_taken() -> None:
    """Who finds it taken waits for some time, and is told that it can be tried again."""
    shelf = Shelf()
    late = leases(shelf, patience=20)
    with leases(shelf).hold("roster"), pytest.raises(TemporaryError, match="roster") as caught:
        late.hold("roster").__enter__()

    assert caught.value.kind == "temporary"
    assert caught.value.remedy
    assert 20 <= (shelf.now - NOON).total_seconds() < 25
    with leases(shelf).hold("roster"):
        pass


def test_who_is_next_does_not_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 20 seconds they look at most 40 times: each look costs StackStorm more than them, and on
    a busy host a turn lasts about as long as what lies between two.
    """
    shelf = Shelf()
    listed, looks = shelf.service.list_values, []

    def counted(*names: Any, **more: Any) -> Any:
        looks.append(names)
        return listed(*names, **more)

    with leases(shelf).hold("roster"):
        monkeypatch.setattr(shelf.service, "list_values", counted)
        with pytest.raises(TemporaryError), leases(shelf, patience=20).hold("roster"):
            pass

    assert len(looks) <= 40


def test_other_names() -> None:
    """Leases of different names do not meet, not even where one name begins like another."""
    shelf = Shelf()
    with ExitStack() as stack:
        for name in ("change-1", "change-12", "roster"):
            stack.enter_context(leases(shelf, patience=0).hold(name))
        assert shelf.now == NOON


def test_held_already() -> None:
    """Within one process a lease that is held is held on, and given back by who took it first."""
    shelf = Shelf()
    mine = leases(shelf)
    with mine.hold("roster") as outer:
        with mine.hold("roster") as inner:
            assert inner is outer
        assert len(shelf.names()) == 1
    assert shelf.names() == []


def test_dead_holder() -> None:
    """What a dead holder left is free after the stated time, and not before."""
    shelf = Shelf()
    dead = leases(shelf).hold("roster")
    dead.__enter__()
    shelf.advance(seconds=LENGTH + GRACE - 1)
    with pytest.raises(TemporaryError), leases(shelf, patience=0).hold("roster"):
        pass

    shelf.advance(seconds=1)
    with leases(shelf, patience=0).hold("roster"):
        pass


def test_overtime() -> None:
    """Who held it too long is told before the next write."""
    shelf = Shelf()
    with leases(shelf).hold("roster") as lease:
        shelf.advance(seconds=LENGTH)
        with pytest.raises(TemporaryError, match="ran out"):
            lease.check()


def test_long_queue() -> None:
    """Who waits longer than an entry lasts keeps their place."""
    shelf = Shelf()
    first = leases(shelf).hold("roster")
    first.__enter__()
    with leases(shelf, patience=500).hold("roster") as lease:
        assert lease.left >= LEAST

    assert LENGTH + GRACE <= (shelf.now - NOON).total_seconds() < LENGTH + GRACE + 5


def test_rubbish_under_the_name() -> None:
    """A value that is no entry stands in nobody's way."""
    shelf = Shelf()
    for number, text in enumerate(["", "[]", '{"version": 2}', '{"version": 1, "number": "x"}']):
        shelf.store.put(f"{PREFIX}roster.x{number}", text)
    with leases(shelf, patience=0).hold("roster"):
        pass


def test_datastore_down() -> None:
    """Without the datastore nothing is held."""
    shelf = Shelf()
    shelf.store.down = True
    with pytest.raises(DatastoreError), leases(shelf).hold("roster"):
        pass


def test_datastore_goes_down_meanwhile() -> None:
    """What cannot be given back is no failure of the work that was done."""
    shelf = Shelf()
    with leases(shelf).hold("roster"):
        shelf.store.down = True
    shelf.store.down = False

    shelf.advance(seconds=LENGTH + GRACE)
    with leases(shelf, patience=0).hold("roster"):
        pass


def test_two_threads() -> None:
    """For real: of five threads that add to one number, none loses what another added."""
    shelf = Shelf()
    total = [0]

    def work() -> None:
        mine = Leases(shelf.service)
        for _ in range(2):
            with mine.hold("roster"):
                seen = total[0]
                threading.Event().wait(0.001)
                total[0] = seen + 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [10]
    assert shelf.names() == []


# Every interleaving.


class _Killed(BaseException):
    """The process ends here."""


class Process(Clock):
    """A process that stands still before each call of the datastore, each wait, and each end.

    It runs in a thread, but only while :meth:`step` waits for it: one thread at a time.
    """

    def __init__(self, shelf: Shelf, ahead: float = 0, holder: str = "") -> None:
        self._shelf = shelf
        self._holder = holder
        self._clock = ShelfClock(shelf, ahead)
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._fate = ""
        self._is_dead = False
        self.lease: Optional[Lease] = None
        self.error: Optional[BaseException] = None
        self.is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def step(self, fate: str = "") -> None:
        """Go on to the next stop. A ``fate`` is what becomes of the call: ``killed_before``,
        ``killed_after``, ``down`` or ``lost``.
        """
        if not self.is_over:
            self._fate = fate
            self._go.release()
            self._stopped.acquire()
        assert isinstance(self.error, (type(None), _Killed, TemporaryError)), self.error

    @property
    def holds(self) -> bool:
        """Whether it believes that it holds the lease: so may it write."""
        return self.lease is not None and self.lease.left > 0 and not self.is_over

    # The clock

    def now(self) -> float:
        """Its own time."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Time passes only by the machine's rule."""
        self._stop()

    # The datastore

    def list_values(self, **query: Any) -> Any:
        """A listing."""
        return self._call(lambda: self._shelf.service.list_values(**query))

    def set_value(self, *what: Any, **more: Any) -> Any:
        """A write."""
        return self._call(lambda: self._shelf.service.set_value(*what, **more), lossy=True)

    def delete_value(self, *what: Any, **more: Any) -> Any:
        """A deletion."""
        try:
            return self._call(lambda: self._shelf.service.delete_value(*what, **more), lossy=True)
        except ConnectionError:
            return False

    def _call(self, call: Callable[[], Any], *, lossy: bool = False) -> Any:
        fate = self._stop()
        if fate == "down":
            raise ConnectionError("down")
        answer = True if fate == "lost" and lossy else call()
        if fate == "killed_after":
            self._die()
        return answer

    def _stop(self) -> str:
        if self._is_dead:  # it tidies nothing up
            self._die()
        self._stopped.release()
        self._go.acquire()
        if self._fate == "killed_before":
            self._die()
        return self._fate

    def _die(self) -> None:
        self._is_dead = True
        raise _Killed

    def _leases(self) -> Leases:
        return Leases(_typed(self), self, patience=2, holder=self._holder)

    def _run(self) -> None:
        try:
            self._stop()
            with self._leases().hold("x") as self.lease:
                self._stop()
                self._stop()
        except BaseException as err:  # noqa: BLE001 - step() tells
            self.error = err
        finally:
            self.is_over = True
            self._stopped.release()


def _typed(process: Any) -> Datastore:
    store: Datastore = process
    return store


class _Bakery(RuleBasedStateMachine):
    """Processes that come, go on, die, and lose the datastore, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()
        self.processes: List[Process] = []

    @property
    def alive(self) -> List[Process]:
        return [one for one in self.processes if not one.is_over]

    @precondition(lambda self: len(self.alive) < 4)
    @rule(ahead=st.integers(-int(GRACE / 2), int(GRACE / 2)))
    def comes(self, ahead: int) -> None:
        self.processes.append(Process(self.shelf, ahead))

    @precondition(lambda self: self.alive)
    @rule(which=st.integers(0, 3), steps=st.integers(1, 6))
    def goes_on(self, which: int, steps: int) -> None:
        alive = self.alive
        for _ in range(steps):
            alive[which % len(alive)].step()
            self.never_two()

    @precondition(lambda self: self.alive)
    @rule(
        which=st.integers(0, 3),
        fate=st.sampled_from(["killed_before", "killed_after", "down", "lost"]),
    )
    def meets(self, which: int, fate: str) -> None:
        self.alive[which % len(self.alive)].step(fate)

    @rule(seconds=st.sampled_from([0.1, 1, 10, 29, 31, 60, 89, 91, 119, 121]))
    def time_passes(self, seconds: float) -> None:
        self.shelf.now += timedelta(seconds=seconds)

    @invariant()
    def never_two(self) -> None:
        assert sum(one.holds for one in self.processes) <= 1

    @invariant()
    def the_dead_give_it_back(self) -> None:
        """Nobody who is alive: then whoever comes once the time is up is served at once."""
        if self.alive:
            return
        later = Shelf()
        later.store, later.now = self.shelf.store, self.shelf.now
        self.shelf.now += timedelta(seconds=LENGTH + GRACE + GRACE / 2)
        try:
            with leases(self.shelf, patience=0).hold("x"):
                pass
        finally:
            self.shelf.now = later.now

    def teardown(self) -> None:
        for one in self.processes:
            while not one.is_over:
                one.step("killed_before")


TestBakery = _Bakery.TestCase
TestBakery.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


STEPS = range(1, 8)
"""A lease takes so many at most: two writes and two listings, the work in two steps, a deletion."""


def _two_take_turns(names: str, turns: Tuple[int, int], jump: float, fate: str, nth: int) -> int:
    """One goes so many steps, time passes, the other goes so many; then each a few, then by turns.

    :param nth: which of the first one's steps meets its fate.
    :return: how many of them held the lease at last.
    """
    shelf = Shelf()
    one, other = (Process(shelf, holder=name) for name in names)
    done = 0
    had = set()
    in_turns = [(process, 1) for _ in range(40) for process in (one, other)]
    for process, steps in [(one, turns[0]), (other, turns[1]), (one, 8), (other, 8), *in_turns]:
        for _ in range(steps):
            done += process is one
            process.step(fate if process is one and done == nth else "")
            assert not (one.holds and other.holds), (names, turns, jump, fate, nth)
            had.update(each for each in (one, other) if each.holds)
        if process is one and done == turns[0]:
            shelf.advance(seconds=jump)
    assert all(each.is_over for each in (one, other))
    return len(had)


@pytest.mark.parametrize("names", ["ab", "ba"])
@pytest.mark.parametrize("jump", [0, LEAST + 1, LENGTH + 1, LENGTH + GRACE + 1])
def test_any_turns(names: str, jump: float) -> None:
    """Wherever one stops and however long, and wherever the other: each holds it, never both."""
    ended = {(i, j): _two_take_turns(names, (i, j), jump, "", 0) for i in STEPS for j in STEPS}

    assert {turns for turns, held in ended.items() if held != 2} == set()


@pytest.mark.parametrize("fate", ["lost", "down", "killed_before", "killed_after"])
def test_any_fault(fate: str) -> None:
    """Whichever call of one fails, is lost or is its last: never do both hold it."""
    ended = [
        _two_take_turns(names, (i, j), 0, fate, nth)
        for names in ("ab", "ba")
        for i in STEPS
        for j in STEPS
        for nth in (2, 3, 4, 5)
    ]

    assert max(ended) >= 1


def test_lost_renewal() -> None:
    """Who waits long and whose renewal was lost is passed over by others, and knows it."""
    shelf = Shelf()
    first, second = Process(shelf, holder="a"), Process(shelf, holder="b")
    for process, steps in ((first, 3), (second, 6)):
        for _ in range(steps):
            process.step()
    assert first.holds
    shelf.advance(seconds=LENGTH - LEAST + 1)
    for _ in range(3):
        second.step("lost")
    shelf.advance(seconds=28)
    for _ in range(8):
        first.step()
        if not second.holds:
            second.step()
    assert first.is_over
    shelf.advance(seconds=61)
    third = Process(shelf, holder="c")
    for _ in range(6):
        third.step()

    assert second.holds != third.holds
    for process in (second, third):
        while not process.is_over:
            process.step("killed_before")
