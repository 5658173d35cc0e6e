"""Whom the pack would ask about a change's open waits, and who else was considered. Writes nothing.

It is asked as an escalation asks (:class:`Chooser`), with nobody claimed: so for a milestone that
still lies ahead, too, the answer is what would be done now.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from reviewloop.core.events import EventRef
from reviewloop.core.keys import event_id
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError
from reviewloop.escalation.choice import Case, Chooser
from reviewloop.operations.context import Context
from reviewloop.settings.roster import RosterKind
from reviewloop.store.asks import Ask
from reviewloop.store.pending import Pending

TIERS = {
    Party.REVIEWERS: (Tier.REVIEWERS, Tier.COMMITTEE, Tier.CHAIR),
    Party.OWNER: (Tier.OWNERS,),
    Party.SUBMITTER: (Tier.COMMITTEE, Tier.CHAIR),
}
"""The tiers that rules may address about a wait of each party."""


def whom(
    context: Context,
    reading: Reading,
    now: datetime,
    asks: Sequence[Ask],
    pendings: Sequence[Pending],
) -> List[Dict[str, Any]]:
    """``[{party, tier, would_ask, reason, not_before, problem, considered: [{account_id, eligible,
    reason}]}]`` for each open wait and each tier that rules may address about it.

    ``would_ask`` are account ids; where there are none, ``reason`` is a limit or
    ``nobody_eligible``, or ``problem`` says in words why that cannot be told.
    """
    found = []
    for timeline in reading.lasting(now):
        for tier in TIERS[timeline.wait.party]:
            if tier not in ROSTER_TIERS or _has_roster(context):
                case = _case(context, reading, timeline, tier, now, (asks, pendings))
                found.append(_told(context, case))
    return found


def _has_roster(context: Context) -> bool:
    roster = context.settings.roster
    return roster.kind is not RosterKind.STATIC or bool(roster.members)


def _case(
    context: Context,
    reading: Reading,
    timeline: Timeline,
    tier: Tier,
    now: datetime,
    records: Tuple[Sequence[Ask], Sequence[Pending]],
) -> Case:
    """What a choice is made from, at the highest milestone reached, or else at the first."""
    crossed, policy = timeline.crossed(now), context.settings.policy
    milestone = policy.milestones[0] if crossed is None else crossed.milestone
    wait, asks, pendings = timeline.wait, tuple(records[0]), tuple(records[1])
    name = (context.settings.server, reading.change.number, wait.party.value, wait.since)
    event = EventRef.parse(event_id(*name, str(milestone)))
    return Case(event, tier, reading, timeline, asks, pendings, now)


def _told(context: Context, case: Case) -> Dict[str, Any]:
    told: Dict[str, Any] = {
        "party": case.event.party.value,
        "tier": case.tier.value,
        "would_ask": [],
        "reason": "",
        "not_before": "",
        "problem": "",
        "considered": [],
    }
    try:
        chosen = Chooser(context.settings, context.people).chosen(case)
    except ConfigError as err:
        return {**told, "problem": str(err)}
    hold = chosen.hold
    return {
        **told,
        "would_ask": [] if hold is not None else list(chosen.accounts),
        "reason": "" if hold is None else hold.reason.value,
        "not_before": "" if hold is None else iso(hold.not_before),
        "considered": [
            {"account_id": one.account, "eligible": not one.reason, "reason": one.reason}
            for one in chosen.considered
        ],
    }


def accounts_in(told: Sequence[Dict[str, Any]]) -> Iterator[int]:
    """Every account that :func:`whom` names."""
    for one in told:
        yield from one["would_ask"]
        yield from (candidate["account_id"] for candidate in one["considered"])
