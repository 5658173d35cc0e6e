"""How single settings are read: text in, a value out, or a ValueError saying what to write."""

from __future__ import annotations

import os.path
import re
from typing import List, Optional, Pattern
from urllib.parse import SplitResult, urlsplit

from reviewloop.core.durations import Duration, parse_duration
from reviewloop.core.keys import SERVER_PATTERN
from reviewloop.core.policy import Vote

#: In place of a folder: not a word that YAML takes for a truth value.
NO_FOLDER = "none"
DEFAULT_PORTS = {"http": 80, "https": 443}

_SENSOR = re.compile(r"[A-Za-z0-9.-]{1,60}")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_YEAR = {"m": 527_040, "h": 8_784, "d": 366, "w": 53}
_DURATION_ADVICE = "write a number and m, h, d or w of working time, such as 4h or 2d."
_WORDY_DURATION = re.compile(
    r"(\d+) *(m|min|minute|h|hr|hour|d|day|w|wk|week)s?", re.IGNORECASE | re.ASCII
)
# What people copy along with a Gerrit server's address: the prefix of authenticated requests, and
# the page that was open.
_GERRIT_PAGE = re.compile(r"/(a|settings|q/.*|c/.+/\+/.*|(dashboard|admin)/.*)$")
# Words and quoted phrases of Gerrit's search syntax, in quotes or braces
# (https://gerrit-review.googlesource.com/Documentation/user-search.html).
_QUERY_TOKEN = re.compile(r'"[^"]*"|\{[^{}]*\}|[()"{}]|[^\s()"{}]+')
_STATUS = "the pack must also see changes that end, or it could not report endings; leave it out."
_AGE = "the pack must see a change however old it is, it searches by time itself; leave it out."
_REFUSED_TERMS = {
    "status": _STATUS,
    "is:open": _STATUS,
    "is:pending": _STATUS,
    "is:closed": _STATUS,
    "is:merged": _STATUS,
    "is:abandoned": _STATUS,
    "age": _AGE,
    "after": _AGE,
    "since": _AGE,
    "before": _AGE,
    "until": _AGE,
    "mergedafter": _AGE,
    "mergedbefore": _AGE,
    "limit": "the pack reads all pages itself; leave it out.",
}


def duration(text: str) -> Duration:
    """An amount of working time such as ``2d``, at most a year."""
    try:
        value = parse_duration(text)
    except ValueError as err:
        wordy = _WORDY_DURATION.fullmatch(text)
        if wordy is None:
            raise ValueError(_DURATION_ADVICE) from err
        short = f"{wordy.group(1)}{wordy.group(2)[0].lower()}"
        raise ValueError(f"write {short} (a number and m, h, d or w of working time).") from err
    if value.amount > _YEAR[value.unit]:
        raise ValueError("more than a year; write less, such as 4h, 2d or 3w.")
    return value


def positive_duration(text: str) -> Duration:
    """An amount of working time of some length."""
    value = duration(text)
    if not value.amount:
        raise ValueError("write more than nothing, such as 4h, 2d or 3w.")
    return value


def vote(text: str) -> Vote:
    """A label and a signed value such as ``Code-Review+2``."""
    try:
        return Vote.parse(text)
    except ValueError as err:
        raise ValueError("write a label and a signed value, such as Code-Review+2.") from err


def approving_vote(text: str) -> Vote:
    """A vote above zero."""
    value = vote(text)
    if value.value <= 0:
        raise ValueError("an approval is a vote above zero, such as Code-Review+2.")
    return value


def holding_vote(text: str) -> Vote:
    """A vote that is not zero: Go holds changes by a positive one, ``Hold+1``."""
    value = vote(text)
    if not value.value:
        raise ValueError("a zero is no vote; write one that holds a change, such as Code-Review-2.")
    return value


def label(text: str) -> str:
    """The name of a label, such as ``Code-Review``."""
    try:
        return Vote.parse(f"{text}+1").label
    except ValueError as err:
        raise ValueError("write the name of a label, such as Code-Review.") from err


def pattern(text: str) -> Pattern[str]:
    """A regular expression, searched without regard to case, that does not match everything."""
    try:
        compiled = re.compile(text, re.IGNORECASE)
    except re.error as err:
        at = "" if err.pos is None else f" at character {err.pos + 1}"
        raise ValueError(
            f"not a regular expression ({err.msg}{at}); to mean the character itself, put a"
            " backslash before it."
        ) from err
    if compiled.search(""):
        raise ValueError("it matches every text; write a narrower one, such as ^zuul$ or -ci$.")
    return compiled


def email(text: str) -> str:
    """A plain mail address; empty text stays empty."""
    if text and not _EMAIL.fullmatch(text):
        raise ValueError("write one plain address, such as committee1@example.org.")
    return text


def address(text: str) -> SplitResult:
    """An http or https address, without query, fragment, default port and trailing slash."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as err:
        raise ValueError("not an address; write https://host or https://host:port/path.") from err
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or re.search(r"\s", text):
        raise ValueError("write an http or https address, such as https://review.example.org.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else _ascii(parts.hostname)
    netloc = host if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return SplitResult(parts.scheme, netloc, parts.path.rstrip("/"), "", "")


def _ascii(host: str) -> str:
    """An international name as it stands in DNS (RFC 5890); a plain one as it is."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as err:
        raise ValueError("its host is no international domain name; write it as xn--….") from err


def server_id(text: str) -> str:
    """A name for a server in ids and stored values."""
    if not SERVER_PATTERN.fullmatch(text) or ":" in text:
        raise ValueError("write letters, digits, dots, hyphens and underscores, such as gerrit-1.")
    return text


def sensor_id(text: str) -> str:
    """A name for a sensor in stored values, or ""."""
    if text and not _SENSOR.fullmatch(text):
        raise ValueError("write up to 60 letters, digits, dots and hyphens, such as docs.")
    return text


def gerrit_address(text: str) -> SplitResult:
    """The address of a Gerrit server, without the page that was open when somebody copied it."""
    parts = address(text)
    return parts._replace(path=_GERRIT_PAGE.sub("", parts.path).rstrip("/"))


def query(text: str) -> str:
    """Gerrit search terms that may be added to every search of the pack."""
    tokens = _QUERY_TOKEN.findall(text)
    wrong = _unbalanced(tokens)
    if wrong:
        raise ValueError(wrong)
    for token in tokens:
        term = token.lstrip("-").lower()
        reason = _REFUSED_TERMS.get(term) or _REFUSED_TERMS.get(
            term.split(":")[0] if ":" in term else ""
        )
        if reason:
            raise ValueError(f"it holds {token}: {reason}")
    return text


def _unbalanced(tokens: List[str]) -> Optional[str]:
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token in ('"', "{", "}"):
            return f"a {token} is without its partner; close it."
        if depth < 0:
            return "a ) is without its (; remove it or open it."
    return "a ( is not closed; add the )." if depth else None


def cache_folder(text: str) -> str:
    """``none``, an absolute path, or "" for a folder of temporary files."""
    if text and text != NO_FOLDER and not os.path.isabs(text):
        raise ValueError(f"write an absolute path, such as /var/cache/st2-gerrit, or {NO_FOLDER}.")
    return text
