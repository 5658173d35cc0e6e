"""Changes that belong together are asked for once: a relation chain, a topic, an owner's push.

Reviewers and submitter of a change are not asked while it is built on an open one: it cannot be
merged before that, and they move less often. It is *joined* to the change at the bottom of its
chain, whatever that one waits for. Of a topic or a push the change that has waited longest is asked
for, and its message lists the others, which are joined as well. Joining can never go round in a
circle: it leads down the chain, or to a wait that is older than any that joins through this change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import List, Optional, Tuple

from reviewloop.gerrit.chain import Related

Key = Tuple[datetime, int]


@dataclass(frozen=True)
class Sibling:
    """Another change that waits for the same party and has reached the same milestone.

    :param asked: whether somebody of the roster is asked for it at that milestone or a later one.
    :param bottom: the open change at the bottom of its chain, which leads in its place or not at
        all; 0 where it is on none, or that is not known.
    """

    number: int
    key: Key
    asked: bool = False
    bottom: int = 0


@dataclass(frozen=True)
class Group:
    """The change assessed, ``key`` its own place, and its siblings.

    :param bottom: the open change at the bottom of the chain, 0 where it may not be named; None
        where there is none, or where it is no matter (the owner is asked all the same).
    """

    number: int
    key: Key
    related: Related
    siblings: Tuple[Sibling, ...] = ()
    bottom: Optional[int] = None

    @property
    def leader(self) -> int:
        """In whose name this change is asked for: its own number where it leads; 0 where that may
        not be named.
        """
        if self.bottom is not None:
            return self.bottom
        asked = [one for one in self._others if one.asked]
        if asked:
            return min(asked, key=lambda one: one.key).number
        here = {one.number for one in self.siblings}
        below = [number for number in self.related.ancestors if number in here]
        if below:
            return below[-1]
        leaders = (one.bottom or one.number for one in self.older)
        return next((number for number in leaders if number in here), self.number)

    @property
    def older(self) -> List[Sibling]:
        """Those beside the chain that have waited longer than whatever joins through this change;
        the longest wait first.
        """
        above = set(self.related.descendants)
        mine = min([self.key, *(one.key for one in self.siblings if one.number in above)])
        return sorted((one for one in self._others if one.key < mine), key=lambda one: one.key)

    @property
    def _others(self) -> List[Sibling]:
        """Those that this change may be joined to: what is built on it is not among them."""
        above = set(self.related.descendants)
        return [one for one in self.siblings if one.number not in above]

    @property
    def joined(self) -> Tuple[int, ...]:
        """Whom this change speaks for, if it leads: the longest wait first."""
        return tuple(one.number for one in sorted(self.siblings, key=lambda one: one.key))
