"""The settings that GitLab needs, and what to do about its refusals."""

from __future__ import annotations

import re

from reviewloop.http import codes
from reviewloop.trackers.settings import Form, Option

_PATH_PART = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_PROJECT = re.compile(rf"(?!.*\.\.)(?:[0-9]+|{_PATH_PART}(?:/{_PATH_PART})+)")

FORMS = {"project": Form(_PROJECT, "group/project, group/sub/project or the numeric id")}
OPTIONS = {
    "confidential": Option(
        about="Whether tickets are confidential: seen by the assignee and by members with at "
        "least the role Planner, not by the public.",
        example="true",
        default="false",
        form=Form(re.compile("true|false"), '"true" or "false"'),
    )
}


def remedy(status: int, project: str) -> str:
    """What to do about a refusal; empty where nothing is known."""
    if status in codes.MOVED or status == codes.NOT_ALLOWED:
        return (
            f"{project} was renamed or moved: set tracker.project to its new path, or to "
            "its numeric id, which stays."
        )
    if status == codes.NOT_FOUND:
        return (
            f"Check tracker.project: that {project} exists, that its issues are switched "
            "on and that the token's account is a member. Behind a proxy that decodes %2F, use "
            "the numeric id."
        )
    if status == codes.FORBIDDEN:
        return (
            "Give tracker.token the scope 'api' and its account at least the role Planner "
            f"(before GitLab 17.7: Reporter) in {project}."
        )
    if status in (codes.BAD_REQUEST, codes.CONFLICT, codes.UNPROCESSABLE):
        return f"If GitLab took the text for spam, make the token's account a member of {project}."
    return ""
