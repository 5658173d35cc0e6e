"""What the tests of trackers share: networks that fail on purpose, and the trackers under one
roof.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, List, Optional, Tuple

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from sandbox.trackers.roundup import RoundupServer

import fake_github
from reviewloop.records import MemoryRecords, Records
from reviewloop.trackers.base import Draft, Tracker, TrackerSettings
from reviewloop.trackers.desk import Desk, ReopenPolicy
from reviewloop.trackers.github import GitHub
from reviewloop.trackers.http import Timing
from reviewloop.trackers.roundup import Roundup

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
_KEYS = itertools.count(1)


class KilledError(BaseException):
    """The process ends here: nothing in the code under test may catch this."""


@dataclass
class Pace:
    """A clock that only sleeping moves."""

    seconds: float = 0.0
    slept: List[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Sleep without waiting."""
        self.slept.append(seconds)
        self.seconds += seconds

    def timing(self) -> Timing:
        """For an adapter."""
        return Timing(monotonic=lambda: self.seconds, sleep=self.sleep, jitter=lambda: 0.0)


class Wire(BaseAdapter):
    """A transport in front of another, which counts and may be told to fail."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self.inner = inner
        self.calls: List[Tuple[str, str]] = []
        self.closed = 0
        self.before: Callable[[int, requests.PreparedRequest], None] = lambda _n, _r: None
        self.after: Callable[[int, requests.PreparedRequest], None] = lambda _n, _r: None

    def send(  # type: ignore
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Pass a request on, with what was asked to happen before and after."""
        self.calls.append((request.method or "", request.path_url.partition("?")[0]))
        number = len(self.calls)
        self.before(number, request)
        response = self.inner.send(request, **options)
        self.after(number, request)
        return response

    def close(self) -> None:
        """Close what is behind."""
        self.closed += 1
        self.inner.close()

    @property
    def writes(self) -> List[Tuple[str, str]]:
        """The calls that change something."""
        return [call for call in self.calls if call[0] != "GET"]


def killing(inner: BaseAdapter, at: int, after: bool, writes_only: bool = False) -> Wire:
    """A network of a process that is killed before or after its call (or write) number ``at``."""
    wire = Wire(inner)

    def strike(_number: int, request: requests.PreparedRequest) -> None:
        calls = wire.writes if writes_only else wire.calls
        if len(calls) == at and not (writes_only and request.method == "GET"):
            raise KilledError

    if after:
        wire.after = strike
    else:
        wire.before = strike
    return wire


def losing(inner: BaseAdapter, at: int, done: bool) -> Wire:
    """A network that loses write number ``at``: its answer if ``done``, else the request itself."""
    wire = Wire(inner)

    def strike(_number: int, request: requests.PreparedRequest) -> None:
        if request.method != "GET" and len(wire.writes) == at:
            raise requests.exceptions.ReadTimeout("gone")

    if done:
        wire.after = strike
    else:
        wire.before = strike
    return wire


def gated(inner: BaseAdapter, barrier: threading.Barrier, path_end: str) -> Wire:
    """A network that holds the first creation back until all runs have got that far."""
    wire = Wire(inner)
    passed: List[bool] = []

    def hold(_number: int, request: requests.PreparedRequest) -> None:
        if request.method == "POST" and (request.url or "").endswith(path_end) and not passed:
            passed.append(True)
            barrier.wait(timeout=20)

    wire.before = hold
    return wire


def fresh_key() -> str:
    """A key no other test uses."""
    return "grv-" + hashlib.sha256(str(next(_KEYS)).encode()).hexdigest()[:16]


def draft(key: str, **more: Any) -> Draft:
    """An ordinary ticket to be opened."""
    values = {"title": "Review wanted: 4711", "body": "It waits.", "assignee": "committee1"}
    return Draft(key, **{**values, **more})


class Rig(ABC):
    """A tracker, and what its people see and do."""

    issues_path: str
    resolution: str

    @abstractmethod
    def network(self) -> BaseAdapter:
        """A transport to the tracker."""

    @abstractmethod
    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""

    @abstractmethod
    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""

    @abstractmethod
    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""

    @abstractmethod
    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""

    @abstractmethod
    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""

    @abstractmethod
    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""

    @abstractmethod
    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""

    def desk(
        self,
        records: Optional[Records] = None,
        transport: Optional[BaseAdapter] = None,
        policy: Optional[ReopenPolicy] = None,
        patience: Optional[timedelta] = None,
    ) -> Desk:
        """A desk as one run has it."""
        return Desk(
            self.tracker(transport),
            MemoryRecords() if records is None else records,
            lambda: NOW,
            policy,
            timedelta(minutes=2) if patience is None else patience,
        )


class GitHubRig(Rig):
    """The fake GitHub."""

    issues_path = "/issues"
    resolution = "completed"

    def __init__(self, server: Optional[fake_github.FakeGitHub] = None) -> None:
        self.server = server or fake_github.FakeGitHub()

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return self.server

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {"project": self.server.repo, "token": fake_github.TOKEN, **settings}
        return GitHub(
            TrackerSettings("github", **values), Pace().timing(), transport or self.server
        )

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [n for n in self.all_ids(key) if self.server.issue(int(n))["state"] == "open"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        rows = self.server.rows.values()
        return [str(row.number) for row in rows if key in (row.fields["body"] or "")]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        row = self.server.issue(int(ticket_id))
        row.update(state="closed", state_reason="completed", closed_at="2026-03-02T11:00:00Z")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.delete(int(ticket_id))

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return self.server.comments(int(ticket_id))

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        names = [one["login"] for one in self.server.issue(int(ticket_id))["assignees"]]
        return names[0] if names else ""


class RoundupRig(Rig):
    """A real Roundup, which one module's tests share; each test has keys of its own."""

    issues_path = "/issue"
    resolution = "resolved"

    def __init__(self, server: RoundupServer) -> None:
        self.server = server

    def network(self) -> BaseAdapter:
        """A transport to the tracker."""
        return HTTPAdapter()

    def tracker(self, transport: Optional[BaseAdapter] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        values = {"url": self.server.url, "token": self.server.token, **settings}
        return Roundup(TrackerSettings("roundup", **values), Pace().timing(), transport)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [one.id for one in self._about(key) if one.status != "resolved"]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        return [one.id for one in self._about(key)]

    def _about(self, key: str) -> List[Any]:
        return [one for one in self.server.issues() if key in "".join(one.messages)]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.set(ticket_id, status="resolved")

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        self.server.retire(ticket_id)

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return list(self.server.issue(ticket_id).messages[1:])

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self.server.issue(ticket_id).assignee
