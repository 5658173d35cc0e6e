"""What a process leaves for the next one: it saves reading, and changes nothing that is told."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, Dict, List, Tuple
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.gerrit.fake import FakeGerrit

from bench import Bench
from reviewloop.core.keys import Mark
from reviewloop.errors import TemporaryError
from reviewloop.http.messages import Request
from reviewloop.sensor import start
from reviewloop.store.cursor import Cursor

TUESDAY = "2026-03-03 09:00:00"
CURSOR = "gerrit.cursor.gerrit.example.org"


def make(folder: Path, count: int = 30, **config: Any) -> Bench:
    """A server with so many changes, polled once; what was known of them lies in the folder."""
    bench = Bench(**config)
    bench.folder = folder
    bench.start()
    bench.poll()
    for _ in range(count):
        bench.fake.review(bench.fake.add_change(), labels={"Code-Review": 1})
        bench.fake.advance(seconds=1)
    bench.start()
    bench.poll()
    return bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Thirty changes."""
    return make(tmp_path)


def file(bench: Bench) -> Path:
    """What lies beside the sensor."""
    assert bench.folder is not None
    (path,) = bench.folder.iterdir()
    return path


def restarted(bench: Bench) -> Tuple[int, int]:
    """Start anew; how many requests the first poll took, and how many of them asked for histories.

    A request for the account's limit and one for the version come with each process.
    """
    before = len(bench.fake.seen)
    bench.start()
    bench.poll()
    seen = bench.fake.seen[before:]
    return len(seen), sum("MESSAGES" in one for one in seen)


def test_unmoved(bench: Bench) -> None:
    """Nothing is read twice: what remains is the bare list of what is open."""
    bench.fake.advance(minutes=1)

    assert restarted(bench) == (4, 1)
    assert "-status:open" in next(one for one in reversed(bench.fake.seen) if "MESSAGES" in one)
    assert [bench.requests() for _ in range(3)] == [1, 1, 1]


def test_moved(bench: Bench) -> None:
    """What has moved since is read, in one batch; the milestones of all are told in time."""
    bench.fake.advance(minutes=1)
    bench.fake.review(3, text="Why?")
    bench.fake.advance(minutes=1)
    assert restarted(bench) == (5, 2)
    bench.fake.at(TUESDAY)
    bench.fake.advance(minutes=5)

    told = [(one["number"], one["party"]) for _, one in bench.poll()]
    assert len(told) == 30
    assert (3, "owner") in told


def test_many_moved(bench: Bench) -> None:
    """Where more has moved than batches are good for, everything is read."""
    for number in list(bench.fake.changes)[:8]:
        bench.fake.touch(number)

    assert restarted(bench) == (5, 2)
    assert len([one for one in bench.fake.seen if "change:" in one and "MESSAGES" in one]) == 0


def test_file_is_ours_alone(bench: Bench) -> None:
    """Nobody else may read it; it is written in one step, and holds nothing that people wrote."""
    path = file(bench)
    text = path.read_text("utf-8")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "A change" not in text
    assert "st2-reviews" not in text
    assert "example.org" not in text


def head(change: Callable[[Dict[str, Any]], None]) -> Callable[[Path], None]:
    """Changes the first line."""

    def changed(path: Path) -> None:
        lines = path.read_text("utf-8").splitlines()
        value = json.loads(lines[0])
        change(value)
        path.write_text("\n".join([json.dumps(value), *lines[1:]]) + "\n", "utf-8")

    return changed


def line(value: Any) -> Callable[[Path], None]:
    """Changes the second line."""

    def changed(path: Path) -> None:
        lines = path.read_text("utf-8").splitlines()
        lines[1] = value if isinstance(value, str) else json.dumps(value)
        path.write_text("\n".join(lines) + "\n", "utf-8")

    return changed


def linked(path: Path) -> None:
    """Puts it elsewhere."""
    there = path.with_suffix(".there")
    path.rename(there)
    path.symlink_to(there)


SPOILT: Dict[str, Callable[[Path], None]] = {
    "empty": lambda path: path.write_text(""),
    "binary": lambda path: path.write_bytes(b"\x80\x04\x95\x00"),
    "no JSON": lambda path: path.write_text("cos\nsystem\n"),
    "another value": lambda path: path.write_text("[]\n"),
    "nested too deep": lambda path: path.write_text("[" * 100_000),
    "cut off": lambda path: path.write_text(path.read_text()[:-30]),
    "without its end": lambda path: path.write_text(path.read_text().rpartition('{"ch')[0]),
    "a line is missing": lambda path: path.write_text(
        "".join(path.read_text().splitlines(keepends=True)[:3]) + '{"changes": 30}\n'
    ),
    "another version": head(lambda value: value.update(version=1)),
    "another release or configuration": head(lambda value: value.update(fingerprint="f")),
    "another cursor": head(lambda value: value.update(cache="c")),
    "of a later cursor": head(lambda value: value.update(through=4_000_000_000)),
    "too old": head(lambda value: value.update(begun=1)),
    "dated ahead": head(lambda value: value.update(begun=4_000_000_000)),
    "no instant": head(lambda value: value.update(through="now")),
    "a change without a number": line(["1", "tools/build", "a", "b", "c", "", 0]),
    "a change that is none": line([1, "tools/build", None, "b", "c", "", 0]),
    "too few fields": line([1, "tools/build"]),
    "another text": line([1, "tools/build", "a", "[1]", "", "", None]),
    "writable for others": lambda path: path.chmod(0o666),
    "a link": linked,
    "a folder": lambda path: (path.unlink(), path.mkdir()),  # type: ignore[dict-item, return-value]
}


@pytest.mark.parametrize("name", sorted(SPOILT))
def test_not_to_be_believed(bench: Bench, name: str) -> None:
    """Whatever is wrong with it, everything is read anew, and nothing else happens."""
    SPOILT[name](file(bench))

    assert restarted(bench)[1] == 2
    assert [payload for trigger, payload in bench.told if "trouble" in trigger] == []
    bench.fake.at("2026-03-03 10:00:00")
    assert len(bench.waiting()) == 30


@pytest.mark.parametrize("known", ["", "x", "[]", "[1,2,3,4,5,6,7,8,9]", "null", "{}", '["a"]'])
@pytest.mark.parametrize("dispatched", ["", "x", "[[]]", "{}", "3"])
def test_one_line_that_makes_no_sense(bench: Bench, known: str, dispatched: str) -> None:
    """That change is read, if it can be told; nothing is lost of the others."""
    stamp = bench.fake.changes[1].meta_rev_id
    path = file(bench)
    lines = path.read_text().splitlines()
    place = next(place for place, one in enumerate(lines) if one.startswith('[1, "'))
    lines[place] = json.dumps([1, "tools/build", stamp, known, dispatched, "", 0])
    checksum = crc32("".join(lines[1:-1]).encode())
    lines[-1] = json.dumps({"changes": len(lines) - 2, "checksum": checksum})
    path.write_text("\n".join(lines) + "\n")
    bench.start()
    bench.poll()
    bench.fake.at("2026-03-03 10:00:00")
    told = [number for number, _ in bench.waiting()]

    assert set(told) >= set(range(2, 31))
    assert (1 in told) is not (known == "" and dispatched in ("", "{}"))


def test_cursor_that_went_back(bench: Bench) -> None:
    """A datastore of yesterday knows less than the file; then the file is not used."""
    bench.fake.at("2026-03-03 10:00:00")
    bench.poll()
    (text,) = [item.value for item in bench.shelf.store.items() if item.name == CURSOR]
    bench.fake.at("2026-03-04 10:00:00")
    bench.fake.touch(1)
    for _ in range(2):
        bench.poll()
        bench.fake.advance(hours=2)
        bench.fake.touch(1)
    bench.shelf.store.put(CURSOR, text)

    assert restarted(bench)[1] >= 2
    assert Cursor.from_json(text, CURSOR).cache != ""


def test_another_configuration(bench: Bench) -> None:
    """What was read under another policy says nothing."""
    bench.config["milestones"] = ["3h"]

    assert restarted(bench)[1] == 2


def test_nowhere_to_write(tmp_path: Path) -> None:
    """A folder that is none is said in the log, and keeps nothing from working."""
    place = tmp_path / "file"
    place.write_text("")
    bench = make(place)
    bench.fake.at("2026-03-03 10:00:00")

    assert len(bench.waiting()) == 30
    assert any("cannot be written" in record.getMessage() for record in bench.log)


def test_folder_of_everybody(tmp_path: Path) -> None:
    """Nothing is written where others could put something else in its place."""
    os.chmod(tmp_path, 0o777)
    make(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_process_that_died_while_it_wrote(bench: Bench) -> None:
    """What it left is cleared away, and nobody else's file is written to."""
    path = file(bench)
    other = path.with_suffix(".other")
    other.write_text("")
    path.with_suffix(".new").symlink_to(other)
    path.unlink()
    bench.fake.advance(hours=2)
    bench.fake.touch(1)
    bench.poll()

    assert sorted(one.suffix for one in path.parent.iterdir()) == [".jsonl", ".other"]
    assert other.read_text() == ""


def test_written_now_and_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet polls write nothing; a few that moved do within the hour, and many at once."""
    monkeypatch.setattr(start, "MOVED", 5)
    times = []

    def poll(moved: int, minutes: int) -> None:
        bench.fake.advance(minutes=minutes)
        for number in range(1, moved + 1):
            bench.fake.touch(number)
        before = file(bench).stat().st_mtime_ns
        bench.poll()
        times.append(file(bench).stat().st_mtime_ns > before)

    for moved, minutes in ((0, 70), (1, 5), (0, 5), (1, 50), (0, 4), (6, 5), (0, 5)):
        poll(moved, minutes)

    assert times == [False, True, False, False, False, True, False]


# The same is told.

Deed = Callable[[FakeGerrit, int], object]


def ask(fake: FakeGerrit, number: int) -> None:
    """The pack asks the reviewer."""
    mark = Mark("nudge", "0123456789abcdef", (fake.reviewer,))
    fake.review(number, fake.me, text=f"Asked.\n\n{mark}", tag="autogenerated:st2-gerrit~nudge")


DEEDS: Dict[str, Deed] = {
    "change": lambda fake, _number: fake.add_change(),
    "review": lambda fake, number: fake.review(number, text="Hm."),
    "comment": lambda fake, number: fake.review(number, comment="Hm."),
    "recheck": lambda fake, number: fake.review(number, comment="recheck"),
    "answer": lambda fake, number: fake.review(number, fake.author, text="Hm."),
    "snooze": lambda fake, number: fake.review(number, comment="/snooze 3h"),
    "ask": ask,
    "pass": lambda fake, number: fake.review(number, comment="/pass"),
    "wip": lambda fake, number: fake.set_wip(number, not fake.changes[number].wip),
    "merge": lambda fake, number: fake.set_status(number, "MERGED"),
    "touch": lambda fake, number: fake.touch(number),
    "hour": lambda fake, _number: fake.advance(hours=1),
    "day": lambda fake, _number: fake.advance(days=1),
}
STEPS = st.lists(
    st.sampled_from([*sorted(DEEDS), "poll", "poll", "poll", "restart", "restart", "restart"]),
    min_size=4,
    max_size=24,
)


def play(steps: List[str], folder: Path) -> List[Tuple[str, Any]]:
    """What is told, with so little room that some of it is always left for later."""
    bench = Bench(milestones=["1h", "1d"], max_triggers_per_poll=2, coverage_reach="60d")
    bench.folder = folder
    bench.fake.add_change()
    bench.start()
    bench.poll()
    for place, step in enumerate(steps):
        bench.fake.advance(minutes=7)
        if step in DEEDS:
            DEEDS[step](bench.fake, max(1, len(bench.fake.changes) - place % 3))
            continue
        if step == "restart":
            bench.start()
        bench.poll()
    for _ in range(4):
        bench.poll()
    return bench.told


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_the_same_is_told(steps: List[str]) -> None:
    """Whatever happens and whenever processes begin: what is told is what it would be without
    anything left.
    """
    with TemporaryDirectory() as folder:
        told = play(steps, Path(folder))
    expected = play(steps, Path("/dev/null/nowhere"))

    assert told == expected


# A start that fails.


def test_goes_on_where_it_came_to() -> None:
    """A scan that breaks off reads no page again; what moved meanwhile is read by the delta."""
    bench = Bench()
    bench.fake.query_limit = 20
    bench.poll()
    for _ in range(100):
        bench.fake.add_change()
        bench.fake.advance(seconds=1)
    bench.start()
    pages = []

    def break_off(request: Request) -> None:
        if "MESSAGES" in str(request.params):
            pages.append(request)
            if 3 <= len(pages) < 7:
                raise TemporaryError("It broke off.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("reviewloop.sensor.reader.PORTION", 20)
        patched.setattr("reviewloop.sensor.start.PORTION", 20)
        patched.setattr("reviewloop.sensor.start.HELD", 20)
        bench.fake.before_send = break_off
        bench.poll()
        bench.fake.advance(minutes=5)
        bench.fake.review(50, text="Why?")
        bench.fake.advance(minutes=5)
        pages.clear()
        pages.extend([Request("GET", "/")] * 10)
        bench.poll()
        read = len(pages) - 10
    bench.fake.before_send = lambda _request: None
    bench.poll()
    bench.fake.at("2026-03-03 10:00:00")
    told = {
        (payload["number"], payload["party"]) for _, payload in bench.poll() if "party" in payload
    }
    told |= {(payload["number"], payload["party"]) for _, payload in bench.poll()}

    # The first of six pages was read before, and the closed changes have one.
    assert read <= 7
    assert told == {(n, "owner" if n == 50 else "reviewers") for n in bench.fake.changes}


def test_more_than_are_held_at_one_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many a portion holds, each change is looked at: all that fell due is told."""
    monkeypatch.setattr(start, "UNPACKED", 3)
    bench = make(tmp_path, count=8)
    bench.fake.at("2026-03-03 10:00:00")
    bench.start()

    assert len(bench.told) == 0
    bench.poll()
    assert len(bench.told) == 8
