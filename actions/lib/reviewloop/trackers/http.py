"""A tracker's REST interface over the one transport: each fault has its name.

- Reads (GET) are repeated a few times on 429, 5xx and lost connections.
- Writes are never repeated here. A write whose answer was lost raises AmbiguousError, and the
  caller looks before it writes again.
- Credentials go to one origin only: redirects are errors, and so is a next page elsewhere.
- No message holds a header, a query or a body that was sent, nor a credential that was repeated.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Mapping, Optional, Tuple, Union
from urllib.parse import urlencode, urlsplit

from reviewloop.errors import AuthError, ConfigError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.http.credentials import credentials_in
from reviewloop.http.messages import Request, Response
from reviewloop.http.retry import Patience, Timing, patiently
from reviewloop.http.transport import RequestsTransport, Transport
from reviewloop.trackers import answers
from reviewloop.trackers.answers import Answer

#: How often a read is tried; an action does not sleep for longer, but tells its caller.
PATIENCE = Patience(tries=3, longest=20.0)
SETTINGS = "tracker."

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_HEADER = re.compile("[ -~\u00a1-\u00ff]*")

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

    def one_line(self, text: str) -> str:
        """A tracker's own words as one short line, without our credentials."""
        return answers.one_line(text, self._secrets)

    def judge(self, response: Response, what: str, is_write: bool) -> Answer:
        """What an answer means: itself, or the error it stands for; trackers with statuses of
        their own override it.
        """
        status = response.status
        if status < codes.OK_BELOW:
            return Answer(status, answers.content(response, what, is_write), response.headers)
        if status < codes.REDIRECT_BELOW:
            moved = "Set tracker.url and tracker.project to where the tracker is now."
            raise RefusedError(
                f"{what} answered with a redirect ({status}), which is not followed.",
                self._remedy(status) or moved,
                status,
            )
        if status == codes.UNAUTHORIZED:
            raise AuthError(
                f"{self._host} does not accept our credential (401).", "Renew tracker.token."
            )
        limited = answers.rate_limit(response, what)
        if limited:
            raise limited
        if status >= codes.SERVER_ERROR or (self._fault_text and self._fault_text in response.text):
            raise answers.server_fault(status, what, is_write)
        raise RefusedError(
            f"{what} was refused ({status}): {answers.reason(response, self._secrets)}",
            self._remedy(status),
            status,
            answers.refusal(response),
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
