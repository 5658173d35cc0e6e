"""Which state of each change was looked at last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from histories import History, at
from reviewloop.core.change import Change, ChangeStatus
from reviewloop.gerrit.parse import Row
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.known import Known

KEY = ChangeKey(1, "tools/build")


def change(status: ChangeStatus = ChangeStatus.NEW, meta: str = "a") -> Change:
    """Change 1, updated on Monday at 9."""
    found = History().upload("mon 9:00").change()
    return replace(found, status=status, updated=at("mon 9:00"), meta_rev_id=meta)


def row(meta: str = "a", updated: str = "mon 9:00", project: str = "tools/build") -> Row:
    """What the index says of it."""
    return Row(1, project, at(updated), meta, ChangeStatus.NEW, is_private=False)


def nothing_kept(_key: ChangeKey) -> bool:
    """No change is watched."""
    return False


def test_moved() -> None:
    """A change has moved if it is new, or if its last commit is another."""
    known = Known()
    assert known.has_moved(row())
    known.note(change())

    assert not known.has_moved(row())
    assert not known.has_moved(row(updated="mon 10:00"))
    assert known.has_moved(row(meta="b"))
    assert known.has_moved(row(project="other"))


def test_moved_on_old_servers() -> None:
    """Before 3.4 only the time of the last update tells."""
    known = Known()
    known.note(change(meta=""))

    assert not known.has_moved(row(meta=""))
    assert known.has_moved(row(meta="", updated="mon 9:01"))


def test_rows_that_could_not_be_read_in_full() -> None:
    """A change that failed is not read again in each poll just because its row is still there."""
    known = Known()
    known.note_row(row())

    assert not known.has_moved(row())
    assert known.has_moved(row(meta="b"))


def test_gone_and_back() -> None:
    """A change that was forgotten is new, even where it comes back unmoved."""
    known = Known()
    known.note(change())
    known.forget(KEY)

    assert known.has_moved(row())


@pytest.mark.parametrize(
    ("status", "since", "is_kept", "stays"),
    [
        (ChangeStatus.MERGED, "mon 9:00", False, True),
        (ChangeStatus.MERGED, "mon 9:01", False, False),
        (ChangeStatus.MERGED, "mon 9:01", True, True),
        (ChangeStatus.NEW, "mon 9:01", False, True),
    ],
)
def test_closed_changes(status: ChangeStatus, since: str, is_kept: bool, stays: bool) -> None:
    """Closed changes are forgotten when no delta reaches them, unless somebody watches them."""
    known = Known()
    known.note(change(status))
    known.prune(at(since), lambda _key: is_kept)

    assert (KEY in known) is stays


@pytest.mark.parametrize(
    ("since", "is_kept", "stays"),
    [("mon 9:00", False, True), ("mon 9:01", False, False), ("mon 9:01", True, True)],
)
def test_what_no_look_lists_any_more(since: str, is_kept: bool, stays: bool) -> None:
    """Open ones go too when the daily look does not list them."""
    known = Known()
    known.note(change())
    known.prune_all(at(since), lambda _key: is_kept)

    assert (list(known) == [KEY]) is stays
    assert (len(known) == 1) is stays


def test_row_on_an_old_server() -> None:
    """Before 3.4 a row, too, tells of a move by its time only."""
    known = Known()
    known.note_row(row(meta=""))

    assert not known.has_moved(row(meta=""))
    assert known.has_moved(row(meta="", updated="mon 9:01"))


@pytest.mark.parametrize("status", [ChangeStatus.NEW, ChangeStatus.MERGED])
@pytest.mark.parametrize("since", ["mon 9:00", "mon 9:01"])
def test_rows_are_forgotten_like_changes(status: ChangeStatus, since: str) -> None:
    """An open one stays, a closed one goes when no delta reaches it."""
    known = Known()
    known.note_row(row()._replace(status=status))
    known.prune(at(since), nothing_kept)

    assert (KEY in known) is (status is ChangeStatus.NEW or since == "mon 9:00")


def test_what_was_never_known() -> None:
    """To forget it is nothing."""
    known = Known()
    known.forget(KEY)

    assert KEY not in known


def test_each_is_asked_for_by_its_key() -> None:
    """Of two closed changes the one that somebody watches stays."""
    known = Known()
    other = ChangeKey(2, "tools/build")
    for number in (1, 2):
        known.note_row(row()._replace(number=number, status=ChangeStatus.MERGED))
    known.prune(at("mon 9:01"), {other}.__contains__)

    assert list(known) == [other]
