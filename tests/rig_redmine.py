"""Redmine under test: a fake, and a real one."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import requests
from sandbox.trackers.redmine import HUMAN, PROJECT, RedmineServer

import fake_redmine
from reviewloop.trackers.adapters.redmine.tracker import Redmine
from trackers_rig import Drop, Rig

CANNOT = {
    "dropped label": "Redmine has no labels; the key field says what is ours",
    "search lag": "listings come from the database",
}


class RedmineRig(Rig):
    """The fake Redmine."""

    kind = "redmine"
    adapter = Redmine
    creation = r"/projects/[^/]+/issues\.json"
    resolution = "Closed"
    cannot = CANNOT

    def __init__(self, server: Optional[fake_redmine.FakeRedmine] = None) -> None:
        super().__init__()
        self.server = server or fake_redmine.FakeRedmine()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.host,
            "project": self.server.project,
            "token": fake_redmine.KEY,
        }

    def drop(self, what: Drop) -> None:
        """The tracker (kind of issue) lacks the standard field, or the custom one."""
        if what is Drop.ASSIGNEE:
            self.server.core_fields_off.add("assigned_to_id")
        else:
            self.server.field_trackers.discard(1)

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        return str(self.server.add("Mine", key=key))

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
        who = self.server.issue(int(ticket_id)).fields["assigned_to_id"]
        return self.server.people[who].login if who else ""


class RealRedmineRig(Rig):
    """A real Redmine 5.0, which all tests of a session share; each test has keys of its own."""

    kind = "redmine"
    adapter = Redmine
    creation = r"/projects/[^/]+/issues\.json"
    is_real = True
    resolution = "Closed"
    cannot = {
        **CANNOT,
        "dropped assignee": "its tracker has an assignee; the fake shows one that has none",
    }

    def __init__(self, server: RedmineServer) -> None:
        super().__init__()
        self.server = server
        self.options: Dict[str, str] = {}

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": self.server.url,
            "project": PROJECT,
            "token": self.server.token,
            "options": self.options,
        }

    def drop(self, what: Drop) -> None:
        """The key is written to a field that is not there."""
        self.options = {"key_field": "999"}

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        return self.server.add("Mine", key=key)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [str(row["id"]) for row in self._about(key) if not row["status"]["is_closed"]]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        return [str(row["id"]) for row in self._about(key)]

    def _about(self, key: str) -> List[Dict[str, Any]]:
        """Rows of a listing, which hold the description: quicker than to ask for each issue."""
        rows: List[Dict[str, Any]] = []
        while True:
            answer = requests.get(
                f"{self.server.url}/issues.json",
                params={"status_id": "*", "sort": "id", "limit": 100, "offset": len(rows)},
                headers={"X-Redmine-API-Key": self.server.key_of(HUMAN)},
                timeout=60,
            )
            answer.raise_for_status()
            rows += answer.json()["issues"]
            if len(rows) >= answer.json()["total_count"]:
                return [row for row in rows if key in (row["description"] or "")]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.close(ticket_id)

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket, which is not the newest: SQLite gives that number again."""
        self.server.add("Something else")
        self.server.delete(ticket_id)

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return list(self.server.issue(ticket_id).notes)

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self.server.issue(ticket_id).assignee


RIG = RedmineRig
