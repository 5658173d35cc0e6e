"""A slow look at everything that is open, once a day: what the deltas missed is found here."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Callable, Optional, Set

from reviewloop.gerrit.queries import after, all_of
from reviewloop.sensor.delta import REACH
from reviewloop.sensor.found import ChangeKey, Failed
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.known import Known, row_key
from reviewloop.sensor.reader import Reader
from reviewloop.sensor.watch import Watch
from reviewloop.store.cursor import Cursor

EVERY = timedelta(days=1)


class Reconcile:
    """Compares what is watched with what is open.

    :param horizon: the instant before which a change must have been idle since to be left alone.
    """

    def __init__(
        self,
        reader: Reader,
        horizon: Callable[[datetime], datetime],
        every: timedelta,
        log: logging.Logger,
    ) -> None:
        self._reader = reader
        self._horizon = horizon
        self._every = every
        self._log = log
        self._at: Optional[datetime] = None

    def begin(self, now: datetime) -> None:
        """Everything has just been looked at."""
        self._at = now

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for the next look."""
        return self._at is None or now - self._at >= self._every

    def run(
        self, now: datetime, watch: Watch, known: Known, intake: Intake, read: Set[ChangeKey]
    ) -> Set[ChangeKey]:
        """Look, and read what differs from what is known; the changes read.

        :param read: changes that this poll has read already.
        """
        since = Cursor(self._at or now)
        # What has fallen due since the last look may leave nothing ahead of it.
        horizon = self._horizon(since.through)
        watch.forget_idle(horizon)
        listed: Set[ChangeKey] = set()
        missed: Set[ChangeKey] = set()
        for row in self._reader.rows(all_of("status:open", after(horizon))):
            if isinstance(row, Failed):
                intake.fail(row)
                continue
            listed.add(row_key(row))
            if known.has_moved(row):
                missed.add(row_key(row))
        missed |= set(watch) - listed
        found = intake.take(self._reader.changes(missed - read), since)
        if found:
            self._log.info("%d changes were found that the polls before had missed.", len(found))
        known.prune_all(now - REACH, lambda key: key in listed or key in watch)
        watch.prune(known)
        self._log.debug("%d changes watched, %d remembered.", len(watch), watch.remembered)
        self._at = now
        return found
