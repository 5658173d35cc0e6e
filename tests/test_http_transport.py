"""The real transport, against a small HTTP server on this machine."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest

from reviewloop import __version__
from reviewloop.errors import (
    AmbiguousError,
    ConfigError,
    ProtocolError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.protocol import Peer
from reviewloop.http.credentials import basic
from reviewloop.http.messages import Request
from reviewloop.http.transport import Limits, RequestsTransport

PEER = Peer("127.0.0.1", "bot")
READ = PEER.get("/x", [("q", "a b")])
WRITE = PEER.post("/x", {"a": 1})
BROKEN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


class Server(ThreadingHTTPServer):
    """Answers every request alike, and keeps what arrived."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.headers: Dict[str, str] = {"Content-Type": "application/json"}
        self.body = b')]}\'\n"ok"'
        self.cut = self.drop = False
        self.delay = 0.0
        self.seen: List[Tuple[str, str, Dict[str, str], bytes]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """Where it answers, below a path of its own."""
        return f"http://127.0.0.1:{self.server_address[1]}/r/"

    def get_request(self) -> Any:
        """Count a connection."""
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no matter."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer as the server is told to."""
        length = int(self.headers.get("Content-Length", 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        server = self.server
        server.seen.append((self.command, self.path, headers, self.rfile.read(length)))
        threading.Event().wait(server.delay)
        if server.drop:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(server.status)
        for key, value in server.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(server.body) + (10 if server.cut else 0)))
        self.end_headers()
        self.wfile.write(server.body)
        if server.cut:
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_POST(self) -> None:
        """The same."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server, gone after the test."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def failure(transport: RequestsTransport, request: Request) -> ReviewLoopError:
    with pytest.raises(ReviewLoopError) as caught:
        transport.send(request)
    return caught.value


def as_bot(password: str) -> Dict[str, str]:
    return {"Authorization": basic("bot", password)}


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestSending:
    """What arrives at the server."""

    def test_read(self, server: Server) -> None:
        """Path and query below the URL's own path; our name; credentials in UTF-8; gzip."""
        RequestsTransport(server.url, as_bot("pä☃")).send(READ)

        method, path, headers, body = server.seen[0]
        assert (method, path, body) == ("GET", "/r/a/x?q=a%20b", b"")
        assert headers["user-agent"] == f"stackstorm-gerrit/{__version__} (reviewloop)"
        assert base64.b64decode(headers["authorization"][6:]) == "bot:pä☃".encode()
        assert "gzip" in headers["accept-encoding"]
        assert headers["accept"] == "application/json"
        assert "content-type" not in headers

    def test_write(self, server: Server) -> None:
        """A write carries its JSON and says so."""
        RequestsTransport(server.url, as_bot("x")).send(WRITE)

        method, _path, headers, body = server.seen[0]
        assert (method, json.loads(body)) == ("POST", {"a": 1})
        assert headers["content-type"] == "application/json; charset=UTF-8"

    def test_encoded_slash(self, server: Server) -> None:
        """An encoded slash in a path arrives encoded."""
        RequestsTransport(server.url).send(PEER.get("/changes/tools%2Fa%20b~12"))

        assert server.seen[0][1] == "/r/a/changes/tools%2Fa%20b~12"

    def test_netrc(self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A netrc file of this machine neither replaces nor adds credentials."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login other password stolen\n")
        monkeypatch.setenv("NETRC", str(netrc))

        RequestsTransport(server.url).send(READ)
        RequestsTransport(server.url, as_bot("x")).send(READ)

        assert "authorization" not in server.seen[0][2]
        assert base64.b64decode(server.seen[1][2]["authorization"][6:]) == b"bot:x"

    def test_proxy(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment's proxy is used, except for hosts it exempts."""
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_address[1]}")
        RequestsTransport("http://review.example.org/").send(READ)
        assert server.seen[0][1] == "http://review.example.org/a/x?q=a%20b"

        monkeypatch.setenv("no_proxy", "127.0.0.0/8")
        failure(RequestsTransport(f"http://127.1.0.1:{closed_port()}"), READ)
        assert len(server.seen) == 1

    def test_proxy_and_this_machine(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is sent to loopback goes through no proxy: it would look on its own machine."""
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
        RequestsTransport(server.url).send(READ)

        assert server.seen[0][1] == "/r/a/x?q=a%20b"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_no_proxy_to_this_machine(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, host: str
    ) -> None:
        """What runs here is reached directly, whatever the environment says."""
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")

        RequestsTransport(server.url.replace("127.0.0.1", host)).send(READ)

        assert server.seen[0][1] == "/r/a/x?q=a%20b"

    def test_one_connection(self, server: Server) -> None:
        """The connection is kept between requests."""
        transport = RequestsTransport(server.url)
        for _ in range(3):
            transport.send(READ)
        transport.close()

        assert server.connections == 1

    def test_cookies(self, server: Server) -> None:
        """A session that the server offers is kept, or each call would cost it a login."""
        server.headers["Set-Cookie"] = "GerritAccount=abc; Path=/"
        transport = RequestsTransport(server.url, as_bot("x"))
        transport.send(READ)
        transport.send(READ)

        assert server.seen[1][2]["cookie"] == "GerritAccount=abc"


class TestAnswers:
    """What comes back."""

    def test_answer(self, server: Server) -> None:
        """Status, headers by lower-case name, and the bytes as they are."""
        server.status = 418
        server.body = b"\xff\x00"

        answer = RequestsTransport(server.url).send(READ)

        assert (answer.status, answer.body) == (418, b"\xff\x00")
        assert answer.content_type == "application/json"
        assert answer.date is not None

    def test_gzip(self, server: Server) -> None:
        """A compressed answer is unpacked."""
        server.headers["Content-Encoding"] = "gzip"
        server.body = gzip.compress(b"hello")

        assert RequestsTransport(server.url).send(READ).body == b"hello"

    def test_redirect(self, server: Server) -> None:
        """A redirect is not followed, and the client says where it points to."""
        server.status = 302
        server.headers["Location"] = server.url + "login"

        with pytest.raises(ConfigError, match=f"redirects to {server.url[:-3]}"):
            Client(server.url, "bot", "x").version()

        assert len(server.seen) == 1

    @pytest.mark.parametrize(
        ("request_", "expected"), [(READ, ProtocolError), (WRITE, AmbiguousError)]
    )
    @pytest.mark.parametrize("coding", ["", "gzip"])
    def test_too_large(
        self, server: Server, request_: Request, expected: type, coding: str
    ) -> None:
        """The size counts after unpacking: 1 MB of gzip that would be 1 GB is not unpacked."""
        server.body = b"0" * 1001
        if coding:
            server.headers["Content-Encoding"] = coding
            server.body = gzip.compress(bytes(1 << 20)) * 1000

        error = failure(RequestsTransport(server.url, limits=Limits(size=1000)), request_)

        assert type(error) is expected
        assert "more than an answer may have" in str(error)

    @pytest.mark.parametrize(
        ("request_", "expected"), [(READ, ProtocolError), (WRITE, AmbiguousError)]
    )
    def test_coding_that_was_not_asked_for(
        self, server: Server, request_: Request, expected: type
    ) -> None:
        """Packed twice is packed as nobody asked for, and is not unpacked."""
        server.headers["Content-Encoding"] = "gzip, gzip"
        server.body = gzip.compress(gzip.compress(b"{}"))

        error = failure(RequestsTransport(server.url), request_)

        assert type(error) is expected
        assert "not asked for" in str(error)

    def test_headers_without_end(self, server: Server) -> None:
        """Headers are bounded as the body is."""
        server.headers.update({f"X-{number}": "x" for number in range(200)})

        assert type(failure(RequestsTransport(server.url), READ)) is TemporaryError


class Drip(socketserver.BaseRequestHandler):
    """Sends an answer a byte at a time; see ``drip``."""

    answer = b""
    pause = 0.05

    def handle(self) -> None:
        """Take a request, and drip."""
        self.request.recv(65536)
        for byte in self.answer:
            threading.Event().wait(self.pause)
            try:
                self.request.sendall(bytes([byte]))
            except OSError:
                return


@pytest.fixture
def drip() -> Iterator[Callable[[bytes], str]]:
    """The address of a server that drips an answer, gone after the test."""
    with contextlib.ExitStack() as stack:

        def serve(answer: bytes) -> str:
            handler = type("Dripping", (Drip,), {"answer": answer})
            running = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
            running.daemon_threads = True
            running.block_on_close = False
            stack.enter_context(running)
            thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            stack.callback(running.shutdown)
            return f"http://127.0.0.1:{running.server_address[1]}"

        yield serve


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class TestDeadline:
    """A server that sends a byte now and then does not hold whoever waits for it."""

    @pytest.mark.parametrize(
        ("request_", "expected"), [(READ, TemporaryError), (WRITE, AmbiguousError)]
    )
    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 500,
            HEAD + b"Content-Length: 500\r\n\r\n" + b"x" * 500,
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n1f4\r\n" + b"x" * 500,
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 500,
            HEAD + b"\r\n" + b"x" * 500,
        ],
        ids=["headers", "length", "chunk", "size of a chunk", "until it closes"],
    )
    def test_drip(
        self,
        drip: Callable[[bytes], str],
        answer: bytes,
        request_: Request,
        expected: type,
    ) -> None:
        """Every byte comes in time, and the whole does not: in headers and in all bodies."""
        begun = time.monotonic()

        error = failure(RequestsTransport(drip(answer), limits=Limits(whole=0.3)), request_)

        assert type(error) is expected
        assert "no answer in time" in str(error)
        assert time.monotonic() - begun < 3

    def test_drip_of_a_proxy(
        self, drip: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A proxy that drips holds nobody either."""
        monkeypatch.setenv("http_proxy", drip(HEAD + b"X-Long: " + b"x" * 500))
        transport = RequestsTransport("http://review.example.org", limits=Limits(whole=0.3))

        assert "no answer in time" in str(failure(transport, READ))

    def test_each_exchange_has_its_own(self, server: Server) -> None:
        """What an exchange took is not taken from the next one, on the same connection."""
        now = [0.0]
        transport = RequestsTransport(server.url, limits=Limits(whole=5), monotonic=lambda: now[0])
        for _ in range(3):
            assert transport.send(READ).status == 200
            now[0] += 4

        assert server.connections == 1


class TestFailures:
    """What does not come back."""

    @pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
    def test_refused(self, request_: Request) -> None:
        """Without a connection nothing was sent, not even a write."""
        error = failure(RequestsTransport(f"http://127.0.0.1:{closed_port()}"), request_)

        assert type(error) is TemporaryError
        assert "no connection" in error.message

    def test_too_slow_to_connect(self) -> None:
        """A connection that does not come about in time has sent nothing, not even a write."""
        with socket.socket() as busy, socket.socket() as first, socket.socket() as second:
            busy.bind(("127.0.0.1", 0))
            busy.listen(0)
            # The queue of a server that accepts nobody is full after these two.
            for waiting in (first, second):
                waiting.setblocking(False)
                waiting.connect_ex(busy.getsockname())
            url = f"http://127.0.0.1:{busy.getsockname()[1]}"

            error = failure(RequestsTransport(url, limits=Limits(connect=0.2)), WRITE)

        assert type(error) is TemporaryError
        assert "no connection" in error.message

    @pytest.mark.parametrize(
        ("request_", "expected"), [(READ, TemporaryError), (WRITE, AmbiguousError)]
    )
    @pytest.mark.parametrize("fault", ["drop", "cut", "delay", "coding"])
    def test_lost(self, server: Server, request_: Request, expected: type, fault: str) -> None:
        """Once it was sent, a write without a whole answer may have been done."""
        server.drop, server.cut = fault == "drop", fault == "cut"
        server.delay = 0.4 if fault == "delay" else 0.0
        if fault == "coding":
            server.headers["Content-Encoding"] = "gzip"
        transport = RequestsTransport(server.url, as_bot("hunter2"), limits=Limits(read=0.1))

        error = failure(transport, request_)

        assert type(error) is expected
        assert "/a/x" in error.message
        assert "hunter2" not in str(error)

    def test_write_is_waited_for_longer(self, server: Server) -> None:
        """A server may repeat a write that met a lock, so its answer is waited for longer."""
        server.delay = 0.3

        transport = RequestsTransport(server.url, limits=Limits(read=0.1, write_patience=5.0))

        assert transport.send(WRITE).status == 200

    def test_proxy_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A proxy's password is not told."""
        monkeypatch.setenv("http_proxy", f"http://other:swordfish@127.0.0.1:{closed_port()}")

        error = failure(RequestsTransport("http://review.example.org/"), READ)

        assert isinstance(error, TemporaryError)
        assert "the proxy" in error.message
        assert "swordfish" not in str(error)

    def test_unusable_url(self) -> None:
        """A URL that cannot be sent to is an error of configuration."""
        assert type(failure(RequestsTransport("http://a..b/"), READ)) is ConfigError


class TestCertificates:
    """TLS, with a certificate made for the test."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """Certificate and key for 127.0.0.1 in one file, signed by nobody else."""
        path = tmp_path / "server.pem"
        key = path.with_name("key.pem")
        made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        more = "-days 30 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
        files = ["-keyout", str(key), "-out", str(path)]
        subprocess.run([*made.split(), *more.split(), *files], check=True, capture_output=True)
        path.write_bytes(path.read_bytes() + key.read_bytes())
        return path

    @pytest.fixture
    def url(self, server: Server, certificate: Path) -> str:
        """The server's URL, over TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(certificate))
        # The handshake is the handler's: whoever never makes it must not hold the server.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        return server.url.replace("http", "https")

    def test_untrusted(self, url: str) -> None:
        """An unknown certificate is an error of configuration that names the key to set."""
        error = failure(RequestsTransport(url, as_bot("x")), READ)

        assert type(error) is ConfigError
        assert "`ca_bundle`" in error.remedy

    def test_trusted(self, url: str, certificate: Path) -> None:
        """With the CA's certificate the server is trusted."""
        assert RequestsTransport(url, verify=str(certificate)).send(READ).status == 200

    def test_not_checked(self, url: str) -> None:
        """A test server's certificate can be taken as it is."""
        with pytest.warns(Warning, match="Unverified HTTPS"):
            answer = RequestsTransport(url, verify=False).send(READ)

        assert answer.status == 200

    @pytest.mark.parametrize("content", [None, "no certificate", BROKEN])
    def test_useless_bundle(self, url: str, tmp_path: Path, content: Optional[str]) -> None:
        """A CA bundle that is missing, or holds none, is named."""
        bundle = tmp_path / "ca.pem"
        if content is not None:
            bundle.write_text(content)

        error = failure(RequestsTransport(url, verify=str(bundle)), READ)

        assert type(error) is ConfigError
        assert str(bundle) in error.message

    def test_not_tls(self, server: Server) -> None:
        """A server that does not speak TLS is told from one whose certificate is wrong."""
        error = failure(RequestsTransport(server.url.replace("http", "https")), READ)

        assert type(error) is TemporaryError
        assert "TLS failed" in error.message
