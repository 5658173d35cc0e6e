"""The settings that Jira needs, and what to do where it asks for more."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping

from reviewloop.errors import ConfigError
from reviewloop.http import codes
from reviewloop.trackers.settings import Form, Option, TrackerSettings

GATEWAY = "api.atlassian.com"
"""Where Cloud takes tokens with scopes: ``https://api.atlassian.com/ex/jira/<cloud id>``."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ADVICE = {
    "labels": "Put the field Labels on the project's create and edit screens: the key is a label.",
    "assignee": "Give the pack's account 'Assign Issues' and the person 'Assignable User' in the "
    "project, and put the field Assignee on its create screen.",
    "project": "Check tracker.project, and give the pack's account 'Browse Projects' and 'Create "
    "Issues' there.",
    "issuetype": "Set tracker.options.issue_type to a type of the project, by name or number.",
}


OPTIONS: Mapping[str, Option] = {
    "flavour": Option(
        "Which Jira: auto takes an atlassian.net address or a mail address in tracker.username "
        "for Cloud, and anything else for a server of your own.",
        "server",
        "auto",
        form=Form(re.compile("auto|cloud|server"), "auto, cloud or server"),
    ),
    "web": Option(
        "The address people open, where tracker.url is Atlassian's gateway for scoped tokens.",
        "https://your-domain.atlassian.net",
    ),
    "issue_type": Option("Type of the issues, by name or number.", "Task", "Task"),
    "fields": Option(
        "More fields for every new issue, as the JSON that Jira's REST interface takes.",
        '{"components": [{"name": "Review"}]}',
    ),
    "close": Option(
        "Transition that closes, by its own name or its status's. Left out: the first into a "
        "status of the category Done that is none of tracker.wont_fix.",
        "Resolve Issue",
    ),
    "reopen": Option(
        "Transition that reopens, likewise. Left out: into a status of the category To Do, "
        "else the first into one that is not of the category Done.",
        "Reopen Issue",
    ),
    "resolution": Option(
        "Resolution of what was reviewed, where the closing transition's screen asks for one; "
        "the first of these that it offers.",
        "Done",
        "Done, Fixed, Resolved",
    ),
    "wont_do": Option(
        "The same for what is no longer wanted.", "Won't Do", "Won't Do, Won't Fix, Declined"
    ),
    "duplicate": Option(
        "The same for an issue opened twice; also the type of its link.",
        "Duplicate",
        "Duplicate",
    ),
}


def is_cloud(settings: TrackerSettings, host: str) -> bool:
    """Whether a Jira is on Atlassian's Cloud.

    :raises ConfigError: it is, and the token's mail address is missing.
    """
    flavour = settings.option("flavour", OPTIONS)
    at_atlassian = host == GATEWAY or host.endswith(".atlassian.net")
    cloud = flavour == "cloud" or (flavour == "auto" and (at_atlassian or "@" in settings.username))
    if cloud and not settings.username and host != GATEWAY:
        raise ConfigError(
            "tracker.username is missing: Jira Cloud wants the token's mail address there.",
            "Set it, or tracker.options.flavour to server if this is no Cloud.",
        )
    return cloud


def more_fields(text: str) -> Dict[str, Any]:
    """``tracker.options.fields``, parsed.

    :raises ConfigError: it is no JSON object.
    """
    try:
        fields = json.loads(text or "{}")
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ConfigError(
            "tracker.options.fields is no JSON object.",
            f"Write it as {OPTIONS['fields'].example}.",
        )
    return fields


def advice(data: Any) -> str:
    """What to do about the fields that a refusal names; empty where it names none."""
    errors = data.get("errors") if isinstance(data, dict) else None
    names = [name for name in errors if _FIELD.fullmatch(name)] if isinstance(errors, dict) else []
    for name in names:
        if name in _ADVICE:
            return _ADVICE[name]
    if not names:
        return ""
    return (
        f"Jira wants something of {', '.join(names)}: for a new issue give it in "
        "tracker.options.fields; for a change of status take another transition, in "
        "tracker.options.close or reopen."
    )


def remedy(status: int, project: str) -> str:
    """What to do about a refusal by its status; empty where nothing is known."""
    if status == codes.GONE:
        return "This Jira is on Atlassian's Cloud: set tracker.options.flavour to cloud."
    if status == codes.NOT_FOUND:
        return (
            f"Check tracker.url, tracker.project ({project}) and tracker.options.flavour; the "
            "pack's account needs 'Browse Projects' there."
        )
    if status == codes.FORBIDDEN:
        return (
            f"Give the pack's account these permissions in {project} (tracker.project): Browse "
            "Projects, Create, Edit, Assign, Transition and Link Issues, Add Comments."
        )
    if status == codes.BAD_REQUEST:
        return f"Check that tracker.project ({project}) is there and may be seen by the token."
    return ""
