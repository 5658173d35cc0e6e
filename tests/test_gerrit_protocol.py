"""What is said to Gerrit, and what each of its answers means."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Dict, Optional, Type

import pytest

from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.gerrit.protocol import MAX_ERROR_TEXT, Peer, change_id, segment
from reviewloop.http.messages import Request, Response, http_date

PEER = Peer("review.example.org", "st2-reviews", ("hunter2", "c3QyOmh1bnRlcjI="))
ANONYMOUS = Peer("review.example.org")
READ = PEER.get("/changes/", [("q", "status:open")])
WRITE = PEER.post("/changes/tools%2Fbuild~12/revisions/abc/review", {"message": "x"})


def answer(
    status: int, body: bytes = b"", kind: str = "text/plain; charset=UTF-8", **headers: str
) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": kind, **named}, body)


def as_json(text: str, status: int = 200) -> Response:
    return answer(status, text.encode(), "application/json; charset=UTF-8")


def failure(response: Response, request: Request = READ, peer: Peer = PEER) -> ReviewLoopError:
    with pytest.raises(ReviewLoopError) as caught:
        peer.decode(request, response)
    return caught.value


class TestRequests:
    """What is sent."""

    def test_authenticated_paths(self) -> None:
        """With a user name every path is below /a, or Gerrit would ignore the credentials."""
        assert PEER.get("/accounts/self").path == "/a/accounts/self"
        assert WRITE.path.startswith("/a/changes/")

    def test_anonymous_paths(self) -> None:
        """Without a user name there is no /a, which would demand credentials."""
        assert ANONYMOUS.get("/config/server/version").path == "/config/server/version"

    def test_query_string(self) -> None:
        """Parameters are percent-encoded, in their order, and may be repeated."""
        request = ANONYMOUS.get("/changes/", [("q", 'after:"a b" +x'), ("o", "A"), ("o", "B")])

        assert request.target == "/changes/?q=after%3A%22a%20b%22%20%2Bx&o=A&o=B"
        assert ANONYMOUS.get("/x").target == "/x"

    def test_json_body(self) -> None:
        """A body is JSON in plain ASCII, whatever the text, and is announced as JSON."""
        request = PEER.post("/x", {"message": "Grüße \U0001f600 \ud83d"})

        assert request.body is not None
        assert json.loads(request.body.decode("ascii")) == {"message": "Grüße \U0001f600 \ud83d"}
        assert request.headers["Content-Type"] == "application/json; charset=UTF-8"
        assert request.writes

    def test_read_headers(self) -> None:
        """A read asks for compact JSON, and announces no body."""
        assert READ.headers == {"Accept": "application/json"}
        assert not READ.writes

    def test_identifier_with_project(self) -> None:
        """Project and number are joined by ~, and the project is encoded, slashes too."""
        assert change_id(12, "tools/a b~c") == "tools%2Fa%20b~c~12"

    def test_identifier_without_project(self) -> None:
        """The bare number stands where the project is not known."""
        assert change_id(12) == "12"

    def test_path_segment(self) -> None:
        """Names in paths are encoded whole."""
        assert segment("Service Users/a?b#c") == "Service%20Users%2Fa%3Fb%23c"
        assert segment(7) == "7"

    def test_request_in_words(self) -> None:
        """In errors a request is named by method, path and search, not by other parameters."""
        request = PEER.get("/changes/", [("q", "is:open\n owner:x"), ("n", "500")])

        assert str(request) == "GET /a/changes/ (q=is:open owner:x)"
        assert len(str(PEER.get("/changes/", [("q", "x" * 5000)]))) < 400


class TestValues:
    """Answers that hold a value, or should."""

    @pytest.mark.parametrize("text", [')]}\'\n{"a": 1}', '{"a": 1}', ')]}\'{"a": 1}'])
    def test_script_prefix(self, text: str) -> None:
        """The prefix against script inclusion is taken off if, and only if, it is there."""
        assert PEER.decode(READ, as_json(text)) == {"a": 1}

    def test_utf8(self) -> None:
        """Answers are UTF-8 whatever the header says of it."""
        response = answer(200, ')]}\'\n"Grüße"'.encode(), "application/json")

        assert PEER.decode(READ, response) == "Grüße"

    def test_no_content(self) -> None:
        """204 has no value."""
        assert PEER.decode(WRITE, answer(204)) is None

    @pytest.mark.parametrize(
        "body",
        [b")]}'\n{\n", b"{", b"\xff\xfe", b"[" * 100_000],
        ids=["broken", "not-gerrits", "bytes", "deep"],
    )
    def test_garbled_read(self, body: bytes) -> None:
        """A read's answer that is not JSON is a protocol error."""
        error = failure(answer(200, body, "application/json"))

        assert type(error) is ProtocolError
        assert "not JSON (application/json)" in str(error)

    @pytest.mark.parametrize(
        ("request_", "expected"), [(READ, TemporaryError), (WRITE, AmbiguousError)]
    )
    def test_cut_anywhere(self, request_: Request, expected: Type[Exception]) -> None:
        """An answer that a proxy cut off and passed on as whole is one that did not come."""
        whole = b")]}'\n" + b'[{"a":"\\n","b":[1,{}]}]'
        for end in range(len(whole)):
            error = failure(answer(200, whole[:end], "application/json"), request_)
            assert type(error) is expected, whole[:end]

    def test_garbled_write(self) -> None:
        """A write's answer that is not JSON leaves open whether it was done."""
        assert type(failure(answer(200, b"OK", ""), WRITE)) is AmbiguousError

    @pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
    @pytest.mark.parametrize("kind", ["text/html; charset=UTF-8", "application/xhtml+xml"])
    def test_web_page(self, request_: Request, kind: str) -> None:
        """A web page with status 200 is a login page: the host is named, and what to do."""
        error = failure(answer(200, b"<html>Sign in</html>", kind), request_)

        assert type(error) is AuthError
        assert "review.example.org" in error.message
        assert "`url`" in error.remedy


class TestLists:
    """A list that is read value by value."""

    def test_one_at_a_time(self) -> None:
        """A value is read when it is wanted, so what is no JSON shows when it is come to."""
        values = PEER.values(READ, as_json(')]}\'\n[{"a":1},{"a":2},{"a":}]\n'))

        assert [next(values), next(values)] == [{"a": 1}, {"a": 2}]
        with pytest.raises(ProtocolError, match="not JSON"):
            next(values)

    @pytest.mark.parametrize("text", ["[]", " [ ] ", ")]}'\n[]\n", " " * 100 + "[]"])
    def test_empty(self, text: str) -> None:
        """An empty list has no values, however it is written."""
        assert list(PEER.values(READ, as_json(text))) == []

    def test_cut_anywhere(self) -> None:
        """A list that ends before its end is found out at once: it can be asked for again."""
        whole = ')]}\'\n[{"a":"]"},[]]\n'

        assert list(PEER.values(READ, as_json(whole))) == [{"a": "]"}, []]
        assert list(PEER.values(READ, as_json(whole[:-1]))) == [{"a": "]"}, []]
        for end in range(len(whole) - 1):
            with pytest.raises(TemporaryError):
                PEER.values(READ, as_json(whole[:end]))

    @pytest.mark.parametrize("text", [")]}'\n{}\n", "1", "null", ')]}\'\n"a"\n'])
    def test_no_list(self, text: str) -> None:
        """Anything else that is JSON is refused by its type."""
        with pytest.raises(ProtocolError, match="not list"):
            PEER.values(READ, as_json(text))

    def test_refused(self) -> None:
        """A refusal is one before anything is read."""
        with pytest.raises(RefusedError):
            PEER.values(READ, answer(404, b"Not found"))


class TestRedirects:
    """Answers that point elsewhere."""

    @pytest.mark.parametrize(
        ("location", "named"),
        [
            (
                "https://user:hunter2@sso.example.org/login?token=hunter2",
                "https://sso.example.org ",
            ),
            ("//other.example.org/x", "http://other.example.org "),
            ("/login/x", "another of its pages"),
            ("", "another of its pages"),
            ("http://[broken", "an address that cannot be read"),
        ],
    )
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirect(self, location: str, named: str, status: int) -> None:
        """A redirect is an error in `url` that names the target's host and nothing secret."""
        error = failure(answer(status, location=location))

        assert type(error) is ConfigError
        assert named in str(error)
        assert "hunter2" not in str(error)
        assert "token" not in str(error)


class TestErrors:
    """Answers that are errors."""

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, RefusedError),
            (401, AuthError),
            (403, RefusedError),
            (404, RefusedError),
            (405, RefusedError),
            (408, TemporaryError),
            (409, RefusedError),
            (412, RefusedError),
            (413, RefusedError),
            (414, RefusedError),
            (418, RefusedError),
            (422, RefusedError),
            (429, TemporaryError),
            (500, TemporaryError),
            (502, TemporaryError),
            (503, TemporaryError),
            (504, TemporaryError),
        ],
    )
    def test_read(self, status: int, expected: Type[ReviewLoopError]) -> None:
        """Each status of a read has its error, which says what the server said and what to do."""
        error = failure(answer(status, b"some words\n"))

        assert type(error) is expected
        assert "review.example.org" in error.message
        assert f"with {status}: some words." in error.message
        assert error.remedy
        assert getattr(error, "status", status) == status

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_write_may_have_happened(self, status: int) -> None:
        """A write answered so may have been done, by a server behind a proxy for instance."""
        assert type(failure(answer(status), WRITE)) is AmbiguousError

    def test_write_over_quota(self) -> None:
        """429 is said before any work, so a write answered so was not done."""
        assert type(failure(answer(429), WRITE)) is TemporaryError

    def test_wrong_password(self) -> None:
        """401 says which password Gerrit wants."""
        error = failure(answer(401, b"Unauthorized"))

        assert "as st2-reviews" in error.message
        assert "HTTP password" in error.remedy

    @pytest.mark.parametrize("status", [401, 403])
    def test_anonymous(self, status: int) -> None:
        """Without a user name both 401 and 403 mean that one is needed."""
        error = failure(answer(status, b"Must be signed-in"), peer=ANONYMOUS)

        assert type(error) is AuthError
        assert error.remedy == "Set `username` and `password`."

    def test_permission(self) -> None:
        """403 to an account is a permission to be granted."""
        error = failure(answer(403, b'Applying label "Escalated": 1 is restricted'), WRITE)

        assert "Escalated" in error.message
        assert "permission" in error.remedy

    def test_bad_query(self) -> None:
        """400 to a search points at `query`; the search itself is named."""
        error = failure(answer(400, b"Unsupported operator foo:bar"))

        assert "(q=status:open)" in error.message
        assert "`query`" in error.remedy

    def test_bad_option(self) -> None:
        """400 to a read without a search does not blame `query`."""
        request = PEER.get("/changes/12", [("o", "NEW_FANGLED")])

        assert "`query`" not in failure(answer(400, b"no such option"), request).remedy

    def test_missing_or_invisible(self) -> None:
        """404 means missing or invisible; with an encoded slash a proxy may be to blame."""
        plain = failure(answer(404), PEER.get("/changes/12"))
        slashed = failure(answer(404), PEER.get("/changes/tools%2Fbuild~12"))

        assert "may not see it" in plain.remedy
        assert "%2F" not in plain.remedy
        assert "%2F" in slashed.remedy

    def test_json_error(self) -> None:
        """A refused reviewer is told in JSON: the errors in it are told, not the JSON."""
        told = {
            "error": "error adding reviewer",
            "reviewers": {"7": {"input": "7", "error": "7 is inactive"}, "8": {"input": "8"}},
        }
        error = failure(as_json(")]}'\n" + json.dumps(told), 400), WRITE)

        assert "with 400: error adding reviewer; 7 is inactive." in error.message

    @pytest.mark.parametrize("text", ["{", "[1]", '{"reviewers": 1}', '{"error": 1}', '{"x": 1}'])
    def test_other_json_error(self, text: str) -> None:
        """A JSON error of another shape is told as it is."""
        assert f"with 400: {text}." in failure(as_json(text, 400)).message

    def test_web_page_as_error(self) -> None:
        """Of a web page nothing is repeated."""
        error = failure(answer(502, b"<html><b>Bad Gateway</b></html>", "text/html"))

        assert "html" not in str(error)
        assert "with 502." in error.message

    def test_long_text(self) -> None:
        """The server's words are capped, and lose line breaks and control characters."""
        error = failure(answer(409, b"change is\x1b[31m\n closed " + b"y" * 9999))

        assert "change is [31m closed yyy" in error.message
        assert error.message.endswith("y….")
        assert len(error.message) < MAX_ERROR_TEXT + 150

    def test_not_utf8(self) -> None:
        """Words that are not UTF-8 are told as far as they can be read."""
        assert "caf\ufffd" in failure(answer(409, b"caf\xe9")).message

    def test_secrets(self) -> None:
        """Credentials are in no error, even if the server repeats them."""
        said = b"Basic c3QyOmh1bnRlcjI= / hunter2 / https://user:swordfish@example.org/x"
        error = failure(answer(500, said))

        told = f"{error} {error.as_dict()} {PEER!r}"
        for secret in ("hunter2", "c3QyOmh1bnRlcjI=", "swordfish"):
            assert secret not in told


class TestClock:
    """Times in headers."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Mon, 02 Mar 2026 09:00:00 GMT", datetime(2026, 3, 2, 9, tzinfo=timezone.utc)),
            ("Mon, 02 Mar 2026 09:00:00 +0100", datetime(2026, 3, 2, 8, tzinfo=timezone.utc)),
            ("Mon, 02 Mar 2026 09:00:00 -0000", datetime(2026, 3, 2, 9, tzinfo=timezone.utc)),
            ("Mon, 32 Mar 2026 09:00:00 GMT", None),
            ("yesterday", None),
            ("", None),
        ],
    )
    def test_date(self, text: str, expected: Optional[datetime]) -> None:
        """The Date header is read as UTC; what cannot be read is no date."""
        assert http_date(text) == expected
        assert answer(200, date=text).date == expected

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"retry_after": "17"}, 17.0),
            ({"retry_after": " 0 "}, 0.0),
            ({}, None),
            ({"retry_after": "soon"}, None),
            ({"retry_after": "-5"}, None),
            ({"retry_after": "\u0663"}, None),
            ({"retry_after": "Mon, 02 Mar 2026 09:02:00 GMT"}, None),
            (
                {
                    "retry_after": "Mon, 02 Mar 2026 09:02:00 GMT",
                    "date": "Mon, 02 Mar 2026 09:00:00 GMT",
                },
                120.0,
            ),
            (
                {
                    "retry_after": "Mon, 02 Mar 2026 08:00:00 GMT",
                    "date": "Mon, 02 Mar 2026 09:00:00 GMT",
                },
                0.0,
            ),
        ],
    )
    def test_retry_after(self, headers: Dict[str, str], expected: Optional[float]) -> None:
        """Retry-After is seconds, or a date that counts from the answer's own Date."""
        error = failure(answer(503, **headers))

        assert isinstance(error, TemporaryError)
        assert error.retry_after == expected

    def test_when_to_try_again(self) -> None:
        """The remedy says when the server wants to hear from us again."""
        assert "in 300 seconds" in failure(answer(429, retry_after="300")).remedy
        assert "later" in failure(answer(429)).remedy
