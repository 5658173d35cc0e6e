"""One reading of a change for several operations about it."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Hashable, Optional, Tuple, TypeVar

from reviewloop.core.durations import Duration
from reviewloop.core.reading import WaitKey
from reviewloop.store.lease import Lease

T = TypeVar("T")

FRESH = 10.0
"""Seconds for which a change that was read may be written on: people act meanwhile."""


class OneReading:
    """What was read of a change while its lease is held, for :data:`FRESH` seconds.

    :param lease: whose clock is used; without one nothing is kept.
    """

    def __init__(self, lease: Optional[Lease]) -> None:
        self._lease = lease
        self._kept: Dict[Hashable, Tuple[float, Any]] = {}

    def once(self, what: Hashable, read: Callable[[], T]) -> T:
        """What ``read`` answers, or answered a moment ago."""
        left = 0.0 if self._lease is None else self._lease.left
        then, value = self._kept.get(what, (math.inf, None))
        if then - left <= FRESH:
            found: T = value
            return found
        found = read()
        if self._lease is not None:
            self._kept[what] = left, found
        return found


def joined_to(wait: WaitKey, milestone: Duration) -> Hashable:
    """Under what it is kept for which other changes an ask is meant as well."""
    return "joined", wait, milestone


NO_READING = OneReading(None)
