"""Faults that the simulated Gerrit plays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional

from reviewloop.http.messages import Request, Response

_LOGIN_PAGE = b"<!DOCTYPE html><html><title>Sign in</title><form action=/login></form></html>"


@dataclass
class Fault:
    """Something that goes wrong with the next ``times`` requests whose ``METHOD /path`` matches."""

    match: str
    times: int
    answer: Optional[Response] = None
    done: bool = False
    unsent: bool = False


class Faults:
    """What goes wrong with the next requests."""

    def __init__(self) -> None:
        self._faults: List[Fault] = []

    def fail(
        self,
        status: int,
        text: str = "",
        times: int = 1,
        match: str = "",
        *,
        retry_after: str = "",
        done: bool = False,
    ) -> None:
        """Answer with this status; ``done``: after the work, as a proxy may."""
        headers = {"content-type": "text/plain; charset=UTF-8"}
        if retry_after:
            headers["retry-after"] = retry_after
        answer = Response(status, headers, text.encode())
        self._faults.append(Fault(match, times, answer, done))

    def html(self, times: int = 1, match: str = "", status: int = 200) -> None:
        """Answer with a login page, without doing the work."""
        answer = Response(status, {"content-type": "text/html; charset=utf-8"}, _LOGIN_PAGE)
        self._faults.append(Fault(match, times, answer))

    def answer(self, response: Response, times: int = 1, match: str = "") -> None:
        """Answer with whatever this is, without doing the work."""
        self._faults.append(Fault(match, times, response))

    def drop(self, times: int = 1, match: str = "", *, done: bool = True) -> None:
        """Close the connection without an answer, after the work or (``done=False``) before it."""
        self._faults.append(Fault(match, times, None, done))

    def refuse(self, times: int = 1, match: str = "") -> None:
        """Let no connection come about."""
        self._faults.append(Fault(match, times, None, unsent=True))

    def calm(self) -> None:
        """Forget all faults that have not come yet."""
        self._faults.clear()

    def _fault(self, request: Request) -> Optional[Fault]:
        for fault in self._faults:
            if fault.times > 0 and re.search(fault.match, f"{request.method} {request.path}"):
                fault.times -= 1
                return fault
        return None
