"""People as Jira knows them: by login on a server, by account id on Cloud."""

from __future__ import annotations

import re
from typing import Any, Dict, FrozenSet

from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.trackers import parse
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import member

PAGE = 100
_ACCOUNT_ID = re.compile(r"[0-9a-f]{24}|[0-9]+:[0-9a-f-]{36}")


class People:
    """The people who may be assigned in a project; each is looked up once."""

    def __init__(self, http: Http, project: str, cloud: bool) -> None:
        self._http = http
        self._project = project
        self._cloud = cloud
        self._found: Dict[str, str] = {}

    def named(self, who: str) -> Dict[str, str]:
        """A person as Jira takes one: by login on a server, by account id on Cloud."""
        if not self._cloud:
            return {"name": who}
        if _ACCOUNT_ID.fullmatch(who):
            return {"accountId": who}
        if who not in self._found:
            self._found[who] = self._looked_up(who)
        return {"accountId": self._found[who]}

    def assignable(self, who: str) -> bool:
        """Whether somebody may be assigned in the project; 422 where Cloud knows nobody of that
        name (``user/assignable/search``, which a server asks by login).
        """
        if self._cloud:
            return bool(self.named(who))
        query = {"project": self._project, "username": who, "maxResults": PAGE}
        data = parse.sequence(self._http.read("/user/assignable/search", query).data, "the people")
        return who.casefold() in {member(row, "name").casefold() for row in data}

    def _looked_up(self, who: str) -> str:
        """The account of a mail address or of a whole display name, if there is just one."""
        query = {"project": self._project, "query": who, "maxResults": PAGE}
        data = parse.sequence(self._http.read("/user/assignable/search", query).data, "the people")
        rows = [parse.mapping(row, "a person") for row in data]
        exact = [row for row in rows if who.casefold() in holder(row)]
        # Jira finds by the hidden mail address as well, and does not show it.
        hidden = [row for row in rows if "@" in who and not row.get("emailAddress")]
        fitting = exact or hidden
        if len(fitting) != 1:
            raise RefusedError(
                f"{len(fitting) or 'no'} people who may be assigned in {self._project} "
                f"go by {who!r}.",
                "Write the account id, mail address or whole name under roster.members[].tracker, "
                "and give the person 'Assignable User' in the project.",
                codes.UNPROCESSABLE,
            )
        return str(parse.required(fitting[0], "accountId", "a person"))

    def identity(self, person: Any) -> str:
        """What of a person nobody can choose to be like another's: login, or account id."""
        return member(person, "accountId" if self._cloud else "name")


def shown(person: Any, cloud: bool) -> str:
    """How a person is called: by login on a server, by display name on Cloud."""
    if not isinstance(person, dict):
        return ""
    names = ("displayName", "accountId") if cloud else ("name",)
    return next((str(person[name]) for name in names if person.get(name)), "")


def holder(person: Any) -> FrozenSet[str]:
    """Every name of a person, without case."""
    if not isinstance(person, dict):
        return frozenset()
    names = ("accountId", "name", "emailAddress", "displayName")
    return frozenset(str(person[name]).casefold() for name in names if person.get(name))
