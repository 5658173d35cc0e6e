"""The votes that stand on a change, and what they amount to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Counter as Counts
from typing import Dict, Mapping, Optional, Set, Tuple

from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy, Vote
from reviewloop.core.records import VoteOf
from reviewloop.core.reds import Reds

Key = Tuple[str, Optional[int]]


@dataclass(frozen=True)
class Standing:
    """A vote that stands: its value, whether a gate cast it, and the event that did."""

    value: int
    automatic: bool
    source: Event


class Ballots:
    """Standing votes by (label, account id), with whether an automation message cast each."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._standing: Dict[Key, Standing] = {}
        self._by_vote: Dict[Vote, Set[Optional[int]]] = {}

    def apply(self, event: Event) -> None:
        """Take in one event, whatever else is said of it."""
        if event.kind in (EventKind.UPLOAD, EventKind.MOVE):
            self._upload(event)
        elif event.kind is EventKind.DELETION:
            self._delete(event)
        elif event.kind in (EventKind.ROBOT, EventKind.REVIEW, EventKind.REPLY):
            self._ballot(event, event.kind is EventKind.ROBOT)

    @property
    def standing(self) -> Mapping[Key, Standing]:
        """The votes that stand."""
        return self._standing

    def _upload(self, event: Event) -> None:
        outdated = {one.vote for one in event.outdated}
        for vote, accounts in list(self._by_vote.items()):
            if vote in outdated or VoteOf(vote) not in event.copied:
                for account in list(accounts):
                    if not _outlives(event, vote, account):
                        self._drop((vote.label, account))
        for kept in event.kept:
            self._cast(kept.vote, kept.account, kept.automatic, event)
        self._ballot(event, self._is_robot(event))

    def _delete(self, event: Event) -> None:
        for gone in event.deleted:
            if gone.account is not None:
                # Whatever its value is by now: a label may have lost some since it was cast.
                self._drop((gone.vote.label, gone.account))
                continue
            for account in set(self._by_vote.get(gone.vote, set())):
                self._drop((gone.vote.label, account))

    def _ballot(self, event: Event, automatic: bool) -> None:
        for label in event.removed:
            self._drop((label, event.whose))
        for vote in event.votes:
            self._cast(vote, event.whose, automatic, event)

    def _cast(self, vote: Vote, account: Optional[int], automatic: bool, source: Event) -> None:
        self._drop((vote.label, account))
        self._standing[vote.label, account] = Standing(vote.value, automatic, source)
        self._count((vote.label, account), 1)

    def _is_robot(self, event: Event) -> bool:
        return event.author is not None and self._policy.is_automation(event.author)

    def _drop(self, key: Key) -> None:
        if key in self._standing:
            self._count(key, -1)
            del self._standing[key]

    def _count(self, key: Key, step: int) -> None:
        """Note that a vote stands, or with -1 that it does not any more."""
        vote = Vote(key[0], self._standing[key].value)
        accounts = self._by_vote.setdefault(vote, set())
        if step > 0:
            accounts.add(key[1])
        else:
            accounts.discard(key[1])
        if not accounts:
            del self._by_vote[vote]


class Votes(Ballots):
    """What the standing votes amount to.

    It is counted as they come and go: it is asked for after every event, and each answer would else
    look at every vote again.
    """

    def __init__(self, policy: Policy, owner: int) -> None:
        super().__init__(policy)
        self._owner = owner
        self._uploader = owner
        self._negatives: Counts[Optional[int]] = Counter()  # people's, by account
        self._negative = self._holding = 0
        self._approving: Counts[Vote] = Counter()
        self._against: Set[Key] = set()  # gates' negative votes
        self._gates: Set[str] = set()  # labels on which gates have voted
        self._verifying = 0  # gates' positive votes on these
        calendar, grace = policy.calendar, policy.red_grace
        self._reds = Reds(
            lambda at: calendar.add(at, grace.seconds(calendar)),
            lambda label: policy.is_review(Vote(label, 1)),
        )

    def apply(self, event: Event) -> None:
        """Take in one event, whatever else is said of it."""
        self._uploader = event.uploader
        super().apply(event)
        self._reds.apply(event, self._against)

    @property
    def next_lapse(self) -> Optional[datetime]:
        """When red ends by itself next, if nothing happens before."""
        return self._reds.next_lapse()

    @property
    def negative(self) -> bool:
        """A person's vote below zero stands."""
        return self._negative > 0

    @property
    def red(self) -> bool:
        """A gate has failed the change, and nothing has ended that (:mod:`reds`)."""
        return bool(self._reds)

    @property
    def unverified(self) -> bool:
        """A gate has voted on this change, and no positive vote of one stands."""
        return bool(self._gates) and not self._verifying

    @property
    def approved(self) -> bool:
        """Every approval vote of the policy stands, and no person's negative one."""
        return not self.negative and all(self._approving[one] for one in self._policy.approval)

    @property
    def held(self) -> bool:
        """The owner or uploader holds the change back, or somebody's hold vote stands."""
        own = self._negatives[self._owner] + self._negatives[self._uploader]
        return self._holding > 0 or own > 0

    def _count(self, key: Key, step: int) -> None:
        super()._count(key, step)
        label, account = key
        standing = self._standing[key]
        for wanted in self._policy.approval:
            if label == wanted.label and standing.value >= wanted.value:
                self._approving[wanted] += step
        self._count_against(label, account, standing, step)

    def _count_against(
        self, label: str, account: Optional[int], standing: Standing, step: int
    ) -> None:
        negative = standing.value < 0
        if standing.automatic:
            if step > 0 and negative:
                self._against.add((label, account))
            else:
                self._against.discard((label, account))
            if not self._policy.is_review(Vote(label, 1)):
                self._gates.add(label)
                self._verifying += step * (standing.value > 0)
            return
        self._negative += step * negative
        self._negatives[account] += step * negative
        self._holding += step * self._policy.holds(label, standing.value)


def _outlives(upload: Event, vote: Vote, account: Optional[int]) -> bool:
    named = {VoteOf(vote), VoteOf(vote, account)}
    return bool(named & upload.copied) and not named & upload.outdated
