"""A line of time in sentences, for whoever wants to know exactly or sees no picture."""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from reviewloop.insight.ticks import moment
from reviewloop.insight.timeline import TimeLine
from reviewloop.messages.words import CAUSES, ENDINGS


def turns(line: TimeLine, first: Optional[int] = None) -> Iterator[Tuple[str, str]]:
    """When each turn began, and what there is to say of it; the last ``first`` of them."""
    calendar = line.calendar
    for turn in line.turns if first is None else line.turns[-first:]:
        days = turn.seconds / calendar.day_seconds
        told = f"{turn.party.value}: {CAUSES[turn.cause]}. {days:.2f} d"
        for one in turn.reached:
            at = moment(calendar, one.at)
            told += f", {one.milestone} {'on' if one.at <= line.now else 'next, on'} {at}"
        if turn.end is not None and turn.how is not None:
            told += f"; then {ENDINGS[turn.how]}, {moment(calendar, turn.end)}"
        yield moment(calendar, turn.since), told + "."
