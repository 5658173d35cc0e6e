"""What a poll has to say of one change: events of its waits that were not dispatched yet.

An event is due because it has not been dispatched, not because it lies in some window of time. So
what shows late, dated before the last poll, is dispatched like everything else, and once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Callable, Dict, Iterator, Optional, Set, Tuple, Union

from reviewloop.core.keys import event_order
from reviewloop.core.milestones import Crossing, Ending
from reviewloop.core.reading import Reading, Timeline, WaitKey
from reviewloop.core.timestamps import iso
from reviewloop.sensor.found import ChangeKey
from reviewloop.store.cursor import Cursor

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

    @property
    def name(self) -> str:
        """What distinguishes it from all others: after a `/pass` a milestone crosses again."""
        return _name(self.what, self.at, self.id)

    @property
    def order(self) -> Tuple[datetime, Tuple[int, str]]:
        """By time; within one second by number."""
        return self.at, event_order(self.id)


@dataclass
class Dispatched:
    """What has been dispatched of one change, by wait.

    ``crossed`` holds the last crossing of each wait, ``ended`` the waits whose ending it was.
    """

    crossed: Dict[WaitKey, Crossing] = field(default_factory=dict)
    ended: Set[WaitKey] = field(default_factory=set)

    @classmethod
    def up_to(cls, cursor: Cursor, reading: Reading, name: Namer) -> Dispatched:
        """What earlier polls have dispatched of a change, if they got as far as ``cursor``."""
        found = cls()
        for timeline in reading.timelines:
            past = [one for one in timeline.crossings if _is_past(cursor, one, one.at, name(one))]
            if not past:
                continue
            found.crossed[timeline.key] = past[-1]
            ending = _ending(timeline, past[-1])
            if ending is not None and _is_past(cursor, ending, ending.at, name(past[-1])):
                found.ended.add(timeline.key)
        return found

    def add(self, event: Event) -> None:
        """Remember an event that has been dispatched."""
        wait = event.what.wait
        key = (wait.party.value, wait.since)
        if isinstance(event.what, Ending):
            self.ended.add(key)
        else:
            self.crossed[key] = event.what

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
                    yield Event(ending.at, name(before), reading, ending)


def _ending(timeline: Timeline, highest: Crossing) -> Optional[Ending]:
    end = timeline.wait.end
    return None if end is None else Ending(timeline.wait, replace(highest, wait=timeline.wait), end)


def _is_past(cursor: Cursor, what: Union[Crossing, Ending], at: datetime, event_id: str) -> bool:
    return cursor.is_past(at, event_id) and _name(what, at, event_id) not in cursor.late


def _is_news(timeline: Timeline, last: Crossing, before: Optional[Crossing]) -> bool:
    """Whether a crossing is higher than the one before, or the same one after a `/pass`."""
    if before is None or last.index > before.index:
        return True
    first = next(one for one in timeline.crossings if one.index == last.index)
    return last.index == before.index and last.at > max(first.at, before.at)


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
