"""What a sweep did and found, as it is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List

from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.errors import guarded, named
from reviewloop.operations.cases import Case
from reviewloop.operations.context import Context

EVERY = 500
"""Changes after which the log is told how far a sweep has come."""


@dataclass
class Report:
    """What a sweep did and found."""

    looked_at: int = 0
    closed: List[Dict[str, Any]] = field(default_factory=list)
    commented: List[Dict[str, Any]] = field(default_factory=list)
    held_back: List[Dict[str, Any]] = field(default_factory=list)
    half_done: List[Dict[str, Any]] = field(default_factory=list)
    records_without_ticket: List[Dict[str, Any]] = field(default_factory=list)
    tickets_without_record: List[Dict[str, Any]] = field(default_factory=list)
    records_elsewhere: List[Dict[str, Any]] = field(default_factory=list)
    unreadable: List[str] = field(default_factory=list)
    asks_closed: int = 0
    pending_dropped: int = 0
    lists_corrected: int = 0
    failures: List[Dict[str, Any]] = field(default_factory=list)


def attempt(report: Report, number: int, job: Callable[[], None]) -> bool:
    """Run a job; a failure is listed, and the sweep goes on. Whether it went well."""

    def done() -> bool:
        job()
        return True

    def failed(err: Exception) -> bool:
        failure = named(err)
        report.failures.append(
            {"number": number, "kind": failure.kind, "message": outward(str(failure), 500)}
        )
        return False

    return guarded(done, failed)


def half_done(case: Case) -> List[Dict[str, Any]]:
    """What was begun about a change, and is not on it."""
    which = {"key": case.key, "number": case.number}
    asks = [
        {**which, "tier": ask.tier, "event_id": outward(ask.event_id, 900), "asked_at": iso(ask.at)}
        for ask in case.half_done
    ]
    bare = {**which, "tier": "", "event_id": "", "asked_at": ""}
    return [*asks, bare] if case.is_unmarked else asks


def told(case: Case) -> Dict[str, Any]:
    """A case as the report lists it."""
    ticket_id, url = ("", "") if case.record is None else (case.record.id, case.record.url)
    why = "" if case.why is None else case.why.value
    return {"key": case.key, "number": case.number, "why": why, **ticket_named(ticket_id, url)}


def ticket_named(ticket_id: str, url: str) -> Dict[str, str]:
    """A ticket as the report names it."""
    return {"ticket_id": outward(ticket_id), "ticket_url": outward(url, 500)}


def tell(context: Context, what: str, count: int, whole: int) -> None:
    """Progress, now and then."""
    if count % EVERY == 0 or count == whole:
        context.progress(f"{what} {count} of {whole}")
