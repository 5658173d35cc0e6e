"""The next page is asked for while this one is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Callable, Dict, Iterator, List, Tuple

import pytest
from sandbox.gerrit.fake import FakeGerrit

from reviewloop.errors import TemporaryError
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.scan import glance
from reviewloop.http.ahead import Ahead
from reviewloop.http.messages import Request, Response
from reviewloop.http.transport import Transport

ROOT = Path(__file__).resolve().parents[1]
SOON = 10.0
ONE, OTHER = Request("GET", "/one"), Request("GET", "/other")


def _row(number: int) -> Dict[str, object]:
    at = f"2026-03-02 09:00:{number:02}.000000000"
    return {"_number": number, "project": "p", "created": at, "updated": at}


def _answer(value: object) -> Response:
    body = b")]}'\n" + json.dumps(value, separators=(",", ":")).encode()
    return Response(200, {"content-type": "application/json"}, body)


class Told(Transport):
    """Answers each request by its path, and remembers who sent it: this thread or another."""

    def __init__(self) -> None:
        self.sent: List[Tuple[str, bool]] = []
        self.failing = 0
        self.begun = Event()

    def send(self, request: Request) -> Response:
        """Answer with the path."""
        self.sent.append((request.path, current_thread().name == "next page"))
        self.begun.set()
        if self.failing:
            self.failing -= 1
            raise TemporaryError("It is down.", "Wait.")
        return Response(200, {}, request.path.encode())


class TestAhead:
    """One request that is sent before it is wanted."""

    def test_announced(self) -> None:
        """It is sent at once, once, and its answer is there when it is wanted."""
        told = Told()
        ahead = Ahead(told)

        ahead.announce(ONE)

        assert told.begun.wait(SOON)
        assert ahead.send(ONE).body == b"/one"
        assert told.sent == [("/one", True)]

    def test_something_else(self) -> None:
        """Whoever sends another request gets the answer to that one, and nothing is sent ahead any
        more: or each page would be asked for twice.
        """
        told = Told()
        ahead = Ahead(told)
        ahead.announce(ONE)
        assert told.begun.wait(SOON)

        assert ahead.send(OTHER).body == b"/other"
        ahead.announce(ONE)
        assert ahead.send(ONE).body == b"/one"
        assert told.sent[1:] == [("/other", False), ("/one", False)]

    def test_taken_once(self) -> None:
        """An answer is given once: the same request later is sent anew, or it would be stale."""
        told = Told()
        ahead = Ahead(told)
        ahead.announce(ONE)
        ahead.send(ONE)

        assert ahead.send(ONE).body == b"/one"
        assert told.sent == [("/one", True), ("/one", False)]

    def test_failure(self) -> None:
        """What fails ahead of time is sent once more by whoever waits for it, and may succeed."""
        told = Told()
        told.failing = 1
        ahead = Ahead(told)
        ahead.announce(ONE)

        assert ahead.send(ONE).body == b"/one"

    def test_lasting_failure(self) -> None:
        """What fails then, too, is raised where somebody waits."""
        told = Told()
        told.failing = 2
        ahead = Ahead(told)
        ahead.announce(ONE)

        with pytest.raises(TemporaryError, match="down"):
            ahead.send(ONE)

    def test_no_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where no thread is to be had, the request is sent when it is wanted."""

        def refused(_thread: Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(Thread, "start", refused)
        told = Told()
        ahead = Ahead(told)
        ahead.announce(ONE)

        assert ahead.send(ONE).body == b"/one"
        assert told.sent == [("/one", False)]


class Pages(Transport):
    """Three pages of two changes each, of which a test says when one has been asked for."""

    def __init__(self) -> None:
        self.asked: Dict[int, Event] = {page: Event() for page in range(5)}
        self.requests: List[str] = []

    def send(self, request: Request) -> Response:
        """Answer with the next page."""
        if request.path.endswith("/accounts/self/capabilities"):
            return _answer({"queryLimit": {"min": 0, "max": 2}})
        page = len(self.requests)
        self.requests.append(request.target)
        self.asked[page].set()
        rows = [_row(6 - 2 * page), _row(5 - 2 * page)]
        if page < 2:
            rows[-1]["_more_changes"] = True
        return _answer(rows)


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    """Makes a client of its own transport, which is replaced by the given one."""

    def made(pages: Pages, **options: float) -> Client:
        module = "reviewloop.gerrit.session.RequestsTransport"
        monkeypatch.setattr(module, lambda *_given, **_named: pages)
        return Client("https://review.example.org", "bot", "secret", **options)  # type: ignore

    return made


class TestGlance:
    """What the text of a page tells before its rows are read."""

    def test_times(self) -> None:
        """The newest and the oldest update of its rows, where more exist."""
        rows = [_row(6), {**_row(4), "_more_changes": True}, _row(5)]

        found = glance(_answer(rows).body)

        assert found is not None
        assert [one.second for one in found] == [6, 4]

    @pytest.mark.parametrize(
        "rows",
        [
            pytest.param([], id="nothing"),
            pytest.param([_row(6)], id="the last page"),
            pytest.param([{"updated": "2026-03-02 09:00:00", "_more_changes": True}], id="other"),
            pytest.param([{**_row(6), "updated": "soon", "_more_changes": True}], id="no time"),
            pytest.param(
                [{**_row(6), "subject": '"created":"1","updated":"x","_more_changes":true'}],
                id="words",
            ),
        ],
    )
    def test_no_hint(self, rows: List[Dict[str, object]]) -> None:
        """Where it does not tell, nothing is guessed; words of people tell nothing."""
        assert glance(_answer(rows).body) is None

    def test_a_day_that_is_none(self) -> None:
        """What looks like a time and is none is no hint, and no error."""
        at = "2026-99-02 09:00:00.000000000"
        rows = [{**_row(6), "created": at, "updated": at, "_more_changes": True}]

        assert glance(_answer(rows).body) is None


class TestScan:
    """What a scan asks for, and when."""

    def test_page_ahead(self, client_of: Callable[..., Client]) -> None:
        """When the first row of a page is read the next page has been asked for; each page once."""
        pages = Pages()
        rows = client_of(pages).scan("status:open", (Option.MESSAGES,))

        assert next(rows)["_number"] == 6
        assert pages.asked[1].wait(SOON)
        assert [row["_number"] for row in rows] == [5, 4, 3, 2, 1]
        assert len(pages.requests) == 3

    def test_limit(self, client_of: Callable[..., Client]) -> None:
        """Whoever wants so many rows at most costs no page beyond them."""
        pages = Pages()

        assert len(list(client_of(pages).scan("status:open", limit=2))) == 2
        assert len(pages.requests) == 1

    def test_paced(self, client_of: Callable[..., Client]) -> None:
        """A client that leaves a pause between its requests sends one at a time."""
        pages = Pages()
        rows = client_of(pages, pause=0.001).scan("status:open")

        next(rows)
        assert not pages.asked[1].wait(0.05)
        assert len(list(rows)) == 5

    def test_given_transport(self) -> None:
        """A transport that somebody gave bears one request at a time."""
        fake = FakeGerrit()
        for _ in range(6):
            fake.add_change()
        rows = fake.client().scan("status:open", page=2)
        before = len(fake.seen)

        next(rows)
        assert sum("changes" in line for line in fake.seen[before:]) == 1


#: As StackStorm begins the process of a sensor (st2reactor/container/sensor_wrapper.py). It ends
#: without having waited for anything after the announcement.
ON_EVENTLET = """
import eventlet
eventlet.monkey_patch()
import os, sys
from reviewloop.http.ahead import Ahead
from reviewloop.http.messages import Request
from reviewloop.http.transport import RequestsTransport

ahead = Ahead(RequestsTransport(sys.argv[1]))
ahead.send(Request("GET", "/first"))
ahead.announce(Request("GET", "/next"))
os._exit(0)
"""


@pytest.fixture
def heard() -> Iterator[Tuple[str, Dict[str, Event]]]:
    """The address of a server, and what says that a path has been asked for."""
    found = {"/first": Event(), "/next": Event()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found[self.path].set()
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", found
        server.shutdown()
        thread.join()


def test_on_eventlet(heard: Tuple[str, Dict[str, Event]]) -> None:
    """In a sensor's process, too, what is announced is out before the page is read: there a thread
    runs only where another one waits.
    """
    url, asked = heard
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "actions" / "lib")}
    command = [sys.executable, "-W", "ignore", "-c", ON_EVENTLET, url]

    subprocess.run(command, env=environment, check=True, timeout=60)

    assert asked["/first"].is_set()
    assert asked["/next"].wait(SOON)
