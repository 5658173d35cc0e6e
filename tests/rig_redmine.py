"""Redmine under test: a fake."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

import requests
from requests.adapters import BaseAdapter

import fake_redmine
from reviewloop.trackers.base import Tracker, TrackerSettings
from reviewloop.trackers.redmine import Redmine
from trackers_rig import Drop, Rig

CANNOT = {
    "dropped label": "Redmine has no labels; the key field says what is ours",
    "search lag": "listings come from the database",
}


class RedmineRig(Rig):
    """The fake Redmine."""

    kind = "redmine"
    resolution = "Closed"
    cannot = CANNOT

    def __init__(self, server: Optional[fake_redmine.FakeRedmine] = None) -> None:
        super().__init__()
        self.server = server or fake_redmine.FakeRedmine()

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return self.server

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {
            "url": self.server.host,
            "project": self.server.project,
            "token": fake_redmine.KEY,
            **settings,
        }
        return Redmine(
            TrackerSettings("redmine", **values), self.pace.timing(), transport or self.server
        )

    def is_creation(self, request: requests.PreparedRequest) -> bool:
        """Whether a request creates the ticket itself."""
        return is_creation(request)

    def wrong_credential(self) -> Dict[str, str]:
        """Settings with a secret that is not accepted."""
        return {"token": "wrong"}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a project that is not there."""
        return {"project": "gone"}

    def drop(self, what: Drop) -> None:
        """The tracker (kind of issue) lacks the standard field, or the custom one."""
        if what is Drop.ASSIGNEE:
            self.server.core_fields_off.add("assigned_to_id")
        else:
            self.server.field_trackers.discard(1)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [number for number in self.all_ids(key) if self.server.is_open(int(number))]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        issues = self.server.issues.values()
        return [str(one.id) for one in issues if key in one.fields["description"]]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.set_status(int(ticket_id), 5)

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(int(ticket_id))

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.notes(int(ticket_id))

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self.server.name_of(self.server.issue(int(ticket_id)).fields["assigned_to_id"])


def is_creation(request: requests.PreparedRequest) -> bool:
    """Whether a request creates an issue."""
    path = str(request.url).partition("?")[0]
    return request.method == "POST" and bool(re.search(r"/projects/[^/]+/issues\.json$", path))


RIG = RedmineRig
