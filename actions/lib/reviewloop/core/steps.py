"""The turn, followed through a change's history one event at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import FrozenSet, Iterable, Iterator, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.reconcile import reconciled
from reviewloop.core.turns import (
    OWNER_ENDINGS,
    Cause,
    Fact,
    How,
    Party,
    Redirect,
    Row,
    TurnEvent,
    decide,
)
from reviewloop.core.votes import Votes


@dataclass(frozen=True)
class Step:
    """One event, the rows that decided, and whose turn it is now.

    ``cause`` is why that party has the turn (None for nobody). ``is_new`` says that a span of the
    turn began with the event; the one before ended as the row says.
    """

    event: Event
    kind: TurnEvent
    facts: FrozenSet[Fact]
    row: Row
    redirect: Optional[Redirect]
    turn: Party
    cause: Optional[Cause]
    is_new: bool

    @property
    def red(self) -> bool:
        """Whether a negative vote of automation stands now."""
        return Fact.RED in self.facts

    @property
    def owed(self) -> Optional[Cause]:
        """Why the owner owes the next move now; None if the owner does not."""
        if self.turn is Party.OWNER:
            return self.cause
        if Fact.ROBOT_OWNER in self.facts or self.turn is Party.NOBODY:
            return None
        return Cause.CI_FAILED if self.red else None

    @property
    def ending(self) -> Optional[How]:
        """How the span ended that the turn had before, if a new one began."""
        return self.row.ending or (self.redirect.ending if self.redirect else None)

    @property
    def owner_ending(self) -> How:
        """How the event ends the owner's wait, if it ends it."""
        return next(
            row.how
            for row in OWNER_ENDINGS
            if self.kind is row.event and self.facts.issuperset(row.given)
        )


def steps(change: Change, policy: Policy) -> Tuple[Step, ...]:
    """Follow the turn through a change's history: one step an event, at least one."""
    return follow_events(change, policy, reconciled(change, policy).events)


def follow_events(change: Change, policy: Policy, events: Iterable[Event]) -> Tuple[Step, ...]:
    """The same of events that are at hand.

    Red that ends by itself makes a step too, which may lie ahead: what is known of the history says
    when it will be.
    """
    return tuple(_steps(_Turns(change, policy), events))


def _steps(turns: _Turns, events: Iterable[Event]) -> Iterator[Step]:
    for event in events:
        yield from turns.lapses(event.at)
        yield turns.step(event)
    yield from turns.lapses(None)


class _Turns:
    """The turn and the standing votes, one event at a time."""

    def __init__(self, change: Change, policy: Policy) -> None:
        self._votes = Votes(policy, change.owner.id)
        self._policy = policy
        self._robot_owner = policy.is_automation(change.owner)
        self._turn = Party.NOBODY
        self._cause: Optional[Cause] = None
        self._began_negative = self._began_held = False
        self._last: Optional[Event] = None

    def lapses(self, until: Optional[datetime]) -> Iterator[Step]:
        """The ends of red that come by themselves up to an instant, or all."""
        end = self._votes.next_lapse
        while self._last is not None and end is not None and (until is None or end <= until):
            yield self.step(self._lapse(end, self._last))
            end = self._votes.next_lapse

    @staticmethod
    def _lapse(at: datetime, last: Event) -> Event:
        """The clock, not a message: a gate's silence."""
        stands = {"wip": last.wip, "private": last.private, "uploader": last.uploader}
        return Event(EventKind.LAPSE, at, None, **stands)

    def step(self, event: Event) -> Step:
        self._votes.apply(event)
        self._last = event
        kind, facts = _turn_event(event), self._facts(event)
        row, redirect = decide(kind, self._turn, facts)
        goes = redirect or row
        is_new = goes.becomes not in (None, self._turn) or goes.new_span
        if goes.becomes is not None and is_new:
            self._turn, self._cause = goes.becomes, goes.cause
            self._began_negative, self._began_held = self._votes.negative, self._votes.held
        return Step(event, kind, facts, row, redirect, self._turn, self._cause, is_new)

    @property
    def _lifted(self) -> bool:
        """Whether nobody is against the change any more. To hold one may take a positive vote."""
        let_go = self._began_held and not self._votes.held
        return not self._votes.negative and (self._began_negative or let_go)

    def _is_voted_down(self, event: Event) -> bool:
        """Whether a person votes against the change; a bot that does makes it red."""
        down = any(map(self._policy.is_against, event.votes))
        return down and not (event.author and self._policy.is_automation(event.author))

    def _facts(self, event: Event) -> FrozenSet[Fact]:
        votes = self._votes
        # A bot cannot let go of what is held: people have to look.
        held_by_people = votes.held and self._robot_owner
        facts = (
            (Fact.REBASED, event.rebased),
            (Fact.IN_PROGRESS, event.idle),
            (Fact.VOTED, any(map(self._policy.is_review, event.votes))),
            (Fact.VOTED_DOWN, self._is_voted_down(event)),
            (Fact.NEGATIVE, votes.negative),
            (Fact.APPROVED, votes.approved and not held_by_people),
            (Fact.HELD, votes.held and not held_by_people),
            (Fact.RED, votes.red),
            (Fact.LIFTED, self._lifted),
            (Fact.ROBOT_OWNER, self._robot_owner),
            (Fact.UNVERIFIED, votes.unverified),
        )
        return frozenset(fact for fact, holds in facts if holds)


def _turn_event(event: Event) -> TurnEvent:
    if event.kind in (EventKind.UPLOAD, EventKind.READY) and event.idle:
        return TurnEvent.WIP
    if event.silent or event.kind in (EventKind.DELETION, EventKind.MOVE):
        return TurnEvent.RECHECK
    return TurnEvent.ROBOT if event.kind is EventKind.LAPSE else TurnEvent[event.kind.name]
