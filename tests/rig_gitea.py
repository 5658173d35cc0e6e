"""Gitea under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import requests
from requests.adapters import BaseAdapter

import fake_gitea
from reviewloop.trackers.adapters.gitea import Gitea
from reviewloop.trackers.base import Tracker, TrackerSettings
from trackers_rig import Drop, Rig


class GiteaRig(Rig):
    """The fake Gitea."""

    kind = "gitea"
    resolution = ""
    cannot = {
        "dropped key": "the key is in the body, which Gitea keeps",
        "search lag": "a listing without a search word comes from the database",
    }

    def __init__(self, server: Optional[fake_gitea.FakeGitea] = None) -> None:
        super().__init__()
        self.server = server or fake_gitea.FakeGitea()

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return self.server

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {
            "url": self.server.host,
            "project": fake_gitea.REPO,
            "token": fake_gitea.TOKEN,
            **settings,
        }
        return Gitea(
            TrackerSettings("gitea", **values), self.pace.timing(), transport or self.server
        )

    def is_creation(self, request: requests.PreparedRequest) -> bool:
        """Whether a request creates the ticket itself."""
        return request.method == "POST" and str(request.url).endswith("/issues")

    def wrong_credential(self) -> Dict[str, str]:
        """Settings with a secret that is not accepted."""
        return {"token": "wrong"}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a repository that is not there."""
        return {"project": "example/gone"}

    def drop(self, what: Drop) -> None:
        """An account without write access has labels and assignees dropped, both."""
        self.server.writes = False

    def label_as(self, ticket_id: str, label: str) -> None:
        """Somebody labels a ticket."""
        labels = [*self.server.issue(int(ticket_id))["labels"], {"id": 99, "name": label}]
        self.server.change(int(ticket_id), labels=labels)

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
