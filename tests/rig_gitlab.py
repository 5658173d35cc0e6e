"""GitLab under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_gitlab
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.gitlab.tracker import GitLab
from trackers_rig import Drop, Rig


class GitLabRig(Rig):
    """The fake GitLab."""

    kind = "gitlab"
    adapter = GitLab
    creation = "/issues"
    gone = "group/gone"
    wrong_token = "glpat-wrong"
    resolution = ""
    cannot = {
        "dropped key": "the key is in the description, which GitLab keeps",
        "search lag": "the listing of a project's issues comes from the database",
    }

    def __init__(self, server: Optional[fake_gitlab.FakeGitLab] = None) -> None:
        super().__init__()
        self.server = server or fake_gitlab.FakeGitLab()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.host,
            "project": fake_gitlab.PROJECT,
            "token": fake_gitlab.TOKEN,
        }

    def drop(self, what: Drop) -> None:
        """An account that is no member of a public project has both dropped."""
        self.server.role = "none"

    def label_as(self, ticket_id: str, label: str) -> None:
        """Somebody labels a ticket."""
        issue = self.server.issue(int(ticket_id))
        self.server.change(int(ticket_id), labels=[*issue["labels"], label])

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        body = fmt.seal("Mine.", key, BodyFormat.MARKDOWN, 1000)
        return str(self.server.add_issue("Mine", body, by="visitor"))

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [n for n in self.all_ids(key) if self.server.issue(int(n))["state"] == "opened"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        rows = self.server.rows.values()
        return [str(row.number) for row in rows if key in (row.fields["description"] or "")]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.change(int(ticket_id), state="closed")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(int(ticket_id))

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.notes(int(ticket_id))

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        names = [one["username"] for one in self.server.issue(int(ticket_id))["assignees"]]
        return names[0] if names else ""


RIG = GitLabRig
