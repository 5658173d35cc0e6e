"""The report as a whole: its sections in order, from one pass over the changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from reviewloop.core.change import Change
from reviewloop.core.durations import Duration
from reviewloop.core.timestamps import iso
from reviewloop.insight.report import (
    asks,
    definitions,
    flow,
    groups,
    lines,
    nine,
    people,
    poll,
    standing,
    weekly,
)
from reviewloop.insight.report.cycles import Cycle, Cycles
from reviewloop.insight.report.gather import Gathered
from reviewloop.insight.report.scope import EVER, Scope
from reviewloop.insight.sections import Cell, Section
from reviewloop.settings.load import Settings

PROMISE = Duration(2, "d")
"""Within what reviewers are to answer, where nothing else is said."""


@dataclass(frozen=True)
class Report:
    """A report; ``generated`` is the instant it tells of, ISO 8601 with Z.

    ``nine`` are OpenInfra's figures below ``reviewloop.insight.report.nine.COLUMNS``.
    """

    title: str
    generated: str
    sections: Tuple[Section, ...]
    nine: Sequence[Sequence[Cell]]

    def section(self, ident: str) -> Section:
        """A section by its id. :raises KeyError: there is none."""
        return {one.id: one for one in self.sections}[ident]


def report(
    changes: Iterable[Change],
    settings: Settings,
    now: datetime,
    names: bool = False,
    *,
    since: datetime = EVER,
    promise: Optional[Duration] = None,
    cycles: Sequence[Cycle] = (),
    unread: Optional[Mapping[str, int]] = None,
) -> Report:
    """Report on changes, each read once and forgotten.

    :param changes: with their messages. For a period they are those that were touched in it, and
        those that are open: others say nothing about it.
    :param now: the end of the period; nothing that came later counts.
    :param names: whether reviewers are named.
    :param since: where the period begins; waits that were under way then enter it late.
    :param promise: within what reviewers are to answer.
    :param cycles: release cycles, in order; half years without.
    :param unread: what could not be read, by why, for the reader to know.
    """
    found = Gathered(_scope(settings, now, since, promise or PROMISE), Cycles(tuple(cycles)), names)
    found.take_all(changes)
    table = nine.rows(found)
    sections = (
        standing.standing(found),
        standing.waiting(found),
        standing.projects(found),
        weekly.weeks(found),
        flow.backlog(found),
        flow.life(found),
        flow.hours(found),
        groups.sizes(found),
        groups.origins(found),
        groups.authors(found),
        groups.asked(found),
        groups.listed(found),
        people.concentration(found),
        asks.escalations(found),
        asks.effect(found),
        people.guards(found),
        nine.section(found, table),
        lines.section(found),
        poll.section(found.poll, found.scope),
        definitions.section(found, unread or {}),
    )
    return Report(f"Code review on {settings.server}", iso(now), sections, table)


def to_json(found: Report) -> Dict[str, Any]:
    """The report as plain values: ``{title, generated, sections: [{id, title, lead, table:
    {columns, rows}, chart, note}], nine: {columns, rows}}``; ``chart`` may be null.
    """
    return {
        "title": found.title,
        "generated": found.generated,
        "sections": [_plain(one) for one in found.sections],
        "nine": {"columns": list(nine.COLUMNS), "rows": _lists(found.nine)},
    }


def to_csv(found: Report) -> str:
    """OpenInfra's nine as comma-separated values."""
    return nine.as_csv(_lists(found.nine))


def _plain(one: Section) -> Dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "lead": one.lead,
        "table": {"columns": list(one.table.columns), "rows": _lists(one.table.rows)},
        "chart": one.chart,
        "note": one.note,
    }


def _lists(rows: Sequence[Sequence[Cell]]) -> List[List[Cell]]:
    return [list(row) for row in rows]


def _scope(settings: Settings, now: datetime, since: datetime, promise: Duration) -> Scope:
    """The scope, by a policy that has the promise as a milestone."""
    policy, calendar = settings.policy, settings.policy.calendar
    others = [one for one in policy.milestones if one != promise]
    every = sorted((*others, promise), key=lambda one: one.seconds(calendar))
    return Scope(
        policy=replace(policy, milestones=tuple(every)),
        promise=promise,
        now=now,
        since=since,
        server=settings.server,
        hold_out=settings.limits.hold_out_percent > 0,
        is_held_out=settings.is_held_out,
    )
