"""In Gerrit's place where there are histories in a file, and nobody to ask.

People are those of the histories. A roster member who is in none of them is taken to exist. Chains,
comments and groups are not in a file: no change is built on another there, and nobody is in a
group.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple, Union

from reviewloop.core.change import Account, Change
from reviewloop.core.comments import ReviewComment
from reviewloop.errors import RefusedError
from reviewloop.gerrit.chain import Related
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.queries import Option
from reviewloop.http import codes

#: Above all account ids that servers have given out: for those who are in no history.
OWN_ID = 2_000_000_000
OWN_NAME = "(this pack)"


class Offline:
    """A source that has nothing but the people of the histories."""

    def __init__(self) -> None:
        self._accounts: Dict[int, Account] = {}
        self._next = OWN_ID + 1

    def learn(self, known: Mapping[int, Account]) -> None:
        """Take in people, by account id."""
        self._accounts.update(known)

    def expect(self, names: Iterable[str]) -> None:
        """There are people of these names, as a roster has them, known or not."""
        for name in names:
            if self.named(name) is None:
                mail = name if "@" in name else ""
                self._accounts[self._next] = Account(self._next, name, mail, "" if mail else name)
                self._next += 1

    def account(self, ident: Union[str, int]) -> Account:
        """An account. :raises RefusedError: 404, there is none."""
        found = self._accounts.get(ident) if isinstance(ident, int) else self.named(ident)
        if found is None:
            raise RefusedError(f"The account {ident!r} is in no history.", "", codes.NOT_FOUND)
        return found

    def find_accounts(self, query: str, most: int = 10) -> Tuple[Account, ...]:
        """Those of whom the search holds the username, the address or the number."""
        words = query.replace('"', " ").replace(":", " ").replace("(", " ").split()
        found = [one for one in self._accounts.values() if _names(one).intersection(words)]
        return tuple(found[:most])

    def emails(self, account_id: int) -> Tuple[str, ...]:
        """The one address that is known."""
        account = self._accounts.get(account_id)
        return (account.email,) if account is not None and account.email else ()

    def group_members(self, group: str) -> Tuple[Account, ...]:
        """:raises RefusedError: always."""
        raise RefusedError(
            f"The group {group!r} is known to Gerrit only, and a file is read.",
            "Preview on the server, or list the people under roster.members.",
            codes.NOT_FOUND,
        )

    def scan(
        self,
        query: str,  # noqa: ARG002 - nothing is beyond the histories
        options: Iterable[Option] = (),  # noqa: ARG002
        page: Optional[int] = None,  # noqa: ARG002
        limit: Optional[int] = None,  # noqa: ARG002
    ) -> Iterator[Raw]:
        """None."""
        return iter(())

    def changes(
        self,
        numbers: Iterable[int],  # noqa: ARG002
        options: Iterable[Option] = (),  # noqa: ARG002
        query: str = "",  # noqa: ARG002
    ) -> List[Raw]:
        """None."""
        return []

    def related(self, change: Change) -> Related:  # noqa: ARG002 - see above
        """No chain."""
        return Related()

    def comments(self, ident: Union[Change, str, int]) -> Tuple[ReviewComment, ...]:  # noqa: ARG002
        """None."""
        return ()

    def commit_emails(self, change: Change) -> Tuple[str, ...]:  # noqa: ARG002 - see above
        """None."""
        return ()

    def commit_message(self, change: Change) -> str:  # noqa: ARG002 - see above
        """None: a history has its first line at most."""
        return ""

    def named(self, name: str) -> Optional[Account]:
        """The one account of a username, an address or a number; None if there is none, or more."""
        found = [one for one in self._accounts.values() if name in _names(one)] if name else []
        return found[0] if len(found) == 1 else None


def own_account(username: str, known: Optional[Account] = None) -> Account:
    """The pack's account where Gerrit cannot be asked: that of the histories, or one in none."""
    if known is not None:
        return known
    return Account(OWN_ID, OWN_NAME, "", username or OWN_NAME, ("SERVICE_USER",))


def _names(account: Account) -> Set[str]:
    return {str(account.id), account.username, account.email} - {""}
