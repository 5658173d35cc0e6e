"""The protocol that gives every step the effect of once, in one place for all trackers.

A run may be killed between any two calls and started again; an answer may be lost; several runs may
work on one key at a time. What holds then:

- Before creating: our own record, then who we are, then a listing of the key that shows every
  write.
- After creating: read back what the tracker kept, list again, keep the lowest, retire the others.
- A write whose answer was lost is never repeated: the tracker is read, and the run goes on from
  there or ends with AmbiguousError for the next run to look again.

Two runs that comment on one ticket in the same second may both find no comment yet; StackStorm's
policy ``action.concurrency.attr`` on the key keeps such runs apart.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Callable, Optional, Tuple

from reviewloop.errors import AmbiguousError, RefusedError
from reviewloop.http.retry import Timing
from reviewloop.store.tickets import Records, TicketRecord
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.opening import ASSIGNEE_REFUSED, Opening, not_assigned, with_ticket
from reviewloop.trackers.outcomes import About, Done, Outcome, ReopenPolicy
from reviewloop.trackers.own import GONE, OwnTickets
from reviewloop.trackers.tickets import CloseReason, Draft, State, Ticket, first, latest_closed

CLAIM_GRACE = timedelta(minutes=2)
"""A claim older than this belongs to a run that died: more than any run needs between two calls."""


class Ticketing:
    """Opens, comments, assigns and closes tickets of one tracker, each with the effect of once.

    :param now: the present instant, aware; asked once a step.
    :param claim_grace: how long another run's claim on a key is respected.
    :param timing: how to wait for a listing that lags, see :attr:`Tracker.lag`.
    """

    def __init__(
        self,
        tracker: Tracker,
        records: Records,
        now: Callable[[], datetime],
        policy: Optional[ReopenPolicy] = None,
        claim_grace: timedelta = CLAIM_GRACE,
        timing: Optional[Timing] = None,
    ) -> None:
        self._tracker = tracker
        self._records = records
        self._own = OwnTickets(tracker, records, timing or Timing())
        self._opening = Opening(self._own, now, policy or ReopenPolicy(), claim_grace)

    # -- opening -------------------------------------------------------------------------------

    def open_once(self, draft: Draft, about: Optional[About] = None) -> Outcome:
        """See to it that the key has one open ticket (or one its people closed for good).

        A ticket that is found without any assignee gets the draft's: where assigning is a call of
        its own, an earlier run may have died before it.

        :raises TemporaryError: another run is opening it at this moment.
        :raises AmbiguousError: it may have been opened; the next run will know.
        :raises ProtocolError: the tracker did not keep the key, so its ticket could not be found
        again.
        """
        outcome = self._opening.opened(draft, about)
        ticket = outcome.ticket
        if outcome.action is not Done.FOUND or ticket is None or ticket.assignees:
            return outcome
        late = self.assign_once(draft.key, draft.assignee).notes if draft.assignee else ()
        return replace(outcome, notes=(*outcome.notes, *late))

    # -- tickets of others ---------------------------------------------------------------------

    def comment_on_existing(
        self, key: str, ticket_id: str, text: str, marker: str, about: Optional[About] = None
    ) -> Optional[Outcome]:
        """Comment once on a ticket that is not ours, and remember it as the key's.

        :return: None where there is no such ticket, or it is closed, or the key has a ticket of its
            own: then that is the one to go on with.
        """
        self._tracker.whoami()
        if not self._own.is_linked(key) and (
            self._own.is_recorded_open(key) or self._own.has_one(key)
        ):
            return None
        try:
            ticket = self._tracker.read(ticket_id)
        except RefusedError as err:
            if err.status in GONE:
                return None
            raise
        if not ticket.is_open or ticket.key == key:
            return None
        added = self._own.comment(ticket.id, text, _step(key, marker))
        self._own.remember(ticket, key, about, linked=True)
        if added:
            return Outcome(Done.COMMENTED, ticket, "the change's commit message names this ticket")
        return Outcome(Done.NOTHING, ticket, "the comment is there already")

    # -- later steps ---------------------------------------------------------------------------

    def comment_once(self, key: str, text: str, marker: str) -> Outcome:
        """Comment on the key's open ticket unless it bears a comment with this marker.

        :param text: in the tracker's format; hidden markers in it are broken.
        :param marker: names the step within the key, such as ``level-2`` (the key in front of it,
            as ``<key>/level-2``, is the same): ``[a-z0-9./:_-]``.
        """
        ticket = self._own.ticket(key)
        if ticket is None:
            return Outcome(Done.NOTHING, None, f"there is no ticket {key}")
        if not ticket.is_open:
            return Outcome(Done.NOTHING, ticket, "the ticket is closed")
        if self._own.comment(ticket.id, text, _step(key, marker)):
            return Outcome(Done.COMMENTED, ticket)
        return Outcome(Done.NOTHING, ticket, "the comment is there already")

    def close_once(
        self,
        key: str,
        text: str,
        marker: str,
        reason: CloseReason = CloseReason.COMPLETED,
    ) -> Outcome:
        """Comment on the key's ticket and close it; does nothing if somebody else closed it."""
        ticket = self._own.ticket(key)
        if ticket is None:
            return Outcome(Done.NOTHING, None, f"there is no ticket {key}")
        name = _step(key, marker)
        record = self._records.get(key)
        # A ticket that bears our key is ours, whatever an earlier record says.
        if record is not None and record.linked and ticket.key != key:
            return self._released(ticket, record, text, name)
        if not ticket.is_open:
            self._own.remember(ticket, key)
            ours = self._own.has_comment(ticket.id, name)
            who = "by an earlier run" if ours else "by somebody else"
            return Outcome(Done.NOTHING, ticket, f"the ticket was closed already, {who}")
        # Comment first: some trackers (Roundup's classic template) reopen what is commented on.
        self._own.comment(ticket.id, text, name)
        try:
            self._tracker.close(ticket.id, reason)
        except AmbiguousError:
            if self._tracker.read(ticket.id).is_open:
                raise
        return self._own.settled(Done.CLOSED, self._tracker.read(ticket.id), key)

    def _released(self, ticket: Ticket, record: TicketRecord, text: str, name: str) -> Outcome:
        """Say on somebody else's ticket that the wait is over, and leave it as it is."""
        if record.state != State.OPEN.value:
            return Outcome(Done.NOTHING, ticket, "the wait was over already")
        added = ticket.is_open and self._own.comment(ticket.id, text, name)
        self._records.put(replace(record, state=State.CLOSED.value))
        reason = "the ticket is not ours, so it stays as it is"
        return Outcome(Done.COMMENTED if added else Done.NOTHING, ticket, reason)

    def assign_once(self, key: str, who: str) -> Outcome:
        """Make ``who`` the assignee of the key's open ticket, if it is ours."""
        ticket = self._own.ticket(key)
        if ticket is None:
            return Outcome(Done.NOTHING, None, f"there is no ticket {key}")
        if not ticket.is_open:
            return Outcome(Done.NOTHING, ticket, "the ticket is closed")
        if self._own.is_linked(key):
            return Outcome(Done.NOTHING, ticket, "the ticket is not ours")
        if self._tracker.is_assigned(ticket, who):
            self._own.remember(ticket, key)
            return Outcome(Done.NOTHING, ticket, f"{who} is the assignee already")
        return self._assigned(ticket, key, who)

    def _assigned(self, ticket: Ticket, key: str, who: str) -> Outcome:
        try:
            self._tracker.assign(ticket.id, who)
        except AmbiguousError:
            if not self._tracker.is_assigned(self._tracker.read(ticket.id), who):
                raise
        except RefusedError as err:
            if err.status not in ASSIGNEE_REFUSED:
                raise
            note = not_assigned(who, err)
            return Outcome(Done.NOTHING, ticket, "the tracker refused the assignee", (note,))
        kept = self._tracker.read(ticket.id)
        if not self._tracker.is_assigned(kept, who):
            note = f"{who} was not assigned. {self._tracker.drops_hint}".strip()
            return Outcome(Done.NOTHING, kept, "the tracker dropped the assignee", (note,))
        return self._own.settled(Done.ASSIGNED, kept, key)

    # -- looking -------------------------------------------------------------------------------

    def list_open(self) -> Tuple[Ticket, ...]:
        """Our open tickets, whichever their keys."""
        return self._own.list_open()

    def peek(self, key: str) -> Optional[Ticket]:
        """The key's ticket as it is now, nothing changed anywhere; None where there is none."""
        return self._own.ticket(key)

    def forget(self, key: str) -> None:
        """Keep no record open whose ticket is gone; a later opening makes another."""
        record = self._records.get(key)
        if record is not None:
            self._records.put(replace(record, state=State.CLOSED.value))

    def look(self, key: str, about: Optional[About] = None) -> Optional[Ticket]:
        """The key's ticket as it is now, its duplicates retired and its record brought up to date;
        None where there is none any more.

        :param about: what an open ticket is about that has no record (any more).
        """
        self._tracker.whoami()
        recorded = self._own.recorded(key)
        # Also for a ticket of others: a listing that fails tells a lost permission from a lost
        # ticket.
        found = self._own.find(key)
        linked = self._own.is_linked(key)
        if recorded is not None and not linked:
            found = with_ticket(found, recorded)
        if first(found):
            return self._opening.reconciled(Done.FOUND, key, found, about).ticket
        if linked:
            return recorded
        ticket = latest_closed(found)
        if ticket is not None:
            self._own.remember(ticket, key)
        return ticket


def _step(key: str, marker: str) -> str:
    """The full name of a step: markers of two keys never meet, even in one ticket."""
    return marker if marker.startswith(f"{key}/") else f"{key}/{marker}"
