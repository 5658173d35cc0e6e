"""What a step takes: requests and bytes, processor time here and at the server, wall time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List

import requests

from benchmarks.rows import mega
from benchmarks.site import BulkGerrit
from reviewloop.http import body, transport


@dataclass(frozen=True)
class Taken:
    """Cost of one step. ``wire`` and ``body``: bytes of answers, as they came and unpacked."""

    requests: int
    wire: int
    body: int
    cpu: float
    server_cpu: float
    wall: float

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {mega(self.body)} ({mega(self.wire)} sent),"
            f" {self.cpu:.1f} s CPU, server {self.server_cpu:.1f} s, {self.wall:.1f} s"
        )

    @property
    def small(self) -> str:
        """The same where it is little."""
        return (
            f"{self.requests} requests, {self.body:,} B ({self.wire:,} sent),"
            f" {self.cpu * 1e3:.1f} ms CPU, {self.wall * 1e3:.0f} ms"
        )


class Meter:
    """Measures steps against one server; only one may exist in a process."""

    def __init__(self, server: BulkGerrit) -> None:
        self._server = server
        self._wire = self._body = self._answers = 0
        self._watch_library()
        self._watch_requests()

    def run(self, step: Callable[[], object]) -> Taken:
        """Take one step. Requests are those that arrived at the server, up to 5,000."""
        self._server.reset_requests()
        self._wire = self._body = 0
        served, cpu, wall = self._server.cpu(), time.process_time(), time.perf_counter()
        step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        served = self._server.cpu() - served
        return Taken(len(self._server.requests()), self._wire, self._body, cpu, served, wall)

    def least(self, step: Callable[[], object], rounds: int = 15) -> Taken:
        """The median of some rounds, by processor time."""
        found: List[Taken] = sorted((self.run(step) for _ in range(rounds)), key=lambda t: t.cpu)
        return found[rounds // 2]

    def _watch_library(self) -> None:
        """The pack's own transport, before and after unpacking."""
        parts, read_body = transport._parts, body.read_body

        def counted(answer: requests.Response) -> Iterator[bytes]:
            for part in parts(answer):
                self._wire += len(part)
                yield part

        def read(*arguments: Any) -> bytes:
            found = read_body(*arguments)
            self._body += len(found)
            return found

        transport._parts = counted
        transport.read_body = read  # type: ignore[assignment, attr-defined]

    def _watch_requests(self) -> None:
        """Clients that use `requests` and take whole answers."""
        send = requests.Session.send

        def sent(session: requests.Session, request: Any, **options: Any) -> requests.Response:
            answer = send(session, request, **options)
            if not options.get("stream"):
                self._body += len(answer.content)
                self._wire += answer.raw.tell()
            return answer

        requests.Session.send = sent  # type: ignore[assignment, method-assign]
