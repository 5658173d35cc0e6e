"""HTTP for trackers: what may be repeated is repeated, what may not never is, and each fault has
its name.

- Reads (GET) are repeated a few times on 429, 5xx and lost connections.
- Writes are never repeated here. A write whose answer was lost raises AmbiguousError, and the
  caller looks before it writes again.
- Credentials go to one origin only: redirects are errors, a next page elsewhere is an error, and
  the environment (proxies, ``.netrc``) is not consulted.
- No message holds a header, a query or a body that was sent.

GitHub's rules for 403 and 429 are followed for every tracker, since they only add to RFC 9110's
``Retry-After``: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Union
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import NewConnectionError

from reviewloop import __version__
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)

# What adapters may be given in place of the network.
Transport = BaseAdapter
USER_AGENT = f"stackstorm-gerrit/{__version__} (reviewloop)"
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
READ_ATTEMPTS = 3
LONGEST_PAUSE = 20.0
"""Seconds an action sleeps at most before it asks again; longer waits go back to the caller."""
DEFAULT_RETRY_AFTER = 60.0
"""GitHub: without a header that tells, "wait for at least one minute"."""
SHOWN = 200

OK_BELOW = 300
REDIRECT_BELOW = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
TOO_MANY = 429
SERVER_ERROR = 500

_HEADER = re.compile("[ -~\u00a1-\u00ff]*")
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True)
class Answer:
    """A successful answer: ``data`` is the parsed JSON, None where there is no body."""

    status: int
    data: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def next_url(self) -> Optional[str]:
        """The address of the next page (RFC 8288 ``Link`` with ``rel="next"``), if there is one."""
        found = _NEXT.search(self.headers.get("Link", ""))
        return found.group(1) if found else None


@dataclass(frozen=True)
class Timing:
    """Clock, sleep and chance, to be replaced in tests. Seconds throughout."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


Remedy = Callable[[int], str]
"""What an operator should do about a status; empty where the adapter knows nothing."""


def _no_remedy(status: int) -> str:  # noqa: ARG001 - shape of Remedy
    return ""


class Http:
    """One tracker's API under one base address.

    :param base: address without trailing slash, to which paths are appended.
    :param headers: sent with every call; credentials belong here.
    :param verify: requests' ``verify``: whether, or by which bundle, certificates are checked.
    :param write_spacing: least seconds between two writes.
    :param remedy: the adapter's advice for a refused call.
    :param fault_text: a refusal with these words is a fault of the server, as if it said 500.
    :param keep_alive: False closes the connection after every call.
    :param transport: another transport than the network, for tests.
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
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        _check_headers(headers)
        self._base = base
        self._host = urlsplit(base).netloc
        self._remedy = remedy
        self._fault_text = fault_text
        self._keep_alive = keep_alive
        self._spacing = write_spacing
        self._timing = timing or Timing()
        self._last_write: Optional[float] = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = verify
        self._session.headers.update({"User-Agent": USER_AGENT, **headers})
        if transport is not None:
            self._session.mount(f"{urlsplit(base).scheme}://", transport)

    def read(self, path: str, params: Optional[Mapping[str, Any]] = None) -> Answer:
        """GET a path (or an absolute address of the same origin), repeated where that may help."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return self._exchange("GET", path, params=params)
            except TemporaryError as err:
                pause = self._pause(err, attempt)
                if attempt == READ_ATTEMPTS or pause > LONGEST_PAUSE:
                    raise
                self._timing.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        headers: Optional[Mapping[str, str]] = None,
        form: bool = False,
    ) -> Answer:
        """Send JSON, or a form, once; see the module for what a lost answer means."""
        self._space_writes()
        try:
            return self._exchange(method, path, body=body, headers=headers, form=form)
        finally:
            self._last_write = self._timing.monotonic()

    def _pause(self, err: TemporaryError, attempt: int) -> float:
        asked = err.retry_after
        return (float(2 ** (attempt - 1)) if asked is None else asked) + self._timing.jitter()

    def _space_writes(self) -> None:
        if self._last_write is None or not self._spacing:
            return
        wait = self._last_write + self._spacing - self._timing.monotonic()
        if wait > 0:
            self._timing.sleep(wait)

    def _exchange(
        self,
        method: str,
        path: str,
        params: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        form: bool = False,
    ) -> Answer:
        url = self._address(path)
        what = f"{method} {urlsplit(url).path} at {self._host}"
        try:
            response = self._session.request(
                method,
                url,
                params=params,
                json=None if form else body,
                data=body if form else None,
                headers=dict(headers or {}),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as err:
            raise self._lost(err, what, is_write=method != "GET") from err
        finally:
            if not self._keep_alive:
                self._session.close()
        return self.judge(response, what, is_write=method != "GET")

    def _address(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return self._base + path
        if urlsplit(path)[:2] != urlsplit(self._base)[:2]:
            raise ProtocolError(
                f"{self._host} names an address on another host as its next page.",
                "Check tracker.url: it must be the address the tracker calls itself by.",
            )
        return path

    def _lost(self, err: requests.RequestException, what: str, is_write: bool) -> Exception:
        """The fault behind an exchange that brought no answer."""
        if isinstance(err, requests.exceptions.SSLError) and "CERTIFICATE" in str(err).upper():
            return ConfigError(
                f"The certificate of {self._host} is not trusted.",
                "Set tracker.ca_bundle to the file of your certificate authority.",
            )
        if is_write and not _surely_unsent(err):
            return AmbiguousError(
                f"The answer to {what} was lost ({type(err).__name__}).",
                "It may have happened: the next run looks before it writes.",
            )
        if isinstance(err, (requests.ConnectionError, requests.Timeout, _BROKEN)):
            return TemporaryError(
                f"No answer to {what} ({type(err).__name__}).",
                "Check that the tracker is up and reachable; the next run tries again.",
            )
        return ProtocolError(f"{what} failed ({type(err).__name__}).", "Check tracker.url.")

    def judge(self, response: requests.Response, what: str, is_write: bool) -> Answer:
        """What an answer means: itself, or the error it stands for; trackers with statuses of
        their own override it.
        """
        status = response.status_code
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
            f"{what} was refused ({status}): {_said(response)}",
            self._remedy(status),
            status,
            _told(response),
        )


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


_BROKEN = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def _surely_unsent(err: requests.RequestException) -> bool:
    """True if the request cannot have reached the server: no connection was ever made."""
    if isinstance(err, requests.ConnectTimeout):
        return True
    reason = getattr(err.args[0], "reason", err.args[0]) if err.args else None
    return isinstance(reason, NewConnectionError)


def _broken(status: int, what: str, is_write: bool) -> TemporaryError:
    if is_write:
        return AmbiguousError(
            f"{what} answered {status}; whether it happened is not known.",
            "The next run looks before it writes.",
        )
    return TemporaryError(f"{what} answered {status}.", "The next run tries again.")


def _limited(response: requests.Response, what: str) -> Optional[TemporaryError]:
    """The rate limit behind a 403 or 429; None for a plain refusal."""
    seconds = retry_after(response.status_code, response.headers, response.text[:2000])
    if seconds is None:
        return None
    return TemporaryError(
        f"{what} was put off by a rate limit ({response.status_code}).",
        f"Nothing was done; try again in {seconds:.0f} seconds.",
        seconds,
    )


def retry_after(status: int, headers: Mapping[str, str], text: str = "") -> Optional[float]:
    """Seconds a rate limit asks us to wait; None if the answer is none.

    ``Retry-After`` (seconds or a date), else with ``x-ratelimit-remaining: 0`` the time until
    ``x-ratelimit-reset``, else one minute. A 403 without these signs is a missing permission,
    unless its text speaks of a rate limit, as GitHub's secondary limits do. Dates are compared with
    the answer's own ``Date``, so that this machine's clock does not matter.
    """
    if status not in (FORBIDDEN, TOO_MANY):
        return None
    told = headers.get("Retry-After", "").strip()
    if told.isdigit():
        return float(told)
    if told:
        return _until(_instant(told), headers)
    if headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        return _until(float(reset) if reset.isdigit() else None, headers)
    if status == TOO_MANY or "rate limit" in text.lower():
        return DEFAULT_RETRY_AFTER
    return None


def _until(instant: Optional[float], headers: Mapping[str, str]) -> float:
    now = _instant(headers.get("Date", ""))
    if instant is None or now is None:
        return DEFAULT_RETRY_AFTER
    return max(0.0, instant - now)


def _instant(text: str) -> Optional[float]:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError):
        return None


def _parsed(response: requests.Response, what: str, is_write: bool) -> Any:
    """The JSON of a successful answer, decoded as UTF-8 whatever its headers say (RFC 8259)."""
    raw = response.content
    if not raw.strip():
        return None
    if raw.lstrip()[:1] == b"<" or "html" in response.headers.get("Content-Type", "").lower():
        raise AuthError(
            f"{what} answered with a page instead of data, most likely a login page.",
            "Check tracker.url (the API's address, not behind a web login) and tracker.token.",
        )
    try:
        return json.loads(raw.decode("utf-8"))
    except ValueError as err:
        fault: Tuple[type, str] = (
            (AmbiguousError, "The next run looks before it writes.")
            if is_write
            else (ProtocolError, "Check tracker.url; a proxy may cut or change answers.")
        )
        raise fault[0](f"{what} answered something that is not JSON.", fault[1]) from err


def _told(response: requests.Response) -> Any:
    """The JSON of a refusal, else its text."""
    text = response.content.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _said(response: requests.Response) -> str:
    """The tracker's own words for a refusal, as one short line."""
    told = _told(response)
    if isinstance(told, str) and told.lstrip()[:1] == "<":
        return "(a page)"
    return " ".join(_words(told).split())[:SHOWN] or "(no reason given)"


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
