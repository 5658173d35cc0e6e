"""Bugzilla 5.0 and later and its branch *harmony*, through the REST interface.

What it does, and what this relies on (Bugzilla's own source):

- An alias belongs to one bug of the whole installation (``Bugzilla/Bug.pm``, ``_check_alias``; the
  column is unique). It holds the key, so a second creation is refused with code 103. Up to harmony
  the alias is one text there, elsewhere a list; both take a text when written.
- Errors carry a code, and the HTTP status only follows from it: 401 for a lack of rights as for a
  wrong login, 400 for a wrong key and for an unknown alias, 404 for any unknown name
  (``Bugzilla/WebService/Constants.pm``). An error may even come with 200.
- A bug is read from the primary database, a search from a replica where there is one
  (``Bugzilla/WebService/Bug.pm``); so a key is looked up as a bug, and only the sweep searches.
- The header ``X-BUGZILLA-API-KEY`` and ``whoami`` came with 5.1. 5.0 and 5.2 (which goes on from
  5.0) read the key from the address or the body only.
- Who may not edit bugs gets the component's default assignee, without a word (``Bug.pm``,
  ``_check_assigned_to``). The whiteboard is kept whoever writes it, so it holds the labels;
  keywords would have to exist.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http.messages import Response, read_json
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

PAGE = 500
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
FIELDS = "id,alias,summary,is_open,resolution,assigned_to,whiteboard,creation_time,last_change_time"
HTTP_BAD_REQUEST = 400
HTTP_UNPROCESSABLE = 422
HEADER, QUERY = "header", "query"

# Codes of Bugzilla/WebService/Constants.pm.
UNKNOWN_NAME = 51
NO_SUCH_ALIAS, NO_SUCH_BUG = 100, 101
ALIAS_TAKEN = 103
NO_COMPONENT, NO_PRODUCT = 105, 106
WORKFLOW = 123
INVALID_USER = 504
NO_SUCH_CALL = 32614
OTHER = 32000
"""Any refusal without a number of its own, such as a change that wants a comment."""
_GONE = (NO_SUCH_ALIAS, NO_SUCH_BUG)
_NO_RIGHT = (102, 106, 109, 110, 113, 115, 120, 304, INVALID_USER, 505)
_LOGIN = (300, 301, 302, 305, 306, 307, 410)
_FAULT_BELOW, _FAULT_FROM = -32000, 100_000
"""Faults inside Bugzilla: its own end at -32000, those of its JSON-RPC library begin at 100000."""

_PAIRS = Form(
    re.compile(r"\s*[a-z]\w*\s*=[^;]*(?:;\s*[a-z]\w*\s*=[^;]*)*;?\s*"), "name=value; name=value"
)
_LABEL = re.compile(r"\[([^\[\]]+)\]")
_KEY_IN = Form(re.compile(f"{HEADER}|{QUERY}"), f"{HEADER} or {QUERY}")
COMMENT_WANTED = "The review escalation ends here."
"""Said only where the installation wants a comment with each change of resolution."""

Row = Dict[str, Any]
_OLD = f'Bugzilla 5.0 and 5.2 take an API key only with tracker.options.key_in: "{QUERY}".'
_ADVICE = {
    OTHER: "If a field is missing, name it in tracker.options.fields.",
    NO_SUCH_CALL: f"Check tracker.url. {_OLD}",
}


class _Rest(Http):
    """HTTP in which Bugzilla's codes tell what an answer means, not its status."""

    def __init__(self, base: str, headers: Mapping[str, str], product: str, **more: Any) -> None:
        super().__init__(base, headers, **more)
        self._product = product

    def judge(self, response: Response, what: str, is_write: bool) -> Answer:
        """See :meth:`Http.judge`."""
        told = _error_in(response.body)
        if told is None:
            return super().judge(response, what, is_write)
        code = _int(told.get("code"))
        said = self.shown(str(told.get("message")))
        if code in _LOGIN:
            raise AuthError(
                f"{self._host} does not accept our credential (code {code}).",
                f"Renew tracker.token. {_OLD}",
            )
        if code <= _FAULT_BELOW or code >= _FAULT_FROM:
            raise _broken(f"{what} met a fault of Bugzilla ({code}): {said}", is_write)
        raise RefusedError(
            f"{what} was refused (code {code}): {said}",
            _advice(code, self._product),
            _status(code),
            told,
        )


class Bugzilla(Tracker):
    """Bugs of one product and component (``tracker.project`` is the product)."""

    kind = "bugzilla"
    body_format = BodyFormat.TEXT
    needs = ("url", "project", "token")
    forms = {"token": Form(re.compile(r"[!-~]+"), "the API key, in one line and without spaces")}
    options = {
        "component": Option("The component of the product.", "Reviews", required=True),
        "version": Option("The version; each new product has this one.", "1.0", "unspecified"),
        "op_sys": Option("The operating system.", "Linux", "All"),
        "platform": Option("The hardware.", "PC", "All"),
        "severity": Option("The severity; left out, the installation's default.", "normal"),
        "priority": Option("The priority; left out, the installation's default.", "P3"),
        "fields": Option(
            "More fields of a new bug, where it needs them; only those that hold text.",
            "type=task; cf_team=Reviews",
            form=_PAIRS,
        ),
        "closed_status": Option("The status of a closed ticket.", "CLOSED", "RESOLVED"),
        "resolution": Option("The resolution of a ticket whose review came.", "DONE", "FIXED"),
        "not_planned_resolution": Option(
            "The resolution of a ticket whose change was given up.", "INVALID", "WONTFIX"
        ),
        "open_status": Option(
            "The status of a ticket that is opened again; the old workflow has REOPENED.",
            "REOPENED",
            "CONFIRMED",
        ),
        "key_in": Option(
            "How the API key is sent: as a header, or in the address, where the server's logs show "
            "it; Bugzilla 5.0 and 5.2 know no other way.",
            QUERY,
            HEADER,
            form=_KEY_IN,
        ),
    }
    drops_hint = (
        "Bugzilla gives a bug to the component's default assignee unless the pack's account is in "
        "the group editbugs."
    )

    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        check_settings(type(self), settings)
        self._settings = settings
        self._web, base = addresses(settings.url)
        in_header = self._option("key_in") == HEADER
        self._secret = {} if in_header else {"Bugzilla_api_key": settings.token}
        self._login = settings.username
        if self._secret and not self._login:
            raise ConfigError(
                f'tracker.username is missing: {self.kind} needs it with key_in: "{QUERY}".',
                "Set it to the login of the API key's account.",
            )
        parts = urlsplit(self._web)
        self._place = f"{self.kind}:{parts.netloc}{parts.path}/{settings.project}"
        self._http = _Rest(
            base,
            {
                "Accept": "application/json",
                **({"X-BUGZILLA-API-KEY": settings.token} if in_header else {}),
            },
            settings.project,
            verify=settings.tls,
            remedy=_remedy,
            timing=timing,
            transport=transport,
        )

    @property
    def name(self) -> str:
        """``bugzilla:<host>/<product>``."""
        return self._place

    def whoami(self) -> str:
        """Our login. 5.0 and 5.2 only say whether the login we name is ours."""
        if not self._secret:
            return str(parse.at(self._read("/whoami"), "name", "the user"))
        told = self._read("/valid_login", login=self._login)
        if not parse.at(told, "result", "the answer"):
            raise AuthError(
                f"The API key is not that of {self._login}.",
                "Set tracker.username to the login of the account that tracker.token belongs to.",
            )
        return self._login

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - one bug at most
    ) -> Tuple[Ticket, ...]:
        """The bug that has the key as an alias, open or closed."""
        try:
            return (self._bug(key),)
        except RefusedError as err:
            if _code(err) not in _GONE:
                raise
            return ()

    def list_open(self) -> Tuple[Ticket, ...]:
        """Open bugs of the product with a key among their aliases."""
        tickets: List[Ticket] = []
        last = 0
        while True:
            found = self._search_after(last)
            if not found:
                return tuple(ticket for ticket in tickets if ticket.key and ticket.is_open)
            tickets += found
            last = max(ticket.number for ticket in found)

    def read(self, ticket_id: str) -> Ticket:
        """One bug by its number."""
        return self._bug(_number(ticket_id))

    def create(self, draft: Draft) -> Ticket:
        """File a bug that has the key as its alias; a closed one that has it gives it up.

        :raises TakenError: an open bug has it.
        """
        body = self._new(draft)
        try:
            number = self._filed(body)
        except RefusedError as err:
            if _code(err) != ALIAS_TAKEN:
                raise
            self._release(draft.key)
            number = self._filed_again(body)
        return Ticket(
            id=str(number),
            number=number,
            url=self._url(number),
            key=draft.key,
            title=str(body["summary"]),
            state=State.OPEN,
            labels=draft.labels,
        )

    @parse.understood
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All comments but the description, which Bugzilla counts as number 0."""
        number = _number(ticket_id)
        bugs = parse.at(self._read(f"/bug/{number}/comment"), "bugs", "the answer")
        told = parse.at(parse.at(bugs, number, "the comments"), "comments", "the comments")
        rows = [parse.mapping(row, "a comment") for row in parse.sequence(told, "the comments")]
        return tuple(
            Comment(
                str(parse.at(row, "id", "a comment")),
                str(row.get("text") or ""),
                str(row.get("creator") or ""),
            )
            for row in rows
            if row.get("count") != 0
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a comment; no status changes by it."""
        self._write("POST", f"/bug/{_number(ticket_id)}/comment", {"comment": text})

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Set the closed status, and the resolution for the reason."""
        if not self.read(ticket_id).is_open:
            return
        named = "resolution" if reason is CloseReason.COMPLETED else "not_planned_resolution"
        status = self._option("closed_status")
        self._end(ticket_id, {"status": status, "resolution": self._option(named)})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close a bug as a duplicate of the kept one and take its key away, in one call."""
        aliases = self._aliases(ticket_id)
        self._end(ticket_id, {"dupe_of": int(_number(keep.id)), "alias": _without_keys(aliases)})

    def reopen(self, ticket_id: str) -> None:
        """Set the open status; Bugzilla clears the resolution."""
        if not self.read(ticket_id).is_open:
            self._update(ticket_id, {"status": self._option("open_status")})

    def assign(self, ticket_id: str, who: str) -> None:
        """Assign a bug to a login."""
        self._update(ticket_id, {"assigned_to": self._user(who)})

    # -- parts ---------------------------------------------------------------------------------

    def _new(self, draft: Draft) -> Row:
        defaulted = ("component", "version", "op_sys", "platform", "severity", "priority")
        body: Row = _pairs(self._option("fields"))
        body.update({name: self._option(name) for name in defaulted if self._option(name)})
        body.update(
            product=self._settings.project,
            summary=fmt.title(draft.title, self.title_limit),
            description=fmt.seal(draft.body, draft.key, self.body_format, self.body_limit),
            alias=draft.key,
            whiteboard=" ".join(f"[{label}]" for label in draft.labels),
        )
        if draft.assignee:
            body["assigned_to"] = self._user(draft.assignee)
        return body

    def _filed(self, body: Mapping[str, Any]) -> int:
        told = self._write("POST", "/bug", body)
        try:
            return int(parse.at(told, "id", "the new bug"))
        except (ProtocolError, TypeError, ValueError) as err:
            raise AmbiguousError(
                f"{self._place} does not tell the number of the new bug.",
                "The next run looks before it writes.",
            ) from err

    def _filed_again(self, body: Mapping[str, Any]) -> int:
        try:
            return self._filed(body)
        except RefusedError as err:
            if _code(err) != ALIAS_TAKEN:
                raise
            raise _taken(str(body["alias"])) from err

    def _release(self, key: str) -> None:
        """Take the key from the closed bug that has it."""
        for ticket in self.find(key):
            if ticket.is_open:
                raise _taken(key)
            self._update(ticket.id, {"alias": _without_keys(self._aliases(ticket.id))})

    def _user(self, who: str) -> str:
        """The login of a user, as Bugzilla writes it. On its own an unknown one would answer as
        anything else that is not there.
        """
        try:
            told = self._read("/user", names=who, include_fields="name")
        except RefusedError as err:
            if _code(err) not in (UNKNOWN_NAME, INVALID_USER):
                raise
        else:
            rows = parse.sequence(parse.at(told, "users", "the answer"), "the users")
            if rows:
                return str(parse.at(rows[0], "name", "a user"))
        raise RefusedError(
            f"Bugzilla has no user {who!r}.",
            "Write the login, which is a mail address as a rule.",
            HTTP_UNPROCESSABLE,
        )

    def _bug(self, number_or_alias: str) -> Ticket:
        return self._ticket(self._row(number_or_alias, FIELDS))

    def _row(self, number_or_alias: str, fields: str) -> Row:
        told = self._read(f"/bug/{number_or_alias}", include_fields=fields)
        rows = parse.sequence(parse.at(told, "bugs", "the answer"), "the bugs")
        if len(rows) != 1:
            raise parse.misread("the answer", f"holds {len(rows)} bugs")
        return parse.mapping(rows[0], "a bug")

    def _aliases(self, ticket_id: str) -> List[str]:
        return _names(self._row(_number(ticket_id), "id,alias").get("alias"))

    def _search_after(self, number: int) -> List[Ticket]:
        """The next open bugs with a key, above a number: a page that nothing can move."""
        told = self._read(
            "/bug",
            product=self._settings.project,
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
        rows = parse.sequence(parse.at(told, "bugs", "the answer"), "the bugs")
        return [self._ticket(row) for row in rows]

    def _end(self, ticket_id: str, change: Mapping[str, Any]) -> None:
        """Close a bug, with a comment where Bugzilla will not do it without one."""
        try:
            self._update(ticket_id, change)
        except RefusedError as err:
            # The refused call did nothing, so this is no repetition.
            if _code(err) != OTHER:
                raise
            self._update(ticket_id, {**change, "comment": {"body": COMMENT_WANTED}})

    def _update(self, ticket_id: str, change: Mapping[str, Any]) -> None:
        self._write("PUT", f"/bug/{_number(ticket_id)}", change)

    def _read(self, path: str, **params: Any) -> Any:
        return self._http.read(path, {**params, **self._secret}).data

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        return self._http.write(method, path, {**body, **self._secret}).data

    def _option(self, name: str) -> str:
        return self._settings.option(name, self.options)

    def _url(self, number: int) -> str:
        return f"{self._web}/show_bug.cgi?id={number}"

    @parse.understood
    def _ticket(self, told: Any) -> Ticket:
        row = parse.mapping(told, "a bug")
        number = int(parse.at(row, "id", "a bug"))
        is_open = bool(parse.at(row, "is_open", "a bug"))
        keys = [name for name in _names(row.get("alias")) if KEY_PATTERN.fullmatch(name)]
        assignee = str(row.get("assigned_to") or "")
        changed = row.get("last_change_time")
        return Ticket(
            id=str(number),
            number=number,
            url=self._url(number),
            key=keys[0] if keys else None,
            title=str(row.get("summary") or ""),
            state=State.OPEN if is_open else State.CLOSED,
            resolution="" if is_open else str(row.get("resolution") or ""),
            assignees=(assignee,) if assignee else (),
            labels=tuple(_LABEL.findall(str(row.get("whiteboard") or ""))),
            opened_at=parse.instant(row.get("creation_time"), INSTANT),
            closed_at=None if is_open else parse.instant(changed, INSTANT),
        )


def addresses(url: str) -> Tuple[str, str]:
    """The address of Bugzilla's pages and that of its REST interface.

    Without the web server's rewriting the interface is at ``rest.cgi``, and ``tracker.url`` says
    so.
    """
    base = checked_url(url)
    found = re.fullmatch(r"(.*)/rest(?:\.cgi)?", base)
    return (found.group(1), base) if found else (base, f"{base}/rest")


def _error_in(content: bytes) -> Optional[Row]:
    """The error that an answer tells, whatever its status; None where it tells none."""
    if b'"error"' not in content:
        return None
    try:
        told = read_json(content)
    except ValueError:
        return None
    is_error = isinstance(told, dict) and told.get("error") and "code" in told
    return told if is_error else None


def _int(told: Any) -> int:
    try:
        return int(told)
    except (TypeError, ValueError):
        return 0


def _code(err: RefusedError) -> int:
    return _int(err.told.get("code")) if isinstance(err.told, dict) else 0


def _status(code: int) -> int:
    """The HTTP status that says what a code means; Bugzilla's own would say something else."""
    if code in _GONE:
        return HTTP_NOT_FOUND
    return FORBIDDEN if code in _NO_RIGHT else HTTP_BAD_REQUEST


def _broken(message: str, is_write: bool) -> TemporaryError:
    # The mail goes out after the work was done, and its fault looks like any other.
    if is_write:
        return AmbiguousError(message, "It may have happened: the next run looks before it writes.")
    return TemporaryError(message, "The next run tries again.")


def _taken(key: str) -> TakenError:
    return TakenError(f"Another bug has just got the alias {key}.", "The next run finds it.")


def _advice(code: int, product: str) -> str:
    if code == NO_PRODUCT:
        return (
            f"Check tracker.project: that the product {product!r} exists, is open for new bugs, "
            "and that the token's account may enter bugs there."
        )
    if code in _NO_RIGHT:
        return (
            f"Let the account of tracker.token see and edit bugs of {product!r}: put it into the "
            "group editbugs, and into those that the product's bugs are restricted to."
        )
    if code in (UNKNOWN_NAME, NO_COMPONENT, WORKFLOW):
        return (
            "Check tracker.options: component, version, op_sys, platform, severity, priority, and "
            "the statuses and resolutions must exist there and follow the workflow."
        )
    return _ADVICE.get(code, "")


def _remedy(status: int) -> str:
    """Advice on an answer that is not Bugzilla's own."""
    if status == HTTP_NOT_FOUND:
        return "Check tracker.url; without the web server's rewriting it must end with /rest.cgi."
    return ""


def _number(ticket_id: str) -> str:
    if not re.fullmatch(r"[0-9]+", ticket_id):
        raise RefusedError(f"{ticket_id!r} is no bug number.", status=HTTP_NOT_FOUND)
    return ticket_id


def _pairs(text: str) -> Row:
    """``name=value; name=value`` as a mapping."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _names(told: Any) -> List[str]:
    """Aliases, which are a list, or one text in harmony."""
    return [str(name) for name in (told if isinstance(told, list) else [told]) if name]


def _without_keys(aliases: List[str]) -> Any:
    """The aliases to be set: a list where some stay, else the empty text, which all take."""
    return [name for name in aliases if not KEY_PATTERN.fullmatch(name)] or ""
