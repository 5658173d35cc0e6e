"""Roundup under test: a real one."""

from __future__ import annotations

from typing import Any, Dict, List

from sandbox.trackers.roundup import RoundupServer

from reviewloop.trackers.adapters.roundup.tracker import Roundup
from trackers_rig import Rig


class RoundupRig(Rig):
    """A real Roundup, which one module's tests share; each test has keys of its own."""

    kind = "roundup"
    adapter = Roundup
    creation = "/issue"
    claim = "/keyword"
    wrong_token = "reviewbot:wrong"
    is_real = True
    resolution = "resolved"
    cannot = {
        "dropped label": "refuses what it does not keep, with 400 or 403",
        "dropped assignee": "refuses a user it does not know, with 400",
        "dropped key": "the key is claimed first; without it no issue is opened",
        "search lag": "listings come from the database",
    }

    def __init__(self, server: RoundupServer) -> None:
        super().__init__()
        self.server = server

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {"url": self.server.url, "token": self.server.token}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a tracker that is not there."""
        return {"url": self.server.url.replace("/demo/", "/gone/")}

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        keyword = self.server.add("keyword", name=key)
        return self.server.add("issue", title="Mine", keyword=[keyword])

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [one.id for one in self._about(key) if one.status != "resolved"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        return [one.id for one in self._about(key)]

    def _about(self, key: str) -> List[Any]:
        return [one for one in self.server.issues() if key in "".join(one.messages)]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.set(ticket_id, status="resolved")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.retire(ticket_id)

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return list(self.server.issue(ticket_id).messages[1:])

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self.server.issue(ticket_id).assignee
