"""What Gerrit says now, against what the messages tell: messages date things, the answer decides.

Messages get lost, deleted or say less than happened, and Gerrit's answer to one reading holds the
votes that stand and whether the change is in progress. So where the two differ, the history is
mended, always in the same way: whoever reads the same change twice must find the same waits, or
people are asked twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from reviewloop.core.change import Account, Approval, Change, ChangeStatus
from reviewloop.core.history import Event, EventKind, KeptVote, read, speaker
from reviewloop.core.policy import Policy, Vote, is_programs
from reviewloop.core.records import VoteOf
from reviewloop.core.votes import Key, Votes


@dataclass(frozen=True)
class Disagreement:
    """Something that the messages tell otherwise than Gerrit's answer.

    ``what`` is ``vote`` or ``work_in_progress``; ``told`` is what the messages come to and ``true``
    what Gerrit says: values of a vote (0 for none), or 0 and 1.
    """

    what: str
    told: int
    true: int
    label: str = ""
    account: int = 0


@dataclass(frozen=True)
class Reconciled:
    """The events of a change such that they come to what Gerrit says, and what had to be mended."""

    events: Tuple[Event, ...]
    disagreements: Tuple[Disagreement, ...] = ()


def reconciled(change: Change, policy: Policy) -> Reconciled:
    """Read a change's messages, and mend what they tell by what Gerrit says now."""
    events = list(read(change, policy))
    found: List[Disagreement] = []
    if change.status is ChangeStatus.NEW:
        events = _ready(events, change, found)
    if change.approvals is not None:
        events = _Ballot(change, policy, events, found).mended()
    return Reconciled(tuple(events), tuple(found))


def _ready(events: List[Event], change: Change, found: List[Disagreement]) -> List[Event]:
    told = events[-1].wip
    true = change.work_in_progress or change.is_private
    if told is true:
        return events
    found.append(Disagreement("work_in_progress", int(told), int(true)))
    last = change.messages[-1] if change.messages else None
    if true:
        at = last.date if last else change.created
        event = Event(EventKind.WIP, at, None, wip=True, uploader=events[-1].uploader)
        return [*events, replace(event, place=len(change.messages))]
    return _made_ready(events, change)


def _made_ready(events: List[Event], change: Change) -> List[Event]:
    """Gerrit keeps no trace where a review with words makes a change ready: then its words are the
    trace. The first message after the last sign of progress by whoever answers for the change: one
    that no later message moves.
    """
    begun = max(i for i, event in enumerate(events) if event.wip and _begins(events, i))
    since = events[begun]
    place, at = _trace(change, since)
    split = next((i for i in range(begun + 1, len(events)) if events[i].place >= place), None)
    split = len(events) if split is None else split
    ready = Event(EventKind.READY, at, None, uploader=since.uploader, place=place)
    after = [replace(event, wip=False) for event in events[split:]]
    return [*events[:split], ready, *after]


def _trace(change: Change, since: Event) -> Tuple[int, datetime]:
    """Place and date of the message that made a change ready which was in progress ``since``."""
    responsible = (change.owner.id, since.uploader)
    later = [(i, one) for i, one in enumerate(change.messages) if i > since.place]
    own = [(i, one) for i, one in later if one.author and one.author.id in responsible]
    place, message = next(iter(own or later), (since.place, None))
    return place, since.at if message is None else message.date


def _begins(events: Sequence[Event], i: int) -> bool:
    kinds = (EventKind.WIP, EventKind.UPLOAD)
    return events[i].kind in kinds or i == 0 or not events[i - 1].wip


class _Ballot:
    """The votes of a history made those that Gerrit lists.

    What is mended is collected first, by the event's index, and put in at the end.
    """

    def __init__(
        self, change: Change, policy: Policy, events: List[Event], found: List[Disagreement]
    ) -> None:
        self._change = change
        self._policy = policy
        self._events = events
        self._found = found
        clearing = (EventKind.UPLOAD, EventKind.MOVE)
        cleared = [i for i, event in enumerate(events) if event.kind in clearing]
        self._last_cleared = cleared[-1] if cleared else 0
        self._after: Dict[int, List[Event]] = {}

    def mended(self) -> List[Event]:
        """The events, with what Gerrit lists and the messages do not, and without the opposite."""
        told, true = self._told(), self._true()
        added: List[Tuple[Approval, datetime]] = []
        for key in sorted(set(told) | set(true), key=lambda one: (one[0], one[1] or 0)):
            standing, approval = told.get(key), true.get(key)
            values = standing[0] if standing else 0, approval.value if approval else 0
            if values[0] == values[1]:
                continue
            self._found.append(Disagreement("vote", *values, key[0], key[1] or 0))
            if approval is None and standing is not None:
                self._take_back(key, *standing)
            elif approval is not None and not (standing and self._correct(*standing, approval)):
                added.extend(self._missing(approval))
        for (at, account), approvals in _grouped(added).items():
            self._insert(self._vote(account, at, approvals))
        self._recheck()
        return [
            one for i, event in enumerate(self._events) for one in (event, *self._after.get(i, ()))
        ]

    def _told(self) -> Dict[Key, Tuple[int, int]]:
        """The value of each vote that the messages come to, and the index of what cast it."""
        index = {id(event): i for i, event in enumerate(self._events)}
        votes = Votes(self._policy, self._change.owner.id)
        for event in self._events:
            votes.apply(event)
        return {key: (one.value, index[id(one.source)]) for key, one in votes.standing.items()}

    def _true(self) -> Dict[Key, Approval]:
        """What Gerrit lists, without advice: that of an account, and that of a tag."""
        advised = self._advised()
        found: Dict[Key, Approval] = {}
        for one in self._change.approvals or ():
            key = one.label, one.account.id
            is_advice = self._policy.is_adviser(one.account, one.tag)
            if not is_advice and advised.get(key) != one.value:
                found[key] = one
        return found

    def _advised(self) -> Dict[Key, int]:
        """The votes that advice comes to which a tag marks: it may bear a person's name."""
        tags = {message.tag for message in self._change.messages}
        if not any(self._policy.is_adviser(None, tag) for tag in tags):
            return {}
        found: Dict[Key, int] = {}
        heard = {event.place for event in self._events}
        for event in read(self._change, replace(self._policy, advisers=())):
            for vote in event.votes:
                found.pop((vote.label, event.whose), None)
                if event.place not in heard:
                    found[vote.label, event.whose] = vote.value
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
        return []

    def _recheck(self) -> None:
        """Votes that outlived an upload are nobody's move; but they may complete an approval."""
        cleared = self._events[self._last_cleared]
        if cleared.kept and not any(self._policy.is_against(one.vote) for one in cleared.kept):
            event = Event(EventKind.DELETION, cleared.at, None)
            self._put(self._last_cleared, event, first=True)

    def _date(self, approval: Approval) -> Optional[datetime]:
        """When a vote was cast; where Gerrit does not say, when its account first spoke since the
        upload: of a message that somebody deleted, author and date remain.
        """
        if approval.date is not None:
            return approval.date
        place = self._events[self._last_cleared].place
        for i, message in enumerate(self._change.messages):
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
        kind = speaker(event, self._change.owner.id, uploader)
        return replace(event, kind=kind, silent=not any(map(self._policy.is_review, votes)))

    def _insert(self, event: Event) -> None:
        """Put an event where its time is, behind what cleared votes last."""
        later = range(self._last_cleared + 1, len(self._events))
        behind = next((i for i in later if self._events[i].at > event.at), len(self._events))
        self._put(behind - 1, event)

    def _put(self, i: int, event: Event, *, first: bool = False) -> None:
        before = self._events[i]
        event = replace(event, wip=before.wip, uploader=before.uploader, place=before.place)
        after = self._after.setdefault(i, [])
        after.insert(0 if first else len(after), event)


def _grouped(
    added: Sequence[Tuple[Approval, datetime]],
) -> Dict[Tuple[datetime, Account], List[Approval]]:
    """Votes of one account and instant together, earliest first."""
    found: Dict[Tuple[datetime, Account], List[Approval]] = {}
    for approval, at in sorted(added, key=lambda one: (one[1], one[0].account.id, one[0].label)):
        found.setdefault((at, approval.account), []).append(approval)
    return found
