"""What a start takes over from the process before, change by change, and when it is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, List

import pytest
from sandbox.gerrit.fake_query import RefusalError
from sandbox.gerrit.fake_world import FakeChange, Json

from bench import Bench
from reviewloop.sensor import start

TUESDAY = "2026-03-03 18:00:00"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three changes, uploaded on Monday at 9, 13 and 17 and read by a start that left a file."""
    bench = Bench()
    bench.poll()
    for _ in range(3):
        bench.fake.add_change()
        bench.fake.advance(hours=4)
    bench.folder = tmp_path
    bench.start()
    bench.poll()
    bench.fake.advance(minutes=1)
    return bench


def file(bench: Bench) -> Path:
    """What lies beside the sensor."""
    assert bench.folder is not None
    (path,) = bench.folder.iterdir()
    return path


def numbers(bench: Bench) -> List[int]:
    """The changes in that file."""
    lines = map(json.loads, file(bench).read_text("utf-8").splitlines())
    return sorted(line[0] for line in lines if isinstance(line, list))


def read(bench: Bench) -> int:
    """Start and poll; how many answers with histories that took, but for what was closed."""
    before = len(bench.fake.seen)
    bench.start()
    bench.poll()
    return sum("MESSAGES" in one and "-status" not in one for one in bench.fake.seen[before:])


def instead(bench: Bench, patched: pytest.MonkeyPatch, change: Callable[..., Json]) -> None:
    """Let Gerrit answer something else for change 2."""
    shown = bench.fake._info

    def answered(one: FakeChange, options: List[str]) -> Json:
        found: Json = shown(one, options)
        return change(found, options) if one.number == 2 else found

    patched.setattr(bench.fake, "_info", answered)


def test_row_that_makes_no_sense(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that the list of a restart does not tell well is set aside; those listed behind it
    are taken over like those before.
    """
    instead(bench, monkeypatch, lambda found, _options: {**found, "updated": "yesterday"})
    assert read(bench) == 0
    assert [payload["kind"] for _, payload in bench.told] == ["partial"]
    bench.fake.at(TUESDAY)

    assert sorted(number for number, _ in bench.waiting()) == [1, 3]


def test_line_that_makes_no_sense(bench: Bench) -> None:
    """The change is read instead: or it would be watched no more until somebody touches it."""
    text = file(bench).read_text("utf-8").splitlines()
    place = next(place for place, one in enumerate(text) if one.startswith("[2,"))
    text[place] = json.dumps([*json.loads(text[place])[:3], "x", "", ""])
    file(bench).write_text("\n".join(text) + "\n", "utf-8")
    assert read(bench) == 1
    bench.fake.at(TUESDAY)

    assert sorted(number for number, _ in bench.waiting()) == [1, 2, 3]


def test_set_aside_since_the_file_was_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fell due of a change while it could not be read is told once it can be, by a later
    process too: the file knows nothing of that, and counts for nothing there.
    """

    def fails(found: Json, options: List[str]) -> Json:
        if "LABELS" in options:
            raise RefusalError(500, "Internal server error")
        return found

    with monkeypatch.context() as patched:
        instead(bench, patched, fails)
        bench.fake.at(TUESDAY)
        left = file(bench).read_text("utf-8")
        assert [number for number, _ in bench.waiting()] == [1, 3]
    # As if nothing had been written since.
    file(bench).write_text(left, "utf-8")
    bench.start()

    assert bench.waiting() == [(2, "1d")]


def test_guessed_by_the_process_before(bench: Bench) -> None:
    """A start reads no comments, and may take one that says nothing for a review. The next process
    knows that from the file: when it reads them, nothing is told again.
    """
    bench.fake.review(1, comment="recheck", at="2026-03-02 15:00:00")
    folder, bench.folder = bench.folder, None
    for moment in ("2026-03-03 10:00:00", "2026-03-04 10:00:00"):
        bench.start()
        bench.fake.at(moment)
        bench.poll()
        bench.poll()
    before = [payload["event_id"] for _, payload in bench.told]
    bench.folder = folder
    file(bench).unlink()
    bench.start()
    bench.poll()
    bench.start()
    bench.fake.at("2026-03-04 16:00:00")
    bench.poll()
    told: List[Any] = [payload["event_id"] for _, payload in bench.told]

    assert any(one.endswith(":2d") and ":1:reviewers" in one for one in before)
    assert len(told) == len(set(told))


def test_what_is_left_out(bench: Bench) -> None:
    """Neither what is closed nor what could not be read is left for the next process."""
    assert numbers(bench) == [1, 2, 3]
    bench.fake.set_status(1, "MERGED")
    bench.fake.changes[2].messages[0]["date"] = "yesterday"
    bench.fake.touch(2)
    bench.fake.advance(hours=1)
    bench.poll()

    assert numbers(bench) == [3]


def test_when_it_is_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moved is counted from poll to poll; with enough of it, or an hour after the last time if
    there is any, everything is written anew.
    """
    monkeypatch.setattr(start, "MOVED", 5)
    bench.fake.advance(minutes=-1)
    written = []
    for moved, minutes in ((3, 5), (1, 5), (1, 5), (0, 5), (1, 5), (0, 49), (0, 1), (0, 60)):
        bench.fake.advance(minutes=minutes)
        for number in range(1, moved + 1):
            bench.fake.touch(number)
        file(bench).write_text("", "utf-8")
        bench.poll()
        written.append(bool(file(bench).read_text("utf-8")))

    assert written == [False, False, True, False, False, False, True, False]
