"""What a poll for idle changes (``age:2d``) would have done, beside this pack.

The poll is the usual script: it searches ``is:open -is:wip age:2d`` now and again, and reminds the
reviewers of what it finds, once for each time that a change falls idle. What it finds is right if a
wait of the reviewers has passed the promise at that instant, on its stopwatch in working time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Counter as Counts
from typing import List, Optional, Sequence, Tuple

from reviewloop.core.turns import Party
from reviewloop.insight.judge import Idle
from reviewloop.insight.moves import Move
from reviewloop.insight.report.facts import WaitFact
from reviewloop.insight.report.figures import days, in_days, median, percent, rounded
from reviewloop.insight.report.scope import Scope
from reviewloop.insight.report.told import Told
from reviewloop.insight.sections import Cell, Section, Table


class Fired(str, Enum):
    """Whose turn it was when the poll found a change idle."""

    OVERDUE = "reviewers, past the promise"
    EARLY = "reviewers, but not yet: nobody works on those days, or the stopwatch stood still"
    OWNER = "owner"
    SUBMITTER = "submitter"
    NOBODY = "nobody: held back, paused, or a gate has it"


@dataclass
class Moved:
    """Of so many asks after which somebody moved, in how many it was who was asked."""

    right: int = 0
    decided: int = 0

    def take(self, party: Party, move: Optional[Move]) -> None:
        """Count an ask to a party, and the move that followed."""
        if move is not None:
            self.decided += 1
            self.right += move.answers(party)

    @property
    def share(self) -> Optional[float]:
        """The share that was right; None of none."""
        return self.right / self.decided if self.decided else None


@dataclass
class Tally:
    """The poll and the pack, counted change by change.

    ``late`` are working days, of the overdue waits that the poll found after they were; ``at_once``
    and ``missed`` count the others. ``fired`` counts what it found.
    """

    at_once: int = 0
    late: List[float] = field(default_factory=list)
    missed: int = 0
    open: int = 0
    fired: Counts[Fired] = field(default_factory=Counter)
    poll: Moved = field(default_factory=Moved)
    pack: Moved = field(default_factory=Moved)
    everybody: Moved = field(default_factory=Moved)

    @property
    def overdue(self) -> int:
        """The reviewers' waits that passed the promise."""
        return self.at_once + len(self.late) + self.missed + self.open

    def take(self, one: Told, scope: Scope) -> None:
        """Take in one change."""
        waits = one.fact.waits
        idle = [each for each in one.judged.idle if each.at <= scope.now]
        for wait in waits:
            if wait.late_at is not None and scope.holds(wait.late_at):
                self._find(wait, wait.late_at, idle, scope)
        for each in idle:
            if scope.holds(each.at):
                self.fired[_fired(each, waits)] += 1
                self.poll.take(Party.REVIEWERS, each.next.substantive)
        for named in one.judged.named:
            if scope.holds(named.at):
                self.everybody.take(named.party, named.next.substantive)
                if named.party is Party.REVIEWERS:
                    self.pack.take(named.party, named.next.substantive)

    def _find(self, wait: WaitFact, late: datetime, idle: Sequence[Idle], scope: Scope) -> None:
        """When the poll finds a wait that is overdue."""
        found = [max(each.at, late) for each in idle if _overlaps(each, late, wait.end)]
        if not found:
            if wait.end is None:
                self.open += 1
            else:
                self.missed += 1
        elif found[0] == late:
            self.at_once += 1
        else:
            calendar = scope.policy.calendar
            self.late.append(calendar.elapsed(late, found[0]) / calendar.day_seconds)


def _overlaps(idle: Idle, begin: datetime, end: Optional[datetime]) -> bool:
    return (idle.until is None or idle.until > begin) and (end is None or idle.at < end)


def _fired(idle: Idle, waits: Sequence[WaitFact]) -> Fired:
    if idle.party is Party.REVIEWERS:
        late = [one for one in waits if one.late_at is not None and one.late_at <= idle.at]
        overdue = any(one.end is None or idle.at < one.end for one in late)
        return Fired.OVERDUE if overdue else Fired.EARLY
    return {Party.OWNER: Fired.OWNER, Party.SUBMITTER: Fired.SUBMITTER}.get(
        idle.party or Party.NOBODY, Fired.NOBODY
    )


def section(tally: Tally, scope: Scope) -> Section:
    """The poll beside the pack, as a table."""
    fired, wrong = sum(tally.fired.values()), 0
    rows: List[Tuple[str, Cell, Cell]] = [
        (f"Reviewers' waits longer than {scope.promise}", tally.overdue, tally.overdue),
        ("found when they passed it", tally.at_once, tally.overdue),
        ("found late", len(tally.late), 0),
        ("late by, working days (median)", days(median(tally.late)), None),
        ("late by, working days (the slowest tenth, more than)", days(_tenth(tally.late)), None),
        ("never found before they ended", tally.missed, 0),
        ("not found so far", tally.open, 0),
        ("Times it would have reminded the reviewers", fired, tally.overdue),
    ]
    for why in Fired:
        is_right = why is Fired.OVERDUE
        wrong += 0 if is_right else tally.fired[why]
        rows.append(
            (f"it was the turn of: {why.value}", tally.fired[why], tally.overdue * is_right)
        )
    rows += [
        ("the reviewers moved next, share", rounded(tally.poll.share), rounded(tally.pack.share)),
        ("the same of all parties that this pack names", None, rounded(tally.everybody.share)),
    ]
    age = f"age:{scope.promise}"
    lead = "No wait of the reviewers was longer than the promise, and nothing fell idle."
    if fired or tally.overdue:
        lead = (
            f"A script that polls {age} would have missed {tally.missed:,} of {tally.overdue:,}"
            f" waits past the promise and found {len(tally.late):,} late{_by(tally)}; of its"
            f" {fired:,}"
            f" reminders {wrong:,} ({percent(wrong / fired) if fired else 'none'}) would have gone"
            " out while no reviewer was late."
        )
    note = (
        "By this pack's own reading of turns it misses nothing, so the share of next moves is the"
        " fair comparison: it only looks at who did move. People also move unasked, and the poll"
        " asked nobody."
    )
    columns = ("what", f"poll on {age}", "this pack")
    return Section("poll", f"Beside a poll on {age}", lead, Table(columns, rows), None, note)


def _tenth(amounts: Sequence[float]) -> Optional[float]:
    """What the largest tenth of some amounts begins with."""
    return sorted(amounts)[len(amounts) * 9 // 10] if amounts else None


def _by(tally: Tally) -> str:
    middle = median(tally.late)
    return "" if middle is None else f" (by {in_days(middle)}, median)"
