"""Jira Cloud under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List

import fake_jira
from reviewloop.trackers.adapters.jira.tracker import Jira
from trackers_rig import Drop, Rig


class JiraRig(Rig):
    """The fake Jira as Atlassian's Cloud."""

    kind = "jira"
    adapter = Jira
    creation = "/rest/api/2/issue"
    gone = "GONE"
    wrong_token = "tok-wrong"
    resolution = "Done"
    cannot = {"dropped label": "Jira refuses a creation with a label that its screen lacks"}
    cloud = True

    def __init__(self) -> None:
        super().__init__()
        self.server = fake_jira.FakeJira(self.cloud, lambda: self.pace.seconds)

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.base,
            "project": self.server.project,
            "username": fake_jira.MAIL if self.cloud else "",
            "token": fake_jira.TOKEN,
        }

    def drop(self, what: Drop) -> None:
        """A field that is not on the create screen; Jira refuses it, and drops nothing."""
        self.server.screen.discard("assignee" if what is Drop.ASSIGNEE else "labels")

    def hide_from_listings(self, seconds: float) -> None:
        """The index lags by so much."""
        self.server.lag = seconds

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        someone = fake_jira.Person("visitor", "5b10a2844c20165700ede2aa", "visitor@example.org")
        return self.server.add("Mine", ("review-escalation", key), by=someone)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [one for one in self.all_ids(key) if not self._is_done(one)]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        rows = sorted(self.server.rows.values(), key=lambda row: row.id)
        return [row.key for row in rows if key in row.fields.get("description", "")]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.put(ticket_id, "Done" if self.cloud else "Resolved", self.resolution)

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(ticket_id)

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.comments(ticket_id)

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        who = self.server.issue(ticket_id)["assignee"]
        return who.name if who else ""

    def _is_done(self, ticket_id: str) -> bool:
        return self.server.issue(ticket_id)["status"]["statusCategory"]["key"] == "done"


RIG = JiraRig
