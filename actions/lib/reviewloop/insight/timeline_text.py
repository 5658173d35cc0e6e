"""A line of time as text: one row a party, one column an amount of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Dict, Iterator, List, Sequence, Tuple

from reviewloop.core.spans import Span, both, in_order
from reviewloop.core.turns import Party
from reviewloop.insight.ticks import ticks
from reviewloop.insight.timeline import Reached, TimeLine, Turn

LABEL = 11
"""Columns for the names of the rows."""
LEAST, BEST, MOST = 50, 76, 160
"""How wide the text is at least, without being told, and at most."""
# Columns from one mark of the axis to the next, at least.
_APART = 7
_HOUR, _DAY = 3_600, 86_400
# What one column may be.
_STEPS = (
    *(_HOUR // 4, _HOUR // 2, _HOUR),
    *(hours * _HOUR for hours in (2, 3, 4, 6, 8, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 28, 56, 112, 224, 448, 896)),
)


@dataclass(frozen=True)
class Glyphs:
    """The characters that are drawn with."""

    runs: str
    stands: str
    ahead: str
    works: str
    shut: str
    mark: str
    now: str


PRETTY = Glyphs("█", "░", "·", "━", "▒", "▲", "▼")
PLAIN = Glyphs("#", "-", ".", "=", "x", "^", "v")
"""For terminals that show ASCII alone."""

_LETTERS = {
    "upload": "u",
    "rebase": "b",
    "review": "r",
    "reply": "a",
    "wip": "w",
    "ready": "y",
    "abandoned": "x",
    "restored": "s",
    "moved": "v",
    "merged": "m",
    "vote_removed": "d",
}
_NAMES = {
    "upload": "upload",
    "rebase": "rebase",
    "review": "review",
    "reply": "owner's answer",
    "wip": "in progress",
    "ready": "ready",
    "abandoned": "abandoned",
    "restored": "restored",
    "moved": "moved",
    "merged": "merged",
    "vote_removed": "vote removed",
}
_SEVERAL = "*"


def drawn(line: TimeLine, width: int = BEST, glyphs: Glyphs = PRETTY) -> List[str]:
    """The line in rows of at most ``width`` characters, between ``LEAST`` and ``MOST``."""
    return _Picture(line, min(max(width, LEAST), MOST) - LABEL, glyphs).rows()


class _Picture:
    def __init__(self, line: TimeLine, columns: int, glyphs: Glyphs) -> None:
        self._line = line
        self._glyphs = glyphs
        self._begin, self._step, self._columns = _scale(line, columns)
        self._working = line.working

    def rows(self) -> List[str]:
        line, glyphs = self._line, self._glyphs
        found = [*self._axis(), self._named("work", self._filled(self._working, glyphs.works))]
        for party in (Party.REVIEWERS, Party.OWNER, Party.SUBMITTER):
            turns = [one for one in line.turns if one.party is party and self._is_seen(one)]
            if turns:
                found += self._lane(party, turns)
        shut = glyphs.shut
        for name, spans in (
            ("red", line.reds),
            ("gate", line.gates),
            ("snoozed", [one.span for one in line.pauses if one.what == "snoozed"]),
            ("taken", [one.span for one in line.pauses if one.what == "acknowledged"]),
            ("freeze", self._frozen()),
        ):
            row = self._filled(in_order(spans), shut, at_least_one=True)
            found += [self._named(name, row)] if row.strip() else []
        return [*found, *self._events(), *self._now(), *self._legend(found)]

    # Rows

    def _axis(self) -> Iterator[str]:
        line = self._line
        labels, marks = [" "] * self._columns, [" "] * self._columns
        free = 0
        for at, label in ticks(line.calendar, line.begin, line.end, self._columns // _APART):
            column = self._column(at)
            if column >= free and column + len(label) <= self._columns:
                labels[column : column + len(label)] = label
                marks[column] = "|"
                free = column + len(label) + 1
        yield self._named("", "".join(labels))
        yield self._named("", "".join(marks))

    def _lane(self, party: Party, turns: Sequence[Turn]) -> Iterator[str]:
        row = [" "] * self._columns
        for turn in turns:
            end = self._end(turn)
            lasts = Span(turn.since, end)
            self._fill(row, (lasts,), self._glyphs.stands, at_least_one=True)
            runs = both(both(turn.running, self._working), (lasts,))
            self._fill(row, runs, self._glyphs.runs, is_work=True)
            if end > self._line.now:
                ahead = math.ceil((self._line.now - self._begin).total_seconds() / self._step)
                runs_on = self._glyphs.runs
                row[ahead:] = [self._glyphs.ahead if one == runs_on else " " for one in row[ahead:]]
        yield self._named(party.value, "".join(row))
        marks = self._marks([one for turn in turns for one in turn.reached])
        if marks.strip():
            yield self._named("", marks)

    def _end(self, turn: Turn) -> datetime:
        return min(turn.end or self._line.end, self._line.end)

    def _marks(self, reached: Sequence[Reached]) -> str:
        row = [" "] * self._columns
        free = 0
        for one in sorted(reached, key=lambda one: one.at):
            label = f"{self._glyphs.mark}{one.milestone}"
            if not self._line.begin <= one.at <= self._line.end:
                continue
            column = min(self._column(one.at), self._columns - len(label))
            if column >= free:
                row[column : column + len(label)] = label
                free = column + len(label)
        return "".join(row)

    def _events(self) -> Iterator[str]:
        row: Dict[int, str] = {}
        for one in self._line.happened:
            if self._line.begin <= one.at <= self._line.end:
                column, letter = self._column(one.at), _LETTERS[one.what]
                row[column] = letter if row.get(column, letter) == letter else _SEVERAL
        if row:
            yield self._named("events", "".join(row.get(n, " ") for n in range(self._columns)))

    def _now(self) -> Iterator[str]:
        line = self._line
        if line.begin <= line.now < line.end:
            column = self._column(line.now)
            text = f"{self._glyphs.now} now"
            if column + len(text) > self._columns:
                text, column = f"now {self._glyphs.now}", column - 4
            yield self._named("", " " * column + text)

    def _legend(self, rows: Sequence[str]) -> Iterator[str]:
        glyphs, shown = self._glyphs, {letter for row in self._events() for letter in row[LABEL:]}
        is_known = [what for what, letter in _LETTERS.items() if letter in shown]
        events = [f"{_LETTERS[what]} {_NAMES[what]}" for what in is_known]
        clock = [f"{glyphs.runs} clock runs", f"{glyphs.stands} it stands"]
        if any(glyphs.ahead in row[LABEL:] for row in rows):
            clock.append(f"{glyphs.ahead} to come")
        several = [f"{_SEVERAL} several"] if _SEVERAL in shown else []
        yield from _wrapped([*clock, *events, *several], self._columns)
        yield " " * LABEL + f"one column = {_length(self._step)}"

    def _frozen(self) -> List[Span]:
        calendar = self._line.calendar
        day = timedelta(days=1)
        return [
            Span(calendar.day_start(one.first), calendar.day_start(one.last + day))
            for one in self._line.off
        ]

    # Columns

    def _is_seen(self, turn: Turn) -> bool:
        ended = turn.end is not None and turn.end <= self._line.begin
        return not ended and turn.since < self._line.end

    def _column(self, at: datetime) -> int:
        place = int((at - self._begin).total_seconds() / self._step)
        return min(max(place, 0), self._columns - 1)

    def _filled(self, spans: Sequence[Span], character: str, at_least_one: bool = False) -> str:
        row = [" "] * self._columns
        self._fill(row, spans, character, at_least_one, is_work=spans is self._working)
        return "".join(row)

    def _fill(
        self,
        row: List[str],
        spans: Sequence[Span],
        character: str,
        at_least_one: bool = False,
        is_work: bool = False,
    ) -> None:
        """Draw the columns of which the spans have at least a half; of work, a quarter, or half of
        a day's hours.
        """
        share = 0.5
        if is_work:
            share *= 0.5 if self._step < _DAY else self._line.calendar.day_seconds / _DAY
        covered = [0.0] * self._columns
        for span in spans:
            self._cover(covered, span)
            if at_least_one and span.start < self._line.end:
                begin = max(span.start, self._begin)
                if span.end is None or span.end > begin:
                    row[self._column(begin)] = character
        for column, seconds in enumerate(covered):
            if seconds and seconds >= share * self._step:
                row[column] = character

    def _cover(self, covered: List[float], span: Span) -> None:
        begin = max((span.start - self._begin).total_seconds(), 0.0)
        limit = self._columns * self._step
        end = limit if span.end is None else (span.end - self._begin).total_seconds()
        end = min(end, limit)
        column = int(begin / self._step)
        while begin < end and column < self._columns:
            until = min(end, (column + 1) * self._step)
            covered[column] += until - begin
            begin, column = until, column + 1

    @staticmethod
    def _named(name: str, row: str) -> str:
        return f"{name:<{LABEL}}{row}".rstrip()


def _scale(line: TimeLine, most: int) -> Tuple[datetime, int, int]:
    """When the first column begins, seconds of one column, and how many there are: so that each day
    looks alike.
    """
    calendar = line.calendar
    day = calendar.local_date(line.begin)
    for step in _STEPS:
        days = max(1, step // _DAY)
        begin = calendar.day_start(day - timedelta(days=(day.toordinal() - 1) % days))
        if step < _DAY:
            begin += (line.begin - begin) // timedelta(seconds=step) * timedelta(seconds=step)
        count = math.ceil((line.end - begin).total_seconds() / step)
        if count <= most:
            break
    return begin, step, min(max(count, 1), most)


def _wrapped(items: Sequence[str], width: int) -> Iterator[str]:
    line = ""
    for item in items:
        longer = f"{line}   {item}" if line else item
        if line and len(longer) > width:
            yield " " * LABEL + line
            longer = item
        line = longer
    if line:
        yield " " * LABEL + line


def _length(seconds: int) -> str:
    """How long one column is."""
    for size, name in ((7 * _DAY, "week"), (_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
        count, rest = divmod(seconds, size)
        if count and not rest:
            return f"1 {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"
