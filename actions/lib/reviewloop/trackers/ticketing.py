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

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Callable, List, Optional, Tuple

from reviewloop.core.timestamps import iso
from reviewloop.errors import AmbiguousError, ProtocolError, RefusedError, TemporaryError
from reviewloop.http.retry import Timing
from reviewloop.markup import escape as fmt
from reviewloop.store.tickets import Records, TicketRecord
from reviewloop.trackers.base import (
    HTTP_GONE,
    HTTP_MOVED,
    HTTP_NOT_FOUND,
    WONT_FIX,
    ClaimState,
    CloseReason,
    Draft,
    State,
    TakenError,
    Ticket,
    Tracker,
    first,
    latest_closed,
)

GONE = frozenset({HTTP_NOT_FOUND, HTTP_GONE, *HTTP_MOVED})
ASSIGNEE_REFUSED = frozenset({400, 409, 422})
"""Statuses by which trackers refuse an assignee they do not know, and with which nothing was
created.
"""
FIRST_PAUSE = 1.0
"""Seconds until a listing that lags is asked again; each further pause is twice as long."""
CLAIM_GRACE = timedelta(minutes=2)
"""A claim older than this belongs to a run that died: more than any run needs between two calls."""


class Done(str, Enum):
    """What a step did."""

    CREATED = "created"
    FOUND = "found"
    REOPENED = "reopened"
    COMMENTED = "commented"
    CLOSED = "closed"
    ASSIGNED = "assigned"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Outcome:
    """What a step did, to which ticket; ``reason`` says why it did nothing, ``notes`` what to
    know.
    """

    action: Done
    ticket: Optional[Ticket] = None
    reason: str = ""
    notes: Tuple[str, ...] = ()


@dataclass(frozen=True)
class About:
    """What a ticket is about, for its record; see :class:`reviewloop.records.TicketRecord`."""

    server: str = ""
    number: int = 0
    party: str = ""
    since: str = ""
    level: int = 0
    step: str = ""
    project: str = ""


class Again(str, Enum):
    """What to do about a key whose tickets are all closed."""

    REOPEN = "reopen"
    CREATE = "create"
    LEAVE = "leave"


@dataclass(frozen=True)
class ReopenPolicy:
    """When a closed ticket is opened again.

    :param window: reopen if closed no longer ago than this, else open a new one; None: always
        reopen.
    :param wont_fix: resolutions, or labels where a tracker has no resolutions, that mean "leave us
        alone": nothing is opened at all. Compared without case.
    """

    window: Optional[timedelta] = None
    wont_fix: Tuple[str, ...] = WONT_FIX

    def decide(self, ticket: Ticket, now: datetime) -> Again:
        """What to do, given the newest closed ticket of the key."""
        if self.refusal(ticket):
            return Again.LEAVE
        if self.window is None or ticket.closed_at is None:
            return Again.REOPEN
        return Again.REOPEN if now - ticket.closed_at <= self.window else Again.CREATE

    def refusal(self, ticket: Ticket) -> str:
        """The word by which its people said that they do not want a closed ticket; "" if none."""
        unwanted = {word.casefold() for word in self.wont_fix}
        words = (ticket.resolution, *ticket.labels)
        return next((word for word in words if word.casefold() in unwanted), "")


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
        self._now = now
        self._policy = policy or ReopenPolicy()
        self._grace = claim_grace
        self._timing = timing or Timing()

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
        outcome = self._opened(draft, about)
        ticket = outcome.ticket
        if outcome.action is not Done.FOUND or ticket is None or ticket.assignees:
            return outcome
        late = self.assign_once(draft.key, draft.assignee).notes if draft.assignee else ()
        return replace(outcome, notes=(*outcome.notes, *late))

    def _opened(self, draft: Draft, about: Optional[About]) -> Outcome:
        recorded = None if self._is_linked(draft.key) else self._recorded(draft.key)
        self._tracker.whoami()
        if recorded and recorded.is_open:
            # Listed all the same: another run may have died between its creation and its
            # reconciling.
            found = self._tracker.find(draft.key, _before(recorded))
            return self._reconciled(Done.FOUND, draft.key, _with(found, recorded), about)
        found = self._tracker.find(draft.key)
        if first(found):
            return self._reconciled(Done.FOUND, draft.key, found, about)
        closed = latest_closed(found) or recorded
        if closed:
            again = self._policy.decide(closed, self._now())
            if again is Again.LEAVE:
                self._remember(closed, draft.key, about)
                word = self._policy.refusal(closed)
                return Outcome(Done.NOTHING, closed, f"closed as {word}: left alone")
            if again is Again.REOPEN:
                return self._reopened(closed, draft, about)
        return self._created(draft, about)

    def _created(self, draft: Draft, about: Optional[About]) -> Outcome:
        meanwhile = self._claimed(draft.key)
        if first(meanwhile):
            return self._reconciled(Done.FOUND, draft.key, meanwhile, about)
        notes: List[str] = []
        try:
            ticket, sent = self._create(draft, notes)
        except AmbiguousError as err:
            found = self._listed(draft.key, lambda tickets: first(tickets) is not None)
            if not first(found):
                raise
            done = Done.FOUND if isinstance(err, TakenError) else Done.CREATED
            return self._reconciled(done, draft.key, found, about, draft)
        # Before anything else can fail: with the record the next run finds even a ticket without
        # key.
        self._remember(ticket, draft.key, about)
        ticket = self._tracker.read(ticket.id)
        # Closed and without key, it was retired by another run that was faster.
        if ticket.key != draft.key and ticket.is_open:
            raise ProtocolError(
                f"{self._tracker.name} did not keep the key {draft.key} on ticket {ticket.id}.",
                "Without it a run that has lost its record would open a second ticket: let the "
                "pack's account set what holds the key, or put it there by hand.",
            )
        notes += self._differences(sent, ticket)
        found = self._listed(draft.key, lambda tickets: _shows(tickets, ticket))
        if not _shows(found, ticket):
            notes.append("the listing does not show the new ticket yet")
        outcome = self._reconciled(Done.CREATED, draft.key, _with(found, ticket), about)
        kept = outcome.ticket or ticket
        done = Done.CREATED if kept.id == ticket.id else Done.FOUND
        return replace(outcome, action=done, notes=(*notes, *outcome.notes))

    def _listed(self, key: str, enough: Callable[[Tuple[Ticket, ...]], bool]) -> Tuple[Ticket, ...]:
        """The tickets of a key, asked again while the listing may lag behind and shows too little.

        A run that sees its own new ticket also sees those that other runs made before it.
        """
        waited, pause = 0.0, FIRST_PAUSE
        found = self._tracker.find(key)
        while not enough(found) and waited < self._tracker.lag:
            self._timing.sleep(pause)
            waited, pause = waited + pause, pause * 2
            found = self._tracker.find(key)
        return found

    def _create(self, draft: Draft, notes: List[str]) -> Tuple[Ticket, Draft]:
        """Create, without the assignee if that is what is refused; also the draft it took."""
        try:
            return self._tracker.create(draft), draft
        except RefusedError as err:
            if draft.assignee is None or err.status not in ASSIGNEE_REFUSED:
                raise
            refused = err
        bare = replace(draft, assignee=None)
        ticket = self._tracker.create(bare)
        notes.append(_not_assigned(draft.assignee, refused))
        return ticket, bare

    def _claimed(self, key: str) -> Tuple[Ticket, ...]:
        """Claim the key; the tickets that another run has opened meanwhile, which are none as a
        rule.
        """
        claim = self._tracker.claim(key)
        if claim.state is not ClaimState.HELD or claim.age >= self._grace:
            return ()
        found = self._tracker.find(key)
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
        return self._settled(Done.REOPENED, self._tracker.read(ticket.id), draft.key, about)

    def _reconciled(
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
        outcome = self._settled(done, keep, key, about)
        return replace(outcome, notes=(*outcome.notes, *notes))

    def _retire(self, ticket: Ticket, keep: Ticket, key: str) -> None:
        text = f"Opened twice by mistake; the review is tracked in {keep.url}"
        self._comment(ticket.id, text, f"{key}/duplicate")
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

    # -- tickets of others ---------------------------------------------------------------------

    def comment_on_existing(
        self, key: str, ticket_id: str, text: str, marker: str, about: Optional[About] = None
    ) -> Optional[Outcome]:
        """Comment once on a ticket that is not ours, and remember it as the key's.

        :return: None where there is no such ticket, or it is closed, or the key has a ticket of its
            own: then that is the one to go on with.
        """
        self._tracker.whoami()
        if not self._is_linked(key) and (self._is_recorded_open(key) or self._has_own(key)):
            return None
        try:
            ticket = self._tracker.read(ticket_id)
        except RefusedError as err:
            if err.status in GONE:
                return None
            raise
        if not ticket.is_open or ticket.key == key:
            return None
        added = self._comment(ticket.id, text, _step(key, marker))
        self._remember(ticket, key, about, linked=True)
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
        ticket = self._ticket(key)
        if ticket is None:
            return Outcome(Done.NOTHING, None, f"there is no ticket {key}")
        if not ticket.is_open:
            return Outcome(Done.NOTHING, ticket, "the ticket is closed")
        if self._comment(ticket.id, text, _step(key, marker)):
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
        ticket = self._ticket(key)
        if ticket is None:
            return Outcome(Done.NOTHING, None, f"there is no ticket {key}")
        name = _step(key, marker)
        record = self._records.get(key)
        # A ticket that bears our key is ours, whatever an earlier record says.
        if record is not None and record.linked and ticket.key != key:
            return self._released(ticket, record, text, name)
        if not ticket.is_open:
            self._remember(ticket, key)
            ours = self._has_comment(ticket.id, name)
            who = "by an earlier run" if ours else "by somebody else"
            return Outcome(Done.NOTHING, ticket, f"the ticket was closed already, {who}")
        # Comment first: some trackers (Roundup's classic template) reopen what is commented on.
        self._comment(ticket.id, text, name)
        try:
            self._tracker.close(ticket.id, reason)
        except AmbiguousError:
            if self._tracker.read(ticket.id).is_open:
                raise
        return self._settled(Done.CLOSED, self._tracker.read(ticket.id), key)

    def _released(self, ticket: Ticket, record: TicketRecord, text: str, name: str) -> Outcome:
        """Say on somebody else's ticket that the wait is over, and leave it as it is."""
        if record.state != State.OPEN.value:
            return Outcome(Done.NOTHING, ticket, "the wait was over already")
        added = ticket.is_open and self._comment(ticket.id, text, name)
        self._records.put(replace(record, state=State.CLOSED.value))
        reason = "the ticket is not ours, so it stays as it is"
        return Outcome(Done.COMMENTED if added else Done.NOTHING, ticket, reason)

    def assign_once(self, key: str, who: str) -> Outcome:
        """Make ``who`` the assignee of the key's open ticket, if it is ours."""
        ticket = self._ticket(key)
        if ticket is None:
            return Outcome(Done.NOTHING, None, f"there is no ticket {key}")
        if not ticket.is_open:
            return Outcome(Done.NOTHING, ticket, "the ticket is closed")
        if self._is_linked(key):
            return Outcome(Done.NOTHING, ticket, "the ticket is not ours")
        if self._tracker.is_assigned(ticket, who):
            self._remember(ticket, key)
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
            note = _not_assigned(who, err)
            return Outcome(Done.NOTHING, ticket, "the tracker refused the assignee", (note,))
        kept = self._tracker.read(ticket.id)
        if not self._tracker.is_assigned(kept, who):
            note = f"{who} was not assigned. {self._tracker.drops_hint}".strip()
            return Outcome(Done.NOTHING, kept, "the tracker dropped the assignee", (note,))
        return self._settled(Done.ASSIGNED, kept, key)

    # -- looking -------------------------------------------------------------------------------

    def peek(self, key: str) -> Optional[Ticket]:
        """The key's ticket as it is now, nothing changed anywhere; None where there is none."""
        return self._ticket(key)

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
        recorded = self._recorded(key)
        # Also for a ticket of others: a listing that fails tells a lost permission from a lost
        # ticket.
        found = self._tracker.find(key)
        linked = self._is_linked(key)
        if recorded is not None and not linked:
            found = _with(found, recorded)
        if first(found):
            return self._reconciled(Done.FOUND, key, found, about).ticket
        if linked:
            return recorded
        ticket = latest_closed(found)
        if ticket is not None:
            self._remember(ticket, key)
        return ticket

    # -- parts ---------------------------------------------------------------------------------

    def _ticket(self, key: str) -> Optional[Ticket]:
        """The key's ticket: by record, else by listing (which also follows a retired duplicate)."""
        recorded = self._recorded(key)
        if recorded and recorded.is_open:
            return recorded
        self._tracker.whoami()
        found = self._tracker.find(key)
        return first(found) or latest_closed(found) or recorded

    def _recorded(self, key: str) -> Optional[Ticket]:
        """The ticket our record names, if this tracker still has it and it is not another's by
        now.
        """
        record = self._records.get(key)
        if record is None or record.tracker != self._tracker.name:
            return None
        try:
            ticket = self._tracker.read(record.id)
        except RefusedError as err:
            if err.status in GONE:
                return None
            raise
        is_ours = ticket.key in (key, None) and (ticket.key or ticket.is_open)
        return ticket if is_ours or record.linked else None

    def _has_comment(self, ticket_id: str, name: str) -> bool:
        return any(fmt.is_marked(c.text, name) for c in self._tracker.comments(ticket_id))

    def _comment(self, ticket_id: str, text: str, name: str) -> bool:
        """Comment unless the marker is there; True if a comment was added."""
        if self._has_comment(ticket_id, name):
            return False
        try:
            tracker = self._tracker
            sealed = fmt.seal(text, name, tracker.body_format, tracker.body_limit)
            tracker.add_comment(ticket_id, sealed)
        except AmbiguousError:
            if not self._has_comment(ticket_id, name):
                raise
        return True

    def _settled(
        self, done: Done, ticket: Ticket, key: str, about: Optional[About] = None
    ) -> Outcome:
        """Bring the record up to date and say what was done."""
        self._remember(ticket, key, about)
        bare = ticket.key is None
        return Outcome(
            done, ticket, notes=("somebody took the key off the ticket",) if bare else ()
        )

    def _has_own(self, key: str) -> bool:
        return first(self._tracker.find(key)) is not None

    def _is_recorded_open(self, key: str) -> bool:
        record = self._records.get(key)
        return record is not None and record.state == State.OPEN.value

    def _is_linked(self, key: str) -> bool:
        record = self._records.get(key)
        return record is not None and record.linked

    def _remember(
        self, ticket: Ticket, key: str, about: Optional[About] = None, linked: bool = False
    ) -> None:
        old = self._records.get(key)
        fresh = replace(_record(self._tracker.name, ticket, key), linked=linked)
        if about is not None:
            fresh = replace(fresh, **asdict(about))
        elif old is not None:
            fresh = replace(fresh, **{f.name: getattr(old, f.name) for f in fields(About)})
        if fresh != old:
            self._records.put(fresh)


def _not_assigned(who: Optional[str], err: RefusedError) -> str:
    return f"{who} could not be assigned: {err}"


def _step(key: str, marker: str) -> str:
    """The full name of a step: markers of two keys never meet, even in one ticket."""
    return marker if marker.startswith(f"{key}/") else f"{key}/{marker}"


def _before(ticket: Ticket) -> Optional[datetime]:
    """An instant from which on every duplicate of a recorded ticket was made; a day covers any
    clock.
    """
    return ticket.opened_at and ticket.opened_at - timedelta(days=1)


def _shows(found: Tuple[Ticket, ...], ticket: Ticket) -> bool:
    """Whether a listing shows a ticket, which one that was retired by now need not."""
    return not ticket.is_open or ticket.id in {t.id for t in found}


def _with(found: Tuple[Ticket, ...], ticket: Ticket) -> Tuple[Ticket, ...]:
    """The listing, holding a ticket that we know of even where the listing does not show it."""
    return found if ticket.id in {t.id for t in found} else (*found, ticket)


def _record(tracker: str, ticket: Ticket, key: str) -> TicketRecord:
    return TicketRecord(
        key=key,
        tracker=tracker,
        id=ticket.id,
        url=ticket.url,
        assignee=ticket.assignees[0] if ticket.assignees else "",
        opened_at=_iso(ticket.opened_at),
        closed_at="" if ticket.state is State.OPEN else _iso(ticket.closed_at),
        state=ticket.state.value,
    )


def _iso(instant: Optional[datetime]) -> str:
    return "" if instant is None else iso(instant)
