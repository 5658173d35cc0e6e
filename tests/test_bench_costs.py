"""How the benchmarks measure processes, and what they say where they stop early."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest
from benchmarks import memory, peers, replay
from benchmarks.processes import compiled
from benchmarks.reviews import review_lines
from benchmarks.run import SHORT_CHANGES, simulated
from benchmarks.site import DEFAULT_CHANGES


@pytest.fixture(autouse=True)
def _only_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories of our own making, wherever the tests run."""
    monkeypatch.delenv("REVIEW_HISTORIES", raising=False)


def test_memory_is_told_apart() -> None:
    """The constant part and the slope are those of the line through the smallest and the largest
    site, and what lies off it is said.
    """
    bare = {"interpreter": 9.0, "modules": 30.0}
    held = {
        2_000: {**bare, "held": 70.0, "used": 42.0},
        8_000: {**bare, "held": 75.0, "used": 51.0},
        20_000: {**bare, "held": 88.0, "used": 60.0},
    }

    row = memory._told(held)

    assert row.figure == "40 MB + 1,049 B a change in use"
    assert row.floor == "9 MB (the interpreter), 30 MB (with the pack's modules)"
    assert row.note == (
        "no size is more than 3 MB off this line; with room that is free: 68 MB + 1,049 B"
    )


def test_the_weighed_sensor_reads_the_site() -> None:
    """It has a process of its own, which asks the server for every change."""
    few, many, together = memory.rows((40, 60))

    assert [few.work[-10:], many.work[-10:]] == ["40 changes", "60 changes"]
    assert "B a change in use" in together.figure


def test_a_command_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all histories and over every tenth, with the most memory of each."""
    monkeypatch.setattr(replay, "COMMANDS", {"report": replay.COMMANDS["report"]})

    (row,) = replay.rows(review_lines(3))

    assert row.work.startswith("report of 3 histories")
    assert "MB at most" in row.figure
    assert row.note.startswith("every tenth: ")


def test_processes_find_modules_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says: an action's second run compiles nothing in StackStorm."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    with compiled("tests") as environment:
        assert "PYTHONDONTWRITEBYTECODE" not in environment
        assert environment["PYTHONPYCACHEPREFIX"]


class Server:
    """As many changes."""

    changes = 1_000


class Uncounted:
    """In place of the meter, which watches a whole process."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def run(self, step: Callable[[], object]) -> str:
        """Take the step."""
        step()
        return "1 s"


@pytest.mark.parametrize(("longest", "kept"), [(600, 1_000), (2, 400)])
def test_a_listing_that_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, longest: int, kept: int
) -> None:
    """It goes to its end, or stops at its bound and says so."""
    clock: List[float] = [0.0]
    monkeypatch.setattr(peers, "Meter", Uncounted)
    monkeypatch.setattr(peers, "LONGEST", longest)
    monkeypatch.setattr(peers.time, "monotonic", lambda: clock[0])

    def fetch(start: int) -> List[Dict[str, Any]]:
        clock[0] += 1
        more = start + 200 < Server.changes
        return [{}] * 199 + [{"_more_changes": True} if more else {}]

    (row,) = peers._listing(Server(), "a client", fetch)  # type: ignore[arg-type]

    assert f"{kept:,} changes" in row.note
    assert ("stopped" in row.note) is (kept < Server.changes)


def test_a_smaller_site_has_fewer_of_everything() -> None:
    """A short run is short in each of its parts."""
    whole, short = simulated(DEFAULT_CHANGES), simulated(SHORT_CHANGES)

    assert [one.module for one in whole] == [one.module for one in short]
    for mine, theirs in zip(whole, short):
        sizes = (list(map(int, one.arguments[1:])) for one in (mine, theirs))
        assert not mine.arguments or max(next(sizes)) > max(next(sizes))
