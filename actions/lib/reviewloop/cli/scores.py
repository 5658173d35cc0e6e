"""The scores of ``reviewloop judge``, as a table and as JSON."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional

from reviewloop.core.durations import Duration
from reviewloop.core.timestamps import iso
from reviewloop.insight.moves import Measure, Mover
from reviewloop.insight.scores import IDLE, IDLE_NOT_NEGATIVE, PACK, Row, Score, Scores

_RULES = {
    IDLE: "idle: reviewers",
    IDLE_NOT_NEGATIVE: "idle, no vote below 0",
    PACK: "this pack, then",
}
_LEGEND = """\
right: who was named made the next substantive move; the submitter is also right
with an approval vote. Then who moved instead; after "nobody", nobody ever did.
rate: percent right of those after which somebody moved. any: the same for moves
of any kind, records and re-checks included.
"""
_WHY_NOT = {
    "open": "events: nobody moved since, the change is open",
    "closed": "events: nobody moved any more, the change is closed",
    "no_messages": "changes that came without messages",
    "unreadable": "changes that make no sense",
}
_UNREAD = "events decided by comments whose text is not known"


def page(found: Scores, milestone: Duration, not_judged: Mapping[str, int]) -> Iterator[str]:
    """The scores as lines of text, at most 80 characters each.

    :param not_judged: how many changes were not, by reason.
    """
    yield f"{found.changes} changes, milestone {milestone}, until {iso(found.until)}"
    yield ""
    yield _head("named, cause")
    for row in found.named:
        yield _line(f"  {row.cause}" if row.cause else row.party or "all", row)
    yield ""
    yield _head(f"poll on age:{milestone}")
    for row in found.idle:
        yield _line(f"  {row.party}" if row.party else _RULES[row.rule], row)
    yield ""
    yield from _LEGEND.splitlines()
    yield ""
    yield "Overdue by the turn alone, and not named:"
    for (party, reason), count in found.held.items():
        yield _count(f"{party}, {reason}", count)
    yield ""
    yield "Not judged, or in doubt:"
    for reason, count in {**found.undecided, **not_judged}.items():
        yield _count(_WHY_NOT[reason], count)
    yield _count(_UNREAD, found.unread)


def _head(name: str) -> str:
    return (
        f"{name:<24}{'events':>7}{'right':>7}{'reviewer':>9}{'owner':>7}{'merged':>7}"
        f"{'nobody':>7}{'rate':>6}{'any':>6}"
    )


def _line(name: str, row: Row) -> str:
    score, wrong = row.score, row.score.wrong
    return (
        f"{name:<24}{score.events:>7}{score.right:>7}{wrong[Mover.REVIEWER]:>9}"
        f"{wrong[Mover.OWNER]:>7}{wrong[Mover.MERGED]:>7}{score.nobody:>7}"
        f"{_rate(score.rate):>6}{_rate(row.by_measure[Measure.ANY].rate):>6}"
    )


def _count(name: str, count: int) -> str:
    return f"  {name:<52}{count:>7}"


def _rate(rate: Optional[float]) -> str:
    return "-" if rate is None else f"{rate:.1f}"


def as_dict(found: Scores, milestone: Duration, not_judged: Mapping[str, int]) -> Dict[str, Any]:
    """The scores as plain values, for JSON.

    ``{milestone, until, changes, named: [row, ...], idle: [row, ...], not_named: [{party, reason,
    events}], undecided: {open, closed}, unread, not_judged: {no_messages, unreadable}}``. A row is
    ``{rule, party, cause, substantive: score, any: score}``, with empty texts where it is about all
    of them; a score ``{events, right, wrong: {reviewer, owner, merged}, nobody, rate}``, where the
    rate is in percent, or null.
    """
    return {
        "milestone": str(milestone),
        "until": iso(found.until),
        "changes": found.changes,
        "named": [_row(row) for row in found.named],
        "idle": [_row(row) for row in found.idle],
        "not_named": [
            {"party": party, "reason": reason, "events": count}
            for (party, reason), count in found.held.items()
        ],
        "undecided": found.undecided,
        "unread": found.unread,
        "not_judged": dict(not_judged),
    }


def _row(row: Row) -> Dict[str, Any]:
    told = {measure.value: _score(row.by_measure[measure]) for measure in Measure}
    return {"rule": row.rule, "party": row.party, "cause": row.cause, **told}


def _score(score: Score) -> Dict[str, Any]:
    return {
        "events": score.events,
        "right": score.right,
        "wrong": {mover.value: count for mover, count in score.wrong.items()},
        "nobody": score.nobody,
        "rate": score.rate,
    }
