"""What Launchpad needs to be told, and its statuses."""

from __future__ import annotations

import re
from typing import Mapping, Tuple

from reviewloop.trackers.base import Form, Option

OPEN = (
    "New",
    "Incomplete",
    "Confirmed",
    "Triaged",
    "In Progress",
    "Deferred",
    "Fix Committed",
)
CLOSED = ("Opinion", "Invalid", "Won't Fix", "Expired", "Fix Released", "Does Not Exist")
"""All statuses of ``lp/bugs/interfaces/bugtask.py``, by whether they count as resolved there."""

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_PROJECT = re.compile(rf"{NAME.pattern}(?:/\+source/{NAME.pattern})?")
# The consumer's name comes first and may hold colons, as launchpadlib's "System-wide: …" does.
_TOKEN = re.compile(r"[^\r\n]+:[^:\s]+:[^:\s]+")


def _one_of(names: Tuple[str, ...]) -> Form:
    return Form(re.compile("|".join(map(re.escape, names))), "one of " + ", ".join(names))


FORMS: Mapping[str, Form] = {
    "project": Form(_PROJECT, "project, or distribution/+source/package"),
    "token": Form(_TOKEN, "consumer_key:token:token_secret"),
}

OPTIONS: Mapping[str, Option] = {
    "closed_status": Option(
        "The status of a ticket whose review came. Its reporter may reopen it, whoever set it.",
        "Fix Released",
        "Fix Released",
        form=_one_of(CLOSED),
    ),
    "not_planned_status": Option(
        "The status of a ticket whose change was given up. Won't Fix would need the project's "
        "bug supervisor, to set and to leave it.",
        "Invalid",
        "Invalid",
        form=_one_of(CLOSED),
    ),
    "open_status": Option(
        "The status of a ticket that is opened again.", "New", "New", form=_one_of(OPEN)
    ),
}
