"""What was asked, what came of it, and whether it helped."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Tuple

from reviewloop.core.turns import Party
from reviewloop.insight.comparing import Comparison, compare, endings_needed
from reviewloop.insight.report import charts
from reviewloop.insight.report.facts import AskFact, Trial
from reviewloop.insight.report.figures import (
    TOO_FEW,
    count,
    days,
    in_days,
    median,
    percent,
)
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import Scope
from reviewloop.insight.sections import Cell, Section, Table
from reviewloop.insight.survival import FEW, Observed, kaplan_meier

UNKNOWN = (
    "Which messages are this pack's is not known, since no `username` is configured under which it"
    " acts."
)
_OPEN = "still open"
_REVIEWED = "reviewed"
#: Hazard ratios that one may want to find.
_EFFECTS = (1.2, 1.3, 1.5, 2.0)
_UNTIL = 20.0
_SMALLEST = 0.001


def escalations(found: Gathered) -> Section:
    """Asked, acted, ended."""
    asks = [ask for change in found.changes for ask in change.asks]
    by_tier: Dict[Tuple[str, str], List[AskFact]] = {}
    for ask in asks:
        by_tier.setdefault((ask.tier, ask.milestone), []).append(ask)
    rows = [[tier, milestone, *_asked(by_tier[tier, milestone])] for tier, milestone in by_tier]
    rows.sort(key=lambda row: (str(row[0]), len(str(row[1])), str(row[1])))
    if asks:
        rows.append(["all", "", *_asked(asks)])
    ends = Counter(ask.ending or _OPEN for ask in asks)
    values = [{"end": how, "asks": number} for how, number in sorted(ends.items())]
    columns = (
        "tier",
        "milestone",
        "asks",
        "people named",
        "of these acted",
        "days until they did (median)",
        "waits ended",
        "of these reviewed",
        "days until the end (median)",
    )
    chart = charts.bars(
        values,
        x=charts.channel("asks", charts.QUANTITY, "asks"),
        y=charts.channel("end", charts.NAME, "how the wait ended", sort="-x"),
    )
    note = (
        "As the marks on the changes show. Working days. Who was asked may have acted for other"
        " reasons; whether asking helps is what the next part compares. Asks that everybody who"
        " was named has passed on are not among them."
    )
    return Section(
        "escalations",
        "Escalations: asked, acted, ended",
        _escalations(asks) if found.scope.policy.own_account else UNKNOWN,
        Table(columns, rows),
        chart if asks else None,
        note,
    )


def _escalations(asks: Sequence[AskFact]) -> str:
    if not asks:
        return "No ask of this pack is on the changes that were read."
    named = [ask for ask in asks if ask.named]
    acted = sum(ask.acted is not None for ask in named)
    ended = sum(bool(ask.ending) for ask in asks)
    told = f"{count(len(asks), 'ask')}: {ended:,} of the waits have ended"
    if named:
        after = median([ask.acted for ask in named if ask.acted is not None])
        when = "" if after is None else f", half of them within {in_days(after)}"
        told += (
            f"; after {acted:,} of the {len(named):,} that named somebody"
            f" ({percent(acted / len(named))}) that person acted{when}"
        )
    return f"{told}."


def _asked(asks: Sequence[AskFact]) -> List[Cell]:
    named = [ask for ask in asks if ask.named]
    acted = [ask.acted for ask in named if ask.acted is not None]
    ended = [ask for ask in asks if ask.ending]
    after = [ask.ended for ask in ended if ask.ended is not None]
    return [
        len(asks),
        len(named),
        len(acted),
        days(median(acted)),
        len(ended),
        sum(ask.ending == _REVIEWED for ask in ended),
        days(median(after)),
    ]


def effect(found: Gathered) -> Section:
    """Treated beside held out."""
    scope = found.scope
    trials = _trials(found)
    groups = {
        name: [Observed(one.days, _REVIEWED if one.reviewed else "") for one in mine]
        for name, mine in (
            ("treated", [one for one in trials if not one.held_out]),
            ("held out", [one for one in trials if one.held_out]),
        )
    }
    treated, held_out = groups["treated"], groups["held out"]
    compared = compare(treated, held_out)
    events = sum(bool(one.ending) for one in (*treated, *held_out))
    rows: List[List[Cell]] = []
    values: List[Dict[str, Any]] = []
    for name, waits in groups.items() if scope.hold_out else ():
        curve = kaplan_meier(waits)
        told: Cell = TOO_FEW if curve.is_few else days(curve.quantile(0.5))
        rows.append([f"{name}: changes", curve.waits])
        rows.append([f"{name}: reviewed so far", curve.ended])
        rows.append([f"{name}: median days from there to a review", told])
        if not curve.is_few:
            values += charts.curve_points(curve, _UNTIL, group=name)
    if scope.hold_out:
        rows += _compared(compared, min(len(treated), len(held_out)) < FEW)
        rows.append(["reviews so far, both groups", events])
    share = len(treated) / len(trials) if treated and held_out else 0.5
    needed = {one: endings_needed(one, share) for one in _EFFECTS}
    rows += [[f"reviews needed to find a ratio of {one}", most] for one, most in needed.items()]
    chart = charts.chart(
        values,
        mark={"type": "line", "interpolate": "step-after"},
        encoding={
            "x": charts.channel("days", charts.QUANTITY, "working days since the milestone"),
            "y": charts.share("waiting", "not reviewed yet"),
            "color": charts.channel("group", charts.NAME, "changes"),
            "strokeDash": charts.channel("group", charts.NAME, "changes"),
        },
    )
    note = (
        "Each change that is not held out is treated, asked about or not, and counts once: from"
        " where its first wait passed the milestone at which asks begin, since the first ask."
        " Waits that end otherwise than by a review count as no longer watched. Log-rank test;"
        " hazard ratio by Cox's model, 95 % interval after Wald; reviews needed after Schoenfeld,"
        " at 5 % and a power of 80 %. Looking again and again and stopping at the first small p"
        " finds effects that are not there."
    )
    return Section(
        "effect",
        "Does asking help? Treated against held out",
        _effect(scope, compared, (len(treated), len(held_out)), (events, needed[1.5])),
        Table(("what", "value"), rows),
        chart if values else None,
        note,
    )


def _trials(found: Gathered) -> List[Trial]:
    """The waits that are compared: from the first ask on, at the milestone at which asks begin."""
    # Those about owners begin elsewhere.
    about = (ask for change in found.changes for ask in change.asks)
    asks = [ask for ask in about if ask.party is Party.REVIEWERS]
    every = [one for change in found.changes for one in change.trials]
    if not asks:
        return []
    begin = min(ask.at for ask in asks)
    names = [str(one) for one in found.scope.policy.milestones]
    lowest = min(names.index(ask.milestone) for ask in asks)
    return [one for one in every if one.milestone == names[lowest] and one.at >= begin]


def _compared(found: Comparison, is_few: bool) -> List[List[Cell]]:
    p: Cell = TOO_FEW if is_few else _p(found.p).replace("= ", "")
    rows: List[List[Cell]] = [["log-rank test, p", p]]
    numbers = (
        ("log-rank test, chi²", found.chi2),
        ("hazard ratio, treated to held out", found.ratio),
        ("low", found.low),
        ("high", found.high),
    )
    for name, number in numbers:
        told = None if number is None else round(number, 3)
        rows.append([name, TOO_FEW if is_few else told])
    return rows


def _effect(
    scope: Scope,
    found: Comparison,
    sizes: Tuple[int, int],
    events: Tuple[int, int],
) -> str:
    if not scope.hold_out:
        return (
            "No change is held out, so nothing here can tell whether asking helps: set"
            " `limits.hold_out_percent` to compare. With half of the changes held out it takes"
            f" {events[1]:,} reviews to find a hazard ratio of 1.5."
        )
    if not sum(sizes):
        return "No ask was made to reviewers yet, so there is nothing to compare."
    so_far, needed = events
    of = f" of the {needed:,} that it takes to find a ratio of 1.5"
    if min(sizes) < FEW or found.ratio is None or found.low is None or found.high is None:
        return (
            f"Too few changes to compare so far: {sizes[0]:,} treated and {sizes[1]:,} held"
            f" out, {so_far:,} reviews{of}."
        )
    if found.low > 1:
        told = "Treated changes are reviewed sooner"
    elif found.high < 1:
        told = "Treated changes are reviewed later"
    else:
        told = "No difference can be told so far"
    return (
        f"{told}: hazard ratio {found.ratio:.2f} ({found.low:.2f} to {found.high:.2f}), log-rank"
        f" p {_p(found.p)}, {so_far:,} reviews so far{of}."
    )


def _p(found: Optional[float]) -> str:
    """A p-value as it is written."""
    if found is None:
        return "not known"
    return "< 0.001" if found < _SMALLEST else f"= {found:.3f}"
