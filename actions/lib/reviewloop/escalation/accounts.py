"""Which account of Gerrit a roster's entry means: that one and no other, or none.

Gerrit answers whoever asks for an account with the best that it has: an id, a username, an e-mail
address, a full name, and at last a *beginning* of one of these; inactive accounts are passed over
at every step (``AccountResolver.java``). So the name of somebody who left can find a stranger.
An account is taken only if its id, its username or its e-mail address is what the roster says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from reviewloop.core.change import Account
from reviewloop.errors import RefusedError
from reviewloop.gerrit.reads import ReadClient
from reviewloop.http import codes
from reviewloop.settings.roster import RosterKind, RosterMember, RosterSettings

# What may stand in an account search as it is; no username or address needs more.
_SEARCHABLE = re.compile(r"[A-Za-z0-9._@+-]+")

NO_MEMBER = -1
# Names of one search: some 2 kB of its address.
_BATCH = 50


@dataclass(frozen=True)
class Resolved:
    """The roster's accounts, each with the place of its entry under ``roster.members`` (NO_MEMBER
    where a group has somebody of whom no entry tells), and what is wrong with the roster.

    Inactive accounts are among them: they are not asked, and it can be said why.
    """

    accounts: Tuple[Tuple[Account, int], ...] = ()
    problems: Tuple[str, ...] = ()


def resolve(roster: RosterSettings, client: ReadClient) -> Resolved:
    """Look up everybody on the roster.

    :raises RefusedError: Gerrit shows this account no other ones at all.
    """
    if roster.kind is RosterKind.GERRIT_GROUP:
        return _group(roster, client)
    found: Dict[int, Tuple[Account, int]] = {}
    problems: List[str] = []
    together = _together([member_name(member) for member in roster.members], client)
    for index, member in enumerate(roster.members):
        name = member_name(member)
        account = together.get(name) or exact(name, client)
        if account is None:
            problems.append(_unknown(index, member))
        elif account.id in found:
            problems.append(_twice(index, member, found[account.id][1]))
        else:
            found[account.id] = account, index
    return _reported(roster, list(found.values()), problems)


def _group(roster: RosterSettings, client: ReadClient) -> Resolved:
    """The group's accounts, with the entries that add details to them."""
    try:
        accounts = client.group_members(roster.group)
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        return Resolved(problems=(f"roster.group: {err}",))
    places: Dict[int, int] = {}
    problems: List[str] = []
    for index, member in enumerate(roster.members):
        name = member_name(member)
        account = _one_of(name, accounts) or exact(name, client)
        if account is None or account.id not in {one.id for one in accounts}:
            problems.append(
                f"roster.members[{index}] is {name!r}, and nobody in the group {roster.group!r} has"
                " this username, e-mail address or account id: what it says counts for nobody."
                " Correct it, or add the person to the group."
            )
        elif account.id in places:
            problems.append(_twice(index, member, places[account.id]))
        else:
            places[account.id] = index
    found = [(account, places.get(account.id, NO_MEMBER)) for account in accounts]
    if not found:
        problems.append(
            f"roster.group is {roster.group!r}, in which this pack sees nobody: add the people to"
            " the group in Gerrit, and make it visible to the pack's account."
        )
    return _reported(roster, found, problems)


def exact(name: str, client: ReadClient) -> Optional[Account]:
    """The one account whose id, username or e-mail address is ``name``, active or not; or None.

    Letters in upper and lower case are alike where that leaves one account only.
    """
    account = _looked_up(name, client)
    if account is not None and name in (str(account.id), account.username):
        return account
    if name.isdigit():
        return None
    if account is not None and "@" in name and name in (account.email, *client.emails(account.id)):
        return account
    # What Gerrit answers passes over inactive accounts, and over some in other letters.
    return _one_of(name, _searched(name, client))


def _together(names: Sequence[str], client: ReadClient) -> Dict[str, Account]:
    """The accounts of those names that a few searches find beyond doubt: spelt just so, by one
    account only. Whatever is left is looked up by itself.
    """
    found: Dict[str, Account] = {}
    plain = [name for name in dict.fromkeys(names) if _SEARCHABLE.fullmatch(name)]
    for start in range(0, len(plain) if len(plain) > 1 else 0, _BATCH):
        end = start + _BATCH
        batch = plain[start:end]
        any_of = " OR ".join(map(_term, batch))
        query = f"({any_of}) (is:active OR is:inactive)"
        try:
            accounts = client.find_accounts(query, 2 * _BATCH)
        except RefusedError:
            break  # a server that does not take it
        for name in batch:
            spelt = [one for one in accounts if name in (str(one.id), one.username, one.email)]
            if len(spelt) == 1:
                found[name] = spelt[0]
    return found


def _term(name: str) -> str:
    if name.isdigit():
        return name
    return f'{"email" if "@" in name else "username"}:"{name}"'


def member_name(member: RosterMember) -> str:
    """What names an entry's account in Gerrit."""
    return member.gerrit or member.email


def _one_of(name: str, accounts: Sequence[Account]) -> Optional[Account]:
    """The account that a name means among some, spelt exactly or else in other letters."""
    spelt = [one for one in accounts if name in (str(one.id), one.username, one.email)]
    if not spelt:
        texts = [(one, {one.username.casefold(), one.email.casefold()}) for one in accounts]
        spelt = [one for one, words in texts if name.casefold() in words]
    return spelt[0] if len(spelt) == 1 else None


def _looked_up(name: str, client: ReadClient) -> Optional[Account]:
    try:
        return client.account(name)
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        return None


def _searched(name: str, client: ReadClient) -> Sequence[Account]:
    if not _SEARCHABLE.fullmatch(name):
        return ()
    kind = "email" if "@" in name else "username"
    return client.find_accounts(f'{kind}:"{name}" (is:active OR is:inactive)')


def _reported(
    roster: RosterSettings, found: List[Tuple[Account, int]], problems: List[str]
) -> Resolved:
    """With a word on those entries whose account is inactive."""
    for account, index in found:
        if account.inactive and index != NO_MEMBER:
            problems.append(
                f"roster.members[{index}] is {member_name(roster.members[index])!r}, account"
                f" {account.id}, which is inactive in Gerrit and so is not asked: remove the entry,"
                " or have the account made active."
            )
    return Resolved(tuple(found), tuple(sorted(problems)))


def _unknown(index: int, member: RosterMember) -> str:
    key = "gerrit" if member.gerrit else "email"
    return (
        f"roster.members[{index}].{key} is {member_name(member)!r}, which is no account's username,"
        " e-mail address or id, or one that Gerrit does not show to this pack: write the username"
        " or the account id under gerrit, as Gerrit's settings page shows it."
    )


def _twice(index: int, member: RosterMember, before: int) -> str:
    return (
        f"roster.members[{index}] is {member_name(member)!r}, the same account as"
        f" roster.members[{before}]: remove one of the two."
    )
