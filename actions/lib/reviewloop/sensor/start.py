"""The first look of a process at everything that is open, and what it may leave out.

A change is read unless an earlier process has left what it knew of it, and the index shows it
unmoved since. A look that fails goes on, at the next poll, where it came to.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

from reviewloop.core.durations import Duration
from reviewloop.gerrit.parse import Row
from reviewloop.gerrit.queries import MAX_BATCH, after, all_of, before
from reviewloop.sensor.beside import UNUSABLE, Beside, Entry
from reviewloop.sensor.delta import OVERLAP
from reviewloop.sensor.found import ChangeKey, Failed, Found
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.known import Known, row_key, stamp_of
from reviewloop.sensor.packed import UNPACKED
from reviewloop.sensor.position import Position
from reviewloop.sensor.reader import PORTION, Reader
from reviewloop.sensor.watch import Watch
from reviewloop.settings.load import Settings

#: What is left for the next process is written anew so often at most, if anything has moved,
EVERY = timedelta(hours=1)
#: and as soon as so much has: changes, and a part of all.
MOVED, SHARE = 500, 20
#: Readings that a look at many holds at most before it packs them.
HELD = 50


@dataclass(frozen=True)
class Memories:
    """What is known of the changes, and how far their events were dispatched."""

    watch: Watch
    known: Known
    intake: Intake
    position: Position


class Start:
    """Looks at all that is open, and at what moved since the cursor.

    :param beside: what the last process left, if anything does.
    :param settling: events up to so long before the look are dispatched with it.
    """

    def __init__(
        self,
        settings: Settings,
        reader: Reader,
        memories: Memories,
        beside: Optional[Beside],
        settling: timedelta,
        log: logging.Logger,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._watch, self._known = memories.watch, memories.known
        self._intake, self._position = memories.intake, memories.position
        self._beside = beside
        self._settling = settling
        self._log = log
        #: When everything was last read anew; known once a look has come to its end.
        self.begun: datetime
        # When this look began, and the oldest update that it has come to.
        self._first: Optional[datetime] = None
        self._coming: Optional[datetime] = None
        self._reached: Optional[datetime] = None

    def run(self, now: datetime) -> datetime:
        """Look; everything that was updated before the instant returned has been looked at.

        Raises what the server and the datastore raise; the next run goes on from there.
        """
        cursor = self._position.cursor
        lagging = min(cursor.through - OVERLAP, cursor.whole)
        # What has fallen due since the cursor may leave nothing ahead of it.
        idle = horizon(self._settings, min(now, cursor.through))
        is_open = all_of("status:open", after(min(idle, lagging)))
        if self._first is None:
            self._first = now
        if not self._recall(is_open, now):
            self.begun = self._first
            self._scan(is_open, now)
        self._take_in(self._reader.scan(all_of("-status:open", after(lagging))), now)
        self._take_in(self._reader.changes(_left_behind(cursor.expected, self._known)), now)
        self._log.info("Watching %d changes.", len(self._watch))
        return self._first

    def _scan(self, query: str, now: datetime) -> None:
        """Read everything, newest first; what is touched meanwhile is the next delta's."""
        rest = "" if self._reached is None else before(self._reached)
        self._take_in(self._reader.scan(all_of(query, rest), self._came_to), now)

    def _came_to(self, oldest: datetime) -> None:
        self._coming = oldest

    def _take_in(self, found: Iterator[Found], now: datetime) -> None:
        """Take in changes and pack them, few by few: many of them fit in no memory."""
        for place, few in enumerate(iter(lambda: list(islice(found, HELD)), []), 1):
            self._intake.take(few)
            self._watch.settle(now - self._settling)
            self._watch.rest()
            # Only what has been taken in: the scan is ahead of that.
            self._reached = self._coming
            if place * HELD % PORTION == 0 or len(few) < HELD:
                self._log.info("%d changes looked at.", len(self._known))

    # What the last process left.

    def _recall(self, query: str, now: datetime) -> bool:
        """Take in what is unmoved and read the rest; False where reading everything is less."""
        if self._beside is None or self._reached is not None:
            return False
        left = self._beside.read(self._position.cursor, now)
        if left is None:
            return False
        unmoved, moved = self._compared(left.entries, query)
        if len(moved) * PORTION > (len(unmoved) + len(moved)) * MAX_BATCH:
            return False
        settled = now - self._settling
        for place, (row, entry) in enumerate(unmoved, 1):
            if not self._taken(row, entry, settled):
                moved.add(row_key(row))
            if place % UNPACKED == 0 or place == len(unmoved):
                self._watch.settle(settled)
        self._take_in(self._reader.changes(moved), now)
        self.begun = left.begun
        self._log.info("%d changes were known, %d have moved.", len(unmoved), len(moved))
        return True

    def _compared(
        self, entries: Dict[ChangeKey, Entry], query: str
    ) -> Tuple[List[Tuple[Row, Entry]], Set[ChangeKey]]:
        """The rows of which something is known, and the changes to be read."""
        unmoved, moved = [], set()
        expected = self._position.cursor.expected
        for row in self._reader.rows(query):
            if isinstance(row, Failed):
                self._intake.fail(row)
                continue
            entry = entries.get(row_key(row))
            is_plain = row.status_known and not row.is_private and row.number not in expected
            if entry is not None and is_plain and entry.stamp == stamp_of(row):
                unmoved.append((row, entry))
            else:
                moved.add(row_key(row))
        return unmoved, moved

    def _taken(self, row: Row, entry: Entry, now: datetime) -> bool:
        key = row_key(row)
        try:
            self._watch.recall(key, entry.told, self._position.cursor, now)
        except UNUSABLE:
            return False
        self._known.note_row(row)
        return True


class Leaving:
    """Writes down what is known, now and then, for the next process.

    :param beside: where.
    """

    def __init__(self, beside: Beside, memories: Memories) -> None:
        self._beside = beside
        self._memories = memories
        self._written: Optional[datetime] = None
        self._moved = 0

    def name(self) -> None:
        """Have the cursor name the file: one that belongs to no cursor is not believed."""
        position = self._memories.position
        if not position.cursor.cache:
            position.name_cache(secrets.token_hex(8))

    def run(self, now: datetime, begun: datetime, moved: int) -> None:
        """Write, if it is time, and if the cursor is stored.

        :param begun: when everything was last read anew.
        :param moved: how many changes this poll has read.
        """
        self._moved += moved
        if not self._is_time(now) or not self._memories.position.is_saved:
            return
        self._written, self._moved = now, 0
        self._beside.write(self._memories.position.cursor, begun, self._entries())

    def _is_time(self, now: datetime) -> bool:
        if self._written is None:
            return True
        many = max(MOVED, len(self._memories.known) // SHARE)
        return self._moved >= many or (self._moved > 0 and now - self._written >= EVERY)

    def _entries(self) -> Iterator[Tuple[ChangeKey, Entry]]:
        for key, seen in self._memories.known.items():
            told = self._memories.watch.text(key)
            if told is not None and seen.is_open:
                yield key, Entry(seen.stamp, told)


def horizon(settings: Settings, now: datetime) -> datetime:
    """Changes idle since before can reach no other milestone, nor are they covered."""
    policy = settings.policy
    milestones = rewind(settings, rewind(settings, now, policy.max_snooze), policy.milestones[-1])
    return min(milestones, rewind(settings, now, settings.coverage_reach))


def rewind(settings: Settings, now: datetime, duration: Duration) -> datetime:
    """So much working time before ``now``."""
    calendar = settings.policy.calendar
    found = calendar.rewind(now, duration.seconds(calendar))
    return found if found is not None else now - timedelta(days=3_650)


def _left_behind(numbers: Iterable[int], read: Iterable[ChangeKey]) -> Set[ChangeKey]:
    """Changes of which something is still to be dispatched, by number, but for those read."""
    done = {key.number for key in read}
    return {ChangeKey(number, "") for number in numbers if number not in done}
