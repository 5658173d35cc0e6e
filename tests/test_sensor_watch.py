"""What the sensor remembers of the changes it watches. No daily look mends anything here."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

from histories import POLICY, History, at
from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading, read_change
from reviewloop.sensor.events import Event
from reviewloop.sensor.found import ChangeKey
from reviewloop.sensor.memory import Told
from reviewloop.sensor.watch import Watch
from reviewloop.store.cursor import Cursor

NOTHING = Cursor(at("mon 0:00"))


def reading(number: int, history: History, project: str = "tools/build") -> Reading:
    """A change with that history."""
    updated = history.messages[-1].date
    change = replace(history.change(), number=number, project=project, updated=updated)
    return read_change(change, POLICY)


def waiting(moment: str = "mon 9:00") -> History:
    """Nobody has reviewed it."""
    return History().upload(moment)


def merged(moment: str = "thu 9:00") -> History:
    """Nobody reviewed it, and it was merged."""
    return waiting().merge(moment)


def watch_of(*numbers: int) -> Watch:
    """Changes that nobody has reviewed since Monday at 9."""
    watch = Watch("s")
    for number in numbers:
        watch.learn(reading(number, waiting()), NOTHING)
    return watch


def key(number: int, project: str = "tools/build") -> ChangeKey:
    """The key of one of these changes."""
    return ChangeKey(number, project)


def due(watch: Watch, moment: str, most: int = 99) -> List[Event]:
    """The first events that are due, and one more."""
    return watch.upcoming(at(moment), most, lambda _event: False, 0)


def poll(watch: Watch, moment: str, cap: int = 99) -> List[Tuple[int, str]]:
    """Dispatch up to ``cap`` events that are due: number and milestone, or ``ended``."""
    sent = due(watch, moment, cap)[:cap]
    for event in sent:
        watch.sent(event)
    watch.settle(at(moment))
    watch.rest()
    return [(event.key.number, word(event)) for event in sent]


def word(event: Event) -> str:
    """The milestone, or ``ended``."""
    return str(event.what.milestone) if isinstance(event.what, Crossing) else "ended"


def test_falls_due_and_is_put_away() -> None:
    """Nothing is computed again until a change falls due; then its event is dispatched once."""
    watch = watch_of(1)

    assert poll(watch, "mon 12:00") == []
    assert poll(watch, "tue 8:59:59") == []
    assert poll(watch, "tue 9:00") == [(1, "1d")]
    assert poll(watch, "tue 9:00") == []
    assert poll(watch, "wed 9:00") == [(1, "2d")]


def test_unsettled_until_dispatched() -> None:
    """What was due and was not sent stays due."""
    watch = watch_of(1)

    assert poll(watch, "tue 9:00", cap=0) == []
    assert poll(watch, "tue 9:05") == [(1, "1d")]


def test_order_within_one_second() -> None:
    """Changes of one second come by their number, however many digits it has, and none is lost."""
    watch = watch_of(100, 9, 10, 99)
    polls = [poll(watch, "tue 9:00", cap=1) for _ in range(5)]

    assert polls == [[(9, "1d")], [(10, "1d")], [(99, "1d")], [(100, "1d")], []]


def test_earliest_first() -> None:
    """Time counts before the number."""
    watch = watch_of(9)
    watch.learn(reading(10, waiting("mon 8:00")), NOTHING)

    assert poll(watch, "tue 9:00") == [(10, "1d"), (9, "1d")]


def test_closed_changes_are_let_go() -> None:
    """A change on which nobody waits is watched no longer, once its ending is dispatched."""
    watch = watch_of(1)
    assert poll(watch, "wed 9:00") == [(1, "2d")]
    watch.learn(reading(1, merged()), NOTHING)
    assert len(watch) == 1

    assert poll(watch, "thu 9:00") == [(1, "ended")]
    assert len(watch) == 0
    assert poll(watch, "fri 9:00") == []


def test_ending_stays_dispatched_after_the_change_was_let_go() -> None:
    """Whoever comments on a merged change does not have its ending dispatched again."""
    watch = watch_of(1)
    poll(watch, "wed 9:00")
    watch.learn(reading(1, merged()), NOTHING)
    poll(watch, "thu 9:00")
    watch.learn(reading(1, merged().review("thu 10:00", "second", text="Nice.")), NOTHING)

    assert poll(watch, "thu 12:00") == []


def test_ending_that_is_to_come() -> None:
    """A change that was merged after the instant up to which a poll dispatches falls due then."""
    watch = watch_of(1)
    poll(watch, "wed 9:00")
    watch.learn(reading(1, merged("thu 9:00:05")), NOTHING)

    assert poll(watch, "thu 9:00") == []
    assert poll(watch, "thu 9:00:05") == [(1, "ended")]


def test_forgotten_in_the_minute_it_falls_due() -> None:
    """A change that is deleted while its event is due is not met again."""
    watch = watch_of(1, 2)
    assert len(due(watch, "tue 9:00")) == 2
    watch.forget(key(1))
    assert watch.due(at("tue 9:00")) == 1

    assert poll(watch, "tue 9:00") == [(2, "1d")]
    assert key(1) not in watch


def test_forgotten_and_met_again() -> None:
    """A change that went and came back begins anew at the position it is given."""
    watch = watch_of(1)
    poll(watch, "tue 9:00")
    watch.forget(key(1))
    watch.learn(reading(1, waiting()), Cursor(at("tue 12:00")))

    assert poll(watch, "tue 13:00") == []
    assert poll(watch, "wed 9:00") == [(1, "2d")]


def test_set_aside() -> None:
    """Of a change that cannot be read nothing is dispatched; read again, it catches up."""
    watch = watch_of(1, 2)
    watch.set_aside(key(1))
    assert poll(watch, "tue 9:00") == [(2, "1d")]
    assert [number for number in (1, 2) if watch.known(key(number))] == [2]
    watch.learn(reading(1, waiting()), Cursor(at("tue 12:00")))

    assert poll(watch, "tue 12:00") == [(1, "1d")]


def test_set_aside_while_something_is_due() -> None:
    """Then nothing is due of it, and nobody offers it; it is not forgotten meanwhile."""
    watch = watch_of(1, 2)
    watch.take_news()
    assert len(due(watch, "tue 9:00")) == 2
    watch.set_aside(key(1))
    assert watch.due(at("tue 9:00")) == 1
    assert watch.take_news() == {key(1)}
    assert (watch.touched(1), watch.touched(2)) == (None, at("mon 9:00"))
    watch.rest()
    assert [watch.text(key(number)) is None for number in (1, 2)] == [True, False]

    watch.settle(at("tue 9:00"))
    watch.forget_idle(at("mon2 9:00"))
    assert key(1) in watch
    watch.learn(reading(1, waiting()), Cursor(at("tue 12:00")))
    assert poll(watch, "tue 12:00")[0] == (1, "1d")


def test_set_aside_after_it_was_let_go() -> None:
    """A merged change that cannot be read any more keeps what was dispatched of it."""
    watch = watch_of(1)
    poll(watch, "wed 9:00")
    watch.learn(reading(1, merged()), NOTHING)
    poll(watch, "thu 9:00")
    watch.set_aside(key(1))
    watch.prune(())

    watch.learn(reading(1, merged()), Cursor(at("wed 12:00")))
    assert poll(watch, "thu 12:00") == []


def test_nothing_is_due_of_what_was_sent() -> None:
    """Not even until the next look."""
    watch = watch_of(1)
    poll(watch, "mon 12:00")
    (event,) = due(watch, "tue 9:00")
    watch.sent(event)
    assert watch.due(at("tue 9:00")) == 1

    watch.settle(at("tue 9:00"))
    assert watch.due(at("tue 9:00")) == 0
    assert watch.due(at("wed 9:00")) == 1


def test_sent_again_what_a_cursor_may_not_cover() -> None:
    """What was sent since the cursor was last kept is taken back, the last first, but for what is
    told; so of each wait everything comes again.
    """
    watch = watch_of(1, 2)
    assert poll(watch, "tue 9:00") == [(1, "1d"), (2, "1d")]
    watch.take_back(lambda event: event.key == key(2))
    assert poll(watch, "tue 9:05") == [(1, "1d")]

    assert poll(watch, "wed 9:00") == [(1, "2d"), (2, "2d")]
    watch.take_back(lambda _event: False)
    assert [word(event) for event in due(watch, "tue 9:10")] == ["1d"]
    assert poll(watch, "wed 9:05") == [(1, "2d"), (2, "2d")]
    watch.confirm()
    watch.take_back(lambda _event: False)
    assert poll(watch, "wed 9:10") == []


def test_watched_and_known_to_nobody_else() -> None:
    """What is watched is not pruned, whoever knows of it."""
    watch = watch_of(1)
    watch.prune(())

    assert poll(watch, "tue 9:00") == [(1, "1d")]


def test_what_another_process_may_know() -> None:
    """Nothing of a change that was just read, or never; of one that was let go, what was dispatched
    of it. It says where not all was read, until all is, or the change was forgotten.
    """
    watch = watch_of(1, 2)
    watch.learn(reading(3, waiting()), NOTHING, is_whole=False)
    watch.rest()
    assert [watch.text(key(number)) for number in (1, 4)] == [None, None]
    watch.learn(reading(2, merged()), NOTHING)
    poll(watch, "thu 9:00")
    told = [left(watch, number) for number in (1, 2, 3)]
    assert [(bool(one.known), one.guessed) for one in told] == [
        (True, ""),
        (False, ""),
        (True, "guessed"),
    ]

    watch.forget(key(3))
    watch.learn(reading(3, waiting()), NOTHING)
    poll(watch, "thu 10:00")
    assert left(watch, 3).guessed == ""


def left(watch: Watch, number: int) -> Told:
    """What another process may know of a change."""
    told = watch.text(key(number))
    assert told is not None
    return told


def test_renewed() -> None:
    """A change that is packed is told of as it was answered last, until it is read anew, or the
    poll is over; one that was just read, or never, cannot be renewed.
    """
    watch = watch_of(1)
    now = replace(reading(1, waiting()).change, messages=(), subject="Roof")
    assert not any(watch.is_proven(one) or watch.renew(one, now) for one in (key(1), key(2)))
    poll(watch, "mon 12:00")
    (event,) = due(watch, "tue 9:00")
    assert watch.renewed(event) is event
    assert watch.renew(key(1), now)
    assert subjects(watch, event) == ["Roof", "Roof"]
    watch.rest()
    assert subjects(watch, event) == ["", ""]

    watch.set_aside(key(1))
    assert not watch.is_proven(key(1))
    assert not watch.renew(key(1), now)
    watch.learn(reading(1, waiting()), NOTHING)
    watch.rest()
    assert watch.renew(key(1), now)
    watch.learn(reading(1, waiting()), NOTHING)
    assert "Roof" not in subjects(watch, event)
    watch.forget(key(1))
    assert watch.renewed(event) is event


def subjects(watch: Watch, event: Event) -> List[str]:
    """What is told of an event's change, and what is known of it."""
    known = watch.known(event.key)
    assert known is not None
    return [watch.renewed(event).reading.change.subject, known[0].change.subject]


def test_recalled_from_another_process() -> None:
    """It is watched as before, and known to have been touched when it was."""
    before, watch = watch_of(1), Watch("s")
    poll(before, "tue 9:00")
    watch.recall(key(1), left(before, 1), Cursor(at("tue 9:00")), at("tue 9:00"))

    assert watch.touched(1) == at("mon 9:00")
    assert poll(watch, "tue 10:00") == []
    assert poll(watch, "wed 9:00") == [(1, "2d")]


def test_all_of_it_read_at_last() -> None:
    """What was dispatched of a change while not all that was said on it was read stays so."""
    watch = Watch("s")
    watch.learn(reading(1, waiting()), NOTHING, is_whole=False)
    assert poll(watch, "tue 9:00") == [(1, "1d")]
    watch.learn(reading(1, waiting()), NOTHING)

    assert poll(watch, "tue 9:05") == []


def test_sent_again_of_a_change_that_was_let_go() -> None:
    """It is watched again, and read before anything is told of it."""
    watch = watch_of(1)
    poll(watch, "wed 9:00")
    watch.confirm()
    watch.learn(reading(1, merged()), NOTHING)
    assert poll(watch, "thu 9:00") == [(1, "ended")]
    watch.take_back(lambda _event: False)
    watch.rest()

    assert not watch.is_proven(key(1))
    assert poll(watch, "thu 9:05") == [(1, "ended")]


def test_more_that_is_late() -> None:
    """So many more at most, and one that tells whether there is more."""
    watch = watch_of(*range(1, 11))
    found = [watch.upcoming(at("tue 9:00"), 2, lambda _e, late=late: late, 3) for late in (0, 1)]

    assert [len(events) for events in found] == [3, 6]


def test_touched_on_two_projects() -> None:
    """A number says which change is meant no better than that: the later counts. Both are news when
    the second comes, and when it goes.
    """
    watch = watch_of(7)
    watch.take_news()
    watch.learn(reading(7, waiting("mon 10:00"), "old/tools"), NOTHING)
    assert watch.take_news() == {key(7), key(7, "old/tools")}

    assert watch.touched(7) == at("mon 10:00")
    assert watch.touched(8) is None
    watch.forget(key(7, "old/tools"))
    assert watch.touched(7) == at("mon 9:00")
    # Its events go by the number alone from now on.
    assert watch.take_news() == {key(7), key(7, "old/tools")}
    watch.forget(key(7))
    watch.forget(key(8))
    assert watch.touched(7) is None


def test_idle_to_the_second() -> None:
    """What was touched at the horizon is not idle yet."""
    watch = watch_of(1)
    poll(watch, "mon3 9:00")
    watch.forget_idle(at("mon 9:00"))
    assert len(watch) == 1
    watch.forget_idle(at("mon 9:00:01"))
    assert len(watch) == 0


def test_idle_changes() -> None:
    """What nobody has touched for longer than a milestone can be away is forgotten, unless
    something is still to be dispatched of it.
    """
    watch = watch_of(1)
    watch.learn(reading(2, waiting("wed 9:00")), NOTHING)
    poll(watch, "mon3 9:00")
    watch.forget_idle(at("tue 9:00"))
    assert [one.number for one in watch] == [2]

    busy = watch_of(1)
    poll(busy, "mon 12:00")
    due(busy, "tue 9:00")
    busy.forget_idle(at("tue 9:00"))
    assert len(busy) == 1


def test_what_is_neither_watched_nor_known() -> None:
    """The memory of what was dispatched goes with the last who knows the change."""
    watch = watch_of(1, 2)
    poll(watch, "wed 9:00")
    for number in (1, 2):
        watch.learn(reading(number, merged()), NOTHING)
    watch.learn(reading(3, waiting()), NOTHING)
    poll(watch, "thu 9:00")
    watch.prune([key(2)])
    assert list(watch) == [key(3)]
    for number in (1, 2):
        watch.learn(reading(number, merged()), Cursor(at("wed 12:00")))

    assert poll(watch, "thu 12:00") == [(1, "ended")]


def test_one_number_on_two_projects() -> None:
    """Changes that were imported from another server can bear a number that is taken: they are two
    changes, and the project tells their events apart.
    """
    watch = watch_of(7)
    watch.learn(reading(7, waiting("mon 10:00"), "old/tools"), NOTHING)
    events = due(watch, "tue 10:00")

    assert len(watch) == 2
    assert [event.id for event in events] == [
        f"s:tools%2Fbuild~7:reviewers:{int(at('mon 9:00').timestamp())}:1d",
        f"s:old%2Ftools~7:reviewers:{int(at('mon 10:00').timestamp())}:1d",
    ]
    watch.forget(key(7, "old/tools"))
    (event,) = due(watch, "tue 10:00")
    assert event.id == f"s:7:reviewers:{int(at('mon 9:00').timestamp())}:1d"


def test_what_was_dispatched_stays_so_under_another_id() -> None:
    """When a change of the same number shows up, nothing is dispatched again under the new id."""
    watch = watch_of(7)
    assert poll(watch, "tue 9:00") == [(7, "1d")]
    watch.learn(reading(7, waiting("tue 8:00"), "old/tools"), NOTHING)
    watch.learn(reading(7, waiting()), NOTHING)

    assert poll(watch, "tue 9:30") == []
