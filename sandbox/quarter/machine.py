"""The machine that everything runs on: its clock stands still until somebody waits.

:func:`install` replaces the standard library's clocks before anything that reads them is imported,
so that nothing of the pack has to be patched: defaults such as ``sleep=time.sleep`` are simulated
ones then.
"""

from __future__ import annotations

import datetime as _datetime
import sys
import time as _time
from typing import Any, Callable, Optional

START = _datetime.datetime(2026, 3, 2, 6, tzinfo=_datetime.timezone.utc)
_REAL = _datetime.datetime

stopwatch = _time.perf_counter  # the real time, for measuring


class Machine:
    """One computer; ``now`` is aware, in UTC.

    :ivar wait: what waiting does; by default it moves the clock on.
    """

    def __init__(self) -> None:
        self.now = START
        self.wait: Callable[[float], None] = self.advance

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self.now += _datetime.timedelta(seconds=max(0.0, seconds))

    def seconds(self) -> float:
        """The clock as seconds since 1970."""
        return self.now.timestamp()


MACHINE = Machine()


class SimulatedDatetime(_datetime.datetime):
    """``datetime`` that reads the machine's clock."""

    @classmethod
    def now(cls, tz: Optional[_datetime.tzinfo] = None) -> Any:
        """The machine's time."""
        return MACHINE.now.astimezone(tz) if tz else MACHINE.now.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Any:
        """The machine's time, naive."""
        return MACHINE.now.replace(tzinfo=None)


def install() -> None:
    """Give this process the simulated machine.

    :raises RuntimeError: the pack was imported before; it would go by the real clock.
    """
    if "reviewloop" in sys.modules:
        raise RuntimeError("Import nothing of the pack before the machine is simulated.")
    _time.time = MACHINE.seconds
    _time.monotonic = MACHINE.seconds
    _time.sleep = MACHINE.wait
    _datetime.datetime = SimulatedDatetime  # type: ignore[misc]
    MACHINE.now = SimulatedDatetime.fromtimestamp(_REAL.timestamp(START), _datetime.timezone.utc)
