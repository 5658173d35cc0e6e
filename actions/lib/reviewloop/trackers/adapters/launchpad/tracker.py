"""Launchpad, through its web service (``api.launchpad.net/devel``).

What it does, and what this relies on (launchpad's and lazr.restful's own source):

- A token signs with OAuth's PLAINTEXT, for which RFC 5849 (3.1) lets time and nonce be left out; so
  one header serves every call (``lp/services/webapp/{servers,authentication}.py``).
- Without a token reads succeed as nobody's. ``people/+me`` answers 401 then, and 303 to our own
  page with a token (``lp/registry/browser/person.py``): the address alone tells who we are.
- 401 also means that we lack a right; its text tells which of the two (``servers.py`` raises
  ``TokenException``, ``lp/bugs/interfaces/bugtask.py`` has the others).
- Calls without a session's cookie read the primary database (``lp/services/database/policy.py``),
  so a search shows every write.
- Parameters are read as JSON where they can be (``lazr/restful/marshallers.py``): a title of digits
  would become a number, so all are written as JSON.
- ``createBug`` takes no assignee, so that is a second call.
- A bug that moved to another project answers with a redirect, a private one of others with 404
  (``lp/bugs/browser/{bugtask,malone}.py``).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from reviewloop.errors import AmbiguousError, AuthError, ProtocolError, RefusedError, TemporaryError
from reviewloop.http import codes
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.launchpad.bugs import Bugs, Row, bug_path, tags_of
from reviewloop.trackers.adapters.launchpad.service import (
    BUG_LINK,
    WebService,
    as_json,
    index_of,
    name_in,
    signature,
)
from reviewloop.trackers.adapters.launchpad.settings import (
    CLOSED,
    FORMS,
    NAME,
    OPEN,
    OPTIONS,
    remedy,
)
from reviewloop.trackers.answers import Answer
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import LOOK_FIRST, RestTracker, key_among, open_with_key
from reviewloop.trackers.settings import checked_url
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Comment, Draft, Ticket

API = "https://api.launchpad.net/devel"
VERSION = "/devel"


class Launchpad(RestTracker):
    """Bugs of one project, distribution or source package (``tracker.project``, as in its web
    address).
    """

    kind = "launchpad"
    body_format = BodyFormat.TEXT
    needs = ("project", "token")
    forms = FORMS
    options = OPTIONS
    drops_hint = (
        "Where a project has a bug supervisor, only that team, the maintainer and the drivers may "
        "assign others: put the pack's account into one of them."
    )
    title_limit = 200
    body_limit = 50_000

    def _begin(self) -> None:
        self._closed = {
            CloseReason.COMPLETED: self._option("closed_status"),
            CloseReason.NOT_PLANNED: self._option("not_planned_status"),
        }
        self._bugs = Bugs(self._http, self._base, self._project)
        self._lookup = self._person

    @classmethod
    def addresses(cls, url: str) -> Tuple[str, str]:
        """The web service's, from the address that people open; tickets are known by it."""
        base = checked_url(url or API)
        parts = urlsplit(base)
        host = parts.netloc
        if not host.startswith("api."):
            host = "api." + re.sub(r"\A(?:www|bugs|code|answers)\.", "", host)
            base = f"{parts.scheme}://{host}{VERSION}"
        elif not parts.path:
            base += VERSION
        return base, base

    def _where(self) -> str:
        return f"{urlsplit(self._base).netloc}/{self._project}"

    def _headers(self) -> Dict[str, str]:
        return {"Authorization": signature(self._settings.token)}

    def _connected(self, headers: Dict[str, str], **more: Any) -> Http:
        return WebService(self._base, headers, **more)

    def _who(self) -> str:
        """Our Launchpad name, from the address to which ``people/+me`` sends on."""
        try:
            answer = self._http.read("/people/+me")
        except RefusedError as err:
            if err.status != codes.FORBIDDEN:
                raise
            raise AuthError(
                f"{self._place} does not accept our credential (401).", "Renew tracker.token."
            ) from err
        name = name_in(answer.headers.get("location", ""))
        if answer.status != codes.SEE_OTHER or not name:
            raise ProtocolError(
                f"{self._place} does not tell who we are.",
                f"Check tracker.url: it must be the web service's address, such as {API}.",
            )
        return name

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - the listing is cheap
    ) -> Tuple[Ticket, ...]:
        """Bugs of the project with the key as a tag, whatever their status, duplicates too."""
        return self._bugs.listed(tags=[key], status=[*OPEN, *CLOSED], omit_duplicates=False)

    def list_open(self) -> Tuple[Ticket, ...]:
        """Open bugs with the shared tag and a key."""
        found = self._bugs.listed(tags=[SHARED_LABEL], status=list(OPEN), omit_duplicates=True)
        return open_with_key(found)

    def read(self, ticket_id: str) -> Ticket:
        """One bug by its number; a redirect where the project has no part in it any more."""
        return self._bugs.ticket(self._bugs.bug(ticket_id), self._bugs.task(ticket_id))

    def create(self, draft: Draft) -> Ticket:
        """Report a bug with the key among its tags, then assign it."""
        who = self._person(draft.assignee) if draft.assignee else ""
        title = self._title(draft)
        answer = self._operate(
            "/bugs",
            "createBug",
            target=f"{self._base}/{self._project}",
            title=title,
            description=self._sealed(draft),
            tags=[draft.key, *draft.labels],
        )
        found = BUG_LINK.search(answer.headers.get("location", ""))
        if found is None:
            raise AmbiguousError(
                f"{self._place} does not tell the number of the new bug.",
                LOOK_FIRST,
            )
        number = found.group(1)
        try:
            if who:
                self._assign(number, who)
        except (RefusedError, TemporaryError):
            # The bug is there, so this is no failure of the creation; reading back tells the rest.
            pass
        return self._opened(draft, number, self._bugs.url(number), title)

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All messages but the first, which is what the bug was reported with."""
        rows = self._bugs.entries(f"{bug_path(ticket_id)}/messages", {})
        numbered = sorted(((index_of(row), row) for row in rows), key=lambda pair: pair[0])
        return tuple(
            Comment(str(index), str(row.get("content") or ""), name_in(row.get("owner_link")))
            for index, row in numbered
            if index
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a message; no status changes by it."""
        self._operate(bug_path(ticket_id), "newMessage", content=text)

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Set the status for the reason."""
        if self.read(ticket_id).is_open:
            self._set(ticket_id, status=self._closed[reason])

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Mark a bug as a duplicate of the kept one and take the key's tag off, in one call."""

        def change(bug: Mapping[str, Any]) -> Row:
            return {
                "duplicate_of_link": f"{self._base}{bug_path(keep.id)}",
                "tags": list(key_among(tags_of(bug))[1]),
            }

        self._edit(ticket_id, change)

    def reopen(self, ticket_id: str) -> None:
        """Undo what closed it: the mark as a duplicate, the status, or both."""
        if self._bugs.bug(ticket_id).get("duplicate_of_link"):
            self._edit(ticket_id, lambda _bug: {"duplicate_of_link": None})
        if self._bugs.task(ticket_id).get("is_complete"):
            self._set(ticket_id, status=self._option("open_status"))

    def assign(self, ticket_id: str, who: str) -> None:
        """Assign the project's task."""
        self._assign(ticket_id, self._person(who))

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Whether ``who``, with or without its tilde, is the assignee."""
        return _plain(who) in ticket.assignees

    # -- parts ---------------------------------------------------------------------------------

    def _assign(self, ticket_id: str, name: str) -> None:
        link = f"{self._base}/~{name}"
        self._set(ticket_id, assignee_link=link)

    def _set(self, ticket_id: str, **change: str) -> None:
        """Change the project's task."""
        self._http.write("PATCH", self._bugs.task_path(ticket_id), change)

    def _person(self, who: str) -> str:
        """The name of a person or team that can be assigned."""
        name = _plain(who)
        try:
            if NAME.fullmatch(name) and self._bugs.row(f"/~{name}").get("is_valid", True):
                return name
        except RefusedError as err:
            if err.status not in (codes.NOT_FOUND, codes.GONE, *codes.MOVED):
                raise
        raise RefusedError(
            f"Launchpad has no active person or team {who!r}.",
            "Write the name that stands after ~ in the address of their page.",
            codes.UNPROCESSABLE,
        )

    def _operate(self, path: str, operation: str, **parameters: Any) -> Answer:
        form = {"ws.op": operation, **as_json(parameters)}
        return self._http.write("POST", path, form, form=True)

    def _edit(self, ticket_id: str, change: Callable[[Mapping[str, Any]], Row]) -> None:
        """Change a bug as it was read; read again if somebody was faster."""
        self._edited(
            lambda: self._changed(ticket_id, change),
            ticket_id,
            # 412 says that nothing was done, so this is no repetition.
            lambda err: err.status == codes.PRECONDITION_FAILED,
        )

    def _changed(self, ticket_id: str, change: Callable[[Mapping[str, Any]], Row]) -> None:
        bug = self._bugs.bug(ticket_id)
        etag = {"If-Match": str(parse.required(bug, "http_etag", "a bug"))}
        self._http.write("PATCH", bug_path(ticket_id), change(bug), etag)

    def _remedy(self, status: int) -> str:
        return remedy(status, self._project)


def _plain(who: str) -> str:
    """A name as Launchpad has it: in lower case, without the tilde of its address."""
    return who.strip().lstrip("~").lower()
