"""What Redmine wants as numbers and people write as names: the key's field, the project's trackers,
priorities and statuses, and who is who.

- Field ids by name: ``/custom_fields.json`` is for administrators, ``/projects/X.json`` with
  ``include=issue_custom_fields`` for all (since 4.2; until 5 without the fields "for all
  projects"), and every issue shows the fields it has (app/helpers/projects_helper.rb).
- Statuses, trackers and priorities are shown to every account.
- A listing of users is for administrators. Members, by name, and each user's page, with the login,
  may be read by every account that is a member too (app/views/users/show.api.rsb).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, Iterator, List, Mapping

from reviewloop.errors import ConfigError, RefusedError
from reviewloop.http import codes
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.redmine.settings import CLOSED, REJECTED, REOPEN
from reviewloop.trackers.http import Http
from reviewloop.trackers.settings import Option, TrackerSettings
from reviewloop.trackers.shortfalls import Shortfall, of_lookups

PAGE = 100
"""Rows a page; Redmine shows no more."""
Row = Dict[str, Any]


class Site:
    """The names of one project's things and their numbers; each is asked for once.

    :param options: the adapter's, for their defaults.
    """

    def __init__(
        self, http: Http, settings: TrackerSettings, options: Mapping[str, Option]
    ) -> None:
        self._http = http
        self._settings = settings
        self._options = options
        self._project = f"/projects/{settings.project}"
        self._field = self.option("key_field") if is_number(self.option("key_field")) else ""
        self._statuses: List[Row] = []
        self._about: Row = {}

    def rows(self, status: str, operator: str, key: str = "") -> Iterator[Row]:
        """The project's issues, by number, under Redmine's operators for the status and for the
        field that holds the key. Each page begins after the last number seen: an issue that stops
        fitting moves no other.
        """
        field = f"cf_{self.field_id()}"
        wanted, last = {"status_id": (status, ""), field: (operator, key)}, 0
        while True:
            query: Dict[str, Any] = {"f[]": list(wanted), "sort": "id", "limit": PAGE}
            for name, (how, value) in wanted.items():
                query[f"op[{name}]"] = how
                if value:
                    query[f"v[{name}][]"] = value
            data = self._http.read(f"{self._project}/issues.json", query).data
            rows = parse.sequence(parse.required(data, "issues", "a listing"), "a listing")
            for number, row in parse.in_order(rows, last):
                last = number
                yield row
            if not rows or int(parse.required(data, "total_count", "a listing")) <= len(rows):
                return
            wanted["issue_id"] = (">=", str(last + 1))

    def option(self, name: str) -> str:
        """An option's value, else its default."""
        return self._settings.option(name, self._options)

    def field_id(self) -> str:
        """The number of the field that holds the key."""
        if not self._field:
            self._field = self._shown_by_project() or self._shown_by_issues()
        return self._field

    def shortfalls(self) -> Iterator[Shortfall]:
        """What the settings name and the project does not have."""
        trackers = [self.tracker_id] if self.option("tracker") else []
        priorities = [self.priority_id] if self.option("priority") else []
        statuses = [partial(self.status, name) for name in (CLOSED, REJECTED, REOPEN)]
        yield from of_lookups(self.field_id, *trackers, *priorities, *statuses)

    def _shown_by_project(self) -> str:
        rows = self._described().get("issue_custom_fields") or ()
        return next((str(row["id"]) for row in rows if self._is_key_field(row)), "")

    def _shown_by_issues(self) -> str:
        query = {"f[]": "status_id", "op[status_id]": "*", "sort": "id:desc", "limit": PAGE}
        data = self._http.read(f"{self._project}/issues.json", query).data
        for row in parse.sequence(parse.required(data, "issues", "a listing"), "a listing"):
            for field in row.get("custom_fields") or ():
                if self._is_key_field(field):
                    return str(field["id"])
        raise ConfigError(
            f"Redmine's project {self._settings.project} shows no custom field "
            f"{self.option('key_field')!r}.",
            "Create it in Redmine (Administration, Custom fields, Issues; format Text) for this "
            "project and tracker and for the account's role, or set tracker.options.key_field to "
            "its number, which is the last part of its address there.",
        )

    def _is_key_field(self, row: Mapping[str, Any]) -> bool:
        return _same(row.get("name"), self.option("key_field"))

    def _described(self) -> Row:
        """What the project says of its trackers and fields."""
        if not self._about:
            query = {"include": "trackers,issue_custom_fields"}
            data = self._http.read(f"{self._project}.json", query).data
            self._about = parse.mapping(parse.required(data, "project", "an answer"), "a project")
        return self._about

    def tracker_id(self) -> int:
        """The number of the tracker that new tickets get."""
        return _chosen(self._described().get("trackers"), self.option("tracker"), "tracker")

    def priority_id(self) -> int:
        """The number of the priority that new tickets get."""
        data = self._http.read("/enumerations/issue_priorities.json").data
        return _chosen(data.get("issue_priorities"), self.option("priority"), "priority")

    def _all_statuses(self) -> List[Row]:
        if not self._statuses:
            data = self._http.read("/issue_statuses.json").data
            rows = parse.sequence(
                parse.required(data, "issue_statuses", "the statuses"), "the statuses"
            )
            self._statuses = [parse.mapping(row, "a status") for row in rows]
        return self._statuses

    def status(self, option: str) -> Row:
        """The status an option names; one that closes or opens, as the option wants."""
        closes = option != REOPEN
        fitting = [row for row in self._all_statuses() if bool(row.get("is_closed")) is closes]
        found = [row for row in fitting if _same(row.get("name"), self.option(option))]
        if not found and option == REJECTED and not self._settings.options.get(REJECTED):
            return self.status(CLOSED)
        if not found:
            sort = "closes" if closes else "leaves open"
            names = ", ".join(str(row.get("name")) for row in fitting)
            raise ConfigError(
                f"Redmine has no status {self.option(option)!r} that {sort} an issue.",
                f"Set tracker.options.{option} to one of: {names}.",
            )
        return found[0]

    def is_closed(self, row: Mapping[str, Any]) -> bool:
        """Whether an issue is closed, by the list of statuses: before 5.0 it does not tell."""
        status = part(row, "status", "id")
        closed = [one for one in self._all_statuses() if one.get("is_closed")]
        return status in [str(one.get("id")) for one in closed]


class People:
    """Who is who in a project: Redmine wants numbers and shows names; the roster has logins."""

    def __init__(self, http: Http, project: str) -> None:
        self._http = http
        self._project = project
        self._names: Dict[str, str] = {}
        self._logins: Dict[str, str] = {}
        self._numbers: Dict[str, str] = {}

    def shown(self, data: Any) -> str:
        """What an assignee, as an issue names it, is called here: by login, or as Redmine shows
        it; "" for nobody.
        """
        if not isinstance(data, dict):
            return ""
        number = str(data.get("id"))
        self._names[number] = str(data.get("name") or "")
        return self._called(number)

    def called(self, who: str) -> str:
        """The same for somebody in the roster; "" for who is no member."""
        try:
            return self._called(self.number(who))
        except RefusedError:
            return ""

    def _called(self, number: str) -> str:
        return self._login(number) or self._names.get(number, "")

    def number(self, who: str) -> str:
        """The number of a member, by number, login or name.

        :raises RefusedError: there is no such member, or several have that name.
        """
        if is_number(who):
            return who
        if who not in self._numbers:
            members = self._members()
            self._names.update(members)
            found = [number for number, name in members.items() if _same(name, who)]
            found = found or [number for number in members if _same(self._login(number), who)]
            if len(found) != 1:
                how_many = "several members" if found else "no member"
                raise RefusedError(
                    f"{self._project} has {how_many} called {who!r}.",
                    "Add them to the project, or write their number in the roster.",
                    codes.UNPROCESSABLE,
                )
            self._numbers[who] = found[0]
        return self._numbers[who]

    def _members(self) -> Dict[str, str]:
        """Names of all members, users and groups, by their numbers."""
        path = f"/projects/{self._project}/memberships.json"
        found: Dict[str, str] = {}
        seen = 0
        while True:
            data = self._http.read(path, {"limit": PAGE, "offset": seen}).data
            rows = parse.sequence(parse.required(data, "memberships", "the members"), "the members")
            for row in rows:
                one = row.get("user") or row.get("group") or {}
                found[str(one.get("id"))] = str(one.get("name") or "")
            seen += len(rows)
            if not rows or int(data.get("total_count") or 0) <= seen:
                return found

    def _login(self, number: str) -> str:
        """A user's login; "" for a group, and for who is hidden from us."""
        if number not in self._logins:
            try:
                data = self._http.read(f"/users/{number}.json").data
            except RefusedError:
                data = {}
            self._logins[number] = part(parse.mapping(data, "a user"), "user", "login")
        return self._logins[number]


def is_number(text: str) -> bool:
    """Whether a text is a number in ASCII digits."""
    return text.isascii() and text.isdigit()


def part(row: Mapping[str, Any], name: str, member: str) -> str:
    """A member of a nested object, such as the name of a status; "" where there is none."""
    inner = row.get(name)
    data = inner.get(member) if isinstance(inner, dict) else None
    return "" if data is None else str(data)


def _same(data: Any, wanted: str) -> bool:
    return str(data or "").casefold() == wanted.casefold()


def _chosen(data: Any, wanted: str, option: str) -> int:
    """The number of a tracker or priority by its name, or its number."""
    rows = [parse.mapping(row, f"a {option}") for row in data or ()]
    for row in rows:
        if _same(row.get("name"), wanted) or str(row.get("id")) == wanted:
            return int(row["id"])
    names = ", ".join(str(row.get("name")) for row in rows)
    raise ConfigError(
        f"Redmine's project knows no {option} {wanted!r}.",
        f"Set tracker.options.{option} to one of: {names}.",
    )
