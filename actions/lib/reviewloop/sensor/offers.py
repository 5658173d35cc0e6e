"""What came of the offers of overdue waits so far, and how often they are repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Callable, Dict, Iterable, Optional, Sequence, Set, Tuple

from reviewloop.sensor.uncovered import Kind, Overdue, Slot, kind_of
from reviewloop.store.asks import Ask

#: A wait is offered at most so often while something may have changed.
EVERY = timedelta(hours=1)
#: The first offer that led to nothing, as one that a fault has swallowed, is repeated sooner.
AGAIN = timedelta(minutes=30)
#: Offers that led to nothing, neither an ask nor a record of why not, before they become rare.
PATIENCE = 3
#: How long somebody who was chosen shows that a rule acts.
ACTS = timedelta(days=7)


@dataclass(frozen=True)
class Offer:
    """An offer of a milestone at ``at``; with it ``count`` in a row, as far as it is known."""

    milestone: int
    at: datetime
    count: int

    @property
    def pause(self) -> timedelta:
        """How long to wait for what comes of it."""
        return AGAIN if self.count == 1 else EVERY


class Memo:
    """What came of a wait so far: the last offer, until when it rests, when its edge was sent."""

    __slots__ = ("held", "offer", "sent")

    def __init__(self) -> None:
        self.offer: Optional[Offer] = None
        self.held: Optional[datetime] = None
        self.sent: Optional[datetime] = None


class Chosen:
    """Who was chosen of late, as a sign that a rule acts."""

    def __init__(self, asks: Iterable[Ask]) -> None:
        self._kinds: Dict[Kind, datetime] = {}
        for ask in asks:
            kind = kind_of(ask.event_id)
            self._kinds[kind] = max(ask.at, self._kinds.get(kind, ask.at))

    def is_acted_on(self, one: Overdue, now: datetime) -> bool:
        """Whether somebody was chosen for this wait, or another one of its kind, within a week."""
        at = self._kinds.get(one.kind)
        return at is not None and now - at < ACTS


class Tries:
    """Offers although so many before led to nothing: one of each kind now and then, so that a fault
    that lasted for hours keeps nobody waiting for a day. When something comes of it, the others
    follow.
    """

    def __init__(self) -> None:
        self._last: Dict[Kind, Tuple[datetime, Slot]] = {}

    def chosen(
        self, rare: Sequence[Overdue], now: datetime, last: Callable[[Overdue], datetime]
    ) -> Set[Overdue]:
        """Of each kind the one whose last offer is the oldest, and of these who has waited for the
        longest, unless it is too soon; the same when asked again in one poll.
        """
        found = set()
        for one in sorted(rare, key=lambda one: (last(one), one.rank)):
            at, slot = self._last.get(one.kind, (None, None))
            if at is None or now - at >= AGAIN:
                self._last[one.kind] = at, slot = now, one.slot
            if (at, slot) == (now, one.slot):
                found.add(one)
        return found
