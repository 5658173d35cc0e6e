"""Overdue waits that nobody was asked about: each is offered again, the longest first.

An edge, a milestone as it is reached, is sent once and can be lost: an action dies, a limit is
used up, a rule is enabled later. So what is overdue is sent as a level too, until the change itself
shows a live ask, or its history a reason why nobody is to be asked.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from reviewloop.core import payloads
from reviewloop.core.reading import WaitKey
from reviewloop.sensor.dispatch import Outbox
from reviewloop.sensor.events import Event
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.offers import AGAIN, EVERY, PATIENCE, Chosen, Memo, Offer, Tries
from reviewloop.sensor.uncovered import Overdue, Slot, Uncovered
from reviewloop.sensor.watch import Watch
from reviewloop.settings.load import Settings
from reviewloop.store.asks import Ask
from reviewloop.store.pending import Pending, Reason

#: What is joined to a change of which nothing is known is offered so often.
UNSEEN = timedelta(hours=2)
#: Rules, workflows and actions get so long to act on a milestone before it is offered again.
GRACE = timedelta(minutes=20)
#: Why nobody was asked: no rule acts on the offers.
NO_RULE = "no_rule"

#: What was put off, by event: one record for each tier.
Records = Mapping[str, Sequence[Pending]]


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
        self._chosen: Optional[Chosen] = None
        self._tries = Tries()
        self._outbox = outbox
        self._memos: Dict[ChangeKey, Dict[WaitKey, Memo]] = {}
        self._uncovered = Uncovered(settings.bounds, self._grace)
        # What each change was last found to have, and which of it may be offered now; the others
        # rest until an instant.
        self._placed: Dict[ChangeKey, Tuple[Overdue, ...]] = {}
        self._ready: Dict[Slot, Overdue] = {}
        self._resting: List[Tuple[datetime, Slot]] = []

    def sent(self, events: Iterable[Event], now: datetime) -> None:
        """The edges of these waits have just been sent: what they lead to is waited for."""
        for event in events:
            slot = event.key, event.wait_key
            self._memo(slot).sent = now
            if slot in self._ready:
                self._place(self._ready[slot], now)

    def run(
        self, now: datetime, watch: Watch, room: int, fresh: Callable[[Set[ChangeKey]], bool]
    ) -> int:
        """Offer what is due; how many triggers that were.

        :param room: how many triggers the poll may still send.
        :param fresh: reads changes anew, unless this poll has: somebody may have been asked since.
        :raises DatastoreError: what was put off cannot be read just now.
        :raises MessagingError: StackStorm did not take a trigger.
        """
        self._refresh(now, watch)
        if room <= 0 or not self._ready:
            return 0
        records, self._chosen = _by_event(self._pending()), None
        keys = {one.key for one in self._worth_it(self._ready.values(), now, watch, records)[:room]}
        fresh(keys)
        self._refresh(now, watch)
        waiting = [one for key in keys for one in self._placed.get(key, ())]
        ready = [one for one in waiting if one.slot in self._ready]
        batch = self._worth_it(ready, now, watch, records)[:room]
        for one in batch:
            self._offer(one, now, watch, records.get(one.event_id, ()))
        return len(batch)

    def _refresh(self, now: datetime, watch: Watch) -> None:
        """Bring what may be offered now up to date."""
        for key in self._uncovered.refresh(now, watch):
            for one in self._placed.pop(key, ()):
                self._ready.pop(one.slot, None)
            if key not in watch:
                self._memos.pop(key, None)
            found = self._uncovered.of(key)
            if found:
                self._placed[key] = found
            for one in found:
                self._place(one, now)
        while self._resting and self._resting[0][0] <= now:
            _, slot = heapq.heappop(self._resting)
            for one in self._placed.get(slot[0], ()):
                if one.slot == slot:
                    self._place(one, now)

    def _place(self, one: Overdue, now: datetime) -> None:
        """Ready, if the edge has had its time, and no record is known to stand in the way."""
        memo = self._recalled(one.slot)
        edge = None if memo is None or memo.sent is None else memo.sent + self._grace
        times = (edge, None if memo is None else memo.held)
        at = max((time for time in times if time is not None), default=now)
        if at <= now:
            self._ready[one.slot] = one
        else:
            self._ready.pop(one.slot, None)
            heapq.heappush(self._resting, (at, one.slot))

    def _recalled(self, slot: Slot) -> Optional[Memo]:
        return self._memos.get(slot[0], {}).get(slot[1])

    def _memo(self, slot: Slot) -> Memo:
        return self._memos.setdefault(slot[0], {}).setdefault(slot[1], Memo())

    def _worth_it(
        self, waiting: Iterable[Overdue], now: datetime, watch: Watch, records: Records
    ) -> List[Overdue]:
        """Those that are to be offered, whoever has been overdue for the longest first; but
        what was offered in vain keeps nothing else back.
        """
        idle_before = self._settings.bounds(now).idle_before
        found, rested, rare, idle = [], [], [], []
        for one in waiting:
            if idle_before is not None and one.updated < idle_before:
                idle.append(one.slot)
                continue
            put_off = records.get(one.event_id, ())
            if self._is_rare(one, now, put_off):
                rare.append(one)
            elif self._is_worth_it(one, now, watch, put_off):
                found.append((self._in_vain(one, now), one))
            else:
                rested.append(one)
        tried = self._tries.chosen(rare, now, self._last)
        for one in rare:
            if one in tried:
                found.append((PATIENCE, one))
            else:
                self._memo(one.slot).held = now + AGAIN
                rested.append(one)
        for one in rested:
            self._place(one, now)
        for slot in idle:
            del self._ready[slot]
        found.sort(key=lambda both: (both[0], both[1].rank))
        return [one for _, one in found]

    def _is_worth_it(
        self, one: Overdue, now: datetime, watch: Watch, records: Sequence[Pending]
    ) -> bool:
        """Whether something can have changed."""
        before = self._before(one)
        if before is not None and not records and now - before.at < before.pause:
            return False
        not_before = min((_not_before(one, watch, record) for record in records), default=now)
        if before is not None and records:
            # Something has come of it, whatever becomes of the record.
            if before.count:
                before = self._memo(one.slot).offer = replace(before, count=0)
            if now - before.at < EVERY:
                # The offer met a limit, which may free a place within minutes.
                return now >= not_before and any(record.at >= before.at for record in records)
        if now < not_before:
            self._memo(one.slot).held = min(not_before, now + EVERY)
        return now >= not_before

    def _is_rare(self, one: Overdue, now: datetime, records: Sequence[Pending]) -> bool:
        """Whether so many offers have led to nothing at all that one a working day will do, and one
        now and then of all that are alike, to see whether a rule acts again.
        """
        if records or self._in_vain(one, now) < PATIENCE:
            return False
        calendar, last = self._policy.calendar, self._last(one)
        is_today = calendar.elapsed(last, now) < calendar.day_seconds
        return is_today and now - last >= EVERY

    def _in_vain(self, one: Overdue, now: datetime) -> int:
        """How many offers in a row have led to nothing at all; more than enough are alike."""
        before = self._before(one)
        if before is None:
            return 0
        enough = before.count >= PATIENCE
        return 0 if enough and self._acts(one, now) else min(before.count, PATIENCE)

    def _acts(self, one: Overdue, now: datetime) -> bool:
        """Whether a rule acts, so that its workflow has failed or died on the way."""
        if self._chosen is None:
            self._chosen = Chosen(self._asks())
        return self._chosen.is_acted_on(one, now)

    def _last(self, one: Overdue) -> datetime:
        """When a milestone that was offered before was last offered."""
        before = self._before(one)
        assert before is not None  # noqa: S101 - it was offered in vain
        return before.at

    def _before(self, one: Overdue) -> Optional[Offer]:
        """The last offer of this milestone."""
        memo = self._recalled(one.slot)
        offer = None if memo is None else memo.offer
        return offer if offer is not None and offer.milestone == one.step else None

    def _offer(self, one: Overdue, now: datetime, watch: Watch, records: Sequence[Pending]) -> None:
        """Send an offer.

        :param records: what was put off about the milestone. A record of an earlier one tells what
            became of another question, perhaps on another tier.
        """
        known = watch.known(one.key)
        assert known is not None  # noqa: S101 - it was looked at just now
        reading, asks = known
        timeline = next(line for line in reading.timelines if line.key == one.wait)
        highest = timeline.crossed(now)
        assert highest is not None  # noqa: S101 - it is overdue
        why = [record.reason.value for record in records]
        vain = self._in_vain(one, now)
        if vain >= PATIENCE:
            why = [NO_RULE]
        payload = payloads.overdue(
            self._site,
            reading,
            highest,
            self._policy,
            now,
            one.event_id,
            asked_ids=[who for ask in asks.get(one.wait, ()) for who in ask.accounts],
            why_not=why[0] if why else "",
        )
        self._outbox.put(payloads.OVERDUE, payload, f"gerrit-{one.key.number}")
        self._memo(one.slot).offer = Offer(one.step, now, vain + 1)
        if vain >= PATIENCE:
            self._memo(one.slot).held = now + EVERY
            self._place(one, now)


def _not_before(one: Overdue, watch: Watch, record: Pending) -> datetime:
    """When what was put off is worth another try: what is joined to another change as soon as
    something has happened on one of the two, or may have, where that other is not watched.
    """
    if record.reason is not Reason.JOINED:
        return record.not_before
    leader = watch.touched(record.leader)
    if leader is None:
        return min(record.not_before, record.at + UNSEEN)
    has_moved = max(leader, one.updated) >= record.at
    return min(record.not_before, record.at + EVERY) if has_moved else record.not_before


def _by_event(records: Iterable[Pending]) -> Records:
    found: Dict[str, List[Pending]] = {}
    for record in records:
        found.setdefault(record.event_id, []).append(record)
    return found
