"""What the sensor's reader asks for, and that each change comes out of it once."""

from __future__ import annotations

from typing import List, Set, Tuple

import pytest
from sandbox.gerrit.fake_query import RefusalError
from sandbox.gerrit.fake_world import FakeChange, Json

from bench import Bench
from reviewloop.core.keys import Mark, ask_id, event_id
from reviewloop.errors import TemporaryError
from reviewloop.http.messages import Response
from reviewloop.sensor import reader as reader_of
from reviewloop.sensor.found import ChangeKey, Failed, Found, Gone, Read
from test_sensor_memory import Parts, key


def seen(parts: Parts) -> List[str]:
    """The searches so far, without their options."""
    searches = (one.partition("/changes/?q=")[2] for one in parts.fake.seen)
    return [one.partition("&")[0] for one in searches if one]


def told(found: List[Found]) -> List[Tuple[str, int]]:
    """What came of each change: class and number."""
    return [(type(one).__name__, one.key.number if one.key else 0) for one in found]


def comments(parts: Parts) -> int:
    """How often comments were asked for."""
    return sum("/comments" in one for one in parts.fake.seen)


def test_searches_are_narrowed() -> None:
    """To what the caller looks for, and to what is configured."""
    parts = Parts(query="project:tools/build")
    list(parts.reader.rows("status:open"))
    list(parts.reader.scan("status:merged"))

    assert seen(parts) == [
        "(status:open) (project:tools/build)",
        "(status:merged) (project:tools/build)",
    ]


def test_pages_are_read_as_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many changes one portion is held at a time."""
    monkeypatch.setattr(reader_of, "PORTION", 2)
    parts = Parts()
    parts.fake.page_limit = 2
    for _ in range(5):
        parts.fake.advance(seconds=1)
        parts.fake.add_change()
    found = parts.reader.scan("status:open")
    assert told([next(found), next(found)]) == [("Read", 5), ("Read", 4)]
    assert len(seen(parts)) == 1

    assert told(list(found)) == [("Read", 3), ("Read", 2), ("Read", 1)]


def test_page_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before it is not read again; what is left is read by number, but for the one."""
    monkeypatch.setattr(reader_of, "PORTION", 2)
    parts = Parts()
    parts.fake.page_limit = 2
    for _ in range(5):
        parts.fake.advance(seconds=1)
        parts.fake.add_change()
    parts.fake.too_long = {2}
    found = list(parts.reader.scan("status:open"))

    assert told(found)[:2] == [("Read", 5), ("Read", 4)]
    assert sorted(told(found)[2:]) == [("Failed", 2), ("Read", 1), ("Read", 3)]
    assert [one.key for one in found if isinstance(one, Failed)] == [key(2)]


def test_each_key_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By portions, in order; what is not there is gone."""
    monkeypatch.setattr(reader_of, "PORTION", 2)
    parts = Parts()
    for _ in range(5):
        parts.fake.add_change()
    wanted = {key(number) for number in (5, 3, 2, 9, 1)}

    found = list(parts.reader.changes(wanted))
    assert sorted(told(found)) == [("Gone", 9), ("Read", 1), ("Read", 2), ("Read", 3), ("Read", 5)]
    assert [one.key for one in found if isinstance(one, Gone)] == [key(9)]


def test_a_key_without_a_project() -> None:
    """It stands for whatever has the number, and is gone for what that is: nothing stays set aside
    by its number alone.
    """
    parts = Parts()
    parts.fake.add_change()
    read, gone = parts.reader.changes({ChangeKey(1, "")})

    assert told([read]) == [("Read", 1)]
    assert gone == Gone(ChangeKey(1, ""))
    assert told(list(parts.reader.changes({ChangeKey(7, "")}))) == [("Gone", 7)]


@pytest.mark.parametrize(
    ("most", "whole", "asked"), [(0, False, 0), (2, False, 2), (2, True, 3), (9, False, 3)]
)
def test_how_many_comments(
    most: int, whole: bool, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments of so many changes are asked for, and of all where it matters now."""
    monkeypatch.setattr(reader_of, "MARKED", most)
    parts = Parts()
    for _ in range(3):
        parts.fake.review(parts.fake.add_change(), comment="recheck")
    keys = {key(number) for number in (1, 2, 3)}
    found = list(parts.reader.changes(keys, whole=whole))

    assert comments(parts) == asked
    assert sum(one.is_whole for one in found if isinstance(one, Read)) == asked


def test_no_comments_at_a_start() -> None:
    """A scan asks for none, whatever was read before."""
    parts = Parts()
    parts.fake.review(parts.fake.add_change(), comment="recheck")
    list(parts.reader.changes({key(7)}))
    (found,) = parts.reader.scan("status:open")

    assert comments(parts) == 0
    assert isinstance(found, Read)
    assert not found.is_whole


def test_comments_that_fail_at_a_start() -> None:
    """Three changes whose commands cannot be read are enough to leave the server in peace."""
    bench = Bench()
    for _ in range(5):
        bench.fake.review(bench.fake.add_change(), comment="/snooze 3d")
    bench.fake.fail(500, "Internal server error", match="/comments", times=99)
    bench.poll()
    asked = {one.partition("/comments")[0] for one in bench.fake.seen if "/comments" in one}

    assert len(asked) == 3


def test_comments_that_fail_in_a_row() -> None:
    """Three in a row end it for this look, and those after them say why; an answer begins anew."""
    parts = Parts()
    for _ in range(6):
        parts.fake.review(parts.fake.add_change(), comment="recheck")
    for number in (5, 4, 3):
        parts.fake.fail(409, "Conflict", match=f"~{number}/comments", times=9)
    found = {one.key.number: one for one in parts.reader.changes(map(key, range(1, 7))) if one.key}
    last = found[2]

    # The newest comes first.
    assert [type(found[number]).__name__ for number in range(1, 7)] == [*["Failed"] * 5, "Read"]
    assert comments(parts) == 4
    assert isinstance(last, Failed)
    assert isinstance(last.why, TemporaryError)
    assert (last.why.message, last.why.remedy) == (
        "Gerrit answers no comments just now.",
        "Nothing, if it passes.",
    )


def test_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number is asked for once, so many at a time, of those that are configured."""
    monkeypatch.setattr(reader_of, "MAX_BATCH", 2)
    parts = Parts(query="project:tools/build")
    for _ in range(4):
        parts.fake.add_change()
    parts.fake.add_change("tools/docs")
    keys = {*map(key, range(1, 5)), ChangeKey(5, "tools/docs")}
    found = list(parts.reader.changes(keys))

    assert sorted(told(found)) == [("Gone", 5), *(("Read", number) for number in range(1, 5))]
    assert seen(parts) == [
        "(change:1 OR change:2) (project:tools/build)",
        "(change:3 OR change:4) (project:tools/build)",
        "(change:5) (project:tools/build)",
    ]


@pytest.mark.parametrize(
    ("poisoned", "is_servers"),
    [({1, 2, 3}, False), ({1, 2, 3, 4}, True), ({1, 2, 3, 5, 6, 7}, False)],
)
def test_failures_in_a_row(
    poisoned: Set[int], is_servers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many changes in a row may fail, each by itself; one more is the server's trouble."""
    monkeypatch.setattr(reader_of, "MAX_BATCH", 1)
    monkeypatch.setattr(reader_of, "_FAILURES", 3)
    parts = Parts()
    for _ in range(8):
        parts.fake.add_change()
    parts.fake.poisoned = poisoned
    keys = set(map(key, range(1, 9)))
    if is_servers:
        with pytest.raises(TemporaryError):
            list(parts.reader.changes(keys))
        return
    found = list(parts.reader.changes(keys))

    failed = [one for one in found if isinstance(one, Failed)]
    assert {one.key for one in failed} == set(map(key, poisoned))
    assert {type(one.why) for one in failed} == {TemporaryError}


@pytest.mark.parametrize(("broken", "is_servers"), [({1, 2, 3}, False), ({1, 2, 3, 4}, True)])
def test_failures_in_a_row_without_messages(
    broken: Set[int], is_servers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as with their histories, and each look counts anew; what fails is left out."""
    monkeypatch.setattr(reader_of, "MAX_BATCH", 1)
    monkeypatch.setattr(reader_of, "_FAILURES", 3)
    parts = Parts()
    for _ in range(5):
        parts.fake.add_change()
    shown = parts.fake._info

    def answered(one: FakeChange, options: List[str]) -> Json:
        if one.number in broken:
            raise RefusalError(500, "Internal server error")
        return shown(one, options)

    monkeypatch.setattr(parts.fake, "_info", answered)
    keys = set(map(key, range(1, 6)))
    if is_servers:
        with pytest.raises(TemporaryError):
            list(parts.reader.standing(keys))
        return
    for _ in range(2):
        found = [one.number for one in parts.reader.standing(keys)]
        assert set(found) == set(range(1, 6)) - broken


def test_commands_in_comments() -> None:
    """A change with a command in a comment is read with all that people said, at a start too."""
    parts = Parts()
    parts.fake.review(parts.fake.add_change(), comment="/snooze 3d")
    (found,) = parts.reader.scan("status:open")

    assert isinstance(found, Read)
    assert found.is_whole
    assert found.reading.pause(parts.fake.now) is not None


def test_who_is_asked() -> None:
    """By the marks of this server's events, for each wait that lasts."""
    parts = Parts()
    number = parts.fake.add_change()
    for server, account in (("s", 7), ("other.example.org", 8)):
        event = event_id(server, number, "reviewers", parts.fake.now, "2d")
        mark = Mark("escalate", ask_id(event, "committee", 0), (account,))
        parts.fake.review(number, by=parts.fake.me, text=f"Asked.\n\n{mark}")
    (found,) = parts.reader.scan("status:open")
    assert isinstance(found, Read)

    assert [[one.accounts for one in asks] for asks in found.asks.values()] == [[(7,)]]
    (nobody,) = parts.reader.changes({key(parts.fake.add_change())})
    assert isinstance(nobody, Read)
    assert nobody.asks == {}


def test_an_answer_without_a_number() -> None:
    """Nobody knows which change it is about; the one that was asked for is not there."""
    parts = Parts()
    body = b'[{"project": "tools/build"}]'
    parts.fake.answer(Response(200, {"content-type": "application/json"}, body), match="/changes/$")

    assert told(list(parts.reader.changes({key(1)}))) == [("Failed", 0), ("Gone", 1)]


def test_one_of_two_of_a_number_cannot_be_read() -> None:
    """The other one can."""
    parts = Parts()
    here = parts.fake.add_change()
    there = parts.fake.add_change("old/tools", number=here, imported=True)
    parts.fake.changes[there].messages[0]["date"] = "yesterday"
    found = list(parts.reader.changes({key(here), ChangeKey(here, "old/tools")}))

    assert sorted((type(one).__name__, one.key) for one in found) == [
        ("Failed", ChangeKey(here, "old/tools")),
        ("Read", key(here)),
    ]
