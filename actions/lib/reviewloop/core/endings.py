"""How a wait ended that a ticket or an ask is about."""

from __future__ import annotations

from datetime import datetime
from typing import Optional

from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.turns import How
from reviewloop.core.waits import State, Wait

_CLOSED = {
    ChangeStatus.MERGED: How.MERGED,
    ChangeStatus.ABANDONED: How.ABANDONED,
    ChangeStatus.DEFERRED: How.ABANDONED,
}


def how_it_ended(change: Change, state: State, party: str, since: datetime) -> Optional[How]:
    """How the wait ended that a ticket or an ask is about; None while it lasts.

    What Gerrit says of the change itself goes before a wait that its messages leave open.
    """
    found = wait_of(state, party, since)
    if found is not None and found.how is not None:
        return found.how
    if change.status in _CLOSED:
        return _CLOSED[change.status]
    if change.work_in_progress:
        return How.WIP
    # A message was deleted, or the configuration changed: no such wait is read any more.
    return How.SUPERSEDED if found is None else None


def wait_of(state: State, party: str, since: datetime) -> Optional[Wait]:
    """The wait of a party that began then, as it is read now; None where none is read."""
    mine = (wait for wait in state.waits if (wait.party.value, wait.since) == (party, since))
    return next(mine, None)
