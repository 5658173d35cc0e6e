"""Request Tracker 5, through REST 2.0 (https://docs.bestpractical.com/rt/5.0.3/RT/REST2.html).

What it takes, and what this relies on, with the file of RT's source that shows it:

- Everything below ``/REST/2.0`` answers 401 to a wrong credential
  (lib/RT/REST2/Middleware/Auth.pm).
- Our key is the value of a custom field; :mod:`reviewloop.trackers.adapters.rt.queue` finds it.
- What the account may not set, and what is not there, is dropped without a word: a custom field
  that the queue does not have, an owner, a status. Creations answer 201 all the same, changes 200
  with a list of sentences (lib/RT/REST2/Resource/Record/Writable.pm). Hence the reading back.
- An owner with an "@" that RT does not know would be made an account (lib/RT/User.pm,
  ``LoadOrCreateByEmail``), so owners are looked up first.
- Texts of comments: ``/ticket/N/attachments`` shows those of a hundred at a time, with what was
  attached to them. Its pages also count what is hidden from us, such as mail that was sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterator, List, Optional, Tuple

from reviewloop.errors import AmbiguousError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.http.credentials import basic
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.rt.queue import PAGE, Queue, Row, id_of, items_of, quoted
from reviewloop.trackers.adapters.rt.settings import FORMS, OPTIONS, RIGHTS, TOKEN, remedy
from reviewloop.trackers.rest import (
    LOOK_FIRST,
    RestTracker,
    key_among,
    open_with_key,
    ticket_number,
    with_key,
)
from reviewloop.trackers.shortfalls import Shortfall, of_lookups
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Comment, Draft, State, Ticket

INSTANT = "%Y-%m-%dT%H:%M:%SZ"
SUBJECT = 200
"""Bytes; RT cuts off what is more, wherever that is (DBIx::SearchBuilder, ``TruncateValue``)."""
NEVER = "1970-01-01T00:00:00Z"
NOBODY = "Nobody"
DELETED = "deleted"


class RequestTracker(RestTracker):
    """Tickets of one queue (``tracker.project``: its name)."""

    kind = "rt"
    body_format = BodyFormat.TEXT
    title_limit = 190
    """Leaves some room in :data:`SUBJECT` for characters of more than one byte."""
    forms = FORMS
    options = OPTIONS
    drops_hint = f"RT drops what the account may not set: grant it {RIGHTS}; owners need OwnTicket."

    api_path = "/REST/2.0"

    def _begin(self) -> None:
        self._queue = Queue(self._http, self._project, self._option("key_field"))
        self._setup = self._shortfalls
        self._lookup = self._queue.user

    def _shortfalls(self) -> Iterator[Shortfall]:
        yield from of_lookups(self._queue.key_field)
        yield Shortfall(
            f"RT does not tell whether our account has {RIGHTS}.",
            f"Look at the group rights of queue {self._project}, and open one ticket to try them.",
            sure=None,
        )

    def _headers(self) -> Dict[str, str]:
        return {"Authorization": _authorization(self._settings.token)}

    def _who(self) -> str:
        """Our user's name. A token holds its number."""
        token = TOKEN.fullmatch(self._settings.token)
        who = token.group(1) if token else self._settings.token.partition(":")[0]
        return str(
            parse.required(self._http.read(f"/user/{quoted(who)}").data, "Name", "an account")
        )

    # -- looking -------------------------------------------------------------------------------

    @parse.protocol_errors
    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - the listing is cheap
    ) -> Tuple[Ticket, ...]:
        """The queue's tickets, open and closed, whose field holds the key, from the database."""
        return with_key([self._ticket(row) for row in self._queue.with_key(key)], key)

    @parse.protocol_errors
    def list_open(self) -> Tuple[Ticket, ...]:
        """The queue's open tickets whose field holds any key."""
        return open_with_key([self._ticket(row) for row in self._queue.open_with_keys()])

    def read(self, ticket_id: str) -> Ticket:
        """One ticket by its number; one that was deleted, or merged into another, is gone."""
        row = self._row(ticket_id)
        if str(row.get("Status")).casefold() == DELETED or str(row.get("id")) != ticket_id:
            raise RefusedError(
                f"Ticket {ticket_id} of {self._place} was deleted or merged into another.",
                status=codes.GONE,
            )
        return self._ticket(row)

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All texts of a ticket; the first is its body."""
        path = f"{_path(ticket_id)}/attachments"
        rows: List[Row] = []
        page = 1
        while True:
            query = {"fields": "Content,ContentType,Creator", "per_page": PAGE, "page": page}
            items = items_of(self._http.read(path, query).data)
            # A short page may be one of which much is hidden, so only an empty one is the last.
            if not items:
                break
            rows += items
            page += 1
        texts = [row for row in rows if str(row.get("ContentType")).startswith("text/")]
        texts.sort(key=lambda row: int(parse.required(row, "id", "a comment")))
        return tuple(
            Comment(str(row["id"]), str(row.get("Content") or ""), id_of(row, "Creator"))
            for row in texts
        )

    # -- writing -------------------------------------------------------------------------------

    @parse.protocol_errors
    def create(self, draft: Draft) -> Ticket:
        """Open a ticket with the key in its field; the key in the text is for people."""
        body: Row = {
            "Queue": self._project,
            "Subject": self._title(draft),
            "Content": self._sealed(draft),
            "ContentType": "text/plain",
            "CustomFields": {self._queue.key_field(): draft.key},
        }
        if draft.assignee:
            body["Owner"] = self._queue.user(draft.assignee)
        data = self._http.write("POST", "/ticket", body).data
        try:
            number = str(int(parse.required(data, "id", "the new ticket")))
        except (ProtocolError, TypeError, ValueError) as err:
            raise AmbiguousError("RT's answer to a creation names no ticket.", LOOK_FIRST) from err
        return self._opened(draft, number, self._url(number), str(body["Subject"]))

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a comment: unlike a reply it goes to no requestor and opens no closed ticket."""
        body = {"Content": text, "ContentType": "text/plain"}
        self._http.write("POST", f"{_path(ticket_id)}/comment", body)

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Set the closed status, or the rejected one; a closed ticket keeps its own."""
        if self.read(ticket_id).is_open:
            completed = reason is CloseReason.COMPLETED
            self._move(ticket_id, "closed_status" if completed else "rejected_status")

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close a ticket, let it refer to the one that stays, and empty its key field.

        They are not merged: that would take the ticket's own history away.
        """
        self.close(ticket_id, CloseReason.COMPLETED)
        if self.read(ticket_id).key is None:
            return
        change = {"AddRefersTo": keep.id, "CustomFields": {self._queue.key_field(): None}}
        data = self._http.write("PUT", _path(ticket_id), change).data
        if self.read(ticket_id).key is not None:
            raise RefusedError(
                f"RT did not take the key off ticket {ticket_id}: {self._said(data)}",
                f"Grant the account ModifyCustomField on {self._queue.key_field()}.",
                codes.FORBIDDEN,
            )

    def reopen(self, ticket_id: str) -> None:
        """Set the status of reopened tickets."""
        if not self.read(ticket_id).is_open:
            self._move(ticket_id, "reopen_status")

    def assign(self, ticket_id: str, who: str) -> None:
        """Set the owner."""
        self._http.write("PUT", _path(ticket_id), {"Owner": self._queue.user(who)})

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Whether ``who``, a name or number, is the owner, whom RT shows by name."""
        if super().is_assigned(ticket, who):
            return True
        try:
            return bool(ticket.assignees) and self._queue.user(who) in ticket.assignees
        except RefusedError:
            return False

    # -- parts ---------------------------------------------------------------------------------

    def _row(self, ticket_id: str) -> Row:
        return parse.mapping(self._http.read(_path(ticket_id)).data, "a ticket")

    def _move(self, ticket_id: str, option: str) -> None:
        """Change a status. RT answers 200 to a step that it does not take, too."""
        status = self._option(option)
        data = self._http.write("PUT", _path(ticket_id), {"Status": status}).data
        kept = str(self._row(ticket_id).get("Status"))
        if kept.casefold() != status.casefold():
            raise RefusedError(
                f"RT left ticket {ticket_id} {kept!r} instead of {status!r}: {self._said(data)}",
                f"Allow that step in the queue's lifecycle and grant ModifyTicket, or set "
                f"tracker.options.{option}; a ticket that depends on open ones is not closed.",
                codes.UNPROCESSABLE,
            )

    def _title(self, draft: Draft) -> str:
        """One that RT keeps whole."""
        line = super()._title(draft)
        while len(line.encode("utf-8")) > SUBJECT:
            line = fmt.title(line, len(line) - 1)
        return line

    def _url(self, number: str) -> str:
        return f"{self._web}/Ticket/Display.html?id={number}"

    @parse.protocol_errors
    def _ticket(self, row: Row) -> Ticket:
        number = str(parse.required(row, "id", "a ticket"))
        is_open = self._queue.is_open(row)
        owner = id_of(row, "Owner")
        return Ticket(
            id=number,
            number=int(number),
            url=self._url(number),
            key=self._key(row),
            title=str(row.get("Subject") or ""),
            state=State.OPEN if is_open else State.CLOSED,
            resolution="" if is_open else str(row["Status"]),
            assignees=() if owner in ("", NOBODY) else (owner,),
            # RT has no labels; that a ticket is ours, its key field says.
            labels=(SHARED_LABEL,),
            opened_at=_instant(row.get("Created")),
            # RT keeps it when a ticket is opened again.
            closed_at=None if is_open else _instant(row.get("Resolved")),
            author=id_of(row, "Creator"),
        )

    def _key(self, row: Row) -> Optional[str]:
        for field in row.get("CustomFields") or ():
            if str(field.get("name")).casefold() == self._queue.key_field().casefold():
                return key_among(str(one) for one in field.get("values") or ())[0]
        return None

    def _said(self, data: Any) -> str:
        """The sentences with which RT answers a change."""
        sentences = data if isinstance(data, list) else []
        return self._http.one_line(" ".join(map(str, sentences))) or "(nothing was said)"

    def _remedy(self, status: int) -> str:
        return remedy(status, self._project)


def _authorization(token: str) -> str:
    if TOKEN.fullmatch(token):
        return f"token {token}"
    user, _, password = token.partition(":")
    return basic(user, password)


def _path(ticket_id: str) -> str:
    return f"/ticket/{ticket_number(ticket_id, 'ticket')}"


def _instant(text: Any) -> Optional[datetime]:
    return None if text == NEVER else parse.instant(text, INSTANT)
