"""Who is asked about a wait, as the change itself shows it.

A record in the datastore says what was meant to be posted; a mark on the change says what was. So
only a mark makes an ask that counts: a run that died between the two has asked nobody yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Dict, List, Sequence, Tuple

from reviewloop.core.change import Change
from reviewloop.core.commands import Command, Verb, pauses
from reviewloop.core.durations import Duration
from reviewloop.core.keys import Mark, ask_id, event_id, marks_of
from reviewloop.core.policy import Policy
from reviewloop.core.tiers import Tier

_TIERS: Dict[str, Tuple[Tier, ...]] = {
    "escalate": (Tier.COMMITTEE, Tier.CHAIR),
    "nudge": (Tier.REVIEWERS, Tier.OWNERS),
    "label": (Tier.NOBODY,),
}


@dataclass(frozen=True)
class LiveAsk:
    """``accounts`` were asked at ``at``; none where a whole committee was, or nobody by name.

    :param joined: numbers of the changes for which it was asked as well.
    """

    milestone: Duration
    tier: Tier
    attempt: int
    accounts: Tuple[int, ...]
    at: datetime
    joined: Tuple[int, ...] = ()


def live_asks(
    change: Change, policy: Policy, server: str, party: str, since: datetime
) -> Tuple[LiveAsk, ...]:
    """What was asked about the wait and still stands, on any milestone and tier, earliest first.

    An ask no longer stands when everybody whom it named has written ``/pass`` since.

    :param server: as event ids name it.
    :param party: of the wait, ``since`` when it began.
    """
    marks = [
        (mark, message.date)
        for message in change.messages
        if policy.is_own(message)
        for mark in marks_of(message)
        if mark.purpose in _TIERS
    ]
    if not marks:
        return ()
    passes = [one for one in pauses(change, policy).commands if _is_pass(one)]
    wait = (server, change.number, party, since)
    attempts = len(passes) + 1
    known = _ids(policy.milestones, wait, attempts)
    # Where the server has another change of that number, ids name the project.
    known.update(_ids(policy.milestones, wait, attempts, change.project))
    found: List[LiveAsk] = []
    for mark, at in marks:
        asked = known.get((mark.purpose, mark.id))
        if asked is not None and not _all_passed(mark, at, passes):
            found.append(LiveAsk(*asked, mark.asked, at, mark.joined))
    return tuple(found)


def _is_pass(command: Command) -> bool:
    return command.verb is Verb.PASS and not command.problem


def _all_passed(mark: Mark, at: datetime, passes: Sequence[Command]) -> bool:
    passed = {one.author for one in passes if one.at >= at}
    return bool(mark.asked) and passed.issuperset(mark.asked)


def _ids(
    milestones: Sequence[Duration],
    wait: Tuple[str, int, str, datetime],
    attempts: int,
    project: str = "",
) -> Dict[Tuple[str, str], Tuple[Duration, Tier, int]]:
    """What each mark about the wait would mean, by purpose and id.

    :param attempts: hand-overs are counted by them; each follows a ``/pass``.
    """
    return {
        (purpose, ask_id(event_id(*wait, str(milestone), project), tier.value, attempt)): (
            milestone,
            tier,
            attempt,
        )
        for milestone in milestones
        for purpose, tiers in _TIERS.items()
        for tier in tiers
        for attempt in range(attempts)
    }
