"""What the messages of a change tell, as far as one reading of them goes: its events, with its
readiness mended by what Gerrit says now. The votes are mended by :mod:`reviewloop.core.reconcile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.history import Event, heard, read_heard
from reviewloop.core.policy import Policy
from reviewloop.core.readiness import in_progress, ready, ready_meanwhile


@dataclass(frozen=True)
class Disagreement:
    """Something that the messages tell otherwise than Gerrit's answer.

    ``what`` is ``vote`` or ``work_in_progress``; ``told`` is what the messages come to and ``true``
    what Gerrit says: values of a vote (0 for none), or 0 and 1.
    """

    what: str
    told: int
    true: int
    label: str = ""
    account: int = 0


@dataclass(frozen=True)
class Told:
    """What the messages of a change tell, without those of advisers (``heard``); its readiness is
    mended already.
    """

    change: Change
    heard: Change
    events: List[Event]
    disagreements: Tuple[Disagreement, ...]


def told(change: Change, policy: Policy) -> Told:
    """Read a change's messages, and mend what they tell of its readiness by what Gerrit says."""
    listened = heard(change, policy)
    events = ready_meanwhile(read_heard(listened, policy), listened)
    said, true = events[-1].wip, change.work_in_progress or change.is_private
    if change.status is not ChangeStatus.NEW or said is true:
        return Told(change, listened, events, ())
    found = Disagreement("work_in_progress", int(said), int(true))
    events = in_progress(events, listened, policy) if true else ready(events, listened)
    return Told(change, listened, events, (found,))
