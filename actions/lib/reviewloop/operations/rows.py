"""Many changes at once, as a search has them: enough to see that a wait lasts.

A search can lag behind, and tells nothing of what is out of sight. So it only spares a request
where there is nothing to do; whatever else it shows is read again from Gerrit's own storage.
"""

from __future__ import annotations

from collections import Counter
from typing import Callable, Dict, Iterable, Iterator, List, Sequence, Tuple, TypeVar

from reviewloop.core.change import Change
from reviewloop.errors import ProtocolError, ReviewLoopError
from reviewloop.gerrit import parse
from reviewloop.gerrit.queries import MAX_BATCH
from reviewloop.gerrit.reads import DETAIL
from reviewloop.operations.context import Context

T = TypeVar("T")


def with_rows(
    context: Context, items: Sequence[T], number: Callable[[T], int]
) -> Iterator[Tuple[Sequence[T], Dict[int, Change]]]:
    """The items in batches, each with its changes by number, as far as one search shows them.

    :param number: of an item's change.
    """
    for start in range(0, len(items), MAX_BATCH):
        end = start + MAX_BATCH
        batch = items[start:end]
        yield batch, _rows(context, {number(one) for one in batch})


def _rows(context: Context, numbers: Iterable[int]) -> Dict[int, Change]:
    """Those that can be read, and whose number no other change has."""
    try:
        raws = context.client.changes(sorted(numbers), DETAIL)
    except ReviewLoopError:
        return {}  # each is read by itself, and says by itself what is wrong
    found: List[Change] = []
    for raw in raws:
        try:
            found.append(parse.change(raw))
        except ProtocolError:
            continue
    count = Counter(change.number for change in found)
    return {change.number: change for change in found if count[change.number] == 1}
