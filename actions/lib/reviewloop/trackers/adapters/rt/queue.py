"""One queue of Request Tracker: its tickets, its statuses, its custom fields, and the users.

Listings by TicketSQL come from the database, show all statuses but "deleted", and leave out tickets
merged into another (lib/RT/Tickets.pm). Whether a status ends a ticket is the lifecycle's matter,
which REST does not show; TicketSQL's ``Status = '__Active__'`` tells.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Tuple
from urllib.parse import quote

from reviewloop.errors import ConfigError, RefusedError
from reviewloop.http import codes
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.rt.settings import STEP
from reviewloop.trackers.http import Http

PAGE = 100
"""Rows a page; RT shows no more."""
FIELDS = "Subject,Status,Owner,Queue,CustomFields,Created,Creator,Resolved"

Row = Dict[str, Any]


class Queue:
    """One queue; what it answers about itself is asked for once.

    :param key_field: the name of the custom field that holds the key, in any case.
    """

    def __init__(self, http: Http, project: str, key_field: str) -> None:
        self._http = http
        self._project = project
        self._wanted_field = key_field
        self._field = ""
        self._activity: Dict[Tuple[str, str], bool] = {}
        self._people: Dict[str, str] = {}

    def with_key(self, key: str) -> Iterator[Row]:
        """The tickets, open and closed, whose field holds the key."""
        return self._rows(f"CF.{{{self.key_field()}}} = {_literal(key)}")

    def open_with_keys(self) -> Iterator[Row]:
        """The open tickets whose field holds any key."""
        return self._rows(f"CF.{{{self.key_field()}}} LIKE 'grv-' AND Status = '__Active__'")

    def _rows(self, condition: str) -> Iterator[Row]:
        """The queue's tickets under a condition, by number, each page after the last one seen."""
        last = 0
        while True:
            queue = _literal(self._project)
            query = f"Queue = {queue} AND {condition} AND id > {last}"
            data = self._search(query, PAGE)
            items = items_of(data)
            for number, row in parse.in_order(items, last):
                last = number
                yield row
            if not items or int(data.get("total") or 0) <= len(items):
                return

    def _search(self, query: str, size: int) -> Row:
        params = {"query": query, "orderby": "id", "per_page": size, "fields": FIELDS}
        return parse.mapping(self._http.read("/tickets", params).data, "a listing")

    def key_field(self) -> str:
        """The key's field as the queue writes it. TicketSQL finds nothing by a field that is not
        there, and says nothing.
        """
        if not self._field:
            wanted = self._wanted_field
            queue = self._http.read(f"/queue/{quoted(self._project)}").data
            fields = parse.mapping(queue, "a queue").get("TicketCustomFields") or ()
            names = [str(one.get("name")) for one in fields]
            found = [name for name in names if name.casefold() == wanted.casefold()]
            if not found:
                raise ConfigError(
                    f"Queue {self._project} of RT shows us no custom field {wanted!r}.",
                    "Create it (for Tickets, 'Enter one value'), apply it to the queue, and grant "
                    "the account SeeCustomField on it; or set tracker.options.key_field.",
                )
            self._field = found[0]
        return self._field

    def is_open(self, row: Row) -> bool:
        """By the lifecycle; each status of a queue is asked for once."""
        status = (id_of(row, "Queue"), str(parse.required(row, "Status", "a ticket")))
        if status not in self._activity:
            query = f"id = {int(row['id'])} AND Status = '__Active__'"
            self._activity[status] = bool(items_of(self._search(query, 1)))
        return self._activity[status]

    def user(self, who: str) -> str:
        """The name of a user RT knows, by name or number.

        :raises RefusedError: RT knows no such user.
        """
        if who not in self._people:
            unknown = RefusedError(
                f"RT knows no user {who!r}.",
                "Write the user's name in RT in the roster.",
                codes.UNPROCESSABLE,
            )
            if STEP.fullmatch(who):
                raise unknown
            try:
                data = self._http.read(f"/user/{quoted(who)}").data
            except RefusedError as err:
                if err.status != codes.NOT_FOUND:
                    raise
                raise unknown from err
            # Which fields of others are shown is RT's setting $UserSummaryExtraInfo.
            self._people[who] = str(parse.mapping(data, "a user").get("Name") or who)
        return self._people[who]


def quoted(text: str) -> str:
    """Text as one part of a path."""
    return quote(text, safe="")


def _literal(text: str) -> str:
    """A string in TicketSQL (lib/RT/SQL.pm)."""
    return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"


def items_of(data: Any) -> List[Row]:
    """The rows of a listing."""
    items = parse.sequence(parse.required(data, "items", "a listing"), "a listing")
    return [parse.mapping(row, "a row of a listing") for row in items]


def id_of(row: Mapping[str, Any], name: str) -> str:
    """What RT calls a linked thing: a user's name, a queue's number."""
    inner = row.get(name)
    return str(inner.get("id") or "") if isinstance(inner, dict) else ""
