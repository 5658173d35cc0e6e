"""What people said in the reply dialog, of which messages only tell the number of comments.

Most such words are a review or an answer, which the message says as well. Some are a mere
`recheck`, though, which says nothing to people; so they are asked for where a turn depends on them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable, FrozenSet, Tuple

from reviewloop.core.change import Change
from reviewloop.core.comments import ReviewComment, with_comments

#: Messages of which the comments are kept, those asked for last.
KEPT = 5_000
#: Of a comment, as much as is kept: enough for any noise, and for a command below it.
CAP = 2_000

_Comments = Tuple[ReviewComment, ...]


class Words:
    """Comments by the message they were posted with; published ones do not change.

    :param ask: asks Gerrit for the comments of a change.
    """

    def __init__(self, ask: Callable[[Change], _Comments]) -> None:
        self._ask = ask
        self._known: OrderedDict[str, _Comments] = OrderedDict()

    def knows(self, marked: FrozenSet[str]) -> bool:
        """Whether nothing has to be asked for."""
        return all(ident in self._known for ident in marked)

    def filled(self, change: Change, marked: FrozenSet[str]) -> Change:
        """The change with what was said beside its ``marked`` messages: one request, and none where
        all of them are known.
        """
        if not self.knows(marked):
            self.keep(marked, self._ask(change))
        found = [one for ident in sorted(marked) for one in self._known.get(ident, ())]
        return with_comments(change, found)

    def keep(self, marked: FrozenSet[str], comments: _Comments) -> None:
        """Remember what Gerrit answered of these messages, nothing included."""
        for ident in sorted(marked):
            self._known[ident] = tuple(
                ReviewComment(ident, one.text[:CAP] if one.general else "", one.general)
                for one in comments
                if one.message_id == ident
            )
            self._known.move_to_end(ident)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
