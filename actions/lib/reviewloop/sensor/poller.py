"""The sensor's work: ask Gerrit what moved, dispatch what crossed a milestone or ended, remember
how far.

A quiet poll is one request. :meth:`Poller.poll` never raises: an exception out of a sensor's poll
ends its process, and StackStorm gives up on it after two more
(st2reactor/container/process_container.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Callable, Dict, List, Optional, Sequence, Set

from reviewloop.core.payloads import Site
from reviewloop.core.timestamps import iso
from reviewloop.errors import DatastoreError, ReviewLoopError, guarded
from reviewloop.escalation.people import People
from reviewloop.gerrit.reading import READ_ANEW, Reads
from reviewloop.gerrit.reads import ReadClient
from reviewloop.sensor.aside import Aside
from reviewloop.sensor.beside import Beside
from reviewloop.sensor.clock import DoubtedClock, Moment
from reviewloop.sensor.coverage import Coverage
from reviewloop.sensor.delta import Delta
from reviewloop.sensor.dispatch import Dispatcher, Outbox, Send
from reviewloop.sensor.events import Event, is_told
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.fresh import Fresh
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.known import Known
from reviewloop.sensor.pace import Pace
from reviewloop.sensor.position import Position
from reviewloop.sensor.reader import Reader
from reviewloop.sensor.reconcile import EVERY, Reconcile
from reviewloop.sensor.roster import RosterCheck
from reviewloop.sensor.start import Leaving, Memories, Start, horizon, rewind
from reviewloop.sensor.trouble import Troubles
from reviewloop.sensor.watch import Watch
from reviewloop.settings.load import Settings
from reviewloop.store.asks import Asks
from reviewloop.store.cursor import CursorStore, LostCursorError
from reviewloop.store.pending import Pending, Pendings
from reviewloop.store.troubles import TroubleStore

#: Gerrit dates what happens when it begins, and shows it when it is done.
SETTLING = timedelta(seconds=10)


@dataclass(frozen=True)
class Stores:
    """What a sensor keeps between its processes."""

    cursor: CursorStore
    troubles: TroubleStore
    pending: Pendings
    asks: Asks
    beside: Optional[Beside] = None


class Poller:
    """Polls one Gerrit server.

    :param people: the roster, looked up anew, and under which account this pack acts.
    :param dispatch: called with (trigger, payload, trace tag).
    :param clock: this machine's time and the server's, as they are now.
    :param reconcile_every: how often everything open is looked over.
    :param first_look: called once, after the first poll of a sensor that has no cursor, whether or
        not it went well; it waits for nothing and raises nothing.
    :param tidy: called when everything has been looked at, after large answers; raises nothing.
    :param reads: how what Gerrit answers is read.
    """

    def __init__(
        self,
        settings: Settings,
        client: ReadClient,
        stores: Stores,
        people: Callable[[], People],
        dispatch: Send,
        *,
        logger: logging.Logger,
        clock: Callable[[], Moment],
        reconcile_every: timedelta = EVERY,
        first_look: Callable[[], None] = lambda: None,
        tidy: Callable[[], None] = lambda: None,
        reads: Reads = READ_ANEW,
    ) -> None:
        self._settings = settings
        self._client = client
        self._log = logger
        self._clock = DoubtedClock(clock)
        self._lost: Optional[LostCursorError] = None
        self._first_look: Optional[Callable[[], None]] = first_look
        self._is_new = False
        self._tidy = tidy
        self._reader = Reader(
            client, people().policy, settings.server, settings.gerrit.query, self._clock.now, reads
        )
        self._roster = RosterCheck(people)
        self._pending, self._asks = stores.pending, stores.asks
        self._position = Position(stores.cursor)
        self._outbox = Outbox(dispatch)
        self._pace = Pace(
            settings.max_triggers_per_poll,
            settings.triggers_per_hour,
            logger,
            is_bound=settings.max_triggers_per_hour > 0,
        )
        self._dispatcher = Dispatcher(
            Site(settings.server, settings.gerrit.url),
            settings.policy,
            self._pace,
            self._position,
            self._outbox,
        )
        self._troubles = Troubles(
            settings.server, stores.troubles, self._outbox, self._clock.local, logger
        )
        self._watch, self._known, self._aside = Watch(settings.server), Known(), Aside()
        self._intake = Intake(
            self._watch, self._known, self._aside, self._position, self._clock.now, logger
        )
        self._delta = Delta(self._reader, self._clock)
        self._coverage = Coverage(settings, self._put_off, self._asks.all, self._outbox)
        self._reconcile = Reconcile(
            self._reader, partial(horizon, settings), reconcile_every, logger
        )
        memories = Memories(self._watch, self._known, self._intake, self._position)
        self._start = Start(settings, self._reader, memories, stores.beside, SETTLING, logger)
        self._leaving = None if stores.beside is None else Leaving(stores.beside, memories)

    def poll(self) -> None:
        """One poll; failures are logged and dispatched once, and so is recovery."""
        # Whatever happens, the sensor lives on.
        guarded(self._whole, self._fail)
        if self._is_new and self._first_look is not None:
            look, self._first_look = self._first_look, None
            look()

    def _whole(self) -> None:
        self._round()
        self._troubles.worked(self._standing())
        self._lost = None

    def _fail(self, error: Exception) -> None:
        guarded(
            lambda: self._troubles.failed(error),
            lambda _err: self._log.exception("That polling fails cannot be reported."),
        )

    def _round(self) -> None:
        # After a poll that failed the changes it read are whole still.
        self._watch.rest()
        self._aside.begin()
        self._begin()
        read = self._look()
        now = self._delta.asked - SETTLING
        sent = self._dispatcher.run(now, self._watch, self._aside, self._fresh(read), self._intake)
        self._save(len(sent))
        self._cover(sent, read)
        self._watch.rest()
        if self._leaving is not None:
            self._leaving.run(self._delta.asked, self._start.begun, len(read))
        self._roster.run(self._delta.asked)

    def _cover(self, sent: List[Event], read: Set[ChangeKey]) -> None:
        """Offer what is overdue and uncovered, as far as the cap has room."""
        if self._settings.coverage_reach.amount:
            now = self._delta.asked
            self._coverage.sent(sent, now)
            offered = self._coverage.run(now, self._watch, self._pace.room, self._fresh(read))
            self._pace.took(offered)
        else:
            self._watch.take_news()

    def _put_off(self) -> Sequence[Pending]:
        found = self._pending.readable()
        self._aside.unreadable = found.unreadable
        return found.records

    # The cursor.

    def _begin(self) -> None:
        """Load the cursor; at a first start, say that nothing that is past will be told.

        One that was damaged is as good as none: whoever is not asked for it is offered later.
        """
        try:
            is_stored = self._position.load()
        except LostCursorError as err:
            self._lost, is_stored = err, False
        if not is_stored:
            self._is_new = self._lost is None
            self._client.version()
            start = rewind(self._settings, self._clock.now(), self._settings.catch_up)
            self._position.start(start)
            self._log.info("First start: dispatching what happens after %s.", iso(start))
        self._watch.take_back(self._is_told)
        if self._leaving is not None:
            self._leaving.name()

    def _save(self, sent: int) -> None:
        """Save the cursor; what may not have gone out is sent again, if the cursor as it is stored
        does not lie behind it.

        While its database is down StackStorm drops a trigger with a mere warning, and ``dispatch``
        answers as if it had sent it (st2common/services/trigger_dispatcher.py).
        """
        try:
            self._position.save()
        except DatastoreError:
            if sent:
                self._position.forget()
            raise
        self._watch.confirm()

    def _is_told(self, event: Event) -> bool:
        return is_told(self._position.cursor, event)

    # What Gerrit knows.

    def _look(self) -> Set[ChangeKey]:
        """Bring the watch up to date; the changes read."""
        if not self._delta.has_begun:
            return self._cold_start()
        read = self._delta.look(self._watch, self._known, self._aside, self._intake)
        now = self._delta.asked
        if self._reconcile.is_due(now):
            self._delta.ease()
            read |= self._reconcile.run(now, self._watch, self._known, self._intake, read)
            self._tidy()
        return read

    def _cold_start(self) -> Set[ChangeKey]:
        """Open changes whose milestones may lie ahead, and whatever moved since the cursor."""
        self._client.version()
        self._clock.check()
        now = self._clock.now()
        if self._clock.check_cursor(self._position.cursor.through):
            self._position.lower(now)
        begun = self._start.run(now)
        self._tidy()
        self._delta.begin(begun, self._known.newest)
        self._reconcile.begin(begun)
        return set()

    def _fresh(self, read: Set[ChangeKey]) -> Fresh:
        return Fresh(self._reader, self._watch, self._known, self._intake, read)

    # What does not keep polls from working.

    def _standing(self) -> Dict[str, ReviewLoopError]:
        aside = self._lost or self._aside.trouble()
        found = [aside, self._clock.trouble(), self._roster.trouble()]
        return {one.kind: one for one in found if one is not None}
