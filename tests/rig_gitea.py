"""Gitea under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_gitea
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.gitea import Gitea
from trackers_rig import Drop, Rig


class GiteaRig(Rig):
    """The fake Gitea."""

    kind = "gitea"
    adapter = Gitea
    creation = "/issues"
    gone = "example/gone"
    resolution = ""
    cannot = {
        "dropped key": "the key is in the body, which Gitea keeps",
        "search lag": "a listing without a search word comes from the database",
    }

    def __init__(self, server: Optional[fake_gitea.FakeGitea] = None) -> None:
        super().__init__()
        self.server = server or fake_gitea.FakeGitea()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.host,
            "project": fake_gitea.REPO,
            "token": fake_gitea.TOKEN,
        }

    def drop(self, what: Drop) -> None:
        """An account without write access has labels and assignees dropped, both."""
        self.server.writes = False

    def label_as(self, ticket_id: str, label: str) -> None:
        """Somebody labels a ticket."""
        labels = [*self.server.issue(int(ticket_id))["labels"], {"id": 99, "name": label}]
        self.server.change(int(ticket_id), labels=labels)

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
        self.server.change(int(ticket_id), state="closed")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(int(ticket_id))

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.comments(int(ticket_id))

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        assignees = self.server.issue(int(ticket_id))["assignees"] or ()
        names = [one["login"] for one in assignees]
        return names[0] if names else ""


RIG = GiteaRig
