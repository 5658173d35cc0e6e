"""A line of time as a picture: SVG by itself, dark or light as its reader's screen is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

from reviewloop.core.spans import Span, both, in_order, subtract
from reviewloop.core.turns import Party
from reviewloop.insight.ticks import moment, ticks
from reviewloop.insight.timeline import Reached, TimeLine, Turn
from reviewloop.insight.timeline_style import SIGNS, style
from reviewloop.insight.timeline_words import turns as in_words
from reviewloop.markup import svg

LEAST, BEST, MOST = 480, 960, 2_400
"""Width in pixels: at least, without being told, and at most."""
_LEFT, _RIGHT, _TOP, _LANE, _BAR = 104, 20, 84, 46, 18
_STRIP, _FOOT = 22, 34
_DAY = 86_400


def drawn(line: TimeLine, title: str, width: int = BEST, name: str = "timeline") -> str:
    """The line as a whole SVG document of some width.

    :param title: of what it shows, such as the change's number and subject.
    :param name: begins the ids in it, which differ where several stand in one page.
    """
    return _Picture(line, title, min(max(width, LEAST), MOST), name).document()


@dataclass(frozen=True)
class _Lane:
    party: Party
    turns: Sequence[Turn]
    y: int


class _Picture:
    def __init__(self, line: TimeLine, title: str, width: int, name: str) -> None:
        self._line = line
        self._title = title
        self._width = width
        self._name = name
        self._scale = (width - _LEFT - _RIGHT) / (line.end - line.begin).total_seconds()
        parties = (Party.REVIEWERS, Party.OWNER, Party.SUBMITTER)
        by_party = ((one, [turn for turn in line.turns if turn.party is one]) for one in parties)
        seen = [(party, found) for party, found in by_party if any(map(self._is_seen, found))]
        self._lanes = [_Lane(*one, _TOP + n * _LANE) for n, one in enumerate(seen)]
        self._bottom = _TOP + len(seen) * _LANE

    def document(self) -> str:
        strips = list(self._strips())
        y = self._bottom
        body: List[str] = []
        for name, css, spans in strips:
            body += self._strip(name, css, spans, y)
            y += _STRIP
        if self._line.off:
            body += self._days_off(y)
            y += _STRIP
        body += self._events(y)
        legend = self._legend()
        height = y + _STRIP + 14 + len(legend) * 18 + 6
        parts = [
            *self._defs(),
            svg.tag("rect", {"class": "paper", "width": self._width, "height": height}),
            svg.words(_RIGHT, 26, self._fitting(self._title), {"class": "ink"}, 15, bold=True),
            *self._ground(y + _STRIP),
            *self._axis(y + _STRIP),
            *(part for lane in self._lanes for part in self._lane(lane)),
            *body,
            *self._now(y + _STRIP),
            *(
                svg.words(_LEFT, y + _STRIP + 24 + n * 18, text, {"class": "grey"}, 11)
                for n, text in enumerate(legend)
            ),
        ]
        return svg.document(
            self._width, height, self._title, parts, self._told(), style(), self._name
        )

    def _told(self) -> str:
        """What it shows, in words, for whoever does not see it."""
        told = (f"{at}, {text}" for at, text in in_words(self._line, 50))
        return " ".join(told) or "It was nobody's turn yet."

    def _fitting(self, text: str) -> str:
        """A title that ends before the right edge, in a font as wide as that of fixed width."""
        most = int((self._width - 2 * _RIGHT) / (15 * svg.MONO_WIDTH))
        return text if len(text) <= most else text[: most - 1] + "…"

    # The ground

    def _defs(self) -> Iterator[str]:
        """Hatches: nothing is told by colour alone."""
        for css in ("red", "paused", "line"):
            stripe = svg.tag(
                "path", {"d": "M0 6 L6 0", "class": f"{css}-edge", "stroke-width": 1.5}
            )
            size = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
            yield svg.tag(
                "defs", {}, svg.tag("pattern", {"id": f"{self._name}-{css}", **size}, stripe)
            )

    def _ground(self, bottom: int) -> Iterator[str]:
        """Nights, weekends, holidays and freezes; where a night is too narrow to be seen, days."""
        line = self._line
        whole = Span(line.begin, line.end)
        shut = subtract((whole,), line.working)
        if self._scale * _DAY < 12:  # noqa: PLR2004 - pixels of a day
            shut = tuple(one for one in shut if _seconds(one) > _DAY)
        for span in shut:
            yield self._rect(span, _TOP - 12, bottom - _TOP + 12, {"class": "shut"})

    def _axis(self, bottom: int) -> Iterator[str]:
        line = self._line
        for at, label in ticks(line.calendar, line.begin, line.end, (self._width - _LEFT) // 80):
            x = self._x(at)
            sides = {"x1": x, "x2": x, "y1": _TOP - 18, "y2": bottom}
            yield svg.tag("line", {**sides, "class": "line-edge", "stroke-opacity": 0.4})
            if x < self._width - 60:
                yield svg.words(x + 3, _TOP - 22, label, {"class": "grey"}, 11)

    def _now(self, bottom: int) -> Iterator[str]:
        line = self._line
        if line.begin <= line.now < line.end:
            x = self._x(line.now)
            sides = {"x1": x, "x2": x, "y1": _TOP - 32, "y2": bottom, "stroke-width": 1.5}
            yield svg.tag("line", {**sides, "class": "ink-edge", "stroke-dasharray": "4 3"})
            yield svg.words(min(x + 4, self._width - 40), _TOP - 36, "now", {"class": "ink"}, 11)

    # The lanes

    def _lane(self, lane: _Lane) -> Iterator[str]:
        css = lane.party.value
        yield svg.words(_RIGHT, lane.y + 14, css, {"class": "ink"}, 12, bold=True)
        for turn in filter(self._is_seen, lane.turns):
            yield from self._turn(turn, lane.y, css)
        yield from self._marks([one for turn in lane.turns for one in turn.reached], lane.y)

    def _turn(self, turn: Turn, y: int, css: str) -> Iterator[str]:
        line = self._line
        end = turn.end or line.end
        reached = min(end, max(line.now, line.begin))
        ((at, text),) = in_words(_only(line, turn))
        words = f"{at}, {text}"
        yield self._rect(
            Span(turn.since, min(end, line.end)), y + 6, 6, {"class": css, "opacity": 0.35}, words
        )
        inside = both(both(turn.running, line.working), (Span(turn.since, end),))
        for span in inside:
            if span.start < reached:
                run = Span(span.start, min(span.end or reached, reached))
                yield self._rect(run, y, _BAR, {"class": css}, words)
            if (span.end is None or span.end > reached) and end > reached:
                ahead = Span(max(span.start, reached), span.end)
                looks = {"class": f"{css}-edge", "fill": "none", "stroke-dasharray": "3 2"}
                yield self._rect(ahead, y + 0.5, _BAR - 1, looks, "if nothing happens")

    def _marks(self, reached: Sequence[Reached], y: int) -> Iterator[str]:
        free = 0.0
        for one in sorted(reached, key=lambda one: one.at):
            if not self._line.begin <= one.at <= self._line.end:
                continue
            x = min(self._x(one.at), self._width - _RIGHT - 4)
            points = f"M{x} {y + _BAR + 1} l4 6 l-8 0 z"
            told = f"{one.milestone} on {moment(self._line.calendar, one.at)}"
            yield svg.tag(
                "path", {"d": points, "class": "ink"}, svg.tag("title", {}, svg.plain(told))
            )
            wide = len(one.milestone) * 8 + 6
            if x >= free:
                # Beside the mark; at the right edge, before it.
                left = x + 6 if x + 6 + wide < self._width else x - wide
                yield svg.words(left, y + _BAR + 9, one.milestone, {"class": "ink"}, 10)
                free = x + wide + 8

    # Below the lanes

    def _strips(self) -> Iterator[Tuple[str, str, Sequence[Span]]]:
        line = self._line
        rows: Dict[Tuple[str, str], Sequence[Span]] = {
            ("CI red", "red"): line.reds,
            ("gate", "paused"): line.gates,
            ("snoozed", "paused"): [o.span for o in line.pauses if o.what == "snoozed"],
            ("taken", "paused"): [o.span for o in line.pauses if o.what == "acknowledged"],
        }
        for (name, css), spans in rows.items():
            seen = [one for one in in_order(spans) if one.end is None or one.end > line.begin]
            if seen:
                yield name, css, seen

    def _strip(self, name: str, css: str, spans: Sequence[Span], y: int) -> Iterator[str]:
        yield svg.words(_RIGHT, y + 11, name, {"class": "grey"}, 11)
        for span in spans:
            begin = moment(self._line.calendar, span.start)
            end = "" if span.end is None else f" to {moment(self._line.calendar, span.end)}"
            looks = {"fill": f"url(#{self._name}-{css})", "class": f"{css}-edge"}
            yield self._rect(span, y + 1, 11, looks, f"{name}, {begin}{end}")

    def _days_off(self, y: int) -> Iterator[str]:
        """Holidays and freezes, each with its reason where there is room for it."""
        yield svg.words(_RIGHT, y + 11, "days off", {"class": "grey"}, 11)
        calendar, free = self._line.calendar, float(_LEFT)
        for off in self._line.off:
            day = timedelta(days=1)
            span = Span(calendar.day_start(off.first), calendar.day_start(off.last + day))
            looks = {"fill": f"url(#{self._name}-line)", "class": "line-edge"}
            yield self._rect(span, y + 1, 11, looks, f"{off.reason}, {off.first} to {off.last}")
            begin, end = self._x(span.start), self._x(span.end or span.start)
            wide = len(off.reason) * 10 * svg.MONO_WIDTH + 4
            # Behind it, or before it at the right edge; not where the one before has its own.
            left = end + 4 if end + wide < self._width - _RIGHT else begin - wide
            if left >= free:
                yield svg.words(round(left, 1), y + 10, off.reason, {"class": "grey"}, 10)
                free = max(left + wide, end)

    def _events(self, y: int) -> Iterator[str]:
        yield svg.words(_RIGHT, y + 13, "events", {"class": "grey"}, 11)
        line = self._line
        for one in line.happened:
            if line.begin <= one.at <= line.end:
                sign, name = SIGNS[one.what]
                votes = f" {' '.join(one.votes)}" if one.votes else ""
                told = f"{name}{votes}, {moment(line.calendar, one.at)}"
                looks = {
                    "x": self._x(one.at),
                    "y": y + 14,
                    "text-anchor": "middle",
                    "font-size": 13,
                    "class": "ink",
                    "font-family": svg.SANS,
                }
                inner = (svg.plain(sign), svg.tag("title", {}, svg.plain(told)))
                yield svg.tag("text", looks, *inner)

    def _legend(self) -> List[str]:
        line = self._line
        seen = {one.what for one in line.happened if line.begin <= one.at <= line.end}
        signs = [f"{sign} {name}" for what, (sign, name) in SIGNS.items() if what in seen]
        bars = "thick: the clock runs; thin: it stands (shaded: no working time)"
        zone = f"times: {line.zone}"
        every = [bars, "   ".join(signs), zone] if signs else [bars, zone]
        # Two lines where one is too long for the narrowest fonts.
        most = int((self._width - _LEFT) / (11 * svg.MONO_WIDTH))
        one = "     ".join(every)
        return [one] if len(one) <= most else [bars, "     ".join(every[1:])]

    # Places

    def _is_seen(self, turn: Turn) -> bool:
        ended = turn.end is not None and turn.end <= self._line.begin
        return not ended and turn.since < self._line.end

    def _x(self, at: datetime) -> float:
        within = min(max(at, self._line.begin), self._line.end)
        return round(_LEFT + (within - self._line.begin).total_seconds() * self._scale, 1)

    def _rect(
        self, span: Span, y: float, height: float, looks: Mapping[str, object], told: str = ""
    ) -> str:
        left, right = self._x(span.start), self._x(span.end or self._line.end)
        sides = {"x": left, "y": y, "width": max(round(right - left, 1), 1), "height": height}
        inner = (svg.tag("title", {}, svg.plain(told)),) if told else ()
        return svg.tag("rect", {**sides, **looks}, *inner)


def _only(line: TimeLine, turn: Turn) -> TimeLine:
    return replace(line, turns=(turn,))


def _seconds(span: Span) -> float:
    return 0.0 if span.end is None else (span.end - span.start).total_seconds()
