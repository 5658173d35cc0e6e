"""A fake GitHub: its issues API in memory, as far as the pack uses it.

Written from GitHub's REST documentation (API version 2022-11-28), not recorded from the service. It
keeps state, so that sequences of calls can be tested, and can misbehave as GitHub or a network
does. It is no substitute for a run against the real service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Tuple
from urllib.parse import urlencode

from fake_http import FakeServer, Reply, Sent
from fake_http import stamp as _stamp

HOST = "https://api.github.com"
BOT = "review-bot"
TOKEN = "ghp_fake0123"


@dataclass
class _Row:
    number: int
    fields: Dict[str, Any]
    comments: List[Dict[str, Any]] = field(default_factory=list)


class FakeGitHub(FakeServer):
    """One repository with its issues, reached as a transport.

    :param pushes: whether the token may push; else labels and assignees are dropped silently.
    :param assignable: logins that may be assigned; others get 422.
    :param issues_on: False answers 410 to everything about issues.
    """

    host = HOST

    def __init__(
        self,
        repo: str = "example/project",
        pushes: bool = True,
        assignable: Tuple[str, ...] = ("committee1", "committee2", "committee3"),
        issues_on: bool = True,
    ) -> None:
        super().__init__()
        self.repo = repo
        self.pushes = pushes
        self.assignable = assignable
        self.issues_on = issues_on
        self.tokens = {TOKEN: BOT}
        self.user_status = 200
        self.archived = False
        self.garbles = False
        self.rows: Dict[int, _Row] = {}
        self._next_comment = 1000

    # -- what people do --------------------------------------------------------------------------

    def issue(self, number: int) -> Dict[str, Any]:
        """An issue's fields."""
        return self.rows[number].fields

    def comments(self, number: int) -> List[str]:
        """The bodies of an issue's comments."""
        return [comment["body"] for comment in self.rows[number].comments]

    def delete(self, number: int) -> None:
        """Delete an issue, as an administrator can; it answers 410 from then on."""
        self.rows[number].fields["deleted"] = True

    def add_issue(self, title: str, body: str = "", by: str = BOT, **more: Any) -> int:
        """An issue somebody made; ``pull_request={}`` makes it a pull request."""
        return self._add({"title": title, "body": body}, by, **more).number

    # -- transport -------------------------------------------------------------------------------

    def headers(self) -> Dict[str, str]:
        """A budget that is far from used up."""
        return {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "4990",
            "x-ratelimit-reset": str(int(self.clock.timestamp()) + 1800),
        }

    def answer(self, sent: Sent) -> Reply:
        """Answer one request."""
        scheme, _, token = sent.headers.get("Authorization", "").partition(" ")
        login = self.tokens.get(token)
        if scheme != "Bearer" or login is None:
            return _refusal(401, "Bad credentials")
        for method, pattern, handler in self._routes():
            found = re.fullmatch(pattern, sent.path)
            if found and method == sent.method:
                return self._guarded(handler, sent, login, found.groups())
        return _refusal(404, "Not Found")

    def _routes(self) -> List[Tuple[str, str, Callable[..., Reply]]]:
        issues = rf"/(?:repos/{re.escape(self.repo)}|repositories/1)/issues"
        return [
            ("GET", "/user", self._user),
            ("GET", rf"/repos/{re.escape(self.repo)}", self._repository),
            ("GET", rf"/repos/{re.escape(self.repo)}/assignees/([^/]+)", self._assignee),
            ("GET", issues, self._list),
            ("POST", issues, self._create),
            ("GET", rf"{issues}/(\d+)", self._get),
            ("PATCH", rf"{issues}/(\d+)", self._update),
            ("GET", rf"{issues}/(\d+)/comments", self._list_comments),
            ("POST", rf"{issues}/(\d+)/comments", self._comment),
        ]

    def _guarded(
        self, handler: Callable[..., Reply], sent: Sent, login: str, groups: Tuple[str, ...]
    ) -> Reply:
        if "/issues" in sent.path and not self.issues_on:
            return _refusal(410, "Issues has been disabled in this repository.")
        if not groups:
            return handler(sent, login)
        if not groups[0].isdigit():
            return handler(sent, *groups)
        row = self.rows.get(int(groups[0]))
        if row is None:
            return _refusal(404, "Not Found")
        if row.fields.get("deleted"):
            return _refusal(410, "This issue was deleted")
        return handler(sent, login, row)

    # -- endpoints -------------------------------------------------------------------------------

    def _user(self, _sent: Sent, login: str) -> Reply:
        if self.user_status != 200:
            return _refusal(self.user_status, "Resource not accessible by integration")
        return Reply(200, {"login": login, "id": 1})

    def _repository(self, _sent: Sent, _login: str) -> Reply:
        rights = {"pull": True, "triage": self.pushes, "push": self.pushes}
        told = {"archived": self.archived, "has_issues": self.issues_on, "permissions": rights}
        return Reply(200, {"full_name": self.repo, **told})

    def _assignee(self, _sent: Sent, who: str) -> Reply:
        return Reply(204) if who in self.assignable else _refusal(404, "Not Found")

    def _list(self, sent: Sent, _login: str) -> Reply:
        query = sent.query
        rows = [
            row.fields
            for row in sorted(self.rows.values(), key=lambda row: row.number)
            if _matches(row.fields, query)
        ]
        if query.get("direction", "desc") == "desc":
            rows.reverse()
        return self._paged(rows, sent)

    def _paged(self, rows: List[Dict[str, Any]], sent: Sent) -> Reply:
        size = min(int(sent.query.get("per_page", "30")), 100)
        page = int(sent.query.get("page", "1"))
        start = (page - 1) * size
        part = rows[start:][:size]
        headers = {}
        if page * size < len(rows):
            # GitHub's own links name the repository by its id.
            path = sent.path.replace(f"/repos/{self.repo}", "/repositories/1")
            query = urlencode({**sent.query, "page": str(page + 1)})
            headers["Link"] = (
                f'<{HOST}{path}?page=1>; rel="prev", <{HOST}{path}?{query}>; rel="next"'
            )
        return Reply(200, part, headers)

    def _get(self, _sent: Sent, _login: str, row: _Row) -> Reply:
        return Reply(200, row.fields)

    def _create(self, sent: Sent, login: str) -> Reply:
        body = sent.body or {}
        if len(body.get("title", "")) > 256 or len(body.get("body") or "") > 65536:
            return _invalid("title or body", "is too long")
        wrong = [who for who in body.get("assignees", ()) if who not in self.assignable]
        if wrong and self.pushes:
            return _invalid("assignees", "invalid")
        row = self._add(body, login)
        return Reply(201, "{cut off" if self.garbles else row.fields)

    def _add(self, body: Mapping[str, Any], login: str, **more: Any) -> _Row:
        number = len(self.rows) + 1
        stamp = _stamp(self.clock)
        labels = body.get("labels", ()) if self.pushes else ()
        assignees = body.get("assignees", ()) if self.pushes else ()
        fields = {
            "number": number,
            "title": body.get("title", ""),
            "body": body.get("body"),
            "state": "open",
            "state_reason": None,
            "user": {"login": login},
            "labels": [{"name": name} for name in labels],
            "assignees": [{"login": who} for who in assignees],
            "html_url": f"https://github.com/{self.repo}/issues/{number}",
            "created_at": stamp,
            "updated_at": stamp,
            "closed_at": None,
            **more,
        }
        self.rows[number] = _Row(number, fields)
        return self.rows[number]

    def _update(self, sent: Sent, _login: str, row: _Row) -> Reply:
        body = sent.body or {}
        fields = row.fields
        for name in ("title", "body"):
            if name in body:
                fields[name] = body[name]
        if "assignees" in body and self.pushes:
            if any(who not in self.assignable for who in body["assignees"]):
                return _invalid("assignees", "invalid")
            fields["assignees"] = [{"login": who} for who in body["assignees"]]
        self._change_state(fields, body)
        fields["updated_at"] = _stamp(self.clock)
        return Reply(200, fields)

    def _change_state(self, fields: Dict[str, Any], body: Mapping[str, Any]) -> None:
        if "state" not in body or body["state"] == fields["state"]:
            return
        fields["state"] = body["state"]
        is_closed = body["state"] == "closed"
        fields["state_reason"] = body.get("state_reason", "completed" if is_closed else "reopened")
        fields["closed_at"] = _stamp(self.clock) if is_closed else None

    def _list_comments(self, sent: Sent, _login: str, row: _Row) -> Reply:
        return self._paged(row.comments, sent)

    def _comment(self, sent: Sent, login: str, row: _Row) -> Reply:
        self._next_comment += 1
        text = (sent.body or {}).get("body", "")
        comment = {"id": self._next_comment, "body": text, "user": {"login": login}}
        row.comments.append(comment)
        row.fields["updated_at"] = _stamp(self.clock)
        return Reply(201, comment)


def _matches(fields: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    if fields.get("deleted"):
        return False
    labels = {label["name"] for label in fields["labels"]}
    state = query.get("state", "open")
    tests = (
        state in ("all", fields["state"]),
        query.get("creator", fields["user"]["login"]) == fields["user"]["login"],
        set(filter(None, query.get("labels", "").split(","))) <= labels,
        fields["updated_at"] >= query.get("since", ""),
    )
    return all(tests)


def _refusal(status: int, message: str) -> Reply:
    return Reply(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


def _invalid(name: str, code: str) -> Reply:
    errors = [{"resource": "Issue", "field": name, "code": code}]
    return Reply(422, {"message": "Validation Failed", "errors": errors})
