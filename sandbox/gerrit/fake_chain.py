"""Relation chains as the simulated Gerrit answers them: ``RelatedChangesInfo``."""

from __future__ import annotations

from typing import List, Mapping, Optional

from sandbox.gerrit.fake_world import FakeChange, Json

Changes = Mapping[int, FakeChange]


def related_changes(changes: Changes, change: FakeChange) -> Json:
    """The chain of a change, newest first; empty where it is alone."""
    chain = [_link(changes, one, one.patch_set) for one in (*_above(changes, change), change)]
    above, lower = change, below(changes, change)
    # What was deleted is a commit without a change; what may not be seen ends the chain.
    while lower is not None and not lower.hidden:
        chain.append(_link(changes, lower, above.parent_patch_set or lower.patch_set))
        above, lower = lower, below(changes, lower)
    return {"changes": chain if len(chain) > 1 else []}


def below(changes: Changes, change: FakeChange) -> Optional[FakeChange]:
    """What a change is built on, if that is a change."""
    return None if change.parent is None else changes.get(change.parent)


def _above(changes: Changes, change: FakeChange) -> List[FakeChange]:
    """What is built on a change, farthest first."""
    children = [one for one in changes.values() if one.parent == change.number]
    farther = [one for child in children for one in _above(changes, child)]
    return [*farther, *children]


def _link(changes: Changes, change: FakeChange, patch_set: int) -> Json:
    """A ``RelatedChangeAndCommitInfo``."""
    lower = below(changes, change)
    on = [] if lower is None else [lower.commit_of(change.parent_patch_set or lower.patch_set)]
    return {
        "project": change.project,
        "change_id": change.change_id,
        "_change_number": change.number,
        "_revision_number": patch_set,
        "_current_revision_number": change.patch_set,
        "status": change.status,
        "commit": {
            "commit": change.commit_of(patch_set),
            "parents": [{"commit": commit} for commit in on],
        },
    }
