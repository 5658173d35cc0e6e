"""Trying again: what a clock, a pause and chance are, and how reads are repeated."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Callable, TypeVar

from reviewloop.errors import TemporaryError

T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Clock, sleep and chance, to be replaced in tests. Seconds throughout; chance in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True)
class Patience:
    """How often a read is tried, and the longest pause in seconds that a server may ask for.

    ``told`` hears before each pause why there is one, and how many seconds it takes.
    """

    tries: int = 3
    longest: float = 60.0
    told: Callable[[TemporaryError, float], None] = lambda _err, _pause: None


def patiently(read: Callable[[], T], patience: Patience, timing: Timing) -> T:
    """A read, tried again while what fails is temporary.

    The pause is what the server asks for, else it doubles, and chance spreads those who wait alike.

    :raises TemporaryError: all tries failed, or the server asks for a pause beyond ``longest``.
    """
    for attempt in range(patience.tries - 1):
        try:
            return read()
        except TemporaryError as err:
            pause = err.retry_after
            if pause is None:
                pause = 2**attempt * (0.5 + timing.jitter())
            if pause > patience.longest:
                raise
            patience.told(err, pause)
            timing.sleep(pause)
    return read()
