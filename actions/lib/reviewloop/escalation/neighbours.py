"""What a change may be asked for with, as Gerrit tells it now: its chain, its topic, its push."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from reviewloop.core.asked import live_asks
from reviewloop.core.change import Change
from reviewloop.core.events import EventRef
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, Timeline
from reviewloop.core.tiers import ROSTER_TIERS, Tier
from reviewloop.core.turns import Party
from reviewloop.errors import ProtocolError, RefusedError
from reviewloop.escalation.grouping import Group, Key, Sibling
from reviewloop.gerrit import queries
from reviewloop.gerrit.chain import Related
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.protocol import change_id
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.reading import READ_ANEW, Reads
from reviewloop.gerrit.reads import ReadClient
from reviewloop.http import codes
from reviewloop.store.asks import Ask

MOST = 50
"""Changes that are looked at beside the one assessed, at most."""
MOST_CHAINS = 3
"""Chains of others that are looked at, at most, to find a leader that may be asked for."""
# In place of the bottom of a chain that was not looked at.
_NOWHERE = -1
_OPTIONS = (
    Option.MESSAGES,
    Option.LABELS,
    Option.DETAILED_LABELS,
    Option.DETAILED_ACCOUNTS,
)
# What a search takes literally in quotes: no quote, escape, line break or regular expression.
_PLAIN = re.compile(r'[^^"\\{}\x00-\x1f][^"\\{}\x00-\x1f]*')


@dataclass(frozen=True)
class Neighbours:
    """Changes that belong to the one assessed, each with its open wait of the same party.

    :param bottoms: of those that are built on an open change the one at the bottom of the chain.
    :param bottom: as in :class:`Group`.
    """

    reading: Reading
    timeline: Timeline
    related: Related
    asking: Asking
    others: Tuple[Tuple[Reading, Timeline], ...] = ()
    bottoms: Mapping[int, int] = field(default_factory=dict)
    bottom: Optional[int] = None


@dataclass(frozen=True)
class Asking:
    """What neighbours are looked at for.

    :param tier: who would be asked.
    :param is_held_out: whether a change is left alone on purpose, by its number.
    """

    event: EventRef
    tier: Tier
    policy: Policy
    now: datetime
    is_held_out: Callable[[int], bool]
    reads: Reads = READ_ANEW

    @property
    def is_grouped(self) -> bool:
        """Whether one of several changes may be asked for in the name of all."""
        return self.tier in ROSTER_TIERS

    @property
    def is_from_the_bottom(self) -> bool:
        """Whether nobody is asked above an open change: the owner's own turn is no matter of it."""
        return self.event.party is not Party.OWNER

    def reached(self, timeline: Timeline) -> Optional[datetime]:
        """When the timeline reached the event's milestone, None if it has not."""
        wanted = self.event.milestone
        reached = (one.at for one in timeline.crossings if one.milestone == wanted)
        return next((at for at in reached if at <= self.now), None)


def look(
    client: ReadClient, reading: Reading, timeline: Timeline, asking: Asking
) -> Optional[Neighbours]:
    """The neighbours of a change that is about to be asked for, by two requests; by one where a
    change is not grouped; None where neither matters.

    :raises TemporaryError, RefusedError, ProtocolError: it cannot be told now.
    """
    if not (asking.is_grouped or asking.is_from_the_bottom):
        return None
    change = reading.change
    found = Neighbours(reading, timeline, client.related(change), asking)
    bottom = _bottom(client, change, found.related) if asking.is_from_the_bottom else None
    if bottom is not None:
        return replace(found, bottom=bottom)
    if not asking.is_grouped:
        return found
    found = replace(found, others=tuple(_others(client, found)))
    return replace(found, bottoms=_bottoms(client, found)) if asking.is_from_the_bottom else found


def group(neighbours: Neighbours, asks: Sequence[Ask]) -> Group:
    """Who leads, given what is on record."""
    change = neighbours.reading.change
    siblings = (_sibling(*one, neighbours, asks) for one in neighbours.others)
    key = _key(change, neighbours.timeline)
    return Group(change.number, key, neighbours.related, tuple(siblings), neighbours.bottom)


def bottom_of(client: ReadClient, change: Change) -> Optional[int]:
    """The open change at the bottom of a change's chain; 0 where its number may not be told outside
    Gerrit, None where the change is built on no open one.

    :raises TemporaryError, RefusedError, ProtocolError: it cannot be told now.
    """
    return _bottom(client, change, client.related(change))


def _bottom(client: ReadClient, change: Change, related: Related) -> Optional[int]:
    if not related.ancestors:
        return None
    number = related.ancestors[-1]
    try:
        other = client.change(change_id(number, change.project), ())
    except RefusedError as err:
        if err.status != codes.NOT_FOUND:
            raise
        return 0
    return 0 if other.is_private else number


def _others(client: ReadClient, found: Neighbours) -> Iterator[Tuple[Reading, Timeline]]:
    change, asking, related = found.reading.change, found.asking, found.related
    for raw in _rows(client, _query(change, related)):
        other = _read(raw, asking)
        theirs = None if other is None else _overdue(other, asking)
        if other is None or theirs is None or other.change.number == change.number:
            continue
        dates = {_date(asking, one) for one in (found.timeline, theirs)}
        if _belong(change, other.change, related, len(dates) == 1):
            yield other, theirs


def _bottoms(client: ReadClient, found: Neighbours) -> Mapping[int, int]:
    """The bottoms of the chains to which the longest waits beside this one belong.

    As far as it matters: one that is asked leads anyhow, and so does the first that is a bottom, or
    whose bottom waits with it. So an escalation costs no request: what has nobody to join has none
    to ask for.
    """
    here = group(found, ())
    if any(one.asked for one in here.siblings):
        return {}
    changes = {reading.change.number: reading.change for reading, _ in found.others}
    bottoms: Dict[int, int] = {}
    for _ in range(MOST_CHAINS):
        first = next((one.number for one in here.older if one.number not in bottoms), None)
        chain = Related() if first is None else client.related(changes[first])
        if first is None or not chain.ancestors:
            return bottoms
        *between, bottom = chain.ancestors
        bottoms.update(dict.fromkeys((first, *between, *chain.descendants), bottom))
        if bottom in changes:
            return bottoms
    # Rather asked for than joined to what may have to wait.
    return {**{one.number: _NOWHERE for one in here.older}, **bottoms}


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


def _rows(client: ReadClient, query: str) -> Iterator[Raw]:
    return client.scan(query, _OPTIONS, limit=MOST) if query else iter(())


def _read(raw: Raw, asking: Asking) -> Optional[Reading]:
    try:
        return asking.reads.read_raw(raw, asking.policy)
    except ProtocolError:
        return None  # one change that makes no sense does not keep the others apart


def _overdue(reading: Reading, asking: Asking) -> Optional[Timeline]:
    """The open wait of the same party past the same milestone; None where it may not be asked: a
    change in progress, private, or staged has no wait.
    """
    change, event = reading.change, asking.event
    red = reading.state.is_red(asking.now) and event.party is not Party.OWNER
    gated = reading.state.is_gated(asking.now) and event.party is Party.SUBMITTER
    paused = reading.pause(asking.now) is not None
    if red or gated or paused or reading.is_exempt or asking.is_held_out(change.number):
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


def _sibling(
    reading: Reading, timeline: Timeline, neighbours: Neighbours, asks: Sequence[Ask]
) -> Sibling:
    asking, change = neighbours.asking, reading.change
    event = asking.event
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
        number=change.number,
        key=_key(change, timeline),
        asked=any(one.seconds(calendar) >= least for one in asked),
        bottom=neighbours.bottoms.get(change.number, 0),
    )


def _key(change: Change, timeline: Timeline) -> Key:
    return timeline.crossings[0].at if timeline.crossings else timeline.wait.since, change.number
