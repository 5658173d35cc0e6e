"""The server's clock, as far as it can be believed.

The header ``Date`` is the clock of everything. One that runs ahead would put the cursor into the
future, and nothing would be dispatched until then; so it is compared with this machine's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Callable, Optional, Protocol

from reviewloop.core.timestamps import iso
from reviewloop.errors import ReviewLoopError

#: How far two clocks may differ: summer time that was forgotten is no reason to say nothing.
LIMIT = timedelta(hours=1)
#: Only what happens to a clock in so long says whether it goes: a cache's does not.
_STILL = timedelta(minutes=2)


class ClockError(ReviewLoopError):
    """A clock is wrong: the server's, this machine's, or that of whoever dated a change."""

    kind = "clock"


class Moment(Protocol):
    """Two clocks at one moment; ``server`` is None where it shows no time."""

    @property
    def local(self) -> datetime:
        """The machine's clock."""

    @property
    def server(self) -> Optional[datetime]:
        """The server's."""


@dataclass(frozen=True)
class Clocks:
    """A :class:`Moment` of two clocks that were read one after the other."""

    local: datetime
    server: Optional[datetime] = None


class DoubtedClock:
    """The time by which events are dispatched.

    :param read: both clocks as they are now.
    """

    def __init__(self, read: Callable[[], Moment]) -> None:
        self._read = read
        self._seen: Optional[Moment] = None
        self._still = 0
        self._trouble: Optional[ClockError] = None

    def now(self) -> datetime:
        """The server's time, or this machine's where the server's cannot be believed.

        Never the later of two that differ by more than ``LIMIT``: what is dispatched too late can
        be borne, and what lies behind the cursor is lost.
        """
        moment = self._read()
        if moment.server is None or self._is_still:
            return _whole(moment.local)
        if moment.server - moment.local > LIMIT:
            return _whole(moment.local)
        return moment.server

    def local(self) -> datetime:
        """The machine's time."""
        return _whole(self._read().local)

    def check(self) -> None:
        """The server has just answered: see what its clock is worth."""
        moment, before = self._read(), self._seen
        if before is None or moment.local - before.local >= _STILL:
            stands = before is not None and _stands_still(before, moment)
            self._still = self._still + 1 if stands else 0
            self._seen = moment
        problem = self._problem(moment)
        self._trouble = _wrong_clock(problem) if problem else None

    def check_updated(self, number: int, updated: datetime) -> None:
        """See whether a change is dated ahead of the clock."""
        if updated - self.now() > LIMIT:
            self._trouble = self._trouble or ClockError(
                f"Change {number} was updated at {iso(updated)}, which is still to come.",
                "Look after the clocks of Gerrit's nodes; the next update of the change mends it.",
            )

    def check_cursor(self, through: datetime) -> bool:
        """Whether a cursor lies so far ahead that a wrong clock must have put it there."""
        is_wrong = through - self.now() > LIMIT
        if is_wrong:
            self._trouble = self._trouble or ClockError(
                f"The cursor stood at {iso(through)}, which is in the future; it is set to now.",
                "Look after the clocks of Gerrit and of this machine: one was wrong.",
            )
        return is_wrong

    def trouble(self) -> Optional[ClockError]:
        """What was found wrong first since the server answered last, None if nothing was."""
        return self._trouble

    @property
    def _is_still(self) -> bool:
        """Whether the server's time stood twice in a row: once is also what a jump of ours does."""
        return self._still > 1

    def _problem(self, moment: Moment) -> str:
        """What is wrong with the two clocks, "" if nothing is."""
        if moment.server is None:
            return "The server tells no time (no usable `Date` in its answers)"
        if self._is_still:
            return f"The server's clock stands still at {iso(moment.server)}"
        if abs(moment.server - moment.local) > LIMIT:
            return (
                f"The server's clock shows {iso(moment.server)}, this machine's"
                f" {iso(moment.local)}: the earlier one counts"
            )
        return ""


def _wrong_clock(problem: str) -> ClockError:
    return ClockError(
        f"{problem}.",
        "Set the clocks of Gerrit and of this machine by NTP; a proxy between them must not cache"
        " answers, and must leave the header Date alone.",
    )


def _stands_still(before: Moment, moment: Moment) -> bool:
    """Whether the server's time went on by less than half; a clock that was set back did not."""
    if before.server is None or moment.server is None or moment.server < before.server:
        return False
    return moment.server - before.server < (moment.local - before.local) / 2


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
