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

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote, unquote, urlsplit

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http.messages import Response
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.base import (
    HTTP_GONE,
    HTTP_MOVED,
    HTTP_NOT_FOUND,
    SHARED_LABEL,
    CloseReason,
    Comment,
    Draft,
    Form,
    Option,
    State,
    Ticket,
    Tracker,
    TrackerSettings,
    check_settings,
    checked_url,
)
from reviewloop.trackers.http import FORBIDDEN, UNAUTHORIZED, Answer, Http

API = "https://api.launchpad.net/devel"
VERSION = "/devel"
PAGE = 100
INSTANT = "%Y-%m-%dT%H:%M:%S"
OPEN = (
    "New",
    "Incomplete",
    "Confirmed",
    "Triaged",
    "In Progress",
    "Deferred",
    "Fix Committed",
)
CLOSED = ("Opinion", "Invalid", "Won't Fix", "Expired", "Fix Released", "Does Not Exist")
"""All statuses of ``lp/bugs/interfaces/bugtask.py``, by whether they count as resolved there."""
DUPLICATE = "Duplicate"
"""What we call the resolution of a duplicate: its task keeps the status it had."""
EDIT_ATTEMPTS = 5
HTTP_BAD_REQUEST = 400
HTTP_SEE_OTHER = 303
HTTP_PRECONDITION_FAILED = 412
HTTP_UNPROCESSABLE = 422

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_PROJECT = re.compile(rf"{_NAME.pattern}(?:/\+source/{_NAME.pattern})?")
# The consumer's name comes first and may hold colons, as launchpadlib's "System-wide: …" does.
_TOKEN = re.compile(r"[^\r\n]+:[^:\s]+:[^:\s]+")
_BUG_LINK = re.compile(r"/bugs/(\d+)/?\Z")
_MESSAGE_LINK = re.compile(r"/comments/(\d+)/?\Z")
_TOKEN_FAULT = re.compile(
    r"\s*(?:Unknown|Expired|Unauthorized|Invalid|Inactive|No) "
    r"(?:access token|consumer|token|signature|account|UTF-8)|\s*You need to be logged in",
    re.IGNORECASE,
)

Row = Dict[str, Any]


def _one_of(names: Tuple[str, ...]) -> Form:
    return Form(re.compile("|".join(map(re.escape, names))), "one of " + ", ".join(names))


class _WebService(Http):
    """HTTP with the two habits of Launchpad: 303 as an answer, and 401 for a lack of rights."""

    def judge(self, response: Response, what: str, is_write: bool) -> Answer:
        """See :meth:`Http.judge`."""
        if response.status == HTTP_SEE_OTHER:
            return Answer(HTTP_SEE_OTHER, None, response.headers)
        if response.status == UNAUTHORIZED and not _TOKEN_FAULT.match(response.text):
            response = replace(response, status=FORBIDDEN)
        return super().judge(response, what, is_write)


class Launchpad(Tracker):
    """Bugs of one project, distribution or source package (``tracker.project``, as in its web
    address).
    """

    kind = "launchpad"
    body_format = BodyFormat.TEXT
    needs = ("project", "token")
    forms = {
        "project": Form(_PROJECT, "project, or distribution/+source/package"),
        "token": Form(_TOKEN, "consumer_key:token:token_secret"),
    }
    options = {
        "closed_status": Option(
            "The status of a ticket whose review came. Its reporter may reopen it, whoever set it.",
            "Fix Released",
            "Fix Released",
            form=_one_of(CLOSED),
        ),
        "not_planned_status": Option(
            "The status of a ticket whose change was given up. Won't Fix would need the project's "
            "bug supervisor, to set and to leave it.",
            "Invalid",
            "Invalid",
            form=_one_of(CLOSED),
        ),
        "open_status": Option(
            "The status of a ticket that is opened again.", "New", "New", form=_one_of(OPEN)
        ),
    }
    drops_hint = (
        "Where a project has a bug supervisor, only that team, the maintainer and the drivers may "
        "assign others: put the pack's account into one of them."
    )
    title_limit = 200
    body_limit = 50_000

    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        check_settings(type(self), settings)
        self._base = api_base(settings.url)
        self._project = settings.project
        self._closed = {
            CloseReason.COMPLETED: settings.option("closed_status", self.options),
            CloseReason.NOT_PLANNED: settings.option("not_planned_status", self.options),
        }
        self._opened = settings.option("open_status", self.options)
        host = urlsplit(self._base).netloc
        self._place = f"{self.kind}:{host}/{settings.project}"
        site = host.replace("api.", "", 1)
        self._web = f"{urlsplit(self._base).scheme}://bugs.{site}"
        self._http = _WebService(
            self._base,
            {"Authorization": _signature(settings.token), "Accept": "application/json"},
            verify=settings.tls,
            remedy=self._remedy,
            timing=timing,
            transport=transport,
        )

    @property
    def name(self) -> str:
        """``launchpad:<API host>/<project>``."""
        return self._place

    def whoami(self) -> str:
        """Our Launchpad name, from the address to which ``people/+me`` sends on."""
        try:
            answer = self._http.read("/people/+me")
        except RefusedError as err:
            if err.status != FORBIDDEN:
                raise
            raise AuthError(
                f"{self._place} does not accept our credential (401).", "Renew tracker.token."
            ) from err
        found = re.search(r"/~([^/?#]+)\Z", answer.headers.get("location", ""))
        if answer.status != HTTP_SEE_OTHER or found is None:
            raise ProtocolError(
                f"{self._place} does not tell who we are.",
                f"Check tracker.url: it must be the web service's address, such as {API}.",
            )
        return unquote(found.group(1))

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
        return tuple(ticket for ticket in found if ticket.key and ticket.is_open)

    def read(self, ticket_id: str) -> Ticket:
        """One bug by its number; a redirect where the project has no part in it any more."""
        return self._ticket(self._bug(ticket_id), self._task(ticket_id))

    def create(self, draft: Draft) -> Ticket:
        """Report a bug with the key among its tags, then assign it."""
        who = self._person(draft.assignee) if draft.assignee else ""
        title = fmt.title(draft.title, self.title_limit)
        answer = self._operate(
            "/bugs",
            "createBug",
            target=f"{self._base}/{self._project}",
            title=title,
            description=fmt.seal(draft.body, draft.key, self.body_format, self.body_limit),
            tags=[draft.key, *draft.labels],
        )
        found = _BUG_LINK.search(answer.headers.get("location", ""))
        if found is None:
            raise AmbiguousError(
                f"{self._place} does not tell the number of the new bug.",
                "The next run looks before it writes.",
            )
        number = found.group(1)
        try:
            if who:
                self._assign(number, who)
        except (RefusedError, TemporaryError):
            # The bug is there, so this is no failure of the creation; reading back tells the rest.
            pass
        return Ticket(
            id=number,
            number=int(number),
            url=self._url(number),
            key=draft.key,
            title=title,
            state=State.OPEN,
            labels=draft.labels,
        )

    @parse.understood
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All messages but the first, which is what the bug was reported with."""
        rows = self._entries(f"{_bug_path(ticket_id)}/messages", {})
        numbered = sorted(((_index(row), row) for row in rows), key=lambda pair: pair[0])
        return tuple(
            Comment(str(index), str(row.get("content") or ""), _name_in(row.get("owner_link")))
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
                "tags": [tag for tag in _tags(bug) if not KEY_PATTERN.fullmatch(tag)],
            }

        self._edit(ticket_id, change)

    def reopen(self, ticket_id: str) -> None:
        """Undo what closed it: the mark as a duplicate, the status, or both."""
        if self._bug(ticket_id).get("duplicate_of_link"):
            self._edit(ticket_id, lambda _bug: {"duplicate_of_link": None})
        if self._task(ticket_id).get("is_complete"):
            self._http.write("PATCH", self._task_path(ticket_id), {"status": self._opened})

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
            if _NAME.fullmatch(name) and self._row(f"/~{name}").get("is_valid", True):
                return name
        except RefusedError as err:
            if err.status not in (HTTP_NOT_FOUND, HTTP_GONE, *HTTP_MOVED):
                raise
        raise RefusedError(
            f"Launchpad has no active person or team {who!r}.",
            "Write the name that stands after ~ in the address of their page.",
            HTTP_UNPROCESSABLE,
        )

    def _operate(self, path: str, operation: str, **parameters: Any) -> Answer:
        form = {"ws.op": operation, **_as_json(parameters)}
        return self._http.write("POST", path, form, form=True)

    def _edit(self, ticket_id: str, change: Callable[[Mapping[str, Any]], Row]) -> None:
        """Change a bug as it was read; read again if somebody was faster."""
        for _ in range(EDIT_ATTEMPTS):
            bug = self._bug(ticket_id)
            etag = {"If-Match": str(parse.at(bug, "http_etag", "a bug"))}
            try:
                self._http.write("PATCH", _bug_path(ticket_id), change(bug), etag)
            except RefusedError as err:
                # 412 says that nothing was done, so this is no repetition.
                if err.status != HTTP_PRECONDITION_FAILED:
                    raise
            else:
                return
        raise TemporaryError(
            f"Bug {ticket_id} of {self._place} is being changed by others all the time.",
            "The next run tries again.",
        )

    def _listed(self, **only: Any) -> Tuple[Ticket, ...]:
        # By number: a bug reported meanwhile goes to the end and moves no page.
        query = {"ws.op": "searchTasks", **_as_json({"order_by": ["id"], **only})}
        tasks = {}
        for task in self._entries(f"/{self._project}", query):
            # A project's listing also shows tasks of its series.
            if self._is_ours(str(task.get("target_link"))):
                tasks[_number_in(task.get("bug_link"))] = task
        tickets = (self._listed_ticket(number, task) for number, task in tasks.items())
        return tuple(sorted(filter(None, tickets), key=lambda ticket: ticket.number))

    def _listed_ticket(self, number: str, task: Mapping[str, Any]) -> Optional[Ticket]:
        """The ticket of a listed task; None where its bug has just been hidden from us."""
        try:
            return self._ticket(self._bug(number), task)
        except RefusedError as err:
            if err.status != HTTP_NOT_FOUND:
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
        return f"/{self._project}/+bug/{_number(ticket_id)}"

    def _url(self, number: str) -> str:
        return f"{self._web}/{self._project}/+bug/{number}"

    @parse.understood
    def _ticket(self, bug: Mapping[str, Any], task: Mapping[str, Any]) -> Ticket:
        number = int(parse.at(bug, "id", "a bug"))
        status = str(parse.at(task, "status", "a bug's task"))
        duplicate = bool(bug.get("duplicate_of_link"))
        closed = duplicate or bool(parse.at(task, "is_complete", "a bug's task"))
        tags = _tags(bug)
        keys = [tag for tag in tags if KEY_PATTERN.fullmatch(tag)]
        assignee = _name_in(task.get("assignee_link"))
        ended = task.get("date_closed") or bug.get("date_last_updated")
        return Ticket(
            id=str(number),
            number=number,
            url=self._url(str(number)),
            key=keys[0] if keys else None,
            title=str(bug.get("title") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=(DUPLICATE if duplicate else status) if closed else "",
            assignees=(assignee,) if assignee else (),
            labels=tuple(tag for tag in tags if tag not in keys),
            opened_at=_instant(bug.get("date_created")),
            closed_at=_instant(ended) if closed else None,
        )

    def _remedy(self, status: int) -> str:
        if status in HTTP_MOVED:
            return f"{self._project} was renamed: set tracker.project to its new name."
        if status in (HTTP_NOT_FOUND, HTTP_GONE):
            return (
                f"Check tracker.project: that {self._project} is a project or distribution there "
                "and that the token's account may see it."
            )
        if status == FORBIDDEN:
            return (
                f"Let tracker.token change data (private data too, if bugs of {self._project} are "
                "private). For Won't Fix, Triaged, Deferred and Expired its account must be in "
                "the project's bug supervisor, and so it must to assign others."
            )
        if status == HTTP_BAD_REQUEST:
            return (
                f"Check that tracker.project ({self._project}) is no series and no project group."
            )
        return ""


def api_base(url: str) -> str:
    """The web service's address, from the one people open."""
    base = checked_url(url or API)
    parts = urlsplit(base)
    host = parts.netloc
    if not host.startswith("api."):
        host = "api." + re.sub(r"\A(?:www|bugs|code|answers)\.", "", host)
        return f"{parts.scheme}://{host}{VERSION}"
    return base if parts.path else base + VERSION


def _signature(token: str) -> str:
    """The ``Authorization`` header. The consumer's secret is empty, as for all of Launchpad's."""
    consumer, key, secret = token.rsplit(":", 2)
    fields = {
        "realm": "https://api.launchpad.net/",
        "oauth_consumer_key": quote(consumer, safe="~"),
        "oauth_token": quote(key, safe="~"),
        "oauth_signature_method": "PLAINTEXT",
        "oauth_signature": quote(f"&{secret}", safe="~"),
        "oauth_version": "1.0",
    }
    return "OAuth " + ", ".join(f'{name}="{value}"' for name, value in fields.items())


def _as_json(parameters: Mapping[str, Any]) -> Dict[str, str]:
    return {name: json.dumps(value) for name, value in parameters.items()}


def _number(ticket_id: str) -> str:
    if not re.fullmatch(r"[0-9]+", ticket_id):
        raise RefusedError(f"{ticket_id!r} is no bug number.", status=HTTP_NOT_FOUND)
    return ticket_id


def _bug_path(ticket_id: str) -> str:
    return f"/bugs/{_number(ticket_id)}"


def _number_in(link: Any) -> str:
    found = _BUG_LINK.search(str(link))
    if found is None:
        raise parse.misread("a bug's task", "has no link to its bug")
    return found.group(1)


def _index(row: Mapping[str, Any]) -> int:
    """The place of a message among those of its bug; 0 is the report itself."""
    found = _MESSAGE_LINK.search(str(row.get("self_link")))
    if found is None:
        raise parse.misread("a message", "has no number")
    return int(found.group(1))


def _name_in(link: Any) -> str:
    """The name at the end of a person's link, empty where there is none."""
    found = re.search(r"/~([^/?#]+)\Z", str(link or ""))
    return unquote(found.group(1)) if found else ""


def _plain(who: str) -> str:
    """A name as Launchpad has it: in lower case, without the tilde of its address."""
    return who.strip().lstrip("~").lower()


def _tags(bug: Mapping[str, Any]) -> List[str]:
    return [str(tag) for tag in parse.sequence(bug.get("tags") or [], "a bug's tags")]


def _instant(text: Any) -> Optional[datetime]:
    """An instant; all of Launchpad's are in UTC, some with fractions of a second."""
    return parse.instant(str(text or "")[: len("2026-03-02T09:00:00")], INSTANT)
