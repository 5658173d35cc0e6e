"""What a change is built on, what is built on it, and what has to be merged before it.

Gerrit walks the commits of one project as far as the account sees their changes: an ancestor that
it may not see ends the chain (``RelatedChangesSorter`` in Gerrit's source). ``Depends-On`` lines
are no part of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Iterable, List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import ChangeStatus
from reviewloop.gerrit.fields import Raw, field, mapping

_STATUSES = {one.value: one for one in ChangeStatus}


@dataclass(frozen=True)
class Link:
    """One commit of a relation chain; ``parents`` are the commits that it is built on.

    ``number`` is 0 and ``status`` None where the commit belongs to no change.
    """

    number: int
    status: Optional[ChangeStatus] = None
    commit: str = ""
    parents: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Related:
    """Numbers of the changes that one is built on, and that are built on it, nearest first.

    :param ancestors: what has to be merged before it: neither merged nor given up.
    """

    ancestors: Tuple[int, ...] = ()
    descendants: Tuple[int, ...] = ()


def links(data: Any, number: int) -> Tuple[Link, ...]:
    """``RelatedChangesInfo`` of a change: its relation chain, newest first; often empty.

    https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#related-changes-info
    """
    where = f"change {number}, related changes"
    items = field(mapping(data, where), "changes", list, where, [])
    return tuple(_link(mapping(item, where), where) for item in items)


def _link(raw: Raw, where: str) -> Link:
    commit = field(raw, "commit", dict, where, {})
    parents = (mapping(one, where) for one in field(commit, "parents", list, where, []))
    word = field(raw, "status", str, where, "")
    return Link(
        number=field(raw, "_change_number", int, where, 0),
        status=_STATUSES.get(word, ChangeStatus.UNKNOWN) if word else None,
        commit=field(commit, "commit", str, where, ""),
        parents=tuple(field(one, "commit", str, where) for one in parents),
    )


def related(chain: Sequence[Link], number: int) -> Related:
    """What a change is built on, and what is built on it; nothing where it is not in the chain."""
    place = next((at for at, one in enumerate(chain) if one.number == number), None)
    if place is None:
        return Related()
    after = place + 1
    below = filter(_is_open, _unmerged(chain[place], chain[after:]))
    return Related(_numbers(below, number), _numbers(reversed(chain[:place]), number))


def _numbers(chain: Iterable[Link], own: int) -> Tuple[int, ...]:
    """Each change once: of two patch sets the nearest; never the change itself."""
    found = dict.fromkeys(one.number for one in chain)
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
