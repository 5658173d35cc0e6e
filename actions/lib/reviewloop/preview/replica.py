"""Gerrit in memory, at an instant: histories as they were then, and what the loop wrote since.

It stands where a client stands. What it is asked it answers by the histories; what it is told to
write it keeps to itself.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.comments import ReviewComment, has_comments, with_comments
from reviewloop.core.keys import change_ident
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading
from reviewloop.errors import RefusedError
from reviewloop.gerrit import review
from reviewloop.gerrit.chain import Related
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.reads import DETAIL, Ident
from reviewloop.gerrit.review import ReviewAction, ReviewOutcome, ReviewRequest
from reviewloop.http import codes
from reviewloop.http.clock import Clock
from reviewloop.preview.answers import Answer, Answers, once
from reviewloop.preview.packed import VERBS, Packed, verbs_in
from reviewloop.preview.past import as_of
from reviewloop.preview.recorded import Recorded
from reviewloop.preview.searches import Index, Search, Shown, parsed
from reviewloop.preview.unplugged import Unplugged
from reviewloop.preview.written import Posted, Written, raw_account, stamp
from reviewloop.settings.load import Settings


class Replica(Unplugged):
    """The server, as the pack's account sees it.

    :param at: when it is; :meth:`go_on` moves the clock.
    :param plays: whether what happened after ``at`` happens when the clock comes to it. If not, the
        server stands still: nobody acts but the loop.
    """

    def __init__(
        self, settings: Settings, recorded: Recorded, at: datetime, *, plays: bool
    ) -> None:
        super().__init__(settings, recorded)
        self.posted: List[Posted] = []
        self._plays = plays
        self._begun = self._now = at
        self._index = Index()
        self._shown = self._index.shown
        self._ahead: List[Tuple[datetime, str]] = []
        self._written: Dict[str, Written] = {}
        self._answers = Answers()
        for packed in recorded:
            self._take(packed)

    # The clock

    def now(self) -> datetime:
        """The instant that it is here."""
        return self._now

    def clock(self) -> Clock:
        """The same as both clocks."""
        return Clock(self._now, self._now)

    def go_on(self, now: datetime) -> None:
        """Let time pass, and what happened meanwhile happen."""
        self._now = now
        while self._ahead and self._ahead[0][0] <= now:
            _, ident = heapq.heappop(self._ahead)
            packed = self._recorded.named(ident)
            assert packed is not None  # noqa: S101 - it is one of them
            self._take(packed)

    def _take(self, packed: Packed) -> None:
        """Show a change as it is now, and note when something happens next."""
        past = [beat for beat in packed.beats if beat.at <= self._now]
        if self._plays and len(past) < len(packed.beats):
            heapq.heappush(self._ahead, (packed.beats[len(past)].at, packed.ident))
        if not past:
            return
        is_whole = not self._plays and packed.idle <= self._now
        status = packed.status if is_whole else past[-1].status
        updated = packed.idle if is_whole else past[-1].at
        self._show(packed.ident, packed.shown(status, updated))

    def _show(self, ident: str, shown: Shown) -> None:
        written = self._written.get(ident)
        if written is not None:
            words = shown.words | written.words
            shown = shown._replace(updated=max(shown.updated, written.at), words=words)
        self._index.show(ident, shown)

    # Searches

    def scan(
        self,
        query: str,
        options: Iterable[Option] = (),
        page: Optional[int] = None,  # noqa: ARG002 - there are no pages
        limit: Optional[int] = None,
    ) -> Iterator[Raw]:
        """The changes that a search finds, newest first."""
        wanted = tuple(options)
        return islice((self._row(ident, wanted) for ident in self._found(query, limit)), limit)

    def changes(
        self, numbers: Iterable[int], options: Iterable[Option] = (), query: str = ""
    ) -> List[Raw]:
        """Those of the changes that a search finds."""
        search, wanted = parsed(query, self._settings.gerrit.query), tuple(options)
        found: List[Raw] = []
        for number in dict.fromkeys(numbers):
            for packed in self._recorded.numbered(number):
                ident = packed.ident
                if ident in self._shown and search.term.match(self._spoken(search, ident)):
                    found.append(self._row(ident, wanted))
        return found

    def _found(self, query: str, limit: Optional[int]) -> List[str]:
        if not (self._plays or self._recorded.is_all) and "after:" not in query:
            # Neighbours can lie beyond what is watched: Gerrit knows them as well as now.
            return list(self._beside(query, limit))
        search = parsed(query, self._settings.gerrit.query)
        return self._index.newest_first(search.term, partial(self._spoken, search))

    def _beside(self, query: str, limit: Optional[int]) -> Iterator[str]:
        for ident in self._recorded.ask("scan", query, limit):
            if ident not in self._shown:
                self._named(ident)
            if ident in self._shown:
                yield ident

    def _spoken(self, search: Search, ident: str) -> Shown:
        """With those of the words that a search asks for of which only Gerrit knows."""
        shown, verbs = self._shown[ident], VERBS.intersection(search.verbs)
        if not verbs:
            return shown
        return shown._replace(words=shown.words | self._recorded.spoken(ident, verbs))

    def _row(self, ident: str, options: Tuple[Option, ...]) -> Raw:
        """A change with its history, or as an index alone has it."""
        if options:
            told = self._told(ident)
            return told.raw if Option.MESSAGES in options else told.bare()
        packed, shown = self._named(ident), self._shown[ident]
        return {
            "_number": packed.number,
            "project": packed.project,
            "updated": stamp(shown.updated),
            "meta_rev_id": self._meta(ident),
            "status": "NEW" if shown.is_open else packed.status,
        }

    # One change

    def change(self, ident: Ident, options: Iterable[Option] = DETAIL) -> Change:  # noqa: ARG002
        """One change as it is now.

        :raises RefusedError: 404, there is none.
        """
        return self._told(self._named(ident).ident).single(self._with_all)

    def _with_all(self, change: Change) -> Change:
        if not change.revision:
            change = replace(change, revision="current")
        return with_comments(change, self.comments(change)) if has_comments(change) else change

    def comments(self, ident: Ident) -> Tuple[ReviewComment, ...]:
        """As the source answers: published comments do not change."""
        name = self._named(ident).ident
        found: Tuple[ReviewComment, ...] = self._recorded.ask("comments", name)
        return found

    def commit_emails(self, change: Change) -> Tuple[str, ...]:
        """As the source answers."""
        found: Tuple[str, ...] = self._recorded.ask(
            "commit_emails", self._named(change).ident, about_whom=change
        )
        return found

    def related(self, change: Change) -> Related:
        """The chain as the source knows it: where the clock is not the source's, as it is today."""
        found: Related = self._recorded.ask("related", self._named(change).ident, about_whom=change)
        return found

    # Writing

    def post_review(
        self,
        change: Change,
        request: ReviewRequest,
        *,
        is_fresh: bool = False,  # noqa: ARG002
    ) -> ReviewOutcome:
        """Keep a review, unless it is there."""
        request.check_size(change)
        earlier = review.find_own(change.messages, self._me.id, request.marker, request.key)
        if earlier:
            return ReviewOutcome(ReviewAction.ALREADY_POSTED, earlier)
        votes = "".join(f" {name}{value:+d}" for name, value in request.labels.items() if value)
        head = f"Patch Set {change.patch_set}:{votes}"
        self._say(change, f"{head}\n\n{request.text}", request.tag)
        written = self._writes(change)
        written.reviewers += [raw_account(self.account(who)) for who in request.reviewers]
        self.posted.append(Posted(change.number, self._now, request.text))
        return ReviewOutcome(ReviewAction.POSTED)

    def set_hashtags(
        self,
        ident: Ident,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        *,
        is_fresh: bool = False,  # noqa: ARG002 - nothing here is stale
    ) -> bool:
        """Keep hashtags; whether anything changed."""
        change = self.change(ident)
        there = set(change.hashtags)
        tags = (there | set(add)) - set(remove)
        if tags == there:
            return False
        self._say(change, "Hashtags changed", "autogenerated:gerrit:setHashtag")
        self._writes(change).hashtags = sorted(tags)
        return True

    def _say(self, change: Change, text: str, tag: str) -> None:
        written = self._writes(change)
        written.say(self._me, text, tag, change.patch_set)
        written.words |= verbs_in(text)
        ident = change_ident(change.number, change.project)
        self._show(ident, self._shown[ident]._replace(updated=self._now))

    def _writes(self, change: Change) -> Written:
        ident = change_ident(change.number, change.project)
        written = self._written.setdefault(ident, Written(self._now))
        written.at = self._now
        return written

    # What is known

    def _named(self, ident: Ident) -> Packed:
        name = _name(ident)
        packed = self._recorded.named(name)
        if packed is not None and packed.ident not in self._shown:
            self._take(packed)
        if packed is None or packed.ident not in self._shown:
            raise RefusedError(f"change {name} does not exist.", status=codes.NOT_FOUND)
        return packed

    def parsed(self, raw: Raw) -> Change:
        """What a search answered. :raises ProtocolError: it makes no sense."""
        return once(raw).change

    def read_raw(self, raw: Raw, policy: Policy) -> Reading:
        """The same, read. :raises ProtocolError: it makes no sense."""
        return once(raw).reading(policy)

    def read_change(self, change: Change, policy: Policy) -> Reading:
        """A change that was answered, read."""
        return self._told(change_ident(change.number, change.project)).reading(change, policy)

    def _told(self, ident: str) -> Answer:
        """The answer of a change that is shown."""
        shown, written = self._shown[ident], self._written.get(ident)

        def put(raw: Raw) -> None:
            if written is not None:
                written.onto(raw)
            raw["updated"], raw["meta_rev_id"] = stamp(shown.updated), self._meta(ident)

        kept = self._answers.get(ident, self._now)
        answer = self._answers.keep(ident, self._made(ident)) if kept is None else kept
        return answer.tell((shown.updated, 0 if written is None else written.count), put)

    def _made(self, ident: str) -> Answer:
        """The change as its history has it now; or, where nobody acts, had it at the beginning."""
        packed, policy = self._named(ident), self._settings.policy
        if self._plays:
            ends = next((beat.at for beat in packed.beats if beat.at > self._now), None)
            return Answer(as_of(packed.raw, self._now, policy), ends)
        is_whole = packed.idle <= self._begun
        return Answer(packed.raw if is_whole else as_of(packed.raw, self._begun, policy), None)

    def _meta(self, ident: str) -> str:
        """Something else whenever anything has happened."""
        written = self._written.get(ident)
        count = 0 if written is None else written.count
        return f"{self._shown[ident].updated.timestamp():.0f}-{count}"


def _name(ident: Ident) -> str:
    return change_ident(ident.number, ident.project) if isinstance(ident, Change) else str(ident)
