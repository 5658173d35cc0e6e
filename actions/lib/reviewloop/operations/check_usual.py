"""Whether texts can say what `usual_wait` promises: how old the stored times are."""

from __future__ import annotations

from reviewloop.core.timestamps import iso
from reviewloop.errors import ConfigError
from reviewloop.insight.findings import Finding, Level
from reviewloop.operations.checks import Checks
from reviewloop.operations.context import Context
from reviewloop.operations.usual import name_for, stored

CHECK = "usual_wait"
_SILENT = "Texts say nothing of the usual time."
_REMEDY = "st2 run gerrit.usual_waits; and weekly: st2 rule enable gerrit.usual_waits_weekly"


def usual_wait(context: Context) -> Checks:
    """What is stored, where the configuration wants it said.

    :raises DatastoreError: it cannot be read just now.
    """
    if not context.settings.usual_wait:
        return
    try:
        table = stored(context)
    except ConfigError:
        what = f"The stored value {name_for(context.settings)} cannot be read."
        yield Finding(CHECK, Level.WARNING, what, _SILENT, _REMEDY)
        return
    if table is None:
        what = "`usual_wait` is set, and no usual times are stored."
        yield Finding(CHECK, Level.WARNING, what, _SILENT, _REMEDY)
        return
    fault = table.fault(context.client.now(), context.settings.policy.calendar)
    if fault:
        what = f"What is stored of the usual times {fault}."
        yield Finding(CHECK, Level.WARNING, what, _SILENT, _REMEDY)
    elif not table.groups:
        what = f"At {iso(table.made)} no group of changes had the 60 waits that a time takes."
        yield Finding(CHECK, Level.NOTE, what, _SILENT)
    else:
        what = f"The usual times of {len(table.groups)} groups of changes are of {iso(table.made)}."
        yield Finding(CHECK, Level.OK, what)
