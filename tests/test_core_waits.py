"""When the stopwatch of each wait runs."""

from __future__ import annotations

from typing import List, Optional, Tuple

from histories import History, approved, commented, in_review, told

Segment = Tuple[Optional[str], Optional[str]]


def segments(history: History) -> List[Tuple[str, List[Segment]]]:
    """Of each wait the party, and from when to when its stopwatch runs."""
    return [
        (wait.party.value, [(told(one.start), told(one.end)) for one in wait.segments])
        for wait in history.state().waits
    ]


def test_wait_that_is_over() -> None:
    """It runs until its end, the owner's as the reviewers'."""
    history = commented().review("mon 12:00", "owner", text="Because.")

    assert segments(history) == [
        ("reviewers", [("mon 9:00", "mon 10:00")]),
        ("owner", [("mon 10:00", "mon 12:00")]),
        ("reviewers", [("mon 12:00", None)]),
    ]


def test_red() -> None:
    """It stops the reviewers' stopwatch and starts the owner's."""
    history = in_review().ci("mon 10:00", "Verified-1").ci("mon 11:00", "Verified+1")

    assert segments(history) == [
        ("reviewers", [("mon 9:00", "mon 10:00"), ("mon 11:00", None)]),
        ("owner", [("mon 10:00", "mon 11:00")]),
    ]


def test_red_that_ends_by_itself() -> None:
    """The owner's runs until then."""
    history = approved().ci("mon 11:00", "Verified-1").ci("mon 12:00", "-Verified")

    assert segments(history)[1:] == [
        # The gate that has voted before is missing now.
        ("submitter", [("mon 10:00", "mon 11:00")]),
        ("owner", [("mon 11:00", "tue 12:00")]),
    ]
