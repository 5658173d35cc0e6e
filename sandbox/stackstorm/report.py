"""What came of a day, by what Gerrit, the tracker and StackStorm show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Tuple

from sandbox.gerrit.server import GerritServer
from sandbox.stackstorm.api import StackStorm
from sandbox.stackstorm.options import MOST_CHANGES
from sandbox.stackstorm.play import TURN_MINUTES, Course
from sandbox.stackstorm.tally import GOOD, Fate, table

#: As StackStorm tells of it.
Execution = Mapping[str, Any]
_WANTED = ("MESSAGES", "DETAILED_ACCOUNTS", "DETAILED_LABELS")


@dataclass(frozen=True)
class Report:
    """Changes, and what their day has cost.

    :ivar states: of the executions of ``gerrit.escalate``: status -> how many.
    :ivar revived: services that ended by themselves, once for each time.
    :ivar restarted: StackStorm's own that were started again because the message bus was away.
    :ivar cpu: process -> seconds.
    """

    fates: Tuple[Fate, ...]
    committee: Tuple[str, ...]
    course: Course
    states: Mapping[str, int]
    revived: Tuple[str, ...]
    cpu: Mapping[str, float]
    restarted: Tuple[str, ...] = ()

    @property
    def wrong(self) -> List[Fate]:
        """Changes that were forgotten, asked for twice, or by half."""
        return [fate for fate in self.fates if fate.word not in GOOD]

    @property
    def delay(self) -> float:
        """Minutes by Gerrit's clock from the end of the last fault to the last ask, or 0."""
        late = [(fate.at - self.course.calm).total_seconds() for fate in self.fates if fate.at]
        return max([0.0, *late]) / 60

    def lines(self) -> List[str]:
        """For people."""
        states = ", ".join(f"{key}: {self.states[key]}" for key in sorted(self.states))
        names = sorted(self.cpu, key=lambda name: -self.cpu[name])
        cpu = ", ".join(f"{name} {self.cpu[name]:.0f}" for name in names)
        return [
            *table(self.fates, self.committee),
            f"last asked     {self.course.last_asked:.0f} s after the crossing",
            f"faults over    {self.course.faults_over:.0f} s after the crossing",
            f"clock turned   {self.course.turns} times {TURN_MINUTES} minutes",
            f"longest delay  {self.delay:.0f} minutes after that, by Gerrit's clock",
            f"escalate       {states or 'none'}",
            f"revived        {', '.join(self.revived) or 'none'}",
            f"restarted      {', '.join(self.restarted) or 'none'}",
            f"CPU            {sum(self.cpu.values()):.0f} s: {cpu}",
        ]


def open_changes(gerrit: GerritServer) -> List[Dict[str, Any]]:
    """All open changes, with messages and reviewers, by number."""
    options = "".join(f"&o={name}" for name in _WANTED)
    found = gerrit.admin.call("GET", f"/changes/?q=is:open&n={MOST_CHANGES}{options}")
    return sorted(found, key=lambda change: int(change["_number"]))


def escalations(st2: StackStorm, server: str) -> Dict[str, int]:
    """How the escalations of one Gerrit ended: status -> how many."""
    seen = st2.every_execution("status,parameters", action="gerrit.escalate")
    return states_of(seen, server)


def states_of(executions: Iterable[Execution], server: str) -> Dict[str, int]:
    """Status -> how many, of the executions whose event is of this server."""
    return dict(Counter(one["status"] for one in mine(executions, server)))


def mine(executions: Iterable[Execution], server: str) -> List[Execution]:
    """Those whose event is of this server; others may have been escalated here before."""
    return [one for one in executions if one["parameters"]["event_id"].startswith(f"{server}:")]
