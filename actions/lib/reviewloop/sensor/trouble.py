"""What is wrong, dispatched once, and that it is over, dispatched once; restarts included."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Callable, Dict, Mapping, Tuple, Type

from reviewloop.core import payloads
from reviewloop.errors import (
    AuthError,
    ConfigError,
    DatastoreError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http import codes
from reviewloop.sensor.dispatch import MessagingError, Outbox
from reviewloop.store.troubles import OpenTrouble, TroubleStore

# Who must act -> the kind that ``gerrit.poll_trouble`` names; the first that fits.
_KINDS: Tuple[Tuple[Type[Exception], str], ...] = (
    (DatastoreError, "datastore"),
    (TemporaryError, "unreachable"),
    (AuthError, "auth"),
    (ConfigError, "config"),
)
STANDING = ("clock", "partial", "roster")
"""Kinds that do not keep a poll from working: each begins and ends by itself."""
_REPORT = "Report it with the sensor's log and the server's version."


class Troubles:
    """Failures and recoveries of polling.

    Polling fails for one reason at a time: when that becomes another it is reported, and the count
    goes on. What was reported is remembered in its datastore, so that a restart does not repeat
    it, and tells that it is over.

    :param clock: the time of this machine, which needs no server.
    """

    def __init__(
        self,
        server: str,
        store: TroubleStore,
        outbox: Outbox,
        clock: Callable[[], datetime],
        log: logging.Logger,
    ) -> None:
        self._server = server
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._log = log
        self._open: Dict[str, OpenTrouble] = {}
        self._is_loaded = False
        self._is_kept = True

    def failed(self, error: Exception) -> None:
        """A poll failed; what stands beside that cannot be known.

        Where StackStorm takes no trigger, that stands in the log only.
        """
        self._load()
        kind = kind_of(error)
        before, trouble = self._failure()
        after = replace(trouble, failures=trouble.failures + 1)
        if before != kind:
            self._open.pop(before, None)
            with suppress(MessagingError):
                self._begin(kind, after, error)
        self._open[kind] = after
        self._keep()

    def worked(self, standing: Mapping[str, ReviewLoopError]) -> None:
        """A poll worked, but for what stands beside it, by kind."""
        self._load()
        for kind in [kind for kind in self._open if kind not in standing]:
            self._end(kind)
        for kind, error in standing.items():
            trouble = self._open.get(kind)
            if trouble is None:
                self._begin(kind, OpenTrouble(self._clock(), 1), error)
            else:
                self._open[kind] = replace(trouble, failures=trouble.failures + 1)
        self._keep()

    def _failure(self) -> Tuple[str, OpenTrouble]:
        """Why polling has failed so far; "" where it worked."""
        failing = (one for one in self._open.items() if one[0] not in STANDING)
        return next(failing, ("", OpenTrouble(self._clock(), 0)))

    def _begin(self, kind: str, trouble: OpenTrouble, error: Exception) -> None:
        remedy = error.remedy if isinstance(error, ReviewLoopError) else ""
        self._log.error(
            "Polling %s %s (%s): %s",
            self._server,
            "meets a problem" if kind in STANDING else "fails",
            kind,
            error,
            exc_info=None if isinstance(error, ReviewLoopError) else error,
        )
        self._tell(kind, trouble, remedy or _REPORT)
        self._open[kind] = trouble
        self._is_kept = False

    def _end(self, kind: str) -> None:
        trouble = self._open[kind]
        self._log.info(
            "Polling %s works again (%s) after %d polls.", self._server, kind, trouble.failures
        )
        self._tell(kind, trouble, "", recovered=True)
        del self._open[kind]
        self._is_kept = False

    def _tell(
        self, kind: str, trouble: OpenTrouble, remedy: str, *, recovered: bool = False
    ) -> None:
        self._outbox.put(
            payloads.TROUBLE,
            payloads.trouble(
                self._server,
                kind,
                trouble.since,
                trouble.failures,
                remedy,
                recovered=recovered,
            ),
        )

    def _load(self) -> None:
        """What was open when the last process ended; while that cannot be read, nothing was."""
        if self._is_loaded:
            return
        try:
            stored = self._store.load()
        except ReviewLoopError:
            self._log.debug("Which troubles were reported cannot be read yet.")
            return
        self._is_loaded = True
        self._open.update({kind: one for kind, one in stored.items() if kind not in self._open})

    def _keep(self) -> None:
        """Remember what was reported; while that cannot be written, a restart repeats it."""
        if self._is_kept or not self._is_loaded:
            return
        try:
            self._store.save(self._open)
        except ReviewLoopError:
            return
        self._is_kept = True


def kind_of(error: Exception) -> str:
    """What ``gerrit.poll_trouble`` calls an error; ``internal`` is a defect of this pack."""
    for family, kind in _KINDS:
        if isinstance(error, family):
            return kind
    if isinstance(error, RefusedError):
        return "forbidden" if error.status == codes.FORBIDDEN else "config"
    if isinstance(error, ReviewLoopError) and not isinstance(error, ProtocolError):
        return error.kind
    return "internal"
