"""A fake Request Tracker: one queue's tickets in memory, as far as the pack uses them.

Written from RT's documentation (``RT::REST2``) and from the source of 5.0.3 (``lib/RT/REST2``,
``lib/RT/Ticket.pm``, ``lib/RT/Tickets.pm``), and held against a real 5.0.3 by
``rig_rt.RealRequestTrackerRig``. It keeps state, so that sequences of calls can be tested. It is no
substitute for a run against the real one.

RT ignores parameters and fields that it does not know; this fake fails on them.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set, Tuple
from urllib.parse import unquote

from fake_http import FakeServer, Handler, Reply, Sent, stamp

BOT = "reviewbot"
TOKEN = "1-27-0123456789abcdef0123456789abcdef"
PASSWORD = "reviewbot-password"
USERS = {BOT: 27, "human": 29, "committee1": 31, "committee2": 33, "committee3": 35, "guest": 37}
QUEUE_ID = "3"
FIELD = "ReviewKey"
INACTIVE = ("resolved", "rejected", "deleted")
STATUSES = ("new", "open", "stalled", *INACTIVE)
NEVER = "1970-01-01T00:00:00Z"
ALL_RIGHTS = (
    "SeeQueue",
    "CreateTicket",
    "ShowTicket",
    "ShowTicketComments",
    "ModifyTicket",
    "ReassignTicket",
    "SeeCustomField",
    "ModifyCustomField",
)
LONGEST_SUBJECT = 200
"""Bytes."""
MOST_ROWS = 100
MAILS = 2
"""Outgoing mails of a comment, which are attachments too, and hidden without ShowOutgoingEmail."""
LITERAL = r"'((?:[^'\\]|\\.)*)'"


@dataclass
class Attachment:
    """A text or file of a ticket; people without a certain right do not see some."""

    id: int
    text: str
    by: str
    kind: str = "text/plain"
    hidden: bool = False
    is_body: bool = False


@dataclass
class Row:
    """A ticket; ``values`` of its key field may hold None, as RT's may."""

    id: int
    subject: str
    owner: str = "Nobody"
    status: str = "new"
    values: List[Optional[str]] = field(default_factory=list)
    attachments: List[Attachment] = field(default_factory=list)
    refers_to: List[str] = field(default_factory=list)
    merged_into: int = 0
    waits: bool = False
    created: str = ""
    resolved: str = NEVER


class FakeRequestTracker(FakeServer):
    """One queue ``reviews``, reached as a transport.

    :param rights: those of our account.
    """

    host = "https://rt.example.org"

    def __init__(self, rights: Tuple[str, ...] = ALL_RIGHTS, queue: str = "reviews") -> None:
        super().__init__()
        self.queue = queue
        self.rights = set(rights)
        self.fields = ["Severity", FIELD]
        self.privileged = True
        self.owners = {"human", "committee1", "committee2", "committee3"}
        self.accounts = dict(USERS)
        self.shows_names = True
        self.barred: Set[Tuple[str, str]] = set()
        self.garbles = False
        self.tickets: Dict[int, Row] = {}
        self._next = 1

    # -- what people do --------------------------------------------------------------------------

    def ticket(self, number: int) -> Row:
        """A ticket."""
        return self.tickets[number]

    def comments(self, number: int) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        shown = [one for one in self.tickets[number].attachments if not one.hidden]
        return [one.text for one in shown if not one.is_body and one.kind == "text/plain"]

    def is_open(self, number: int) -> bool:
        """Whether a ticket is open."""
        return self.tickets[number].status not in INACTIVE

    def add(self, subject: str, key: str = "", by: str = "human") -> int:
        """A ticket somebody made."""
        row = Row(self._next, subject, created=stamp(self.clock))
        self._next += 1
        row.values = [key] if key else []
        self.tickets[row.id] = row
        self._attach(row, "It waits.", by, is_body=True)
        return row.id

    def set_status(self, number: int, status: str) -> None:
        """Somebody changes a status; "deleted" is how RT deletes."""
        row = self.tickets[number]
        row.status = status
        if status in INACTIVE:
            row.resolved = stamp(self.clock)

    def attach(self, number: int, text: str, kind: str) -> None:
        """Somebody attaches a file."""
        self._attach(self.tickets[number], text, "human", kind=kind)

    # -- transport -------------------------------------------------------------------------------

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """What the pack calls."""
        ticket = r"/REST/2\.0/ticket/(\d+)"
        return [
            ("GET", r"/REST/2\.0/user/([^/]+)", self._user),
            ("GET", r"/REST/2\.0/queue/([^/]+)", self._queue),
            ("GET", r"/REST/2\.0/tickets", self._search),
            ("POST", r"/REST/2\.0/ticket", self._create),
            ("GET", ticket, self._show),
            ("PUT", ticket, self._change),
            ("GET", rf"{ticket}/attachments", self._list_attachments),
            ("POST", rf"{ticket}/comment", self._comment),
        ]

    def answer(self, sent: Sent) -> Reply:
        """Nobody is served without a credential."""
        basic = base64.b64encode(f"{BOT}:{PASSWORD}".encode()).decode()
        if sent.headers.get("Authorization") not in (f"token {TOKEN}", f"Basic {basic}"):
            return _refusal(401, "Unauthorized")
        return super().answer(sent)

    def not_found(self, _sent: Sent) -> Reply:
        """A path that is none."""
        return _refusal(404, "Not Found")

    # -- accounts and queues ---------------------------------------------------------------------

    def _user(self, _sent: Sent, who: str) -> Reply:
        name = unquote(who).lower()
        found = [one for one, number in self.accounts.items() if name in (one, str(number))]
        if not found:
            return _refusal(404, "Not Found")
        if found[0] != BOT and not self.privileged:
            return _refusal(403, "Forbidden")
        told: Dict[str, Any] = {"Privileged": 1, "_hyperlinks": [], "RealName": "Ada Example"}
        if self.shows_names or found[0] == BOT:
            told["Name"] = found[0]
        return Reply(200, told)

    def _queue(self, _sent: Sent, name: str) -> Reply:
        if unquote(name).lower() != self.queue or "SeeQueue" not in self.rights:
            return _refusal(403, "Forbidden")  # whether it is there or not
        told: Dict[str, Any] = {"id": 3, "Name": self.queue, "Lifecycle": "default"}
        fields = self.fields if "SeeCustomField" in self.rights else []
        told["TicketCustomFields"] = [
            {"ref": "customfield", "id": str(number), "type": "customfield", "name": name}
            for number, name in enumerate(fields, 1)
        ]
        return Reply(200, told)

    # -- tickets ---------------------------------------------------------------------------------

    def _search(self, sent: Sent) -> Reply:
        _only(sent, "query", "orderby", "per_page", "fields")
        found = [row for row in self.tickets.values() if self._passes(row, sent.query["query"])]
        if "ShowTicket" not in self.rights:
            found = []
        found.sort(key=lambda row: row.id)
        size = min(int(sent.query.get("per_page", "20")), MOST_ROWS)
        names = sent.query.get("fields", "").split(",")
        items = [_selected(self._told(row), names) for row in found[:size]]
        told = {"count": len(items), "total": len(found), "per_page": size, "page": 1}
        return Reply(200, {**told, "pages": -(-len(found) // size), "items": items})

    def _passes(self, row: Row, query: str) -> bool:
        """Every condition of a query of the few forms that the pack uses."""
        if row.status == "deleted" or row.merged_into:
            return False
        rest = query
        while rest:
            found = re.match(rf"(CF\.{{[^}}]+}}|\w+) (=|LIKE|>) (?:{LITERAL}|(\d+))", rest)
            assert found, f"not understood: {rest}"
            name, operator, text, number = found.groups()
            value = number if text is None else re.sub(r"\\(.)", r"\1", text)
            if not self._fits(row, name, operator, value):
                return False
            done = found.end()
            joint, rest = rest[done:][:5], rest[done:][5:]
            assert joint in ("", " AND ")
        return True

    def _fits(self, row: Row, name: str, operator: str, value: str) -> bool:
        if name == "Queue":
            return value.lower() == self.queue
        if name == "id":
            return row.id > int(value) if operator == ">" else row.id == int(value)
        if name == "Status":
            assert (operator, value) == ("=", "__Active__")
            return row.status not in INACTIVE
        kept = [one for one in row.values if one] if name == f"CF.{{{FIELD}}}" else []
        return any(value in one if operator == "LIKE" else value == one for one in kept)

    def _show(self, sent: Sent, number: str) -> Reply:
        _only(sent)
        row = self._loaded(number)
        if row is None:
            return _refusal(404, "Not Found")
        if "ShowTicket" not in self.rights:
            return _refusal(403, "Forbidden")
        return Reply(200, {**self._told(row), "id": row.id})

    def _loaded(self, number: str) -> Optional[Row]:
        """A ticket; one that was merged leads to the other."""
        row = self.tickets.get(int(number))
        return self.tickets[row.merged_into] if row and row.merged_into else row

    def _create(self, sent: Sent) -> Reply:
        given = _body(sent, {"Queue", "Subject", "Content", "ContentType", "CustomFields", "Owner"})
        if given["Queue"].lower() != self.queue or "CreateTicket" not in self.rights:
            told = f"No permission to create tickets in the queue '{given['Queue']}'"
            return _refusal(403, told)
        subject = given["Subject"].replace("\n", "").encode()[:LONGEST_SUBJECT]
        number = self.add(subject.decode(errors="ignore"), by=BOT)
        row = self.tickets[number]
        row.attachments[0].text = given["Content"]
        assert given["ContentType"] == "text/plain"
        owner = self._canonical(given.get("Owner", ""))
        if owner in self.owners:
            row.owner = owner  # else Nobody, without a word
        if "ModifyCustomField" in self.rights:
            self._set_fields(row, given["CustomFields"])
        told = {
            "type": "ticket",
            "id": str(number),
            "_url": f"{self.host}/REST/2.0/ticket/{number}",
        }
        return Reply(201, "{cut off" if self.garbles else told)

    def _canonical(self, who: str) -> str:
        assert "@" not in who or who in self.accounts, "RT would make this an account"
        return next((one for one in self.accounts if one == str(who).lower()), "")

    def _set_fields(self, row: Row, given: Dict[str, Optional[str]]) -> List[str]:
        told = []
        for name, value in given.items():
            if name.lower() != FIELD.lower() or FIELD not in self.fields:
                continue  # dropped without a word
            if value is None and row.values and row.values[0]:
                told.append(f"{row.values[0]} is no longer a value for custom field {FIELD}")
                row.values = []
            else:
                row.values = [value]  # None too, where there was none
                told.append(f"{FIELD} {value or ''} added")
        return told

    def _change(self, sent: Sent, number: str) -> Reply:
        row = self._loaded(number)
        if row is None:
            return _refusal(404, "Resource does not exist; use POST to create")
        if "ShowTicket" not in self.rights:
            return _refusal(403, "Forbidden")
        given = _body(sent, {"Status", "Owner", "AddRefersTo", "CustomFields"})
        told: List[str] = []
        if "Status" in given:
            told += self._set_status(row, given["Status"])
        if "Owner" in given:
            told += self._set_owner(row, given["Owner"])
        if "CustomFields" in given:
            allowed = "ModifyCustomField" in self.rights
            told += (
                self._set_fields(row, given["CustomFields"]) if allowed else ["Permission Denied"]
            )
        if "AddRefersTo" in given:
            known = given["AddRefersTo"] in row.refers_to
            row.refers_to += [] if known else [given["AddRefersTo"]]
            told.append("Link already exists" if known else f"Ticket {row.id} refers to …")
        return Reply(200, told)

    def _set_status(self, row: Row, status: str) -> List[str]:
        status, front = status.lower(), f"Ticket {row.id}: "
        if status == row.status:
            return []
        if "ModifyTicket" not in self.rights:
            return [front + "Permission Denied"]
        if status not in STATUSES:
            return [front + f"Status '{status}' isn't a valid status for this ticket."]
        if (row.status, status) in self.barred:
            return [front + f"You can't change status from '{row.status}' to '{status}'."]
        if row.waits and status in INACTIVE:
            return [front + "That ticket has unresolved dependencies"]
        told = front + f"Status changed from '{row.status}' to '{status}'"
        self.set_status(row.id, status)
        return [told]

    def _set_owner(self, row: Row, who: str) -> List[str]:
        owner, front = self._canonical(who), f"Ticket {row.id}: "
        if not owner:
            return [front + "That user does not exist"]
        if "ReassignTicket" not in self.rights:
            return [front + "You can only reassign tickets that you own or that are unowned"]
        if owner not in self.owners:
            return [front + "That user may not own tickets in that queue"]
        row.owner = owner
        return [front + f"Owner changed to {owner}"]

    # -- texts -----------------------------------------------------------------------------------

    def _comment(self, sent: Sent, number: str) -> Reply:
        row = self._loaded(number)
        if row is None or not self.rights & {"CommentOnTicket", "ModifyTicket"}:
            return _refusal(400, "Permission Denied")
        given = _body(sent, {"Content", "ContentType"})
        assert given["ContentType"] == "text/plain"
        self._attach(row, given["Content"], BOT)
        return Reply(201, ["Comments added"])

    def _attach(
        self, row: Row, text: str, by: str, kind: str = "text/plain", is_body: bool = False
    ) -> None:
        number = 1 + sum(len(one.attachments) for one in self.tickets.values())
        row.attachments.append(Attachment(number, text, by, kind, is_body=is_body))
        for more in range(1, MAILS + 1):
            row.attachments.append(Attachment(number + more, text, "RT_System", hidden=True))

    def _list_attachments(self, sent: Sent, number: str) -> Reply:
        _only(sent, "fields", "per_page", "page")
        row = self._loaded(number)
        visible = row is not None and "ShowTicket" in self.rights
        rows = row.attachments if row is not None and visible else []
        size = min(int(sent.query.get("per_page", "20")), MOST_ROWS)
        start = (int(sent.query.get("page", "1")) - 1) * size
        # The page is cut first and what is hidden is left out then; and there is no total.
        shown = [one for one in rows[start:][:size] if not one.hidden]
        if "ShowTicketComments" not in self.rights:
            shown = [one for one in shown if one.is_body]
        names = sent.query.get("fields", "").split(",")
        items = [
            _selected(
                {
                    "id": str(one.id),
                    "type": "attachment",
                    "Content": one.text,
                    "ContentType": one.kind,
                    "Creator": _user_reference(one.by),
                },
                names,
            )
            for one in shown
        ]
        told = {"count": len(items), "total": None, "pages": None, "items": items}
        return Reply(200, told)

    def _told(self, row: Row) -> Dict[str, Any]:
        fields = []
        if "SeeCustomField" in self.rights:
            values = {FIELD: row.values}
            fields = [{"name": name, "values": values.get(name, [])} for name in self.fields]
        return {
            "id": str(row.id),
            "type": "ticket",
            "Subject": row.subject,
            "Status": row.status,
            "Owner": _user_reference(row.owner),
            "Queue": {"type": "queue", "id": QUEUE_ID},
            "CustomFields": fields,
            "Created": row.created,
            "Creator": _user_reference(row.attachments[0].by),
            "Resolved": row.resolved,
        }


def _user_reference(name: str) -> Dict[str, str]:
    return {"type": "user", "id": name, "_url": f"https://rt.example.org/REST/2.0/user/{name}"}


def _selected(told: Dict[str, Any], names: List[str]) -> Dict[str, Any]:
    unknown = set(filter(None, names)) - set(told)
    assert not unknown, f"unknown fields: {unknown}"
    return {name: told[name] for name in ("id", "type", *filter(None, names))}


def _only(sent: Sent, *known: str) -> None:
    """RT ignores what it does not know, so a misspelt parameter would go unseen."""
    assert set(sent.query) <= set(known), f"unknown parameters: {set(sent.query) - set(known)}"


def _body(sent: Sent, known: Set[str]) -> Dict[str, Any]:
    given: Dict[str, Any] = sent.body
    assert set(given) <= known, f"unknown fields: {set(given) - known}"
    return given


def _refusal(status: int, message: str) -> Reply:
    return Reply(status, {"message": message})
