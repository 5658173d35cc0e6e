"""What a poll has to say of one change: events of its waits that were not dispatched yet.

An event is due because it has not been dispatched, not because it lies in some window of time. So
what shows late, dated before the last poll, is dispatched like everything else, and once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import (
    Callable,
    Dict,
    FrozenSet,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Set,
    Tuple,
    Union,
)

from reviewloop.core.change import Change
from reviewloop.core.durations import Duration, parse_duration
from reviewloop.core.keys import digest, event_order
from reviewloop.core.milestones import Crossing, Ending
from reviewloop.core.reading import Reading, Timeline, WaitKey
from reviewloop.core.timestamps import epoch, instant, iso
from reviewloop.core.waits import Wait
from reviewloop.sensor.found import ChangeKey
from reviewloop.store.cursor import Cursor

#: How far before the cursor endings are told apart by name: what the index shows only to the next
#: process is dispatched by that.
NAMED = timedelta(hours=2)

#: The event id of a crossing.
Namer = Callable[[Crossing], str]


@dataclass(frozen=True)
class Event:
    """A crossing or an ending of a change's wait, under its id."""

    at: datetime
    id: str
    reading: Reading
    what: Union[Crossing, Ending]

    @property
    def key(self) -> ChangeKey:
        """The change."""
        return ChangeKey.of(self.reading.change)

    def of(self, change: Change) -> Event:
        """The same event of the same change, as that was answered later."""
        return replace(self, reading=replace(self.reading, change=change))

    @property
    def wait_key(self) -> WaitKey:
        """The wait within the change."""
        return self.what.wait.party.value, self.what.wait.since

    @property
    def name(self) -> str:
        """What distinguishes it from all others: after a `/pass` a milestone crosses again."""
        return _name(self.what, self.at, self.id)

    @property
    def order(self) -> Tuple[datetime, Tuple[int, str]]:
        """By time; within one second by number."""
        return self.at, event_order(self.id)


class Reached(NamedTuple):
    """The last crossing of a wait that was dispatched; ``step`` counts milestones from 0."""

    step: int
    at: datetime
    milestone: Duration

    @classmethod
    def of(cls, crossing: Crossing) -> Reached:
        """A crossing without its wait."""
        return cls(crossing.index, crossing.at, crossing.milestone)

    def on(self, wait: Wait) -> Crossing:
        """The crossing on its wait, as that is known now."""
        return Crossing(wait, self.milestone, self.step, self.at)


class Dispatched:
    """What has been dispatched of one change, by wait.

    ``crossed`` holds the last crossing of each wait, ``ended`` the waits whose ending it was.
    """

    __slots__ = ("crossed", "ended")

    def __init__(
        self,
        crossed: Mapping[WaitKey, Reached] = MappingProxyType({}),
        ended: FrozenSet[WaitKey] = frozenset(),
    ) -> None:
        self.crossed = crossed
        self.ended = ended

    @classmethod
    def up_to(cls, cursor: Cursor, reading: Reading, name: Namer) -> Dispatched:
        """What earlier polls have dispatched of a change, if they got as far as ``cursor``."""
        key = ChangeKey.of(reading.change)
        crossed: Dict[WaitKey, Reached] = {}
        ended: Set[WaitKey] = set()
        for timeline in reading.timelines:
            past = [one for one in timeline.crossings if _is_past(cursor, one, name)]
            if not past:
                continue
            crossed[timeline.key] = Reached.of(past[-1])
            ending = _ending(timeline, crossed[timeline.key])
            if ending is None or not _is_past(cursor, ending, name):
                continue
            if _is_named(cursor, key, timeline.key, ending.at):
                ended.add(timeline.key)
        return cls(crossed, frozenset(ended))

    @classmethod
    def from_text(cls, text: str) -> Dispatched:
        """What :meth:`to_text` wrote."""
        if not text:
            return cls()
        waits = [(_wait_key(*one[:2]), one) for one in json.loads(text)]
        crossed = {
            key: Reached(one[2], instant(one[3]), parse_duration(one[4])) for key, one in waits
        }
        return cls(crossed, frozenset(key for key, one in waits if one[5]))

    def to_text(self) -> str:
        """A line of text: there is one of these for every change, so they are kept small."""
        told = [
            [
                *(key[0], epoch(key[1])),
                *(reached.step, epoch(reached.at), str(reached.milestone)),
                int(key in self.ended),
            ]
            for key, reached in self.crossed.items()
        ]
        return json.dumps(told, separators=(",", ":")) if told else ""

    def add(self, event: Event) -> Optional[Reached]:
        """Remember an event that has been dispatched; how far its wait was before."""
        key = event.wait_key
        before = self.crossed.get(key)
        if isinstance(event.what, Ending):
            self.ended = self.ended | {key}
        else:
            self.crossed = {**self.crossed, key: Reached.of(event.what)}
        return before

    def remove(self, event: Event, before: Optional[Reached]) -> None:
        """Take an event back.

        :param before: what :meth:`add` answered.
        """
        key = event.wait_key
        if isinstance(event.what, Ending):
            self.ended = self.ended - {key}
            return
        rest = {one: reached for one, reached in self.crossed.items() if one != key}
        self.crossed = rest if before is None else {**rest, key: before}

    def further(self, other: Dispatched) -> Dispatched:
        """With what was dispatched according to another: of each wait what came last."""
        crossed = dict(self.crossed)
        for key, reached in other.crossed.items():
            before = crossed.get(key)
            crossed[key] = reached if before is None else max(before, reached, key=_by_place)
        return Dispatched(crossed, self.ended | other.ended)

    def is_pending(self, timeline: Timeline) -> bool:
        """Whether the ending of a wait is still to be dispatched."""
        return timeline.key in self.crossed and timeline.key not in self.ended

    def passed_over(self, reading: Reading, now: datetime) -> Iterator[Tuple[str, datetime]]:
        """The waits whose milestone and ending lay between two polls, so that neither is to be
        dispatched: a name of each, and when it ended.
        """
        for timeline in reading.timelines:
            end = timeline.wait.end
            if end is None or not now - NAMED < end <= now:
                continue
            if timeline.crossings and timeline.key not in self.crossed:
                yield wait_name(ChangeKey.of(reading.change), timeline.key), end

    def due(self, reading: Reading, name: Namer, now: datetime) -> Iterator[Event]:
        """What is to be dispatched of the change by ``now``.

        Of a wait that lasts it is the highest milestone reached, of one that is over its ending,
        if a milestone of it was dispatched.
        """
        for timeline in reading.timelines:
            before = self.crossed.get(timeline.key)
            if timeline.wait.lasts(now):
                last = timeline.crossed(now)
                if last is not None and _is_news(timeline, last, before):
                    yield Event(last.at, name(last), reading, last)
            elif before is not None and timeline.key not in self.ended:
                ending = _ending(timeline, before)
                if ending is not None and ending.at <= now:
                    yield Event(ending.at, name(ending.highest), reading, ending)


def is_told(cursor: Cursor, event: Event) -> bool:
    """Whether an event has been dispatched, if polls got as far as ``cursor``."""
    of_change = cursor.of(event.key.number)
    if not _is_past(of_change, event.what, lambda _crossing: event.id):
        return False
    is_crossing = isinstance(event.what, Crossing)
    return is_crossing or _is_named(cursor, event.key, event.wait_key, event.at)


def wait_name(key: ChangeKey, wait: WaitKey) -> str:
    """A name for a wait that stays when another change of the same number is met."""
    party, since = wait
    return digest("ended", *key, party, epoch(since))


def _by_place(reached: Reached) -> Tuple[int, datetime]:
    return reached.step, reached.at


def _wait_key(party: str, since: int) -> WaitKey:
    return party, instant(since)


def _ending(timeline: Timeline, reached: Reached) -> Optional[Ending]:
    wait = timeline.wait
    return None if wait.end is None else Ending(wait, reached.on(wait), wait.end)


def _is_past(cursor: Cursor, what: Union[Crossing, Ending], name: Namer) -> bool:
    if what.at > cursor.through:
        return False
    if what.at < cursor.through and not cursor.late:
        return True  # most of a history, and names are dear
    event_id = name(what.highest if isinstance(what, Ending) else what)
    if not cursor.is_past(what.at, event_id):
        return False
    return not cursor.late or _name(what, what.at, event_id) not in cursor.late


def _is_named(cursor: Cursor, key: ChangeKey, wait: WaitKey, at: datetime) -> bool:
    """Whether an ending before the cursor was known in time, so that it was dispatched."""
    return cursor.ended is None or cursor.ended.has(wait_name(key, wait), at)


def _is_news(timeline: Timeline, last: Crossing, before: Optional[Reached]) -> bool:
    """Whether a crossing is higher than the one before, or the same one after a `/pass`."""
    if before is None or last.index > before.step:
        return True
    first = next(one for one in timeline.crossings if one.index == last.index)
    return last.index == before.step and last.at > max(first.at, before.at)


def _name(what: Union[Crossing, Ending], at: datetime, event_id: str) -> str:
    return f"{'ended' if isinstance(what, Ending) else 'waiting'} {iso(at)} {event_id}"


def is_going_on(reading: Reading, now: datetime) -> bool:
    """Whether a wait of the change lasts at ``now``."""
    return any(one.wait.end is None or one.wait.end > now for one in reading.timelines)


def next_due(reading: Reading, now: datetime) -> Optional[datetime]:
    """When there may be something to dispatch of the change, if nothing happens to it."""
    ahead = [one.wait.end for one in reading.timelines]
    for timeline in reading.timelines:
        following = timeline.following(now) if timeline.wait.lasts(now) else None
        ahead.append(None if following is None else following.at)
    return min((at for at in ahead if at is not None and at > now), default=None)
