"""A request, an answer, and what any HTTP answer tells whoever sent it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple
from urllib.parse import quote, urlencode

_NUMBER = re.compile(r"[0-9]{1,12}")
_JSON = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class Request:
    """One call. ``path`` is percent-encoded, begins with ``/``, and may have a query of its own.

    :param headers: those of the call itself; the transport adds its own.
    :param about: what errors add to method and path, such as a search; never a secret.
    """

    method: str
    path: str
    params: Tuple[Tuple[str, str], ...] = ()
    body: Optional[bytes] = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    about: str = ""

    @property
    def writes(self) -> bool:
        """Whether the server may have changed something when the answer is lost."""
        return self.method != "GET"

    @property
    def target(self) -> str:
        """Path and query string, to be put after the address."""
        query = urlencode(self.params, quote_via=quote)
        mark = "&" if "?" in self.path else "?"
        return f"{self.path}{mark}{query}" if query else self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}{self.about}"


@dataclass(frozen=True)
class Response:
    """One answer; the keys of ``headers`` are in lower case, ``body`` is unpacked."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The header's value, empty where it is absent."""
        return self.headers.get(name.lower(), "")

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.header("content-type").split(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as UTF-8, whatever the headers say; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def date(self) -> Optional[datetime]:
        """The server's clock when it answered (``Date``), in UTC; None if absent or unusable."""
        return http_date(self.header("date"))

    def retry_after(self) -> Optional[float]:
        """Seconds the server asks to wait, None if it does not ask.

        ``Retry-After`` (RFC 9110) holds seconds, or a date, which counts from the answer's own
        ``Date``, so that this machine's clock does not matter.
        """
        text = self.header("retry-after")
        seconds = whole_number(text)
        if seconds is not None:
            return float(seconds)
        return self.seconds_until(http_date(text))

    def seconds_until(self, moment: Optional[datetime]) -> Optional[float]:
        """Seconds from this answer's ``Date`` to a moment, 0 if it is past; None if unknown."""
        since = self.date
        if moment is None or since is None:
            return None
        return max(0.0, (moment - since).total_seconds())


def http_date(text: str) -> Optional[datetime]:
    """An HTTP date (``Mon, 02 Mar 2026 09:00:00 GMT``) as an aware datetime, None if unusable."""
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:
            return date.replace(tzinfo=timezone.utc)
        return date.astimezone(timezone.utc)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def whole_number(text: str) -> Optional[int]:
    """A header's whole number; None for all else, such as ``²`` or a number without end."""
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def read_json(body: bytes) -> Any:
    """The value of a JSON text, decoded as UTF-8 (RFC 8259).

    :raises ValueError: it is not JSON, or is nested too deep to be read.
    """
    try:
        return json.loads(body.decode("utf-8"))
    except RecursionError as err:
        raise ValueError("nested too deep") from err


def read_values(body: bytes) -> Iterator[Any]:
    """The values of a JSON array one by one, decoded as UTF-8; all of them take far more room than
    the text. When the last one is at hand, the text is gone.

    :raises ValueError: it is no array, or what comes next is not JSON, or is nested too deep.
    """
    text = body.decode("utf-8")
    del body
    at = _after(text, "[", 0)
    if text.startswith("]", at):
        _end(text, at)
        return
    while True:
        try:
            value, at = _JSON.raw_decode(text, at)
        except RecursionError as err:
            raise ValueError("nested too deep") from err
        at = _past_space(text, at)
        if text.startswith("]", at):
            break
        at = _after(text, ",", at)
        yield value
    _end(text, at)
    del text
    yield value


def _after(text: str, mark: str, at: int) -> int:
    """Where something begins that follows a mark."""
    at = _past_space(text, at)
    if not text.startswith(mark, at):
        raise json.JSONDecodeError(f"Expecting {mark!r}", text, at)
    return _past_space(text, at + 1)


def _end(text: str, at: int) -> None:
    if _past_space(text, at + 1) != len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def lowered(headers: Mapping[str, str]) -> Dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}
