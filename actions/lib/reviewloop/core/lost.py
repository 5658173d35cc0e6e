"""Votes of which no message tells any more, as later records show that they stood.

Somebody deleted the message, or Gerrit wrote none: of the first patch set where it was pushed with
a hashtag, and of what outlived a move. But an upload lists every vote that there was, and a
deletion names the one that it takes away. So what was read of such a vote while Gerrit's answer
listed it is read alike when it is gone.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Account, Change
from reviewloop.core.history import Event, KeptVote, is_advice, speaker
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy, Vote, is_programs
from reviewloop.core.records import VoteOf
from reviewloop.core.speech import review_of
from reviewloop.core.votes import Ballots, Key, Standing

#: How what Gerrit leaves of a message begins that somebody deletes (``DeleteChangeMessage.java``);
#: its author, date and tag stay.
DELETED = "Change message removed by: "


def with_lost_votes(
    events: Sequence[Event], listened: Change, change: Change, policy: Policy
) -> List[Event]:
    """The events of a change, with votes that later ones show and none tells.

    :param listened: the change in which no adviser speaks, of which the events are.
    """
    deleted = [i for i, one in enumerate(listened.messages) if one.text.startswith(DELETED)]
    silent = events[0].place < 0 or any(one.kind is EventKind.MOVE for one in events)
    if not deleted and not silent:
        return list(events)
    return _Lost(events, listened, policy, deleted, _advised(change, policy)).found()


def _advised(change: Change, policy: Policy) -> FrozenSet[VoteOf]:
    """Votes that advice came with: records list them like others."""
    found: Set[VoteOf] = set()
    for message in change.messages:
        review = review_of(message.text) if is_advice(message, policy) else None
        account = message.author.id if message.author else None
        for vote in review[1].cast if review else ():
            found |= {VoteOf(vote), VoteOf(vote, account)}
    return frozenset(found)


@dataclass(frozen=True)
class _Source:
    """Where somebody may have voted without a trace: a message's place, or -1 for the beginning."""

    place: int
    at: datetime
    account: Account
    automatic: bool


class _Votes(Ballots):
    """Standing votes that are looked for by their value, and put in by hand."""

    def stands(self, one: VoteOf) -> bool:
        accounts = self._by_vote.get(one.vote, set())
        return bool(accounts) if one.account is None else one.account in accounts

    def put(self, kept: KeptVote, source: Event) -> None:
        self._cast(kept.vote, kept.account, kept.automatic, source)


class _Lost:
    """Walks the events once; what they show of earlier ones is put in at the end."""

    def __init__(
        self,
        events: Sequence[Event],
        change: Change,
        policy: Policy,
        deleted: Sequence[int],
        advised: FrozenSet[VoteOf],
    ) -> None:
        self._events = events
        self._places = [event.place for event in events]
        self._change = change
        self._policy = policy
        self._deleted = deleted
        self._advised = advised
        self._votes = _Votes(policy)
        self._kept: Dict[int, List[KeptVote]] = {}
        self._cast: Dict[int, Dict[int, Event]] = {}  # behind an event, by the message's place
        # Since the last upload that tells what it kept: who may have voted without a trace, with
        # the last place where, the uploads and moves that do not tell what they kept, and the votes
        # that these may have kept, each with those that may have.
        self._sources: Dict[int, _Source] = {}
        self._next = 0  # of the deleted messages
        first = events[0]
        if first.place < 0 and first.author is not None:
            automatic = policy.is_automation(first.author)
            self._sources[first.author.id] = _Source(-1, first.at, first.author, automatic)
        self._untold: List[int] = []
        self._before: Dict[Key, Tuple[Standing, List[int]]] = {}

    def found(self) -> List[Event]:
        """The events with what is shown."""
        for i, event in enumerate(self._events):
            self._listen(event.place)
            for one in sorted(_shown(event), key=str):
                self._show(one)
            for label in event.removed:
                self._keep((label, event.whose))
            if event.kind in (EventKind.UPLOAD, EventKind.MOVE):
                self._clear(i, event)
            self._votes.apply(event)
        return [one for i, event in enumerate(self._events) for one in self._with(i, event)]

    def _with(self, i: int, event: Event) -> Iterator[Event]:
        kept = self._kept.get(i)
        yield event._replace(kept=(*event.kept, *kept)) if kept else event
        yield from (said for _, said in sorted(self._cast.get(i, {}).items()))

    def _clear(self, i: int, event: Event) -> None:
        if event.kind is EventKind.UPLOAD and not (event.place < 0 or self._is_deleted(event)):
            self._sources, self._untold, self._before = {}, [], {}
        else:
            for _, untold in self._before.values():
                untold.append(i)
            self._before.update({key: (one, [i]) for key, one in self._votes.standing.items()})
            self._untold.append(i)

    def _is_deleted(self, event: Event) -> bool:
        return self._change.messages[event.place].text.startswith(DELETED)

    def _show(self, one: VoteOf) -> None:
        """A vote stood before an event."""
        labels = self._change.labels
        is_none = one in self._advised or (labels is not None and one.vote.label not in labels)
        if is_none or self._votes.stands(one):
            return
        key = self._outlived(one)
        if key is not None:
            self._keep(key)
        else:
            self._attribute(one)

    def _outlived(self, one: VoteOf) -> Optional[Key]:
        """The vote that stood before it was not told what was kept, if it did."""
        label, value = one.vote.label, one.vote.value
        if one.account is not None:
            before = self._before.get((label, one.account))
            return (label, one.account) if before and before[0].value == value else None
        keys = (key for key, (before, _) in self._before.items() if before.value == value)
        return next((key for key in keys if key[0] == label), None)

    def _keep(self, key: Key) -> None:
        """A vote outlived the uploads and moves that do not tell what they kept."""
        before, untold = self._before.pop(key, (None, []))
        if before is not None and key[1] is not None and key not in self._votes.standing:
            self._put(KeptVote(Vote(key[0], before.value), key[1], before.automatic), untold)

    def _attribute(self, one: VoteOf) -> None:
        """A vote was cast by a message that is gone, unless it may have been several people's."""
        account = one.account
        if account is None and len(self._sources) == 1:
            account = next(iter(self._sources))
        by = None if account is None else self._sources.get(account)
        if by is None:
            return
        kept = KeptVote(one.vote, by.account.id, by.automatic)
        at = bisect_right(self._places, by.place) - 1
        if self._places[at] == by.place:
            self._put(kept, [at])
        else:
            self._say(kept, by, at)
        self._put(kept, [j for j in self._untold if j > at])

    def _listen(self, end: int) -> None:
        """Take in who may have voted before a place without a trace."""
        policy = self._policy
        while self._next < len(self._deleted) and self._deleted[self._next] < end:
            place = self._deleted[self._next]
            message = self._change.messages[place]
            if message.author is not None:
                automatic = policy.is_automation(message.author) or is_programs(message.tag)
                found = _Source(place, message.date, message.author, automatic)
                self._sources[found.account.id] = found
            self._next += 1

    def _say(self, kept: KeptVote, by: _Source, behind: int) -> None:
        """Put in that an account voted, behind an event; several votes of a message together."""
        before = self._events[behind]
        said = self._cast.setdefault(behind, {})
        known = said.get(by.place)
        votes = (*(known.votes if known else ()), kept.vote)
        kind = EventKind.ROBOT
        if not by.automatic:
            kind = speaker(by.account, votes, self._change.owner.id, before.uploader)
        silent = not by.automatic and not any(map(self._policy.is_review, votes))
        said[by.place] = Event(
            kind,
            by.at,
            by.account,
            votes=votes,
            silent=silent,
            place=by.place,
            **before.stands,
        )
        self._votes.put(kept, said[by.place])

    def _put(self, kept: KeptVote, places: Iterable[int]) -> None:
        """Let uploads and moves keep a vote."""
        for i in places:
            self._kept.setdefault(i, []).append(kept)
            self._votes.put(kept, self._events[i])


def _shown(event: Event) -> FrozenSet[VoteOf]:
    """The votes that stood before an event as it tells."""
    if event.kind is EventKind.UPLOAD:
        return event.copied | event.outdated
    return event.deleted
