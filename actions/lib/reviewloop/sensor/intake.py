"""Takes in what was read: each change goes where it belongs."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Callable, Iterable, Optional, Set

from reviewloop.errors import ReviewLoopError
from reviewloop.sensor.aside import Aside
from reviewloop.sensor.found import ChangeKey, Failed, Found, Private, Read
from reviewloop.sensor.known import Known
from reviewloop.sensor.position import Position
from reviewloop.sensor.watch import Watch
from reviewloop.store.cursor import Cursor


class Intake:
    """Watched, known, and set aside: the three lists that a look at a change may move it between.

    :param now: the time, for retries.
    """

    def __init__(
        self,
        watch: Watch,
        known: Known,
        aside: Aside,
        position: Position,
        now: Callable[[], datetime],
        log: logging.Logger,
    ) -> None:
        self._watch = watch
        self._known = known
        self._aside = aside
        self._position = position
        self._now = now
        self._log = log

    def take(self, found: Iterable[Found], since: Optional[Cursor] = None) -> Set[ChangeKey]:
        """Take in changes; those that were read as a whole.

        :param since: for changes that polls should have seen before: from when on their events are
            to be dispatched.
        """
        read = set()
        for one in found:
            if isinstance(one, Failed):
                self.fail(one)
            elif isinstance(one, Read):
                change = one.reading.change
                position = since or self._position.cursor.of(change.number)
                self._watch.learn(one.reading, position, one.asks, is_whole=one.is_whole)
                self._known.note(change)
                self._aside.note(one.key, one.oddity)
                if one.is_whole:
                    read.add(one.key)
            elif isinstance(one, Private):
                self._drop(one.key)
                self._known.note(one.change)
            else:
                self._drop(one.key)
                self._known.forget(one.key)
        return read

    def fail(self, failed: Failed) -> None:
        """Set a change aside; that is logged once."""
        cursor = self._position.cursor.of(0 if failed.key is None else failed.key.number)
        is_new = self._aside.put(failed, self._now(), cursor.through)
        if failed.key is not None:
            self._watch.set_aside(failed.key)
        if is_new:
            self._log.warning(
                "A change cannot be read and is set aside (%s): %s",
                "no number" if failed.key is None else failed.key.number,
                failed.why,
                exc_info=None if isinstance(failed.why, ReviewLoopError) else failed.why,
            )

    def _drop(self, key: ChangeKey) -> None:
        self._watch.forget(key)
        self._aside.drop(key)
