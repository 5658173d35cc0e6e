"""All asks, and all that was put off, in a few values: what limits are counted by.

The records themselves (``gerrit.ask.*``, ``gerrit.pending.*``) are the truth, one value each. To
count by them would be to list them all for every decision. So whoever decides, and holds the lease
of the roster, also notes each in a value of its day, and what was put off in one of a few values:
less than a hundred in all, which one listing shows.

The tally is safe to lose, and made anew from the records once a day, and whenever it is not whole.
It is whole if the value ``gerrit.tally.whole`` has the digest of all others. That value is taken
away before a record is written, by whomever, and comes back when the tally has the record too: a
run that dies in between, a value that is lost, damaged or of yesterday, and a former version of
this pack that knows of no tally leave one that is not whole, or that is a day old.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import chain
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from reviewloop.core.keys import digest
from reviewloop.core.timestamps import from_iso, iso
from reviewloop.store.asks import CLOSED_TTL, OPEN_TTL, Ask, Asks
from reviewloop.store.datastore import UNREADABLE, Datastore, drop_value, read_values, write_value
from reviewloop.store.lease import Lease
from reviewloop.store.pending import Pending, Pendings, Reason
from reviewloop.store.whole import PREFIX, WHOLE

VERSION = 2
ROSTER = "roster"
"""The lease of the roster: under it somebody is chosen, and the ask is written."""
AGE = timedelta(days=1)
"""After so long it is made anew."""
SKEW = timedelta(hours=1)
"""How far clocks may differ: before Gerrit's first answer it is this machine's that is asked."""
SHARDS = 32
"""Values for what was put off: with the days of two months fewer than a listing shows at once."""
_OPEN, _CLOSED = timedelta(seconds=OPEN_TTL), timedelta(seconds=CLOSED_TTL)
_TTL = OPEN_TTL + 86_400

Rows = List[List[Any]]
#: Values that stay parsed: whoever decides time and again finds most of them as they were.
_PARSED = 200


class Tally:
    """The tally of one process. Writing is for whoever holds the lease of the roster.

    :raises DatastoreError: on every call, when the datastore is down.
    """

    def __init__(self, datastore: Datastore, asks: Asks, pendings: Pendings) -> None:
        self._datastore = datastore
        self._asks = asks
        self._pendings = pendings
        self._texts: Dict[str, str] = {}
        self._made: Optional[datetime] = None
        self._lease: Optional[Lease] = None

    def load(
        self, now: datetime, lease: Optional[Lease] = None
    ) -> Tuple[Tuple[Ask, ...], Tuple[Pending, ...]]:
        """Every ask that has not lapsed, earliest first, and everything put off, the longest wait
        first.

        :param lease: that of the roster, where it is held: then a tally that is not whole is made
            anew, and this one can be written to.
        :raises TemporaryError: the lease ran out meanwhile.
        """
        self._lease = lease
        found = self._whole(now)
        if found is not None:
            return found
        self._made = None
        asks, pendings = self._asks.all(), self._pendings.all()
        # What shows nothing at all may have been a listing that failed without a word.
        if lease is not None and asks:
            self._make(asks, pendings, now)
        return asks, pendings

    def note(
        self,
        now: datetime,
        asks: Sequence[Ask] = (),
        put_off: Sequence[Pending] = (),
        dropped: Sequence[Pending] = (),
    ) -> None:
        """Write records, and drop some: after :meth:`load`, under the same lease.

        :raises TemporaryError: it ran out meanwhile; the records are written all the same.
        """
        for ask in asks:
            self._asks.put(ask)
        for pending in put_off:
            self._pendings.put(pending)
        for pending in dropped:
            self._pendings.drop(pending)
        if self._made is None or not (asks or put_off or dropped):
            return
        changed: Dict[str, Rows] = {}
        for ask in asks:
            name = _day(now)
            changed[name] = [*changed.get(name, self._kept(name)), _row(ask)]
        for pending in (*put_off, *dropped):
            name = _shard(pending)
            before = changed.get(name, self._kept(name))
            rows = [row for row in before if row[0] != pending.key]
            changed[name] = [*rows, _put_off(pending)] if pending in put_off else rows
        self._write(changed, self._made)

    def _kept(self, name: str) -> Rows:
        text = self._texts.get(name)
        return [] if text is None else _rows(text)

    # Reading

    def _whole(self, now: datetime) -> Optional[Tuple[Tuple[Ask, ...], Tuple[Pending, ...]]]:
        """What the tally has; None where it is not whole, or makes no sense."""
        texts = read_values(self._datastore, PREFIX)
        try:
            mark = json.loads(texts.pop(WHOLE))
            if mark["version"] != VERSION:
                return None
            made = from_iso(mark["made"])
            if not made - SKEW <= now < made + AGE or mark["digest"] != _digest(texts):
                return None
            found = _asks(texts, now), _pendings(texts, now)
        except UNREADABLE:
            return None
        self._texts, self._made = texts, made
        return found

    # Writing

    def _make(self, asks: Sequence[Ask], pendings: Sequence[Pending], now: datetime) -> None:
        drop_value(self._datastore, WHOLE)
        before = set(read_values(self._datastore, PREFIX))
        self._texts = {}
        values: Dict[str, Rows] = {}
        for ask in asks:
            # When it was closed is not told; the records themselves lapse, and with them this.
            day = min(_day(ask.at), _day(now)) if ask.open else _day(now)
            values.setdefault(day, []).append(_row(ask))
        for pending in pendings:
            values.setdefault(_shard(pending), []).append(_put_off(pending))
        for name in before - set(values):
            drop_value(self._datastore, name)
        self._made = now
        self._write(values, now)

    def _write(self, values: Mapping[str, Rows], made: datetime) -> None:
        for name, rows in sorted(values.items()):
            text = json.dumps({"version": VERSION, "rows": rows})
            write_value(self._datastore, name, text, _TTL)
            self._texts[name] = text
        # Who holds it by now may have written another one of these values.
        if self._lease is not None:
            self._lease.check()
        mark = {"version": VERSION, "made": iso(made), "digest": _digest(self._texts)}
        write_value(self._datastore, WHOLE, json.dumps(mark), _TTL)


def _digest(texts: Mapping[str, str]) -> str:
    return digest(*chain.from_iterable(sorted(texts.items())))


def _day(instant: datetime) -> str:
    return f"{PREFIX}day.{instant.astimezone(timezone.utc):%Y-%m-%d}"


def _shard(pending: Pending) -> str:
    return f"{PREFIX}put.{int(digest(pending.key), 16) % SHARDS:02d}"


def _rows(text: str) -> Rows:
    rows: Rows = json.loads(text)["rows"]
    return rows


@lru_cache(maxsize=_PARSED)
def _asks_in(text: str) -> Tuple[Ask, ...]:
    return tuple(map(_ask, _rows(text)))


@lru_cache(maxsize=_PARSED)
def _pendings_in(text: str) -> Tuple[Pending, ...]:
    return tuple(map(_pending, _rows(text)))


def _asks(values: Mapping[str, str], now: datetime) -> Tuple[Ask, ...]:
    """The last that is said of an ask counts: it was opened, or closed, on that day."""
    found: Dict[str, Ask] = {}
    oldest = _day(now - _CLOSED)
    for name in sorted(one for one in values if one.startswith(f"{PREFIX}day.")):
        for ask in _asks_in(values[name]):
            found[ask.key] = ask
            if (not ask.open and name < oldest) or (ask.open and now - ask.at >= _OPEN):
                del found[ask.key]
    return tuple(
        sorted(found.values(), key=lambda ask: (ask.at, ask.event_id, ask.tier, ask.attempt))
    )


def _pendings(values: Mapping[str, str], now: datetime) -> Tuple[Pending, ...]:
    put_off = (text for name, text in values.items() if name.startswith(f"{PREFIX}put."))
    found = chain.from_iterable(map(_pendings_in, put_off))
    return tuple(sorted((one for one in found if now - one.at < _OPEN), key=lambda one: one.rank))


def _row(ask: Ask) -> List[Any]:
    since, at = int(ask.since.timestamp()), int(ask.at.timestamp())
    flags = ask.open + 2 * ask.late
    told = [ask.event_id, ask.tier, ask.number, ask.party, since, list(ask.accounts), at]
    return [*told, ask.attempt, flags, list(ask.joined)]


def _ask(row: List[Any]) -> Ask:
    event_id, tier, number, party, since, accounts, at, attempt, flags, joined = row
    return Ask(
        event_id=event_id,
        tier=tier,
        number=number,
        party=party,
        since=_instant(since),
        accounts=tuple(accounts),
        at=_instant(at),
        attempt=attempt,
        open=bool(flags & 1),
        late=bool(flags & 2),
        joined=tuple(joined),
    )


def _put_off(pending: Pending) -> List[Any]:
    instants = [pending.since, pending.at, pending.not_before, pending.crossed_at]
    return [
        pending.key,
        pending.event_id,
        pending.tier,
        pending.number,
        pending.party,
        pending.milestone,
        pending.reason.value,
        [int(one.timestamp()) for one in instants],
        pending.leader,
        pending.again,
    ]


def _pending(row: List[Any]) -> Pending:
    _, event_id, tier, number, party, milestone, reason, instants, leader, again = row
    since, at, not_before, crossed_at = (_instant(one) for one in instants)
    return Pending(
        event_id=event_id,
        tier=tier,
        number=number,
        party=party,
        since=since,
        milestone=milestone,
        reason=Reason(reason),
        at=at,
        not_before=not_before,
        crossed_at=crossed_at,
        leader=leader,
        again=again,
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
