"""Looking: search, one change, and the explanation of one change. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional

from reviewloop.core.asked import live_asks
from reviewloop.core.change import Change
from reviewloop.core.keys import event_id
from reviewloop.core.reading import Reading, Timeline, read_change
from reviewloop.core.text import NAME_CAP, outward
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Party
from reviewloop.errors import RefusedError
from reviewloop.escalation.neighbours import bottom_of
from reviewloop.gerrit import parse
from reviewloop.insight.unmarked import unmarked_in
from reviewloop.operations.context import Context
from reviewloop.store.asks import Ask


def query_changes(context: Context, query: str, limit: int = 50) -> Dict[str, Any]:
    """Changes that a search finds, newest first: ``{count, more, private_left_out, changes:
    [...]}``.

    Private changes are counted and left out: nothing on them leaves Gerrit.

    :param query: in Gerrit's own syntax.
    :param limit: at most so many.
    """
    found = context.client.scan(query, page=limit + 1, limit=limit + 1)
    rows = [parse.change(raw) for raw in found]
    shown = [change for change in rows[:limit] if not change.is_private]
    return {
        "count": len(shown),
        "more": len(rows) > limit,
        "private_left_out": len(rows[:limit]) - len(shown),
        "changes": [_summary(context, change) for change in shown],
    }


def get_change(context: Context, number: int) -> Dict[str, Any]:
    """One change, with whose turn it is and how long its waits have lasted."""
    reading = _read(context, number)
    now = context.client.now()
    return {
        **_summary(context, reading.change),
        "revision": reading.change.revision,
        "turn": reading.state.turn.value,
        "red": reading.state.is_red(now),
        "human_reviews": reading.state.human_reviews,
        "uploader_id": reading.state.uploader,
        "reviewer_ids": sorted(account.id for account in reading.change.reviewers),
        "cc_ids": sorted(account.id for account in reading.change.ccs),
        "attention_ids": sorted(reading.change.attention),
        "waits": [_wait(context, reading, timeline, now) for timeline in reading.lasting(now)],
    }


def explain(context: Context, number: int) -> Dict[str, Any]:
    """Why a change is escalated, why not, and when next.

    ``reasons_not`` names what keeps anything from happening; ``summary`` says it all in sentences.
    """
    reading = _read(context, number)
    now = context.client.now()
    explained = _Explanation(context, reading, now, _joined_to(context, reading, now))
    return {
        "number": number,
        "patchset": reading.change.patch_set,
        "status": reading.change.status.value,
        "now": iso(now),
        "turn": reading.state.turn.value,
        "red": reading.state.is_red(now),
        "origin": context.settings.policy.origin(reading.change).value,
        "advice": reading.state.advice,
        "unmarked": [
            {"account_id": one.account.id, "messages": one.messages, "signs": list(one.signs)}
            for one in unmarked_in(reading.change, context.people.policy(reading.change))
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
        "reasons_not": explained.reasons_not(),
        "paused_until": explained.paused_until(),
        "waits": [_wait(context, reading, timeline, now) for timeline in reading.lasting(now)],
        "commands": [
            {
                "verb": command.verb.value,
                "at": iso(command.at),
                "account_id": command.author,
                "until": None if command.until is None else iso(command.until),
                "problem": command.problem,
            }
            for command in reading.pauses.commands
        ],
        "asks": [
            {
                "tier": ask.tier,
                "account_ids": list(ask.accounts),
                "at": iso(ask.at),
                "open": ask.open and explained.is_live(ask),
                "event_id": ask.event_id,
            }
            for ask in context.asks.all()
            if ask.number == number
        ],
        "pending": [
            {
                "tier": one.tier,
                "reason": one.reason.value,
                "not_before": iso(one.not_before),
                "leader": one.leader,
            }
            for one in context.pendings.all()
            if one.number == number
        ],
        "summary": explained.sentences(),
    }


def _joined_to(context: Context, reading: Reading, now: datetime) -> Optional[str]:
    """In whose name the change is asked for, in a sentence; None where it is asked for itself."""
    waits = [one for one in reading.lasting(now) if one.wait.party is not Party.OWNER]
    if not waits:
        return None
    bottom = bottom_of(context.client, reading.change)
    if bottom is not None:
        first = f"change {bottom}" if bottom else "a private change"
        return (
            f"It is built on {first}, which is not merged yet. Before that, nobody is asked to"
            " review or to submit it."
        )
    crossed = [(one.key, one.crossed(now)) for one in waits]
    latest = {(*key, str(one.milestone)) for key, one in crossed if one is not None}
    for one in context.pendings.all():
        is_its_own = one.number == reading.change.number and Tier(one.tier) in ROSTER_TIERS
        if is_its_own and one.leader and (one.party, one.since, one.milestone) in latest:
            return f"At {iso(one.at)} it was joined to change {one.leader}, which is asked about."
    return None


@dataclass(frozen=True)
class _Explanation:
    context: Context
    reading: Reading
    now: datetime
    joined_to: Optional[str]

    def reasons_not(self) -> List[str]:
        change, state = self.reading.change, self.reading.state
        paused = self.reading.pause(self.now)
        reasons = (
            ("closed", change.status.is_closed),
            ("wip", change.work_in_progress),
            ("nobodys_turn", state.turn is Party.NOBODY),
            ("exempt", self.reading.is_exempt),
            ("paused", paused is not None),
            ("red", state.is_red(self.now)),
            ("gate_pending", state.is_gated(self.now)),
            ("no_milestone_reached", not any(self._crossed())),
            ("hold_out", self.context.settings.is_held_out(change.number)),
            ("joined", self.joined_to is not None),
        )
        return [name for name, holds in reasons if holds]

    def is_live(self, ask: Ask) -> bool:
        """Whether the change itself shows the ask: a record alone says what was meant to be."""
        change, server = self.reading.change, self.context.settings.server
        policy = self.context.people.policy(change)
        shown = live_asks(change, policy, server, ask.party, ask.since)
        return (ask.tier, ask.accounts, ask.attempt) in {
            (one.tier.value, one.accounts, one.attempt) for one in shown
        }

    def paused_until(self) -> Optional[str]:
        paused = self.reading.pause(self.now)
        return None if paused is None or paused.end is None else iso(paused.end)

    def sentences(self) -> List[str]:
        said = [_TURNS[self.reading.state.turn]]
        for timeline in self.reading.lasting(self.now):
            said.append(self._timeline(timeline))
        until = self.paused_until()
        if until is not None:
            said.append(f"Its stopwatch stands still until {until}.")
        if self.reading.state.is_red(self.now):
            said.append("CI is red: nobody but the owner is reminded until it recovers.")
        if self.reading.state.is_gated(self.now):
            said.append("It is approved, and waits for a gate: nobody is asked to submit it.")
        if self.reading.is_exempt:
            said.append("The hashtag no-escalation keeps it out of escalation.")
        if self.joined_to is not None:
            said.append(self.joined_to)
        return said

    def _timeline(self, timeline: Timeline) -> str:
        policy = self.context.settings.policy
        days = self.reading.elapsed(timeline.wait, self.now, policy) / policy.calendar.day_seconds
        begun = f"The {timeline.wait.party.value} owe a move since {iso(timeline.wait.since)}"
        told = f"{begun} ({timeline.wait.cause.value}): {days:.2f} working days."
        following = timeline.following(self.now)
        if following is None:
            return f"{told} No further milestone will be reached as things stand."
        return (
            f"{told} If nothing happens, {following.milestone} is reached at {iso(following.at)}."
        )

    def _crossed(self) -> List[bool]:
        lasting = self.reading.lasting(self.now)
        return [timeline.crossed(self.now) is not None for timeline in lasting]


_TURNS = {
    Party.REVIEWERS: "It is the reviewers' turn.",
    Party.OWNER: "It is the owner's turn.",
    Party.SUBMITTER: "It is approved and waits to be submitted.",
    Party.NOBODY: "It is nobody's turn: the change is closed or in progress.",
}


def _read(context: Context, number: int) -> Reading:
    change = context.client.change(number)
    if change.is_private:
        raise RefusedError(
            f"Change {number} is private: nothing on it leaves Gerrit.",
            "Look at it in Gerrit.",
        )
    return read_change(change, context.people.policy(change))


def _summary(context: Context, change: Change) -> Dict[str, Any]:
    return {
        "number": change.number,
        "project": outward(change.project),
        "branch": outward(change.branch),
        "status": change.status.value,
        "subject": outward(change.subject),
        "topic": outward(change.topic, NAME_CAP),
        "hashtags": [outward(tag, NAME_CAP) for tag in change.hashtags],
        "owner_id": change.owner.id,
        "patchset": change.patch_set,
        "created": iso(change.created),
        "updated": iso(change.updated),
        "work_in_progress": change.work_in_progress,
        "insertions": change.insertions,
        "deletions": change.deletions,
        "url": outward(context.url(change), 500),
    }


def _wait(context: Context, reading: Reading, timeline: Timeline, now: datetime) -> Dict[str, Any]:
    policy, wait = context.settings.policy, timeline.wait
    crossed, following = timeline.crossed(now), timeline.following(now)
    party, server = wait.party.value, context.settings.server
    days = reading.elapsed(wait, now, policy) / policy.calendar.day_seconds
    reached = None if crossed is None else str(crossed.milestone)
    return {
        "party": party,
        "cause": wait.cause.value,
        "since": iso(wait.since),
        "waiting_days": round(days, 2),
        "milestone": reached,
        "event_id": reached and event_id(server, reading.change.number, party, wait.since, reached),
        "next_milestone": None if following is None else str(following.milestone),
        "next_at": None if following is None else iso(following.at),
    }
