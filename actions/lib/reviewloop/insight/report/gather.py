"""One pass over the changes: what is counted on the way, and the small facts that are kept."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Counter as Counts
from typing import DefaultDict, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Account, Change, Message
from reviewloop.core.keys import marks_of
from reviewloop.core.policy import Vote
from reviewloop.core.speech import COMMENTS
from reviewloop.core.steps import Step
from reviewloop.core.turns import TurnEvent
from reviewloop.insight.eta import Past
from reviewloop.insight.report.cycles import Cycles
from reviewloop.insight.report.facts import ChangeFact
from reviewloop.insight.report.poll import Tally
from reviewloop.insight.report.scope import KEPT, Scope
from reviewloop.insight.report.told import told

PROMPT_SECONDS = 600
_NUMBER = re.compile(r"[0-9]+")
_STRONG = 2


@dataclass
class Quarter:
    """What was said in one quarter of a year: by people, this pack, other bots and advisers.

    ``comments`` are those posted with reviews; ``wordy`` reviews consist of words alone, without a
    vote or a comment on the code.
    """

    reviews: int = 0
    comments: int = 0
    wordy: int = 0
    people: int = 0
    pack: int = 0
    bots: int = 0
    advisers: int = 0

    @property
    def messages(self) -> int:
        """All messages."""
        return self.people + self.pack + self.bots + self.advisers


@dataclass
class Seen:
    """Changes that could not be used, by why; and what was left out on purpose."""

    used: int = 0
    no_messages: int = 0
    private: int = 0
    outside: int = 0
    first: Optional[datetime] = None
    last: Optional[datetime] = None


@dataclass
class Gathered:
    """What all changes come to, so far.

    ``hours`` counts reviews by weekday (Monday = 0) and hour, in the calendar's zone; ``reviewers``
    by account, with ``names`` where they are wanted; ``approved`` the approving votes of those who
    were asked, and ``prompt`` those of them within ten minutes. ``past`` are the
    reviewers' waits of the last 540 days. ``reviewing`` and ``maintaining``
    are the accounts that did so, by project and cycle.
    """

    scope: Scope
    cycles: Cycles
    with_names: bool = False
    changes: List[ChangeFact] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    hours: Counts[Tuple[int, int]] = field(default_factory=Counter)
    reviewers: Counts[int] = field(default_factory=Counter)
    names: Dict[int, str] = field(default_factory=dict)
    quarters: DefaultDict[str, Quarter] = field(default_factory=lambda: defaultdict(Quarter))
    past: List[Past] = field(default_factory=list)
    approved: int = 0
    prompt: int = 0
    poll: Tally = field(default_factory=Tally)
    reviewing: DefaultDict[Tuple[str, str], Set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    maintaining: DefaultDict[Tuple[str, str], Set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )

    def take_all(self, changes: Iterable[Change]) -> None:
        """Take in changes, one after the other."""
        for change in changes:
            self.take(change)

    def take(self, change: Change) -> None:
        """Take in a change with its messages."""
        if not change.messages:
            self.seen.no_messages += 1
        elif change.is_private:
            self.seen.private += 1
        elif change.created > self.scope.now:
            self.seen.outside += 1
        else:
            self._use(change)

    def _use(self, change: Change) -> None:
        one, seen = told(change, self.scope), self.seen
        seen.used += 1
        seen.first = min(change.created, seen.first or change.created)
        seen.last = max(change.messages[-1].date, seen.last or change.messages[-1].date)
        self.changes.append(one.fact)
        self.poll.take(one, self.scope)
        begin = self.scope.now - KEPT
        self.past += (each for each in one.past if each.end is None or each.end > begin)
        self._steps([each for each in one.steps if self.scope.holds(each.event.at)], change)
        self._messages(change)
        if one.fact.asks:
            self._asked(change, one.steps)

    def _steps(self, taken: Sequence[Step], change: Change) -> None:
        said: Dict[Tuple[datetime, int], Message] = {}
        for each in change.messages if any(one.kind is TurnEvent.REVIEW for one in taken) else ():
            said[each.date, each.author.id if each.author else 0] = each
        for step in taken:
            self._step(step, change, said)

    def _step(self, step: Step, change: Change, said: Dict[Tuple[datetime, int], Message]) -> None:
        event, author = step.event, step.event.author
        if author is None:
            return
        if any(map(self._is_maintainers, event.votes)) and not self._is_bot(author):
            self.maintaining[change.project, self.cycles.of(event.at)].add(author.id)
        if step.kind is not TurnEvent.REVIEW:
            return
        local = event.at.astimezone(self.scope.policy.calendar.zone)
        self.hours[local.weekday(), local.hour] += 1
        self.reviewers[author.id] += 1
        self.reviewing[change.project, self.cycles.of(event.at)].add(author.id)
        if self.with_names:
            self.names[author.id] = author.name or author.username or str(author.id)
        message = said.get((event.at, author.id))
        comments = _comments(message)
        quarter = self.quarters[quarter_of(event.at)]
        quarter.reviews += 1
        quarter.comments += comments
        quarter.wordy += not comments and not event.votes

    def _messages(self, change: Change) -> None:
        policy = self.scope.policy
        for message in change.messages:
            if not self.scope.holds(message.date):
                continue
            quarter = self.quarters[quarter_of(message.date)]
            if policy.is_own(message):
                quarter.pack += 1
            elif policy.is_adviser(message.author, message.tag):
                quarter.advisers += 1
            elif policy.is_automatic(message):
                quarter.bots += 1
            else:
                quarter.people += 1

    def _asked(self, change: Change, taken: Sequence[Step]) -> None:
        """The approving votes of those who were asked, after it."""
        policy = self.scope.policy
        asks = [
            (message.date, mark.asked)
            for message in change.messages
            if policy.is_own(message)
            for mark in marks_of(message)
        ]
        for step in taken:
            event = step.event
            if event.author is None or not any(vote.value > 0 for vote in event.votes):
                continue
            waited = [
                (event.at - at).total_seconds()
                for at, asked in asks
                if event.author.id in asked and at < event.at
            ]
            if waited:
                self.approved += 1
                self.prompt += min(waited) <= PROMPT_SECONDS

    def _is_maintainers(self, vote: Vote) -> bool:
        approving = (one for one in self.scope.policy.approval if one.label == vote.label)
        return abs(vote.value) >= _STRONG or any(vote.value >= one.value for one in approving)

    def _is_bot(self, account: Account) -> bool:
        return self.scope.policy.is_automation(account)


def quarter_of(instant: datetime) -> str:
    """The quarter of a year, such as ``2026 Q1``."""
    return f"{instant.year} Q{(instant.month + 2) // 3}"


def _comments(message: Optional[Message]) -> int:
    """How many comments were posted with a message."""
    if message is None:
        return 0
    told_ = COMMENTS.search(message.text)
    marked = int(_NUMBER.findall(told_.group())[0]) if told_ else 0
    # Where the general comments were fetched, the mark may still count them.
    return max(marked, len(message.comments))
