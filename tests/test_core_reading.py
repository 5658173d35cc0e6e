"""One change understood, and what the triggers carry of it."""

from __future__ import annotations

from dataclasses import replace

from histories import ACCOUNTS, POLICY, History, at, told
from lived import lived
from reviewloop.core.change import Account
from reviewloop.core.durations import Duration
from reviewloop.core.keys import Mark
from reviewloop.core.payloads import Site, ended, trouble, waiting
from reviewloop.core.reading import human_reviewers, read_change
from reviewloop.core.turns import Party

NOW = at("thu 9:00")
SITE = Site("review.example.org", "https://review.example.org")


def red_in_review() -> History:
    """Uploaded on Monday at 9, red from 15 o'clock on."""
    return History().upload("mon 9:00").ci("mon 15:00", "Verified-1")


def test_courses_of_a_change() -> None:
    """An open wait is found by its party, and by when it began."""
    reading = read_change(red_in_review().change(), POLICY)

    reviewers = reading.timeline(Party.REVIEWERS, NOW)
    assert reviewers is not None
    assert reviewers.key == ("reviewers", at("mon 9:00"))
    assert reading.timeline(Party.REVIEWERS, NOW, at("mon 9:00")) == reviewers
    assert reading.timeline(Party.REVIEWERS, NOW, at("mon 9:01")) is None
    assert reading.timeline(Party.SUBMITTER, NOW) is None


def test_waits_that_are_over_are_no_courses_to_act_on() -> None:
    """A wait that has ended is not found by its party."""
    history = History().upload("mon 9:00").review("tue 10:00", "reviewer", text="Why?")

    assert (
        read_change(history.change(), POLICY).timeline(Party.REVIEWERS, NOW, at("mon 9:00")) is None
    )


def test_milestones_behind_and_ahead() -> None:
    """At its very instant a milestone has been reached, and the one after it is next."""
    timeline = read_change(History().upload("mon 9:00").change(), POLICY).timelines[0]

    assert timeline.crossed(at("tue 8:59")) is None
    behind, ahead = timeline.crossed(at("wed 9:00")), timeline.following(at("wed 9:00"))
    assert behind is not None
    assert ahead is not None
    assert (str(behind.milestone), str(ahead.milestone)) == ("2d", "5d")
    assert timeline.following(at("mon3 9:00")) is None


def test_time_on_the_stopwatch() -> None:
    """Red time and snoozed time do not count."""
    history = red_in_review().ci("mon 17:00", "Verified+1")
    history.review("mon 20:00", "second", text="/snooze 1h")
    reading = read_change(history.change(), POLICY)

    assert reading.elapsed(reading.timelines[0].wait, at("mon 22:00"), POLICY) == 10 * 3600


def snoozed() -> History:
    """Uploaded on Monday at 9, and snoozed for a day an hour later."""
    return History().upload("mon 9:00").review("mon 10:00", "second", text="/snooze 1d")


def test_milestones_of_a_snoozed_change() -> None:
    """They come as much later as it was snoozed."""
    crossings = read_change(snoozed().change(), POLICY).timelines[0].crossings

    assert [told(one.at) for one in crossings[:2]] == ["wed 9:00", "thu 9:00"]


def test_pause_from_its_first_second_to_its_last() -> None:
    """It begins with the command and ends just before its end."""
    reading = read_change(snoozed().change(), POLICY)
    (span,) = reading.pauses.spans

    assert reading.pause(at("mon 9:59:59")) is None
    assert reading.pause(at("mon 10:00")) == reading.pause(at("tue 9:59:59")) == span
    assert reading.pause(at("tue 10:00")) is None


def test_handed_on_at_the_instant_of_a_milestone() -> None:
    """The new milestone asks somebody else in any case; the one before is not told once more."""
    mark = Mark("nudge", "0123456789abcdef", (ACCOUNTS["reviewer"].id,))
    history = History().upload("mon 9:00").review("tue 10:00", "pack", text=str(mark))
    history.review("wed 9:00", "reviewer", text="/pass")
    crossings = read_change(history.change(), POLICY).timelines[0].crossings

    assert [(str(one.milestone), told(one.at)) for one in crossings[:3]] == [
        ("1d", "tue 9:00"),
        ("2d", "wed 9:00"),
        ("5d", "mon2 9:00"),
    ]


def test_exempt_by_hashtag() -> None:
    """The hashtag that takes a change out is written as people please."""
    change = History().upload("mon 9:00").change()

    assert not read_change(replace(change, hashtags=("no-escalations",)), POLICY).is_exempt
    assert read_change(replace(change, hashtags=("x", "No-Escalation")), POLICY).is_exempt


def test_kept_without_messages() -> None:
    """What a sensor keeps of a change is all but its messages."""
    reading = read_change(red_in_review().change(), POLICY)
    kept = reading.without_history()

    assert kept.change.messages == ()
    assert (kept.state, kept.timelines) == (reading.state, reading.timelines)


# Payloads.


def test_payload_of_a_waiting_change() -> None:
    """Ages are told as of now, in working and in calendar time; text is capped and harmless."""
    history = History().upload("fri 9:00").review("fri 9:00", "second", "Code-Review+1")
    change = replace(
        history.change(),
        number=7,
        patch_set=3,
        created=at("thu 9:00"),
        reviewers=(ACCOUNTS["reviewer"], ACCOUNTS["owner"], ACCOUNTS["ci"], Account(8)),
        hashtags=("x",),
        topic="{{ t }}",
        subject="Build {{ st2kv.system.secret }}",
        insertions=5,
        deletions=2,
    )
    policy = replace(POLICY, milestones=(Duration(1, "d"), Duration(2, "d")))
    reading = read_change(change, policy)
    now = at("mon2 15:00")
    ((name, crossing),) = lived(reading, at("mon2 8:00"), now, SITE.id)
    payload = waiting(SITE, reading, crossing, policy, now)

    texts = {key: payload.pop(key) for key in ("topic", "subject")}
    assert payload == {
        "event_id": name,
        "server": "review.example.org",
        "number": 7,
        "patchset": 3,
        "project": "tools/build",
        "branch": "master",
        "owner_id": 1,
        "party": "reviewers",
        "cause": "needs_another_review",
        "since": "2026-03-06T09:00:00Z",
        "crossed_at": "2026-03-09T09:00:00Z",
        "milestone": "1d",
        "milestone_index": 0,
        "waiting_hours": 30.0,
        "waiting_days": 1.25,
        "calendar_days": 3.25,
        "change_age_days": 4.25,
        "next_milestone": "2d",
        "next_at": "2026-03-10T09:00:00Z",
        "origin": "person",
        "red": False,
        "reviewer_ids": [2, 8],
        "human_reviews": 1,
        "insertions": 5,
        "deletions": 2,
        "hashtags": ["x"],
        "url": "https://review.example.org/c/tools/build/+/7",
    }
    assert not any("{{" in text for text in texts.values())


def test_payload_of_the_last_milestone() -> None:
    """After the last milestone nothing is next; of a red change both stopwatches are told."""
    policy = replace(POLICY, milestones=(Duration(1, "h"),))
    reading = read_change(red_in_review().change(), policy)
    now = at("mon 20:00")
    payloads = [
        waiting(SITE, reading, what, policy, now) for _, what in lived(reading, at("mon 9:00"), now)
    ]

    told_of = [(one["party"], one["cause"], one["waiting_hours"], one["red"]) for one in payloads]
    assert told_of == [("reviewers", "uploaded", 6.0, True), ("owner", "ci_failed", 5.0, True)]
    assert {(one["next_milestone"], one["next_at"]) for one in payloads} == {(None, None)}


def test_payload_of_an_ended_wait() -> None:
    """An ending tells how, and the highest milestone reached."""
    history = History().upload("mon 9:00").review("wed 21:00", "reviewer", text="Why?")
    reading = read_change(history.change(), POLICY)
    ((_, ending),) = lived(reading, at("wed 20:00"), at("wed 22:00"))
    payload = ended(SITE, reading, ending, POLICY)

    assert payload["event_id"].endswith(":2d")
    assert (payload["ended_at"], payload["how"]) == ("2026-03-04T21:00:00Z", "reviewed")
    assert (payload["milestone"], payload["waiting_days"]) == ("2d", 2.5)


def test_payload_of_trouble() -> None:
    """Trouble is told when it begins and when it is over, by the same names."""
    down = trouble("s", "auth", at("mon 9:00"), 3, "Renew the password.")

    assert down == {
        "server": "s",
        "state": "down",
        "kind": "auth",
        "since": "2026-03-02T09:00:00Z",
        "failures": 3,
        "remedy": "Renew the password.",
    }
    assert trouble("s", "auth", at("mon 9:00"), 0, "", recovered=True)["state"] == "recovered"


def test_people_among_the_reviewers() -> None:
    """Neither the owner nor CI reviews, and the order does not depend on Gerrit's."""
    change = replace(
        History().change(),
        reviewers=(Account(9), ACCOUNTS["ci"], ACCOUNTS["owner"], Account(3)),
    )

    assert human_reviewers(change, POLICY) == [3, 9]
