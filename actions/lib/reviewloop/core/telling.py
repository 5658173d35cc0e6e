"""What the messages of a change tell, as far as one reading of them goes: its events, with its
readiness mended by what Gerrit says now. The votes are mended by :mod:`reviewloop.core.reconcile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from reviewloop.core.change import Change
from reviewloop.core.history import Event, heard, read_heard
from reviewloop.core.lost import with_lost_votes
from reviewloop.core.policy import Policy
from reviewloop.core.readiness import as_recorded, mend_privacy, mend_progress


@dataclass(frozen=True)
class Disagreement:
    """Something that the messages tell otherwise than Gerrit's answer.

    ``what`` is ``vote``, ``work_in_progress`` or ``is_private``; ``told`` is what the messages come
    to and ``true`` what Gerrit says: values of a vote (0 for none), or 0 and 1.
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
    shown = with_lost_votes(read_heard(listened, policy), listened, change, policy)
    events = as_recorded(shown, listened, policy)
    found: List[Disagreement] = []
    wip, private = events[-1].wip, events[-1].private
    if wip is not change.work_in_progress:
        found.append(Disagreement("work_in_progress", int(wip), int(not wip)))
        mend_progress(events, listened, policy)
    if private is not change.is_private:
        found.append(Disagreement("is_private", int(private), int(not private)))
        mend_privacy(events, listened)
    return Told(change, listened, events, tuple(found))
