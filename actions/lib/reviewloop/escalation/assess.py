"""Whether to act on an event, decided on the change as it is now, and whom to ask.

A trigger may be minutes old, or sent twice. So nothing is done on its word: the change is read
again from Gerrit (from its own storage, not the search index) and its wait computed anew.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import List, Optional, Sequence, Tuple

from reviewloop.core.asked import LiveAsk, live_asks
from reviewloop.core.change import ChangeStatus
from reviewloop.core.events import EventRef
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.turns import Party
from reviewloop.errors import RefusedError
from reviewloop.escalation import neighbours as around
from reviewloop.escalation.choice import Case, Chooser, Chosen
from reviewloop.escalation.events import check_server
from reviewloop.escalation.limits import joined_until
from reviewloop.escalation.people import People
from reviewloop.escalation.verdicts import Assessment, Verdict
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.reading import READ_ANEW, Reads
from reviewloop.http import codes
from reviewloop.settings.load import Settings
from reviewloop.store import pending as pendings_of
from reviewloop.store.asks import Ask, Asks, find
from reviewloop.store.lease import Leases
from reviewloop.store.pending import Pending, Pendings, Reason
from reviewloop.store.tally import ROSTER, Tally

UNDER_WAY = timedelta(hours=1)
"""How long the run that chose somebody may take to its comment."""


class Assessor:
    """Decides on events.

    :param leases: choosing a person and writing the ask is one step, held together by one.
    :param reads: how the change that is assessed, and those beside it, are read.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        people: People,
        asks: Asks,
        pendings: Pendings,
        leases: Leases,
        reads: Reads = READ_ANEW,
    ) -> None:
        self._settings = settings
        self._client = client
        self._people = people
        self._reads = reads
        self._asks = asks
        self._pendings = pendings
        self._tally = Tally(asks.datastore, asks, pendings)
        self._leases = leases

    def assess(self, event: EventRef, tier: Tier, *, dry_run: bool) -> Assessment:
        """Decide whether to act on an event now.

        :param dry_run: write nothing: nobody is claimed, and nothing is put off.
        :raises ConfigError, AuthError, TemporaryError: it cannot be decided now.
        """
        check_server(event, self._settings.server)
        try:
            change = self._client.change(event.ident)
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return self._settled(Assessment(Verdict.GONE, event, tier), dry_run)
        now = self._client.now()
        reading = self._reads.read_change(change, self._people.policy(change))
        timeline = reading.timeline(event.party, now, event.since)
        verdict = self._verdict(reading, timeline, event, now)
        if verdict is not Verdict.PROCEED or timeline is None:
            return self._settled(Assessment(verdict, event, tier, change), dry_run)
        seconds = reading.elapsed(timeline.wait, now, self._settings.policy)
        assessment = Assessment(verdict, event, tier, change, waiting_seconds=seconds)
        neighbours = self._neighbours(event, tier, reading, timeline, now)
        with ExitStack() as stack:
            lease = None if dry_run else stack.enter_context(self._leases.hold(ROSTER))
            now = self._client.now()  # It may have taken minutes until it was this run's turn.
            asks, pendings = self._tally.load(now, lease)
            case = Case(event, tier, reading, timeline, asks, pendings, now)
            decided, ask = self._decided(assessment, case, neighbours)
            if lease is not None:
                lease.check()
                self._keep(decided, ask, case)
        return decided

    def _verdict(
        self, reading: Reading, timeline: Optional[Timeline], event: EventRef, now: datetime
    ) -> Verdict:
        policy = self._settings.policy
        change = reading.change
        if change.is_private:
            return Verdict.PRIVATE
        # Not every message that tells of an end is there for good.
        if timeline is None or change.status is not ChangeStatus.NEW:
            return Verdict.WAIT_OVER
        paused = _pause_verdict(reading, now)
        due = event.milestone.seconds(policy.calendar)
        reasons = (
            (Verdict.EXEMPT, reading.is_exempt),
            (paused or Verdict.SNOOZED, paused is not None),
            (Verdict.NOT_DUE, reading.elapsed(timeline.wait, now, policy) < due),
            (Verdict.RED, reading.state.is_red(now) and event.party is not Party.OWNER),
            (
                Verdict.GATE_PENDING,
                event.party is Party.SUBMITTER and reading.state.is_gated(now),
            ),
            (Verdict.HOLD_OUT, self._settings.is_held_out(change.number)),
        )
        return next((verdict for verdict, holds in reasons if holds), Verdict.PROCEED)

    # What the history does not decide; all of it under the lease

    def _decided(
        self, assessment: Assessment, case: Case, neighbours: Optional[around.Neighbours]
    ) -> Tuple[Assessment, Optional[Ask]]:
        """The verdict, and the ask to be kept where there is a new one."""
        known = self._known(case)
        if known is not None and not (_is_handed_on(case, known) or self._is_lost(case, known)):
            asked = replace(assessment, accounts=known.accounts, attempt=known.attempt)
            # A record that was lost, as by a restored datastore, is kept again.
            kept = None if known in case.asks and known.open else replace(known, open=True)
            return replace(asked, joined=known.joined), kept
        group = None if neighbours is None else around.group(neighbours, case.asks)
        if group is not None and group.leader != group.number:
            until = joined_until(self._settings.policy.calendar, case.now)
            pending = self._pending(case, Reason.JOINED, until, group.leader)
            return replace(assessment, verdict=Verdict.JOINED, pending=pending), None
        return self._asked(assessment, case, known, () if group is None else group.joined)

    def _known(self, case: Case) -> Optional[Ask]:
        """The ask about this very event: what the change shows, else what is on record."""
        kept = find(case.asks, case.event.text, case.tier.value)
        shown = [one for one in self._shown(case) if one.milestone == case.event.milestone]
        if not shown or (kept is not None and kept.attempt >= shown[-1].attempt):
            # A record that names nobody was written when the roster was empty, and asks nobody.
            return kept if kept is None or kept.accounts or case.tier is Tier.NOBODY else None
        last = shown[-1]
        return replace(case.ask(last.accounts, last.attempt), at=last.at, joined=last.joined)

    def _is_lost(self, case: Case, known: Ask) -> bool:
        """Whether its comment never came, and nobody whom it names can be asked any more."""
        is_old = known in case.asks and known.at <= case.now - UNDER_WAY
        if not is_old or case.tier not in ROSTER_TIERS or self._shown(case):
            return False
        members, _ = self._people.resolve()
        left = {one.account.id for one in members if not one.account.inactive}
        return bool(members) and left.isdisjoint(known.accounts)

    def _shown(self, case: Case) -> List[LiveAsk]:
        event, change = case.event, case.reading.change
        policy = self._people.policy(change)
        shown = live_asks(change, policy, event.server, event.party.value, event.since)
        return [one for one in shown if one.tier is case.tier]

    def _neighbours(
        self, event: EventRef, tier: Tier, reading: Reading, timeline: Timeline, now: datetime
    ) -> Optional[around.Neighbours]:
        """What the change may be asked for with; read before the lease, which is held shortly."""
        policy = self._people.policy(reading.change)
        asking = around.Asking(event, tier, policy, now, self._settings.is_held_out, self._reads)
        return around.look(self._client, reading, timeline, asking)

    def _asked(
        self, assessment: Assessment, case: Case, known: Optional[Ask], joined: Tuple[int, ...]
    ) -> Tuple[Assessment, Optional[Ask]]:
        chosen = Chooser(self._settings, self._people).chosen(case)
        assessment = replace(assessment, considered=chosen.considered)
        if chosen.hold is not None:
            pending = self._pending(case, chosen.hold.reason, chosen.hold.not_before)
            return replace(assessment, verdict=_VERDICTS[chosen.hold.reason], pending=pending), None
        attempt = 0 if known is None else known.attempt + 1
        ask = replace(case.ask(chosen.accounts, attempt), late=chosen.is_late, joined=joined)
        told = replace(assessment, accounts=ask.accounts, attempt=attempt, joined=joined)
        return told, ask if _is_kept(ask, chosen) else None

    def _pending(
        self, case: Case, reason: Reason, not_before: datetime, leader: int = 0
    ) -> Pending:
        event = case.event
        return Pending(
            event_id=event.text,
            tier=case.tier.value,
            number=event.number,
            party=event.party.value,
            since=event.since,
            milestone=str(event.milestone),
            reason=reason,
            at=case.now,
            not_before=not_before,
            crossed_at=case.crossed_at,
            leader=leader,
            again=case.is_again,
        )

    # What is kept

    def _settled(self, assessment: Assessment, dry_run: bool) -> Assessment:
        """What the history decides needs no record: one that was kept before is dropped."""
        if not dry_run:
            self._pendings.forget(assessment.event.text, assessment.tier.value)
        return assessment

    def _keep(self, assessment: Assessment, ask: Optional[Ask], case: Case) -> None:
        asks = () if ask is None else (*_handed_over(ask, case.asks), ask)
        if assessment.pending is not None:
            self._tally.note(case.now, asks, put_off=[assessment.pending])
            return
        event, tier = assessment.event, assessment.tier
        before = pendings_of.find(case.pendings, event.text, tier.value)
        self._tally.note(case.now, asks, dropped=[] if before is None else [before])


def _handed_over(ask: Ask, asks: Sequence[Ask]) -> Tuple[Ask, ...]:
    """Who handed it on is not asked any more, and was asked all the same."""
    before = find(asks, ask.event_id, ask.tier)
    if before is None or before.attempt >= ask.attempt or not before.open:
        return ()
    return (replace(before, open=False),)


_VERDICTS = {
    Reason.CAP: Verdict.BUDGET_USED_UP,
    Reason.BUDGET: Verdict.BUDGET_USED_UP,
    Reason.RAMP: Verdict.BUDGET_USED_UP,
    Reason.NOBODY_ELIGIBLE: Verdict.NOBODY_TO_ASK,
}


def _is_handed_on(case: Case, known: Ask) -> bool:
    """Whether somebody else is to be asked: all whom the ask names have passed."""
    return bool(known.accounts) and case.reading.pauses.passed.issuperset(known.accounts)


def _is_kept(ask: Ask, chosen: Chosen) -> bool:
    """A mark that addresses nobody needs a record only to be counted by the ramp."""
    return bool(ask.accounts) or chosen.is_late


def _pause_verdict(reading: Reading, now: datetime) -> Optional[Verdict]:
    pause = reading.pause(now)
    if pause is None:
        return None
    return Verdict.ACKNOWLEDGED if reading.is_acknowledged(pause) else Verdict.SNOOZED
