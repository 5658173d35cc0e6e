"""The settings that Roundup needs, and what to do about its refusals."""

from __future__ import annotations

import re

from reviewloop.http import codes
from reviewloop.trackers.settings import Form

FORMS = {"token": Form(re.compile(r"[^:\s]+:.+"), "user:password")}


def remedy(status: int, user: str) -> str:
    """What to do about a refusal; empty where nothing is known."""
    if status == codes.BAD_REQUEST:
        return (
            "Check that the assignee is a user there, and that tracker.url is exactly the "
            "tracker's own web address (config.ini, [tracker] web)."
        )
    if status == codes.FORBIDDEN:
        return (
            f"Give the user {user} REST access and the rights to create and edit issues, "
            "messages and keywords."
        )
    if status == codes.NOT_FOUND:
        return "Check tracker.url; it must be the tracker's own web address."
    return ""
