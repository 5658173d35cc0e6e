"""A change of which something is to be told is looked at once more, and read only if it may have
moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from sandbox.gerrit.fake_query import RefusalError
from sandbox.gerrit.fake_world import FakeChange, Json

from bench import Bench
from reviewloop.http.messages import Request
from reviewloop.sensor.packed import SPANS

BEFORE, TUESDAY, WEDNESDAY = "2026-03-02 15:00:00", "2026-03-03 09:00:00", "2026-03-04 09:00:00"


@pytest.fixture
def bench() -> Bench:
    """A server with one change, uploaded on Monday at 9 and seen by a poll."""
    bench = Bench()
    bench.fake.add_change()
    assert bench.poll() == []
    return bench


def histories(bench: Bench) -> int:
    """How often messages were asked for so far."""
    return sum("o=MESSAGES" in one for one in bench.fake.seen)


def told(bench: Bench, moment: str) -> Tuple[int, List[Dict[str, Any]]]:
    """How often a poll at an instant asks for messages, and what it tells."""
    bench.fake.at(moment)
    before = histories(bench)
    found = [payload for _, payload in bench.poll()]
    return histories(bench) - before, found


def between(bench: Bench, happens: Callable[[], object]) -> None:
    """Something happens after the delta has been answered, and before the look at what is due."""

    def watched(request: Request) -> None:
        if "change%3A" in request.target or "change:" in request.target:
            bench.fake.before_send = lambda _request: None
            happens()

    bench.fake.before_send = watched


def test_unmoved_change(bench: Bench) -> None:
    """Its history is not asked for again; there are two requests, the delta's included."""
    bench.fake.at(TUESDAY)
    before = len(bench.fake.seen)

    asked, (payload,) = told(bench, TUESDAY)

    assert (asked, payload["milestone"]) == (0, "1d")
    assert len(bench.fake.seen) - before == 2
    assert told(bench, WEDNESDAY)[1][0]["milestone"] == "2d"


def test_the_same_is_told(bench: Bench) -> None:
    """All that a trigger says is what it would say of the change as a whole."""
    second = bench.fake.add_account("second")
    bench.fake.changes[1].topic, bench.fake.changes[1].hashtags = "roof", ["one", "two"]
    bench.fake.review(1, text="/snooze 2h", at="2026-03-02 09:10:00")
    bench.fake.review(1, labels={"Code-Review": 1}, by=second, at="2026-03-02 10:00:00")
    bench.fake.review(1, labels={"Verified": -1}, by=bench.fake.me, at="2026-03-02 11:00:00")
    bench.fake.review(1, labels={"Verified": 1}, by=bench.fake.me, at="2026-03-02 12:30:00")
    bench.fake.upload(1, at="2026-03-02 13:00:00")
    told(bench, BEFORE)
    other = Bench()
    other.fake = bench.fake
    other.start()
    other.poll()
    # This one reads every change again.
    other.poller._watch.is_proven = lambda _key: False  # type: ignore[method-assign]

    assert told(bench, WEDNESDAY)[0] == 0
    assert told(other, WEDNESDAY)[0] == 1
    assert bench.told == other.told
    (payload,) = [payload for _, payload in bench.told]
    assert (payload["human_reviews"], payload["topic"]) == (1, "roof")
    assert payload["hashtags"] == ["one", "two"]
    assert payload["reviewer_ids"] == [second]


def test_moved_after_the_delta(bench: Bench) -> None:
    """An index that knows of it by now says so: the change is read, and its wait is over."""
    between(bench, lambda: bench.fake.review(1, text="Why?"))

    assert told(bench, TUESDAY) == (1, [])


def test_private_without_a_word(bench: Bench) -> None:
    """What a search no longer finds is not told of, although no delta said so."""
    between(bench, lambda: setattr(bench.fake.changes[1], "private", True))

    assert told(bench, TUESDAY) == (1, [])


def test_private_in_the_answer() -> None:
    """Nor where the search is not narrowed to what is public."""
    bench = Bench(query="")
    bench.fake.add_change()
    bench.poll()
    between(bench, lambda: setattr(bench.fake.changes[1], "private", True))

    assert told(bench, TUESDAY) == (1, [])
    assert told(bench, WEDNESDAY)[1] == []


def test_gone_without_a_word(bench: Bench) -> None:
    """A change that was deleted is not told of."""
    between(bench, lambda: setattr(bench.fake.changes[1], "hidden", True))

    assert told(bench, TUESDAY) == (1, [])


def test_what_else_a_reading_depends_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A requirement that a project has now, or a vote that the messages do not tell, writes nothing
    on a change: it is read again.
    """
    shown = bench.fake._info
    more: Json = {"submit_requirements": [{"name": "Roof", "status": "UNSATISFIED"}]}
    monkeypatch.setattr(bench.fake, "_info", lambda *given: {**shown(*given), **more})
    assert told(bench, TUESDAY)[0] == 1

    assert told(bench, WEDNESDAY)[0] == 0


def test_servers_without_a_commit_to_compare(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.4 there is only the time of the last update: the change is read."""
    shown = bench.fake._info
    monkeypatch.setattr(bench.fake, "_info", lambda *given: {**shown(*given), "meta_rev_id": ""})
    bench.start()
    bench.poll()

    asked, payloads = told(bench, TUESDAY)

    assert (asked, len(payloads)) == (1, 1)


def test_words_that_nobody_asked_for(bench: Bench) -> None:
    """A start leaves comments for later: the change is read when it is due, and not once more."""
    bench.fake.review(1, comment="recheck", at=BEFORE)
    bench.fake.advance(hours=12)
    bench.start()
    bench.poll()
    # Taken for a review by its mark.
    asked, payloads = told(bench, "2026-03-03 15:00:00")

    assert asked == 1
    assert [one["party"] for one in payloads] == ["reviewers"]
    assert not any("LABELS" in one and "MESSAGES" not in one for one in bench.fake.seen)
    assert told(bench, WEDNESDAY)[0] == 0


def test_words_that_nobody_asked_for_on_many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are due at once, the comments of each are read before anything is told of it."""
    monkeypatch.setattr("reviewloop.sensor.reader.MARKED", 1)
    for number in (1, *(bench.fake.add_change() for _ in range(2))):
        bench.fake.review(number, comment="recheck", at=BEFORE)
    bench.fake.advance(hours=12)
    bench.start()
    bench.poll()
    _, payloads = told(bench, "2026-03-03 15:00:00")

    assert [(one["number"], one["party"]) for one in payloads] == [
        (number, "reviewers") for number in (1, 2, 3)
    ]


def test_read_by_the_delta(bench: Bench) -> None:
    """What the poll has read is not looked at again, although another change moved meanwhile, so
    that all that is due is gone through once more.
    """
    bench.fake.add_change()
    told(bench, BEFORE)
    bench.fake.at(TUESDAY)
    bench.fake.touch(2)
    before = len(bench.fake.seen)

    def watched(request: Request) -> None:
        if "change%3A1" in request.target or "change:1" in request.target:
            bench.fake.before_send = lambda _request: None
            bench.fake.review(1, text="Why?")

    bench.fake.before_send = watched
    _, payloads = told(bench, TUESDAY)

    assert [one["number"] for one in payloads] == [2]
    assert sum("change:2" in one for one in bench.fake.seen[before:]) == 1


def test_restart(bench: Bench, tmp_path: Path) -> None:
    """The file that a process leaves is enough."""
    bench.folder = tmp_path
    bench.start()
    bench.poll()
    bench.fake.at(BEFORE)
    before = histories(bench)
    bench.start()
    bench.poll()
    asked, payloads = told(bench, TUESDAY)

    assert (asked, len(payloads)) == (0, 1)
    # A start searches by time for what was closed meanwhile.
    assert histories(bench) - before == 1


def test_a_stopwatch_that_was_stopped_often(bench: Bench) -> None:
    """So many spans are not kept: the change is read again."""
    for minute in range(SPANS + 1):
        moment = f"2026-03-02 10:{minute:02}"
        bench.fake.review(1, labels={"Verified": -1}, by=bench.fake.me, at=f"{moment}:10")
        bench.fake.review(1, labels={"Verified": 1}, by=bench.fake.me, at=f"{moment}:40")
    told(bench, BEFORE)
    asked, payloads = told(bench, "2026-03-03 11:00:00")

    assert (asked, len(payloads)) == (1, 1)


def test_one_that_cannot_be_answered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that Gerrit fails to render keeps no other from being told."""
    bench.fake.add_change()
    told(bench, BEFORE)
    shown = bench.fake._info

    def fails(change: FakeChange, options: List[str]) -> Json:
        if change.number == 1 and "LABELS" in options:
            raise RefusalError(500, "Internal server error")
        found: Json = shown(change, options)
        return found

    monkeypatch.setattr(bench.fake, "_info", fails)
    _, payloads = told(bench, "2026-03-03 16:00:00")

    assert [one["number"] for one in payloads if "number" in one] == [2]
