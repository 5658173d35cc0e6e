"""Accounts that behave like bots and are not marked as such: their words count as people's.

Much speaks for a bot that does not for a person: it marks its messages as a program's; it answers
nearly every patch set, within minutes; it does so at all hours of day and week; and it says the
same over and over. A bot that tests or reviews also uploads next to nothing, and a person whose
account a script uses does. None of it alone is enough but the mark; an account is named by the
mark, or by its own words and one more of these.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Counter as Counts
from typing import Dict, Iterable, List, Set, Tuple

from reviewloop.core.change import Account, Change, Message
from reviewloop.core.history import read
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy, is_programs
from reviewloop.core.speech import matches, review_of

#: Messages and changes below which nothing is concluded of an account.
FEW, FEW_CHANGES = 20, 5
#: The same of one change alone.
FEW_IN_ONE = 3
_MINUTES = timedelta(minutes=10)
_MOST, _NEARLY_ALL = 0.8, 0.95
_HOURS, _WEEKEND = 22, 0.05
_UPLOADS = 0.02
_SATURDAY = 5
_SHAPE_CAP = 40
# Numbers, addresses and names change from one message of a bot to the next, the rest does not.
_VARIES = re.compile(r"https?://\S+|[0-9a-f]{7,}|[0-9]+")


@dataclass(frozen=True)
class Unmarked:
    """An account, how often it spoke on how many changes, and what makes it look like a bot:
    ``tagged``, ``prompt``, ``around_the_clock``, ``repetitive``.
    """

    account: Account
    messages: int
    changes: int
    signs: Tuple[str, ...]


@dataclass
class _Habits:
    account: Account
    messages: int = 0
    tagged: int = 0
    uploads: int = 0
    patch_sets: int = 0
    prompt: int = 0
    weekend: int = 0
    changes: Set[Tuple[str, int]] = field(default_factory=set)
    hours: Set[int] = field(default_factory=set)
    shapes: Counts[str] = field(default_factory=Counter)

    def signs(self) -> Tuple[str, ...]:
        repeated = sum(
            count for shape, count in self.shapes.items() if shape and count >= FEW_IN_ONE
        )
        found = (
            ("tagged", self.tagged >= _NEARLY_ALL * self.messages),
            ("prompt", self.prompt >= max(_MOST * self.patch_sets, 1)),
            (
                "around_the_clock",
                len(self.hours) >= _HOURS and self.weekend >= _WEEKEND * self.messages,
            ),
            ("repetitive", repeated >= _MOST * self.messages),
        )
        return tuple(name for name, holds in found if holds)

    def looks_like_a_bot(self, few: int, few_changes: int) -> bool:
        if self.messages < few or len(self.changes) < few_changes:
            return False
        signs = self.signs()
        by_itself = "tagged" in signs or ("repetitive" in signs and len(signs) > 1)
        return by_itself and self.uploads <= _UPLOADS * self.messages


class Habits:
    """What accounts do that are not marked as bots, gathered change by change."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._found: Dict[int, _Habits] = {}

    def note(self, change: Change) -> None:
        """Take in a change with its messages."""
        uploads = self._uploads(change)
        answered: Set[Tuple[int, int]] = set()
        spoke: Set[int] = set()
        for message in change.messages:
            author = message.author
            if author is None or review_of(message.text) is None or self._is_marked(author):
                continue
            habits = self._found.setdefault(author.id, _Habits(author))
            spoke.add(author.id)
            self._spoke(habits, change, message)
            latest = bisect_right(uploads, message.date) - 1
            if latest >= 0 and (author.id, latest) not in answered:
                answered.add((author.id, latest))
                habits.prompt += message.date - uploads[latest] <= _MINUTES
        for who in spoke:
            self._found[who].patch_sets += len(uploads)

    def unmarked(self, few: int = FEW, few_changes: int = FEW_CHANGES) -> List[Unmarked]:
        """Who looks like a bot, those that spoke most first."""
        found = [one for one in self._found.values() if one.looks_like_a_bot(few, few_changes)]
        return [
            Unmarked(one.account, one.messages, len(one.changes), one.signs())
            for one in sorted(found, key=lambda one: (-one.messages, one.account.id))
        ]

    def _uploads(self, change: Change) -> List[datetime]:
        """When patch sets came, in order; whoever uploads is noted, the owner too."""
        owner = self._found.setdefault(change.owner.id, _Habits(change.owner))
        owner.uploads += 1
        instants = []
        for event in read(change, self._policy):
            if event.kind is EventKind.UPLOAD:
                instants.append(event.at)
                if event.author is not None:
                    self._found.setdefault(event.author.id, _Habits(event.author)).uploads += 1
        return sorted(instants)

    def _spoke(self, habits: _Habits, change: Change, message: Message) -> None:
        habits.messages += 1
        habits.changes.add((change.project, change.number))
        habits.tagged += is_programs(message.tag)
        habits.hours.add(message.date.hour)
        habits.weekend += message.date.weekday() >= _SATURDAY
        habits.shapes[self._shape(message)] += 1

    def _shape(self, message: Message) -> str:
        """How a message begins, without what varies; "" where people write the same to a bot."""
        below = (line.strip() for line in message.text.split("\n")[1:])
        first = next((line[:200] for line in below if line), "")
        if matches(self._policy.noise, first) or first.startswith(("(", "/")):
            return ""
        return _VARIES.sub("#", first)[:_SHAPE_CAP]

    def _is_marked(self, account: Account) -> bool:
        return self._policy.is_automation(account)


def unmarked_in(change: Change, policy: Policy) -> List[Unmarked]:
    """Who looks like a bot on one change: little to go by, so only where it spoke three times, each
    time with a program's mark, or in the same words within minutes of the patch set.
    """
    habits = Habits(policy)
    habits.note(change)
    found = habits.unmarked(FEW_IN_ONE, 1)
    return [
        one for one in found if "tagged" in one.signs or {"prompt", "repetitive"} <= set(one.signs)
    ]


def told(found: Iterable[Unmarked]) -> List[str]:
    """A line an account, for people."""
    return [
        f"{one.account.id} {one.account.name or one.account.username or '(no name)'}:"
        f" {one.messages} messages on {one.changes} changes ({', '.join(one.signs)})"
        for one in found
    ]
