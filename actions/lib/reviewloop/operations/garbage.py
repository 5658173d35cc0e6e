"""How often Python looks for garbage in a process that reads many histories."""

from __future__ import annotations

import gc

#: New values between two looks; Python's own number is 700.
VALUES = 50_000


def seldom() -> None:
    """Let Python look for cycles that nobody uses less often, in this whole process.

    Histories are millions of values without a cycle, and each look goes through those at hand: a
    tenth of the time that a start or a report takes. What is in no cycle is freed at once, as
    ever (https://docs.python.org/3/library/gc.html#gc.set_threshold).
    """
    gc.set_threshold(VALUES, *gc.get_threshold()[1:])
