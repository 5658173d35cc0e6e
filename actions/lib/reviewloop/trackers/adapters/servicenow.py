"""ServiceNow, through its Table API.

What it takes, and what this relies on (ServiceNow/ServiceNowDocs on GitHub, below ``markdown/``):

- A part of a query that names an unknown field is ignored, and then every row answers
  (``api-reference/rest-apis/c_TableAPI.md``, ``sysparm_query``); so rows are compared here again.
- ``sysparm_limit`` counts rows before access controls take some away: a short page is not the last
  one. The ``Link`` header tells, or ``X-Total-Count``.
- Unknown fields are ignored in what is asked for and in what is written, and so are fields that an
  access control protects: all with 200 or 201. Hence the reading back. A refusal is 403, whether
  by an access control, a data policy or a business rule
  (``api-reference/rest-api-explorer/r_RESTAPIHTTPResponseCodes.md``); its ``detail`` tells which.
- A transaction that took too long may answer 200 with an ``error`` beside half a ``result``.
- ``correlation_id`` is not unique, unless the site makes it so
  (``platform-administration/t_RequiringUniqueValuesForAField.md``).
- Descriptions are plain text. Journals (``work_notes``, ``comments``) are too, but for HTML between
  ``[code]`` and ``[/code]``, which many instances switch off: so we write plain text, and text from
  outside must not hold that tag.
- A journal's entries show in the record's own *display* value, newest first, each below a line
  ``<time> - <name> (<label>)``. The table ``sys_journal_field`` has them apart, but rights of its
  own, without which it answers 200 and nothing (rapid7/insightconnect-plugins#4064).
- A resolved incident can be opened again, a closed one cannot
  (``it-service-management/incident-management/reopening-incident.md``).
"""

from __future__ import annotations

import base64
import re
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type
from urllib.parse import urlencode, urlsplit

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http.messages import whole_number
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.base import (
    HTTP_NOT_FOUND,
    CloseReason,
    Comment,
    Draft,
    Form,
    Option,
    State,
    TakenError,
    Ticket,
    Tracker,
    TrackerSettings,
    check_settings,
    checked_url,
)
from reviewloop.trackers.http import FORBIDDEN, Answer, Http

PAGE = 100
MANY = 500
"""Rows that a query did not ask for, after which reading on helps nobody."""
INSTANT = "%Y-%m-%d %H:%M:%S"
"""How values (not display values) tell instants: in UTC."""
API = "/api/now/table"
INCIDENT = "incident"
KEY, LABELS = "correlation_id", "correlation_display"
JOURNALS = ("work_notes", "comments")
FIELDS = (
    "sys_id,number,short_description,state,active,close_code,correlation_id,correlation_display,"
    "assigned_to,assigned_to.user_name,sys_created_on,sys_updated_on,resolved_at,closed_at"
)
CLOSED, CANCELED, CLOSE, REOPEN = "closed_states", "canceled_states", "close_state", "reopen_state"
STATES = (CLOSED, CLOSE, REOPEN)
HTTP_BAD_REQUEST = 400
HTTP_UNPROCESSABLE = 422

_SYS_ID = re.compile(r"[0-9a-f]{32}")
_NAME = Form(re.compile(r"[a-z][a-z0-9_]*"), "its name in lower case, such as sc_task")
_STATE = Form(re.compile(r"-?\d+"), "the state's number")
_STATE_LIST = Form(re.compile(r"-?\d+(?:\s*,\s*-?\d+)*"), "the states' numbers with commas")
_PAIRS = Form(
    re.compile(r"\s*[a-z]\w*\s*=[^;]*(?:;\s*[a-z]\w*\s*=[^;]*)*;?\s*"), "name=value; name=value"
)
_JOURNAL = Form(re.compile("|".join(JOURNALS)), " or ".join(JOURNALS))
_AUTH = Form(re.compile("basic|bearer|api_key"), "basic, bearer or api_key")
# ``^`` would begin a condition of its own, ``javascript:`` would be run by the instance.
_QUERYABLE = re.compile(r"(?!\s*javascript:)[^\^\x00-\x1f\x7f]{1,100}", re.IGNORECASE)
# The line above a journal's entry. The instance's language and formats are not ours to know.
_ENTRY = re.compile(
    r"(?:\A|\n\n)(?=[^\n]{0,38}\d)[^\n]{4,40}? - (?P<who>[^\n]{0,120}?) \([^()\n]{1,60}\)\n"
)
_CODE = re.compile(r"\[(\s*/?\s*code\s*)\]", re.IGNORECASE)

Row = Dict[str, Any]


class ServiceNow(Tracker):
    """Records of one table of one instance (``tracker.url``: the instance's address)."""

    kind = "servicenow"
    body_format = BodyFormat.TEXT
    needs = ("url", "token")
    forms = {"token": Form(re.compile(r"[^\r\n]+"), "user:password, or a token, in one line")}
    options = {
        "table": Option("The table of the tickets.", "sc_task", INCIDENT, form=_NAME),
        "auth": Option(
            "What tracker.token is: user:password (basic), an OAuth access token (bearer) or a "
            "REST API key (api_key).",
            "api_key",
            "basic",
            form=_AUTH,
        ),
        "journal": Option(
            "The journal for comments: work_notes, which only agents see, or comments, which are "
            "mailed to the caller.",
            "comments",
            "work_notes",
            form=_JOURNAL,
        ),
        CLOSED: Option(
            "The states of a ticket that asks nothing any more.", "3,4,7", "6,7,8", form=_STATE_LIST
        ),
        CANCELED: Option(
            "Those of them whose own name is the ticket's resolution, not the resolution code.",
            "4,7",
            "8",
            form=_STATE_LIST,
        ),
        CLOSE: Option("The state of a ticket whose wait is over.", "3", "6", form=_STATE),
        REOPEN: Option("The state of a ticket that is opened again.", "1", "2", form=_STATE),
        "close_code": Option(
            "The resolution code of a ticket whose wait is over.",
            "Solved (Permanently)",
            "Solution provided",
        ),
        "not_planned_code": Option(
            "The resolution code of a ticket that is not wanted any more.",
            "Not Solved (Not Reproducible)",
            "No resolution provided",
        ),
        "duplicate_code": Option("The resolution code of a duplicate.", "Duplicate", "Duplicate"),
        "close_notes": Option(
            "The resolution notes.", "See the work notes.", "The wait for a review is over."
        ),
        "assignment_group": Option("The group of new tickets: name or sys_id.", "Reviewers"),
        "caller_id": Option(
            "The caller of new tickets: user ID, mail address or sys_id.", "review.bot"
        ),
        "fields": Option(
            "What else new tickets have to say, by the names of the columns.",
            "category=software; impact=3",
            form=_PAIRS,
        ),
    }
    drops_hint = (
        "ServiceNow drops a field without a word where the table lacks it or an access control "
        "forbids the account to write it: look at assigned_to and correlation_display."
    )
    title_limit = 160
    """``task.short_description``; more is cut off without a word."""
    body_limit = 4000
    """``task.description``, likewise."""

    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        check_settings(type(self), settings)
        _check_more(settings)
        self._settings = settings
        self._base = checked_url(settings.url)
        parts = urlsplit(self._base)
        self._table = self._option("table")
        self._place = f"{self.kind}:{parts.netloc}{parts.path}/{self._table}"
        self._closed = _listed(self._option(CLOSED))
        self._known: Dict[Tuple[str, str], Row] = {}
        self._http = Http(
            self._base,
            {"Accept": "application/json", **_credential(self._option("auth"), settings.token)},
            verify=settings.tls,
            remedy=self._remedy,
            timing=timing,
            transport=transport,
        )

    @property
    def name(self) -> str:
        """``servicenow:<host>/<table>``."""
        return self._place

    def whoami(self) -> str:
        """Our user ID. A REST API key may be good for the Table API only; then that tells."""
        try:
            told = parse.mapping(self._read("/api/now/ui/user/current_user"), "the user")
            login = str(told.get("user_name") or "")
        except RefusedError:
            login = self._who_by_table()
        if login in ("", "guest"):
            raise AuthError(
                f"{self._base} takes us for nobody, not for an account.", "Renew tracker.token."
            )
        return login

    # -- looking -------------------------------------------------------------------------------

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - the listing is cheap
    ) -> Tuple[Ticket, ...]:
        """The table's records with the key, open and closed, from the database."""
        return tuple(ticket for ticket in self._tickets(f"{KEY}={key}") if ticket.key == key)

    def list_open(self) -> Tuple[Ticket, ...]:
        """The table's open records with any key of ours."""
        found = self._tickets(f"{KEY}STARTSWITHgrv-^active=true")
        return tuple(ticket for ticket in found if ticket.is_open)

    def read(self, ticket_id: str) -> Ticket:
        """One record by its ``sys_id``; one that an access control hides is gone, too (404)."""
        return self._ticket(self._read(self._record(ticket_id), _view()))

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """The entries of both journals, each oldest first; ours last."""
        asked = {"sysparm_fields": ",".join(JOURNALS), "sysparm_display_value": "true"}
        row = parse.mapping(self._read(self._record(ticket_id), asked), "a record")
        ours = self._option("journal")
        if ours not in row:
            raise RefusedError(
                f"{self._place} shows us no {ours} of ticket {ticket_id}.",
                f"Let the account read {ours}; without that, comments would be made twice.",
                FORBIDDEN,
            )
        return tuple(
            Comment(f"{journal}-{number}", text, author)
            for journal in sorted(JOURNALS, key=lambda name: name == ours)
            for number, (author, text) in enumerate(_entries(_shown(row, journal)), 1)
        )

    # -- writing -------------------------------------------------------------------------------

    def create(self, draft: Draft) -> Ticket:
        """Insert a record with the key as its correlation ID; the key in the text is for people."""
        body: Row = {
            **_pairs(self._option("fields")),
            **self._references(),
            "short_description": fmt.title(draft.title, self.title_limit),
            "description": fmt.seal(draft.body, draft.key, self.body_format, self.body_limit),
            KEY: draft.key,
            LABELS: ",".join(draft.labels),
        }
        if draft.assignee:
            body["assigned_to"] = _cell(self._user(draft.assignee), "sys_id")
        try:
            return self._write("POST", f"{API}/{self._table}", body)
        except RefusedError as err:
            # A site may have made the field unique.
            if "unique key violation" in _said(err).lower():
                raise TakenError(err.message, "The next run finds the other ticket.") from err
            raise

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add an entry to the journal, and see that we can read it again."""
        journal = self._option("journal")
        text = _CODE.sub(r"{\1}", text)
        self._patch(ticket_id, {journal: text})
        tail = text.rstrip().rpartition("\n")[2]
        if not any(tail in one.text for one in self.comments(ticket_id)):
            raise RefusedError(
                f"{self._place} does not show us the comment just made on ticket {ticket_id}.",
                f"Let the account read and write {journal}; without that, comments would be lost "
                "or made twice.",
                FORBIDDEN,
            )

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Resolve a record with a code and notes; a closed one stays as it is."""
        if not self.read(ticket_id).is_open:
            return
        not_planned = reason is CloseReason.NOT_PLANNED
        code = self._option("not_planned_code" if not_planned else "close_code")
        self._move(ticket_id, self._closing(code), State.CLOSED)

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Resolve a record below the one that stays, and empty its correlation ID, in one call."""
        change: Row = {KEY: "", "parent": keep.id}
        if self.read(ticket_id).is_open:
            change.update(self._closing(self._option("duplicate_code")))
        kept = self._move(ticket_id, change, State.CLOSED)
        if kept.key:
            raise RefusedError(
                f"{self._place} left the key on the duplicate {ticket_id}.",
                f"Let the account write {KEY}.",
                FORBIDDEN,
            )

    def reopen(self, ticket_id: str) -> None:
        """Set the state of reopened records."""
        self._move(ticket_id, {"state": self._option(REOPEN)}, State.OPEN)

    def assign(self, ticket_id: str, who: str) -> None:
        """Set ``assigned_to``."""
        self._patch(ticket_id, {"assigned_to": _cell(self._user(who), "sys_id")})

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Also where the roster has a mail address or a ``sys_id``."""
        if super().is_assigned(ticket, who):
            return True
        if not ticket.assignees:
            return False
        try:
            user = self._user(who)
        except RefusedError:
            return False
        return any(_cell(user, name) in ticket.assignees for name in ("user_name", "sys_id"))

    # -- parts ---------------------------------------------------------------------------------

    def _option(self, name: str) -> str:
        return self._settings.option(name, self.options)

    def _closing(self, code: str) -> Row:
        notes = self._option("close_notes")
        return {"state": self._option(CLOSE), "close_code": code, "close_notes": notes}

    def _references(self) -> Row:
        """The group and the caller that the settings name, as ids."""
        found: Row = {}
        for name, table, columns in (
            ("assignment_group", "sys_user_group", ("name",)),
            ("caller_id", "sys_user", ("user_name", "email")),
        ):
            text = self._option(name)
            if not text:
                continue
            try:
                found[name] = _cell(self._lookup(table, columns, text), "sys_id")
            except RefusedError as err:
                if err.status != HTTP_UNPROCESSABLE:
                    raise
                raise ConfigError(
                    f"tracker.options.{name}: {err.message}", f"Write {_OF[table]}."
                ) from err
        return found

    def _user(self, who: str) -> Row:
        return self._lookup("sys_user", ("user_name", "email"), who)

    def _lookup(self, table: str, columns: Sequence[str], text: str) -> Row:
        """The one active row that a name stands for, by ``sys_id`` or the first column that has it.

        :raises RefusedError: there is none, or more than one (422: nothing was written).
        """
        if (table, text) in self._known:
            return self._known[table, text]
        columns = ("sys_id", *columns)
        rows = self._named(table, columns, text) if _QUERYABLE.fullmatch(text) else []
        for column in columns:
            same = [row for row in rows if _cell(row, column).casefold() == text.casefold()]
            if len(same) == 1 and _SYS_ID.fullmatch(_cell(same[0], "sys_id")):
                return self._known.setdefault((table, text), same[0])
        raise RefusedError(
            f"{text!r} is not exactly one active {_WHAT[table]} that our account may read.",
            f"Write {_OF[table]}, and let the account read {table}.",
            HTTP_UNPROCESSABLE,
        )

    def _named(self, table: str, columns: Sequence[str], text: str) -> List[Row]:
        query = "^OR".join(f"{column}={text}" for column in columns)
        found = self._rows(table, query, ",".join((*columns, "active")))
        try:
            # A page is enough: were the query not heeded, these would be all users there are.
            return [row for row in islice(found, PAGE) if _cell(row, "active") != "false"]
        except RefusedError as err:
            advice = f"Let the account read {table}."
            raise RefusedError(err.message, advice, err.status, err.told) from err

    def _who_by_table(self) -> str:
        mine = self._rows("sys_user", "sys_id=javascript:gs.getUserID()", "sys_id,user_name")
        rows = list(islice(mine, 2))
        if len(rows) != 1:
            raise RefusedError(
                f"{self._base} does not tell who we are.",
                "Let the account read its own record in sys_user, or the REST API key's access "
                "policy cover /api/now/ui/user.",
                FORBIDDEN,
            )
        return _cell(rows[0], "user_name")

    def _tickets(self, query: str) -> Tuple[Ticket, ...]:
        """The rows of a query that have a key of ours, whatever else the instance answers."""
        tickets, strangers = [], 0
        for row in self._rows(self._table, query, FIELDS):
            if KEY_PATTERN.fullmatch(_cell(row, KEY)):
                tickets.append(self._ticket(row))
                continue
            strangers += 1
            # Then the query was not heeded: these may be all rows of the table.
            if KEY not in row or strangers > MANY:
                raise RefusedError(
                    f"{self._place} has no field {KEY}, or does not let us see or search it.",
                    f"Set tracker.options.table to a table that extends task, and let the account "
                    f"read and write {KEY}.",
                    FORBIDDEN,
                )
        return tuple(sorted(tickets, key=lambda ticket: ticket.number))

    def _rows(self, table: str, query: str, fields: str) -> Iterator[Row]:
        """Rows of all pages, in an order that new rows do not disturb.

        Offsets are counted here and not taken from ``Link``, which names the host that the instance
        calls itself by.
        """
        order = "^ORDERBYsys_created_on^ORDERBYsys_id"
        offset = 0
        while True:
            asked = {
                "sysparm_query": query + order,
                **_view(fields),
                "sysparm_limit": PAGE,
                "sysparm_offset": offset,
            }
            with self._explained():
                answer = self._http.read(f"{API}/{table}", asked)
            rows = parse.sequence(_result(answer, TemporaryError), "a listing")
            for row in rows:
                yield parse.mapping(row, "a row of a listing")
            offset += PAGE
            total = answer.headers.get("x-total-count", "")
            more = (whole_number(total) or 0) > offset
            if not (more or answer.next_url or len(rows) >= PAGE):
                return

    def _read(self, path: str, asked: Optional[Mapping[str, Any]] = None) -> Any:
        with self._explained():
            return _result(self._http.read(path, asked), TemporaryError)

    def _write(self, method: str, path: str, body: Row) -> Ticket:
        """Write, and take what the record looks like now from the answer."""
        with self._explained():
            answer = self._http.write(method, f"{path}?{urlencode(_view())}", body)
        try:
            return self._ticket(_result(answer, AmbiguousError))
        except ProtocolError as err:
            raise AmbiguousError(err.message, "The next run looks before it writes.") from err

    def _patch(self, ticket_id: str, body: Row) -> Ticket:
        return self._write("PATCH", self._record(ticket_id), body)

    def _move(self, ticket_id: str, body: Row, state: State) -> Ticket:
        """Change a record and make sure that it is open, or closed, by then."""
        kept = self._patch(ticket_id, body)
        if kept.state is not state:
            raise RefusedError(
                f"{self._place} left ticket {ticket_id} {kept.state.value}.",
                self._not_moved(state),
                FORBIDDEN,
            )
        return kept

    def _not_moved(self, state: State) -> str:
        if state is State.OPEN:
            return (
                "What is closed for good cannot be reopened there: let tracker.reopen_days be less "
                "than the days after which resolved tickets are closed."
            )
        return f"Let the account write state, and check tracker.options.{CLOSE}."

    def _record(self, ticket_id: str) -> str:
        if not _SYS_ID.fullmatch(ticket_id):
            raise RefusedError(f"{ticket_id!r} is no sys_id.", status=HTTP_NOT_FOUND)
        return f"{API}/{self._table}/{ticket_id}"

    def _ticket(self, told: Any) -> Ticket:
        row = parse.mapping(told, "a record")
        sys_id = _cell(row, "sys_id")
        digits = re.findall(r"[0-9]+", _cell(row, "number"))
        if not _SYS_ID.fullmatch(sys_id) or not digits:
            raise parse.misread("a record", "lacks a sys_id or a number")
        state = _cell(row, "state")
        closed = state in self._closed or _cell(row, "active") == "false"
        key = _cell(row, KEY)
        who = _cell(row, "assigned_to.user_name") or _cell(row, "assigned_to")
        ended = next(filter(None, (_cell(row, name) for name in _ENDS)), "")
        return Ticket(
            id=sys_id,
            number=int(digits[-1]),
            url=f"{self._base}/{self._table}.do?sys_id={sys_id}",
            key=key if KEY_PATTERN.fullmatch(key) else None,
            title=_cell(row, "short_description"),
            state=State.CLOSED if closed else State.OPEN,
            resolution=self._resolution(row, state) if closed else "",
            assignees=(who,) if who else (),
            labels=tuple(filter(None, map(str.strip, _cell(row, LABELS).split(",")))),
            opened_at=parse.instant(_cell(row, "sys_created_on"), INSTANT),
            closed_at=parse.instant(ended, INSTANT) if closed else None,
        )

    def _resolution(self, row: Row, state: str) -> str:
        """A code that was set when the ticket was resolved outlives its cancelling."""
        word = _shown(row, "state") or state
        if state in _listed(self._option(CANCELED)):
            return word
        return _shown(row, "close_code") or word

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add the ``detail`` to a refusal, of which the message alone says next to nothing."""
        try:
            yield
        except RefusedError as err:
            detail = self._http.shown(_said(err))
            if not detail:
                raise
            advice = self._advice(detail) or err.remedy
            raise RefusedError(f"{err.message}: {detail}", advice, err.status, err.told) from err

    def _advice(self, detail: str) -> str:
        if "data policy" in detail.lower():
            return (
                "A data policy makes these fields mandatory: set tracker.options.fields or, for "
                "closing, tracker.options.close_code and close_notes."
            )
        if "business rule" in detail.lower():
            return "A business rule of the instance forbids it: its administrator must let us."
        return ""

    def _remedy(self, status: int) -> str:
        if status == HTTP_BAD_REQUEST:
            return f"Check tracker.options.table: {self._table} must be a table there."
        if status == FORBIDDEN:
            roles = "the role sn_incident_write (or itil)" if self._table == INCIDENT else "a role"
            return f"Give the account {roles} to read, create and write {self._table}."
        if status == HTTP_NOT_FOUND:
            return "Check tracker.url (only https://instance) and what the account may read."
        return ""


_WHAT = {"sys_user": "user", "sys_user_group": "group"}
_OF = {
    "sys_user": "the user ID, mail address or sys_id of an active user",
    "sys_user_group": "the name or sys_id of an active group",
}
# Incidents keep the instant of resolving, which is when people were done with it.
_ENDS = ("resolved_at", "closed_at", "sys_updated_on")


def _check_more(settings: TrackerSettings) -> None:
    """What depends on two settings at a time.

    :raises ConfigError: something is wrong; it lists everything that is.
    """
    value = {name: settings.option(name, ServiceNow.options) for name in ServiceNow.options}
    found = []
    if value["auth"] == "basic" and not re.fullmatch(r"[^:]+:.+", settings.token):
        found.append("tracker.token (not shown) is not user:password; or set tracker.options.auth.")
    if value["auth"] != "basic" and not re.fullmatch(r"[!-~]+", settings.token):
        found.append("tracker.token (not shown) holds what no token can, such as a space.")
    if value["table"] != INCIDENT:
        found += [
            f"tracker.options.{name} is missing: only of {INCIDENT} the states are known."
            for name in STATES
            if not settings.options.get(name)
        ]
    closed = _listed(value[CLOSED])
    if value[CLOSE] not in closed:
        found.append(f"tracker.options.{CLOSE} is {value[CLOSE]!r}, not one of {CLOSED}.")
    if value[REOPEN] in closed:
        found.append(f"tracker.options.{REOPEN} is {value[REOPEN]!r}, one of {CLOSED}.")
    if found:
        raise ConfigError(" ".join(found), problems=found)


def _credential(auth: str, token: str) -> Dict[str, str]:
    if auth == "api_key":
        return {"x-sn-apikey": token}
    if auth == "bearer":
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}


def _view(fields: str = FIELDS) -> Dict[str, str]:
    """How a record is to be shown: every field as value and as display value."""
    return {"sysparm_fields": fields, "sysparm_display_value": "all"}


def _listed(text: str) -> Tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _pairs(text: str) -> Dict[str, str]:
    """``name=value; name=value`` as a mapping."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _result(answer: Answer, fault: Type[TemporaryError]) -> Any:
    """What an answer is about; ``fault`` where the transaction was broken off, whatever came."""
    told = parse.mapping(answer.data, "the answer")
    if told.get("error"):
        raise fault(
            "ServiceNow broke its work off in the middle and answered only a part.",
            "The next run tries again.",
        )
    return parse.at(told, "result", "the answer")


def _said(err: RefusedError) -> str:
    """The ``detail`` of a refusal."""
    told = err.told if isinstance(err.told, dict) else {}
    inner = told.get("error")
    detail = inner.get("detail") if isinstance(inner, dict) else None
    return fmt.clean(str(detail or ""))


def _cell(row: Mapping[str, Any], name: str) -> str:
    """A field's value; "" where there is none."""
    told = row.get(name)
    return str((told.get("value") if isinstance(told, dict) else told) or "")


def _shown(row: Mapping[str, Any], name: str) -> str:
    """A field as people see it."""
    told = row.get(name)
    return str((told.get("display_value") if isinstance(told, dict) else told) or "")


def _entries(shown: str) -> List[Tuple[str, str]]:
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
