"""What is kept of a change while nothing happens to it: a line of text instead of a tree of values.

Only what can still come of it is kept: open waits, when their stopwatches ran, and their
milestones, what stops a stopwatch now or later, and who is asked. Whatever else is told of a change
is taken from a new answer of Gerrit, so its names, votes and texts are not needed.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple
from zlib import crc32

from reviewloop.core.asked import LiveAsk
from reviewloop.core.change import Account, Change, ChangeStatus
from reviewloop.core.commands import Command, Pauses, Verb
from reviewloop.core.durations import parse_duration
from reviewloop.core.milestones import Crossing, running
from reviewloop.core.reading import EXEMPT_HASHTAG, Reading, Timeline
from reviewloop.core.spans import Span
from reviewloop.core.tiers import Tier
from reviewloop.core.timestamps import epoch, instant
from reviewloop.core.turns import Cause, How, Party
from reviewloop.core.waits import State, Wait
from reviewloop.sensor.found import Asks, ChangeKey

#: In place of :func:`standing`: a change is to be read again before anything is told of it.
UNPROVEN = 0
#: Spans of one stopwatch that are kept at most. Few histories have more, and those are read again.
SPANS = 20
#: Changes that are held unpacked at most: a start looks at each twice, so many at a time.
UNPACKED = 500

#: Whether something of a timeline is still to be dispatched.
IsPending = Callable[[Timeline], bool]

_NOBODY = Account(0)
_write = json.JSONEncoder(separators=(",", ":")).encode


def standing(change: Change) -> int:
    """What a reading depends on beside the history, in a number; never ``UNPROVEN``."""
    votes = [
        (one.label, one.account.id, one.value, str(one.date), one.tag)
        for one in change.approvals or ()
    ]
    told = (
        (change.status.value, change.status_word, change.work_in_progress),
        (change.approvals is None, sorted(votes)),
        None if change.labels is None else sorted(change.labels),
        change.unmet,
    )
    return crc32(repr(told).encode()) or 1


def pack(
    reading: Reading, asks: Asks, now: datetime, is_pending: IsPending, stands: int = UNPROVEN
) -> str:
    """What is left of a change: JSON without spaces, some 200 characters.

    :param now: what is over by then is left out, unless it is pending.
    :param stands: :func:`standing` of the change, if all that was said on it is read.
    """
    change, state = reading.change, reading.state
    kept = [one for one in reading.timelines if _is_kept(one, now, is_pending)]
    ran = [running(one.wait, reading.pauses.spans) for one in kept]
    is_short = all(len(spans) <= SPANS for spans in ran)
    ahead = [span for span in reading.pauses.spans if _lasts(span, now)]
    acknowledged = {span.start for span in ahead if reading.is_acknowledged(span)}
    return _write(
        [
            epoch(change.updated),
            change.status.value,
            2 * change.is_private + change.work_in_progress,
            int(reading.is_exempt),
            [_timeline(one, spans if is_short else ()) for one, spans in zip(kept, ran)],
            [[*_span(span), int(span.start in acknowledged)] for span in ahead],
            [_span(span) for span in state.reds if _lasts(span, now)],
            [_span(span) for span in state.gates if _lasts(span, now)],
            [_asked(key, found) for key, found in asks.items()],
            [stands if is_short else UNPROVEN, state.human_reviews],
        ]
    )


@lru_cache(maxsize=UNPACKED)
def unpack(text: str, key: ChangeKey) -> Tuple[Reading, Asks]:
    """What :func:`pack` kept, as far as polls look at it; that of the last ``UNPACKED`` changes is
    at hand.

    :raises ValueError, TypeError, KeyError, IndexError, OverflowError: it is something else.
    """
    updated, status, flags, exempt, timelines, paused, reds, gates, asks, rest = json.loads(text)
    at = instant(updated)
    change = Change(
        number=key.number,
        project=key.project,
        branch="",
        change_id="",
        status=ChangeStatus(status),
        subject="",
        owner=_NOBODY,
        created=at,
        updated=at,
        hashtags=(EXEMPT_HASHTAG,) if exempt else (),
        is_private=bool(flags & 2),
        work_in_progress=bool(flags & 1),
    )
    state = State((), Party.NOBODY, _spans(reds), _spans(gates), human_reviews=rest[1])
    pauses = Pauses(
        _spans(paused), commands=tuple(Command(Verb.ACK, instant(p[0]), 0) for p in paused if p[2])
    )
    lines = tuple(_of_timeline(*one) for one in timelines)
    return Reading(change, state, pauses, lines), dict(_of_asked(*one) for one in asks)


def updated_of(text: str) -> datetime:
    """When the change was last touched: what :func:`pack` wrote first."""
    end = text.index(",")
    return instant(int(text[1:end]))


def standing_of(text: str) -> int:
    """What :func:`pack` was told of how the change stands."""
    return int(json.loads(text)[-1][0])


def next_change(reading: Reading, now: datetime) -> Iterable[datetime]:
    """The instants after ``now`` at which a reason why nobody is asked may begin or end."""
    state = reading.state
    for span in (*reading.pauses.spans, *state.reds, *state.gates):
        yield from (at for at in (span.start, span.end) if at is not None and at > now)


def _is_kept(timeline: Timeline, now: datetime, is_pending: IsPending) -> bool:
    end = timeline.wait.end
    return end is None or end > now or is_pending(timeline)


def _lasts(span: Span, now: datetime) -> bool:
    return span.end is None or span.end > now


def _timeline(one: Timeline, ran: Sequence[Span]) -> List[Any]:
    wait = one.wait
    return [
        wait.party.value,
        wait.cause.value,
        epoch(wait.since),
        None if wait.end is None else epoch(wait.end),
        None if wait.how is None else wait.how.value,
        int(wait.lapses),
        list(_ran(wait.since, ran)),
        [[str(c.milestone), c.index, epoch(c.at)] for c in one.crossings],
    ]


def _of_timeline(
    party: str,
    cause: str,
    since: int,
    end: Optional[int],
    how: Optional[str],
    lapses: int,
    ran: Sequence[int],
    crossings: Sequence[Sequence[Any]],
) -> Timeline:
    wait = Wait(
        Party(party),
        Cause(cause),
        instant(since),
        tuple(_spans_of(since, ran)),
        None if end is None else instant(end),
        None if how is None else How(how),
        bool(lapses),
    )
    found = (
        Crossing(wait, parse_duration(name), index, instant(at)) for name, index, at in crossings
    )
    return Timeline(wait, tuple(found))


def _ran(since: datetime, spans: Sequence[Span]) -> Iterator[int]:
    """Seconds after the wait began at which its stopwatch was started and stopped in turn."""
    for span in spans:
        yield epoch(span.start) - epoch(since)
        if span.end is not None:
            yield epoch(span.end) - epoch(since)


def _spans_of(since: int, ran: Sequence[int]) -> Iterator[Span]:
    ends = [*map(instant, (since + seconds for seconds in ran[1::2])), None]
    yield from (Span(instant(since + ran[i]), ends[i // 2]) for i in range(0, len(ran), 2))


def _asked(key: Tuple[str, datetime], found: Sequence[LiveAsk]) -> List[Any]:
    told = [
        [str(one.milestone), one.tier.value, one.attempt, list(one.accounts), epoch(one.at)]
        for one in found
    ]
    return [key[0], epoch(key[1]), told]


def _of_asked(
    party: str, since: int, found: Sequence[Sequence[Any]]
) -> Tuple[Tuple[str, datetime], Tuple[LiveAsk, ...]]:
    asks = tuple(
        LiveAsk(parse_duration(name), Tier(tier), attempt, tuple(accounts), instant(at))
        for name, tier, attempt, accounts, at in found
    )
    return (party, instant(since)), asks


def _span(span: Span) -> List[Optional[int]]:
    return [epoch(span.start), None if span.end is None else epoch(span.end)]


def _spans(found: Sequence[Sequence[Any]]) -> Tuple[Span, ...]:
    return tuple(Span(instant(p[0]), None if p[1] is None else instant(p[1])) for p in found)
