"""A real Redmine 5.0 from Debian 12 on a free loopback port, for tests.

Needs root, on a machine with apt; installs nothing on it (see :mod:`sandbox.trackers.debian`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import requests

from sandbox.ports import LOOPBACK, SandboxError
from sandbox.trackers import debian

BOT = "reviewbot"
COMMITTEE = ("committee1", "committee2", "committee3")
HUMAN = "human"
PROJECT = "review"
ELSEWHERE = "elsewhere"
"""A private project that :data:`BOT` is no member of."""
FIELD = "Review key"
PAGE = 100

APP = "/usr/share/redmine"
SEED = Path(__file__).with_name("redmine_seed.rb")
RAILS = {"RAILS_ENV": "production", "REDMINE_INSTANCE": "default"}
SCRIPT = r"""
inside debconf-set-selections <<'ANSWERS'
redmine redmine/instances/default/dbconfig-install boolean true
redmine redmine/instances/default/database-type select sqlite3
ANSWERS
apt --download-only install redmine redmine-sqlite ruby-webrick
apt install redmine redmine-sqlite ruby-webrick || true
# Bundler takes a gem without a folder of its own for deleted; some of Debian's have none.
inside ruby -e 'Gem::Specification.each { |s| puts s.full_gem_path unless s.default_gem? }' |
    while read -r folder; do inside mkdir -p "$folder"; done
inside dpkg --configure -a
inside sh -eu <<'SEED'
export RAILS_ENV=production REDMINE_INSTANCE=default
cd /usr/share/redmine
setpriv --reuid=www-data --regid=www-data --init-groups env HOME=/tmp \
    bundle exec rails runner /srv/sandbox/redmine_seed.rb > /srv/sandbox/seeded.json
SEED
"""
RECIPE = debian.Recipe("redmine", SCRIPT, (SEED,))
# The web server is Debian's, which Redmine's bundle does not name.
SERVE = (
    f"cd {APP} && RUBYLIB=$(dirname $(gem which webrick)) exec bundle exec"
    f" rackup --server webrick --env production --host {LOOPBACK} --port $PORT config.ru"
)


@dataclass(frozen=True)
class SeenIssue:
    """An issue as a person sees it: names, not ids."""

    id: str
    subject: str
    description: str
    status: str
    is_closed: bool
    assignee: str
    """Login; empty when nobody's."""
    author: str
    key: str
    notes: Tuple[str, ...]
    relations: Tuple[Tuple[str, str], ...]
    """Pairs of the relation's type, such as ``duplicates``, and the other issue's id."""
    url: str


class RedmineServer(debian.Server):
    """A running Redmine, fresh at every start; use it as a context manager.

    Users: :data:`BOT` for the pack, in a role with the least rights; :data:`COMMITTEE`, members to
    whom issues can be assigned; :data:`HUMAN`, an administrator who does what people do.
    Everybody's password is the name with ``-password`` behind it.
    """

    recipe = RECIPE
    title = "Redmine"

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Dict[str, Dict[str, int]] = {}

    def command(self) -> Sequence[str]:  # noqa: D102 - as inherited
        return ["sh", "-c", SERVE]

    def environment(self) -> Mapping[str, str]:  # noqa: D102 - as inherited
        return {**RAILS, "PORT": str(self.port)}

    @property
    def token(self) -> str:
        """The API key of the pack's account."""
        return self.key_of(BOT)

    @property
    def field_id(self) -> int:
        """The number of the custom field that holds the key."""
        return int(self.seeded["field"])

    def key_of(self, user: str) -> str:
        """A seeded user's API key."""
        return str(self.seeded["keys"][user])

    # -- what a person sees and does -------------------------------------------------------------

    def issue_url(self, number: str) -> str:
        """The page of an issue."""
        return f"{self.url}/issues/{number}"

    def issues(self, about: str = "") -> List[SeenIssue]:
        """All issues whose description holds a text, closed ones too, oldest first."""
        query = {"status_id": "*", "sort": "id", "limit": str(PAGE)}
        rows: List[Any] = []
        while True:
            found = self._call("GET", "issues", params={**query, "offset": str(len(rows))})
            rows += found["issues"]
            if not found["issues"] or len(rows) >= found["total_count"]:
                fitting = [row["id"] for row in rows if about in (row["description"] or "")]
                return [self.issue(str(number)) for number in fitting]

    def issue(self, number: str) -> SeenIssue:
        """One issue."""
        query = {"include": "journals,relations"}
        return self._seen(self._call("GET", f"issues/{number}", params=query)["issue"])

    def add(self, subject: str, *, project: str = PROJECT, key: str = "", **values: Any) -> str:
        """Open an issue as :data:`HUMAN`; its id. Values as for :meth:`set`."""
        fields = self._fields({**values, "key": key} if key else values)
        fields.update(subject=subject, project_id=project)
        return str(self._call("POST", "issues", json={"issue": fields})["issue"]["id"])

    def set(self, number: str, **values: Any) -> None:
        """Change an issue as :data:`HUMAN`: ``status="Closed"``, ``assignee="committee1"`` (or
        empty), ``key=…``, ``notes=…``, and Redmine's own names, such as ``subject=…``.
        """
        self._call("PUT", f"issues/{number}", json={"issue": self._fields(values)})
        if "status" in values and self.issue(number).status != values["status"]:
            raise SandboxError(f"Redmine left the status of issue {number} as it was.")

    def close(self, number: str, status: str = "Closed") -> None:
        """Close an issue, as a person does."""
        self.set(number, status=status)

    def delete(self, number: str) -> None:
        """Delete an issue, as an administrator can."""
        self._call("DELETE", f"issues/{number}")

    def user_id(self, login: str) -> int:
        """An account's number."""
        return self._number("users", "login", login)

    def status_id(self, name: str) -> int:
        """A status's number."""
        return self._number("issue_statuses", "name", name)

    def _fields(self, values: Mapping[str, Any]) -> Dict[str, Any]:
        """Names of statuses and people as the numbers that Redmine wants."""
        fields = dict(values)
        if "key" in fields:
            fields["custom_fields"] = [{"id": self.field_id, "value": fields.pop("key")}]
        if "status" in fields:
            fields["status_id"] = self.status_id(fields.pop("status"))
        if "assignee" in fields:
            who = fields.pop("assignee")
            fields["assigned_to_id"] = self.user_id(who) if who else ""
        return fields

    def _number(self, kind: str, field: str, value: str) -> int:
        if kind not in self._numbers:
            rows = self._call("GET", kind)[kind]
            self._numbers[kind] = {row[field]: row["id"] for row in rows}
        return self._numbers[kind][value]

    def _login(self, ref: Optional[Mapping[str, Any]]) -> str:
        if ref is None:
            return ""
        self._number("users", "login", BOT)
        return next(login for login, one in self._numbers["users"].items() if one == ref["id"])

    def _seen(self, row: Mapping[str, Any]) -> SeenIssue:
        own = {one["id"]: one.get("value") for one in row.get("custom_fields", ())}
        journals = row.get("journals", ())
        return SeenIssue(
            id=str(row["id"]),
            subject=row["subject"],
            description=row["description"] or "",
            status=row["status"]["name"],
            is_closed=row["status"]["is_closed"],
            assignee=self._login(row.get("assigned_to")),
            author=self._login(row["author"]),
            key=own.get(self.field_id) or "",
            notes=tuple(one["notes"] for one in journals if one.get("notes")),
            relations=tuple(_relation(one, row["id"]) for one in row.get("relations", ())),
            url=self.issue_url(str(row["id"])),
        )

    def _call(self, method: str, path: str, **more: Any) -> Dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method,
                f"{self.url}/{path}.json",
                headers={"X-Redmine-API-Key": self.key_of(HUMAN)},
                timeout=60,
                **more,
            )
        if not answer.ok:
            raise SandboxError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}")
        found: Dict[str, Any] = answer.json() if answer.text.strip() else {}
        return found


def password_of(user: str) -> str:
    """A seeded user's password."""
    return f"{user}-password"


def _relation(row: Mapping[str, Any], here: int) -> Tuple[str, str]:
    """A relation as seen from one of its two ends."""
    if row["issue_id"] == here:
        return row["relation_type"], str(row["issue_to_id"])
    mirrored = {"duplicates": "duplicated", "blocks": "blocked", "precedes": "follows"}
    return mirrored.get(row["relation_type"], row["relation_type"]), str(row["issue_id"])
