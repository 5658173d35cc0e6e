"""Request Tracker under test: a fake, and a real one."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import requests
from sandbox.trackers.request_tracker import HUMAN, QUEUE, RequestTrackerServer

import fake_rt
from reviewloop.trackers.adapters.rt.tracker import RequestTracker
from trackers_rig import Drop, Rig

CANNOT = {
    "dropped label": "RT has no labels; the key field says what is ours",
    "search lag": "listings come from the database",
}


class RequestTrackerRig(Rig):
    """The fake Request Tracker."""

    kind = "rt"
    adapter = RequestTracker
    creation = "/ticket"
    wrong_token = "1-27-wrong"
    resolution = "resolved"
    cannot = CANNOT

    def __init__(self, server: Optional[fake_rt.FakeRequestTracker] = None) -> None:
        super().__init__()
        self.server = server or fake_rt.FakeRequestTracker()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.host,
            "project": self.server.queue,
            "token": fake_rt.TOKEN,
        }

    def drop(self, what: Drop) -> None:
        """The right of whoever should own the ticket is missing, or ours on the field."""
        if what is Drop.ASSIGNEE:
            self.server.owners.discard("committee1")
        else:
            self.server.rights.discard("ModifyCustomField")

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        return str(self.server.add("Mine", key=key))

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


class RealRequestTrackerRig(Rig):
    """A real RT 5.0, which all tests of a session share; each test has keys of its own."""

    kind = "rt"
    adapter = RequestTracker
    creation = "/ticket"
    wrong_token = "1-27-wrong"
    is_real = True
    resolution = "resolved"
    cannot = {
        **CANNOT,
        "dropped assignee": "all may own tickets there; the fake shows one who may not",
        "dropped key": "our account may set the field there; the fake shows one that may not",
    }
    bodies: Dict[str, Dict[str, str]] = {}
    """What tickets were opened with, by server: asking costs three calls for each ticket."""

    def __init__(self, server: RequestTrackerServer) -> None:
        super().__init__()
        self.server = server

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.url,
            "project": QUEUE,
            "token": self.server.token,
        }

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        return self.server.add("Mine", key=key)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [number for number in self.all_ids(key) if self._listed()[number] == "active"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        bodies = self.bodies.setdefault(self.server.url, {})
        listed = list(self._listed())
        for number in listed:
            if number not in bodies:
                bodies[number] = self.server.issue(number).description
        return [number for number in listed if key in bodies[number]]

    def _listed(self) -> Dict[str, str]:
        """All tickets that were not deleted, oldest first, and whether they are active."""
        found: Dict[str, str] = {}
        for name, more in (("inactive", ""), ("active", " AND Status = '__Active__'")):
            page = 1
            while True:
                told = self._page(f"id > 0{more}", page)
                found.update({str(row["id"]): name for row in told["items"]})
                if page >= told["pages"]:
                    break
                page += 1
        return {number: found[number] for number in sorted(found, key=int)}

    def _page(self, query: str, page: int) -> Dict[str, Any]:
        params = {"query": query, "orderby": "id", "per_page": 100, "page": page}
        answer = requests.get(
            f"{self.server.url}/REST/2.0/tickets",
            params=params,
            headers={"Authorization": f"token {self.server.token_of(HUMAN)}"},
            timeout=60,
        )
        answer.raise_for_status()
        told: Dict[str, Any] = answer.json()
        return told

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.close(ticket_id)

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(ticket_id)

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return list(self.server.issue(ticket_id).notes)

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self.server.issue(ticket_id).assignee


RIG = RequestTrackerRig
