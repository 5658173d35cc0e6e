"""The roster as Gerrit knows it, resolved to accounts once: who they are, what is said of them, who
is away, and what each has been asked.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property  # Python 3.8
from typing import FrozenSet, Mapping, Optional, Set, Tuple

from reviewloop.core.change import Account, Change
from reviewloop.core.keys import digest
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Load, Member
from reviewloop.errors import ConfigError
from reviewloop.escalation.accounts import NO_MEMBER, Resolved, resolve
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.own import policy_for
from reviewloop.settings.load import RosterKind, RosterMember, Settings
from reviewloop.store.datastore import Datastore, read_values
from reviewloop.store.roster import RosterCache

# `st2 key set gerrit.away.<username or account id> 1 --ttl SECONDS`: private, and gone by itself.
AWAY = "gerrit.away."


class People:
    """The roster's people, looked up at most once for each use, and kept for the next ones."""

    def __init__(self, settings: Settings, client: Client, datastore: Datastore) -> None:
        self._settings = settings
        self._client = client
        self._datastore = datastore
        gerrit = settings.gerrit
        # What an account may see of others is its own.
        name = digest(gerrit.url, gerrit.username, repr(settings.roster))
        self._cache = RosterCache(datastore, name)

    def resolve(
        self, loads: Optional[Mapping[int, Load]] = None
    ) -> Tuple[Tuple[Member, ...], Tuple[str, ...]]:
        """Everybody on the roster, and what is wrong with it, each problem in a sentence with its
        remedy. Whoever is unknown is set aside, and the others can be asked.

        :param loads: what each account has been asked, by account id.
        :raises DatastoreError: absences cannot be read just now.
        """
        away = self._away()
        weighed = loads or {}
        members = tuple(
            replace(
                self._member(account, place),
                automation=self._settings.policy.is_automation(account),
                absent=bool(away & {str(account.id), account.username.casefold()}),
                load=weighed.get(account.id, Load()),
            )
            for account, place in self._resolved.accounts
        )
        return members, self._resolved.problems

    def members(self, loads: Mapping[int, Load]) -> Tuple[Member, ...]:
        """Everybody on the roster.

        :raises ConfigError: that is nobody, since nobody of it can be found.
        """
        members, problems = self.resolve(loads)
        if problems and not members:
            raise ConfigError(
                f"Nobody on the roster can be asked: {' '.join(problems)}",
                "Correct the roster in gerrit.yaml, and reload it.",
                problems=problems,
            )
        return members

    def one(self, account_id: int) -> Member:
        """One account with what the roster says of it, whether it is on the roster or not.

        :raises RefusedError: Gerrit does not know the account, or does not show it.
        """
        for account, place in self._resolved.accounts:
            if account.id == account_id:
                return self._member(account, place)
        return Member(self._client.account(account_id))

    def authors(self, change: Change) -> FrozenSet[int]:
        """Who of the roster made a robot's change: its commit's author and committer, by address.

        Empty for a change whose owner is a person.
        """
        if not self._settings.policy.is_automation(change.owner):
            return frozenset()
        made_by = {address.casefold() for address in self._client.commit_emails(change)} - {""}
        return frozenset(
            account.id
            for account, place in self._resolved.accounts
            if made_by & {account.email.casefold(), self._entry(place).email.casefold()}
        )

    def policy(self, change: Change) -> Policy:
        """The policy with which to read a change: see :func:`reviewloop.gerrit.own.policy_for`."""
        return policy_for(change, self._settings.policy, self._client)

    @cached_property
    def _resolved(self) -> Resolved:
        roster = self._settings.roster
        if roster.kind is RosterKind.STATIC and not roster.members:
            return Resolved()
        kept = self._cache.load()
        if kept is not None:
            return Resolved(*kept)
        found = resolve(roster, self._client)
        self._cache.save(found.accounts, found.problems)
        return found

    def _member(self, account: Account, place: int) -> Member:
        entry = self._entry(place)
        named = replace(account, name=entry.name or account.name)
        return Member(named, entry.projects, entry.chair, entry.login(self._settings.tracker.kind))

    def _entry(self, place: int) -> RosterMember:
        return RosterMember("") if place == NO_MEMBER else self._settings.roster.members[place]

    def _away(self) -> Set[str]:
        names = read_values(self._datastore, AWAY)
        return {name.rpartition(AWAY)[2].casefold() for name in names}
