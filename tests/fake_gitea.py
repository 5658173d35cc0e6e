"""A fake Gitea (or Forgejo): the issues API of one repository in memory, as far as the pack uses
it.

Written from the projects' API description (``/api/swagger`` of any instance) and, for what is
dropped without a word and for what goes wrong, from their published source; not recorded from an
instance. It is strict about parameters it does not know, where Gitea ignores them. It is no
substitute for a run against a real one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple
from urllib.parse import urlencode

from fake_http import FakeServer, Reply, Sent

HOST = "https://gitea.example.org"
ROOT_URL = "http://gitea.internal.example.org:3000"
"""What an instance behind a proxy often thinks its address is; its links to pages begin with it."""
REPO = "example/project"
BOT = "review-bot"
TOKEN = "0123456789abcdef"
WRITERS = ("committee1", "committee2", "Committee3")
VISITORS = ("visitor",)
LONGEST_PAGE = 50

_ISSUE_FIELDS = {"title", "body", "labels", "assignees"}
_LIST = {"type", "state", "created_by", "since"}
_PAGE = {"page", "limit"}


@dataclass
class _Row:
    number: int
    fields: Dict[str, Any]
    created: datetime
    updated: datetime
    comments: List[Dict[str, Any]] = field(default_factory=list)


class FakeGitea(FakeServer):
    """One repository with its issues, reached as a transport.

    :ivar writes: whether our account may write issues; else labels and assignees are dropped.
    :ivar scopes: of our token.
    :ivar refuses_wrong_tokens: False as in older versions, where such a token is nobody's.
    :ivar is_private: whether only those with access may be assigned; else everybody who may read
        pull requests, if there are any.
    :ivar is_archived: nothing new may be written.
    :ivar org_labels: labels of the organization; None where the owner is a person.
    :ivar loses: who loses access between the check and the assignment.
    :ivar knows_types: False for a version that lists pull requests among the issues.
    :ivar has_totals: whether listings tell how long they are.
    """

    host = HOST

    def __init__(self) -> None:
        super().__init__()
        self.writes = True
        self.scopes = {"write:issue", "read:user", "read:repository", "read:organization"}
        self.tokens = {TOKEN: BOT}
        self.refuses_wrong_tokens = False
        self.must_change_password = False
        self.is_private = True
        self.has_pull_requests = True
        self.is_archived = False
        self.has_issues = True
        self.renamed = False
        self.org_labels: Optional[Dict[int, str]] = None
        self.labels: Dict[int, str] = {}
        self.loses: Set[str] = set()
        self.knows_types = True
        self.has_totals = True
        self.blocked: Set[int] = set()
        self.offset = "Z"
        self.garbles = False
        self.longest_page = LONGEST_PAGE
        self.rows: Dict[int, _Row] = {}
        self.base = ""
        self._next = {"issue": 0, "comment": 1000, "label": 20}

    # -- what people do --------------------------------------------------------------------------

    def issue(self, number: int) -> Dict[str, Any]:
        """An issue's fields."""
        return self.rows[number].fields

    def comments(self, number: int) -> List[str]:
        """The bodies of an issue's comments."""
        return [comment["body"] for comment in self.rows[number].comments]

    def delete(self, number: int) -> None:
        """Delete an issue, as an administrator can."""
        del self.rows[number]

    def change(self, number: int, **fields: Any) -> None:
        """Somebody changes an issue's fields."""
        row = self.rows[number]
        row.fields.update(fields)
        row.updated = self.clock
        if fields.get("state") == "closed":
            row.fields["closed_at"] = self._stamp()

    def add_issue(self, title: str, body: str = "", by: str = BOT, **more: Any) -> int:
        """An issue somebody made; ``pull_request={}`` makes it a pull request."""
        row = self._add({"title": title, "body": body}, by)
        row.fields.update(more)
        return row.number

    def add_label(self, name: str) -> int:
        """A label somebody made; several may have one name."""
        number = self._number("label")
        self.labels[number] = name
        return number

    # -- transport -------------------------------------------------------------------------------

    def answer(self, sent: Sent) -> Reply:
        """Answer one request, after the checks that come before every endpoint."""
        login = self._login(sent)
        if login is None and self.refuses_wrong_tokens:
            return _refusal(401, "user does not exist [uid: 0, name: ]")
        if login is None and (sent.method != "GET" or sent.path.endswith("/user")):
            return _refusal(401, "token is required")
        if login and self.must_change_password:
            return _refusal(403, f"You must change your password. Change it at: {ROOT_URL}/user")
        if self.renamed and "/repos/" in sent.path:
            place = sent.path.replace(REPO, "example/renamed")
            return Reply(307, "", {"Location": place})
        return super().answer(sent)

    def routes(self) -> List[Tuple[str, str, Callable[..., Reply]]]:
        """The endpoints the pack knows, each with the scope it needs."""
        api = f"{self.base}/api/v1"
        repo = rf"{api}/repos/{re.escape(REPO)}"
        issue = rf"{repo}/issues/(\d+)"
        return [
            ("GET", rf"{api}/user", self._needs("read:user", self._me)),
            ("GET", rf"{api}/users/([^/]+)", self._needs("read:user", self._user)),
            ("GET", repo, self._needs("read:repository", self._repository)),
            ("GET", rf"{repo}/assignees", self._needs("read:repository", self._assignees)),
            ("GET", rf"{repo}/issues", self._needs("read:issue", self._list)),
            ("POST", rf"{repo}/issues", self._needs("write:issue", self._create)),
            ("GET", issue, self._needs("read:issue", self._on(self._get))),
            ("PATCH", issue, self._needs("write:issue", self._on(self._update))),
            ("GET", rf"{issue}/comments", self._needs("read:issue", self._on(self._talk))),
            ("POST", rf"{issue}/comments", self._needs("write:issue", self._on(self._comment))),
            ("GET", rf"{repo}/labels", self._needs("read:issue", self._list_labels)),
            ("POST", rf"{repo}/labels", self._needs("write:issue", self._create_label)),
            ("DELETE", rf"{repo}/labels/(\d+)", self._needs("write:issue", self._delete_label)),
            ("GET", rf"{api}/orgs/example/labels", self._needs("read:organization", self._org)),
        ]

    def not_found(self, _sent: Sent) -> Reply:
        """Not there, or not for this account."""
        return _refusal(404, "The target couldn't be found.")

    def _needs(self, scope: str, handler: Callable[..., Reply]) -> Callable[..., Reply]:
        def handle(sent: Sent, *groups: str) -> Reply:
            able = {scope, scope.replace("read:", "write:")} & self.scopes
            if self._login(sent) and not able:
                told = f"token does not have at least one of required scope(s): [{scope}]"
                return _refusal(403, told)
            if self.is_archived and sent.method == "POST" and "/labels" not in sent.path:
                return _refusal(423, f"{REPO} is archived")
            return handler(sent, *groups)

        return handle

    def _on(self, handler: Callable[..., Reply]) -> Callable[..., Reply]:
        def handle(sent: Sent, number: str) -> Reply:
            row = self.rows.get(int(number))
            if row is not None:
                return handler(sent, row)
            # As in the source: comments of an issue that is not there are a fault of the server.
            talks = sent.path.endswith("/comments")
            return _refusal(500, "") if talks else self.not_found(sent)

        return handle

    def _login(self, sent: Sent) -> Optional[str]:
        scheme, _, token = sent.headers.get("Authorization", "").partition(" ")
        return self.tokens.get(token) if scheme == "token" else None

    # -- endpoints -------------------------------------------------------------------------------

    def _me(self, sent: Sent) -> Reply:
        return Reply(200, {"id": 1, "login": self._login(sent)})

    def _user(self, _sent: Sent, name: str) -> Reply:
        found = [one for one in (BOT, *WRITERS, *VISITORS) if one.casefold() == name.casefold()]
        return Reply(200, {"login": found[0]}) if found else self.not_found(_sent)

    def _repository(self, _sent: Sent) -> Reply:
        told = {"private": self.is_private, "has_pull_requests": self.has_pull_requests}
        rights = {"pull": True, "push": self.writes, "admin": False}
        more = {"archived": self.is_archived, "has_issues": self.has_issues, "permissions": rights}
        return Reply(200, {"full_name": REPO, **told, **more})

    def _assignable(self) -> Dict[str, str]:
        """Logins by their names in small letters."""
        anybody = self.has_pull_requests and not self.is_private
        return {one.casefold(): one for one in (*WRITERS, *(VISITORS if anybody else ()))}

    def _assignees(self, _sent: Sent) -> Reply:
        return Reply(200, [{"login": name} for name in WRITERS])

    def _list(self, sent: Sent) -> Reply:
        query = sent.query
        assert set(query) <= _LIST | _PAGE, "Gitea would ignore a parameter"
        assert "q" not in query, "that would ask the index, which lags"
        if query.get("created_by", BOT) not in (BOT, *WRITERS, *VISITORS):
            return self.not_found(sent)
        if not self.knows_types:
            query = {**query, "type": ""}
        rows = [row for row in self.rows.values() if _matches(row, query)]
        rows.sort(key=lambda row: row.number, reverse=True)
        return self._paged([self._shown(row) for row in rows], sent)

    def _paged(self, rows: List[Dict[str, Any]], sent: Sent) -> Reply:
        size = min(int(sent.query.get("limit", "30")), self.longest_page)
        page = max(int(sent.query.get("page", "1")), 1)
        headers = {"X-Total-Count": str(len(rows))} if self.has_totals else {}
        if page * size < len(rows):
            query = urlencode({**sent.query, "page": str(page + 1)})
            headers["Link"] = f'<{ROOT_URL}{sent.path}?{query}>; rel="next"'
        start = (page - 1) * size
        return Reply(200, rows[start:][:size], headers)

    def _shown(self, row: _Row) -> Dict[str, Any]:
        """An issue, or an empty one where it cannot be loaded."""
        if row.number in self.blocked:
            return {"id": 0, "number": 0, "state": "", "title": "", "body": "", "labels": None}
        return row.fields

    def _get(self, sent: Sent, row: _Row) -> Reply:
        assert not sent.query
        return Reply(200, self._shown(row))

    def _create(self, sent: Sent) -> Reply:
        body = sent.body or {}
        assert set(body) <= _ISSUE_FIELDS, "Gitea would ignore a field"
        if not body.get("title"):
            return _refusal(422, "[Title]: Required")
        if not all(isinstance(number, int) for number in body.get("labels", ())):
            return _refusal(422, "json: cannot unmarshal into Go struct field .labels of type int")
        for name in body.get("assignees", ()) if self.writes else ():
            if name.casefold() in self._assignable():
                continue
            if name in VISITORS:
                return _refusal(422, "user does not have access to repo [user_id: 3, repo: x]")
            told = f"Assignee does not exist: [name: user does not exist [name: {name}]]"
            return _refusal(422, told)
        row = self._add(body, self._login(sent) or "")
        if self.loses & set(body.get("assignees", ())):
            row.fields["assignees"] = None
            return _refusal(400, "user does not have access to repo [user_id: 3, repo: x]")
        return Reply(201, {"id": 1} if self.garbles else row.fields)

    def _add(self, body: Mapping[str, Any], login: str) -> _Row:
        number = self._number("issue")
        stamp = self._stamp()
        names = {**self.labels, **(self.org_labels or {})}
        known = [n for n in body.get("labels", ()) if n in names] if self.writes else []
        fields: Dict[str, Any] = {
            "id": 5000 + number,
            "number": number,
            "title": body["title"][:255],
            "body": body.get("body", ""),
            "state": "open",
            "user": {"login": login},
            "labels": [{"id": n, "name": names[n]} for n in known],
            "assignees": None,
            "html_url": f"{ROOT_URL}/{REPO}/issues/{number}",
            "created_at": stamp,
            "updated_at": stamp,
            "closed_at": None,
            "pull_request": None,
        }
        row = _Row(number, fields, self.clock, self.clock)
        self.rows[number] = row
        self._assign(row, body.get("assignees", ()))
        return row

    def _assign(self, row: _Row, names: Any) -> None:
        if self.writes and names:
            known = self._assignable()
            row.fields["assignees"] = [{"login": known[name.casefold()]} for name in names]

    def _update(self, sent: Sent, row: _Row) -> Reply:
        body = sent.body or {}
        assert set(body) <= (_ISSUE_FIELDS - {"labels"}) | {"state"}, "Gitea would ignore a field"
        if row.fields["user"]["login"] != self._login(sent) and not self.writes:
            return Reply(403, "")
        if "body" in body:
            row.fields["body"] = body["body"]
        if self.writes and "assignees" in body:
            if any(name.casefold() not in self._assignable() for name in body["assignees"]):
                row.fields["assignees"] = None
                return _refusal(500, "")
            self._assign(row, body["assignees"])
        if "state" in body and body["state"] != row.fields["state"]:
            if row.fields.get("depends"):
                told = "cannot close this issue because it still has open dependencies"
                return _refusal(412, told)
            closed = body["state"] == "closed"
            row.fields.update(
                state="closed" if closed else "open", closed_at=self._stamp() if closed else None
            )
        row.updated = self.clock
        return Reply(201, row.fields)

    def _talk(self, _sent: Sent, row: _Row) -> Reply:
        """Comments know no pages."""
        headers = {"X-Total-Count": str(len(row.comments))} if self.has_totals else {}
        return Reply(200, row.comments, headers)

    def _comment(self, sent: Sent, row: _Row) -> Reply:
        body = sent.body or {}
        assert set(body) == {"body"}
        if not body["body"]:
            return _refusal(422, "[Body]: Required")
        number, login = self._number("comment"), self._login(sent)
        row.comments.append({"id": number, "body": body["body"], "user": {"login": login}})
        row.updated = self.clock
        return Reply(201, row.comments[-1])

    def _list_labels(self, sent: Sent) -> Reply:
        assert set(sent.query) <= _PAGE
        rows = [{"id": number, "name": name} for number, name in self.labels.items()]
        return self._paged(sorted(rows, key=lambda row: str(row["name"])), sent)

    def _org(self, sent: Sent) -> Reply:
        if self.org_labels is None:
            return self.not_found(sent)
        return self._paged([{"id": n, "name": name} for n, name in self.org_labels.items()], sent)

    def _create_label(self, sent: Sent) -> Reply:
        body = sent.body or {}
        assert set(body) == {"name", "color", "description"}
        if not self.writes:
            return _refusal(403, "user should have a permission to write to a repo")
        number = self.add_label(body["name"])
        return Reply(201, {"id": number, "name": body["name"]})

    def _delete_label(self, _sent: Sent, number: str) -> Reply:
        if not self.writes:
            return _refusal(403, "user should have a permission to write to a repo")
        del self.labels[int(number)]
        for row in self.rows.values():
            row.fields["labels"] = [one for one in row.fields["labels"] if one["id"] != int(number)]
        return Reply(204, "")

    def _number(self, what: str) -> int:
        self._next[what] += 1
        return self._next[what]

    def _stamp(self) -> str:
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S") + self.offset


def _matches(row: _Row, query: Mapping[str, str]) -> bool:
    is_pull = row.fields["pull_request"] is not None
    since = query.get("since")
    tests = (
        query.get("state", "open") in ("all", row.fields["state"]),
        query.get("created_by", row.fields["user"]["login"]) == row.fields["user"]["login"],
        query.get("type") != ("issues" if is_pull else "pulls"),
        since is None or row.updated.strftime("%Y-%m-%dT%H:%M:%SZ") >= since,
    )
    return all(tests)


def _refusal(status: int, message: str) -> Reply:
    return Reply(status, {"message": message, "url": f"{ROOT_URL}/api/swagger"})
