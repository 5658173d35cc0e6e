"""Launchpad, through its web service (``api.launchpad.net/devel``).

What it does, and what this relies on (launchpad's and lazr.restful's own source):

- A token signs with OAuth's PLAINTEXT, for which RFC 5849 (3.1) lets time and nonce be left out; so
  one header serves every call (``lp/services/webapp/{servers,authentication}.py``).
- Without a token reads succeed as nobody's. ``people/+me`` answers 401 then, and 303 to our own
  page with a token (``lp/registry/browser/person.py``): the address alone tells who we are.
- 401 also means that we lack a right; its text tells which of the two (``servers.py`` raises
  ``TokenException``, ``lp/bugs/interfaces/bugtask.py`` has the others).
- Calls without a session's cookie read the primary database (``lp/services/database/policy.py``),
  so a search shows every write. It leaves out closed statuses and duplicates unless told otherwise
  (``lp/bugs/model/bugtarget.py``).
- Parameters are read as JSON where they can be (``lazr/restful/marshallers.py``): a title of digits
  would become a number, so all are written as JSON.
- A bug has a task for each project it affects: status and assignee are the task's, tags and
  duplicates the bug's. ``createBug`` takes no assignee, so that is a second call.
- A bug that moved to another project answers with a redirect, a private one of others with 404
  (``lp/bugs/browser/{bugtask,malone}.py``).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import unquote, urlsplit

from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http import codes
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.launchpad.service import (
    BUG_LINK,
    WebService,
    as_json,
    index_of,
    name_in,
    number_in,
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
from reviewloop.trackers.rest import (
    LOOK_FIRST,
    RestTracker,
    by_number,
    key_among,
    open_with_key,
    ticket_number,
)
from reviewloop.trackers.settings import checked_url
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Comment, Draft, State, Ticket

API = "https://api.launchpad.net/devel"
VERSION = "/devel"
PAGE = 100
INSTANT = "%Y-%m-%dT%H:%M:%S"
DUPLICATE = "Duplicate"
"""What we call the resolution of a duplicate: its task keeps the status it had."""

Row = Dict[str, Any]


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
        parts = urlsplit(self._base)
        site = parts.netloc.replace("api.", "", 1)
        self._pages = f"{parts.scheme}://bugs.{site}/{self._project}"

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
        return self._listed(tags=[key], status=[*OPEN, *CLOSED], omit_duplicates=False)

    def list_open(self) -> Tuple[Ticket, ...]:
        """Open bugs with the shared tag and a key."""
        found = self._listed(tags=[SHARED_LABEL], status=list(OPEN), omit_duplicates=True)
        return open_with_key(found)

    def read(self, ticket_id: str) -> Ticket:
        """One bug by its number; a redirect where the project has no part in it any more."""
        return self._ticket(self._bug(ticket_id), self._task(ticket_id))

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
        return self._opened(draft, number, self._url(number), title)

    @parse.understood
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All messages but the first, which is what the bug was reported with."""
        rows = self._entries(f"{_bug_path(ticket_id)}/messages", {})
        numbered = sorted(((index_of(row), row) for row in rows), key=lambda pair: pair[0])
        return tuple(
            Comment(str(index), str(row.get("content") or ""), name_in(row.get("owner_link")))
            for index, row in numbered
            if index
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a message; no status changes by it."""
        self._operate(_bug_path(ticket_id), "newMessage", content=text)

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Set the status for the reason."""
        if self.read(ticket_id).is_open:
            self._http.write("PATCH", self._task_path(ticket_id), {"status": self._closed[reason]})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Mark a bug as a duplicate of the kept one and take the key's tag off, in one call."""

        def change(bug: Mapping[str, Any]) -> Row:
            return {
                "duplicate_of_link": f"{self._base}{_bug_path(keep.id)}",
                "tags": list(key_among(_tags(bug))[1]),
            }

        self._edit(ticket_id, change)

    def reopen(self, ticket_id: str) -> None:
        """Undo what closed it: the mark as a duplicate, the status, or both."""
        if self._bug(ticket_id).get("duplicate_of_link"):
            self._edit(ticket_id, lambda _bug: {"duplicate_of_link": None})
        if self._task(ticket_id).get("is_complete"):
            self._http.write(
                "PATCH", self._task_path(ticket_id), {"status": self._option("open_status")}
            )

    def assign(self, ticket_id: str, who: str) -> None:
        """Assign the project's task."""
        self._assign(ticket_id, self._person(who))

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Whether ``who``, with or without its tilde, is the assignee."""
        return _plain(who) in ticket.assignees

    # -- parts ---------------------------------------------------------------------------------

    def _assign(self, ticket_id: str, name: str) -> None:
        link = f"{self._base}/~{name}"
        self._http.write("PATCH", self._task_path(ticket_id), {"assignee_link": link})

    def _person(self, who: str) -> str:
        """The name of a person or team that can be assigned."""
        name = _plain(who)
        try:
            if NAME.fullmatch(name) and self._row(f"/~{name}").get("is_valid", True):
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
        bug = self._bug(ticket_id)
        etag = {"If-Match": str(parse.at(bug, "http_etag", "a bug"))}
        self._http.write("PATCH", _bug_path(ticket_id), change(bug), etag)

    def _listed(self, **only: Any) -> Tuple[Ticket, ...]:
        # By number: a bug reported meanwhile goes to the end and moves no page.
        query = {"ws.op": "searchTasks", **as_json({"order_by": ["id"], **only})}
        tasks = {}
        for task in self._entries(f"/{self._project}", query):
            # A project's listing also shows tasks of its series.
            if self._is_ours(str(task.get("target_link"))):
                tasks[number_in(task.get("bug_link"))] = task
        tickets = (self._listed_ticket(number, task) for number, task in tasks.items())
        return by_number(filter(None, tickets))

    def _listed_ticket(self, number: str, task: Mapping[str, Any]) -> Optional[Ticket]:
        """The ticket of a listed task; None where its bug has just been hidden from us."""
        try:
            return self._ticket(self._bug(number), task)
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return None

    def _is_ours(self, target_link: str) -> bool:
        path = unquote(urlsplit(target_link).path)
        return path == f"{urlsplit(self._base).path}/{self._project}"

    def _entries(self, path: str, query: Mapping[str, Any]) -> Iterator[Row]:
        """Entries of all pages; the next page's address is Launchpad's own."""
        told = self._row(path, {**query, "ws.size": PAGE})
        while True:
            for row in parse.sequence(parse.at(told, "entries", "a listing"), "a listing"):
                yield parse.mapping(row, "a row of a listing")
            following = told.get("next_collection_link")
            if not following:
                return
            told = self._row(str(following))

    def _row(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Row:
        return parse.mapping(self._http.read(path, query).data, "the answer")

    def _bug(self, ticket_id: str) -> Row:
        return self._row(_bug_path(ticket_id))

    def _task(self, ticket_id: str) -> Row:
        return self._row(self._task_path(ticket_id))

    def _task_path(self, ticket_id: str) -> str:
        return f"/{self._project}/+bug/{ticket_number(ticket_id, 'bug')}"

    def _url(self, number: str) -> str:
        return f"{self._pages}/+bug/{number}"

    @parse.understood
    def _ticket(self, bug: Mapping[str, Any], task: Mapping[str, Any]) -> Ticket:
        number = int(parse.at(bug, "id", "a bug"))
        status = str(parse.at(task, "status", "a bug's task"))
        duplicate = bool(bug.get("duplicate_of_link"))
        closed = duplicate or bool(parse.at(task, "is_complete", "a bug's task"))
        key, labels = key_among(_tags(bug))
        assignee = name_in(task.get("assignee_link"))
        ended = task.get("date_closed") or bug.get("date_last_updated")
        return Ticket(
            id=str(number),
            number=number,
            url=self._url(str(number)),
            key=key,
            title=str(bug.get("title") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=(DUPLICATE if duplicate else status) if closed else "",
            assignees=(assignee,) if assignee else (),
            labels=labels,
            opened_at=_instant(bug.get("date_created")),
            closed_at=_instant(ended) if closed else None,
            author=name_in(bug.get("owner_link")),
        )

    def _remedy(self, status: int) -> str:
        return remedy(status, self._project)


def _bug_path(ticket_id: str) -> str:
    return f"/bugs/{ticket_number(ticket_id, 'bug')}"


def _plain(who: str) -> str:
    """A name as Launchpad has it: in lower case, without the tilde of its address."""
    return who.strip().lstrip("~").lower()


def _tags(bug: Mapping[str, Any]) -> List[str]:
    return [str(tag) for tag in parse.sequence(bug.get("tags") or [], "a bug's tags")]


def _instant(text: Any) -> Optional[datetime]:
    """An instant; all of Launchpad's are in UTC, some with fractions of a second."""
    return parse.instant(str(text or "")[: len("2026-03-02T09:00:00")], INSTANT)
