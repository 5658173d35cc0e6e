"""Memory of a process that reads many histories: how often Python looks for garbage, and what is
given back.
"""

from __future__ import annotations

import gc
from contextlib import suppress

#: New values between two looks; Python's own number is 700.
VALUES = 50_000


def seldom() -> None:
    """Let Python look for cycles that nobody uses less often, in this whole process.

    Histories are millions of values without a cycle, and each look goes through those at hand: a
    tenth of the time that a start or a report takes. What is in no cycle is freed at once, as
    ever (https://docs.python.org/3/library/gc.html#gc.set_threshold).
    """
    gc.set_threshold(VALUES, *gc.get_threshold()[1:])


def give_back() -> None:
    """Let the C library give back what is free; where it cannot do that, nothing happens.

    After large answers glibc keeps up to twice the largest for the next one
    (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD), and a sensor has none
    for a day (https://man7.org/linux/man-pages/man3/malloc_trim.3.html).
    """
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - not every Python has it

        ctypes.CDLL(None).malloc_trim(0)
