"""What Gerrit says now, against what the messages tell: messages date things, the answer decides.

Messages get lost, deleted or say less than happened, and Gerrit's answer to one reading holds the
votes that stand and whether the change is in progress. So where the two differ, the history is
mended, always in the same way: whoever reads the same change twice must find the same waits, or
people are asked twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from reviewloop.core.change import Account, Approval, Change
from reviewloop.core.history import Event, KeptVote, is_advice, read, speaker
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy, Vote, is_programs
from reviewloop.core.records import VoteOf
from reviewloop.core.telling import Disagreement, Told, told
from reviewloop.core.votes import Ballots, Key, Standing


@dataclass(frozen=True)
class Reconciled:
    """The events of a change such that they come to what Gerrit says, what had to be mended, and
    how many messages are advice.
    """

    events: Tuple[Event, ...]
    disagreements: Tuple[Disagreement, ...] = ()
    advice: int = 0


def mended(story: Told, policy: Policy, standing: Mapping[Key, Standing]) -> Reconciled:
    """Mend the votes, too.

    :param standing: the votes that the events come to; whoever follows them knows these.
    """
    events, found = story.events, list(story.disagreements)
    if story.change.approvals is not None:
        events = _Ballot(story, policy, found).mended(standing)
    advice = len(story.change.messages) - len(story.heard.messages)
    return Reconciled(tuple(events), tuple(found), advice)


def reconciled(change: Change, policy: Policy) -> Reconciled:
    """Read a change's messages, and mend what they tell by what Gerrit says now."""
    story = told(change, policy)
    return mended(story, policy, _standing(story.events, policy))


def _standing(events: Iterable[Event], policy: Policy) -> Mapping[Key, Standing]:
    votes = Ballots(policy)
    for event in events:
        votes.apply(event)
    return votes.standing


# The value that the events come to, the index of what cast it, and what Gerrit lists.
_Wrong = Tuple[int, int, Optional[Approval]]


class _Ballot:
    """The votes of a history made those that Gerrit lists.

    What is mended is collected first, by the event's index, and put in at the end.
    """

    def __init__(self, story: Told, policy: Policy, found: List[Disagreement]) -> None:
        change, events = story.change, story.events
        self._change = change
        self._heard = story.heard
        self._policy = policy
        self._events = events
        self._found = found
        self._last_cleared = 0  # Known once something is to be mended.
        self._completes = False  # Whether a vote outlived an upload of which nothing tells.
        self._after: Dict[int, List[Event]] = {}
        approvals = change.approvals or ()
        self._listed: Dict[Key, Approval] = {(one.label, one.account.id): one for one in approvals}

    def mended(self, standing: Mapping[Key, Standing]) -> List[Event]:
        """The events, with what Gerrit lists and the messages do not, and without the opposite."""
        wrong = self._wrong(standing)
        if not wrong:
            return self._events
        for key, (value, _, approval) in wrong.items():
            true = 0 if approval is None else approval.value
            self._found.append(Disagreement("vote", value, true, key[0], key[1] or 0))
        self._last_cleared = _last_cleared(self._events)
        self._mend(wrong)
        self._lay()
        # What came later may have taken away what was put in earlier; what was taken back where it
        # was last cast does not come back.
        left = self._wrong(_standing(self._events, self._policy))
        last = _touched(self._events, left) if left else {}
        for key, (_, _, approval) in left.items():
            if approval is not None:
                place = last.get(key, self._last_cleared)
                at = self._events[place].at
                self._put(place, self._vote(approval.account, at, [approval]))
        self._lay()
        return self._events

    def _mend(self, wrong: Mapping[Key, _Wrong]) -> None:
        added: List[Tuple[Approval, datetime]] = []
        for key, (value, cast, approval) in wrong.items():
            if approval is None:
                self._take_back(key, value, cast)
            elif not (value and self._correct(value, cast, approval)):
                added.extend(self._missing(approval))
        for (at, account), approvals in _grouped(added).items():
            self._insert(self._vote(account, at, approvals))
        self._recheck()

    def _lay(self) -> None:
        """Put in what was collected."""
        after, self._after = self._after, {}
        self._events = [
            one for i, event in enumerate(self._events) for one in (event, *after.get(i, ()))
        ]
        self._last_cleared = _last_cleared(self._events)

    def _wrong(self, standing: Mapping[Key, Standing]) -> Dict[Key, _Wrong]:
        """The votes that differ, by label and account: the value that the events come to with the
        index of what cast it (0 where none stands), and what Gerrit lists, if anything.
        """
        listed = self._listed
        keys = [
            key
            for key in {**standing, **listed}
            if _value(standing.get(key)) != _value(listed.get(key))
        ]
        found: Dict[Key, _Wrong] = {}
        index = {id(event): i for i, event in enumerate(self._events)} if keys else {}
        for key in sorted(keys, key=lambda one: (one[0], one[1] or 0)):
            stands, approval = standing.get(key), listed.get(key)
            if _value(approval) == self._advised.get(key):
                continue
            if approval is None or not self._policy.is_adviser(approval.account, approval.tag):
                cast = 0 if stands is None else index[id(stands.source)]
                found[key] = (_value(stands), cast, approval)
        return found

    @cached_property
    def _advised(self) -> Dict[Key, int]:
        """What advice came to last that only a tag marks, 0 where it took a vote back: it may bear
        the name of a person, of whose vote Gerrit's answer then says nothing.
        """
        messages = self._change.messages
        tags = {message.tag for message in messages}
        if not any(self._policy.is_adviser(None, tag) for tag in tags):
            return {}
        found: Dict[Key, int] = {}
        for event in read(self._change, replace(self._policy, advisers=())):
            spoken = 0 <= event.place < len(messages)
            advises = spoken and is_advice(messages[event.place], self._policy)
            for label, value in _values(event):
                found.pop((label, event.whose), None)
                if advises:
                    found[label, event.whose] = value
        return found

    def _take_back(self, key: Key, value: int, cast: int) -> None:
        """A vote that Gerrit does not list, such as one of a retired label, counts as taken back
        when it was cast.
        """
        source = self._events[cast]
        gone = frozenset([VoteOf(Vote(key[0], value), key[1])])
        self._put(cast, Event(EventKind.DELETION, source.at, None, deleted=gone))

    def _correct(self, value: int, cast: int, approval: Approval) -> bool:
        """Give a vote the value that Gerrit lists, from when it was cast on; False where it was
        cast again later, of which nothing is told.
        """
        source, wrong = self._events[cast], Vote(approval.label, value)
        if wrong not in source.votes or (approval.date or source.at) > source.at:
            return False
        right = Vote(approval.label, approval.value)
        votes = tuple(right if vote == wrong else vote for vote in source.votes)
        self._events[cast] = source._replace(votes=votes)
        return True

    def _missing(self, approval: Approval) -> Iterable[Tuple[Approval, datetime]]:
        """A vote that no message tells of: when it was cast; none where it outlived an upload."""
        cleared = self._events[self._last_cleared]
        at = self._date(approval)
        if at is not None and at > cleared.at:
            return [(approval, at)]
        vote = Vote(approval.label, approval.value)
        kept = KeptVote(vote, approval.account.id, self._is_gates(approval))
        self._events[self._last_cleared] = cleared._replace(kept=(*cleared.kept, kept))
        self._completes |= at is not None
        return []

    def _recheck(self) -> None:
        """Votes that outlived an upload are nobody's move; but they may complete an approval."""
        cleared = self._events[self._last_cleared]
        against = any(self._policy.is_against(one.vote) for one in cleared.kept)
        if self._completes and not against:
            event = Event(EventKind.DELETION, cleared.at, None)
            self._put(self._last_cleared, event, first=True)

    def _date(self, approval: Approval) -> Optional[datetime]:
        """When a vote was cast; where Gerrit does not say, when its account first spoke since the
        upload: of a message that somebody deleted, author and date remain.
        """
        if approval.date is not None:
            return approval.date
        place = self._events[self._last_cleared].place
        for i, message in enumerate(self._heard.messages):
            if i > place and message.author and message.author.id == approval.account.id:
                return message.date
        return None

    def _is_gates(self, approval: Approval) -> bool:
        return self._policy.is_automation(approval.account) or is_programs(approval.tag)

    def _vote(self, account: Account, at: datetime, approvals: Sequence[Approval]) -> Event:
        votes = tuple(Vote(one.label, one.value) for one in approvals)
        event = Event(EventKind.ROBOT, at, account, votes)
        if any(map(self._is_gates, approvals)):
            return event
        uploader = self._events[self._last_cleared].uploader
        kind = speaker(account, votes, self._change.owner.id, uploader)
        return event._replace(kind=kind, silent=not any(map(self._policy.is_review, votes)))

    def _insert(self, event: Event) -> None:
        """Put an event where its time is, behind what cleared votes last."""
        later = range(self._last_cleared + 1, len(self._events))
        behind = next((i for i in later if self._events[i].at > event.at), len(self._events))
        self._put(behind - 1, event)

    def _put(self, i: int, event: Event, *, first: bool = False) -> None:
        before = self._events[i]
        event = event._replace(**before.stands, place=before.place)
        after = self._after.setdefault(i, [])
        after.insert(0 if first else len(after), event)


def _value(vote: Union[Standing, Approval, None]) -> int:
    return 0 if vote is None else vote.value


def _last_cleared(events: Sequence[Event]) -> int:
    """The index of the last event that took away whatever votes it did not keep."""
    clearing = (EventKind.UPLOAD, EventKind.MOVE)
    return next(i for i in reversed(range(len(events))) if events[i].kind in clearing)


def _touched(events: Sequence[Event], keys: Iterable[Key]) -> Dict[Key, int]:
    """The index of the last event that may have cast or taken away each vote since votes were
    cleared; none for one of which no event tells.
    """
    by_account: Dict[Key, int] = {}
    by_label: Dict[str, int] = {}
    for i in range(_last_cleared(events), len(events)):
        event = events[i]
        for label, _ in _values(event):
            by_account[label, event.whose] = i
        for gone in event.deleted:
            if gone.account is None:
                by_label[gone.vote.label] = i
            else:
                by_account[gone.vote.label, gone.account] = i
    places = {key: max(by_account.get(key, -1), by_label.get(key[0], -1)) for key in keys}
    return {key: place for key, place in places.items() if place >= 0}


def _values(event: Event) -> Iterable[Tuple[str, int]]:
    """What an event says on each label, 0 for a vote taken back."""
    yield from ((label, 0) for label in event.removed)
    yield from ((vote.label, vote.value) for vote in event.votes)


def _grouped(
    added: Sequence[Tuple[Approval, datetime]],
) -> Dict[Tuple[datetime, Account], List[Approval]]:
    """Votes of one account and instant together, earliest first."""
    found: Dict[Tuple[datetime, Account], List[Approval]] = {}
    for approval, at in sorted(added, key=lambda one: (one[1], one[0].account.id, one[0].label)):
        found.setdefault((at, approval.account), []).append(approval)
    return found
