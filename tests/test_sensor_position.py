"""How far dispatching has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import List, Optional, Tuple

import pytest

from histories import POLICY, History, at
from lived import namer
from reviewloop.core.reading import read_change
from reviewloop.errors import DatastoreError
from reviewloop.sensor.events import Dispatched, Event
from reviewloop.sensor.position import KEPT, Position
from reviewloop.store.cursor import Cursor, CursorStore, Endings, LostCursorError

TUESDAY = at("tue 9:00")


class Shown(CursorStore):
    """A store that shows what it was given."""

    def __init__(self, held: Optional[Cursor] = None) -> None:
        self.held = held
        self.saves: List[Cursor] = []
        self.loads = 0
        self.down = False

    def load(self) -> Optional[Cursor]:
        """What is held."""
        self.loads += 1
        if self.down:
            raise DatastoreError("down")
        return self.held

    def save(self, cursor: Cursor) -> None:
        """Hold it."""
        if self.down:
            raise DatastoreError("down")
        self.held = cursor
        self.saves.append(cursor)


def event(moment: str = "mon 9:00", number: int = 1) -> Event:
    """The first milestone of a change uploaded then: a day later."""
    reading = read_change(History().upload(moment).change(), POLICY)
    return next(Dispatched().due(reading, namer(number=number), at("tue 23:59")))


def position(through: str = "tue 9:00") -> Position:
    """A position that was stored."""
    found = Position(Shown(Cursor(at(through))))
    assert found.load()
    return found


def test_first_start() -> None:
    """Nothing is stored until there is something to store; then it is, once."""
    store = Shown()
    first = Position(store)
    assert not first.load()
    first.save()
    assert store.saves == []
    first.start(TUESDAY)
    first.save()
    first.save()

    assert store.saves == [Cursor(TUESDAY, ended=Endings(TUESDAY))]


def test_loaded_once() -> None:
    """What was read is kept in memory, until it is forgotten."""
    store = Shown(Cursor(TUESDAY))
    found = Position(store)
    assert found.load()
    assert found.load()
    assert store.loads == 1
    found.advance_to(at("tue 10:00"))
    found.forget()
    assert found.load()

    assert found.cursor == Cursor(TUESDAY)
    assert store.loads == 2


def test_never_back() -> None:
    """An earlier instant, and an earlier event, move nothing."""
    found = position()
    found.advance_to(at("tue 8:59"))
    found.advance_past(event("mon 8:00"))
    assert found.cursor == Cursor(TUESDAY)
    found.advance_to(at("tue 9:01"))

    assert found.cursor == Cursor(at("tue 9:01"))


def test_from_event_to_event() -> None:
    """Within one second the cursor goes by the changes' numbers."""
    found = position("tue 8:00")
    for number in (9, 10):
        found.advance_past(event(number=number))
    assert found.cursor == Cursor(TUESDAY, event(number=10).id)

    assert found.is_late(event(number=9))
    assert found.is_late(event(number=10))
    assert not found.is_late(event(number=100))
    found.advance_to(at("tue 9:01"))
    assert found.cursor == Cursor(at("tue 9:01"))


def test_what_is_late_and_not_dispatched() -> None:
    """Of what is left, only what lies before the cursor need be named."""
    found = position()
    late, ahead = event("mon 8:00"), event("mon 10:00", number=2)
    found.expect([late, ahead], {7: TUESDAY}, {})

    all_told = Endings(TUESDAY)
    assert found.cursor == Cursor(
        TUESDAY, late=frozenset({late.name}), aside={7: TUESDAY}, ended=all_told
    )
    assert found.cursor.expected == {1, 7}
    found.expect([ahead], {}, {})
    assert found.cursor == Cursor(TUESDAY, ended=all_told)


def test_only_so_many_are_named() -> None:
    """A datastore value does not grow without end: the earliest are kept."""
    found = position()
    late = [event("mon 8:00", number=number) for number in range(1, KEPT + 2)]
    found.expect(late, {}, {})

    assert found.cursor.late == frozenset(one.name for one in late[:KEPT])


def ending(moment: str, number: int = 1) -> Event:
    """The end of a wait by a review, after its first milestone."""
    history = History().upload("mon 9:00").review(moment, "second", text="Why?")
    reading = read_change(replace(history.change(), number=number), POLICY)
    (first,) = Dispatched.up_to(Cursor(at("tue 9:30")), reading, namer(number=number)).due(
        reading, namer(number=number), at(moment)
    )
    return first


def named(found: Position) -> Tuple[datetime, List[datetime]]:
    """Up to when all endings count as dispatched, and when the others were that do."""
    ended = found.cursor.ended
    assert ended is not None
    return ended.after, sorted(ended.waits.values())


def test_endings_are_named() -> None:
    """Those that were dispatched and those that need not be, for two hours before the cursor; what
    an earlier release had dispatched is all that lay before its cursor.
    """
    found = position("tue 10:00")
    found.advance_past(ending("tue 10:30", number=1))
    assert named(found) == (at("tue 10:00"), [at("tue 10:30")])
    found.advance_to(at("tue 11:00"))
    found.expect([], {}, {"a wait": at("tue 10:45")})
    assert named(found) == (at("tue 10:00"), [at("tue 10:30"), at("tue 10:45")])
    found.advance_past(ending("tue 10:50", number=2))
    found.advance_to(at("tue 12:30"))
    found.expect([], {}, {})
    assert named(found) == (at("tue 10:30"), [at("tue 10:45"), at("tue 10:50")])
    found.advance_to(at("tue 12:40"))
    found.expect([], {}, {})

    assert named(found) == (at("tue 10:40"), [at("tue 10:45"), at("tue 10:50")])


def test_only_so_many_endings_are_named() -> None:
    """Of more than that, those up to the latest one left out count as dispatched."""
    found = position()
    first = at("tue 9:00:01")
    over = {str(place): first + timedelta(seconds=place) for place in range(KEPT)}
    found.expect([], {}, {})
    found.advance_to(at("tue 10:00"))
    found.expect([], {}, over)
    assert named(found) == (TUESDAY, sorted(over.values()))
    found.expect([], {}, {"the last": at("tue 9:59"), "one of the first second": first})
    after, kept = named(found)

    assert after == first
    assert kept == [*sorted(over.values())[1:], at("tue 9:59")]


def test_store_down() -> None:
    """What could not be stored is stored the next time."""
    store = Shown(Cursor(TUESDAY))
    found = Position(store)
    found.load()
    found.advance_to(at("tue 10:00"))
    store.down = True
    with pytest.raises(DatastoreError):
        found.save()
    with pytest.raises(DatastoreError):
        found.check()
    store.down = False
    found.check()
    found.save()

    assert store.held == Cursor(at("tue 10:00"))


def test_taken_back() -> None:
    """Only a cursor that a wrong clock put into the future is moved back, on purpose."""
    found = position("mon3 9:00")
    found.lower(TUESDAY)

    assert found.cursor == Cursor(TUESDAY, ended=Endings(TUESDAY))


def test_taken_back_with_what_is_left() -> None:
    """What is still to be dispatched stays; the event of the wrong second does not."""
    late, aside = frozenset({"waiting x"}), {7: at("mon 9:00")}
    found = Position(Shown(Cursor(at("mon3 9:00"), "s:1:reviewers:1:1d", late, aside)))
    found.load()
    found.lower(TUESDAY)

    assert found.cursor == Cursor(TUESDAY, None, late, aside, ended=Endings(TUESDAY))


def test_second_that_is_over() -> None:
    """When all of a second is dispatched, the cursor stands behind the whole of it."""
    found = position("tue 8:00")
    found.advance_past(event())
    assert found.cursor.after_id is not None
    found.advance_to(TUESDAY)

    assert found.cursor == Cursor(TUESDAY)


@pytest.mark.parametrize("is_event", [True, False])
def test_position_of_an_earlier_release(is_event: bool) -> None:
    """It compared ids as texts; that ends with the first move, to an event or to an instant."""
    found = Position(Shown(Cursor(at("tue 8:00"), "s:1:reviewers:1:1d", as_text=True)))
    found.load()
    found.expect([], {}, {})
    assert found.cursor.as_text
    if is_event:
        found.advance_past(event())
    else:
        found.advance_to(TUESDAY)

    assert not found.cursor.as_text


def test_forgotten_and_not_saved() -> None:
    """As after a restart nothing is in memory, and what is begun anew is saved, though the same."""
    store = Shown(Cursor(TUESDAY))
    found = Position(store)
    found.load()
    found.forget()
    found.save()
    assert store.saves == []
    found.start(TUESDAY)
    found.save()

    assert store.saves == [Cursor(TUESDAY, ended=Endings(TUESDAY))]


def test_check_of_a_damaged_value() -> None:
    """A value that is no cursor shows that the datastore answers, which is all that is asked."""

    class Damaged(Shown):
        """What it holds is no cursor."""

        def load(self) -> Optional[Cursor]:
            """Find out."""
            self.loads += 1
            raise LostCursorError("damaged")

    store = Damaged()
    Position(store).check()

    assert store.loads == 1


def test_whether_it_is_saved() -> None:
    """Only what the store has is; before anything was read that is nothing."""
    found = Position(Shown())
    assert not found.is_saved
    found.start(TUESDAY)
    assert not found.is_saved
    found.save()
    assert found.is_saved
    found.advance_to(at("tue 10:00"))

    assert not found.is_saved


@pytest.mark.parametrize(
    ("cursor", "may_be"),
    [
        (Cursor(TUESDAY, "s:1:reviewers:1:1d", as_text=True), True),
        (Cursor(TUESDAY, "s:1:reviewers:1:1d"), False),
        (Cursor(at("tue 8:59"), "s:1:reviewers:1:1d", as_text=True), False),
        (Cursor(at("tue 9:01"), "s:1:reviewers:1:1d"), True),
        (Cursor(TUESDAY), True),
    ],
)
def test_what_may_be_late(cursor: Cursor, may_be: bool) -> None:
    """What lies before the cursor; as texts, all of its second: 10 comes before 9 there."""
    found = Position(Shown(cursor))
    found.load()

    assert found.may_be_late(event(number=9)) is may_be
