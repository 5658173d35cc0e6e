"""What a report keeps of one change: small values, so that no history need stay in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Dict, NamedTuple, Optional, Tuple

from reviewloop.core.change import ChangeStatus
from reviewloop.core.policy import Origin
from reviewloop.core.turns import How, Party
from reviewloop.core.waits import Wait
from reviewloop.insight.report.stages import Stage

REVIEWED, CLOSED = "reviewed", "closed without a review"
APPROVED, TAKEN_BACK = "approved by the owner", "taken back"
"""How the reviewers' waits end: by a review; merged or abandoned without another; by the owner's
own approval, where that is enough; or otherwise, by what the owner did (set in progress, held) or
by what made the review needless.
"""
ENDINGS = (REVIEWED, APPROVED, CLOSED, TAKEN_BACK)
_ENDINGS = {
    How.REVIEWED: REVIEWED,
    How.APPROVED: APPROVED,
    How.MERGED: CLOSED,
    How.ABANDONED: CLOSED,
}
SHORTEST = 60
"""Seconds under which nobody waited: one person's votes and words come as several messages."""


class WaitFact(NamedTuple):
    """One wait of the reviewers as far as the report's period shows it; ``days`` are working days.

    ``ending`` is "" while it lasts. ``days`` is how long it lasted, or has lasted until now, and
    ``entered`` how long it had when the period began; ``recent`` the same of the last part of the
    period, None for a wait that was over by then. ``late_at`` is when it passed the promise.
    ``asked``: how many people others had made reviewers when it began, None where that is not
    known.
    """

    since: datetime
    end: Optional[datetime]
    ending: str
    days: float
    entered: float
    recent: Optional[float]
    late_at: Optional[datetime]
    asked: Optional[int]


@dataclass(frozen=True)
class AskFact:
    """One ask about a wait. ``acted`` are the working days until somebody who was asked did
    something, ``ended`` those until the wait ended, and ``ending`` how; None and "" if not yet.
    """

    at: datetime
    party: Party
    tier: str
    milestone: str
    named: int
    acted: Optional[float]
    ended: Optional[float]
    ending: str


@dataclass(frozen=True)
class Trial:
    """What happened after a wait passed the milestone at which asks begin: one a change.

    ``days`` until it was reviewed, or was last seen waiting for that.
    """

    at: datetime
    milestone: str
    held_out: bool
    days: float
    reviewed: bool


class ChangeFact(NamedTuple):
    """One change. ``life`` is calendar seconds by stage; ``people`` how many people are listed as
    its reviewers now; ``turn`` and ``open_days`` are of an open change whose move is owed;
    ``waits`` are the reviewers'.
    """

    number: int
    project: str
    owner: int
    origin: Origin
    size: int
    created: datetime
    status: ChangeStatus
    closed: Optional[datetime]
    first_review: Optional[datetime]
    patch_sets: int
    life: Dict[Stage, float]
    people: int
    turn: Optional[Stage]
    open_days: float
    waits: Tuple[WaitFact, ...]
    asks: Tuple[AskFact, ...]
    trials: Tuple[Trial, ...]

    @property
    def merged(self) -> Optional[datetime]:
        """When it was merged, if it was."""
        return self.closed if self.status is ChangeStatus.MERGED else None


def ending(wait: Wait) -> str:
    """How a wait ended, as the report groups it."""
    return _ENDINGS.get(wait.how, TAKEN_BACK) if wait.how else TAKEN_BACK
