"""Bugzilla 5.0 and later and its branch *harmony*, through the REST interface.

What it does, and what this relies on (Bugzilla's own source):

- An alias belongs to one bug of the whole installation (``Bugzilla/Bug.pm``, ``_check_alias``; the
  column is unique). It holds the key, so a second creation is refused with code 103. Up to harmony
  the alias is one text there, elsewhere a list; both take a text when written.
- Errors carry a code, and the HTTP status only follows from it: 401 for a lack of rights as for a
  wrong login, 400 for a wrong key and for an unknown alias, 404 for any unknown name
  (``Bugzilla/WebService/Constants.pm``). An error may even come with 200.
- A bug is read from the primary database, a search from a replica where there is one
  (``Bugzilla/WebService/Bug.pm``); so a key is looked up as a bug, and only the sweep searches.
- The header ``X-BUGZILLA-API-KEY`` and ``whoami`` came with 5.1. 5.0 and 5.2 (which goes on from
  5.0) read the key from the address or the body only.
- Who may not edit bugs gets the component's default assignee, without a word (``Bug.pm``,
  ``_check_assigned_to``). The whiteboard is kept whoever writes it, so it holds the labels;
  keywords would have to exist.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple

from reviewloop.errors import AmbiguousError, AuthError, ConfigError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.bugzilla.bugs import Bugs
from reviewloop.trackers.adapters.bugzilla.rest import (
    ALIAS_TAKEN,
    GONE,
    HEADER,
    OTHER,
    QUERY,
    Rest,
    Row,
    code_of,
    remedy,
)
from reviewloop.trackers.adapters.bugzilla.settings import OPTIONS
from reviewloop.trackers.adapters.bugzilla.setup import shortfalls
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import (
    LOOK_FIRST,
    RestTracker,
    key_among,
    open_with_key,
    pairs,
    ticket_number,
)
from reviewloop.trackers.settings import Form, checked_url
from reviewloop.trackers.tickets import CloseReason, Comment, Draft, TakenError, Ticket

COMMENT_WANTED = "The review escalation ends here."
"""Said only where the installation wants a comment with each change of resolution."""


class Bugzilla(RestTracker):
    """Bugs of one product and component (``tracker.project`` is the product)."""

    kind = "bugzilla"
    body_format = BodyFormat.TEXT
    needs = ("url", "project", "token")
    forms = {"token": Form(re.compile(r"[!-~]+"), "the API key, in one line and without spaces")}
    options = OPTIONS
    drops_hint = (
        "Bugzilla gives a bug to the component's default assignee unless the pack's account is in "
        "the group editbugs."
    )

    def _begin(self) -> None:
        self._secret = {} if self._in_header() else {"Bugzilla_api_key": self._settings.token}
        if self._secret and not self._settings.username:
            raise ConfigError(
                f'tracker.username is missing: {self.kind} needs it with key_in: "{QUERY}".',
                "Set it to the login of the API key's account.",
            )

        self._bugs = Bugs(self._http, self._web, self._project, self._secret)
        self._setup = lambda: shortfalls(self._bugs, self._project, self._option)
        self._lookup = self._bugs.user

    @classmethod
    def addresses(cls, url: str) -> Tuple[str, str]:
        """The address of Bugzilla's pages and that of its REST interface.

        Without the web server's rewriting the interface is at ``rest.cgi``, and ``tracker.url``
        says so.
        """
        base = checked_url(url)
        found = re.fullmatch(r"(.*)/rest(?:\.cgi)?", base)
        return (found.group(1), base) if found else (base, f"{base}/rest")

    def _in_header(self) -> bool:
        return self._option("key_in") == HEADER

    def _headers(self) -> Dict[str, str]:
        return {"X-BUGZILLA-API-KEY": self._settings.token} if self._in_header() else {}

    def _connected(self, headers: Dict[str, str], **more: Any) -> Http:
        return Rest(self._base, headers, self._project, **more)

    def _remedy(self, status: int) -> str:
        return remedy(status)

    def _who(self) -> str:
        """Our login. 5.0 and 5.2 only say whether the login we name is ours."""
        if not self._secret:
            return str(parse.required(self._bugs.read("/whoami"), "name", "the user"))
        data = self._bugs.read("/valid_login", login=self._settings.username)
        if not parse.required(data, "result", "the answer"):
            raise AuthError(
                f"The API key is not that of {self._settings.username}.",
                "Set tracker.username to the login of the account that tracker.token belongs to.",
            )
        return self._settings.username

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - one bug at most
    ) -> Tuple[Ticket, ...]:
        """The bug that has the key as an alias, open or closed."""
        try:
            return (self._bugs.bug(key),)
        except RefusedError as err:
            if code_of(err) not in GONE:
                raise
            return ()

    def list_open(self) -> Tuple[Ticket, ...]:
        """Open bugs of the product with a key among their aliases."""
        tickets: List[Ticket] = []
        last = 0
        while True:
            found = self._bugs.open_after(last)
            if not found:
                return open_with_key(tickets)
            tickets += found
            last = max(ticket.number for ticket in found)

    def read(self, ticket_id: str) -> Ticket:
        """One bug by its number."""
        return self._bugs.bug(ticket_number(ticket_id, "bug"))

    def create(self, draft: Draft) -> Ticket:
        """File a bug that has the key as its alias; a closed one that has it gives it up.

        :raises TakenError: an open bug has it.
        """
        body = self._new(draft)
        try:
            number = self._filed(body)
        except RefusedError as err:
            if code_of(err) != ALIAS_TAKEN:
                raise
            self._release(draft.key)
            number = self._filed_again(body)
        return self._opened(draft, str(number), self._bugs.url(number), str(body["summary"]))

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All comments but the description, which Bugzilla counts as number 0."""
        number = ticket_number(ticket_id, "bug")
        bugs = parse.required(self._bugs.read(f"/bug/{number}/comment"), "bugs", "the answer")
        data = parse.required(
            parse.required(bugs, number, "the comments"), "comments", "the comments"
        )
        rows = [parse.mapping(row, "a comment") for row in parse.sequence(data, "the comments")]
        return tuple(
            Comment(
                str(parse.required(row, "id", "a comment")),
                str(row.get("text") or ""),
                str(row.get("creator") or ""),
            )
            for row in rows
            if row.get("count") != 0
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a comment; no status changes by it."""
        self._bugs.write(
            "POST", f"/bug/{ticket_number(ticket_id, 'bug')}/comment", {"comment": text}
        )

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Set the closed status, and the resolution for the reason."""
        if not self.read(ticket_id).is_open:
            return
        named = "resolution" if reason is CloseReason.COMPLETED else "not_planned_resolution"
        status = self._option("closed_status")
        self._end(ticket_id, {"status": status, "resolution": self._option(named)})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close a bug as a duplicate of the kept one and take its key away, in one call."""
        aliases = self._bugs.aliases(ticket_id)
        self._end(
            ticket_id,
            {"dupe_of": int(ticket_number(keep.id, "bug")), "alias": _without_keys(aliases)},
        )

    def reopen(self, ticket_id: str) -> None:
        """Set the open status; Bugzilla clears the resolution."""
        if not self.read(ticket_id).is_open:
            self._update(ticket_id, {"status": self._option("open_status")})

    def assign(self, ticket_id: str, who: str) -> None:
        """Assign a bug to a login."""
        self._update(ticket_id, {"assigned_to": self._bugs.user(who)})

    # -- parts ---------------------------------------------------------------------------------

    def _new(self, draft: Draft) -> Row:
        defaulted = ("component", "version", "op_sys", "platform", "severity", "priority")
        body: Row = pairs(self._option("fields"))
        body.update({name: self._option(name) for name in defaulted if self._option(name)})
        body.update(
            product=self._project,
            summary=self._title(draft),
            description=self._sealed(draft),
            alias=draft.key,
            whiteboard=" ".join(f"[{label}]" for label in draft.labels),
        )
        if draft.assignee:
            body["assigned_to"] = self._bugs.user(draft.assignee)
        return body

    def _filed(self, body: Mapping[str, Any]) -> int:
        data = self._bugs.write("POST", "/bug", body)
        try:
            return int(parse.required(data, "id", "the new bug"))
        except (ProtocolError, TypeError, ValueError) as err:
            raise AmbiguousError(
                f"{self._place} does not tell the number of the new bug.",
                LOOK_FIRST,
            ) from err

    def _filed_again(self, body: Mapping[str, Any]) -> int:
        try:
            return self._filed(body)
        except RefusedError as err:
            if code_of(err) != ALIAS_TAKEN:
                raise
            raise _taken(str(body["alias"])) from err

    def _release(self, key: str) -> None:
        """Take the key from the closed bug that has it."""
        for ticket in self.find(key):
            if not self.is_ours(ticket):
                raise RefusedError(
                    f"Bug {ticket.id}, which {ticket.author} filed, has the alias {key}.",
                    "Take that alias off it: whoever may set aliases could have taken it.",
                    codes.UNPROCESSABLE,
                )
            if ticket.is_open:
                raise _taken(key)
            self._update(ticket.id, {"alias": _without_keys(self._bugs.aliases(ticket.id))})

    def _end(self, ticket_id: str, change: Mapping[str, Any]) -> None:
        """Close a bug, with a comment where Bugzilla will not do it without one."""
        try:
            self._update(ticket_id, change)
        except RefusedError as err:
            # The refused call did nothing, so this is no repetition.
            if code_of(err) != OTHER:
                raise
            self._update(ticket_id, {**change, "comment": {"body": COMMENT_WANTED}})

    def _update(self, ticket_id: str, change: Mapping[str, Any]) -> None:
        self._bugs.write("PUT", f"/bug/{ticket_number(ticket_id, 'bug')}", change)


def _taken(key: str) -> TakenError:
    return TakenError(f"Another bug has just got the alias {key}.", "The next run finds it.")


def _without_keys(aliases: List[str]) -> Any:
    """The aliases to be set: a list where some stay, else the empty text, which all take."""
    return list(key_among(aliases)[1]) or ""
