"""The settings that Request Tracker needs, and the rights that our account needs there."""

from __future__ import annotations

import re
from typing import Mapping

from reviewloop.http import codes
from reviewloop.trackers.settings import Form, Option

RIGHTS = (
    "SeeQueue, CreateTicket, ShowTicket, ShowTicketComments, ModifyTicket and ReassignTicket on "
    "the queue, and SeeCustomField and ModifyCustomField on the field"
)


TOKEN = re.compile(r"\d+-(\d+)-\S+")
STEP = re.compile(r"\.{1,2}")
"""No part of a path, but a step within it."""


FORMS: Mapping[str, Form] = {
    "project": Form(
        re.compile(rf"(?!{STEP.pattern}$)[^/\x00-\x1f]+"), "the queue's name, without a slash"
    ),
    "token": Form(
        re.compile(rf"{TOKEN.pattern}|[^:\s]+:.+"),
        "an authentication token such as 1-14-0123456789abcdef, or user:password",
    ),
}

OPTIONS: Mapping[str, Option] = {
    "key_field": Option(
        "The custom field of tickets that holds our key, by name.",
        "ReviewKey",
        "ReviewKey",
        form=Form(re.compile(r"[^{}'\"\\]+"), "the field's name, without quotes and braces"),
    ),
    "closed_status": Option("The status of a ticket whose wait is over.", "closed", "resolved"),
    "rejected_status": Option("The status of an unwanted ticket.", "declined", "rejected"),
    "reopen_status": Option("The status of a ticket that is opened again.", "open", "open"),
}


def remedy(status: int, project: str) -> str:
    """What to do about a refusal; empty where nothing is known."""
    if status == codes.NOT_FOUND:
        return "Check tracker.url: RT 5 answers below it at /REST/2.0."
    if status in (codes.FORBIDDEN, codes.BAD_REQUEST):
        return (
            f"Check tracker.project: that the queue {project} exists; make the account of "
            f"tracker.token a privileged user and grant it {RIGHTS}."
        )
    return ""
