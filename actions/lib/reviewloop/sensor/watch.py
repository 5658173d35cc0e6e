"""What the sensor remembers of the changes it watches, and what is to be dispatched about them.

Nothing here talks to anybody. A restart loses all of it; the cursor and a fresh look at Gerrit
bring it back.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple, Union

from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading
from reviewloop.sensor.events import Dispatched, Event, Namer, Reached, is_going_on, next_due
from reviewloop.sensor.found import Asks, ChangeKey
from reviewloop.sensor.packed import pack, unpack
from reviewloop.sensor.queue import AT_ONCE, Order, Queue, not_before
from reviewloop.store.cursor import Cursor


class _Kept:
    """A watched change: whole as it was read in this poll, or packed."""

    __slots__ = ("asks", "known", "updated")

    def __init__(self, known: Union[Reading, str], asks: Asks, updated: datetime) -> None:
        self.known = known
        self.asks = asks
        self.updated = updated


_NO_ASKS: Asks = {}


class Watch:
    """The changes that may still cross a milestone, or whose waits may end.

    A change that is *set aside* could not be read, or not be reported: nothing is due of it until
    it is read again. Between polls changes are packed (:meth:`rest`).

    What was dispatched of a change is remembered longer than it is watched, until it is forgotten:
    or its ending would be dispatched again when somebody next touches it.

    :param server: as event ids name it.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._kept: Dict[ChangeKey, _Kept] = {}
        self._dispatched: Dict[ChangeKey, str] = {}
        self._queue = Queue()
        # Changes that were read, or of which something was sent, since they were last looked at.
        self._unsettled: Set[ChangeKey] = set()
        self._aside: Set[ChangeKey] = set()
        self._projects: Dict[int, Tuple[str, ...]] = {}
        self._whole: Set[ChangeKey] = set()
        self._news: Set[ChangeKey] = set()
        # What was sent since the cursor was last kept, and how far the wait was before.
        self._unconfirmed: List[Tuple[Event, Optional[Reached]]] = []
        self._now: Optional[datetime] = None

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[ChangeKey]:
        return iter(self._kept)

    @property
    def remembered(self) -> int:
        """Of how many changes it is known what was dispatched of them."""
        return len(self._dispatched)

    @property
    def waiting(self) -> int:
        """For how many changes there is an instant at which something may be due."""
        return len(self._queue)

    def known(self, key: ChangeKey) -> Optional[Tuple[Reading, Asks]]:
        """What is known of a watched change and of who is asked about each wait; None if it is not
        watched, or set aside.
        """
        kept = self._kept.get(key)
        if kept is None or key in self._aside:
            return None
        if isinstance(kept.known, str):
            return unpack(kept.known, key)
        return kept.known, kept.asks

    def is_whole(self, key: ChangeKey) -> bool:
        """Whether a change is known with its names and votes: it was read in this poll."""
        return key in self._whole

    def take_news(self) -> Set[ChangeKey]:
        """The changes of which something else is known than at the last call, and those that are
        watched no longer.
        """
        news, self._news = self._news, set()
        return news

    def touched(self, number: int) -> Optional[datetime]:
        """When a watched change of that number was last touched; None where none is known well."""
        keys = {ChangeKey(number, project) for project in self._projects.get(number, ())}
        known = [self._kept[key] for key in keys if key in self._kept]
        if not known or keys & self._aside:
            return None
        return max(kept.updated for kept in known)

    def name(self, key: ChangeKey) -> Namer:
        """The event ids of a change's crossings."""
        alone = len(self._projects.get(key.number, ())) <= 1

        def named(crossing: Crossing) -> str:
            wait, milestone = crossing.wait, str(crossing.milestone)
            project = "" if alone else key.project
            party = wait.party.value
            return event_id(self._server, key.number, party, wait.since, milestone, project)

        return named

    def learn(self, reading: Reading, since: Cursor, asks: Optional[Asks] = None) -> None:
        """Take in a change as Gerrit just answered it.

        :param since: if nothing is known of the change, its events up to here have been dispatched.
        :param asks: who is asked about its waits.
        """
        reading = reading.without_history()
        key = ChangeKey.of(reading.change)
        self._add_project(key)
        if key not in self._dispatched:
            self._dispatched[key] = Dispatched.up_to(since, reading, self.name(key)).to_text()
        self._keep(key, reading, asks or _NO_ASKS)
        self._aside.discard(key)

    def set_aside(self, key: ChangeKey) -> None:
        """Keep a change out of dispatching; what is known of it stays."""
        self._aside.add(key)
        self._queue.drop(key)
        self._news.add(key)

    def forget(self, key: ChangeKey) -> None:
        """Stop watching a change: it left the search, or can be seen no more."""
        self._let_go(key)
        self._dispatched.pop(key, None)
        self._aside.discard(key)
        projects = tuple(one for one in self._projects.get(key.number, ()) if one != key.project)
        self._projects[key.number] = projects
        self._news.update(ChangeKey(key.number, project) for project in projects)
        if not projects:
            del self._projects[key.number]

    def prune(self, known: Iterable[ChangeKey]) -> None:
        """Forget all that is neither watched nor known."""
        kept = set(known).union(self._kept, self._aside)
        for key in [key for key in self._dispatched if key not in kept]:
            self.forget(key)

    def forget_idle(self, horizon: datetime) -> None:
        """Stop watching what has been idle for so long that no milestone can be left."""
        for key, kept in list(self._kept.items()):
            if kept.updated < horizon and not self._is_unsettled(key):
                self.forget(key)

    def upcoming(self, now: datetime, most: int, late: datetime, more: int = 0) -> List[Event]:
        """The first events to be dispatched by ``now``, earliest first: ``most`` of them and one,
        and so many ``more`` at most as are dated up to ``late``.

        Only changes of which an event may be among them are looked at.
        """
        self._now = now
        found: List[Event] = []
        ready: List[Tuple[Order, int, Event]] = []
        tie = count()
        places: Dict[ChangeKey, Order] = {}
        while len(found) <= most or (found[-1].at <= late and len(found) <= most + more):
            bound = self._queue.first(now)
            if bound is not None and (not ready or bound <= ready[0][0]):
                key = self._queue.take()
                events = self._due(key, now)
                for event in events:
                    heapq.heappush(ready, (event.order, next(tie), event))
                if events:
                    places[key] = min(event.order for event in events)
                else:
                    self._settle(key, now)
            elif ready:
                found.append(heapq.heappop(ready)[2])
            else:
                break
        for key, place in places.items():
            self._queue.put(key, place)
        return found

    def sent(self, event: Event) -> None:
        """Remember an event that has been dispatched."""
        dispatched = self._of(event.key)
        self._unconfirmed.append((event, dispatched.add(event)))
        self._dispatched[event.key] = dispatched.to_text()
        self._unsettled.add(event.key)

    def confirm(self) -> None:
        """The cursor has been kept: what was sent is not sent again, whatever happens."""
        self._unconfirmed = []

    def take_back(self, is_told: Callable[[Event], bool]) -> None:
        """Send again what was sent since the last :meth:`confirm`, but for what is surely told."""
        for event, before in reversed(self._unconfirmed):
            if is_told(event) or event.key not in self._dispatched:
                continue
            dispatched = self._of(event.key)
            dispatched.remove(event, before)
            self._dispatched[event.key] = dispatched.to_text()
            if event.key in self._kept:
                self._look_again(event.key)
            else:
                self._keep(event.key, event.reading, _NO_ASKS)
        self._unconfirmed = []

    def settle(self, now: datetime) -> None:
        """Look at the changes that were read, or of which something was sent: put away those of
        which nothing is left to dispatch.
        """
        self._now = now
        for key in self._unsettled - self._aside:
            events = self._due(key, now)
            if events:
                self._queue.put(key, min(event.order for event in events))
            else:
                self._settle(key, now)
        self._unsettled &= self._aside

    def rest(self) -> None:
        """Pack the changes that were read; what is told of one later is read anew."""
        if self._now is None:
            return
        for key in self._whole:
            kept = self._kept[key]
            if not isinstance(kept.known, str):
                kept.known = pack(kept.known, kept.asks, self._now, self._of(key).is_pending)
                kept.asks = _NO_ASKS
        self._whole = set()

    def _add_project(self, key: ChangeKey) -> None:
        projects = self._projects.get(key.number, ())
        if key.project not in projects:
            # Where there are two of a number, both go by other names.
            self._news.update(ChangeKey(key.number, project) for project in projects)
            self._projects[key.number] = (*projects, key.project)

    def _keep(self, key: ChangeKey, reading: Reading, asks: Asks) -> None:
        self._kept[key] = _Kept(reading, asks, reading.change.updated)
        self._whole.add(key)
        self._look_again(key)

    def _look_again(self, key: ChangeKey) -> None:
        self._news.add(key)
        self._unsettled.add(key)
        self._queue.put(key, AT_ONCE)

    def _is_unsettled(self, key: ChangeKey) -> bool:
        is_due = self._now is not None and self._queue.is_due(key, self._now)
        return is_due or key in self._unsettled

    def _due(self, key: ChangeKey, now: datetime) -> List[Event]:
        known = self.known(key)
        if known is None:
            return []
        return list(self._of(key).due(known[0], self.name(key), now))

    def _of(self, key: ChangeKey) -> Dispatched:
        return Dispatched.from_text(self._dispatched[key])

    def _settle(self, key: ChangeKey, now: datetime) -> None:
        self._unsettled.discard(key)
        known = self.known(key)
        if known is None:
            return
        if not is_going_on(known[0], now):
            self._let_go(key)
            return
        ahead = next_due(known[0], now)
        if ahead is None:
            self._queue.drop(key)
        else:
            self._queue.put(key, not_before(ahead))

    def _let_go(self, key: ChangeKey) -> None:
        self._kept.pop(key, None)
        self._queue.drop(key)
        self._whole.discard(key)
        self._unsettled.discard(key)
        self._news.add(key)
