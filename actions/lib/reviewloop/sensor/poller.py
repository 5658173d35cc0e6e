"""The sensor's work: ask Gerrit what moved, tell what crossed a milestone or ended, remember how
far.

A quiet poll is one request. :meth:`Poller.poll` never raises: an exception out of a sensor's poll
ends its process, and StackStorm gives up on it after two more
(st2reactor/container/process_container.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, Type

from reviewloop.core import payloads
from reviewloop.core.change import Change
from reviewloop.core.commands import Verb
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Crossing
from reviewloop.core.remarks import has_remarks, with_remarks
from reviewloop.core.timestamps import iso
from reviewloop.errors import (
    AuthError,
    ConfigError,
    DatastoreError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.gerrit import parse
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.queries import Option, after, all_of, any_word
from reviewloop.sensor.watch import Notice, Watch
from reviewloop.settings.load import Settings
from reviewloop.store.cursor import Cursor, CursorStore

# The index may lag behind the clock: an update is dated at the start of its operation.
OVERLAP = timedelta(minutes=3)
PORTION = 500
RECONCILE = timedelta(days=1)
HISTORY = (Option.MESSAGES, Option.DETAILED_ACCOUNTS, Option.LABELS)

Dispatch = Callable[[str, Dict[str, Any], Optional[str]], None]


class PartialError(ReviewLoopError):
    """Some changes could not be understood; the others were."""

    kind = "partial"


# Who must act -> the kind that ``gerrit.poll_trouble`` names; the first that fits.
_KINDS: Tuple[Tuple[Type[Exception], str], ...] = (
    (PartialError, "partial"),
    (DatastoreError, "datastore"),
    (TemporaryError, "unreachable"),
    (AuthError, "auth"),
    (ConfigError, "config"),
)
_FORBIDDEN = 403
_REMEDIES = {
    "messaging": "Check StackStorm's message bus; if this lasts although the bus is up, disable and"
    " enable the sensor: its connection does not come back by itself. Nothing is lost.",
    "internal": "Report it with the traceback in the sensor's log.",
}


@dataclass
class _Trouble:
    kind: str
    since: datetime
    failures: int
    remedy: str


class Poller:
    """Polls one Gerrit server.

    :param dispatch: called with (trigger, payload, trace tag).
    :param local_clock: tells the time where the server's is not known: before its first answer.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        store: CursorStore,
        dispatch: Dispatch,
        *,
        logger: logging.Logger,
        local_clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._policy = settings.policy
        self._client = client
        self._store = store
        self._dispatch = dispatch
        self._log = logger
        self._local_clock = local_clock
        self._site = payloads.Site(settings.server, settings.gerrit.url)
        self._watch = Watch(settings.server, settings.policy)
        self._seen: Dict[int, Tuple[str, datetime]] = {}
        self._newest: Optional[datetime] = None
        self._cursor: Optional[Cursor] = None
        self._saved: Optional[Cursor] = None
        self._reconciled: Optional[datetime] = None
        self._faults: List[ProtocolError] = []
        self._undelivered = False
        self._trouble: Optional[_Trouble] = None

    def poll(self) -> None:
        """One poll; failures are logged and told once, and so is recovery."""
        error = self._guarded(self._round)
        self._guarded(lambda: self._report(error))

    # The one broad except of the package: whatever happens, the sensor lives on.
    def _guarded(self, step: Callable[[], None]) -> Optional[Exception]:
        try:
            step()
        except Exception as err:  # noqa: BLE001
            return err
        return None

    def _round(self) -> None:
        self._faults = []
        self._undelivered = False
        cursor = self._begin()
        # While the cursor cannot be kept nothing more is told: a restart would tell it again.
        self._save(cursor)
        read = self._look(cursor)
        # Gerrit dates everything in whole seconds: only of a second that is over all is known.
        told = self._tell(cursor, self._client.now() - timedelta(seconds=1), read)
        self._save_told(told)
        if self._faults:
            raise PartialError(
                f"{len(self._faults)} changes could not be read, first: {self._faults[0].message}",
                "Report it with the server's version; all other changes are watched.",
            )

    # Where telling has come to.

    def _begin(self) -> Cursor:
        if self._cursor is None:
            self._cursor = self._saved = self._store.load()
        if self._cursor is None:
            self._client.version()
            start = self._rewind(self._client.now(), self._settings.catch_up)
            self._cursor = Cursor(start)
            self._log.info("First start: telling what happens after %s.", iso(start))
        return self._cursor

    def _save(self, cursor: Cursor) -> None:
        if cursor != self._saved:
            self._store.save(cursor)
            self._saved = cursor

    def _save_told(self, told: int) -> None:
        """Note down how far telling has come; what may not have gone out is told again.

        While its database is down StackStorm drops a trigger with a mere warning, and ``dispatch``
        answers as if it had sent it (st2common/services/trigger_dispatcher.py).
        """
        try:
            if self._cursor is not None:
                self._save(self._cursor)
        except DatastoreError:
            if told:
                self._start_over()
            raise

    def _start_over(self) -> None:
        """As after a restart: what was noted down last counts, and Gerrit is asked anew."""
        self._cursor = self._saved = self._newest = None
        self._watch = Watch(self._settings.server, self._policy)
        self._seen = {}

    # What Gerrit knows.

    def _look(self, cursor: Cursor) -> Set[int]:
        """Bring the watch up to date; the numbers of the changes read with their messages."""
        if self._newest is None:
            return self._cold_start(cursor)
        read = self._delta()
        if self._reconciled is None or self._client.now() - self._reconciled >= RECONCILE:
            read |= self._reconcile(read)
        return read

    def _cold_start(self, cursor: Cursor) -> Set[int]:
        """Open changes whose milestones may lie ahead, and whatever moved since the cursor."""
        self._client.version()
        now = self._client.now()
        lagging = cursor.through - OVERLAP
        read = self._scan("status:open", min(self._horizon(now), lagging))
        read |= self._scan("-status:open", lagging)
        self._newest = max([now - OVERLAP, *(updated for _, updated in self._seen.values())])
        self._reconciled = now
        self._log.info("Watching %d changes.", len(self._watch))
        return read

    def _scan(self, query: str, since: datetime) -> Set[int]:
        full = all_of(query, after(since), self._settings.gerrit.query)
        return self._learn(self._client.scan(full, HISTORY))

    def _delta(self) -> Set[int]:
        assert self._newest is not None  # noqa: S101 - set by the cold start
        since = self._newest - OVERLAP
        query = all_of(after(since), self._settings.gerrit.query)
        rows = [parse.row(raw) for raw in self._client.scan(query)]
        moved = [row.number for row in rows if self._has_moved(row)]
        read = self._read(moved)
        self._newest = max([self._newest, *(row.updated for row in rows)])
        self._forget_seen(self._newest - OVERLAP)
        return read

    def _reconcile(self, read: Set[int]) -> Set[int]:
        """A slow look at everything that is open: what the deltas missed is told all the same."""
        before = Cursor(self._reconciled or self._client.now())
        now = self._client.now()
        horizon = self._horizon(now)
        query = all_of("status:open", after(horizon), self._settings.gerrit.query)
        rows = [parse.row(raw) for raw in self._client.scan(query)]
        missed = {row.number for row in rows if self._has_moved(row)}
        missed |= self._watch.open_numbers() - {row.number for row in rows}
        found = self._read(missed - read, late=before)
        self._watch.forget_idle(horizon)
        self._reconciled = now
        return found

    def _has_moved(self, row: parse.Row) -> bool:
        known = self._seen.get(row.number)
        return known is None or known[0] != _stamp(row.meta_rev_id, row.updated)

    def _read(self, numbers: Iterable[int], late: Optional[Cursor] = None) -> Set[int]:
        """Read changes with their messages; those that are not answered are watched no longer."""
        wanted = sorted(numbers)
        if not wanted:
            return set()
        rows = self._client.changes(wanted, HISTORY, self._settings.gerrit.query)
        read = self._learn(rows, late)
        for number in set(wanted) - {parse.number_of(raw) for raw in rows}:
            self._watch.forget(number)
            self._seen.pop(number, None)
        return read

    def _learn(self, rows: Iterable[parse.Raw], late: Optional[Cursor] = None) -> Set[int]:
        read: Set[int] = set()
        remaining = iter(rows)
        # In portions: a cold start reads many thousand changes with all their messages.
        for portion in iter(lambda: list(islice(remaining, PORTION)), []):
            read |= self._learn_portion(self._parsed(portion), late)
        return read

    def _parsed(self, rows: Iterable[parse.Raw]) -> List[Change]:
        changes = []
        for raw in rows:
            try:
                changes.append(parse.change(raw))
            except ProtocolError as err:
                self._faults.append(err)
        return self._with_commands(changes)

    def _with_commands(self, changes: List[Change]) -> List[Change]:
        """Where comments hold commands, the changes with their comments: few, so few requests."""
        marked = [change.number for change in changes if has_remarks(change)]
        words = any_word(verb.value for verb in Verb)
        rows = self._client.changes(marked, query=words) if marked else []
        wanted = {parse.number_of(raw) for raw in rows}
        return [
            with_remarks(change, self._client.remarks(change))
            if change.number in wanted
            else change
            for change in changes
        ]

    def _learn_portion(self, changes: Iterable[Change], late: Optional[Cursor]) -> Set[int]:
        read = set()
        for change in changes:
            if change.is_private:
                # Whatever the search says: nothing on it leaves Gerrit.
                self._watch.forget(change.number)
            elif late is None:
                self._watch.learn(change)
            else:
                self._watch.learn_late(change, late)
            self._seen[change.number] = _stamp(change.meta_rev_id, change.updated), change.updated
            read.add(change.number)
        return read

    def _forget_seen(self, since: datetime) -> None:
        """Rows older than the next delta reaches, of changes not watched, need not be known."""
        self._seen = {
            number: seen
            for number, seen in self._seen.items()
            if seen[1] >= since or number in self._watch
        }

    def _horizon(self, now: datetime) -> datetime:
        """Changes idle since before this cannot cross a milestone any more, not even after a
        snooze.
        """
        return self._rewind(self._rewind(now, self._policy.max_snooze), self._policy.milestones[-1])

    def _rewind(self, now: datetime, duration: Duration) -> datetime:
        calendar = self._policy.calendar
        found = calendar.rewind(now, duration.seconds(calendar))
        return found if found is not None else now - timedelta(days=3_650)

    # Telling.

    def _tell(self, cursor: Cursor, now: datetime, read: Set[int]) -> int:
        """Tell what is due, as far as the cap goes; how many triggers that were."""
        notices = self._fresh_notices(cursor, now, set(read))
        batch = notices[: self._settings.max_triggers_per_poll]
        told: List[Notice] = []
        if batch:
            # A trigger sent while the datastore is down would be lost without a word.
            self._store.load()
        try:
            for notice in batch:
                self._tell_one(notice, now)
                told.append(notice)
        finally:
            self._undelivered = len(told) < len(batch)
            self._cursor = _advanced(cursor, told, now, complete=len(told) == len(notices))
            self._watch.told(told, self._cursor, now)
        if len(notices) > len(batch):
            self._log.info(
                "%d triggers dispatched, the most for one poll; %d follow in the next.",
                len(batch),
                len(notices) - len(batch),
            )
        return len(told)

    def _fresh_notices(self, cursor: Cursor, now: datetime, read: Set[int]) -> List[Notice]:
        """What is to be told, each change re-read in this poll: it may have moved, or be private
        now.
        """
        while True:
            notices = self._watch.notices(cursor, now)
            first = notices[: self._settings.max_triggers_per_poll]
            stale = {notice.number for notice in first} - read
            if not stale:
                return notices
            self._read(stale)
            read |= stale

    def _tell_one(self, notice: Notice, now: datetime) -> None:
        if isinstance(notice.what, Crossing):
            trigger = payloads.WAITING
            payload = payloads.waiting(self._site, notice.reading, notice.what, self._policy, now)
        else:
            trigger = payloads.ENDED
            payload = payloads.ended(self._site, notice.reading, notice.what, self._policy)
        self._dispatch(trigger, payload, f"gerrit-{notice.number}")

    # Trouble.

    def _report(self, error: Optional[Exception]) -> None:
        if error is None:
            self._report_recovery()
            return
        kind = "messaging" if self._undelivered else kind_of(error)
        trouble = self._trouble
        if trouble is not None and trouble.kind == kind:
            trouble.failures += 1
            return
        failures = 1 if trouble is None else trouble.failures + 1
        since = self._local_clock() if trouble is None else trouble.since
        remedy = error.remedy if isinstance(error, ReviewLoopError) else _REMEDIES.get(kind, "")
        self._trouble = _Trouble(kind, since, failures, remedy)
        self._log.error(
            "Polling %s fails (%s): %s",
            self._settings.server,
            kind,
            error,
            exc_info=None if isinstance(error, ReviewLoopError) else error,
        )
        self._tell_trouble(self._trouble)

    def _report_recovery(self) -> None:
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            self._log.info(
                "Polling %s works again after %d failures.", self._settings.server, trouble.failures
            )
            self._tell_trouble(trouble, recovered=True)

    def _tell_trouble(self, trouble: _Trouble, *, recovered: bool = False) -> None:
        payload = payloads.trouble(
            self._settings.server,
            trouble.kind,
            trouble.since,
            trouble.failures,
            trouble.remedy,
            recovered=recovered,
        )
        self._dispatch(payloads.TROUBLE, payload, None)


def kind_of(error: Exception) -> str:
    """What ``gerrit.poll_trouble`` calls an error; ``internal`` is a defect of this pack."""
    for family, kind in _KINDS:
        if isinstance(error, family):
            return kind
    if isinstance(error, RefusedError):
        return "forbidden" if error.status == _FORBIDDEN else "config"
    return "internal"


def _advanced(cursor: Cursor, told: List[Notice], now: datetime, *, complete: bool) -> Cursor:
    if complete:
        return Cursor(max(now, cursor.through)) if now > cursor.through else cursor
    # Late finds lie before the cursor and do not move it.
    ahead = [notice for notice in told if not cursor.is_past(notice.at, notice.id)]
    return Cursor(ahead[-1].at, ahead[-1].id) if ahead else cursor


def _stamp(meta_rev_id: str, updated: datetime) -> str:
    """What moves with all that happens to a change; servers before 3.4 have only the time."""
    return meta_rev_id or updated.isoformat()
