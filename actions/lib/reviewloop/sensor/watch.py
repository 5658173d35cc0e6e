"""What the sensor remembers of the changes it watches, and what is to be told of them.

Nothing here talks to anybody. A restart loses all of it; the cursor and a fresh look at Gerrit
bring it back.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, Iterable, List, Set, Tuple, Union

from reviewloop.core.change import Change
from reviewloop.core.milestones import Crossing, Ending
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Course, Reading, WaitKey, live, read_change
from reviewloop.store.cursor import Cursor


@dataclass(frozen=True)
class Notice:
    """One event to be told: a crossing or an ending of a change, under its id."""

    at: datetime
    id: str
    reading: Reading
    what: Union[Crossing, Ending]

    @property
    def number(self) -> int:
        """The change."""
        return self.reading.change.number


@dataclass
class _Watched:
    reading: Reading
    # Waits seen open whose ending has not been told.
    open: Set[WaitKey] = field(default_factory=set)


class Watch:
    """The changes that may still cross a milestone, or whose waits may end.

    A change is *unsettled* from the moment it is read, or falls due, until all its events are told.
    """

    def __init__(self, server: str, policy: Policy) -> None:
        self._server = server
        self._policy = policy
        self._watched: Dict[int, _Watched] = {}
        self._unsettled: Set[int] = set()
        self._due: List[Tuple[datetime, int]] = []
        # Changes found late are told from their own position on.
        self._late: Dict[int, Cursor] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._watched

    def __len__(self) -> int:
        return len(self._watched)

    def open_numbers(self) -> Set[int]:
        """Changes with a wait that lasts."""
        return {number for number, one in self._watched.items() if _open(one.reading)}

    def learn(self, change: Change) -> None:
        """Take in a change as Gerrit just answered it, with its messages."""
        reading = read_change(change, self._policy).without_history()
        known = self._watched.get(change.number)
        self._watched[change.number] = _Watched(reading, known.open if known else set())
        self._unsettled.add(change.number)

    def learn_late(self, change: Change, since: Cursor) -> None:
        """Take in a change that polls should have seen before: it is told from ``since`` on."""
        self.learn(change)
        self._late.setdefault(change.number, since)

    def forget(self, number: int) -> None:
        """Stop watching a change: it left the search, or can be seen no more."""
        self._watched.pop(number, None)
        self._unsettled.discard(number)
        self._late.pop(number, None)

    def forget_idle(self, horizon: datetime) -> None:
        """Stop watching what has been idle for so long that no milestone can be left."""
        for number in [
            n for n, one in self._watched.items() if one.reading.change.updated < horizon
        ]:
            if number not in self._unsettled:
                self.forget(number)

    def notices(self, cursor: Cursor, now: datetime) -> List[Notice]:
        """Everything to be told by ``now``, earliest first."""
        self._fall_due(now)
        found = [notice for number in self._unsettled for notice in self._of(number, cursor, now)]
        return sorted(found, key=lambda notice: (notice.at, notice.id))

    def told(self, notices: Iterable[Notice], cursor: Cursor, now: datetime) -> None:
        """Remember what was told; ``cursor`` is where telling has come to."""
        for notice in notices:
            if isinstance(notice.what, Ending):
                wait = notice.what.wait
                self._watched[notice.number].open.discard((wait.party.value, wait.since))
            if notice.number in self._late:
                self._late[notice.number] = Cursor(notice.at, notice.id)
        for number in list(self._unsettled):
            if not any(True for _ in self._of(number, cursor, now)):
                self._settle(number, now)

    def _of(self, number: int, cursor: Cursor, now: datetime) -> Iterable[Notice]:
        one = self._watched[number]
        window = self._late.get(number, cursor).window(now)
        for event_id, what in live(one.reading, self._server, window, tuple(one.open)):
            yield Notice(what.at, event_id, one.reading, what)

    def _settle(self, number: int, now: datetime) -> None:
        self._unsettled.discard(number)
        self._late.pop(number, None)
        one = self._watched[number]
        one.open = {course.key for course in _open(one.reading)}
        if not one.open:
            del self._watched[number]
            return
        following = [course.following(now) for course in _open(one.reading)]
        ahead = [crossing.at for crossing in following if crossing is not None]
        if ahead:
            heapq.heappush(self._due, (min(ahead), number))

    def _fall_due(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            _, number = heapq.heappop(self._due)
            # An entry may be older than what is known now; then nothing comes of it.
            if number in self._watched:
                self._unsettled.add(number)


def _open(reading: Reading) -> List[Course]:
    return [course for course in reading.courses if course.wait.is_open]
