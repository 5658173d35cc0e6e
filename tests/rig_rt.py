"""Request Tracker under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import requests
from requests.adapters import BaseAdapter

import fake_rt
from reviewloop.trackers.base import Tracker, TrackerSettings
from reviewloop.trackers.rt import RequestTracker
from trackers_rig import Drop, Rig

CANNOT = {
    "dropped label": "RT has no labels; the key field says what is ours",
    "search lag": "listings come from the database",
}


class RequestTrackerRig(Rig):
    """The fake Request Tracker."""

    kind = "rt"
    resolution = "resolved"
    cannot = CANNOT

    def __init__(self, server: Optional[fake_rt.FakeRequestTracker] = None) -> None:
        super().__init__()
        self.server = server or fake_rt.FakeRequestTracker()

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return self.server

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {
            "url": self.server.host,
            "project": self.server.queue,
            "token": fake_rt.TOKEN,
            **settings,
        }
        return RequestTracker(
            TrackerSettings("rt", **values), self.pace.timing(), transport or self.server
        )

    def is_creation(self, request: requests.PreparedRequest) -> bool:
        """Whether a request creates the ticket itself."""
        return is_creation(request)

    def wrong_credential(self) -> Dict[str, str]:
        """Settings with a secret that is not accepted."""
        return {"token": "1-27-wrong"}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a queue that is not there."""
        return {"project": "gone"}

    def drop(self, what: Drop) -> None:
        """The right of whoever should own the ticket is missing, or ours on the field."""
        if what is Drop.ASSIGNEE:
            self.server.owners.discard("committee1")
        else:
            self.server.rights.discard("ModifyCustomField")

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [number for number in self.all_ids(key) if self.server.is_open(int(number))]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        rows = [row for row in self.server.tickets.values() if row.status != "deleted"]
        return [str(row.id) for row in rows if key in row.attachments[0].text]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.set_status(int(ticket_id), "resolved")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.set_status(int(ticket_id), "deleted")

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.comments(int(ticket_id))

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        owner = self.server.ticket(int(ticket_id)).owner
        return "" if owner == "Nobody" else owner


def is_creation(request: requests.PreparedRequest) -> bool:
    """Whether a request creates a ticket."""
    return request.method == "POST" and str(request.url).endswith("/ticket")


RIG = RequestTrackerRig
