"""A tracker's REST interface over the one transport: each fault has its name.

- Reads (GET) are repeated a few times on 429, 5xx and lost connections.
- Writes are never repeated here. A write whose answer was lost raises AmbiguousError, and the
  caller looks before it writes again.
- Credentials go to one origin only: redirects are errors, and so is a next page elsewhere.
- No message holds a header, a query or a body that was sent, nor a credential that was repeated.

GitHub's rules for 403 and 429 are followed for every tracker, since they only add to RFC 9110's
``Retry-After``: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple, Type, Union
from urllib.parse import urlencode, urlsplit

from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http.credentials import credentials_in, hidden
from reviewloop.http.messages import Request, Response, read_json, whole_number
from reviewloop.http.retry import Patience, Timing, patiently
from reviewloop.http.transport import RequestsTransport, Transport

#: How often a read is tried; an action does not sleep for longer, but tells its caller.
PATIENCE = Patience(tries=3, longest=20.0)
DEFAULT_RETRY_AFTER = 60.0
"""GitHub: without a header that tells, "wait for at least one minute"."""
SHOWN = 200
"""Characters of a tracker's own words in a message."""
SETTINGS = "tracker."

OK_BELOW = 300
REDIRECT_BELOW = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
TOO_MANY = 429
SERVER_ERROR = 500

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_HEADER = re.compile("[ -~\u00a1-\u00ff]*")
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True)
class Answer:
    """A successful answer: ``data`` is the parsed JSON, None where there is no body; the names of
    ``headers`` are in lower case.
    """

    status: int
    data: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def next_url(self) -> Optional[str]:
        """The address of the next page (RFC 8288 ``Link`` with ``rel="next"``), if there is one."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found.group(1) if found else None


Remedy = Callable[[int], str]
"""What an operator should do about a status; empty where the adapter knows nothing."""


def _no_remedy(status: int) -> str:  # noqa: ARG001 - shape of Remedy
    return ""


class Http:
    """One tracker's API under one base address.

    :param base: address without trailing slash, to which paths are appended.
    :param headers: sent with every call; credentials belong here.
    :param verify: whether, or by which bundle, certificates are checked.
    :param write_spacing: least seconds between two writes.
    :param remedy: the adapter's advice for a refused call.
    :param fault_text: a refusal with these words is a fault of the server, as if it said 500.
    :param keep_alive: False closes the connection after every call.
    :param secrets: what no message may repeat, beside the credentials in ``headers``.
    :param transport: another transport than the network, to the base's origin.
    """

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        verify: Union[bool, str] = True,
        write_spacing: float = 0.0,
        remedy: Remedy = _no_remedy,
        fault_text: str = "",
        keep_alive: bool = True,
        secrets: Tuple[str, ...] = (),
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        _check_headers(headers)
        parts = urlsplit(base)
        self._origin = (parts.scheme, parts.netloc)
        self._host = parts.netloc
        self._root = parts.path
        self._headers = dict(headers)
        self._secrets = (*secrets, *credentials_in(headers))
        self._remedy = remedy
        self._fault_text = fault_text
        self._keep_alive = keep_alive
        self._spacing = write_spacing
        self._timing = timing or Timing()
        self._last_write: Optional[float] = None
        self._transport = transport or RequestsTransport(
            f"{parts.scheme}://{parts.netloc}", verify=verify, settings=SETTINGS
        )

    def read(self, path: str, params: Optional[Mapping[str, Any]] = None) -> Answer:
        """GET a path (or an absolute address of the same origin), repeated where that may help.

        :param params: the query; a list is sent as several, None is left out.
        """
        request = self._request("GET", path, params)
        return patiently(lambda: self._exchange(request), PATIENCE, self._timing)

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        headers: Optional[Mapping[str, str]] = None,
        form: bool = False,
    ) -> Answer:
        """Send JSON, or a form, once; see the module for what a lost answer means."""
        text = urlencode(_pairs(body)) if form else json.dumps(body, allow_nan=False)
        kind = {"Content-Type": _FORM if form else _JSON}
        request = self._request(method, path, None, text.encode(), {**kind, **(headers or {})})
        self._space_writes()
        try:
            return self._exchange(request)
        finally:
            self._last_write = self._timing.monotonic()

    def _space_writes(self) -> None:
        if self._last_write is None or not self._spacing:
            return
        wait = self._last_write + self._spacing - self._timing.monotonic()
        if wait > 0:
            self._timing.sleep(wait)

    def _request(
        self,
        method: str,
        path: str,
        params: Optional[Mapping[str, Any]] = None,
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Request:
        sent = {**self._headers, **(headers or {})}
        return Request(method, self._inside(path), _pairs(params or {}), body, sent)

    def _inside(self, path: str) -> str:
        """Path and query below the origin."""
        if not path.startswith(("http://", "https://")):
            return self._root + path
        parts = urlsplit(path)
        if parts[:2] != self._origin:
            raise ProtocolError(
                f"{self._host} names an address on another host as its next page.",
                "Check tracker.url: it must be the address the tracker calls itself by.",
            )
        return f"{parts.path or '/'}?{parts.query}"

    def _exchange(self, request: Request) -> Answer:
        try:
            response = self._transport.send(request)
        finally:
            if not self._keep_alive:
                self._transport.close()
        return self.judge(response, f"{request} at {self._host}", request.writes)

    def shown(self, text: str) -> str:
        """A tracker's own words as one short line, without our credentials."""
        return _shown(text, self._secrets)

    def judge(self, response: Response, what: str, is_write: bool) -> Answer:
        """What an answer means: itself, or the error it stands for; trackers with statuses of
        their own override it.
        """
        status = response.status
        if status < OK_BELOW:
            return Answer(status, _parsed(response, what, is_write), response.headers)
        if status < REDIRECT_BELOW:
            moved = "Set tracker.url and tracker.project to where the tracker is now."
            raise RefusedError(
                f"{what} answered with a redirect ({status}), which is not followed.",
                self._remedy(status) or moved,
                status,
            )
        if status == UNAUTHORIZED:
            raise AuthError(
                f"{self._host} does not accept our credential (401).", "Renew tracker.token."
            )
        limited = _limited(response, what)
        if limited:
            raise limited
        if status >= SERVER_ERROR or (self._fault_text and self._fault_text in response.text):
            raise _broken(status, what, is_write)
        raise RefusedError(
            f"{what} was refused ({status}): {_said(response, self._secrets)}",
            self._remedy(status),
            status,
            _told(response),
        )


def _pairs(values: Mapping[str, Any]) -> Tuple[Tuple[str, str], ...]:
    """Fields of a query or a form."""
    found = []
    for name, value in values.items():
        several = value if isinstance(value, (list, tuple)) else [value]
        found += [(name, str(one)) for one in several if one is not None]
    return tuple(found)


def _check_headers(headers: Mapping[str, str]) -> None:
    """Say what a credential is wrong in that no header can hold, without showing it.

    :raises ConfigError: it has a line break, another control character, or one beyond Latin-1.
    """
    for value in headers.values():
        if not _HEADER.fullmatch(value):
            raise ConfigError(
                "tracker.token (not shown) holds a character that cannot be sent, such as a line "
                "break.",
                "Store it again, without anything before or behind it.",
            )


def _broken(status: int, what: str, is_write: bool) -> TemporaryError:
    if is_write:
        return AmbiguousError(
            f"{what} answered {status}; whether it happened is not known.",
            "The next run looks before it writes.",
        )
    return TemporaryError(f"{what} answered {status}.", "The next run tries again.")


def _limited(response: Response, what: str) -> Optional[TemporaryError]:
    """The rate limit behind a 403 or 429; None for a plain refusal."""
    seconds = retry_after(response)
    if seconds is None:
        return None
    return TemporaryError(
        f"{what} was put off by a rate limit ({response.status}).",
        f"Nothing was done; try again in {seconds:.0f} seconds.",
        seconds,
    )


def retry_after(response: Response) -> Optional[float]:
    """Seconds a rate limit asks us to wait; None if the answer is none.

    ``Retry-After`` (seconds or a date), else with ``x-ratelimit-remaining: 0`` the time until
    ``x-ratelimit-reset``, else one minute. A 403 without these signs is a missing permission,
    unless its text speaks of a rate limit, as GitHub's secondary limits do.
    """
    if response.status not in (FORBIDDEN, TOO_MANY):
        return None
    if response.header("retry-after").strip():
        return _or_default(response.retry_after())
    if response.header("x-ratelimit-remaining") == "0":
        reset = whole_number(response.header("x-ratelimit-reset"))
        moment = None if reset is None else _EPOCH + timedelta(seconds=reset)
        return _or_default(response.seconds_until(moment))
    if response.status == TOO_MANY or "rate limit" in response.text[:2000].lower():
        return DEFAULT_RETRY_AFTER
    return None


def _or_default(seconds: Optional[float]) -> float:
    return DEFAULT_RETRY_AFTER if seconds is None else seconds


def _parsed(response: Response, what: str, is_write: bool) -> Any:
    """The JSON of a successful answer, decoded as UTF-8 whatever its headers say (RFC 8259)."""
    raw = response.body
    if not raw.strip():
        return None
    if raw.lstrip()[:1] == b"<" or "html" in response.content_type:
        raise AuthError(
            f"{what} answered with a page instead of data, most likely a login page.",
            "Check tracker.url (the API's address, not behind a web login) and tracker.token.",
        )
    try:
        return read_json(raw)
    except ValueError as err:
        fault: Tuple[Type[ReviewLoopError], str] = (
            (AmbiguousError, "The next run looks before it writes.")
            if is_write
            else (ProtocolError, "Check tracker.url; a proxy may cut or change answers.")
        )
        raise fault[0](f"{what} answered something that is not JSON.", fault[1]) from err


def _told(response: Response) -> Any:
    """The JSON of a refusal, else its text."""
    try:
        return read_json(response.body)
    except ValueError:
        return response.text


def _shown(text: str, secrets: Iterable[str]) -> str:
    return hidden(" ".join(text.split()), secrets)[:SHOWN]


def _said(response: Response, secrets: Iterable[str] = ()) -> str:
    """The tracker's own words for a refusal, as one short line."""
    told = _told(response)
    if isinstance(told, str) and told.lstrip()[:1] == "<":
        return "(a page)"
    return _shown(_words(told), secrets) or "(no reason given)"


def _words(told: Any) -> str:
    """The message in a JSON refusal: GitHub's ``message`` and ``errors``, Roundup's
    ``error.msg``, Jira's ``errorMessages``.
    """
    if not isinstance(told, dict):
        return str(told)
    inner: Dict[str, Any] = told["error"] if isinstance(told.get("error"), dict) else told
    parts = [str(inner[name]) for name in ("message", "msg") if inner.get(name)]
    several = inner.get("errorMessages")
    parts += [str(one) for one in several] if isinstance(several, list) else []
    parts += [json.dumps(inner["errors"])] if inner.get("errors") else []
    return " ".join(parts) or json.dumps(inner)
