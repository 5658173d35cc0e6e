"""What is asked of one Gerrit server, each call once and in one place: changes, people, groups."""

from __future__ import annotations

from itertools import islice
from typing import Any, Iterable, Iterator, List, Optional, Tuple, Union

from reviewloop.core.change import Account, Change, Message
from reviewloop.core.comments import ReviewComment, has_comments, with_comments
from reviewloop.errors import RefusedError
from reviewloop.gerrit import about, parse, queries, scan
from reviewloop.gerrit.accounts import account
from reviewloop.gerrit.chain import Related, links, related
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.protocol import Params, change_id, segment
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.session import Session
from reviewloop.http import codes
from reviewloop.http.messages import Request

#: A change: itself, ``protocol.change_id(number, project)``, or a bare number.
Ident = Union[Change, str, int]

#: What ``parse.change`` needs to fill a whole ``Change``.
DETAIL = (
    Option.DETAILED_ACCOUNTS,
    Option.LABELS,
    Option.MESSAGES,
    Option.SUBMIT_REQUIREMENTS,
    Option.CURRENT_REVISION,
    Option.CURRENT_COMMIT,
)
#: What a report takes beside that: who was made a reviewer when.
HISTORY = (*DETAIL, Option.REVIEWER_UPDATES)

#: Rows asked for in one page, even if the account may ask for more: bounds an answer's size.
MAX_PAGE = 500

_CHANGES = "/changes/"
# Accounts of one search: whoever wants more than one of a name wants to know that it is not one.
_FEW = 10
#: Rows that are asked for without a look at the account's limit.
A_FEW = 50


class ReadClient(Session):
    """One Gerrit server, as one account that only reads; see :class:`Session` for how it is made.

    Changes are given as a ``Change``, as ``change_id(number, project)``, or as a bare number.
    """

    # Reading changes

    def scan(
        self,
        query: str,
        options: Iterable[Option] = (),
        page: Optional[int] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Raw]:
        """Every change that a search finds, newest first, each once; pages are asked for, and the
        rows of each are read, as needed. Without a ``limit`` the next page is asked for while this
        one is read.

        A change that is touched during a long scan moves to the top and can be missed: whoever
        needs it searches ``after`` the scan's start afterwards.

        :param query: in Gerrit's syntax; what others wrote goes in through ``queries.all_of``.
        :param options: what each row holds beyond the index; those too young for the server are
            left out.
        :param page: rows a page, at most (default: what the account may ask for, up to 500).
        :param limit: rows in all, at most.
        """
        size = min(page or MAX_PAGE, MAX_PAGE, limit or MAX_PAGE)
        # Whoever wants a few does not ask how many it may have: a server that allows fewer sends
        # fewer, and says that there are more.
        size = size if size <= A_FEW else min(size, self.query_limit())
        wanted = tuple(options)

        ahead = self._carrier() if limit is None else None

        def once(request: Request) -> scan.Page:
            response = self._sent(request, ahead or self._transport)
            glance = scan.glance(response.body) if ahead else None
            return scan.Page(self._peer.values(request, response), glance)

        def asked(search: str, start: int = 0) -> List[Tuple[str, str]]:
            offset = [("S", str(start))] if start else []
            return [("q", search), ("n", str(size)), *offset]

        def fetch(search: str, start: int) -> scan.Page:
            page: scan.Page = self._read_with(_CHANGES, asked(search, start), wanted, once)
            return page

        def announce(search: str) -> None:
            if ahead is not None:
                self._announce(ahead, _CHANGES, asked(search), wanted)

        return islice(scan.keyset(fetch, query, announce), limit)

    def changes(
        self, numbers: Iterable[int], options: Iterable[Option] = (), query: str = ""
    ) -> List[Raw]:
        """Those of the changes that exist, are visible and match ``query``, in no special order.

        Asked for in batches that fit one search each.
        """
        wanted = tuple(options)
        count = min(queries.MAX_BATCH, self.query_limit())
        rows: List[Raw] = []
        for batch in queries.batches(numbers, query, count):
            rows.extend(self.scan(queries.all_of(queries.any_change(batch), query), wanted))
        return rows

    def change(self, ident: Ident, options: Iterable[Option] = DETAIL) -> Change:
        """One change with its whole history, from its storage: never stale, as a search can be.

        What was said in comments on a whole patch set is in the messages it was posted with.

        :raises RefusedError: 404, it does not exist or is not visible.
        """
        change = parse.change(self._read_with(path_of(ident), (), options))
        return with_comments(change, self.comments(change)) if has_comments(change) else change

    def comments(self, ident: Ident) -> Tuple[ReviewComment, ...]:
        """A change's published comments, never stale."""
        return parse.comments(
            self._read(f"{path_of(ident)}/comments"), f"{name_of(ident)}, comments"
        )

    def messages(self, ident: Ident) -> Tuple[Message, ...]:
        """A change's messages, oldest first, never stale."""
        return parse.messages(
            self._read(f"{path_of(ident)}/messages"), f"{name_of(ident)}, messages"
        )

    def commit_message(self, change: Change) -> str:
        """The commit message of the patch set that the change was read with."""
        data = self._read(f"{path_of(change)}/revisions/{change.revision or 'current'}/commit")
        return parse.commit_message(data, f"{name_of(change)}, commit")

    def commit_emails(self, change: Change) -> Tuple[str, ...]:
        """The addresses of the commit's author and committer, as Git has them."""
        data = self._read(f"{path_of(change)}/revisions/{change.revision or 'current'}/commit")
        return parse.commit_emails(data, f"{name_of(change)}, commit")

    def hashtags(self, ident: Ident) -> Tuple[str, ...]:
        """A change's hashtags, sorted."""
        return parse.hashtags(
            self._read(f"{path_of(ident)}/hashtags"), f"{name_of(ident)}, hashtags"
        )

    def related(self, change: Change) -> Related:
        """The change's relation chain, as its commits tell it."""
        data = self._read(f"{path_of(change)}/revisions/{change.revision or 'current'}/related")
        return related(links(data, change.number), change.number)

    # Reading people

    def account(self, ident: Union[str, int]) -> Account:
        """An account by id, user name or e-mail address; an inactive one by its id only.

        Gerrit also answers with whoever has a name that begins so: look at what comes back.

        :raises RefusedError: 404, it does not exist or is not visible.
        """
        data = self._find(
            f"/accounts/{segment(ident)}/detail",
            (),
            f"The account {ident!r}",
            "Correct the user name, e-mail address or number.",
        )
        return account(data, f"account {ident}")

    def emails(self, account_id: int) -> Tuple[str, ...]:
        """All addresses of an account; empty where this account may not see them, as most may not
        (https://gerrit-review.googlesource.com/Documentation/access-control.html#capability_modifyAccount).
        """
        try:
            data = self._read(f"/accounts/{account_id}/emails")
        except RefusedError:
            return ()
        return parse.emails(data, f"account {account_id}, emails")

    def find_accounts(self, query: str, most: int = _FEW) -> Tuple[Account, ...]:
        """The accounts that a search finds, the first few; inactive ones only if it asks for them.

        :param most: how many, as far as the server gives so many.
        :param query: in the syntax of
            https://gerrit-review.googlesource.com/Documentation/user-search-accounts.html.
        """
        params = [("q", query), ("o", "DETAILS"), ("n", str(most))]
        return parse.accounts(self._read("/accounts/", params), "accounts")

    def group_members(self, group: str) -> Tuple[Account, ...]:
        """The members of a group and of the groups it includes, by its name or UUID.

        :raises RefusedError: 404, it does not exist or is not visible.
        """
        data = self._find(
            f"/groups/{segment(group)}/members/",
            [("recursive", "true")],
            f"The group {group!r}",
            "Correct its name, or make the group visible to all or to that account.",
        )
        return parse.accounts(data, f"group {group}")

    # Reading what this account may do

    def is_administrator(self) -> bool:
        """Whether this account may administrate the server; False for anonymous callers."""
        if not self._peer.username:
            return False
        params = [("q", "administrateServer")]
        return parse.is_administrator(self._read("/accounts/self/capabilities", params))

    def may(
        self, permission: str, project: str, branch: str, who: Optional[int] = None
    ) -> Optional[bool]:
        """Whether an account has a permission on a branch; None where Gerrit does not tell it,
        which takes the global capability View Access
        (https://gerrit-review.googlesource.com/Documentation/rest-api-projects.html#check-access).

        :param permission: its name in a project's access, such as ``editHashtags``.
        :param who: an account's id (default: our own).
        """
        params = [
            ("account", str(self.whoami().id if who is None else who)),
            ("ref", f"refs/heads/{branch}"),
            ("perm", permission),
        ]
        try:
            data = self._read(f"/projects/{segment(project)}/check.access", params)
        except RefusedError:
            return None
        return parse.is_granted(data)

    def tokens(self) -> Optional[Tuple[about.Token, ...]]:
        """Our authentication tokens; None before Gerrit 3.13, which has passwords."""
        if self.version() < about.WITH_TOKENS:
            return None
        return about.tokens(self._read("/accounts/self/tokens"))

    def ui_plugins(self) -> Tuple[str, ...]:
        """The plugins of which the server serves a part of its pages."""
        return about.ui_plugins(self._read("/config/server/info"))

    # Inner workings

    def _find(self, path: str, params: Params, what: str, remedy: str) -> Any:
        try:
            return self._read(path, params)
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            who = f"the account {self._peer.username}" if self._peer.username else "everybody"
            message = f"{what} does not exist on {self._peer.host}, or is not visible to {who}."
            raise RefusedError(message, remedy, codes.NOT_FOUND) from err


def path_of(ident: Ident) -> str:
    """The path of a change's resource."""
    if isinstance(ident, Change):
        return f"/changes/{change_id(ident.number, ident.project)}"
    return f"/changes/{ident}"


def name_of(ident: Ident) -> str:
    """A change as errors name it."""
    return f"change {ident.number if isinstance(ident, Change) else ident}"
