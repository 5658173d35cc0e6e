"""What fakes of trackers share: requests read, answers written, faults played.

A fake is a ``Transport``: it keeps state in memory, so that sequences of calls can be
tested. It is written from the vendor's documentation, not recorded from the service, and is no
substitute for a run against the real one.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Callable, Dict, List, Mapping, Tuple
from urllib.parse import parse_qsl

from reviewloop.http.messages import Request, Response, lowered
from reviewloop.http.transport import Transport

START = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)


@dataclass
class Sent:
    """A request as it arrived; ``fields`` holds every pair of the query, repeated ones too."""

    method: str
    path: str
    query: Dict[str, str]
    body: Any
    headers: Mapping[str, str]
    fields: List[Tuple[str, str]] = field(default_factory=list)


@dataclass
class Reply:
    """An answer; ``body`` is sent as it is where it is text, else as JSON."""

    status: int
    body: Any = ""
    headers: Dict[str, str] = field(default_factory=dict)


Handler = Callable[..., Reply]
"""Called with the request and the groups of its route's pattern."""


class FakeServer(Transport):
    """A server at :attr:`host`; a subclass gives :meth:`routes` and keeps the state.

    ``clock`` moves by one second a request. ``replies`` are sent instead of doing anything.
    """

    host = "https://tracker.example.org"

    def __init__(self) -> None:
        self.sent: List[Sent] = []
        self.replies: List[Reply] = []
        self.clock = START
        self.lock = threading.RLock()

    def send(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            self.clock += timedelta(seconds=1)
            sent = self.read(request)
            self.sent.append(sent)
            reply = self.replies.pop(0) if self.replies else self.answer(sent)
            return self.response(reply)

    def answer(self, sent: Sent) -> Reply:
        """The answer of the first route that fits: ``(method, pattern, handler)``."""
        for method, pattern, handler in self.routes():
            found = re.fullmatch(pattern, sent.path)
            if found and method == sent.method:
                return handler(sent, *found.groups())
        return self.not_found(sent)

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """Methods, patterns over whole paths, and handlers."""
        raise NotImplementedError

    def not_found(self, _sent: Sent) -> Reply:
        """The answer to a path that is none."""
        return Reply(404, {"message": "Not Found"})

    def headers(self) -> Dict[str, str]:
        """Headers of every answer."""
        return {}

    def read(self, request: Request) -> Sent:
        """A request as the server sees it: a JSON or form body as an object."""
        path, _, query = request.target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        return Sent(request.method, path, dict(pairs), _body(request), request.headers, pairs)

    def response(self, reply: Reply) -> Response:
        """An answer as it arrives."""
        return response_of(reply, self.clock, self.headers())


def response_of(reply: Reply, clock: datetime = START, headers: Mapping[str, str] = {}) -> Response:
    """An answer that holds a reply."""
    is_text = isinstance(reply.body, str)
    text = reply.body if is_text else json.dumps(reply.body, ensure_ascii=False)
    told = {
        # No charset for JSON; who guesses reads UTF-8 wrongly.
        "Content-Type": "text/html" if text.startswith("<") else "application/json",
        "Date": format_datetime(clock, usegmt=True),
        **headers,
        **reply.headers,
    }
    return Response(reply.status, lowered(told), text.encode("utf-8"))


def stamp(instant: datetime) -> str:
    """``2026-03-02T09:00:00Z``."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(request: Request) -> Any:
    if not request.body:
        return None
    text = request.body.decode("utf-8")
    if "json" in request.headers.get("Content-Type", ""):
        return json.loads(text)
    return dict(parse_qsl(text, keep_blank_values=True))
