"""What moved on the server since the last look: one request where nothing did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Dict, List, Optional, Set

from reviewloop.gerrit.parse import Row
from reviewloop.gerrit.queries import after
from reviewloop.sensor.aside import Aside
from reviewloop.sensor.clock import DoubtedClock
from reviewloop.sensor.found import ChangeKey, Failed
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.known import Known, row_key
from reviewloop.sensor.reader import Reader
from reviewloop.sensor.watch import Watch

#: An update is dated when it begins and shows in the index when it has ended, or later.
OVERLAP = timedelta(minutes=20)
#: Once in ``WIDE`` a delta reaches so far back: how late the index can be is only seen by looking.
WIDE, REACH = timedelta(hours=1), timedelta(hours=2)
#: What a search takes for the next instant.
_SECOND = timedelta(seconds=1)


class Delta:
    """Searches by the time of the last update.

    The lower bound follows the newest update seen, so that an index that is late as a whole is
    waited for, and never the clock: one change that is dated ahead would hide all others. The
    overlap is twice the lag that was seen last. When nothing newer has come for so long that what
    was late must have shown, nothing before the newest update is listed again: after a burst of
    changes, silence costs no more than after one.
    """

    def __init__(self, reader: Reader, clock: DoubtedClock) -> None:
        self._reader = reader
        self._clock = clock
        self._newest: Optional[datetime] = None
        self._asked: Optional[datetime] = None
        self._widened: Optional[datetime] = None
        self._lag = timedelta(0)

    @property
    def has_begun(self) -> bool:
        """Whether there is a look that the next one can go on from."""
        return self._newest is not None

    def begin(self, now: datetime, newest: Optional[datetime] = None) -> None:
        """Everything that was updated before ``now`` has been looked at.

        :param newest: the newest update there was.
        """
        self._asked = self._widened = now
        self._newest = now if newest is None else min(newest, now)

    def look(self, watch: Watch, known: Known, aside: Aside, intake: Intake) -> Set[ChangeKey]:
        """Read what moved, and what is to be tried again; the changes read."""
        assert self._newest is not None  # noqa: S101 - begun
        since = self._since(self._newest)
        moved: Dict[ChangeKey, Row] = {}
        newest: List[datetime] = [self._newest]
        asked: Optional[datetime] = None
        for row in self._reader.rows(after(since)):
            # The first page has come: it holds what the index knew by now, and later ones no more.
            asked = asked or self._answered()
            if isinstance(row, Failed):
                intake.fail(row)
                continue
            newest.append(row.updated)
            self._clock.check_updated(row.number, row.updated)
            if known.has_moved(row):
                self._observe(row)
                moved[row_key(row)] = row
        now = asked or self._answered()
        read = intake.take(self._reader.changes(aside.due(now).union(moved)))
        for key in [key for key in moved if key in aside]:
            known.note_row(moved[key])
        self._newest, self._asked = min(max(newest), max(now, self._newest)), now
        known.prune(self._newest - REACH, watch.__contains__)
        return read

    @property
    def asked(self) -> datetime:
        """The time of the last look: what happened before, up to the index's lag, is known."""
        assert self._asked is not None  # noqa: S101 - begun
        return self._asked

    def ease(self) -> None:
        """A day has passed: an index that was late once may have caught up."""
        self._lag /= 2

    def _answered(self) -> datetime:
        self._clock.check()
        return self._clock.now()

    def _since(self, newest: datetime) -> datetime:
        """From when on updates are listed."""
        now = self._clock.now()
        is_wide = self._widened is None or now - self._widened >= WIDE
        if is_wide:
            self._widened = now
        reach = REACH if is_wide else min(max(OVERLAP, 2 * self._lag), REACH)
        # What is looked for only now and then has to be looked for once more.
        last = reach + WIDE if is_wide else reach
        return newest + _SECOND if self.asked - newest > last else newest - reach

    def _observe(self, row: Row) -> None:
        """An update that the last look should have found shows how late the index is."""
        if self._asked is not None:
            self._lag = max(self._lag, min(self._asked - row.updated, REACH))
