"""What a preview finds: asks, and what came of every event that led to none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional, Tuple

from reviewloop.core.keys import ask_id
from reviewloop.core.timestamps import iso
from reviewloop.preview.paper import TicketText


@dataclass(frozen=True)
class Ask:
    """One message that is posted, or would have been.

    :param at: when, by the sensor's polls; ``crossed_at`` when the wait reached the milestone.
    :param purpose: ``nudge``, ``escalate`` or ``label``, as its mark says.
    :param accounts: who is asked; nobody where a change is only marked, or a volunteer is wanted.
    :param joined: numbers of the changes for which it is asked as well.
    :param sha256: of the text as it is posted, with its mark.
    :param ticket: what is written on the tracker for it; None where nothing is.
    """

    at: datetime
    event_id: str
    rule: str
    purpose: str
    tier: str
    number: int
    project: str
    url: str
    party: str
    since: datetime
    milestone: str
    accounts: Tuple[int, ...] = ()
    names: Tuple[str, ...] = ()
    attempt: int = 0
    joined: Tuple[int, ...] = ()
    text: str = ""
    sha256: str = ""
    crossed_at: Optional[datetime] = None
    ticket: Optional[TicketText] = None

    @property
    def wait(self) -> Tuple[int, str, datetime]:
        """The wait that it is about."""
        return self.number, self.party, self.since

    @property
    def id(self) -> str:
        """What its mark on the change bears."""
        return ask_id(self.event_id, self.tier, self.attempt)


@dataclass(frozen=True)
class Passed:
    """A trigger that led to no ask: no rule took it (``no_rule``), or the verdict of the action.

    :param why: the verdict, or what put it off in one word (``budget``, ``ramp``, …).
    """

    at: datetime
    event_id: str
    rule: str
    number: int
    party: str
    since: datetime
    milestone: str
    why: str

    @property
    def wait(self) -> Tuple[int, str, datetime]:
        """The wait that it is about."""
        return self.number, self.party, self.since


@dataclass(frozen=True)
class Failed:
    """A run that failed, as it would on StackStorm."""

    at: datetime
    rule: str
    event_id: str
    error: str

    def __str__(self) -> str:
        about = f" about {self.event_id}" if self.event_id else ""
        return f"{iso(self.at)} {self.rule}{about}: {self.error}"


@dataclass(frozen=True)
class Found:
    """What a run of the loop came to, from ``since`` to ``until``; each list in order of time.

    :param troubles: what the sensor would have reported.
    :param left_out: rules that call an action which a preview does not run.
    """

    since: datetime
    until: datetime
    asks: Tuple[Ask, ...] = ()
    passed: Tuple[Passed, ...] = ()
    failed: Tuple[Failed, ...] = ()
    troubles: Tuple[str, ...] = ()
    left_out: Tuple[str, ...] = ()
