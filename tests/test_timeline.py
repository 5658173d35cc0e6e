"""A change's history as turns on a line of time, in values, as text and as a picture."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Dict, List, Tuple
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_history import SHORT, STEPS, Steps, history_of
from histories import History, at
from reviewloop.core.policy import Policy
from reviewloop.core.reading import read_change
from reviewloop.core.steps import follow_turns
from reviewloop.core.worktime import Calendar
from reviewloop.insight import timeline_style, timeline_svg, timeline_text
from reviewloop.insight.ticks import ticks
from reviewloop.insight.timeline import Off, TimeLine, as_dict, timeline
from reviewloop.insight.timeline_text import LABEL, LEAST, PLAIN, PRETTY
from reviewloop.insight.timeline_words import turns
from reviewloop.settings.calendar import DaysOff, Freeze

SVG = "{http://www.w3.org/2000/svg}"
WEDNESDAY = date(2026, 3, 4)
NO_DAYS = DaysOff()
FROZEN = DaysOff(freezes=(Freeze(WEDNESDAY, WEDNESDAY, "release"),), dates=frozenset())


def line_of(history: History, now: str, policy: Policy = SHORT) -> TimeLine:
    """The line of a history as it is at a time."""
    change = history.change()
    taken = follow_turns(change, policy).steps
    return timeline(read_change(change, policy), taken, policy, at(now))


def rows(line: TimeLine, width: int = 76) -> Dict[str, str]:
    """The rows of the drawing that have a name, without it."""
    drawn = timeline_text.drawn(line, width, PLAIN)
    return {row[:LABEL].strip(): row[LABEL:] for row in drawn if row[:LABEL].strip()}


def office(days_off: DaysOff = NO_DAYS) -> Policy:
    """Eight hours a day."""
    return replace(SHORT, calendar=Calendar(start=9 * 3600, length=8 * 3600, days_off=days_off))


# --- values -----------------------------------------------------------------------------------


def test_turns_and_milestones() -> None:
    """A turn has its milestones so far, and of an open one the next, which lies ahead."""
    history = History().upload("mon 9:00").review("mon 11:00", "reviewer", text="Why?")
    history.review("mon 12:00", "owner", text="Because.")
    line = line_of(history, "mon 14:00")
    told = [(one.party.value, [mark.milestone for mark in one.reached]) for one in line.turns]

    assert told == [("reviewers", ["1h"]), ("owner", []), ("reviewers", ["1h", "3h"])]
    assert (line.begin, line.end) == (at("mon 9:00"), at("mon 15:00"))
    assert [one.what for one in line.happened] == ["upload", "review", "reply"]


def test_line_of_a_closed_change_ends_with_it() -> None:
    """Whenever one looks, it ends where the change did."""
    line = line_of(History().upload("mon 9:00").merge("tue 9:00"), "fri4 9:00")

    assert line.end == at("tue 9:00")
    assert line.is_over
    assert line.happened[-1].what == "merged"


def test_days_off_have_their_reason() -> None:
    """A freeze is told with its reason, and takes no working time; a weekend is no day off."""
    line = line_of(History().upload("mon 9:00"), "mon2 9:00", office(FROZEN))

    assert line.off == (Off(WEDNESDAY, WEDNESDAY, "freeze: release"),)
    assert all(one.start.date() != WEDNESDAY for one in line.working)
    assert as_dict(line)["days_off"] == [
        {"from": "2026-03-04", "to": "2026-03-04", "reason": "freeze: release"}
    ]


def test_part_of_a_line() -> None:
    """From an instant on, or the last hour at least."""
    line = line_of(History().upload("mon 9:00").merge("fri 9:00"), "fri 9:00")

    assert line.since(at("wed 0:00")).begin == at("wed 0:00")
    assert line.since(at("sun 0:00")).begin == at("fri 8:00")
    assert line.since(at("mon 0:00")).begin == at("mon 9:00")


def test_json_of_a_long_history_is_bounded() -> None:
    """The latest turns and events, and how many were left out."""
    history = History().upload("mon 9:00")
    for minute in range(300):
        who = "owner" if minute % 2 else "reviewer"
        history.review(f"mon {10 + minute // 60}:{minute % 60:02d}", who, text="Hm.")
    found = as_dict(line_of(history, "tue 9:00"))

    assert (len(found["turns"]), found["turns_left_out"]) == (200, 101)
    assert (len(found["events"]), found["events_left_out"]) == (200, 101)


# --- text -------------------------------------------------------------------------------------


def test_drawing() -> None:
    """Rows for whoever had the turn, for red and snoozes; marks below; nights stand still."""
    history = (
        History().upload("mon 9:00").ci("mon 11:00", "Verified-1").ci("mon 15:00", "Verified+1")
    )
    history.review("tue 9:00", "second", text="/snooze 2h").review(
        "wed 10:00", "reviewer", text="?"
    )
    found = rows(line_of(history, "wed 16:00", office()), 100)

    # One column is an hour, from Monday 9:00 on.
    assert found["work"] == f"{'=' * 8}{' ' * 16}{'=' * 8}{' ' * 16}{'=' * 8}{' ' * 16}="
    assert found["reviewers"] == f"##----##{'-' * 16}--######{'-' * 16}#"
    assert found["red"] == "  xxxx"
    assert found["snoozed"] == f"{' ' * 24}xx"
    # What is to come is dotted.
    assert found["owner"] == f"  ####{' ' * 43}######.{' ' * 16}."
    assert "submitter" not in found
    assert found["events"] == f"u{' ' * 48}r"


@pytest.mark.parametrize("glyphs", [PLAIN, PRETTY], ids=["ascii", "unicode"])
@given(steps=STEPS, width=st.integers(40, 200), hours=st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_text_of_any_history_fits(
    glyphs: timeline_text.Glyphs, steps: Steps, width: int, hours: int
) -> None:
    """No row is wider than asked for, ASCII is ASCII, and every open turn is drawn."""
    history = history_of(steps)
    change = history.change()
    now = max(one.date for one in change.messages) + timedelta(hours=hours)
    taken = follow_turns(change, SHORT).steps
    line = timeline(read_change(change, SHORT), taken, SHORT, now)
    drawn = timeline_text.drawn(line, width, glyphs)

    assert max(map(len, drawn)) <= max(width, LEAST)
    assert glyphs is PRETTY or "".join(drawn).isascii()
    named = {row[:LABEL].strip() for row in drawn}
    assert {one.party.value for one in line.turns} <= named
    assert len(list(turns(line))) == len(line.turns)


@given(hours=st.integers(1, 200_000), most=st.integers(4, 30))
@settings(max_examples=60, deadline=None)
def test_ticks(hours: int, most: int) -> None:
    """They are in order, inside, few enough, and their labels short."""
    begin = at("tue 13:30")
    end = begin + timedelta(hours=hours)
    found = ticks(Calendar(), begin, end, most)

    assert [one for one, _ in found] == sorted({one for one, _ in found})
    assert all(begin <= one < end and len(label) <= 8 for one, label in found)
    assert len(found) <= most + 1


# --- picture ----------------------------------------------------------------------------------


def picture(line: TimeLine, **more: int) -> ElementTree.Element:
    """The picture, parsed."""
    return ElementTree.fromstring(timeline_svg.drawn(line, "Change 12: <Cache> & so on", **more))


@given(steps=STEPS, width=st.integers(300, 3000))
@settings(max_examples=25, deadline=None)
def test_picture_of_any_history(steps: Steps, width: int) -> None:
    """It is well-formed, has title and description, and nothing that runs or is loaded; nothing is
    drawn beyond its edges.
    """
    history = history_of(steps)
    change = history.change()
    now = max(one.date for one in change.messages) + timedelta(hours=30)
    taken = follow_turns(change, SHORT).steps
    line = timeline(read_change(change, SHORT), taken, SHORT, now)
    root = picture(line, width=width)
    wide, high = (int(root.attrib[key]) for key in ("width", "height"))
    ids = [one.attrib["id"] for one in root.iter() if "id" in one.attrib]

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == ids[:2]
    assert [one.tag for one in list(root)[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert len(ids) == len(set(ids))
    assert not {f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"} & {o.tag for o in root.iter()}
    assert not [key for one in root.iter() for key in one.attrib if key.startswith("on")]
    for box in root.iter(f"{SVG}rect"):
        x, y = float(box.attrib.get("x", 0)), float(box.attrib.get("y", 0))
        assert 0 <= x <= x + float(box.attrib["width"]) <= wide + 1
        assert 0 <= y <= y + float(box.attrib["height"]) <= high


def test_description_says_what_is_shown() -> None:
    """Whoever does not see the picture reads every turn of it."""
    line = line_of(
        History().upload("mon 9:00").review("tue 9:00", "reviewer", text="?"), "wed 9:00"
    )
    told = picture(line).findtext(f"{SVG}desc") or ""

    for since, text in turns(line):
        assert f"{since}, {text}" in told


def test_names_tell_pictures_apart() -> None:
    """Two pictures in one page share no id."""
    line = line_of(History().upload("mon 9:00"), "wed 9:00")
    found = [
        set(re.findall(r' id="([^"]+)"', timeline_svg.drawn(line, "x", name=name)))
        for name in ("one", "two")
    ]

    assert found[0]
    assert found[0].isdisjoint(found[1])


def luminance(colour: str) -> float:
    """Relative luminance (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    "theme", [timeline_style.LIGHT, timeline_style.DARK], ids=["light", "dark"]
)
def test_contrast(theme: Dict[str, str]) -> None:
    """Text has the contrast of WCAG's AA on both grounds, and what is drawn that of graphics."""
    wanted: List[Tuple[str, float]] = [("ink", 4.5), ("grey", 4.5)]
    wanted += [(name, 3.0) for name in ("reviewers", "owner", "submitter", "red", "paused", "line")]

    for name, least in wanted:
        for ground in ("paper", "shut"):
            if name != "line":
                assert contrast(theme[name], theme[ground]) >= least, (name, ground)
    assert contrast(theme["line"], theme["paper"]) >= 3.0


def test_both_themes_are_in_the_picture() -> None:
    """The dark colours are used where the reader's screen asks for them."""
    style = timeline_style.style()
    light, dark = style.split("@media (prefers-color-scheme: dark)")

    for name in timeline_style.LIGHT:
        assert timeline_style.LIGHT[name] in light
        assert timeline_style.DARK[name] in dark


def test_control_characters_make_no_broken_picture() -> None:
    """What XML has no place for is replaced."""
    line = line_of(History().upload("mon 9:00"), "wed 9:00")
    root = ElementTree.fromstring(timeline_svg.drawn(line, "a\x00b\ufffe\ud800c"))

    assert root.findtext(f"{SVG}title") == "a\ufffdb\ufffd\ufffdc"
