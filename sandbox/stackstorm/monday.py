"""A Monday on the real thing: many changes become overdue together, and things break in the middle.

    python -m sandbox.stackstorm.monday --kill-runner --gerrit-down 120

A real Gerrit, a real Roundup and the StackStorm that ``ST2_API_URL`` names. Changes are uploaded
over a weekend, and it becomes the Wednesday on which all of them have waited two working days.
Faults are played one after the other, each when some more changes were asked for. In the end every
change should have been asked for exactly once.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from sandbox.gerrit.server import GerritServer
from sandbox.ports import spare_loopback
from sandbox.stackstorm import pack
from sandbox.stackstorm.api import StackStorm
from sandbox.stackstorm.options import Options, parse
from sandbox.stackstorm.play import Course, Play, Scene, faults_of
from sandbox.stackstorm.preparation import FRIDAY, Site
from sandbox.stackstorm.report import Report, escalations, open_changes
from sandbox.stackstorm.services import KEY, SECOND_SENSOR, Meter, Services
from sandbox.stackstorm.tally import asked_count, fates
from sandbox.trackers.roundup import RoundupServer

WEDNESDAY = "2026-03-11T00:05:00Z"


class Monday(Scene):
    """One day on one site."""

    def __init__(self, site: Site, services: Services) -> None:
        self._site = site
        self._services = services
        self._meter = Meter()

    def play(self) -> Report:
        """Prepare, play and report; what was stopped runs again then, and the pack is gone."""
        options, site = self._site.options, self._site
        if options.replace:
            pack.clear_away(site.st2)
        pack.must_not_be_there(site.st2)
        try:
            if options.two_sensors:
                self._services.start(SECOND_SENSOR)
            self.say("installing the pack")
            site.prepare()
            self.say(f"uploading {options.changes} changes")
            site.upload()
            self._measure(since_birth=False)
            self.say("all of them are past 2d")
            site.gerrit.at(WEDNESDAY)
            site.gerrit.run_clock()
            faults = faults_of(options, site.gerrit, self._services)
            return self._report(Play(self, options, faults).run())
        finally:
            self._services.restore()
            self._leave()

    def asked(self) -> int:
        """How many changes have a comment that asks."""
        return asked_count(open_changes(self._site.gerrit))

    def look_after(self) -> None:
        """Measure, and start again what a fault has ended besides."""
        self._measure()
        self._services.revive()

    def turn(self, minutes: int) -> None:
        """Turn Gerrit's clock on."""
        self._site.gerrit.advance(minutes=minutes)

    def clock(self) -> datetime:
        """Gerrit's own."""
        return self._site.gerrit.now()

    def say(self, text: str) -> None:
        """Print it at once."""
        print(text, flush=True)

    def _leave(self) -> None:
        """No pack stays, or one that does not look for a Gerrit that is gone."""
        st2 = self._site.st2
        if not self._site.options.keep:
            pack.clear_away(st2)
        elif pack.is_there(st2):
            st2.disable("sensortypes", pack.SENSOR)

    def _measure(self, *, since_birth: bool = True) -> None:
        """Add up what every process has cost since the first look."""
        others = {"roundup": self._site.roundup.pid}
        if self._site.gerrit.runs:
            others["gerrit"] = self._site.gerrit.pid
        self._meter.look({**self._services.running(), **others}, since_birth=since_birth)

    def _report(self, course: Course) -> Report:
        site = self._site
        found = fates(open_changes(site.gerrit), site.roundup.issues(), site.committee)
        report = Report(
            fates=tuple(found),
            committee=tuple(site.committee),
            course=course,
            states=escalations(site.st2, pack.server_of(site.gerrit.url)),
            revived=tuple(self._services.revived),
            restarted=tuple(self._services.restarted),
            cpu=self._meter.seconds(),
        )
        self.say("\n".join(["", *report.lines()]))
        return report


def run(options: Options) -> Report:
    """One Monday on servers of its own and on the StackStorm of the environment."""
    spare_loopback()
    services = Services(Path(os.environ[KEY]) if os.environ.get(KEY) else None)
    with GerritServer(start=FRIDAY) as gerrit, RoundupServer() as roundup:
        return Monday(Site(options, gerrit, roundup, StackStorm()), services).play()


def main() -> int:
    """0 when every change was asked for once, or joined to one that was."""
    return 1 if run(parse(environ=os.environ)).wrong else 0


if __name__ == "__main__":
    sys.exit(main())
