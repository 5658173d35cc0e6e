"""Issues of Gitea and Forgejo, through their common API v1.

What it relies on, read in the source of Forgejo and of Gitea:

- ``modules/indexer/issues/indexer.go``: a listing without ``q`` comes from the database, with it
  from an index that may lag behind. ``routers/api/v1/repo/issue.go``: newest first, and nothing can
  change that; a page is never longer than the server's ``MAX_RESPONSE_ITEMS``, whatever is asked.
- ``CreateIssue`` there: without write access to the issues, labels and assignees are dropped
  without an error; with it, an assignee who may not be assigned is refused with 422. ``EditIssue``
  answers 500 in that case, and only after it has taken the others off, so it is looked up before.
  ``CanBeAssigned`` says who may be (``models/perm/access/repo_permission.go``): whoever may
  write there, and whoever may read its pull requests, which in a public repository is everybody.
- Labels are numbers there. Their names are not unique, so of several runs that create one all
  succeed (``models/issues/label.go``).
- ``services/convert/issue.go``: where an issue cannot be loaded, it is answered empty, with 200.
- ``services/auth/oauth2.go``: a wrong token was nobody's in older versions, not an error, and what
  is public was answered all the same.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote

from reviewloop.errors import AmbiguousError, RefusedError
from reviewloop.http import codes
from reviewloop.markup import escape as fmt
from reviewloop.trackers import parse
from reviewloop.trackers.repository import RepositoryTracker
from reviewloop.trackers.rest import (
    ambiguous,
    by_number,
    member,
    open_with_key,
    with_key,
    without_path,
)
from reviewloop.trackers.settings import Form, checked_url
from reviewloop.trackers.tickets import CloseReason, Draft, State, Ticket

API_PATH = "/api/v1"
PAGE = 50
"""The longest page of a server whose administrator has not changed it."""
LABEL = {"color": "#d93f0b", "description": "A review that has waited too long"}

_PROJECT = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.-]*/(?!\.\Z)[A-Za-z0-9_.-]+")


class Gitea(RepositoryTracker):
    """Issues of one repository (``tracker.project: owner/repository``)."""

    kind = "gitea"
    needs = ("url", "project", "token")
    forms = {"project": Form(_PROJECT, "owner/repository")}
    drops_hint = (
        "Gitea and Forgejo drop labels and assignees unless the token's account may write the "
        "repository's issues."
    )

    right = "write access to the repository's issues"

    def _begin(self) -> None:
        super()._begin()
        self._lookup = lambda who: self._may_be_assigned(who.lstrip("@"))

    @classmethod
    def addresses(cls, url: str) -> Tuple[str, str]:
        """The address that people open, which may be given as the API's, and the API's."""
        web = without_path(checked_url(url), API_PATH)
        return web, web + API_PATH

    def _headers(self) -> Dict[str, str]:
        return {"Authorization": f"token {self._settings.token}"}

    def _who(self) -> str:
        """Our login."""
        return str(parse.required(self._http.read("/user").data, "login", "the user"))

    def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
        """Our issues whose body bears the key."""
        only = {"state": "all"}
        if since is not None:
            only["since"] = since.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return with_key(self._listed(only), key)

    def list_open(self) -> Tuple[Ticket, ...]:
        """Our open issues that bear a key."""
        return open_with_key(self._listed({"state": "open"}))

    def _listed(self, only: Mapping[str, str]) -> Tuple[Ticket, ...]:
        params = {"type": "issues", "created_by": self.account(), **only}
        rows = self._rows(self._issues, params)
        return by_number(self._ticket(row) for row in rows if not row.get("pull_request"))

    def create(self, draft: Draft) -> Ticket:
        """Open an issue whose body ends with the hidden key."""
        labels = [self._label(name) for name in draft.labels]
        more: Dict[str, Any] = {"labels": [one for one in labels if one is not None]}
        if draft.assignee:
            more["assignees"] = [draft.assignee.lstrip("@")]
        try:
            return self._created(draft, **more)
        except RefusedError as err:
            if err.status != codes.BAD_REQUEST:
                raise
            # The assignee lost access in between: the issue is there, without assignee.
            raise ambiguous(err) from err

    def close(self, ticket_id: str, reason: CloseReason) -> None:  # noqa: ARG002 - there is none
        """Close an issue; no reasons are known there, the comment tells it."""
        self._patch(ticket_id, {"state": "closed"})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:  # noqa: ARG002
        """Close an issue and rename the key in its body, in one call. The comment links the other
        one.
        """
        self._retire(ticket_id)

    def assign(self, ticket_id: str, who: str) -> None:
        """Replace the assignees."""
        name = who.lstrip("@")
        if not self._may_be_assigned(name):
            raise RefusedError(
                f"{name} cannot be assigned in {self._project}.",
                "Check roster.members[].tracker.gitea, and give that account access to the "
                "repository.",
                codes.UNPROCESSABLE,
            )
        self._patch(ticket_id, {"assignees": [name]})

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """As a login, with or without ``@``."""
        return super().is_assigned(ticket, who.lstrip("@"))

    # -- parts ---------------------------------------------------------------------------------

    def _may_be_assigned(self, name: str) -> bool:
        """Whether the server would assign somebody; True if the token may not look."""
        try:
            data = self._http.read(f"{self._repository}/assignees").data
            known = [
                member(row, "login").casefold()
                for row in parse.sequence(data, "a listing of users")
            ]
            if name.casefold() in known:
                return True
            repo = parse.mapping(self._http.read(self._repository).data, "the repository")
        except RefusedError as err:
            if err.status != codes.FORBIDDEN:
                raise
            return True
        return not repo.get("private") and bool(repo.get("has_pull_requests")) and self._knows(name)

    def _knows(self, name: str) -> bool:
        try:
            self._http.read(f"/users/{quote(name, safe='')}")
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return False
        return True

    def _label(self, name: str) -> Optional[int]:
        """The number of a label, which is created if it is not there; None if we may not."""
        owner = self._project.partition("/")[0]
        found = self._numbers(f"{self._repository}/labels", name)
        if not found:
            # No organization, or not ours to see: then the label is the repository's.
            with suppress(RefusedError):
                found = self._numbers(f"/orgs/{owner}/labels", name)
        return min(found) if found else self._new_label(name)

    def _new_label(self, name: str) -> Optional[int]:
        """Create a label. Of several runs that do so each keeps the lowest, and takes its own away
        again.
        """
        path, made = f"{self._repository}/labels", None
        with suppress(AmbiguousError):
            try:
                made = parse.required(
                    self._http.write("POST", path, {"name": name, **LABEL}).data, "id", "a label"
                )
            except RefusedError:
                return None
        found = self._numbers(path, name)
        if made in found and made != min(found):
            with suppress(RefusedError, AmbiguousError):
                self._http.write("DELETE", f"{path}/{made}", {})
        return min(found) if found else None

    def _numbers(self, path: str, name: str) -> List[int]:
        return [int(row["id"]) for row in self._rows(path, {}) if row.get("name") == name]

    def _rows(self, path: str, params: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Rows of all pages of a listing."""
        return parse.stable(lambda: self._pages(path, params), self._place)

    def _pages(self, path: str, params: Mapping[str, Any]) -> Optional[List[Dict[str, Any]]]:
        """The same in one go; None if rows went away meanwhile, since one may then have slipped
        from an unread page to a read one.

        A row that is added meanwhile only pushes others back to the next page, where they come
        again. The end is a page that brings nothing new: a listing that knows no pages (comments)
        answers all of it again.
        """
        rows: Dict[int, Dict[str, Any]] = {}
        total, page = 0, 1
        while True:
            answer = self._http.read(path, {**params, "limit": PAGE, "page": page})
            known = len(rows)
            for row in parse.sequence(answer.data, "a listing"):
                rows[_id(row)] = row
            known_total = parse.total_unless_less(answer.headers.get("x-total-count", ""), total)
            if known_total is None:
                return None
            total = known_total
            if len(rows) == known or 0 < total <= len(rows):
                return list(rows.values())
            page += 1

    @parse.protocol_errors
    def _ticket(self, data: Any) -> Ticket:
        row = parse.mapping(data, "an issue")
        number = parse.required(row, "number", "an issue")
        if not isinstance(number, int) or number < 1:
            raise parse.misread("an issue", "has no number")
        closed = parse.required(row, "state", "an issue") == "closed"
        return Ticket(
            id=str(number),
            number=number,
            url=str(row.get("html_url") or ""),
            key=fmt.key_in(str(row.get("body") or "")),
            title=str(row.get("title") or ""),
            state=State.CLOSED if closed else State.OPEN,
            assignees=tuple(member(one, "login") for one in row.get("assignees") or ()),
            labels=tuple(str(one.get("name") or "") for one in row.get("labels") or ()),
            opened_at=parse.iso_instant(row.get("created_at")),
            closed_at=parse.iso_instant(row.get("closed_at")),
            author=member(row.get("user"), "login"),
        )

    def _remedy(self, status: int) -> str:
        if status in codes.MOVED:
            return f"{self._project} was renamed or moved: set tracker.project to its new name."
        return {
            codes.NOT_FOUND: (
                f"Check tracker.project: that {self._project} exists, that its issues are switched "
                "on, and that the token's account may see it."
            ),
            codes.FORBIDDEN: (
                "Give tracker.token the scopes write:issue, read:user and read:repository, and its "
                f"account write access to the issues of {self._project}. A new account must change "
                "its password in the browser first."
            ),
            codes.PRECONDITION_FAILED: "Close what the issue depends on, or remove the dependency.",
            codes.UNPROCESSABLE: "Check that the assignee has access to the repository.",
            codes.LOCKED: f"{self._project} is archived: set tracker.project to another.",
        }.get(status, "")


def _id(data: Any) -> int:
    number = parse.required(data, "id", "a row of a listing")
    if not isinstance(number, int):
        raise parse.misread("a row of a listing", "has no number")
    return number
