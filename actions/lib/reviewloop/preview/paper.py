"""A tracker on paper: it keeps what would be written, and nothing is sent.

It stands where the configured tracker stands, so that the operations open and comment on tickets as
they do there. Of the tickets that there are it knows what the pack's records say: that people have
closed one, or what they wrote on it, it does not know.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Callable, Dict, List, Optional, Tuple

from reviewloop.core.timestamps import from_iso
from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.markup import escape as fmt
from reviewloop.store.datastore import Datastore
from reviewloop.store.tickets import DatastoreRecords, TicketRecord
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.factory import make_tracker
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.tickets import CloseReason, Comment, Draft, State, Ticket

_MARK = "preview-"


@dataclass(frozen=True)
class TicketText:
    """What would be written on a tracker.

    :param ticket_id: the ticket that would be commented on; "" for one that would be opened, which
        has a ``title``.
    :param body: in the tracker's format, with its mark.
    """

    ticket_id: str
    title: str
    body: str

    @property
    def sha256(self) -> str:
        """Of the body, in hex digits."""
        return text_hash(self.body)

    def as_dict(self, *, texts: bool = False) -> Dict[str, Any]:
        """``{ticket_id, title, sha256}``, and ``body`` where the texts are wanted."""
        told = {"ticket_id": self.ticket_id, "title": self.title, "sha256": self.sha256}
        return {**told, "body": self.body} if texts else told


def text_hash(text: str) -> str:
    """SHA-256 of a text as it is sent, in hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Paper(Tracker):
    """The configured tracker's tickets, as far as the pack's records tell of them.

    :param like: the configured tracker, of which the format of texts is taken.
    :param datastore: with the records.
    :param now: when it is.
    :ivar written: what was written, in order.
    """

    def __init__(self, like: Tracker, datastore: Datastore, now: Callable[[], datetime]) -> None:
        self.kind = like.kind  # type: ignore[misc]  # each has its own
        self.body_format = like.body_format
        self.title_limit, self.body_limit = like.title_limit, like.body_limit
        self.written: List[TicketText] = []
        self._name = like.name
        self._now = now
        self._comments: Dict[str, List[Comment]] = {}
        records = DatastoreRecords(datastore).all()
        mine = [one for one in records if one.tracker == self._name]
        self._tickets = {one.id: _recorded(one, place) for place, one in enumerate(mine)}

    @property
    def name(self) -> str:
        """That of the configured tracker."""
        return self._name

    def whoami(self) -> str:
        """The pack, whatever its account is called."""
        return "preview"

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - there are few
    ) -> Tuple[Ticket, ...]:
        """The tickets of a key."""
        return tuple(one for one in self._tickets.values() if one.key == key)

    def list_open(self) -> Tuple[Ticket, ...]:
        """All open tickets of the pack."""
        return tuple(one for one in self._tickets.values() if one.is_open and one.key)

    def read(self, ticket_id: str) -> Ticket:
        """One ticket; one that only a commit message names is taken to be open."""
        if ticket_id.startswith(_MARK) and ticket_id not in self._tickets:
            raise RefusedError(f"ticket {ticket_id} does not exist.", "", codes.NOT_FOUND)
        return self._tickets.setdefault(
            ticket_id, Ticket(ticket_id, len(self._tickets), "", None, "", State.OPEN)
        )

    def create(self, draft: Draft) -> Ticket:
        """Keep the ticket. It has no address: no text can name it."""
        title = fmt.title(draft.title, self.title_limit)
        body = fmt.seal(draft.body, draft.key, self.body_format, self.body_limit)
        self.written.append(TicketText("", title, body))
        made = Ticket(
            id=f"{_MARK}{len(self._tickets)}",
            number=len(self._tickets),
            url="",
            key=draft.key,
            title=title,
            state=State.OPEN,
            assignees=(draft.assignee,) if draft.assignee else (),
            labels=draft.labels,
            opened_at=self._now(),
        )
        self._tickets[made.id] = made
        return made

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """What was written here."""
        return tuple(self._comments.get(ticket_id, ()))

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Keep a comment."""
        said = self._comments.setdefault(ticket_id, [])
        said.append(Comment(str(len(said)), text))
        self.written.append(TicketText(ticket_id, "", text))

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Keep that it is closed."""
        if self.read(ticket_id).is_open:
            self._change(
                ticket_id, state=State.CLOSED, resolution=reason.value, closed_at=self._now()
            )

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:  # noqa: ARG002
        """Keep that it is closed, and has no key."""
        self._change(ticket_id, state=State.CLOSED, key=None)

    def reopen(self, ticket_id: str) -> None:
        """Keep that it is open again."""
        self._change(ticket_id, state=State.OPEN, resolution="", closed_at=None)

    def assign(self, ticket_id: str, who: str) -> None:
        """Keep who is asked."""
        self._change(ticket_id, assignees=(who,))

    def _change(self, ticket_id: str, **values: Any) -> None:
        self._tickets[ticket_id] = replace(self.read(ticket_id), **values)


def paper_of(
    settings: TrackerSettings, datastore: Datastore, now: Callable[[], datetime]
) -> Optional[Paper]:
    """The configured tracker on paper; None where there is none.

    :raises ConfigError: its settings are wrong.
    """
    like = make_tracker(settings)
    return None if like is None else Paper(like, datastore, now)


def _recorded(record: TicketRecord, number: int) -> Ticket:
    """A ticket as its record tells of it."""
    return Ticket(
        id=record.id,
        number=number,
        url=record.url,
        key=None if record.linked else record.key,
        title="",
        state=State.OPEN if record.linked else State(record.state),
        assignees=(record.assignee,) if record.assignee else (),
        opened_at=_instant(record.opened_at),
        closed_at=_instant(record.closed_at),
    )


def _instant(text: str) -> Optional[datetime]:
    return from_iso(text) if text else None
