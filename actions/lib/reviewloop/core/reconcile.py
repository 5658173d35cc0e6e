"""What Gerrit says now, against what the messages tell: messages date things, the answer decides.

Messages get lost, deleted or say less than happened, and Gerrit's answer to one reading holds the
votes that stand and whether the change is in progress. So where the two differ, the history is
mended, always in the same way: whoever reads the same change twice must find the same waits, or
people are asked twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from reviewloop.core.change import Account, Approval, Change
from reviewloop.core.history import Event, KeptVote, heard, is_advice, read, read_heard, speaker
from reviewloop.core.kinds import EventKind
from reviewloop.core.lost import with_lost_votes
from reviewloop.core.policy import Policy, Vote, is_programs
from reviewloop.core.readiness import as_recorded, mend_privacy, mend_progress
from reviewloop.core.records import VoteOf
from reviewloop.core.votes import Ballots, Key


@dataclass(frozen=True)
class Disagreement:
    """Something that the messages tell otherwise than Gerrit's answer.

    ``what`` is ``vote``, ``work_in_progress`` or ``is_private``; ``told`` is what the messages come
    to and ``true`` what Gerrit says: values of a vote (0 for none), or 0 and 1.
    """

    what: str
    told: int
    true: int
    label: str = ""
    account: int = 0


@dataclass(frozen=True)
class Reconciled:
    """The events of a change such that they come to what Gerrit says, what had to be mended, and
    how many messages are advice.
    """

    events: Tuple[Event, ...]
    disagreements: Tuple[Disagreement, ...] = ()
    advice: int = 0


def reconciled(change: Change, policy: Policy) -> Reconciled:
    """Read a change's messages, and mend what they tell by what Gerrit says now."""
    listened = heard(change, policy)
    told = with_lost_votes(read_heard(listened, policy), listened, change, policy)
    events = as_recorded(told, listened, policy)
    found: List[Disagreement] = []
    wip, private = events[-1].wip, events[-1].private
    if wip is not change.work_in_progress:
        found.append(Disagreement("work_in_progress", int(wip), int(not wip)))
        mend_progress(events, listened, policy)
    if private is not change.is_private:
        found.append(Disagreement("is_private", int(private), int(not private)))
        mend_privacy(events, listened)
    if change.approvals is not None:
        events = _Ballot(change, listened, policy, events, found).mended()
    advice = len(change.messages) - len(listened.messages)
    return Reconciled(tuple(events), tuple(found), advice)


# The value that the events come to, the index of what cast it, and what Gerrit lists.
_Wrong = Tuple[int, int, Optional[Approval]]


class _Ballot:
    """The votes of a history made those that Gerrit lists.

    What is mended is collected first, by the event's index, and put in at the end.
    """

    def __init__(
        self,
        change: Change,
        listened: Change,
        policy: Policy,
        events: List[Event],
        found: List[Disagreement],
    ) -> None:
        self._change = change
        self._heard = listened
        self._policy = policy
        self._events = events
        self._found = found
        self._last_cleared = _last_cleared(events)
        self._completes = False  # Whether a vote outlived an upload of which nothing tells.
        self._after: Dict[int, List[Event]] = {}
        approvals = change.approvals or ()
        self._listed: Dict[Key, Approval] = {(one.label, one.account.id): one for one in approvals}
        self._advised = self._advice()

    def mended(self) -> List[Event]:
        """The events, with what Gerrit lists and the messages do not, and without the opposite."""
        wrong = self._wrong()
        if not wrong:
            return self._events
        for key, (value, _, approval) in wrong.items():
            true = 0 if approval is None else approval.value
            self._found.append(Disagreement("vote", value, true, key[0], key[1] or 0))
        self._mend(wrong)
        self._lay()
        # What came later may have taken away what was put in earlier.
        left = self._wrong()
        last = _touched(self._events, left) if left else {}
        for key, (value, _, approval) in left.items():
            place = last.get(key, self._last_cleared)
            if approval is None:
                self._take_back(key, value, place)
            else:
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

    def _wrong(self) -> Dict[Key, _Wrong]:
        """The votes that differ, by label and account: the value that the events come to with the
        index of what cast it (0 where none stands), and what Gerrit lists, if anything.
        """
        told, listed = self._told(), self._listed
        found: Dict[Key, _Wrong] = {}
        for key in sorted(set(told) | set(listed), key=lambda one: (one[0], one[1] or 0)):
            (value, cast), approval = told.get(key, (0, 0)), listed.get(key)
            true = 0 if approval is None else approval.value
            if value == true or true == self._advised.get(key):
                continue
            if approval is None or not self._policy.is_adviser(approval.account, approval.tag):
                found[key] = (value, cast, approval)
        return found

    def _told(self) -> Dict[Key, Tuple[int, int]]:
        """The value of each vote that the events come to, and the index of what cast it."""
        index = {id(event): i for i, event in enumerate(self._events)}
        votes = Ballots(self._policy)
        for event in self._events:
            votes.apply(event)
        return {key: (one.value, index[id(one.source)]) for key, one in votes.standing.items()}

    def _advice(self) -> Dict[Key, int]:
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
        self._events[cast] = replace(source, votes=votes)
        return True

    def _missing(self, approval: Approval) -> Iterable[Tuple[Approval, datetime]]:
        """A vote that no message tells of: when it was cast; none where it outlived an upload."""
        cleared = self._events[self._last_cleared]
        at = self._date(approval)
        if at is not None and at > cleared.at:
            return [(approval, at)]
        vote = Vote(approval.label, approval.value)
        kept = KeptVote(vote, approval.account.id, self._is_gates(approval))
        self._events[self._last_cleared] = replace(cleared, kept=(*cleared.kept, kept))
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
        return replace(event, kind=kind, silent=not any(map(self._policy.is_review, votes)))

    def _insert(self, event: Event) -> None:
        """Put an event where its time is, behind what cleared votes last."""
        later = range(self._last_cleared + 1, len(self._events))
        behind = next((i for i in later if self._events[i].at > event.at), len(self._events))
        self._put(behind - 1, event)

    def _put(self, i: int, event: Event, *, first: bool = False) -> None:
        before = self._events[i]
        stands = {"wip": before.wip, "private": before.private, "uploader": before.uploader}
        event = replace(event, **stands, place=before.place)
        after = self._after.setdefault(i, [])
        after.insert(0 if first else len(after), event)


def _last_cleared(events: Sequence[Event]) -> int:
    """The index of the last event that took away whatever votes it did not keep."""
    clearing = (EventKind.UPLOAD, EventKind.MOVE)
    return max((i for i, event in enumerate(events) if event.kind in clearing), default=0)


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
