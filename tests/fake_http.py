"""What fakes of trackers share: requests read, answers written, faults played.

A fake is a transport of ``requests``: it keeps state in memory, so that sequences of calls can be
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
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

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


class FakeServer(BaseAdapter):
    """A server at :attr:`host`; a subclass gives :meth:`routes` and keeps the state.

    ``clock`` moves by one second a request. ``replies`` are sent instead of doing anything.
    """

    host = "https://tracker.example.org"

    def __init__(self) -> None:
        super().__init__()
        self.sent: List[Sent] = []
        self.replies: List[Reply] = []
        self.clock = START
        self.lock = threading.RLock()

    def send(  # type: ignore
        self, request: requests.PreparedRequest, **_options: Any
    ) -> requests.Response:
        """Answer one request."""
        with self.lock:
            self.clock += timedelta(seconds=1)
            sent = self.read(request)
            self.sent.append(sent)
            reply = self.replies.pop(0) if self.replies else self.answer(sent)
            return self.response(request, reply)

    def close(self) -> None:
        """Nothing to close."""

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

    def read(self, request: requests.PreparedRequest) -> Sent:
        """A request as the server sees it: a JSON or form body as an object."""
        parts = urlsplit(request.url or "")
        origin = f"{parts.scheme}://{parts.netloc}"
        assert origin == self.host, "a request left for another host"
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        method = request.method or ""
        return Sent(method, parts.path, dict(pairs), _body(request), request.headers, pairs)

    def response(self, request: requests.PreparedRequest, reply: Reply) -> requests.Response:
        """An answer as requests hands it on."""
        return response_of(request, reply, self.clock, self.headers())


def response_of(
    request: requests.PreparedRequest,
    reply: Reply,
    clock: datetime = START,
    headers: Mapping[str, str] = {},
) -> requests.Response:
    """A response of requests that holds a reply."""
    response = requests.Response()
    response.status_code = reply.status
    response.request = request
    response.url = request.url or ""
    is_text = isinstance(reply.body, str)
    text = reply.body if is_text else json.dumps(reply.body, ensure_ascii=False)
    response._content = text.encode("utf-8")
    response.headers.update(
        {
            # No charset for JSON; who guesses reads UTF-8 wrongly.
            "Content-Type": "text/html" if text.startswith("<") else "application/json",
            "Date": format_datetime(clock, usegmt=True),
            **headers,
            **reply.headers,
        }
    )
    return response


def stamp(instant: datetime) -> str:
    """``2026-03-02T09:00:00Z``."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(request: requests.PreparedRequest) -> Any:
    raw = request.body
    if not raw:
        return None
    text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    if "json" in request.headers.get("Content-Type", ""):
        return json.loads(text)
    return dict(parse_qsl(text, keep_blank_values=True))
