"""The explanation of one change as a page of text, for a terminal."""

from __future__ import annotations

import textwrap
from typing import Any, Dict, Iterator, List, Mapping, Sequence

from reviewloop.core.timestamps import from_iso
from reviewloop.insight.ticks import moment
from reviewloop.insight.timeline import TimeLine
from reviewloop.insight.timeline_text import Glyphs, drawn
from reviewloop.insight.timeline_words import turns

TURNS = 20
"""Turns that are listed, the latest."""
_INDENT = "  "
WHY_NOT = {
    "not_due": "no milestone is reached yet",
    "exempt": "the hashtag no-escalation exempts it",
    "snoozed": "it is snoozed",
    "acknowledged": "somebody has taken it",
    "red": "CI is red",
    "gate_pending": "a gate has still to vote",
    "hold_out": "it is left alone on purpose, to compare",
    "budget": "whoever could be asked has been asked enough this week",
    "cap": "others are asked at this moment",
    "ramp": "old waits are taken up a few a day",
    "nobody_eligible": "nobody is left who could be asked",
    "joined": "another change is asked about instead",
    "idle": "it has been untouched for longer than coverage_reach",
    "fresh": "the milestone was reached within the last hour",
    "no_rule": "no rule has asked, as far as the change shows",
}
"""Why nobody is asked, after "nobody is asked"."""
NEEDS = {
    "ci_recovers": "The clock goes on when CI recovers.",
    "gate_votes": "The clock goes on when the gate has voted.",
    "past_last_milestone": "It is past the last milestone.",
}
"""What must happen before another milestone can be reached."""
INELIGIBLE = {
    "owner": "owns the change",
    "author": "wrote the commit",
    "uploader": "uploaded the patch set",
    "automation": "is a bot",
    "inactive": "has an inactive account",
    "absent": "is away",
    "over_budget": "has been asked enough this week",
    "already_reviewed": "has reviewed it",
    "passed": "has handed it on",
    "no_move_in_time": "has been asked before",
}
"""Why somebody is not asked, after a name."""


def page(told: Mapping[str, Any], line: TimeLine, width: int, glyphs: Glyphs) -> Iterator[str]:
    """The lines of the page.

    :param told: what :func:`reviewloop.operations.explain.told` answers.
    :param width: characters of a line, at most; an address may be longer.
    """
    return _Page(told, line, width, glyphs).lines()


class _Page:
    def __init__(self, told: Mapping[str, Any], line: TimeLine, width: int, glyphs: Glyphs) -> None:
        self._told = told
        self._line = line
        self._width = width
        self._glyphs = glyphs
        self._names: Dict[int, str] = {one["account_id"]: one["name"] for one in told["accounts"]}

    def lines(self) -> Iterator[str]:
        yield from self._head()
        parts = (
            (f"Time line ({self._line.zone})", drawn(self._line, self._width, self._glyphs)),
            ("Turns", list(self._turns())),
            ("Conditions (! keeps people from being asked)", list(self._conditions())),
            ("Who is asked, and when next", list(self._next())),
            ("Whom it would ask", list(self._whom())),
            ("How long it usually takes", list(self._eta())),
        )
        for title, body in parts:
            if body:
                yield from ("", title, *body)

    def _head(self) -> Iterator[str]:
        change = self._told["change"]
        yield from self._wrapped(f"Change {change['number']}: {change['subject']}")
        owner = self._name(change["owner_id"])
        lines = f"{change['insertions']} lines added, {change['deletions']} removed"
        status = "in progress" if change["work_in_progress"] else change["status"]
        where = f"{change['project']}, {change['branch']}, by {owner}"
        told = f"{where}; {status}, patch set {change['patchset']}, {lines}"
        yield from self._wrapped(told)
        yield change["url"]
        yield ""
        yield from self._wrapped(" ".join(self._told["summary"]))

    def _turns(self) -> Iterator[str]:
        left_out = max(0, len(self._line.turns) - TURNS)
        if left_out:
            yield f"{_INDENT}({left_out} earlier ones are not listed)"
        for at, text in turns(self._line, TURNS):
            yield from self._wrapped(text, f"{_INDENT}{at:<16}")

    def _conditions(self) -> Iterator[str]:
        for one in self._told["conditions"]:
            mark = "!" if one["stops"] else " "
            name = one["name"].replace("_", " ")
            yield from self._wrapped(one["text"], f"{mark} {name:<20}")

    def _next(self) -> Iterator[str]:
        if not self._told["next"]:
            yield from self._wrapped("Nobody owes a move, so nobody is asked.", " ")
        for one in self._told["next"]:
            yield from self._wrapped(" ".join(self._about(one)), f"{_INDENT}{one['party']:<10}")

    def _about(self, one: Mapping[str, Any]) -> Iterator[str]:
        for ask in one["asked"]:
            who = self._list(ask["account_ids"]) or "a volunteer"
            yield f"Asked at {ask['milestone']}: {who} ({ask['tier']}), {self._at(ask['since'])}."
        if one["why_not"]:
            yield f"Nobody is asked: {WHY_NOT[one['why_not']]}."
        if one["at"] is not None:
            yield f"If nothing happens, {one['milestone']} is reached {self._at(one['at'])}."
        else:
            yield NEEDS[one["needs"]]

    def _whom(self) -> Iterator[str]:
        for one in self._told["whom"]:
            yield from self._wrapped(" ".join(self._tier(one)), f"{_INDENT}{one['tier']:<10}")

    def _tier(self, one: Mapping[str, Any]) -> Iterator[str]:
        asked = self._list(one["would_ask"])
        if one["problem"]:
            yield one["problem"]
        elif asked:
            yield f"{asked}."
        else:
            yield f"Nobody: {WHY_NOT[one['reason']]}."
        free = [o["account_id"] for o in one["considered"] if o["eligible"]]
        others = [account for account in free if account not in one["would_ask"]]
        if others:
            yield f"Also considered: {self._list(others)}."
        out = [
            f"{self._name(o['account_id'])} ({INELIGIBLE[o['reason']]})"
            for o in one["considered"]
            if not o["eligible"]
        ]
        if out:
            yield f"Not: {', '.join(out)}."

    def _eta(self) -> Iterator[str]:
        found = self._told["eta"]
        if found is not None:
            yield from self._wrapped(found["text"], " ")

    def _at(self, text: str) -> str:
        return moment(self._line.calendar, from_iso(text))

    def _name(self, account: int) -> str:
        return self._names.get(account, str(account))

    def _list(self, accounts: Sequence[int]) -> str:
        return ", ".join(map(self._name, accounts))

    def _wrapped(self, text: str, head: str = "") -> List[str]:
        """Text in lines, the first behind ``head``, and the others below its beginning."""
        begin = f"{head} " if head else ""
        found = textwrap.wrap(
            text,
            max(self._width, len(begin) + 20),
            initial_indent=begin,
            subsequent_indent=" " * len(begin),
            break_long_words=False,
            break_on_hyphens=False,
        )
        return found or [begin.rstrip()]
