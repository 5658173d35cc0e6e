"""Which searches for commands are made, for which changes, and what is taken from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Dict, Iterable, List, Sequence, Set, Tuple

import pytest

from histories import History, at
from reviewloop.core.change import Change
from reviewloop.core.keys import Mark
from reviewloop.sensor.commanded import RECENT, Commands, bears_mark
from reviewloop.sensor.found import ChangeKey

NOW = at("wed 12:00")
FOR_ALL = "comment:snooze OR comment:unsnooze"
FOR_THE_ASKED = "comment:ack OR comment:pass"
MARK = str(Mark("nudge", "0123456789abcdef", (7,)))


class Index:
    """A client whose searches find what a test says, by the words searched for."""

    def __init__(self) -> None:
        self.holding: Dict[str, Sequence[Any]] = {}
        self.asked: List[Tuple[Any, ...]] = []

    def changes(self, numbers: Iterable[int], *, query: str) -> List[Any]:
        """Those of a few changes."""
        wanted = list(numbers)
        self.asked.append((wanted, query))
        return [row for row in self._found(query) if row.get("_number", 0) in [0, *wanted]]

    def scan(self, query: str) -> List[Any]:
        """All of them."""
        self.asked.append((query,))
        return self._found(query)

    def _found(self, query: str) -> List[Any]:
        return [row for word, rows in self.holding.items() if word in query for row in rows]


def row(number: int, project: str = "p") -> Dict[str, Any]:
    """What the index answers of a change."""
    return {"_number": number, "project": project}


def change(number: int, moment: str = "mon 10:00", said: str = "(1 comment)") -> Change:
    """A change with a review."""
    found = History().upload("mon 9:00").review("mon 10:00", "reviewer", text=said).change()
    return replace(found, number=number, project="p", updated=at(moment))


def marked(number: int, moment: str = "mon 10:00") -> Change:
    """One on which this pack has asked somebody, and somebody has commented."""
    return change(number, moment, f"(1 comment)\n\nPlease.\n\n{MARK}")


def keys(*numbers: int) -> Set[ChangeKey]:
    """The changes' keys."""
    return {ChangeKey(number, "p") for number in numbers}


class Clock:
    """The server's time, which a test moves on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now


@pytest.fixture
def index() -> Index:
    """Changes 1 and 2 hold words of anybody, 2 and 3 those of people who were asked."""
    found = Index()
    found.holding = {"comment:snooze": [row(1), row(2)], "comment:pass": [row(2), row(3)]}
    return found


def commands(index: Index, query: str = "project:p") -> Commands:
    """Searches of a sensor that is narrowed to that."""
    return Commands(index, Clock(), query)  # type: ignore[arg-type]


# A few changes.


def test_nobody_has_commented(index: Index) -> None:
    """Then there is nothing to search for."""
    silent = change(1, said="Nice.")

    assert commands(index).among([silent]) == set()
    assert commands(index).scanned("status:open")([silent]) == set()
    assert index.asked == []


def test_by_number(index: Index) -> None:
    """Only those with comments are searched for, each once, for the words of anybody."""
    found = commands(index).among([change(3), change(1), change(2, said="Nice."), change(1)])

    assert found == keys(1)
    assert index.asked == [([1, 3], FOR_ALL)]


def test_by_number_where_somebody_was_asked(index: Index) -> None:
    """One search for the words of both."""
    found = commands(index).among([change(1), marked(3)])

    assert found == keys(1, 3)
    assert index.asked == [([1, 3], f"{FOR_ALL} OR {FOR_THE_ASKED}")]


def test_mark_where_nobody_has_commented(index: Index) -> None:
    """It asks for nothing."""
    asked = change(3, said=f"Please.\n\n{MARK}")
    assert bears_mark(asked)
    commands(index).among([change(1), asked])

    assert index.asked == [([1], FOR_ALL)]


def test_row_that_makes_no_sense(index: Index) -> None:
    """The others are found all the same."""
    index.holding["comment:snooze"] = [{"project": "p"}, row(1), {"_number": "x"}]

    assert commands(index).among([change(1)]) == keys(1)


# A scan.


def test_whole_scan(index: Index) -> None:
    """Each kind is searched for once, within what the scan and the sensor are narrowed to, and
    only when a change may hold it.
    """
    scanned = commands(index).scanned("status:open")

    assert scanned([change(1), change(3)]) == keys(1)
    assert index.asked == [(f"((status:open) (project:p)) ({FOR_ALL})",)]
    assert scanned([marked(2), marked(3), change(4)]) == keys(2, 3)
    assert index.asked[1:] == [(f"((status:open) (project:p)) ({FOR_THE_ASKED})",)]
    assert scanned([marked(3), change(1)]) == keys(1, 3)
    assert len(index.asked) == 2


def test_words_that_count_for_the_asked_alone(index: Index) -> None:
    """A `/pass` where nobody was asked is none."""
    scanned = commands(index).scanned("status:open")

    assert scanned([change(3), marked(2)]) == keys(2)
    assert scanned([change(3)]) == set()


def test_nothing_is_found(index: Index) -> None:
    """A search that found nothing is not made again."""
    index.holding = {}
    scanned = commands(index).scanned("status:open")

    for _ in range(2):
        assert scanned([marked(1)]) == set()
    assert len(index.asked) == 2


def test_other_change_of_the_number(index: Index) -> None:
    """Its words are not this one's."""
    index.holding["comment:snooze"] = [row(1, "old/p")]

    assert commands(index).scanned("status:open")([change(1)]) == set()


@pytest.mark.parametrize(("seconds", "is_recent"), [(0, True), (-1, False)])
def test_recent(index: Index, seconds: int, is_recent: bool) -> None:
    """What was updated eighty minutes before the search, or later, is searched for by number."""
    assert timedelta(minutes=80) == RECENT
    young = replace(change(1), updated=NOW - RECENT + timedelta(seconds=seconds))

    assert commands(index).scanned("status:open")([young]) == keys(1)
    assert [one[0] for one in index.asked] == (
        [[1]] if is_recent else [f"((status:open) (project:p)) ({FOR_ALL})"]
    )


def test_recent_and_old(index: Index) -> None:
    """What both searches find counts; what was asked by number is searched for by number alone."""
    scanned = commands(index).scanned("status:open")
    found = scanned([marked(3, "wed 12:00"), change(1)])

    assert found == keys(1, 3)
    assert index.asked == [
        ([3], f"{FOR_ALL} OR {FOR_THE_ASKED}"),
        (f"((status:open) (project:p)) ({FOR_ALL})",),
    ]


def test_scan_that_takes_long(index: Index) -> None:
    """What is recent is so at the time of the one search: what came since it does not know."""
    clock = Clock()
    scanned = Commands(index, clock, "").scanned("status:open")  # type: ignore[arg-type]
    scanned([change(1)])
    clock.now += timedelta(hours=5)
    young = replace(change(2), updated=NOW)

    assert scanned([young]) == keys(2)
    assert index.asked[-1] == ([2], FOR_ALL)
