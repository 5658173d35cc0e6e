"""GitLab under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_gitlab
from repository_rig import RepositoryRig
from reviewloop.trackers.adapters.gitlab.tracker import GitLab
from trackers_rig import Drop


class GitLabRig(RepositoryRig):
    """The fake GitLab."""

    kind = "gitlab"
    adapter = GitLab
    creation = "/issues"
    gone = "group/gone"
    wrong_token = "glpat-wrong"
    resolution = ""
    text = "description"
    login = "username"
    opened = "opened"
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

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.notes(int(ticket_id))


RIG = GitLabRig
