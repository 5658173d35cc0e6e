"""A simulated Gerrit over HTTP on loopback, in this process: what runs where there is no Java.

It has the face of `sandbox.gerrit.server.GerritServer` as far as the demo and the tests of the
whole loop use it. It is not Gerrit: see `sandbox.gerrit.fake` for what it knows.

>>> with SimulatedGerrit() as gerrit:
...     number = gerrit.person("author1").create_change("tools/build", "A subject")
...     gerrit.advance(days=2)
"""

from __future__ import annotations

import base64
import binascii
import sys
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import parse_qsl

from reviewloop.errors import AmbiguousError, TemporaryError
from reviewloop.gerrit.protocol import Request, Response
from sandbox.gerrit.daemon import Moment, SeenRequest, instant
from sandbox.gerrit.fake import FakeGerrit
from sandbox.gerrit.fake_people import PeopledGerrit
from sandbox.gerrit.people import ADMIN, ADMIN_PASSWORD, Person, password_of
from sandbox.gerrit.server import START
from sandbox.ports import LOOPBACK, SandboxError

_UNAUTHORIZED = Response(401, {"content-type": "text/plain"}, b"Unauthorized")


class SimulatedPerson(Person):
    """As `Person`, but without git: there is nothing to push to."""

    def push_chain(
        self,
        project: str,
        subjects: Sequence[str],
        branch: str = "master",
        options: str = "",
        file: str = "",  # noqa: ARG002 - changes have no files here
    ) -> List[int]:
        """Upload changes one by one, each on the one before; answers their numbers in order.

        :raises SandboxError: push options, which are git's.
        """
        if options:
            raise SandboxError(f"The simulated Gerrit knows no push options ({options}).")
        numbers: List[int] = []
        for subject in subjects:
            wanted = {"project": project, "branch": branch, "subject": subject}
            if numbers:
                wanted["base_change"] = str(numbers[-1])
            numbers.append(int(self.call("POST", "/changes/", wanted)["_number"]))
        return numbers


class SimulatedGerrit:
    """The standard site on a free loopback port, by ``with``; its clock starts frozen.

    ``url`` has no slash at its end.

    :param site: what it serves in place of the standard site, where nobody can sign in.
    """

    def __init__(self, start: Moment = START, site: Optional[FakeGerrit] = None) -> None:
        self.url = ""
        self._ids: Dict[str, int] = {}
        if site is None:
            site = people = PeopledGerrit(instant(start))
            self._ids = people.ids
        self._fake = site
        self._seen: List[SeenRequest] = []
        self._one_at_a_time = threading.Lock()
        self._server: Optional[_Server] = None

    def __enter__(self) -> SimulatedGerrit:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        """Serve, on a port that the kernel picks unless one is named.

        :raises SandboxError: the port is taken.
        """
        try:
            self._server = _Server(self, port)
        except OSError as err:
            raise SandboxError(f"Port {port} is taken ({err.strerror}): name another.") from err
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Serve no more; nothing happens if it does not run."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def person(self, username: str, password: Optional[str] = None) -> Person:
        """Act as this account; the password may be left out for those of the standard site."""
        return SimulatedPerson(self.url, username, password)

    @property
    def admin(self) -> Person:
        """Act as the administrator."""
        return self.person(ADMIN, ADMIN_PASSWORD)

    # The clock

    def at(self, moment: Moment) -> datetime:
        """Set the clock, also backwards."""
        return self._fake.at(instant(moment))

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Step the clock."""
        return self._fake.advance(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def now(self) -> datetime:
        """What time it is at the server."""
        return self._fake.now

    # What arrived

    def requests(self) -> List[SeenRequest]:
        """What arrived since the last reset, in order."""
        return list(self._seen)

    def reset_requests(self) -> None:
        """Forget what arrived."""
        self._seen.clear()

    # Faults

    def fault(
        self,
        kind: str,
        match: str = "",
        count: int = 1,
        *,
        method: str = "",
        retry_after: str = "",
    ) -> None:
        """Play a fault on the next ``count`` requests, as `Daemon.fault` says; none is late.

        :raises SandboxError: an unknown kind.
        """
        where = f"^{method or '[A-Z]+'} .*{match}"
        if kind == "html":
            self._fake.html(count, where)
        elif kind in {"drop_before", "drop_after"}:
            self._fake.drop(count, where, done=kind == "drop_after")
        elif kind.startswith("status:"):
            status = int(kind.partition(":")[2])
            self._fake.fail(status, times=count, match=where, retry_after=retry_after)
        else:
            raise SandboxError(f"The simulated Gerrit has no fault {kind!r}.")

    def clear_faults(self) -> None:
        """Drop all faults that still wait for a request."""
        self._fake.calm()

    # What arrives

    def answer(
        self, method: str, target: str, credentials: str, body: Optional[bytes]
    ) -> Optional[Response]:
        """The answer to a request as it came over the wire; None breaks the connection off.

        :param credentials: the ``Authorization`` header.
        """
        path, _, query = target.partition("?")
        request = Request(method, path, tuple(parse_qsl(query, keep_blank_values=True)), body)
        with self._one_at_a_time:
            self._seen.append(SeenRequest(method, path, query))
            if path.startswith("/a/"):
                account = self._ids.get(_signed_in(credentials))
                if account is None:
                    return _UNAUTHORIZED
                self._fake.me = account
            try:
                return self._fake.send(request)
            except (AmbiguousError, TemporaryError):
                return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, gerrit: SimulatedGerrit, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.gerrit = gerrit

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no matter; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    server: _Server

    def answer(self) -> None:
        """Let the simulated Gerrit answer."""
        told = self.headers.get("Content-Length")
        if not told and self.command in {"POST", "PUT"}:
            self.send_error(411)  # the head may have broken off before it
            return
        length = int(told or 0)
        body = self.rfile.read(length) if length else None
        if len(body or b"") < length:  # the client went away in the middle
            self.close_connection = True
            return
        credentials = self.headers.get("Authorization") or ""
        response = self.server.gerrit.answer(self.command, self.path, credentials, body)
        if response is None:
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names are given

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what arrived is kept."""


def _signed_in(credentials: str) -> str:
    """The username, empty where there is none or the password is wrong."""
    try:
        text = base64.b64decode(credentials.partition("Basic ")[2]).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    username, _, password = text.partition(":")
    right = ADMIN_PASSWORD if username == ADMIN else password_of(username)
    return username if password == right else ""
