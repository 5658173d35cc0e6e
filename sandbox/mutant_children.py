"""A mutation tried in a process of its own: which tests it runs, in which order, for how long.

The child is forked off a pytest that has collected the tests. It runs those first that noticed
another mutation of the same function, then the quickest, and stops at the first that fails.
"""

from __future__ import annotations

import mmap
import os
import resource
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence

import pytest

from sandbox.mutant_results import KILLED, NO_TESTS, SURVIVED, TIMED_OUT

# A test that takes this many times as long, and as many seconds more, goes on for ever.
TIMES, MORE = 5.0, 1.0
MEMORY = 4 * 2**30  # bytes; a loop that fills a list for ever ends by it
_PLACE = 8  # bytes that hold the number of a test


@dataclass(frozen=True)
class Reached:
    """What a test reaches: its CPU seconds, and the functions by their names."""

    seconds: float
    functions: Sequence[str]


@dataclass
class _Child:
    mutant: str
    function: str
    place: mmap.mmap  # shared with the child: the test that it is at


class Children:
    """The processes, and which tests notice mutations of what.

    :param reached: by the number of the test.
    :param fails: runs a test, with the number of the next; whether it fails.
    :param begin: makes the child's code the mutated one.
    """

    def __init__(
        self,
        reached: Mapping[int, Reached],
        begin: Callable[[str], None],
        fails: Callable[[int, int | None], bool],
        jobs: int = 1,
    ) -> None:
        self._reached, self._begin, self._fails, self._jobs = reached, begin, fails, jobs
        self._noticed_by: Dict[str, List[int]] = {}
        self._running: Dict[int, _Child] = {}
        #: mutation -> an exit status of mutmut's.
        self.results: Dict[str, int] = {}

    def order(self, function: str, tests: Sequence[int]) -> List[int]:
        """Of these tests the ones that reach a function, as they are to be run."""
        first = list(reversed(self._noticed_by.get(function, [])))
        reaching = [one for one in tests if function in self._reached[one].functions]
        reaching.sort(key=lambda one: self._reached[one].seconds)
        return [one for one in first if one in reaching] + [
            one for one in reaching if one not in first
        ]

    def start(self, mutant: str, function: str, tests: Sequence[int]) -> None:
        """Try a mutation by these tests; waits until there is room for another process."""
        order = self.order(function, tests)
        if not order:
            self.results[mutant] = NO_TESTS[-1]
            return
        if len(self._running) >= self._jobs:
            self._wait()
        child = _Child(mutant, function, mmap.mmap(-1, _PLACE))
        pid = os.fork()
        if not pid:
            self._run(child, order)
        self._running[pid] = child

    def finish(self) -> None:
        """Wait until all have ended."""
        while self._running:
            self._wait()

    def _wait(self) -> None:
        pid, status = os.wait()
        child = self._running.pop(pid)
        self.results[child.mutant] = result = _result(status)
        if result in KILLED:
            place = int.from_bytes(child.place[:], "big")
            noticed = self._noticed_by.setdefault(child.function, [])
            noticed[:] = [*(one for one in noticed if one != place), place]

    def _run(self, child: _Child, order: Sequence[int]) -> None:
        status = KILLED[1]
        try:
            self._begin(child.mutant)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            status = self._tried(child, order)
        finally:
            os._exit(status)

    def _tried(self, child: _Child, order: Sequence[int]) -> int:
        for test, following in zip(order, [*order[1:], None]):
            child.place[:] = test.to_bytes(_PLACE, "big")
            # SIGPROF ends the process: nothing that the tests do catches it.
            signal.setitimer(signal.ITIMER_PROF, self._reached[test].seconds * TIMES + MORE)
            if self._fails(test, following):
                return KILLED[0]
        return SURVIVED


def _result(status: int) -> int:
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    return TIMED_OUT[0] if number == signal.SIGPROF else -number


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let a test fail that waits for longer, as for a server: nobody mutated anything in it."""

    def give_up(*_: Any) -> None:
        pytest.fail(f"no end after {seconds:g} seconds", pytrace=False)

    former = signal.signal(signal.SIGALRM, give_up)
    # And again: what the test shares with others may not end either.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
