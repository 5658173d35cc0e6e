"""What one escalation costs a whole StackStorm, and how many an hour follow from that.

    ST2_API_URL=... ST2_SERVICES=... python -m benchmarks.stackstorm --changes 200

A real Gerrit, a real Roundup, and the StackStorm that `make test-st2` takes, all on this machine:
the pack is installed there and removed again. Some changes are asked about first, so that modules
are compiled and Gerrit is warm. Then all services are watched for a minute without work, whose cost
is taken off; and then many changes fall due at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import List, Mapping, Optional, Sequence
from urllib.parse import unquote

from sandbox.gerrit.seed import PROJECTS
from sandbox.gerrit.server import GerritServer, SeenRequest
from sandbox.ports import SandboxError, spare_loopback
from sandbox.stackstorm import pack
from sandbox.stackstorm.api import DONE, StackStorm, until
from sandbox.stackstorm.monday import WEDNESDAY
from sandbox.stackstorm.options import MOST_CHANGES, Options
from sandbox.stackstorm.preparation import FRIDAY, OWNERS, Site
from sandbox.stackstorm.report import Execution, mine, open_changes
from sandbox.stackstorm.services import KEY, Services, missing
from sandbox.stackstorm.tally import fates
from sandbox.trackers.roundup import RoundupServer

from benchmarks.rows import Row, head
from benchmarks.spending import AIM, Look, Run, machine_time, processor_time, rows, title

URL = "ST2_API_URL"
CHANGES, MEMBERS, POLL = 25, 13, 30
#: Uploaded on Friday afternoon: for these two working days are over first.
WARM_UP = 4
TUESDAY = "2026-03-10T18:00:00Z"
RULE = "escalate_to_committee"
#: How we ask who was asked about: the hashtag comes with the comment.
OURS = f"q=hashtag:escalated&n={MOST_CHANGES}"
#: The pack's `query`, as it comes: only the sensor's searches hold it.
WATCHED = "-is:private"
IDLE, LOOK = 60.0, 5.0
#: For all changes of a run, in seconds.
PATIENCE = 3600.0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure, and print a table; without a StackStorm, what is needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--changes", type=int, default=CHANGES, help="default: %(default)s")
    changes = parser.parse_args(arguments).changes
    if not 1 <= changes <= MOST_CHANGES - WARM_UP:
        parser.error(f"--changes {changes}: take 1 to {MOST_CHANGES - WARM_UP}")
    reason = lacks(os.environ)
    print(head())
    for row in [not_run(reason)] if reason else rows(measured(changes)):
        print(row, flush=True)
    return 0


def lacks(environ: Mapping[str, str]) -> str:
    """Why nothing can be measured; empty if it can."""
    if not environ.get(URL):
        return f"{URL} is not set: name a StackStorm that runs on this machine, and {KEY}"
    return missing(environ.get(KEY, ""))


def not_run(reason: str) -> Row:
    """What is said in place of all rows."""
    return Row(title(MEMBERS), "not run", "", AIM, f"{reason}; see docs/reliability.md")


def measured(changes: int) -> Run:
    """Install, warm up, idle, and measure; the pack is gone then.

    :raises SandboxError: not every change was asked about once.
    """
    spare_loopback()
    options = Options(changes=changes, members=MEMBERS, poll=POLL, per_run=changes + WARM_UP)
    with GerritServer(start=FRIDAY) as gerrit, RoundupServer() as roundup:
        site = Site(options, gerrit, roundup, StackStorm())
        pack.must_not_be_there(site.st2)
        try:
            return Bench(site, Services(Path(os.environ[KEY]))).run()
        finally:
            pack.clear_away(site.st2)


class Bench:
    """One run on one site."""

    def __init__(self, site: Site, services: Services) -> None:
        self._site = site
        self._gerrit = site.gerrit
        self._services = services

    def run(self) -> Run:
        """From the pack's installation to the last ticket."""
        changes = self._site.options.changes
        self._prepare()
        self._escalate(TUESDAY, WARM_UP)
        begin = self._look()
        self._watch(IDLE)
        self._gerrit.reset_requests()
        middle = self._look()
        found = self._escalate(WEDNESDAY, WARM_UP + changes)
        end = self._look()
        seen = Counter(map(sender, self._gerrit.requests()))
        self._check(WARM_UP + changes)
        return Run(
            members=MEMBERS,
            changes=changes,
            idle=middle.since(begin),
            busy=end.since(middle),
            requests=seen["action"],
            polls=seen["sensor"],
            seconds=lasted(found[:changes]),
        )

    def _prepare(self) -> None:
        self._site.prepare([RULE])
        for owner in OWNERS[:WARM_UP]:
            self._gerrit.person(owner).create_change(PROJECTS[0], "Friday's work")
        self._site.upload()

    def _escalate(self, moment: str, total: int) -> List[Execution]:
        """Let it become so late, until so many are asked about; all escalations, latest first."""
        self._gerrit.at(moment)
        self._gerrit.run_clock()
        give_up = time.monotonic() + PATIENCE
        while self._asked() < total and time.monotonic() < give_up:
            time.sleep(LOOK)
        return until(lambda: self._ended(total), f"{total} escalations to end", 60)

    def _watch(self, seconds: float) -> None:
        """Look on without work, as often as with it: that costs Gerrit something too."""
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            self._asked()
            time.sleep(LOOK)

    def _asked(self) -> int:
        return len(self._gerrit.admin.call("GET", f"/changes/?{OURS}"))

    def _ended(self, total: int) -> Optional[List[Execution]]:
        wanted = "status,start_timestamp,end_timestamp,parameters"
        seen = self._site.st2.every_execution(wanted, action="gerrit.escalate")
        found = mine(seen, pack.server_of(self._gerrit.url))
        is_over = len(found) >= total and all(one["status"] in DONE for one in found)
        return found if is_over else None

    def _look(self) -> Look:
        others = {"Gerrit": self._gerrit.pid, "the tracker": self._site.roundup.pid}
        cpu = processor_time({**self._services.running(), **others})
        return Look(cpu, machine_time(), time.monotonic())

    def _check(self, total: int) -> None:
        changes, issues = open_changes(self._gerrit), self._site.roundup.issues()
        words = Counter(fate.word for fate in fates(changes, issues, self._site.committee))
        if words != {"asked": total}:
            raise SandboxError(f"Of {total} changes not all were asked about once: {dict(words)}.")


def sender(request: SeenRequest) -> str:
    """Whose request this is: ``sensor``, ``action``, or ``bench``: our own."""
    query = unquote(request.query)
    if query == OURS:
        return "bench"
    return "sensor" if WATCHED in query else "action"


def lasted(executions: Sequence[Execution]) -> float:
    """Seconds from the start of the first to the end of the last."""
    start = min(_instant(one["start_timestamp"]) for one in executions)
    end = max(_instant(one["end_timestamp"]) for one in executions)
    return (end - start).total_seconds()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


if __name__ == "__main__":
    sys.exit(main())
