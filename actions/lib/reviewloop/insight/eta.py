"""Within which time changes like one usually got a review; an answer from the past, no promise.

Of the reviewers' waits of the trailing 180 days, Kaplan and Meier's curve says within which working
time a share of them ended with a review. Waits that ended otherwise (withdrawn, put back to work in
progress, superseded) or last still are censored: they were seen to last so long. What began before
the window counts from the window's beginning on.

Changes are alike that are of one project and size, and wait for their first review, or for another
one. Where these are too few, those of the project count, then all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.milestones import running
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading
from reviewloop.core.spans import Span
from reviewloop.core.turns import How, Party
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar
from reviewloop.insight.survival import Curve, Observed, kaplan_meier
from reviewloop.messages.subject import working_days

WINDOW = timedelta(days=180)
SHARE = 0.8
FEW = 60
"""Waits below which nothing is said."""
SIZES = ((10, "XS"), (50, "S"), (250, "M"), (1_000, "L"))
"""Lines added and removed, below which a change is of a size; XL from there on. Gerrit's dashboards
show the same (``gr-change-list-item.ts``).
"""
LARGEST = "XL"
_REVIEWED = How.REVIEWED.value


class Kind(str, Enum):
    """What was waited for."""

    FIRST = "first"
    NEXT = "next"


class Scope(str, Enum):
    """Which changes count as alike."""

    PROJECT_AND_SIZE = "project_and_size"
    PROJECT = "project"
    ALL = "all"


@dataclass(frozen=True)
class Like:
    """What a wait has in common with others."""

    kind: Kind
    project: str
    size: str

    def is_like(self, other: Like, scope: Scope) -> bool:
        """Whether another wait counts within a scope."""
        if self.kind is not other.kind:
            return False
        if scope is Scope.ALL:
            return True
        return self.project == other.project and (scope is Scope.PROJECT or self.size == other.size)


Group = Tuple[Kind, str, str]
"""What was waited for, the project ("" for all), and the size ("" for all)."""


def group_of(like: Like, scope: Scope) -> Group:
    """Those within a scope: whatever is alike has the same."""
    project = "" if scope is Scope.ALL else like.project
    return like.kind, project, like.size if scope is Scope.PROJECT_AND_SIZE else ""


def groups_of(like: Like) -> Dict[Group, Scope]:
    """All that a wait counts for, the narrowest first, each once: one without a size is in none of
    one size.
    """
    scopes = (one for one in Scope if like.size or one is not Scope.PROJECT_AND_SIZE)
    return {group_of(like, one): one for one in scopes}


@dataclass(frozen=True)
class Past:
    """A wait of the reviewers as it came: the stopwatch runs in ``running``; ``how`` it ended, and
    after how many working ``seconds``, None where it lasts.
    """

    like: Like
    since: datetime
    end: Optional[datetime]
    how: Optional[How]
    running: Tuple[Span, ...]
    seconds: Optional[int] = None

    def elapsed(self, at: datetime, calendar: Calendar) -> int:
        """Working seconds on its stopwatch at an instant."""
        if self.seconds is not None and self.end is not None and self.end <= at:
            return self.seconds
        return sum(
            calendar.elapsed(span.start, at if span.end is None else min(at, span.end))
            for span in self.running
            if span.start < at
        )

    def observed(self, now: datetime, calendar: Calendar) -> Observed:
        """The wait as it was known at an instant, seen from the window's beginning on."""
        begin = now - WINDOW
        is_over = self.end is not None and self.end <= now
        ending = self.how.value if is_over and self.how is not None else ""
        entered = self.elapsed(begin, calendar) if self.since < begin else 0
        return Observed(self.elapsed(now, calendar), ending, entered)

    def is_seen(self, now: datetime) -> bool:
        """Whether something of it lies in the window up to an instant."""
        return self.since < now and (self.end is None or self.end > now - WINDOW)


def size_of(change: Change) -> str:
    """The size of a change; "" where the answer holds no lines, as a merge's does."""
    lines = change.insertions + change.deletions
    if not lines:
        return ""
    return next((name for most, name in SIZES if lines < most), LARGEST)


def past_of(reading: Reading, policy: Policy) -> Iterator[Past]:
    """The waits of the reviewers in a history."""
    kind = Kind.FIRST
    for one in reading.timelines:
        wait = one.wait
        if wait.party is Party.REVIEWERS:
            like = Like(kind, reading.change.project, size_of(reading.change))
            spans = running(wait, reading.pauses.spans)
            seconds = None if wait.end is None else reading.elapsed(wait, wait.end, policy)
            yield Past(like, wait.since, wait.end, wait.how, spans, seconds)
        if wait.how is How.REVIEWED:
            kind = Kind.NEXT


def like_of(reading: Reading, wait: Wait, policy: Policy) -> Like:
    """What a wait of the reviewers of a change has in common with others."""
    return next(one for one in past_of(reading, policy) if one.since == wait.since).like


@dataclass(frozen=True)
class Eta:
    """Of ``waits`` like one, ``share`` ended with a review within ``seconds`` of working time.

    ``still``: the same of those that had waited for ``waited`` already, counted from the beginning;
    None where these are too few, or fewer than the share were ever reviewed.
    """

    like: Like
    scope: Scope
    waits: int
    share: float
    seconds: float
    waited: int
    still: Optional[float]


def usual(
    past: Iterable[Past], like: Like, now: datetime, calendar: Calendar
) -> Optional[Tuple[Scope, Curve]]:
    """The curve of the waits like one as it was known then; None where there are too few."""
    seen = [one for one in past if one.like.kind is like.kind and one.is_seen(now)]
    for scope in Scope:
        if scope is Scope.PROJECT_AND_SIZE and not like.size:
            continue
        alike = [one for one in seen if like.is_like(one.like, scope)]
        if len(alike) >= FEW:
            return scope, curve_of(one.observed(now, calendar) for one in alike)
    return None


def curve_of(observed: Iterable[Observed]) -> Curve:
    """Waits as a curve that falls where a review ends one."""
    return kaplan_meier(observed, (_REVIEWED,))


def eta(past: Iterable[Past], reading: Reading, policy: Policy, now: datetime) -> Optional[Eta]:
    """When the reviewers' open wait of a change usually ends; None where it has none, or too little
    is known.
    """
    timeline = reading.timeline(Party.REVIEWERS, now)
    if timeline is None:
        return None
    like = like_of(reading, timeline.wait, policy)
    found = usual(past, like, now, policy.calendar)
    seconds = None if found is None else found[1].quantile(SHARE)
    if found is None or seconds is None:
        return None
    scope, curve = found
    waited = reading.elapsed(timeline.wait, now, policy)
    return Eta(like, scope, curve.waits, SHARE, seconds, waited, _still(curve, waited))


def _still(curve: Curve, waited: int) -> Optional[float]:
    """The time within which the share ended of those that lasted so long."""
    here = curve.at(waited)
    later = [one for one in curve.points if one.time > waited]
    if not later or later[0].at_risk < FEW:
        return None
    return next((one.time for one in later if one.lasting <= here.lasting * (1 - SHARE)), None)


def as_dict(found: Optional[Eta], calendar: Calendar) -> Optional[Dict[str, Any]]:
    """The answer as plain values: ``{kind, scope, project, size, waits, share, working_days,
    waited_days, still_days, text}``, or None.
    """
    if found is None:
        return None
    day = calendar.day_seconds
    return {
        "kind": found.like.kind.value,
        "scope": found.scope.value,
        "project": found.like.project,
        "size": found.like.size,
        "waits": found.waits,
        "share": found.share,
        "working_days": _days(found.seconds, day),
        "waited_days": _days(found.waited, day),
        "still_days": None if found.still is None else _days(found.still, day),
        "text": sentence(found, calendar),
    }


def _days(seconds: float, day: int) -> float:
    return round(seconds / day, 2)


def sentence(found: Eta, calendar: Calendar) -> str:
    """The answer in words."""
    share, day = f"{100 * found.share:.0f} %", calendar.day_seconds
    told = (
        f"{of_others(found.like, found.scope, found.seconds, calendar)}"
        f" ({found.waits} waits of the last {WINDOW.days} days)."
    )
    if found.still is not None and found.waited > 0:
        told += (
            f" Of those that had waited {found.waited / day:.1f} days, as this one has, {share}"
            f" got it within {found.still / day:.1f}."
        )
    return f"{told} That is no promise."


def of_others(like: Like, scope: Scope, seconds: float, calendar: Calendar) -> str:
    """Within which time :data:`SHARE` of others got a review, in words without a full stop."""
    alike = {
        Scope.PROJECT_AND_SIZE: f"changes like this one ({like.project}, size {like.size})",
        Scope.PROJECT: f"changes of {like.project}",
        Scope.ALL: "all changes",
    }[scope]
    what = "their first review" if like.kind is Kind.FIRST else "another review"
    time = working_days(seconds, calendar)
    return f"Of {alike}, {100 * SHARE:.0f} % got {what} within {time}"
