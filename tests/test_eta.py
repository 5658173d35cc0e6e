"""Within which time changes like one usually got a review, and how often such a line was right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import List, Optional

import pytest

from histories import POLICY, History, at
from reviewloop.core.reading import Reading, read_change
from reviewloop.core.spans import Span
from reviewloop.core.turns import How
from reviewloop.core.worktime import Calendar
from reviewloop.insight.calibration import _Lines, calibration, overall
from reviewloop.insight.eta import (
    FEW,
    SHARE,
    WINDOW,
    Kind,
    Like,
    Past,
    Scope,
    as_dict,
    eta,
    past_of,
    size_of,
    usual,
)

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, tzinfo=timezone.utc)
EVERY_DAY = Calendar(workdays=frozenset(range(7)))
LIKE = Like(Kind.FIRST, "tools/build", "M")
POLICY_7 = replace(POLICY, calendar=EVERY_DAY)


def past(
    begun: float, lasted: Optional[float], like: Like = LIKE, how: Optional[How] = How.REVIEWED
) -> Past:
    """A wait that began so many days before ``NOW`` and lasted for some, or lasts still."""
    since = NOW - begun * DAY
    end = None if lasted is None else since + lasted * DAY
    seconds = None if end is None else int((end - since).total_seconds())
    return Past(like, since, end, None if end is None else how, (Span(since, end),), seconds)


def many(count: int, like: Like = LIKE, lasted: float = 2) -> List[Past]:
    """Waits that all lasted as long."""
    return [past(100, lasted, like) for _ in range(count)]


def waiting(days: float = 1, lines: int = 100) -> Reading:
    """A change that waits for its first review since a time before ``NOW``."""
    when = at("mon 0:00")
    change = replace(
        History().upload("mon 0:00").change(),
        project="tools/build",
        insertions=lines,
        deletions=0,
    )
    # The change was uploaded so many days before NOW.
    moved = [one._replace(date=one.date - when + NOW - days * DAY) for one in change.messages]
    return read_change(replace(change, messages=tuple(moved)), POLICY_7)


def days(found: List[Past], like: Like = LIKE) -> Optional[float]:
    """The line of waits, in days."""
    curve = usual(found, like, NOW, EVERY_DAY)
    seconds = None if curve is None else curve[1].quantile(0.8)
    return None if seconds is None else seconds / 86_400


def test_line() -> None:
    """Of a hundred waits of 1 to 100 hours, 80 % ended within 80."""
    found = [past(100, hours / 24) for hours in range(1, 101)]

    assert days(found) == pytest.approx(80 / 24)
    told = as_dict(eta(found, waiting(), POLICY_7, NOW), EVERY_DAY)
    assert told is not None
    assert (told["waits"], told["share"], told["working_days"]) == (100, 0.8, 3.33)
    assert told["text"].startswith(
        "Of changes like this one (tools/build, size M), 80 % got their first review within 3.3"
        " working days (100 waits of the last 180 days)."
    )
    assert told["text"].endswith("That is no promise.")


def test_of_those_that_waited_as_long() -> None:
    """A change that has waited is like those that had waited as long, where these are enough."""
    found = [past(100, hours / 24) for hours in range(1, 201)]

    told = eta(found, waiting(days=4), POLICY_7, NOW)
    # 104 lasted beyond 96 hours; 80 % of these ended by the 84th of them.
    assert told is not None
    assert told.still is not None
    assert told.still / 3600 == pytest.approx(96 + 84)
    assert told.waited == 4 * 86_400
    few = eta(found, waiting(days=7), POLICY_7, NOW)
    assert few is not None
    assert few.still is None


def test_silent_under_sixty_waits() -> None:
    """One below says nothing, sixty do."""
    assert days(many(FEW - 1)) is None
    assert days(many(FEW)) == pytest.approx(2)
    assert eta(many(FEW - 1), waiting(), POLICY_7, NOW) is None


def test_silent_where_the_share_was_never_reached() -> None:
    """If most are withdrawn or wait still, no time is named."""
    found = [*many(FEW), *(past(90, None) for _ in range(3 * FEW))]

    assert days(found) is None


def test_silent_where_no_review_is_waited_for() -> None:
    """In the owner's turn there is nothing to tell."""
    change = History().upload("mon 9:00").review("mon 10:00", "reviewer", text="Why?").change()

    assert eta(many(99), read_change(change, POLICY_7), POLICY_7, NOW) is None


@pytest.mark.parametrize(
    ("here", "project", "elsewhere", "scope"),
    [
        (FEW, FEW, FEW, Scope.PROJECT_AND_SIZE),
        (FEW - 1, 1, 0, Scope.PROJECT),
        (FEW - 2, 1, 1, Scope.ALL),
        (FEW - 3, 1, 1, None),
    ],
)
def test_buckets(here: int, project: int, elsewhere: int, scope: Optional[Scope]) -> None:
    """Where too few are of one project and size, those of the project count, then all."""
    found = [
        *many(here),
        *many(project, replace(LIKE, size="XL")),
        *many(elsewhere, replace(LIKE, project="other")),
        *many(500, replace(LIKE, kind=Kind.NEXT)),
    ]
    curve = usual(found, LIKE, NOW, EVERY_DAY)

    assert (curve and curve[0]) == scope


def test_change_without_lines_has_no_size() -> None:
    """A merge is like every other change of its project."""
    assert size_of(waiting(lines=0).change) == ""
    curve = usual(many(FEW, replace(LIKE, size="")), replace(LIKE, size=""), NOW, EVERY_DAY)
    assert curve is not None
    assert curve[0] is Scope.PROJECT


@pytest.mark.parametrize(
    ("lines", "size"), [(1, "XS"), (9, "XS"), (10, "S"), (50, "M"), (250, "L"), (1000, "XL")]
)
def test_sizes_are_those_of_gerrits_dashboards(lines: int, size: str) -> None:
    """The first number of each size."""
    assert size_of(waiting(lines=lines).change) == size


def test_only_the_window_counts_and_nothing_after_now() -> None:
    """What ended before it, or began later, is not known; what ends later lasts still."""
    old = [past(300, 2) for _ in range(FEW)]
    later = [past(-1, 2) for _ in range(FEW)]
    assert days([*old, *later]) is None

    unfinished = [past(3, 50) for _ in range(FEW)]
    assert days([*many(FEW, lasted=2), *unfinished]) is None
    assert not any(one.observed(NOW, EVERY_DAY).ending for one in unfinished)


def test_entered_late() -> None:
    """A wait that began before the window counts from then on: its past is not luck."""
    one = past(WINDOW / DAY + 10, 40).observed(NOW, EVERY_DAY)

    assert (one.entered, one.time, one.ending) == (10 * 86_400, 40 * 86_400, "reviewed")


def test_waits_of_a_history() -> None:
    """Before somebody reviewed they are for the first review, and then for another."""
    history = History().upload("mon 9:00").review("mon 11:00", "reviewer", "Code-Review+1")
    history.review("tue 9:00", "reviewer", text="Why?").review("wed 9:00", "owner", text="So.")
    found = list(past_of(read_change(history.change(), POLICY), POLICY))

    assert [one.like.kind for one in found] == [Kind.FIRST, Kind.NEXT, Kind.NEXT]
    assert [one.how for one in found] == [How.REVIEWED, How.REVIEWED, None]


def test_calibration_of_what_does_not_change() -> None:
    """Where waits always come alike, the line is right about as often as it says."""
    random = Random(4)
    found = [past(random.uniform(0, 480), random.expovariate(0.5)) for _ in range(1500)]
    folds = calibration(found, EVERY_DAY, NOW)
    share = overall(folds)

    assert sum(one.drawn + one.silent for one in folds) == len(found) - sum(
        one.since >= folds[-1].end for one in found
    )
    assert folds[0].silent >= FEW
    assert share is not None
    assert share == pytest.approx(0.8, abs=0.03)
    assert all(one.within + one.beyond == one.drawn for one in folds[:-1])


def test_calibration_knows_nothing_of_the_future() -> None:
    """A line is drawn from what was known that morning, whatever came later."""
    random = Random(5)
    found = [past(random.uniform(100, 400), random.expovariate(0.5)) for _ in range(500)]
    more = [past(random.uniform(0, 90), 50) for _ in range(200)]
    before = calibration(found, EVERY_DAY, NOW)
    after = calibration([*found, *more], EVERY_DAY, NOW)
    early = [one for one in before if one.end < NOW - 100 * DAY]

    assert early
    assert list(after[: len(early)]) == early


def test_calibration_sees_a_slowdown() -> None:
    """When reviews take three times as long from one day on, fewer are in time."""
    random = Random(6)
    found = [past(begun, random.expovariate(0.5)) for begun in range(100, 500)]
    found += [past(begun, random.expovariate(0.5 / 3)) for begun in range(70, 100)]
    folds = calibration(found, EVERY_DAY, NOW)
    slow = next(one for one in folds if one.begin > NOW - 105 * DAY)

    assert slow.share is not None
    assert slow.share < 0.65


def test_calibration_from_later_on() -> None:
    """Of the same folds it makes only those that begin then or later, from all waits before."""
    random = Random(7)
    found = [past(random.uniform(0, 480), random.expovariate(0.5)) for _ in range(900)]
    since = NOW - 200 * DAY
    folds = calibration(found, EVERY_DAY, NOW, since=since)

    assert folds
    assert folds == tuple(one for one in calibration(found, EVERY_DAY, NOW) if one.begin >= since)


class Counted(Calendar):
    """A calendar that counts how often it is asked."""

    asked = 0

    def elapsed(self, begin: datetime, end: datetime) -> int:
        """The same, counted."""
        Counted.asked += 1
        return super().elapsed(begin, end)


def test_calibration_measures_each_wait_once() -> None:
    """However many lines a wait counts for, day after day, the calendar is asked once for it, and
    once for each day.
    """
    random, tried = Random(8), 400
    found = [past(random.uniform(0, tried), random.expovariate(0.1)) for _ in range(600)]
    found += [past(random.uniform(0, tried), None, replace(LIKE, size="XL")) for _ in range(100)]
    Counted.asked = 0
    calibration(found, Counted(workdays=frozenset(range(7))), NOW)

    ends, open_ones, windows = 2, 1, 2
    assert 0 < Counted.asked <= (ends + open_ones) * len(found) + windows * (tried + 1)


OFFICE = Calendar(start=9 * 3_600, length=8 * 3_600)


def any_past(random: Random, calendar: Calendar) -> Past:
    """A wait of any kind and size, paused or not, over or not; measured as a history's is."""
    since = NOW - random.uniform(0, 400) * DAY
    end = since + random.expovariate(0.2) * DAY
    middle = since + (end - since) * random.random()
    last = None if random.random() < 0.03 else end
    ran = (Span(since, last),)
    if random.random() < 0.3:
        ran = (Span(since, middle), Span(middle + (end - middle) / 2, last))
    spent = [calendar.elapsed(one.start, one.end) for one in ran if one.end is not None]
    like = replace(LIKE, size=random.choice(("", "S", "M")), project=random.choice("pq"))
    how = random.choice((How.REVIEWED, How.ABANDONED))
    seconds = None if last is None else sum(spent)
    return Past(like, since, last, None if last is None else how, ran, seconds)


@pytest.mark.parametrize("calendar", [EVERY_DAY, OFFICE], ids=["every day", "office hours"])
@pytest.mark.parametrize("seed", range(3))
def test_lines_are_those_of_the_day(calendar: Calendar, seed: int) -> None:
    """The line that is drawn day after day is what would be said of a change that morning."""
    random = Random(seed)
    found = sorted((any_past(random, calendar) for _ in range(700)), key=lambda one: one.since)
    likes = [replace(LIKE, size=size, project=name) for size in ("", "S", "M") for name in "pqr"]
    lines, taken, drawn = _Lines(calendar, found[0].since), 0, set()
    for back in range(380, 0, -19):
        day = NOW - back * DAY
        while found[taken].since < day:
            lines.add(found[taken])
            taken += 1
        for like in likes:
            said = usual(found, like, day, calendar)
            seconds = None if said is None else said[1].quantile(SHARE)
            line = None if said is None or not seconds else (said[0], seconds)
            assert lines.of(like, day) == line
            drawn.add(None if line is None else line[0])

    assert {Scope.PROJECT, Scope.ALL} < drawn


def test_calibration_of_nothing() -> None:
    """Without waits there are no folds, and no share."""
    assert calibration([], EVERY_DAY, NOW) == ()
    assert overall(()) is None


def test_withdrawn_is_neither_right_nor_wrong() -> None:
    """A change abandoned within its line counts as seen so long, not as reviewed."""
    found = [past(400 - n / 2, 2) for n in range(400)]
    found += [past(245 - n / 2, 1, how=How.ABANDONED) for n in range(60)]
    folds = [one for one in calibration(found, EVERY_DAY, NOW) if one.drawn]
    tried = [one for one in folds if one.within + one.beyond < one.drawn]

    assert tried
    assert sum(one.drawn - one.within - one.beyond for one in tried) == 60
