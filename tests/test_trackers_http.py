"""The session all adapters share: what is repeated, what never, and how faults are named."""

from __future__ import annotations

import socket
from typing import Any, Dict, List, Optional, Type, Union

import pytest

from fake_github import HOST
from fake_http import Reply, response_of
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http.messages import Request, Response, lowered
from reviewloop.http.transport import Transport
from reviewloop.trackers.answers import Answer, retry_after
from reviewloop.trackers.http import Http
from trackers_rig import NOW, Pace

SECRET = "s3cret"
DATE = "Mon, 02 Mar 2026 12:00:00 GMT"


class Script(Transport):
    """A server that answers from a list, or breaks the connection where the list holds an error."""

    def __init__(self, *replies: Union[Reply, Exception]) -> None:
        self.replies = list(replies)
        self.requests: List[Request] = []

    def send(self, request: Request) -> Response:
        """The next reply."""
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return response_of(reply, NOW)


def _http(script: Transport, pace: Optional[Pace] = None, **more: Any) -> Http:
    headers = {"Authorization": f"Bearer {SECRET}"}
    timing = (pace or Pace()).timing()
    return Http(f"{HOST}/v1", headers, timing=timing, transport=script, **more)


GONE = TemporaryError("The connection broke off.")
LOST = AmbiguousError("The connection broke off.")


def test_reads_are_repeated() -> None:
    """A read survives a broken connection and a server's bad moment, with growing pauses."""
    script, pace = Script(GONE, Reply(502), Reply(200, {"x": 1})), Pace()

    answer = _http(script, pace).read("/thing")

    assert answer.data == {"x": 1}
    assert pace.slept == [1.0, 2.0]


@pytest.mark.parametrize("fault", [GONE, Reply(503), Reply(429)])
def test_reads_give_up(fault: Union[Reply, Exception]) -> None:
    """After three tries, or at once where we are told to stay away for long, it is a temporary
    fault.
    """
    script = Script(fault, fault, fault)

    with pytest.raises(TemporaryError) as caught:
        _http(script).read("/thing")

    assert not isinstance(caught.value, AmbiguousError)
    assert SECRET not in str(caught.value)


def test_a_short_rate_limit_is_waited_for() -> None:
    """``Retry-After`` decides the pause."""
    script, pace = Script(Reply(429, "", {"Retry-After": "7"}), Reply(200, [])), Pace()

    _http(script, pace).read("/thing")

    assert pace.slept == [7.0]


def test_a_long_rate_limit_is_not() -> None:
    """The caller learns how long, instead of an action that sleeps for minutes."""
    script, pace = Script(Reply(429, "", {"Retry-After": "600"})), Pace()

    with pytest.raises(TemporaryError) as caught:
        _http(script, pace).read("/thing")

    assert caught.value.retry_after == 600
    assert pace.slept == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (LOST, AmbiguousError),
        (Reply(500), AmbiguousError),
        (Reply(502, "<html>bad gateway</html>"), AmbiguousError),
        (Reply(201, "{cut off"), AmbiguousError),
        (Reply(201, "[" * 200_000), AmbiguousError),
        (GONE, TemporaryError),
        (Reply(429), TemporaryError),
        (Reply(422, {"message": "no"}), RefusedError),
        (Reply(401), AuthError),
        (Reply(200, "<html>Sign in</html>"), AuthError),
        (Reply(302, "", {"Location": "http://elsewhere.example.org"}), RefusedError),
    ],
)
def test_writes_are_sent_once(fault: Union[Reply, Exception], kind: Type[ReviewLoopError]) -> None:
    """No write is repeated; what may have happened is told apart from what surely has not."""
    script = Script(fault)

    with pytest.raises(kind) as caught:
        _http(script).write("POST", "/thing", {"a": 1})

    assert type(caught.value) is kind
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, "{cut off"), ProtocolError),
        (Reply(200, "[" * 200_000), ProtocolError),
        (Reply(200, " \n<!DOCTYPE html>"), AuthError),
        (Reply(200, "[]", {"Content-Type": "text/html"}), AuthError),
        (Reply(404), RefusedError),
        (Reply(403, {"message": "Forbidden"}), RefusedError),
        (Reply(401), AuthError),
    ],
)
def test_faults_of_reads(reply: Reply, kind: Type[ReviewLoopError]) -> None:
    """Each is named by who must act, and not repeated."""
    script = Script(reply)

    with pytest.raises(kind):
        _http(script).read("/thing")

    assert len(script.requests) == 1


def test_nobody_listens() -> None:
    """A write to a closed port cannot have happened, so it is not ambiguous."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    http = Http(f"http://127.0.0.1:{port}", {}, timing=Pace().timing())

    with pytest.raises(TemporaryError) as caught:
        http.write("POST", "/thing", {})

    assert type(caught.value) is TemporaryError


def test_writes_keep_their_distance() -> None:
    """GitHub wants a second between writes; what has passed already counts."""
    script, pace = Script(*[Reply(201, {}) for _ in range(3)]), Pace()
    http = _http(script, pace, write_spacing=1.0)

    http.write("POST", "/a", {})
    pace.seconds += 0.25
    http.write("POST", "/b", {})
    http.write("POST", "/c", {})

    assert pace.slept == [0.75, 1.0]


def test_the_certificate_file() -> None:
    """It is looked for before anything is sent, and named by its own setting."""
    http = Http("https://127.0.0.1:1", {}, verify="/nowhere/ca.pem", timing=Pace().timing())

    with pytest.raises(ConfigError, match="`tracker.ca_bundle`: /nowhere/ca.pem"):
        http.read("/thing")


def test_text_is_utf_8_whatever_the_header_says() -> None:
    """JSON is UTF-8 (RFC 8259); servers that name another charset, or none, are wrong."""
    script = Script(Reply(200, {"t": "ü😀"}, {"Content-Type": "application/json; charset=latin1"}))

    assert _http(script).read("/thing").data == {"t": "ü😀"}


def test_a_next_page_elsewhere() -> None:
    """The credential is not taken to another host."""
    script = Script()

    with pytest.raises(ProtocolError, match="another host"):
        _http(script).read("https://evil.example.org/v1/thing?page=2")

    assert script.requests == []


def test_no_message_holds_a_secret() -> None:
    """Neither the credential, nor the query, nor what was sent."""
    script = Script(Reply(400, {"message": f"bad: {SECRET} is no token"}))

    with pytest.raises(RefusedError) as caught:
        _http(script).write("POST", "/thing?token=t0ken", {"password": "pa55"})

    assert "bad" in str(caught.value)
    told = repr(caught.value.as_dict()) + repr(Answer(200, SECRET, {"Authorization": SECRET}))
    assert all(word not in told for word in (SECRET, "t0ken", "pa55"))


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (
            '<https://a/b?page=2>; rel="next", <https://a/b?page=9>; rel="last"',
            "https://a/b?page=2",
        ),
        (
            '<https://a/b?page=1>; rel="prev", <https://a/b?x=1,2&page=3>; rel=next',
            "https://a/b?x=1,2&page=3",
        ),
        ('<https://a/b?page=1>; rel="first"', None),
        ("", None),
    ],
)
def test_the_next_page(link: str, expected: Optional[str]) -> None:
    """Found in RFC 8288's header, whatever else stands there."""
    assert Answer(200, [], {"link": link}).next_url == expected


@pytest.mark.parametrize(
    ("status", "headers", "text", "expected"),
    [
        (429, {"Retry-After": "12"}, "", 12),
        (403, {"Retry-After": "12"}, "", 12),
        (429, {"Retry-After": "Mon, 02 Mar 2026 12:00:30 GMT", "Date": DATE}, "", 30),
        (429, {"Retry-After": "Mon, 02 Mar 2026 11:00:00 GMT", "Date": DATE}, "", 0),
        (429, {"Retry-After": "Mon, 02 Mar 2026 12:00:30 GMT"}, "", 60),
        (429, {"Retry-After": "soon", "Date": DATE}, "", 60),
        (429, {"Retry-After": "\u00b2"}, "", 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "\u00b2", "Date": DATE}, "", 60),
        (
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772453000", "Date": DATE},
            "",
            200,
        ),
        (403, {"x-ratelimit-remaining": "0", "Date": DATE}, "", 60),
        (403, {"x-ratelimit-remaining": "7"}, "You have exceeded a secondary rate limit", 60),
        (429, {}, "", 60),
        (403, {"x-ratelimit-remaining": "7"}, "Must have admin rights", None),
        (404, {"Retry-After": "12"}, "", None),
    ],
)
def test_how_long_a_rate_limit_lasts(
    status: int, headers: Dict[str, str], text: str, expected: Optional[float]
) -> None:
    """GitHub's order: Retry-After, else the reset, else a minute; other 403s are no rate limit."""
    assert retry_after(Response(status, lowered(headers), text.encode())) == expected


@pytest.mark.parametrize("token", ["abc\n", "abc\r\nX: 1", "a\u2019b", "a\x00b"])
def test_a_credential_that_no_header_can_hold(token: str) -> None:
    """It is said at once, and not shown."""
    with pytest.raises(ConfigError, match="tracker.token") as caught:
        Http(HOST, {"Authorization": f"Bearer {token}"})

    assert "abc" not in str(caught.value)
