"""The server's clock, and how far it can be trusted.

Ages are differences of the server's own timestamps, so its clock (the header ``Date``) is the
clock. It is kept with a reading of a clock that never goes back, so that it ages between answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Callable, Optional

#: How long a ``Date`` holds without another: a machine that slept does not see it age.
MAX_AGE = timedelta(hours=1)

#: Years in which a server's clock is taken for a clock.
YEARS = range(2000, 2200)


@dataclass(frozen=True)
class Clock:
    """Two clocks at one moment; both aware, in UTC.

    :param local: this machine's clock.
    :param server: what the server's clock shows, from its last ``Date``, in whole seconds; None
        where no usable one came within ``MAX_AGE``.
    :param age: how long ago that ``Date`` came.
    """

    local: datetime
    server: Optional[datetime] = None
    age: timedelta = timedelta(0)

    @property
    def now(self) -> datetime:
        """The server's time, or the local one where the server tells none."""
        return self.server or self.local

    @property
    def ahead(self) -> Optional[timedelta]:
        """How far the server's clock is ahead of the local one; None where it tells no time."""
        return None if self.server is None else self.server - self.local


class ServerClock:
    """Keeps the last ``Date`` that a server sent.

    :param local: this machine's clock, aware.
    :param monotonic: a clock that never goes back, in seconds.
    """

    def __init__(
        self, local: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._local = local
        self._monotonic = monotonic
        self._date: Optional[datetime] = None
        self._heard = 0.0

    def hear(self, date: Optional[datetime]) -> None:
        """An answer has just come, with this ``Date``; None leaves the one before."""
        if date is not None and date.year in YEARS:
            self._date, self._heard = date, self._monotonic()

    def read(self) -> Clock:
        """Both clocks now."""
        local = self._local()
        if self._date is None:
            return Clock(local)
        age = timedelta(seconds=max(0.0, self._monotonic() - self._heard))
        if age > MAX_AGE:
            return Clock(local)
        # Rounded down: a `Date` has whole seconds, and must never run ahead.
        return Clock(local, self._date + timedelta(seconds=age // timedelta(seconds=1)), age)


def utc_now() -> datetime:
    """The clock of this machine, aware, in UTC."""
    return datetime.now(timezone.utc)
