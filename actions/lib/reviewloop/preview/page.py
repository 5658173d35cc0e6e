"""A preview as lines of text."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional, Sequence

from reviewloop.core.text import outward, outward_text

_MOST_PEOPLE, _MOST_ASKS = 20, 40
_NAME = 32
_TEXT = 20_000
_WORDS = {"nudge": "nudge", "escalate": "escalation", "label": "label"}


def page(plan: Mapping[str, Any]) -> Iterator[str]:
    """The plan, a section after the other, mostly within 80 characters."""
    yield f"{plan['server']}, {plan['now']}"
    past, ahead = plan["past"], plan["ahead"]
    if past is not None:
        yield ""
        yield f"WHAT WOULD HAVE BEEN ASKED, {past['from']} to {past['to']}"
        yield from _counts(past)
        yield from _table("week of", [(one["week"], one["asks"]) for one in past["by_week"]])
    yield from _milestones(plan["milestones"])
    yield ""
    yield f"WHAT IS DUE NEXT if nobody acts, until {ahead['to']}"
    yield from _counts(ahead)
    yield from _days(ahead)
    yield from _texts(ahead)
    yield from _against(plan["against"])
    if plan["notes"]:
        yield ""
        yield from (f"note: {note}" for note in plan["notes"])


def _counts(part: Mapping[str, Any]) -> Iterator[str]:
    if not part["asks"]:
        yield "  nobody"
    else:
        yield f"  {'rule':<32}{'tier':<11}{'asks':>6}{'changes':>9}{'people':>8}"
        for row in part["by_rule"]:
            name = outward(row["rule"], 60).replace("gerrit.", "", 1)
            yield (
                f"  {name:<32}{row['tier']:<11}{row['asks']:>6}{row['changes']:>9}"
                f"{row['people'] or '-':>8}"
            )
        yield from _people(part["by_person"])
    for why, count in part["not_asked"].items():
        yield f"  {_number(count, 'wait')} without an ask: {why}"
    for line in part["failed"]:
        yield f"  failed: {line}"


def _people(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if rows:
        yield f"  {'person':<32}{'':<11}{'asks':>6}{'most in a week':>17}"
    for row in rows[:_MOST_PEOPLE]:
        tiers = ", ".join(f"{count} {tier}" for tier, count in row["by_tier"].items())
        name = outward(row["name"], _NAME - 1)
        yield f"  {name:<32}{'':<11}{row['asks']:>6}{row['most_in_a_week']:>17}  {tiers}"
    if len(rows) > _MOST_PEOPLE:
        yield f"  and {len(rows) - _MOST_PEOPLE} others (--json lists all)"


def _table(name: str, rows: Sequence[Any]) -> Iterator[str]:
    if rows:
        yield f"  {name:<43}{'asks':>6}"
        yield from (f"  {key:<43}{count:>6}" for key, count in rows)


def _milestones(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield "WHAT EACH MILESTONE COSTS: waits that reached it, before rules and limits"
    yield (
        f"  {'':<10}{'reviewers':>11}{'owner':>8}{'submitter':>11}{'changes':>9}{'a week':>9}"
        f"{'most':>7}"
    )
    for row in rows:
        waits = row["waits"]
        yield (
            f"  {row['milestone']:<10}{waits['reviewers']:>11}{waits['owner']:>8}"
            f"{waits['submitter']:>11}{row['changes']:>9}{row['a_week']:>9}"
            f"{row['most_in_a_week']:>7}"
        )


def _days(part: Mapping[str, Any]) -> Iterator[str]:
    for day in part["by_day"]:
        counts = day["by_purpose"].items()
        told = ", ".join(_number(count, _WORDS[what]) for what, count in counts)
        yield f"  {day['day']}: {told}"
    for ask in part["asks"][:_MOST_ASKS]:
        yield f"    {_ask(ask)}"
    if len(part["asks"]) > _MOST_ASKS:
        yield f"    and {len(part['asks']) - _MOST_ASKS} others (--json lists all)"


def _texts(part: Mapping[str, Any]) -> Iterator[str]:
    """What each of the next asks says, where the plan has it."""
    told = [one for one in part["asks"] if "text" in one][:_MOST_ASKS]
    if told:
        yield ""
        yield "WHAT IT WOULD SAY"
    for ask in told:
        yield f"  {_ask(ask)}"
        yield f"    on change {ask['number']}, {ask['url']}"
        yield from _quoted(ask["text"])
        ticket = ask["ticket"]
        if ticket is not None:
            where = f"on ticket {ticket['ticket_id']}" if ticket["ticket_id"] else "a new ticket"
            title = f": {ticket['title']}" if ticket["title"] else ""
            yield f"    {outward(where + title, 300)}"
            yield from _quoted(ticket["body"])


def _quoted(text: str) -> Iterator[str]:
    lines = outward_text(text, _TEXT).split("\n")
    yield from (f"      | {line}".rstrip() for line in lines)


def _ask(ask: Mapping[str, Any]) -> str:
    who = ", ".join(outward(name, _NAME) for name in ask["names"]) or "nobody by name"
    joined = f", and for {_number(len(ask['joined']), 'other')}" if ask["joined"] else ""
    return (
        f"{ask['at']}  {ask['number']:>8}  {ask['purpose']} at {ask['milestone']}"
        f" ({ask['tier']}): {who}{joined}"
    )


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _against(found: Optional[Mapping[str, Any]]) -> Iterator[str]:
    if found is None:
        return
    yield ""
    yield "AGAINST THE OTHER CONFIGURATION (this / other)"
    yield from (f"  {line}" for line in found["settings"] or ["the two do not differ"])
    for name, title in (("past", "in the past"), ("ahead", "ahead")):
        part = found[name]
        if part is None:
            continue
        counts = ", ".join(f"{count} {why}" for why, count in part["by_why"].items())
        yield (
            f"  {title}: {part['ours']} asks / {part['theirs']};"
            f" {part['count']} differ{f': {counts}' if counts else ''}"
        )
        yield from _differing(part["asks"])


def _differing(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows[:_MOST_ASKS]:
        sides = [_ask(row[side]) if row[side] else "-" for side in ("ours", "theirs")]
        yield f"    {row['why']}: {sides[0]}"
        yield f"    {'/':>{len(row['why']) + 1}} {sides[1]}"
    if len(rows) > _MOST_ASKS:
        yield f"    and {len(rows) - _MOST_ASKS} others (--json lists all)"


def outlined(plan: Mapping[str, Any], most: int) -> Dict[str, Any]:
    """The plan with at most so many asks in each list: what an action answers is kept for ever."""
    found: Dict[str, Any] = dict(plan)
    for name in ("past", "ahead"):
        part = plan[name]
        if part is not None:
            found[name] = {**part, "count": len(part["asks"]), "asks": part["asks"][:most]}
    if plan["against"] is not None:
        found["against"] = {
            name: {**part, "asks": part["asks"][:most]} if isinstance(part, dict) else part
            for name, part in plan["against"].items()
        }
    return found
