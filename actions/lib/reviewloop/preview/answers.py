"""What the replica answered of each change, kept until something happens to the change.

Whoever asks for the neighbours of a change is answered the same time and again, so what was made of
an answer is kept beside it. Nobody may alter what is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any, Callable, Dict, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, read_change
from reviewloop.gerrit import parse
from reviewloop.gerrit.fields import Raw

#: Changes of which answers are kept: some 100 kB each where a history is long.
_KEPT = 500
#: When a change was last touched, and how much the loop has written on it.
Mark = Tuple[datetime, int]


class ReadOnce:
    """A change, and what it was read as last."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self._read: Optional[Tuple[Policy, Reading]] = None

    def reading(self, policy: Policy) -> Reading:
        """The change, read."""
        if self._read is None or self._read[0] != policy:
            self._read = policy, read_change(self.change, policy)
        return self._read[1]


class Told(Dict[str, Any]):
    """What is answered of a change, and what was made of that."""

    _once: Optional[ReadOnce] = None

    def once(self) -> ReadOnce:
        """The change, parsed. :raises ProtocolError: it makes no sense."""
        if self._once is None:
            self._once = ReadOnce(parse.change(self))
        return self._once


def once(raw: Raw) -> ReadOnce:
    """What was made of an answer, or is made now. :raises ProtocolError: it makes no sense."""
    return raw.once() if isinstance(raw, Told) else ReadOnce(parse.change(raw))


class Answer:
    """One change as its history has it, and as it is answered with what the loop wrote.

    :param base: by its history.
    :param ends: from when on the history is another one; None for never.
    """

    def __init__(self, base: Raw, ends: Optional[datetime]) -> None:
        self.base = base
        self.ends = ends
        self.raw = Told()
        self._mark: Optional[Mark] = None
        self._bare: Optional[Told] = None
        self._single: Optional[ReadOnce] = None

    def tell(self, mark: Mark, put: Callable[[Raw], None]) -> Answer:
        """Itself, made anew where ``mark`` is another one.

        :param put: puts what the history does not hold onto a copy of it.
        """
        if self._mark != mark:
            self.raw = Told(self.base)
            put(self.raw)
            self._mark, self._bare, self._single = mark, None, None
        return self

    def bare(self) -> Told:
        """The answer without its messages. :raises ProtocolError: it makes no sense."""
        if self._bare is None:
            self._bare = Told((key, value) for key, value in self.raw.items() if key != "messages")
            # With the messages goes what tells of the patch set, which Gerrit says by itself.
            self._bare["current_revision_number"] = self.raw.once().change.patch_set
        return self._bare

    def single(self, completed: Callable[[Change], Change]) -> Change:
        """What is answered of the change alone. :raises ProtocolError: it makes no sense.

        :param completed: the change with what is not in the answer of a search; asked for once.
        """
        if self._single is None:
            self._single = ReadOnce(completed(self.raw.once().change))
        return self._single.change

    def reading(self, change: Change, policy: Policy) -> Reading:
        """The change, read: it may be what was answered last."""
        for once in (self.raw.once(), self._single):
            if once is not None and once.change is change:
                return once.reading(policy)
        return read_change(change, policy)


class Answers:
    """The answers by what names the change; those that are used least go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def get(self, ident: str, now: datetime) -> Optional[Answer]:
        """The answer of which the history still holds."""
        found = self._kept.get(ident)
        if found is None or (found.ends is not None and found.ends <= now):
            return None
        self._kept.move_to_end(ident)
        return found

    def keep(self, ident: str, answer: Answer) -> Answer:
        """Keep an answer."""
        self._kept[ident] = answer
        self._kept.move_to_end(ident)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return answer
