"""Gerrit and a tracker in memory, each as one host of the simulated network."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qsl, urlsplit

import requests

from fake_gitea import HOST, FakeGitea
from fake_http import Reply, Sent
from reviewloop.core.change import Change, Message
from reviewloop.core.keys import KEY_PATTERN, Mark, marks_of
from reviewloop.gerrit import parse
from reviewloop.gerrit.protocol import Request, Response
from sandbox.gerrit.fake import URL, body_of
from sandbox.gerrit.fake_people import PeopledGerrit
from sandbox.gerrit.fake_world import FakeChange, Json

from .machine import MACHINE
from .network import Answer

GERRIT = urlsplit(URL).netloc
TRACKER = urlsplit(HOST).netloc
DETAIL = ("DETAILED_ACCOUNTS", "LABELS", "MESSAGES", "CURRENT_REVISION")


@dataclass(frozen=True)
class Write:
    """A write of the pack's, and the change as the same action had last read it.

    :ivar actor: the execution that wrote, empty for the sensor.
    :ivar mark: of the posted message, None for other writes.
    """

    at: datetime
    actor: str
    what: str
    number: int
    seen: Change
    mark: Optional[Mark] = None


class SimulatedGerrit(PeopledGerrit):
    """The standard site by the machine's clock, with an index that may lag and a clock that may
    err.

    :ivar ahead: how far ``Date`` is ahead of the machine; None sends none.
    :ivar lag: how long the index goes without what is new.
    :ivar actor: names whose request it is.
    """

    def __init__(self) -> None:
        super().__init__(MACHINE.now)
        self.ahead: Optional[timedelta] = timedelta(0)
        self.lag = timedelta(0)
        self.actor: Callable[[], str] = lambda: ""
        self.writes: List[Write] = []
        self._read: Dict[Tuple[str, int], FakeChange] = {}
        self._indexed: Dict[int, Tuple[datetime, FakeChange]] = {}
        self.pack = self.me
        self.pages: Dict[int, Json] = {}
        self._stale: Dict[int, FakeChange] = {}

    # The network

    def answer(self, prepared: requests.PreparedRequest) -> Answer:
        """Answer one request of the pack's client."""
        parts = urlsplit(prepared.url or "")
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        params = tuple(parse_qsl(parts.query, keep_blank_values=True))
        self.me, self.now = self.pack, MACHINE.now.replace(microsecond=0)
        got = self.send(Request(prepared.method or "", parts.path, params, body))
        self.requests.clear()
        self.seen.clear()
        return Answer(got.status, got.headers, got.body)

    def _dated(self, response: Response) -> Response:
        self.sends_date = self.ahead is not None
        true, self.now = self.now, self.now + (self.ahead or timedelta(0))
        try:
            return super()._dated(response)
        finally:
            self.now = true

    # What was read, and what is written on the strength of it

    def _get_change(self, request: Request, ident: str) -> Json:
        change = self._change(ident)
        self._read[(self.actor(), change.number)] = _copied(change)
        return super()._get_change(request, ident)

    def _post_review(self, request: Request, ident: str, revision: str) -> Json:
        change, body = self._change(ident), body_of(request)
        lines = body.get("message", "").rstrip().rsplit("\n", 1)
        found = [one for one in (_mark(lines[-1]),) if one is not None]
        self._note("review", change, found[0] if found else None)
        return super()._post_review(request, ident, revision)

    def _post_hashtags(self, request: Request, ident: str) -> List[str]:
        if body_of(request).get("add"):
            self._note("hashtags", self._change(ident), None)
        return super()._post_hashtags(request, ident)

    def _post_reviewer(self, request: Request, ident: str) -> Json:
        self._note("reviewers", self._change(ident), None)
        return super()._post_reviewer(request, ident)

    def _note(self, what: str, change: FakeChange, mark: Optional[Mark]) -> None:
        actor = self.actor()
        seen = self._read.get((actor, change.number), change)
        self.writes.append(Write(MACHINE.now, actor, what, change.number, self.value(seen), mark))

    def last_read(self, actor: str, number: int) -> Optional[Change]:
        """The change as an action had last read it."""
        seen = self._read.get((actor, number))
        return None if seen is None else self.value(seen)

    def forget_reads(self) -> None:
        """Between two polls no action is at work."""
        self._read.clear()

    # The index

    def _query(self, request: Request) -> List[Json]:
        true = self.changes
        if self.lag or self._stale:
            self.changes = self._as_indexed()
        try:
            return super()._query(request)
        finally:
            self.changes = true

    def _as_indexed(self) -> Dict[int, FakeChange]:
        shown: Dict[int, FakeChange] = {}
        for number, change in self.changes.items():
            if number in self._stale:
                shown[number] = self._stale[number]
                continue
            _since, old = self._indexed.get(number, (None, None))
            if MACHINE.now - change.updated >= self.lag:
                shown[number] = change
            elif old is not None:
                shown[number] = old
        return shown

    def index_now(self) -> None:
        """What a lagging index goes on showing."""
        self._indexed = {n: (MACHINE.now, _copied(one)) for n, one in self.changes.items()}

    @property
    def is_stale(self) -> bool:
        """Whether the index shows a change as it was."""
        return bool(self._stale)

    def leave_stale(self, number: int) -> None:
        """The index goes on showing a change as it is now."""
        self._stale.setdefault(number, _copied(self.changes[number]))

    def reindex(self, number: Optional[int] = None) -> None:
        """The index shows a change as it is, or all."""
        if number is None:
            self._stale.clear()
        else:
            self._stale.pop(number, None)

    # For who checks

    def value(self, change: FakeChange) -> Change:
        """A change as the pack reads it."""
        return parse.change({**self._info(change, DETAIL), **self.pages.get(change.number, {})})

    def _info(self, change: FakeChange, options: Any) -> Json:
        info = super()._info(change, options)
        info.update(self.pages.get(change.number, {}))
        return info


def _mark(line: str) -> Optional[Mark]:
    found = marks_of(Message("", MACHINE.now, None, line))
    return found[0] if found else None


def _copied(change: FakeChange) -> FakeChange:
    twin = copy.copy(change)
    twin.messages, twin.hashtags = list(change.messages), list(change.hashtags)
    twin.reviewers, twin.votes = dict(change.reviewers), dict(change.votes)
    twin.commits, twin.comments = list(change.commits), list(change.comments)
    twin.attention = dict(change.attention)
    return twin


@dataclass(frozen=True)
class Opened:
    """A ticket was opened about a key; ``seen``: its change as the same action had read it."""

    at: datetime
    key: str
    seen: Optional[Change]


class SimulatedTracker:
    """A fake Gitea by the machine's clock."""

    def __init__(self) -> None:
        self.gitea = FakeGitea()
        self.seen: Callable[[str], Optional[Change]] = lambda _key: None
        self.opened: List[Opened] = []

    def answer(self, prepared: requests.PreparedRequest) -> Answer:
        """Answer one request of the adapter."""
        self.gitea.clock = MACHINE.now
        parts = urlsplit(prepared.url or "")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        raw = prepared.body
        text = raw.decode() if isinstance(raw, bytes) else raw
        body = json.loads(text) if text else None
        sent = Sent(prepared.method or "", parts.path, dict(pairs), body, prepared.headers, pairs)
        reply = self.gitea.answer(sent)
        if sent.method == "POST" and sent.path.endswith("/issues") and reply.status == 201:
            self._note(str(sent.body["body"]))
        return _answer(reply)

    def _note(self, body: str) -> None:
        found = KEY_PATTERN.findall(body)
        if found:
            self.opened.append(Opened(MACHINE.now, found[-1], self.seen(found[-1])))

    def open_keys(self) -> List[str]:
        """The key of each open ticket, one for each."""
        rows = [row.fields for row in self.gitea.rows.values() if row.fields["state"] == "open"]
        found = [KEY_PATTERN.findall(row["body"]) for row in rows]
        return [keys[-1] for keys in found if keys]

    def archive(self, before: datetime) -> None:
        """Drop what was closed long ago, which only costs time."""
        rows = self.gitea.rows
        self.gitea.rows = {
            number: row
            for number, row in rows.items()
            if row.fields["state"] == "open" or row.updated >= before
        }


def _answer(reply: Reply) -> Answer:
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    headers = {"content-type": "application/json", **reply.headers}
    return Answer(reply.status, headers, text.encode())
