"""ServiceNow, through its Table API.

What it takes, and what this relies on (ServiceNow/ServiceNowDocs on GitHub, below ``markdown/``),
beside what :mod:`reviewloop.trackers.adapters.servicenow.table` names:

- ``correlation_id`` is not unique, unless the site makes it so
  (``platform-administration/t_RequiringUniqueValuesForAField.md``).
- Descriptions are plain text. Journals (``work_notes``, ``comments``) are too, but for HTML between
  ``[code]`` and ``[/code]``, which many instances switch off: so we write plain text, and text from
  outside must not hold that tag.
- A resolved incident can be opened again, a closed one cannot
  (``it-service-management/incident-management/reopening-incident.md``).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Dict, Optional, Tuple
from urllib.parse import urlencode

from reviewloop.errors import AuthError, ConfigError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.servicenow.records import Records
from reviewloop.trackers.adapters.servicenow.settings import (
    CANCELED,
    CLOSE,
    CLOSED,
    FIELDS,
    JOURNALS,
    KEY,
    LABELS,
    OPTIONS,
    REOPEN,
    authorization,
    check_more,
    listed,
    not_moved,
    remedy,
)
from reviewloop.trackers.adapters.servicenow.table import (
    API,
    OF,
    SYS_ID,
    Row,
    Table,
    cell,
    entries,
    said_in,
    shown,
    view,
)
from reviewloop.trackers.rest import (
    RestTracker,
    ambiguous,
    by_number,
    only_key,
    open_with_key,
    pairs,
    with_key,
)
from reviewloop.trackers.settings import Form
from reviewloop.trackers.shortfalls import of_lookups
from reviewloop.trackers.tickets import CloseReason, Comment, Draft, State, TakenError, Ticket

MANY = 500
"""Rows that a query did not ask for, after which reading on helps nobody."""
_CODE = re.compile(r"\[(\s*/?\s*code\s*)\]", re.IGNORECASE)


class ServiceNow(RestTracker):
    """Records of one table of one instance (``tracker.url``: the instance's address)."""

    kind = "servicenow"
    body_format = BodyFormat.TEXT
    needs = ("url", "token")
    forms = {"token": Form(re.compile(r"[^\r\n]+"), "user:password, or a token, in one line")}
    options = OPTIONS
    drops_hint = (
        "ServiceNow drops a field without a word where the table lacks it or an access control "
        "forbids the account to write it: look at assigned_to and correlation_display."
    )
    title_limit = 160
    """``task.short_description``; more is cut off without a word."""
    body_limit = 4000
    """``task.description``, likewise."""

    def _begin(self) -> None:
        check_more(self._settings)
        self._tables = Table(self._http, self._web)
        closed, canceled = (listed(self._option(name)) for name in (CLOSED, CANCELED))
        self._records = Records(self._web, self._scope(), closed, canceled)
        self._setup, self._lookup = lambda: of_lookups(self._references), self._tables.user

    def _scope(self) -> str:
        return self._option("table")

    def _headers(self) -> Dict[str, str]:
        return authorization(self._option("auth"), self._settings.token)

    def _who(self) -> str:
        """Our user ID. A REST API key may be good for the Table API only; then that tells."""
        try:
            data = parse.mapping(self._tables.read("/api/now/ui/user/current_user"), "the user")
            login = str(data.get("user_name") or "")
        except RefusedError:
            login = self._tables.own_login()
        if login in ("", "guest"):
            raise AuthError(
                f"{self._web} takes us for nobody, not for an account.", "Renew tracker.token."
            )
        return login

    # -- looking -------------------------------------------------------------------------------

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - the listing is cheap
    ) -> Tuple[Ticket, ...]:
        """The table's records with the key, open and closed, from the database."""
        return with_key(self._tickets(f"{KEY}={key}"), key)

    def list_open(self) -> Tuple[Ticket, ...]:
        """The table's open records with any key of ours."""
        found = self._tickets(f"{KEY}STARTSWITHgrv-^active=true")
        return open_with_key(found)

    def read(self, ticket_id: str) -> Ticket:
        """One record by its ``sys_id``; one that an access control hides is gone, too (404)."""
        return self._records.ticket(self._tables.read(self._path(ticket_id), view()))

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """The entries of both journals, each oldest first; ours last."""
        asked = {"sysparm_fields": ",".join(JOURNALS), "sysparm_display_value": "true"}
        row = parse.mapping(self._tables.read(self._path(ticket_id), asked), "a record")
        ours = self._option("journal")
        if ours not in row:
            raise RefusedError(
                f"{self._place} shows us no {ours} of ticket {ticket_id}.",
                f"Let the account read {ours}; without that, comments would be made twice.",
                codes.FORBIDDEN,
            )
        return tuple(
            Comment(f"{journal}-{number}", text, author)
            for journal in sorted(JOURNALS, key=lambda name: name == ours)
            for number, (author, text) in enumerate(entries(shown(row, journal)), 1)
        )

    # -- writing -------------------------------------------------------------------------------

    def create(self, draft: Draft) -> Ticket:
        """Insert a record with the key as its correlation ID; the key in the text is for people."""
        body: Row = {
            **pairs(self._option("fields")),
            **self._references(),
            "short_description": self._title(draft),
            "description": self._sealed(draft),
            KEY: draft.key,
            LABELS: ",".join(draft.labels),
        }
        if draft.assignee:
            body["assigned_to"] = cell(self._tables.user(draft.assignee), "sys_id")
        try:
            return self._write("POST", f"{API}/{self._scope()}", body)
        except RefusedError as err:
            # A site may have made the field unique.
            if "unique key violation" in said_in(err).lower():
                raise TakenError(err.message, "The next run finds the other ticket.") from err
            raise

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add an entry to the journal, and see that we can read it again."""
        journal = self._option("journal")
        text = _CODE.sub(r"{\1}", text)
        self._patch(ticket_id, {journal: text})
        tail = text.rstrip().rpartition("\n")[2]
        if not any(tail in one.text for one in self.comments(ticket_id)):
            raise RefusedError(
                f"{self._place} does not show us the comment just made on ticket {ticket_id}.",
                f"Let the account read and write {journal}; without that, comments would be lost "
                "or made twice.",
                codes.FORBIDDEN,
            )

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Resolve a record with a code and notes; a closed one stays as it is."""
        if not self.read(ticket_id).is_open:
            return
        not_planned = reason is CloseReason.NOT_PLANNED
        code = self._option("not_planned_code" if not_planned else "close_code")
        self._move(ticket_id, self._closing(code), State.CLOSED)

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Resolve a record below the one that stays, and empty its correlation ID, in one call."""
        change: Row = {KEY: "", "parent": keep.id}
        if self.read(ticket_id).is_open:
            change.update(self._closing(self._option("duplicate_code")))
        kept = self._move(ticket_id, change, State.CLOSED)
        if kept.key:
            raise RefusedError(
                f"{self._place} left the key on the duplicate {ticket_id}.",
                f"Let the account write {KEY}.",
                codes.FORBIDDEN,
            )

    def reopen(self, ticket_id: str) -> None:
        """Set the state of reopened records."""
        self._move(ticket_id, {"state": self._option(REOPEN)}, State.OPEN)

    def assign(self, ticket_id: str, who: str) -> None:
        """Set ``assigned_to``."""
        self._patch(ticket_id, {"assigned_to": cell(self._tables.user(who), "sys_id")})

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Also where the roster has a mail address or a ``sys_id``."""
        if super().is_assigned(ticket, who) or not ticket.assignees:
            return bool(ticket.assignees)
        try:
            user = self._tables.user(who)
        except RefusedError:
            return False
        return any(cell(user, name) in ticket.assignees for name in ("user_name", "sys_id"))

    # -- parts ---------------------------------------------------------------------------------

    def _closing(self, code: str) -> Row:
        notes = self._option("close_notes")
        return {"state": self._option(CLOSE), "close_code": code, "close_notes": notes}

    def _references(self) -> Row:
        """The group and the caller that the settings name, as ids."""
        found: Row = {}
        for name, table, columns in (
            ("assignment_group", "sys_user_group", ("name",)),
            ("caller_id", "sys_user", ("user_name", "email")),
        ):
            text = self._option(name)
            if not text:
                continue
            try:
                found[name] = cell(self._tables.lookup(table, columns, text), "sys_id")
            except RefusedError as err:
                if err.status != codes.UNPROCESSABLE:
                    raise
                raise ConfigError(
                    f"tracker.options.{name}: {err.message}", f"Write {OF[table]}."
                ) from err
        return found

    def _tickets(self, query: str) -> Tuple[Ticket, ...]:
        """The rows of a query that have a key of ours, whatever else the instance answers."""
        tickets, strangers = [], 0
        for row in self._tables.rows(self._scope(), query, FIELDS):
            if only_key(cell(row, KEY)):
                tickets.append(self._records.ticket(row))
                continue
            strangers += 1
            # Then the query was not heeded: these may be all rows of the table.
            if KEY not in row or strangers > MANY:
                raise RefusedError(
                    f"{self._place} has no field {KEY}, or does not let us see or search it.",
                    f"Set tracker.options.table to a table that extends task, and let the account "
                    f"read and write {KEY}.",
                    codes.FORBIDDEN,
                )
        return by_number(tickets)

    def _write(self, method: str, path: str, body: Row) -> Ticket:
        """Write, and take what the record looks like now from the answer."""
        try:
            return self._records.ticket(
                self._tables.write(method, f"{path}?{urlencode(view())}", body)
            )
        except ProtocolError as err:
            raise ambiguous(err) from err

    def _patch(self, ticket_id: str, body: Row) -> Ticket:
        return self._write("PATCH", self._path(ticket_id), body)

    def _move(self, ticket_id: str, body: Row, state: State) -> Ticket:
        """Change a record and make sure that it is open, or closed, by then."""
        kept = self._patch(ticket_id, body)
        if kept.state is not state:
            raise RefusedError(
                f"{self._place} left ticket {ticket_id} {kept.state.value}.",
                not_moved(state),
                codes.FORBIDDEN,
            )
        return kept

    def _path(self, ticket_id: str) -> str:
        if not SYS_ID.fullmatch(ticket_id):
            raise RefusedError(f"{ticket_id!r} is no sys_id.", status=codes.NOT_FOUND)
        return f"{API}/{self._scope()}/{ticket_id}"

    def _remedy(self, status: int) -> str:
        return remedy(status, self._scope())
