"""The bugs of one Bugzilla product: how they are searched and read, and a bug as a ticket."""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.bugzilla.rest import INVALID_USER, UNKNOWN_NAME, Row, code_of
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import key_among, ticket_number
from reviewloop.trackers.tickets import State, Ticket

PAGE = 500
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
FIELDS = (
    "id,alias,summary,is_open,resolution,assigned_to,whiteboard,creator,creation_time,"
    "last_change_time"
)

_LABEL = re.compile(r"\[([^\[\]]+)\]")


class Bugs:
    """The bugs of one product.

    :param web: the address of the pages that people see.
    :param secret: what every call repeats beside its own parameters.
    """

    def __init__(self, http: Http, web: str, product: str, secret: Mapping[str, str]) -> None:
        self._http = http
        self._web = web
        self._product = product
        self._secret = dict(secret)

    def user(self, who: str) -> str:
        """The login of a user, as Bugzilla writes it. On its own an unknown one would answer as
        anything else that is not there.
        """
        try:
            data = self.read("/user", names=who, include_fields="name")
        except RefusedError as err:
            if code_of(err) not in (UNKNOWN_NAME, INVALID_USER):
                raise
        else:
            rows = parse.sequence(parse.required(data, "users", "the answer"), "the users")
            if rows:
                return str(parse.required(rows[0], "name", "a user"))
        raise RefusedError(
            f"Bugzilla has no user {who!r}.",
            "Write the login, which is a mail address as a rule.",
            codes.UNPROCESSABLE,
        )

    def bug(self, number_or_alias: str) -> Ticket:
        """A bug by its number or alias."""
        return self._ticket(self._row(number_or_alias, FIELDS))

    def _row(self, number_or_alias: str, fields: str) -> Row:
        data = self.read(f"/bug/{number_or_alias}", include_fields=fields)
        rows = parse.sequence(parse.required(data, "bugs", "the answer"), "the bugs")
        if len(rows) != 1:
            raise parse.misread("the answer", f"holds {len(rows)} bugs")
        return parse.mapping(rows[0], "a bug")

    def aliases(self, ticket_id: str) -> List[str]:
        """The aliases of a bug, keys included."""
        return _names(self._row(ticket_number(ticket_id, "bug"), "id,alias").get("alias"))

    def open_after(self, number: int) -> List[Ticket]:
        """The next open bugs with a key, above a number: a page that nothing can move."""
        data = self.read(
            "/bug",
            product=self._product,
            resolution="---",
            f1="alias",
            o1="substring",
            v1="grv-",
            f2="bug_id",
            o2="greaterthan",
            v2=number,
            order="bug_id",
            limit=PAGE,
            include_fields=FIELDS,
        )
        rows = parse.sequence(parse.required(data, "bugs", "the answer"), "the bugs")
        return [self._ticket(row) for row in rows]

    def read(self, path: str, **params: Any) -> Any:
        """What a call answers."""
        return self._http.read(path, {**params, **self._secret}).data

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """What a writing call answers."""
        return self._http.write(method, path, {**body, **self._secret}).data

    def url(self, number: int) -> str:
        """The address at which people see a bug."""
        return f"{self._web}/show_bug.cgi?id={number}"

    @parse.protocol_errors
    def _ticket(self, data: Any) -> Ticket:
        row = parse.mapping(data, "a bug")
        number = int(parse.required(row, "id", "a bug"))
        is_open = bool(parse.required(row, "is_open", "a bug"))
        key, _ = key_among(_names(row.get("alias")))
        assignee = str(row.get("assigned_to") or "")
        changed = row.get("last_change_time")
        return Ticket(
            id=str(number),
            number=number,
            url=self.url(number),
            key=key,
            title=str(row.get("summary") or ""),
            state=State.OPEN if is_open else State.CLOSED,
            resolution="" if is_open else str(row.get("resolution") or ""),
            assignees=(assignee,) if assignee else (),
            labels=tuple(_LABEL.findall(str(row.get("whiteboard") or ""))),
            opened_at=parse.instant(row.get("creation_time"), INSTANT),
            closed_at=None if is_open else parse.instant(changed, INSTANT),
            author=str(row.get("creator") or ""),
        )


def _names(data: Any) -> List[str]:
    """Aliases, which are a list, or one text in harmony."""
    return [str(name) for name in (data if isinstance(data, list) else [data]) if name]
