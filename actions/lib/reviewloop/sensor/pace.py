"""How many triggers go out: so many a poll, and so many an hour; what waits is said in the log."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Callable, Optional

#: How often it is said how much waits.
_SAID = timedelta(hours=1)
_HOUR = timedelta(hours=1)


class Pace:
    """Room for triggers: that of a poll, and where there is a bound for an hour, what has grown of
    it since the last ones went out.

    :param per_poll: the most triggers of one poll.
    :param per_hour: how many that comes to in an hour, or the bound.
    :param is_bound: whether the hour has a bound of its own.
    """

    def __init__(
        self, per_poll: int, per_hour: int, log: logging.Logger, *, is_bound: bool = False
    ) -> None:
        self._per_poll = per_poll
        self._per_hour = per_hour
        self._log = log
        self._is_bound = is_bound
        self._grown = float(per_poll)
        self._at: Optional[datetime] = None
        self._said: Optional[datetime] = None
        #: How many triggers may still go out in this poll.
        self.room = per_poll

    def begin(self, now: datetime) -> None:
        """A poll begins to dispatch."""
        if self._at is not None and now > self._at:
            grown = self._per_hour * ((now - self._at) / _HOUR)
            self._grown = min(self._grown + grown, self._per_poll)
        self._at = now
        self.room = int(self._grown) if self._is_bound else self._per_poll

    def took(self, count: int) -> None:
        """So many went out."""
        self.room -= count
        self._grown -= count

    def say(self, now: datetime, left: Optional[Callable[[], int]]) -> None:
        """Say how many changes wait for their turn, once an hour, and when none does any more.

        :param left: counts the changes of which something is due; None if there is none.
        """
        if left is None:
            if self._said is not None:
                self._log.info("All triggers that were due have been dispatched.")
            self._said = None
        elif self._said is None or now - self._said >= _SAID:
            self._said = now
            count = left()
            self._log.info(
                "%d changes have triggers that are due; %d an hour go out, the oldest first:"
                " the last in about %.1f hours.",
                count,
                self._per_hour,
                count / self._per_hour,
            )
