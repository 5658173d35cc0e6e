"""The turn, followed through a change's history one event at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import FrozenSet, Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.reconcile import mended
from reviewloop.core.telling import Disagreement, told
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
from reviewloop.core.votes import Key, Standing, Votes


class Step(NamedTuple):
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


@dataclass(frozen=True)
class Followed:
    """A history followed to its end: one step an event, at least one, what had to be mended, how
    many messages are advice, and the votes that stand in the end.
    """

    steps: Tuple[Step, ...]
    disagreements: Tuple[Disagreement, ...]
    advice: int
    standing: Mapping[Key, Standing]


def follow_turns(change: Change, policy: Policy) -> Followed:
    """Follow the turn through a change's history.

    Red that ends by itself makes a step too, which may lie ahead: what is known of the history says
    when it will be. Mostly Gerrit's answer says what the messages come to; only where it does not,
    the history is followed once more.
    """
    story = told(change, policy)
    turns = _Turns(change, policy)
    taken = tuple(_steps(turns, story.events))
    found = mended(story, policy, turns.standing)
    if len(found.disagreements) > len(story.disagreements):
        turns = _Turns(change, policy)
        taken = tuple(_steps(turns, found.events))
    return Followed(taken, found.disagreements, found.advice, turns.standing)


def steps(change: Change, policy: Policy) -> Tuple[Step, ...]:
    """The steps alone."""
    return follow_turns(change, policy).steps


def _steps(turns: _Turns, events: Iterable[Event]) -> Iterator[Step]:
    for event in events:
        if turns.is_red:
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
        #: Whether a gate has failed the change, which may end by itself.
        self.is_red = False

    @property
    def standing(self) -> Mapping[Key, Standing]:
        """The votes that stand."""
        return self._votes.standing

    def lapses(self, until: Optional[datetime]) -> Iterator[Step]:
        """The ends of red that come by themselves up to an instant, or all."""
        end = self._votes.next_lapse
        while self._last is not None and end is not None and (until is None or end <= until):
            yield self.step(self._lapse(end, self._last))
            end = self._votes.next_lapse

    @staticmethod
    def _lapse(at: datetime, last: Event) -> Event:
        """The clock, not a message: a gate's silence."""
        return Event(EventKind.LAPSE, at, None, **last.stands)

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

    def _is_voted_down(self, event: Event) -> bool:
        """Whether a person votes against the change; a bot that does makes it red."""
        down = any(map(self._policy.is_against, event.votes))
        return down and not (event.author and self._policy.is_automation(event.author))

    def _facts(self, event: Event) -> FrozenSet[Fact]:
        votes, cast = self._votes, event.votes
        negative, held = votes.negative, votes.held
        self.is_red = votes.red
        # Whether nobody is against the change any more. To hold one may take a positive vote.
        let_go = self._began_negative or (self._began_held and not held)
        # A bot cannot let go of what is held: people have to look.
        held_by_people = held and self._robot_owner
        holds = (
            event.rebased,
            event.wip or event.private,
            bool(cast) and any(map(self._policy.is_review, cast)),
            bool(cast) and self._is_voted_down(event),
            negative,
            votes.approved and not held_by_people,
            held and not held_by_people,
            self.is_red,
            let_go and not negative,
            self._robot_owner,
            votes.unverified,
        )
        return _facts_of(holds)


_FACTS = (
    Fact.REBASED,
    Fact.IN_PROGRESS,
    Fact.VOTED,
    Fact.VOTED_DOWN,
    Fact.NEGATIVE,
    Fact.APPROVED,
    Fact.HELD,
    Fact.RED,
    Fact.LIFTED,
    Fact.ROBOT_OWNER,
    Fact.UNVERIFIED,
)


@lru_cache(maxsize=2048)
def _facts_of(holds: Tuple[bool, ...]) -> FrozenSet[Fact]:
    """Those of ``_FACTS`` that hold: the same few sets come again with every event."""
    return frozenset(fact for fact, known in zip(_FACTS, holds) if known)


# What an event is to the rule of turns, where nothing else of it matters: mostly the same word.
_TURN_EVENTS = {
    EventKind.DELETION: TurnEvent.RECHECK,
    EventKind.MOVE: TurnEvent.RECHECK,
    EventKind.LAPSE: TurnEvent.ROBOT,
    **{kind: TurnEvent[kind.name] for kind in EventKind if kind.name in TurnEvent.__members__},
}


def _turn_event(event: Event) -> TurnEvent:
    kind = event.kind
    if (event.wip or event.private) and (kind is EventKind.UPLOAD or kind is EventKind.READY):
        return TurnEvent.WIP
    return TurnEvent.RECHECK if event.silent else _TURN_EVENTS[kind]
