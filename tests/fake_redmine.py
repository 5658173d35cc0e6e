"""A fake Redmine: one project's issues in memory, as far as the pack uses them.

Written from Redmine's wiki (``Rest_api`` and its pages) and from the source of 5.0.4
(``app/controllers``, ``app/models/issue.rb``, ``app/models/query.rb``, ``app/views/**/*.rsb``), and
held against a real 5.0.4 by ``rig_redmine.RealRedmineRig``. It keeps state, so that sequences of
calls can be tested. It is no substitute for a run against the real one.

Redmine ignores parameters and fields that it does not know; this fake fails on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from fake_http import FakeServer, Handler, Reply, Sent, stamp

BOT = "reviewbot"
BOT_ID = 5
KEY = "0123456789abcdef0123456789abcdef01234567"
FIELD = 3
TRACKERS = {1: "Bug", 2: "Feature", 3: "Support"}
PRIORITIES = {1: "Low", 2: "Normal", 3: "High"}
STATUSES = {
    1: ("New", False),
    2: ("In Progress", False),
    3: ("Resolved", False),
    4: ("Feedback", False),
    5: ("Closed", True),
    6: ("Rejected", True),
}
ALL_RIGHTS = (
    "view_issues",
    "add_issues",
    "edit_own_issues",
    "add_issue_notes",
    "manage_issue_relations",
)
LONGEST_SUBJECT = 255
MOST_ROWS = 100
ISSUE_FIELDS = {
    "subject",
    "description",
    "tracker_id",
    "priority_id",
    "assigned_to_id",
    "custom_fields",
}


@dataclass
class Person:
    """A user, or a group, which has no login."""

    id: int
    login: str
    first: str = ""
    last: str = ""
    mail: str = ""


@dataclass
class Issue:
    """An issue; ``values`` by number of the custom field."""

    id: int
    author: int
    fields: Dict[str, Any]
    values: Dict[int, str]
    journals: List[Dict[str, Any]] = field(default_factory=list)
    relations: List[Dict[str, Any]] = field(default_factory=list)


class FakeRedmine(FakeServer):
    """One project ``reviews``, reached as a transport; ``secret`` is not ours.

    :param rights: the permissions of our account's role.
    :param is_public: whether strangers may read.
    """

    host = "https://redmine.example.org"

    def __init__(self, rights: Tuple[str, ...] = ALL_RIGHTS, is_public: bool = True) -> None:
        super().__init__()
        self.project = "reviews"
        self.rights = set(rights)
        self.is_public = is_public
        self.keys = {KEY: BOT_ID}
        self.rest_is_on = True
        self.is_filter = True
        self.is_for_all = False
        self.field_name = "Review key"
        self.field_trackers = set(TRACKERS)
        self.core_fields_off: Set[str] = set()
        self.required: Set[str] = set()
        self.barred: Set[Tuple[int, int]] = set()
        self.tells_allowed = True
        self.groups_assignable = False
        self.newest_first = False
        self.garbles = False
        self.people = {
            BOT_ID: Person(BOT_ID, BOT, "Review", "Bot"),
            11: Person(11, "committee1", "Ada", "Example", "committee1@example.org"),
            12: Person(12, "committee2", "Ben", "Example", "committee2@example.org"),
            13: Person(13, "committee3", "Cleo", "Example", "committee3@example.org"),
            20: Person(20, "", "", "Committee"),
        }
        self.members = [BOT_ID, 11, 12, 13, 20]
        self.issues: Dict[int, Issue] = {}
        self._next = 1

    # -- what people do --------------------------------------------------------------------------

    def issue(self, number: int) -> Issue:
        """An issue."""
        return self.issues[number]

    def notes(self, number: int) -> List[str]:
        """The notes of an issue."""
        return [one["notes"] for one in self.issues[number].journals if one["notes"]]

    def is_open(self, number: int) -> bool:
        """Whether an issue is open."""
        return not STATUSES[self.issues[number].fields["status_id"]][1]

    def name_of(self, person: Optional[int]) -> str:
        """How Redmine shows somebody."""
        if person is None:
            return ""
        one = self.people[person]
        return f"{one.first} {one.last}".strip()

    def add(self, subject: str, key: str = "", by: int = 11, **fields: Any) -> int:
        """An issue somebody made."""
        given = {"subject": subject, "custom_fields": [{"id": FIELD, "value": key}], **fields}
        return self._add(given, by).id

    def set_status(self, number: int, status: int) -> None:
        """Somebody changes a status."""
        self._update(self.issues[number], {"status_id": status}, 11)

    def delete(self, number: int) -> None:
        """Somebody deletes an issue."""
        del self.issues[number]

    # -- transport -------------------------------------------------------------------------------

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """What the pack calls."""
        project = r"/projects/([^/]+)"
        return [
            ("GET", r"/users/current\.json", self._current),
            ("GET", r"/users/(\d+)\.json", self._user),
            ("GET", rf"{project}\.json", self._project),
            ("GET", rf"{project}/issues\.json", self._list),
            ("POST", rf"{project}/issues\.json", self._create),
            ("GET", rf"{project}/memberships\.json", self._memberships),
            ("GET", r"/issues/(\d+)\.json", self._show),
            ("PUT", r"/issues/(\d+)\.json", self._put),
            ("POST", r"/issues/(\d+)/relations\.json", self._relate),
            ("GET", r"/issue_statuses\.json", self._list_statuses),
            ("GET", r"/enumerations/issue_priorities\.json", self._list_priorities),
        ]

    def not_found(self, _sent: Sent) -> Reply:
        """A bare head."""
        return Reply(404)

    def _who(self, sent: Sent) -> Optional[int]:
        """Who asks; a wrong key is a stranger, not an error."""
        if not self.rest_is_on:
            return None
        return self.keys.get(sent.headers.get("X-Redmine-API-Key", ""))

    def _barrier(self, sent: Sent, name: str = "", *rights: str) -> Optional[Reply]:
        """The refusal of a call about the project, if there is one."""
        if name == "secret":
            return Reply(403)
        if name and name != self.project:
            return Reply(404)
        if self._who(sent) is None:
            is_reading = sent.method == "GET" and self.is_public
            return None if is_reading else _login_needed(self.rest_is_on)
        if rights and not self.rights & set(rights):
            return Reply(403)
        return None

    # -- accounts and lists ----------------------------------------------------------------------

    def _current(self, sent: Sent) -> Reply:
        _only(sent)
        who = self._who(sent)
        if who is None:
            return _login_needed(self.rest_is_on)
        return Reply(200, {"user": {**self._shown(who), "admin": False, "api_key": KEY}})

    def _user(self, sent: Sent, number: str) -> Reply:
        _only(sent)
        if self._who(sent) is None or not self.people.get(int(number), Person(0, "")).login:
            return Reply(404)
        return Reply(200, {"user": self._shown(int(number))})

    def _shown(self, number: int) -> Dict[str, Any]:
        one = self.people[number]
        return {"id": one.id, "login": one.login, "firstname": one.first, "lastname": one.last}

    def _project(self, sent: Sent, name: str) -> Reply:
        refused = self._barrier(sent, name)
        if refused:
            return refused
        _only(sent, "include")
        told: Dict[str, Any] = {"id": 1, "name": "Reviews", "identifier": self.project, "status": 1}
        include = sent.query.get("include", "").split(",")
        if "trackers" in include:
            told["trackers"] = _named(TRACKERS)
        if "issue_custom_fields" in include:
            # Until 5 without those for all projects.
            fields = {} if self.is_for_all else {FIELD: self.field_name}
            told["issue_custom_fields"] = _named(fields)
        return Reply(200, {"project": told})

    def _memberships(self, sent: Sent, name: str) -> Reply:
        refused = self._barrier(sent, name)
        if refused:
            return refused
        _only(sent, "limit", "offset")
        rows = []
        for number in self.members:
            sort = "user" if self.people[number].login else "group"
            rows.append({"id": 100 + number, sort: self._reference(number)})
        return _paged("memberships", rows, sent)

    def _reference(self, person: int) -> Dict[str, Any]:
        return {"id": person, "name": self.name_of(person)}

    def _list_statuses(self, sent: Sent) -> Reply:
        _only(sent)
        rows = [{"id": n, "name": name, "is_closed": end} for n, (name, end) in STATUSES.items()]
        return Reply(200, {"issue_statuses": rows})

    def _list_priorities(self, sent: Sent) -> Reply:
        _only(sent)
        rows = [{**row, "is_default": row["id"] == 2} for row in _named(PRIORITIES)]
        return Reply(200, {"issue_priorities": rows})

    # -- issues ----------------------------------------------------------------------------------

    def _list(self, sent: Sent, name: str) -> Reply:
        refused = self._barrier(sent, name, "view_issues")
        if refused:
            return refused
        wanted = [value for key, value in sent.fields if key == "f[]"]
        parts = [f"{part}[{one}]{end}" for one in wanted for part, end in (("op", ""), ("v", "[]"))]
        _only(sent, "f[]", *parts, "sort", "limit", "offset")
        rows = [one for one in self.issues.values() if self._passes(one, wanted, sent.query)]
        rows.sort(key=lambda one: one.id, reverse=sent.query.get("sort") != "id")
        return _paged("issues", [self._row(one) for one in rows], sent)

    def _passes(self, issue: Issue, wanted: List[str], query: Mapping[str, str]) -> bool:
        if not wanted:
            return self.is_open(issue.id)
        return all(
            self._fits(issue, one, query[f"op[{one}]"], query.get(f"v[{one}][]", ""))
            for one in wanted
        )

    def _fits(self, issue: Issue, name: str, operator: str, value: str) -> bool:
        if name == "status_id":
            return operator == "*" or {"o": True, "c": False}[operator] is self.is_open(issue.id)
        if name == "issue_id":
            assert operator == ">="
            return issue.id >= int(value)
        if name != f"cf_{FIELD}" or not self.is_filter:
            return True  # a filter that is not available is left out without a word
        assert operator in ("=", "*")
        kept = issue.values.get(FIELD, "")
        return kept == value if operator == "=" else bool(kept)

    def _show(self, sent: Sent, number: str) -> Reply:
        issue = self.issues.get(int(number))
        if issue is None:
            return Reply(404)
        refused = self._barrier(sent, "", "view_issues")
        if refused:
            return refused
        _only(sent, "include")
        told = self._row(issue)
        include = sent.query.get("include", "").split(",")
        if "journals" in include:
            journals = list(issue.journals)
            told["journals"] = journals[::-1] if self.newest_first else journals
        if "relations" in include:
            told["relations"] = issue.relations
        if "allowed_statuses" in include and self.tells_allowed:
            told["allowed_statuses"] = [_status(one) for one in self._allowed(issue)]
        return Reply(200, {"issue": told})

    def _allowed(self, issue: Issue) -> List[int]:
        now = issue.fields["status_id"]
        return [one for one in STATUSES if (now, one) not in self.barred]

    def _create(self, sent: Sent, name: str) -> Reply:
        refused = self._barrier(sent, name, "add_issues")
        if refused:
            return refused
        given = _body(sent, "issue", ISSUE_FIELDS)
        faults = self._faults(given)
        if faults:
            return _invalid(*faults)
        issue = self._add(given, self._who(sent) or 0)
        return Reply(201, "{cut off" if self.garbles else {"issue": self._row(issue)})

    def _faults(self, given: Mapping[str, Any]) -> List[str]:
        faults = [f"{name} cannot be blank" for name in sorted(self.required)]
        if given.get("priority_id", 1) not in PRIORITIES:
            faults.append("Priority cannot be blank")
        if len(given.get("subject", "x")) > LONGEST_SUBJECT:
            faults.append("Subject is too long (maximum is 255 characters)")
        who = given.get("assigned_to_id")
        if who is not None and "assigned_to_id" not in self.core_fields_off:
            is_group = who in self.people and not self.people[who].login
            if who not in self.members or (is_group and not self.groups_assignable):
                faults.append("Assignee is invalid")
        return faults

    def _add(self, given: Mapping[str, Any], author: int) -> Issue:
        tracker = given.get("tracker_id", 1)
        now = stamp(self.clock)
        issue = Issue(
            self._next,
            author,
            {
                "subject": given["subject"],
                "description": given.get("description", "").replace("\n", "\r\n"),
                # Unknown or not the project's: the first one instead.
                "tracker_id": tracker if tracker in TRACKERS else 1,
                "status_id": 1,
                "priority_id": given.get("priority_id", 2),
                "assigned_to_id": None,
                "created_on": now,
                "closed_on": None,
            },
            {},
        )
        self._next += 1
        self.issues[issue.id] = issue
        self._set(issue, given)
        return issue

    def _put(self, sent: Sent, number: str) -> Reply:
        issue = self.issues.get(int(number))
        if issue is None:
            return Reply(404)
        refused = self._barrier(sent, "", "edit_issues", "edit_own_issues", "add_issue_notes")
        if refused:
            return refused
        given = _body(sent, "issue", ISSUE_FIELDS | {"status_id", "notes"})
        faults = self._faults(given)
        if faults:
            return _invalid(*faults)
        if not self._may_edit(issue):
            given = {name: given[name] for name in given if name == "notes"}
        if "add_issue_notes" not in self.rights:
            given = {name: given[name] for name in given if name != "notes"}
        self._update(issue, given, self._who(sent) or 0)
        return Reply(204)

    def _may_edit(self, issue: Issue) -> bool:
        is_own = issue.author == BOT_ID and "edit_own_issues" in self.rights
        return is_own or "edit_issues" in self.rights

    def _update(self, issue: Issue, given: Mapping[str, Any], who: int) -> None:
        before = {**issue.fields, **{str(key): text for key, text in issue.values.items()}}
        self._set(issue, given)
        status = given.get("status_id")
        if status in self._allowed(issue):
            was_open = self.is_open(issue.id)
            issue.fields["status_id"] = status
            if was_open and not self.is_open(issue.id):
                issue.fields["closed_on"] = stamp(self.clock)
        after = {**issue.fields, **{str(key): text for key, text in issue.values.items()}}
        details = [{"name": name} for name in after if after[name] != before.get(name)]
        if details or given.get("notes"):
            self._log(issue, who, details, given.get("notes", ""))

    def _log(self, issue: Issue, who: int, details: List[Dict[str, str]], notes: str = "") -> None:
        issue.journals.append(
            {
                "id": 1000 + sum(len(one.journals) for one in self.issues.values()),
                "user": self._reference(who),
                "notes": notes,
                "created_on": stamp(self.clock),
                "private_notes": False,
                "details": details,
            }
        )

    def _set(self, issue: Issue, given: Mapping[str, Any]) -> None:
        if "assigned_to_id" in given and "assigned_to_id" not in self.core_fields_off:
            issue.fields["assigned_to_id"] = given["assigned_to_id"]
        for one in given.get("custom_fields", ()):
            assert set(one) == {"id", "value"}
            if one["id"] == FIELD and issue.fields["tracker_id"] in self.field_trackers:
                issue.values[FIELD] = one["value"]

    def _relate(self, sent: Sent, number: str) -> Reply:
        issue = self.issues.get(int(number))
        if issue is None:
            return Reply(404)
        refused = self._barrier(sent, "", "manage_issue_relations")
        if refused:
            return refused
        given = _body(sent, "relation", {"issue_to_id", "relation_type"})
        if given["issue_to_id"] not in self.issues:
            return _invalid("Related issue cannot be blank")
        if any(one["issue_to_id"] == given["issue_to_id"] for one in issue.relations):
            return _invalid("Related issue has already been taken")
        issue.relations.append({"id": 1, "issue_id": issue.id, "delay": None, **given})
        for one in (issue, self.issues[given["issue_to_id"]]):
            self._log(one, BOT_ID, [{"name": given["relation_type"]}])
        return Reply(201, {"relation": issue.relations[-1]})

    def _row(self, issue: Issue) -> Dict[str, Any]:
        fields = issue.fields
        told = {
            "id": issue.id,
            "project": {"id": 1, "name": "Reviews"},
            "tracker": {"id": fields["tracker_id"], "name": TRACKERS[fields["tracker_id"]]},
            "status": _status(fields["status_id"]),
            "priority": {"id": fields["priority_id"], "name": PRIORITIES[fields["priority_id"]]},
            "author": self._reference(issue.author),
            "subject": fields["subject"],
            "description": fields["description"],
            "is_private": False,
            "created_on": fields["created_on"],
            "closed_on": fields["closed_on"],
        }
        if fields["assigned_to_id"] is not None:
            told["assigned_to"] = self._reference(fields["assigned_to_id"])
        if fields["tracker_id"] in self.field_trackers:
            shown = {"id": FIELD, "name": self.field_name, "value": issue.values.get(FIELD)}
            told["custom_fields"] = [{"id": 1, "name": "Team", "value": None}, shown]
        return told


def _status(number: int) -> Dict[str, Any]:
    name, is_closed = STATUSES[number]
    return {"id": number, "name": name, "is_closed": is_closed}


def _named(names: Mapping[int, str]) -> List[Dict[str, Any]]:
    return [{"id": number, "name": name} for number, name in names.items()]


def _only(sent: Sent, *known: str) -> None:
    """Redmine ignores what it does not know, so a misspelt parameter would go unseen."""
    assert set(sent.query) <= set(known), f"unknown parameters: {set(sent.query) - set(known)}"


def _body(sent: Sent, name: str, known: Set[str]) -> Dict[str, Any]:
    assert set(sent.body) == {name}
    given: Dict[str, Any] = sent.body[name]
    assert set(given) <= known, f"unknown fields: {set(given) - known}"
    return given


def _paged(name: str, rows: List[Any], sent: Sent) -> Reply:
    size = min(int(sent.query.get("limit", "25")), MOST_ROWS)
    start = int(sent.query.get("offset", "0"))
    told = {"total_count": len(rows), "offset": start, "limit": size}
    return Reply(200, {name: rows[start:][:size], **told})


def _invalid(*faults: str) -> Reply:
    return Reply(422, {"errors": list(faults)})


def _login_needed(rest_is_on: bool) -> Reply:
    if not rest_is_on:
        return Reply(403)
    return Reply(401, "", {"WWW-Authenticate": 'Basic realm="Redmine API"'})
