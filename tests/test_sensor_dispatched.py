"""What is remembered of the events of one change, and what the cursor tells of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import List

import pytest

from histories import POLICY, History, at
from lived import namer
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading, read_change
from reviewloop.sensor.events import NAMED, Dispatched, Event, Reached, is_told, wait_name
from reviewloop.sensor.found import ChangeKey
from reviewloop.store.cursor import Cursor, Endings

MONDAY = at("mon 9:00")
KEY = ("reviewers", MONDAY)
PROJECT = History().upload("mon 9:00").change().project


def reading(history: History) -> Reading:
    """The history as it is read."""
    return read_change(history.change(), POLICY)


def history() -> History:
    """A change uploaded on Monday at 9."""
    return History().upload("mon 9:00")


def turns() -> Reading:
    """Three waits, each past a milestone: until Wednesday at 9, Friday at 9, and open."""
    found = history().review("wed 9:00", "reviewer", text="Why?")
    return reading(found.upload("fri 9:00"))


def events(moment: str, found: Reading, dispatched: Dispatched) -> List[Event]:
    """What is due then."""
    return list(dispatched.due(found, namer(), at(moment)))


def crossed(moment: str = "tue 12:00") -> Event:
    """The milestone of the first wait."""
    (event,) = events(moment, reading(history()), Dispatched())
    return event


def ended(moment: str = "wed 12:00") -> Event:
    """Its end."""
    found = reading(history().review(moment, "reviewer", text="Why?"))
    (event,) = events("thu 9:00", found, Dispatched.up_to(Cursor(at("tue 12:00")), found, namer()))
    return event


def test_milestone_on_its_wait() -> None:
    """Of a crossing nothing is lost but the wait."""
    crossing = crossed().what
    assert isinstance(crossing, Crossing)

    assert Reached.of(crossing).on(crossing.wait) == crossing


def test_text() -> None:
    """It stands in the file beside the sensor, for each of many thousand changes: nothing, or as
    little as will do.
    """
    dispatched = Dispatched()
    assert dispatched.to_text() == ""
    dispatched.add(crossed())
    assert dispatched.to_text() == '[["reviewers",1772442000,0,1772528400,"1d",0]]'
    dispatched.add(ended())

    assert dispatched.to_text() == '[["reviewers",1772442000,0,1772528400,"1d",1]]'
    again = Dispatched.from_text(dispatched.to_text())
    assert (again.crossed, again.ended) == (dispatched.crossed, dispatched.ended)


def reached(step: int, moment: str, milestone: str = "1d") -> Reached:
    """A milestone that was dispatched."""
    return Reached(step, at(moment), Duration(int(milestone[:-1]), milestone[-1]))


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (reached(1, "wed 9:00", "2d"), reached(0, "tue 9:00")),
        (reached(0, "tue 12:00"), reached(0, "tue 9:00")),
        (reached(1, "wed 9:00", "2d"), reached(0, "thu 9:00")),
    ],
)
def test_what_came_last(later: Reached, earlier: Reached) -> None:
    """The higher milestone, or the later time of the same, whichever of the two knows it."""
    one, other = Dispatched({KEY: later}), Dispatched({KEY: earlier})

    assert one.further(other).crossed == {KEY: later}
    assert other.further(one).crossed == {KEY: later}


def test_same_place_under_another_name() -> None:
    """Where both know the same crossing, the first names its milestone."""
    one = Dispatched({KEY: reached(0, "tue 9:00", "1d")})
    other = Dispatched({KEY: reached(0, "tue 9:00", "9h")})

    assert one.further(other).crossed == one.crossed


def test_waits_of_both() -> None:
    """What one of the two has dispatched has been dispatched."""
    second = ("owner", at("wed 9:00"))
    one = Dispatched({KEY: reached(0, "tue 9:00")}, frozenset({KEY}))
    other = Dispatched({second: reached(0, "thu 9:00")}, frozenset({second}))
    both = one.further(other)

    assert set(both.crossed) == both.ended == {KEY, second}


def test_waits_behind_one_whose_end_is_to_come() -> None:
    """Each wait is looked at, whatever is still to be dispatched of those before."""
    found = turns()
    first = Dispatched.up_to(Cursor(at("tue 12:00")), found, namer())
    (ending, *_) = events("mon2 12:00", found, first)
    cursor = Cursor(at("mon2 12:00"), late=frozenset({ending.name}))
    dispatched = Dispatched.up_to(cursor, found, namer())

    assert len(dispatched.crossed) == 3
    assert dispatched.ended == {("owner", at("wed 9:00"))}


def test_end_that_is_still_to_be_told() -> None:
    """That of a wait of which a milestone was, and the end was not."""
    (line,) = reading(history()).timelines

    assert not Dispatched().is_pending(line)
    assert Dispatched({KEY: reached(0, "tue 9:00")}).is_pending(line)
    assert not Dispatched({KEY: reached(0, "tue 9:00")}, frozenset({KEY})).is_pending(line)


# Endings by name.


def name(party: str, moment: str) -> str:
    """The name of a wait of change 1."""
    return wait_name(ChangeKey(1, PROJECT), (party, at(moment)))


def test_name_of_a_wait() -> None:
    """It stands in the cursor's value, which the next release reads; each wait has its own."""
    key = ChangeKey(1, "tools/build")

    assert wait_name(key, KEY) == "8983254d30432c3d"
    others = [
        wait_name(ChangeKey(2, "tools/build"), KEY),
        wait_name(ChangeKey(1, "tools/other"), KEY),
        wait_name(key, ("owner", MONDAY)),
        wait_name(key, ("reviewers", MONDAY + timedelta(seconds=1))),
    ]
    assert len({wait_name(key, KEY), *others}) == 5


def test_passed_over() -> None:
    """Waits of which nothing was dispatched and nothing is to be, that ended within two hours."""
    found, nothing = turns(), Dispatched()
    first, second = name("reviewers", "mon 9:00"), name("owner", "wed 9:00")

    assert dict(nothing.passed_over(found, at("wed 8:59:59"))) == {}
    assert dict(nothing.passed_over(found, at("wed 9:00"))) == {first: at("wed 9:00")}
    assert dict(nothing.passed_over(found, at("wed 10:59:59"))) == {first: at("wed 9:00")}
    assert dict(nothing.passed_over(found, at("wed 9:00") + NAMED)) == {}
    assert dict(nothing.passed_over(found, at("fri 10:00"))) == {second: at("fri 9:00")}


def test_passed_over_without_a_milestone() -> None:
    """A wait that reached none needs no name, nor does one that was told of: its end will be."""
    short = reading(history().review("mon 10:00", "reviewer", text="Why?"))
    assert dict(Dispatched().passed_over(short, at("mon 10:30"))) == {}
    known = Dispatched({KEY: reached(0, "tue 9:00")})

    assert dict(known.passed_over(turns(), at("wed 10:00"))) == {}


def test_told_milestone() -> None:
    """It lies up to the cursor, that of its change if that is another, and is not still to come."""
    event = crossed()
    through = Cursor(at("tue 9:00"))

    assert is_told(through, event)
    assert not is_told(Cursor(at("tue 8:59")), event)
    assert not is_told(replace(through, aside={1: at("tue 8:00")}), event)
    assert is_told(replace(through, aside={2: at("tue 8:00")}), event)
    assert not is_told(replace(through, late=frozenset({event.name})), event)
    assert is_told(replace(through, ended=Endings(at("tue 8:00"))), event)
    assert not is_told(replace(through, after_id="s:0:reviewers:1:1d"), event)
    assert is_told(replace(through, after_id=event.id), event)


def test_told_ending() -> None:
    """Besides, it is named, or lies before those that are."""
    event = ended()
    through = Cursor(at("wed 13:00"))
    named = {name("reviewers", "mon 9:00"): at("wed 12:00")}

    assert is_told(through, event)
    assert not is_told(Cursor(at("wed 11:59")), event)
    assert not is_told(replace(through, late=frozenset({event.name})), event)
    assert not is_told(replace(through, ended=Endings(at("wed 11:59"))), event)
    assert is_told(replace(through, ended=Endings(at("wed 12:00"))), event)
    assert is_told(replace(through, ended=Endings(at("wed 11:59"), named)), event)


def test_first_sight_of_an_ending() -> None:
    """A process that reads a change knows from the cursor whether its end was told."""
    found = reading(history().review("wed 12:00", "reviewer", text="Why?"))
    named = {name("reviewers", "mon 9:00"): at("wed 12:00")}

    def is_known(ended: Endings) -> bool:
        """Whether the end was told, according to such a cursor."""
        cursor = Cursor(at("wed 13:00"), ended=ended)
        dispatched = Dispatched.up_to(cursor, found, namer())
        assert set(dispatched.crossed) == {KEY}
        return dispatched.ended == {KEY}

    assert is_known(Endings(at("wed 12:00")))
    assert not is_known(Endings(at("wed 11:59")))
    assert is_known(Endings(at("wed 11:59"), named))
    assert not is_known(Endings(at("wed 11:59"), {name("owner", "mon 9:00"): at("wed 12:00")}))


def test_first_sight_in_the_second_of_the_cursor() -> None:
    """There the names of events tell which were dispatched."""
    found = reading(history())
    before = Cursor(at("tue 9:00"), after_id="s:0:reviewers:1:1d")

    assert Dispatched.up_to(before, found, namer()).crossed == {}
    assert set(
        Dispatched.up_to(replace(before, after_id=crossed().id), found, namer()).crossed
    ) == {KEY}
