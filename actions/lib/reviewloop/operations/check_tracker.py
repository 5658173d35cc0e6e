"""Whether tickets can be opened: who we are in the tracker, and what its project falls short of."""

from __future__ import annotations

from typing import Optional

from reviewloop.insight.findings import Finding, Level
from reviewloop.operations.checks import Checks
from reviewloop.trackers.base import Tracker

_LEVELS = {True: Level.PROBLEM, False: Level.WARNING, None: Level.UNKNOWN}
_WHY = {
    True: "No ticket is opened there, or none is closed.",
    False: "Tickets may be assigned to nobody, or lack their label.",
    None: "A missing right shows with the first ticket.",
}


def tracker(found: Optional[Tracker]) -> Checks:
    """Identity, set-up, and the tickets that are open."""
    if found is None:
        yield Finding("tracker", Level.OK, "No tracker is configured: no tickets are opened.")
        return
    who = found.whoami()
    yield Finding("tracker", Level.OK, f"{found.name} answers {who or 'without a name'}.")
    yield from _setup(found)
    count = len(found.list_open())
    yield Finding("tracker: tickets", Level.OK, f"{count} of this pack's tickets are open.")


def _setup(found: Tracker) -> Checks:
    shortfalls = found.shortfalls()
    check = "tracker: set-up"
    if shortfalls is None:
        yield Finding(
            check,
            Level.UNKNOWN,
            f"{found.name} does not tell what our account may do there.",
            _WHY[None],
            f"See docs/trackers/{found.kind}.md for the rights that are needed.",
        )
    for one in shortfalls or ():
        yield Finding(check, _LEVELS[one.sure], one.what, _WHY[one.sure], one.remedy)
    if shortfalls == ():
        yield Finding(check, Level.OK, "The project in the tracker has what tickets need.")
