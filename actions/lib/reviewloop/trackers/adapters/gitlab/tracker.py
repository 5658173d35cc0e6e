"""GitLab issues, on gitlab.com and self-managed, through the REST API v4.

What it relies on, read in GitLab's own source (gitlabhq/gitlabhq):

- ``lib/api/issues.rb``: the project's listing comes from the database, is ordered by creation with
  a tie-breaker and filtered by author; for one account it shows that account's own writes even
  where GitLab reads from replicas (``load_balancer_stick_request`` in ``lib/api/helpers.rb``).
- ``app/services/issuable_base_service.rb``: labels and assignees are dropped without an error if
  the account may not set them, an assignee also if he or she may not read the issue, and reopening
  an issue whose discussion is locked answers 200 and does nothing.
- ``lib/api/helpers.rb``: a renamed project answers GET with a redirect and everything else with
  405.
- ``lib/api/issue_links.rb``: a link that is there already answers 409.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote, urlsplit

from reviewloop.errors import AmbiguousError, ConfigError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.gitlab.people import NUMBER, People
from reviewloop.trackers.adapters.gitlab.quick_actions import without_commands
from reviewloop.trackers.adapters.gitlab.settings import FORMS, OPTIONS, remedy
from reviewloop.trackers.adapters.gitlab.setup import shortfalls
from reviewloop.trackers.rest import (
    RestTracker,
    ambiguous,
    by_number,
    member,
    open_with_key,
    ticket_number,
    with_key,
    without_path,
)
from reviewloop.trackers.settings import checked_url
from reviewloop.trackers.tickets import CloseReason, Comment, Draft, State, Ticket

SITE = "https://gitlab.com"
API_PATH = "/api/v4"
PAGE = 100


class GitLab(RestTracker):
    """Issues of one project (``tracker.project``: ``group/sub/project`` or its numeric id)."""

    kind = "gitlab"
    body_format = BodyFormat.MARKDOWN
    needs = ("project", "token")
    forms = FORMS
    options = OPTIONS
    drops_hint = (
        "GitLab drops them unless the token's account has at least the role Planner (before "
        "GitLab 17.7: Reporter) in the project and the assignee may read the ticket."
    )

    def _begin(self) -> None:
        self._issues = f"/projects/{quote(self._project, safe='')}/issues"
        self._confidential = self._option("confidential") == "true"
        self._people = People(self._http)
        self._setup = lambda: shortfalls(self._http, self._project)
        self._lookup = self._people.number

    @classmethod
    def addresses(cls, url: str) -> Tuple[str, str]:
        """The address that people open (gitlab.com, or a server of one's own, below a path or
        not), which may be given as the API's, and the API's.
        """
        given = checked_url(url or SITE)
        web = without_path(given, API_PATH)
        parts = urlsplit(web)
        if web == given and parts.netloc in ("gitlab.com", "www.gitlab.com"):
            if parts.path:
                raise ConfigError(
                    "tracker.url for gitlab.com holds a path.",
                    "Write https://gitlab.com there, or nothing, and the path under"
                    " tracker.project.",
                )
            web = SITE
        return web, web + API_PATH

    def _headers(self) -> Dict[str, str]:
        return {"PRIVATE-TOKEN": self._settings.token}

    def _who(self) -> str:
        """Our username; a project's or group's access token has one, too."""
        return str(parse.required(self._http.read("/user").data, "username", "the user"))

    def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
        """Our issues whose description bears the key.

        One that was moved to another project counts as gone: what is left of it here is a closed
        stub.
        """
        only = {"state": "all"}
        if since is not None:
            only["updated_after"] = since.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return with_key(self._listed(only), key)

    def list_open(self) -> Tuple[Ticket, ...]:
        """Our open issues that bear a key."""
        return open_with_key(self._listed({"state": "opened"}))

    def _listed(self, only: Mapping[str, str]) -> Tuple[Ticket, ...]:
        params = {
            "scope": "all",
            "author_username": self.account(),
            # Oldest first: an issue opened meanwhile goes to the end and moves no page.
            "order_by": "created_at",
            "sort": "asc",
            **only,
        }
        rows = self._rows(self._issues, params)
        return by_number(_ticket(row) for row in rows if not _is_moved(row))

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its number in the project (``iid``)."""
        row = self._row(ticket_id)
        if _is_moved(row):
            raise RefusedError(
                f"Issue {ticket_id} of {self._place} was moved to another project.",
                "It is looked after there.",
                codes.MOVED[0],
            )
        return _ticket(row)

    @parse.protocol_errors
    def create(self, draft: Draft) -> Ticket:
        """Open an issue whose description ends with the hidden key. The labels are created by
        GitLab.
        """
        body: Dict[str, Any] = {
            "title": self._title(draft),
            "description": without_commands(self._sealed(draft)),
            "labels": ",".join(draft.labels),
        }
        if draft.assignee:
            body["assignee_ids"] = [self._people.number(draft.assignee)]
        if self._confidential:
            body["confidential"] = True
        data = self._http.write("POST", self._issues, body).data
        try:
            ticket = _ticket(data)
        except ProtocolError as err:
            raise ambiguous(err) from err
        if self._confidential and not data.get("confidential"):
            raise RefusedError(
                f"GitLab opened issue {ticket.id} of {self._place} for everybody to see.",
                "Make it confidential by hand, and let the token's account set that "
                "(tracker.options.confidential).",
            )
        return ticket

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All notes that people or programs wrote; what GitLab itself notes down is left out."""
        params = {"order_by": "created_at", "sort": "asc"}
        rows = self._rows(f"{self._issue(ticket_id)}/notes", params)
        return tuple(
            Comment(
                str(parse.required(row, "id", "a note")),
                str(row.get("body") or ""),
                member(row.get("author"), "username"),
            )
            for row in rows
            if not row.get("system")
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a note, in which no line is a command."""
        body = {"body": without_commands(text)}
        self._http.write("POST", f"{self._issue(ticket_id)}/notes", body)

    def close(self, ticket_id: str, reason: CloseReason) -> None:  # noqa: ARG002 - GitLab has none
        """Close an issue; GitLab knows no reasons, the note tells it."""
        self._turn(ticket_id, {"state_event": "close"}, State.CLOSED)

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Link the issue that stays, then close this one and rename its key, in one call.

        The link first, so that a run killed in between is made good by the next.
        """
        text = str(self._row(ticket_id).get("description") or "")
        link = {"target_project_id": self._project, "target_issue_iid": keep.id}
        # There already, or not permitted: the comment names the one that stays all the same.
        with suppress(RefusedError, AmbiguousError):
            self._http.write("POST", f"{self._issue(ticket_id)}/links", link)
        key = fmt.key_in(text)
        body = without_commands(fmt.without_key(text, key) if key else text)
        self._turn(ticket_id, {"state_event": "close", "description": body}, State.CLOSED)

    def reopen(self, ticket_id: str) -> None:
        """Reopen an issue."""
        self._turn(ticket_id, {"state_event": "reopen"}, State.OPEN)

    def assign(self, ticket_id: str, who: str) -> None:
        """Replace the assignees."""
        self._http.write(
            "PUT", self._issue(ticket_id), {"assignee_ids": [self._people.number(who)]}
        )

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """As a username, with or without ``@``, or as a numeric user id."""
        name = who.lstrip("@")
        if super().is_assigned(ticket, name):
            return True
        return bool(NUMBER.fullmatch(name)) and super().is_assigned(
            ticket, member(self._people.named(name), "username")
        )

    # -- parts ---------------------------------------------------------------------------------

    def _turn(self, ticket_id: str, body: Mapping[str, Any], wanted: State) -> None:
        """Change an issue's state; GitLab may answer 200 and leave it as it was."""
        data = self._http.write("PUT", self._issue(ticket_id), body).data
        if isinstance(data, dict) and _state(data) is not wanted:
            raise RefusedError(
                f"GitLab left issue {ticket_id} of {self._place} {_state(data).value}.",
                "Unlock the issue's discussion, and give the token's account at least the role "
                "Planner (before GitLab 17.7: Reporter).",
            )

    def _row(self, ticket_id: str) -> Dict[str, Any]:
        return parse.mapping(self._http.read(self._issue(ticket_id)).data, "an issue")

    def _issue(self, ticket_id: str) -> str:
        return f"{self._issues}/{ticket_number(ticket_id, 'issue')}"

    def _rows(self, path: str, params: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Rows of all pages of a listing."""
        return parse.stable(lambda: self._pages(path, params), self._place)

    def _pages(self, path: str, params: Mapping[str, Any]) -> Optional[List[Dict[str, Any]]]:
        """The same in one go; None if rows went away meanwhile, since one may then have slipped
        from an unread page to a read one.
        """
        rows: List[Dict[str, Any]] = []
        total, page = 0, 1
        while True:
            answer = self._http.read(path, {**params, "per_page": PAGE, "page": page})
            found = parse.sequence(answer.data, "a listing")
            rows += [parse.mapping(row, "a row of a listing") for row in found]
            known_total = parse.total_unless_less(answer.headers.get("x-total", ""), total)
            if known_total is None:
                return None
            total = known_total
            following = answer.headers.get("x-next-page")
            # A page may be short where more follow; without the header only its length tells.
            if not (len(found) >= PAGE if following is None else following.strip()):
                return rows
            page += 1

    def _remedy(self, status: int) -> str:
        return remedy(status, self._project)


def _is_moved(row: Mapping[str, Any]) -> bool:
    return bool(row.get("moved_to_id")) and row.get("state") == "closed"


def _state(row: Mapping[str, Any]) -> State:
    closed = parse.required(row, "state", "an issue") == "closed"
    return State.CLOSED if closed else State.OPEN


@parse.protocol_errors
def _ticket(data: Any) -> Ticket:
    row = parse.mapping(data, "an issue")
    number = parse.required(row, "iid", "an issue")
    if not isinstance(number, int):
        raise parse.misread("an issue", "has no number")
    return Ticket(
        id=str(number),
        number=number,
        url=str(row.get("web_url") or ""),
        key=fmt.key_in(str(row.get("description") or "")),
        title=str(row.get("title") or ""),
        state=_state(row),
        assignees=tuple(member(one, "username") for one in row.get("assignees") or ()),
        labels=tuple(str(name) for name in row.get("labels") or ()),
        opened_at=parse.iso_instant(row.get("created_at")),
        closed_at=parse.iso_instant(row.get("closed_at")),
        author=member(row.get("author"), "username"),
    )
