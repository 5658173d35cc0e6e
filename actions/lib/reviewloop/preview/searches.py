"""The pack's own searches, answered in memory.

Only what the sensor and the actions ask is understood; the configured ``query`` is Gerrit's to
answer, and stands for the changes that it found.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from datetime import datetime
from functools import lru_cache
from typing import (
    AbstractSet,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from reviewloop.errors import InternalError
from reviewloop.gerrit.fields import timestamp

_TOKEN = re.compile(r'\s*(-?[a-z]+:(?:"[^"]*"|[^\s()"]+)|[()]|OR\b)')
_WATCHED = "is:watched"
_OPEN, _CLOSE = "()"
#: The same few searches are asked time and again.
_PARSED = 200
_IS_OPEN = ("status", "open")
"""The one status that is asked for."""


class Shown(NamedTuple):
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
#: Something that a search may ask for by name: an operator and its value.
Trait = Tuple[str, str]


def traits(shown: Shown) -> Tuple[Trait, ...]:
    """Those of a change."""
    found = (
        ("change", str(shown.number)),
        ("project", shown.project),
        ("branch", shown.branch),
        ("topic", shown.topic),
        ("owner", str(shown.owner)),
    )
    return (*found, _IS_OPEN) if shown.is_open else found


class Index:
    """What is shown of changes, by what names them."""

    def __init__(self) -> None:
        self.shown: Dict[str, Shown] = {}
        self._by_time: List[Tuple[datetime, str]] = []
        self._having: Dict[Trait, Set[str]] = {}

    def show(self, ident: str, shown: Shown) -> None:
        """Show a change as it is from now on."""
        before = self.shown.get(ident)
        self.shown[ident] = shown
        now = traits(shown)
        for trait in () if before is None else traits(before):
            if trait not in now:
                self._having[trait].discard(ident)
        for trait in now:
            self._having.setdefault(trait, set()).add(ident)
        insort(self._by_time, (shown.updated, ident))

    def having(self, trait: Trait) -> AbstractSet[str]:
        """The changes with a trait."""
        return self._having.get(trait, frozenset())

    def since(self, at: datetime) -> AbstractSet[str]:
        """The changes that were touched at an instant, or later: nothing moves a touch back."""
        first = bisect_left(self._by_time, (at, ""))
        return {ident for _, ident in self._by_time[first:]}

    def newest_first(self, term: Term, spoken: Callable[[str], Shown]) -> List[str]:
        """What a search finds, in this order: of many changes few have what is asked for.

        :param spoken: a change with all the words that the search may ask for.
        """
        among = term.among(self, None)
        found: Iterable[str] = self.shown if among is None else among
        if not term.is_exact:
            found = (one for one in found if term.match(spoken(one)))
        return sorted(found, key=lambda one: (self.shown[one].updated, one), reverse=True)


#: Some changes, None for all that are shown.
Some = Optional[AbstractSet[str]]
#: Those of some changes that may be found, without a look at each.
Among = Callable[[Index, Some], Some]


class Term(NamedTuple):
    """A search, or a part of one; ``is_exact``: it finds all that it may find; ``size``: of how
    many words it is made.
    """

    match: Match
    among: Among = lambda _index, some: some
    is_exact: bool = False
    size: int = 1


class Search(NamedTuple):
    """A search; ``verbs``: the words of comments that it asks for."""

    term: Term
    verbs: FrozenSet[str]


@lru_cache(maxsize=_PARSED)
def parsed(text: str, query: str) -> Search:
    """A search.

    :param query: the configured one.
    """
    told = query.strip()
    plain = text.replace(f"({told})", f"({_WATCHED})") if told else text
    tokens = _tokens(_WATCHED if told and plain.strip() == told else plain)
    words = [token.partition(":")[2] for token in tokens if "comment:" in token]
    return Search(_Parser(tokens).all_of(), frozenset(words))


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

    def all_of(self) -> Term:
        """Up to the end, or to the bracket that closes."""
        parts: List[Term] = []
        while self._peek() not in ("", _CLOSE):
            parts.append(self._any_of())
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _any_of(self) -> Term:
        parts = [self._term()]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else _any_of(parts)

    def _term(self) -> Term:
        token = self._peek()
        self._at += 1
        if token == _OPEN:
            inner = self.all_of()
            self._at += 1
            return inner
        return _simple(token)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""


def _all_of(parts: Sequence[Term]) -> Term:
    def among(index: Index, some: Some) -> Some:
        # What is asked of all, as that they are open, leaves few for the rest to look at.
        for part in sorted(parts, key=lambda one: one.size):
            some = part.among(index, some)
        return some

    return _made(lambda one: all(part.match(one) for part in parts), among, parts)


def _any_of(parts: Sequence[Term]) -> Term:
    def among(index: Index, some: Some) -> Some:
        found: Set[str] = set()
        for part in parts:
            more = part.among(index, some)
            if more is None:
                return None
            found |= more
        return found

    return _made(lambda one: any(part.match(one) for part in parts), among, parts)


def _made(match: Match, among: Among, parts: Sequence[Term]) -> Term:
    are_exact = all(part.is_exact for part in parts)
    return Term(match, among, are_exact, sum(part.size for part in parts))


def _simple(token: str) -> Term:
    name, _, value = token.lstrip("-").partition(":")
    if name not in _OPERATORS or (name == "is" and token != _WATCHED):
        raise InternalError(f"A preview cannot answer the search term {token!r}.")
    term = _OPERATORS[name](value.strip('"'))
    return Term(lambda one: not term.match(one)) if token.startswith("-") else term


def _trait(name: str) -> Callable[[str], Term]:
    def term(value: str) -> Term:
        trait = name, value
        return Term(
            lambda one: trait in traits(one),
            lambda index, some: _both(some, index.having(trait)),
            is_exact=True,
        )

    return term


def _after(value: str) -> Term:
    at = timestamp(value)
    return Term(
        lambda one: one.updated >= at,
        lambda index, some: _both(some, index.since(at)),
        is_exact=True,
    )


def _both(some: Some, others: AbstractSet[str]) -> AbstractSet[str]:
    return others if some is None else some & others


def _before(value: str) -> Term:
    at = timestamp(value)
    return Term(lambda one: one.updated <= at)


_OPERATORS: Dict[str, Callable[[str], Term]] = {
    "is": lambda _value: Term(lambda one: one.watched),
    "after": _after,
    "before": _before,
    "comment": lambda value: Term(lambda one: value in one.words),
    **{name: _trait(name) for name in ("status", "change", "project", "branch", "topic", "owner")},
}
