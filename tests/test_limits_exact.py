"""Where each limit begins and ends: to the second, and to the last ask."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Sequence

import pytest

from reviewloop.core.tiers import Tier
from reviewloop.core.worktime import Calendar
from reviewloop.escalation import limits
from reviewloop.escalation.limits import AGAIN, LATELY, Hold, Line
from reviewloop.store.asks import WEEK, Ask
from reviewloop.store.pending import Pending, Reason

# Wednesday.
NOW = datetime(2026, 3, 4, 15, tzinfo=timezone.utc)
MIDNIGHT = datetime(2026, 3, 4, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
RUN = timedelta(minutes=5)
WEEKDAYS = Calendar()
NEVER = Calendar(days_off=lambda _day: True)
COMMITTEE, CHAIR, REVIEWERS = Tier.COMMITTEE, Tier.CHAIR, Tier.REVIEWERS


def ask(
    at: datetime, *accounts: int, tier: Tier = COMMITTEE, late: bool = False, number: int = 1
) -> Ask:
    """Accounts were asked about some change."""
    event = f"gerrit.example.org:{number}:reviewers:1772442000:2d"
    return Ask(event, tier.value, number, "reviewers", at, accounts or (7,), at, late=late)


def put_off(
    not_before: datetime,
    *,
    number: int = 1,
    tier: Tier = COMMITTEE,
    reason: Reason = Reason.CAP,
    crossed_at: datetime = NOW - WEEK,
) -> Pending:
    """Another wait was put off."""
    return Pending(
        f"gerrit.example.org:{number}:reviewers:1772442000:2d",
        tier.value,
        number,
        "reviewers",
        NOW,
        "2d",
        reason,
        NOW - WEEK,
        not_before,
        crossed_at,
    )


def line(
    asks: Sequence[Ask] = (), pendings: Sequence[Pending] = (), tier: Tier = COMMITTEE
) -> Line:
    """The place of change 10, which crossed its milestone a day ago."""
    return Line(tier, (False, NOW - timedelta(days=1), 10), NOW, asks, pendings)


# Who comes first


@pytest.mark.parametrize(
    ("other", "ahead"),
    [
        (put_off(NOW), 1),
        (put_off(NOW + SECOND), 0),  # not due yet
        (put_off(NOW - LATELY), 1),
        (put_off(NOW - LATELY - SECOND), 0),  # it does not come back
        (put_off(NOW, reason=Reason.JOINED), 0),  # another change is asked about for it
        (put_off(NOW, reason=Reason.RAMP), 1),
        (put_off(NOW, tier=CHAIR), 1),  # committee and chair are one roster
        (put_off(NOW, tier=REVIEWERS), 0),
        (put_off(NOW, crossed_at=NOW), 0),  # it waits less long
        (put_off(NOW, crossed_at=NOW - timedelta(days=1), number=9), 1),
        (put_off(NOW, crossed_at=NOW - timedelta(days=1), number=10), 0),  # no place before its own
        (put_off(NOW, crossed_at=NOW - timedelta(days=1), number=11), 0),
    ],
)
def test_who_comes_first(other: Pending, ahead: int) -> None:
    """What is due by now, meets the same limit, and has waited longer."""
    assert line(pendings=[other]).ahead == ahead


@pytest.mark.parametrize("one", Tier)
@pytest.mark.parametrize("other", Tier)
def test_same_limit(one: Tier, other: Tier) -> None:
    """Committee and chair are one roster; each other tier has its limit for itself."""
    assert limits.same_kind(one, other) is (one is other or {one, other} == {COMMITTEE, CHAIR})


# per_run


@pytest.mark.parametrize(
    ("asks", "others", "hold"),
    [
        ([], 0, None),
        ([NOW - RUN + SECOND], 0, None),
        ([NOW - RUN + SECOND, NOW], 0, NOW + RUN),
        ([NOW - RUN, NOW], 0, None),  # the first one is an interval old
        ([NOW - 2 * SECOND, NOW - SECOND, NOW - 3 * SECOND], 0, NOW - SECOND + RUN),
        ([NOW - SECOND], 1, NOW - SECOND + RUN),
        ([], 1, None),
        ([], 2, NOW + RUN),
    ],
)
def test_two_in_a_run(asks: Sequence[datetime], others: int, hold: datetime) -> None:
    """Two within an interval, those that wait longer included; the next when the latest is old."""
    place = line([ask(at) for at in asks], [put_off(NOW, number=n) for n in range(others)])

    assert limits.cap(place, 2, RUN) == (hold and Hold(Reason.CAP, hold))


def test_run_of_the_roster() -> None:
    """Who is nudged takes no place of the roster's, and is not held back by it."""
    assert limits.cap(line([ask(NOW, tier=REVIEWERS)]), 1, RUN) is None
    assert limits.cap(line([ask(NOW, tier=CHAIR)]), 1, RUN) == Hold(Reason.CAP, NOW + RUN)
    assert limits.cap(line([ask(NOW, tier=REVIEWERS)], tier=REVIEWERS), 1, RUN) is None


# ramp_per_day


@pytest.mark.parametrize(
    ("asks", "others", "held"),
    [
        ([ask(MIDNIGHT, late=True)], 0, False),
        ([ask(MIDNIGHT, late=True), ask(NOW, late=True)], 0, True),
        ([ask(MIDNIGHT - SECOND, late=True), ask(NOW, late=True)], 0, False),  # yesterday's
        ([ask(NOW), ask(NOW, late=True)], 0, False),  # not an old one
        ([ask(NOW, late=True), ask(NOW, tier=CHAIR, late=True)], 0, True),
        ([ask(NOW, late=True), ask(NOW, tier=REVIEWERS, late=True)], 0, False),
        ([ask(NOW, late=True)], 1, True),
        ([], 1, False),
        ([], 2, True),
    ],
)
def test_two_old_ones_a_day(asks: Sequence[Ask], others: int, held: bool) -> None:
    """Two old waits a working day, those that wait longer included."""
    place = line(asks, [put_off(NOW, number=n) for n in range(others)])
    tomorrow = Hold(Reason.RAMP, MIDNIGHT + timedelta(days=1))

    assert limits.ramp(place, 2, WEEKDAYS) == (tomorrow if held else None)


def test_day_of_the_ramp_is_the_calendars() -> None:
    """In a zone east of Greenwich the working day began yesterday."""
    tokyo = Calendar(zone=timezone(timedelta(hours=9)), start=9 * 3600, length=8 * 3600)
    began = datetime(2026, 3, 3, 15, tzinfo=timezone.utc)
    now = began + timedelta(hours=23)
    place = Line(COMMITTEE, (False, now, 10), now, [ask(began, late=True)], ())

    assert limits.ramp(place, 1, tokyo) == Hold(Reason.RAMP, began + timedelta(hours=33))


@pytest.mark.parametrize(
    ("now", "calendar", "begins"),
    [
        (NOW, WEEKDAYS, MIDNIGHT + timedelta(days=1)),
        (NOW + timedelta(days=2), WEEKDAYS, MIDNIGHT + timedelta(days=5)),  # Friday, Monday
        (NOW, Calendar(start=9 * 3600, length=3600), MIDNIGHT + timedelta(days=1, hours=9)),
        (MIDNIGHT, Calendar(start=9 * 3600, length=3600), MIDNIGHT + timedelta(days=1, hours=9)),
        (NOW, NEVER, NOW + timedelta(days=1)),
    ],
)
def test_next_working_day(now: datetime, calendar: Calendar, begins: datetime) -> None:
    """When work begins on a later day; where no day has work, in a day."""
    assert limits.next_working_day(calendar, now) == begins


def test_old_one() -> None:
    """A wait is an old one when a working day and a second have passed since its milestone."""
    friday = datetime(2026, 3, 6, 12, tzinfo=timezone.utc)
    monday = datetime(2026, 3, 9, 12, tzinfo=timezone.utc)

    assert not limits.is_late(WEEKDAYS, friday, monday)
    assert limits.is_late(WEEKDAYS, friday, monday + SECOND)


# per_person_week


@pytest.mark.parametrize(
    ("asks", "others", "hold"),
    [
        ([], 3, None),
        ([], 4, NOW + RUN),  # others take all four places
        ([ask(NOW, 1), ask(NOW, 1)], 1, None),
        ([ask(NOW, 1), ask(NOW, 1)], 2, NOW + RUN),
        # The limit was lowered: more in one's week take no place of another's.
        ([ask(NOW, 1)] * 3, 1, None),
        ([ask(NOW, 3)] * 3, 3, None),  # somebody who could not be asked
        ([ask(NOW, 1, 2), ask(NOW, 1, 2)], 0, NOW + WEEK),
        ([ask(NOW, 1, 2, tier=REVIEWERS), ask(NOW, 1, 2)], 0, NOW + WEEK),  # whatever the tier
        # The first of the two who is below the limit again; it takes the older ask of hers.
        ([ask(NOW - SECOND, 1), ask(NOW, 1), ask(NOW - 2 * SECOND, 2), ask(NOW, 2)], 0,
         NOW - 2 * SECOND + WEEK),
        ([ask(NOW, 1), ask(NOW - SECOND, 1), ask(NOW - 2 * SECOND, 1), ask(NOW, 2), ask(NOW, 2)], 0,
         NOW - SECOND + WEEK),
        # An ask of just seven days ago has left the week.
        ([ask(NOW - WEEK, 1), ask(NOW, 1), ask(NOW, 2), ask(NOW, 2)], 0, None),
        ([ask(NOW - WEEK + SECOND, 1), ask(NOW, 1), ask(NOW, 2), ask(NOW, 2)], 0, NOW + SECOND),
    ],
)  # fmt: skip
def test_two_a_week_each(asks: Sequence[Ask], others: int, hold: datetime) -> None:
    """Two in seven days for each of the persons 1 and 2, those that wait longer included."""
    place = line(asks, [put_off(NOW, number=n) for n in range(others)])

    assert limits.budget(place, (1, 2), 2, RUN) == (hold and Hold(Reason.BUDGET, hold))


def test_budget_of_nobody() -> None:
    """Where nobody could be asked in any week, it is looked at again after two hours."""
    assert limits.budget(line(), (), 2, RUN) == Hold(Reason.BUDGET, NOW + AGAIN)


# Joined


@pytest.mark.parametrize(
    ("calendar", "until"),
    [
        (Calendar(length=8 * 3600), datetime(2026, 3, 5, 8, tzinfo=timezone.utc)),
        (NEVER, NOW + AGAIN),
    ],
)
def test_joined_until(calendar: Calendar, until: datetime) -> None:
    """A working day later; where no day has work, after two hours."""
    assert limits.joined_until(calendar, NOW) == until
