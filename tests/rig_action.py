"""Any action under test: a fake StackStorm, with a pack that there is not."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional
from unittest import mock

import fake_st2_api
from reviewloop.http.messages import Request
from reviewloop.http.transport import Transport
from reviewloop.trackers.adapters.stackstorm_action.runs import API_URL, AUTH_TOKEN
from reviewloop.trackers.adapters.stackstorm_action.tracker import AnyAction
from reviewloop.trackers.base import Tracker
from trackers_rig import Drop, Rig

TICKET: Dict[str, Any] = {
    "id": "ref",
    "number": "serial",
    "url": "href",
    "key": "tags.name",
    "title": "title",
    "state": "state",
    "resolution": "resolution",
    "assignees": "who.login",
    "labels": "tags.name",
    "opened_at": "made",
    "closed_at": "ended",
    "author": "by.login",
    "open_values": ["new"],
    "closed_values": ["closed"],
}
OPEN = {
    "ref": "desk.open",
    "parameters": {
        "place": "$project",
        "title": "$title",
        "text": "$body",
        "tags": ["$label", "$key"],
        "who": "$assignee",
    },
    "result": {"item": "result", "id": "ref"},
}
SAY = {"ref": "desk.say", "parameters": {"ticket": "$id", "text": "$text"}}
END = {"ref": "desk.end", "parameters": {"ticket": "$id", "how": "$reason"}}
ERRORS = {"assignee": ["is nobody here"]}
MAPPING: Dict[str, Any] = {
    "ticket": TICKET,
    "errors": ERRORS,
    "find": {
        "ref": "desk.search",
        "parameters": {"place": "$project", "tag": "$key"},
        "result": {"items": "result.rows"},
    },
    "create": OPEN,
    "read": {
        "ref": "desk.show",
        "parameters": {"ticket": "$id"},
        "result": {"item": "result"},
    },
    "comment": SAY,
    "comments": {
        "ref": "desk.said",
        "parameters": {"ticket": "$id"},
        "result": {"items": "result", "id": "nr", "text": "remark", "author": "by"},
    },
    "close": END,
    "duplicate": {
        "ref": "desk.end",
        "parameters": {
            "ticket": "$id",
            "how": "Duplicate",
            "untag": "$key",
            "like": "$keep_id",
        },
    },
    "reopen": {"ref": "desk.again", "parameters": {"ticket": "$id"}},
    "assign": {"ref": "desk.give", "parameters": {"ticket": "$id", "who": "$assignee"}},
    "list_open": {
        "ref": "desk.search",
        "parameters": {"place": "$project", "tag": "$label"},
        "result": {"items": "result.rows"},
    },
    "whoami": {
        "ref": "desk.me",
        "parameters": {"secret": "$token"},
        "result": {"item": "result", "name": "login"},
    },
}
"""Everything that can be mapped."""

FEW: Dict[str, Any] = {
    "ticket": {
        "id": "ref",
        "key": "text",
        "title": "title",
        "state": "state",
        "assignees": "who.login",
        "closed_at": "ended",
        "closed_values": ["Closed"],
    },
    "errors": ERRORS,
    "find": {
        "ref": "desk.search_text",
        "parameters": {"place": "$project", "words": "grv:${key}"},
        "result": {"items": "result.rows"},
    },
    "create": OPEN,
    "comment": SAY,
    "close": END,
    "reopen": MAPPING["reopen"],
    "assign": MAPPING["assign"],
}
"""The least that does all that the contract asks for; everything else falls back."""


class ActionRig(Rig):
    """The fake StackStorm."""

    kind = "action"
    adapter = AnyAction
    wrong_token = "desk-wrong"
    resolution = "Fixed"
    mapping: Mapping[str, Any] = MAPPING
    cannot = {
        "wrong credential": "reading is a POST, too, so requests do not tell; see its own tests",
        "project gone": "reading is a POST, too, so requests do not tell; see its own tests",
        "hostile text": "StackStorm evaluates braces, so they are pulled apart; see its own tests",
    }

    def __init__(self, server: Optional[fake_st2_api.FakeSt2] = None) -> None:
        super().__init__()
        self.server = server or fake_st2_api.FakeSt2()
        self.server.board.clock = lambda: self.pace.seconds

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "project": "ops",
            "token": "desk-token",
            "options": {"lag": "30"},
            "actions": self.mapping,
        }

    def tracker(self, transport: Optional[Transport] = None, **settings: Any) -> Tracker:
        """The adapter under test, inside an action that StackStorm runs."""
        around = {API_URL: f"{self.server.host}/api/v1", AUTH_TOKEN: fake_st2_api.TOKEN}
        with mock.patch.dict(os.environ, around):
            return super().tracker(transport, **settings)

    def is_creation(self, request: Request) -> bool:
        """Whether a request creates the ticket itself."""
        told = json.loads(request.body or b"{}")
        return bool(request.method == "POST" and told["action"] == "desk.open")

    def drop(self, what: Drop) -> None:
        """From now on the tracker drops this without a word."""
        self.server.board.drops[{Drop.LABEL: "revi", Drop.KEY: "grv-"}.get(what, "who")] = True

    def hide_from_listings(self, seconds: float) -> None:
        """From now on the search shows a new ticket later."""
        self.server.board.hidden = seconds

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        ticket = self.server.board.add("Mine", [key, "review-escalation"], by="visitor")
        return ticket.id

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [one for one in self.all_ids(key) if self._ticket(one).state != "Closed"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        return [one.id for one in self.server.board.tickets.values() if key in one.text]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        ticket = self._ticket(ticket_id)
        ticket.state, ticket.resolution = "Closed", "Fixed"

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        del self.server.board.tickets[ticket_id]

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return list(self._ticket(ticket_id).remarks)

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self._ticket(ticket_id).who

    def _ticket(self, ticket_id: str) -> fake_st2_api.Ticket:
        return self.server.board.tickets[ticket_id]


RIG = ActionRig
