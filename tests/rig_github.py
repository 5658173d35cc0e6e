"""GitHub under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, Optional

import fake_github
from repository_rig import RepositoryRig
from reviewloop.trackers.adapters.github import GitHub
from trackers_rig import Drop


class GitHubRig(RepositoryRig):
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

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        row = self.server.issue(int(ticket_id))
        row.update(state="closed", state_reason="completed", closed_at="2026-03-02T11:00:00Z")


RIG = GitHubRig
