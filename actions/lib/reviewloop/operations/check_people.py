"""Whether the people on the roster can be asked, in Gerrit and in the tracker."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from reviewloop.core.change import Account
from reviewloop.escalation.accounts import NO_MEMBER, Resolved, resolve
from reviewloop.gerrit.reads import ReadClient
from reviewloop.insight.findings import Finding, Level, some
from reviewloop.operations.checks import Checks
from reviewloop.settings.load import Settings
from reviewloop.settings.roster import RosterKind
from reviewloop.trackers.base import Tracker

Person = Tuple[Account, int]
RELOAD = "Correct gerrit.yaml, and reload it with `st2ctl reload --register-configs`."
# Logins that are looked up in the tracker.
_LOGINS = 20


class Roster:
    """The roster, looked up anew, where actions believe for an hour what they have seen."""

    def __init__(self, settings: Settings, client: ReadClient) -> None:
        self._settings = settings
        self._found: Resolved = resolve(settings.roster, client)

    @property
    def people(self) -> List[Person]:
        """Who can be asked, with the places of their entries."""
        return [
            (account, place)
            for account, place in self._found.accounts
            if not (account.inactive or self._settings.policy.is_automation(account))
        ]

    def check(self) -> Checks:
        """Each entry that means nobody, and whether anybody is left."""
        for problem in self._found.problems:
            why = "Nobody is asked because of this entry."
            yield Finding("roster", Level.PROBLEM, problem, why, RELOAD)
        people = self.people
        if people:
            who = "One person" if len(people) == 1 else f"{len(people)} people"
            yield Finding("roster", Level.OK, f"{who} can be asked.")
            return
        group = self._settings.roster.kind is RosterKind.GERRIT_GROUP
        where = "the group" if group else "`roster.members`"
        yield Finding(
            "roster",
            Level.PROBLEM if self._found.accounts or self._found.problems else Level.WARNING,
            "Nobody on the roster can be asked.",
            "The workflow gerrit.escalate finds nobody (`nobody_to_ask`).",
            f"Add people to {where}.",
        )

    def logins(self, tracker: Tracker) -> Checks:
        """Who has no login in the tracker, and whose login is nobody's there."""
        kind = self._settings.tracker.kind
        logins = [(account, self._login(place, kind)) for account, place in self.people]
        without = [_named(account) for account, login in logins if not login]
        if without:
            yield Finding(
                "roster: logins",
                Level.NOTE,
                f"{len(without)} of {len(logins)} people have no login in the tracker:"
                f" {some(without)}.",
                "Their tickets are assigned to nobody, and name them in the text.",
                f"Add `tracker: {{{kind}: LOGIN}}` to their entries.",
            )
        yield from _known([(a, login) for a, login in logins if login], tracker)

    def _login(self, place: int, kind: str) -> str:
        return "" if place == NO_MEMBER else self._settings.roster.members[place].login(kind)


def _known(logins: Sequence[Tuple[Account, str]], tracker: Tracker) -> Checks:
    told: List[Optional[bool]] = []
    for account, login in logins[:_LOGINS]:
        told.append(tracker.assignable(login))
        if told[-1] is False:
            yield Finding(
                "roster: logins",
                Level.PROBLEM,
                f"{_named(account)} is {login!r} in the tracker, to whom no ticket can be assigned"
                " there.",
                "Their tickets are assigned to nobody, or refused.",
                f"Correct `tracker: {{{tracker.kind}: LOGIN}}` of their entry, or give that account"
                " access there.",
            )
    if None in told:
        yield Finding(
            "roster: logins",
            Level.UNKNOWN,
            f"{tracker.name} does not tell whether it knows the people's logins.",
            "A ticket for an unknown login is assigned to nobody, or refused.",
            "Assign one ticket to each of them by hand.",
        )
    elif told and False not in told:
        yield Finding("roster: logins", Level.OK, f"The tracker knows {len(told)} of the logins.")


def _named(account: Account) -> str:
    return account.username or str(account.id)
