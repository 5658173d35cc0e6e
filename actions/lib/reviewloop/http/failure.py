"""Why an exchange brought no answer, named by who must act."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Type, Union

import urllib3.exceptions

from reviewloop.errors import (
    AmbiguousError,
    ConfigError,
    ProtocolError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http.body import CodingError, CutOffError, TooLargeError
from reviewloop.http.library import requests
from reviewloop.http.messages import Request

#: OSError: requests looks for the CA file itself, and urllib3 lets a few of the socket's through.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    CodingError,
    CutOffError,
    TooLargeError,
)

LOOK_FIRST = "It may have happened all the same: read before writing again."


@dataclass(frozen=True)
class Peer:
    """The other side as errors name it.

    :param host: ``host[:port]``.
    :param settings: before the names of settings, such as ``tracker.``.
    :param verify: how its certificate is checked, as for ``requests``.
    """

    host: str
    settings: str = ""
    verify: Union[bool, str] = True

    def failure(self, request: Request, err: Exception) -> ReviewLoopError:
        """The error for an exchange that ended in one of ``FAILURES``.

        Never with the text of ``err``: it may name a proxy with its password, or a whole query.
        """
        if isinstance(err, TooLargeError):
            return self._unreadable(request, "with more than an answer may have")
        if isinstance(err, CodingError) and str(err) != "gzip":
            return self._unreadable(request, "in an encoding that was not asked for")
        return self._wrong(err) or self._lost(request, err)

    def _unreadable(self, request: Request, how: str) -> ReviewLoopError:
        kind: Type[ReviewLoopError] = AmbiguousError if request.writes else ProtocolError
        remedy = LOOK_FIRST if request.writes else ""
        return kind(f"{self.host} answered {request} {how}.", remedy)

    def _wrong(self, err: Exception) -> Union[ConfigError, None]:
        """What only the configuration can mend."""
        if isinstance(err, ValueError):
            return ConfigError(
                f"`{self.settings}url`: requests to {self.host} cannot be sent.", "Correct it."
            )
        if isinstance(self.verify, str) and _useless(self.verify, err):
            return ConfigError(
                f"`{self.settings}ca_bundle`: {self.verify} cannot be read, or holds no"
                " certificate.",
                "Name a readable file of CA certificates in PEM form.",
            )
        if "CERTIFICATE_VERIFY_FAILED" in str(err):
            return ConfigError(
                f"The certificate of {self.host} is not trusted.",
                f"Set `{self.settings}ca_bundle` to the CA's certificates,"
                " or have the certificate renewed.",
            )
        return None

    def _lost(self, request: Request, err: Exception) -> TemporaryError:
        what = f"{self.host} did not answer {request}: {_reason(err)}."
        if request.writes and not _unsent(err):
            return AmbiguousError(what, LOOK_FIRST)
        return TemporaryError(what, "Check that it is up and reachable, and try again later.")


def _unsent(err: Exception) -> bool:
    """Whether the connection never came about, so that nothing can have been done."""
    if isinstance(err, requests.ConnectTimeout):
        return True
    inner = err.args[0] if err.args else None
    return isinstance(getattr(inner, "reason", inner), urllib3.exceptions.NewConnectionError)


def _useless(bundle: str, err: Exception) -> bool:
    """Whether the CA bundle itself is to blame; OpenSSL's words differ by its version."""
    told = str(err)
    faults = ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE", "PEM lib")
    return not os.access(bundle, os.R_OK) or any(fault in told for fault in faults)


def _reason(err: Exception) -> str:
    if _unsent(err):
        return "no connection (refused, too slow, or the name is unknown)"
    if isinstance(err, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "no answer in time"
    if isinstance(err, requests.exceptions.SSLError):
        return "TLS failed"
    if isinstance(err, requests.exceptions.ProxyError):
        return "the proxy did not let it through"
    return "the connection broke off"
