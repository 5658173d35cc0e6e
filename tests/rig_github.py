"""GitHub under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_github
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.github import GitHub
from trackers_rig import Drop, Rig


class GitHubRig(Rig):
    """The fake GitHub."""

    kind = "github"
    adapter = GitHub
    creation = "/issues"
    gone = "example/gone"
    wrong_token = "ghp_wrong"
    resolution = "completed"
    cannot = {
        "dropped key": "the key is in the body, which GitHub keeps",
        "search lag": "listings by label and creator come from the database",
    }

    def __init__(self, server: Optional[fake_github.FakeGitHub] = None) -> None:
        super().__init__()
        self.server = server or fake_github.FakeGitHub()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {"project": self.server.repo, "token": fake_github.TOKEN}

    def drop(self, what: Drop) -> None:
        """A token without push access has labels and assignees dropped, both."""
        self.server.pushes = False

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        body = fmt.seal("Mine.", key, BodyFormat.MARKDOWN, 1000)
        return str(self.server.add_issue("Mine", body, by="visitor"))

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [n for n in self.all_ids(key) if self.server.issue(int(n))["state"] == "open"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        rows = self.server.rows.values()
        return [str(row.number) for row in rows if key in (row.fields["body"] or "")]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        row = self.server.issue(int(ticket_id))
        row.update(state="closed", state_reason="completed", closed_at="2026-03-02T11:00:00Z")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(int(ticket_id))

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.comments(int(ticket_id))

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        names = [one["login"] for one in self.server.issue(int(ticket_id))["assignees"]]
        return names[0] if names else ""


RIG = GitHubRig
