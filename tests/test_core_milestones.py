"""Crossings and endings, and the names they go by."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import List, NoReturn, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import ACCOUNTS, POLICY, History, at, told
from reviewloop.core.durations import parse_duration
from reviewloop.core.keys import (
    Mark,
    ask_id,
    change_ident,
    digest,
    event_id,
    event_order,
    marks_of,
    ticket_key,
)
from reviewloop.core.milestones import Crossing, Ending, Window, crossing, crossings, elapsed
from reviewloop.core.reading import read_change, replay
from reviewloop.core.spans import Span, subtract
from reviewloop.core.turns import How
from reviewloop.core.worktime import Calendar

DAY = 86_400
SHORT = replace(POLICY, milestones=tuple(map(parse_duration, ("1h", "3h", "1d"))))


def in_review() -> History:
    """Uploaded on Monday at 9."""
    return History().upload("mon 9:00")


def crossed(history: History) -> List[Tuple[str, str]]:
    """The reviewers' crossings: milestone and when."""
    reading = read_change(history.change(), POLICY)
    return [(str(one.milestone), str(told(one.at))) for one in reading.timelines[0].crossings]


# Crossings.


def test_milestones_of_an_open_wait() -> None:
    """Without anything happening every milestone comes, in working days."""
    assert crossed(in_review()) == [
        ("1d", "tue 9:00"),
        ("2d", "wed 9:00"),
        ("5d", "mon2 9:00"),
        ("10d", "mon3 9:00"),
    ]


def test_crossing_before_the_end() -> None:
    """A milestone reached at the very second in which the wait ends is not crossed."""
    assert crossed(in_review().review("tue 9:00", "reviewer", text="Why?")) == []
    assert crossed(in_review().review("tue 9:00:01", "reviewer", text="Why?")) == [
        ("1d", "tue 9:00")
    ]


def test_red_moves_milestones() -> None:
    """Time while CI is red does not count."""
    history = in_review().ci("mon 10:00", "Verified-1").ci("mon 15:00", "Verified+1")

    assert crossed(history)[0] == ("1d", "tue 14:00")


def test_still_red() -> None:
    """While CI stays red no milestone is ahead."""
    assert crossed(in_review().ci("mon 10:00", "Verified-1")) == []


@given(st.lists(st.integers(1, 4 * DAY), min_size=1, max_size=6), st.integers(1, 6 * DAY))
def test_crossing_and_elapsed(gaps: List[int], seconds: int) -> None:
    """A crossing is the first instant at which that much has elapsed, whatever was red."""
    history = in_review()
    moment = at("mon 9:00")
    for index, gap in enumerate(gaps):
        moment += timedelta(seconds=gap)
        vote = "Verified-1" if index % 2 == 0 else "Verified+1"
        history.ci(f"{told(moment)}", vote)
    wait = history.state().waits[0]
    found = crossing(wait, seconds, Calendar())
    if found is None:
        assert len(gaps) % 2 == 1
        assert elapsed(wait, moment + timedelta(days=40), Calendar()) < seconds
    else:
        assert elapsed(wait, found, Calendar()) == seconds
        assert elapsed(wait, found - timedelta(seconds=1), Calendar()) == seconds - 1


class Unasked(Calendar):
    """A calendar that nobody needs."""

    def spend(self, *_: object) -> NoReturn:  # type: ignore[override]
        """Fails."""
        raise AssertionError("the calendar was asked")


def test_wait_that_is_too_short() -> None:
    """Where a wait is over before so much time has passed at all, no calendar is asked."""
    wait = in_review().review("mon 12:00", "reviewer", text="Why?").state().waits[0]
    assert wait.end is not None
    lasted = int((wait.end - wait.since).total_seconds())

    assert crossing(wait, lasted + 1, Unasked()) is None
    with pytest.raises(AssertionError):
        crossing(wait, lasted - 1, Unasked())


def test_no_working_time() -> None:
    """In a calendar that never works nothing is ever crossed."""
    history = in_review().review("fri 9:00", "reviewer", text="Why?")
    never = Calendar(days_off=lambda _day: True)

    assert crossing(history.state().waits[0], 1, never) is None
    assert crossing(history.state().waits[1], 1, never) is None


def test_handing_on_tells_the_milestone_again() -> None:
    """A /pass crosses the last milestone once more, if the wait lasts and reached any."""
    mark = Mark("escalate", "0123456789abcdef", (ACCOUNTS["committer"].id,))
    history = in_review().review("mon 12:00", "pack", text=f"Asked.\n\n{mark}")
    history.review("mon 13:00", "committer", text="/pass").review(
        "wed 12:00", "committer", text="/pass"
    )

    assert crossed(history)[:4] == [
        ("1d", "tue 9:00"),
        ("2d", "wed 9:00"),
        ("2d", "wed 12:00"),
        ("5d", "mon2 9:00"),
    ]


def test_handing_on_what_is_over() -> None:
    """A /pass after the wait's end, or at its very end, crosses nothing again."""
    mark = Mark("escalate", "0123456789abcdef", (ACCOUNTS["committer"].id,))
    history = in_review().review("mon 12:00", "pack", text=f"Asked.\n\n{mark}")
    history.review("tue 9:00", "committer", text="/pass").review("tue 12:00", "second", text="Why?")
    history.review("tue 12:00", "committer", text="/pass").review("tue 15:00", "owner", text="So.")
    history.review("tue 16:00", "committer", text="/pass")

    # The first came in the second of the crossing, which asks somebody else in any case.
    assert crossed(history) == [("1d", "tue 9:00")]


def test_handing_on_the_first_milestone() -> None:
    """One milestone reached is enough to be told again."""
    mark = Mark("escalate", "0123456789abcdef", (ACCOUNTS["committer"].id,))
    history = in_review().review("tue 10:00", "pack", text=f"Asked.\n\n{mark}")
    history.review("tue 12:00", "committer", text="/pass").review("wed 8:00", "second", text="Why?")

    assert crossed(history) == [("1d", "tue 9:00"), ("1d", "tue 12:00")]


# Windows.


def test_window() -> None:
    """A window leaves its beginning out and includes its end."""
    window = Window(at("mon 9:00"), at("mon 10:00"))

    assert [window.holds(at(f"mon {clock}")) for clock in ("9:00", "9:00:01", "10:00")] == [
        False,
        True,
        True,
    ]
    assert not window.holds(at("mon 10:00:01"))


@pytest.mark.parametrize(
    ("hole", "left"),
    [
        (("mon 7:00", "mon 8:00"), [("mon 9:00", "mon 12:00")]),
        (("mon 7:00", "mon 9:00"), [("mon 9:00", "mon 12:00")]),
        (("mon 7:00", "mon 10:00"), [("mon 10:00", "mon 12:00")]),
        (("mon 10:00", "mon 11:00"), [("mon 9:00", "mon 10:00"), ("mon 11:00", "mon 12:00")]),
        (("mon 11:00", "mon 12:00"), [("mon 9:00", "mon 11:00")]),
        (("mon 11:00", "mon 15:00"), [("mon 9:00", "mon 11:00")]),
        (("mon 11:00", None), [("mon 9:00", "mon 11:00")]),
        (("mon 9:00", "mon 12:00"), []),
        (("mon 8:00", None), []),
        (("mon 12:00", "mon 13:00"), [("mon 9:00", "mon 12:00")]),
        (("mon 13:00", None), [("mon 9:00", "mon 12:00")]),
    ],
)
def test_what_is_left_of_a_span(
    hole: Tuple[str, Optional[str]], left: List[Tuple[str, str]]
) -> None:
    """What a pause leaves of a span: nothing, one part or two, none of them empty."""
    pause = Span(at(hole[0]), None if hole[1] is None else at(hole[1]))
    parts = subtract((Span(at("mon 9:00"), at("mon 12:00")),), (pause,))

    assert [(told(part.start), told(part.end)) for part in parts] == left


# Replayed.


def test_crossing_of_a_wait_that_is_over() -> None:
    """What is not reached before its end is not crossed; a pause moves what is."""
    wait = in_review().review("mon 12:00", "reviewer", text="Why?").state().waits[0]
    pause = (Span(at("mon 9:30"), at("mon 10:30")),)

    assert told(crossing(wait, 3_600, Calendar())) == "mon 10:00"
    assert told(crossing(wait, 3_600, Calendar(), pause)) == "mon 11:00"
    assert crossing(wait, 3 * 3_600, Calendar()) is None
    assert told(crossing(wait, 3 * 3_600 - 1, Calendar())) == "mon 11:59:59"


def test_replay_tells_an_ending() -> None:
    """Of a wait that had reached a milestone, with the last it had; a snooze counts."""
    history = in_review().review("mon 10:00", "second", text="/snooze 1d")
    history.review("wed2 12:00", "reviewer", text="Why?")
    reading = read_change(history.change(), POLICY)
    wait, crossings = reading.timelines[0].wait, reading.timelines[0].crossings

    assert [told(one.at) for one in crossings] == ["wed 9:00", "thu 9:00", "tue2 9:00"]
    assert list(replay(reading, POLICY, Window(at("mon 0:00"), at("wed2 12:00")))) == [
        *crossings,
        Ending(wait, crossings[-1], at("wed2 12:00")),
    ]


def test_replay_tells_each_milestone() -> None:
    """A replay tells every crossing, and no ending that comes later."""
    history = in_review().review("thu 12:00", "reviewer", text="Why?")
    reading = read_change(history.change(), POLICY)
    found = list(replay(reading, POLICY, Window(at("mon 0:00"), at("thu 9:00"))))

    assert [str(one.milestone) for one in found if isinstance(one, Crossing)] == ["1d", "2d"]
    assert len(found) == 2


# Names.


def test_event_ids() -> None:
    """An id names server, change, party, beginning and milestone."""
    assert event_id("h:80", 7, "owner", at("mon 9:00"), "2d") == "h:80:7:owner:1772442000:2d"


def test_ticket_keys() -> None:
    """A key is legal as a label, tag, keyword and field value in every tracker known."""
    key = ticket_key("review.example.org", 12)

    assert key == ticket_key("review.example.org", 12)
    assert key != ticket_key("review.example.org", 13)
    assert len(key) == 20
    assert key.startswith("grv-")


def test_names_of_one_of_two_changes_with_a_number() -> None:
    """They name the project, percent-encoded as one piece."""
    assert change_ident(7, "a/b ü") == "a%2Fb%20%C3%BC~7"
    assert change_ident(7) == "7"
    assert event_id("h", 7, "owner", at("mon 9:00"), "2d", "a/b") == (
        "h:a%2Fb~7:owner:1772442000:2d"
    )
    assert ticket_key("h", 7, "a/b") != ticket_key("h", 7)


def test_names_stay() -> None:
    """They stand on changes and in trackers: another way to compute them would lose those."""
    assert digest("a", 1) == hashlib.sha256(b"a|1").hexdigest()[:16]
    assert ticket_key("h", 7, "a/b") == "grv-" + digest("ticket", "h", "a%2Fb~7")
    assert ask_id("h:7:owner:1772442000:2d", "chair") == digest(
        "h:7:owner:1772442000:2d", "chair", 0
    )
    assert digest("\ud800") == hashlib.sha256(rb"\ud800").hexdigest()[:16]


def test_order_of_events() -> None:
    """By the number of the change, whatever the server and the project are called."""
    ids = [f"{where}:owner:1772442000:2d" for where in ("h:9", "h:80:a~10", "b:12", "h:100")]
    assert sorted(ids, key=event_order) == ids

    assert event_order("h:12:owner:1:2d") == (12, "h:12:owner:1:2d")
    assert event_order("h:x:owner:1:2d") == (0, "h:x:owner:1:2d")
    assert event_order("h") == (0, "h")


def test_marks_of_nobody() -> None:
    """A mark that asks nobody by name, and a message without one."""
    mark = Mark("label", "0123456789abcdef")
    message = in_review().review("mon 10:00", "pack", text=f"{mark} \n\n").messages[-1]

    assert str(mark) == "[st2-gerrit label 0123456789abcdef]"
    assert marks_of(message) == (mark,)
    assert str(replace(mark, asked=(7, 8))) == "[st2-gerrit label 0123456789abcdef asked=7,8]"
    assert marks_of(message._replace(text=f"{mark}\nmore")) == ()


def test_marks() -> None:
    """A mark is read back from the message it stands in, and only as a line of its own."""
    mark = Mark("nudge", "0123456789abcdef", (7, 8))
    message = in_review().review("mon 10:00", "pack", text=f"x\n\n{mark}").messages[-1]

    assert marks_of(message) == (mark,)
    assert mark.key == replace(mark, asked=()).key
    assert str(mark).startswith(mark.key)
    assert marks_of(message._replace(text=f"he said {mark}")) == ()


def test_a_mark_that_names_other_changes() -> None:
    """Whoever is asked, or a whole committee without names; nothing else is a mark."""
    mark = Mark("escalate", "0123456789abcdef", (7, 8), (4243, 4244))
    message = in_review().review("mon 10:00", "pack", text=f"x\n\n{mark}").messages[-1]

    assert str(mark) == "[st2-gerrit escalate 0123456789abcdef asked=7,8 for=4243,4244]"
    assert marks_of(message) == (mark,)
    assert mark.key == replace(mark, joined=()).key
    nobody = replace(mark, asked=())
    assert marks_of(message._replace(text=str(nobody))) == (nobody,)
    for text in ("for= ", "for=1 asked=7", "for=1,", "for=x"):
        assert marks_of(message._replace(text=f"{mark.key} {text}]")) == ()


def test_durations() -> None:
    """Minutes and hours are what they are; days and weeks are the calendar's."""
    office = Calendar(workdays=frozenset({0, 1, 2, 3}), start=9 * 3600, length=8 * 3600)
    seconds = [parse_duration(text).seconds(office) for text in ("90m", "4h", "2d", "1w")]

    assert seconds == [90 * 60, 4 * 3600, 16 * 3600, 32 * 3600]
    assert str(parse_duration("02d")) == "2d"


@pytest.mark.parametrize("text", ["", "2", "d", "2 days", "2D", "-1d", "1.5d", "1234567d", "2d\n"])
def test_durations_that_are_none(text: str) -> None:
    """Anything but a number and a unit is refused with what to write instead."""
    told = (
        f"{text!r} is not an amount of working time;"
        " write a number and m, h, d or w, like 4h or 2d."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        parse_duration(text)


def test_long_text_that_is_no_duration() -> None:
    """Its first 60 characters are told."""
    with pytest.raises(ValueError, match=f"^'{'x' * 60}' is not"):
        parse_duration("x" * 61)


def test_every_ending_has_words() -> None:
    """How a wait may end is an enum whose values are what triggers carry."""
    assert json.dumps([how.value for how in How]) == json.dumps(
        [
            "answered",
            "approved",
            "ci_recovered",
            "reviewed",
            "superseded",
            "held_by_owner",
            "merged",
            "abandoned",
            "wip",
        ]
    )


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(0, 1))
def test_crossings_are_each_milestones(gaps: List[int], weekend: int) -> None:
    """Those of a wait are what is calculated for each milestone, however short the wait is."""
    history = History().upload("fri 20:00" if weekend else "mon 9:00")
    moment = at("fri 20:00" if weekend else "mon 9:00")
    for place, gap in enumerate(gaps):
        moment += timedelta(minutes=10 * gap)
        history.review(f"{told(moment)}", "second", f"Code-Review{('-1', '+1')[place % 2]}")
    calendar = SHORT.calendar
    for wait in history.state().waits:
        each = (crossing(wait, one.seconds(calendar), calendar) for one in SHORT.milestones)
        expected = [at_ for at_ in each if at_ is not None]

        assert [one.at for one in crossings(wait, SHORT)] == expected


def test_no_milestones() -> None:
    """Where there are none, none is crossed, and nothing else goes wrong."""
    (wait,) = in_review().state().waits
    ended = wait._replace(end=at("wed 9:00"), segments=(Span(wait.since, at("wed 9:00")),))

    assert crossings(wait, replace(POLICY, milestones=())) == ()
    assert crossings(ended, replace(POLICY, milestones=())) == ()
