"""A relay on loopback before a server: it counts what passes, and now and then fails it.

>>> with Relay(gerrit.url, now_and_then(share=0.1)) as relay:
...     subprocess.run(["reviewloop", "report", "--url", relay.url])
...     relay.refused, len(relay.answered)
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Callable, List, Optional, Tuple
from urllib.parse import unquote_plus, urlsplit

from sandbox.ports import LOOPBACK

#: What may happen to a request in place of its answer: a status and perhaps its ``Retry-After``,
#: the connection reset, or half of the answer and then a reset.
FAULTS = ("429", "429 1", "503", "503 2", "reset", "cut")
#: Faults in a row, at most: whoever tries again three times gets through.
IN_A_ROW = 2
#: Headers of one connection, which a relay does not pass on (RFC 9110, section 7.6.1).
_OF_A_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}
_PATIENCE = 300.0
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""

Schedule = Callable[[], str]


def now_and_then(share: float, seed: int = 14) -> Schedule:
    """A fault for that share of the requests, by chance; the same for the same seed."""
    chance, row = Random(seed), 0

    def which() -> str:
        nonlocal row
        happens = row < IN_A_ROW and chance.random() < share
        row = row + 1 if happens else 0
        return chance.choice(FAULTS) if happens else ""

    return which


@dataclass(frozen=True)
class Passed:
    """A request that came by: its target as sent, what was played (empty: nothing), and the bytes
    of the answer's body as they were sent.
    """

    target: str
    fault: str = ""
    size: int = 0

    @property
    def histories(self) -> List[int]:
        """The numbers of the changes whose messages it asks for."""
        text = unquote_plus(self.target)
        return [int(one) for one in re.findall(r"change:(\d+)", text)] if "MESSAGES" in text else []


class Relay:
    """A context manager; ``url`` has no slash at its end.

    :param upstream: the server's address, such as ``http://127.0.0.1:8080``.
    :param schedule: what happens to the next request; it may be replaced at any time.
    :ivar passed: what came by since the last :meth:`reset`, in order.
    :ivar before: called with each request's place, from 1, before anything is done with it.
    """

    def __init__(self, upstream: str, schedule: Schedule = str) -> None:
        self.upstream = urlsplit(upstream)
        self.schedule = schedule
        self.passed: List[Passed] = []
        self.before: Callable[[int], None] = lambda _place: None
        self._arrived = 0
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> Relay:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self, schedule: Schedule = str) -> None:
        """Forget what came by, and go on with this schedule."""
        self.passed, self._arrived, self.schedule = [], 0, schedule
        self.before = lambda _place: None

    @property
    def answered(self) -> List[Passed]:
        """Those to which nothing happened."""
        return [one for one in self.passed if not one.fault]

    @property
    def refused(self) -> int:
        """How many had a fault."""
        return len(self.passed) - len(self.answered)

    @property
    def size(self) -> int:
        """Bytes of all answers' bodies, as they were sent."""
        return sum(one.size for one in self.passed)

    def arrive(self) -> Tuple[int, str]:
        """A request has come: its place, and what is to happen to it."""
        with self._lock:
            self._arrived += 1
            return self._arrived, self.schedule()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, relay: Relay) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.relay = relay

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the server."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    server: _Server
    _upstream: Optional[http.client.HTTPConnection] = None

    def do_GET(self) -> None:
        """Pass on, or fail."""
        relay = self.server.relay
        place, fault = relay.arrive()
        relay.before(place)
        if fault == "reset":
            relay.passed.append(Passed(self.path, fault))
            self._reset()
        elif fault and fault != "cut":
            relay.passed.append(Passed(self.path, fault))
            self._refuse(*fault.split())
        else:
            self._pass(relay, fault)

    def _pass(self, relay: Relay, fault: str) -> None:
        answer, body = self._asked(relay)
        kept = body[: len(body) // 2] if fault else body
        relay.passed.append(Passed(self.path, fault, len(kept)))
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_A_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(kept)
        if fault:
            self.wfile.flush()
            self._reset()

    def _asked(self, relay: Relay) -> Tuple[http.client.HTTPResponse, bytes]:
        """The server's answer, not unpacked; asked again where it has let the connection go."""
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _OF_A_HOP}
        fresh = self._upstream is None
        if self._upstream is None:
            self._upstream = http.client.HTTPConnection(relay.upstream.netloc, timeout=_PATIENCE)
        try:
            self._upstream.request("GET", self.path, headers=headers)
            answer = self._upstream.getresponse()
            return answer, answer.read()
        except (http.client.HTTPException, OSError):
            self._upstream.close()
            self._upstream = None
            if fresh:
                raise
            return self._asked(relay)

    def _refuse(self, status: str, retry_after: str = "") -> None:
        body = b"A fault of the relay."
        self.send_response_only(int(status))
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        # Its own end shuts it down in order; closed before that, it is reset.
        self.connection.close()

    def finish(self) -> None:
        """Let go of both connections."""
        if self._upstream is not None:
            self._upstream.close()
        with contextlib.suppress(OSError, ValueError):  # the client is gone, or was reset
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what came by is kept."""
