"""What operators read of the sensor, word by word: in its log, and in remedies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, List, Optional

import pytest

from bench import Bench
from histories import at
from reviewloop.core import payloads
from reviewloop.errors import ProtocolError, ReviewLoopError
from reviewloop.sensor.aside import Aside
from reviewloop.sensor.clock import LIMIT, Clocks, DoubtedClock
from reviewloop.sensor.dispatch import MessagingError, Outbox
from reviewloop.sensor.found import ChangeKey, Failed

NINE = at("mon 9:00")
SECOND = timedelta(seconds=1)


def said(error: Optional[ReviewLoopError]) -> List[str]:
    """A trouble's message and its remedy."""
    assert error is not None
    return [error.message, error.remedy]


def logged(bench: Bench) -> List[str]:
    """Level and text of each line of the log."""
    return [f"{one.levelname}: {one.getMessage()}" for one in bench.log]


# Changes set aside


def aside(*failures: Failed) -> Aside:
    """These are set aside."""
    found = Aside()
    for one in failures:
        found.put(one, NINE, NINE)
    return found


def failure(number: int, why: str = "it makes no sense.") -> Failed:
    """One change that makes no sense."""
    return Failed(ChangeKey(number, "tools/build"), ProtocolError(why))


def test_one_change_set_aside() -> None:
    """Its number, why, and what is done about it."""
    assert said(aside(failure(7)).trouble()) == [
        "Not all changes could be read: change 7: it makes no sense.",
        "All others are watched, and these are tried again: 7."
        " Report it with the server's version if it lasts.",
    ]


def test_changes_rows_and_values() -> None:
    """By number; then damaged values; then rows of which not even the number is known."""
    nameless = Failed(None, KeyError("x"))
    found = aside(nameless, failure(9, "its label is X."), failure(7, "a. b."))
    found.note(ChangeKey(8, "tools/build"), "its status is FROZEN")
    found.unreadable = ["gerrit.pending.1"]

    assert said(found.trouble()) == [
        "Not all changes could be read: change 7: a. b; change 8: its status is FROZEN;"
        " change 9: its label is X; the datastore value gerrit.pending.1 is no record;"
        " KeyError, a defect of this pack.",
        "All others are watched, and these are tried again: 7, 8, 9."
        " Report it with the server's version if it lasts.",
    ]


def test_a_row_without_a_number() -> None:
    """There is no number to name, and that is said."""
    assert said(aside(Failed(None, ProtocolError("no number."))).trouble()) == [
        "Not all changes could be read: no number.",
        "All others are watched, and these are tried again: without a number."
        " Report it with the server's version if it lasts.",
    ]


def test_more_than_are_named() -> None:
    """Ten of a kind are named, and how many are not."""
    found = aside(
        *(failure(number, "odd") for number in range(1, 13)),
        *(Failed(None, ProtocolError(f"row {place}")) for place in range(13)),
    )
    found.unreadable = [f"v{place}" for place in range(11)]
    trouble = found.trouble()
    assert trouble is not None

    reasons = [f"change {number}: odd" for number in range(1, 11)]
    reasons += [f"the datastore value v{place} is no record" for place in range(10)]
    reasons += [f"row {place}" for place in range(10)]
    assert trouble.message == (f"Not all changes could be read: {'; '.join(reasons)}; and 6 more.")
    assert "tried again: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10. Report" in trouble.remedy


# Clocks


def clock(server: Any = NINE, local: Any = NINE) -> DoubtedClock:
    """Both clocks, as the server has just answered."""
    found = DoubtedClock(lambda: Clocks(local, server))
    found.check()
    return found


NTP = (
    "Set the clocks of Gerrit and of this machine by NTP; a proxy between them must not cache"
    " answers, and must leave the header Date alone."
)


def test_server_that_tells_no_time() -> None:
    """What is missing, and what may have taken it away."""
    assert said(clock(None).trouble()) == [
        "The server tells no time (no usable `Date` in its answers).",
        NTP,
    ]


def test_two_clocks_that_differ() -> None:
    """What each shows, and which counts."""
    assert said(clock(NINE + LIMIT + SECOND).trouble()) == [
        "The server's clock shows 2026-03-02T10:00:01Z, this machine's 2026-03-02T09:00:00Z:"
        " the earlier one counts.",
        NTP,
    ]


def test_a_clock_that_stands_still() -> None:
    """Where it stands."""
    local = [NINE]
    found = DoubtedClock(lambda: Clocks(local[0], NINE))
    for _ in range(3):
        found.check()
        local[0] += timedelta(minutes=2)

    assert said(found.trouble()) == [
        "The server's clock stands still at 2026-03-02T09:00:00Z.",
        NTP,
    ]


def test_a_change_dated_ahead() -> None:
    """Which, and when that is over."""
    found = clock()
    found.check_updated(8, NINE + LIMIT + SECOND)

    assert said(found.trouble()) == [
        "Change 8 was updated at 2026-03-02T10:00:01Z, which is still to come.",
        "Look after the clocks of Gerrit's nodes; the next update of the change mends it.",
    ]


def test_a_cursor_ahead() -> None:
    """Where it stood."""
    found = clock()
    found.check_cursor(NINE + LIMIT + SECOND)

    assert said(found.trouble()) == [
        "The cursor stood at 2026-03-02T10:00:01Z, which is in the future; it is set to now.",
        "Look after the clocks of Gerrit and of this machine: one was wrong.",
    ]


# StackStorm


def test_a_bus_that_takes_nothing() -> None:
    """What it raised, and that the connection may have to be made anew."""

    def send(_trigger: str, _payload: Dict[str, Any], _tag: Optional[str]) -> None:
        raise OSError("no bus")

    with pytest.raises(MessagingError) as caught:
        Outbox(send).put("gerrit.change_waiting", {})
    assert said(caught.value) == [
        "StackStorm did not take a trigger (OSError: no bus).",
        "Check StackStorm's message bus; if this lasts although the bus is up, disable and enable"
        " the sensor: its connection does not come back by itself. Nothing is lost.",
    ]


# The log


def test_log_of_a_start() -> None:
    """From when on, and how much is watched."""
    bench = Bench()
    bench.fake.add_change()
    bench.poll()

    assert logged(bench)[0] == (
        "INFO: First start: dispatching what happens after 2026-03-02T09:00:10Z."
    )
    assert "INFO: Watching 1 changes." in logged(bench)


def test_log_of_a_change_set_aside() -> None:
    """Its number and why, once; a traceback only where the defect is ours."""
    bench = Bench()
    bench.fake.changes[bench.fake.add_change()].messages[0]["date"] = "yesterday"
    bench.poll()
    bench.fake.advance(hours=2)
    bench.poll()
    aside = [one for one in bench.log if one.levelname == "WARNING"]

    assert [one.getMessage() for one in aside] == [
        "A change cannot be read and is set aside (1): change 1, `date`: 'yesterday' is not a time"
        " in Gerrit's form."
    ]
    assert aside[0].exc_info is None


def test_log_of_a_row_and_a_defect() -> None:
    """A row without a number is said to have none, and a defect of ours leaves its traceback."""
    bench = Bench()
    bench.poll()
    bench.poller._intake.fail(Failed(None, KeyError("a defect")))
    (line,) = bench.log[2:]

    assert line.getMessage() == ("A change cannot be read and is set aside (no number): 'a defect'")
    assert line.exc_info is not None
    assert line.exc_info[0] is KeyError


def test_log_of_a_payload_that_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours that one change brings to light is told with its traceback."""
    bench = Bench()
    bench.fake.add_change()
    bench.poll()

    def defect(*_what: Any) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(payloads, "waiting", defect)
    bench.has_defect = True
    bench.fake.at("2026-03-03 09:00:00")
    bench.poll()
    (line,) = [one for one in bench.log if one.levelname == "WARNING"]

    assert line.getMessage() == "A change cannot be read and is set aside (1): 'a defect'"
    assert line.exc_info is not None
    assert line.exc_info[0] is KeyError


def test_log_of_a_trouble() -> None:
    """What it is called, what was said, and after how many polls it was over."""
    bench = Bench()
    bench.poll()
    for _ in range(2):
        bench.fake.fail(401, "Unauthorized")
        bench.poll()
    bench.local_time = bench.fake.now + timedelta(days=400)
    bench.poll()

    server = "gerrit.example.org"
    down, recovered, clocks = logged(bench)[2:]
    assert down.startswith(f"ERROR: Polling {server} fails (auth): {server} answered GET ")
    assert recovered == f"INFO: Polling {server} works again (auth) after 2 polls."
    assert clocks.startswith(
        f"ERROR: Polling {server} meets a problem (clock): The server's clock shows"
    )
    assert {one.exc_info for one in bench.log} == {None}


def test_log_of_a_trouble_that_is_a_defect() -> None:
    """It has a traceback."""
    bench = Bench()
    bench.poll()

    def defect(_request: object) -> None:
        raise KeyError("a defect")

    bench.fake.before_send = defect
    bench.has_defect = True
    bench.poll()
    line = bench.log[-1]

    assert line.getMessage() == "Polling gerrit.example.org fails (internal): 'a defect'"
    assert line.exc_info is not None
    assert line.exc_info[0] is KeyError


def test_log_of_a_datastore_that_is_down() -> None:
    """What was reported before cannot be known then; after that it is."""
    bench = Bench()
    bench.shelf.store.down = True
    bench.poll()

    assert logged(bench)[0] == "DEBUG: Which troubles were reported cannot be read yet."


def test_log_of_the_daily_look() -> None:
    """What the polls before had missed, where that is something; and how much is remembered."""
    bench = Bench(reconciles=True)
    bench.poll()
    number, other = bench.fake.add_change(), bench.fake.add_change()
    bench.fake.at("2026-03-04 09:00:00")
    bench.poll()
    bench.fake.at("2026-03-04 12:00:00")
    bench.fake.review(other, text="newer", at="2026-03-04 11:59:00")
    bench.poll()
    # Dated far before what the next deltas ask for.
    bench.fake.review(number, text="Why?", at="2026-03-04 09:30:00")
    bench.fake.at("2026-03-05 10:00:00")
    bench.poll()

    assert logged(bench)[2:] == [
        "DEBUG: 2 changes watched, 2 remembered.",
        "INFO: 1 changes were found that the polls before had missed.",
        "DEBUG: 2 changes watched, 2 remembered.",
    ]


def test_roster_that_gerrit_does_not_know() -> None:
    """Every member that cannot be asked is in the remedy."""
    bench = Bench(roster={"members": [{"gerrit": "nobody1"}, {"gerrit": "nobody2"}]})
    bench.poll()
    ((_, trouble),) = bench.told

    assert ": The roster is not as Gerrit has it. roster.members[0]" in logged(bench)[-1]
    first, second = trouble["remedy"].split("roster.members")[1:]
    assert first.startswith("[0].gerrit is 'nobody1'")
    assert first.endswith(". ")
    assert second.startswith("[1].gerrit is 'nobody2'")
