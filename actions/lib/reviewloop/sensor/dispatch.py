"""Dispatches what is due, as far as the cap goes, and moves the cursor along."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

from reviewloop.core import payloads
from reviewloop.core.milestones import Crossing
from reviewloop.core.policy import Policy
from reviewloop.errors import ReviewLoopError, guarded
from reviewloop.sensor.aside import Aside
from reviewloop.sensor.events import Event
from reviewloop.sensor.found import ChangeKey, Failed
from reviewloop.sensor.intake import Intake
from reviewloop.sensor.pace import Pace
from reviewloop.sensor.position import KEPT, Position
from reviewloop.sensor.watch import Watch

#: ``dispatch(trigger, payload, trace tag)``.
Send = Callable[[str, Dict[str, Any], Optional[str]], None]


class MessagingError(ReviewLoopError):
    """StackStorm did not take a trigger."""

    kind = "messaging"


class Outbox:
    """Sends triggers to StackStorm."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def put(self, trigger: str, payload: Dict[str, Any], trace_tag: Optional[str] = None) -> None:
        """Send a trigger. :raises MessagingError: it was not taken."""
        try:
            self._send(trigger, payload, trace_tag)
        except Exception as err:
            # Whatever StackStorm's messaging raises (kombu's errors, those of sockets).
            raise MessagingError(
                f"StackStorm did not take a trigger ({type(err).__name__}: {err}).",
                "Check StackStorm's message bus; if this lasts although the bus is up, disable and"
                " enable the sensor: its connection does not come back by itself. Nothing is lost.",
            ) from err


class Dispatcher:
    """Each event once, earliest first, at the pace that is set."""

    def __init__(
        self,
        site: payloads.Site,
        policy: Policy,
        pace: Pace,
        position: Position,
        outbox: Outbox,
    ) -> None:
        self._site = site
        self._policy = policy
        self._pace = pace
        self._position = position
        self._outbox = outbox

    def run(
        self,
        now: datetime,
        watch: Watch,
        aside: Aside,
        fresh: Callable[[Set[ChangeKey]], bool],
        intake: Intake,
    ) -> List[Event]:
        """Dispatch what is due by ``now``; what that was.

        :param fresh: looks at changes anew unless this poll has, as they may have moved, or be
            private now; whether something else may be due of one.
        :raises MessagingError: StackStorm did not take a trigger; what it took is remembered.
        """
        ready, left = self._ready(now, watch, fresh, intake)
        self._prepare(ready, left, aside, watch)
        sent: List[Event] = []
        try:
            for event, payload in ready:
                trigger = payloads.WAITING if isinstance(event.what, Crossing) else payloads.ENDED
                self._outbox.put(trigger, payload, f"gerrit-{event.key.number}")
                watch.sent(event)
                self._position.advance_past(event)
                sent.append(event)
                self._pace.took(1)
        finally:
            first = len(sent)
            left = [event for event, _ in ready[first:]] + left
            if not left:
                self._position.advance_to(now)
            self._position.expect(left, aside.through(), watch.passed_over)
            watch.settle(now)
        self._pace.say(now, partial(watch.due, now) if left else None)
        return sent

    def _ready(
        self,
        now: datetime,
        watch: Watch,
        fresh: Callable[[Set[ChangeKey]], bool],
        intake: Intake,
    ) -> Tuple[List[Tuple[Event, Dict[str, Any]]], List[Event]]:
        """The next events with their payloads, and the first that the cap holds back: one, and
        those that lie before the cursor.
        """
        self._pace.begin(now)
        cap, is_late = self._pace.room, self._position.may_be_late
        while True:
            events = watch.upcoming(now, cap, is_late, KEPT)
            first = events[:cap]
            if fresh({event.key for event in first}):
                continue
            told = map(watch.renewed, first)
            built = [(event, self._payload(event, now)) for event in told]
            failed = [one for _, one in built if isinstance(one, Failed)]
            if not failed:
                ready = [(event, one) for event, one in built if not isinstance(one, Failed)]
                return ready, events[cap:]
            for one in failed:
                intake.fail(one)

    def _payload(self, event: Event, now: datetime) -> Union[Dict[str, Any], Failed]:
        """The payload, or why there is none: a defect that one change brings to light."""

        def built() -> Dict[str, Any]:
            if isinstance(event.what, Crossing):
                return payloads.waiting(
                    self._site, event.reading, event.what, self._policy, now, event.id
                )
            return payloads.ended(self._site, event.reading, event.what, self._policy, event.id)

        return guarded(built, lambda err: Failed(event.key, err))

    def _prepare(
        self,
        ready: List[Tuple[Event, Dict[str, Any]]],
        left: List[Event],
        aside: Aside,
        watch: Watch,
    ) -> None:
        """Before the first trigger leaves: a restart must know what lies before the cursor."""
        events = [event for event, _ in ready]
        self._position.expect(events + left, aside.through(), watch.passed_over)
        self._position.save()
        if ready:
            # A trigger sent while the datastore is down would be lost without a word.
            self._position.check()
