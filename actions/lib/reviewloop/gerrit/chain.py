"""What a change is built on, what is built on it, and what has to be merged before it.

Gerrit walks the commits of one project as far as the account sees their changes: an ancestor that
it may not see ends the chain (``RelatedChangesSorter`` in Gerrit's source). ``Depends-On`` lines
are no part of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Iterable, List, Sequence, Set, Tuple

from reviewloop.core.change import ChangeStatus
from reviewloop.gerrit.parse import Link


@dataclass(frozen=True)
class Related:
    """Numbers of the changes that one is built on, and that are built on it, nearest first.

    :param ancestors: what has to be merged before it: neither merged nor given up.
    """

    ancestors: Tuple[int, ...] = ()
    descendants: Tuple[int, ...] = ()


def related(links: Sequence[Link], number: int) -> Related:
    """The chain of a change; empty where the change itself is not in it."""
    place = next((at for at, one in enumerate(links) if one.number == number), None)
    if place is None:
        return Related()
    after = place + 1
    below = filter(_is_open, _unmerged(links[place], links[after:]))
    return Related(_numbers(below, number), _numbers(reversed(links[:place]), number))


def _numbers(links: Iterable[Link], own: int) -> Tuple[int, ...]:
    """Each change once: of two patch sets the nearest; never the change itself."""
    found = dict.fromkeys(one.number for one in links)
    return tuple(one for one in found if one not in (0, own))


def _is_open(link: Link) -> bool:
    return link.status is not None and not link.status.is_closed


def _unmerged(start: Link, below: Sequence[Link]) -> List[Link]:
    """What is reached from a commit without passing one of a merged change.

    What such a change was built on once it did without: it was merged alone, or rebased before.
    """
    by_commit = {one.commit: one for one in below}
    reached: Set[str] = set()
    ahead = deque(start.parents)
    while ahead:
        link = by_commit.get(ahead.popleft())
        if link is None or link.commit in reached or link.status is ChangeStatus.MERGED:
            continue
        reached.add(link.commit)
        ahead.extend(link.parents)
    return [one for one in below if one.commit in reached]
