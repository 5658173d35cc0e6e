"""When each change has to be looked at next: the first instant at which something may be due."""

from __future__ import annotations

import heapq
from datetime import datetime, timezone
from typing import Dict, List, Optional, Tuple

from reviewloop.sensor.found import ChangeKey

#: Where an event stands among all, as ``Event.order``.
Order = Tuple[datetime, Tuple[int, str]]

#: Before all events: for what has to be looked at in any case.
AT_ONCE: Order = (datetime.min.replace(tzinfo=timezone.utc), (0, ""))


def not_before(at: datetime, key: ChangeKey) -> Order:
    """Before every event of a change at an instant, and after those of changes of lower numbers:
    many cross a milestone in one second, when work begins.
    """
    return at, (key.number, "")


class Queue:
    """Each change at most once; putting it anew takes its former place away."""

    def __init__(self) -> None:
        self._places: Dict[ChangeKey, Order] = {}
        self._heap: List[Tuple[Order, ChangeKey]] = []

    def __len__(self) -> int:
        return len(self._places)

    def put(self, key: ChangeKey, order: Order) -> None:
        """Look at a change when everything before has been looked at."""
        self._places[key] = order
        heapq.heappush(self._heap, (order, key))
        # What was put anew leaves its former entry behind.
        if len(self._heap) > 2 * len(self._places) + 100:
            self._heap = [(order, key) for key, order in self._places.items()]
            heapq.heapify(self._heap)

    def drop(self, key: ChangeKey) -> None:
        """Do not look at a change any more."""
        self._places.pop(key, None)

    def at(self, key: ChangeKey) -> Optional[datetime]:
        """When a change is to be looked at; None if it has no place."""
        order = self._places.get(key)
        return None if order is None else order[0]

    def is_due(self, key: ChangeKey, now: datetime) -> bool:
        """Whether a change is to be looked at by ``now``."""
        at = self.at(key)
        return at is not None and at <= now

    def count(self, now: datetime) -> int:
        """How many changes are to be looked at by ``now``."""
        return sum(order[0] <= now for order in self._places.values())

    def first(self, now: datetime) -> Optional[Order]:
        """The first place that is due by ``now``."""
        while self._heap:
            order, key = self._heap[0]
            if self._places.get(key) is order:
                return order if order[0] <= now else None
            heapq.heappop(self._heap)
        return None

    def take(self) -> ChangeKey:
        """Take the change in the first place out; :meth:`first` has found one."""
        _, key = heapq.heappop(self._heap)
        del self._places[key]
        return key
