"""Complete scans: nothing dropped, nothing twice, whatever the times of the changes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.gerrit.fake import FakeGerrit

from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse
from reviewloop.gerrit.protocol import Peer, Request
from reviewloop.gerrit.scan import Page, drained, keyset

START = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)


def server(*seconds: int) -> FakeGerrit:
    """A server with one change updated in each of these seconds after START."""
    fake = FakeGerrit(now=START + timedelta(days=1))
    for second in seconds:
        fake.add_change(at=START + timedelta(seconds=second))
    return fake


def scanned(fake: FakeGerrit, page: int, query: str = "status:open") -> List[int]:
    return [parse.number_of(row) for row in fake.client().scan(query, page=page)]


def searches(fake: FakeGerrit) -> List[str]:
    return [line for line in fake.seen if line.startswith("GET /a/changes/?")]


class TestCompleteness:
    """What a scan of a server at rest finds."""

    @given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 12), st.integers(1, 12))
    def test_any_times(self, seconds: List[int], page: int, cap: int) -> None:
        """Every change exactly once, for all times, page sizes, and caps of the server."""
        fake = server(*seconds)
        fake.page_limit = cap

        assert sorted(scanned(fake, page)) == list(range(1, len(seconds) + 1))

    @given(
        st.lists(st.integers(0, 5), min_size=1, max_size=30),
        st.integers(1, 6),
        st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), max_size=12),
    )
    def test_changes_touched_meanwhile(
        self, seconds: List[int], page: int, touches: List[Tuple[int, int]]
    ) -> None:
        """With the changes touched since its start, a scan is complete under any concurrent writes.

        A touch moves a change from the part not yet read to the top, where only a later search
        finds it.
        """
        fake = server(*seconds)
        started = fake.now
        due = sorted(touches)

        def disturb(_: Request) -> None:
            while due and due[0][0] <= len(fake.seen):
                number = due.pop(0)[1]
                if number in fake.changes:
                    fake.touch(number, fake.advance(seconds=1))

        fake.before_send = disturb
        found = scanned(fake, page)
        fake.before_send = lambda _: None
        touched = {number for number, one in fake.changes.items() if one.updated >= started}

        assert len(found) == len(set(found))
        assert set(found) | touched == set(fake.changes)

    def test_newest_first(self) -> None:
        """Rows come in the server's order: newest first, within a second the highest number."""
        assert scanned(server(0, 5, 5, 3), page=2) == [3, 2, 4, 1]

    def test_nothing(self) -> None:
        """An empty server is one request."""
        fake = server()

        assert scanned(fake, 500) == []
        assert len(searches(fake)) == 1

    def test_query_of_others(self) -> None:
        """The caller's search is kept whole on every page, its ORs too."""
        fake = server(*range(6))
        fake.add_change(project="other", at=START)

        found = scanned(fake, 2, "project:tools/build OR project:none")

        assert found == [6, 5, 4, 3, 2, 1]
        assert all("project:tools/build OR project:none" in line for line in searches(fake))


class TestCost:
    """How many requests a scan makes."""

    def test_pages_without_offsets(self) -> None:
        """Distinct times: one request a page, going on with before: and without any offset."""
        fake = server(*range(9))

        assert len(scanned(fake, 3)) == 9
        # Each page but the first begins with the row that the one before ended with.
        assert len(searches(fake)) == 4
        assert all("S=" not in line for line in searches(fake))
        assert '(before:"2026-03-02 09:00:06")' in searches(fake)[1]

    def test_crowded_second(self) -> None:
        """A second that fills a page is finished by offsets inside it, down and up once."""
        fake = server(0, *[7] * 5)

        assert sorted(scanned(fake, 2)) == [1, 2, 3, 4, 5, 6]
        inside = [line for line in searches(fake) if "after:" in line]
        assert [line.count("S=") for line in inside] == [0, 1, 1, 1, 1, 0]
        assert '(before:"2026-03-02 09:00:06")' in searches(fake)[-1]

    def test_crowded_second_in_one_page(self) -> None:
        """Where the second's own search is complete in one page, it is not repeated."""
        fake = server(0, 7, 7, 8)

        assert sorted(scanned(fake, 2)) == [1, 2, 3, 4]
        assert sum("after:" in line for line in searches(fake)) == 1

    def test_page_size(self) -> None:
        """A page is what the account may ask for, 500 at most, and asked for in every request."""
        fake = server(1, 2, 3)
        fake.query_limit = 2

        assert len(list(fake.client().scan("status:open"))) == 3
        assert all("&n=2" in line for line in searches(fake))

        fake.query_limit = 100_000
        list(fake.client().scan("status:open"))
        assert "&n=500" in fake.seen[-1]

    def test_read_as_needed(self) -> None:
        """Pages are read only when their rows are asked for."""
        fake = server(*range(9))
        rows = fake.client().scan("status:open", page=3)
        assert len(searches(fake)) == 0

        list(islice(rows, 3))

        assert len(searches(fake)) == 1

    def test_limit(self) -> None:
        """A limit bounds the rows, and the size of the page asked for."""
        fake = server(*range(9))

        assert len(list(fake.client().scan("status:open", limit=4))) == 4
        assert "&n=4" in fake.seen[-1]
        assert list(fake.client().scan("status:open", limit=0)) == []


class TestOddServers:
    """Answers that a sound server at rest would not give."""

    def test_row_newer_than_asked_for(self) -> None:
        """A row touched while its page is made shows a later time; nothing behind it is skipped."""
        fake = server(*range(6))

        def fetch(query: str, start: int) -> Page:
            request = Request("GET", "/changes/", (("q", query), ("n", "3"), ("S", str(start))))
            rows = list(Peer("fake").values(request, fake.send(request)))
            rows[-1]["updated"] = "2026-03-03 09:00:00.000000000"
            return Page(rows)

        found = [parse.number_of(row) for row in keyset(fetch, "status:open")]

        assert sorted(found) == [1, 2, 3, 4, 5, 6]

    def test_bounds_ignored(self) -> None:
        """A cache that ignores the query ends the scan with an error, not with a loop."""
        row = {"_number": 1, "updated": "2026-03-02 09:00:00", "_more_changes": True}
        other = {"_number": 2, "updated": "2026-03-02 08:00:00", "_more_changes": True}

        with pytest.raises(ProtocolError, match="repeats"):
            list(keyset(lambda _query, _start: Page([row, other]), "status:open"))

    def test_row_newer_than_asked_for_does_not_start_over(self) -> None:
        """A scan's bounds only ever go down, even past a page of one row that was just touched."""
        fake = server(*range(6))
        asked: List[str] = []

        def fetch(query: str, start: int) -> Page:
            asked.append(query)
            request = Request("GET", "/changes/", (("q", query), ("n", "1"), ("S", str(start))))
            rows = list(Peer("fake").values(request, fake.send(request)))
            if len(asked) == 3:
                rows[0]["updated"] = "2026-03-03 09:00:00.000000000"
            return Page(rows)

        found = [parse.number_of(row) for row in keyset(fetch, "status:open")]

        bounds = [query[-22:] for query in asked if "before:" in query and "after:" not in query]
        assert found == [6, 5, 4, 3, 2, 1]
        assert bounds == sorted(bounds, reverse=True)
        assert len(set(bounds)) == len(bounds)

    def test_searches_for_one_second_only(self) -> None:
        """The same where the search for one second works, and the other bounds are ignored."""
        found = {"updated": "2026-03-02 09:00:02", "_number": 2}

        def fetch(query: str, _start: int) -> Page:
            last = {"updated": "2026-03-02 09:00:01", "_number": 1}
            return Page([found, {**last, "_more_changes": "after:" not in query}])

        with pytest.raises(ProtocolError, match="repeats"):
            list(keyset(fetch, "status:open"))

    def test_offsets_ignored(self) -> None:
        """The same where only offsets are ignored."""
        row = {"_number": 1, "updated": "2026-03-02 09:00:00", "_more_changes": True}

        with pytest.raises(ProtocolError, match="repeats"):
            list(keyset(lambda _query, _start: Page([row]), "status:open"))

    def test_rows_that_leave_the_crowd(self) -> None:
        """Rows that move up while offsets are walked are found on the way back."""
        fake = server(0, *[7] * 8)
        leaving = iter([9, 8])

        def disturb(request: Request) -> None:
            if "S" in dict(request.params):
                number = next(leaving, 0)
                if number:
                    fake.touch(number, fake.now)

        fake.before_send = disturb

        assert sorted(scanned(fake, 2)) == list(range(1, 10))


class TestWhatIsHeld:
    """A history takes ten times the room of its text."""

    def test_rows_are_let_go(self) -> None:
        """Of two pages of fifty rows there are two at one time: one that is looked at, and one that
        is read next.
        """
        alive: List[int] = []
        most: List[int] = []

        class Row(Dict[str, object]):
            """A row that tells when it is gone."""

            def __init__(self, number: int) -> None:
                time = f"2026-03-02 09:{number // 60:02}:{number % 60:02}"
                super().__init__(_number=number, updated=time, _more_changes=number == 50)
                alive.append(number)

            def __del__(self) -> None:
                alive.remove(self["_number"])  # type: ignore[arg-type]

        def fetch(query: str, _start: int) -> Page:
            return Page(map(Row, range(49, 0, -1) if "before:" in query else range(99, 49, -1)))

        for _row in keyset(fetch, "status:open"):
            most.append(len(alive))

        assert len(most) == 99
        assert max(most) <= 2

    def test_a_list_is_emptied(self) -> None:
        """In its order, and what was looked at is in it no longer."""
        held = [1, 2, 3]

        assert [(one, len(held)) for one in drained(held)] == [(1, 2), (2, 1), (3, 0)]
