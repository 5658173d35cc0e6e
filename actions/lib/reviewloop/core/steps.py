"""The turn, followed through a change's history one event at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import Event, EventKind, read
from reviewloop.core.policy import Policy
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
        return Cause.CI_FAILED if self.red and self.turn is not Party.NOBODY else None

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
    turns = _Turns(change.owner.id, policy)
    return tuple(turns.step(event) for event in read(change, policy))


class _Turns:
    """The turn and the standing votes, one event at a time."""

    def __init__(self, owner: int, policy: Policy) -> None:
        self._votes = Votes(policy, owner)
        self._turn = Party.NOBODY
        self._cause: Optional[Cause] = None
        self._began_negative = False

    def step(self, event: Event) -> Step:
        self._votes.apply(event)
        kind, facts = _turn_event(event), self._facts(event)
        row, redirect = decide(kind, self._turn, facts)
        goes = redirect or row
        is_new = goes.becomes not in (None, self._turn) or (redirect is None and row.new_span)
        if goes.becomes is not None and is_new:
            self._turn, self._cause = goes.becomes, goes.cause
            self._began_negative = self._votes.negative
        return Step(event, kind, facts, row, redirect, self._turn, self._cause, is_new)

    def _facts(self, event: Event) -> FrozenSet[Fact]:
        negative = self._votes.negative
        facts = (
            (Fact.REBASED, event.rebased),
            (Fact.IN_PROGRESS, event.wip),
            (Fact.VOTED, bool(event.votes)),
            (Fact.VOTED_DOWN, any(vote.value < 0 for vote in event.votes)),
            (Fact.NEGATIVE, negative),
            (Fact.APPROVED, self._votes.approved),
            (Fact.HELD, self._votes.held),
            (Fact.RED, self._votes.red),
            (Fact.LIFTED, self._began_negative and not negative),
        )
        return frozenset(fact for fact, holds in facts if holds)


def _turn_event(event: Event) -> TurnEvent:
    if event.kind is EventKind.UPLOAD and event.wip:
        return TurnEvent.WIP
    if event.silent or event.kind is EventKind.DELETION:
        return TurnEvent.RECHECK
    return TurnEvent[event.kind.name]
