"""The overdue waits that nobody is asked about, kept from poll to poll.

A change is looked at when it was read, and at the instants at which time alone makes a difference:
a milestone and the grace after it, the end of a pause, of red, of a gate. So what a poll costs
follows what happened, and not how much is watched.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Callable, Dict, Iterator, NamedTuple, Set, Tuple

from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading, Timeline, WaitKey
from reviewloop.core.unasked import Bounds, overdue, why_not
from reviewloop.sensor.found import Asks, ChangeKey
from reviewloop.sensor.packed import next_change
from reviewloop.sensor.queue import Queue, not_before
from reviewloop.sensor.watch import Watch

Slot = Tuple[ChangeKey, WaitKey]
Kind = Tuple[str, str]
"""A party and a milestone."""


class Overdue(NamedTuple):
    """An open wait past a milestone, without a live ask for it and without a reason.

    ``step`` is the place of the highest milestone reached, ``event_id`` its event; ``since`` is
    when the first was reached, and ``updated`` when the change was last touched.
    """

    key: ChangeKey
    wait: WaitKey
    step: int
    event_id: str
    since: datetime
    updated: datetime

    @property
    def slot(self) -> Slot:
        """The wait among those of all changes."""
        return self.key, self.wait

    @property
    def kind(self) -> Kind:
        """What it has in common with others that the same rules act on."""
        return kind_of(self.event_id)

    @property
    def rank(self) -> Tuple[datetime, ChangeKey]:
        """Whoever has been overdue for the longest comes first."""
        return self.since, self.key


def kind_of(event_id: str) -> Kind:
    """The kind of an event, by its id."""
    _, party, _, milestone = event_id.rsplit(":", 3)
    return party, milestone


class Uncovered:
    """Which waits of each watched change are overdue and uncovered.

    :param bounds: what the configuration leaves alone at an instant.
    :param grace: from a milestone to when a wait counts.
    """

    def __init__(self, bounds: Callable[[datetime], Bounds], grace: timedelta) -> None:
        self._bounds = bounds
        self._grace = grace
        self._found: Dict[ChangeKey, Tuple[Overdue, ...]] = {}
        self._stale: Set[ChangeKey] = set()
        self._queue = Queue()

    def of(self, key: ChangeKey) -> Tuple[Overdue, ...]:
        """Those of a change, as of the last look."""
        return self._found.get(key, ())

    def refresh(self, now: datetime, watch: Watch) -> Set[ChangeKey]:
        """Look at what is known anew, and at what time has reached; the changes looked at."""
        self._stale |= watch.take_news()
        while self._queue.first(now) is not None:
            self._stale.add(self._queue.take())
        if not self._stale:
            return set()
        bounds, seen = self._bounds(now), set()
        while self._stale:
            key = next(iter(self._stale))
            self._look(key, watch, bounds)
            seen.add(key)
            self._stale.discard(key)
        return seen

    def _look(self, key: ChangeKey, watch: Watch, bounds: Bounds) -> None:
        self._found.pop(key, None)
        known = watch.known(key)
        if known is None:
            return
        reading, asks = known
        name = watch.name(key)
        found = tuple(
            Overdue(
                key,
                timeline.key,
                highest.index,
                name(highest),
                timeline.crossings[0].at,
                reading.change.updated,
            )
            for timeline, highest in uncovered(reading, asks, bounds.now - self._grace, bounds)
        )
        if found:
            self._found[key] = found
        ahead = min(self._ahead(reading, bounds.now), default=None)
        if ahead is not None:
            self._queue.put(key, not_before(ahead, key))

    def _ahead(self, reading: Reading, now: datetime) -> Iterator[datetime]:
        """The instants at which time alone makes a difference."""
        yield from next_change(reading, now)
        for timeline in reading.lasting(now):
            if timeline.wait.end is not None:
                yield timeline.wait.end
            for one in timeline.crossings:
                yield from (at for at in (one.at, one.at + self._grace) if at > now)


def uncovered(
    reading: Reading, asks: Asks, before: datetime, bounds: Bounds
) -> Iterator[Tuple[Timeline, Crossing]]:
    """The waits that reached a milestone before an instant, each with the highest, about which
    nobody is asked, and for which neither the history nor the configuration gives a reason.

    :param asks: who is asked about each wait.
    """
    for timeline, highest in overdue(reading, bounds.now):
        if highest.at > before or why_not(reading, timeline, bounds) is not None:
            continue
        found = asks.get(timeline.key, ())
        if all(ask.milestone != highest.milestone for ask in found):
            yield timeline, highest
