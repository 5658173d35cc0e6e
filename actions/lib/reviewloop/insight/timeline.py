"""A change's history as turns on a line of time: values, from which text and a picture are made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from reviewloop.core.kinds import EventKind
from reviewloop.core.milestones import running
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.spans import Span, in_order
from reviewloop.core.steps import Step
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Cause, How, Party
from reviewloop.core.worktime import Calendar
from reviewloop.settings.calendar import DaysOff

MOST = 200
"""Turns, and events, of which JSON tells; the latest."""


@dataclass(frozen=True)
class Reached:
    """A milestone, and when the stopwatch reaches it: that may lie ahead, if nothing happens."""

    milestone: str
    at: datetime


@dataclass(frozen=True)
class Turn:
    """For how long one party owed the next move; ``seconds`` of working time have passed on its
    stopwatch, which runs in ``running`` as far as there is working time.
    """

    party: Party
    cause: Cause
    since: datetime
    end: Optional[datetime]
    how: Optional[How]
    seconds: int
    running: Tuple[Span, ...]
    reached: Tuple[Reached, ...]


@dataclass(frozen=True)
class Happened:
    """An event; ``votes`` are those cast with it."""

    what: str
    at: datetime
    votes: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Pause:
    """When all stopwatches stand still: ``what`` is ``snoozed`` or ``acknowledged``."""

    what: str
    span: Span


@dataclass(frozen=True)
class Off:
    """Days on which nobody works although they are workdays; both ends are included."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True)
class TimeLine:
    """What there is between ``begin`` and ``end``; the latter lies ahead of ``now`` where a
    milestone does.
    """

    begin: datetime
    end: datetime
    now: datetime
    calendar: Calendar
    turns: Tuple[Turn, ...]
    reds: Tuple[Span, ...]
    gates: Tuple[Span, ...]
    pauses: Tuple[Pause, ...]
    happened: Tuple[Happened, ...]

    @property
    def zone(self) -> tzinfo:
        """The time zone in which its days are meant."""
        return self.calendar.zone

    @property
    def working(self) -> Tuple[Span, ...]:
        """The working time in it."""
        return self.calendar.spans(self.begin, self.end)

    @property
    def off(self) -> Tuple[Off, ...]:
        """Holidays and freezes in it, as far as the calendar tells of them."""
        return tuple(_days_off(self.calendar, self.begin, self.end))

    @property
    def is_over(self) -> bool:
        """Whether nothing lasts any more."""
        return all(turn.end is not None for turn in self.turns)

    def since(self, begin: datetime) -> TimeLine:
        """The line from an instant on, at most to its end. What began earlier begins there."""
        return replace(self, begin=max(self.begin, min(begin, self.end - timedelta(hours=1))))


def timeline(reading: Reading, steps: Sequence[Step], policy: Policy, now: datetime) -> TimeLine:
    """The line of a change, from its first turn to its end, or to the next milestone.

    :param steps: of its history, as :func:`reviewloop.core.steps.follow_turns` tells them.
    :param policy: with which the change was read.
    """
    ends = [one.following(now) for one in reading.lasting(now)]
    begin = min(step.event.at for step in steps)
    done = [step.event for step in steps if step.event.kind is not EventKind.LAPSE]
    is_closed = reading.change.status.is_closed or done[-1].kind in _CLOSINGS
    end = max(event.at for event in done) if is_closed else max(begin, now)
    end = max([end, *(one.at for one in ends if one is not None)])
    return TimeLine(
        begin=begin,
        end=max(end, begin + timedelta(hours=1)),
        now=now,
        calendar=policy.calendar,
        turns=tuple(_turn(reading, one, policy, now) for one in reading.timelines),
        reds=reading.state.reds,
        gates=reading.state.gates,
        pauses=tuple(_pauses(reading)),
        happened=tuple(_happened(steps)),
    )


def _turn(reading: Reading, told: Timeline, policy: Policy, now: datetime) -> Turn:
    wait = told.wait
    following = told.following(now) if wait.lasts(now) else None
    shown = [one for one in told.crossings if one.at <= now or one is following]
    return Turn(
        party=wait.party,
        cause=wait.cause,
        since=wait.since,
        end=wait.end,
        how=wait.how,
        seconds=reading.elapsed(wait, now, policy),
        running=running(wait, reading.pauses.spans),
        reached=tuple(Reached(str(one.milestone), one.at) for one in shown),
    )


def _pauses(reading: Reading) -> Iterator[Pause]:
    for span in reading.pauses.spans:
        yield Pause("acknowledged" if reading.is_acknowledged(span) else "snoozed", span)


_CLOSINGS = (EventKind.MERGE, EventKind.ABANDON)
_WHAT = {
    EventKind.UPLOAD: "upload",
    EventKind.WIP: "wip",
    EventKind.READY: "ready",
    EventKind.ABANDON: "abandoned",
    EventKind.RESTORE: "restored",
    EventKind.MOVE: "moved",
    EventKind.MERGE: "merged",
    EventKind.DELETION: "vote_removed",
    EventKind.REVIEW: "review",
    EventKind.REPLY: "reply",
}


def _happened(steps: Sequence[Step]) -> Iterator[Happened]:
    """What people did; what says nothing is left out, and so is what bots say."""
    for step in steps:
        event = step.event
        what = "rebase" if event.rebased else _WHAT.get(event.kind)
        if what is not None and not event.silent:
            yield Happened(what, event.at, tuple(map(str, event.votes)))


def _days_off(calendar: Calendar, begin: datetime, end: datetime) -> Iterator[Off]:
    days_off = calendar.days_off
    if not isinstance(days_off, DaysOff):
        return
    first, last = calendar.local_date(begin), calendar.local_date(end)
    run: Optional[Off] = None
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() not in calendar.workdays:
            continue
        reason = days_off.reason(day)
        if run is not None and reason == run.reason:
            run = replace(run, last=day)
            continue
        if run is not None:
            yield run
        run = Off(day, day, reason) if reason else None
    if run is not None:
        yield run


def as_dict(line: TimeLine) -> Dict[str, Any]:
    """The line as plain values, its latest turns and events.

    ``{begin, end, timezone, turns, turns_left_out, red, gate_pending, paused, days_off, events,
    events_left_out}``. A turn is ``{party, cause, since, end, how, working_days, milestones:
    [{milestone, at}]}``, where an end that is not known is null; spans are ``{from, to}``.
    """
    day = line.calendar.day_seconds
    return {
        "begin": iso(line.begin),
        "end": iso(line.end),
        "timezone": str(line.zone),
        "turns": [_plain_turn(turn, day) for turn in line.turns[-MOST:]],
        "turns_left_out": max(0, len(line.turns) - MOST),
        "red": _spans(line.reds),
        "gate_pending": _spans(line.gates),
        "paused": [{"what": one.what, **_span(one.span)} for one in line.pauses[-MOST:]],
        "days_off": [
            {"from": one.first.isoformat(), "to": one.last.isoformat(), "reason": one.reason}
            for one in line.off
        ],
        "events": [
            {"what": one.what, "at": iso(one.at), "votes": list(one.votes)}
            for one in line.happened[-MOST:]
        ],
        "events_left_out": max(0, len(line.happened) - MOST),
    }


def _plain_turn(turn: Turn, day: int) -> Dict[str, Any]:
    return {
        "party": turn.party.value,
        "cause": turn.cause.value,
        "since": iso(turn.since),
        "end": None if turn.end is None else iso(turn.end),
        "how": None if turn.how is None else turn.how.value,
        "working_days": round(turn.seconds / day, 2),
        "milestones": [{"milestone": one.milestone, "at": iso(one.at)} for one in turn.reached],
    }


def _spans(spans: Sequence[Span]) -> List[Dict[str, Any]]:
    return [_span(one) for one in in_order(spans)[-MOST:]]


def _span(span: Span) -> Dict[str, Any]:
    return {"from": iso(span.start), "to": None if span.end is None else iso(span.end)}
