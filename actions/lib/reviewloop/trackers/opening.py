"""Opening a ticket so that its key has one, whatever dies and whoever else does the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Callable, List, Optional, Tuple

from reviewloop.errors import AmbiguousError, ProtocolError, RefusedError, TemporaryError
from reviewloop.http import codes
from reviewloop.markup import escape as fmt
from reviewloop.trackers.outcomes import About, Done, Outcome, ReopenPolicy, WhenClosed
from reviewloop.trackers.own import OwnTickets
from reviewloop.trackers.tickets import ClaimState, Draft, TakenError, Ticket, first, latest_closed

ASSIGNEE_REFUSED = frozenset({codes.BAD_REQUEST, codes.CONFLICT, codes.UNPROCESSABLE})
"""Statuses by which trackers refuse an assignee they do not know, and with which nothing was
created.
"""


class Opening:
    """See :class:`reviewloop.trackers.ticketing.Ticketing` for the arguments."""

    def __init__(
        self,
        own: OwnTickets,
        now: Callable[[], datetime],
        policy: ReopenPolicy,
        grace: timedelta,
    ) -> None:
        self._own = own
        self._tracker = own.tracker
        self._now = now
        self._policy = policy
        self._grace = grace

    def opened(self, draft: Draft, about: Optional[About]) -> Outcome:
        """See to it that the key has one open ticket, or one that its people closed for good."""
        recorded = None if self._own.is_linked(draft.key) else self._own.recorded(draft.key)
        self._tracker.whoami()
        if recorded and recorded.is_open:
            # Listed all the same: another run may have died between its creation and its
            # reconciling.
            found = self._own.find(draft.key, _before(recorded))
            return self.reconciled(Done.FOUND, draft.key, with_ticket(found, recorded), about)
        found = self._own.find(draft.key)
        if first(found):
            return self.reconciled(Done.FOUND, draft.key, found, about)
        closed = latest_closed(found) or recorded
        if closed:
            again = self._policy.decide(closed, self._now())
            if again is WhenClosed.LEAVE:
                self._own.remember(closed, draft.key, about)
                word = self._policy.refusal(closed)
                return Outcome(Done.NOTHING, closed, f"closed as {word}: left alone")
            if again is WhenClosed.REOPEN:
                return self._reopened(closed, draft, about)
        return self._created(draft, about)

    def _created(self, draft: Draft, about: Optional[About]) -> Outcome:
        meanwhile = self._claimed(draft.key)
        if first(meanwhile):
            return self.reconciled(Done.FOUND, draft.key, meanwhile, about)
        notes: List[str] = []
        try:
            ticket, sent = self._create(draft, notes)
        except AmbiguousError as err:
            found = self._own.listed(draft.key, lambda tickets: first(tickets) is not None)
            if not first(found):
                raise
            done = Done.FOUND if isinstance(err, TakenError) else Done.CREATED
            return self.reconciled(done, draft.key, found, about, draft)
        # Before anything else can fail: with the record the next run finds even a ticket without
        # key.
        self._own.remember(ticket, draft.key, about)
        ticket = self._tracker.read(ticket.id)
        # Closed and without key, it was retired by another run that was faster.
        if ticket.key != draft.key and ticket.is_open:
            raise ProtocolError(
                f"{self._tracker.name} did not keep the key {draft.key} on ticket {ticket.id}.",
                "Without it a run that has lost its record would open a second ticket: let the "
                "pack's account set what holds the key, or put it there by hand.",
            )
        notes += self._differences(sent, ticket)
        found = self._own.listed(draft.key, lambda tickets: _shows(tickets, ticket))
        if not _shows(found, ticket):
            notes.append("the listing does not show the new ticket yet")
        outcome = self.reconciled(Done.CREATED, draft.key, with_ticket(found, ticket), about)
        kept = outcome.ticket or ticket
        done = Done.CREATED if kept.id == ticket.id else Done.FOUND
        return replace(outcome, action=done, notes=(*notes, *outcome.notes))

    def _create(self, draft: Draft, notes: List[str]) -> Tuple[Ticket, Draft]:
        """Create, without the assignee if that is what is refused; also the draft it took."""
        try:
            return self._tracker.create(draft), draft
        except RefusedError as err:
            if draft.assignee is None or err.status not in ASSIGNEE_REFUSED:
                raise
            refused = err
        # A proxy may refuse what the tracker has done by then.
        there = first(self._own.find(draft.key))
        if there is not None:
            return there, draft
        bare = replace(draft, assignee=None)
        ticket = self._tracker.create(bare)
        notes.append(not_assigned(draft.assignee, refused))
        return ticket, bare

    def _claimed(self, key: str) -> Tuple[Ticket, ...]:
        """Claim the key; the tickets that another run has opened meanwhile, which are none as a
        rule.
        """
        claim = self._tracker.claim(key)
        if claim.state is not ClaimState.HELD or claim.age >= self._grace:
            return ()
        found = self._own.find(key)
        if first(found) is None:
            rest = (self._grace - claim.age).total_seconds()
            raise TemporaryError(
                f"Another run is opening the ticket {key} at this moment.",
                f"Run again in {rest:.0f} seconds.",
                rest,
            )
        return found

    def _reopened(self, ticket: Ticket, draft: Draft, about: Optional[About]) -> Outcome:
        """Open a closed ticket again; a new one where the tracker refuses, as some do in time."""
        try:
            self._tracker.reopen(ticket.id)
        except AmbiguousError:
            if not self._tracker.read(ticket.id).is_open:
                raise
        except RefusedError as err:
            if not self._tracker.read(ticket.id).is_open:
                outcome = self._created(draft, about)
                note = f"ticket {ticket.id} could not be reopened: {err}"
                return replace(outcome, notes=(*outcome.notes, note))
        return self._own.settled(Done.REOPENED, self._tracker.read(ticket.id), draft.key, about)

    def reconciled(
        self,
        done: Done,
        key: str,
        found: Tuple[Ticket, ...],
        about: Optional[About],
        draft: Optional[Draft] = None,
    ) -> Outcome:
        """Keep the lowest open ticket of a key and retire the others; every run picks the same
        one.
        """
        keep = first(found)
        if keep is None:
            raise TemporaryError(
                f"The ticket {key} was closed while it was being opened.", "Run again."
            )
        notes = [f"ticket {t.id} closed as a duplicate" for t in found if t.is_open and t != keep]
        for ticket in found:
            if ticket.is_open and ticket.id != keep.id:
                self._retire(ticket, keep, key)
        if draft is not None:
            notes += self._differences(draft, keep)
        outcome = self._own.settled(done, keep, key, about)
        return replace(outcome, notes=(*outcome.notes, *notes))

    def _retire(self, ticket: Ticket, keep: Ticket, key: str) -> None:
        text = f"Opened twice by mistake; the review is tracked in {keep.url}"
        self._own.comment(ticket.id, text, f"{key}/duplicate")
        try:
            self._tracker.close_duplicate(ticket.id, keep)
        except (AmbiguousError, RefusedError):
            # Several runs retire it at once, and some trackers refuse all but one of them.
            left = self._tracker.read(ticket.id)
            if left.is_open or left.key == key:
                raise

    def _differences(self, draft: Draft, ticket: Ticket) -> List[str]:
        """What the tracker kept otherwise than asked, in words; some drop things without an
        error.
        """
        notes = []
        if ticket.title != fmt.title(draft.title, self._tracker.title_limit):
            notes.append(f"the title was kept as {ticket.title!r}")
        if draft.assignee and not self._tracker.is_assigned(ticket, draft.assignee):
            notes.append(f"{draft.assignee} was not assigned. {self._tracker.drops_hint}".strip())
        dropped = [name for name in draft.labels if name not in ticket.labels]
        if dropped:
            notes.append(
                f"labels were dropped: {', '.join(dropped)}. {self._tracker.drops_hint}".strip()
            )
        return notes


def not_assigned(who: Optional[str], err: RefusedError) -> str:
    """The note that says so."""
    return f"{who} could not be assigned: {err}"


def _before(ticket: Ticket) -> Optional[datetime]:
    """An instant from which on every duplicate of a recorded ticket was made; a day covers any
    clock.
    """
    return ticket.opened_at and ticket.opened_at - timedelta(days=1)


def _shows(found: Tuple[Ticket, ...], ticket: Ticket) -> bool:
    """Whether a listing shows a ticket, which one that was retired by now need not."""
    return not ticket.is_open or ticket.id in {t.id for t in found}


def with_ticket(found: Tuple[Ticket, ...], ticket: Ticket) -> Tuple[Ticket, ...]:
    """The listing, holding a ticket that we know of even where the listing does not show it."""
    return found if ticket.id in {t.id for t in found} else (*found, ticket)
