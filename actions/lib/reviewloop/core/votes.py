"""The votes that stand on a change, and what they amount to."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Counter as Counts
from typing import Dict, Mapping, NamedTuple, Optional, Set, Tuple

from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy, Vote
from reviewloop.core.records import VoteOf
from reviewloop.core.reds import Reds

Key = Tuple[str, Optional[int]]
# What may make a change red, or begins anew what gates have said.
_OF_REDS = frozenset([EventKind.ROBOT, EventKind.UPLOAD])


class Standing(NamedTuple):
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
        kind = event.kind
        if kind is EventKind.UPLOAD or kind is EventKind.MOVE:
            self._upload(event)
        elif kind is EventKind.DELETION:
            self._delete(event)
        else:
            self._ballot(event, kind is EventKind.ROBOT)

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
        if event.votes or event.removed:
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
        key = vote.label, account
        before, after = self._standing.pop(key, None), Standing(vote.value, automatic, source)
        self._standing[key] = after
        # One that is given again, as by every run of a gate, counts already.
        if before is None or before[:2] != after[:2]:
            if before is not None:
                self._count(key, before, -1)
            self._count(key, after, 1)

    def _is_robot(self, event: Event) -> bool:
        return event.author is not None and self._policy.is_automation(event.author)

    def _drop(self, key: Key) -> None:
        before = self._standing.pop(key, None)
        if before is not None:
            self._count(key, before, -1)

    def _count(self, key: Key, one: Standing, step: int) -> None:
        """Note that a vote stands, or with -1 that it does not any more."""
        account, vote = key[1], Vote(key[0], one.value)
        if step > 0:
            self._by_vote.setdefault(vote, set()).add(account)
            return
        accounts = self._by_vote[vote]
        accounts.discard(account)
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
        self._approving = [0] * len(policy.approval)  # votes that count for each of these
        self._against: Set[Key] = set()  # gates' negative votes
        self._gates: Set[str] = set()  # labels on which gates have voted
        self._verifying = 0  # gates' positive votes on these
        calendar, grace = policy.calendar, policy.red_grace
        self._reds = Reds(lambda at: calendar.add(at, grace.seconds(calendar)), policy.is_peoples)

    def apply(self, event: Event) -> None:
        """Take in one event, whatever else is said of it."""
        self._uploader = event.uploader
        super().apply(event)
        if self._reds.failed or event.kind in _OF_REDS:
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
        return bool(self._reds.failed)

    @property
    def unverified(self) -> bool:
        """A gate has voted on this change, and no positive vote of one stands."""
        return bool(self._gates) and not self._verifying

    @property
    def approved(self) -> bool:
        """Every approval vote of the policy stands, and no person's negative one."""
        return self._negative <= 0 and all(self._approving)

    @property
    def held(self) -> bool:
        """The owner or uploader holds the change back, or somebody's hold vote stands."""
        if not self._negative:
            return self._holding > 0
        own = self._negatives[self._owner] + self._negatives[self._uploader]
        return self._holding > 0 or own > 0

    def _count(self, key: Key, one: Standing, step: int) -> None:
        super()._count(key, one, step)
        label, account = key
        for place, wanted in enumerate(self._policy.approval):
            if label == wanted.label and one.value >= wanted.value:
                self._approving[place] += step
        if one.automatic:
            self._count_gates(key, one.value, step)
            return
        if one.value < 0:
            self._negative += step
            self._negatives[account] += step
        if self._policy.holds(label, one.value):
            self._holding += step

    def _count_gates(self, key: Key, value: int, step: int) -> None:
        if value < 0:
            (self._against.add if step > 0 else self._against.discard)(key)
        if not self._policy.is_peoples(key[0]):
            self._gates.add(key[0])
            if value > 0:
                self._verifying += step


def _outlives(upload: Event, vote: Vote, account: Optional[int]) -> bool:
    named = {VoteOf(vote), VoteOf(vote, account)}
    return bool(named & upload.copied) and not named & upload.outdated
