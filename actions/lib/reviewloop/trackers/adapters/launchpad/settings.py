"""The settings that Launchpad needs, and its statuses."""

from __future__ import annotations

import re
from typing import Mapping, Tuple

from reviewloop.http import codes
from reviewloop.trackers.settings import Form, Option

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


def remedy(status: int, project: str) -> str:
    """What to do about a refusal; empty where nothing is known."""
    if status in codes.MOVED:
        return f"{project} was renamed: set tracker.project to its new name."
    if status in (codes.NOT_FOUND, codes.GONE):
        return (
            f"Check tracker.project: that {project} is a project or distribution there "
            "and that the token's account may see it."
        )
    if status == codes.FORBIDDEN:
        return (
            f"Let tracker.token change data (private data too, if bugs of {project} are "
            "private). For Won't Fix, Triaged, Deferred and Expired its account must be in "
            "the project's bug supervisor, and so it must to assign others."
        )
    if status == codes.BAD_REQUEST:
        return f"Check that tracker.project ({project}) is no series and no project group."
    return ""
