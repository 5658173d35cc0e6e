"""The tally says what the records say, whatever dies or is lost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sandbox.standin.datastore import DatastoreService
from sandbox.standin.runners import ProcessDied

from reviewloop.core.timestamps import from_iso
from reviewloop.errors import TemporaryError
from reviewloop.store.asks import Ask, Asks
from reviewloop.store.lease import Lease
from reviewloop.store.pending import Pending, Pendings, Reason
from reviewloop.store.tally import AGE, Tally
from reviewloop.store.whole import PREFIX, WHOLE
from stores import Shelf

SERVER = "gerrit.example.org"
SINCE = from_iso("2026-03-01T09:00:00Z")

HELD = Lease("roster", 1.0, lambda: 0.0)
OVER = Lease("roster", 1.0, lambda: 1.0)
Known = Tuple[Tuple[Ask, ...], Tuple[Pending, ...]]


def ask(number: int, at: datetime, **more: Any) -> Ask:
    """One about a change."""
    event = f"{SERVER}:{number}:reviewers:{int(SINCE.timestamp())}:2d"
    return Ask(event, "committee", number, "reviewers", SINCE, (1000 + number,), at, **more)


def put_off(number: int, at: datetime, reason: Reason = Reason.BUDGET) -> Pending:
    """One about a change."""
    return Pending(
        event_id=f"{SERVER}:{number}:reviewers:{int(SINCE.timestamp())}:2d",
        tier="committee",
        number=number,
        party="reviewers",
        since=SINCE,
        milestone="2d",
        reason=reason,
        at=at,
        not_before=at + timedelta(hours=number),
        crossed_at=SINCE + timedelta(days=2),
    )


class Ledger:
    """A datastore; each use of :meth:`process` is another process."""

    def __init__(self) -> None:
        self.shelf = Shelf()

    @property
    def now(self) -> datetime:
        """The present."""
        return self.shelf.now

    def process(self, service: Any = None) -> Tally:
        """A process of its own."""
        store = service or self.shelf.service
        return Tally(store, Asks(store), Pendings(store))

    def note(self, *asks: Ask, **more: List[Pending]) -> None:
        """As whoever decides does."""
        tally = self.process()
        tally.load(self.now, HELD)
        tally.note(self.now, asks, **more)

    def load(self) -> Known:
        """As whoever decides reads."""
        return self.process().load(self.now, HELD)

    @property
    def values(self) -> Dict[str, Optional[str]]:
        """What the tally consists of, beside the word that it is whole."""
        found = self.shelf.service.list_values(local=False, prefix=PREFIX)
        return {one.name: one.value for one in found if one.name != WHOLE}

    def change(self, texts: Dict[str, Optional[str]], number: int) -> None:
        """Give some of its values other texts, or take them away."""
        for name, text in list(texts.items())[:number]:
            if text is None:
                self.shelf.service.delete_value(name, local=False)
            else:
                self.shelf.store.put(name, text)

    @property
    def truth(self) -> Known:
        """What the records say."""
        return Asks(self.shelf.service).all(), Pendings(self.shelf.service).all()


@pytest.fixture(name="ledger")
def ledger_() -> Ledger:
    """A tally of three asks and what was put off."""
    ledger = Ledger()
    for number in (1, 2, 3):
        ledger.note(ask(number, ledger.now, late=number == 2, joined=(7, 8)))
        ledger.shelf.advance(hours=10)
    ledger.note(put_off=[put_off(4, ledger.now), put_off(5, ledger.now, Reason.JOINED)])
    assert WHOLE in ledger.shelf.names()
    return ledger


def test_all_fields(ledger: Ledger) -> None:
    """What is read is what was written, and one listing shows all of it."""
    calls: List[str] = []
    service = DatastoreService(ledger.shelf.store, "gerrit", "T", lambda _moment: None)
    listed = service.list_values

    def list_values(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs["prefix"])
        return listed(*args, **kwargs)

    service.list_values = list_values  # type: ignore[method-assign]

    assert ledger.process(service).load(ledger.now) == ledger.truth
    assert calls == [PREFIX]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "close", "put_off", "drop", "by hand", "wait", "lose", "age"]),
        st.integers(1, 6),
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(STEPS)
@example([("ask", 2), ("wait", 1), ("lose", 1), ("ask", 1)])
@example([("put_off", 2), ("ask", 1), ("lose", 2), ("ask", 1)])
def test_whatever_happens(steps: List[Tuple[str, int]]) -> None:
    """The tally says what the records say, whoever wrote them, and whichever of its values are lost
    or become what they were before.
    """
    ledger = Ledger()
    former: Dict[str, Optional[str]] = {}
    for what, number in steps:
        mine, values = ask(number, ledger.now), ledger.values
        if what == "ask":
            ledger.note(mine)
        elif what == "close":
            ledger.note(*(replace(one, open=False) for one in ledger.truth[0][:number]))
        elif what == "put_off":
            ledger.note(put_off=[put_off(number, ledger.now)])
        elif what == "drop":
            ledger.note(dropped=list(ledger.truth[1][:1]))
        elif what == "by hand":
            Asks(ledger.shelf.service).put(mine)
            Pendings(ledger.shelf.service).put(put_off(number, ledger.now))
        elif what == "wait":
            ledger.shelf.advance(days=4)
        else:
            ledger.change(former if what == "age" else dict.fromkeys(values), number)
        asks, pendings = ledger.load()
        former = values
        # It knows for some days more of one that was closed.
        assert set(ledger.truth[0]) <= set(asks)
        assert [one for one in asks if one not in ledger.truth[0] and one.open] == []
        assert pendings == ledger.truth[1]


@pytest.mark.parametrize("after", range(12))
def test_death_while_it_is_written(ledger: Ledger, after: int) -> None:
    """Wherever a run dies, the next reads what the records say."""
    points = [0]

    def reach(_moment: str) -> None:
        points[0] += 1
        if points[0] > after:
            raise ProcessDied

    service = DatastoreService(ledger.shelf.store, "gerrit", "T", reach)
    tally = ledger.process(service)
    tally.load(ledger.now, HELD)
    new = ask(9, ledger.now)
    with suppress(ProcessDied):
        tally.note(ledger.now, [new], put_off=[put_off(9, ledger.now)])

    assert ledger.load() == ledger.truth


@pytest.mark.parametrize("text", ["{", "[]", '{"rows": [[1]]}', '{"version": 2, "rows": []}'])
def test_damaged_day(ledger: Ledger, text: str) -> None:
    """It is made anew."""
    name = next(one for one in ledger.shelf.names() if one.startswith(f"{PREFIX}day."))
    ledger.shelf.store.put(name, text)
    last = sorted(one for one in ledger.shelf.names() if one.startswith(f"{PREFIX}day."))[-1]
    ledger.shelf.store.put(last, text)

    assert ledger.load() == ledger.truth
    assert WHOLE in ledger.shelf.names()


def test_former_version_knows_of_no_tally(ledger: Ledger) -> None:
    """What it wrote meanwhile counts after a day at the latest."""
    old = ask(6, ledger.now)
    ledger.shelf.store.put(old.key, old.to_json())
    ledger.shelf.advance(seconds=AGE.total_seconds())

    assert ledger.load() == ledger.truth
    assert old in ledger.load()[0]


def test_first_run_after_an_upgrade() -> None:
    """Records that are there before any tally count at once."""
    ledger = Ledger()
    old = ask(6, ledger.now)
    ledger.shelf.store.put(old.key, old.to_json())

    assert ledger.load() == ((old,), ())
    assert WHOLE in ledger.shelf.names()


def test_only_who_holds_the_lease_makes_it(ledger: Ledger) -> None:
    """Others read the records and write nothing."""
    ledger.shelf.service.delete_value(WHOLE, local=False)
    before = ledger.shelf.names()

    assert ledger.process().load(ledger.now) == ledger.truth
    assert ledger.shelf.names() == before


def test_listing_that_shows_nothing(ledger: Ledger) -> None:
    """A tally is never made from it: it may have failed without a word."""

    class Blind(DatastoreService):
        def list_values(self, *args: Any, **kwargs: Any) -> Any:
            return []

    blind = Blind(ledger.shelf.store, "gerrit", "T", lambda _moment: None)
    assert ledger.process(blind).load(ledger.now, HELD) == ((), ())

    assert ledger.load() == ledger.truth


def test_two_months(ledger: Ledger) -> None:
    """There are fewer values than a listing shows at once, and what has lapsed is gone."""
    for day in range(90):
        ledger.note(ask(100 + day, ledger.now), put_off=[put_off(100 + day, ledger.now)])
        ledger.shelf.advance(days=1)

    assert sum(one.startswith(PREFIX) for one in ledger.shelf.names()) < 100
    assert ledger.load() == ledger.truth


def test_lease_that_ran_out(ledger: Ledger) -> None:
    """Whoever worked too long leaves a tally that is not whole, for the next to make anew."""
    slow = ledger.process()
    slow.load(ledger.now, OVER)
    with pytest.raises(TemporaryError):
        slow.note(ledger.now, [ask(9, ledger.now)])
    assert WHOLE not in ledger.shelf.names()

    assert ledger.load() == ledger.truth
