"""What judging many changes comes to: counts and rates.

A rate is what was right of what was decided: where nobody moved any more, nobody was right or
wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Dict, Iterable, Iterator, Optional, Sequence, Tuple

from reviewloop.core.milestones import Window
from reviewloop.core.turns import Party
from reviewloop.insight.judge import Idle, Judged, Named, Next
from reviewloop.insight.moves import Measure, Move, Mover

#: Who is named when a stopwatch reaches the milestone.
NAMED = "named"
#: The rules that are compared at the instants at which a poll finds an idle change: it is always
#: the reviewers' turn; it is unless a vote below zero stands; whose stopwatch runs.
IDLE, IDLE_NOT_NEGATIVE, PACK = "idle", "idle_not_negative", "pack"


@dataclass(frozen=True)
class Score:
    """How often who was named moved next; ``wrong`` counts by who moved instead."""

    events: int
    right: int
    wrong: Dict[Mover, int]
    nobody: int

    @property
    def rate(self) -> Optional[float]:
        """Percent right of what was decided; None where nothing was."""
        decided = self.events - self.nobody
        return round(100 * self.right / decided, 1) if decided else None

    @classmethod
    def of(cls, cases: Iterable[Tuple[Party, Optional[Move]]]) -> Score:
        """The score of who was named and the move that followed, case by case."""
        events = right = nobody = 0
        wrong = dict.fromkeys(Mover, 0)
        for party, move in cases:
            events += 1
            if move is None:
                nobody += 1
            elif move.answers(party):
                right += 1
            else:
                wrong[move.mover] += 1
        return cls(events, right, wrong, nobody)


@dataclass(frozen=True)
class Row:
    """The scores of one rule, party and cause, by both measures; empty texts for all of them."""

    rule: str
    party: str
    cause: str
    by_measure: Dict[Measure, Score]

    @property
    def score(self) -> Score:
        """By the substantive measure."""
        return self.by_measure[Measure.SUBSTANTIVE]


@dataclass(frozen=True)
class Scores:
    """What a set of changes comes to inside a window.

    ``named``: a row for each party and cause, one for each party, one for all. ``idle``: the rules
    at the instants of a poll. ``undecided`` counts events after which nobody moved, by whether the
    change is ``open`` or ``closed``. ``unread``: events decided by a move of which only ``(K
    comments)`` is known. ``held``: by party and reason, what the turn alone would have named.
    """

    until: datetime
    changes: int
    named: Tuple[Row, ...]
    idle: Tuple[Row, ...]
    undecided: Dict[str, int]
    unread: int
    held: Dict[Tuple[str, str], int]


def scores(judged: Sequence[Judged], window: Window) -> Scores:
    """Count what lies in a window; the moves that follow may lie behind it."""
    named = [(one, each) for one in judged for each in one.named if window.holds(each.at)]
    idle = [each for one in judged for each in one.idle if window.holds(each.at)]
    undecided = Counter(
        "closed" if one.closed else "open" for one, each in named if each.next.substantive is None
    )
    return Scores(
        until=window.hi,
        changes=len(judged),
        named=tuple(_named_rows([each for _, each in named])),
        idle=tuple(_idle_rows(idle)),
        undecided={name: undecided[name] for name in ("open", "closed")},
        unread=sum(_is_unread(each.next) for _, each in named),
        held=_held(judged, window),
    )


def _named_rows(named: Sequence[Named]) -> Iterator[Row]:
    for party in Party:
        mine = [one for one in named if one.party is party]
        if mine:
            yield _row(((party, one.next) for one in mine), party=party.value)
        for cause in sorted({one.cause for one in mine}):
            because = ((party, one.next) for one in mine if one.cause == cause)
            yield _row(because, party=party.value, cause=cause)
    yield _row((one.party, one.next) for one in named)


def _idle_rows(idle: Sequence[Idle]) -> Iterator[Row]:
    reviewers = Party.REVIEWERS
    yield _row(((reviewers, one.next) for one in idle), IDLE)
    yield _row(((reviewers, one.next) for one in idle if not one.negative), IDLE_NOT_NEGATIVE)
    packs = [(one.party, one.next) for one in idle if one.party is not None]
    yield _row(packs, PACK)
    for party in Party:
        mine = [one for one in packs if one[0] is party]
        if mine:
            yield _row(mine, PACK, party.value)


def _row(
    cases: Iterable[Tuple[Party, Next]], rule: str = NAMED, party: str = "", cause: str = ""
) -> Row:
    every = list(cases)
    by_measure = {
        measure: Score.of((named, following.by(measure)) for named, following in every)
        for measure in Measure
    }
    return Row(rule, party, cause, by_measure)


def _is_unread(following: Next) -> bool:
    return following.substantive is not None and following.substantive.unread


def _held(judged: Sequence[Judged], window: Window) -> Dict[Tuple[str, str], int]:
    """By party and reason, the waits that were not named in the window, and by turn alone were."""
    found = Counter(
        (each.party.value, each.reason)
        for one in judged
        for each in one.held
        if window.holds(each.at) and (each.named_at is None or each.named_at > window.hi)
    )
    return dict(sorted(found.items()))
