"""What an assessment answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.events import EventRef
from reviewloop.core.tiers import Tier
from reviewloop.store.pending import Pending


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
    GATE_PENDING = "gate_pending"
    HOLD_OUT = "hold_out"
    JOINED = "joined"
    BUDGET_USED_UP = "budget_used_up"
    NOBODY_TO_ASK = "nobody_to_ask"


class Outlook(str, Enum):
    """What becomes of it: ``not_now`` is offered again when its reason can have changed."""

    DONE = "done"
    NEVER = "never"
    NOT_NOW = "not_now"


_NEVER = (Verdict.GONE, Verdict.PRIVATE, Verdict.WAIT_OVER, Verdict.HOLD_OUT)


@dataclass(frozen=True)
class Candidate:
    """Somebody who might be asked; ``reason`` says why not, "" where they can be."""

    account: int
    reason: str = ""


@dataclass(frozen=True)
class Assessment:
    """The verdict, and with ``proceed`` who is asked (nobody where a change is only marked).

    :param pending: why it is not now and from when on it may be, where the history does not say.
    :param joined: numbers of the changes in whose name this one is asked for, too.
    """

    verdict: Verdict
    event: EventRef
    tier: Tier
    change: Optional[Change] = None
    accounts: Tuple[int, ...] = ()
    attempt: int = 0
    waiting_seconds: int = 0
    pending: Optional[Pending] = None
    joined: Tuple[int, ...] = ()
    considered: Tuple[Candidate, ...] = ()

    @property
    def proceeds(self) -> bool:
        """Whether to act."""
        return self.verdict is Verdict.PROCEED

    @property
    def outlook(self) -> Outlook:
        """What becomes of it."""
        if self.proceeds:
            return Outlook.DONE
        return Outlook.NEVER if self.verdict in _NEVER else Outlook.NOT_NOW
