"""A real Request Tracker 5 from Debian 12 on a free loopback port, for tests.

Needs root, on a machine with apt; installs nothing on it (see :mod:`sandbox.trackers.debian`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import requests

from sandbox.ports import LOOPBACK, SandboxError
from sandbox.trackers import debian

BOT = "reviewbot"
COMMITTEE = ("committee1", "committee2", "committee3")
HUMAN = "human"
QUEUE = "review"
ELSEWHERE = "elsewhere"
"""A queue that :data:`BOT` has no rights on."""
FIELD = "ReviewKey"
PAGE = 100
NOBODY = "Nobody"

SEED = Path(__file__).with_name("request_tracker_seed.pl")
SCRIPT = r"""
inside debconf-set-selections <<'ANSWERS'
request-tracker5 request-tracker5/dbconfig-install boolean true
request-tracker5 request-tracker5/database-type select sqlite3
ANSWERS
# A mail transport that knows no server, since the package wants one.
apt install request-tracker5 rt5-standalone rt5-db-sqlite msmtp-mta
cat > "$ROOT/etc/request-tracker5/RT_SiteConfig.d/90-sandbox.pm" <<'SITE'
Set($rtname, 'sandbox');
Set($WebPath, '');
Set($WebDomain, '127.0.0.1');
Set($WebPort, $ENV{RT_PORT} || 80);
Set($WebBaseURL, 'http://127.0.0.1:' . ($ENV{RT_PORT} || 80));
# Mail goes to a file.
Set($MailCommand, 'testfile');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
1;
SITE
inside chmod 644 /etc/request-tracker5/RT_SiteConfig.pm
inside sh -euc 'setpriv --reuid=www-data --regid=www-data --init-groups \
    perl /srv/sandbox/request_tracker_seed.pl > /srv/sandbox/seeded.json'
"""
RECIPE = debian.Recipe("request-tracker", SCRIPT, (SEED,))
SERVE = "/usr/share/request-tracker5/libexec/rt-server"


@dataclass(frozen=True)
class SeenTicket:
    """A ticket as a person sees it: names, not ids."""

    id: str
    subject: str
    description: str
    """What it was opened with."""
    status: str
    assignee: str
    """The owner's name; empty when nobody's."""
    author: str
    key: str
    notes: Tuple[str, ...]
    """Comments and replies, oldest first."""
    relations: Tuple[Tuple[str, str], ...]
    """Pairs of RT's name of the link, such as ``refers-to``, and the other ticket's id."""
    url: str


class RequestTrackerServer(debian.Server):
    """A running Request Tracker, fresh at every start; use it as a context manager.

    Users: :data:`BOT` for the pack, with the least rights on one queue; :data:`COMMITTEE`, who can
    own tickets there; :data:`HUMAN`, who may do everything and does what people do.
    Everybody's password is the name with ``-password`` behind it.
    """

    recipe = RECIPE
    title = "Request Tracker"

    def command(self) -> Sequence[str]:  # noqa: D102 - as inherited
        return [SERVE, "--host", LOOPBACK, "--port", str(self.port)]

    def environment(self) -> Mapping[str, str]:  # noqa: D102 - as inherited
        return {"RT_PORT": str(self.port)}

    @property
    def token(self) -> str:
        """The authentication token of the pack's account."""
        return self.token_of(BOT)

    @property
    def field_id(self) -> int:
        """The number of the custom field that holds the key; its name serves as well."""
        return int(self.seeded["field"])

    def token_of(self, user: str) -> str:
        """A seeded user's authentication token."""
        return str(self.seeded["tokens"][user])

    # -- what a person sees and does -------------------------------------------------------------

    def issue_url(self, number: str) -> str:
        """The page of a ticket."""
        return f"{self.url}/Ticket/Display.html?id={number}"

    def issues(self) -> List[SeenTicket]:
        """All tickets but deleted ones, resolved and merged ones too, oldest first."""
        query = {"query": "id > 0", "orderby": "id", "per_page": str(PAGE)}
        numbers: List[str] = []
        page = 1
        while True:
            found = self._call("GET", "tickets", params={**query, "page": str(page)})
            numbers += [str(row["id"]) for row in found["items"]]
            if page >= found["pages"]:
                return [self.issue(number) for number in numbers]
            page += 1

    def issue(self, number: str) -> SeenTicket:
        """One ticket."""
        return self._seen(self._call("GET", f"ticket/{number}"))

    def add(self, subject: str, *, queue: str = QUEUE, key: str = "", **values: Any) -> str:
        """Open a ticket as :data:`HUMAN`; its id. Values as for :meth:`set`, and ``Content``."""
        fields = _fields({**values, "key": key} if key else values)
        fields.update(Subject=subject, Queue=queue)
        return str(self._call("POST", "ticket", json=fields)["id"])

    def set(self, number: str, **values: Any) -> None:
        """Change a ticket as :data:`HUMAN`: ``status="resolved"``, ``assignee="committee1"`` (or
        empty), ``key=…``, ``notes=…``, and RT's own names, such as ``Subject=…``.
        """
        fields = _fields(values)
        note = fields.pop("notes", "")
        if note:
            # Plain text of UTF-8 would be read as Latin-1.
            told = {"Content": note, "ContentType": "text/plain"}
            self._call("POST", f"ticket/{number}/comment", json=told)
        if fields:
            self._call("PUT", f"ticket/{number}", json=fields)
        if "status" in values and values["status"] not in ("deleted", self.issue(number).status):
            raise SandboxError(f"RT left the status of ticket {number} as it was.")

    def close(self, number: str, status: str = "resolved") -> None:
        """Close a ticket, as a person does."""
        self.set(number, status=status)

    def delete(self, number: str) -> None:
        """Delete a ticket: RT keeps it with a status that its listings leave out."""
        self._call("DELETE", f"ticket/{number}")

    def _seen(self, row: Mapping[str, Any]) -> SeenTicket:
        number = str(row["id"])
        said = self._said(number)
        own = {one["name"]: one["values"][0] for one in row["CustomFields"] if one["values"]}
        links = [one for one in row["_hyperlinks"] if one.get("type") == "ticket"]
        return SeenTicket(
            id=number,
            subject=row["Subject"],
            description="".join(text for kind, text in said if kind == "Create"),
            status=row["Status"],
            assignee="" if row["Owner"]["id"] == NOBODY else row["Owner"]["id"],
            author=row["Creator"]["id"],
            key=own.get(FIELD, ""),
            notes=tuple(text for kind, text in said if kind in ("Comment", "Correspond")),
            relations=tuple((one["ref"], str(one["id"])) for one in links if one["ref"] != "self"),
            url=self.issue_url(number),
        )

    def _said(self, number: str) -> List[Tuple[str, str]]:
        """Pairs of a transaction's type and its text."""
        query = {"fields": "Type", "per_page": str(PAGE)}
        rows = self._call("GET", f"ticket/{number}/history", params=query)["items"]
        return [
            (row["Type"], self._text(row["id"]))
            for row in rows
            if row["Type"] in ("Create", "Comment", "Correspond")
        ]

    def _text(self, transaction: str) -> str:
        query = {"fields": "Content,ContentType"}
        rows = self._call("GET", f"transaction/{transaction}/attachments", params=query)["items"]
        return "".join(row["Content"] for row in rows)

    def _call(self, method: str, path: str, **more: Any) -> Dict[str, Any]:
        headers = {"Authorization": f"token {self.token_of(HUMAN)}"}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method, f"{self.url}/REST/2.0/{path}", headers=headers, timeout=60, **more
            )
        if not answer.ok:
            raise SandboxError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}")
        found: Dict[str, Any] = answer.json() if answer.text.strip() else {}
        return found


def password_of(user: str) -> str:
    """A seeded user's password."""
    return f"{user}-password"


def _fields(values: Mapping[str, Any]) -> Dict[str, Any]:
    """What to send for our names of things."""
    fields = dict(values)
    if "key" in fields:
        fields["CustomFields"] = {FIELD: fields.pop("key")}
    if "status" in fields:
        fields["Status"] = fields.pop("status")
    if "assignee" in fields:
        fields["Owner"] = fields.pop("assignee") or NOBODY
    return fields
