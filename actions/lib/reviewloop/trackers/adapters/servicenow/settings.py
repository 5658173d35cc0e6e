"""The settings that ServiceNow needs, and the names of its fields."""

from __future__ import annotations

import re
from typing import Dict, Mapping, Tuple

from reviewloop.errors import ConfigError
from reviewloop.http import codes
from reviewloop.http.credentials import basic
from reviewloop.trackers.rest import PAIRS
from reviewloop.trackers.settings import Form, Option, TrackerSettings
from reviewloop.trackers.tickets import State

INCIDENT = "incident"
KEY, LABELS = "correlation_id", "correlation_display"
JOURNALS = ("work_notes", "comments")
FIELDS = (
    "sys_id,number,short_description,state,active,close_code,correlation_id,correlation_display,"
    "assigned_to,assigned_to.user_name,sys_created_on,sys_created_by,sys_updated_on,resolved_at,"
    "closed_at"
)
CLOSED, CANCELED, CLOSE, REOPEN = "closed_states", "canceled_states", "close_state", "reopen_state"
STATES = (CLOSED, CLOSE, REOPEN)


_NAME = Form(re.compile(r"[a-z][a-z0-9_]*"), "its name in lower case, such as sc_task")
_STATE = Form(re.compile(r"-?\d+"), "the state's number")
_STATE_LIST = Form(re.compile(r"-?\d+(?:\s*,\s*-?\d+)*"), "the states' numbers with commas")
_JOURNAL = Form(re.compile("|".join(JOURNALS)), " or ".join(JOURNALS))
_AUTH = Form(re.compile("basic|bearer|api_key"), "basic, bearer or api_key")

OPTIONS: Mapping[str, Option] = {
    "table": Option("The table of the tickets.", "sc_task", INCIDENT, form=_NAME),
    "auth": Option(
        "What tracker.token is: user:password (basic), an OAuth access token (bearer) or a "
        "REST API key (api_key).",
        "api_key",
        "basic",
        form=_AUTH,
    ),
    "journal": Option(
        "The journal for comments: work_notes, which only agents see, or comments, which are "
        "mailed to the caller.",
        "comments",
        "work_notes",
        form=_JOURNAL,
    ),
    CLOSED: Option(
        "The states of a ticket that asks nothing any more.", "3,4,7", "6,7,8", form=_STATE_LIST
    ),
    CANCELED: Option(
        "Those of them whose own name is the ticket's resolution, not the resolution code.",
        "4,7",
        "8",
        form=_STATE_LIST,
    ),
    CLOSE: Option("The state of a ticket whose wait is over.", "3", "6", form=_STATE),
    REOPEN: Option("The state of a ticket that is opened again.", "1", "2", form=_STATE),
    "close_code": Option(
        "The resolution code of a ticket whose wait is over.",
        "Solved (Permanently)",
        "Solution provided",
    ),
    "not_planned_code": Option(
        "The resolution code of a ticket that is not wanted any more.",
        "Not Solved (Not Reproducible)",
        "No resolution provided",
    ),
    "duplicate_code": Option("The resolution code of a duplicate.", "Duplicate", "Duplicate"),
    "close_notes": Option(
        "The resolution notes.", "See the work notes.", "The wait for a review is over."
    ),
    "assignment_group": Option("The group of new tickets: name or sys_id.", "Reviewers"),
    "caller_id": Option(
        "The caller of new tickets: user ID, mail address or sys_id.", "review.bot"
    ),
    "fields": Option(
        "What else new tickets have to say, by the names of the columns.",
        "category=software; impact=3",
        form=PAIRS,
    ),
}


def check_more(settings: TrackerSettings) -> None:
    """What depends on two settings at a time.

    :raises ConfigError: something is wrong; it lists everything that is.
    """
    value = {name: settings.option(name, OPTIONS) for name in OPTIONS}
    found = []
    if value["auth"] == "basic" and not re.fullmatch(r"[^:]+:.+", settings.token):
        found.append("tracker.token (not shown) is not user:password; or set tracker.options.auth.")
    if value["auth"] != "basic" and not re.fullmatch(r"[!-~]+", settings.token):
        found.append("tracker.token (not shown) holds what no token can, such as a space.")
    if value["table"] != INCIDENT:
        found += [
            f"tracker.options.{name} is missing: only of {INCIDENT} the states are known."
            for name in STATES
            if not settings.options.get(name)
        ]
    closed = listed(value[CLOSED])
    if value[CLOSE] not in closed:
        found.append(f"tracker.options.{CLOSE} is {value[CLOSE]!r}, not one of {CLOSED}.")
    if value[REOPEN] in closed:
        found.append(f"tracker.options.{REOPEN} is {value[REOPEN]!r}, one of {CLOSED}.")
    if found:
        raise ConfigError(" ".join(found), problems=found)


def listed(text: str) -> Tuple[str, ...]:
    """The parts of a list with commas."""
    return tuple(part.strip() for part in text.split(","))


def remedy(status: int, table: str) -> str:
    """What to do about a refusal; empty where nothing is known."""
    if status == codes.BAD_REQUEST:
        return f"Check tracker.options.table: {table} must be a table there."
    if status == codes.FORBIDDEN:
        roles = "the role sn_incident_write (or itil)" if table == INCIDENT else "a role"
        return f"Give the account {roles} to read, create and write {table}."
    if status == codes.NOT_FOUND:
        return "Check tracker.url (only https://instance) and what the account may read."
    return ""


def not_moved(state: State) -> str:
    """What to do where a record did not get the state that it should."""
    if state is State.OPEN:
        return (
            "What is closed for good cannot be reopened there: let tracker.reopen_days be less "
            "than the days after which resolved tickets are closed."
        )
    return f"Let the account write state, and check tracker.options.{CLOSE}."


def authorization(auth: str, token: str) -> Dict[str, str]:
    """The header that holds the credential."""
    if auth == "api_key":
        return {"x-sn-apikey": token}
    if auth == "bearer":
        return {"Authorization": f"Bearer {token}"}
    user, _, password = token.partition(":")
    return {"Authorization": basic(user, password)}
