"""A transport that takes its time: whoever reads much of a server leaves room for its people."""

from __future__ import annotations

from typing import Optional

from reviewloop.http.messages import Request, Response
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport


class PacedTransport(Transport):
    """Requests follow each other, each begun at least ``pause`` seconds after the one before."""

    def __init__(self, transport: Transport, pause: float, timing: Timing) -> None:
        self._transport = transport
        self._pause = pause
        self._timing = timing
        self._begun: Optional[float] = None

    def send(self, request: Request) -> Response:
        """See ``Transport.send``."""
        now = self._timing.monotonic()
        left = 0.0 if self._begun is None else self._begun + self._pause - now
        if left > 0:
            self._timing.sleep(left)
        self._begun = now + max(0.0, left)
        return self._transport.send(request)

    def close(self) -> None:
        """Let go of connections."""
        self._transport.close()
