"""GitHub under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import requests
from requests.adapters import BaseAdapter

import fake_github
from reviewloop.trackers.adapters.github import GitHub
from reviewloop.trackers.base import Tracker, TrackerSettings
from trackers_rig import Drop, Rig


class GitHubRig(Rig):
    """The fake GitHub."""

    kind = "github"
    resolution = "completed"
    cannot = {
        "dropped key": "the key is in the body, which GitHub keeps",
        "search lag": "listings by label and creator come from the database",
    }

    def __init__(self, server: Optional[fake_github.FakeGitHub] = None) -> None:
        super().__init__()
        self.server = server or fake_github.FakeGitHub()

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return self.server

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {"project": self.server.repo, "token": fake_github.TOKEN, **settings}
        return GitHub(
            TrackerSettings("github", **values), self.pace.timing(), transport or self.server
        )

    def is_creation(self, request: requests.PreparedRequest) -> bool:
        """Whether a request creates the ticket itself."""
        return request.method == "POST" and str(request.url).endswith("/issues")

    def wrong_credential(self) -> Dict[str, str]:
        """Settings with a secret that is not accepted."""
        return {"token": "ghp_wrong"}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a repository that is not there."""
        return {"project": "example/gone"}

    def drop(self, what: Drop) -> None:
        """A token without push access has labels and assignees dropped, both."""
        self.server.pushes = False

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
