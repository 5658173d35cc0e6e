"""One Gerrit server, as one account that reads and writes.

Reads are tried again, writes never blindly: a write whose answer was lost is looked for first.
"""

from __future__ import annotations

from typing import Iterable, List, Mapping, Sequence, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.errors import AmbiguousError, ProtocolError, RefusedError, TemporaryError
from reviewloop.gerrit import parse, review
from reviewloop.gerrit.protocol import segment
from reviewloop.gerrit.reads import Ident, ReadClient, name_of, path_of
from reviewloop.gerrit.review import ReviewAction, ReviewerState, ReviewOutcome, ReviewRequest
from reviewloop.http import codes


class Client(ReadClient):
    """What this pack asks of a Gerrit server and writes there; see :class:`Session` for how it is
    made.
    """

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
        path = f"{path_of(change)}/revisions/{segment(change.revision)}/review"
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
            self._once(self._peer.post(f"{path_of(ident)}/hashtags", body))
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
            data = self._once(self._peer.post(f"{path_of(ident)}/reviewers", body))
            people, error = parse.reviewer_result(data, f"{name_of(ident)}, reviewer {who}")
            if error:
                raise RefusedError(f"{name_of(ident)}: account {who} was not added: {error}")
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
            votes = self._read(f"{path_of(change)}/reviewers/self/votes")
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return {}  # nothing was said on the change, so nothing was voted either
        return parse.votes(votes, name_of(change))

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
