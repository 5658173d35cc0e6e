"""A Roundup's database through its REST interface: items and their ETags, keywords, statuses.

A keyword's name is unique: of several runs that create it one succeeds, the others get 409.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from reviewloop.errors import AmbiguousError, ConfigError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.http.messages import http_date
from reviewloop.trackers import parse
from reviewloop.trackers.answers import Answer
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import ambiguous, ticket_number
from reviewloop.trackers.shortfalls import Shortfall, of_lookups

PAGE = 100
CLOSED_NAMES = ("resolved", "closed")
"""Statuses of the classic and of the devel template that their own "open" listings leave out."""


class Database:
    """The items of one tracker; the statuses are asked for once.

    :param place: the tracker as errors name it.
    """

    def __init__(self, http: Http, place: str) -> None:
        self._http = http
        self._place = place
        self._statuses: Dict[str, str] = {}

    def item(self, ticket_id: str) -> Tuple[Dict[str, Any], str]:
        """An issue's attributes, and the ETag that a change of it must name."""
        data = _data(self._http.read(path_of(ticket_id)))
        item = parse.mapping(parse.required(data, "attributes", "an issue"), "an issue")
        return item, str(parse.required(data, "@etag", "an issue"))

    def ensured(self, keyword: str) -> bool:
        """See to it that a keyword exists; False where we may not make one (reading back tells)."""
        if self.keyword(keyword) is not None:
            return True
        try:
            self._http.write("POST", "/keyword", {"name": keyword})
        except RefusedError as err:
            if err.status == codes.FORBIDDEN:
                return False
            if err.status != codes.CONFLICT:
                raise
        except AmbiguousError:
            return self.keyword(keyword) is not None
        return True

    def keyword(self, name: str) -> Optional[Dict[str, Any]]:
        """``{id, name, creation, asked}`` of a keyword; ``asked`` is the server's time of
        answering.
        """
        query = {"name:": name, "@fields": "name,creation"}
        answer = self._http.read("/keyword", query)
        for row in _collection(answer):
            if row.get("name") == name:
                return {**row, "asked": _date(answer)}
        return None

    def rows(self, path: str, query: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """The items of all pages of a listing."""
        rows: List[Dict[str, Any]] = []
        index = 1
        while True:
            page = {**query, "@page_size": PAGE, "@page_index": index}
            found = _collection(self._http.read(path, page))
            rows += found
            if len(found) < PAGE:
                return rows
            index += 1

    def status_names(self) -> Dict[str, str]:
        """Names of the statuses by their ids, in the tracker's order."""
        if not self._statuses:
            rows = self.rows("/status", {"@fields": "name,order", "@sort": "order"})
            self._statuses = {str(row["id"]): str(row.get("name")) for row in rows}
        return self._statuses

    def closed_id(self) -> str:
        """The status of closed issues.

        :raises ConfigError: the tracker has none.
        """
        closed = [sid for sid in self.status_names() if self.is_closed(sid)]
        if closed:
            return closed[0]
        raise ConfigError(
            f"{self._place} has no status named {' or '.join(CLOSED_NAMES)}.",
            "Add one to the tracker: its issues cannot be closed without it.",
        )

    def user(self, who: str) -> bool:
        """Whether there is such a user; one that was retired is not listed."""
        rows = self.rows("/user", {"username:": who, "@fields": "username"})
        return who in {row.get("username") for row in rows}

    def shortfalls(self) -> Iterator[Shortfall]:
        """The status that closes; what our roles allow, Roundup does not tell."""
        yield from of_lookups(self.closed_id)
        yield Shortfall(
            "Roundup does not tell whether our account may create keywords and edit issues.",
            "See docs/trackers/roundup.md for the permissions, and open one ticket to try them.",
            sure=None,
        )

    def is_closed(self, status: str) -> bool:
        """Whether a status, by its id, ends an issue."""
        return self.status_names().get(status) in CLOSED_NAMES

    def message(self, text: str, author: str) -> str:
        """Create a message, which an issue can then hold; its id."""
        body = {"content": text, "type": "text/plain", "author": author, "date": "."}
        return created(self._http.write("POST", "/msg", body))


def path_of(ticket_id: str) -> str:
    """The path of an issue."""
    return f"/issue/{ticket_number(ticket_id, 'issue')}"


def _data(answer: Answer) -> Dict[str, Any]:
    return parse.mapping(parse.required(answer.data, "data", "the answer"), "the answer")


def _collection(answer: Answer) -> List[Dict[str, Any]]:
    found = parse.sequence(parse.required(_data(answer), "collection", "a listing"), "a listing")
    return [parse.mapping(row, "a row of a listing") for row in found]


def created(answer: Answer) -> str:
    """The id of what a POST created; an answer without one leaves open what happened."""
    try:
        return ticket_number(str(parse.required(_data(answer), "id", "the created item")), "issue")
    except (ProtocolError, RefusedError) as err:
        raise ambiguous(err) from err


def _date(answer: Answer) -> datetime:
    """The server's own time of an answer (RFC 9110 ``Date``)."""
    date = http_date(answer.headers.get("date", ""))
    if date is None:
        raise parse.misread("the answer", "has no Date")
    return date


def ids_of(data: Any) -> Any:
    """A link as its id, several as their ids, anything else as it is: the form that is written."""
    if isinstance(data, list):
        return [ids_of(one) for one in data]
    return str(data["id"]) if isinstance(data, dict) and "id" in data else data
