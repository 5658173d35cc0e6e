"""What the words mean, and what could not be seen."""

from __future__ import annotations

from typing import List, Mapping, Tuple

from reviewloop.core.timestamps import iso
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import EVER
from reviewloop.insight.sections import Cell, Section, Table

_WORDS: Tuple[Tuple[str, str], ...] = (
    (
        "turn",
        "Who owes the next move: reviewers, owner or submitter, as the change's messages tell.",
    ),
    (
        "wait",
        "A span during which one party's turn lasts. A change has several, and each counts that"
        " lasted a minute: under that, one person's votes came as several messages.",
    ),
    (
        "working day",
        "The calendar's daily hours on a workday; holidays and freezes are none. While CI has"
        " failed the change, or it is snoozed, the reviewers' stopwatch stands still.",
    ),
    (
        "reviewed",
        "A person who does not answer for the change voted on it or said something on it. What"
        " bots and advisers say is no review.",
    ),
    (
        "closed without a review",
        "The change was merged or abandoned while it waited for a (further) review.",
    ),
    (
        "approved by the owner",
        "The owner gave the last vote that it takes to submit, so that no review was awaited.",
    ),
    (
        "taken back",
        "The wait ended by what the owner did (in progress, held), or because what had made it"
        " necessary was withdrawn.",
    ),
    (
        "over within the promise",
        "The share of waits that did not last longer than the promise, however they ended"
        " (Kaplan-Meier), with its 95 % band; none is told under 20 waits. The others are those"
        " that this pack would have asked about.",
    ),
    (
        "reviewed within it",
        "The share of waits that were reviewed by then, beside the other endings (Aalen-Johansen).",
    ),
    (
        "median, slowest tenth",
        "When half and nine tenths of the waits were over (Kaplan-Meier); empty where the curve"
        " does not get there. Waits of one change are not independent, so that bands are somewhat"
        " too narrow.",
    ),
)


def section(found: Gathered, unread: Mapping[str, int]) -> Section:
    """The definitions, and what is missing.

    :param unread: what could not be read at all, by why.
    """
    seen, scope = found.seen, found.scope
    begin = "the first change" if scope.since == EVER else iso(scope.since)
    missing: List[Tuple[str, Cell]] = [
        ("changes without their messages", seen.no_messages),
        ("private changes, left out", seen.private),
        ("changes created after the period", seen.outside),
        *((why, number) for why, number in sorted(unread.items())),
    ]
    rows: List[List[Cell]] = [
        ["period", f"{begin} to {iso(scope.now)}"],
        ["promise", str(scope.promise)],
        ["changes read", seen.used],
        ["first created", iso(seen.first) if seen.first else None],
        ["last message", iso(seen.last) if seen.last else None],
    ]
    rows += [[why, number] for why, number in missing]
    rows += [[word, meaning] for word, meaning in _WORDS]
    left = sum(number for _, number in missing if isinstance(number, int))
    but = f"{left:,} could not be used or were left out" if left else "none was left out"
    lead = f"{seen.used:,} changes were read, and {but}."
    note = (
        "Changes that the account cannot see are not here, and nothing tells how many. Comments"
        " without a message and words in chats are not part of a history. Names of people are left"
        " out unless they were asked for."
    )
    title = "Definitions, and what could not be seen"
    return Section("definitions", title, lead, Table(("what", "value"), rows), None, note)
