"""Work counted, not timed: how many steps Python takes for a call."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Callable, Optional


class _Counter:
    """A trace function that counts every operation of the interpreter."""

    def __init__(self) -> None:
        self.steps = 0

    def __call__(self, frame: FrameType, event: str, arg: object) -> Optional[Callable[..., Any]]:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.steps += event == "opcode"
        return self


def steps(call: Callable[[], object]) -> int:
    """How many operations of the interpreter a call takes.

    What C does inside one of them (a pattern, a sort, a copy) is not seen: against those only size
    helps, see ``test_core_cost``.
    """
    counter, before = _Counter(), sys.gettrace()
    sys.settrace(counter)
    try:
        call()
    finally:
        sys.settrace(before)
    return counter.steps
