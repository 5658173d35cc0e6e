"""What people ask for in comments: pauses, and handing on what they were asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import List, Optional, Tuple

import pytest

from histories import ACCOUNTS, POLICY, History, told
from reviewloop.core.commands import MAX_IN_MESSAGE, MAX_OF_PERSON, Verb, pauses
from reviewloop.core.comments import ReviewComment, with_comments
from reviewloop.core.durations import Duration
from reviewloop.core.keys import Mark
from reviewloop.core.policy import Policy
from reviewloop.core.reading import read_change
from reviewloop.core.worktime import Calendar

NEVER = replace(POLICY, calendar=Calendar(days_off=lambda _day: True))


def in_review() -> History:
    """Uploaded on Monday at 9."""
    return History().upload("mon 9:00")


def asked(*names: str) -> History:
    """People were asked by this pack on Monday at 9:30."""
    mark = Mark("escalate", "0123456789abcdef", tuple(ACCOUNTS[name].id for name in names))
    return in_review().review("mon 9:30", "pack", text=f"Asked.\n\n{mark}")


def spans(history: History, policy: Policy = POLICY) -> List[Tuple[Optional[str], Optional[str]]]:
    """When the stopwatch stands still."""
    found = pauses(history.change(), policy).spans
    return [(told(span.start), told(span.end)) for span in found]


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("/snooze 1d", "tue 10:00"),
        ("/snooze 4h because of lunch", "mon 14:00"),
        ("/snooze 2026-03-05", "thu 0:00"),
        ("Hm.\n\n/SNOOZE 1d\n\nSorry.", "tue 10:00"),
    ],
)
def test_snooze(text: str, until: str) -> None:
    """A snooze lasts for working time, or until a local day begins."""
    history = in_review().review("mon 10:00", "reviewer", text=text)
    (span,) = pauses(history.change(), POLICY).spans

    assert (told(span.start), told(span.end)) == ("mon 10:00", until)


@pytest.mark.parametrize(
    "text",
    ["/snooze", "/snooze soon", "/snooze 2 days", "/snooze 2026-02-31", "/snooze 2026-01-01"],
)
def test_snooze_that_cannot_be_understood(text: str) -> None:
    """A snooze without a sensible end does nothing, and says why."""
    found = pauses(in_review().review("mon 10:00", "reviewer", text=text).change(), POLICY)

    assert found.spans == ()
    assert found.commands[0].problem


def test_longest_snooze() -> None:
    """A snooze beyond the limit lasts as long as the limit."""
    policy = replace(POLICY, max_snooze=Duration(2, "d"))
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 2026-12-24")

    assert told(pauses(history.change(), policy).spans[0].end) == "wed 10:00"


def limited(history: History, days: int) -> List[Tuple[Optional[str], Optional[str]]]:
    """When the stopwatch stands still, where a wait may be snoozed for so many days in all."""
    policy = replace(POLICY, max_snooze=Duration(days, "d"))
    found = read_change(history.change(), policy).pauses.spans
    return [(told(span.start), told(span.end)) for span in found]


def test_snooze_after_snooze() -> None:
    """Snoozes count together; what is beyond the limit says why it has no effect."""
    history = in_review()
    for day in ("mon", "tue", "wed", "thu"):
        history = history.review(f"{day} 10:00", "reviewer", text="/unsnooze\n/snooze 18h")
    policy = replace(POLICY, max_snooze=Duration(2, "d"))
    found = read_change(history.change(), policy).pauses

    assert limited(history, 2) == [
        ("mon 10:00", "tue 4:00"),
        ("tue 10:00", "wed 4:00"),
        ("wed 10:00", "wed 22:00"),
    ]
    assert [one.problem for one in found.commands if one.problem] == [
        "it was snoozed for 2d in all, the longest"
    ]


def test_snooze_of_another_wait() -> None:
    """A new wait may be snoozed anew; of an old snooze only what lies in it counts."""
    history = in_review().review("mon 10:00", "owner", text="/snooze 2d")
    history.review("tue 10:00", "reviewer", text="Why?")
    history.review("tue 16:00", "owner", text="Because.\n\n/snooze 2d")
    history.review("wed 22:00", "owner", text="/snooze 2d")

    assert limited(history, 2) == [
        ("mon 10:00", "tue 16:00"),
        ("tue 16:00", "wed 22:00"),
        ("wed 22:00", "thu 16:00"),
    ]


def test_taking_it_is_not_snoozing_it() -> None:
    """Time that somebody took by ``/ack`` is not counted."""
    history = asked("committer").review("mon 10:00", "committer", text="/ack")
    history.review("tue 10:00", "committer", text="/snooze 2d")

    assert limited(history, 2) == [("mon 10:00", "tue 10:00"), ("tue 10:00", "thu 10:00")]


def test_latest_word_counts() -> None:
    """A second snooze replaces the first, and /unsnooze ends it."""
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 5d")
    history.review("mon 12:00", "second", text="/snooze 1d").review(
        "mon 15:00", "owner", text="/unsnooze"
    )
    spans = pauses(history.change(), POLICY).spans

    assert [(told(span.start), told(span.end)) for span in spans] == [
        ("mon 10:00", "mon 12:00"),
        ("mon 12:00", "mon 15:00"),
    ]


def test_quoted_commands_and_automation() -> None:
    """A quoted command is none, and automation gives none."""
    history = in_review().review("mon 10:00", "reviewer", text="> /snooze 5d\n\nreally?")
    history.review("mon 11:00", "ci", text="/snooze 5d", tag="autogenerated:ci")

    assert pauses(history.change(), POLICY).commands == ()


@pytest.mark.parametrize(
    "text", ["/snoozed", "/ack/notes.txt", "/pass-through is broken", "a /ack"]
)
def test_words_that_are_no_commands(text: str) -> None:
    """A command is a word of its own at the start of a line."""
    history = in_review().review("mon 10:00", "reviewer", text=text)

    assert pauses(history.change(), POLICY).commands == ()


def test_only_who_was_asked_takes_it() -> None:
    """/ack and /pass count from people that this pack's own message names, and from nobody else."""
    mark = Mark("escalate", "0123456789abcdef", (ACCOUNTS["committer"].id,))
    history = in_review().review("mon 10:00", "committer", text="/ack")
    history.review("mon 11:00", "second", text=f"I made this up.\n\n{mark}")
    history.review("mon 11:30", "committer", text="/pass")
    assert pauses(history.change(), POLICY).passed == frozenset()
    history.review("mon 12:00", "pack", text=f"Asked.\n\n{mark}")
    history.review("mon 13:00", "committer", text="/ack").review(
        "mon 14:00", "committer", text="/pass"
    )
    found = pauses(history.change(), POLICY)

    assert found.passed == {ACCOUNTS["committer"].id}
    assert spans(history) == [("mon 13:00", "wed 13:00")]
    assert [bool(one.problem) for one in found.commands] == [True, True, False, False]


# Pauses.


@pytest.mark.parametrize("text", ["/snooze 0d", "/snooze 0h", "/snooze 2026-03-02"])
def test_snooze_of_no_length(text: str) -> None:
    """A snooze that is over at once does nothing, and says why."""
    found = pauses(in_review().review("mon 10:00", "reviewer", text=text).change(), POLICY)

    assert (found.spans, found.commands[0].problem) == ((), "the time it names has passed")


@pytest.mark.parametrize("text", ["/snooze 9999w", "/snooze 9999-12-31"])
def test_snooze_for_ever(text: str) -> None:
    """However long a snooze asks for, it gets the longest there is and no more."""
    history = in_review().review("mon 10:00", "reviewer", text=text)

    assert spans(history, replace(POLICY, max_snooze=Duration(1, "w"))) == [
        ("mon 10:00", "mon2 10:00")
    ]


def test_snooze_as_long_as_allowed() -> None:
    """The limit itself is no longer than the limit."""
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 30d")

    assert spans(history) == [("mon 10:00", "mon7 10:00")]


def test_snooze_in_a_calendar_that_never_works() -> None:
    """Without working time an amount of it has no end; a date has."""
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 1d")
    assert spans(history, NEVER) == []

    history.review("mon 11:00", "reviewer", text="/snooze 2026-03-05")
    assert spans(history, NEVER) == [("mon 11:00", "thu 0:00")]


def test_snooze_beyond_the_limit_in_a_calendar_that_never_works() -> None:
    """Without working time the limit is never reached."""
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 2026-12-24")
    (span,) = pauses(history.change(), NEVER).spans

    assert span.end == datetime(2026, 12, 24, tzinfo=timezone.utc)


def test_date_is_meant_in_the_calendars_zone() -> None:
    """A day begins where the team works; days off do not change when it begins."""
    tokyo = Calendar(timezone(timedelta(hours=9)), days_off=lambda day: day == date(2026, 3, 5))
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 2026-03-05")

    assert spans(history, replace(POLICY, calendar=tokyo)) == [("mon 10:00", "wed 15:00")]


def test_pause_that_is_over() -> None:
    """What ended before is left as it was by whatever is said later."""
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 1h")
    history.review("mon 15:00", "reviewer", text="/unsnooze")
    history.review("mon 16:00", "reviewer", text="/snooze 1h")

    assert spans(history) == [("mon 10:00", "mon 11:00"), ("mon 16:00", "mon 17:00")]


def test_unsnooze_alone() -> None:
    """Where nothing is snoozed there is nothing to end, which is no mistake."""
    history = in_review().review("mon 10:00", "reviewer", text="/unsnooze")
    (command,) = pauses(history.change(), POLICY).commands

    assert (command.verb, command.problem) == (Verb.UNSNOOZE, "")
    assert spans(history) == []


def test_two_commands_in_one_comment() -> None:
    """Commands of one comment count from top to bottom."""
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 5d\n\n/snooze 1d")

    assert spans(history)[-1] == ("mon 10:00", "tue 10:00")


# Who was asked.


def test_taking_it_is_not_handing_it_on() -> None:
    """/ack pauses and leaves the task with its author; /pass hands on and pauses nothing."""
    history = asked("committer", "second").review("mon 10:00", "committer", text="/ack")
    history.review("mon 11:00", "second", text="/pass please, I am away")
    found = pauses(history.change(), POLICY)

    assert found.passed == {ACCOUNTS["second"].id}
    assert [told(at) for at in found.passes] == ["mon 11:00"]
    assert [told(one.until) for one in found.commands] == ["wed 10:00", None]
    assert spans(history) == [("mon 10:00", "wed 10:00")]


def test_handing_on_what_one_was_not_asked() -> None:
    """A /pass of somebody else hands nothing on."""
    history = asked("committer").review("mon 10:00", "second", text="/pass")
    found = pauses(history.change(), POLICY)

    assert (found.passed, found.passes) == (frozenset(), ())
    assert found.commands[0].problem == "only somebody who was asked can say this"


def test_asked_too_late() -> None:
    """Only who had been asked by then can take it."""
    history = in_review().review("mon 10:00", "committer", text="/ack")
    mark = Mark("escalate", "0123456789abcdef", (ACCOUNTS["committer"].id,))
    history.review("mon 11:00", "pack", text=str(mark))

    assert spans(history) == []


def test_taking_it_twice() -> None:
    """A second /ack begins its pause anew."""
    history = asked("committer").review("mon 10:00", "committer", text="/ack")
    history.review("tue 10:00", "committer", text="/ack")

    assert spans(history) == [("mon 10:00", "tue 10:00"), ("tue 10:00", "thu 10:00")]


# What is a command.


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("/snooze 1d", "1d"),
        ("  /snooze 1d", "1d"),
        ("\u00a0/snooze\u00a01d", "1d"),
        ("/snooze\t1d\r\nmore", "1d"),
        ("/snooze 1d" + " " * 500, "1d"),
        ("/snooze 1d for lunch ", "1d for lunch"),
        ("/snooze 1d " + "x" * 500, "1d " + "x" * 197),
    ],
)
def test_command_among_blanks(text: str, argument: str) -> None:
    """Blanks around a command mean nothing; what follows it is kept, as far as it is short."""
    history = in_review().review("mon 10:00", "reviewer", text=text)
    (command,) = pauses(history.change(), POLICY).commands

    assert (command.verb, command.argument, command.problem) == (Verb.SNOOZE, argument, "")
    assert spans(history) == [("mon 10:00", "tue 10:00")]


@pytest.mark.parametrize("text", ["/snooze\n1d", "/snooze\n\n1d", "/snooze \n 1d"])
def test_command_ends_with_its_line(text: str) -> None:
    """What stands on the next line belongs to no command."""
    history = in_review().review("mon 10:00", "reviewer", text=text)
    (command,) = pauses(history.change(), POLICY).commands

    assert (command.argument, command.problem) == ("", "write /snooze 5d or /snooze 2026-12-24")


@pytest.mark.parametrize(
    "text", ["/\u017fnooze 1d", "/pa\u017fs", "/snooze \u0661d", "/snooze 2026-03-0\u0665"]
)
def test_letters_and_digits_of_other_scripts(text: str) -> None:
    """Signs that only fold to a command's letters or count as digits make no command."""
    history = in_review().review("mon 10:00", "reviewer", text=text)

    assert all(one.problem for one in pauses(history.change(), POLICY).commands)
    assert spans(history) == []


def test_snooze_until_a_day_within_the_limit() -> None:
    """A day is compared with the limit in working time: a weekend more is no more."""
    policy = replace(POLICY, max_snooze=Duration(5, "d"))
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 2026-03-09")
    assert spans(history, policy) == [("mon 10:00", "mon2 0:00")]

    history = in_review().review("mon 10:00", "reviewer", text="/snooze 2026-03-10")
    assert spans(history, policy) == [("mon 10:00", "mon2 10:00")]


def test_command_in_a_comment_beside_the_message() -> None:
    """A comment on the patch set as a whole gives commands like the message's own words."""
    history = in_review().review("mon 10:00", "reviewer", comments=1)
    comment = ReviewComment(history.messages[-1].id, "/snooze 1d", general=True)
    found = pauses(with_comments(history.change(), [comment]), POLICY).spans

    assert [(told(one.start), told(one.end)) for one in found] == [("mon 10:00", "tue 10:00")]


def test_clock_that_goes_back() -> None:
    """Whatever the dates say, later words replace earlier ones, and no pause is empty or double."""
    history = in_review().review("tue 10:00", "reviewer", text="/snooze 1d")
    history.review("mon 10:00", "second", text="/snooze 2d")
    assert spans(history) == [("tue 10:00", "wed 10:00")]

    history.review("mon 11:00", "second", text="/unsnooze")
    assert spans(history) == []


# How many commands count.


def test_commands_of_one_message() -> None:
    """A message's first commands count; of the rest the first says why not, and no more is kept."""
    history = in_review().review("mon 10:00", "reviewer", text="/ack\n" * 5_000)
    history.review("mon 11:00", "reviewer", text="/snooze 1h\n" * MAX_IN_MESSAGE)
    found = pauses(history.change(), POLICY).commands

    assert [one.problem for one in found] == [
        *["only somebody who was asked can say this"] * MAX_IN_MESSAGE,
        "more than 10 commands in one message",
        *[""] * MAX_IN_MESSAGE,
    ]
    assert [one.verb for one in found[:11]] == [Verb.ACK] * 11


def test_commands_of_one_person() -> None:
    """Whoever writes too many commands is not heard any more, and everybody else is."""
    history = in_review()
    for _ in range(MAX_OF_PERSON + 9):
        history.review("mon 10:00", "reviewer", text="/snooze 1h")
    history.review("mon 12:00", "second", text="/snooze 2d")
    found = pauses(history.change(), POLICY)

    assert [one.problem for one in found.commands] == [
        *[""] * MAX_OF_PERSON,
        "more than 100 commands of one person",
        "",
    ]
    assert spans(history)[-1] == ("mon 12:00", "wed 12:00")


def test_last_second_that_may_be_snoozed() -> None:
    """What is left of the limit is given, even a second; after that there is none."""
    policy = replace(POLICY, max_snooze=Duration(1, "h"))
    history = in_review().review("mon 10:00", "reviewer", text="/snooze 1h")
    history.review("mon 10:59:59", "reviewer", text="/unsnooze")
    history.review("mon 12:00", "reviewer", text="/snooze 1h")
    history.review("mon 13:00", "reviewer", text="/snooze 1h")
    found = read_change(history.change(), policy).pauses

    assert [(told(one.start), told(one.end)) for one in found.spans] == [
        ("mon 10:00", "mon 10:59:59"),
        ("mon 12:00", "mon 12:00:01"),
    ]
    assert found.commands[-1].problem == "it was snoozed for 1h in all, the longest"


def test_command_beside_a_mark_that_somebody_copied() -> None:
    """Who quotes the pack's message may say something below; only the pack's own mark asks."""
    mark = Mark("escalate", "0123456789abcdef", (ACCOUNTS["second"].id,))
    history = in_review().review("mon 10:00", "second", text=f"/snooze 1d\n\n{mark}")
    history.review("mon 11:00", "second", text="/pass")

    found = pauses(history.change(), POLICY)
    assert [one.problem for one in found.commands] == [
        "",
        "only somebody who was asked can say this",
    ]
    assert len(found.spans) == 1


def test_slash_in_words_that_are_no_command() -> None:
    """A path, a date or half of a word is none."""
    history = in_review().review(
        "mon 10:00", "second", text="See docs/snooze and 1/2.\n / snooze 1d"
    )

    assert pauses(history.change(), POLICY).commands == ()
