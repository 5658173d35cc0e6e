"""The roster as Gerrit knows it: the configured members, or a group's, with account, absence and
load.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Account
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Load, Member
from reviewloop.errors import ConfigError, RefusedError
from reviewloop.gerrit.client import Client
from reviewloop.settings.load import RosterKind, RosterMember, RosterSettings, Settings
from reviewloop.store.datastore import Datastore, read_values

# `st2 key set gerrit.away.<username or account id> 1 --ttl SECONDS`: private, and gone by itself.
AWAY = "gerrit.away."
_NOT_FOUND = 404


class People:
    """Looks the roster up.

    :param loads: what each account has been asked, by account id.
    """

    def __init__(self, settings: Settings, client: Client, datastore: Datastore) -> None:
        self._settings = settings
        self._client = client
        self._datastore = datastore

    def members(self, loads: Mapping[int, Load]) -> Tuple[Member, ...]:
        """Everybody on the roster.

        :raises ConfigError: a member or the group is not known to Gerrit; every one is named.
        :raises DatastoreError: absences cannot be read just now.
        """
        away = self._away()
        return tuple(
            Member(
                account=account,
                projects=member.projects,
                chair=member.chair,
                login=member.login(self._settings.tracker.kind),
                automation=self._policy.is_automation(account),
                absent=bool(away & {str(account.id), account.username}),
                load=loads.get(account.id, Load()),
            )
            for account, member in self._roster(self._settings.roster)
        )

    def one(self, account_id: int) -> Member:
        """One account with what the roster says of it, whether it is on the roster or not.

        :raises RefusedError: Gerrit does not know the account, or does not show it.
        """
        account = self._client.account(str(account_id))
        member = self._details(account, self._by_name(self._settings.roster.members))
        named = replace(account, name=member.name or account.name)
        login = member.login(self._settings.tracker.kind)
        return Member(named, member.projects, member.chair, login)

    @property
    def _policy(self) -> Policy:
        return self._settings.policy

    def _away(self) -> Set[str]:
        return {name.replace(AWAY, "", 1) for name in read_values(self._datastore, AWAY)}

    def _roster(self, roster: RosterSettings) -> Sequence[Tuple[Account, RosterMember]]:
        if roster.kind is RosterKind.STATIC:
            return self._static(roster.members)
        details = self._by_name(roster.members)
        return [
            (account, self._details(account, details))
            for account in self._client.group_members(roster.group)
        ]

    @staticmethod
    def _by_name(members: Sequence[RosterMember]) -> Dict[str, RosterMember]:
        return {name: one for one in members for name in (one.gerrit, one.email) if name}

    @staticmethod
    def _details(account: Account, details: Dict[str, RosterMember]) -> RosterMember:
        for name in (account.username, str(account.id), account.email):
            if name in details:
                return details[name]
        return RosterMember(name=account.name, email=account.email, gerrit=account.username)

    def _static(self, members: Sequence[RosterMember]) -> Sequence[Tuple[Account, RosterMember]]:
        found: List[Tuple[Account, RosterMember]] = []
        problems: List[str] = []
        for index, member in enumerate(members):
            account = self._account(member)
            if account is None:
                problems.append(
                    f"roster.members[{index}] is {member.gerrit or member.email or member.name!r},"
                    " an account that Gerrit does not know or does not show to this pack:"
                    " write the username, e-mail or account id under `gerrit`."
                )
            else:
                found.append((account, member))
        if problems:
            raise ConfigError("\n".join(problems), problems=problems)
        return found

    def _account(self, member: RosterMember) -> Optional[Account]:
        name = member.gerrit or member.email or member.name
        try:
            account = self._client.account(name)
        except RefusedError as err:
            if err.status == _NOT_FOUND:
                return None
            raise
        return replace(account, name=member.name or account.name)
