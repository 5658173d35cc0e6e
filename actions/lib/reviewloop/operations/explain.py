"""The explanation of one change as plain values: what ``gerrit.explain`` answers."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Set

from reviewloop.core.reading import Timeline
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Party
from reviewloop.insight import conditions, eta, timeline
from reviewloop.insight.board import Reason, Row
from reviewloop.operations.context import Context
from reviewloop.operations.explanation import Explanation
from reviewloop.operations.one_change import summary, waits
from reviewloop.operations.usual import past_of_server
from reviewloop.operations.whom import accounts_in


def explain(context: Context, number: int, histories: int = 0) -> Dict[str, Any]:
    """Why a change is escalated, why not, and when next.

    ``reasons_not`` names what keeps anything from happening; ``summary`` says it all in sentences.

    :param histories: so many changes of the server are read, at most, to tell how long a review
        usually takes.
    :raises RefusedError: the change is private, or does not exist, or is not visible.
    """
    found = Explanation(context, number)
    if histories:
        found.past = past_of_server(context, found.reading.change.number, found.now, histories)
    return told(found)


def told(found: Explanation) -> Dict[str, Any]:
    """An explanation as :func:`explain` answers it."""
    return {**_state(found), **_records(found), **_more(found), "summary": found.sentences()}


def _state(found: Explanation) -> Dict[str, Any]:
    reading, now = found.reading, found.now
    return {
        "number": reading.change.number,
        "patchset": reading.change.patch_set,
        "status": reading.change.status.value,
        "now": iso(now),
        "turn": reading.state.turn.value,
        "red": reading.state.is_red(now),
        "origin": found.context.settings.policy.origin(reading.change).value,
        "advice": reading.state.advice,
        "unmarked": [
            {"account_id": one.account.id, "messages": one.messages, "signs": list(one.signs)}
            for one in found.unmarked
        ],
        "disagreements": [
            {
                "what": one.what,
                "label": one.label,
                "account_id": one.account,
                "messages": one.told,
                "gerrit": one.true,
            }
            for one in reading.state.disagreements
        ],
        "reasons_not": found.reasons_not(),
        "paused_until": found.paused_until(),
        "waits": waits(found.context, reading, now),
    }


def _records(found: Explanation) -> Dict[str, Any]:
    number = found.reading.change.number
    return {
        "commands": [
            {
                "verb": command.verb.value,
                "at": iso(command.at),
                "account_id": command.author,
                "until": None if command.until is None else iso(command.until),
                "problem": command.problem,
            }
            for command in found.reading.pauses.commands
        ],
        "asks": [
            {
                "tier": ask.tier,
                "account_ids": list(ask.accounts),
                "at": iso(ask.at),
                "open": ask.open and found.is_live(ask),
                "event_id": ask.event_id,
            }
            for ask in found.asks
        ],
        "pending": [
            {
                "tier": one.tier,
                "reason": one.reason.value,
                "not_before": iso(one.not_before),
                "leader": one.leader,
            }
            for one in found.pendings
            if one.number == number
        ],
    }


def _more(found: Explanation) -> Dict[str, Any]:
    next_ones = [_next(found, one) for one in found.reading.lasting(found.now)]
    return {
        "change": summary(found.context, found.reading.change),
        "conditions": conditions.as_dicts(found.conditions),
        "timeline": timeline.as_dict(found.line),
        "next": next_ones,
        "whom": found.whom,
        "eta": eta.as_dict(found.eta, found.context.settings.policy.calendar),
        "accounts": [
            {"account_id": one, "name": found.name_of(one)}
            for one in sorted(_named(found, next_ones))
        ],
    }


def _next(found: Explanation, one: Timeline) -> Dict[str, Any]:
    """What happens about an open wait: ``{party, asked: [{account_ids, tier, milestone, since}],
    why_not, milestone, at, needs}``.

    ``asked`` are those who are asked now; ``why_not`` says why nobody is about the highest
    milestone, in the board's words, or ``not_due``. If nothing happens, ``milestone`` is reached at
    ``at``; where that is null, ``needs`` says what must happen first.
    """
    row = next((row for row in found.overdue if row.timeline == one), None)
    why_not = "not_due" if row is None else _why_not(found, row)
    following = one.following(found.now)
    return {
        "party": one.wait.party.value,
        "asked": [
            {
                "account_ids": list(ask.accounts),
                "tier": ask.tier.value,
                "milestone": str(ask.milestone),
                "since": iso(ask.at),
            }
            for ask in found.live(one)
        ],
        "why_not": why_not,
        "milestone": None if following is None else str(following.milestone),
        "at": None if following is None else iso(following.at),
        "needs": "" if following is not None else _needs(found, one),
    }


def _why_not(found: Explanation, row: Row) -> str:
    """Why nobody is asked about an overdue wait, "" where somebody is."""
    is_owners = row.timeline.wait.party is Party.OWNER
    if row.reason is Reason.NO_RULE and found.joined is not None and not is_owners:
        return Reason.JOINED.value
    return "" if row.reason is None else row.reason.value


def _needs(found: Explanation, one: Timeline) -> str:
    """What must happen before another milestone can be reached."""
    state = found.reading.state
    if one.wait.party is not Party.OWNER and state.is_red(found.now):
        return "ci_recovers"
    if one.wait.party is Party.SUBMITTER and state.is_gated(found.now):
        return "gate_votes"
    return "past_last_milestone"


def _named(found: Explanation, next_ones: List[Dict[str, Any]]) -> Set[int]:
    """Every account that the explanation speaks of."""
    return set(_ids(found, next_ones)) - {0}


def _ids(found: Explanation, next_ones: List[Dict[str, Any]]) -> Iterator[int]:
    yield found.reading.change.owner.id
    yield from accounts_in(found.whom)
    for _, account in found.followed.standing:
        yield account or 0
    for one in found.unmarked:
        yield one.account.id
    for following in next_ones:
        for shown in following["asked"]:
            yield from shown["account_ids"]
    for ask in found.asks:
        yield from ask.accounts
    for command in found.reading.pauses.commands:
        yield command.author
