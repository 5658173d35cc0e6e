"""A check-up of an installation: what would keep the pack from working as configured, each with
the remedy. Nothing here writes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from reviewloop.core.change import Account
from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.errors import guarded, named
from reviewloop.escalation.accounts import NO_MEMBER, resolve
from reviewloop.gerrit.reads import ReadClient
from reviewloop.insight.findings import Finding, Level
from reviewloop.operations.checks import Checks, account, changes, reach
from reviewloop.operations.context import Context
from reviewloop.settings.load import Settings
from reviewloop.settings.roster import RosterKind
from reviewloop.store.cursor import DatastoreCursor
from reviewloop.trackers.base import Tracker

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_REMEDY = "See that it runs, that its address is right, and try again."
_RELOAD = "Correct gerrit.yaml, and reload it with `st2ctl reload --register-configs`."


def doctor(context: Context, limit: int = 200) -> Dict[str, Any]:
    """Check the installation: ``{ok, problems, warnings, findings: [...]}``, a finding with
    ``check``, ``level``, ``what``, ``why`` and ``remedy``.

    :param limit: changes of the last thirty days to look at, at most.
    """
    checkup = CheckUp(context.settings, context.client, lambda: context.tracker)
    return told([*checkup.findings(limit), *_guarded("sensor", lambda: _sensor(context))])


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
class CheckUp:
    """What can be checked without StackStorm.

    :param tracker: the configured one, None for none.
    """

    settings: Settings
    client: ReadClient
    tracker: Callable[[], Optional[Tracker]]

    def findings(self, limit: int) -> List[Finding]:
        """Everything found; a check that fails is a finding, and the others go on."""
        found = [
            *_guarded("configuration", self._configuration),
            *_guarded("gerrit", lambda: reach(self.client)),
        ]
        if any(one.level is Level.PROBLEM for one in found if one.check == "gerrit"):
            what = "Nothing else of Gerrit can be checked before this is mended."
            found.append(Finding("gerrit: the rest", Level.UNKNOWN, what))
        else:
            found += _guarded("account", lambda: account(self.settings, self.client))
            found += _guarded("query", lambda: changes(self.settings, self.client, limit))
            found += _guarded("roster", self._roster)
        return [*found, *_guarded("tracker", self._tracker)]

    def _configuration(self) -> Checks:
        for warning in self.settings.warnings:
            yield Finding("configuration", Level.WARNING, warning)
        parts = urlsplit(self.settings.gerrit.url)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            yield Finding(
                "configuration: gerrit.url",
                Level.WARNING,
                f"Gerrit is read over http from {parts.hostname}.",
                "Whoever listens on the way can read the password.",
                "Write https, or reach it on this machine only.",
            )

    def _roster(self) -> Checks:
        # Looked up anew, where actions believe for an hour what they have seen.
        found = resolve(self.settings.roster, self.client)
        for problem in found.problems:
            why = "Nobody is asked because of this entry."
            yield Finding("roster", Level.PROBLEM, problem, why, _RELOAD)
        people = [
            (account, place)
            for account, place in found.accounts
            if not (account.inactive or self.settings.policy.is_automation(account))
        ]
        if not people:
            group = self.settings.roster.kind is RosterKind.GERRIT_GROUP
            where = "the group" if group else "`roster.members`"
            yield Finding(
                "roster",
                Level.PROBLEM if found.accounts or found.problems else Level.WARNING,
                "Nobody on the roster can be asked.",
                "The workflow gerrit.escalate finds nobody (`nobody_to_ask`).",
                f"Add people to {where}.",
            )
            return
        yield Finding("roster", Level.OK, f"{len(people)} people can be asked.")
        if self.tracker() is not None:
            yield from self._logins(people)

    def _logins(self, people: Sequence[Tuple[Account, int]]) -> Checks:
        kind, members = self.settings.tracker.kind, self.settings.roster.members
        without = [
            account.username or str(account.id)
            for account, place in people
            if place == NO_MEMBER or not members[place].login(kind)
        ]
        if without:
            yield Finding(
                "roster: logins",
                Level.NOTE,
                f"{len(without)} of {len(people)} people have no login in the tracker:"
                f" {', '.join(without[:5])}.",
                "Their tickets are assigned to nobody, and name them in the text.",
                f"Add `tracker: {{{kind}: LOGIN}}` to their entries.",
            )

    def _tracker(self) -> Checks:
        tracker = self.tracker()
        if tracker is None:
            yield Finding("tracker", Level.OK, "No tracker is configured: no tickets are opened.")
            return
        yield Finding("tracker", Level.OK, f"{tracker.name} answers {tracker.whoami()}.")
        count = len(tracker.list_open())
        yield Finding("tracker: tickets", Level.OK, f"{count} of this pack's tickets are open.")


def _sensor(context: Context) -> Checks:
    """Whether the sensor runs, as far as its cursor shows."""
    kept = DatastoreCursor(context.datastore, context.settings.server).load()
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


def _guarded(check: str, step: Callable[[], Iterator[Finding]]) -> List[Finding]:
    """What a check finds; one that ends with an error has found that."""

    def failed(err: Exception) -> List[Finding]:
        why = named(err)
        return [Finding(check, Level.PROBLEM, why.message, "", why.remedy or _REMEDY)]

    return guarded(lambda: list(step()), failed)
