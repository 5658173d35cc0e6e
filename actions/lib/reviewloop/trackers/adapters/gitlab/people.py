"""People as GitLab knows them: by username or by id."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional

from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.trackers import parse
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import member

NUMBER = re.compile(r"[0-9]{1,18}")


class People:
    """The users of a GitLab; each is looked up once."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._found: Dict[str, Mapping[str, Any]] = {}

    def number(self, who: str) -> int:
        """The id by which GitLab assigns somebody."""
        return int(parse.required(self.named(who), "id", "a user"))

    def named(self, who: str) -> Mapping[str, Any]:
        """A user by name, else by id. GitLab would ignore one that it does not know.

        :raises RefusedError: there is no such user.
        """
        name = who.lstrip("@")
        if name not in self._found:
            found = self._by_name(name) or self._by_id(name)
            if found is None:
                raise RefusedError(
                    f"GitLab knows no user {who!r}.",
                    "Write the person's GitLab username under roster.members[].tracker.gitlab.",
                    codes.UNPROCESSABLE,
                )
            self._found[name] = found
        return self._found[name]

    def _by_name(self, name: str) -> Optional[Dict[str, Any]]:
        data = self._http.read("/users", {"username": name}).data
        for row in parse.sequence(data, "a listing of users"):
            if member(row, "username").casefold() == name.casefold():
                return parse.mapping(row, "a user")
        return None

    def _by_id(self, name: str) -> Optional[Dict[str, Any]]:
        if not NUMBER.fullmatch(name):
            return None
        try:
            return parse.mapping(self._http.read(f"/users/{name}").data, "a user")
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return None
