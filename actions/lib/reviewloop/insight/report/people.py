"""On how few people reviews rest, and whether reviews are still reviews."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Dict, List, Optional, Tuple

from reviewloop.insight.report import charts
from reviewloop.insight.report.figures import count, percent, rounded
from reviewloop.insight.report.gather import Gathered, Quarter
from reviewloop.insight.sections import Cell, Fraction, Section, Table

_LISTED = 10
_QUARTERS = 12


def concentration(found: Gathered) -> Section:
    """How many people make the reviews."""
    # Of those with as many, the account that is older: the order of reading tells nothing.
    ranked = sorted(found.reviewers.items(), key=lambda one: (-one[1], one[0]))
    total = sum(number for _, number in ranked)
    sums = list(accumulate(number for _, number in ranked))
    rows: List[List[Cell]] = []
    for place, (account, number) in enumerate(ranked[:_LISTED]):
        name = found.names.get(account, f"reviewer {place + 1}")
        shares = (rounded(number / total), rounded(sums[place] / total))
        rows.append([name, number, *shares])
    if len(ranked) > _LISTED:
        others = total - sums[_LISTED - 1]
        name = count(len(ranked) - _LISTED, "other")
        rows.append([name, others, rounded(others / total), rounded(1.0)])
    lead = "Nobody reviewed anything in the period."
    if total:
        half = 1 + next(place for place, one in enumerate(sums) if 2 * one >= total)
        who = "One person makes" if half == 1 else f"{half} people make"
        lead = (
            f"{count(total, 'review')} came from {count(len(ranked), 'person', 'people')}. {who} at"
            f" least half of them; the first makes {percent(ranked[0][1] / total)}."
        )
    values = [
        {"people": place, "share": round(one / max(total, 1), charts.DIGITS)}
        for place, one in enumerate([0, *sums])
        if place <= _FIRST or place % _EVERY == 0 or place == len(sums)
    ]
    chart = charts.chart(
        values,
        mark={"type": "line", "point": True},
        encoding={
            "x": charts.channel("people", charts.QUANTITY, "people, the busiest first"),
            "y": charts.share("share", "share of all reviews"),
        },
    )
    columns = ("who", "reviews", "share", "share so far")
    note = (
        "A review is what a person who does not answer for the change says or votes. This shows on"
        " how many people the project rests; it is no measure of anybody's work."
    )
    title = "On how many people reviews rest"
    table = Table(columns, rows)
    return Section("concentration", title, lead, table, chart if total else None, note)


_FIRST, _EVERY = 30, 10


def guards(found: Gathered) -> Section:
    """Whether reviews get thinner while they get faster."""
    names = sorted(found.quarters)[-_QUARTERS:]
    rows = [[name, *_quarter(found.quarters[name])] for name in names]
    whole = _whole(found)
    rows.append(["whole period", *_quarter(whole)])
    lead = "Nobody reviewed anything in the period."
    if whole.reviews:
        lead = (
            f"{count(whole.reviews, 'review')} came with {whole.comments / whole.reviews:.2f}"
            f" comments each; {percent(whole.wordy / whole.reviews)} were words alone, without a"
            f" vote or a comment on the code."
        )
        if found.scope.policy.own_account:
            lead += f" Messages of this pack are {percent(whole.pack / whole.messages)} of all."
    if found.approved:
        lead += (
            f" Of {count(found.approved, 'approving vote')} by somebody who was asked,"
            f" {percent(found.prompt / found.approved)} came within ten minutes of it."
        )
    values: List[Dict[str, Any]] = []
    for name in names:
        one = found.quarters[name]
        if one.reviews:
            values.append(
                {"quarter": name, "what": _COMMENTS, "number": round(one.comments / one.reviews, 3)}
            )
            values.append(
                {"quarter": name, "what": _WORDY, "number": round(one.wordy / one.reviews, 3)}
            )
    chart = {
        **charts.chart(values),
        "facet": {"row": {"field": "what", "type": charts.NAME, "title": None}},
        "spec": {
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": charts.channel("quarter", charts.ORDER, "quarter"),
                "y": charts.channel("number", charts.QUANTITY, ""),
            },
        },
        "resolve": {"scale": {"y": "independent"}},
    }
    columns = (
        "quarter",
        "reviews",
        "comments per review",
        "words only, share",
        "people's messages",
        "this pack's",
        "this pack's, share of all",
        "other bots'",
        "advisers'",
    )
    note = (
        "If waits get shorter while comments per review fall or prompt votes rise, people wave"
        " changes through: then ask less. Only comments that a message counts are known."
    )
    title = "Guards: are reviews still reviews?"
    return Section("guards", title, lead, Table(columns, rows), chart if values else None, note)


_COMMENTS, _WORDY = "comments per review", "reviews of words only, share"


def _whole(found: Gathered) -> Quarter:
    whole = Quarter()
    for one in found.quarters.values():
        for name in vars(whole):
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
    return whole


def _quarter(one: Quarter) -> List[Cell]:
    def per(part: int, of: int) -> Optional[Fraction]:
        return rounded(part / of) if of else None

    comments = None if not one.reviews else round(one.comments / one.reviews, 3)
    told: Tuple[Cell, ...] = (
        one.reviews,
        comments,
        per(one.wordy, one.reviews),
        one.people,
        one.pack,
        per(one.pack, one.messages),
        one.bots,
        one.advisers,
    )
    return list(told)
