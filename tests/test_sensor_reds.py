"""Red that ends by itself, as the sensor dispatches it: when it ends, once, and not before."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from bench import Bench

TAKEN_BACK = "2026-03-02 11:00:00"
BEFORE, END = "2026-03-03 10:59:00", "2026-03-03 11:00:00"
MILESTONES = ["4h", "1d", "2d"]


@pytest.fixture
def bench() -> Bench:
    """A change that CI failed on Monday at 10; it took its vote back at 11, and says no more."""
    bench = Bench(milestones=MILESTONES)
    bench.poll()
    ci = bench.fake.add_account("ci", service_user=True)
    number = bench.fake.add_change(at="2026-03-02 09:30:00")
    bench.fake.review(number, ci, "No.", {"Verified": -1}, at="2026-03-02 10:00:00")
    bench.fake.review(number, ci, "Starting.", {"Verified": 0}, at=TAKEN_BACK)
    bench.fake.at(TAKEN_BACK)
    assert bench.poll() == []
    return bench


def told(bench: Bench, moment: str) -> List[Tuple[str, str]]:
    """Party, and milestone or how, of what a poll at an instant dispatches."""
    bench.fake.at(moment)
    return [(one["party"], one.get("how") or one["milestone"]) for _, one in bench.poll()]


def test_owner_until_the_end(bench: Bench) -> None:
    """Until red ends the owner owes, and the reviewers' stopwatch stands: then it goes on."""
    assert told(bench, "2026-03-02 14:00:00") == [("owner", "4h")]
    assert told(bench, BEFORE) == [("owner", "1d")]
    assert told(bench, END) == [("owner", "ci_recovered")]
    assert told(bench, "2026-03-03 14:29:59") == []
    assert told(bench, "2026-03-03 14:30:00") == [("reviewers", "4h")]


def test_once_and_nothing_in_between(bench: Bench) -> None:
    """Nothing moves at Gerrit when red ends by itself; the change is read anew for its event, as
    for every event, and never else.
    """
    told(bench, BEFORE)
    for moment in ("2026-03-03 10:59:30", "2026-03-03 10:59:59"):
        bench.fake.at(moment)
        assert bench.requests() == 1
    bench.fake.at(END)

    assert bench.requests() == 2
    assert [one["how"] for _, one in bench.told if "how" in one] == ["ci_recovered"]
    assert bench.requests() == 1
    assert len([one for _, one in bench.told if "how" in one]) == 1


@pytest.mark.parametrize("restart", ["2026-03-02 20:00:00", BEFORE, END, "2026-03-03 12:00:00"])
def test_restart(bench: Bench, restart: str) -> None:
    """A process that begins anew before or after the end dispatches it once, too."""
    told(bench, "2026-03-02 15:00:00")
    bench.fake.at(restart)
    bench.start()
    for moment in (restart, BEFORE, END, "2026-03-03 13:00:00"):
        told(bench, max(moment, restart))

    assert [one["how"] for _, one in bench.told if "how" in one] == ["ci_recovered"]
    assert [one["ended_at"] for _, one in bench.told if "how" in one] == ["2026-03-03T11:00:00Z"]


def test_recovered_before_the_end(bench: Bench) -> None:
    """Where CI comes back first, that ends the wait, and the day that was planned ends nothing."""
    told(bench, "2026-03-02 15:00:00")
    number = next(iter(bench.fake.changes))
    ci = max(bench.fake.accounts)
    bench.fake.review(number, ci, "Yes.", {"Verified": 1}, at="2026-03-02 16:00:00")

    assert told(bench, "2026-03-02 16:00:00") == [("owner", "ci_recovered")]
    assert told(bench, END) == [("reviewers", "4h")]


def test_explained_while_it_lies_ahead(bench: Bench) -> None:
    """A wait whose end is planned is still shown as one that lasts."""
    bench.fake.at("2026-03-02 14:00:00")
    ((_, payload),) = bench.poll()

    assert (payload["party"], payload["cause"], payload["red"]) == ("owner", "ci_failed", True)
    assert payload["next_milestone"] == "1d"
