"""Deciding on events: whether to act and whom to ask, and whether what was asked is over."""

from __future__ import annotations

from typing import Any, Dict

from reviewloop.core.endings import how_it_ended
from reviewloop.core.tiers import Tier
from reviewloop.core.timestamps import iso
from reviewloop.core.waits import follow
from reviewloop.escalation.assess import Assessor
from reviewloop.escalation.events import event_ref
from reviewloop.operations.context import Context


def assess(
    context: Context, event_id: str, *, tier: str = "committee", dry_run: bool = True
) -> Dict[str, Any]:
    """Whether to act on an event now, and whom to ask.

    ``{proceed, verdict, outlook, reason, not_before, leader, tier, number, patchset, asked,
    attempt, joined, considered, waiting_hours}``; ``asked`` are account ids, empty where nobody is
    addressed. ``reason`` says what puts it off that the history does not tell, until ``not_before``
    at least.

    :param dry_run: only tell: nobody is claimed, and no budget is used.
    """
    assessor = Assessor(
        context.settings,
        context.client,
        context.people,
        context.asks,
        context.pendings,
        context.leases,
        context.reads,
    )
    found = assessor.assess(event_ref(event_id), Tier(tier), dry_run=dry_run)
    pending = found.pending
    return {
        "proceed": found.proceeds,
        "verdict": found.verdict.value,
        "outlook": found.outlook.value,
        "reason": "" if pending is None else pending.reason.value,
        "not_before": "" if pending is None else iso(pending.not_before),
        "leader": 0 if pending is None else pending.leader,
        "tier": found.tier.value,
        "number": found.event.number,
        "patchset": 0 if found.change is None else found.change.patch_set,
        "asked": list(found.accounts),
        "attempt": found.attempt,
        "joined": list(found.joined),
        "considered": [
            {"account_id": one.account, "eligible": not one.reason, "reason": one.reason}
            for one in found.considered
        ],
        "waiting_hours": round(found.waiting_seconds / 3600, 2),
    }


def refresh(context: Context, number: int) -> Dict[str, Any]:
    """Whether the wait that people were asked about is over: ``{number, over, how, event_id}``.

    It answers at once what the sensor would tell at its next poll; ``how`` and ``event_id`` are
    empty while the wait lasts, where nobody was asked, and on a private change, of which nothing
    leaves Gerrit.
    """
    asked = [ask for ask in context.known()[0] if ask.number == number and ask.open]
    if asked:
        change = context.client.change(number)
        state = follow(change, context.people.policy(change))
        for ask in asked if not change.is_private else ():
            how = how_it_ended(change, state, ask.party, ask.since)
            if how is not None:
                return {"number": number, "over": True, "how": how.value, "event_id": ask.event_id}
    return {"number": number, "over": False, "how": "", "event_id": ""}
