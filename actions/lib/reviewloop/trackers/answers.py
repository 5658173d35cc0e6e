"""What a tracker's answer means: its data, or the fault that it stands for.

GitHub's rules for 403 and 429 are followed for every tracker, since they only add to RFC 9110's
``Retry-After``: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple, Type

from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ProtocolError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http import codes
from reviewloop.http.credentials import hidden
from reviewloop.http.messages import Response, read_json, whole_number

DEFAULT_RETRY_AFTER = 60.0
"""GitHub: without a header that tells, "wait for at least one minute"."""
SHOWN = 200
"""Characters of a tracker's own words in a message."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True)
class Answer:
    """A successful answer: ``data`` is the parsed JSON, None where there is no body; the names of
    ``headers`` are in lower case.
    """

    status: int
    data: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def next_url(self) -> Optional[str]:
        """The address of the next page (RFC 8288 ``Link`` with ``rel="next"``), if there is one."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found.group(1) if found else None


def server_fault(status: int, what: str, is_write: bool) -> TemporaryError:
    """The error for an answer with 5xx."""
    if is_write:
        return AmbiguousError(
            f"{what} answered {status}; whether it happened is not known.",
            "The next run looks before it writes.",
        )
    return TemporaryError(f"{what} answered {status}.", "The next run tries again.")


def rate_limit(response: Response, what: str) -> Optional[TemporaryError]:
    """The rate limit behind a 403 or 429; None for a plain refusal."""
    seconds = retry_after(response)
    if seconds is None:
        return None
    return TemporaryError(
        f"{what} was put off by a rate limit ({response.status}).",
        f"Nothing was done; try again in {seconds:.0f} seconds.",
        seconds,
    )


def retry_after(response: Response) -> Optional[float]:
    """Seconds a rate limit asks us to wait; None if the answer is none.

    ``Retry-After`` (seconds or a date), else with ``x-ratelimit-remaining: 0`` the time until
    ``x-ratelimit-reset``, else one minute. A 403 without these signs is a missing permission,
    unless its text speaks of a rate limit, as GitHub's secondary limits do.
    """
    if response.status not in (codes.FORBIDDEN, codes.TOO_MANY):
        return None
    if response.header("retry-after").strip():
        return _or_default(response.retry_after())
    if response.header("x-ratelimit-remaining") == "0":
        reset = whole_number(response.header("x-ratelimit-reset"))
        moment = None if reset is None else _EPOCH + timedelta(seconds=reset)
        return _or_default(response.seconds_until(moment))
    if response.status == codes.TOO_MANY or "rate limit" in response.text[:2000].lower():
        return DEFAULT_RETRY_AFTER
    return None


def _or_default(seconds: Optional[float]) -> float:
    return DEFAULT_RETRY_AFTER if seconds is None else seconds


def content(response: Response, what: str, is_write: bool) -> Any:
    """The JSON of a successful answer, decoded as UTF-8 whatever its headers say (RFC 8259)."""
    raw = response.body
    if not raw.strip():
        return None
    if raw.lstrip()[:1] == b"<" or "html" in response.content_type:
        raise AuthError(
            f"{what} answered with a page instead of data, most likely a login page.",
            "Check tracker.url (the API's address, not behind a web login) and tracker.token.",
        )
    try:
        return read_json(raw)
    except ValueError as err:
        fault: Tuple[Type[ReviewLoopError], str] = (
            (AmbiguousError, "The next run looks before it writes.")
            if is_write
            else (ProtocolError, "Check tracker.url; a proxy may cut or change answers.")
        )
        raise fault[0](f"{what} answered something that is not JSON.", fault[1]) from err


def refusal(response: Response) -> Any:
    """The JSON of a refusal, else its text."""
    try:
        return read_json(response.body)
    except ValueError:
        return response.text


def one_line(text: str, secrets: Iterable[str]) -> str:
    """A tracker's own words as one short line, without our credentials."""
    return hidden(" ".join(text.split()), secrets)[:SHOWN]


def reason(response: Response, secrets: Iterable[str] = ()) -> str:
    """The tracker's own words for a refusal, as one short line."""
    data = refusal(response)
    if isinstance(data, str) and data.lstrip()[:1] == "<":
        return "(a page)"
    return one_line(_words(data), secrets) or "(no reason given)"


def _words(data: Any) -> str:
    """The message in a JSON refusal: GitHub's ``message`` and ``errors``, Roundup's
    ``error.msg``, Jira's ``errorMessages``.
    """
    if not isinstance(data, dict):
        return str(data)
    inner: Dict[str, Any] = data["error"] if isinstance(data.get("error"), dict) else data
    parts = [str(inner[name]) for name in ("message", "msg") if inner.get(name)]
    several = inner.get("errorMessages")
    parts += [str(one) for one in several] if isinstance(several, list) else []
    parts += [json.dumps(inner["errors"])] if inner.get("errors") else []
    return " ".join(parts) or json.dumps(inner)
