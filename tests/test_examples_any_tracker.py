"""The mappings in docs/examples/any_tracker: each is valid, calls actions as their metadata wants,
and leads a ticket through its life.

The metadata are those of StackStorm 3.9 (core.http with its runner's parameters) and of the
Exchange's pack servicenow 1.0.0. What the actions do here is made up after pysnow 0.6.5, which that
pack uses, and after Zammad's controllers.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from typing import Any, Callable, Dict, List, Mapping, Optional
from unittest import mock

import pytest
import yaml

import fake_st2_api as st2
from fake_st2_api import Action, FailureError, FakeSt2
from repository import ROOT
from reviewloop.settings.reader import Reader
from reviewloop.settings.tracker import read_tracker
from reviewloop.trackers.adapters.stackstorm_action.runs import API_URL, AUTH_TOKEN
from reviewloop.trackers.adapters.stackstorm_action.tracker import AnyAction
from reviewloop.trackers.outcomes import Done
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.ticketing import Ticketing
from stores import MemoryRecords
from trackers_rig import NOW, Pace, draft, fresh_key

EXAMPLES = ROOT / "docs" / "examples" / "any_tracker"
FILES = sorted(EXAMPLES.glob("*.yaml"))
HTTP = {
    "url": "string!", "method": "string", "body": "string", "headers": "object",
    "params": "object", "username": "string", "password": "string", "timeout": "integer",
}  # fmt: skip
TABLE = {"table": "string!"}


class ServiceNow:
    """One table, as the pack's actions show it."""

    def __init__(self) -> None:
        self.rows: Dict[str, Dict[str, Any]] = {}
        self.numbers = itertools.count(10001)

    def actions(self) -> Dict[str, Action]:
        """With the metadata of the pack."""
        return {
            "servicenow.get": Action({**TABLE, "query": "object!"}, self.get),
            "servicenow.insert": Action({**TABLE, "payload": "object!"}, self.insert),
            "servicenow.update": Action(
                {**TABLE, "sysid": "string!", "payload": "object!"}, self.update
            ),
        }

    def get(self, table: str, query: Dict[str, str]) -> Any:
        """The library raises where there is nothing."""
        if table == "sys_user":
            return [{"user_name": query["user_name"]}]
        found = [row for row in self.rows.values() if self._fits(row, query)]
        if not found:
            raise FailureError("NoResults: Query yielded no results")
        return [self._told(row) for row in found]

    @staticmethod
    def _fits(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        active = {"active": str(row["state"] not in "678").lower()}
        return all({**row, **active}.get(name) == value for name, value in query.items())

    @staticmethod
    def _told(row: Mapping[str, Any]) -> Dict[str, Any]:
        who = row.get("assigned_to") or ""
        link = {"link": f"https://example.service-now.com/{who}", "value": who}
        return {**row, "assigned_to": link if who else ""}

    def insert(self, table: str, payload: Dict[str, str]) -> Any:
        """A new record."""
        number = next(self.numbers)
        sys_id = f"{number:032x}"
        fixed = {"sys_id": sys_id, "number": f"INC00{number}", "state": "1", "notes": []}
        times = {"opened_at": "2026-03-02 09:00:00", "resolved_at": ""}
        self.rows[sys_id] = {**fixed, **times, "close_code": "", **payload}
        return self._told(self.rows[sys_id])

    def update(self, table: str, sysid: str, payload: Dict[str, str]) -> Any:
        """Changed fields; work notes are kept apart."""
        row = self.rows[sysid]
        note = {**payload}.pop("work_notes", None)
        row["notes"] += [note] if note else []
        row.update({name: value for name, value in payload.items() if name != "work_notes"})
        row["resolved_at"] = "2026-03-02 11:00:00" if row["state"] in "678" else ""
        return self._told(row)

    def texts(self) -> List[str]:
        """Every remark."""
        return [note for row in self.rows.values() for note in row["notes"]]


class Zammad:
    """Tickets and articles, over core.http."""

    def __init__(self) -> None:
        self.rows: Dict[int, Dict[str, Any]] = {}
        self.articles: List[Dict[str, Any]] = []

    def actions(self) -> Dict[str, Action]:
        """With the metadata of core.http."""
        return {"core.http": Action(HTTP, self.http)}

    def http(self, url: str, method: str, **more: Any) -> Any:
        """One request."""
        path = url.replace("https://desk.example.org/api/v1/", "")
        assert path != url
        assert more["username"] == "st2-reviews@example.org"
        body = json.loads(more["body"]) if "body" in more else {}
        assert not body or more["headers"] == {"Content-Type": "application/json"}
        for way, pattern, handler in self._routes():
            found = re.fullmatch(pattern, path)
            if found and way == method:
                return handler(body, more.get("params", {}), *map(int, found.groups()))
        raise AssertionError(f"{method} {path}")

    def _routes(self) -> List[Any]:
        return [
            ("GET", "users/me", lambda *_: {"login": "st2-reviews@example.org"}),
            ("GET", "tickets/search", self._search),
            ("GET", r"tickets/(\d+)", lambda _b, _p, number: self.rows[number]),
            ("POST", "tickets", self._create),
            ("PUT", r"tickets/(\d+)", self._update),
            ("POST", "ticket_articles", self._say),
            ("GET", r"ticket_articles/by_ticket/(\d+)", self._said),
        ]

    def _search(self, _body: Any, params: Mapping[str, str]) -> Any:
        key = re.fullmatch('review_key:"(.*)"', params["query"])
        assert key is not None
        assert params["expand"] == "true"
        return [row for row in self.rows.values() if row["review_key"] == key[1]]

    def _create(self, body: Dict[str, Any], _params: Any) -> Any:
        article, number = body.pop("article"), len(self.rows) + 1
        times = {"created_at": "2026-03-02T09:00:00.000Z", "close_at": None}
        self.rows[number] = {"id": number, "state": "new", "owner": "-", **times, **body}
        self._say({**article, "ticket_id": str(number)}, {})
        return {"id": number, "state_id": 1}

    def _update(self, body: Dict[str, Any], _params: Any, number: int) -> Any:
        self.rows[number].update(body)
        self.rows[number]["close_at"] = (
            "2026-03-02T11:00:00.000Z" if self.rows[number]["state"] == "closed" else None
        )
        return {"id": number}

    def _say(self, body: Dict[str, Any], _params: Any) -> Any:
        number = int(body["ticket_id"])
        self.articles.append({"id": len(self.articles) + 1, "from": "x", **body, "nr": number})
        return self.articles[-1]

    def _said(self, _body: Any, _params: Any, number: int) -> Any:
        return [one for one in self.articles if one["nr"] == number]

    def texts(self) -> List[str]:
        """Every remark, the tickets' own texts not among them."""
        return [one["body"] for one in self.articles if "subject" not in one]


class HttpSt2(FakeSt2):
    """With results as the runner of core.http writes them."""

    def end(self, one: st2.Execution) -> None:
        """The body, parsed, without the python runner's wrapping."""
        super().end(one)
        if one.ref == "core.http":
            body = one.result["result"]
            one.result = {"status_code": 200, "body": body, "parsed": True, "headers": {}}


BEHIND: Dict[str, Callable[[], Any]] = {"servicenow_pack": ServiceNow, "core_http": Zammad}


def settings_of(name: str) -> TrackerSettings:
    """An example as the pack reads it, its secret filled in as StackStorm does."""
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    section = yaml.safe_load(text)["tracker"]
    if "token" in section:
        section["token"] = "a-password"
    problems: List[str] = []
    settings = read_tracker(Reader("tracker", section, problems), lambda _path: True)
    assert problems == []
    return settings


def test_each_example_is_tried() -> None:
    """With what stands behind it."""
    assert {path.stem for path in FILES} == set(BEHIND)


@pytest.mark.parametrize("name", BEHIND)
def test_a_tickets_life(name: str) -> None:
    """Opened, found again, commented, handed on, closed, reopened; and a duplicate retired."""
    server, behind, pace = HttpSt2(), BEHIND[name](), Pace()
    server.actions = behind.actions()
    around = {API_URL: f"{server.host}/api/v1", AUTH_TOKEN: st2.TOKEN}
    with mock.patch.dict(os.environ, around):
        tracker = AnyAction(settings_of(name), pace.timing(), server)
    records, key = MemoryRecords(), fresh_key()

    def ticketing(kept: Optional[MemoryRecords] = records) -> Ticketing:
        return Ticketing(tracker, kept or MemoryRecords(), lambda: NOW, timing=pace.timing())

    nobody = ticketing().open_once(draft(key, assignee=None))
    assert (nobody.action, nobody.notes) == (Done.CREATED, ())
    assert ticketing(None).open_once(draft(key, assignee=None)).action is Done.FOUND
    first = [ticketing().comment_once(key, "Still.", "level-1").action for _ in range(2)]
    assert first == [Done.COMMENTED, Done.NOTHING]
    assert ticketing().assign_once(key, "committee1").action is Done.ASSIGNED
    assert ticketing().assign_once(key, "committee1").action is Done.NOTHING
    second = tracker.create(draft(key))
    outcome = ticketing(None).open_once(draft(key))
    assert outcome.ticket is not None
    assert nobody.ticket is not None
    assert outcome.ticket.id == nobody.ticket.id
    assert outcome.notes == (f"ticket {second.id} closed as a duplicate",)
    assert not tracker.read(second.id).is_open
    assert tracker.read(second.id).key is None
    closed = ticketing().close_once(key, "Reviewed.", "end")
    assert closed.ticket is not None
    assert not closed.ticket.is_open
    assert closed.ticket.closed_at is not None
    assert ticketing().open_once(draft(key)).action is Done.REOPENED
    assert len(behind.texts()) == 3
    assert tracker.read(nobody.ticket.id).url.startswith("https://")
    assert tracker.list_open() in ((), (tracker.read(nobody.ticket.id),))
