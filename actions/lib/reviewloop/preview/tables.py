"""The asks of a preview, counted: by rule, tier, person, week and day; as plain values."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List, Sequence, Tuple
from typing import Counter as Counts

from reviewloop.core.timestamps import iso
from reviewloop.core.worktime import Calendar
from reviewloop.preview.asks import Ask, Found
from reviewloop.preview.costs import week_of

#: Nobody by name: a change is only marked, or a volunteer is wanted.
NOBODY = "nobody by name"


def told(found: Found, calendar: Calendar, *, texts: bool = False) -> Dict[str, Any]:
    """``{from, to, asks: [...], by_rule, by_tier, by_person, by_week, by_day, not_asked, failed}``.

    ``not_asked`` counts the waits about which nobody was asked, by the last reason.

    :param texts: whether each ask has what it says, too: ``text``, and its ticket's ``body``.
    """
    return {
        "from": iso(found.since),
        "to": iso(found.until),
        "asks": [as_dict(one, texts=texts) for one in found.asks],
        "by_rule": _by_rule(found.asks),
        "by_tier": _counted(Counter(one.tier for one in found.asks), "tier"),
        "by_person": _by_person(found.asks, calendar),
        "by_week": _counted(_weeks(found.asks, calendar), "week"),
        "by_day": _by_day(found.asks, calendar),
        "not_asked": _not_asked(found),
        "failed": [str(one) for one in found.failed],
    }


def as_dict(ask: Ask, *, texts: bool = False) -> Dict[str, Any]:
    """One ask; its texts only where they are wanted, else their hashes alone."""
    ticket = None if ask.ticket is None else ask.ticket.as_dict(texts=texts)
    told = {
        "at": iso(ask.at),
        "event_id": ask.event_id,
        "rule": ask.rule,
        "purpose": ask.purpose,
        "tier": ask.tier,
        "number": ask.number,
        "project": ask.project,
        "url": ask.url,
        "party": ask.party,
        "since": iso(ask.since),
        "milestone": ask.milestone,
        "account_ids": list(ask.accounts),
        "names": list(ask.names),
        "attempt": ask.attempt,
        "joined": list(ask.joined),
        "ask_id": ask.id,
        "text_sha256": ask.sha256,
        "ticket": ticket,
    }
    return {**told, "text": ask.text} if texts else told


def _by_rule(asks: Sequence[Ask]) -> List[Dict[str, Any]]:
    rows: Dict[Tuple[str, str, str], List[Ask]] = {}
    for one in asks:
        rows.setdefault((one.rule, one.purpose, one.tier), []).append(one)
    return [
        {
            "rule": rule,
            "purpose": purpose,
            "tier": tier,
            "asks": len(mine),
            "changes": len({one.number for one in mine}),
            "people": len({who for one in mine for who in one.accounts}),
        }
        for (rule, purpose, tier), mine in sorted(rows.items())
    ]


def _by_person(asks: Sequence[Ask], calendar: Calendar) -> List[Dict[str, Any]]:
    """Whoever is asked most, first."""
    names: Dict[int, str] = {}
    weeks: Dict[int, Counts[str]] = {}
    tiers: Dict[int, Counts[str]] = {}
    for one in asks:
        for who, name in zip(one.accounts, one.names):
            names[who] = name
            weeks.setdefault(who, Counter())[week_of(one.at, calendar).isoformat()] += 1
            tiers.setdefault(who, Counter())[one.tier] += 1
    rows = [
        {
            "account_id": who,
            "name": names[who],
            "asks": sum(weeks[who].values()),
            "by_tier": dict(sorted(tiers[who].items())),
            "most_in_a_week": max(weeks[who].values()),
        }
        for who in names
    ]
    return sorted(rows, key=lambda row: (-row["asks"], row["account_id"]))


def _by_day(asks: Sequence[Ask], calendar: Calendar) -> List[Dict[str, Any]]:
    rows: Dict[str, Counts[str]] = {}
    for one in asks:
        day = calendar.local_date(one.at).isoformat()
        rows.setdefault(day, Counter())[one.purpose] += 1
    return [
        {"day": day, "asks": sum(counts.values()), "by_purpose": dict(sorted(counts.items()))}
        for day, counts in sorted(rows.items())
    ]


def _weeks(asks: Sequence[Ask], calendar: Calendar) -> Counts[str]:
    return Counter(week_of(one.at, calendar).isoformat() for one in asks)


def _counted(counts: Counts[str], name: str) -> List[Dict[str, Any]]:
    return [{name: key, "asks": count} for key, count in sorted(counts.items())]


def _not_asked(found: Found) -> Dict[str, int]:
    asked = {one.wait for one in found.asks}
    last = {one.wait: one.why for one in found.passed if one.wait not in asked}
    return dict(sorted(Counter(last.values()).items()))
