"""Changes that could not be read: which, why, and when to try them again."""

from __future__ import annotations

from datetime import timedelta
from typing import Optional

from histories import at
from reviewloop.errors import ProtocolError
from reviewloop.sensor.aside import KEPT, Aside
from reviewloop.sensor.found import ChangeKey, Failed

NOW = at("mon 9:00")
KEY = ChangeKey(7, "tools/build")


def failed(key: Optional[ChangeKey] = KEY, why: str = "change 7: it makes no sense.") -> Failed:
    """A failure in Gerrit's answer."""
    return Failed(key, ProtocolError(why))


def report(aside: Aside) -> str:
    """What is reported, "" if nothing is."""
    trouble = aside.trouble()
    return "" if trouble is None else str(trouble)


def test_nothing_set_aside() -> None:
    """Then there is nothing to report and nothing to try."""
    aside = Aside()

    assert report(aside) == ""
    assert aside.due(NOW) == set()
    assert aside.through() == {}
    assert KEY not in aside


def test_retries_become_rare() -> None:
    """Four minutes, eight, and so on up to an hour."""
    aside, moment = Aside(), NOW
    gaps = []
    for _ in range(7):
        aside.put(failed(), moment, NOW)
        begun = moment
        while KEY not in aside.due(moment):
            moment += timedelta(minutes=1)
        gaps.append((moment - begun) // timedelta(minutes=1))

    assert gaps == [4, 8, 16, 32, 60, 60, 60]


def test_said_once() -> None:
    """Whoever sets a change aside is told whether that is news."""
    aside = Aside()

    assert aside.put(failed(), NOW, NOW)
    assert not aside.put(failed(), NOW, NOW)
    assert KEY in aside


def test_position_of_the_first_failure() -> None:
    """Its events are dispatched from where dispatching had come to when it first failed."""
    aside = Aside()
    aside.put(failed(), NOW, NOW)
    aside.put(failed(), at("mon 10:00"), at("mon 10:00"))

    assert aside.through() == {7: NOW}
    aside.drop(KEY)
    assert aside.through() == {}
    assert report(aside) == ""


def test_report_names_the_numbers() -> None:
    """The reason and what to do name the changes, which the trigger's fields do not."""
    aside = Aside()
    aside.put(failed(), NOW, NOW)
    aside.put(Failed(ChangeKey(9, "x"), KeyError("a defect")), NOW, NOW)
    trouble = aside.trouble()

    assert trouble is not None
    assert "makes no sense" in trouble.message
    assert "KeyError, a defect of this pack" in trouble.message
    assert "7, 9" in trouble.remedy


def test_long_reports_are_cut() -> None:
    """Ten are named, and how many more there are."""
    aside = Aside()
    for number in range(1, 13):
        aside.put(failed(ChangeKey(number, "x")), NOW, NOW)

    assert "; and 2 more" in report(aside)
    assert "10" in report(aside)
    assert "11" not in report(aside)


def test_rows_without_a_number() -> None:
    """A row that names no change is reported in its own poll."""
    aside = Aside()
    aside.put(failed(None, "the key `_number` is missing"), NOW, NOW)
    assert "`_number` is missing" in report(aside)
    aside.begin()

    assert report(aside) == ""


def test_odd_changes() -> None:
    """A change of an unknown status is read and reported, until it is odd no more."""
    aside = Aside()
    aside.put(failed(), NOW, NOW)
    aside.note(KEY, "its status is FROZEN")

    assert KEY not in aside
    assert "FROZEN" in report(aside)
    aside.note(KEY, "")
    assert report(aside) == ""


def test_only_so_many_are_remembered() -> None:
    """A datastore value does not grow without end."""
    aside = Aside()
    for number in range(1, KEPT + 2):
        aside.put(failed(ChangeKey(number, "x")), NOW, NOW + timedelta(seconds=number))

    assert set(aside.through()) == set(range(1, KEPT + 1))


def test_one_number_on_two_projects() -> None:
    """Where the datastore has one place for a number, the earlier position is kept."""
    aside = Aside()
    aside.put(failed(ChangeKey(7, "b")), NOW, at("mon 8:00"))
    aside.put(failed(ChangeKey(7, "a")), NOW, NOW)

    assert aside.through() == {7: at("mon 8:00")}


def test_row_without_a_number_is_news_each_time() -> None:
    """Nothing tells it from another, and nothing is tried again."""
    aside = Aside()

    assert aside.put(failed(None), NOW, NOW)
    assert aside.put(failed(None), NOW, NOW)
    assert (aside.due(at("mon2 9:00")), aside.through()) == (set(), {})


def test_odd_and_then_broken() -> None:
    """A change that was odd and cannot be read any more has one reason."""
    aside = Aside()
    aside.note(KEY, "its status is FROZEN")
    aside.put(failed(), NOW, NOW)

    assert "FROZEN" not in report(aside)
    assert KEY in aside
