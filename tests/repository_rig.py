"""What the rigs of GitHub, Gitea and GitLab have alike: issues with the key in their text."""

from __future__ import annotations

from typing import Any, ClassVar, List

from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from trackers_rig import Rig


class RepositoryRig(Rig):
    """A fake of issues; ``text`` and ``login`` are what it calls a body and a user's name."""

    server: Any
    text: ClassVar[str] = "body"
    login: ClassVar[str] = "login"
    opened: ClassVar[str] = "open"

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        body = fmt.seal("Mine.", key, BodyFormat.MARKDOWN, 1000)
        return str(self.server.add_issue("Mine", body, by="visitor"))

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [n for n in self.all_ids(key) if self.server.issue(int(n))["state"] == self.opened]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        rows = self.server.rows.values()
        return [str(row.number) for row in rows if key in (row.fields[self.text] or "")]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.change(int(ticket_id), state="closed")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(int(ticket_id))

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        found: List[str] = self.server.comments(int(ticket_id))
        return found

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        assignees = self.server.issue(int(ticket_id))["assignees"] or ()
        return next((str(one[self.login]) for one in assignees), "")
