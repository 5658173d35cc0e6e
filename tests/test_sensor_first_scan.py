"""Which of what is open a start looks at, in which order, and how one that fails goes on."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, List

import pytest

from bench import Bench
from histories import at, told
from reviewloop.core.worktime import Calendar
from reviewloop.errors import TemporaryError
from reviewloop.http.messages import Request
from reviewloop.sensor.start import horizon, rewind
from reviewloop.settings.load import Settings, load

SECONDS = '"2026-03-02 09:00:{:02}"'
PORTION, PAGE = 2, 5


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Ten changes of ten seconds, found five by five and taken in two by two."""
    monkeypatch.setattr("reviewloop.sensor.reader.PORTION", PORTION)
    monkeypatch.setattr("reviewloop.sensor.start.PORTION", PORTION)
    monkeypatch.setattr("reviewloop.sensor.start.HELD", PORTION)
    bench = Bench()
    bench.poll()
    for _ in range(10):
        bench.fake.add_change()
        bench.fake.advance(seconds=1)
    bench.fake.query_limit = PAGE
    return bench


def breaks_off(bench: Bench, page: int) -> None:
    """Gerrit answers so many pages less one, and then nothing any more."""
    answered: List[Request] = []

    def refuse(request: Request) -> None:
        if len(answered) == page - 1:
            raise TemporaryError("It broke off.")
        if "MESSAGES" in str(request.params):
            answered.append(request)

    bench.fake.before_send = refuse


def mended(bench: Bench) -> None:
    """Gerrit answers again."""
    bench.fake.before_send = lambda _request: None


def searches(bench: Bench, what: str = "status:open") -> List[str]:
    """The searches of the next poll for histories of what is open."""
    before = len(bench.fake.seen)
    bench.poll()
    return [one for one in bench.fake.seen[before:] if "MESSAGES" in one and f"({what}) " in one]


def said(bench: Bench, level: int = logging.INFO) -> List[str]:
    """What the log holds."""
    return [one.getMessage() for one in bench.log if one.levelno == level]


def test_newest_first(bench: Bench) -> None:
    """Page by page, and all of it is told in time; the log says how far it is."""
    bench.start()
    bench.log.clear()
    # A page begins with the last change of the one before, as others may be of its second.
    assert len(searches(bench)) == 3
    bench.fake.at("2026-03-03 10:00:00")

    assert sorted(number for number, _ in bench.waiting()) == list(range(1, 11))
    counts = [one for one in said(bench) if "looked at" in one]
    assert counts == [f"{count} changes looked at." for count in range(2, 11, 2)]
    assert "Watching 10 changes." in said(bench)


def test_goes_on_where_it_came_to(bench: Bench) -> None:
    """Behind the portion before the last that it has taken in: nothing is left out."""
    bench.start()
    breaks_off(bench, 2)
    bench.poll()
    mended(bench)
    found = searches(bench)

    # Changes 10 to 7 were taken in, by two and two.
    assert len(found) == 2
    assert all(f"(before:{SECONDS.format(8)})" in one for one in found)
    bench.fake.at("2026-03-03 10:00:00")
    assert sorted(number for number, _ in bench.waiting()) == list(range(1, 11))


def test_breaks_off_in_the_first_portions(bench: Bench) -> None:
    """Nothing is known of how far it came: it begins anew."""
    bench.fake.query_limit = PORTION + 1
    bench.start()
    breaks_off(bench, 2)
    bench.poll()
    mended(bench)
    found = searches(bench)

    assert len(found) == 5
    assert "before:" not in found[0]
    bench.fake.at("2026-03-03 10:00:00")
    assert sorted(number for number, _ in bench.waiting()) == list(range(1, 11))


def test_what_moves_while_it_fails(bench: Bench) -> None:
    """Was updated since the look began, so the delta reads it."""
    bench.start()
    breaks_off(bench, 2)
    bench.poll()
    bench.fake.advance(minutes=10)
    bench.fake.review(9, text="Why?")
    bench.fake.advance(minutes=10)
    mended(bench)
    bench.poll()
    bench.poll()
    bench.fake.at("2026-03-03 10:00:00")

    parties = {payload["number"]: payload["party"] for _, payload in bench.poll()}
    assert parties == {n: "owner" if n == 9 else "reviewers" for n in range(1, 11)}


def test_what_was_left_is_looked_at_once(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that reads everything does not compare again with what the last process left."""
    monkeypatch.setattr("reviewloop.sensor.start.MAX_BATCH", 0)
    bench.folder = tmp_path
    bench.start()
    bench.poll()
    for number in (9, 10):
        bench.fake.touch(number)
    bench.start()
    breaks_off(bench, 2)
    bench.poll()
    mended(bench)
    before = len(bench.fake.seen)
    bench.poll()

    rows = [one for one in bench.fake.seen[before:] if "(status:open)" in one]
    assert rows
    assert all("MESSAGES" in one for one in rows)


# What the last process left.


@pytest.mark.parametrize(("moved", "pages"), [(0, 0), (1, 0), (2, 3)])
def test_how_much_may_have_moved(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int, pages: int
) -> None:
    """Up to as much as batches of a search for each are no more work than everything."""
    monkeypatch.setattr("reviewloop.sensor.start.MAX_BATCH", PORTION)
    monkeypatch.setattr("reviewloop.sensor.start.PORTION", 10 * PORTION)
    bench.folder = tmp_path
    bench.start()
    bench.poll()
    bench.fake.advance(minutes=10)
    for number in range(1, moved + 1):
        bench.fake.touch(number)
    bench.fake.advance(minutes=10)
    bench.log.clear()
    bench.start()

    assert len(searches(bench)) == pages
    known = f"{10 - moved} changes were known, {moved} have moved."
    assert (known in said(bench)) is not bool(pages)
    bench.fake.at("2026-03-03 10:00:00")
    assert sorted(number for number, _ in bench.waiting()) == list(range(1, 11))


def test_when_everything_was_read(bench: Bench, tmp_path: Path) -> None:
    """A process that took over what was left leaves the instant of the last look at everything: so
    it becomes too old one day, however often processes begin.
    """
    bench.folder = tmp_path

    def begun() -> Any:
        (path,) = tmp_path.iterdir()
        return json.loads(path.read_text("utf-8").splitlines()[0])["begun"]

    bench.start()
    bench.poll()
    first = begun()
    bench.fake.advance(hours=1)
    bench.start()
    bench.poll()
    bench.fake.advance(hours=1)
    bench.fake.touch(1)
    for path in tmp_path.iterdir():
        path.unlink()
    bench.poll()

    assert begun() == first


def test_begun_when_the_look_began(bench: Bench, tmp_path: Path) -> None:
    """Not when it went on after it had failed: what was read before is as old as that."""
    bench.folder = tmp_path
    bench.start()
    breaks_off(bench, 2)
    begun = bench.fake.now
    bench.poll()
    mended(bench)
    bench.fake.advance(hours=1)
    bench.poll()
    (path,) = tmp_path.iterdir()
    left = json.loads(path.read_text("utf-8").splitlines()[0])["begun"]

    assert 0 <= left - begun.timestamp() < 60


# How far it looks back.


def settings(**more: Any) -> Settings:
    """A configuration without coverage."""
    config = {"url": "https://gerrit.example.org", "coverage_reach": "0d", **more}
    return load({"milestones": ["1d", "2d"], "limits": {"max_snooze": "1d"}, **config})


@pytest.mark.parametrize(
    ("reach", "since"),
    [("0d", "mon 9:00"), ("2d", "mon 9:00"), ("3d", "mon 9:00"), ("4d", "fri 9:00")],
)
def test_horizon(reach: str, since: str) -> None:
    """The last milestone after the longest snooze, in working time, or what is covered still."""
    found = horizon(settings(coverage_reach=reach), at("thu2 9:00"))

    assert told(found) == (since if since.startswith("fri") else f"{since[:3]}2{since[3:]}")


def test_rewind() -> None:
    """Working time is counted as the configuration's calendar does."""
    hours = settings(calendar={"hours": "09:00-17:00"})
    duration = hours.policy.max_snooze

    assert told(rewind(hours, at("tue 12:00"), duration)) == "mon 12:00"
    assert told(rewind(hours, at("mon2 10:00"), duration)) == "fri 10:00"


def test_rewind_where_nobody_works() -> None:
    """Ten years back: nothing can have fallen due in that time."""
    found = settings()
    never = replace(found.policy, calendar=Calendar(days_off=lambda _day: True))
    now = at("mon 9:00")

    assert rewind(replace(found, policy=never), now, never.max_snooze) == now - timedelta(3_650)
