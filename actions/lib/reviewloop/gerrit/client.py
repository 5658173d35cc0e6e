"""The calls of Gerrit that this pack makes, each once and in one place.

Reads are tried again, writes never blindly: a write whose answer was lost is looked for first.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from reviewloop.core.change import Account, Change, Message
from reviewloop.core.comments import ReviewComment, has_comments, with_comments
from reviewloop.errors import AmbiguousError, ProtocolError, RefusedError, TemporaryError
from reviewloop.gerrit import parse, queries, review, scan
from reviewloop.gerrit.chain import Related, related
from reviewloop.gerrit.parse import Raw
from reviewloop.gerrit.protocol import Params, change_id, segment
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.review import (
    ReviewAction,
    ReviewerState,
    ReviewOutcome,
    ReviewRequest,
)
from reviewloop.gerrit.session import Session

#: A change: itself, ``protocol.change_id(number, project)``, or a bare number.
Ident = Union[Change, str, int]

#: What ``parse.change`` needs to fill a whole ``Change``.
DETAIL = (Option.DETAILED_ACCOUNTS, Option.LABELS, Option.MESSAGES, Option.CURRENT_REVISION)

#: Rows asked for in one page, even if the account may ask for more: bounds an answer's size.
MAX_PAGE = 500

_NOT_FOUND = 404
# Accounts of one search: whoever wants more than one of a name wants to know that it is not one.
_FEW = 10
#: Rows that are asked for without a look at the account's limit.
A_FEW = 50


class Client(Session):
    """One Gerrit server, as one account; see :class:`Session` for how it is made.

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
        """Every change that a search finds, newest first, each once; pages are read as needed.

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
        fixed = [("n", str(size)), *self._options(options)]

        def fetch(search: str, start: int) -> Tuple[Tuple[Raw, ...], bool]:
            offset = [("S", str(start))] if start else []
            return parse.page(self._read("/changes/", [("q", search), *fixed, *offset]))

        return islice(scan.keyset(fetch, query), limit)

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
        change = parse.change(self._read(_path(ident), self._options(options)))
        return with_comments(change, self.comments(change)) if has_comments(change) else change

    def comments(self, ident: Ident) -> Tuple[ReviewComment, ...]:
        """A change's published comments, never stale."""
        return parse.comments(self._read(f"{_path(ident)}/comments"), f"{_name(ident)}, comments")

    def messages(self, ident: Ident) -> Tuple[Message, ...]:
        """A change's messages, oldest first, never stale."""
        return parse.messages(self._read(f"{_path(ident)}/messages"), f"{_name(ident)}, messages")

    def commit_message(self, change: Change) -> str:
        """The commit message of the patch set that the change was read with."""
        data = self._read(f"{_path(change)}/revisions/{change.revision or 'current'}/commit")
        return parse.commit_message(data, f"{_name(change)}, commit")

    def commit_emails(self, change: Change) -> Tuple[str, ...]:
        """The addresses of the commit's author and committer, as Git has them."""
        data = self._read(f"{_path(change)}/revisions/{change.revision or 'current'}/commit")
        return parse.commit_emails(data, f"{_name(change)}, commit")

    def hashtags(self, ident: Ident) -> Tuple[str, ...]:
        """A change's hashtags, sorted."""
        return parse.hashtags(self._read(f"{_path(ident)}/hashtags"), f"{_name(ident)}, hashtags")

    def related(self, change: Change) -> Related:
        """The change's relation chain, as its commits tell it."""
        data = self._read(f"{_path(change)}/revisions/{change.revision or 'current'}/related")
        return related(parse.chain(data, change.number), change.number)

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
        return parse.account(data, f"account {ident}")

    def emails(self, account_id: int) -> Tuple[str, ...]:
        """All addresses of an account; empty where this account may not see them, as most may not
        (https://gerrit-review.googlesource.com/Documentation/access-control.html#capability_modifyAccount).
        """
        try:
            data = self._read(f"/accounts/{account_id}/emails")
        except RefusedError:
            return ()
        return parse.emails(data, f"account {account_id}, emails")

    def find_accounts(self, query: str) -> Tuple[Account, ...]:
        """The accounts that a search finds, the first few; inactive ones only if it asks for them.

        :param query: in the syntax of
            https://gerrit-review.googlesource.com/Documentation/user-search-accounts.html.
        """
        params = [("q", query), ("o", "DETAILS"), ("n", str(_FEW))]
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

    # Writing

    def post_review(
        self, change: Change, request: ReviewRequest, *, is_fresh: bool = False
    ) -> ReviewOutcome:
        """Post one review in one write, unless it was posted before.

        :param change: read with CURRENT_REVISION: the review is of the patch set that was seen,
            even if a newer one has come since.
        :param is_fresh: the change has just been read from its storage, and nobody else of this
            pack can have written on it since: its own messages are looked at, none are read again.
        :raises RefusedError: the text is too long, or a permission is missing, or the change's
            state forbids it (nothing was posted); or a vote was dropped (the message was posted).
        :raises AmbiguousError: the answer was lost and the review is not there (yet). Posting it
            again later is safe.
        """
        request.check_size(change)
        if not change.revision:
            raise ProtocolError(f"change {change.number} was read without its current revision.")
        path = f"{_path(change)}/revisions/{segment(change.revision)}/review"
        earlier = self._own_message(change.messages if is_fresh else self.messages(change), request)
        if earlier:
            return self._completed(change, request, path, earlier)
        try:
            answer = self._once(self._peer.post(path, request.body()))
        except AmbiguousError as err:
            return self._look_for(change, request, err)
        review.check_answer(change, request, answer)
        return ReviewOutcome(ReviewAction.POSTED)

    def set_hashtags(
        self,
        ident: Ident,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        *,
        is_fresh: bool = False,
    ) -> bool:
        """Add and take off hashtags; whether anything changed (if not, nothing was written).

        :param is_fresh: a change that has just been read from its storage: its hashtags are not
            read again.
        :raises RefusedError: the account may not edit hashtags, or the change does not exist.
        """
        if is_fresh and isinstance(ident, Change):
            there = set(ident.hashtags)
        else:
            there = set(self.hashtags(ident))
        adding, removing = sorted(set(add) - there), sorted(set(remove) & there)
        if not adding and not removing:
            return False
        body = {"add": adding, "remove": removing}
        try:
            self._once(self._peer.post(f"{_path(ident)}/hashtags", body))
        except AmbiguousError:
            now = set(self.hashtags(ident))
            if not now.issuperset(adding) or now & set(removing):
                raise
        return True

    def add_reviewers(
        self,
        ident: Ident,
        ids: Iterable[int],
        state: ReviewerState = ReviewerState.REVIEWER,
    ) -> Tuple[int, ...]:
        """Add accounts to a change; those who were not there yet in that state.

        One write each; adding somebody again does nothing, so a lost answer is repeated by
        calling again.

        :raises RefusedError: an account is unknown, inactive or cannot see the change.
        """
        added: List[int] = []
        for who in dict.fromkeys(ids):
            body = {"reviewer": str(who), "state": state.value}
            data = self._once(self._peer.post(f"{_path(ident)}/reviewers", body))
            people, error = parse.reviewer_result(data, f"{_name(ident)}, reviewer {who}")
            if error:
                raise RefusedError(f"{_name(ident)}: account {who} was not added: {error}")
            added.extend(account.id for account in people)
        return tuple(added)

    # Inner workings

    def _completed(
        self, change: Change, request: ReviewRequest, path: str, earlier: str
    ) -> ReviewOutcome:
        """A review that is there, with whatever of its votes was missing."""
        votes = self._own_votes(change) if request.labels else {}
        missing = {
            label: value for label, value in request.labels.items() if votes.get(label, 0) != value
        }
        if not missing:
            return ReviewOutcome(ReviewAction.ALREADY_POSTED, earlier)
        self._once(self._peer.post(path, request.votes_alone(missing)))
        review.check_votes(change, request, self._own_votes(change))
        return ReviewOutcome(ReviewAction.COMPLETED, earlier)

    def _own_votes(self, change: Change) -> Mapping[str, int]:
        try:
            votes = self._read(f"{_path(change)}/reviewers/self/votes")
        except RefusedError as err:
            if err.status != _NOT_FOUND:
                raise
            return {}  # nothing was said on the change, so nothing was voted either
        return parse.votes(votes, _name(change))

    def _own_message(self, history: Sequence[Message], request: ReviewRequest) -> str:
        claimed = review.is_claimed(history, request.marker, request.key)
        if self._peer.username and not claimed:
            return ""
        return review.find_own(history, self.whoami().id, request.marker, request.key)

    def _look_for(
        self, change: Change, request: ReviewRequest, lost: AmbiguousError
    ) -> ReviewOutcome:
        """What became of a review whose answer was lost."""
        try:
            found = self._own_message(self.messages(change), request)
        except TemporaryError as err:
            raise lost from err
        if not found:
            raise lost
        if request.labels:
            review.check_votes(change, request, self._own_votes(change))
        return ReviewOutcome(ReviewAction.POSTED_ANSWER_LOST, found)

    def _find(self, path: str, params: Params, what: str, remedy: str) -> Any:
        try:
            return self._read(path, params)
        except RefusedError as err:
            if err.status != _NOT_FOUND:
                raise
            who = f"the account {self._peer.username}" if self._peer.username else "everybody"
            message = f"{what} does not exist on {self._peer.host}, or is not visible to {who}."
            raise RefusedError(message, remedy, _NOT_FOUND) from err


def _path(ident: Ident) -> str:
    if isinstance(ident, Change):
        return f"/changes/{change_id(ident.number, ident.project)}"
    return f"/changes/{ident}"


def _name(ident: Ident) -> str:
    return f"change {ident.number if isinstance(ident, Change) else ident}"
