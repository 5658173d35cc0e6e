"""Roundup, through its REST interface (https://www.roundup-tracker.org/docs/rest.html), tried with
2.6.

What it takes, and what this relies on:

- Writes need ``X-Requested-With`` and an ``Origin`` equal to the tracker's own ``web`` address
  (roundup/cgi/client.py, ``handle_csrf``); changes of an item need its ``ETag`` in ``If-Match``.
- A keyword's name is unique: of several runs that create it one succeeds, the others get 409. That
  claims a key, and its issues carry the keyword, so the listing by keyword finds them.
- Anything unforeseen inside Roundup answers 400 "An error occurred" (roundup/rest.py), among it the
  loser of two creations in the same millisecond. Such a request keeps its SQLite lock as long as
  its connection lives, so every call here has a connection of its own.
- Commenting on a resolved issue reopens it as "chatting" (``detectors/statusauditor.py`` of the
  classic template) unless the same change names a status.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http import codes
from reviewloop.http.credentials import basic
from reviewloop.http.messages import http_date
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.answers import Answer
from reviewloop.trackers.rest import (
    RestTracker,
    by_number,
    key_among,
    member,
    open_with_key,
    ticket_number,
    unclear,
)
from reviewloop.trackers.settings import Form
from reviewloop.trackers.tickets import (
    SHARED_LABEL,
    Claim,
    ClaimState,
    CloseReason,
    Comment,
    Draft,
    State,
    Ticket,
)

PAGE = 100
INSTANT = "%Y-%m-%d.%H:%M:%S"
CLOSED_NAMES = ("resolved", "closed")
"""Statuses of the classic and of the devel template that their own "open" listings leave out."""
FIELDS = "title,status,assignedto,keyword,creation,creator,activity"
FAULT = "An error occurred. Please check the server log"

Change = Callable[[Mapping[str, Any]], Dict[str, Any]]
"""From an issue's attributes to those to set."""


class Roundup(RestTracker):
    """Issues of one Roundup tracker (``tracker.url``: its web address; ``token``:
    ``user:password``).
    """

    kind = "roundup"
    body_format = BodyFormat.TEXT
    needs = ("url", "token")
    forms = {"token": Form(re.compile(r"[^:\s]+:.+"), "user:password")}
    drops_hint = "Give the pack's user the right to create keywords and to edit issues."

    api_path = "/rest/data"
    fault_text = FAULT
    keep_alive = False

    def _begin(self) -> None:
        self._user = self._settings.token.partition(":")[0]
        self._statuses: Dict[str, str] = {}

    def _scope(self) -> str:
        return ""

    def _headers(self) -> Dict[str, str]:
        parts = urlsplit(self._web)
        user, _, password = self._settings.token.partition(":")
        return {
            "Authorization": basic(user, password),
            "X-Requested-With": "rest",
            "Origin": f"{parts.scheme}://{parts.netloc}",
        }

    def _who(self) -> str:
        """Our user name, as the tracker lists it. A wrong password gets 401 on every call."""
        rows = self._rows("/user", {"username:": self._user, "@fields": "username"})
        if self._user not in {row.get("username") for row in rows}:
            raise AuthError(
                f"{self._place} knows no user {self._user!r}.",
                "Set tracker.token to user:password of an account of this tracker.",
            )
        return self._user

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - the listing is cheap
    ) -> Tuple[Ticket, ...]:
        """All issues that carry the key as a keyword, straight from the database."""
        return by_number(self._with_keyword(key))

    def list_open(self) -> Tuple[Ticket, ...]:
        """All open issues with the shared label that carry a key."""
        return open_with_key(self._with_keyword(SHARED_LABEL))

    def _with_keyword(self, name: str) -> List[Ticket]:
        keyword = self._keyword(name)
        if keyword is None:
            return []
        query = {"keyword": keyword["id"], "@fields": FIELDS, "@verbose": 2, "@sort": "id"}
        return [self._ticket(row) for row in self._rows("/issue", query)]

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its number; a retired one counts as gone."""
        query = {"id": ticket_number(ticket_id, "issue"), "@fields": FIELDS, "@verbose": 2}
        rows = self._rows("/issue", query)
        if not rows:
            raise RefusedError(
                f"{self._place} has no issue {ticket_id}.", "It was retired.", codes.NOT_FOUND
            )
        return self._ticket(rows[0])

    def claim(self, key: str) -> Claim:
        """Create the key's keyword: the tracker lets one run do that."""
        try:
            self._http.write("POST", "/keyword", {"name": key})
        except RefusedError as err:
            if err.status != codes.CONFLICT:
                raise
            return self._held(key)
        except AmbiguousError:
            # Ours or another's, nobody can tell: treat it as another's, which ends by its age.
            return self._held(key)
        return Claim(ClaimState.WON)

    def _held(self, key: str) -> Claim:
        keyword = self._keyword(key)
        if keyword is None:
            raise TemporaryError(f"The keyword {key} came and went.", "Run again.")
        made = parse.instant(keyword.get("creation"), INSTANT)
        age = keyword["asked"] - made if made else timedelta(0)
        return Claim(ClaimState.HELD, max(age, timedelta(0)))

    def create(self, draft: Draft) -> Ticket:
        """Create the first message, then the issue that holds it; a message alone is seen by
        nobody.
        """
        keywords = [draft.key, *draft.labels]
        made = [name for name in keywords if self._ensured(name)]
        message = self._message(self._sealed(draft))
        body: Dict[str, Any] = {
            "title": self._title(draft),
            "keyword": made,
            "messages": [message],
        }
        if draft.assignee:
            body["assignedto"] = draft.assignee
        number = _created(self._http.write("POST", "/issue", body))
        return self._opened(draft, number, self._url(number), str(body["title"]))

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All messages of an issue; the first is its body."""
        item, _ = self._item(ticket_id)
        ids = [str(parse.at(one, "id", "a message")) for one in item.get("messages") or ()]
        rows: List[Dict[str, Any]] = []
        for start in range(0, len(ids), PAGE):
            stop = start + PAGE
            query = {"id": ids[start:stop], "@fields": "content,author", "@verbose": 3}
            rows += self._rows("/msg", query)
        rows.sort(key=lambda row: int(row["id"]))
        return tuple(
            Comment(
                str(row["id"]), str(row.get("content") or ""), member(row.get("author"), "username")
            )
            for row in rows
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Attach a message to an issue, leaving a closed one closed."""
        message = self._message(text)

        def change(item: Mapping[str, Any]) -> Dict[str, Any]:
            told: Dict[str, Any] = {"messages": [*_ids(item.get("messages") or []), message]}
            status = _ids(item.get("status"))
            if status and self._is_closed(status):
                told["status"] = status
            return told

        self._edit(ticket_id, change)

    def close(self, ticket_id: str, reason: CloseReason) -> None:  # noqa: ARG002 - one way to close
        """Set the closed status. Roundup's templates know no reason; the comment tells it."""
        closed = self._closed_id()
        self._edit(ticket_id, lambda _item: {"status": closed})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close an issue as superseded by another and take its key's keyword off."""
        keyword = self._keyword(keep.key or "")
        lost = keyword["id"] if keyword else ""
        closed = self._closed_id()

        def change(item: Mapping[str, Any]) -> Dict[str, Any]:
            rest = [one for one in _ids(item.get("keyword") or []) if one != lost]
            return {"status": closed, "superseder": [keep.id], "keyword": rest}

        self._edit(ticket_id, change)

    def reopen(self, ticket_id: str) -> None:
        """Set the first status of the tracker's order, with which it opens issues."""
        names = self._status_names()
        opened = next(sid for sid, name in names.items() if name not in CLOSED_NAMES)
        self._edit(ticket_id, lambda _item: {"status": opened})

    def assign(self, ticket_id: str, who: str) -> None:
        """Set ``assignedto``."""
        self._edit(ticket_id, lambda _item: {"assignedto": who})

    # -- parts ---------------------------------------------------------------------------------

    def _edit(self, ticket_id: str, change: Change) -> None:
        """Read, change, and write under ``If-Match``; again from the start if somebody was
        faster.
        """
        self._edited(
            lambda: self._changed(ticket_id, change),
            ticket_id,
            # 412 says that nothing was done, so this is no repetition.
            lambda err: err.status == codes.PRECONDITION_FAILED,
        )

    def _changed(self, ticket_id: str, change: Change) -> None:
        item, etag = self._item(ticket_id)
        wanted = change(item)
        if any(_ids(item.get(name)) != value for name, value in wanted.items()):
            self._http.write("PATCH", _path(ticket_id), wanted, {"If-Match": etag})

    def _item(self, ticket_id: str) -> Tuple[Dict[str, Any], str]:
        data = _data(self._http.read(_path(ticket_id)))
        item = parse.mapping(parse.at(data, "attributes", "an issue"), "an issue")
        return item, str(parse.at(data, "@etag", "an issue"))

    def _message(self, text: str) -> str:
        body = {"content": text, "type": "text/plain", "author": self._user, "date": "."}
        return _created(self._http.write("POST", "/msg", body))

    def _ensured(self, keyword: str) -> bool:
        """See to it that a keyword exists; False where we may not make one (reading back tells)."""
        if self._keyword(keyword) is not None:
            return True
        try:
            self._http.write("POST", "/keyword", {"name": keyword})
        except RefusedError as err:
            if err.status == codes.FORBIDDEN:
                return False
            if err.status != codes.CONFLICT:
                raise
        except AmbiguousError:
            return self._keyword(keyword) is not None
        return True

    def _keyword(self, name: str) -> Optional[Dict[str, Any]]:
        """``{id, name, creation, asked}`` of a keyword; ``asked`` is the server's time of
        answering.
        """
        query = {"name:": name, "@fields": "name,creation"}
        answer = self._http.read("/keyword", query)
        for row in parse.sequence(parse.at(_data(answer), "collection", "a listing"), "a listing"):
            if parse.mapping(row, "a keyword").get("name") == name:
                return {**row, "asked": _date(answer)}
        return None

    def _rows(self, path: str, query: Mapping[str, Any]) -> List[Dict[str, Any]]:
        rows: List[Dict[str, Any]] = []
        index = 1
        while True:
            page = {**query, "@page_size": PAGE, "@page_index": index}
            data = _data(self._http.read(path, page))
            found = parse.sequence(parse.at(data, "collection", "a listing"), "a listing")
            rows += [parse.mapping(row, "a row of a listing") for row in found]
            if len(found) < PAGE:
                return rows
            index += 1

    def _status_names(self) -> Dict[str, str]:
        """Names of the statuses by their ids, in the tracker's order."""
        if not self._statuses:
            rows = self._rows("/status", {"@fields": "name,order", "@sort": "order"})
            self._statuses = {str(row["id"]): str(row.get("name")) for row in rows}
        return self._statuses

    def _closed_id(self) -> str:
        closed = [sid for sid in self._status_names() if self._is_closed(sid)]
        if closed:
            return closed[0]
        raise ConfigError(
            f"{self._place} has no status named {' or '.join(CLOSED_NAMES)}.",
            "Add one to the tracker: its issues cannot be closed without it.",
        )

    def _is_closed(self, status: str) -> bool:
        return self._status_names().get(status) in CLOSED_NAMES

    def _url(self, number: str) -> str:
        return f"{self._web}/issue{number}"

    def _ticket(self, row: Mapping[str, Any]) -> Ticket:
        number = str(parse.at(row, "id", "an issue"))
        status = member(row.get("status"), "name")
        closed = status in CLOSED_NAMES
        key, labels = key_among(member(one, "name") for one in row.get("keyword") or ())
        assignee = member(row.get("assignedto"), "username")
        return Ticket(
            id=number,
            number=int(number),
            url=self._url(number),
            key=key,
            title=str(row.get("title") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=status if closed else "",
            assignees=(assignee,) if assignee else (),
            labels=labels,
            opened_at=parse.instant(row.get("creation"), INSTANT),
            closed_at=parse.instant(row.get("activity"), INSTANT) if closed else None,
            author=member(row.get("creator"), "username"),
        )

    def _remedy(self, status: int) -> str:
        if status == codes.BAD_REQUEST:
            return (
                "Check that the assignee is a user there, and that tracker.url is exactly the "
                "tracker's own web address (config.ini, [tracker] web)."
            )
        if status == codes.FORBIDDEN:
            return (
                f"Give the user {self._user} REST access and the rights to create and edit issues, "
                "messages and keywords."
            )
        if status == codes.NOT_FOUND:
            return "Check tracker.url; it must be the tracker's own web address."
        return ""


def _path(ticket_id: str) -> str:
    return f"/issue/{ticket_number(ticket_id, 'issue')}"


def _data(answer: Answer) -> Dict[str, Any]:
    return parse.mapping(parse.at(answer.data, "data", "the answer"), "the answer")


def _created(answer: Answer) -> str:
    """The id of what a POST created; an answer without one leaves open what happened."""
    try:
        return ticket_number(str(parse.at(_data(answer), "id", "the created item")), "issue")
    except (ProtocolError, RefusedError) as err:
        raise unclear(err) from err


def _date(answer: Answer) -> datetime:
    """The server's own time of an answer (RFC 9110 ``Date``)."""
    date = http_date(answer.headers.get("date", ""))
    if date is None:
        raise parse.misread("the answer", "has no Date")
    return date


def _ids(told: Any) -> Any:
    """A link as its id, several as their ids, anything else as it is: the form that is written."""
    if isinstance(told, list):
        return [_ids(one) for one in told]
    return str(told["id"]) if isinstance(told, dict) and "id" in told else told
