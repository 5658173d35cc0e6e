"""What became of many changes: pure counting over what Gerrit and the tracker show."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from sandbox.gerrit.seed import PACK_ACCOUNT
from sandbox.trackers.roundup import SeenIssue

# Written down here once more: what is counted must not follow the pack's own idea of it.
_ASK = re.compile(r"^\[st2-gerrit escalate ", re.MULTILINE)
_CHANGE = re.compile(r"/c/[^\s+]+/\+/(\d+)")


#: Of a change that nobody forgot, and about which nobody was asked twice; and of all others.
GOOD = ("asked", "joined")
BAD = ("half", "doubled", "never")


@dataclass(frozen=True)
class Fate:
    """One change: our comments that ask, its tickets, who was asked, who has the tickets.

    :ivar at: when the last of these comments was written, by Gerrit's clock.
    """

    number: int
    comments: int
    tickets: int
    asked: Tuple[str, ...]
    assignees: Tuple[str, ...]
    joined: bool = False
    at: Optional[datetime] = None

    @property
    def word(self) -> str:
        """``asked`` once and whole, ``doubled``, ``half``, ``joined`` to another's ask, ``never``.

        "Joined" are those that another change's comment lists and that show nothing of their own.
        """
        traces = (self.comments, self.tickets, len(self.asked))
        if max(traces) > 1:
            return "doubled"
        if traces == (1, 1, 1):
            return "asked" if self.asked == self.assignees else "half"
        if any(traces):
            return "half"
        return "joined" if self.joined else "never"


def fates(
    changes: Iterable[Mapping[str, Any]], issues: Sequence[SeenIssue], committee: Sequence[str]
) -> List[Fate]:
    """The fate of each change, in their order.

    :param changes: Gerrit's ChangeInfo with messages, reviewers and detailed accounts.
    :param issues: all tickets of the tracker.
    :param committee: the roster, by username.
    """
    changes = list(changes)
    tickets = _tickets(issues)
    listed = {number for change in changes for number in _listed(change)}
    found = []
    for change in changes:
        number = change["_number"]
        own = tickets.get(number, [])
        found.append(
            Fate(
                number=number,
                comments=len(_asks(change)),
                tickets=len(own),
                asked=tuple(sorted(_reviewers(change) & set(committee))),
                assignees=tuple(sorted(issue.assignee for issue in own)),
                joined=number in listed,
                at=max((_instant(one["date"]) for one in _asks(change)), default=None),
            )
        )
    return found


def asked_count(changes: Iterable[Mapping[str, Any]]) -> int:
    """How many changes have a comment that asks."""
    return sum(1 for change in changes if _asks(change))


def table(found: Sequence[Fate], committee: Sequence[str]) -> List[str]:
    """Lines for people."""
    words = Counter(fate.word for fate in found)
    people = Counter(name for fate in found for name in fate.asked)
    lines = [f"changes        {len(found)}"]
    lines += [f"{word:<14} {words[word]}" for word in (*GOOD, *BAD)]
    lines.append("comments each  " + _spread(Counter(fate.comments for fate in found)))
    lines.append("tickets each   " + _spread(Counter(fate.tickets for fate in found)))
    lines.append("per person     " + _spread({name: people[name] for name in committee}))
    for word in BAD:
        numbers = [str(fate.number) for fate in found if fate.word == word]
        if numbers:
            lines.append(f"{word}: " + " ".join(numbers[:40]) + (" …" if numbers[40:] else ""))
    return lines


def _spread(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{key}: {count}" for key, count in sorted(counts.items()))


def _instant(date: str) -> datetime:
    """Gerrit's timestamp, in UTC, to the second."""
    return datetime.fromisoformat(date.partition(".")[0]).replace(tzinfo=timezone.utc)


def _own(change: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    messages = change.get("messages", ())
    return [one for one in messages if one.get("author", {}).get("username") == PACK_ACCOUNT]


def _asks(change: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return [one for one in _own(change) if _ASK.search(one["message"])]


def _listed(change: Mapping[str, Any]) -> List[int]:
    """Other changes that our asking comment names."""
    texts = [one["message"] for one in _asks(change)]
    found = {int(number) for text in texts for number in _CHANGE.findall(text)}
    return sorted(found - {change["_number"]})


def _reviewers(change: Mapping[str, Any]) -> Set[str]:
    return {one.get("username", "") for one in change.get("reviewers", {}).get("REVIEWER", ())}


def _tickets(issues: Iterable[SeenIssue]) -> Dict[int, List[SeenIssue]]:
    """Tickets by the change that their first message names first."""
    found: Dict[int, List[SeenIssue]] = {}
    for issue in issues:
        named = _CHANGE.search("\n".join(issue.messages))
        if named:
            found.setdefault(int(named[1]), []).append(issue)
    return found
