"""Red: which gates have failed a change, and what ends that.

A gate that takes its negative vote back has not passed the change: a CI that starts over does that
first. So red is not the same as a negative vote that stands. It ends when the gate votes the change
up, with a new patch set, when somebody takes the vote away, or, where the gate never says more, a
while after it took the vote back itself: a state without an end would keep people waiting for ever.
"""

from __future__ import annotations

from datetime import datetime
from typing import AbstractSet, Callable, Dict, Optional, Set, Tuple

from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Vote

_Gate = Optional[int]
#: Stands for the label of a gate that fails a change in words.
WORDS = ""
# What takes votes away that are not its author's; what an upload leaves is looked at apart.
_TAKING = frozenset([EventKind.MOVE, EventKind.DELETION])


class Reds:
    """Who has ``failed`` the change, one event at a time.

    :param ends: when the red of a vote ends that was taken back at an instant; None for never.
    :param is_review: whether a label's votes are people's reviews.
    """

    def __init__(
        self,
        ends: Callable[[datetime], Optional[datetime]],
        is_review: Callable[[str], bool],
    ) -> None:
        self._ends = ends
        self._is_review = is_review
        #: Gate -> label -> since when the vote is taken back; None while it stands.
        self.failed: Dict[_Gate, Dict[str, Optional[datetime]]] = {}
        # Labels of which each gate has given or taken back a negative vote on this patch set.
        self._known: Dict[_Gate, Set[str]] = {}

    def apply(self, event: Event, against: AbstractSet[Tuple[str, _Gate]]) -> None:
        """Take in an event.

        :param against: label and account of gates' negative votes that stand after it.
        """
        kind = event.kind
        if kind is EventKind.ROBOT:
            self._said(event)
        elif kind is EventKind.UPLOAD:
            self._uploaded(against)
        elif kind is EventKind.LAPSE:
            self._lapse(event.at)
        if self.failed and (event.votes or event.removed or kind in _TAKING):
            self._keep(
                lambda label, gate, back: (
                    back is not None or label == WORDS or (label, gate) in against
                )
            )

    def next_lapse(self) -> Optional[datetime]:
        """When the first red ends by itself, if nothing happens."""
        if not self.failed:
            return None
        taken = [at for labels in self.failed.values() for at in labels.values() if at is not None]
        ends = (self._ends(at) for at in taken)
        return min((end for end in ends if end is not None), default=None)

    def _said(self, event: Event) -> None:
        gate = event.whose
        is_plain = gate not in self.failed and not (event.removed or event.failed)
        if is_plain and all(vote.value >= 0 for vote in event.votes):
            return  # most of what gates say: there is nothing to end, and nothing begins
        failed, known = self.failed.get(gate, {}), self._known.setdefault(gate, set())
        taken = {label for label in event.removed if label in failed}
        if not event.votes and not taken:
            failed.pop(WORDS, None)
        for label in taken:
            failed[label] = failed[label] or event.at
        known.update(event.removed)
        if any(vote.value > 0 and self._recovers(vote, failed, known) for vote in event.votes):
            failed.clear()
        for vote in event.votes:
            if vote.value < 0:
                failed[vote.label] = None
                known.add(vote.label)
        if event.failed:
            failed[WORDS] = None
        self._set(gate, failed)

    def _recovers(self, vote: Vote, failed: Dict[str, Optional[datetime]], known: Set[str]) -> bool:
        """Whether a positive vote ends the gate's red: it answers the label on which it failed, or
        the gate has failed on people's label and votes on its own.
        """
        return vote.label in known or any(map(self._is_review, failed)) or WORDS in failed

    def _uploaded(self, against: AbstractSet[Tuple[str, _Gate]]) -> None:
        self.failed, self._known = {}, {}
        for label, gate in against:
            self.failed.setdefault(gate, {})[label] = None
            self._known.setdefault(gate, set()).add(label)

    def _lapse(self, now: datetime) -> None:
        def lasts(_label: str, _gate: _Gate, back: Optional[datetime]) -> bool:
            end = None if back is None else self._ends(back)
            return end is None or end > now

        self._keep(lasts)

    def _keep(self, lasts: Callable[[str, _Gate, Optional[datetime]], bool]) -> None:
        for gate, labels in list(self.failed.items()):
            kept = {label: back for label, back in labels.items() if lasts(label, gate, back)}
            self._set(gate, kept)

    def _set(self, gate: _Gate, failed: Dict[str, Optional[datetime]]) -> None:
        if failed:
            self.failed[gate] = failed
        else:
            self.failed.pop(gate, None)
