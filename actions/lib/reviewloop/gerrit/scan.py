"""Reading every change of a search, page by page, without offsets.

Changes come newest first (``updated`` down, then number down), and a change that is touched moves
to the top. Offsets (``S=``) therefore lose rows and cost more the deeper they go. Going on with
``before:"<updated of the last row>"`` does neither: rows can only leave the part not yet read.
What leaves it is returned by the next search for ``after:"<start of the scan>"``, which is the
caller's to make (with some overlap, since ``updated`` is when an operation begins, not ends).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Callable, Iterable, Iterator, List, Optional, Set, Tuple

from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.fields import Raw

#: Fetches one page: (search, offset) -> (rows, whether more exist).
Fetch = Callable[[str, int], Tuple[Tuple[Raw, ...], bool]]

#: Told the search of which the first page is fetched next, while this one is still being read.
Announce = Callable[[str], None]

#: What tells a row from others: its project and number.
Identity = Tuple[str, int]

_SECOND = timedelta(seconds=1)

#: Pages in a row without anything new before something is taken to ignore our bounds.
_IDLE_PAGES = 10


def keyset(fetch: Fetch, query: str, announce: Announce = lambda _search: None) -> Iterator[Raw]:
    """Every row of ``query``, each change once, newest first; memory is the numbers seen.

    :raises ProtocolError: the server claims more rows but only repeats itself.
    """
    seen: Set[Identity] = set()
    bound: Optional[datetime] = None
    idle = 0
    while idle < _IDLE_PAGES:
        rows, more = fetch(_within(query, bound), 0)
        fresh = _fresh(rows, seen)
        span = _span(rows, bound) if more else None
        if span is not None and span[0] != span[1] and fresh:
            announce(_within(query, span[1]))
        yield from fresh
        if not more:
            return
        if span is None:
            break
        idle = 0 if fresh else idle + 1
        newest, oldest = span
        if newest == oldest:
            yield from _second(fetch, query, oldest, seen)
            oldest -= _SECOND
        bound = oldest
    raise _repeats()


def _within(query: str, bound: Optional[datetime]) -> str:
    return query if bound is None else queries.all_of(query, queries.before(bound))


def _span(rows: Tuple[Raw, ...], bound: Optional[datetime]) -> Optional[Tuple[datetime, datetime]]:
    """The newest and the oldest second of a page, neither above the bound it was asked with; None
    where it tells no time.

    A row that was touched while its page was being made can show a time above the bound; taking
    the least time of all rows only repeats some, whereas the last row's could skip some.
    """
    told = list(times(rows))
    if not told:
        return None
    newest, oldest = max(told), min(told)
    return (newest, oldest) if bound is None else (min(newest, bound), min(oldest, bound))


def times(rows: Iterable[Raw]) -> Iterator[datetime]:
    """The times that can be read; a page is in order, so one that makes no sense may be missed."""
    for row in rows:
        with suppress(ProtocolError):
            yield parse.updated_of(row)


def _second(fetch: Fetch, query: str, second: datetime, seen: Set[Identity]) -> Iterator[Raw]:
    """The rows updated in one second that fills a whole page: here only offsets lead on.

    While offsets are walked, rows can leave the second (they are touched again), and those behind
    move up. So the walk goes down and then up again, until one way brings nothing new: upwards no
    row that moves up can slip past.
    """
    inside = queries.all_of(query, queries.after(second), queries.before(second))
    offsets: List[int] = []
    start, more, idle = 0, True, 0
    while more:
        rows, more = fetch(inside, start)
        offsets.append(start)
        start += len(rows)
        fresh = _fresh(rows, seen)
        yield from fresh
        idle = 0 if fresh else idle + 1
        if idle == _IDLE_PAGES:
            raise _repeats()
    found = len(offsets) > 1
    while found:
        found = False
        for offset in reversed(offsets):
            fresh = _fresh(fetch(inside, offset)[0], seen)
            found = found or bool(fresh)
            yield from fresh


def _fresh(rows: Iterable[Raw], seen: Set[Identity]) -> List[Raw]:
    """The rows whose change was not seen before; remembers them."""
    fresh = []
    for row in rows:
        identity = _identity(row)
        if identity not in seen:
            seen.add(identity)
            fresh.append(row)
    return fresh


def _identity(row: Raw) -> Identity:
    """Project and number: with changes imported from another server the number is not enough.

    A row that makes no sense is distinguished from others by all that it holds.
    """
    try:
        return str(row.get("project")), parse.number_of(row)
    except ProtocolError:
        return repr(sorted(row.items())), 0


def _repeats() -> ProtocolError:
    return ProtocolError(
        "Gerrit says that there are more changes but repeats those it has given.",
        "Look for a cache in front of the server that ignores query parameters.",
    )
