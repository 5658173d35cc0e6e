"""GitHub Issues, on github.com and GitHub Enterprise Server.

Relies on https://docs.github.com/en/rest/issues/issues and ``…/issues/comments``, API version
2022-11-28: labels and assignees of a token without push access are dropped without an error (so
ticketing reads back), 404 also means "no right", 410 means that the repository has its issues
switched off, and the listing mixes pull requests in. Tickets are found by listing, never through
the search index, which lags.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple
from urllib.parse import quote, urlsplit

from reviewloop.errors import ConfigError, RefusedError
from reviewloop.http import codes
from reviewloop.markup import escape as fmt
from reviewloop.trackers import parse
from reviewloop.trackers.repository import RepositoryTracker
from reviewloop.trackers.rest import by_number, member, open_with_key, with_key
from reviewloop.trackers.settings import Form, checked_url
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Draft, State, Ticket

API = "https://api.github.com"
API_VERSION = "2022-11-28"
PAGE = 100
WRITE_SPACING = 1.0
"""GitHub's best practices: "wait at least one second between each request" that writes."""
INSTANT = "%Y-%m-%dT%H:%M:%SZ"

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


class GitHub(RepositoryTracker):
    """Issues of one repository (``tracker.project: owner/repo``)."""

    kind = "github"
    needs = ("project", "token")
    forms = {"project": Form(_PROJECT, "owner/repository")}
    drops_hint = (
        "GitHub drops labels and assignees unless the token may push to (or triage) the "
        "repository and the assignee may be assigned there."
    )

    right = "write (or triage) access to the repository, and the token 'Issues: read and write'"
    write_spacing = WRITE_SPACING

    def _begin(self) -> None:
        super()._begin()
        self._lookup = self._assignee

    def _assignee(self, who: str) -> bool:
        """Whether somebody can be assigned: 204, or 404
        (https://docs.github.com/en/rest/issues/assignees).
        """
        self._http.read(f"{self._repository}/assignees/{quote(who, safe='')}")
        return True

    @classmethod
    def addresses(cls, url: str) -> Tuple[str, str]:
        """The API's, from the address people open: github.com, or an Enterprise server's.

        Enterprise: https://docs.github.com/en/enterprise-server/rest (``https://HOST/api/v3``).
        """
        base = checked_url(url or API)
        parts = urlsplit(base)
        if parts.netloc in ("github.com", "www.github.com", "api.github.com"):
            return API, API
        # Enterprise Cloud with data residency serves its API on a host of its own, without a path.
        api = base if parts.path or parts.netloc.startswith("api.") else f"{base}/api/v3"
        return api, api

    def _where(self) -> str:
        return f"{urlsplit(self._base).netloc}/{self._project}"

    def _headers(self) -> Dict[str, str]:
        return {
            "Authorization": f"Bearer {self._settings.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
        }

    def _who(self) -> str:
        """Our login. An installation token may not ask for it: then ``tracker.username`` must
        tell.
        """
        try:
            data = self._http.read("/user").data
        except RefusedError as err:
            if err.status != codes.FORBIDDEN:
                raise
            if not self._settings.username:
                raise ConfigError(
                    "This GitHub token may not ask who it is, as an app's token.",
                    "Set tracker.username to the app's account, such as my-app[bot].",
                ) from err
            return self._settings.username
        return str(parse.required(data, "login", "the user"))

    def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
        """Our issues whose body bears the key: first those with the shared label, else all of ours.

        The second listing finds tickets whose label GitHub dropped or somebody took off.
        """
        return self._of(key, since, labels=SHARED_LABEL) or self._of(key, since)

    def list_open(self) -> Tuple[Ticket, ...]:
        """Our open issues that bear a key."""
        return open_with_key(self._listed(None, state="open"))

    def _of(self, key: str, since: Optional[datetime], **only: str) -> Tuple[Ticket, ...]:
        return with_key(self._listed(since, **only), key)

    def _listed(self, since: Optional[datetime], **only: str) -> Tuple[Ticket, ...]:
        params: Dict[str, Any] = {
            "creator": self.account(),
            "state": "all",
            # Oldest first: an issue opened meanwhile goes to the end and moves no page.
            "sort": "created",
            "direction": "asc",
            **only,
        }
        if since is not None:
            params["since"] = since.strftime(INSTANT)
        rows = self._rows(self._issues, params)
        return by_number(self._ticket(row) for row in rows if "pull_request" not in row)

    def create(self, draft: Draft) -> Ticket:
        """Open an issue whose body ends with the hidden key."""
        who = {"assignees": [draft.assignee]} if draft.assignee else {}
        return self._created(draft, labels=list(draft.labels), **who)

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Close an issue with a ``state_reason``."""
        self._patch(ticket_id, {"state": "closed", "state_reason": reason.value})

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:  # noqa: ARG002
        """Close an issue and rename the key in its body, in one call."""
        self._retire(ticket_id, state_reason=CloseReason.NOT_PLANNED.value)

    def assign(self, ticket_id: str, who: str) -> None:
        """Replace the assignees."""
        self._patch(ticket_id, {"assignees": [who]})

    def _rows(self, path: str, params: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
        """Rows of all pages. The next page's address is GitHub's own (``Link``), parameters
        included.
        """
        answer = self._http.read(path, {"per_page": PAGE, **params})
        while True:
            for row in parse.sequence(answer.data, "a listing"):
                yield parse.mapping(row, "a row of a listing")
            if answer.next_url is None:
                return
            answer = self._http.read(answer.next_url)

    @parse.protocol_errors
    def _ticket(self, data: Any) -> Ticket:
        row = parse.mapping(data, "an issue")
        number = parse.required(row, "number", "an issue")
        closed = parse.required(row, "state", "an issue") == "closed"
        return Ticket(
            id=str(number),
            number=int(number),
            url=str(row.get("html_url") or ""),
            key=fmt.key_in(str(row.get("body") or "")),
            title=str(row.get("title") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=str(row.get("state_reason") or "") if closed else "",
            assignees=tuple(member(one, "login") for one in row.get("assignees") or ()),
            labels=tuple(_label(one) for one in row.get("labels") or ()),
            opened_at=parse.instant(row.get("created_at"), INSTANT),
            closed_at=parse.instant(row.get("closed_at"), INSTANT),
            author=member(row.get("user"), "login"),
        )

    def _remedy(self, status: int) -> str:
        if status == codes.GONE:
            return f"Switch the issues of {self._project} on, or set tracker.project to another."
        if status in codes.MOVED:
            return f"{self._project} was renamed or moved: set tracker.project to its new name."
        if status == codes.NOT_FOUND:
            return (
                f"Check tracker.project: that {self._project} exists and that the token may see it "
                "(Issues: read)."
            )
        if status == codes.FORBIDDEN:
            return f"Give the token 'Issues: read and write' on {self._project}."
        if status == codes.UNPROCESSABLE:
            return "Check that the assignee is a collaborator there."
        return ""


def _label(data: Any) -> str:
    """A label's name; GitHub's description allows a bare string too."""
    return str(data.get("name") or "") if isinstance(data, dict) else str(data)
