"""Changes that belong together are asked for once: a relation chain, a topic, an owner's push.

Of a chain the lowest overdue change is asked for, else the one that has waited longest; the others
are *joined*: its message lists them. Joining can never go round in a circle: it leads down the
chain, or to a wait that is older than any that joins through this change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

from reviewloop.core.asked import live_asks
from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.events import EventRef
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, Timeline, read_change
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.turns import Party
from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.reads import Related
from reviewloop.store.asks import Ask

MOST = 50
"""Changes that are looked at beside the one assessed, at most."""
_OPTIONS = (
    Option.MESSAGES,
    Option.LABELS,
    Option.DETAILED_LABELS,
    Option.DETAILED_ACCOUNTS,
)
# What a search takes literally in quotes: no quote, escape, line break or regular expression.
_PLAIN = re.compile(r'[^^"\\{}\x00-\x1f][^"\\{}\x00-\x1f]*')
Key = Tuple[datetime, int]


@dataclass(frozen=True)
class Sibling:
    """Another change that waits for the same party and has reached the same milestone.

    :param asked: whether somebody of the roster is asked for it at that milestone or a later one.
    """

    number: int
    key: Key
    asked: bool = False


@dataclass(frozen=True)
class Group:
    """The change assessed, ``key`` its own place, and its siblings."""

    number: int
    key: Key
    related: Related
    siblings: Tuple[Sibling, ...]

    @property
    def leader(self) -> int:
        """In whose name this change is asked for: its own number where it leads."""
        asked = [one for one in self.siblings if one.asked]
        if asked:
            return min(asked, key=lambda one: one.key).number
        here = {one.number for one in self.siblings}
        below = [number for number in self.related.ancestors if number in here]
        if below:
            return below[-1]
        above = set(self.related.descendants)
        mine = min([self.key, *(one.key for one in self.siblings if one.number in above)])
        older = [one for one in self.siblings if one.number not in above and one.key < mine]
        return min(older, key=lambda one: one.key).number if older else self.number

    @property
    def joined(self) -> Tuple[int, ...]:
        """Whom this change speaks for, if it leads: the longest wait first."""
        return tuple(one.number for one in sorted(self.siblings, key=lambda one: one.key))


@dataclass(frozen=True)
class Neighbours:
    """Changes that belong to the one assessed, each with its open wait of the same party."""

    reading: Reading
    timeline: Timeline
    related: Related
    asking: Asking
    others: Tuple[Tuple[Reading, Timeline], ...] = ()


@dataclass(frozen=True)
class Asking:
    """What neighbours are looked at for.

    :param is_held_out: whether a change is left alone on purpose, by its number.
    """

    event: EventRef
    policy: Policy
    now: datetime
    is_held_out: Callable[[int], bool]

    def reached(self, timeline: Timeline) -> Optional[datetime]:
        """When the timeline reached the event's milestone, None if it has not."""
        wanted = self.event.milestone
        reached = (one.at for one in timeline.crossings if one.milestone == wanted)
        return next((at for at in reached if at <= self.now), None)


def look(client: Client, reading: Reading, timeline: Timeline, asking: Asking) -> Neighbours:
    """The neighbours of a change that is about to be asked for, by two requests.

    :raises TemporaryError, RefusedError: it cannot be told now.
    """
    change = reading.change
    related = client.related(change)
    found: List[Tuple[Reading, Timeline]] = []
    for raw in _rows(client, _query(change, related)):
        other = _read(raw, asking.policy)
        theirs = None if other is None else _overdue(other, asking)
        if other is None or theirs is None or other.change.number == change.number:
            continue
        dates = {_date(asking, one) for one in (timeline, theirs)}
        if _belong(change, other.change, related, len(dates) == 1):
            found.append((other, theirs))
    return Neighbours(reading, timeline, related, asking, tuple(found))


def group(neighbours: Neighbours, asks: Sequence[Ask]) -> Group:
    """Who leads, given what is on record."""
    change = neighbours.reading.change
    siblings = (_sibling(*one, neighbours.asking, asks) for one in neighbours.others)
    return Group(
        change.number, _key(change, neighbours.timeline), neighbours.related, tuple(siblings)
    )


def _query(change: Change, related: Related) -> str:
    """Open changes of the chain, the topic, or the same owner, project and branch; "" for none."""
    parts = [queries.any_change((*related.ancestors, *related.descendants)[:MOST])]
    if _PLAIN.fullmatch(change.topic):
        parts.append(f'topic:"{change.topic}"')
    if _PLAIN.fullmatch(change.project) and _PLAIN.fullmatch(change.branch):
        where = f'project:"{change.project}" branch:"{change.branch}"'
        parts.append(f"(owner:{change.owner.id} {where})")
    any_of = " OR ".join(part for part in parts if part)
    return queries.all_of(any_of, "status:open") if any_of else ""


def _rows(client: Client, query: str) -> Iterator[Raw]:
    return client.scan(query, _OPTIONS, page=MOST, limit=MOST) if query else iter(())


def _read(raw: Raw, policy: Policy) -> Optional[Reading]:
    try:
        return read_change(parse.change(raw), policy)
    except ProtocolError:
        return None  # one change that makes no sense does not keep the others apart


def _overdue(reading: Reading, asking: Asking) -> Optional[Timeline]:
    """The open wait of the same party past the same milestone; None where it may not be asked."""
    change, event = reading.change, asking.event
    closed = change.status is not ChangeStatus.NEW or change.work_in_progress or change.is_private
    red = reading.state.is_red(asking.now) and event.party is not Party.OWNER
    paused = reading.pause(asking.now) is not None
    if closed or red or paused or reading.is_exempt or asking.is_held_out(change.number):
        return None
    timeline = reading.timeline(event.party, asking.now)
    return timeline if timeline is not None and asking.reached(timeline) is not None else None


def _date(asking: Asking, timeline: Timeline) -> Optional[date]:
    """The day on which the timeline reached the milestone."""
    at = asking.reached(timeline)
    return None if at is None else asking.policy.calendar.local_date(at)


def _belong(change: Change, other: Change, related: Related, is_one_day: bool) -> bool:
    if other.number in (*related.ancestors, *related.descendants):
        return True
    if change.topic and change.topic == other.topic:
        return True
    mine, theirs = ((one.owner.id, one.project, one.branch) for one in (change, other))
    return mine == theirs and is_one_day


def _sibling(reading: Reading, timeline: Timeline, asking: Asking, asks: Sequence[Ask]) -> Sibling:
    change, event = reading.change, asking.event
    wait = (change.number, timeline.wait.party.value, timeline.wait.since)
    shown = live_asks(change, asking.policy, event.server, *wait[1:])
    asked = [one.milestone for one in shown if one.tier in ROSTER_TIERS]
    for ask in asks:
        on_roster = ask.open and Tier(ask.tier) in ROSTER_TIERS
        if on_roster and (ask.number, ask.party, ask.since) == wait:
            asked.append(EventRef.parse(ask.event_id).milestone)
    calendar = asking.policy.calendar
    least = event.milestone.seconds(calendar)
    return Sibling(
        change.number, _key(change, timeline), any(one.seconds(calendar) >= least for one in asked)
    )


def _key(change: Change, timeline: Timeline) -> Key:
    return timeline.crossings[0].at if timeline.crossings else timeline.wait.since, change.number
