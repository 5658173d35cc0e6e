"""The network: requests of the pack's real clients, answered in memory, or not.

It stands where ``requests`` hands a prepared request to a connection
(``requests.adapters.HTTPAdapter.send``), so that the pack's own transport runs as it is.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3
import urllib3.exceptions
from requests.adapters import HTTPAdapter

LOGIN_PAGE = b"<!DOCTYPE html><html><title>Sign in</title><form action=/login></form></html>"
PLAIN = {"content-type": "text/plain; charset=UTF-8"}
_PASSED_ON = {"empty answer": 0.0, "half an answer": 0.5}
"""How much of an answer a proxy that lost the server passes on as if it were all."""


@dataclass(frozen=True)
class Answer:
    """What a server says; ``cut``: so many bytes of the body are missing at its end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int = 0


Server = Callable[[requests.PreparedRequest], Answer]


@dataclass
class Fault:
    """What happens to the next ``times`` requests of a kind.

    :ivar writes: only writes, only reads, or None for both.
    :ivar done: the server does the work before it happens.
    """

    kind: str
    times: int
    writes: Optional[bool] = None
    done: bool = False


class Network:
    """All servers by host.

    :ivar moment: told before a request leaves and after its answer came.
    """

    def __init__(self) -> None:
        self.servers: Dict[str, Server] = {}
        self.faults: Dict[str, List[Fault]] = {}
        self.moment: Callable[[str], None] = lambda _moment: None
        self.met = 0

    def install(self) -> None:
        """Stand between ``requests`` and the real network."""
        network = self

        def send(adapter: HTTPAdapter, request: Any, *_: Any, **__: Any) -> requests.Response:
            answer = network.exchange(request)
            return adapter.build_response(request, _raw(answer))

        HTTPAdapter.send = send  # type: ignore[method-assign, assignment]

    def exchange(self, request: requests.PreparedRequest) -> Answer:
        """One request and its answer, or what goes wrong."""
        host = urlsplit(request.url or "").netloc
        server = self.servers[host]
        self.moment("before_request")
        fault = self._fault(host, request.method != "GET")
        answer = server(request) if fault is None else _played(fault, request, server)
        self.moment("after_request")
        return answer

    def _fault(self, host: str, writes: bool) -> Optional[Fault]:
        for fault in self.faults.get(host, ()):
            if fault.times > 0 and fault.writes in (None, writes):
                fault.times -= 1
                self.met += 1
                return fault
        return None


def _played(fault: Fault, request: requests.PreparedRequest, server: Server) -> Answer:
    done = fault.done or fault.kind in ("cut body", *_PASSED_ON)
    answer = server(request) if done else Answer(200, {}, b"")
    if fault.kind in _ERRORS:
        raise _ERRORS[fault.kind](request)
    if fault.kind in _PASSED_ON:
        left = answer.body[: int(len(answer.body) * _PASSED_ON[fault.kind])]
        return Answer(answer.status, answer.headers, left)
    if fault.kind == "cut body":
        return Answer(answer.status, answer.headers, answer.body, cut=1 + len(answer.body) // 2)
    if fault.kind == "login page":
        return Answer(200, {"content-type": "text/html; charset=utf-8"}, LOGIN_PAGE)
    status = int(fault.kind.split()[0])
    retry = {"retry-after": "30"} if fault.kind.endswith("Retry-After") else {}
    return Answer(status, {**PLAIN, **retry}, b"A fault of the simulation.")


def _timeout(request: requests.PreparedRequest) -> Exception:
    return requests.exceptions.ReadTimeout("Read timed out.", request=request)


def _reset(request: requests.PreparedRequest) -> Exception:
    broken = urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104))
    return requests.exceptions.ConnectionError(broken, request=request)


def _refused(request: requests.PreparedRequest) -> Exception:
    return requests.exceptions.ConnectTimeout("No connection.", request=request)


_ERRORS: Dict[str, Callable[[requests.PreparedRequest], Exception]] = {
    "timeout": _timeout,
    "drip": _timeout,  # as a transport with a deadline sees it
    "reset": _reset,
    "refused": _refused,
}


def _raw(answer: Answer) -> Any:
    """The answer as urllib3 hands it over; a cut one breaks off while it is read."""
    whole = len(answer.body)
    headers = {**answer.headers, "content-length": str(whole)}
    return urllib3.HTTPResponse(
        body=io.BytesIO(answer.body[: max(0, whole - answer.cut)]),
        headers=headers,
        status=answer.status,
        preload_content=False,
        enforce_content_length=True,
        request_method="GET",
    )
