"""Where the processor time of many escalations goes: counted, and told as rows."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, Mapping

from sandbox.stackstorm.services import (
    DATABASE,
    RABBIT,
    RUNNERS,
    SENSORS,
    TICKS,
    children,
    is_own,
    stat_of,
)

from benchmarks.rows import Row

ACTIONS, SENSOR = "the actions' processes", "the sensor"
AIM, PACE = "<= 2.4", "200 in 240 s, on two idle cores"
#: How services are told that are not StackStorm's own.
NAMES = {DATABASE: "the database", RABBIT: "RabbitMQ"}
MONDAY = 200
#: Parts of fewer seconds an escalation are told together.
SMALL = 0.02


@dataclass(frozen=True)
class Look:
    """What was used until an instant, or between two, in seconds.

    :ivar cpu: processor time by part.
    :ivar machine: processor time of all processes of this machine.
    :ivar at: the instant, since anything; or how long it was.
    """

    cpu: Mapping[str, float]
    machine: float
    at: float

    def since(self, before: Look) -> Look:
        """Between two looks."""
        cpu = {part: spent - before.cpu.get(part, 0.0) for part, spent in self.cpu.items()}
        return Look(cpu, self.machine - before.machine, self.at - before.at)


@dataclass(frozen=True)
class Run:
    """Many escalations at once.

    :ivar idle: what was used without work.
    :ivar busy: what was used with it.
    :ivar requests: how many Gerrit got of the actions.
    :ivar polls: and how many of the sensor.
    :ivar seconds: from the first escalation's start to the last one's end.
    """

    members: int
    changes: int
    idle: Look
    busy: Look
    requests: int
    polls: int
    seconds: float

    def each(self) -> Dict[str, float]:
        """Processor seconds of one escalation by part, the dearest first, without idling."""
        share = self.busy.at / self.idle.at
        spent = {
            part: max(0.0, seconds - self.idle.cpu.get(part, 0.0) * share) / self.changes
            for part, seconds in self.busy.cpu.items()
        }
        return dict(sorted(spent.items(), key=lambda one: -one[1]))

    def others(self) -> float:
        """How many cores everything else on this machine used meanwhile."""
        return max(0.0, self.busy.machine - sum(self.busy.cpu.values())) / self.busy.at


def title(members: int) -> str:
    """What the first row is about."""
    return f"one escalation, {members} members: CPU s in all"


def rows(run: Run) -> Iterator[Row]:
    """All of a run."""
    yield _idle(run)
    yield from _spent(run)
    yield _requests(run)
    yield _pace(run)


def _idle(run: Run) -> Row:
    minute = {part: spent * 60 / run.idle.at for part, spent in run.idle.cpu.items()}
    most = sorted(minute, key=lambda part: -minute[part])[:4]
    told = ", ".join(f"{part} {minute[part]:.1f}" for part in most)
    note = f"taken off below, for as long: {told}"
    return Row("an idle minute: CPU s", f"{sum(minute.values()):.1f}", note=note)


def _spent(run: Run) -> Iterator[Row]:
    each = run.each()
    figure = f"{sum(each.values()):.2f}"
    yield Row(title(run.members), figure, "", AIM, f"the mean of {run.changes} at once")
    small = {part: spent for part, spent in each.items() if spent < SMALL}
    for part in each:
        if part not in small:
            yield Row(f"of these {part}", f"{each[part]:.2f}")
    yield Row("of these all others", f"{sum(small.values()):.2f}", note=", ".join(small))


def _requests(run: Run) -> Row:
    figure = f"{run.requests / run.changes:.1f}"
    note = f"besides {run.polls} of the sensor in {run.busy.at:.0f} s"
    return Row("requests to Gerrit an escalation", figure, "3", "<= 6", note)


def _pace(run: Run) -> Row:
    each = run.seconds / run.changes
    figure = f"{run.seconds:.0f} s: {3600 / each:,.0f} an hour, {MONDAY} in {each * MONDAY:.0f} s"
    note = f"{os.cpu_count()} cores, of which other work used {run.others():.1f}"
    return Row(f"{run.changes} at once, from the first to the last", figure, "", PACE, note)


def processor_time(pids: Mapping[str, int]) -> Dict[str, float]:
    """Seconds by part; what actions and sensors used is told apart from the services.

    An action runner starts a process for each action, a sensor container one for each sensor.

    :param pids: service -> process id.
    """
    spent: Dict[str, float] = defaultdict(float)
    for name, pid in pids.items():
        service, stat = name.rstrip("0123456789"), stat_of(pid)
        if stat is None:
            continue
        part = f"st2{service}" if is_own(service) else NAMES.get(service, service)
        spent[part] += stat.own
        spent[ACTIONS if service == RUNNERS else part] += stat.ended
        if service == SENSORS:
            found = filter(None, map(stat_of, children(pid)))
            spent[SENSOR] += sum(one.own + one.ended for one in found)
    return dict(spent)


def machine_time(text: str = "") -> float:
    """Seconds that all processes of this machine ran.

    :param text: of ``/proc/stat`` (proc(5)); default: as it is now.
    """
    line = (text or Path("/proc/stat").read_text(encoding="ascii")).splitlines()[0]
    user, nice, system, _idle_ticks, _waiting, *interrupts = map(int, line.split()[1:8])
    return (user + nice + system + sum(interrupts)) / TICKS
