"""Speaking with one Gerrit server as one account: sending, trying again, its clock, who we are.

Reads are tried again, writes never: whoever writes looks first whether a lost one has arrived.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Tuple, Union
from urllib.parse import urlsplit

from reviewloop.core.change import Account
from reviewloop.errors import AuthError, ConfigError, RefusedError
from reviewloop.gerrit import fields, parse, queries
from reviewloop.gerrit.accounts import account
from reviewloop.gerrit.protocol import Params, Peer
from reviewloop.gerrit.queries import Option, Version
from reviewloop.http.clock import Clock, ServerClock, utc_now
from reviewloop.http.credentials import basic, basic_token
from reviewloop.http.messages import Request, Response
from reviewloop.http.paced import PacedTransport
from reviewloop.http.retry import Patience, Timing, patiently
from reviewloop.http.transport import Limits, RequestsTransport, Transport

if TYPE_CHECKING:
    from reviewloop.http.ahead import Ahead

#: How often a read is tried, and the longest wait between that a server may ask for, in seconds.
PATIENCE = Patience(tries=3, longest=60.0)

#: Largest answer read, in bytes; 500 rows with messages are 2.5 MB.
MAX_BODY = 64 * 1024 * 1024

#: A server repeats a write that met a locked ref for up to 20 s (``retry.timeout``).
WRITE_PATIENCE = 30.0

_BAD_REQUEST = 400

#: Sends a request once and makes a value of the answer.
Once = Callable[[Request], Any]


def host_of(url: str) -> str:
    """``host[:port]`` of the server's URL, without user information.

    :raises ConfigError: it is not an http(s) URL, or holds a user name or password.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError(
            "`url` holds a user name or password.", "Set `username` and `password` instead."
        )
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError("`url` is no http(s) address.", "Write https://review.example.org.")
    return parts.netloc


class Session:
    """One Gerrit server, as one account. Not for use by several threads at once; the next page of a
    scan it fetches in one of its own.

    :param url: the address under which Gerrit answers, sub-path included.
    :param username: empty for anonymous reads.
    :param password: Gerrit's HTTP password or, from 3.13, an authentication token.
    :param verify: True, the path of a CA bundle, or False for a test server.
    :param timeout: seconds to connect, and to wait for the next part of an answer.
    :param transport: in place of the real one.
    :param timing: how to wait, and the clock by which the server's time ages between answers.
    :param local_clock: this machine's time, which holds while the server's is not known.
    :param patience: how often reads are tried, and how long a pause a server may ask for.
    :param pause: seconds from the beginning of a request to that of the next one, at least.
    :raises ConfigError: ``url`` cannot be used.

    Every method that speaks to the server raises what ``Peer.decode`` and ``Transport.send`` do.
    """

    def __init__(
        self,
        url: str,
        username: str = "",
        password: str = "",
        *,
        verify: Union[bool, str] = True,
        timeout: Tuple[float, float] = (5.0, 30.0),
        transport: Optional[Transport] = None,
        timing: Optional[Timing] = None,
        local_clock: Callable[[], datetime] = utc_now,
        patience: Patience = PATIENCE,
        pause: float = 0.0,
    ) -> None:
        secrets = (password, basic_token(username, password)) if username else (password,)
        self._peer = Peer(host_of(url), username, secrets)
        self._timing = timing or Timing()
        self._patience = patience
        carrier = transport or _transport(url, username, password, verify, timeout)
        self._transport = PacedTransport(carrier, pause, self._timing) if pause else carrier
        # One that was given may bear one request at a time, and so does one that takes its time.
        self._bears_two = transport is None and not pause
        self._clock = ServerClock(local_clock, self._timing.monotonic)
        self._version: Optional[Version] = None
        self._self: Optional[Account] = None
        self._query_limit: Optional[int] = None

    def close(self) -> None:
        """Let go of connections."""
        self._transport.close()

    def clock(self) -> Clock:
        """The server's clock beside this machine's; sends nothing."""
        return self._clock.read()

    def now(self) -> datetime:
        """The server's time (its last ``Date``, aged), in UTC and whole seconds; sends nothing.

        Before the first answer, and if the server sends no usable date, the local clock's.
        """
        return self.clock().now

    def version(self) -> Version:
        """The server's version; asked once."""
        if self._version is None:
            data = self._read("/config/server/version")
            self._version = Version.parse(fields.text(data, "server version"))
        return self._version

    def whoami(self) -> Account:
        """The account this client acts as; asked once.

        :raises AuthError: there is none: no user name is configured, or it is refused.
        """
        if not self._peer.username:
            raise AuthError(
                f"`username` is empty: {self._peer.host} is read anonymously, which cannot write.",
                "Set `username` and `password`.",
            )
        if self._self is None:
            self._self = account(self._read("/accounts/self"), "own account")
        return self._self

    def query_limit(self) -> int:
        """The most rows a page may have for this account; asked once, 500 for anonymous callers.

        :raises RefusedError: the account may not search at all.
        """
        if self._query_limit is None:
            self._query_limit = parse.DEFAULT_QUERY_LIMIT
            if self._peer.username:
                params = [("q", "queryLimit")]
                data = self._read("/accounts/self/capabilities", params)
                self._query_limit = parse.query_limit(data)
        if self._query_limit <= 0:
            raise RefusedError(
                f"{self._peer.host}: the account {self._peer.username} may not search"
                f" (queryLimit is {self._query_limit}).",
                "Grant it the global capability Query Limit.",
            )
        return self._query_limit

    def _read_with(
        self, path: str, params: Params, options: Iterable[Option], once: Optional[Once] = None
    ) -> Any:
        """A read with the options that the server knows.

        Nearly every server knows them all, and one that does not refuses the request: only then its
        version is asked for.

        :param once: as of :meth:`_read`.
        """
        wanted = self._known(options)
        try:
            return self._read(path, [*params, *_given(wanted)], once)
        except RefusedError as err:
            known = wanted
            if err.status == _BAD_REQUEST and self._version is None:
                known = queries.supported(wanted, self.version())
            if known == wanted:
                raise
        return self._read(path, [*params, *_given(known)], once)

    def _known(self, options: Iterable[Option]) -> Tuple[Option, ...]:
        wanted = tuple(options)
        return wanted if self._version is None else queries.supported(wanted, self._version)

    def _read(self, path: str, params: Params = (), once: Optional[Once] = None) -> Any:
        """A read, tried again while what fails is temporary.

        :param once: sends the request and makes a value of the answer (default: ``Peer.decode``).
        :raises TemporaryError: it failed as often as its patience says, or the server asks for a
            longer wait; ``retry_after`` says how long.
        """
        request, step = self._peer.get(path, params), once or self._once
        return patiently(lambda: step(request), self._patience, self._timing)

    def _once(self, request: Request) -> Any:
        return self._peer.decode(request, self._sent(request, self._transport))

    def _sent(self, request: Request, carrier: Transport) -> Response:
        response = carrier.send(request)
        self._clock.hear(response.date)
        return response

    def _carrier(self) -> Optional[Ahead]:
        """What sends a read before it is wanted; None where one request is to follow the other."""
        if not self._bears_two:
            return None
        from reviewloop.http import ahead  # noqa: PLC0415 - few actions read all of a search

        return ahead.Ahead(self._transport)

    def _announce(
        self, carrier: Ahead, path: str, params: Params, options: Iterable[Option]
    ) -> None:
        """What :meth:`_read_with` will be asked for next of this carrier."""
        carrier.announce(self._peer.get(path, [*params, *_given(self._known(options))]))


def _given(options: Iterable[Option]) -> List[Tuple[str, str]]:
    return [("o", option.value) for option in options]


def _transport(
    url: str,
    username: str,
    password: str,
    verify: Union[bool, str],
    timeout: Tuple[float, float],
) -> Transport:
    limits = Limits(*timeout, write_patience=WRITE_PATIENCE, size=MAX_BODY)
    headers = {"Authorization": basic(username, password)} if username else {}
    return RequestsTransport(url, headers, verify, limits)
