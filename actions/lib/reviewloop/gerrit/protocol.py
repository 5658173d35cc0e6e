"""What is said to a Gerrit server and what its answers mean; nothing here sends anything.

Facts are from Gerrit's own pages unless another source is named:
https://gerrit-review.googlesource.com/Documentation/rest-api.html (``/a/``, the ``)]}'`` prefix,
status codes) and .../rest-api-changes.html (identifiers). Servers 3.4 to 3.14.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence, Tuple, Type, Union
from urllib.parse import quote, urlsplit

from reviewloop.core.keys import change_ident
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.gerrit.fields import typed
from reviewloop.http import codes
from reviewloop.http.credentials import hidden
from reviewloop.http.messages import Request, Response, read_json, read_values

#: Longest part of the server's own words that is repeated in an error.
MAX_ERROR_TEXT = 300

#: Sent before every JSON answer, so that a browser cannot run it as a script.
_XSSI_PREFIX = b")]}'"

#: Bytes within which a list begins.
_BEGINNING = 64
_WEB_PAGES = ("text/html", "application/xhtml+xml")

_ACCEPT = {"Accept": "application/json"}
_JSON = {**_ACCEPT, "Content-Type": "application/json; charset=UTF-8"}

Params = Sequence[Tuple[str, str]]


@dataclass(frozen=True)
class Peer:
    """Whom we speak with, and as whom: builds requests and reads answers.

    :param host: the server as errors name it, ``host[:port]``.
    :param username: empty when anonymous; else every path gets the prefix ``/a``, without which
        Gerrit treats a caller as anonymous whatever credentials it sends.
    :param secrets: texts that no error may repeat even if the server does.
    """

    host: str
    username: str = ""
    secrets: Tuple[str, ...] = field(default=(), repr=False)

    def get(self, path: str, params: Params = ()) -> Request:
        """A read; errors show its search."""
        searches = "".join(f" ({key}={value})" for key, value in params if key == "q")
        return Request(
            "GET", self._full(path), tuple(params), headers=_ACCEPT, about=_capped(searches)
        )

    def post(self, path: str, value: Any) -> Request:
        """A write whose body is ``value`` as JSON.

        It is announced as JSON: Gerrit takes ``text/plain`` too, and may post ``{}``.
        """
        body = json.dumps(value, sort_keys=True).encode("ascii")
        return Request("POST", self._full(path), body=body, headers=_JSON)

    def decode(self, request: Request, response: Response) -> Any:
        """The value that the server answered, None for 204.

        :raises AuthError: 401, 403 to an anonymous caller, or a web page in place of an answer
            (a login page, a proxy).
        :raises ConfigError: a redirect, which is never followed.
        :raises RefusedError: every other 4xx; ``status`` tells which.
        :raises TemporaryError: 429, and 408 and 5xx of a read; ``retry_after`` where asked for;
            a read's answer that ends before its end.
        :raises AmbiguousError: 408, 5xx or an unreadable answer of a write.
        :raises ProtocolError: a read's answer that is not JSON.
        """
        self._check(request, response)
        if response.status == codes.NO_CONTENT:
            return None
        try:
            return _json(response.body)
        except ValueError as err:
            raise self._unread(request, response) from err

    def values(self, request: Request, response: Response) -> Iterator[Any]:
        """The values of a list that the server answered, each read when it is wanted.

        What ends before its end is found at once, so that it can be asked for again; what else is
        no JSON, when it is come to.

        :raises AuthError, ConfigError, RefusedError, TemporaryError, ProtocolError: as ``decode``.
        """
        is_list = _plain(response.body[:_BEGINNING]).lstrip().startswith(b"[")
        if _is_cut(response.body) or not is_list:
            return iter(typed(self.decode(request, response), list, "result", "search"))
        self._check(request, response)
        return self._each(request, response)

    def _each(self, request: Request, response: Response) -> Iterator[Any]:
        unread = self._unread(request, response)
        values = read_values(_plain(response.body))
        del response
        try:
            yield from values
        except ValueError as err:
            raise unread from err

    def _check(self, request: Request, response: Response) -> None:
        """Raise what is no value."""
        if response.status >= codes.BAD_REQUEST:
            raise self._failure(request, response)
        if response.status >= codes.OK_BELOW:
            raise self._redirected(response)
        if response.status != codes.NO_CONTENT and response.content_type in _WEB_PAGES:
            raise AuthError(
                f"{self.host} answered {request} with a web page instead of data:"
                " a login page, or a proxy in between.",
                "Check `url`, and let the proxy pass HTTP Basic requests through to Gerrit.",
            )

    def _full(self, path: str) -> str:
        return f"/a{path}" if self.username else path

    def _redirected(self, response: Response) -> ConfigError:
        target = _safe_target(response.header("location"))
        return ConfigError(
            f"`url`: {self.host} redirects to {target}"
            f" ({response.status}); redirects are not followed, since credentials would go along.",
            "Set `url` to the address under which Gerrit itself answers"
            " (https where it is on, with its sub-path, without a login page in front).",
        )

    def _unread(self, request: Request, response: Response) -> ReviewLoopError:
        kind: Type[ReviewLoopError] = ProtocolError
        if request.writes:
            kind = AmbiguousError
        elif _is_cut(response.body):
            kind = TemporaryError
        return kind(
            f"{self.host} answered {request} with {response.status} and"
            f" {len(response.body)} bytes that are not JSON"
            f" ({response.content_type or 'no content type'})."
        )

    def _failure(self, request: Request, response: Response) -> ReviewLoopError:
        status = response.status
        said = self._said(response)
        who = f" as {self.username}" if self.username else ""
        message = f"{self.host} answered {request}{who} with {status}{said and ': ' + said}."
        if status == codes.UNAUTHORIZED or (status == codes.FORBIDDEN and not self.username):
            anonymous = "Set `username` and `password`."
            return AuthError(message, _RENEW_CREDENTIALS if self.username else anonymous)
        if status in (codes.TIMEOUT, codes.TOO_MANY) or status >= codes.SERVER_ERROR:
            # 429 is said before any work; a 408 or 5xx may come from a proxy after the work.
            lost = request.writes and status != codes.TOO_MANY
            kind = AmbiguousError if lost else TemporaryError
            wait = response.retry_after()
            when = "later" if wait is None else f"in {wait:.0f} seconds at the earliest, as it asks"
            return kind(message, f"Try again {when}.", wait, status)
        return RefusedError(message, self._remedy(request, status), status)

    def _remedy(self, request: Request, status: int) -> str:
        if status == codes.BAD_REQUEST and any(key == "q" for key, _ in request.params):
            return "Correct `query`: Gerrit does not understand it."
        if status == codes.NOT_FOUND and "%2F" in request.path:
            proxies = "A proxy in front of Gerrit must leave %2F in paths alone."
            return f"{_REMEDIES[status]} {proxies}"
        return _REMEDIES.get(status, "See what the server says.")

    def _said(self, response: Response) -> str:
        """The server's own words: plain text, or the texts of a JSON error (review, reviewers)."""
        if response.content_type.endswith("html"):
            return ""
        text = response.text
        if response.content_type == "application/json":
            text = _json_error(response.body) or text
        return _capped(hidden(text, self.secrets)).rstrip(". ")


_RENEW_CREDENTIALS = (
    "Renew `username` and `password`: Gerrit wants the HTTP password (from 3.13 an authentication"
    " token, which can expire) of Settings > HTTP Credentials, not the login password."
)

_REMEDIES: Mapping[int, str] = {
    codes.BAD_REQUEST: "Correct what the server names.",
    codes.FORBIDDEN: "Grant the account this permission in the project's access rights.",
    codes.NOT_FOUND: "It does not exist, or the account may not see it.",
    codes.NOT_ALLOWED: "The server has this function switched off.",
    codes.CONFLICT: "The change's state does not allow this: read it again.",
    codes.PRECONDITION_FAILED: "The change has moved on: read it again.",
    codes.TOO_LARGE: "Shorten the text.",
    codes.URI_TOO_LONG: "Shorten `query`.",
    codes.UNPROCESSABLE: "Correct the account, group or change named in the request.",
}


def change_id(number: int, project: str = "") -> str:
    """A change's identifier for a path: ``project~number``, or the number where it is all we know.

    Both parts are percent-encoded, ``/`` too. A bare number costs the server an index look-up.
    """
    return change_ident(number, project)


def segment(text: Union[str, int]) -> str:
    """One path segment (an account, a group), percent-encoded."""
    return quote(str(text), safe="")


def _json(body: bytes) -> Any:
    return read_json(_plain(body))


def _plain(body: bytes) -> bytes:
    start = len(_XSSI_PREFIX) if body.startswith(_XSSI_PREFIX) else 0
    return body[start:]


def _is_cut(body: bytes) -> bool:
    """Whether a body that is not JSON may be the beginning of one: a proxy that lost the server in
    the middle ends what it has as if it were whole. A whole answer of Gerrit's ends in a line
    break, and compact JSON holds none (``com.google.gerrit.httpd.restapi.RestApiServlet``).
    """
    begun = _XSSI_PREFIX.startswith(body) or body.startswith(_XSSI_PREFIX)
    return begun and not (body.endswith(b"\n") and len(body.strip()) > len(_XSSI_PREFIX))


def _json_error(body: bytes) -> str:
    """``{"error": ..., "reviewers": {"x": {"error": ...}}}`` as one text, else empty."""
    try:
        value = _json(body)
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    reviewers = value.get("reviewers")
    results = list(reviewers.values()) if isinstance(reviewers, dict) else []
    errors = [item.get("error") for item in [value, *results] if isinstance(item, dict)]
    return "; ".join(error for error in errors if isinstance(error, str))


def _capped(text: str) -> str:
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    lead = " " if text.startswith(" ") else ""
    short = flat if len(flat) <= MAX_ERROR_TEXT else flat[: MAX_ERROR_TEXT - 1] + "…"
    return lead + short if short else ""


def _safe_target(location: str) -> str:
    """Scheme and host of a redirect's target, without user information, path or query."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme or 'http'}://{host}" if host else "another of its pages"
