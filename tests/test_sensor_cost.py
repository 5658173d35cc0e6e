"""What the sensor costs, in counts that do not depend on the machine: none of them grows back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from bench import Bench
from reviewloop.sensor import memory
from reviewloop.sensor.commanded import RECENT
from reviewloop.sensor.events import Dispatched
from reviewloop.sensor.memory import Memory
from reviewloop.store.pending import Pendings

PAGE = 50


class Counts:
    """How often something is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of: Dict[str, int] = {}
        self._patch = monkeypatch

    def watch(self, owner: Any, name: str) -> None:
        """Count the calls of a method."""
        called = getattr(owner, name)
        self.of[name] = 0

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.of[name] += 1
            return called(*args, **kwargs)

        self._patch.setattr(owner, name, counted)

    def during(self, bench: Bench, polls: int = 1) -> Dict[str, int]:
        """The counts of so many polls, a minute apart."""
        before = dict(self.of)
        for _ in range(polls):
            bench.poll()
            bench.fake.advance(minutes=1)
        return {name: count - before[name] for name, count in self.of.items()}


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Evaluations, looks at what is known, and listings of what was put off."""
    found = Counts(monkeypatch)
    found.watch(Dispatched, "due")
    found.watch(Memory, "known")
    found.watch(Pendings, "readable")
    return found


def site(count: int, folder: Path = Path("/dev/null/nowhere"), **config: Any) -> Bench:
    """So many changes, most with comments, none touched lately; the sensor has not looked yet."""
    bench = Bench(**config)
    bench.folder = folder
    bench.fake.query_limit = PAGE
    for place in range(count):
        number = bench.fake.add_change()
        if place % 3:
            words = {"comment": "I pass on that"} if place % 2 else {"comments": 2}
            bench.fake.review(number, **words)  # type: ignore[arg-type]
        bench.fake.advance(seconds=1)
    bench.fake.advance(seconds=RECENT.total_seconds() + 60)
    bench.start()
    return bench


def seen(bench: Bench, before: int) -> Tuple[int, List[str]]:
    """How many requests were made since, and those for words and comments."""
    asked = bench.fake.seen[before:]
    return len(asked), [one for one in asked if "comment" in one]


def bare(bench: Bench) -> int:
    """The requests of a bare scan of what is open."""
    before = len(bench.fake.seen)
    list(bench.fake.client().scan("status:open"))
    return len(bench.fake.seen) - before


@pytest.mark.parametrize("count", [200, 400])
def test_cold_start(count: int) -> None:
    """One search for commands, and no look at comments; at most a fifth more than a bare scan,
    beside the server's version and the closed changes.
    """
    bench = site(count)
    floor, before = bare(bench), len(bench.fake.seen)
    bench.poll()
    asked, words = seen(bench, before)

    assert len(words) == 1
    assert asked <= 1.2 * floor + 2


def test_restart(tmp_path: Path) -> None:
    """The bare scan, and what has moved."""
    bench = site(200, tmp_path)
    bench.poll()
    bench.fake.touch(7)
    floor, before = bare(bench), len(bench.fake.seen)
    bench.start()
    bench.poll()
    asked, _ = seen(bench, before)

    assert asked <= 1.2 * floor + 2


def test_restart_unpacks_what_may_be_due(tmp_path: Path, counts: Counts) -> None:
    """What was left of a change is looked into only if something of it may be due: an hour later
    of none, and the next morning of those that are told by then.
    """
    counts.watch(memory, "unpack")
    bench = site(200, tmp_path)
    bench.poll()
    bench.fake.advance(hours=1)
    bench.start()
    assert counts.during(bench)["unpack"] == 0
    bench.fake.at("2026-03-03 09:00:30")
    bench.start()
    found = counts.during(bench)

    assert 20 < len(bench.told) < 40
    assert found["unpack"] <= 5 * len(bench.told)


def test_restart_after_something_was_sent(tmp_path: Path) -> None:
    """What was sent after the file was written is known by the cursor: nothing is sent again, none
    of these changes is read again, and what fell due while nobody looked is sent.
    """
    bench = site(200, tmp_path)
    bench.poll()
    left = (next(tmp_path.iterdir())).read_bytes()
    bench.fake.at("2026-03-03 09:00:30")
    bench.poll()
    sent = len(bench.told)
    next(tmp_path.iterdir()).write_bytes(left)
    bench.fake.advance(seconds=15)
    before = len(bench.fake.seen)
    bench.start()
    bench.poll()
    bench.poll()
    numbers = [payload["number"] for _, payload in bench.told]

    assert 20 < sent < len(numbers)
    assert numbers == list(range(1, len(numbers) + 1))
    read = re.findall(r"change:(\d+)", " ".join(bench.fake.seen[before:]))
    assert sorted({int(number) for number in read}) == numbers[sent:]


def test_failed_save() -> None:
    """After a trigger, it is read again which were sent, and of these changes alone."""
    bench = site(200)
    bench.poll()
    bench.fake.at("2026-03-03 09:00:30")
    bench.fails_after_dispatch = True
    bench.poll()
    told = len([one for one in bench.told if one[0] == "gerrit.change_waiting"])
    bench.fails_after_dispatch = bench.shelf.store.down = False
    before = len(bench.fake.seen)
    bench.poll()
    again = [payload["number"] for _, payload in bench.told if "number" in payload]

    assert told > 20
    # One delta, and the changes that are told again, in batches of the page's size.
    assert len(bench.fake.seen) - before <= 3
    assert sorted(again) == sorted(2 * list(range(1, told + 1)))


def test_silence_after_a_burst(counts: Counts) -> None:
    """One request with an empty answer, and nothing is looked at."""
    bench = site(200)
    bench.poll()
    for number in bench.fake.changes:
        bench.fake.touch(number)
    bench.poll()
    bench.fake.advance(minutes=25)
    bench.poll()
    before = len(bench.fake.seen)

    assert counts.during(bench, 5) == {"due": 0, "known": 0, "readable": 0}
    assert len(bench.fake.seen) - before == 5
    assert list(bench.fake.client().scan(bench.fake.seen[-1].split("q=")[1].split("&")[0])) == []


@pytest.mark.parametrize("count", [20, 200])
def test_quiet_poll(counts: Counts, count: int) -> None:
    """However many changes are watched, none of them is looked at, nor any list of records."""
    bench = site(count, coverage_reach="60d")
    bench.poll()
    bench.fake.advance(minutes=30)
    bench.poll()

    assert counts.during(bench, 10) == {"due": 0, "known": 0, "readable": 0}


@pytest.mark.parametrize("count", [40, 160])
def test_backlog(counts: Counts, count: int) -> None:
    """What a trigger takes does not grow with how many wait for their turn."""
    bench = site(count, max_triggers_per_poll=10)
    bench.poll()
    bench.fake.advance(days=4)
    evaluated = counts.during(bench, count // 10)

    assert len(bench.told) == count
    assert evaluated["due"] <= 5 * count
    assert evaluated["known"] <= 7 * count


def test_backlog_of_unmoved_changes(counts: Counts) -> None:
    """Each poll asks for what moved, and for those of which it tells: no history is read again, nor
    any comment, whatever was said on them. A change is looked at before its trigger, and after.
    """
    bench = Bench(max_triggers_per_poll=PAGE)
    for _ in range(3 * PAGE):
        bench.fake.review(bench.fake.add_change(), labels={"Code-Review": 1}, comments=1)
    bench.fake.advance(seconds=RECENT.total_seconds() + 60)
    bench.poll()
    bench.fake.advance(days=1)
    before = len(bench.fake.seen)
    evaluated = counts.during(bench, 4)
    asked = bench.fake.seen[before:]

    assert len(bench.told) == 3 * PAGE
    # The last poll finds nothing to tell.
    assert len(asked) == 2 * 3 + 1
    assert evaluated["due"] <= 2.7 * len(bench.told)
    assert not [one for one in asked if "MESSAGES" in one or "comment" in one]


def test_first_poll_of_a_large_backlog(counts: Counts) -> None:
    """Only those that may be among the first are looked at."""
    bench = site(200, max_triggers_per_poll=5)
    bench.poll()
    bench.fake.at("2026-03-03 12:00:00")

    assert counts.during(bench)["due"] <= 30


def test_first_poll_when_all_cross_in_one_second(counts: Counts) -> None:
    """Nor more of them where all cross in one second, as when a working day begins."""
    bench = Bench(max_triggers_per_poll=5)
    for _ in range(200):
        bench.fake.add_change()
    bench.poll()
    bench.fake.advance(days=1)

    assert counts.during(bench)["due"] <= 30
    assert [payload["number"] for _, payload in bench.told] == [1, 2, 3, 4, 5]


def test_overdue_waits_at_rest(counts: Counts) -> None:
    """Waits that were offered within the hour are not looked at again before it is over."""
    bench = site(60, coverage_reach="60d", max_triggers_per_poll=100)
    bench.poll()
    bench.fake.advance(days=4)
    for _ in range(5):
        bench.poll()
        bench.fake.advance(minutes=30)
    bench.poll()
    found = counts.during(bench, 5)

    assert (found["due"], found["known"]) == (0, 0)


def lines(bench: Bench) -> Iterator[int]:
    """How long what is kept of each change is."""
    memory = bench.poller._watch._memory
    for key in memory:
        told = memory.text(key, None)
        assert told is not None
        yield sum(map(len, (told.known, told.dispatched, told.guessed)))


def test_size_of_what_is_kept() -> None:
    """A few hundred characters a change, whatever its history."""
    bench = site(30)
    for number in list(bench.fake.changes)[:10]:
        for _ in range(30):
            bench.fake.advance(seconds=1)
            bench.fake.review(number, text="Why?")
            bench.fake.review(number, bench.fake.author, text="Because.")
    bench.poll()

    assert max(lines(bench)) < 400


def test_queue_does_not_grow() -> None:
    """A change that is read again and again has one place."""
    bench = site(10)
    for _ in range(40):
        bench.fake.advance(minutes=1)
        for number in bench.fake.changes:
            bench.fake.touch(number)
        bench.poll()

    assert len(bench.poller._watch._queue._heap) <= 2 * 10 + 120
