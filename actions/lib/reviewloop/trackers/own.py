"""The tickets of a key that are ours, what we remember of them, and what is said on them."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Callable, Optional, Tuple

from reviewloop.core.timestamps import iso
from reviewloop.errors import AmbiguousError, RefusedError
from reviewloop.http import codes
from reviewloop.http.retry import Timing
from reviewloop.markup import escape as fmt
from reviewloop.store.tickets import Records, TicketRecord
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.outcomes import About, Done, Outcome
from reviewloop.trackers.tickets import State, Ticket, first, latest_closed

GONE = frozenset({codes.NOT_FOUND, codes.GONE, *codes.MOVED})
FIRST_PAUSE = 1.0
"""Seconds until a listing that lags is asked again; each further pause is twice as long."""


class OwnTickets:
    """One tracker's tickets, as far as this pack opened them, or remembers them.

    A key is no secret, and many a tracker lets anybody set it. So a ticket is ours by its author;
    one that our own record names is ours in any case.
    """

    def __init__(self, tracker: Tracker, records: Records, timing: Timing) -> None:
        self.tracker = tracker
        self.records = records
        self._timing = timing

    def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
        """Our tickets of a key; those that somebody else gave it are left alone."""
        return tuple(t for t in self.tracker.find(key, since) if self.tracker.is_ours(t))

    def list_open(self) -> Tuple[Ticket, ...]:
        """Our open tickets, whichever their keys."""
        return tuple(t for t in self.tracker.list_open() if self.tracker.is_ours(t))

    def ticket(self, key: str) -> Optional[Ticket]:
        """The key's ticket: by record, else by listing (which also follows a retired duplicate)."""
        recorded = self.recorded(key)
        if recorded and recorded.is_open:
            return recorded
        self.tracker.whoami()
        found = self.find(key)
        return first(found) or latest_closed(found) or recorded

    def listed(self, key: str, enough: Callable[[Tuple[Ticket, ...]], bool]) -> Tuple[Ticket, ...]:
        """The tickets of a key, asked again while the listing may lag behind and shows too little.

        A run that sees its own new ticket also sees those that other runs made before it.
        """
        waited, pause = 0.0, FIRST_PAUSE
        found = self.find(key)
        while not enough(found) and waited < self.tracker.lag:
            self._timing.sleep(pause)
            waited, pause = waited + pause, pause * 2
            found = self.find(key)
        return found

    def recorded(self, key: str) -> Optional[Ticket]:
        """The ticket our record names, if this tracker still has it and it is not another's by
        now.
        """
        record = self.records.get(key)
        if record is None or record.tracker != self.tracker.name:
            return None
        try:
            ticket = self.tracker.read(record.id)
        except RefusedError as err:
            if err.status in GONE:
                return None
            raise
        is_ours = ticket.key in (key, None) and (ticket.key or ticket.is_open)
        return ticket if is_ours or record.linked else None

    def has_comment(self, ticket_id: str, name: str) -> bool:
        """Whether a ticket bears a comment of ours with this marker."""
        return any(fmt.is_marked(c.text, name) for c in self.tracker.comments(ticket_id))

    def comment(self, ticket_id: str, text: str, name: str) -> bool:
        """Comment unless the marker is there; True if a comment was added."""
        if self.has_comment(ticket_id, name):
            return False
        try:
            tracker = self.tracker
            sealed = fmt.seal(text, name, tracker.body_format, tracker.body_limit)
            tracker.add_comment(ticket_id, sealed)
        except AmbiguousError:
            if not self.has_comment(ticket_id, name):
                raise
        return True

    def settled(
        self, done: Done, ticket: Ticket, key: str, about: Optional[About] = None
    ) -> Outcome:
        """Bring the record up to date and say what was done."""
        self.remember(ticket, key, about)
        bare = ticket.key is None
        return Outcome(
            done, ticket, notes=("somebody took the key off the ticket",) if bare else ()
        )

    def has_one(self, key: str) -> bool:
        """Whether a key has an open ticket of ours."""
        return first(self.find(key)) is not None

    def is_recorded_open(self, key: str) -> bool:
        """Whether our record of a key is of an open ticket."""
        record = self.records.get(key)
        return record is not None and record.state == State.OPEN.value

    def is_linked(self, key: str) -> bool:
        """Whether the ticket of a key is somebody else's, which was named to us."""
        record = self.records.get(key)
        return record is not None and record.linked

    def remember(
        self, ticket: Ticket, key: str, about: Optional[About] = None, linked: bool = False
    ) -> None:
        """Bring the record of a key up to date with its ticket."""
        old = self.records.get(key)
        fresh = replace(_record(self.tracker.name, ticket, key), linked=linked)
        if about is not None:
            fresh = replace(fresh, **asdict(about))
        elif old is not None:
            fresh = replace(fresh, **{f.name: getattr(old, f.name) for f in fields(About)})
        if fresh != old:
            self.records.put(fresh)


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
