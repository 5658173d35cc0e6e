"""What reading a change costs: no more than its length, whatever stands in it.

Twice the text may take twice the steps. Steps are those of the interpreter, so these tests depend
on no clock and on no machine. What patterns cost is not seen by them; texts of a million characters
are, in which anything quadratic would not come to an end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Callable, Dict, List

import pytest

from histories import ACCOUNTS, POLICY, TAG, History, at
from reviewloop.core.change import Account, Change, Message
from reviewloop.core.commands import MAX_IN_MESSAGE, MAX_OF_PERSON, pauses
from reviewloop.core.durations import Duration
from reviewloop.core.keys import Mark
from reviewloop.core.reading import read_change
from reviewloop.core.worktime import Calendar
from work import steps

MILLION = 1_000_000
START = at("mon 9:00")
MARK = Mark("escalate", "0123456789abcdef", tuple(range(1_000, 1_400)))


def change_of(texts: List[str], *, tag: str = "", people: int = 1) -> Change:
    """An upload, a message of the pack that asks 400 people, and these, an hour after each other;
    people take turns to write them.
    """
    history = History().upload("mon 9:00").review("mon 9:30", "pack", text=f"Asked.\n\n{MARK}")
    said = [
        Message(f"x{place}", START + timedelta(hours=place + 1), author, text, tag, 1)
        for place, text in enumerate(texts)
        for author in [Account(1_000 + place % people)]
    ]
    return replace(history.change(), messages=(*history.messages, *said))


def reviews(count: int, words: str) -> Change:
    """So many reviews with the same words, by as many people."""
    return change_of([f"Patch Set 1:\n\n{words}"] * count, people=count)


def uploads(count: int) -> Change:
    """Half as many votes as messages, carried through as many new patch sets."""
    half = count // 2
    votes = change_of(["Patch Set 1: Code-Review+1"] * half, people=half)
    kept = "Uploaded patch set 1.\n\nCopied Votes:\n* Code-Review+1"
    more = [
        Message(f"u{place}", START + timedelta(days=90, hours=place), ACCOUNTS["owner"], kept,
                TAG + "newPatchSet", 1)
        for place in range(half)
    ]  # fmt: skip
    return replace(votes, messages=(*votes.messages, *more))


SHAPES: Dict[str, Callable[[int], Change]] = {
    "snoozes": lambda count: reviews(count, "/snooze 1h"),
    "snoozes for ever": lambda count: reviews(count, "/snooze 999999w"),
    "snoozes of one person": lambda count: change_of(["Patch Set 1:\n\n/snooze 1h"] * count),
    "snoozes and reviews": lambda count: change_of(
        ["Patch Set 1: Code-Review+1\n\n/snooze 1h", "Patch Set 1: Code-Review-1"] * (count // 2),
        people=count,
    ),
    "handed on": lambda count: reviews(count, "/pass"),
    "taken": lambda count: reviews(count, "/ack"),
    "asked again": lambda count: change_of([f"Patch Set 1:\n\nHm.\n\n{MARK}"] * count),
    "words": lambda count: reviews(count, "Hm."),
    "votes": lambda count: change_of(["Patch Set 1: Code-Review+1"] * count, people=count),
    "votes in one message": lambda count: change_of(
        ["Patch Set 1: " + " ".join(f"L{place}-1" for place in range(count))] * 2
    ),
    "labels": lambda count: change_of([f"Patch Set 1: L{place}-1" for place in range(count)]),
    "copied votes": uploads,
    "deleted votes": lambda count: change_of(
        ["Patch Set 1: L-1", "Removed L-1 by Somebody <s@example.org>\n"] * (count // 2),
        people=count,
    ),
    "lines": lambda count: reviews(1, "Hm.\n" * count),
    "commands of one message": lambda count: reviews(1, "/snooze 1d\n" * count),
    "copied lines": lambda count: change_of(
        ["Uploaded patch set 2.\n\nCopied Votes:" + "\n* Code-Review+1" * count],
        tag=TAG + "newPatchSet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_twice_the_text_is_twice_the_work(shape: str) -> None:
    """A reading's steps grow with what is read, and no faster."""
    once, twice = SHAPES[shape](100), SHAPES[shape](200)
    read_change(twice, POLICY)  # the calendar knows its days by now
    first, second = (steps(lambda one=one: read_change(one, POLICY)) for one in (once, twice))

    assert second < 2.3 * first


POISON = {
    "blank lines": "a" + "\n" * MILLION + "b",
    "blanks": "/snooze 1d" + " " * MILLION + "y",
    "blank lines of blanks": (" " * 100 + "\n") * (MILLION // 100),
    "digits": "9" * MILLION,
    "a long vote": "Code-Review+" + "9" * MILLION,
    "a long label": "a-1" * (MILLION // 3),
    "labels": "* " + "a-1," * (MILLION // 4),
    "brackets": "(1" * (MILLION // 2),
    "a long mark": "[st2-gerrit escalate 0123456789abcdef asked=" + "1," * (MILLION // 2),
    "accounts": "Removed A-1 by " + "<GERRIT_ACCOUNT_1" * (MILLION // 20),
    "slashes": "/" * MILLION,
    "commands": "/snooze 999w\n" * (MILLION // 13),
    "headings": "Copied Votes:\n" * (MILLION // 14),
    "records": "Patch Set " * (MILLION // 10),
    "noise": "recheck " * (MILLION // 8),
}
PLACES = {
    "review": ("Patch Set 1:\n\n{}", ""),
    "first line": ("Patch Set 1: {}", ""),
    "number": ("Patch Set {}:", ""),
    "push message": ("Uploaded patch set 2.\n\nx\n\n{}", TAG + "newPatchSet"),
    "copied": ("Uploaded patch set 2.\n\nCopied Votes:\n* {}", TAG + "newPatchSet"),
    "deleted": ("Removed {}", TAG + "deleteVote"),
    "whole": ("{}", ""),
}


@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize("poison", sorted(POISON))
def test_a_million_characters(poison: str, place: str) -> None:
    """No pattern goes through a long text again and again, wherever it stands."""
    text, tag = PLACES[place]
    said = change_of([text.format(POISON[poison])], tag=tag)

    assert read_change(said, POLICY).state.waits


def test_commands_of_one_message() -> None:
    """A message's first commands count; of the rest the first says why not, and no more is kept."""
    found = pauses(reviews(1, "/snooze 1d\n" * 5_000), POLICY).commands

    assert len(found) == MAX_IN_MESSAGE + 1
    assert [bool(one.problem) for one in found] == [False] * MAX_IN_MESSAGE + [True]
    assert found[-1].problem == "more than 10 commands in one message"


def test_commands_of_one_person() -> None:
    """Whoever writes too many commands is not heard any more, and everybody else is."""
    loud = change_of(["Patch Set 1:\n\n/snooze 1h"] * 500)
    late = Message(
        "late", START + timedelta(days=60), ACCOUNTS["second"], "Patch Set 1:\n\n/snooze 2d"
    )
    found = pauses(replace(loud, messages=(*loud.messages, late)), POLICY)

    assert [one.problem for one in found.commands] == [
        *[""] * MAX_OF_PERSON,
        "more than 100 commands of one person",
        "",
    ]
    assert found.spans[-1].start == late.date


class Walked(Calendar):
    """A calendar that counts the days it looks at."""

    days = 0

    def _shift(self, ordinal: int) -> object:
        Walked.days += 1
        return super()._shift(ordinal)


@pytest.mark.parametrize("text", ["/snooze 999999w", "/snooze 9999-12-31"])
def test_snooze_that_is_shortened(text: str) -> None:
    """A snooze for ever costs what the longest that is allowed costs."""
    policy = replace(POLICY, calendar=Walked(), max_snooze=Duration(1, "w"))
    said = reviews(1, text)
    Walked.days = 0
    pauses(said, policy)

    assert Walked.days <= 9


def test_crossings_of_short_waits() -> None:
    """Where a wait ends soon, no calendar is asked how far its milestones would have been."""
    policy = replace(POLICY, calendar=Walked(), milestones=(Duration(200, "d"),))
    said = change_of(["Patch Set 1: Code-Review+1"] * 200)
    read_change(said, policy)
    Walked.days = 0
    waits = read_change(said, policy).state.waits

    assert len(waits) == 201
    # Two or three days around each, and the one that lasts goes to the milestone.
    assert Walked.days <= 4 * 200 + 300
