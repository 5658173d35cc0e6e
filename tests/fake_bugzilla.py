"""A fake Bugzilla: the part of its REST interface that the pack uses, in memory.

Written from the source of Bugzilla 5.0.4 to 5.3.3 and of harmony (``Bugzilla/Bug.pm``,
``Bugzilla/WebService``), not recorded from a server. It keeps state, so that sequences of calls can
be tested, and is no substitute for a run against a real one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from fake_http import FakeServer, Handler, Reply, Sent, stamp

HOST = "https://bugzilla.example.org"
BOT = "st2-reviews@example.org"
NOBODY = "nobody@example.org"
KEY = "abcdefghij0123456789abcdefghij0123456789"
PRODUCT, COMPONENT = "Governance", "Reviews"
OLD, NEW, HARMONY = "5.2", "5.3", "harmony"
"""5.0 and 5.2 are alike; 5.1 and 5.3 are alike; harmony is Mozilla's branch."""
OPEN = ("UNCONFIRMED", "CONFIRMED", "IN_PROGRESS")
CLOSED = ("RESOLVED", "VERIFIED")
RESOLUTIONS = ("FIXED", "INVALID", "WONTFIX", "DUPLICATE", "WORKSFORME")
MAX_COMMENT, MAX_SUMMARY, MAX_ALIAS = 65_535, 255, 40
STATUS = {51: 404, 101: 404, 32614: 404}
STATUS.update(dict.fromkeys((102, 106, 109, 115, 120, 300, 301, 304, 410, 504, 505), 401))
CREDENTIALS = ("Bugzilla_api_key",)

_FIELDS_OF_NEW = {
    *("product", "component", "version", "summary", "description", "alias", "op_sys", "platform"),
    *("severity", "priority", "whiteboard", "assigned_to", "type", "cf_team"),
}
_FIELDS_OF_CHANGE = {"status", "resolution", "alias", "assigned_to", "dupe_of", "comment"}
_SEARCH = {"product", "resolution", "order", "limit", "include_fields"}


class BugzillaError(Exception):
    """An error by its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Bug:
    """A bug; its first comment is the description."""

    id: int
    fields: Dict[str, Any]
    alias: List[str]
    comments: List[Tuple[str, str]]
    reporter: str
    hidden: bool = False
    extra: Dict[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it asks something of somebody."""
        return self.fields["status"] in OPEN


class FakeBugzilla(FakeServer):
    """One installation with one product, reached as a transport.

    :param editbugs: whether our account may edit bugs; else it cannot assign.
    :param aliases: False ignores aliases, as harmony can be told to.
    """

    host = HOST

    def __init__(self, flavour: str = NEW) -> None:
        super().__init__()
        self.flavour = flavour
        self.editbugs = True
        self.is_active = True
        self.aliases = True
        self.users = {BOT, NOBODY, "committee1", "committee2", "committee3"}
        self.wants_comment = False
        self.mandatory: Optional[str] = None
        self.max_results = 10_000
        self.fault: Optional[str] = None
        self.garbles = False
        self.bugs: Dict[int, Bug] = {}
        self._last = 0

    # -- what people do --------------------------------------------------------------------------

    def add_bug(self, summary: str, alias: Tuple[str, ...] = (), **more: Any) -> Bug:
        """A bug somebody filed."""
        fields = {"summary": summary, "product": PRODUCT, "status": "CONFIRMED", **more}
        return self._add(fields, list(alias), fields.pop("description", summary), "somebody")

    def close(self, number: int, resolution: str = "FIXED") -> None:
        """Somebody resolves a bug."""
        self.bugs[number].fields.update(status="RESOLVED", resolution=resolution)
        self._touch(self.bugs[number])

    # -- transport -------------------------------------------------------------------------------

    def answer(self, sent: Sent) -> Reply:
        """Answer one request."""
        try:
            return self._answer(sent, self._login(sent))
        except BugzillaError as err:
            body = {"error": True, "code": err.code, "message": str(err), "documentation": "…"}
            return Reply(STATUS.get(err.code, 400), body)

    def _answer(self, sent: Sent, login: str) -> Reply:
        for method, pattern, handler in self.routes():
            found = re.fullmatch(rf"/rest(?:\.cgi)?{pattern}", sent.path)
            if found and method == sent.method:
                return handler(sent, login, *found.groups())
        raise BugzillaError(32614, f"A REST API resource was not found for {sent.path}")

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """Methods, patterns and handlers."""
        calls: List[Tuple[str, str, Handler]] = [
            ("GET", r"/valid_login", self._valid_login),
            ("GET", r"/user", self._user),
            ("GET", r"/product", self._product),
            ("GET", r"/bug", self._search),
            ("POST", r"/bug", self._create),
            ("GET", r"/bug/([^/]+)", self._get),
            ("PUT", r"/bug/([^/]+)", self._update),
            ("GET", r"/bug/([^/]+)/comment", self._comments),
            ("POST", r"/bug/([^/]+)/comment", self._comment),
        ]
        return calls if self.flavour == OLD else [("GET", r"/whoami", self._whoami), *calls]

    def _login(self, sent: Sent) -> str:
        """Who signs; "" for nobody. Old versions do not know the header."""
        told = {**sent.query, **(sent.body or {})}
        key = told.get("Bugzilla_api_key")
        if self.flavour != OLD:
            key = key or sent.headers.get("X-BUGZILLA-API-KEY")
        if not key:
            return ""
        if key != KEY:
            raise BugzillaError(306, "The API key you specified is invalid.")
        return BOT

    # -- endpoints -------------------------------------------------------------------------------

    def _whoami(self, _sent: Sent, login: str) -> Reply:
        _logged_in(login)
        return Reply(200, {"id": 7, "name": login, "real_name": "Reviews"})

    def _valid_login(self, sent: Sent, login: str) -> Reply:
        if "login" not in sent.query:
            raise BugzillaError(50, "The function valid_login requires a login argument.")
        return Reply(200, {"result": bool(login) and login == sent.query["login"]})

    def _user(self, sent: Sent, _login: str) -> Reply:
        assert _asked(sent) == {"names", "include_fields"}
        return Reply(200, {"users": [{"name": self._checked_user(sent.query["names"])}]})

    def _product(self, sent: Sent, _login: str) -> Reply:
        assert _asked(sent) == {"names", "include_fields"}
        told = {
            "name": PRODUCT,
            "is_active": self.is_active,
            "components": [{"name": COMPONENT}],
            "versions": [{"name": "unspecified"}],
        }
        return Reply(200, {"products": [told] if sent.query["names"] == PRODUCT else []})

    def _checked_user(self, name: str) -> str:
        for user in self.users:
            if user.lower() == name.strip().lower():
                return user
        raise BugzillaError(51, f"There is no user named '{name}'.")

    def _create(self, sent: Sent, login: str) -> Reply:
        _logged_in(login)
        body = _body(sent)
        unknown = set(body) - _FIELDS_OF_NEW
        assert not unknown, f"unknown fields: {unknown}"
        aliases = self._checked_aliases(body.pop("alias", ""))
        self._check_new(body)
        text = body.pop("description", "")
        if len(text) > MAX_COMMENT:
            raise BugzillaError(114, "Comments cannot be longer than 65535 characters.")
        if not self.editbugs:
            body.pop("assigned_to", None)
        if "assigned_to" in body:
            body["assigned_to"] = self._checked_user(body["assigned_to"])
        bug = self._add(body, aliases, text, login)
        if self.garbles:
            return Reply(200, {"id": None})
        if self.fault:
            raise BugzillaError(-32000, self.fault)
        return Reply(200, {"id": bug.id})

    def _checked_aliases(self, told: Any, own: int = 0) -> List[str]:
        names = [n for n in (told if isinstance(told, list) else re.split(r"[\s,]+", told)) if n]
        if self.flavour == HARMONY:
            assert isinstance(told, str), "harmony takes one text"
            names = names if self.aliases else []
        for name in names:
            if len(name) > MAX_ALIAS or name.isdigit():
                raise BugzillaError(103, "The alias is too long or a number.")
            holder = self._by_alias(name)
            if holder and holder.id != own:
                raise BugzillaError(103, f"Bug {holder.id} has already taken the alias {name}.")
        return names

    def _check_new(self, body: Mapping[str, Any]) -> None:
        if body.get("product") != PRODUCT:
            raise BugzillaError(
                106, f"Sorry, either the product {body.get('product')} does not exist or you …"
            )
        if body.get("component") != COMPONENT:
            raise BugzillaError(105, "There is no component of that name.")
        for name, known in (("version", "unspecified"), ("op_sys", "All"), ("platform", "All")):
            if body.get(name) != known:
                raise BugzillaError(51, f"There is no {name} named '{body.get(name)}'.")
        if not body.get("summary"):
            raise BugzillaError(107, "You must enter a summary for this bug.")
        if len(body["summary"]) > MAX_SUMMARY:
            raise BugzillaError(104, "The text entered in the Summary field is too long.")
        if self.mandatory and not body.get(self.mandatory):
            raise BugzillaError(32000, f"A value must be set for the '{self.mandatory}' field.")

    def _add(self, fields: Mapping[str, Any], alias: List[str], text: str, who: str) -> Bug:
        self._last += 1
        number = self._last
        values = {
            "status": "CONFIRMED",
            "resolution": "",
            "whiteboard": "",
            "assigned_to": NOBODY,
            "created": stamp(self.clock),
            **fields,
        }
        values["summary"] = re.sub(r"[\x00-\x1f\x7f]+", " ", values["summary"]).strip()
        self.bugs[number] = Bug(number, values, alias, [(who, text.rstrip())], who)
        self._touch(self.bugs[number])
        return self.bugs[number]

    def _touch(self, bug: Bug) -> None:
        bug.fields["changed"] = stamp(self.clock)

    def _by_alias(self, name: str) -> Optional[Bug]:
        found = [bug for bug in self.bugs.values() if name in bug.alias]
        return found[0] if found else None

    def _checked(self, name: str) -> Bug:
        bug = self.bugs.get(int(name)) if name.isdigit() else self._by_alias(name)
        if bug is None and name.isdigit():
            raise BugzillaError(101, f"Bug #{name} does not exist.")
        if bug is None:
            raise BugzillaError(100, f"'{name}' is not a valid bug number nor an alias to a bug.")
        if bug.hidden:
            raise BugzillaError(102, f"You are not authorized to access bug #{name}.")
        return bug

    def _get(self, sent: Sent, _login: str, name: str) -> Reply:
        assert _asked(sent) <= {"include_fields"}
        return Reply(200, {"bugs": [self._row(self._checked(name), sent)], "faults": []})

    def _row(self, bug: Bug, sent: Sent) -> Dict[str, Any]:
        alias: Any = bug.alias
        if self.flavour == HARMONY:
            alias = bug.alias[0] if bug.alias else None
        row = {
            "id": bug.id,
            "alias": alias,
            "summary": bug.fields["summary"],
            "status": bug.fields["status"],
            "is_open": bug.is_open,
            "resolution": bug.fields["resolution"],
            "assigned_to": bug.fields["assigned_to"],
            "whiteboard": bug.fields["whiteboard"],
            "creator": bug.reporter,
            "creation_time": bug.fields["created"],
            "last_change_time": bug.fields["changed"],
            "product": bug.fields["product"],
        }
        wanted = sent.query["include_fields"].split(",")
        assert set(wanted) <= set(row), "Bugzilla ignores fields that it does not know"
        return {name: row[name] for name in wanted}

    def _update(self, sent: Sent, login: str, name: str) -> Reply:
        _logged_in(login)
        bug, body = self._checked(name), _body(sent)
        assert set(body) <= _FIELDS_OF_CHANGE, f"unknown fields: {set(body) - _FIELDS_OF_CHANGE}"
        aliases = self._checked_aliases(body["alias"], bug.id) if "alias" in body else bug.alias
        if "assigned_to" in body:
            self._check_assigning(bug, login)
            bug.fields["assigned_to"] = self._checked_user(body["assigned_to"])
        self._change_status(bug, body)
        bug.alias = aliases
        if "comment" in body:
            bug.comments.append((login, body["comment"]["body"]))
        self._touch(bug)
        return Reply(200, {"bugs": [{"id": bug.id, "alias": bug.alias, "changes": {}}]})

    def _check_assigning(self, bug: Bug, login: str) -> None:
        if not self.editbugs and bug.fields["assigned_to"] != login:
            raise BugzillaError(115, "You tried to change the Assignee field, but only …")

    def _change_status(self, bug: Bug, body: Mapping[str, Any]) -> None:
        status, resolution = body.get("status"), body.get("resolution", "")
        if "dupe_of" in body:
            self._mark_duplicate(bug, body)
            return
        if status is None:
            return
        if status not in OPEN + CLOSED:
            raise BugzillaError(51, f"There is no status named '{status}'.")
        if not bug.is_open and status == "IN_PROGRESS":
            raise BugzillaError(123, "You are not allowed to change the bug status.")
        if status in CLOSED:
            self._check_resolution(bug, body, resolution)
        bug.fields.update(status=status, resolution=resolution if status in CLOSED else "")

    def _check_resolution(self, bug: Bug, body: Mapping[str, Any], resolution: str) -> None:
        if not resolution:
            raise BugzillaError(121, "A valid resolution is required to mark bugs as RESOLVED.")
        if resolution not in RESOLUTIONS:
            raise BugzillaError(51, f"There is no resolution named '{resolution}'.")
        if self.wants_comment and "comment" not in body and resolution != bug.fields["resolution"]:
            raise BugzillaError(32000, "You have to specify a comment when changing the …")

    def _mark_duplicate(self, bug: Bug, body: Mapping[str, Any]) -> None:
        kept = self._checked(str(body["dupe_of"]))
        if kept is bug:
            raise BugzillaError(118, "You cannot mark a bug as a duplicate of itself.")
        self._check_resolution(bug, body, "DUPLICATE")
        bug.fields.update(status="RESOLVED", resolution="DUPLICATE")
        bug.extra["dupe_of"] = kept.id
        bug.comments.append((BOT, f"*** This bug has been marked as a duplicate of {kept.id} ***"))
        kept.comments.append((BOT, f"*** Bug {bug.id} has been marked as a duplicate … ***"))

    def _comments(self, sent: Sent, _login: str, name: str) -> Reply:
        assert not _asked(sent)
        bug = self._checked(name)
        rows = [
            {"id": bug.id * 1000 + count, "count": count, "text": text, "creator": who}
            for count, (who, text) in enumerate(bug.comments)
        ]
        return Reply(200, {"bugs": {str(bug.id): {"comments": rows}}, "comments": {}})

    def _comment(self, sent: Sent, login: str, name: str) -> Reply:
        _logged_in(login)
        bug, body = self._checked(name), _body(sent)
        assert set(body) == {"comment"}
        if not body["comment"].strip():
            raise BugzillaError(50, "The comment is empty.")
        if len(body["comment"]) > MAX_COMMENT:
            raise BugzillaError(114, "Comments cannot be longer than 65535 characters.")
        bug.comments.append((login, body["comment"].rstrip()))
        self._touch(bug)
        return Reply(201, {"id": bug.id * 1000 + len(bug.comments) - 1})

    def _search(self, sent: Sent, _login: str) -> Reply:
        query = sent.query
        chart = {f"{part}{n}" for part in "fov" for n in (1, 2)}
        unknown = _asked(sent) - _SEARCH - chart
        assert not unknown, f"unknown parameters: {unknown}"
        assert (query["f1"], query["o1"]) == ("alias", "substring")
        assert (query["f2"], query["o2"]) == ("bug_id", "greaterthan")
        assert query["order"] == "bug_id", "another order would move pages"
        assert query["resolution"] == "---"
        rows = [
            self._row(bug, sent)
            for bug in sorted(self.bugs.values(), key=lambda bug: bug.id)
            if self._is_found(bug, query)
        ]
        return Reply(200, {"bugs": rows[: min(int(query["limit"]), self.max_results)]})

    def _is_found(self, bug: Bug, query: Mapping[str, str]) -> bool:
        tests = (
            not bug.hidden,
            bug.is_open,
            bug.fields["product"] == query["product"],
            any(query["v1"] in name for name in bug.alias),
            bug.id > int(query["v2"]),
        )
        return all(tests)


def _asked(sent: Sent) -> set:
    """The names of the parameters, without those that are credentials."""
    return set(sent.query) - set(CREDENTIALS)


def _body(sent: Sent) -> Dict[str, Any]:
    return {name: value for name, value in sent.body.items() if name not in CREDENTIALS}


def _logged_in(login: str) -> None:
    if not login:
        raise BugzillaError(410, "You must log in before using this part of Bugzilla.")
