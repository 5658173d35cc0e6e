"""ServiceNow under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_servicenow
from reviewloop.trackers.adapters.servicenow.tracker import ServiceNow
from trackers_rig import Drop, Rig

DROPPED = {
    Drop.LABEL: "correlation_display",
    Drop.ASSIGNEE: "assigned_to",
    Drop.KEY: "correlation_id",
}


class ServiceNowRig(Rig):
    """The fake ServiceNow."""

    kind = "servicenow"
    adapter = ServiceNow
    creation = ""
    wrong_token = f"{fake_servicenow.BOT}:wrong"
    resolution = "Resolved by caller"
    cannot = {
        "search lag": "the Table API lists from the database",
    }

    def __init__(self, server: Optional[fake_servicenow.FakeServiceNow] = None) -> None:
        super().__init__()
        self.server = server or fake_servicenow.FakeServiceNow()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {"url": self.server.host, "token": fake_servicenow.TOKEN}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a table that is not there."""
        states = {"closed_states": "3,4,7", "close_state": "3", "reopen_state": "1"}
        return {"options": {"table": "u_gone", **states}}

    def drop(self, what: Drop) -> None:
        """An access control forbids the account to write a field."""
        self.server.rights.unwritable.add(DROPPED[what])

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        fields = {"correlation_id": key, "correlation_display": "review-escalation"}
        return self.server.add_record(short_description="Mine", **fields)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [i for i in self.all_ids(key) if self.server.rows[i]["state"] not in ("6", "7", "8")]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        return [i for i, row in self.server.rows.items() if key in row["description"]]

    def close(self, ticket_id: str) -> None:
        """Somebody resolves a ticket."""
        self.server.change(ticket_id, state="6", close_code=self.resolution, close_notes="Mine.")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        del self.server.rows[ticket_id]

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.texts(ticket_id)

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        row = self.server.rows[ticket_id]
        return self.server.users.get(row["assigned_to"], {}).get("user_name", "")


RIG = ServiceNowRig
