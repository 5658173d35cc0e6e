"""A roster that is not as Gerrit has it is reported, at the start and once a day."""

from __future__ import annotations

from typing import Any, Dict, List

from bench import Bench


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
