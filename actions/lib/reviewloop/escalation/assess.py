"""Whether to act on an event, decided on the change as it is now, and whom to ask.

A trigger may be minutes old, or told twice. So nothing is done on its word: the change is read
again from Gerrit (from its own storage, not the search index) and its wait computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional, Sequence, Tuple

from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.commands import Verb
from reviewloop.core.events import EventRef
from reviewloop.core.keys import digest
from reviewloop.core.reading import Course, Reading, human_reviewers, read_change
from reviewloop.core.roster import Selection, choose
from reviewloop.core.spans import Span
from reviewloop.core.text import NAME_CAP, outward
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.turns import Party
from reviewloop.errors import RefusedError
from reviewloop.escalation.people import People
from reviewloop.gerrit.client import Client
from reviewloop.settings.load import Settings
from reviewloop.store.asks import Ask, Asks, find, loads

_NOT_FOUND = 404


class Verdict(str, Enum):
    """``proceed``, or why not."""

    PROCEED = "proceed"
    GONE = "gone"
    PRIVATE = "private"
    WAIT_OVER = "wait_over"
    NOT_DUE = "not_due"
    EXEMPT = "exempt"
    SNOOZED = "snoozed"
    ACKNOWLEDGED = "acknowledged"
    RED = "red"
    HOLD_OUT = "hold_out"
    PARENT_ESCALATED = "parent_escalated"
    BUDGET_USED_UP = "budget_used_up"
    NOBODY_TO_ASK = "nobody_to_ask"


def event_ref(text: str) -> EventRef:
    """An event id taken apart. :raises RefusedError: it is something else."""
    try:
        return EventRef.parse(text)
    except ValueError as err:
        raise RefusedError(
            f"event_id is {outward(text[:NAME_CAP], NAME_CAP)!r}, which is not the id of an event:"
            f" {err}.",
            "Pass the trigger's event_id, or one that gerrit.explain answers.",
        ) from err


def check_server(event: EventRef, server: str) -> EventRef:
    """The event. :raises RefusedError: it is of another server."""
    if event.server != server:
        raise RefusedError(
            f"event_id names the server {event.server}, this pack is configured for {server}.",
            "Pass an event of the configured server.",
        )
    return event


@dataclass(frozen=True)
class Assessment:
    """The verdict, and with ``proceed`` who is asked (none for a whole committee or nobody)."""

    verdict: Verdict
    event: EventRef
    tier: Tier
    change: Optional[Change] = None
    accounts: Tuple[int, ...] = ()
    attempt: int = 0
    waiting_seconds: int = 0

    @property
    def proceeds(self) -> bool:
        """Whether to act."""
        return self.verdict is Verdict.PROCEED


@dataclass(frozen=True)
class _Case:
    """What a choice of people is made from; ``asks`` are all but the one for this very event."""

    event: EventRef
    tier: Tier
    reading: Reading
    asks: Tuple[Ask, ...]
    now: datetime

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


class Assessor:
    """Decides on events."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        people: People,
        asks: Asks,
    ) -> None:
        self._settings = settings
        self._client = client
        self._people = people
        self._asks = asks

    def assess(self, event: EventRef, tier: Tier) -> Assessment:
        """Decide whether to act on an event now.

        :raises ConfigError, AuthError, TemporaryError: it cannot be decided now.
        """
        check_server(event, self._settings.server)
        try:
            change = self._client.change(event.ident)
        except RefusedError as err:
            if err.status != _NOT_FOUND:
                raise
            return Assessment(Verdict.GONE, event, tier)
        now = self._client.now()
        reading = read_change(change, self._people.policy(change))
        course = reading.course(event.party, event.since)
        verdict = self._verdict(reading, course, event, now)
        if verdict is not Verdict.PROCEED or course is None:
            return Assessment(verdict, event, tier, change)
        seconds = reading.elapsed(course.wait, now, self._settings.policy)
        assessment = Assessment(verdict, event, tier, change, waiting_seconds=seconds)
        if tier is Tier.NOBODY:
            return assessment
        return self._addressed(assessment, _Case(event, tier, reading, self._asks.all(), now))

    def _verdict(
        self, reading: Reading, course: Optional[Course], event: EventRef, now: datetime
    ) -> Verdict:
        policy = self._settings.policy
        change = reading.change
        if change.is_private:
            return Verdict.PRIVATE
        # Not every message that tells of an end, or of work in progress, is there for good.
        closed = change.status is not ChangeStatus.NEW
        if course is None or closed or change.work_in_progress:
            return Verdict.WAIT_OVER
        paused = _pause_verdict(reading, now)
        due = event.milestone.seconds(policy.calendar)
        reasons = (
            (Verdict.EXEMPT, reading.is_exempt),
            (paused or Verdict.SNOOZED, paused is not None),
            (Verdict.NOT_DUE, reading.elapsed(course.wait, now, policy) < due),
            (Verdict.RED, reading.state.red and event.party is not Party.OWNER),
            (Verdict.HOLD_OUT, self.is_held_out(change.number)),
        )
        return next((verdict for verdict, holds in reasons if holds), Verdict.PROCEED)

    def is_held_out(self, number: int) -> bool:
        """Whether a change is left alone on purpose, to compare: always the same changes."""
        share = int(digest("hold-out", self._settings.server, number), 16) % 100
        return share < self._settings.limits.hold_out_percent

    def _addressed(self, assessment: Assessment, case: _Case) -> Assessment:
        known = find(case.asks, case.event.text, case.tier.value)
        if known is not None and not set(known.accounts) & case.reading.pauses.passed:
            return replace(assessment, accounts=known.accounts, attempt=known.attempt)
        case = replace(case, asks=tuple(ask for ask in case.asks if ask is not known))
        verdict, accounts = self._chosen(case)
        if verdict is not Verdict.PROCEED:
            return replace(assessment, verdict=verdict)
        attempt = 0 if known is None else known.attempt + 1
        self._asks.put(case.ask(accounts, attempt))
        return replace(assessment, accounts=accounts, attempt=attempt)

    def _chosen(self, case: _Case) -> Tuple[Verdict, Tuple[int, ...]]:
        if case.tier in ROSTER_TIERS:
            verdict = self._run_verdict(case)
            return (verdict, ()) if verdict is not Verdict.PROCEED else self._from_roster(case)
        wanted = self._on_the_change(case)
        weighed = loads(case.asks, case.now)
        budget = self._settings.limits.per_person_week
        free = tuple(one for one in wanted if one not in weighed or weighed[one].week < budget)
        if free:
            return Verdict.PROCEED, free
        return (Verdict.BUDGET_USED_UP if wanted else Verdict.NOBODY_TO_ASK), ()

    def _run_verdict(self, case: _Case) -> Verdict:
        """What stands against asking anybody of the roster at all, just now."""
        escalated = [ask for ask in case.asks if Tier(ask.tier) in ROSTER_TIERS]
        run = timedelta(seconds=self._settings.poll_interval)
        if sum(ask.at > case.now - run for ask in escalated) >= self._settings.limits.per_run:
            return Verdict.BUDGET_USED_UP
        elsewhere = {ask.number for ask in escalated if ask.open} - {case.event.number}
        if elsewhere and elsewhere & set(self._client.parents(case.reading.change)):
            return Verdict.PARENT_ESCALATED
        return Verdict.PROCEED

    def _on_the_change(self, case: _Case) -> Sequence[int]:
        """The owner, or the reviewers who have not spoken since the owner's last move."""
        state, change = case.reading.state, case.reading.change
        if case.tier is Tier.OWNERS:
            asleep = change.owner.inactive or self._settings.policy.is_automation(change.owner)
            return () if asleep else (change.owner.id,)
        spoken = state.reviewed_by | case.reading.pauses.passed | {state.uploader}
        reviewers = human_reviewers(change, self._settings.policy)
        return tuple(one for one in reviewers if one not in spoken)

    def _from_roster(self, case: _Case) -> Tuple[Verdict, Tuple[int, ...]]:
        members = self._people.members(loads(case.asks, case.now))
        if case.tier is Tier.CHAIR:
            members = tuple(member for member in members if member.chair)
        choice = choose(members, self._selection(case))
        if choice.only_over_budget:
            return Verdict.BUDGET_USED_UP, ()
        # Nobody free: the committee as a whole is asked, and nobody by name.
        return Verdict.PROCEED, (choice.member.account.id,) if choice.member else ()

    def _selection(self, case: _Case) -> Selection:
        event, reading = case.event, case.reading
        mine = [
            ask
            for ask in case.asks
            if ask.number == event.number and Tier(ask.tier) in ROSTER_TIERS
        ]
        same = [ask for ask in mine if (ask.party, ask.since) == (event.party.value, event.since)]
        return Selection(
            key=event.ticket_key,
            project=reading.change.project,
            owner=reading.change.owner.id,
            uploader=reading.state.uploader,
            authors=self._people.authors(reading.change),
            reviewed=reading.state.reviewed_by,
            passed=reading.pauses.passed,
            tired=frozenset(one for ask in same for one in ask.accounts),
            before=tuple(one for ask in mine if ask not in same for one in ask.accounts),
            budget=self._settings.limits.per_person_week,
        )


def pause_at(reading: Reading, now: datetime) -> Optional[Span]:
    """The span in which the change's stopwatch stands still now, or None."""
    for span in reading.pauses.spans:
        if span.start <= now and (span.end is None or now < span.end):
            return span
    return None


def _pause_verdict(reading: Reading, now: datetime) -> Optional[Verdict]:
    span = pause_at(reading, now)
    if span is None:
        return None
    commands = reading.pauses.commands
    acknowledged = any(one.verb is Verb.ACK and one.at == span.start for one in commands)
    return Verdict.ACKNOWLEDGED if acknowledged else Verdict.SNOOZED
