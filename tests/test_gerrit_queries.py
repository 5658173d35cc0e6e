"""Composing searches, reading versions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List, Tuple
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.gerrit.queries import (
    MAX_BATCH,
    MAX_QUERY,
    OLDEST,
    Option,
    Version,
    after,
    all_of,
    any_change,
    batches,
    before,
    supported,
)

NINE = datetime(2026, 3, 2, 9, 0, 0, tzinfo=timezone.utc)


class TestComposing:
    """Searches made of parts."""

    def test_times_are_quoted(self) -> None:
        """A time has a space in it, so it stands in quotes."""
        assert after(NINE) == 'after:"2026-03-02 09:00:00"'
        assert before(NINE) == 'before:"2026-03-02 09:00:00"'

    def test_times_are_in_utc_and_whole_seconds(self) -> None:
        """Gerrit reads times as UTC and keeps whole seconds, so that is what it is given."""
        kolkata = timezone(timedelta(hours=5, minutes=30))

        assert after(datetime(2026, 3, 2, 14, 30, 0, 999, tzinfo=kolkata)) == after(NINE)

    def test_time_without_zone(self) -> None:
        """A time without a zone is refused: it could mean any hour."""
        with pytest.raises(ValueError, match="no time zone"):
            after(NINE.replace(tzinfo=None))

    def test_others_words_stand_in_parentheses(self) -> None:
        """OR binds tighter than AND, so every part gets parentheses; empty parts go."""
        assert all_of("a:1 OR b:2", "", " c:3 ", "  ") == "(a:1 OR b:2) (c:3)"
        assert all_of("") == ""

    def test_any_change(self) -> None:
        """Several changes are asked for in one search."""
        assert any_change([7, 12]) == "change:7 OR change:12"


class TestBatches:
    """Many numbers in few searches."""

    def test_count(self) -> None:
        """A batch holds no more than the count, the rest goes into the next; repeats go."""
        numbers = [*range(1, 112), 5]

        assert [len(batch) for batch in batches(numbers)] == [MAX_BATCH, MAX_BATCH, 11]
        assert list(batches([3, 1, 3, 2], count=2)) == [(3, 1), (2,)]

    def test_nothing(self) -> None:
        """No numbers, no batch."""
        assert list(batches([])) == []

    def test_long_query_leaves_less_room(self) -> None:
        """Batches shrink where the query beside them is long."""
        query = "owner:x" + "y" * (MAX_QUERY - 100)
        sizes = [len(batch) for batch in batches(range(900_000, 900_010), query)]

        assert sizes == [3, 3, 3, 1]

    @pytest.mark.parametrize(("spare", "sizes"), [(0, [2, 1]), (-1, [1, 1, 1])])
    def test_to_the_last_character(self, spare: int, sizes: List[int]) -> None:
        """A search may have exactly the most characters, and not one more."""
        room = MAX_QUERY - len(quote(all_of(any_change([1, 2]), "x"))) + 1

        assert [len(batch) for batch in batches([1, 2, 3], "x" * (room - spare))] == sizes

    def test_query_longer_than_any_room(self) -> None:
        """A query that fills all the room still gets one number at a time: the server decides."""
        assert list(batches([1, 2], "x" * (2 * MAX_QUERY))) == [(1,), (2,)]

    @given(
        st.lists(st.integers(1, 10**9), max_size=200),
        st.integers(0, MAX_QUERY),
        st.integers(1, 60),
    )
    def test_any(self, numbers: List[int], length: int, count: int) -> None:
        """Every number once, in order; never over the count; over the length only if alone."""
        query = "x" * length
        groups = list(batches(numbers, query, count))

        assert [number for group in groups for number in group] == list(dict.fromkeys(numbers))
        for group in groups:
            encoded = quote(all_of(any_change(group), query))
            assert len(group) <= count
            assert len(encoded) <= MAX_QUERY or len(group) == 1


class TestVersions:
    """The server's version."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("3.10.2", (3, 10, 2)),
            ("3.9.1-12-gabc1234", (3, 9, 1)),
            ("3.13.0-rc1", (3, 13, 0)),
            ("v3.4", (3, 4, 0)),
            ("4.0", (4, 0, 0)),
            ("(dev)", (3, 4, 0)),
            ("", (3, 4, 0)),
        ],
    )
    def test_reading(self, text: str, expected: Tuple[int, int, int]) -> None:
        """Releases, builds between and candidates are read; the unreadable counts as oldest."""
        version = Version.parse(text)

        assert (version.major, version.minor, version.patch) == expected
        assert version.text == text

    def test_order(self) -> None:
        """Versions compare by number, not as text."""
        assert Version.parse("3.9.11") < Version.parse("3.10.0") == Version(3, 10)


class TestOptions:
    """What a server of a version may be asked."""

    @pytest.mark.parametrize(
        ("version", "known"),
        [
            ("3.4.9", ()),
            ("3.5.0", (Option.SUBMIT_REQUIREMENTS,)),
        ],
    )
    def test_young_options(self, version: str, known: Tuple[Option, ...]) -> None:
        """An option is sent only to servers that know it, since others answer 400."""
        young = (Option.SUBMIT_REQUIREMENTS,)

        assert supported([Option.LABELS, *young], Version.parse(version)) == (Option.LABELS, *known)

    def test_old_options(self) -> None:
        """Even the oldest server knows the rest."""
        assert supported([Option.MESSAGES], OLDEST) == (Option.MESSAGES,)
