"""Endings that Gerrit's index shows late, whatever processes come and go meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.gerrit.fake import FakeGerrit

from bench import Bench
from reviewloop.core.keys import event_id
from reviewloop.core.reading import read_change
from reviewloop.gerrit import parse
from reviewloop.sensor import position
from reviewloop.sensor.reader import HISTORY
from reviewloop.settings.load import load
from reviewloop.store.cursor import Cursor

CURSOR = "gerrit.cursor.gerrit.example.org"
LATE = "2026-03-04 09:10:00"

Deed = Callable[[FakeGerrit, int, Any], object]
DEEDS: Dict[str, Deed] = {
    "merged": lambda fake, number, at: fake.set_status(number, "MERGED", at=at),
    "abandoned": lambda fake, number, at: fake.set_status(number, "ABANDONED", at=at),
    "reviewed": lambda fake, number, at: fake.review(number, text="Why?", at=at),
    "wip": lambda fake, number, at: fake.set_wip(number, True, at=at),
}


def waiting(count: int = 1, **config: Any) -> Tuple[Bench, List[int]]:
    """Changes past the milestone of two days, of which that was told; it is Wednesday, 9:05."""
    bench = Bench(**config)
    bench.poll()
    numbers = [bench.fake.add_change() for _ in range(count)]
    bench.fake.at("2026-03-04 09:05:00")
    while bench.poll():
        pass
    return bench, numbers


@pytest.mark.parametrize("minutes", [6, 25, 124])
@pytest.mark.parametrize("how", sorted(DEEDS))
def test_shown_to_the_next_process(how: str, minutes: int, tmp_path: Path) -> None:
    """What ended a wait before the cursor, and shows only while no sensor runs, is told once,
    whether or not the process has left something of the change.
    """
    for folder in (None, tmp_path):
        bench, (number,) = waiting()
        bench.folder = folder
        bench.start()
        bench.fake.advance(minutes=minutes)
        bench.poll()
        DEEDS[how](bench.fake, number, LATE)
        bench.start()

        assert bench.endings() == [(number, how)]
        bench.start()
        assert bench.endings() == []


def test_older_than_two_hours() -> None:
    """What lies further back is neither looked for nor told: a restart costs a bounded search."""
    bench, (number,) = waiting()
    bench.fake.at("2026-03-04 11:10:00")
    bench.poll()
    DEEDS["reviewed"](bench.fake, number, LATE)
    bench.start()

    assert bench.endings() == []
    asked = next(one for one in reversed(bench.fake.seen) if "-status:open" in one)
    assert 'after:"2026-03-04 09:10:00"' in asked


@pytest.mark.parametrize("restarts", [False, True])
def test_under_the_cap(restarts: bool) -> None:
    """They follow each other from poll to poll, in order and once each, whatever process polls."""
    bench, numbers = waiting(3, max_triggers_per_poll=1)
    bench.fake.advance(minutes=30)
    bench.poll()
    for number in numbers:
        DEEDS["merged"](bench.fake, number, LATE)
    found = []
    bench.start()
    for _ in range(4):
        found += bench.endings()
        if restarts:
            bench.start()

    assert found == [(number, "merged") for number in numbers]


def test_more_than_the_cursor_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many endings the cursor names the latest; none of the others is told again."""
    monkeypatch.setattr(position, "KEPT", 2)
    bench, numbers = waiting(4)
    for number in numbers:
        bench.fake.advance(minutes=1)
        DEEDS["reviewed"](bench.fake, number, bench.fake.now)
    assert len(bench.endings()) == 4
    bench.start()

    assert bench.endings() == []
    (text,) = [item.value for item in bench.shelf.store.items() if item.name == CURSOR]
    ended = Cursor.from_json(text, CURSOR).ended
    assert ended is not None
    assert len(ended.waits) == 2


def test_before_the_first_start() -> None:
    """What was over when the sensor first came is not told, by the processes after it neither; nor
    is it looked for two hours back.
    """
    bench = Bench()
    number = bench.fake.add_change()
    bench.fake.at(LATE)
    DEEDS["reviewed"](bench.fake, number, bench.fake.now)
    bench.fake.advance(minutes=5)
    found = []
    for _ in range(3):
        bench.start()
        found += bench.endings()
        bench.fake.advance(minutes=5)

    assert found == []
    first = next(one for one in bench.fake.seen if "-status:open" in one)
    assert 'after:"2026-03-04 08:55:' in first


def test_cursor_of_an_earlier_release() -> None:
    """It names no endings, so those before it count as told; the next ones are told apart."""
    bench, numbers = waiting(2)
    DEEDS["reviewed"](bench.fake, numbers[0], bench.fake.now)
    bench.fake.advance(minutes=5)
    assert len(bench.endings()) == 1
    (text,) = [item.value for item in bench.shelf.store.items() if item.name == CURSOR]
    value = json.loads(text)
    del value["ended"]
    bench.shelf.store.put(CURSOR, json.dumps(value))
    bench.start()
    assert bench.endings() == []
    bench.fake.at("2026-03-04 10:00:00")
    bench.poll()
    DEEDS["reviewed"](bench.fake, numbers[1], "2026-03-04 09:30:00")
    bench.start()

    assert bench.endings() == [(numbers[1], "reviewed")]


def test_milestone_and_ending_between_two_polls() -> None:
    """Nothing is told of such a wait, neither then nor by the next process."""
    bench = Bench()
    bench.poll()
    number = bench.fake.add_change()
    bench.fake.at("2026-03-03 09:30:00")
    DEEDS["reviewed"](bench.fake, number, bench.fake.now)
    bench.poll()
    for _ in range(3):
        bench.fake.advance(minutes=10)
        bench.start()
        bench.poll()

    assert bench.told == []


def test_two_of_one_number() -> None:
    """Each is told once, though the next process meets the one before it knows of the other."""
    bench = Bench()
    bench.poll()
    here = bench.fake.add_change()
    there = bench.fake.add_change("old/tools", number=here, imported=True)
    bench.fake.at("2026-03-04 09:05:00")
    bench.poll()
    bench.fake.advance(minutes=5)
    for key in (here, there):
        DEEDS["reviewed"](bench.fake, key, bench.fake.now)
    assert len(bench.endings()) == 2
    bench.fake.advance(minutes=5)
    bench.start()

    assert bench.endings() == []


def test_datastore_that_fails_behind_a_late_ending() -> None:
    """It may not have gone out, so it is sent again; after that it is told."""
    bench, (number,) = waiting()
    bench.fake.advance(minutes=30)
    bench.poll()
    DEEDS["merged"](bench.fake, number, LATE)
    bench.start()
    bench.fails_after_dispatch = True
    assert bench.endings() == [(number, "merged")]
    bench.fails_after_dispatch = bench.shelf.store.down = False
    bench.fake.advance(minutes=1)

    assert bench.endings() == [(number, "merged")]
    bench.start()
    assert bench.endings() == []


# A search.

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["review", "answer", "upload", "merge", "abandon", "wip"]),
            st.integers(1, 3),
            st.sampled_from([0, 0, 1, 5, 15, 45]),
        ),
        st.tuples(
            st.sampled_from(["poll", "poll", "restart", "day"]),
            st.just(0),
            st.sampled_from([0, 7, 30]),
        ),
    ),
    min_size=3,
    max_size=18,
)


def happens(fake: FakeGerrit, what: str, number: int, minutes: int) -> None:
    """A deed that shows so many minutes late; on one change they show in order."""
    change = fake.changes[number]
    at = max(fake.now - timedelta(minutes=minutes), change.updated)
    if change.status != "NEW":
        return
    if what in ("review", "answer"):
        fake.review(number, fake.author if what == "answer" else 0, text="Hm.", at=at)
    elif what == "upload":
        fake.upload(number, at=at)
    elif what == "wip":
        fake.set_wip(number, not change.wip, at=at)
    else:
        fake.set_status(number, "MERGED" if what == "merge" else "ABANDONED", at=at)


def play(steps: List[Tuple[str, int, int]], *, restarts: bool) -> Bench:
    """Three changes past their first milestone, with room for two triggers in a poll."""
    bench = Bench(milestones=["1h", "1d"], max_triggers_per_poll=2)
    for _ in range(3):
        bench.fake.add_change()
    bench.poll()
    bench.fake.advance(hours=1)
    bench.poll()
    bench.poll()
    for what, number, minutes in steps:
        if number:
            bench.fake.advance(minutes=1)
            happens(bench.fake, what, number, minutes)
            continue
        bench.fake.advance(**({"days": 1} if what == "day" else {"minutes": minutes}))
        if what == "restart" and restarts:
            bench.start()
        if what != "day":
            bench.poll()
    if restarts:
        bench.start()
    for _ in range(8):
        bench.fake.advance(minutes=1)
        bench.poll()
    return bench


def names(bench: Bench, word: str) -> Counter[str]:
    """The waits that a trigger told of."""
    told = (payload["event_id"] for trigger, payload in bench.told if trigger.endswith(word))
    return Counter(one.rpartition(":")[0] for one in told)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_each_ending_once(steps: List[Tuple[str, int, int]]) -> None:
    """However late deeds show, and whenever processes begin: of each wait that was told of, and
    reached its milestone, the ending is told, and once. Where nothing shows late, the same waits
    are told of, and as often, as by one process.
    """
    bench = play(steps, restarts=True)
    waiting, ended = names(bench, "waiting"), names(bench, "ended")
    policy = load(bench.config).policy
    over = set()
    client = bench.fake.client()
    for raw in client.changes(list(bench.fake.changes), HISTORY):
        change = parse.change(raw)
        for line in read_change(change, policy).timelines:
            if line.wait.end is not None and line.crossings:
                ident = event_id("gerrit.example.org", change.number, *line.key, "")
                over.add(ident.rpartition(":")[0])

    assert max(ended.values(), default=1) == 1
    assert waiting.keys() & over <= ended.keys()
    if not any(number and minutes for _, number, minutes in steps):
        one = play(steps, restarts=False)
        assert (waiting, ended) == (names(one, "waiting"), names(one, "ended"))
