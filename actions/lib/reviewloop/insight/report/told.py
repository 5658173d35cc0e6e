"""One change read for the report: its waits, its asks, where its life went, and its judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Iterator, Optional, Sequence, Set, Tuple

from reviewloop.core.asked import LiveAsk, live_asks
from reviewloop.core.change import Change
from reviewloop.core.milestones import elapsed
from reviewloop.core.reading import Reading, human_reviewers, read_followed
from reviewloop.core.steps import Step, follow_turns
from reviewloop.core.turns import How, Party, TurnEvent
from reviewloop.core.waits import Wait
from reviewloop.insight.eta import Past, past_of
from reviewloop.insight.judge import Judged, judge
from reviewloop.insight.report.facts import (
    SHORTEST,
    AskFact,
    ChangeFact,
    Trial,
    WaitFact,
    ending,
)
from reviewloop.insight.report.scope import KEPT, Scope
from reviewloop.insight.report.stages import PARTIES, Stage, closed_at, life
from reviewloop.insight.report.stages import stage as stage_of

_REVIEWER = "REVIEWER"
# Scripts and people add reviewers when the change is up.
_RIGHT_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Told:
    """One change for the report: its facts, its steps, its judge, and its past reviewers' waits."""

    change: Change
    steps: Tuple[Step, ...]
    fact: ChangeFact
    judged: Judged
    past: Tuple[Past, ...]


def told(change: Change, scope: Scope) -> Told:
    """Read one change with its messages."""
    policy = scope.policy
    followed = follow_turns(change, policy)
    reading = read_followed(change, policy, followed)
    taken = tuple(step for step in followed.steps if step.event.at <= scope.now)
    fact = _Facts(change, reading, taken, scope).fact()
    judged = judge(reading, policy, scope.promise, followed.steps)
    late = change.updated > scope.now - KEPT or not change.status.is_closed
    past = tuple(past_of(reading, policy)) if late else ()
    return Told(change, taken, fact, judged, past)


class _Facts:
    """One change, and what is looked up in it."""

    def __init__(
        self, change: Change, reading: Reading, taken: Sequence[Step], scope: Scope
    ) -> None:
        self._change, self._reading, self._taken, self._scope = change, reading, taken, scope
        self._calendar = scope.policy.calendar
        self._closed = closed_at(taken)

    def fact(self) -> ChangeFact:
        change, scope, taken, reading = self._change, self._scope, self._taken, self._reading
        reviews = (one.event.at for one in taken if one.kind is TurnEvent.REVIEW)
        turn, open_days = self._open()
        return ChangeFact(
            number=change.number,
            project=change.project,
            owner=change.owner.id,
            origin=scope.policy.origin(change),
            size=change.insertions + change.deletions,
            created=change.created,
            status=change.status,
            closed=self._closed if change.status.is_closed else None,
            first_review=next(reviews, None),
            patch_sets=change.patch_set,
            life=life(taken, reading.state.gates, scope.now),
            people=len(human_reviewers(change, scope.policy)),
            turn=turn,
            open_days=open_days,
            waits=tuple(self._waits()),
            asks=tuple(self._asks()),
            trials=tuple(self._trials()),
        )

    # --- waits ---

    def _waits(self) -> Iterator[WaitFact]:
        for timeline in self._reading.timelines:
            wait, scope = timeline.wait, self._scope
            if wait.party is not Party.REVIEWERS:
                continue
            over = wait.end is not None and wait.end <= scope.now
            if wait.since >= scope.now or (wait.end is not None and wait.end <= scope.since):
                continue
            if wait.end is not None and (wait.end - wait.since).total_seconds() < SHORTEST:
                continue
            late_at = next(
                (one.at for one in timeline.crossings if one.milestone == scope.promise), None
            )
            yield WaitFact(
                since=wait.since,
                end=wait.end if over else None,
                ending=ending(wait) if over else "",
                days=self._days(wait, scope.now),
                entered=self._days(wait, scope.since) if wait.since < scope.since else 0.0,
                recent=self._recent(wait),
                late_at=late_at,
                asked=self._asked_at(wait.since),
            )

    def _asked_at(self, since: datetime) -> Optional[int]:
        """How many people others had made reviewers by then, or did so right after."""
        updates, owner = self._change.reviewer_updates, self._change.owner.id
        if updates is None:
            return None
        asked: Set[int] = set()
        for one in updates:
            if one.date > since + _RIGHT_AFTER:
                break
            account = one.account
            if one.state != _REVIEWER:
                asked.discard(account.id)
            elif one.by != account.id != owner and not self._scope.policy.is_automation(account):
                asked.add(account.id)
        return len(asked)

    def _recent(self, wait: Wait) -> Optional[float]:
        begin = self._scope.recent
        if wait.end is not None and wait.end <= begin:
            return None
        return self._days(wait, begin) if wait.since < begin else 0.0

    def _days(self, wait: Wait, until: datetime) -> float:
        seconds = elapsed(wait, until, self._calendar, self._reading.pauses.spans)
        return seconds / self._calendar.day_seconds

    def _between(self, begin: datetime, end: datetime) -> float:
        return self._calendar.elapsed(begin, end) / self._calendar.day_seconds

    # --- where it stands ---

    def _open(self) -> Tuple[Optional[Stage], float]:
        """Whose move is owed now, and for how long the oldest wait for it has lasted."""
        change, now = self._change, self._scope.now
        if change.status.is_closed or change.work_in_progress or not self._taken:
            return None, 0.0
        stage = stage_of(self._taken[-1])
        if stage is Stage.SUBMITTER and self._reading.state.is_gated(now):
            stage = Stage.GATE
        party = PARTIES.get(stage)
        lasting = [one.wait for one in self._reading.lasting(now) if one.wait.party is party]
        if stage is Stage.NOBODY or not lasting:
            return None, 0.0
        return stage, max(self._days(wait, now) for wait in lasting)

    # --- what was asked, and what came of it ---

    def _asks(self) -> Iterator[AskFact]:
        if not any(map(self._scope.policy.is_own, self._change.messages)):
            return
        for wait in self._reading.state.waits:
            for ask in self._asked(wait):
                if self._scope.since < ask.at <= self._scope.now:
                    yield self._ask(ask, wait)

    def _asked(self, wait: Wait) -> Tuple[LiveAsk, ...]:
        policy, server = self._scope.policy, self._scope.server
        return live_asks(self._change, policy, server, wait.party.value, wait.since)

    def _ask(self, ask: LiveAsk, wait: Wait) -> AskFact:
        over = wait.end is not None and wait.end <= self._scope.now
        moved = (
            one.event.at
            for one in self._taken
            if one.event.at > ask.at and one.event.author and one.event.author.id in ask.accounts
        )
        acted = next(moved, None)
        return AskFact(
            at=ask.at,
            party=wait.party,
            tier=ask.tier.value,
            milestone=str(ask.milestone),
            named=len(ask.accounts),
            acted=None if acted is None else self._between(ask.at, acted),
            ended=self._between(ask.at, wait.end) if over and wait.end else None,
            ending=(wait.how.value if wait.how else "") if over else "",
        )

    def _trials(self) -> Iterator[Trial]:
        """At each milestone the first of the reviewers' waits that got so far."""
        scope = self._scope
        if not scope.hold_out or self._reading.is_exempt:
            return
        done: Set[str] = set()
        for timeline in self._reading.timelines:
            wait = timeline.wait
            for one in timeline.crossings if wait.party is Party.REVIEWERS else ():
                if str(one.milestone) in done or not scope.since < one.at <= scope.now:
                    continue
                done.add(str(one.milestone))
                over = wait.end is not None and wait.end <= scope.now
                end = wait.end if over and wait.end else scope.now
                held_out = scope.is_held_out(self._change.number)
                days = self._between(one.at, end)
                yield Trial(
                    one.at, str(one.milestone), held_out, days, over and wait.how is How.REVIEWED
                )
