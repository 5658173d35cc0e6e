"""What the sensor remembers of the changes it watches, and what is to be dispatched about them.

Nothing here talks to anybody. A restart may lose all of it; the cursor and a fresh look at Gerrit
bring it back.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from reviewloop.core.change import Change
from reviewloop.core.reading import Reading
from reviewloop.core.timestamps import epoch, instant
from reviewloop.sensor.events import Event, Namer, Reached, is_going_on, next_due
from reviewloop.sensor.found import Asks, ChangeKey
from reviewloop.sensor.memory import Memory, Told
from reviewloop.sensor.packed import UNPROVEN, standing
from reviewloop.sensor.queue import AT_ONCE, Order, Queue, not_before
from reviewloop.store.cursor import Cursor


class Watch:
    """The changes that may still cross a milestone, or whose waits may end.

    A change that is *set aside* could not be read, or not be reported: nothing is due of it until
    it is read again. Between polls changes are packed (:meth:`rest`).

    What was dispatched of a change is remembered longer than it is watched, until it is forgotten:
    or its ending would be dispatched again when somebody next touches it.

    :param server: as event ids name it.
    """

    def __init__(self, server: str) -> None:
        self._memory = Memory(server)
        self._queue = Queue()
        # Changes that were read, or of which something was sent, since they were last looked at.
        self._unsettled: Set[ChangeKey] = set()
        self._aside: Set[ChangeKey] = set()
        self._news: Set[ChangeKey] = set()
        # What was sent since the cursor was last kept, and how far the wait was before.
        self._unconfirmed: List[Tuple[Event, Optional[Reached]]] = []
        #: Waits whose endings are not to be dispatched, and when they ended, likewise.
        self.passed_over: Dict[str, datetime] = {}
        self._now: Optional[datetime] = None

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._memory

    def __len__(self) -> int:
        return len(self._memory)

    def __iter__(self) -> Iterator[ChangeKey]:
        return iter(self._memory)

    @property
    def remembered(self) -> int:
        """Of how many changes it is known what was dispatched of them."""
        return len(self._memory.remembered)

    def due(self, now: datetime) -> int:
        """For how many changes there may be something to dispatch."""
        return self._queue.count(now)

    def known(self, key: ChangeKey) -> Optional[Tuple[Reading, Asks]]:
        """What is known of a watched change and of who is asked about each wait; None if it is not
        watched, or set aside.
        """
        return None if key in self._aside else self._memory.known(key)

    def take_news(self) -> Set[ChangeKey]:
        """The changes of which something else is known than at the last call, and those that are
        watched no longer.
        """
        news, self._news = self._news, set()
        return news

    def touched(self, number: int) -> Optional[datetime]:
        """When a watched change of that number was last touched; None where none is known well."""
        keys = self._memory.of_number(number)
        known = [at for at in map(self._memory.updated, keys) if at is not None]
        return None if not known or self._aside.intersection(keys) else max(known)

    def name(self, key: ChangeKey) -> Namer:
        """The event ids of a change's crossings."""
        return self._memory.name(key)

    def learn(
        self,
        reading: Reading,
        since: Cursor,
        asks: Optional[Asks] = None,
        *,
        is_whole: bool = True,
    ) -> None:
        """Take in a change as Gerrit just answered it.

        :param since: if nothing is known of the change, its events up to here have been dispatched.
        :param asks: who is asked about its waits.
        :param is_whole: whether all that people said in comments was read.
        """
        reading = reading.without_history()
        key = ChangeKey.of(reading.change)
        self._news.update(self._memory.add(key))
        self._memory.begin(key, reading, since, is_whole=is_whole)
        self._memory.keep(key, reading, asks, is_whole=is_whole)
        self._look_again(key)
        self._aside.discard(key)

    def is_proven(self, key: ChangeKey) -> bool:
        """Whether :meth:`renew` may do for a change."""
        return key not in self._aside and self._memory.standing(key) != UNPROVEN

    def renew(self, key: ChangeKey, change: Change) -> bool:
        """Take in a change without its messages, which are those that it was read with, for what is
        told of it until :meth:`rest`; False, and nothing happens, where what else a reading depends
        on is not the same.
        """
        is_same = self.is_proven(key) and self._memory.standing(key) == standing(change)
        if not is_same or change.is_private:
            return False
        self._memory.renew(key, change)
        return True

    def renewed(self, event: Event) -> Event:
        """The event on its change as that was taken in last by :meth:`renew`."""
        known = self._memory.renewed(event.key)
        return event if known is None else event.of(known)

    def text(self, key: ChangeKey) -> Optional[Told]:
        """What another process may know of a change; None if nothing."""
        return None if key in self._aside else self._memory.text(key, self._due(key))

    def recall(self, key: ChangeKey, told: Told, since: Cursor, now: datetime) -> None:
        """Take in what :meth:`text` told in an earlier process. What may be due by ``now``, or was
        by the cursor, is looked at; the others wait for their instant, as they would have there.

        :param since: up to here events were dispatched meanwhile.
        :raises ValueError, TypeError, KeyError, IndexError, OverflowError: it is something else.
        """
        due = None if told.due is None else instant(told.due)
        is_current = due is None or due > max(now, since.through)
        self._memory.recall(key, told, since, is_current=is_current)
        self._news.update(self._memory.add(key))
        if key not in self._memory:
            return
        if not is_current:
            self._look_again(key)
            return
        self._news.add(key)
        if due is not None:
            self._queue.put(key, not_before(due, key))

    def set_aside(self, key: ChangeKey) -> None:
        """Keep a change out of dispatching; what is known of it stays."""
        self._aside.add(key)
        self._queue.drop(key)
        self._news.add(key)

    def forget(self, key: ChangeKey) -> None:
        """Stop watching a change: it left the search, or can be seen no more."""
        self._let_go(key)
        self._memory.forget(key)
        self._aside.discard(key)
        self._news.update(self._memory.remove(key))

    def prune(self, known: Iterable[ChangeKey]) -> None:
        """Forget all that is neither watched nor known."""
        kept = set(known).union(self._memory, self._aside)
        for key in [key for key in self._memory.remembered if key not in kept]:
            self.forget(key)

    def forget_idle(self, horizon: datetime) -> None:
        """Stop watching what has been idle for so long that no milestone can be left."""
        for key in tuple(self._memory):
            updated = self._memory.updated(key)
            if updated is not None and updated < horizon and not self._is_unsettled(key):
                self.forget(key)

    def upcoming(
        self, now: datetime, most: int, is_late: Callable[[Event], bool], more: int
    ) -> List[Event]:
        """The first events to be dispatched by ``now``, earliest first: ``most`` of them and one,
        and so many ``more`` at most as are late.

        Only changes of which an event may be among them are looked at.
        """
        self._now = now
        found: List[Event] = []
        ready: List[Tuple[Order, int, Event]] = []
        tie = count()
        places: Dict[ChangeKey, Order] = {}
        while len(found) <= most or (len(found) <= most + more and is_late(found[-1])):
            bound = self._queue.first(now)
            if bound is not None and (not ready or bound <= ready[0][0]):
                key = self._queue.take()
                events = self._due_or_settled(key, now)
                for event in events:
                    heapq.heappush(ready, (event.order, next(tie), event))
                if events:
                    places[key] = min(event.order for event in events)
            elif ready:
                found.append(heapq.heappop(ready)[2])
            else:
                break
        for key, place in places.items():
            self._queue.put(key, place)
        return found

    def sent(self, event: Event) -> None:
        """Remember an event that has been dispatched."""
        dispatched = self._memory.dispatched(event.key)
        self._unconfirmed.append((event, dispatched.add(event)))
        self._memory.note(event.key, dispatched)
        self._unsettled.add(event.key)

    def confirm(self) -> None:
        """The cursor has been kept: what was sent is not sent again, whatever happens."""
        self._unconfirmed, self.passed_over = [], {}

    def take_back(self, is_told: Callable[[Event], bool]) -> None:
        """Send again what was sent since the last :meth:`confirm`, but for what is surely told."""
        for event, before in reversed(self._unconfirmed):
            if is_told(event) or event.key not in self._memory.remembered:
                continue
            dispatched = self._memory.dispatched(event.key)
            dispatched.remove(event, before)
            self._memory.note(event.key, dispatched)
            if event.key not in self._memory:
                self._memory.keep(event.key, event.reading)
            self._look_again(event.key)
        self._unconfirmed = []

    def settle(self, now: datetime) -> None:
        """Look at the changes that were read, or of which something was sent: put away those of
        which nothing is left to dispatch.
        """
        self._now = now
        for key in self._unsettled - self._aside:
            events = self._due_or_settled(key, now)
            if events:
                self._queue.put(key, min(event.order for event in events))
        self._unsettled &= self._aside

    def rest(self) -> None:
        """Pack the changes that were read; what is told of one later is read anew."""
        if self._now is not None:
            self._memory.rest(self._now)

    def _due(self, key: ChangeKey) -> Optional[int]:
        at = AT_ONCE[0] if key in self._unsettled else self._queue.at(key)
        return None if at is None else max(0, epoch(at))

    def _look_again(self, key: ChangeKey) -> None:
        self._news.add(key)
        self._unsettled.add(key)
        self._queue.put(key, AT_ONCE)

    def _is_unsettled(self, key: ChangeKey) -> bool:
        is_due = self._now is not None and self._queue.is_due(key, self._now)
        return is_due or key in self._unsettled

    def _due_or_settled(self, key: ChangeKey, now: datetime) -> List[Event]:
        """What is to be dispatched of a change; where that is nothing, it is put away."""
        known = self.known(key)
        if known is None:
            return []
        dispatched = self._memory.dispatched(key)
        self.passed_over.update(dispatched.passed_over(known[0], now))
        events = list(dispatched.due(known[0], self.name(key), now))
        if not events:
            self._settle(key, known[0], now)
        return events

    def _settle(self, key: ChangeKey, reading: Reading, now: datetime) -> None:
        self._unsettled.discard(key)
        if not is_going_on(reading, now):
            self._let_go(key)
            return
        ahead = next_due(reading, now)
        if ahead is None:
            self._queue.drop(key)
        else:
            self._queue.put(key, not_before(ahead, key))

    def _let_go(self, key: ChangeKey) -> None:
        self._memory.let_go(key)
        self._queue.drop(key)
        self._news.add(key)
