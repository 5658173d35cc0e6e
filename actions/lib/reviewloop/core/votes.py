"""The votes that stand on a change, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

from reviewloop.core.history import Event, EventKind
from reviewloop.core.policy import Policy, Vote


@dataclass(frozen=True)
class _Standing:
    value: int
    automatic: bool


class Votes:
    """Standing votes by (label, account), with whether an automation message cast each."""

    def __init__(self, policy: Policy, owner: int) -> None:
        self._policy = policy
        self._owner = owner
        self._uploader = owner
        self._standing: Dict[Tuple[str, Optional[int]], _Standing] = {}

    def apply(self, event: Event) -> None:
        """Take in one event, whatever else is said of it."""
        self._uploader = event.uploader
        if event.kind is EventKind.UPLOAD:
            self._keep(lambda vote: vote in event.copied)
        elif event.kind is EventKind.DELETION:
            self._keep(lambda vote: vote not in event.votes)
        elif event.kind in (EventKind.ROBOT, EventKind.REVIEW, EventKind.REPLY):
            self._said(event)

    @property
    def negative(self) -> bool:
        """A person's vote below zero stands."""
        return any(v.value < 0 and not v.automatic for v in self._standing.values())

    @property
    def red(self) -> bool:
        """Automation's vote below zero stands."""
        return any(v.value < 0 and v.automatic for v in self._standing.values())

    @property
    def approved(self) -> bool:
        """Every approval vote of the policy stands, and no person's negative one."""
        if self.negative:
            return False
        return all(self._stands(wanted) for wanted in self._policy.approval)

    @property
    def held(self) -> bool:
        """The owner or uploader holds the change back, or somebody's hold vote stands."""
        return any(
            self._holds(label, account, vote) for (label, account), vote in self._standing.items()
        )

    def _holds(self, label: str, account: Optional[int], vote: _Standing) -> bool:
        if vote.automatic:
            return False
        if vote.value < 0 and account in (self._owner, self._uploader):
            return True
        return any(label == hold.label and vote.value <= hold.value for hold in self._policy.hold)

    def _stands(self, wanted: Vote) -> bool:
        return any(
            label == wanted.label and vote.value >= wanted.value
            for (label, _), vote in self._standing.items()
        )

    def _keep(self, wanted: Callable[[Vote], bool]) -> None:
        self._standing = {
            key: vote for key, vote in self._standing.items() if wanted(Vote(key[0], vote.value))
        }

    def _said(self, event: Event) -> None:
        author = event.author.id if event.author else None
        automatic = event.kind is EventKind.ROBOT
        for label in event.removed:
            standing = self._standing.get((label, author))
            # A CI that starts over takes its vote back; it has not recovered yet.
            if standing is not None and not (automatic and standing.value < 0):
                del self._standing[label, author]
        for vote in event.votes:
            self._standing[vote.label, author] = _Standing(vote.value, automatic)
