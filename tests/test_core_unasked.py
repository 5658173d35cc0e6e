"""What is overdue, and why nobody has been asked about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, List, Optional

import pytest

from histories import POLICY, History, approved, at, in_review
from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.keys import Mark
from reviewloop.core.reading import read_change
from reviewloop.core.spans import Span
from reviewloop.core.turns import Party
from reviewloop.core.unasked import Bounds, Why, overdue, why_not

NOW = at("thu 9:00")


def told(change: Change, now: datetime = NOW) -> List[str]:
    """Whose waits are overdue, and by which milestone."""
    found = overdue(read_change(change, POLICY), now)
    return [f"{line.wait.party.value} {crossing.milestone}" for line, crossing in found]


def test_overdue() -> None:
    """From the first milestone on, with the highest that was reached."""
    assert told(in_review().change(), at("tue 8:59:59")) == []
    assert told(in_review().change(), at("tue 9:00")) == ["reviewers 1d"]
    assert told(in_review().change()) == ["reviewers 2d"]


def test_two_waits_at_once() -> None:
    """Both are told of: of a red change the owner's, too; what is young is passed over."""
    red = in_review().ci("tue 10:00", "Verified-1").change()

    assert told(red) == ["reviewers 1d", "owner 1d"]
    assert told(red, at("wed 9:00")) == ["reviewers 1d"]


def test_red_that_ends_by_itself() -> None:
    """The gate took its vote back, so the owner's wait ends in a day: until then it lasts."""
    red = in_review().ci("tue 8:30", "Verified-1").ci("tue 10:00", "-Verified").change()

    assert told(red, at("wed 9:59")) == ["owner 1d"]
    assert told(red, at("wed 10:00")) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"is_private": True},
        {"work_in_progress": True},
        {"status": ChangeStatus.MERGED},
        {"status": ChangeStatus.ABANDONED},
    ],
)
def test_what_is_nobodys(fields: Any) -> None:
    """Nothing is overdue on it, even where its messages leave a wait open."""
    reading = read_change(in_review().change(), POLICY)
    reading = replace(reading, change=replace(reading.change, **fields))

    assert list(overdue(reading, NOW)) == []


def why(
    history: History, party: Party = Party.REVIEWERS, now: datetime = NOW, **more: Any
) -> Optional[Why]:
    """Why nobody is asked about a party's wait."""
    bounds = Bounds(now, more.pop("is_held_out", lambda _number: False), more.pop("idle", None))
    reading = read_change(replace(history.change(), **more), POLICY)
    timeline = reading.timeline(party, now)
    assert timeline is not None
    return why_not(reading, timeline, bounds)


def snoozed() -> History:
    """Uploaded on Monday, and snoozed on Wednesday evening for a day."""
    return in_review().review("wed 20:00", "second", text="/snooze 1d")


def acknowledged() -> History:
    """Somebody was asked on Wednesday, and says an hour later that they are at it."""
    mark = Mark("nudge", "0123456789abcdef", (2,))
    return (
        in_review()
        .review("wed 9:00", "pack", text=f"{mark}")
        .review("wed 10:00", "reviewer", text="/ack")
    )


def red() -> History:
    """The gate has failed it."""
    return in_review().ci("tue 9:00", "Verified-1")


def test_no_reason() -> None:
    """Then somebody is to be asked."""
    assert why(in_review()) is None
    assert why(approved(), Party.SUBMITTER) is None
    assert why(red(), Party.OWNER) is None


def test_reasons() -> None:
    """Each by itself."""
    assert why(in_review(), hashtags=("no-escalation",)) is Why.EXEMPT
    assert why(acknowledged()) is Why.ACKNOWLEDGED
    assert why(snoozed()) is Why.SNOOZED
    assert why(red()) is Why.RED
    assert why(in_review(), is_held_out=lambda number: number == 1) is Why.HOLD_OUT
    assert why(in_review(), idle=NOW) is Why.IDLE


def test_gate_that_runs() -> None:
    """The submitter waits for it, and nobody asks them; a reviewer need not wait."""
    for history, party, reason in (
        (approved(), Party.SUBMITTER, Why.GATE_PENDING),
        (in_review(), Party.REVIEWERS, None),
    ):
        reading = read_change(history.change(), POLICY)
        gated = replace(reading, state=replace(reading.state, gates=(Span(at("wed 9:00")),)))
        timeline = gated.timeline(party, NOW)
        assert timeline is not None
        assert why_not(gated, timeline, Bounds(NOW, lambda _number: False)) is reason
        assert why_not(gated, timeline, Bounds(at("wed 8:59"), lambda _number: False)) is None


def test_pauses_that_are_over() -> None:
    """They are no reason any more."""
    assert why(snoozed(), now=at("fri 9:00")) is None
    assert why(acknowledged(), now=at("fri 10:00")) is None


def test_idle_to_the_second() -> None:
    """What was touched at that very instant is not idle."""
    assert why(in_review(), idle=at("mon 9:00")) is None
    assert why(in_review(), idle=at("mon 9:00") + timedelta(seconds=1)) is Why.IDLE


def test_first_reason() -> None:
    """Of several the one that people gave goes before what programs say."""
    history = snoozed().ci("wed 21:00", "Verified-1")

    assert why(history, hashtags=("no-escalation",), idle=NOW) is Why.EXEMPT
    assert why(history, idle=NOW) is Why.SNOOZED
    assert why(red(), idle=NOW, is_held_out=lambda _number: True) is Why.RED
    assert why(in_review(), idle=NOW, is_held_out=lambda _number: True) is Why.HOLD_OUT
