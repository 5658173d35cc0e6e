"""Overdue waits that nobody was asked about: each is offered again, the longest first.

An edge, a milestone as it is reached, is sent once and can be lost: an action dies, a limit is
used up, a rule is enabled later. So what is overdue is sent as a level too, until the change itself
shows a live ask, or its history a reason why nobody is to be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from reviewloop.core import payloads
from reviewloop.core.asked import LiveAsk
from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading, Timeline, WaitKey
from reviewloop.core.unasked import Bounds, overdue, why_not
from reviewloop.sensor.dispatch import Outbox
from reviewloop.sensor.events import Event
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.watch import Watch
from reviewloop.settings.load import Settings
from reviewloop.store.asks import Ask
from reviewloop.store.pending import Pending, Reason

#: A wait is offered at most so often while something may have changed.
EVERY = timedelta(hours=1)
#: What is joined to a change of which nothing is known is offered so often.
UNSEEN = timedelta(hours=2)
#: Rules, workflows and actions get so long to act on a milestone before it is offered again.
GRACE = timedelta(minutes=20)
#: Offers that led to nothing, neither an ask nor a record of why not, before they become rare.
PATIENCE = 3
#: Why nobody was asked: no rule acts on the offers.
NO_RULE = "no_rule"

Slot = Tuple[ChangeKey, WaitKey]
#: What was put off, by event: one record for each tier.
Records = Mapping[str, Sequence[Pending]]


@dataclass(frozen=True)
class _Offer:
    """An offer of a milestone at ``at``; with it ``count`` in a row, as far as it is known."""

    milestone: int
    at: datetime
    count: int


@dataclass(frozen=True)
class Overdue:
    """An open wait past a milestone, without a live ask for it and without a reason."""

    key: ChangeKey
    reading: Reading
    timeline: Timeline
    highest: Crossing

    @property
    def slot(self) -> Slot:
        """The wait."""
        return self.key, self.timeline.key

    @property
    def rank(self) -> Tuple[datetime, ChangeKey]:
        """Whoever has been overdue for the longest comes first."""
        return self.timeline.crossings[0].at, self.key


class Coverage:
    """Offers overdue waits, in rounds.

    :param pending: what was put off, as the datastore has it: read only if something is overdue.
    :param asks: who was chosen: read only where nothing else shows that a rule acts on an offer.
    """

    def __init__(
        self,
        settings: Settings,
        pending: Callable[[], Sequence[Pending]],
        asks: Callable[[], Sequence[Ask]],
        outbox: Outbox,
    ) -> None:
        self._settings = settings
        self._site = payloads.Site(settings.server, settings.gerrit.url)
        self._policy = settings.policy
        # From a milestone, and from its edge, to the first offer.
        self._grace = max(GRACE, timedelta(seconds=2 * settings.poll_interval))
        self._pending = pending
        self._asks = asks
        self._chosen: Optional[Mapping[str, datetime]] = None
        self._outbox = outbox
        self._offers: Dict[Slot, _Offer] = {}
        self._held: Dict[Slot, datetime] = {}
        self._sent: Dict[Slot, datetime] = {}

    def sent(self, events: Iterable[Event], now: datetime) -> None:
        """The edges of these waits have just been sent: what they lead to is waited for."""
        for event in events:
            wait = event.what.wait
            self._sent[event.key, (wait.party.value, wait.since)] = now

    def run(
        self, now: datetime, watch: Watch, room: int, fresh: Callable[[Set[ChangeKey]], None]
    ) -> int:
        """Offer what is due; how many triggers that were.

        :param room: how many triggers the poll may still send.
        :param fresh: reads changes anew, unless this poll has: somebody may have been asked since.
        :raises DatastoreError: what was put off cannot be read just now.
        :raises MessagingError: StackStorm did not take a trigger.
        """
        self._forget(watch)
        waiting = self._waiting(now, watch, watch.readings())
        if room <= 0 or not waiting:
            return 0
        records, self._chosen = _by_event(self._pending()), None
        keys = {one.key for one in self._worth_it(waiting, now, watch, records)[:room]}
        fresh(keys)
        waiting = self._waiting(now, watch, watch.readings(keys))
        batch = self._worth_it(waiting, now, watch, records)[:room]
        for one in batch:
            self._offer(one, now, watch, self._put_off(one, watch, records))
        return len(batch)

    def _waiting(self, now: datetime, watch: Watch, readings: Iterable[Reading]) -> List[Overdue]:
        """The overdue waits that may be offered now, for all that is known without the records."""
        bounds = self._settings.bounds(now)
        found = uncovered(readings, watch.asks, now - self._grace, bounds)
        return [one for one in found if self._is_time(one, now)]

    def _worth_it(
        self, waiting: Iterable[Overdue], now: datetime, watch: Watch, records: Records
    ) -> List[Overdue]:
        """Those that are to be offered, whoever has been overdue for the longest first; but
        what was offered in vain keeps nothing else back.
        """
        known = [(one, self._put_off(one, watch, records)) for one in waiting]
        found = [
            (self._in_vain(one, now, watch, put_off), one)
            for one, put_off in known
            if self._is_worth_it(one, now, watch, put_off)
        ]
        found.sort(key=lambda both: (both[0], both[1].rank))
        return [one for _, one in found]

    def _is_time(self, one: Overdue, now: datetime) -> bool:
        """Whether the edge has had its time, and no record is known to stand in the way."""
        edge = self._sent.get(one.slot, now - self._grace)
        return now - edge >= self._grace and now >= self._held.get(one.slot, now)

    def _is_worth_it(
        self, one: Overdue, now: datetime, watch: Watch, records: Sequence[Pending]
    ) -> bool:
        """Whether something can have changed; if not, the records are not read for an hour."""
        not_before = min((_not_before(one, watch, record) for record in records), default=now)
        before = self._before(one)
        if before is not None and records:
            # Something has come of it, whatever becomes of the record.
            before = self._offers[one.slot] = replace(before, count=0)
        if before is not None and now - before.at < EVERY:
            # The offer met a limit, which may free a place within minutes.
            return now >= not_before and any(record.at >= before.at for record in records)
        is_rare = self._is_no_rule(one, now, watch, records) and self._was_today(one, now)
        if now >= not_before and not is_rare:
            return True
        later = now + EVERY
        self._held[one.slot] = min(not_before, later) if not_before > now else later
        return False

    def _is_no_rule(
        self, one: Overdue, now: datetime, watch: Watch, records: Sequence[Pending]
    ) -> bool:
        """Whether so many offers have led to nothing at all."""
        return self._in_vain(one, now, watch, records) >= PATIENCE

    def _in_vain(
        self, one: Overdue, now: datetime, watch: Watch, records: Sequence[Pending]
    ) -> int:
        """How many offers in a row have led to nothing at all; more than enough are alike."""
        before = self._before(one)
        if before is None or records:
            return 0
        enough = before.count >= PATIENCE
        return 0 if enough and self._is_begun(one, now, watch) else min(before.count, PATIENCE)

    def _is_begun(self, one: Overdue, now: datetime, watch: Watch) -> bool:
        """Whether somebody was chosen within a working day, so that a rule acts, and its workflow
        has failed or died on the way: the next one goes on from there.
        """
        if self._chosen is None:
            self._chosen = {ask.event_id: ask.at for ask in self._asks() if ask.open}
        at, calendar = self._chosen.get(watch.name(one.key)(one.highest)), self._policy.calendar
        return at is not None and calendar.elapsed(at, now) < calendar.day_seconds

    def _was_today(self, one: Overdue, now: datetime) -> bool:
        """Whether the last offer is less than a working day ago."""
        before, calendar = self._before(one), self._policy.calendar
        return before is not None and calendar.elapsed(before.at, now) < calendar.day_seconds

    def _before(self, one: Overdue) -> Optional[_Offer]:
        """The last offer of this milestone."""
        offer = self._offers.get(one.slot)
        return offer if offer is not None and offer.milestone == one.highest.index else None

    def _offer(self, one: Overdue, now: datetime, watch: Watch, records: Sequence[Pending]) -> None:
        why = [record.reason.value for record in records]
        vain = self._in_vain(one, now, watch, records)
        if vain >= PATIENCE:
            why = [NO_RULE]
        payload = payloads.overdue(
            self._site,
            one.reading,
            one.highest,
            self._policy,
            now,
            watch.name(one.key)(one.highest),
            asked_ids=[
                who for ask in watch.asks(one.key, one.timeline.key) for who in ask.accounts
            ],
            why_not=why[0] if why else "",
        )
        self._outbox.put(payloads.OVERDUE, payload, f"gerrit-{one.key.number}")
        self._offers[one.slot] = _Offer(one.highest.index, now, vain + 1)

    @staticmethod
    def _put_off(one: Overdue, watch: Watch, records: Records) -> Sequence[Pending]:
        """What was put off about the milestone. A record of an earlier one tells what became of
        another question, perhaps on another tier.
        """
        return records.get(watch.name(one.key)(one.highest), ())

    def _forget(self, watch: Watch) -> None:
        self._offers = {slot: one for slot, one in self._offers.items() if slot[0] in watch}
        self._held = {slot: at for slot, at in self._held.items() if slot[0] in watch}
        self._sent = {slot: at for slot, at in self._sent.items() if slot[0] in watch}


def uncovered(
    readings: Iterable[Reading],
    asks: Callable[[ChangeKey, WaitKey], Sequence[LiveAsk]],
    before: datetime,
    bounds: Bounds,
) -> Iterator[Overdue]:
    """The waits that reached a milestone before an instant, about which nobody is asked, and for
    which neither the history nor the configuration gives a reason.

    :param asks: who is asked about a wait of a change.
    """
    for reading in readings:
        key = ChangeKey.of(reading.change)
        for timeline, highest in overdue(reading, bounds.now):
            if highest.at > before or why_not(reading, timeline, bounds) is not None:
                continue
            if all(ask.milestone != highest.milestone for ask in asks(key, timeline.key)):
                yield Overdue(key, reading, timeline, highest)


def _not_before(one: Overdue, watch: Watch, record: Pending) -> datetime:
    """When what was put off is worth another try: what is joined to another change as soon as
    something has happened on one of the two, or may have, where that other is not watched.
    """
    if record.reason is not Reason.JOINED:
        return record.not_before
    leader = watch.touched(record.leader)
    if leader is None:
        return min(record.not_before, record.at + UNSEEN)
    has_moved = max(leader, one.reading.change.updated) >= record.at
    return min(record.not_before, record.at + EVERY) if has_moved else record.not_before


def _by_event(records: Iterable[Pending]) -> Records:
    found: Dict[str, List[Pending]] = {}
    for record in records:
        found.setdefault(record.event_id, []).append(record)
    return found
