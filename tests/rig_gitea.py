"""Gitea under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, Optional

import fake_gitea
from repository_rig import RepositoryRig
from reviewloop.trackers.adapters.gitea import Gitea
from trackers_rig import Drop


class GiteaRig(RepositoryRig):
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


RIG = GiteaRig
