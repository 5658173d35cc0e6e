"""What a GitLab project says against tickets in it
(https://docs.gitlab.com/api/projects/#get-a-single-project).
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional
from urllib.parse import quote

from reviewloop.trackers import parse
from reviewloop.trackers.http import Http
from reviewloop.trackers.shortfalls import Shortfall

PLANNER = 15
_GIVE = "Give the token's account at least the role Planner (before GitLab 17.7: Reporter) there."


def shortfalls(http: Http, project: str) -> Iterator[Shortfall]:
    """One after the other; raises what reading the project raises."""
    data = http.read(f"/projects/{quote(project, safe='')}").data
    row = parse.mapping(data, "the project")
    if row.get("archived"):
        yield Shortfall(
            f"{project} is archived: nothing can be written there.",
            "Unarchive it, or set tracker.project to another project.",
        )
    if row.get("issues_enabled") is False or row.get("issues_access_level") == "disabled":
        yield Shortfall(
            f"{project} has its issues switched off.",
            "Switch them on under Settings, General, Visibility; or set tracker.project.",
        )
    level = _level(row.get("permissions"))
    if level is not None and level < PLANNER:
        yield Shortfall(
            f"Our account's role in {project} is {level}, less than Planner ({PLANNER}):"
            " assignees and labels are dropped.",
            _GIVE,
            sure=False,
        )


def _level(rights: Any) -> Optional[int]:
    """Our highest role there; None where it does not tell, as to administrators."""
    if not isinstance(rights, Mapping):
        return None
    found = [one.get("access_level") for one in rights.values() if isinstance(one, Mapping)]
    levels = [one for one in found if isinstance(one, int)]
    return max(levels) if levels else None
