"""Real review histories, played again: what people did then, at the same distances in time."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache, partial
from typing import Any, Dict, List, Optional, Tuple

from reviewloop.gerrit.fields import timestamp
from sandbox.gerrit.fake_world import FakeChange, stamp

from .machine import MACHINE
from .names import histories
from .world import World, step

Raw = Dict[str, Any]
FLAGS: Dict[str, Tuple[str, Any]] = {
    "merged": ("status", "MERGED"),
    "abandon": ("status", "ABANDONED"),
    "restore": ("status", "NEW"),
    "setWorkInProgress": ("wip", True),
    "newWipPatchSet": ("wip", True),
    "setReadyForReview": ("wip", False),
    "newPatchSet": ("wip", False),
}


@lru_cache(maxsize=1)
def _all() -> Tuple[Raw, ...]:
    folder = histories()
    if folder is None:
        return ()
    files = sorted(folder.glob("*reviews.jsonl.gz"))
    found: List[Raw] = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            found += map(json.loads, lines)
    return tuple(found)


@step
def history(world: World, index: int) -> None:
    """A change of then is uploaded now, and all that happened to it will happen."""
    known = _all()
    if not known:
        return
    raw = known[index % len(known)]
    first = timestamp(raw["created"])
    owner = _account(world, raw["owner"])
    made: List[Optional[FakeChange]] = [None]
    for message in raw["messages"]:
        when = MACHINE.now + (timestamp(message["date"]) - first)
        world.later(when, partial(_happen, world, made, owner, raw, message))


def _happen(
    world: World, made: List[Optional[FakeChange]], owner: int, raw: Raw, message: Raw
) -> None:
    gerrit = world.gerrit
    if made[0] is None:
        number = gerrit.add_change(raw["project"], raw["subject"], owner, raw["branch"])
        made[0] = gerrit.changes[number]
        made[0].messages.clear()
    change = made[0]
    for account in (message.get("author"), message.get("real_author")):
        if account:
            _account(world, account)
    tag = str(message.get("tag", "")).rpartition(":")[2]
    if tag in FLAGS:
        setattr(change, *FLAGS[tag])
    change.patch_set = max(change.patch_set, message.get("_revision_number", 1))
    commit = gerrit._commit(change, gerrit.now)
    change.messages.append({**message, "id": commit, "date": stamp(gerrit.now)})


def _account(world: World, raw: Raw) -> int:
    number: int = raw["_account_id"]
    names = {"username": f"user{number}", "email": f"user{number}@example.org"}
    world.gerrit.accounts.setdefault(number, {"name": f"User {number}", **names, **raw})
    return number
