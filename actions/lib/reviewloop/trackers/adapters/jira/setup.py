"""What a Jira project lacks for tickets: permissions, and the type of issue.

https://docs.atlassian.com/software/jira/docs/api/REST/latest/, ``mypermissions`` and ``project``.
"""

from __future__ import annotations

from typing import Iterator

from reviewloop.trackers import parse
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import member
from reviewloop.trackers.shortfalls import Shortfall

#: What each is called where it is granted; without the second half tickets lack something.
NEEDED = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "ADD_COMMENTS": "Add Comments",
    "TRANSITION_ISSUES": "Transition Issues",
}
BETTER = {
    "EDIT_ISSUES": "Edit Issues",
    "ASSIGN_ISSUES": "Assign Issues",
    "LINK_ISSUES": "Link Issues",
}


def shortfalls(http: Http, project: str, issue_type: str) -> Iterator[Shortfall]:
    """One after the other; raises what reading the project raises."""
    query = {"projectKey": project, "permissions": ",".join((*NEEDED, *BETTER))}
    told = parse.mapping(http.read("/mypermissions", query).data, "the permissions")
    rights = parse.mapping(parse.required(told, "permissions", "the answer"), "the permissions")
    for sure, names in ((True, NEEDED), (False, BETTER)):
        lacking = [
            words
            for name, words in names.items()
            if name in rights and not (rights[name] or {}).get("havePermission")
        ]
        if lacking:
            yield Shortfall(
                f"Our account lacks {', '.join(lacking)} in {project}.",
                "Grant it under Project settings, Permissions.",
                sure,
            )
    yield from _type(http, project, issue_type)


def _type(http: Http, project: str, wanted: str) -> Iterator[Shortfall]:
    about = parse.mapping(http.read(f"/project/{project}").data, "the project")
    types = parse.sequence(about.get("issueTypes") or [], "the types of issues")
    names = [member(one, "name") for one in types]
    ids = [member(one, "id") for one in types]
    if types and wanted not in ids and wanted.casefold() not in map(str.casefold, names):
        yield Shortfall(
            f"{project} has no type of issue {wanted!r}.",
            f"Set tracker.options.issue_type to one of: {', '.join(names)}.",
        )
