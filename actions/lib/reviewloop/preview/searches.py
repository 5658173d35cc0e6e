"""The pack's own searches, answered in memory.

Only what the sensor and the actions ask is understood; the configured ``query`` is Gerrit's to
answer, and stands for the changes that it found.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Dict, FrozenSet, List, Optional, Set, Tuple

from reviewloop.errors import InternalError
from reviewloop.gerrit.fields import timestamp

_TOKEN = re.compile(r'\s*(-?[a-z]+:(?:"[^"]*"|[^\s()"]+)|[()]|OR\b)')
_WATCHED = "is:watched"
_OPEN, _CLOSE = "()"
_STATUS_OPEN = "status:open"


@dataclass(frozen=True)
class Shown:
    """What the index has of a change.

    :param watched: whether the configured query finds it.
    :param words: those of commands that are said on it.
    """

    number: int
    project: str
    branch: str
    topic: str
    owner: int
    is_open: bool
    updated: datetime
    watched: bool = True
    words: FrozenSet[str] = frozenset()


Match = Callable[[Shown], bool]


@dataclass(frozen=True)
class Search:
    """``since`` bounds from below when what is found was last touched, None where nothing does;
    ``is_open``: it finds open changes alone; ``verbs``: the words of comments it asks for.
    """

    match: Match
    since: Optional[datetime]
    is_open: bool
    verbs: FrozenSet[str]


class Index:
    """What is shown of changes, by what names them."""

    def __init__(self) -> None:
        self.shown: Dict[str, Shown] = {}
        self._by_time: List[Tuple[datetime, str]] = []
        self._open: Set[str] = set()

    def show(self, ident: str, shown: Shown) -> None:
        """Show a change as it is from now on."""
        self.shown[ident] = shown
        (self._open.add if shown.is_open else self._open.discard)(ident)
        insort(self._by_time, (shown.updated, ident))

    def newest_first(self, search: Search) -> Dict[str, Shown]:
        """What a search may find, in this order: of many changes few are open at a time."""
        if search.is_open:
            times = sorted((self.shown[one].updated, one) for one in self._open)
        else:
            first = 0 if search.since is None else bisect_left(self._by_time, (search.since, ""))
            times = self._by_time[first:]
        found = ((at, ident, self.shown[ident]) for at, ident in reversed(times))
        return {ident: shown for at, ident, shown in found if shown.updated == at}


def parsed(text: str, query: str) -> Search:
    """A search.

    :param query: the configured one.
    """
    told = query.strip()
    plain = text.replace(f"({told})", f"({_WATCHED})") if told else text
    tokens = _tokens(_WATCHED if told and plain.strip() == told else plain)
    reader = _Parser(tokens)
    match = reader.all_of()
    times = [_time(token) for token in tokens if token.startswith("after:")]
    words = [token.partition(":")[2] for token in tokens if "comment:" in token]
    return Search(match, max(times, default=None), _wants_open(tokens), frozenset(words))


def _wants_open(tokens: List[str]) -> bool:
    """Whether ``status:open`` must hold: in no brackets, and beside no ``OR``."""
    depth = 0
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""]):
        depth += (token == _OPEN) - (token == _CLOSE)
        if token == _STATUS_OPEN and not depth and "OR" not in (before, after):
            return True
    return False


def _tokens(text: str) -> List[str]:
    found: List[str] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise InternalError(f"A preview cannot answer the search {text!r}.")
        found.append(match.group(1))
        at = match.end()
    return found


class _Parser:
    """OR binds tighter than AND, as in Gerrit."""

    def __init__(self, tokens: List[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def all_of(self) -> Match:
        parts: List[Match] = []
        while self._peek() not in ("", _CLOSE):
            parts.append(self._any_of())
        return lambda one: all(part(one) for part in parts)

    def _any_of(self) -> Match:
        parts = [self._term()]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda one: any(part(one) for part in parts)

    def _term(self) -> Match:
        token = self._peek()
        self._at += 1
        if token == _OPEN:
            inner = self.all_of()
            self._at += 1
            return inner
        return _simple(token)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""


def _simple(token: str) -> Match:
    name, _, value = token.lstrip("-").partition(":")
    if name not in _OPERATORS or (name == "is" and token != _WATCHED):
        raise InternalError(f"A preview cannot answer the search term {token!r}.")
    test = _OPERATORS[name](value.strip('"'))
    return (lambda one: not test(one)) if token.startswith("-") else test


def _time(token: str) -> datetime:
    return timestamp(token.partition(":")[2].strip('"'))


def _after(value: str) -> Match:
    at = timestamp(value)
    return lambda one: one.updated >= at


def _before(value: str) -> Match:
    at = timestamp(value)
    return lambda one: one.updated <= at


_OPERATORS: Dict[str, Callable[[str], Match]] = {
    "status": lambda _value: lambda one: one.is_open,  # status:open is all that is asked
    "is": lambda _value: lambda one: one.watched,
    "after": _after,
    "before": _before,
    "change": lambda value: lambda one: str(one.number) == value,
    "project": lambda value: lambda one: one.project == value,
    "branch": lambda value: lambda one: one.branch == value,
    "topic": lambda value: lambda one: one.topic == value,
    "owner": lambda value: lambda one: str(one.owner) == value,
    "comment": lambda value: lambda one: value in one.words,
}
