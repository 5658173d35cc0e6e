"""Roundup, through its REST interface (https://www.roundup-tracker.org/docs/rest.html), tried with
2.6.

What it takes, and what this relies on:

- Writes need ``X-Requested-With`` and an ``Origin`` equal to the tracker's own ``web`` address
  (roundup/cgi/client.py, ``handle_csrf``); changes of an item need its ``ETag`` in ``If-Match``.
- A keyword's name is unique, so creating it claims a key; its issues carry the keyword, so the
  listing by keyword finds them.
- Anything unforeseen inside Roundup answers 400 "An error occurred" (roundup/rest.py), among it the
  loser of two creations in the same millisecond. Such a request keeps its SQLite lock as long as
  its connection lives, so every call here has a connection of its own.
- Commenting on a resolved issue reopens it as "chatting" (``detectors/statusauditor.py`` of the
  classic template) unless the same change names a status.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from reviewloop.errors import AmbiguousError, AuthError, RefusedError, TemporaryError
from reviewloop.http import codes
from reviewloop.http.credentials import basic
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.roundup.database import (
    CLOSED_NAMES,
    PAGE,
    Database,
    created,
    ids_of,
    path_of,
)
from reviewloop.trackers.adapters.roundup.settings import FORMS, remedy
from reviewloop.trackers.rest import (
    RestTracker,
    by_number,
    key_among,
    member,
    open_with_key,
    ticket_number,
)
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

INSTANT = "%Y-%m-%d.%H:%M:%S"
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
    forms = FORMS
    drops_hint = "Give the pack's user the right to create keywords and to edit issues."

    api_path = "/rest/data"
    fault_text = FAULT
    keep_alive = False

    def _begin(self) -> None:
        self._user = self._settings.token.partition(":")[0]
        self._database = Database(self._http, self._place)
        self._setup = self._database.shortfalls
        self._lookup = self._database.user

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
        rows = self._database.rows("/user", {"username:": self._user, "@fields": "username"})
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
        keyword = self._database.keyword(name)
        if keyword is None:
            return []
        query = {"keyword": keyword["id"], "@fields": FIELDS, "@verbose": 2, "@sort": "id"}
        return [self._ticket(row) for row in self._database.rows("/issue", query)]

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its number; a retired one counts as gone."""
        query = {"id": ticket_number(ticket_id, "issue"), "@fields": FIELDS, "@verbose": 2}
        rows = self._database.rows("/issue", query)
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
        keyword = self._database.keyword(key)
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
        made = [name for name in keywords if self._database.ensured(name)]
        message = self._database.message(self._sealed(draft), self._user)
        body: Dict[str, Any] = {
            "title": self._title(draft),
            "keyword": made,
            "messages": [message],
        }
        if draft.assignee:
            body["assignedto"] = draft.assignee
        number = created(self._http.write("POST", "/issue", body))
        return self._opened(draft, number, self._url(number), str(body["title"]))

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All messages of an issue; the first is its body."""
        item, _ = self._database.item(ticket_id)
        ids = [str(parse.required(one, "id", "a message")) for one in item.get("messages") or ()]
        rows: List[Dict[str, Any]] = []
        for start in range(0, len(ids), PAGE):
            stop = start + PAGE
            query = {"id": ids[start:stop], "@fields": "content,author", "@verbose": 3}
            rows += self._database.rows("/msg", query)
        rows.sort(key=lambda row: int(row["id"]))
        return tuple(
            Comment(
                str(row["id"]), str(row.get("content") or ""), member(row.get("author"), "username")
            )
            for row in rows
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Attach a message to an issue, leaving a closed one closed."""
        message = self._database.message(text, self._user)

        def change(item: Mapping[str, Any]) -> Dict[str, Any]:
            data: Dict[str, Any] = {"messages": [*ids_of(item.get("messages") or []), message]}
            status = ids_of(item.get("status"))
            if status and self._database.is_closed(status):
                data["status"] = status
            return data

        self._edit(ticket_id, change)

    def close(self, ticket_id: str, reason: CloseReason) -> None:  # noqa: ARG002 - one way to close
        """Set the closed status. Roundup's templates know no reason; the comment tells it."""
        closed = self._database.closed_id()
        self._edit(ticket_id, lambda _item: {"status": closed})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close an issue as superseded by another and take its key's keyword off."""
        keyword = self._database.keyword(keep.key or "")
        lost = keyword["id"] if keyword else ""
        closed = self._database.closed_id()

        def change(item: Mapping[str, Any]) -> Dict[str, Any]:
            rest = [one for one in ids_of(item.get("keyword") or []) if one != lost]
            return {"status": closed, "superseder": [keep.id], "keyword": rest}

        self._edit(ticket_id, change)

    def reopen(self, ticket_id: str) -> None:
        """Set the first status of the tracker's order, with which it opens issues."""
        names = self._database.status_names()
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
        item, etag = self._database.item(ticket_id)
        wanted = change(item)
        if any(ids_of(item.get(name)) != value for name, value in wanted.items()):
            self._http.write("PATCH", path_of(ticket_id), wanted, {"If-Match": etag})

    def _url(self, number: str) -> str:
        return f"{self._web}/issue{number}"

    def _ticket(self, row: Mapping[str, Any]) -> Ticket:
        number = str(parse.required(row, "id", "an issue"))
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
        return remedy(status, self._user)
