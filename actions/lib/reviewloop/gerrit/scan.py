"""Reading every change of a search, page by page, without offsets.

Changes come newest first (``updated`` down, then number down), and a change that is touched moves
to the top. Offsets (``S=``) therefore lose rows and cost more the deeper they go. Going on with
``before:"<updated of the last row>"`` does neither: rows can only leave the part not yet read.
What leaves it is returned by the next search for ``after:"<start of the scan>"``, which is the
caller's to make (with some overlap, since ``updated`` is when an operation begins, not ends).
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from sys import intern
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypeVar,
)

from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.fields import Raw, field, timestamp

#: What tells a row from others: its project and number.
Identity = Tuple[str, int]

T = TypeVar("T")

_SECOND = timedelta(seconds=1)

_MORE = b'"_more_changes":true'
_UPDATED = re.compile(rb'"created":"[0-9. :-]{1,40}","updated":"([0-9-]{10} [0-9:]{8})')

#: Pages in a row without anything new before something is taken to ignore our bounds.
_IDLE_PAGES = 10


def glance(body: bytes) -> Optional[Tuple[datetime, datetime]]:
    """The newest and the oldest time of the rows of a page that is not the last, by its text alone:
    all rows would have to be read to know. None where the text does not tell.

    Gerrit writes ``updated`` behind ``created`` (``ChangeInfo.java``), and in strings escapes
    quotes, so neither is found in what somebody has written.
    """
    times = _UPDATED.findall(body) if _MORE in body else ()
    with suppress(ProtocolError):
        return (_time(max(times)), _time(min(times))) if times else None
    return None


def _time(found: bytes) -> datetime:
    return timestamp(found.decode("ascii"))


class Page:
    """One page of a search, row by row.

    :param items: what was answered.
    :param glance: the newest and the oldest time of its rows, where more exist; a hint, and None
        for none.
    """

    def __init__(
        self, items: Iterable[Any], glance: Optional[Tuple[datetime, datetime]] = None
    ) -> None:
        self._items = items
        self.glance = glance
        #: Whether more rows exist; known when all of these have been gone through. Only
        #: ``_more_changes`` on the last row tells: pages can be short for other reasons
        #: (the account's query limit, rows the server could not render).
        self.more = False

    def __iter__(self) -> Iterator[Raw]:
        row: Raw = {}
        for item in self._items:
            # Whoever reads the rows sets aside what is none.
            row = item if isinstance(item, dict) else {}
            yield row
        self.more = field(row, "_more_changes", bool, "search", False)


#: Fetches one page: (search, offset).
Fetch = Callable[[str, int], Page]

#: Told the search of which the first page is likely to be fetched next, before this one is read.
Announce = Callable[[str], None]


def keyset(fetch: Fetch, query: str, announce: Announce = lambda _search: None) -> Iterator[Raw]:
    """Every row of ``query``, each change once, newest first; memory is the numbers seen.

    :raises ProtocolError: the server claims more rows but only repeats itself.
    """
    walk = _Walk()
    bound: Optional[datetime] = None
    idle = 0
    while idle < _IDLE_PAGES:
        page = fetch(_within(query, bound), 0)
        if page.glance is not None:
            newest, oldest = _span(page.glance, bound)
            if newest != oldest:
                announce(_within(query, oldest))
        yield from walk.through(page)
        if not walk.more:
            return
        idle = 0 if walk.fresh else idle + 1
        newest, oldest = _span(walk.times, bound)
        if newest == oldest:
            yield from _second(fetch, walk, query, oldest)
            oldest -= _SECOND
        bound = oldest
    raise _repeats()


class _Walk:
    """Goes through pages row by row, and holds none: a history takes far more room than the text
    of which it is read, and what is kept of it would lie scattered between what was freed.

    When a page has been gone through: whether ``more`` exist, how many rows it had, how many of
    them were ``fresh``, and the ``times`` of those that make sense.
    """

    def __init__(self) -> None:
        self._seen: Set[Identity] = set()
        self.more = True
        self.rows = self.fresh = 0
        self.times: List[datetime] = []

    def through(self, page: Page) -> Iterator[Raw]:
        """The rows of a page whose change was not seen before."""
        self.rows, self.fresh, self.times = 0, 0, []
        for row in page:
            self.rows += 1
            # A page is in order, so one that makes no sense may be missed.
            with suppress(ProtocolError):
                self.times.append(parse.updated_of(row))
            identity = _identity(row)
            if identity not in self._seen:
                self._seen.add(identity)
                self.fresh += 1
                yield row
        self.more = page.more


def drained(held: List[T]) -> Iterator[T]:
    """Every value of a list, which lets go of each before the next one is looked at."""
    held.reverse()
    while held:
        yield held.pop()


def _within(query: str, bound: Optional[datetime]) -> str:
    return query if bound is None else queries.all_of(query, queries.before(bound))


def _span(told: Sequence[datetime], bound: Optional[datetime]) -> Tuple[datetime, datetime]:
    """The newest and the oldest second of a page, neither above the bound it was asked with.

    :param told: the times of its rows.

    A row that was touched while its page was being made can show a time above the bound; taking
    the least time of all rows only repeats some, whereas the last row's could skip some.
    """
    if not told:
        raise _repeats()
    newest, oldest = max(told), min(told)
    return (newest, oldest) if bound is None else (min(newest, bound), min(oldest, bound))


def _second(fetch: Fetch, walk: _Walk, query: str, second: datetime) -> Iterator[Raw]:
    """The rows updated in one second that fills a whole page: here only offsets lead on.

    While offsets are walked, rows can leave the second (they are touched again), and those behind
    move up. So the walk goes down and then up again, until one way brings nothing new: upwards no
    row that moves up can slip past.
    """
    inside = queries.all_of(query, queries.after(second), queries.before(second))
    offsets: List[int] = []
    start, idle = 0, 0
    walk.more = True
    while walk.more:
        yield from walk.through(fetch(inside, start))
        offsets.append(start)
        start += walk.rows
        idle = 0 if walk.fresh else idle + 1
        if idle == _IDLE_PAGES:
            raise _repeats()
    found = len(offsets) > 1
    while found:
        found = False
        for offset in reversed(offsets):
            yield from walk.through(fetch(inside, offset))
            found = found or walk.fresh > 0


def _identity(row: Raw) -> Identity:
    """Project and number: with changes imported from another server the number is not enough.

    A row that makes no sense is distinguished from others by all that it holds.
    """
    try:
        return intern(str(row.get("project"))), parse.number_of(row)
    except ProtocolError:
        return repr(sorted(row.items())), 0


def _repeats() -> ProtocolError:
    return ProtocolError(
        "Gerrit says that there are more changes but repeats those it has given.",
        "Look for a cache in front of the server that ignores query parameters.",
    )
