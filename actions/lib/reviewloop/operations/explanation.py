"""Why a change is escalated, why not, and when something happens next. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from reviewloop.core.asked import live_asks
from reviewloop.core.change import Account
from reviewloop.core.keys import event_id
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.steps import Followed, follow_turns
from reviewloop.core.text import NAME_CAP, outward
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Party
from reviewloop.escalation.neighbours import bottom_of
from reviewloop.insight.board import Row, View, rows
from reviewloop.insight.conditions import Condition, Subject, conditions
from reviewloop.insight.eta import Eta, Past, eta
from reviewloop.insight.timeline import TimeLine, timeline
from reviewloop.insight.unmarked import Unmarked, unmarked_in
from reviewloop.operations.context import Context
from reviewloop.operations.one_change import read
from reviewloop.operations.whom import whom
from reviewloop.store.asks import Ask
from reviewloop.store.pending import Pending


@dataclass(frozen=True)
class Joined:
    """In whose name it is asked for: ``leader`` is its number, 0 where that may not be told."""

    leader: int
    text: str


class Explanation:
    """What there is to say of one change, each thing looked at once.

    :param ident: the change's number, or what else Gerrit knows it by.
    :ivar past: how long others waited; none where that is not known.
    :raises RefusedError: it is private, or does not exist, or is not visible.
    """

    def __init__(self, context: Context, ident: Union[int, str]) -> None:
        self.context = context
        self.past: Sequence[Past] = ()
        self.reading: Reading = read(context, ident)
        self.now: datetime = context.client.now()
        self.policy: Policy = context.people.policy(self.reading.change)
        self.joined = self._joined()

    @cached_property
    def followed(self) -> Followed:
        """The history, event by event."""
        return follow_turns(self.reading.change, self.policy)

    @cached_property
    def line(self) -> TimeLine:
        """The history as turns on a line of time."""
        return timeline(self.reading, self.followed.steps, self.policy, self.now)

    @cached_property
    def asks(self) -> Tuple[Ask, ...]:
        """What was asked about the change, as the records say."""
        number = self.reading.change.number
        return tuple(ask for ask in self._every_ask if ask.number == number)

    @cached_property
    def _every_ask(self) -> Tuple[Ask, ...]:
        return self.context.asks.all()

    @cached_property
    def pendings(self) -> Tuple[Pending, ...]:
        """Everything that was put off, of other changes, too."""
        return self.context.pendings.all()

    @cached_property
    def unmarked(self) -> Tuple[Unmarked, ...]:
        """Accounts that look like bots on this change, and count as people."""
        return tuple(unmarked_in(self.reading.change, self.policy))

    @cached_property
    def overdue(self) -> Tuple[Row, ...]:
        """The waits past a milestone, with who is asked, or why nobody is."""
        settings = self.context.settings
        view = View(
            bounds=settings.bounds(self.now),
            server=settings.server,
            policy=settings.policy,
            policy_of=lambda _reading: self.policy,
            pendings=self.pendings,
        )
        return rows([self.reading], view)

    @cached_property
    def conditions(self) -> Tuple[Condition, ...]:
        """Every condition with its value."""
        return conditions(
            Subject(
                reading=self.reading,
                followed=self.followed,
                policy=self.policy,
                bounds=self.context.settings.bounds(self.now),
                joined="" if self.joined is None else self.joined.text,
                leader=0 if self.joined is None else self.joined.leader,
                unmarked=tuple(one.account.id for one in self.unmarked),
                name_of=self.name_of,
            )
        )

    @cached_property
    def eta(self) -> Optional[Eta]:
        """Within which time changes like it usually got a review; None where that is not known."""
        return eta(self.past, self.reading, self.policy, self.now) if self.past else None

    @cached_property
    def whom(self) -> List[Dict[str, Any]]:
        """Whom it would ask, and who else was considered."""
        known = {(ask.event_id, ask.tier, ask.attempt) for ask in self._every_ask}
        shown = [one for one in self._shown() if (one.event_id, one.tier, one.attempt) not in known]
        return whom(self.context, self.reading, self.now, (*self._every_ask, *shown), self.pendings)

    @cached_property
    def _accounts(self) -> Dict[int, Account]:
        change = self.reading.change
        authors = [one.author for one in change.messages if one.author is not None]
        people = (*authors, *change.ccs, *change.reviewers, change.owner)
        return {one.id: one for one in people}

    def name_of(self, account: Optional[int]) -> str:
        """An account in words: its name, else its number."""
        if account is None:
            return "Gerrit"
        known = self._accounts.get(account) or self._members.get(account)
        return outward((known.name or known.username) if known else "", NAME_CAP) or str(account)

    @cached_property
    def _members(self) -> Dict[int, Account]:
        """The roster's people; asked for only where somebody else than who is on the change is
        named.
        """
        members, _ = self.context.people.resolve()
        return {one.account.id: one.account for one in members}

    def live(self, timeline: Timeline) -> Tuple[Any, ...]:
        """What was asked about a wait and still stands, as the change itself shows it."""
        wait, server = timeline.wait, self.context.settings.server
        return live_asks(self.reading.change, self.policy, server, wait.party.value, wait.since)

    def _shown(self) -> List[Ask]:
        """The asks that the change shows, as records: without StackStorm there are no others."""
        found = []
        number, server = self.reading.change.number, self.context.settings.server
        for one in self.reading.lasting(self.now):
            wait = one.wait
            for ask in self.live(one):
                event = event_id(server, number, wait.party.value, wait.since, str(ask.milestone))
                told = (event, ask.tier.value, number, wait.party.value, wait.since)
                found.append(Ask(*told, ask.accounts, ask.at, ask.attempt))
        return found

    def is_live(self, ask: Ask) -> bool:
        """Whether the change itself shows the ask: a record alone says what was meant to be."""
        change, server = self.reading.change, self.context.settings.server
        shown = live_asks(change, self.policy, server, ask.party, ask.since)
        return (ask.tier, ask.accounts, ask.attempt) in {
            (one.tier.value, one.accounts, one.attempt) for one in shown
        }

    def reasons_not(self) -> List[str]:
        """What keeps anything from happening, by name."""
        change, state = self.reading.change, self.reading.state
        lasting = self.reading.lasting(self.now)
        reasons = (
            ("closed", change.status.is_closed),
            ("wip", change.work_in_progress),
            ("nobodys_turn", state.turn is Party.NOBODY),
            ("exempt", self.reading.is_exempt),
            ("paused", self.reading.pause(self.now) is not None),
            ("red", state.is_red(self.now)),
            ("gate_pending", state.is_gated(self.now)),
            ("no_milestone_reached", not any(one.crossed(self.now) for one in lasting)),
            ("hold_out", self.context.settings.is_held_out(change.number)),
            ("joined", self.joined is not None),
        )
        return [name for name, holds in reasons if holds]

    def paused_until(self) -> Optional[str]:
        """When the pause ends, None where there is none."""
        paused = self.reading.pause(self.now)
        return None if paused is None or paused.end is None else iso(paused.end)

    def sentences(self) -> List[str]:
        """It all in sentences."""
        said = [_TURNS[self.reading.state.turn]]
        for one in self.reading.lasting(self.now):
            said.append(self._sentence(one))
        until = self.paused_until()
        if until is not None:
            said.append(f"Its stopwatch stands still until {until}.")
        if self.reading.state.is_red(self.now):
            said.append("CI is red: nobody but the owner is reminded until it recovers.")
        if self.reading.state.is_gated(self.now):
            said.append("It is approved, and waits for a gate: nobody is asked to submit it.")
        if self.reading.is_exempt:
            said.append("The hashtag no-escalation keeps it out of escalation.")
        if self.joined is not None:
            said.append(self.joined.text)
        return said

    def _sentence(self, timeline: Timeline) -> str:
        policy = self.context.settings.policy
        days = self.reading.elapsed(timeline.wait, self.now, policy) / policy.calendar.day_seconds
        party = timeline.wait.party
        owe = "owe" if party is Party.REVIEWERS else "owes"
        begun = f"The {party.value} {owe} a move since {iso(timeline.wait.since)}"
        told = f"{begun} ({timeline.wait.cause.value}): {days:.2f} working days."
        following = timeline.following(self.now)
        if following is None:
            return f"{told} No further milestone will be reached as things stand."
        return (
            f"{told} If nothing happens, {following.milestone} is reached at {iso(following.at)}."
        )

    def _joined(self) -> Optional[Joined]:
        """In whose name the change is asked for; None where it is asked for itself."""
        lasting = self.reading.lasting(self.now)
        waits = [one for one in lasting if one.wait.party is not Party.OWNER]
        if not waits:
            return None
        bottom = bottom_of(self.context.client, self.reading.change)
        if bottom is not None:
            first = f"change {bottom}" if bottom else "a private change"
            return Joined(
                bottom,
                f"It is built on {first}, which is not merged yet. Before that, nobody is asked to"
                " review or to submit it.",
            )
        crossed = [(one.key, one.crossed(self.now)) for one in waits]
        latest = {(*key, str(one.milestone)) for key, one in crossed if one is not None}
        for one in self.pendings:
            mine = one.number == self.reading.change.number and Tier(one.tier) in ROSTER_TIERS
            if mine and one.leader and (one.party, one.since, one.milestone) in latest:
                told = (
                    f"At {iso(one.at)} it was joined to change {one.leader}, which is asked about."
                )
                return Joined(one.leader, told)
        return None


_TURNS = {
    Party.REVIEWERS: "It is the reviewers' turn.",
    Party.OWNER: "It is the owner's turn.",
    Party.SUBMITTER: "It is approved and waits to be submitted.",
    Party.NOBODY: "It is nobody's turn: the change is closed or in progress.",
}
