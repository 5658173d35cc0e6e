"""Runs side by side, made repeatable: one runs at a time, and they change only at I/O.

StackStorm runs actions in processes of their own. Here each is a greenlet that hands on wherever
it would touch the network or the datastore, or waits; who goes next is drawn from a seed. Not a
thread: libraries lock against threads where processes would not meet (``cached_property``).
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, List, Optional, Tuple

from greenlet import getcurrent, greenlet

from .machine import MACHINE

Job = Callable[[], None]
_MOMENT = 0.001  # a datetime has microseconds only


@dataclass
class _Worker:
    run: greenlet
    wakes: float = 0.0
    kept: Tuple[Any, ...] = field(default_factory=tuple)


class Crew:
    """Runs jobs; outside of :meth:`run` a pause is nothing and a wait moves the clock.

    :ivar actor: who is at work, kept for each job.
    """

    def __init__(self) -> None:
        self.actor: Optional[str] = None
        self._at_work: Optional[_Worker] = None

    def run(self, jobs: List[Job], rng: random.Random) -> None:
        """Run all jobs to their ends."""
        left = [_Worker(greenlet(job)) for job in jobs]
        outside = self._process()
        while left:
            now = MACHINE.seconds() + _MOMENT
            ready = [one for one in left if one.wakes <= now]
            if ready:
                self._go_on(rng.choice(ready), outside)
                left = [one for one in left if not one.run.dead]
            else:
                MACHINE.advance(min(one.wakes for one in left) - MACHINE.seconds())

    def _go_on(self, worker: _Worker, outside: Tuple[Any, ...]) -> None:
        self._restore(worker.kept or outside)
        self._at_work = worker
        try:
            worker.run.switch()
        finally:
            self._at_work = None
            worker.kept = self._process()
            self._restore(outside)

    def pause(self) -> None:
        """An I/O point: let somebody else go on."""
        if self._at_work is not None:
            getcurrent().parent.switch()  # type: ignore[union-attr]

    def wait(self, seconds: float) -> None:
        """What ``time.sleep`` does on this machine."""
        if self._at_work is None:
            MACHINE.advance(seconds)
        else:
            self._at_work.wakes = MACHINE.seconds() + seconds
            self.pause()

    def _process(self) -> Tuple[Any, ...]:
        """What a process has of its own, and greenlets share."""
        return sys.path, sys.stdout, sys.stderr, self.actor

    def _restore(self, kept: Tuple[Any, ...]) -> None:
        sys.path, sys.stdout, sys.stderr, self.actor = kept
