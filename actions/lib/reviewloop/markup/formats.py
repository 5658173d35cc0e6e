"""The formats that texts are written in, and how long they may be."""

from __future__ import annotations

from enum import Enum

TITLE_LIMIT = 250
"""Characters; GitHub refuses more than 256, Redmine and Jira more than 255."""
BODY_LIMIT = 60_000
"""Characters of a body or comment; GitHub and Bugzilla refuse more than 65,535."""


class BodyFormat(str, Enum):
    """The markup in which a text is shown: a tracker's, or plain text on a Gerrit change."""

    MARKDOWN = "markdown"
    TEXT = "text"
    TEXTILE = "textile"
    JIRA_WIKI = "jira_wiki"
    HTML = "html"
