"""The settings that Redmine needs, and what to do about its refusals."""

from __future__ import annotations

import re

from reviewloop.http import codes
from reviewloop.trackers.settings import Form, Option

CLOSED, REJECTED, REOPEN = "closed_status", "rejected_status", "reopen_status"


_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


FORMS = {"project": Form(_PROJECT, "the project's identifier, as in its address")}
OPTIONS = {
    "key_field": Option(
        "The custom field of issues that holds our key: its name, or its number.",
        "Review key",
        "Review key",
    ),
    "tracker": Option("The tracker (kind of issue) of new tickets.", "Support"),
    "priority": Option("The priority of new tickets.", "High"),
    CLOSED: Option("The status of a ticket whose wait is over.", "Closed", "Closed"),
    REJECTED: Option("The status of a ticket that is not wanted.", "Rejected", "Rejected"),
    REOPEN: Option("The status of a ticket that is opened again.", "New", "New"),
    "format": Option(
        "Redmine's text formatting, as in its settings; its API does not tell.",
        "markdown",
        "textile",
        form=Form(re.compile("textile|markdown"), "textile or markdown"),
    ),
}


def remedy(status: int, project: str) -> str:
    """What to do about a refusal; empty where nothing is known."""
    if status == codes.NOT_FOUND:
        return f"Check tracker.url and tracker.project: that {project} exists there."
    if status == codes.FORBIDDEN:
        return (
            f"Make the account of tracker.token a member of {project} with a role that has "
            "'View issues', 'Add issues', 'Edit own issues' and 'Add notes', and check that "
            "the project is open and has issue tracking."
        )
    if status == codes.UNPROCESSABLE:
        return (
            "Check that the assignee is an assignable member, and that no field the pack does "
            "not fill is required for the account's role."
        )
    return ""
