"""Issues of one repository, through a REST interface in GitHub's form: what GitHub and those that
follow it have alike. The key stands in the body, hidden.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Dict, Iterable, Iterator, Mapping, Tuple

from reviewloop.errors import ProtocolError
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.rest import RestTracker, ambiguous, member, ticket_number
from reviewloop.trackers.shortfalls import Shortfall, of_repository
from reviewloop.trackers.tickets import Comment, Draft, Ticket


class RepositoryTracker(RestTracker):
    """Issues of one repository (``tracker.project: owner/repository``)."""

    body_format = BodyFormat.MARKDOWN
    right: ClassVar[str] = ""
    """What the account needs in the repository, in the words of the tracker's settings."""

    def _begin(self) -> None:
        self._repository = f"/repos/{self._project}"
        self._issues = f"{self._repository}/issues"
        self._setup = self._shortfalls

    def _shortfalls(self) -> Iterator[Shortfall]:
        data = parse.mapping(self._http.read(self._repository).data, "the repository")
        yield from of_repository(data, self._project, self.right)

    @abstractmethod
    def _ticket(self, data: Any) -> Ticket:
        """An issue as it is answered."""

    @abstractmethod
    def _rows(self, path: str, params: Mapping[str, Any]) -> Iterable[Dict[str, Any]]:
        """Rows of all pages of a listing."""

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its number."""
        return self._ticket(self._http.read(self._issue(ticket_id)).data)

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All comments of an issue."""
        rows = self._rows(f"{self._issue(ticket_id)}/comments", {})
        return tuple(
            Comment(
                str(parse.required(row, "id", "a comment")),
                str(row.get("body") or ""),
                member(row.get("user"), "login"),
            )
            for row in rows
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a comment."""
        self._http.write("POST", f"{self._issue(ticket_id)}/comments", {"body": text})

    def reopen(self, ticket_id: str) -> None:
        """Reopen an issue."""
        self._patch(ticket_id, {"state": "open"})

    def _created(self, draft: Draft, **more: Any) -> Ticket:
        """Open an issue whose body ends with the hidden key."""
        body = {"title": self._title(draft), "body": self._sealed(draft), **more}
        data = self._http.write("POST", self._issues, body).data
        try:
            return self._ticket(data)
        except ProtocolError as err:
            raise ambiguous(err) from err

    def _retire(self, ticket_id: str, **more: str) -> None:
        """Close an issue and rename the key in its body, in one call."""
        row = parse.mapping(self._http.read(self._issue(ticket_id)).data, "an issue")
        text = str(row.get("body") or "")
        key = fmt.key_in(text)
        body = fmt.without_key(text, key) if key else text
        self._patch(ticket_id, {"state": "closed", **more, "body": body})

    def _patch(self, ticket_id: str, body: Mapping[str, Any]) -> None:
        self._http.write("PATCH", self._issue(ticket_id), body)

    def _issue(self, ticket_id: str) -> str:
        return f"{self._issues}/{ticket_number(ticket_id, 'issue')}"
