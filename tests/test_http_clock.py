"""What time it is on the server, and how sure that is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.http.clock import MAX_AGE, ServerClock, utc_now

LOCAL = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
DATE = datetime(2026, 3, 2, 10, 0, tzinfo=timezone.utc)


class World:
    """Two clocks of this machine, and the server's as it is kept."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.server = ServerClock(lambda: LOCAL, lambda: self.seconds)


@pytest.fixture
def world() -> World:
    """Before the first answer."""
    return World()


def test_before_the_first_answer(world: World) -> None:
    """There is only the local clock."""
    clock = world.server.read()

    assert (clock.now, clock.local, clock.server, clock.ahead) == (LOCAL, LOCAL, None, None)


def test_a_date(world: World) -> None:
    """The server's time, and how far it is ahead of ours."""
    world.server.hear(DATE)

    clock = world.server.read()
    assert (clock.now, clock.server, clock.local) == (DATE, DATE, LOCAL)
    assert clock.ahead == timedelta(hours=1)


def test_between_two_answers(world: World) -> None:
    """It ages by a clock that never goes back, in whole seconds as it was sent."""
    world.server.hear(DATE)
    world.seconds += 61.9

    clock = world.server.read()
    assert clock.now == DATE + timedelta(seconds=61)
    assert clock.age == timedelta(seconds=61.9)


def test_answers_without_date(world: World) -> None:
    """The time before goes on; after an hour without any, the local clock is the better one."""
    world.server.hear(DATE)
    world.seconds += MAX_AGE.total_seconds()
    world.server.hear(None)
    assert world.server.read().now == DATE + MAX_AGE

    world.seconds += 1
    assert world.server.read().now == LOCAL
    assert world.server.read().server is None


@pytest.mark.parametrize("year", [1, 1970, 1999, 2200, 9999])
def test_a_date_that_is_none(world: World, year: int) -> None:
    """A clock that was never set is no clock, and must not break what is reckoned from it."""
    world.server.hear(datetime(year, 12, 31, 23, 59, 59, tzinfo=timezone.utc))
    world.seconds += 60

    assert world.server.read().server is None


@given(st.lists(st.tuples(st.one_of(st.none(), st.datetimes()), st.floats(0, 1e6)), max_size=8))
def test_it_never_fails(heard: list) -> None:
    """Whatever was heard, and whenever: a time."""
    world = World()
    for date, seconds in heard:
        world.server.hear(date and date.replace(tzinfo=timezone.utc))
        world.seconds += seconds

        assert world.server.read().now.tzinfo is timezone.utc


def test_this_machine() -> None:
    """The local clock is aware, in UTC."""
    assert utc_now().tzinfo is timezone.utc
