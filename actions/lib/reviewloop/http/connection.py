"""Connections that a slow server cannot hold: each exchange has a deadline and a size.

A timeout of ``requests`` counts anew with each byte that arrives, in headers as in the body. Here
the time that is left is looked at before each read from the socket.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
from typing import Any, Callable, Type

import urllib3.connection
import urllib3.connectionpool

from reviewloop.http.body import TooLargeError
from reviewloop.http.library import requests


class Allowance(threading.local):
    """What the exchange under way may still take, for each thread: seconds, and bytes as sent.

    :param monotonic: a clock that never goes back, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._deadline = monotonic()
        self._bytes = 0

    def begin(self, seconds: float, size: int) -> None:
        """An exchange begins that may take so many seconds and bytes."""
        self._deadline = self._monotonic() + seconds
        self._bytes = size

    def patience(self, most: float) -> float:
        """Seconds to wait for the next bytes, at most ``most``.

        :raises socket.timeout: none are left.
        """
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise socket.timeout("the exchange took too long")
        return min(most, left)

    def take(self, count: int) -> None:
        """So many bytes have come.

        :raises TooLargeError: they are more than may come.
        """
        self._bytes -= count
        if self._bytes < 0:
            raise TooLargeError


class BoundedAdapter(requests.adapters.HTTPAdapter):
    """Two kept connections at most, direct or by a proxy, all within one allowance.

    ``requests`` offers the two methods for subclasses; ``pool_classes_by_scheme`` is urllib3's
    own hook, from 1.17 on.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._pools = _pools(allowance)
        super().__init__(pool_connections=1, pool_maxsize=2, max_retries=0, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use our pools for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Use our pools for a proxy's connections."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _Metered(io.RawIOBase):
    """A socket's stream that keeps to an allowance."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, allowance: Allowance) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._allowance = allowance
        timeout = sock.gettimeout()
        self._most = float("inf") if timeout is None else timeout

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> Any:
        """Bytes read, as few as there are; 0 at the end."""
        self._sock.settimeout(self._allowance.patience(self._most))
        count = self._raw.readinto(buffer)
        self._allowance.take(count or 0)
        return count

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


def _pools(allowance: Allowance) -> Any:
    class BoundedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp: Any = io.BufferedReader(_Metered(self.fp.detach(), sock, allowance))

    def bounded(connection: Type[Any], pool: Type[Any]) -> Type[Any]:
        kind = type("Bounded", (connection,), {"response_class": BoundedResponse})
        return type("BoundedPool", (pool,), {"ConnectionCls": kind})

    return {
        "http": bounded(
            urllib3.connection.HTTPConnection, urllib3.connectionpool.HTTPConnectionPool
        ),
        "https": bounded(
            urllib3.connection.HTTPSConnection, urllib3.connectionpool.HTTPSConnectionPool
        ),
    }
