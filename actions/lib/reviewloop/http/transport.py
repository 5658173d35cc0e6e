"""The one way to the network.

A transport carries one request and brings one answer; what the answer means is for whoever speaks
the server's language (``gerrit/protocol.py``, ``trackers/http.py``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from time import monotonic as _monotonic
from typing import Callable, Dict, Iterator, Mapping, Optional, Union
from urllib.parse import urlsplit

from reviewloop import __version__
from reviewloop.http.body import ACCEPTED, STEP, CutOffError, read_body
from reviewloop.http.connection import Allowance, BoundedAdapter
from reviewloop.http.failure import FAILURES, Peer
from reviewloop.http.library import requests
from reviewloop.http.messages import Request, Response, lowered, whole_number

USER_AGENT = f"stackstorm-gerrit/{__version__} (reviewloop)"

#: Bytes that headers and the framing of a body may add to it.
_FRAMING = 8 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What an exchange may take at most.

    :param connect: seconds until there is a connection.
    :param read: seconds until the next part of an answer.
    :param whole: seconds from the first byte sent to the last one received.
    :param write_patience: seconds more for a write, in ``read`` and ``whole``.
    :param size: bytes of a body after unpacking.
    """

    connect: float = 5.0
    read: float = 30.0
    whole: float = 90.0
    write_patience: float = 0.0
    size: int = 16 * 1024 * 1024


class Transport(ABC):
    """Carries one request to one server and its answer back."""

    @abstractmethod
    def send(self, request: Request) -> Response:
        """Send the request once.

        :raises TemporaryError: the request did not reach the server, or it was only a read.
        :raises AmbiguousError: a write may have reached the server, and its answer was lost, cut
            off, or too large to be read.
        :raises ProtocolError: a read's answer is too large, or packed as nobody asked for.
        :raises ConfigError: the server's certificate is not trusted, the CA file is missing, or
            the address cannot be sent to.
        """

    def close(self) -> None:  # noqa: B027 - most transports hold nothing open
        """Let go of connections."""


class RequestsTransport(Transport):
    """``Transport`` over HTTP(S) with ``requests``.

    The environment is not trusted (a ``~/.netrc`` would replace the configured credentials), but
    its proxies are used (``HTTPS_PROXY``, ``NO_PROXY``), except for this machine itself. Redirects
    are not followed, since credentials would go along. At most two connections, kept open: a
    Gerrit has 25 worker threads by default. Cookies are kept, or each call would cost a server
    with LDAP passwords a look-up there.

    :param url: http(s) address to which the targets of requests are appended.
    :param headers: sent with every request; credentials belong here.
    :param verify: True, or the path of a CA bundle, or False for a test server.
    :param settings: before the names of settings in remedies, such as ``tracker.``.
    :param monotonic: the clock by which ``limits.whole`` is kept, in seconds.
    """

    def __init__(
        self,
        url: str,
        headers: Optional[Mapping[str, str]] = None,
        verify: Union[bool, str] = True,
        limits: Optional[Limits] = None,
        settings: str = "",
        monotonic: Callable[[], float] = _monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._peer = Peer(urlsplit(url).netloc.rpartition("@")[2], settings, verify)
        self._limits = limits or Limits()
        self._allowance = Allowance(monotonic)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.proxies = proxies_for(url)
        self._session.verify = verify
        named = {"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED}
        self._session.headers.update({**named, **(headers or {})})
        adapter = BoundedAdapter(self._allowance)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def send(self, request: Request) -> Response:
        """See ``Transport.send``."""
        limits = self._limits
        more = limits.write_patience if request.writes else 0.0
        self._allowance.begin(limits.whole + more, limits.size + _FRAMING)
        try:
            answer = self._session.request(
                request.method,
                self._url + request.target,
                data=request.body,
                headers=dict(request.headers),
                timeout=(limits.connect, limits.read + more),
                allow_redirects=False,
                stream=True,
            )
            with answer:
                coding = answer.headers.get("Content-Encoding", "")
                body = read_body(_parts(answer), coding, limits.size)
        except FAILURES as err:
            # The cause is not kept: its text may hold a query, or a proxy's password.
            raise self._peer.failure(request, err) from None
        return Response(answer.status_code, lowered(answer.headers), body)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _parts(answer: requests.Response) -> Iterator[bytes]:
    """The body as it was sent, in pieces."""
    yield from answer.raw.stream(STEP, decode_content=False)
    length = whole_number(answer.headers.get("Content-Length", ""))
    if length is not None and answer.raw.tell() < length:
        # urllib3 before 2.0 takes a body that was cut off for a whole one.
        raise CutOffError


def proxies_for(url: str) -> Dict[str, str]:
    """The environment's proxies for an address; none for this machine itself."""
    if _is_loopback(urlsplit(url).hostname or ""):
        return {}
    return dict(requests.utils.get_environ_proxies(url))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not (":" in host or host[-1:].isdigit()):
        return False  # no address, so the library need not be imported
    from ipaddress import ip_address  # noqa: PLC0415 - seldom needed

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
