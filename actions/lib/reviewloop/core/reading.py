"""One change understood: its waits, its pauses, and every crossing that follows from them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Iterator, NamedTuple, Optional, Sequence, Tuple, Union

from reviewloop.core.change import Change
from reviewloop.core.commands import Pauses, Verb, pauses
from reviewloop.core.milestones import (
    Crossing,
    Ending,
    Window,
    crossings,
    elapsed,
    replayed,
)
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span
from reviewloop.core.steps import Followed, follow_turns
from reviewloop.core.turns import Party
from reviewloop.core.waits import State, Wait, state_of

EXEMPT_HASHTAG = "no-escalation"
WaitKey = Tuple[str, datetime]


class Timeline(NamedTuple):
    """A wait and its crossings, past and to come, in order."""

    wait: Wait
    crossings: Tuple[Crossing, ...]

    @property
    def key(self) -> WaitKey:
        """What identifies the wait within its change."""
        return self.wait.party.value, self.wait.since

    def crossed(self, now: datetime) -> Optional[Crossing]:
        """The highest milestone reached by ``now``."""
        return next((one for one in reversed(self.crossings) if one.at <= now), None)

    def following(self, now: datetime) -> Optional[Crossing]:
        """The next milestone to be reached after ``now``, if nothing happens."""
        return next((one for one in self.crossings if one.at > now), None)


@dataclass(frozen=True)
class Reading:
    """A change, where it stands, when its stopwatch pauses, and the timeline of each wait."""

    change: Change
    state: State
    pauses: Pauses
    timelines: Tuple[Timeline, ...]

    @property
    def is_exempt(self) -> bool:
        """Whether somebody took the change out of escalation by its hashtag."""
        return EXEMPT_HASHTAG in (tag.lower() for tag in self.change.hashtags)

    def lasting(self, now: datetime) -> Tuple[Timeline, ...]:
        """The timelines of the waits that are not over."""
        return tuple(one for one in self.timelines if one.wait.lasts(now))

    def timeline(
        self, party: Party, now: datetime, since: Optional[datetime] = None
    ) -> Optional[Timeline]:
        """The open wait of a party, or None; with ``since`` only if it began then."""
        for timeline in self.lasting(now):
            if timeline.wait.party is party and since in (None, timeline.wait.since):
                return timeline
        return None

    def elapsed(self, wait: Wait, now: datetime, policy: Policy) -> int:
        """Working seconds on a wait's stopwatch at ``now``."""
        return elapsed(wait, now, policy.calendar, self.pauses.spans)

    def pause(self, now: datetime) -> Optional[Span]:
        """The span in which the stopwatch stands still now, or None."""
        for span in self.pauses.spans:
            if span.start <= now and (span.end is None or now < span.end):
                return span
        return None

    def is_acknowledged(self, pause: Span) -> bool:
        """Whether a pause is the work of ``/ack``, and not of ``/snooze``."""
        return any(one.verb is Verb.ACK and one.at == pause.start for one in self.pauses.commands)

    def without_history(self) -> Reading:
        """The same without the messages, which a sensor need not keep."""
        return replace(self, change=replace(self.change, messages=()))


def read_change(change: Change, policy: Policy) -> Reading:
    """Read a change with its messages."""
    return read_followed(change, policy, follow_turns(change, policy))


def read_followed(change: Change, policy: Policy, followed: Followed) -> Reading:
    """The same of a change whose turns were followed already."""
    state = state_of(change, policy, followed)
    paused = pauses(change, policy, state.waits)
    passes = sorted(paused.passes)
    timelines = tuple(
        Timeline(wait, _retold(wait, crossings(wait, policy, paused.spans), passes))
        for wait in state.waits
    )
    return Reading(change, state, paused, timelines)


def _retold(
    wait: Wait, passed: Tuple[Crossing, ...], passes: Sequence[datetime]
) -> Tuple[Crossing, ...]:
    """The crossings, with the last one reached crossed again whenever somebody hands it on.

    Then somebody else is to be asked, and nobody should have to wait for the next milestone.

    :param passes: in order; only those inside the wait are looked at.
    """
    if not passed or not passes:
        return passed
    first = bisect_right(passes, passed[0].at)
    last = len(passes) if wait.end is None else bisect_left(passes, wait.end)
    again = []
    for at in passes[first:last]:
        reached = [one for one in passed if one.at <= at]
        if reached[-1].at < at:  # else somebody else is asked in any case
            again.append(replace(reached[-1], at=at))
    return tuple(sorted((*passed, *again), key=lambda one: (one.at, one.index)))


def replay(reading: Reading, policy: Policy, window: Window) -> Iterator[Union[Crossing, Ending]]:
    """What a replay reports of a change: every crossing and ending in the window."""
    return replayed(reading.state.waits, policy, window, reading.pauses.spans)


def human_reviewers(change: Change, policy: Policy) -> Sequence[int]:
    """Account ids of the reviewers who are people, active, and not the owner, ascending."""
    active = [one for one in change.reviewers if not one.inactive and one.id != change.owner.id]
    return sorted(account.id for account in active if not policy.is_automation(account))
