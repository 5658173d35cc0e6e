"""Work counted, not timed: how many steps Python takes for a call."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Callable, Optional


class _Counter:
    """A trace function that counts operations of the interpreter, and lines: 3.13 tells only these
    in some frames.
    """

    def __init__(self) -> None:
        self.steps = 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> Optional[Callable[..., Any]]:
        frame.f_trace_opcodes = True
        self.steps += event in ("opcode", "line")
        return self


def steps(call: Callable[[], object]) -> int:
    """How many operations and lines of the interpreter a call takes.

    What C does inside one of them (a pattern, a sort, a copy) is not seen: against those only size
    helps, see ``test_core_cost``.
    """
    counter, before = _Counter(), sys.gettrace()
    # Since Python 3.12 operations are told only if some frame asks for them beforehand.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(counter)
    try:
        call()
    finally:
        sys.settrace(before)
    return counter.steps
