"""A fake GitLab: the issues API of one project in memory, as far as the pack uses it.

Written from GitLab's REST documentation (https://docs.gitlab.com/api/issues/, ``…/notes``,
``…/issue_links``, ``…/users``) and, for what is dropped without a word, from its published source;
not recorded from the service. It is strict about parameters it does not know, where GitLab ignores
them. It is no substitute for a run against the real service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple
from urllib.parse import quote, urlencode

from fake_http import START, FakeServer, Reply, Sent

HOST = "https://gitlab.example.org"
PROJECT = "group/sub/project"
PROJECT_ID = 42
BOT = "review-bot"
TOKEN = "glpat-fake0123"
USERS = {BOT: 7, "committee1": 11, "committee2": 12, "committee3": 13, "Zoe.Q": 14}

# What each role may do: set labels and assignees of a new issue, of an old one, make labels.
RIGHTS = {
    "none": (False, False, False),
    "guest": (True, False, False),
    "planner": (True, True, True),
}
_COMMAND = re.compile(
    r"^/(close|reopen|assign|label|title|confidential|shrug)\b ?(.*)\n?", re.MULTILINE | re.I
)
_ISSUE_FIELDS = {"title", "description", "labels", "assignee_ids", "confidential"}
_LIST = {"scope", "state", "author_username", "order_by", "sort", "updated_after"}
_PAGE = {"page", "per_page"}


@dataclass
class _Row:
    number: int
    fields: Dict[str, Any]
    created: datetime
    updated: datetime
    notes: List[Dict[str, Any]] = field(default_factory=list)
    links: Set[int] = field(default_factory=set)
    locked: bool = False


class FakeGitLab(FakeServer):
    """One project with its issues, reached as a transport.

    :ivar role: of our account in the project, see ``RIGHTS``.
    :ivar scope: of our token: ``api`` or ``read_api``.
    :ivar blind: users who may not read the project, so may not be assigned.
    :ivar renamed: the path asked for is the project's former one.
    :ivar keeps_secrets: False opens confidential issues for everybody.
    :ivar offset: how instants end: ``Z``, or the offset of the server's time zone.
    :ivar with_headers: False for a proxy that takes the headers of pages off.
    """

    host = HOST

    def __init__(self) -> None:
        super().__init__()
        self.role = "planner"
        self.archived = False
        self.issues_on = True
        self.scope = "api"
        self.tokens = {TOKEN: BOT}
        self.blind: Set[str] = set()
        self.renamed = False
        self.keeps_secrets = True
        self.offset = "Z"
        self.with_headers = True
        self.garbles = False
        self.labels: Set[str] = set()
        self.rows: Dict[int, _Row] = {}
        self.executed: List[str] = []
        self.base = ""
        self._next_note = 1000
        self._next_number = 0

    # -- what people do --------------------------------------------------------------------------

    def issue(self, number: int) -> Dict[str, Any]:
        """An issue's fields."""
        return self.rows[number].fields

    def notes(self, number: int) -> List[str]:
        """What people and programs wrote on an issue."""
        return [note["body"] for note in self.rows[number].notes if not note["system"]]

    def delete(self, number: int) -> None:
        """Delete an issue, as an owner can."""
        del self.rows[number]

    def change(self, number: int, **fields: Any) -> None:
        """Somebody changes an issue's fields."""
        row = self.rows[number]
        row.fields.update(fields)
        row.updated = self.clock
        if fields.get("state") == "closed":
            row.fields["closed_at"] = self._stamp(self.clock)

    def lock_discussion(self, number: int) -> None:
        """Somebody locks an issue's discussion."""
        self.rows[number].locked = True

    def add_issue(self, title: str, description: str = "", by: str = BOT) -> int:
        """An issue somebody made."""
        return self._add({"title": title, "description": description}, by).number

    # -- transport -------------------------------------------------------------------------------

    def answer(self, sent: Sent) -> Reply:
        """Answer one request, after the checks that come before every endpoint."""
        login = self.tokens.get(sent.headers.get("PRIVATE-TOKEN", ""))
        if login is None:
            return Reply(401, {"message": "401 Unauthorized"})
        if sent.method != "GET" and self.scope != "api":
            told = "The request requires higher privileges than provided by the access token."
            return Reply(
                403,
                {"error": "insufficient_scope", "error_description": told, "scope": "api"},
            )
        moved = self.renamed and "/projects/" in sent.path
        if moved and sent.method == "GET":
            place = f"{HOST}/api/v4/projects/{PROJECT_ID}/issues"
            return Reply(301, {"message": "Moved"}, {"Location": place})
        if moved:
            return Reply(405, {"message": "405 Non GET methods are not allowed for moved projects"})
        return super().answer(sent)

    def routes(self) -> List[Tuple[str, str, Callable[..., Reply]]]:
        """The endpoints the pack knows."""
        api = f"{self.base}/api/v4"
        issues = rf"{api}/projects/(?:{PROJECT_ID}|{re.escape(quote(PROJECT, safe=''))})/issues"
        return [
            ("GET", rf"{api}/user", self._me),
            ("GET", rf"{api}/users", self._users),
            ("GET", rf"{api}/users/(\d+)", self._user),
            ("GET", issues[: -len("/issues")], self._project),
            ("GET", issues, self._list),
            ("POST", issues, self._create),
            ("GET", rf"{issues}/(\d+)", self._on(self._get)),
            ("PUT", rf"{issues}/(\d+)", self._on(self._update)),
            ("GET", rf"{issues}/(\d+)/notes", self._on(self._list_notes)),
            ("POST", rf"{issues}/(\d+)/notes", self._on(self._note)),
            ("POST", rf"{issues}/(\d+)/links", self._on(self._link)),
        ]

    def not_found(self, sent: Sent) -> Reply:
        """No such project, or no such path at all."""
        found = "/api/v4/projects/" in sent.path
        return Reply(404, {"message": "404 Project Not Found"} if found else {"error": "404"})

    def _on(self, handler: Callable[..., Reply]) -> Callable[..., Reply]:
        def handle(sent: Sent, number: str) -> Reply:
            row = self.rows.get(int(number))
            if row is None:
                return Reply(404, {"message": "404 Not found"})
            return handler(sent, row)

        return handle

    def _login(self, sent: Sent) -> str:
        return self.tokens[sent.headers["PRIVATE-TOKEN"]]

    # -- endpoints -------------------------------------------------------------------------------

    def _me(self, sent: Sent) -> Reply:
        return Reply(200, _person(self._login(sent)))

    def _project(self, _sent: Sent) -> Reply:
        level = {"none": None, "guest": 10, "planner": 15, "reporter": 20}.get(self.role)
        access = None if level is None else {"access_level": level}
        told = {"archived": self.archived, "issues_enabled": self.issues_on}
        rights = {"project_access": access, "group_access": None}
        return Reply(200, {"id": PROJECT_ID, **told, "permissions": rights})

    def _users(self, sent: Sent) -> Reply:
        assert set(sent.query) == {"username"}
        wanted = sent.query["username"].casefold()
        return Reply(200, [_person(name) for name in USERS if name.casefold() == wanted])

    def _user(self, _sent: Sent, number: str) -> Reply:
        for name, known in USERS.items():
            if known == int(number):
                return Reply(200, _person(name))
        return Reply(404, {"message": "404 User Not Found"})

    def _list(self, sent: Sent) -> Reply:
        query = sent.query
        assert set(query) <= _LIST | _PAGE, "GitLab would ignore a parameter"
        rows = [row for row in self.rows.values() if _matches(row, query)]
        rows.sort(key=lambda row: row.created, reverse=query.get("sort", "desc") == "desc")
        assert query.get("order_by", "created_at") == "created_at"
        return self._paged([row.fields for row in rows], sent)

    def _paged(self, rows: List[Dict[str, Any]], sent: Sent) -> Reply:
        size = min(int(sent.query.get("per_page", "20")), 100)
        page = int(sent.query.get("page", "1"))
        last = page * size >= len(rows)
        headers = {"x-total": str(len(rows)), "x-next-page": "" if last else str(page + 1)}
        if not last:
            query = urlencode({**sent.query, "page": str(page + 1)})
            headers["Link"] = f'<{HOST}{sent.path}?{query}>; rel="next"'
        start = (page - 1) * size
        return Reply(200, rows[start:][:size], headers if self.with_headers else {})

    def _get(self, sent: Sent, row: _Row) -> Reply:
        assert not sent.query
        return Reply(200, row.fields)

    def _create(self, sent: Sent) -> Reply:
        body = dict(sent.body or {})
        assert set(body) <= _ISSUE_FIELDS, "GitLab would ignore a field"
        fault = _fault(body)
        if fault or not body.get("title"):
            return fault or Reply(400, {"error": "title is missing"})
        row = self._add(body, self._login(sent))
        return Reply(201, {"id": 1} if self.garbles else row.fields)

    def _add(self, body: Dict[str, Any], login: str) -> _Row:
        self._next_number += 1
        number = self._next_number
        stamp = self._stamp(self.clock)
        fields: Dict[str, Any] = {
            "id": 5000 + number,
            "iid": number,
            "project_id": PROJECT_ID,
            "title": body["title"],
            "description": body.get("description"),
            "state": "opened",
            "author": _person(login),
            "labels": [],
            "assignees": [],
            "confidential": bool(body.get("confidential")) and self.keeps_secrets,
            "moved_to_id": None,
            "web_url": f"{HOST}/{PROJECT}/-/issues/{number}",
            "created_at": stamp,
            "updated_at": stamp,
            "closed_at": None,
        }
        row = _Row(number, fields, self.clock, self.clock)
        self.rows[number] = row
        self._set(row, body, allowed=RIGHTS[self.role][0])
        return row

    def _update(self, sent: Sent, row: _Row) -> Reply:
        body = dict(sent.body or {})
        assert set(body) <= _ISSUE_FIELDS | {"state_event"}, "GitLab would ignore a field"
        if not body:
            return Reply(400, {"error": "title, description, … are missing, at least one"})
        if body.get("state_event", "close") not in ("close", "reopen"):
            return Reply(400, {"error": "state_event does not have a valid value"})
        author = row.fields["author"]["username"] == self._login(sent)
        if not author and not RIGHTS[self.role][1]:
            return Reply(403, {"message": "403 Forbidden"})
        fault = _fault(body)
        if fault:
            return fault
        self._turn(row, body.get("state_event"))
        self._set(row, body, allowed=RIGHTS[self.role][1])
        row.updated = self.clock
        return Reply(200, row.fields)

    def _set(self, row: _Row, body: Mapping[str, Any], allowed: bool) -> None:
        """Set what the account may set; the rest is dropped without a word."""
        if "title" in body:
            row.fields["title"] = body["title"]
        if "description" in body:
            row.fields["description"] = self._obeyed(row, body["description"])
        if not allowed:
            return
        if "labels" in body:
            names = [name for name in body["labels"].split(",") if name]
            if RIGHTS[self.role][2]:
                self.labels |= set(names)
            row.fields["labels"] = [name for name in names if name in self.labels]
        if body.get("assignee_ids"):
            names = {number: name for name, number in USERS.items()}
            who = names.get(body["assignee_ids"][0], "")
            # One only, in the free edition; and nothing at all if that one may not read it.
            if who and who not in self.blind:
                row.fields["assignees"] = [_person(who)]

    def _turn(self, row: _Row, event: Optional[str]) -> None:
        if event == "close" and row.fields["state"] == "opened":
            row.fields.update(state="closed", closed_at=self._stamp(self.clock))
            row.notes.append(self._written("closed", BOT, system=True))
        if event == "reopen" and not row.locked:
            row.fields.update(state="opened", closed_at=None)

    def _obeyed(self, row: _Row, text: Optional[str]) -> str:
        """Execute the commands in a text; what is left of it."""
        plain = (text or "").replace("\r", "")
        for command, argument in _COMMAND.findall(plain):
            self.executed.append(command.lower())
            if command.lower() in ("close", "reopen"):
                self._turn(row, command.lower())
            if command.lower() == "title":
                row.fields["title"] = argument
        return _COMMAND.sub("", plain).rstrip()

    def _list_notes(self, sent: Sent, row: _Row) -> Reply:
        assert set(sent.query) <= {"order_by", "sort"} | _PAGE
        backwards = sent.query.get("sort", "desc") == "desc"
        return self._paged(row.notes[::-1] if backwards else row.notes, sent)

    def _note(self, sent: Sent, row: _Row) -> Reply:
        body = sent.body or {}
        assert set(body) == {"body"}
        if not body["body"]:
            return Reply(400, {"error": "body is empty"})
        rest = self._obeyed(row, body["body"])
        if not rest:
            return Reply(202, {"commands_changes": {}, "summary": ["Applied."]})
        note = self._written(rest, self._login(sent), system=False)
        row.notes.append(note)
        row.updated = self.clock
        return Reply(201, note)

    def _written(self, text: str, by: str, system: bool) -> Dict[str, Any]:
        self._next_note += 1
        return {"id": self._next_note, "body": text, "author": _person(by), "system": system}

    def _link(self, sent: Sent, row: _Row) -> Reply:
        body = sent.body or {}
        assert set(body) == {"target_project_id", "target_issue_iid"}
        target = int(body["target_issue_iid"])
        if body["target_project_id"] not in (PROJECT, str(PROJECT_ID)) or target not in self.rows:
            return Reply(404, {"message": "404 Not found"})
        if self.role == "none":
            return Reply(404, {"message": "No matching issue found."})
        if target in row.links:
            return Reply(409, {"message": "Issue(s) already assigned"})
        row.links.add(target)
        return Reply(201, {"link_type": "relates_to"})

    def _stamp(self, instant: datetime) -> str:
        return instant.strftime("%Y-%m-%dT%H:%M:%S.123") + self.offset


def _person(name: str) -> Dict[str, Any]:
    return {"id": USERS.get(name, 99), "username": name, "name": name.title(), "state": "active"}


def _fault(body: Mapping[str, Any]) -> Optional[Reply]:
    if len(body.get("title", "")) > 255:
        return Reply(400, {"message": {"title": ["is too long (maximum is 255 characters)"]}})
    if len(body.get("description") or "") > 1_048_576:
        told = "is too long (1.1 MiB). The maximum size is 1 MiB."
        return Reply(400, {"message": {"description": [told]}})
    return None


def _matches(row: _Row, query: Mapping[str, str]) -> bool:
    since = query.get("updated_after")
    wanted = query.get("author_username")
    tests = (
        query.get("state", "all") in ("all", row.fields["state"]),
        wanted is None or row.fields["author"]["username"].casefold() == wanted.casefold(),
        since is None or row.updated >= _instant(since),
    )
    return all(tests)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=START.tzinfo)
