"""What the sensor remembers of the changes it watches, and what is to be dispatched about them.

Nothing here talks to anybody. A restart loses all of it; the cursor and a fresh look at Gerrit
bring it back.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

from reviewloop.core.asked import LiveAsk
from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading, WaitKey
from reviewloop.sensor.events import Dispatched, Event, Namer, is_going_on, next_due
from reviewloop.sensor.found import Asks, ChangeKey
from reviewloop.store.cursor import Cursor


class Watch:
    """The changes that may still cross a milestone, or whose waits may end.

    A change is *unsettled* from the moment it is read, or falls due, until all its events have been
    dispatched. One that is *set aside* could not be read, or not be reported: nothing is due of it
    until it is read again.

    What was dispatched of a change is remembered longer than it is watched, until it is forgotten:
    or its ending would be dispatched again when somebody next touches it.

    :param server: as event ids name it.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._readings: Dict[ChangeKey, Reading] = {}
        self._asks: Dict[ChangeKey, Asks] = {}
        self._dispatched: Dict[ChangeKey, Dispatched] = {}
        self._unsettled: Set[ChangeKey] = set()
        self._aside: Set[ChangeKey] = set()
        self._due: List[Tuple[datetime, ChangeKey]] = []
        self._projects: Dict[int, Set[str]] = {}

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._readings

    def __len__(self) -> int:
        return len(self._readings)

    def __iter__(self) -> Iterator[ChangeKey]:
        return iter(self._readings)

    @property
    def remembered(self) -> int:
        """Of how many changes it is known what was dispatched of them."""
        return len(self._dispatched)

    def readings(self, keys: Optional[Iterable[ChangeKey]] = None) -> List[Reading]:
        """What is known of each watched change that is not set aside.

        :param keys: only of these.
        """
        wanted = self._readings if keys is None else self._readings.keys() & set(keys)
        return [self._readings[key] for key in wanted if key not in self._aside]

    def touched(self, number: int) -> Optional[datetime]:
        """When a watched change of that number was last touched; None where none is known well."""
        keys = {ChangeKey(number, project) for project in self._projects.get(number, ())}
        known = [self._readings[key] for key in keys if key in self._readings]
        if not known or keys & self._aside:
            return None
        return max(reading.change.updated for reading in known)

    def name(self, key: ChangeKey) -> Namer:
        """The event ids of a change's crossings."""
        alone = len(self._projects.get(key.number, ())) <= 1

        def named(crossing: Crossing) -> str:
            wait, milestone = crossing.wait, str(crossing.milestone)
            project = "" if alone else key.project
            party = wait.party.value
            return event_id(self._server, key.number, party, wait.since, milestone, project)

        return named

    def asks(self, key: ChangeKey, wait: WaitKey) -> Tuple[LiveAsk, ...]:
        """Who is asked about a wait of a change."""
        return self._asks.get(key, {}).get(wait, ())

    def learn(self, reading: Reading, since: Cursor, asks: Optional[Asks] = None) -> None:
        """Take in a change as Gerrit just answered it.

        :param since: if nothing is known of the change, its events up to here have been dispatched.
        :param asks: who is asked about its waits.
        """
        reading = reading.without_history()
        key = ChangeKey.of(reading.change)
        self._projects.setdefault(key.number, set()).add(key.project)
        if key not in self._dispatched:
            self._dispatched[key] = Dispatched.up_to(since, reading, self.name(key))
        self._readings[key] = reading
        self._asks[key] = asks or {}
        self._unsettled.add(key)
        self._aside.discard(key)

    def set_aside(self, key: ChangeKey) -> None:
        """Keep a change out of dispatching; what is known of it stays."""
        self._aside.add(key)

    def forget(self, key: ChangeKey) -> None:
        """Stop watching a change: it left the search, or can be seen no more."""
        self._let_go(key)
        self._dispatched.pop(key, None)
        self._unsettled.discard(key)
        self._aside.discard(key)
        projects = self._projects.get(key.number, set()) - {key.project}
        self._projects[key.number] = projects
        if not projects:
            del self._projects[key.number]

    def prune(self, known: Iterable[ChangeKey]) -> None:
        """Forget all that is neither watched nor known."""
        kept = set(known).union(self._readings, self._aside)
        for key in [key for key in self._dispatched if key not in kept]:
            self.forget(key)

    def forget_idle(self, horizon: datetime) -> None:
        """Stop watching what has been idle for so long that no milestone can be left."""
        for key, reading in list(self._readings.items()):
            if reading.change.updated < horizon and key not in self._unsettled:
                self.forget(key)

    def events(self, now: datetime) -> List[Event]:
        """Everything to be dispatched by ``now``, earliest first."""
        self._fall_due(now)
        found = [event for key in self._unsettled - self._aside for event in self._of(key, now)]
        return sorted(found, key=lambda event: event.order)

    def sent(self, event: Event) -> None:
        """Remember an event that has been dispatched."""
        self._dispatched[event.key].add(event)

    def settle(self, now: datetime) -> None:
        """Put away the changes of which nothing is left to dispatch."""
        for key in self._unsettled - self._aside:
            if not any(True for _ in self._of(key, now)):
                self._settle(key, now)

    def _of(self, key: ChangeKey, now: datetime) -> Iterator[Event]:
        return self._dispatched[key].due(self._readings[key], self.name(key), now)

    def _settle(self, key: ChangeKey, now: datetime) -> None:
        self._unsettled.discard(key)
        if not is_going_on(self._readings[key], now):
            self._let_go(key)
            return
        ahead = next_due(self._readings[key], now)
        if ahead is not None:
            heapq.heappush(self._due, (ahead, key))

    def _let_go(self, key: ChangeKey) -> None:
        self._readings.pop(key, None)
        self._asks.pop(key, None)

    def _fall_due(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            _, key = heapq.heappop(self._due)
            # An entry may be older than what is known now; then nothing comes of it.
            if key in self._readings:
                self._unsettled.add(key)
