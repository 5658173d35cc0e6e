"""A fake Launchpad: the part of its web service that the pack uses, in memory.

Written from the source of Launchpad (``lp/bugs``, ``lp/services/webapp``, ``lp/registry/browser``)
and of lazr.restful 4.0, not recorded from the service. It keeps state, so that sequences of calls
can be tested, and is no substitute for a run against the real one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple
from urllib.parse import unquote, urlencode

from fake_http import FakeServer, Handler, Reply, Sent

HOST = "https://api.launchpad.net"
BASE = f"{HOST}/devel"
WEB = "https://bugs.launchpad.net"
BOT = "review-bot"
CONSUMER, KEY, SECRET = "review-escalation", "k3yk3y", "s3cr3ts3cr3t"
TOKEN = f"{CONSUMER}:{KEY}:{SECRET}"
MAX_PAGE = 300
UNRESOLVED = (
    "New",
    "Deferred",
    "Incomplete",
    "Confirmed",
    "Triaged",
    "In Progress",
    "Fix Committed",
)
RESOLVED = ("Fix Released", "Opinion", "Invalid", "Won't Fix", "Expired", "Does Not Exist")
SUPERVISORS_ONLY = ("Won't Fix", "Deferred", "Expired", "Triaged", "Does Not Exist")

_TAG = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_SEARCH = {"status", "tags", "tags_combinator", "omit_duplicates", "order_by"}


@dataclass
class Bug:
    """A bug with its task in one project (or series of it)."""

    number: int
    title: str
    tags: List[str]
    owner: str
    messages: List[Tuple[str, str]]
    project: str
    created: str
    status: str = "New"
    assignee: str = ""
    duplicate_of: int = 0
    closed: Optional[str] = None
    updated: str = ""
    visible: bool = True
    series: List[str] = field(default_factory=list)


class FakeLaunchpad(FakeServer):
    """Some projects with their bugs, reached as a transport.

    :param supervised: the projects have a bug supervisor, which our account is not in.
    """

    host = HOST

    def __init__(self, projects: Tuple[str, ...] = ("example", "ubuntu")) -> None:
        super().__init__()
        self.projects = set(projects)
        self.supervised = False
        self.people = {BOT, "committee1", "committee2", "committee3", "the-team"}
        self.suspended = {"gone-person"}
        self.inactive = {"merged-person"}
        self.renamed: Dict[str, str] = {}
        self.can_write = True
        self.location = True
        self.bugs: Dict[int, Bug] = {}
        self._stale: List[int] = []

    # -- what people do --------------------------------------------------------------------------

    def stamp(self) -> str:
        """The present instant as Launchpad writes it."""
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S") + ".123456+00:00"

    def set_status(self, number: int, status: str) -> None:
        """Somebody with all rights sets a status."""
        bug = self.bugs[number]
        if status in RESOLVED and bug.status not in RESOLVED:
            bug.closed = self.stamp()
        if status not in RESOLVED:
            bug.closed = None
        bug.status = status

    def add_bug(self, title: str, tags: Tuple[str, ...] = (), **more: Any) -> Bug:
        """A bug somebody reported."""
        values = {"owner": "visitor", "project": "example", **more}
        text = values.pop("description", title)
        return self._add(title, text, list(tags), **values)

    def disturb(self, times: int) -> None:
        """Somebody changes tags just before each of our next edits of a bug."""
        self._stale = list(range(times))

    # -- transport -------------------------------------------------------------------------------

    def answer(self, sent: Sent) -> Reply:
        """Answer one request."""
        try:
            login = self._login(sent.headers.get("Authorization", ""))
        except PermissionError as err:
            return Reply(401, str(err), {"Content-Type": "text/plain"})
        path = unquote(sent.path)
        for method, pattern, handler in self.routes():
            found = re.fullmatch(f"/devel{pattern}", path)
            if found and method == sent.method:
                if method != "GET" and not login:
                    return _plain(401, "(<Bug>, 'createBug', 'launchpad.AnyPerson')")
                return handler(sent, *found.groups())
        return _plain(404, f"Object: <LaunchpadRootApplication>, name: '{path}'")

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """Methods, patterns and handlers."""
        place = r"([a-z0-9][a-z0-9+.-]*(?:/\+source/[a-z0-9+.-]+)?)"
        return [
            ("GET", r"/people/\+me", self._me),
            ("GET", r"/~([^/]+)", self._person),
            ("POST", r"/bugs", self._create),
            ("GET", r"/bugs/(\d+)", self._bug),
            ("PATCH", r"/bugs/(\d+)", self._edit_bug),
            ("POST", r"/bugs/(\d+)", self._message),
            ("GET", r"/bugs/(\d+)/messages", self._messages),
            ("GET", rf"/{place}/\+bug/(\d+)", self._task),
            ("PATCH", rf"/{place}/\+bug/(\d+)", self._edit_task),
            ("GET", rf"/{place}", self._search),
        ]

    def _login(self, header: str) -> str:
        """Who signs; "" for nobody. Time and nonce are not asked for with PLAINTEXT."""
        if not header.startswith("OAuth "):
            return ""
        pairs = re.findall(r'(\w+)="([^"]*)"', header)
        told = {name: unquote(value) for name, value in pairs}
        assert told["oauth_signature_method"] == "PLAINTEXT"
        if told["oauth_consumer_key"] != CONSUMER:
            raise PermissionError(f"Unknown consumer ({told['oauth_consumer_key']}).")
        if told["oauth_token"] != KEY:
            raise PermissionError(f"Unknown access token ({told['oauth_token']}).")
        if told["oauth_signature"].split("&") != ["", SECRET]:
            raise PermissionError("Invalid signature.")
        return BOT

    # -- endpoints -------------------------------------------------------------------------------

    def _me(self, sent: Sent) -> Reply:
        if not self._login(sent.headers.get("Authorization", "")):
            return _plain(401, "You need to be logged in to view this URL.")
        return Reply(303, "", {"Location": f"{BASE}/~{BOT}"})

    def _person(self, _sent: Sent, name: str) -> Reply:
        if name in self.suspended:
            return _plain(410, f"'User is suspended: ~{name}'")
        if name not in self.people | self.inactive:
            return _plain(404, f"Object: <LaunchpadRootApplication>, name: '~{name}'")
        return Reply(200, {"name": name, "is_valid": name in self.people})

    def _create(self, sent: Sent) -> Reply:
        form, errors = _parameters(sent.body, "createBug", {"target", "title", "description"})
        target = str(form.get("target"))
        project = target.replace(f"{BASE}/", "", 1) if target.startswith(BASE) else ""
        if project not in self.projects:
            errors.append(f'target: No such object "{target}".')
        errors += _text_errors(form, title=200, description=50_000)
        errors += [f"tags: {tag!r}" for tag in form.get("tags", ()) if not _TAG.fullmatch(tag)]
        if errors:
            return _plain(400, "\n".join(errors))
        if not self.can_write:
            return _plain(401, "(<MaloneApplication>, 'createBug', 'launchpad.AnyPerson')")
        bug = self._add(form["title"], form["description"], form.get("tags", []), BOT, project)
        headers = {"Location": f"{BASE}/bugs/{bug.number}"} if self.location else {}
        return Reply(201, "", headers)

    def _add(
        self, title: str, text: str, tags: List[str], owner: str, project: str, **more: Any
    ) -> Bug:
        stamp = self.stamp()
        bug = Bug(
            len(self.bugs) + 1, title, sorted(set(tags)), owner, [(owner, text)], project, stamp
        )
        bug.updated = stamp
        for name, value in more.items():
            setattr(bug, name, value)
        self.bugs[bug.number] = bug
        return bug

    def _bug(self, _sent: Sent, number: str) -> Reply:
        bug = self._visible(number)
        return Reply(200, _bug_row(bug)) if bug else _plain(404, f"name: '{number}'")

    def _visible(self, number: str) -> Optional[Bug]:
        bug = self.bugs.get(int(number))
        return bug if bug and bug.visible else None

    def _edit_bug(self, sent: Sent, number: str) -> Reply:
        bug = self._visible(number)
        if bug is None:
            return _plain(404, f"name: '{number}'")
        if self._stale:
            bug.tags.append(f"somebody-{self._stale.pop()}")
        wanted = sent.headers.get("If-Match")
        if wanted and wanted.split("-")[-1] != _bug_row(bug)["http_etag"].split("-")[-1]:
            return Reply(412, "")
        unknown = set(sent.body) - {"tags", "duplicate_of_link"}
        if unknown:
            return _plain(400, f"{unknown}: You tried to modify a nonexistent attribute.")
        if "tags" in sent.body:
            bug.tags = sorted(sent.body["tags"])
        if "duplicate_of_link" in sent.body:
            refused = self._mark_duplicate(bug, sent.body["duplicate_of_link"])
            if refused:
                return refused
        bug.updated = self.stamp()
        return Reply(209, _bug_row(bug))

    def _mark_duplicate(self, bug: Bug, link: Optional[str]) -> Optional[Reply]:
        if link is None:
            bug.duplicate_of = 0
            return None
        target = self._visible(link.rpartition("/")[2]) if link.startswith(BASE) else None
        if target is None:
            return _plain(400, f'duplicate_of_link: No such object "{link}".')
        if target is bug or target.duplicate_of:
            return _plain(400, f"Bug {target.number} is already a duplicate.")
        bug.duplicate_of = target.number
        return None

    def _message(self, sent: Sent, number: str) -> Reply:
        bug = self._visible(number)
        if bug is None:
            return _plain(404, f"name: '{number}'")
        form, errors = _parameters(sent.body, "newMessage", {"content"})
        if errors:
            return _plain(400, "\n".join(errors))
        bug.messages.append((BOT, form["content"]))
        bug.updated = self.stamp()
        index = len(bug.messages) - 1
        return Reply(201, "", {"Location": f"{BASE}/{bug.project}/+bug/{number}/comments/{index}"})

    def _messages(self, sent: Sent, number: str) -> Reply:
        bug = self._visible(number)
        if bug is None:
            return _plain(404, f"name: '{number}'")
        rows = [
            {
                "self_link": f"{BASE}/{bug.project}/+bug/{number}/comments/{index}",
                "content": text,
                "subject": bug.title if not index else f"Re: {bug.title}",
                "owner_link": f"{BASE}/~{who}",
                "visible": True,
            }
            for index, (who, text) in enumerate(bug.messages)
        ]
        return self._batch(rows, sent)

    def _task(self, sent: Sent, project: str, number: str) -> Reply:
        moved = self._elsewhere(project, sent)
        if moved:
            return moved
        bug = self._visible(number)
        if bug is None:
            return _plain(404, f"name: '{number}'")
        if bug.project != project:
            return Reply(301, "", {"Location": f"{BASE}/{bug.project}/+bug/{number}"})
        return Reply(200, _task_row(bug))

    def _elsewhere(self, project: str, sent: Sent) -> Optional[Reply]:
        if project in self.renamed:
            there = sent.path.replace(project, self.renamed[project])
            return Reply(301, "", {"Location": f"{HOST}{there}"})
        if project not in self.projects:
            return _plain(404, f"Object: <LaunchpadRootApplication>, name: '{project}'")
        return None

    def _edit_task(self, sent: Sent, project: str, number: str) -> Reply:
        found = self._task(sent, project, number)
        if found.status != 200:
            return found
        bug = self.bugs[int(number)]
        for name, value in sent.body.items():
            refused = self._setters()[name](bug, value)
            if refused:
                return refused
        bug.updated = self.stamp()
        return Reply(209, _task_row(bug))

    def _setters(self) -> Dict[str, Callable[[Bug, Any], Optional[Reply]]]:
        return {"status": self._transition, "assignee_link": self._hand_to}

    def _transition(self, bug: Bug, status: str) -> Optional[Reply]:
        if status not in UNRESOLVED + RESOLVED:
            return _plain(400, f'status: Invalid value "{status}". Acceptable values are: …')
        stuck = bug.status in ("Won't Fix", "Deferred", "Does Not Exist")
        if self.supervised and (stuck or status in SUPERVISORS_ONLY):
            return _plain(401, f"Only Bug Supervisors may change status to {status}.")
        self.set_status(bug.number, status)
        return None

    def _hand_to(self, bug: Bug, link: str) -> Optional[Reply]:
        name = link.rpartition("~")[2]
        if not link.startswith(f"{BASE}/~") or name not in self.people:
            return _plain(400, f'assignee_link: No such object "{link}".')
        if self.supervised and name != BOT:
            return _plain(401, "Regular users can assign and unassign only themselves.")
        bug.assignee = name
        return None

    def _search(self, sent: Sent, project: str) -> Reply:
        moved = self._elsewhere(project, sent)
        if moved:
            return moved
        assert sent.query.get("ws.op") == "searchTasks"
        asked = {
            name: json.loads(value)
            for name, value in sent.query.items()
            if not name.startswith("ws.") and name != "memo"
        }
        assert set(asked) <= _SEARCH, f"unknown parameters: {set(asked) - _SEARCH}"
        wrong = [s for s in asked.get("status", ()) if s not in UNRESOLVED + RESOLVED]
        if wrong:
            return _plain(400, f'status: Invalid value "{wrong[0]}".')
        assert asked.get("order_by") == ["id"], "the default order moves pages"
        found = [
            bug
            for bug in self.bugs.values()
            if bug.visible and bug.project == project and _matches(bug, asked)
        ]
        rows = [_task_row(bug, series) for bug in found for series in ("", *bug.series)]
        return self._batch(rows, sent)

    def _batch(self, rows: List[Dict[str, Any]], sent: Sent) -> Reply:
        size = int(sent.query.get("ws.size", "50"))
        if size > MAX_PAGE:
            return _plain(400, f"Maximum for ws.size is {MAX_PAGE}.")
        start = int(sent.query.get("ws.start", "0"))
        answer: Dict[str, Any] = {"start": start, "entries": rows[start:][:size]}
        if start + size < len(rows):
            query = urlencode({**sent.query, "ws.start": start + size, "memo": start + size})
            answer["next_collection_link"] = f"{HOST}{sent.path}?{query}"
            answer["total_size_link"] = f"{HOST}{sent.path}?{query}&ws.show=total_size"
        else:
            answer["total_size"] = len(rows)
        return Reply(200, answer)


def _matches(bug: Bug, asked: Mapping[str, Any]) -> bool:
    assert asked.get("tags_combinator", "All") == "All"
    hidden = asked.get("omit_duplicates", True) and bug.duplicate_of
    tagged = set(asked.get("tags", ())) <= set(bug.tags)
    return bug.status in asked.get("status", UNRESOLVED) and tagged and not hidden


def _bug_row(bug: Bug) -> Dict[str, Any]:
    writable = json.dumps([bug.title, bug.tags, bug.duplicate_of])
    etag = "-".join(_sha(text) for text in (f"{bug.updated}{len(bug.messages)}", writable))
    duplicate = f"{BASE}/bugs/{bug.duplicate_of}" if bug.duplicate_of else None
    return {
        "self_link": f"{BASE}/bugs/{bug.number}",
        "web_link": f"{WEB}/bugs/{bug.number}",
        "id": bug.number,
        "title": bug.title,
        "description": bug.messages[0][1],
        "tags": bug.tags,
        "duplicate_of_link": duplicate,
        "owner_link": f"{BASE}/~{bug.owner}",
        "private": False,
        "date_created": bug.created,
        "date_last_updated": bug.updated,
        "http_etag": f'"{etag}"',
    }


def _task_row(bug: Bug, series: str = "") -> Dict[str, Any]:
    """A project's task, or that of a series, where the bug is released already."""
    target = f"{BASE}/{bug.project}" + (f"/{series}" if series else "")
    status = "Fix Released" if series else bug.status
    return {
        "self_link": f"{target}/+bug/{bug.number}",
        "web_link": f"{target.replace(BASE, WEB)}/+bug/{bug.number}",
        "bug_link": f"{BASE}/bugs/{bug.number}",
        "target_link": target,
        "title": f'Bug #{bug.number} in {bug.project}: "{bug.title}"',
        "status": status,
        "is_complete": status in RESOLVED,
        "assignee_link": f"{BASE}/~{bug.assignee}" if bug.assignee else None,
        "date_created": bug.created,
        "date_closed": bug.closed,
        "http_etag": f'"{_sha(bug.status)}-{_sha(bug.assignee)}"',
    }


def _parameters(
    body: Optional[Mapping[str, str]], operation: str, required: Set[str]
) -> Tuple[Dict[str, Any], List[str]]:
    """The parameters of an operation as Launchpad reads them: JSON, else the text as it is."""
    told = dict(body or {})
    assert told.pop("ws.op", None) == operation
    form: Dict[str, Any] = {}
    for name, value in told.items():
        try:
            form[name] = json.loads(value)
        except ValueError:
            form[name] = value
    assert set(form) <= required | {"tags"}, f"unknown parameters: {set(form) - required}"
    return form, [f"{name}: Required input is missing." for name in required - set(form)]


def _text_errors(form: Mapping[str, Any], **limits: int) -> List[str]:
    texts = {name: form.get(name, "") for name in limits}
    errors = [
        f"{name}: got 'int', expected str" for name, text in texts.items() if text != f"{text}"
    ]
    return errors or [
        f"{name}: Value is too long" for name, text in texts.items() if len(text) > limits[name]
    ]


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def _plain(status: int, text: str) -> Reply:
    return Reply(status, text, {"Content-Type": "text/plain"})
