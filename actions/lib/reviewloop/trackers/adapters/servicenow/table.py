"""ServiceNow's Table API: rows, refusals, and who or what a name stands for.

- A part of a query that names an unknown field is ignored, and then every row answers
  (``api-reference/rest-apis/c_TableAPI.md``, ``sysparm_query``); so rows are compared here again.
- ``sysparm_limit`` counts rows before access controls take some away: a short page is not the last
  one. The ``Link`` header tells, or ``X-Total-Count``.
- Unknown fields are ignored in what is asked for and in what is written, and so are fields that an
  access control protects: all with 200 or 201. Hence the reading back. A refusal is 403, whether
  by an access control, a data policy or a business rule
  (``api-reference/rest-api-explorer/r_RESTAPIHTTPResponseCodes.md``); its ``detail`` tells which.
- A transaction that took too long may answer 200 with an ``error`` beside half a ``result``.
- A journal's entries show in the record's own *display* value, newest first, each below a line
  ``<time> - <name> (<label>)``. The table ``sys_journal_field`` has them apart, but rights of its
  own, without which it answers 200 and nothing (rapid7/insightconnect-plugins#4064).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from itertools import islice
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type

from reviewloop.errors import AmbiguousError, RefusedError, TemporaryError
from reviewloop.http import codes
from reviewloop.http.messages import whole_number
from reviewloop.markup import escape as fmt
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.servicenow.settings import FIELDS
from reviewloop.trackers.answers import Answer
from reviewloop.trackers.http import Http

PAGE = 100
API = "/api/now/table"

SYS_ID = re.compile(r"[0-9a-f]{32}")
# ``^`` would begin a condition of its own, ``javascript:`` would be run by the instance.
_QUERYABLE = re.compile(r"(?!\s*javascript:)[^\^\x00-\x1f\x7f]{1,100}", re.IGNORECASE)
# The line above a journal's entry. The instance's language and formats are not ours to know.
_ENTRY = re.compile(
    r"(?:\A|\n\n)(?=[^\n]{0,38}\d)[^\n]{4,40}? - (?P<who>[^\n]{0,120}?) \([^()\n]{1,60}\)\n"
)

_WHAT = {"sys_user": "user", "sys_user_group": "group"}
OF = {
    "sys_user": "the user ID, mail address or sys_id of an active user",
    "sys_user_group": "the name or sys_id of an active group",
}
Row = Dict[str, Any]


class Table:
    """What the tables of one instance hold; each name is looked up once.

    :param web: the instance as errors name it.
    """

    def __init__(self, http: Http, web: str) -> None:
        self._http = http
        self._web = web
        self._known: Dict[Tuple[str, str], Row] = {}

    def read(self, path: str, asked: Optional[Mapping[str, Any]] = None) -> Any:
        """What an answer is about."""
        with self.explained():
            return result_of(self._http.read(path, asked), TemporaryError)

    def write(self, method: str, path: str, body: Row) -> Any:
        """What the record looks like now."""
        with self.explained():
            answer = self._http.write(method, path, body)
        return result_of(answer, AmbiguousError)

    def rows(self, table: str, query: str, fields: str) -> Iterator[Row]:
        """Rows of all pages, in an order that new rows do not disturb.

        Offsets are counted here and not taken from ``Link``, which names the host that the instance
        calls itself by.
        """
        order = "^ORDERBYsys_created_on^ORDERBYsys_id"
        offset = 0
        while True:
            asked = {
                "sysparm_query": query + order,
                **view(fields),
                "sysparm_limit": PAGE,
                "sysparm_offset": offset,
            }
            with self.explained():
                answer = self._http.read(f"{API}/{table}", asked)
            rows = parse.sequence(result_of(answer, TemporaryError), "a listing")
            for row in rows:
                yield parse.mapping(row, "a row of a listing")
            offset += PAGE
            total = answer.headers.get("x-total-count", "")
            more = (whole_number(total) or 0) > offset
            if not (more or answer.next_url or len(rows) >= PAGE):
                return

    def user(self, who: str) -> Row:
        """The user of a roster's name.

        :raises RefusedError: as :meth:`lookup`.
        """
        return self.lookup("sys_user", ("user_name", "email"), who)

    def own_login(self) -> str:
        """Our user ID, as the table of users has it.

        :raises RefusedError: it does not tell.
        """
        mine = self.rows("sys_user", "sys_id=javascript:gs.getUserID()", "sys_id,user_name")
        rows = list(islice(mine, 2))
        if len(rows) != 1:
            raise RefusedError(
                f"{self._web} does not tell who we are.",
                "Let the account read its own record in sys_user, or the REST API key's access "
                "policy cover /api/now/ui/user.",
                codes.FORBIDDEN,
            )
        return cell(rows[0], "user_name")

    def lookup(self, table: str, columns: Sequence[str], text: str) -> Row:
        """The one active row that a name stands for, by ``sys_id`` or the first column that has it.

        :raises RefusedError: there is none, or more than one (422: nothing was written).
        """
        if (table, text) in self._known:
            return self._known[table, text]
        columns = ("sys_id", *columns)
        rows = self._named(table, columns, text) if _QUERYABLE.fullmatch(text) else []
        for column in columns:
            same = [row for row in rows if cell(row, column).casefold() == text.casefold()]
            if len(same) == 1 and SYS_ID.fullmatch(cell(same[0], "sys_id")):
                return self._known.setdefault((table, text), same[0])
        raise RefusedError(
            f"{text!r} is not exactly one active {_WHAT[table]} that our account may read.",
            f"Write {OF[table]}, and let the account read {table}.",
            codes.UNPROCESSABLE,
        )

    def _named(self, table: str, columns: Sequence[str], text: str) -> List[Row]:
        query = "^OR".join(f"{column}={text}" for column in columns)
        found = self.rows(table, query, ",".join((*columns, "active")))
        try:
            # A page is enough: were the query not heeded, these would be all users there are.
            return [row for row in islice(found, PAGE) if cell(row, "active") != "false"]
        except RefusedError as err:
            advice = f"Let the account read {table}."
            raise RefusedError(err.message, advice, err.status, err.answer) from err

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Add the ``detail`` to a refusal, of which the message alone says next to nothing."""
        try:
            yield
        except RefusedError as err:
            detail = self._http.one_line(said_in(err))
            if not detail:
                raise
            advice = self._advice(detail) or err.remedy
            raise RefusedError(f"{err.message}: {detail}", advice, err.status, err.answer) from err

    def _advice(self, detail: str) -> str:
        if "data policy" in detail.lower():
            return (
                "A data policy makes these fields mandatory: set tracker.options.fields or, for "
                "closing, tracker.options.close_code and close_notes."
            )
        if "business rule" in detail.lower():
            return "A business rule of the instance forbids it: its administrator must let us."
        return ""


def view(fields: str = FIELDS) -> Dict[str, str]:
    """How a record is to be shown: every field as value and as display value."""
    return {"sysparm_fields": fields, "sysparm_display_value": "all"}


def result_of(answer: Answer, fault: Type[TemporaryError]) -> Any:
    """What an answer is about; ``fault`` where the transaction was broken off, whatever came."""
    data = parse.mapping(answer.data, "the answer")
    if data.get("error"):
        raise fault(
            "ServiceNow broke its work off in the middle and answered only a part.",
            "The next run tries again.",
        )
    return parse.required(data, "result", "the answer")


def said_in(err: RefusedError) -> str:
    """The ``detail`` of a refusal."""
    data = err.answer if isinstance(err.answer, dict) else {}
    inner = data.get("error")
    detail = inner.get("detail") if isinstance(inner, dict) else None
    return fmt.clean(str(detail or ""))


def cell(row: Mapping[str, Any], name: str) -> str:
    """A field's value; "" where there is none."""
    data = row.get(name)
    return str((data.get("value") if isinstance(data, dict) else data) or "")


def shown(row: Mapping[str, Any], name: str) -> str:
    """A field as people see it."""
    data = row.get(name)
    return str((data.get("display_value") if isinstance(data, dict) else data) or "")


def entries(shown: str) -> List[Tuple[str, str]]:
    """Authors and texts of a journal, oldest first. What has no line above it is one entry."""
    text = shown.replace("\r\n", "\n").strip()
    heads = list(_ENTRY.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found = []
    for head, end in zip(heads, ends):
        start = head.end()
        found.append((head.group("who"), text[start:end].strip()))
    rest = text[: heads[0].start()] if heads else text
    return [*found[::-1], *([("", rest)] if rest else [])]
