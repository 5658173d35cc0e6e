"""A request that is sent before its answer is wanted, so that the server works meanwhile."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from time import sleep
from typing import Optional

from reviewloop.errors import ReviewLoopError
from reviewloop.http.messages import Request, Response
from reviewloop.http.transport import Transport

#: A sensor of StackStorm runs on eventlet (st2reactor/container/sensor_wrapper.py), whose threads
#: take turns only where one waits: so many until a request is out on a kept connection, and some.
_TURNS = 5


class Ahead(Transport):
    """A transport for requests that follow each other; the next one can be announced.

    :param transport: one that bears two requests at once.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._coming: Optional[_Coming] = None
        self._is_wrong = False

    def announce(self, request: Request) -> None:
        """Send a read that is likely to be the next one here, in a thread of its own; nothing any
        more once another one came.
        """
        if self._is_wrong:
            return
        with suppress(RuntimeError):  # no thread is to be had
            self._coming = _Coming(self._transport, request)
        for _ in range(_TURNS):
            sleep(0)

    def send(self, request: Request) -> Response:
        """See ``Transport.send``. What was announced and failed is sent once more."""
        coming, self._coming = self._coming, None
        self._is_wrong |= coming is not None and coming.request != request
        found = None if coming is None or self._is_wrong else coming.answer()
        return self._transport.send(request) if found is None else found


class _Coming:
    """A read under way."""

    def __init__(self, transport: Transport, request: Request) -> None:
        self.request = request
        self._transport = transport
        self._found: Optional[Response] = None
        self._thread = Thread(target=self._read, name="next page", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        # Whoever waits for the answer sends the request again, and is told what fails then.
        with suppress(ReviewLoopError):
            self._found = self._transport.send(self.request)

    def answer(self) -> Optional[Response]:
        """The answer as soon as it is there; None if there is none."""
        self._thread.join()
        return self._found
