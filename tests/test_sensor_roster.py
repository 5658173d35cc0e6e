"""A roster that is not as Gerrit has it is reported, at the start and once a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, List, Tuple

import pytest

from bench import Bench
from histories import at
from reviewloop.sensor.roster import RosterCheck


def troubles(bench: Bench) -> List[Dict[str, Any]]:
    """Every trouble told so far."""
    return [payload for trigger, payload in bench.told if trigger == "gerrit.poll_trouble"]


def roster(*names: str) -> Dict[str, Any]:
    """A configured roster."""
    return {"members": [{"gerrit": name} for name in names]}


def test_sound_roster() -> None:
    """It is looked up once a day, and nothing is said of it."""
    bench = Bench(roster=roster("author", "reviewer"))
    bench.poll()
    looked = [one for one in bench.fake.seen if "/accounts/" in one and "self" not in one]
    bench.fake.advance(minutes=5)

    assert bench.requests() == 1
    assert len(looked) == 1
    assert troubles(bench) == []


def test_unknown_member() -> None:
    """Whoever is unknown is named in the remedy; polling goes on."""
    bench = Bench(roster=roster("author", "nobody"))
    number = bench.fake.add_change()
    bench.poll()
    bench.fake.at("2026-03-03 09:00:00")
    bench.poll()

    (down,) = troubles(bench)
    assert (down["state"], down["kind"]) == ("down", "roster")
    assert "nobody" in down["remedy"]
    assert [payload["number"] for trigger, payload in bench.told if "waiting" in trigger] == [
        number
    ]


def test_mended() -> None:
    """A roster with problems is looked at every hour, so that mending it shows."""
    bench = Bench(roster=roster("author", "newcomer"))
    bench.poll()
    bench.fake.add_account("newcomer")
    bench.fake.advance(minutes=30)
    bench.poll()
    assert len(troubles(bench)) == 1
    bench.fake.advance(minutes=31)
    bench.shelf.now = bench.fake.now
    bench.poll()

    assert [one["state"] for one in troubles(bench)] == ["down", "recovered"]


@pytest.mark.parametrize(
    ("problems", "gap"),
    [((), timedelta(days=1)), (("'nobody' is unknown.", "'x' too."), timedelta(hours=1))],
)
def test_when_it_is_looked_at(problems: Tuple[str, ...], gap: timedelta) -> None:
    """A sound roster a day after the last look, one with problems an hour after it."""
    looked = []

    class Members:
        """The roster."""

        def resolve(self) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
            """Look it up."""
            looked.append(1)
            return (), problems

    check = RosterCheck(Members)  # type: ignore[arg-type]
    begun = at("mon 9:00")
    for moment in (begun, begun, begun + gap - timedelta(seconds=1)):
        check.run(moment)
    assert len(looked) == 1
    check.run(begun + gap)
    assert len(looked) == 2
    check.run(begun + gap + gap - timedelta(seconds=1))
    assert len(looked) == 2

    trouble = check.trouble()
    assert (trouble is None) is (problems == ())
    if trouble is not None:
        assert trouble.message == "The roster is not as Gerrit has it."
        assert trouble.remedy == "'nobody' is unknown. 'x' too."
