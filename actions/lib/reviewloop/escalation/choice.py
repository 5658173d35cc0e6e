"""Whom to ask about an event, or why nobody just now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import List, Optional, Sequence, Tuple

from reviewloop.core.change import Account
from reviewloop.core.events import EventRef
from reviewloop.core.reading import Reading, Timeline, human_reviewers
from reviewloop.core.roster import Choice, Ineligible, Selection, choose
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.escalation import limits
from reviewloop.escalation.limits import Hold, Line
from reviewloop.escalation.people import People
from reviewloop.escalation.verdicts import Candidate
from reviewloop.settings.load import Settings
from reviewloop.store.asks import Ask, loads
from reviewloop.store.pending import Pending, Reason


@dataclass(frozen=True)
class Case:
    """What a choice of people is made from: an event's wait as it is, and what is on record."""

    event: EventRef
    tier: Tier
    reading: Reading
    timeline: Timeline
    asks: Tuple[Ask, ...]
    pendings: Tuple[Pending, ...]
    now: datetime

    @property
    def crossed_at(self) -> datetime:
        """When the wait reached its first milestone."""
        crossings = self.timeline.crossings
        return crossings[0].at if crossings else self.event.since

    @property
    def same(self) -> List[Ask]:
        """The asks about this wait on this kind of tier, on any milestone."""
        event = self.event
        return [
            ask for ask in self.mine if (ask.party, ask.since) == (event.party.value, event.since)
        ]

    @property
    def mine(self) -> List[Ask]:
        """The asks about this change on this kind of tier."""
        return [
            ask
            for ask in self.asks
            if ask.number == self.event.number and limits.same_kind(Tier(ask.tier), self.tier)
        ]

    @property
    def is_again(self) -> bool:
        """Whether somebody was asked about this wait before."""
        return bool(self.same)

    @property
    def line(self) -> Line:
        """What waits for the same limits."""
        wait = self.event.text.rpartition(":")[0]
        others = [
            one
            for one in self.pendings
            if one.event_id.rpartition(":")[0] != wait or one.tier != self.tier.value
        ]
        rank = (self.is_again, self.crossed_at, self.event.number)
        return Line(self.tier, rank, self.now, self.asks, others)

    def ask(self, accounts: Tuple[int, ...], attempt: int) -> Ask:
        """The record that these accounts are asked."""
        event = self.event
        return Ask(
            event_id=event.text,
            tier=self.tier.value,
            number=event.number,
            party=event.party.value,
            since=event.since,
            accounts=accounts,
            at=self.now,
            attempt=attempt,
        )


@dataclass(frozen=True)
class Chosen:
    """Who is asked (nobody where a change is only marked), or what holds it back.

    :param is_late: the wait is an old one, and counts for the ramp.
    """

    accounts: Tuple[int, ...] = ()
    hold: Optional[Hold] = None
    is_late: bool = False
    considered: Tuple[Candidate, ...] = ()


class Chooser:
    """Chooses within the limits."""

    def __init__(self, settings: Settings, people: People) -> None:
        self._settings = settings
        self._people = people

    def chosen(self, case: Case) -> Chosen:
        """Whom to ask.

        :raises ConfigError, TemporaryError: the roster cannot be looked up.
        """
        found = self._eligible(case)
        return replace(found, is_late=self._is_late(case), hold=found.hold or self._held(case))

    def _eligible(self, case: Case) -> Chosen:
        if case.tier is Tier.NOBODY:
            return Chosen()
        if case.tier in ROSTER_TIERS:
            return self._from_roster(case)
        return self._on_the_change(case)

    def _held(self, case: Case) -> Optional[Hold]:
        """What keeps this one back, whoever would be asked."""
        most, line = self._settings.limits, case.line
        capped = limits.cap(line, most.per_run, self._run)
        if capped is not None or not self._is_late(case):
            return capped
        return limits.ramp(line, most.ramp_per_day, self._settings.policy.calendar)

    def _is_late(self, case: Case) -> bool:
        crossed = case.timeline.crossed(case.now)
        calendar = self._settings.policy.calendar
        return crossed is not None and limits.is_late(calendar, crossed.at, case.now)

    @property
    def _run(self) -> timedelta:
        return timedelta(seconds=self._settings.poll_interval)

    # The people of the change

    def _on_the_change(self, case: Case) -> Chosen:
        """The owner, or the reviewers who have not spoken since the owner's last move."""
        weighed = loads(case.asks, case.now)
        most = self._settings.limits.per_person_week
        wanted = [one.id for one in self._addressees(case)]
        free = tuple(one for one in wanted if one not in weighed or weighed[one].week < most)
        over = Ineligible.OVER_BUDGET.value
        considered = tuple(Candidate(one, "" if one in free else over) for one in wanted)
        if free:
            return Chosen(free, considered=considered)
        if wanted:
            hold = limits.budget(case.line, wanted, most, self._run)
            return Chosen(hold=hold, considered=considered)
        return Chosen(hold=_nobody(case))

    def _addressees(self, case: Case) -> Sequence[Account]:
        state, change = case.reading.state, case.reading.change
        policy = self._settings.policy
        if case.tier is Tier.OWNERS:
            people = [] if policy.is_automation(change.owner) else [change.owner]
        else:
            silent = set(human_reviewers(change, policy)) - state.reviewed_by - {state.uploader}
            people = [one for one in change.reviewers if one.id in silent]
        passed = case.reading.pauses.passed
        left = [one for one in people if one.id not in passed and not one.inactive]
        return sorted(left, key=lambda one: one.id)

    # The roster

    def _from_roster(self, case: Case) -> Chosen:
        members = self._people.members(loads(case.asks, case.now))
        if case.tier is Tier.CHAIR:
            members = tuple(member for member in members if member.chair)
        choice = choose(members, self._selection(case))
        considered = _considered(choice)
        over = [m.account.id for m, why in choice.ineligible if why is Ineligible.OVER_BUDGET]
        if choice.member is None and not over:
            return Chosen(hold=_nobody(case), considered=considered)
        within = [one.account for one in considered if one.account in over or not one.reason]
        hold = limits.budget(case.line, within, self._settings.limits.per_person_week, self._run)
        if hold is not None or choice.member is None:
            return Chosen(hold=hold, considered=considered)
        return Chosen((choice.member.account.id,), considered=considered)

    def _selection(self, case: Case) -> Selection:
        reading = case.reading
        same = case.same
        return Selection(
            key=case.event.ticket_key,
            project=reading.change.project,
            owner=reading.change.owner.id,
            uploader=reading.state.uploader,
            authors=self._people.authors(reading.change),
            reviewed=reading.state.reviewed_by,
            passed=reading.pauses.passed,
            already_asked=frozenset(one for ask in same for one in ask.accounts),
            before=tuple(one for ask in case.mine if ask not in same for one in ask.accounts),
            budget=self._settings.limits.per_person_week,
        )


def _considered(choice: Choice) -> Tuple[Candidate, ...]:
    """Everybody on the roster, by account: who could be asked, and why the others cannot."""
    judged = [Candidate(member.account.id, why.value) for member, why in choice.ineligible]
    judged += [Candidate(member.account.id) for member in choice.free]
    return tuple(sorted(judged, key=lambda one: one.account))


def _nobody(case: Case) -> Hold:
    return Hold(Reason.NOBODY_ELIGIBLE, case.now + limits.AGAIN)
