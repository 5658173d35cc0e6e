"""Who was asked what."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.keys import ask_id
from reviewloop.core.roster import Load
from reviewloop.errors import ConfigError, DatastoreError
from reviewloop.store.asks import WEEK, Ask, Asks, find, loads
from reviewloop.store.datastore import Readable
from stores import NOON, Shelf

EVENT = "review.example.org:12:reviewers:1772442000:2d"
ASK = Ask(EVENT, "committee", 12, "reviewers", NOON.replace(hour=9), (7,), NOON)


def test_kept_and_found() -> None:
    """What was asked is found under its event and tier, and under no other."""
    shelf = Shelf()
    Asks(shelf.service).put(ASK)
    asks = Asks(shelf.service).all()

    assert asks == (ASK,)
    assert find(asks, EVENT, "committee") == ASK
    assert find(asks, EVENT, "chair") is None


def test_handed_on() -> None:
    """A hand-over is a record of its own and gives the message another mark; the last counts."""
    shelf = Shelf()
    Asks(shelf.service).put(ASK)
    Asks(shelf.service).put(replace(ASK, accounts=(8,), attempt=1))
    asks = Asks(shelf.service).all()

    assert [ask.accounts for ask in asks] == [(7,), (8,)]
    assert find(asks, EVENT, "committee") == asks[1]
    assert ask_id(EVENT, "committee", 0) != ask_id(EVENT, "committee", 1)


def test_closing() -> None:
    """The end of a wait ends all its asks, once, and no other change's."""
    shelf = Shelf()
    other = replace(ASK, event_id=EVENT.replace(":12:", ":13:"), number=13)
    asks = Asks(shelf.service)
    asks.put(ASK)
    asks.put(other)

    assert (asks.close(12), asks.close(12)) == (1, 0)
    assert [ask.open for ask in asks.all()] == [False, True]


def test_loads() -> None:
    """Open asks, those of seven days, and the last one are counted for each person."""
    week_old = replace(ASK, event_id="x", at=NOON - WEEK, open=False)
    lately = replace(ASK, event_id="y", at=NOON - timedelta(days=1), open=False, accounts=(7, 8))

    assert loads([week_old, lately, ASK], NOON) == {
        7: Load(open=1, week=2, last=NOON),
        8: Load(open=0, week=1, last=lately.at),
    }


def test_lapsing() -> None:
    """A closed ask outlives the weekly budget; an open one lapses after two months."""
    shelf = Shelf()
    Asks(shelf.service).put(ASK)
    Asks(shelf.service).put(replace(ASK, tier="chair", open=False))

    shelf.advance(days=7, hours=23)
    assert len(Asks(shelf.service).all()) == 2
    shelf.advance(days=1)
    assert [ask.open for ask in Asks(shelf.service).all()] == [True]
    shelf.advance(days=60)
    assert Asks(shelf.service).all() == ()


def test_record_of_another_version() -> None:
    """A record that is not ours is refused with its name; among others it is set aside."""
    shelf = Shelf()
    name = "gerrit.ask.0123456789abcdef"
    shelf.store.put(name, '{"version": 9}')

    with pytest.raises(ConfigError, match=r"st2 key delete gerrit\.ask\.0123456789abcdef"):
        Ask.from_json('{"version": 9}', name)
    assert Asks(shelf.service).readable() == Readable((), (name,))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
        max_leaves=9,
    ),
    st.sampled_from(["event_id", "tier", "number", "since", "accounts", "at", "attempt", "open"]),
)
def test_any_damage(value: Any, key: str) -> None:
    """Whatever stands in a record, it is an ask or it is set aside; nothing else comes of it."""
    shelf = Shelf()
    record = json.loads(ASK.to_json())
    shelf.store.put("gerrit.ask.0123456789abcdef", json.dumps({**record, key: value}))

    found = Asks(shelf.service).readable()

    assert len(found.records) + len(found.unreadable) == 1


def test_record_of_before() -> None:
    """What an earlier release wrote is read: it knew no late waits and no joined changes."""
    told = json.loads(ASK.to_json())
    del told["late"], told["joined"]

    assert Ask.from_json(json.dumps(told), "gerrit.ask.x") == ASK


def test_datastore_down() -> None:
    """Nobody is chosen on the word of a datastore that is down."""
    shelf = Shelf()
    shelf.store.down = True

    with pytest.raises(DatastoreError):
        Asks(shelf.service).all()
    with pytest.raises(DatastoreError):
        Asks(shelf.service).put(ASK)
