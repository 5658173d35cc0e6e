"""The whole loop by a clock of its own: the real sensor, the rules, the operations of the actions.

Nothing is decided here. The sensor polls the replica as often as it polls Gerrit; what it
dispatches meets the rules as soon as the poll is done, and each run goes to its end at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from reviewloop.core import payloads
from reviewloop.core.text import outward
from reviewloop.core.timestamps import from_iso
from reviewloop.errors import ReviewLoopError
from reviewloop.escalation.events import event_ref
from reviewloop.escalation.people import People
from reviewloop.messages.subject import name_of
from reviewloop.operations.context import Context
from reviewloop.preview.asks import Ask, Failed, Found, Passed
from reviewloop.preview.paper import TicketText, paper_of, text_hash
from reviewloop.preview.recorded import Recorded
from reviewloop.preview.replica import Replica
from reviewloop.preview.rules import CRON, SHIPPED, Rule
from reviewloop.preview.runs import RUNS
from reviewloop.preview.store import MemoryStore
from reviewloop.sensor.clock import Clocks
from reviewloop.sensor.poller import Poller, Stores
from reviewloop.settings.load import Settings
from reviewloop.settings.server import sensor_key
from reviewloop.store.asks import Asks
from reviewloop.store.cursor import DatastoreCursor
from reviewloop.store.pending import Pendings
from reviewloop.store.troubles import DatastoreTroubles

Progress = Callable[[datetime], None]
_LOG = logging.getLogger(__name__)
_PURPOSES = {"gerrit.nudge": "nudge", "gerrit.escalate": "escalate", "gerrit.label": "label"}
_EVENTS = (payloads.WAITING, payloads.OVERDUE)


@dataclass(frozen=True)
class _Trigger:
    kind: str
    payload: Dict[str, Any]


class Loop:
    """One installation of the pack, on a replica.

    :param at: when its sensor is started.
    :param plays: as of :class:`Replica`.
    :param values: what its datastore holds then.
    """

    def __init__(
        self,
        settings: Settings,
        recorded: Recorded,
        at: datetime,
        *,
        plays: bool,
        rules: Sequence[Rule] = SHIPPED,
        values: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.replica = Replica(settings, recorded, at, plays=plays)
        self._settings = settings
        self._recorded = recorded
        self._rules = sorted(rules, key=lambda one: one.name)
        self._store = MemoryStore(self.replica.now, values)
        self._paper = paper_of(settings.tracker, self._store, self.replica.now)
        self._at = at
        self._queue: List[_Trigger] = []
        self._asks: List[Ask] = []
        self._passed: List[Passed] = []
        self._failed: List[Failed] = []
        self._troubles: List[str] = []
        self._poller = self._started()

    def _started(self) -> Poller:
        settings, store, replica = self._settings, self._store, self.replica
        kept_as = sensor_key(settings.server, settings.sensor_id)
        stores = Stores(
            DatastoreCursor(store, kept_as),
            DatastoreTroubles(store, kept_as),
            Pendings(store),
            Asks(store),
        )
        return Poller(
            settings,
            replica,
            stores,
            lambda: People(settings, replica, store),
            self._dispatch,
            logger=_LOG,
            clock=lambda: Clocks(replica.now(), replica.now()),
            reads=replica,
        )

    def run(self, until: datetime, progress: Progress = lambda _at: None) -> Found:
        """Poll from the beginning to ``until``, both included.

        :raises ReviewLoopError: the source could not be asked what is needed.
        """
        for at, timer in self._instants(until):
            progress(at)
            self.replica.go_on(at)
            if timer is None:
                self._poller.poll()
            else:
                self._run(timer, _Trigger(CRON, {}))
            self._drain()
            if self._recorded.failure is not None:
                raise self._recorded.failure
        return Found(
            since=self._at,
            until=until,
            asks=tuple(self._asks),
            passed=tuple(self._passed),
            failed=tuple(self._failed),
            troubles=tuple(dict.fromkeys(self._troubles)),
            left_out=tuple(
                f"{one.name} ({one.action})" for one in self._rules if one.action not in RUNS
            ),
        )

    def _instants(self, until: datetime) -> Iterator[Tuple[datetime, Optional[Rule]]]:
        """Polls and timers, in order; a timer goes before the poll of its second."""
        timers = [(at, one) for one in self._rules for at in _daily(one, self._at, until)]
        timers.sort(key=lambda both: (both[0], both[1].name))
        poll, pause = self._at, timedelta(seconds=self._settings.poll_interval)
        while poll <= until:
            while timers and timers[0][0] <= poll:
                yield timers.pop(0)
            yield poll, None
            poll += pause
        yield from timers

    # What follows a poll

    def _dispatch(self, trigger: str, payload: Dict[str, Any], _tag: Optional[str]) -> None:
        self._queue.append(_Trigger(trigger, payload))

    def _drain(self) -> None:
        while self._queue:
            trigger = self._queue.pop(0)
            if trigger.kind == payloads.TROUBLE:
                told = trigger.payload
                self._troubles.append(f"{told['kind']}: {told['remedy']}")
                continue
            taken = [one for one in self._rules if one.matches(trigger.kind, trigger.payload)]
            for rule in taken:
                self._run(rule, trigger)
            if not taken and trigger.kind in _EVENTS:
                self._pass("", trigger, "no_rule")

    def _run(self, rule: Rule, trigger: _Trigger) -> None:
        """One run to its end; one that fails keeps no other from running."""
        run = RUNS.get(rule.action)
        if run is None:
            return
        before, said = len(self.replica.posted), self._said
        try:
            assessed = run(self._context, **rule.given(trigger.payload))
        except ReviewLoopError as err:
            event = str(trigger.payload.get("event_id", ""))
            self._failed.append(
                Failed(self.replica.now(), rule.name, event, outward(str(err), 300))
            )
            return
        if assessed is None:
            return
        if len(self.replica.posted) > before:
            tickets = () if self._paper is None else self._paper.written[said:]
            self._asks.append(self._ask(rule, trigger, assessed, tickets))
        elif not assessed["proceed"]:
            self._pass(rule.name, trigger, assessed["reason"] or assessed["verdict"])

    @property
    def _said(self) -> int:
        """How much was written on tickets so far."""
        return 0 if self._paper is None else len(self._paper.written)

    def _context(self) -> Context:
        return Context(
            self._settings,
            self._store,
            client_of=lambda _settings: self.replica,
            tracker_of=lambda _settings: self._paper,
            reads=self.replica,
        )

    # What is told of it

    def _ask(
        self,
        rule: Rule,
        trigger: _Trigger,
        assessed: Mapping[str, Any],
        tickets: Sequence[TicketText],
    ) -> Ask:
        posted, told = self.replica.posted[-1], trigger.payload
        event = event_ref(told["event_id"])
        people = People(self._settings, self.replica, self._store)
        accounts = tuple(assessed["asked"])
        return Ask(
            at=posted.at,
            event_id=event.text,
            rule=rule.name,
            purpose=_PURPOSES[rule.action],
            tier=assessed["tier"],
            number=event.number,
            project=told["project"],
            url=told["url"],
            party=event.party.value,
            since=event.since,
            milestone=str(event.milestone),
            accounts=accounts,
            names=tuple(name_of(people.one(one).account) for one in accounts),
            attempt=assessed["attempt"],
            joined=tuple(assessed["joined"]),
            text=posted.text,
            sha256=text_hash(posted.text),
            ticket=tickets[-1] if tickets else None,
            crossed_at=from_iso(told["crossed_at"]),
        )

    def _pass(self, rule: str, trigger: _Trigger, why: str) -> None:
        event = event_ref(trigger.payload["event_id"])
        self._passed.append(
            Passed(
                at=self.replica.now(),
                event_id=event.text,
                rule=rule,
                number=event.number,
                party=event.party.value,
                since=event.since,
                milestone=str(event.milestone),
                why=why,
            )
        )


def _daily(rule: Rule, since: datetime, until: datetime) -> Iterator[datetime]:
    """When a timer goes off, after ``since``."""
    if rule.at is None:
        return
    at = since.astimezone(timezone.utc).replace(
        hour=rule.at[0], minute=rule.at[1], second=0, microsecond=0
    )
    while at <= until:
        if at > since:
            yield at
        at += timedelta(days=1)
