"""What the tests of trackers share: networks that fail on purpose, and what a tracker's own rig
(``rig_<kind>``) must offer.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Type, Union
from urllib.parse import urlsplit

import pytest

from fake_http import Reply, response_of
from reviewloop.errors import AmbiguousError, RefusedError
from reviewloop.http.messages import Request, Response
from reviewloop.http.retry import Timing
from reviewloop.http.transport import RequestsTransport, Transport
from reviewloop.store.tickets import Records
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.outcomes import Done, ReopenPolicy
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.ticketing import Ticketing
from reviewloop.trackers.tickets import Draft
from stores import MemoryRecords

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
        return Timing(monotonic=lambda: self.seconds, sleep=self.sleep, jitter=lambda: 0.5)


class Wire(Transport):
    """A transport in front of another, which counts and may be told to fail."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.calls: List[Tuple[str, str]] = []
        self.closed = 0
        self.given: List[Request] = []
        self.instead: Callable[[Request], Optional[Response]] = lambda _request: None
        self.alter: Callable[[Request], Request] = lambda request: request
        self.spoil: Callable[[Request], Union[Reply, bool]] = lambda _r: False
        self.before: Callable[[int, Request], None] = lambda _n, _r: None
        self.after: Callable[[int, Request], None] = lambda _n, _r: None

    def send(self, request: Request) -> Response:
        """Pass a request on, with what was asked to happen before and after."""
        self.calls.append((request.method, request.path.partition("?")[0]))
        number = len(self.calls)
        self.before(number, request)
        given = self.instead(request)
        response = self.inner.send(self.alter(request)) if given is None else given
        self.after(number, request)
        spoilt = self.spoil(request)
        return response_of(spoilt, NOW) if isinstance(spoilt, Reply) else response

    def close(self) -> None:
        """Close what is behind."""
        self.closed += 1
        self.inner.close()

    def struck(self, strike: Callable[[int, Request], None], after: bool) -> Wire:
        """Itself, with ``strike`` before each call, or after it."""
        if after:
            self.after = strike
        else:
            self.before = strike
        return self

    @property
    def writes(self) -> List[Tuple[str, str]]:
        """The calls that change something."""
        return [call for call in self.calls if call[0] != "GET"]


def killing(inner: Transport, at: int, after: bool, writes_only: bool = False) -> Wire:
    """A network of a process that is killed before or after its call (or write) number ``at``."""
    wire = Wire(inner)

    def strike(_number: int, request: Request) -> None:
        calls = wire.writes if writes_only else wire.calls
        if len(calls) == at and not (writes_only and request.method == "GET"):
            raise KilledError

    return wire.struck(strike, after)


def losing(inner: Transport, at: int, done: bool) -> Wire:
    """A network that loses write number ``at``: its answer if ``done``, else the request itself."""
    wire = Wire(inner)

    def strike(_number: int, request: Request) -> None:
        if request.method != "GET" and len(wire.writes) == at:
            raise AmbiguousError("gone")

    return wire.struck(strike, done)


def losing_creation(rig: Rig, done: bool) -> Wire:
    """A network that loses every creation of a ticket: its answer if ``done``, else the request."""
    wire = Wire(rig.network())

    def strike(_number: int, request: Request) -> None:
        if rig.is_creation(request):
            wire.given.append(request)
            raise AmbiguousError("gone")

    return wire.struck(strike, done)


def gated(rig: Rig, barrier: threading.Barrier, with_claim: bool) -> Wire:
    """A network that holds a run's first creation (or claim) back until all runs got that far."""
    wire = Wire(rig.network())
    passed: List[bool] = []

    def hold(_number: int, request: Request) -> None:
        at_gate = rig.is_claim(request) if with_claim else rig.is_creation(request)
        if at_gate and not passed:
            passed.append(True)
            barrier.wait(timeout=60)

    wire.before = hold
    return wire


def answering(inner: Transport, reply: Reply, when: Callable[[Any], bool], times: int) -> Wire:
    """A network that answers the first ``times`` requests of a sort itself; nothing is done."""
    wire = Wire(inner)

    def instead(request: Request) -> Optional[Response]:
        if len(wire.given) >= times or not when(request):
            return None
        wire.given.append(request)
        return response_of(reply, NOW)

    wire.instead = instead
    return wire


def _posts(request: Request, ending: str) -> bool:
    path = request.path.partition("?")[0]
    return request.method == "POST" and bool(re.search(rf"(?:{ending})$", path))


def fresh_key() -> str:
    """A key no other test uses."""
    return "grv-" + hashlib.sha256(str(next(_KEYS)).encode()).hexdigest()[:16]


def draft(key: str, **more: Any) -> Draft:
    """An ordinary ticket to be opened."""
    values = {"title": "Review wanted: 4711", "body": "It waits.", "assignee": "committee1"}
    return Draft(key, **{**values, **more})


def whole_life(rig: Rig) -> str:
    """Open a ticket, comment, hand it on, close it, and open it again; its key."""
    key = fresh_key()
    ticketing = rig.ticketing(MemoryRecords())
    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "Still.", "level-1")
    ticketing.assign_once(key, "committee2")
    ticketing.close_once(key, "Done.", "end")
    assert ticketing.open_once(draft(key)).action is Done.REOPENED
    return key


class Drop(str, Enum):
    """What trackers are known to drop without a word."""

    LABEL = "label"
    ASSIGNEE = "assignee"
    KEY = "key"


class Rig(ABC):
    """A tracker, and what its people see and do.

    :cvar kind: how tables call it, as a rule the adapter's kind.
    :cvar adapter: what is under test.
    :cvar creation: how the path of the request ends that creates a ticket, as a pattern.
    :cvar claim: the same of a request that claims a key; "" where there are no claims.
    :cvar wrong_token: a credential that is not accepted, and holds the word ``wrong``.
    :cvar gone: a project that is not there.
    :ivar server: the fake, or the real one.
    :cvar is_real: a real server, not a fake.
    :cvar resolution: what :meth:`close` leaves as the ticket's resolution; "" where the tracker has
        none.
    :cvar cannot: cases that this tracker cannot show, with the reason.
    """

    kind: str
    adapter: Type[Tracker]
    creation: str
    claim = ""
    wrong_token = "wrong"
    gone = "gone"
    is_real = False
    server: Any
    resolution: str
    cannot: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.pace = Pace()

    @property
    def label(self) -> str:
        """How tables call it."""
        return self.kind

    def network(self) -> Transport:
        """A transport to the tracker: a fake is one itself."""
        if self.is_real:
            parts = urlsplit(self.server.url)
            return RequestsTransport(f"{parts.scheme}://{parts.netloc}")
        fake: Transport = self.server
        return fake

    @abstractmethod
    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test, but for its kind."""

    def tracker(self, transport: Optional[Transport] = None, **settings: Any) -> Tracker:
        """The adapter under test."""
        told = TrackerSettings(self.adapter.kind, **{**self.values(), **settings})
        return self.adapter(told, self.pace.timing(), transport or self.network())

    def settings(self) -> Dict[str, Any]:
        """The arguments of ``TrackerSettings`` for another process, to a real server."""
        return {"kind": self.adapter.kind, **self.values()}

    def is_creation(self, request: Request) -> bool:
        """Whether a request creates the ticket itself."""
        return _posts(request, self.creation)

    def is_claim(self, request: Request) -> bool:
        """Whether a request claims a key, for trackers that have claims."""
        return bool(self.claim) and _posts(request, self.claim)

    def wrong_credential(self) -> Dict[str, str]:
        """Settings with a secret that is not accepted and holds the word ``wrong``."""
        return {"token": self.wrong_token}

    def wrong_place(self) -> Dict[str, Any]:
        """Settings that name a project (or whatever holds tickets) that is not there."""
        return {"project": self.gone}

    def elsewhere(self) -> Dict[str, Any]:
        """Settings of another place at the same tracker, or of another server; only its name is
        asked.
        """
        return self.wrong_place()

    def drop(self, what: Drop) -> None:
        """From now on the tracker drops this without a word."""
        raise NotImplementedError(f"add {what} to `cannot` of {type(self).__name__}, or do it")

    def hide_from_listings(self, seconds: float) -> None:
        """From now on a listing shows a new ticket only after so many seconds of the test's
        clock (:attr:`pace`).
        """
        raise NotImplementedError(f"add 'search lag' to `cannot` of {type(self).__name__}")

    def label_as(self, ticket_id: str, label: str) -> None:
        """Somebody labels a ticket; only where closing knows no resolutions."""
        raise NotImplementedError(type(self).__name__)

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket and gives it a key of ours; its id."""
        raise NotImplementedError(f'add "stranger\'s ticket" to `cannot` of {type(self).__name__}')

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

    def ticketing(
        self,
        records: Optional[Records] = None,
        transport: Optional[Transport] = None,
        policy: Optional[ReopenPolicy] = None,
        patience: Optional[timedelta] = None,
    ) -> Ticketing:
        """A ticketing as one run has it."""
        return Ticketing(
            self.tracker(transport),
            MemoryRecords() if records is None else records,
            lambda: NOW,
            policy,
            timedelta(minutes=2) if patience is None else patience,
            self.pace.timing(),
        )


def refuses_id(rig: Any, ticket_id: str) -> None:
    """An id that no ticket can have is "not found", and nothing is sent anywhere."""
    tracker = rig.tracker()
    comment = partial(tracker.add_comment, text="x")
    for call in (tracker.read, tracker.comments, tracker.reopen, comment):
        with pytest.raises(RefusedError) as caught:
            call(ticket_id)
        assert caught.value.status == 404
    assert rig.server.sent == []
