"""A fake Jira, Cloud or Data Center: one project's REST interface in memory, as far as the pack
uses it.

Written from Atlassian's documentation, not recorded from a service: the REST references of Jira
Cloud (version 2) and of Data Center 9.12, "Search After Write with Search And Reconcile", "Jira
Data Center search indexing" and "Basic auth for REST APIs" (CAPTCHA). It keeps state, so that
sequences of calls can be tested, and is strict about what it does not know. It is no substitute for
a run against the real product.
"""

from __future__ import annotations

import base64
import copy
import re
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple

from fake_http import FakeServer, Handler, Reply, Sent

CLOUD = "https://jira-cloud.example.org"
SERVER = "https://jira.example.org"
MAIL = "review-bot@example.org"
TOKEN = "tok-fake0123"
TEXT_LIMIT = 32767
SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
UNSEEN = "Issue does not exist or you do not have permission to see it."

CATEGORIES = {
    "To Do": "new",
    "Open": "new",
    "Reopened": "new",
    "In Progress": "indeterminate",
    "Done": "done",
    "Rejected": "done",
    "Resolved": "done",
    "Closed": "done",
}
_RESOLVING = {"resolution": ("Fixed", "Won't Fix", "Duplicate", "Incomplete")}
# (id, name, status it leads to, fields of its screen)
Move = Tuple[str, str, str, Mapping[str, Tuple[str, ...]]]
_ANYWHERE: Tuple[Move, ...] = (
    ("11", "To Do", "To Do", {}),
    ("21", "In Progress", "In Progress", {}),
    ("31", "Done", "Done", {}),
)
SIMPLE: Dict[str, Tuple[Move, ...]] = dict.fromkeys(("To Do", "In Progress", "Done"), _ANYWHERE)
"""Cloud's workflow of new projects: any status from any other."""
_OPEN: Tuple[Move, ...] = (
    ("4", "Start Progress", "In Progress", {}),
    ("5", "Resolve Issue", "Resolved", _RESOLVING),
    ("2", "Close Issue", "Closed", _RESOLVING),
)
CLASSIC: Dict[str, Tuple[Move, ...]] = {
    "Open": _OPEN,
    "Reopened": _OPEN[1:],
    "In Progress": _OPEN[1:],
    "Resolved": (("701", "Close Issue", "Closed", {}), ("3", "Reopen Issue", "Reopened", {})),
    "Closed": (("3", "Reopen Issue", "Reopened", {}),),
}
"""The server's "classic default workflow"; Closed has ``jira.issue.editable=false``."""
FROZEN = ("Closed",)


@dataclass
class Person:
    """Somebody with an account; Cloud shows ``mail`` only where the person lets it."""

    name: str
    account: str
    mail: str
    shows_mail: bool = True
    assignable: bool = True


PEOPLE = tuple(
    Person(f"committee{n}", f"5b10a2844c20165700ede2{n:02x}", f"committee{n}@example.org")
    for n in (1, 2, 3)
)


@dataclass
class _Row:
    id: int
    key: str
    fields: Dict[str, Any]
    comments: List[Dict[str, Any]] = field(default_factory=list)
    seen: List[Tuple[float, Dict[str, Any]]] = field(default_factory=list)
    """What the index shows of it, from which second of the clock on."""
    gone_at: float = float("inf")
    """When the index learns that it was deleted."""


class FakeJira(FakeServer):
    """One project, reached as a transport.

    :param cloud: which of the two it is.
    :param now: the test's clock, for the index.
    """

    def __init__(self, cloud: bool = True, now: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__()
        self.cloud = cloud
        self.host = CLOUD if cloud else SERVER
        self.base = self.host + ("" if cloud else "/jira")
        self.now = now
        self.lag = 0.0
        self.project = "REV"
        self.people: List[Person] = list(PEOPLE)
        self.bot = Person("review-bot", "5b10a2844c20165700ede2ff", MAIL)
        self.token = TOKEN
        self.password = ""
        self.captcha = False
        self.page_cap = 100 if cloud else 1000
        self.types = ("Task", "Bug")
        self.screen: Set[str] = {
            *("project", "issuetype", "summary", "description", "labels", "assignee", "components"),
        }
        self.required: Tuple[str, ...] = ()
        self.lead: Optional[Person] = None
        self.permissions: Set[str] = {"create", "edit", "assign", "transition", "link"}
        self.workflow = dict(SIMPLE if cloud else CLASSIC)
        self.link_types: Tuple[str, ...] = ("Blocks", "Duplicate")
        self.vague = False
        self.garbles = False
        self.rows: Dict[str, _Row] = {}
        self.moved: Dict[str, str] = {}
        self._deleted: List[_Row] = []
        self.links: List[Dict[str, str]] = []
        self.before_page: Callable[[int], None] = lambda _start: None
        self._ids = 10_000

    # -- what people do ----------------------------------------------------------------------

    def issue(self, key: str) -> Dict[str, Any]:
        """An issue's fields."""
        return self.rows[key].fields

    def comments(self, key: str) -> List[str]:
        """The bodies of an issue's comments."""
        return [one["body"] for one in self.rows[key].comments]

    def put(self, key: str, status: str, resolution: Optional[str] = None) -> None:
        """Somebody moves an issue."""
        self._settle(self.rows[key], status, resolution)

    def label(self, key: str, label: str) -> None:
        """Somebody labels an issue."""
        self.issue(key)["labels"].append(label)
        self._indexed(self.rows[key])

    def index(self, label: str) -> List[str]:
        """Keys of what the index shows under a label."""
        rows = self._matching(f'project = "{self.project}" AND labels = "{label}" ORDER BY key ASC')
        return [row["key"] for row in rows]

    def delete(self, key: str) -> None:
        """Somebody deletes an issue; the index may show it a while longer."""
        row = self.rows.pop(key)
        row.gone_at = self.now() + self.lag
        self._deleted.append(row)

    def move(self, key: str, to: str) -> None:
        """Somebody moves an issue to another project; its old key leads to it."""
        row = self.rows.pop(key)
        row.key = to
        self.rows[to] = row
        self.moved[key] = to

    def add(
        self,
        title: str,
        labels: Tuple[str, ...] = (),
        status: str = "",
        by: Optional[Person] = None,
    ) -> str:
        """An issue somebody made; by default the pack, or somebody with its credential."""
        row = self._add({"summary": title, "labels": list(labels)}, by or self.bot)
        if status:
            self._settle(row, status, None)
        return row.key

    # -- transport ---------------------------------------------------------------------------

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """The REST interface, version 2."""
        at = ("" if self.cloud else "/jira") + "/rest/api/2"
        key = r"([A-Za-z][A-Za-z0-9_]*-[0-9]+)"
        return [
            ("GET", f"{at}/myself", self._myself),
            ("GET", f"{at}/mypermissions", self._my_permissions),
            ("GET", f"{at}/project/([A-Z]+)", self._described),
            ("GET", f"{at}/search", self._search),
            ("GET", f"{at}/search/jql", self._search_tokens),
            ("GET", f"{at}/user/assignable/search", self._assignable),
            ("GET", f"{at}/issueLinkType", self._link_types),
            ("POST", f"{at}/issueLink", self._link),
            ("POST", f"{at}/issue", self._create),
            ("GET", f"{at}/issue/{key}", self._get),
            ("PUT", f"{at}/issue/{key}", self._edit),
            ("PUT", f"{at}/issue/{key}/assignee", self._assign),
            ("GET", f"{at}/issue/{key}/comment", self._list_comments),
            ("POST", f"{at}/issue/{key}/comment", self._comment),
            ("GET", f"{at}/issue/{key}/transitions", self._transitions),
            ("POST", f"{at}/issue/{key}/transitions", self._transit),
        ]

    def answer(self, sent: Sent) -> Reply:
        """Check the credential, then answer."""
        scheme, _, secret = sent.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic" and self.captcha:
            why = {"X-Authentication-Denied-Reason": f"CAPTCHA_CHALLENGE; login-url={self.base}"}
            return Reply(403, "<html>Forbidden</html>", why)
        if self.cloud:
            pair = f"{MAIL}:{self.token}"
            if scheme == "Bearer":
                return Reply(403, {"error": "Failed to parse Connect Session Auth Token"})
            if scheme != "Basic" or base64.b64decode(secret).decode() != pair:
                return self._anonymous(sent)
        else:
            pair = f"{self.bot.name}:{self.password or self.token}"
            good = {"Bearer": self.token, "Basic": base64.b64encode(pair.encode()).decode()}
            if secret != good.get(scheme):
                return Reply(401, {"errorMessages": ["You are not authenticated."], "errors": {}})
        return super().answer(sent)

    def _anonymous(self, sent: Sent) -> Reply:
        """Cloud lets a visitor look at what is public, which is nothing here."""
        seraph = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
        if sent.path.endswith("/search/jql"):
            return Reply(200, {"issues": [], "isLast": True}, seraph)
        if sent.path.endswith("/myself") or sent.method != "GET":
            return Reply(401, "Client must be authenticated to access this resource.", seraph)
        return Reply(404, _refusal(UNSEEN), seraph)

    def not_found(self, sent: Sent) -> Reply:
        """The answer to a path that is none."""
        return Reply(404, {"message": "null for uri: " + sent.path, "status-code": 404})

    # -- looking -----------------------------------------------------------------------------

    def _myself(self, sent: Sent) -> Reply:
        assert not sent.fields
        return Reply(200, self._person(self.bot))

    def _person(self, who: Optional[Person]) -> Optional[Dict[str, Any]]:
        if who is None:
            return None
        told: Dict[str, Any] = {"displayName": who.name, "active": True}
        if not self.cloud:
            return {**told, "name": who.name, "key": who.name, "emailAddress": who.mail}
        shown = {"emailAddress": who.mail} if who.shows_mail else {}
        return {**told, "accountId": who.account, "accountType": "atlassian", **shown}

    def _search(self, sent: Sent) -> Reply:
        if self.cloud:
            gone = "The requested API has been removed. Please migrate to"
            return Reply(410, _refusal(f"{gone} the /rest/api/3/search/jql API."))
        _only(sent, "jql", "fields", "startAt", "maxResults", "validateQuery")
        start = int(sent.query.get("startAt", "0"))
        self.before_page(start)
        found = self._matching(sent.query.get("jql", ""))
        if isinstance(found, Reply):
            return found
        size = min(int(sent.query.get("maxResults", "50")), self.page_cap)
        rows = [_filtered(row, sent.query.get("fields", "*navigable")) for row in found]
        told = {"startAt": start, "maxResults": size, "total": len(rows)}
        return Reply(200, {**told, "issues": rows[start:][:size]})

    def _search_tokens(self, sent: Sent) -> Reply:
        if not self.cloud:
            return self.not_found(sent)
        _only(sent, "jql", "fields", "maxResults", "nextPageToken", "reconcileIssues")
        found = self._matching(sent.query.get("jql", ""))
        if isinstance(found, Reply):
            return found
        start = int(sent.query.get("nextPageToken", "token-0").partition("-")[2])
        size = min(int(sent.query.get("maxResults", "50")), self.page_cap)
        rows = [_filtered(row, sent.query.get("fields", "id")) for row in found]
        told: Dict[str, Any] = {"issues": rows[start:][:size], "isLast": start + size >= len(rows)}
        if not told["isLast"]:
            told["nextPageToken"] = f"token-{start + size}"
        return Reply(200, told)

    def _matching(self, jql: str) -> Any:
        """What the index shows for the two queries that are sent; anything else is an error."""
        form = (
            r'project = "(\w+)" AND labels = "([\w-]+)"( AND statusCategory != 3)? ORDER BY key ASC'
        )
        asked = re.fullmatch(form, jql)
        if asked is None:
            return Reply(400, _refusal(f"Error in the JQL Query: {jql}"))
        project, label, only_open = asked.groups()
        if project != self.project:
            if self.vague:
                return []
            return Reply(
                400, _refusal(f"The value '{project}' does not exist for the field 'project'.")
            )
        shown = [self._shown(row) for row in (*self.rows.values(), *self._deleted)]
        rows = [row for row in shown if row and row["key"].startswith(f"{project}-")]
        rows = [row for row in rows if label in row["fields"]["labels"]]
        if only_open:
            rows = [row for row in rows if not _is_done(row["fields"])]
        return sorted(rows, key=lambda row: int(row["key"].partition("-")[2]))

    def _shown(self, row: _Row) -> Optional[Dict[str, Any]]:
        """An issue as the index has it at this moment."""
        now = self.now()
        versions = [told for since, told in row.seen if since <= now < row.gone_at]
        return versions[-1] if versions else None

    def _get(self, sent: Sent, key: str) -> Reply:
        _only(sent, "fields")
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        return Reply(200, _filtered(self._told(row), sent.query.get("fields", "*all")))

    def _row(self, key: str) -> Optional[_Row]:
        key = key.upper()
        return self.rows.get(self.moved.get(key, key))

    def _told(self, row: _Row) -> Dict[str, Any]:
        fields = copy.deepcopy(row.fields)
        fields["assignee"] = self._person(fields["assignee"])
        fields["creator"] = self._person(fields["creator"])
        return {"id": str(row.id), "key": row.key, "fields": fields}

    def _assignable(self, sent: Sent) -> Reply:
        _only(sent, "project", "query" if self.cloud else "username", "maxResults")
        if sent.query["project"] != self.project:
            project = sent.query["project"]
            return Reply(404, _refusal(f"No project could be found with key '{project}'."))
        asked = sent.query["query" if self.cloud else "username"].casefold()
        people = [one for one in self.people if one.assignable]
        found = [one for one in people if _begins(one.name, asked) or _begins(one.mail, asked)]
        size = int(sent.query.get("maxResults", "50"))
        return Reply(200, [self._person(one) for one in found[:size]])

    def _my_permissions(self, sent: Sent) -> Reply:
        _only(sent, "projectKey", "permissions")
        words = {"CREATE_ISSUES": "create", "EDIT_ISSUES": "edit", "ASSIGN_ISSUES": "assign"}
        words.update(TRANSITION_ISSUES="transition", LINK_ISSUES="link")
        asked = sent.query["permissions"].split(",")
        has = {name: name not in words or words[name] in self.permissions for name in asked}
        told = {name: {"havePermission": has[name]} for name in asked}
        return Reply(200, {"permissions": told})

    def _described(self, _sent: Sent, key: str) -> Reply:
        types = [{"id": str(n), "name": name} for n, name in enumerate(self.types, 3)]
        return Reply(200, {"key": key, "issueTypes": types})

    # -- writing -----------------------------------------------------------------------------

    def _create(self, sent: Sent) -> Reply:
        assert set(sent.body) == {"fields"}
        fields = sent.body["fields"]
        errors = {name: SCREEN.format(name) for name in fields if name not in self.screen}
        if fields.get("project", {}).get("key") != self.project or "create" not in self.permissions:
            return Reply(400, _refusal(project="valid project is required"))
        if not {fields["issuetype"].get("name"), fields["issuetype"].get("id")} & {
            *self.types,
            "3",
        }:
            errors["issuetype"] = "The issue type selected is invalid."
        errors.update(_text_errors(fields))
        errors.update(
            {name: f"{name} is required." for name in self.required if name not in fields}
        )
        assignee = self.lead
        if "assignee" in fields and "assignee" not in errors:
            assignee = self._who(fields["assignee"])
            if assignee is None:
                errors["assignee"] = self._unknown(fields["assignee"])
        if errors:
            return Reply(400, _refusal(**errors))
        row = self._add(fields, self.bot)
        row.fields["assignee"] = assignee
        self._indexed(row)
        told = {"id": str(row.id), "key": row.key, "self": f"{self.base}/rest/api/2/issue/{row.id}"}
        return Reply(201, {"id": "?"} if self.garbles else told)

    def _add(self, fields: Mapping[str, Any], by: Person) -> _Row:
        self._ids += 1
        key = f"{self.project}-{self._ids - 10_000}"
        stamp = self._stamp()
        own = {
            name: value for name, value in fields.items() if name not in ("project", "issuetype")
        }
        row = _Row(
            self._ids,
            key,
            {
                **own,
                "labels": list(fields.get("labels", ())),
                "assignee": None,
                "creator": by,
                "status": _status("To Do" if self.cloud else "Open"),
                "resolution": None,
                "created": stamp,
                "updated": stamp,
                "resolutiondate": None,
            },
        )
        self.rows[key] = row
        self._indexed(row)
        return row

    def _who(self, told: Mapping[str, str]) -> Optional[Person]:
        name = "accountId" if self.cloud else "name"
        assert set(told) == {name}, f"expected Object containing a '{name}' property"
        wanted = told[name]
        for one in (*self.people, self.bot):
            if one.assignable and wanted == (one.account if self.cloud else one.name):
                return one
        return None

    def _unknown(self, told: Mapping[str, str]) -> str:
        shown = next(iter(told.values()))
        if self.cloud:
            return f"User '{shown}' cannot be assigned issues."
        return f"User '{shown}' does not exist."

    def _edit(self, sent: Sent, key: str) -> Reply:
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        assert set(sent.body) == {"update"}
        assert set(sent.body["update"]) == {"labels"}
        if row.fields["status"]["name"] in FROZEN or not {"labels"} <= self.screen:
            return Reply(400, _refusal(labels=SCREEN.format("labels")))
        if "edit" not in self.permissions:
            return Reply(403, _refusal("You do not have permission to edit this issue."))
        for change in sent.body["update"]["labels"]:
            assert set(change) == {"remove"}
            row.fields["labels"] = [one for one in row.fields["labels"] if one != change["remove"]]
        self._indexed(row)
        return Reply(204)

    def _assign(self, sent: Sent, key: str) -> Reply:
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        if "assign" not in self.permissions:
            return Reply(403, _refusal("You do not have permission to assign issues."))
        who = self._who(sent.body)
        if who is None:
            return Reply(400, _refusal(assignee=self._unknown(sent.body)))
        row.fields["assignee"] = who
        self._indexed(row)
        return Reply(204)

    def _list_comments(self, sent: Sent, key: str) -> Reply:
        _only(sent, "startAt", "maxResults", "orderBy")
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        start = int(sent.query.get("startAt", "0"))
        self.before_page(start)
        size = min(int(sent.query.get("maxResults", "50")), 100)
        told = {"startAt": start, "maxResults": size, "total": len(row.comments)}
        return Reply(200, {**told, "comments": row.comments[start:][:size]})

    def _comment(self, sent: Sent, key: str) -> Reply:
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        assert set(sent.body) == {"body"}
        text = sent.body["body"]
        if len(text) > TEXT_LIMIT or not text:
            return Reply(400, _refusal(comment=_too_long()))
        # Cloud keeps a document, and writes wiki markup of it again without needless escapes.
        kept = re.sub(r"\\([\[\]])", r"\1", text) if self.cloud else text
        one = {
            "id": str(20_000 + len(row.comments)),
            "body": kept,
            "author": self._person(self.bot),
        }
        row.comments.append(one)
        self._indexed(row)
        return Reply(201, one)

    def _transitions(self, sent: Sent, key: str) -> Reply:
        _only(sent, "expand")
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        told = []
        for ident, name, to, screen in self._moves(row):
            one = {"id": ident, "name": name, "to": _status(to)}
            if sent.query.get("expand") == "transitions.fields":
                one["fields"] = {
                    part: {"required": True, "allowedValues": [{"name": v} for v in values]}
                    for part, values in screen.items()
                }
            told.append(one)
        return Reply(200, {"transitions": told})

    def _moves(self, row: _Row) -> Tuple[Move, ...]:
        """None without the permission, and no error."""
        if "transition" not in self.permissions:
            return ()
        return self.workflow[row.fields["status"]["name"]]

    def _transit(self, sent: Sent, key: str) -> Reply:
        row = self._row(key)
        if row is None:
            return Reply(404, _refusal(UNSEEN))
        assert set(sent.body) <= {"transition", "fields"}
        ident = sent.body["transition"]["id"]
        taken = [move for move in self._moves(row) if move[0] == ident]
        if not taken:
            wrong = f"It seems that you have tried to perform a workflow operation ({ident})"
            return Reply(400, _refusal(wrong))
        _, _, to, screen = taken[0]
        fields = sent.body.get("fields", {})
        errors = {name: SCREEN.format(name) for name in fields if name not in screen}
        for name, values in screen.items():
            if fields.get(name, {}).get("name") not in values:
                errors[name] = f"{name} is required."
        if errors:
            return Reply(400, _refusal(**errors))
        self._settle(row, to, fields.get("resolution", {}).get("name"))
        return Reply(204)

    def _settle(self, row: _Row, status: str, resolution: Optional[str]) -> None:
        """A new status; Cloud's simple workflow sets and clears the resolution by itself."""
        row.fields["status"] = _status(status)
        done = CATEGORIES[status] == "done"
        named = resolution or ("Done" if self.cloud else _name(row.fields["resolution"]))
        row.fields["resolution"] = {"name": named} if done and named else None
        row.fields["resolutiondate"] = self._stamp() if done and named else None
        self._indexed(row)

    def _link_types(self, sent: Sent) -> Reply:
        assert not sent.fields
        return Reply(200, {"issueLinkTypes": [{"id": n, "name": n} for n in self.link_types]})

    def _link(self, sent: Sent) -> Reply:
        assert set(sent.body) == {"type", "inwardIssue", "outwardIssue"}
        if "link" not in self.permissions:
            return Reply(401, _refusal("No Link Issue Permission for issue"))
        assert sent.body["type"]["name"] in self.link_types
        ends = {end: sent.body[end]["key"] for end in ("inwardIssue", "outwardIssue")}
        self.links.append({"type": sent.body["type"]["name"], **ends})
        return Reply(201)

    def _indexed(self, row: _Row) -> None:
        """An issue has changed: the index shows it after a while."""
        row.fields["updated"] = self._stamp()
        row.seen.append((self.now() + self.lag, self._told(row)))

    def _stamp(self) -> str:
        """The instant in the account's time zone."""
        local = self.clock.astimezone(timezone(timedelta(hours=0 if self.cloud else 2)))
        return local.strftime("%Y-%m-%dT%H:%M:%S.000%z")


def _only(sent: Sent, *known: str) -> None:
    """Stop at a parameter that the documentation does not have, or that is there twice."""
    names = [name for name, _ in sent.fields]
    assert set(names) <= set(known), f"unknown parameter among {names}"
    assert len(names) == len(set(names)), names


def _filtered(row: Mapping[str, Any], fields: str) -> Dict[str, Any]:
    """An issue with the fields asked for; Cloud's new search has none unless asked."""
    told = {"id": row["id"], "key": row["key"]}
    if fields == "id":
        return {"id": row["id"]}
    wanted = fields.split(",")
    every = fields.startswith("*")
    return {**told, "fields": {n: v for n, v in row["fields"].items() if every or n in wanted}}


def _text_errors(fields: Mapping[str, Any]) -> Dict[str, str]:
    found = {}
    if len(fields["summary"]) > 255:
        found["summary"] = "Summary must be less than 255 characters."
    if "\n" in fields["summary"]:
        found["summary"] = "The summary is invalid because it contains newline characters."
    if len(fields.get("description", "")) > TEXT_LIMIT:
        found["description"] = _too_long()
    for label in fields.get("labels", ()):
        if " " in label or len(label) > 255:
            found["labels"] = f"The label '{label}' contains spaces which is invalid."
    return found


def _begins(text: str, asked: str) -> bool:
    return text.casefold().startswith(asked)


def _too_long() -> str:
    return "The entered text is too long. It exceeds the allowed limit of 32,767 characters."


def _status(name: str) -> Dict[str, Any]:
    # The category's name is translated; its key is not.
    return {"name": name, "statusCategory": {"key": CATEGORIES[name], "name": "Fertig"}}


def _is_done(fields: Mapping[str, Any]) -> bool:
    return fields["status"]["statusCategory"]["key"] == "done"


def _name(told: Optional[Mapping[str, str]]) -> str:
    return told["name"] if told else ""


def _refusal(*messages: str, **errors: str) -> Dict[str, Any]:
    return {"errorMessages": list(messages), "errors": errors}
