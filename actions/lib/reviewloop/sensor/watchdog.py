"""Ends the sensor's process where StackStorm does not come back from a call.

After RabbitMQ was away for a minute, StackStorm's publisher can wait for ever on a connection that
is gone (seen on 3.9.0), and with it the poll. StackStorm starts a sensor that ended anew, with new
connections; the cursor sees to it that nothing is lost or sent twice. But it gives up on one that
dies three times within ten seconds of its start (``st2reactor/container/process_container.py``), so
the process ends only once the bus can be reached again.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, Protocol, Sequence

from reviewloop.store.datastore import KeyValue

PATIENCE = 120.0
"""Seconds that one call to StackStorm may take."""


class Timer(Protocol):
    """The part of ``threading.Timer`` used here."""

    daemon: bool

    def start(self) -> None:
        """Begin to count."""

    def cancel(self) -> None:
        """Do not run after all."""


class Watchdog:
    """Watches calls.

    :param end: ends the process; it need not come back.
    :param can_end: whether StackStorm's bus answers, so that a new process could work.
    :param timer: ``threading.Timer``; eventlet makes it a green thread, which runs while the call
        waits.
    """

    def __init__(
        self,
        end: Callable[[], None],
        can_end: Callable[[], bool],
        logger: logging.Logger,
        timer: Callable[[float, Callable[[], None]], Timer] = threading.Timer,
    ) -> None:
        self._end = end
        self._can_end = can_end
        self._log = logger
        self._timer = timer
        self._running: Optional[Timer] = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count while the body runs."""
        self._start()
        try:
            yield
        finally:
            running, self._running = self._running, None
            if running is not None:
                running.cancel()

    def _start(self) -> None:
        self._running = self._timer(PATIENCE, self._overdue)
        self._running.daemon = True
        self._running.start()

    def _overdue(self) -> None:
        if self._running is None:
            return
        if not self._can_end():
            self._start()
            return
        self._log.critical(
            "A call to StackStorm has not come back for %d seconds. The sensor ends, so that"
            " StackStorm starts it anew; nothing is lost.",
            PATIENCE,
        )
        self._end()


class WatchedService:
    """StackStorm's ``sensor_service``, each call of it watched."""

    def __init__(self, service: Any, watchdog: Watchdog) -> None:
        self._service = service
        self._watchdog = watchdog

    def dispatch(self, **trigger: Any) -> None:
        """Send a trigger."""
        with self._watchdog.watching():
            self._service.dispatch(**trigger)

    def list_values(
        self,
        local: bool = True,
        prefix: Optional[str] = None,
        limit: Optional[int] = None,
        offset: int = 0,
    ) -> Sequence[KeyValue]:
        """Values whose names begin with ``prefix``."""
        with self._watchdog.watching():
            found: Sequence[KeyValue] = self._service.list_values(
                local=local, prefix=prefix, limit=limit, offset=offset
            )
        return found

    def set_value(
        self, name: str, value: str, ttl: Optional[int] = None, local: bool = True
    ) -> Optional[bool]:
        """Keep a value."""
        with self._watchdog.watching():
            kept: Optional[bool] = self._service.set_value(name, value, ttl=ttl, local=local)
        return kept

    def delete_value(self, name: str, local: bool = True) -> bool:
        """Drop a value."""
        with self._watchdog.watching():
            return bool(self._service.delete_value(name, local=local))
