"""A fake ServiceNow: its Table API in memory, as far as the pack uses it.

Written from the vendor's documentation (ServiceNow/ServiceNowDocs on GitHub: the Table API, the
HTTP response codes, journal fields, rate limits, reopening an incident) and from what public
clients report of the answers' wording; not recorded from the service. It keeps state, so that
sequences of calls can be tested, and has the service's silent habits: unknown fields and parts of a
query are ignored, access controls take rows out of a page that was counted before, and fields out
of what is read and written; what is too long is cut. It is no substitute for a run against a real
instance.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple
from urllib.parse import urlencode

from fake_http import FakeServer, Handler, Reply, Sent

HOST = "https://instance.example.org"
BOT = "review.bot"
TOKEN = f"{BOT}:pa:ss wörd"
API_KEY = "now_fake0123"
OAUTH = "oauth_fake0123"
STATES = {
    "1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled",
}  # fmt: skip
LENGTHS = {
    "short_description": 160, "description": 4000, "correlation_id": 100,
    "correlation_display": 100, "close_code": 40, "close_notes": 4000,
}  # fmt: skip
REFERENCES = {
    "assigned_to": "sys_user", "caller_id": "sys_user", "assignment_group": "sys_user_group",
    "parent": "task",
}  # fmt: skip
JOURNALS = {"work_notes": "Work notes", "comments": "Additional comments"}
OTHERS = ("number", "state", "active", "category", "impact", "urgency", "resolved_at", "closed_at")
SYSTEM = ("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on")
COLUMNS = {*LENGTHS, *REFERENCES, *JOURNALS, *OTHERS, *SYSTEM}
"""Fields of ``incident`` that ServiceNow documents; a request that names another is a mistake of
ours, and the fake says so where the service would not.
"""
OURS_TO_ASK = {
    "sysparm_query", "sysparm_fields", "sysparm_display_value", "sysparm_limit", "sysparm_offset",
}  # fmt: skip
DEFAULT_LIMIT = 10000
STAMP = "%Y-%m-%d %H:%M:%S"

Row = Dict[str, str]


def sys_id_of(text: str) -> str:
    """A ``sys_id`` that depends on a text only."""
    return hashlib.md5(text.encode()).hexdigest()


@dataclass
class _Entry:
    """What somebody wrote into a journal."""

    journal: str
    text: str
    author: str
    stamp: str


@dataclass
class _Rights:
    """What access controls take from the pack's account, none of it with a word."""

    hidden: Set[str] = field(default_factory=set)
    unreadable: Set[str] = field(default_factory=set)
    unwritable: Set[str] = field(default_factory=set)


class FakeServiceNow(FakeServer):
    """One instance, reached as a transport.

    :param table: the table of tickets; ``incident`` has states of its own and a data policy.
    :ivar absent: fields that this instance's table does not have.
    :ivar strict_queries: ``glide.invalid_query.returns_no_rows``.
    :ivar unique: ``correlation_id`` was made unique by the site.
    :ivar final: states that nobody leaves any more.
    :ivar may_create: False refuses every insert, as an access control of the table does.
    :ivar policy: fields without which nothing may be inserted.
    :ivar abort: a business rule of this name refuses every update.
    :ivar broken_off: transactions take too long: half the result, and an error, with 200.
    :ivar with_links: False loses ``Link`` and ``X-Total-Count``, as a proxy may.
    :ivar current_user: False refuses ``/api/now/ui/user/current_user``.
    """

    host = HOST

    def __init__(self, table: str = "incident") -> None:
        super().__init__()
        self.table = table
        self.rights = _Rights()
        self.absent: Set[str] = set()
        self.strict_queries = False
        self.unique = False
        self.final: Set[str] = {"7"}
        self.may_create = True
        self.policy: Tuple[str, ...] = ()
        self.abort = ""
        self.broken_off = False
        self.with_links = True
        self.current_user = True
        self.labels = dict(JOURNALS)
        self.credentials = {
            "Basic " + base64.b64encode(TOKEN.encode()).decode(): BOT,
            f"Bearer {OAUTH}": BOT,
            API_KEY: BOT,
        }
        self._number = 10000
        self.rows: Dict[str, Row] = {}
        self.journals: Dict[str, List[_Entry]] = {}
        self.users: Dict[str, Row] = {}
        self.groups: Dict[str, Row] = {}
        for login in (BOT, "committee1", "committee2", "committee3"):
            self.add_user(login)
        self.add_group("Reviewers")

    # -- what people do --------------------------------------------------------------------------

    def add_user(self, login: str, mail: str = "", active: bool = True) -> str:
        """A user; their ``sys_id``."""
        sys_id = sys_id_of(f"user {login} {len(self.users)}")
        self.users[sys_id] = {
            "sys_id": sys_id,
            "user_name": login,
            "email": mail or f"{login}@example.org",
            "name": f"{login.title()} Example",
            "active": _flag(active),
            "sys_created_on": self.stamp(),
        }
        return sys_id

    def add_group(self, name: str, active: bool = True) -> str:
        """A group; its ``sys_id``."""
        sys_id = sys_id_of(f"group {name} {len(self.groups)}")
        self.groups[sys_id] = {
            "sys_id": sys_id,
            "name": name,
            "active": _flag(active),
            "sys_created_on": self.stamp(),
        }
        return sys_id

    def add_record(self, by: str = "a.person", **fields: str) -> str:
        """A record somebody made; its ``sys_id``."""
        return self._insert(fields, by)["sys_id"]

    def change(self, sys_id: str, **fields: str) -> None:
        """Somebody with all rights changes a record."""
        self._apply(self.rows[sys_id], fields, "a.person")

    def texts(self, sys_id: str) -> List[str]:
        """The entries of a record's journals, oldest first."""
        return [entry.text for entry in self.journals[sys_id]]

    def stamp(self) -> str:
        """The instance's time."""
        return self.clock.strftime(STAMP)

    # -- transport -------------------------------------------------------------------------------

    def answer(self, sent: Sent) -> Reply:
        """Answer one request, if its credential is one."""
        given = sent.headers.get("x-sn-apikey") or sent.headers.get("Authorization", "")
        if given not in self.credentials:
            return _refusal(401, "User Not Authenticated", "Required to provide Auth information")
        assert sent.headers.get("Accept") == "application/json"
        assert set(sent.query) <= OURS_TO_ASK, f"unknown parameters: {set(sent.query)}"
        return super().answer(sent)

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """The calls the pack makes."""
        table = r"/api/now/table/([^/]*)"
        return [
            ("GET", "/api/now/ui/user/current_user", self._current_user),
            ("GET", table, self._list),
            ("POST", table, self._create),
            ("GET", rf"{table}/([^/]*)", self._get),
            ("PATCH", rf"{table}/([^/]*)", self._update),
        ]

    def not_found(self, _sent: Sent) -> Reply:
        """The answer to an address that is no service."""
        return _refusal(400, "Requested URI does not represent any resource", None)

    # -- endpoints -------------------------------------------------------------------------------

    def _current_user(self, sent: Sent) -> Reply:
        if not self.current_user:
            return _refusal(403, "User Not Authorized", "Failed API level ACL Validation")
        login = self._login(sent)
        known = {row["user_name"]: row for row in self.users.values()}
        name = known[login]["name"] if login in known else login
        return _done({"user_name": login, "user_display_name": name})

    def _list(self, sent: Sent, table: str) -> Reply:
        rows = self._table(table)
        if rows is None:
            return _refusal(400, f"Invalid table {table}", None)
        found = self._select(list(rows.values()), sent)
        limit = int(sent.query.get("sysparm_limit", DEFAULT_LIMIT))
        start = int(sent.query.get("sysparm_offset", 0))
        # Counted first, hidden afterwards.
        page = [row for row in found[start:][:limit] if row["sys_id"] not in self.rights.hidden]
        told = [self._told(table, row, sent) for row in page]
        if self.broken_off:
            return Reply(200, {"result": told[: len(told) // 2], **_fault(*TOO_LONG)})
        headers = self._paging(sent, start, limit, len(found)) if self.with_links else {}
        return Reply(200, {"result": told}, headers)

    def _paging(self, sent: Sent, start: int, limit: int, total: int) -> Dict[str, str]:
        places = {"first": 0, "next": start + limit, "last": max(0, (total - 1) // limit * limit)}
        if start + limit >= total:
            del places["next"]
        links = [
            f"<{self.calls_itself()}{sent.path}?"
            f'{urlencode({**sent.query, "sysparm_offset": str(place)})}>;rel="{rel}"'
            for rel, place in places.items()
        ]
        return {"Link": ",".join(links), "X-Total-Count": str(total)}

    def calls_itself(self) -> str:
        """The address in links, which need not be the one that was called."""
        return "https://real-name.example.org"

    def _get(self, sent: Sent, table: str, sys_id: str) -> Reply:
        row = self._row(table, sys_id)
        return _done(self._told(table, row, sent)) if row else _no_record()

    def _create(self, sent: Sent, table: str) -> Reply:
        if table != self.table:
            return _refusal(400, f"Invalid table {table}", None)
        if not self.may_create:
            detail = "ACL Exception Insert Failed due to security constraints"
            return _refusal(403, "Operation Failed", detail)
        body = self._writable(sent.body)
        missing = [name for name in self.policy if not body.get(name)]
        if missing:
            return _policy(missing)
        key = body.get("correlation_id")
        if self.unique and key and any(r["correlation_id"] == key for r in self.rows.values()):
            detail = f"Unique Key violation detected by database ((conn=1) Duplicate entry '{key}')"
            return _refusal(403, "Operation Failed", detail)
        row = self._insert(body, self._login(sent))
        reply = {"result": self._told(table, row, sent)}
        if self.broken_off:
            reply.update(_fault(*TOO_LONG))
        return Reply(201, reply, {"Location": f"{HOST}{sent.path}/{row['sys_id']}"})

    def _update(self, sent: Sent, table: str, sys_id: str) -> Reply:
        row = self._row(table, sys_id)
        if row is None:
            return _no_record()
        if self.abort:
            detail = (
                f"Operation against file '{table}' was aborted by Business Rule "
                f"'{self.abort}^0123'. Business Rule Stack:{self.abort}"
            )
            return _refusal(403, "Operation Failed", detail)
        body = self._writable(sent.body)
        if row["state"] in self.final:
            body.pop("state", None)
        after = {**row, **body}
        missing = [name for name in ("close_code", "close_notes") if not after.get(name)]
        if table == "incident" and body.get("state") in ("6", "7") and missing:
            return _policy(missing)
        self._apply(row, body, self._login(sent))
        return _done(self._told(table, row, sent))

    # -- parts -----------------------------------------------------------------------------------

    def _login(self, sent: Sent) -> str:
        given = sent.headers.get("x-sn-apikey") or sent.headers.get("Authorization", "")
        return self.credentials[given]

    def _table(self, name: str) -> Optional[Dict[str, Row]]:
        tables = {self.table: self.rows, "sys_user": self.users, "sys_user_group": self.groups}
        return tables.get(name)

    def _row(self, table: str, sys_id: str) -> Optional[Row]:
        rows = self._table(table) or {}
        return None if sys_id in self.rights.hidden else rows.get(sys_id)

    def _writable(self, body: Any) -> Row:
        """What of a body is not dropped, cut to the columns' lengths."""
        assert isinstance(body, dict)
        unknown = {name for name in body if name not in COLUMNS and not name.startswith("u_")}
        assert not unknown, f"no fields of a task: {unknown}"
        assert not {"sys_id", "number"} & set(body)
        dropped = {*self.absent, *self.rights.unwritable}
        kept = {}
        for name, value in body.items():
            assert isinstance(value, str)
            if name in REFERENCES and value:
                assert len(value) == 32, f"{name} is set by sys_id only"
            if name not in dropped:
                kept[name] = value[: LENGTHS.get(name, len(value))]
        return kept

    def _insert(self, fields: Mapping[str, str], login: str = "a.person") -> Row:
        self._number += 1
        number = f"{'INC' if self.table == 'incident' else 'TASK'}{self._number:07d}"
        sys_id = sys_id_of(number)
        row = dict.fromkeys(COLUMNS, "")
        row.update(
            sys_id=sys_id,
            number=number,
            state="1",
            active="true",
            sys_created_on=self.stamp(),
            sys_created_by=login,
        )
        self.rows[sys_id] = row
        self.journals[sys_id] = []
        self._apply(row, fields, login)
        return row

    def _apply(self, row: Row, fields: Mapping[str, str], login: str) -> None:
        for name, value in fields.items():
            if name not in JOURNALS:
                row[name] = value
            elif value:
                entry = _Entry(name, value, login, self.stamp())
                self.journals[row["sys_id"]].append(entry)
        row["sys_updated_on"] = self.stamp()
        if "state" in fields and self.table == "incident":
            self._moved(row)

    def _moved(self, row: Row) -> None:
        """What the delivered business rules do when an incident's state changes."""
        state = row["state"]
        row["active"] = _flag(state not in ("7", "8"))
        row["resolved_at"] = (row["resolved_at"] or self.stamp()) if state in ("6", "7") else ""
        row["closed_at"] = (row["closed_at"] or self.stamp()) if state in ("7", "8") else ""

    # -- showing ---------------------------------------------------------------------------------

    def _told(self, table: str, row: Row, sent: Sent) -> Dict[str, Any]:
        names = sent.query["sysparm_fields"].split(",")
        how = sent.query.get("sysparm_display_value", "false")
        return {
            name: _as_asked(self._value(row, name), self._display(table, row, name), how)
            for name in names
            if self._is_shown(table, row, name)
        }

    def _is_shown(self, table: str, row: Row, name: str) -> bool:
        first = name.partition(".")[0]
        gone = {*self.absent, *self.rights.unreadable} if table == self.table else set()
        return first in row and first not in gone and name not in gone

    def _value(self, row: Row, name: str) -> str:
        first, _, rest = name.partition(".")
        if not rest:
            # A journal has no value of its own.
            return "" if name in JOURNALS else row[name]
        there = self.users.get(row[first], {})
        return there.get(rest, "")

    def _display(self, table: str, row: Row, name: str) -> str:
        value = self._value(row, name)
        if name in JOURNALS:
            return self._journal(row["sys_id"], name)
        if name in REFERENCES:
            there = self.users.get(value) or self.groups.get(value) or {}
            return there.get("name", "")
        if name == "state":
            return STATES.get(value, value)
        return value

    def _journal(self, sys_id: str, name: str) -> str:
        entries = [entry for entry in self.journals[sys_id] if entry.journal == name]
        return "".join(
            f"{entry.stamp} - {entry.author} ({self.labels[name]})\n{entry.text}\n\n"
            for entry in reversed(entries)
        )

    # -- selecting -------------------------------------------------------------------------------

    def _select(self, rows: List[Row], sent: Sent) -> List[Row]:
        order: List[str] = []
        tests: List[Callable[[Row], bool]] = []
        for part in _conditions(sent.query.get("sysparm_query", "")):
            if part[0].startswith("ORDERBY"):
                order.append(part[0].replace("ORDERBY", "", 1))
                continue
            choices = [test for test in (self._test(text, rows, sent) for text in part) if test]
            if len(choices) < len(part) and self.strict_queries:
                return []
            if choices:
                tests.append(lambda row, choices=choices: any(test(row) for test in choices))
        assert order[-1:] == ["sys_id"], "without an order, pages may overlap"
        found = [row for row in rows if all(test(row) for test in tests)]
        return sorted(found, key=lambda row: [row[name] for name in order])

    def _test(self, text: str, rows: List[Row], sent: Sent) -> Optional[Callable[[Row], bool]]:
        """A condition, or None where it names a field that is not there."""
        for operator in ("STARTSWITH", "="):
            name, found, value = text.partition(operator)
            if found:
                break
        columns = set(next(iter(rows), {})) - self.absent
        assert found, f"not understood: {text}"
        assert name.islower()
        if name not in columns:
            return None
        if value == "javascript:gs.getUserID()":
            login = self._login(sent)
            value = next((i for i, row in self.users.items() if row["user_name"] == login), "-")
        assert not value.startswith("javascript:"), "a script from outside was run"
        if operator == "=":
            # The database compares without case.
            return lambda row: row[name].lower() == value.lower()
        return lambda row: row[name].lower().startswith(value.lower())


TOO_LONG = (
    "Transaction cancelled: maximum execution time exceeded",
    "Transaction cancelled: maximum execution time exceeded Check logs for error trace",
)


def _conditions(query: str) -> Iterable[List[str]]:
    """``a^ORb^c`` as ``[[a, b], [c]]``."""
    found: List[List[str]] = []
    for part in query.split("^"):
        if part.startswith("OR") and not part.startswith("ORDERBY"):
            found[-1].append(part[2:])
        else:
            found.append([part])
    return found


def _as_asked(value: str, display: str, how: str) -> Any:
    if how == "all":
        return {"display_value": display, "value": value}
    return display if how == "true" else value


def _flag(yes: bool) -> str:
    return "true" if yes else "false"


def _done(result: Any) -> Reply:
    return Reply(200, {"result": result})


def _fault(message: str, detail: Optional[str]) -> Dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


def _refusal(status: int, message: str, detail: Optional[str]) -> Reply:
    return Reply(status, _fault(message, detail))


def _no_record() -> Reply:
    detail = "Record doesn't exist or ACL restricts the record retrieval"
    return _refusal(404, "No Record found", detail)


def _policy(missing: List[str]) -> Reply:
    detail = f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
    return _refusal(403, "Operation Failed", detail)
