"""The search language of the fake Gerrit: as much of it as this pack's own searches use."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

Moment = Union[str, datetime]
# A change is whatever has the fake's attributes: status, updated, owner, ...
Match = Callable[[Any], bool]
Usernames = Mapping[int, str]


_TOKEN = re.compile(
    r'\s*(\(|\)|-?[a-z]+:(?:"[^"]*"|\{[^}]*\}|[^\s()]+)|-(?=\()|OR\b|AND\b|[^\s()]+)'
)

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGE = re.compile(r"(?P<not>-?)\bage:(?P<count>\d+)(?P<unit>[mhdw])\b")


class RefusalError(Exception):
    """The fake server's way to answer an error."""

    def __init__(self, status: int, text: str, *, as_json: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(text)
        self.status = status
        self.as_json = as_json


def instant(moment: Moment) -> datetime:
    """``2026-03-02 09:00:00`` (UTC) or an aware datetime, as an aware datetime."""
    if isinstance(moment, str):
        return datetime.strptime(moment, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).replace(microsecond=0)


def parse_query(text: str, names: Usernames, now: datetime) -> Match:
    """A predicate for a search; OR binds tighter than AND, as in Gerrit.

    :raises RefusalError: 400, in the server's words.
    """
    tokens = _TOKEN.findall(_AGE.sub(lambda found: _since(found, now), text))
    if not tokens:
        raise RefusalError(400, "query is empty")
    match, rest = _all(tokens, names)
    if rest:
        raise RefusalError(400, f"line 1:0 no viable alternative at input '{rest[0]}'")
    return match


def _since(found: re.Match[str], now: datetime) -> str:
    """An age as the time that it reaches back to; without its ``-`` it means: no later."""
    limit = now - timedelta(seconds=int(found["count"]) * _SECONDS[found["unit"]])
    return f'{"after" if found["not"] else "before"}:"{limit:%Y-%m-%d %H:%M:%S}"'


def _all(tokens: List[str], names: Usernames) -> Tuple[Match, List[str]]:
    parts: List[Match] = []
    while tokens and tokens[0] != ")":
        tokens = tokens[1:] if tokens[0] == "AND" else tokens
        part, tokens = _any(tokens, names)
        parts.append(part)
    return (lambda change: all(part(change) for part in parts)), tokens


def _any(tokens: List[str], names: Usernames) -> Tuple[Match, List[str]]:
    part, tokens = _one(tokens, names)
    parts = [part]
    while tokens and tokens[0] == "OR":
        part, tokens = _one(tokens[1:], names)
        parts.append(part)
    return (lambda change: any(part(change) for part in parts)), tokens


def _one(tokens: List[str], names: Usernames) -> Tuple[Match, List[str]]:
    if not tokens:
        raise RefusalError(400, "line 1:0 no viable alternative at input '<EOF>'")
    if tokens[0] == "-":
        inner, rest = _one(tokens[1:], names)
        return (lambda change: not inner(change)), rest
    if tokens[0] == "(":
        inner, rest = _all(tokens[1:], names)
        if not rest:
            raise RefusalError(400, "line 1:0 missing ')'")
        return inner, rest[1:]
    return _operator(tokens[0], names), tokens[1:]


def _operator(token: str, names: Usernames) -> Match:
    negated = token.startswith("-")
    name, _, value = token.lstrip("-").partition(":")
    value = value.strip('"{}')
    if name in ("after", "since", "before", "until"):
        if negated:
            raise RefusalError(400, f"operator {name} cannot negate")
        return _timed(name, value)
    if name not in _OPERATORS:
        raise RefusalError(400, f"Unsupported operator {token}")
    test = _OPERATORS[name]
    return lambda change: test(change, value, names) is not negated


def _timed(name: str, value: str) -> Match:
    try:
        limit = instant(value if " " in value else f"{value} 00:00:00")
    except ValueError as err:
        raise RefusalError(400, f"Invalid date format: {value}") from err
    if name in ("after", "since"):
        return lambda change: change.updated >= limit
    return lambda change: change.updated <= limit


def _is(change: Any, value: str, names: Usernames) -> bool:
    states: Dict[str, bool] = {
        "open": change.status == "NEW",
        "new": change.status == "NEW",
        "closed": change.status != "NEW",
        "merged": change.status == "MERGED",
        "abandoned": change.status == "ABANDONED",
        "private": change.private,
        "wip": change.wip,
        "started": change.started,
    }
    if value not in states:
        raise RefusalError(400, f"Unsupported operator is:{value}")
    return states[value]


def _owner(change: Any, value: str, names: Usernames) -> bool:
    return value in (str(change.owner), names.get(change.owner))


def _said(change: Any, value: str, names: Usernames) -> bool:
    """A word of a message or a comment, as the index of texts finds it."""
    texts = [one["message"] for one in (*change.messages, *change.comments)]
    return any(value.lower() in re.findall(r"\w+", text.lower()) for text in texts)


_OPERATORS: Dict[str, Callable[[Any, str, Usernames], bool]] = {
    "is": _is,
    "status": _is,
    "owner": _owner,
    "comment": _said,
    "change": lambda change, value, _names: value.rpartition("~")[2] == str(change.number),
    "project": lambda change, value, _names: change.project == value,
    "branch": lambda change, value, _names: change.branch == value,
    "topic": lambda change, value, _names: change.topic == value,
    "hashtag": lambda change, value, _names: value.lower() in map(str.lower, change.hashtags),
}
