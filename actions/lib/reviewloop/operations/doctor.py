"""A check-up of an installation: what would keep the pack from working as configured, each with
the remedy. Nothing here writes.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence
from urllib.parse import urlsplit

from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.errors import ConfigError, guarded, named
from reviewloop.gerrit.reads import ReadClient
from reviewloop.insight.findings import Finding, Level
from reviewloop.operations import check_stackstorm, checks
from reviewloop.operations.check_keys import keys
from reviewloop.operations.check_people import RELOAD, Roster
from reviewloop.operations.check_rights import rights, sight, wanted_votes
from reviewloop.operations.check_rules import rules
from reviewloop.operations.check_tracker import tracker as check_tracker
from reviewloop.operations.check_usual import CHECK, usual_wait
from reviewloop.operations.checks import Checks, Sample
from reviewloop.operations.context import Context, Result, perform
from reviewloop.operations.stackstorm import Place, StackStorm
from reviewloop.settings.load import Settings, load
from reviewloop.settings.server import sensor_key
from reviewloop.store.cursor import DatastoreCursor
from reviewloop.trackers.base import Tracker

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_REMEDY = "See that it runs, that its address is right, and try again."
_NOTHING_SEEN = Sample((), (), ())

Step = Callable[[], Iterator[Finding]]


def of_action(action: Any, limit: int) -> Result:
    """The action ``doctor``: a configuration that is wrong is what it finds, not its failure."""
    try:
        load(action.config)
    except ConfigError as err:
        return True, told([*wrong(err), *stored(around(os.environ))])
    return perform(action, doctor, limit=limit)


def doctor(context: Context, limit: int = 200) -> Dict[str, Any]:
    """Check the installation: ``{ok, problems, warnings, findings: [...]}``, a finding with
    ``check``, ``level``, ``what``, ``why`` and ``remedy``.

    :param limit: changes of the last thirty days to look at, at most.
    """
    checkup = CheckUp(context.settings, context.client, lambda: context.tracker, around(os.environ))
    steps = Steps()
    steps.take("sensor", lambda: _sensor(context))
    steps.take(CHECK, lambda: usual_wait(context))
    return told([*checkup.findings(limit), *steps.found])


def around(environ: Mapping[str, str]) -> Optional[StackStorm]:
    """The StackStorm that the environment names, if it names one.

    :raises ConfigError: its address cannot be used.
    """
    place = Place.around(environ)
    return None if place is None else StackStorm(place)


def wrong(
    err: ConfigError, why: str = "Neither sensor nor actions run with it.", remedy: str = RELOAD
) -> List[Finding]:
    """A configuration that cannot be used: every problem, and that nothing else was looked at."""
    found = [Finding("configuration", Level.PROBLEM, one, why, remedy) for one in err.problems]
    what = "Nothing of Gerrit and the tracker can be checked before this is mended."
    return [*found, Finding("configuration: the rest", Level.UNKNOWN, what)]


def stored(
    found: Optional[StackStorm], written: Optional[Mapping[str, Any]] = None
) -> List[Finding]:
    """What the datastore says of the keys that a configuration names, whatever else is wrong."""
    steps = Steps()
    if found is not None:
        steps.take("datastore", lambda: keys(found, written), Level.UNKNOWN)
    return steps.found


def told(found: Sequence[Finding]) -> Dict[str, Any]:
    """Findings as an action answers them, the worst first."""
    order = (Level.PROBLEM, Level.WARNING, Level.UNKNOWN, Level.NOTE, Level.OK)
    counts = Counter(one.level for one in found)
    return {
        "ok": not counts[Level.PROBLEM],
        "problems": counts[Level.PROBLEM],
        "warnings": counts[Level.WARNING],
        "findings": [
            {
                "check": outward(one.check),
                "level": one.level.value,
                "what": outward(one.what, 1000),
                "why": outward(one.why, 500),
                "remedy": outward(one.remedy, 1000),
            }
            for one in sorted(found, key=lambda one: order.index(one.level))
        ],
    }


@dataclass
class Steps:
    """Checks taken one after the other, none of which can end the others.

    :param enough: whether no further one is to be taken.
    :param say: told which one is being taken.
    """

    enough: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda _text: None
    found: List[Finding] = field(default_factory=list)
    late: List[str] = field(default_factory=list)

    def take(self, check: str, step: Step, failing: Level = Level.PROBLEM) -> None:
        """What a check finds; one that ends with an error has found that, at level ``failing``."""
        if self.enough():
            self.late.append(check)
            return
        self.say(f"checking: {check}")

        def run() -> None:
            self.found.extend(step())

        def failed(err: Exception) -> None:
            why = named(err)
            self.found.append(Finding(check, failing, why.message, "", why.remedy or _REMEDY))

        guarded(run, failed)

    def left_out(self) -> List[Finding]:
        """What was not looked at, for lack of time."""
        what = f"Not looked at for lack of time: {', '.join(self.late)}."
        remedy = "st2 run gerrit.doctor"
        return [Finding("time", Level.UNKNOWN, what, "", remedy)] if self.late else []


@dataclass
class CheckUp:
    """What can be checked without StackStorm's datastore.

    :param tracker: the configured one, None for none.
    :param stackstorm: its API, None where it is not known.
    :param written: the configuration as it is written, where that is known.
    :param say: told how far it is.
    """

    settings: Settings
    client: ReadClient
    tracker: Callable[[], Optional[Tracker]]
    stackstorm: Optional[StackStorm] = None
    written: Optional[Mapping[str, Any]] = None
    say: Callable[[str], None] = lambda _text: None
    roster: Optional[Roster] = field(default=None, init=False)

    def findings(self, limit: int, enough: Callable[[], bool] = lambda: False) -> List[Finding]:
        """Everything found; a check that fails is a finding, and the others go on.

        :param enough: asked before each step; once it says so, the steps that are left are named.
        """
        steps = Steps(enough, self.say)
        steps.take("configuration", self._configuration)
        steps.take("gerrit", lambda: checks.reach(self.client))
        seen = _NOTHING_SEEN
        if any(one.level is Level.PROBLEM for one in steps.found if one.check == "gerrit"):
            what = "Nothing else of Gerrit can be checked before this is mended."
            steps.found.append(Finding("gerrit: the rest", Level.UNKNOWN, what))
        else:
            seen = self._gerrit(steps, limit)
        steps.take("tracker", lambda: check_tracker(self.tracker()))
        if not any(one.check == "tracker" and one.level is Level.PROBLEM for one in steps.found):
            steps.take("roster: logins", self._logins)
        self._stackstorm(steps, seen)
        return [*steps.found, *steps.left_out()]

    def _gerrit(self, steps: Steps, limit: int) -> Sample:
        """Take the steps about Gerrit and the roster; the changes that were seen."""
        settings, client = self.settings, self.client
        samples: List[Sample] = []

        def look() -> Checks:
            samples.append(checks.sample(settings, client, limit))
            return checks.changes(settings, client, samples[0])

        steps.take("account", lambda: checks.account(settings, client))
        steps.take("account: token", lambda: checks.tokens(settings, client), Level.UNKNOWN)
        steps.take("query", look)
        seen = samples[0] if samples else _NOTHING_SEEN
        steps.take("gerrit: index", lambda: checks.index(client, seen))
        steps.take("permissions", lambda: rights(settings, client, seen))
        steps.take("roster", lambda: self._roster(seen))
        return seen

    def _configuration(self) -> Checks:
        from reviewloop.messages.check import check_folder  # noqa: PLC0415 - Jinja is slow

        for warning in self.settings.warnings:
            yield Finding("configuration", Level.WARNING, warning)
        for problem in check_folder(self.settings.templates) if self.settings.templates else ():
            yield Finding(
                "templates",
                Level.PROBLEM,
                problem,
                "A text that cannot be made is not posted.",
                "Correct the template, and run this again; docs/templates.md has the names.",
            )
        parts = urlsplit(self.settings.gerrit.url)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            yield Finding(
                "configuration: url",
                Level.WARNING,
                f"Gerrit is read over http from {parts.hostname}.",
                "Whoever listens on the way can read the password.",
                "Write https, or reach it on this machine only.",
            )

    def _roster(self, seen: Sample) -> Checks:
        self.roster = Roster(self.settings, self.client)
        yield from self.roster.check()
        if self.settings.gerrit.username:
            yield from sight(self.client, seen, [one for one, _ in self.roster.people])

    def _logins(self) -> Checks:
        tracker = self.tracker()
        if tracker is not None and self.roster is not None and self.roster.people:
            yield from self.roster.logins(tracker)

    def _stackstorm(self, steps: Steps, seen: Sample) -> None:
        # StackStorm's clock is this machine's, whatever Gerrit's says.
        found, now = self.stackstorm, self.client.clock().local
        if found is None:
            steps.found.append(check_stackstorm.NOT_ASKED)
            return
        votes = partial(wanted_votes, seen)
        # It may show to the pack's user less than there is.
        hidden = Level.UNKNOWN
        steps.take("sensor: switch", lambda: check_stackstorm.sensor(found), hidden)
        steps.take("rules", lambda: rules(found, self.settings, votes), hidden)
        steps.take("datastore", lambda: keys(found, self.written), hidden)
        steps.take("executions", lambda: check_stackstorm.executions(found, now), hidden)
        steps.take("coordination", lambda: check_stackstorm.coordination(found), hidden)


def _sensor(context: Context) -> Checks:
    """Whether the sensor runs, as far as its cursor shows."""
    kept_as = sensor_key(context.settings.server, context.settings.sensor_id)
    kept = DatastoreCursor(context.datastore, kept_as).load()
    if kept is None:
        yield Finding(
            "sensor",
            Level.WARNING,
            "The sensor has never polled this server.",
            "No trigger is sent.",
            "See `st2 sensor list --pack=gerrit`, and its log.",
        )
        return
    now = context.client.now()
    late = now - kept.through
    most = max(timedelta(minutes=10), timedelta(seconds=4 * context.settings.poll_interval))
    if late > most:
        yield Finding(
            "sensor",
            Level.PROBLEM,
            f"The sensor's last poll that went well was at {iso(kept.through)}.",
            "No trigger has been sent since.",
            "See the sensor's log, and gerrit.poll_trouble.",
        )
    else:
        yield Finding("sensor", Level.OK, f"The sensor has polled up to {iso(kept.through)}.")
