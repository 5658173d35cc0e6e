"""What the triggers carry, at its bounds: what is cut, rounded and named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Dict

from histories import POLICY, History, at
from reviewloop.core.change import Account, Change
from reviewloop.core.durations import Duration
from reviewloop.core.milestones import Crossing, Ending
from reviewloop.core.payloads import Site, ended, overdue, trouble, waiting
from reviewloop.core.reading import Reading, read_change
from reviewloop.core.turns import Party
from reviewloop.core.worktime import Calendar

WEDNESDAY = at("wed 9:00")
SITE = Site("review.example.org", "https://review.example.org/r")
HOURLY = (Duration(1, "h"), Duration(5, "h"))
#: Days of eight hours.
OFFICE = replace(
    POLICY,
    calendar=Calendar(start=8 * 3600, length=8 * 3600),
    milestones=(Duration(1, "d"), Duration(2, "d")),
)


def change(**fields: Any) -> Change:
    """Uploaded on Monday at 9, and not looked at since."""
    return replace(History().upload("mon 9:00").change(), **fields)


def first(reading: Reading) -> Crossing:
    """The first milestone of the first wait."""
    return reading.timelines[0].crossings[0]


def told(now: datetime = WEDNESDAY, **fields: Any) -> Dict[str, Any]:
    """The payload of the first milestone."""
    reading = read_change(change(**fields), OFFICE)
    return waiting(SITE, reading, first(reading), OFFICE, now)


def told_overdue(now: datetime, **more: Any) -> Dict[str, Any]:
    """The same of a wait that nobody is asked about."""
    reading = read_change(change(), OFFICE)
    return overdue(SITE, reading, first(reading), OFFICE, now, **more)


def test_ages() -> None:
    """Hours are worked hours, days those of the calendar, both to the hundredth."""
    payload = told(at("tue 12:21:07"), created=at("tue 12:21:07") - timedelta(days=1_000))

    # 7 hours on Monday, and 4:21:07 on Tuesday; a day is 8 hours.
    assert (payload["waiting_hours"], payload["waiting_days"]) == (11.35, 1.42)
    assert (payload["calendar_days"], payload["change_age_days"]) == (1.14, 1000.0)


def test_what_comes_next() -> None:
    """The next milestone of that very wait, as long as it lasts."""
    history = History().upload("mon 9:00").review("wed 9:00", "reviewer", text="Why?")
    history.review("wed 10:00", "owner", text="Because.")
    reading = read_change(history.change(), POLICY)
    over, _, open_still = (one for one in reading.timelines)
    now = at("fri 9:00")

    payload = waiting(SITE, reading, over.crossings[0], POLICY, now)
    assert (payload["next_milestone"], payload["next_at"]) == (None, None)
    payload = waiting(SITE, reading, open_still.crossings[0], POLICY, now)
    assert (payload["next_milestone"], payload["next_at"]) == ("2d", "2026-03-06T10:00:00Z")


def test_wait_that_is_going_to_end_by_itself() -> None:
    """Red ends a day after the gate took its vote back; until then the owner's wait lasts."""
    history = History().upload("mon 9:00").ci("tue 8:30", "Verified-1").ci("tue 10:00", "-Verified")
    reading = read_change(history.change(), replace(POLICY, milestones=HOURLY))
    owners = next(one for one in reading.timelines if one.wait.party is Party.OWNER)

    payload = waiting(SITE, reading, owners.crossings[0], POLICY, at("tue 12:00"))
    assert (payload["next_milestone"], payload["next_at"]) == ("5h", "2026-03-03T13:30:00Z")


def test_event_of_another_name() -> None:
    """The event's id is given where two changes bear one number; else it is the usual one."""
    reading = read_change(change(), OFFICE)
    usual = "review.example.org:1:reviewers:1772442000:1d"
    now = at("wed 9:00")
    ending = Ending(reading.timelines[0].wait, first(reading), now)

    for payload in (
        waiting(SITE, reading, first(reading), OFFICE, now),
        overdue(SITE, reading, first(reading), OFFICE, now),
        ended(SITE, reading, ending, OFFICE),
    ):
        assert payload["event_id"] == usual
    for payload in (
        waiting(SITE, reading, first(reading), OFFICE, now, "another"),
        overdue(SITE, reading, first(reading), OFFICE, now, "another"),
        ended(SITE, reading, ending, OFFICE, "another"),
    ):
        assert payload["event_id"] == "another"


def test_many_people_and_hashtags() -> None:
    """No list is longer than 50."""
    payload = told(
        reviewers=tuple(Account(number) for number in range(2, 80)),
        hashtags=tuple(f"tag{number}" for number in range(80)),
    )

    assert payload["reviewer_ids"] == list(range(2, 52))
    assert payload["hashtags"] == [f"tag{number}" for number in range(50)]
    asked = told_overdue(at("wed 9:00"), asked_ids=[*range(80), *range(80)])["asked_ids"]
    assert asked == list(range(50))


def test_long_texts() -> None:
    """Names are cut at 100 characters, sentences at 200, addresses and remedies at 500."""
    long = "x" * 600
    payload = told(topic=long, hashtags=(long,), subject=long, project=long, branch=long)

    assert len(payload["topic"]) == len(payload["hashtags"][0]) == 100
    assert len(payload["subject"]) == len(payload["project"]) == len(payload["branch"]) == 200
    assert len(payload["url"]) == 500
    assert len(trouble("s", "auth", at("mon 9:00"), 1, long)["remedy"]) == 500


def test_texts_are_harmless() -> None:
    """Whatever people may write is one line, and no expression."""
    evil = "{{ x }}\n"
    payload = told(topic=evil, hashtags=(evil,), subject=evil, project=evil, branch=evil)
    keys = ("topic", "subject", "project", "branch")

    assert [payload[key] for key in keys] == ["{ { x } }"] * 4
    assert payload["hashtags"] == ["{ { x } }"]
    assert trouble("s", "auth", at("mon 9:00"), 1, evil)["remedy"] == "{ { x } }"


def test_addresses() -> None:
    """A project's folders stay folders; what else an address cannot hold is encoded."""
    assert SITE.link(change(project="a b/ü~\ud800")) == (
        "https://review.example.org/r/c/a%20b/%C3%BC~%3F/+/1"
    )
    assert SITE.short(7) == "https://review.example.org/r/7"


def test_time_over_a_milestone() -> None:
    """It is counted from the milestone, in working days; before it there is none."""
    # One day of 8 hours was over on Tuesday at 9.
    assert told_overdue(at("tue 12:21"))["overdue_days"] == 0.42
    assert told_overdue(at("wed 9:00"))["overdue_days"] == 1.0
    assert told_overdue(at("tue 8:30"))["overdue_days"] == 0.0


def test_why_nobody_was_asked() -> None:
    """It carries what a waiting change does, and who is asked on what else, and why not."""
    payload = told_overdue(at("wed 9:00"), asked_ids=[9, 3, 9], why_not="no_one_left")

    assert payload == {
        **told(),
        "overdue_days": 1.0,
        "asked_ids": [3, 9],
        "why_not": "no_one_left",
    }
    bare = told_overdue(at("wed 9:00"))
    assert (bare["asked_ids"], bare["why_not"]) == ([], "")


def test_ended_wait() -> None:
    """All that it carries."""
    history = History().upload("mon 9:00").review("wed 12:00", "reviewer", text="Why?")
    reading = read_change(history.change(), OFFICE)
    ending = Ending(reading.timelines[0].wait, first(reading), at("wed 12:21"))

    assert ended(SITE, reading, ending, OFFICE) == {
        "event_id": "review.example.org:1:reviewers:1772442000:1d",
        "server": "review.example.org",
        "number": 1,
        "patchset": 1,
        "project": "tools/build",
        "branch": "master",
        "owner_id": 1,
        "party": "reviewers",
        "since": "2026-03-02T09:00:00Z",
        "milestone": "1d",
        "ended_at": "2026-03-04T12:21:00Z",
        "how": "reviewed",
        "waiting_days": 2.38,
    }
    open_still = read_change(change(), OFFICE)
    lasting = Ending(open_still.timelines[0].wait, first(open_still), at("wed 12:21"))
    assert ended(SITE, open_still, lasting, OFFICE)["how"] == ""


def test_trouble_that_is_over() -> None:
    """All that it carries."""
    assert trouble("s", "auth", at("mon 9:00"), 4, "None.", recovered=True) == {
        "server": "s",
        "state": "recovered",
        "kind": "auth",
        "since": "2026-03-02T09:00:00Z",
        "failures": 4,
        "remedy": "None.",
    }
