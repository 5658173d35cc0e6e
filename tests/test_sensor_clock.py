"""The server's clock, as far as it can be believed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Optional

import pytest

from histories import at
from reviewloop.sensor.clock import LIMIT, Clocks, DoubtedClock

NINE = at("mon 9:00")
SECOND = timedelta(seconds=1)


class Two:
    """Both clocks, to be set."""

    def __init__(self) -> None:
        self.local = NINE
        self.server: Optional[datetime] = NINE
        self.clock = DoubtedClock(lambda: Clocks(self.local, self.server))
        self.clock.check()

    def pass_by(self, server: float = 5, local: float = 5) -> None:
        """So many minutes pass on each; then the server answers."""
        assert self.server is not None
        self.server += timedelta(minutes=server)
        self.local += timedelta(minutes=local)
        self.clock.check()

    def trouble(self) -> str:
        """What is wrong, "" if nothing is."""
        found = self.clock.trouble()
        return "" if found is None else found.message


@pytest.fixture
def two() -> Two:
    """Both show nine o'clock."""
    return Two()


def test_the_servers_clock_counts(two: Two) -> None:
    """Its time is taken, whatever this machine's says within an hour."""
    two.local = NINE - LIMIT
    two.clock.check()

    assert two.clock.now() == NINE
    assert two.trouble() == ""


@pytest.mark.parametrize("ahead", [LIMIT + SECOND, timedelta(days=365)])
def test_server_ahead(two: Two, ahead: timedelta) -> None:
    """A server that is ahead by more than an hour is not believed, and that is said."""
    two.server = NINE + ahead
    two.clock.check()

    assert two.clock.now() == two.local
    assert "2026-03-02T09:00:00Z" in two.trouble()
    two.server = NINE
    two.clock.check()
    assert two.clock.now() == NINE
    assert two.trouble() == ""


def test_not_believed_before_it_is_said(two: Two) -> None:
    """Between two answers a clock is judged too."""
    two.server = NINE + timedelta(days=365)

    assert two.clock.now() == two.local


def test_server_behind(two: Two) -> None:
    """Of two clocks that differ the earlier one counts: this machine's may be the one ahead."""
    two.local = NINE + timedelta(days=365)
    two.clock.check()

    assert two.clock.now() == NINE
    assert "the earlier one counts" in two.trouble()


def test_no_date(two: Two) -> None:
    """A server that tells no time leaves this machine's, in whole seconds."""
    two.server = None
    two.local = NINE + timedelta(minutes=5, microseconds=7)
    two.clock.check()

    assert two.clock.now() == NINE + timedelta(minutes=5)
    assert two.clock.local() == two.clock.now()
    assert "no time" in two.trouble()


def test_date_out_of_a_cache(two: Two) -> None:
    """A `Date` that stands still while time passes here, twice in a row, is a cache's."""
    two.pass_by(server=0)
    two.pass_by(server=0)
    assert two.clock.now() == NINE + timedelta(minutes=10)
    assert "stands still" in two.trouble()
    two.pass_by(server=0)
    assert two.clock.now() == NINE + timedelta(minutes=15)

    two.pass_by(server=20)
    assert two.clock.now() == NINE + timedelta(minutes=20)
    assert two.trouble() == ""


@pytest.mark.parametrize(("server", "stands"), [(2.5, False), (2.49, True), (0, True)])
def test_slow_clock(two: Two, server: float, stands: bool) -> None:
    """One that goes on by half as much, or more, does not stand still."""
    for _ in range(2):
        two.pass_by(server=server)

    assert ("stands still" in two.trouble()) is stands


def test_date_that_comes_back(two: Two) -> None:
    """A server that begins to tell the time is believed at once."""
    two.server = None
    two.local += timedelta(minutes=5)
    two.clock.check()
    two.server = two.local = NINE + timedelta(minutes=10)
    two.clock.check()

    assert two.clock.now() == NINE + timedelta(minutes=10)
    assert two.trouble() == ""


def test_polls_in_quick_succession(two: Two) -> None:
    """In a few seconds no clock can be told to stand still, nor to go again."""
    for _ in range(3):
        two.pass_by(server=0, local=1)
        assert two.trouble() == ""
    two.pass_by(server=0, local=1)
    assert "stands still" in two.trouble()
    two.pass_by(server=0.5, local=0.5)
    assert "stands still" in two.trouble()


def test_jump_of_this_machines_clock(two: Two) -> None:
    """When this machine's clock is set forward, the server's has not stood still."""
    two.pass_by(local=50)
    assert two.clock.now() == NINE + timedelta(minutes=5)
    two.pass_by()

    assert two.clock.now() == NINE + timedelta(minutes=10)
    assert two.trouble() == ""


def test_clock_that_is_set_back(two: Two) -> None:
    """A clock that was ahead and is right again does not stand still."""
    two.server = NINE + timedelta(minutes=30)
    two.pass_by()
    two.server = NINE
    two.pass_by(server=10)

    assert two.clock.now() == NINE + timedelta(minutes=10)
    assert two.trouble() == ""


def test_change_dated_ahead(two: Two) -> None:
    """Of updates that are still to come, one that is far ahead is reported with its change."""
    two.clock.check_updated(7, NINE + LIMIT)
    assert two.trouble() == ""
    two.clock.check_updated(8, NINE + LIMIT + SECOND)

    assert "Change 8" in two.trouble()
    two.clock.check()
    assert two.trouble() == ""


def test_cursor_ahead(two: Two) -> None:
    """A cursor far ahead of the clock was put there by a wrong one."""
    assert not two.clock.check_cursor(NINE + LIMIT)
    assert two.trouble() == ""
    assert two.clock.check_cursor(NINE + LIMIT + SECOND)
    assert "cursor" in two.trouble()


@pytest.mark.parametrize("is_cursor", [True, False])
def test_before_the_first_answer(is_cursor: bool) -> None:
    """Nothing is wrong until something is found; the first that is found is told."""
    clock = DoubtedClock(lambda: Clocks(NINE, NINE))
    assert clock.trouble() is None
    assert clock.now() == NINE
    for ahead in (2, 3):
        if is_cursor:
            clock.check_cursor(NINE + timedelta(hours=ahead))
        else:
            clock.check_updated(ahead, NINE + timedelta(hours=ahead))
    trouble = clock.trouble()

    assert trouble is not None
    assert "11:00:00" in trouble.message


def test_a_clock_that_is_wrong_comes_first(two: Two) -> None:
    """Where a clock is wrong, what it makes of changes and of the cursor is no news."""
    two.server = None
    two.clock.check()
    two.clock.check_updated(8, NINE + timedelta(hours=2))
    two.clock.check_cursor(NINE + timedelta(hours=2))

    assert "no time" in two.trouble()
