"""Roundup under test: a real one."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from sandbox.trackers.roundup import RoundupServer

from reviewloop.trackers.adapters.roundup import Roundup
from reviewloop.trackers.base import Tracker, TrackerSettings
from trackers_rig import Rig


class RoundupRig(Rig):
    """A real Roundup, which one module's tests share; each test has keys of its own."""

    kind = "roundup"
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

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return HTTPAdapter()

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {"url": self.server.url, "token": self.server.token, **settings}
        return Roundup(TrackerSettings("roundup", **values), self.pace.timing(), transport)

    def settings(self) -> Dict[str, Any]:
        """The arguments of ``TrackerSettings`` for another process."""
        return {"kind": "roundup", "url": self.server.url, "token": self.server.token}

    def is_creation(self, request: requests.PreparedRequest) -> bool:
        """Whether a request creates the ticket itself."""
        return request.method == "POST" and str(request.url).endswith("/issue")

    def is_claim(self, request: requests.PreparedRequest) -> bool:
        """Whether a request claims a key."""
        return request.method == "POST" and str(request.url).endswith("/keyword")

    def wrong_credential(self) -> Dict[str, str]:
        """Settings with a secret that is not accepted."""
        return {"token": "reviewbot:wrong"}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a tracker that is not there."""
        return {"url": self.server.url.replace("/demo/", "/gone/")}

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
